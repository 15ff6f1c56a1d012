#!/usr/bin/env bash
# Writes docs/reference/openapi.json from the routes in internal/api. With --check
# it writes nothing and fails when the committed document is not what they say.
set -euo pipefail
cd "$(dirname "$0")/../.."
page=docs/reference/openapi.json
made=$(mktemp)
trap 'rm -f "$made"' EXIT
go run ./internal/api/apidoc > "$made"
if [ "${1:-}" = --check ]; then
  cmp -s "$made" "$page" || { echo "$page is stale: run scripts/docs/generate_openapi.sh" >&2; exit 1; }
else
  mkdir -p docs/reference
  cp "$made" "$page"
  chmod 644 "$page"
fi

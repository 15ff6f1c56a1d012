#!/usr/bin/env bash
# What can be said about the source without running it. Every check runs; the
# script fails if any did.
set -uo pipefail
cd "$(dirname "$0")/../.."
failed=0
check() { # name, command...
  local name=$1 out; shift
  if out=$("$@" 2>&1); then echo "ok    $name"; else failed=1; echo "FAIL  $name"; printf '%s\n' "$out" | sed 's/^/      /'; fi
}
formatted() { local bad; bad=$(git ls-files '*.go' | xargs -r gofmt -l); [ -z "$bad" ] || { echo "not gofmt-ed: $bad"; return 1; }; }
queries() {
  local sqlc=build/bin/sqlc want=v1.31.1
  if [ "$("$sqlc" version 2>/dev/null)" != "$want" ]; then
    mkdir -p build/bin
    GOBIN="$PWD/build/bin" go install "github.com/sqlc-dev/sqlc/cmd/sqlc@$want" || return 1
  fi
  "$sqlc" diff
}
check "gofmt" formatted
check "go vet" go vet ./...
check "no cgo in the product" env CGO_ENABLED=0 go build -o /dev/null ./cmd/vaultpam
check "queries match their generated code (sqlc)" queries
check "audit event catalog is fresh" scripts/docs/generate_audit_event_catalog.sh --check
check "API description is fresh" scripts/docs/generate_openapi.sh --check
exit $failed

#!/usr/bin/env bash
# Stops the PostgreSQL that tests of this user share, and removes its data.
set -euo pipefail
dir="${TMPDIR:-/tmp}/vaultpam-test-postgres-$(id -u)"
[ -d "$dir/data" ] || exit 0
if [ -f "$dir/data/postmaster.pid" ]; then
  pid=$(head -n1 "$dir/data/postmaster.pid")
  kill -INT "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
fi
rm -rf "$dir" "$dir.lock"

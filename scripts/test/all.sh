#!/usr/bin/env bash
# Everything that is tested, in one go: what `make test` and CI run. Ends with the
# summary of `go test`, which includes the end-to-end and browser tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

step "real parts"
scripts/test/needs.sh
export REQUIRE_TOOLS=1

step "console: build, types, unit tests"
make --no-print-directory console
(cd web && npm run --silent test)

step "static checks"
scripts/test/static.sh

step "Go: unit, both stores, race, fuzz seeds, end to end, browser"
trap 'scripts/test/stop_postgres.sh' EXIT
status=0
go test -race -count=1 -timeout 25m ./... 2>&1 | grep --line-buffered -v 'no test files' | tee build/test.log || status=$?
passed=$(grep -c '^ok' build/test.log || true)
bad=$(grep -cE '^(FAIL|---? FAIL).*\s' build/test.log || true)
printf '\nin %s s\n' "$SECONDS"
if [ "$status" -ne 0 ]; then
  grep -E '^(FAIL|--- FAIL|panic:)' build/test.log | sort -u | head -40
  echo "$passed passed, $((bad > 0 ? bad : 1)) failed"
  exit 1
fi
echo "$passed passed, 0 failed"

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
cleanup() { scripts/test/stop_postgres.sh; [ -z "${scratch:-}" ] || rm -rf "$scratch"; }
trap cleanup EXIT
# Databases flush to the disk at each commit; where there is memory for all of it the tests' files are there.
if [ -z "${TMPDIR:-}" ] && [ "$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 12 ] &&
  [ "$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)" -ge 8388608 ] && scratch=$(mktemp -d /dev/shm/v.XXX); then
  chmod 1777 "$scratch" # other users run servers below it
  printf '#!/bin/sh\n' >"$scratch/try" && chmod +x "$scratch/try"
  if "$scratch/try" 2>/dev/null; then export TMPDIR=$scratch; fi
fi
# SQLite is C that was translated to Go: like any C it is left to its own locks, and
# the race detector watches what calls it. Watched itself it takes four times as long
# and can tell us nothing. (Not its libc: that shares generic code with the standard
# library, and one copy serves both.)
race=(-race "-gcflags=modernc.org/sqlite/lib=-race=false")
# The end-to-end tests have the machine to themselves; the packages run before them.
mapfile -t packages < <(go list ./... | grep -v '/test$')
run() { # log, packages...
  local log=$1; shift
  go test "${race[@]}" -count=1 -timeout 30m "$@" 2>&1 | grep --line-buffered -v 'no test files' | tee "$log"
  return "${PIPESTATUS[0]}"
}
# The end-to-end tests also tell which events they saw in a ledger.
export VAULTPAM_TEST_EVENT_COVERAGE=$PWD/build/event-coverage.json
rm -f build/event-coverage*.json build/again*.log
status=0
run build/test.log "${packages[@]}" || status=$?
run build/e2e.log ./test || status=$?

# A line for each package that failed: its path, and its failed tests as one pattern. No
# pattern where the package as a whole failed: it does not build, panicked, took too long.
failed() {
  cat build/test.log build/e2e.log | awk '
    /^--- FAIL: / { if ($3 ~ /^(Test|Fuzz|Example)/) tests = tests (tests ? "|" : "") $3; else whole = 1 }
    /^panic: / { whole = 1 }
    $1 == "ok" && NF > 1 { tests = ""; whole = 0 }
    $1 == "FAIL" && NF > 1 { print $2, (whole || !tests ? "" : "^(" tests ")$"); tests = ""; whole = 0 }'
}
again=()
if [ "$status" -ne 0 ]; then mapfile -t again < <(failed); fi
if [ "${#again[@]}" -gt 0 ] && [ "${#again[@]}" -le 3 ] && [ "$(printf '%s' "${again[@]}" | tr -cd '|' | wc -c)" -le 5 ]; then
  # What fails beside others and holds alone is told here, and is a test to mend; what fails twice fails the run.
  status=0
  export VAULTPAM_TEST_EVENT_COVERAGE=$PWD/build/event-coverage-again.json
  for one in "${again[@]}"; do
    read -r package tests <<<"$one"
    step "once more, alone: $package ${tests:-whole}"
    run "build/again-${package##*/}.log" -p 1 ${tests:+-run "$tests"} "$package" || status=$?
  done
  if [ "$status" -eq 0 ]; then echo "these failed beside others and hold alone: ${again[*]}"; fi
fi
if [ "$status" -eq 0 ]; then
  go run ./test/coverage build/event-coverage*.json >build/event-coverage.txt || status=$?
  echo "events seen by end-to-end tests: $(tail -n 1 build/event-coverage.txt)"
fi
passed=$(cat build/test.log build/e2e.log | awk '$1 == "ok" { print $2 }' | sort -u | wc -l)
printf '\nin %s s\n' "$SECONDS"
if [ "$status" -ne 0 ]; then
  cat build/*.log | grep -E '^(FAIL|--- FAIL|panic:)' | sort -u | head -40
  echo "$passed passed, ${#again[@]} failed"
  exit 1
fi
echo "$((passed + ${#again[@]})) passed, 0 failed"

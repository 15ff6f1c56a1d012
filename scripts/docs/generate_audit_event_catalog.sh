#!/bin/sh
# Writes the public pages of the audit event catalog from the Go types:
#   docs/reference/audit-event-catalog.md
#   docs/reference/audit-events.schema.json
# With --check it writes nothing, names each page that differs, and exits with 1.
set -eu
case "${1-}" in
'' | --check) ;;
*)
	echo "usage: $0 [--check]" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/../.."
if ! go run ./internal/audit/event/cmd/catalogdoc "$@"; then
	[ "${1-}" = --check ] && echo "to write the pages anew: scripts/docs/generate_audit_event_catalog.sh" >&2
	exit 1
fi

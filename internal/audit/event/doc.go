// Package event is the audit event catalog: one Go type and one constructor for each
// event, a file or a few for each category.
//
// An event that compiles is complete and right. Required metadata are parameters of
// the constructor, optional ones are With methods. Enums and reasons are closed types
// whose values only this package can make; every event has reasons of its own, and
// Denied and Failed exist only where the catalog lists that outcome. All fields are
// unexported and no type that can hold a secret is among them. What a compiler cannot
// see (an actor type outside of the event's set, an event made without its
// constructor, a payload over 32 KiB) is an error of Encode.
//
//	act := event.By(actor, event.OrgAdmin)
//	err := ledger.Record(ctx, tx, event.NewSafeMemberAdded(act, event.SafeTarget(safe.ID, safe.Name), user, role))
//	...
//	ledger.RecordRefusal(ctx, event.NewSessionStartRequested(act, target, event.ProtocolSSH, safe, account, policy).
//		Denied(event.SessionStartRequestedOutsideValidHours))
//
// Whoever adds an event or a field changes the type here, runs
// scripts/docs/generate_audit_event_catalog.sh, and commits the pages it writes.
// Within one schema version names, types and wire strings never change, and nothing
// is removed or made required; a test compares with the last release.
package event

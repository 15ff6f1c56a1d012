// Package envelope is what all audit events have in common: who acted (Act), on
// what (Target), with which outcome, and how that becomes the bytes that are kept.
//
// It is the ground under two packages that define event types, internal/audit/event
// and internal/gateway/ssh/sshevent, and exists because the second must not import
// the first. Everybody else imports internal/audit/event, which has aliases for all
// that they need; a test holds that.
//
// An event type is a struct that embeds Base and has one unexported field for each
// metadata field, tagged with its name:
//
//	type MemberAdded struct {
//		base
//		subject id.User                    `meta:"subject_user_id"`
//		role    string                     `meta:"role"`
//		endsAt  envelope.Optional[Instant] `meta:"ends_at"`
//	}
//
// The struct is the only statement of an event's metadata: the catalog, the JSON
// Schema and the payload are read from it. The Go type of a field gives its catalog
// type (see fieldType), Optional makes it optional. Everything else that the catalog
// says of an event stands in the Definition given to Define.
//
// Encode makes the payload, once: canonical JSON (RFC 8785), kept byte for byte.
package envelope

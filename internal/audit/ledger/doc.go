// Package ledger keeps the audit events: it writes them in the transaction of the
// act that they tell of, numbers them without gaps into an RFC 6962 tree, signs
// checkpoints of that tree, proves inclusion and consistency, and reads them back.
// There is one ledger for each organization and one for the platform.
//
// The way of an event:
//
//   - Record puts it into the caller's transaction, without a number. If that
//     transaction is undone, so is the event. RecordRefusal commits it alone, many
//     concurrent ones sharing a transaction.
//   - The sequencer (Run), woken by commits, takes what is committed and has no
//     number, in order of (recorded_at, id), and numbers it. Whoever commits late
//     gets a later number; readers go by number only, so nobody misses a row. Numbers,
//     tree and search columns move in one transaction.
//   - The signer (Run) signs the root every minute in which the tree grew, after it
//     has proved that the tree continues the last one that was signed. When it does
//     not, nothing is signed, the incident is recorded, and the ledger stands still
//     until a person has looked at it (Resume).
//
// What is committed to the tree is defined in internal/audit/verify, which
// outsiders run; this package has no definition of its own.
//
// The limits: an attacker who can write to the database can add an event, or take
// one away, in the moment before it is numbered; after that, changes show against
// any checkpoint that left the system. Sessions are refused when events cannot be
// written (Healthy), so that nothing happens unseen.
package ledger

// Package session is the life of a privileged session, over any protocol.
//
// The path is the same for every door. Launch decides whether this person may
// open this safe now, and mints a launch grant: 256 random bits, kept only as a
// hash, bound to user, safe, resource, account, protocol and client, good for
// sixty seconds and for one use. A gateway redeems the grant for a Ticket, asks
// for the credential with Lease, signs in at the target, and calls Start: the
// recording's header is durable before the session counts as established. From
// then on a Live stands for the running session, and exactly one of three things
// ends it: its user, an administrator, or the product.
//
// What decides is always the database. Single use of a grant, the step from
// starting to live and the step from live to ended are each one conditional
// statement whose row count is checked, in the transaction that records the
// event. So two servers, or two goroutines, that want the same step cannot both
// take it, and every established session has exactly one SESSION_TERMINATED_*
// event, whoever raced whom.
//
// Enforcement is one clock for all live sessions of this server, not a goroutine
// for each. Every half second it looks at limits that need no database (time to live,
// idle, valid hours, recorder, ledger) and asks once for each organization with
// live sessions whether their people still have what let them in. Changes made
// by another server are seen by the same question; a change made here wakes the
// clock at once through Notify.
//
// The order at the end: the termination and the gateway's totals are recorded in
// one transaction, then the recording is closed, digested and verified. When the
// ledger cannot take the termination, the session is cut all the same and the
// event is written as soon as the ledger is back.
package session

// Package ssh is the SSH gateway: a server to the person's client, a client to
// the target, and between the two a place where every byte is counted, recorded
// and, where the safe's policy says so, refused.
//
// A connection goes through it in one order. The client proves who its person is
// (auth.go). The user name says which safe is meant (login.go); without one, a
// picker asks (picker.go). The control plane decides and hands out a ticket, and
// only then is anything accepted: no channel, no request, no forward before the
// decision. A route (route.go) is the privileged session that follows: it leases
// the credential, dials the target, checks its pinned host key, signs in, and has
// the session started, which makes the recording's header durable. Channels
// (channel.go) are then joined pair by pair. What is read is recorded before it
// is written onwards; when recording fails, the session ends.
//
// File transfers are understood, not re-implemented. For the SFTP subsystem and
// the old scp protocol a tap (sftp.go, scp.go) reads along and records operations
// with names and sizes in place of contents; the bytes themselves pass untouched.
// A tap believes the bytes, never the command line: the moment they are not what
// the protocol allows, everything from there on is recorded raw.
//
// Forwards are refused unless the policy allows them, lead only to what the safe
// names, and are recorded with their ends and byte counts (forward.go, remote.go).
// A client that uses the gateway as a jump host is not given a pipe: the
// gateway answers as the host inside the jump (jump.go), so that such a session
// takes the same path as every other.
//
// Where the clipboard is blocked, what a target sends to one and what a terminal marks
// as pasted is taken out before it is recorded and moved on (clipboard.go).
//
// What this package cannot do: a forward's or an encrypted file's contents stay
// opaque to it, and refusing commands by their names (scp, sftp-server, rsync)
// is help, not a wall, since any shell can move a file.
package ssh

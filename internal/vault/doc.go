// Package vault keeps the accounts under management and their credentials.
//
// A credential enters once, is checked, sealed, and never read back by anybody
// who manages it: no list, no get and no event of this package carries it. It
// leaves in one way, Lease, for one session, and each leaving is an event
// (SECRET_ACCESSED) that is durable before the secret is handed out.
//
// Credentials have versions. A new one becomes current in the same transaction
// that retires the one before, and versions are never overwritten. A private key
// is kept without the passphrase it came with: sealing protects it better than a
// passphrase stored beside it would, and opening it costs nothing at each login.
package vault

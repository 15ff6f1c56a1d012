// Package seal keeps secrets unreadable at rest, by envelope encryption in
// three steps. A root key, in a file that only the server's own user may read,
// wraps keysets; there is one keyset for each organization and one for the
// platform, stored in the database; the newest key of a keyset (XAES-256-GCM)
// seals the secrets of its organization. Whoever takes the database has nothing
// without the file, and whoever takes one organization's keyset has nothing of
// another's.
//
// Sealed bytes are bound to their place: organization and context (for example
// "account/acc_.../v/3") are authenticated with them, so that a row copied over
// another does not open.
//
// Both kinds of keys rotate while the product runs. An organization's rotation
// adds a key that seals from now on; the older ones still open, and Reseal moves
// what they sealed. The root's rotation adds a root key to the file, wraps every
// keyset anew, and only then drops the old one; between the steps both are known,
// so the product may be stopped and started at any moment of it.
//
// Keysets are unwrapped once and kept in memory. That is the limit of what this
// package promises: it does not protect from who reads the server's memory.
package seal

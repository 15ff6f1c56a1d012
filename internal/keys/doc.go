// Package keys is how people renew what everything else is sealed and signed with:
// the root key of the installation, the key of an organization, the key that signs
// a ledger. Each of them is replaced while the product goes on working, by an
// administrator who has proved a second factor just now, and leaves its event.
//
// It also lets a ledger go on that stopped because its tree was not the one that
// was signed. Whoever does that has looked at it; the event says who it was.
package keys

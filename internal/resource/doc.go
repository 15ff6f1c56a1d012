// Package resource keeps the connection definitions of an organization: what
// can be reached, at which address, and which host keys it may show.
//
// Two rules of it stand between a hostile configuration and our own network.
// The dial list is closed: addresses of the machine itself, of link-local
// metadata services and of groups are refused on the very address that is
// dialled, after names are resolved, so a name that changes its answer gains
// nothing (see Dialer). And no host key is ever trusted because it was there: a
// scan shows what the target presents, an administrator confirms the
// fingerprint, and from then on only confirmed keys pass (see Resource.CheckHostKey).
//
// A resource gives nobody access; only a safe does.
package resource

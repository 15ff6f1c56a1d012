// Package client speaks to a VaultPAM server over its REST API, as a person's
// command line does. It trusts the system's certificate authorities and those of
// one more file, nothing else; it follows no redirect, so that a token is sent to
// the one origin that its owner named; and it turns every failure, of the network
// and of the server, into a fault whose text a person can act on.
//
// It knows nothing of terminals, files or commands.
package client

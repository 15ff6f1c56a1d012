// Package verify is the whole knowledge that an outsider needs to check an audit
// ledger: how an event becomes a leaf, how leaves become a signed root, and how
// an exported bundle is read. It imports the standard library and golang.org/x/mod
// only, opens no network and no store, and trusts nothing but the verifier keys
// (and, where one was kept, the older checkpoint) that its caller brings.
//
// The chain is payload and salt -> payload hash -> leaf -> RFC 6962 tree ->
// checkpoint, a signed note in the form of C2SP tlog-checkpoint. A bundle holds
// one ledger's rows, the leaf hashes as the ledger stored them and checkpoints.
// Only the checkpoint is trusted, through its signature; the stored leaf hashes
// merely help to say which row is wrong once the root has told that one is.
//
// What a verified bundle does not show: that an act was recorded at all, that a
// row did not vanish before it got its number, or, without an older checkpoint,
// that the holder of the signing key did not write the whole history anew. The
// format is described in docs/reference/ledger-format.md.
package verify

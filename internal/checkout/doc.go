// Package checkout shows the credential of a safe to a person for a time.
//
// Whether somebody may is decided by the one engine that decides launches, for the use
// "checkout": their role on the safe, or an approved request that is for a checkout, and
// the policies. Beside it they prove a fresh second factor at each look. One person at a
// time holds the credential of an account, whatever safe leads to it; an index of the
// store holds that.
//
// The lease is committed, with CREDENTIAL_CHECKOUT_STARTED, before the credential is
// fetched; it is handed over, with CREDENTIAL_CHECKOUT_COMPLETED, in the transaction in
// which the vault records SECRET_ACCESSED. A lease that was never handed over (the server
// was killed in between, the secret did not open) is closed as failed. It ends when its
// holder or an administrator checks it in, by the clock, when the account is disabled, and
// when the holder loses the right; then the account is marked as due for rotation.
//
// A secret that somebody has seen cannot be taken back: the end of a checkout ends the
// right to see it, and the rotation that follows ends what was seen. The secret is never in
// a row, event, log or list of this package; only Open and Reveal return it.
package checkout

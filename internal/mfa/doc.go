// Package mfa keeps second factors: TOTP secrets, backup codes, and the
// challenges by which a factor is demanded and proved.
//
// A proof has three steps, because opening a sealed secret must not happen
// inside a transaction and burning a code must. Find looks up the challenge that
// the person answers; Weigh compares what they typed with what they have, and
// decides nothing; Settle, in the caller's transaction, burns the code with one
// conditional statement, closes the challenge, and records the outcome. A code
// is accepted once: of two answers with the same code, whichever server they
// reach, one finds no row left to change.
//
// A TOTP code counts for its own 30 seconds and for those before and after. The
// newest step that was used is kept, and no step up to it is accepted again.
// What a person types is brought to one spelling first: spaces and hyphens are
// dropped, wide digits become digits.
//
// The package has methods for a transaction only and checks no rights: identity
// composes them with the password, the session and the limits of an account.
package mfa

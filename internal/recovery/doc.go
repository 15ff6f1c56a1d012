// Package recovery gives people back their account when they have lost every second
// factor. Four proofs stand in for the one that is gone: the password, the mailbox,
// an administrator who has spoken with the person, and the mailbox once more.
//
//	request (password) -> requested -> proof by e-mail -> pending -> an administrator
//	decides -> approved -> grant by e-mail, 15 minutes, once -> consumed (password
//	again) -> a new factor is set up -> completed
//
// The old factors work until the new one is set up; then they and the backup codes
// are gone, and every web session, API token and certificate of the person ends.
// The word of an organization's identity provider stands in for the password of
// somebody who has none to sign in with. It reaches further than that organization
// when they belong to others too, for the new factor opens all of them; and there
// the provider, the mailbox and the administrators may be in one hand. Such a case is
// put to the platform, and the same provider's word goes with its grant. Operators of
// the platform always give their password.
//
// Each state ends by the clock, and a person has one case at a time.
//
// A case belongs to the organization in which the person's role is strongest (the
// oldest of several), and an operator's to the platform. Those decide who could give
// that role: an admin does not decide an owner's case. Where nobody in the
// organization may, the administrators of the platform do; where nobody at all may
// but the person, there is no recovery, and the request says so. Nobody decides
// their own.
package recovery

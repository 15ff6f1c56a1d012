// Package signup lets strangers ask for an organization of their own.
//
// Somebody gives an e-mail address and gets a link; the answer is the same whether
// the address is known or not. The link opens their case, a draft at first, and
// gives what their browser shows from then on. They say what the organization is to
// be called and who its owner will be, and send it. A platform administrator
// approves it, which makes the organization and its owner in one transaction, turns
// it down, or returns it for correction; the applicant sees the state on a waiting
// page and is told by e-mail. A new link to the same address leads back to the same
// case while it is open.
package signup

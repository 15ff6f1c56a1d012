// Package invitation brings people into an organization.
//
// An administrator names an e-mail address, a role and safes; the address gets a
// link with 256 random bits, of which only a hash is kept. The link is good for
// seven days and one acceptance; sending it again makes a new one and voids the
// old. Opening the link shows what it leads to and changes nothing, because mail
// scanners open links too. Going on from there opens a flow, which the browser
// holds. It ends in a membership in two ways: somebody who is not known yet
// chooses a handle and a password; somebody who is known signs in, with their
// second factor, under the address that was invited and no other.
//
// What was promised is weighed again when it is kept: the organization must be
// active, the inviter must still be able to give the role, and the rules of the
// organization must allow the address.
package invitation

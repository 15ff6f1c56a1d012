// Package identity knows people: who they are, how they prove it, and what stands
// for them afterwards (web sessions, API tokens, SSH keys and certificates).
//
// A person belongs to the installation; what they may do in an organization is
// told by a row in member, which tenancy keeps and identity only reads. Nothing
// here is cached: the actor of each request is made from the rows as they are.
//
// A password alone opens nothing. With a second factor enrolled it leads to a
// challenge; without one it leads to a web session whose actor is Enrolling, and
// may enrol a factor and do nothing else.
//
// Every way in fails alike. Whatever was wrong, the answer is AUTH_FAILED with
// one text, after the same work: one password hash, of a decoy where there is
// no such person, and one transaction that counts the failure and records its
// event. The limit of a source answers RATE_LIMITED before any of that, and says
// nothing about a person. Ten failures of any factor lock an account for fifteen
// minutes, for every door; a success before the second factor does not reset the
// count, so a known password does not give free guesses at the code.
//
// What is offered is not what is proved. An SSH client asks about keys before it
// signs with one; the answer is an Offer, which has no name in it. Only Prove,
// called with the key whose signature held, makes a Person, and only a Person
// becomes an actor.
package identity

// Package authz answers one question: may this actor do this action on this
// object? The rules are policies in data (policies.cedar, in the Cedar
// language), and Check is the only way to ask.
//
// No rule permits, no access: an action that is not in the table of this
// package, an object without its organization, an actor nobody has proved, or a
// rule that cannot be evaluated all mean no. A role in an organization counts
// only for objects of that organization; the caller still answers NotFound, not
// Denied, for another organization's object, because only the caller knows that
// it looked one up.
//
// An API token has the rights of its owner at the moment of use, cut down to the
// actions its scopes name. Every action belongs to one scope or is for persons
// only.
//
// What depends on more than who and what (approval, hours, step-up, the last
// owner) is decided by the domain that knows it, after Check.
package authz

// Package safe keeps the safes of an organization. A safe is the only thing
// that gives access: members in roles, one resource, one account on it, and the
// policy under which the one is reached as the other.
//
// Whether somebody may use a safe is asked anew each time it matters, at launch
// and each second while a session lives; Service.Access answers with one
// statement, from the rows as they are, and nothing is cached. So taking a member
// away, disabling the account or narrowing the policy holds from the next second.
//
// A policy is a value. What it demands of the moment (hours, networks, a fresh
// second factor) is decided by package policy; what it allows inside a session is
// read from its fields by the gateways; what a change of it weakens is told in
// the event of that change.
package safe

// Package access is how people get to open a safe for a time: they ask and others
// approve, a colleague lends them their own access, or, in an emergency, they open
// the glass and everybody hears of it.
//
// A request asks for one safe, with a reason and a duration. What it needs (nobody,
// one approval, or two by different people) is decided by the engine that decides
// launches too, when it is filed, and stands in its row. Approvers are those whom
// the policy names: approvers and managers of the safe, members of a group, single
// people; owners and admins of the organization always. The requester never counts,
// nor does anybody to whom they have lent something on the safe, and a right that was
// lent counts once. The last approval opens a grant: this person, this safe, from
// then until then. Launch asks for grants (GrantsOf); what it is given it stores with
// the session, so that a request knows its sessions and a session its request.
//
// Two rules of a safe approve by themselves: its asker is in a group that it names, or
// the organization's ticket system says that the ticket is open. That system is asked
// before the request is stored, and whatever is not a clear yes is left to the approvers.
//
// A grant ends by the clock, by revocation, or with its person or safe; live
// sessions on it end within two seconds on every server, because the clock of
// package session asks again. With Once, a grant opens one session, and reconnects
// within the cool-down after it.
//
// Every step from open to anything else is one conditional statement whose row count
// is checked, in the transaction that records the event: of two approvers at once,
// one decides, and the other is told that it is decided.
package access

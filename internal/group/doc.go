// Package group keeps groups of people. A group by itself allows nothing; bound to
// a safe (package safe) it brings its role there to each of its members, and
// conditions of policies can name it.
//
// A group has one owner of its members. Those of a local group are edited here. A
// directory (SCIM) owns its groups altogether: name, members, end. Of a group that
// follows an identity provider (SSO) the members are those whose sign-in names the
// provider's group; its name here and its end are the organization's.
//
// Who edits a group gives what the group brings. So beside the right to edit groups
// it takes, on each safe that the group is bound to, the right to change the members
// of the safe and a role there that is not below the one brought; administrators of
// the organization have that on every safe, an API token only with the scope for it.
//
// Whoever's access a change of members changes is told by package safe, one event
// each, in the transaction of the change.
package group

// Package scim takes people and groups from an organization's directory (SCIM 2.0,
// RFC 7643 and 7644), as Entra ID and Okta push them.
//
// A directory's word reaches as far as its organization. It makes a person known
// when nobody has the address yet, and gives them a place and a role; it never
// changes who somebody is for others: address, handle and name of a person who is
// known stay as they are. Deactivating somebody takes their place in the
// organization away, with everything that hangs on it, and nothing else.
//
// Groups are kept as the directory has them. Here they give roles: rules of the
// organization name groups, the first that matches counts. An owner is made by an
// owner only; the last owner stays whatever a directory says.
//
// The parsers of filters and patches take what clients really send: "active" as
// the text "False", operations in any case, attributes with dots in place of
// paths, attributes that nobody keeps.
package scim

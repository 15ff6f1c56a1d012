package authz

import (
	"slices"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Roles are the roles of an organization, strongest first.
func Roles() []Role { return []Role{Owner, Admin, Operator, Auditor} }

// SafeRoles are the roles on a safe, weakest first.
func SafeRoles() []SafeRole { return []SafeRole{SafeUser, SafeCheckout, SafeApprover, SafeManager} }

// Valid tells whether r is one of the four roles; None is not.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Valid tells whether r is one of the platform's roles; none is not.
func (r PlatformRole) Valid() bool { return r == PlatformAdmin || r == PlatformAuditor }

// Includes tells whether a holder of r has every right that a holder of other
// has. Nobody gives or takes a role that their own does not include.
func (r Role) Includes(other Role) bool {
	switch {
	case other == None:
		return true
	case r == Owner:
		return other.Valid()
	case r == Admin:
		return other == Admin || other == Operator || other == Auditor
	}
	return r.Valid() && r == other
}

// ParseRole reads a role's name, as outsiders write it.
func ParseRole(s string) (Role, error) {
	if r := Role(s); r.Valid() {
		return r, nil
	}
	return None, fault.New(fault.Invalid, "%.40q is not a role: use owner, admin, operator or auditor", s).WithField("role", "one of owner, admin, operator, auditor")
}

// Rank orders the safe roles: 0 for none, then rising. Each includes the ones below it.
func (r SafeRole) Rank() int { return slices.Index(SafeRoles(), r) + 1 }

// MayCarry tells whether an API token of actor may be given scope: whether there
// is anything at all in it that their role, or some role on a safe, lets them do.
func MayCarry(actor Actor, scope string) bool {
	person := Actor{Kind: Person, User: actor.User, Org: actor.Org, Role: actor.Role, PlatformRole: actor.PlatformRole}
	if scope == AllScopes {
		return person.Role.Valid() || person.PlatformRole.Valid()
	}
	for _, r := range rules {
		if r.scope != scope || scope == "" {
			continue
		}
		for _, org := range []id.Org{actor.Org, ""} {
			for _, role := range append([]SafeRole{NoSafeRole}, SafeRoles()...) {
				if May(person, r.action, Object{ID: "any", Org: org, SafeRole: role, Owner: person.User}) {
					return true
				}
			}
		}
	}
	return false
}

package tenancy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// JoinRules is what an organization asks of those who want to join it.
type JoinRules struct {
	Name       string
	Active     bool
	Domains    []string // of e-mail addresses; empty: any
	RequireMFA bool     // a second factor of their own, however they sign in
	SSOOnly    bool     // by single sign-on and no other door
	Seats      int      // 0: no limit
	Members    int
	Support    string // whom people can ask; may be empty
}

// Allows tells whether an address, in canonical form, may belong to a member.
func (r JoinRules) Allows(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return len(r.Domains) == 0 || slices.Contains(r.Domains, domain)
}

// Full tells whether there is no room for one more, beside pending others.
func (r JoinRules) Full(pending int) bool { return r.Seats > 0 && r.Members+pending >= r.Seats }

// The codes of the faults that keep somebody out.
const (
	SeatLimit        = "SEAT_LIMIT"
	DomainNotAllowed = "DOMAIN_NOT_ALLOWED"
)

// admits says which rule keeps one more member with this address out; nil when none does.
// A service account has no address of anybody's.
func (r JoinRules) admits(email string) error {
	switch {
	case !identity.IsService(email) && !r.Allows(email):
		return fault.New(fault.Denied, "%s takes members of certain e-mail domains only, and this is none of them", r.Name).WithCode(DomainNotAllowed)
	case r.Full(0):
		return fault.New(fault.Conflict, "%s has as many members as it may have (%d): remove one, or ask the operator of this installation for more seats", r.Name, r.Seats).WithCode(SeatLimit)
	}
	return nil
}

// Gate is Rules for a transaction in which somebody joins: until it ends nobody else
// does, so that the last seat is given once.
func (s *Service) Gate(ctx context.Context, tx *db.Tx, org id.Org) (JoinRules, error) {
	if _, err := tenancysql.New(tx).HoldOrganization(ctx, tenancysql.HoldOrganizationParams{Now: s.now(), ID: string(org)}); err != nil {
		return JoinRules{}, fmt.Errorf("hold the organization: %w", err)
	}
	return s.Rules(ctx, tx, org)
}

// Rules reads the rules of an organization.
func (s *Service) Rules(ctx context.Context, tx *db.Tx, org id.Org) (JoinRules, error) {
	q := tenancysql.New(tx)
	o, err := q.GetOrganization(ctx, string(org))
	if db.NotFound(err) {
		return JoinRules{}, fault.New(fault.NotFound, "no such organization")
	}
	if err != nil {
		return JoinRules{}, fmt.Errorf("read organization %s: %w", org, err)
	}
	st, err := s.settings(ctx, tx, org)
	if err != nil {
		return JoinRules{}, err
	}
	members, err := q.CountMembers(ctx, string(org))
	if err != nil {
		return JoinRules{}, fmt.Errorf("count members: %w", err)
	}
	r := JoinRules{Name: o.Name, Active: o.State == "active", Domains: st.AllowedDomains, RequireMFA: st.RequireMFA, Seats: st.SeatLimit,
		Members: int(members), Support: st.SupportContact}
	if s.d.SSO != nil {
		if r.SSOOnly, err = s.d.SSO.Only(ctx, tx, org); err != nil {
			return JoinRules{}, err
		}
	}
	return r, nil
}

// RoleOf is a person's role in an organization at this moment; see Directory.RoleIn.
func (s *Service) RoleOf(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (authz.Role, error) {
	return Directory{}.RoleIn(ctx, tx, org, user)
}

// IsMember tells whether an address is a member's, suspended ones included.
func (s *Service) IsMember(ctx context.Context, tx *db.Tx, org id.Org, email string) (bool, error) {
	_, err := tenancysql.New(tx).MemberByEmail(ctx, tenancysql.MemberByEmailParams{OrgID: string(org), Email: email})
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a member: %w", err)
	}
	return true, nil
}

// OwnFactor tells whether a member must prove a second factor of their own, even where
// that of an identity provider is trusted.
func (s *Service) OwnFactor(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (bool, error) {
	st, err := s.settings(ctx, tx, org)
	if err != nil || st.RequireMFA {
		return st.RequireMFA, err
	}
	demanded, err := tenancysql.New(tx).OwnFactorDemanded(ctx, tenancysql.OwnFactorDemandedParams{OrgID: string(org), UserID: string(user)})
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what is demanded of %s: %w", user, err)
	}
	return demanded, nil
}

// Join makes the membership that an accepted invitation promised. Its event is the invitation's.
func (s *Service) Join(ctx context.Context, tx *db.Tx, org id.Org, user id.User, role authz.Role, requireMFA bool) error {
	err := tenancysql.New(tx).InvitedMember(ctx, tenancysql.InvitedMemberParams{OrgID: string(org), UserID: string(user), Role: string(role), RequireMfa: requireMFA, Now: s.now()})
	if db.Unique(err) {
		return fault.New(fault.Conflict, "this person is a member of the organization already").WithCode("ALREADY_MEMBER").Because(err)
	}
	if err != nil {
		return fmt.Errorf("store a member: %w", err)
	}
	return nil
}

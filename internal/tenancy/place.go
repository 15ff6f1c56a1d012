package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// Placement is what an organization's own directory says of a known person's
// place: its identity provider or its SCIM client.
type Placement struct {
	Org     id.Org
	User    id.User
	Role    authz.Role // None: they have none any more
	Source  event.RoleSource
	Actor   authz.Actor // who says so; zero: the product, in consequence of Request
	Request id.Request
	New     bool // who is not a member becomes one
	Keep    bool // a member keeps the role that they have
}

// Place gives a person their place in the caller's transaction, and tells the role
// that they have then. An owner keeps that role as long as they have a place; the
// last one keeps the place too (the fault's code is LAST_OWNER). Who would be new meets
// the rules of the organization (SeatLimit, DomainNotAllowed).
func (s *Service) Place(ctx context.Context, tx *db.Tx, p Placement) (authz.Role, error) {
	actor := p.Actor
	if actor.Kind == authz.Nobody {
		if actor = authz.SystemActor(p.Org); p.Request != "" {
			actor.Request = p.Request
		}
	}
	q := tenancysql.New(tx)
	if _, err := q.HoldOrganization(ctx, tenancysql.HoldOrganizationParams{Now: s.now(), ID: string(p.Org)}); err != nil {
		return authz.None, fmt.Errorf("hold the organization: %w", err)
	}
	row, err := q.GetMember(ctx, tenancysql.GetMemberParams{OrgID: string(p.Org), UserID: string(p.User)})
	if err != nil && !db.NotFound(err) {
		return authz.None, fmt.Errorf("read a member: %w", err)
	}
	c := change{actor: actor, user: p.User, from: authz.Role(row.Role), to: p.Role, source: p.Source}
	switch {
	case c.from == c.to, c.from == authz.Owner && c.to != authz.None, c.from != authz.None && p.Keep, c.from == authz.None && !p.New:
		return c.from, nil
	case c.to == authz.Owner:
		return c.from, errors.New("tenancy: no directory makes an owner")
	case c.from != authz.None:
		_, err := s.apply(ctx, tx, c)
		return c.to, err
	}
	rules, err := s.Rules(ctx, tx, p.Org)
	if err != nil {
		return authz.None, err
	}
	email, err := q.PersonEmail(ctx, string(p.User))
	if err != nil {
		return authz.None, fmt.Errorf("read person %s: %w", p.User, err)
	}
	if err := rules.admits(email); err != nil {
		return authz.None, err
	}
	if err := s.Join(ctx, tx, p.Org, p.User, p.Role, rules.RequireMFA); err != nil {
		return authz.None, err
	}
	_, err = s.d.Ledger.Record(ctx, tx, c.event(event.TenantTarget(p.Org, rules.Name)))
	return c.to, err
}

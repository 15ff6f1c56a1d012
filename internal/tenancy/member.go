package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

func object(org id.Org, user id.User) authz.Object {
	return authz.Object{Type: authz.MemberObject, ID: string(user), Org: org, Owner: user}
}

// MemberSearch narrows a list of members. The zero value finds all.
type MemberSearch struct {
	Text     string // in name, e-mail address or handle, whatever the case; or the whole id
	Role     authz.Role
	People   bool // no service accounts
	Services bool // only those
}

// Members lists the members of the active organization by handle.
func (s *Service) Members(ctx context.Context, actor authz.Actor, p page.Request) (page.List[Member], error) {
	return s.FindMembers(ctx, actor, MemberSearch{}, p)
}

// FindMembers lists the members of the active organization that the search names, by handle.
func (s *Service) FindMembers(ctx context.Context, actor authz.Actor, f MemberSearch, p page.Request) (page.List[Member], error) {
	if err := authz.Check(actor, authz.MemberList, object(actor.Org, "")); err != nil {
		return page.List[Member]{}, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Member]{}, err
	}
	if f.Text = strings.TrimSpace(f.Text); utf8.RuneCountInString(f.Text) > 100 {
		return page.List[Member]{}, fault.New(fault.Invalid, "search for at most 100 characters").WithField("q", "must be at most 100 characters")
	}
	args := tenancysql.ListMembersParams{OrgID: string(actor.Org), After: after, N: int32(n), Role: string(f.Role), Low: pattern(strings.ToLower(f.Text)), Typed: pattern(f.Text), Exact: f.Text}
	if f.People {
		args.People = identity.ServicePattern
	}
	if f.Services {
		args.Service = identity.ServicePattern
	}
	var rows []tenancysql.ListMembersRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = tenancysql.New(tx).ListMembers(ctx, args)
		return err
	})
	if err != nil {
		return page.List[Member]{}, fmt.Errorf("list members: %w", err)
	}
	out := make([]Member, len(rows))
	for i, r := range rows {
		out[i] = member(r.UserID, r.Email, r.Handle, r.Name, r.Role, r.State, r.CreatedAt, r.SuspendedAt)
		out[i].MFA = r.Factors > 0
	}
	return page.Cut(out, n, func(m Member) string { return m.Handle }), nil
}

// pattern finds a text anywhere, as an SQL pattern with ! before what it means itself.
func pattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

func member(user, email, handle, name, role, state string, created, suspended int64) Member {
	m := Member{
		Profile: identity.Profile{ID: id.User(user), Email: email, Handle: handle, Name: name},
		Role:    authz.Role(role), Active: state == activeState && suspended == 0, JoinedAt: db.Time(created), Service: identity.IsService(email),
	}
	if suspended != 0 {
		m.SuspendedAt = db.Time(suspended)
	}
	return m
}

func memberOf(r tenancysql.GetMemberRow) Member {
	return member(r.UserID, r.Email, r.Handle, r.Name, r.Role, r.State, r.CreatedAt, r.SuspendedAt)
}

// AddMemberArgs describes somebody who is to belong to the active organization.
// Who is known already, by e-mail address, keeps their handle, name and password.
type AddMemberArgs struct {
	Person identity.NewPerson
	Role   authz.Role
}

// AddMember gives a person a role in the actor's active organization.
func (s *Service) AddMember(ctx context.Context, actor authz.Actor, a AddMemberArgs) (Member, error) {
	if _, err := authz.ParseRole(string(a.Role)); err != nil {
		return Member{}, err
	}
	if a.Role == authz.Owner && identity.IsService(a.Person.Email) {
		return Member{}, errServiceOwner
	}
	c := change{actor: actor, to: a.Role}
	if err := s.allow(ctx, c, authz.MemberAdd); err != nil {
		return Member{}, err
	}
	draft, err := s.d.People.Draft(ctx, a.Person)
	if err != nil {
		return Member{}, err
	}
	var out Member
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := tenancysql.New(tx)
		rules, err := s.Gate(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		target := event.TenantTarget(actor.Org, rules.Name)
		p, _, err := s.d.People.Introduce(ctx, tx, mfa.Scope{Act: event.By(actor, event.TenantAdmin), Target: target}, draft)
		if err != nil {
			return err
		}
		if err := q.InsertMember(ctx, tenancysql.InsertMemberParams{OrgID: string(actor.Org), UserID: string(p.ID), Role: string(a.Role), Now: s.now()}); err != nil {
			if db.Unique(err) && identity.IsService(p.Email) {
				return fault.New(fault.Conflict, "there is a service account of this name already: choose another name").WithCode("ALREADY_MEMBER").WithField("name", "is taken").Because(err)
			}
			if db.Unique(err) {
				return fault.New(fault.Conflict, "%s is a member of this organization already: change their role instead", p.Email).WithCode("ALREADY_MEMBER").Because(err)
			}
			return fmt.Errorf("store a member: %w", err)
		}
		if err := rules.admits(p.Email); err != nil { // after what is unique: who is a member already is told so
			return err
		}
		out = Member{Profile: p, Role: a.Role, Active: true, JoinedAt: s.d.Now().UTC().Truncate(time.Microsecond)}
		c.user = p.ID
		if err := s.demandOwner(ctx, tx, c, governance.Permit{}, p, true); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, c.event(target))
		return err
	})
	if code := fault.CodeOf(err); code == SeatLimit || code == DomainNotAllowed || code == NeedsSecondPerson {
		c.user = "" // they may be unknown still
		return Member{}, s.refused(ctx, actor, err, c.event(event.TenantTarget(actor.Org, "")).Denied(event.RoleAssignmentChangedNotPermitted))
	}
	if err != nil {
		return Member{}, fmt.Errorf("add a member: %w", err)
	}
	return out, nil
}

// ChangeRole gives a member of the active organization another role. It holds
// from the member's next request on.
func (s *Service) ChangeRole(ctx context.Context, actor authz.Actor, user id.User, role authz.Role) (Member, error) {
	if _, err := authz.ParseRole(string(role)); err != nil {
		return Member{}, err
	}
	return s.move(ctx, change{actor: actor, user: user, to: role}, authz.MemberRole)
}

// RemoveMember ends a membership of the active organization, and with it the
// person's API tokens, certificates and places in safes there. Live sessions end
// by their own look at the membership.
func (s *Service) RemoveMember(ctx context.Context, actor authz.Actor, user id.User) error {
	_, err := s.move(ctx, change{actor: actor, user: user, to: authz.None}, authz.MemberRemove)
	return err
}

// change is one change of a role: from None it is an addition, to None a removal.
type change struct {
	actor    authz.Actor
	user     id.User // empty: not known yet
	from, to authz.Role
	source   event.RoleSource // the zero value: an administrator
}

func (c change) event(target event.TenantRef) event.RoleAssignmentChanged {
	if c.source == (event.RoleSource{}) {
		c.source = event.RoleSourceAdmin
	}
	ev := event.NewRoleAssignmentChanged(event.By(c.actor, event.TenantAdmin), target, c.user,
		c.to != authz.None && !c.from.Includes(c.to), c.source)
	if c.from != authz.None {
		ev = ev.WithOldRole(string(c.from))
	}
	if c.to != authz.None {
		ev = ev.WithNewRole(string(c.to))
	}
	return ev
}

var errServiceOwner = fault.New(fault.Invalid, "a service account cannot own an organization: make it admin, operator or auditor").WithField("role", "must be admin, operator or auditor")

var errLastOwner = fault.New(fault.Conflict, "this is the last owner of the organization: make somebody else an owner first").WithCode("LAST_OWNER")

// allow checks the right to a change and records a refusal.
func (s *Service) allow(ctx context.Context, c change, action authz.Action) error {
	target := event.TenantTarget(c.actor.Org, "")
	if err := authz.Check(c.actor, action, object(c.actor.Org, c.user)); err != nil {
		if c.actor.Org == "" {
			return err // there is no ledger that it could concern
		}
		return s.refused(ctx, c.actor, err, c.event(target).Denied(event.RoleAssignmentChangedNotPermitted))
	}
	above := c.from
	if c.actor.Kind == authz.System || c.actor.Role.Includes(above) {
		above = c.to
	}
	if c.actor.Kind != authz.System && !c.actor.Role.Includes(above) {
		return s.refused(ctx, c.actor, fault.New(fault.Denied, "the role %s is above yours: ask one who has it", above).WithCode("ROLE_ABOVE_ACTOR"),
			c.event(target).Denied(event.RoleAssignmentChangedRoleAboveActor))
	}
	return nil
}

// row is a member of an organization.
func (s *Service) row(ctx context.Context, org id.Org, user id.User) (row tenancysql.GetMemberRow, err error) {
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = tenancysql.New(tx).GetMember(ctx, tenancysql.GetMemberParams{OrgID: string(org), UserID: string(user)})
		return err
	})
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "no such member in this organization")
	}
	if err != nil {
		return row, fmt.Errorf("read a member: %w", err)
	}
	return row, nil
}

func (s *Service) move(ctx context.Context, c change, action authz.Action) (Member, error) {
	org := c.actor.Org
	if org == "" {
		return Member{}, fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	row, err := s.row(ctx, org, c.user)
	if err != nil {
		return Member{}, err
	}
	c.from = authz.Role(row.Role)
	if c.to == authz.Owner && identity.IsService(row.Email) {
		return Member{}, errServiceOwner
	}
	if err := s.allow(ctx, c, action); err != nil {
		return Member{}, err
	}
	row.Role = string(c.to)
	out := memberOf(row)
	if c.from == c.to {
		return out, nil
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if err := s.demandOwner(ctx, tx, c, governance.Permit{}, out.Profile, false); err != nil {
			return err
		}
		_, err := s.apply(ctx, tx, c)
		return err
	})
	err = s.d.Governance.Queue(ctx, c.actor, err)
	if errors.Is(err, errLastOwner) {
		return Member{}, s.refused(ctx, c.actor, err, c.event(event.TenantTarget(org, "")).Denied(event.RoleAssignmentChangedLastOrgAdmin))
	}
	if err != nil {
		return Member{}, fmt.Errorf("change a role: %w", err)
	}
	return out, nil
}

func (s *Service) apply(ctx context.Context, tx *db.Tx, c change) (id.Event, error) {
	q := tenancysql.New(tx)
	org := c.actor.Org
	if _, err := q.HoldOrganization(ctx, tenancysql.HoldOrganizationParams{Now: s.now(), ID: string(org)}); err != nil {
		return "", fmt.Errorf("hold the organization: %w", err)
	}
	if c.from == authz.Owner {
		if err := otherOwner(ctx, q, org, c.user); err != nil {
			return "", err
		}
	}
	target, err := s.target(ctx, tx, org)
	if err != nil {
		return "", err
	}
	var rows int64
	if c.to == authz.None {
		for _, l := range s.d.OnLeave {
			if err := l.UserLeft(ctx, tx, event.By(c.actor, event.TenantAdmin), org, c.user); err != nil {
				return "", err
			}
		}
		rows, err = q.DeleteMember(ctx, tenancysql.DeleteMemberParams{OrgID: string(org), UserID: string(c.user), OldRole: string(c.from)})
	} else {
		rows, err = q.SetRole(ctx, tenancysql.SetRoleParams{
			Role: string(c.to), Now: s.now(), OrgID: string(org), UserID: string(c.user), OldRole: string(c.from)})
	}
	if err != nil {
		return "", fmt.Errorf("store a role: %w", err)
	}
	if rows == 0 {
		return "", fault.New(fault.Conflict, "somebody changed this member meanwhile: look again")
	}
	return s.d.Ledger.Record(ctx, tx, c.event(target))
}

// otherOwner fails with errLastOwner unless somebody else can still act as owner.
func otherOwner(ctx context.Context, q *tenancysql.Queries, org id.Org, user id.User) error {
	n, err := q.CountOtherOwners(ctx, tenancysql.CountOtherOwnersParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if n == 0 {
		return errLastOwner
	}
	return nil
}

func (s *Service) target(ctx context.Context, tx *db.Tx, org id.Org) (event.TenantRef, error) {
	name, err := Directory{}.Name(ctx, tx, org)
	return event.TenantTarget(org, name), err
}

package group

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group/groupsql"
	"github.com/vaultpam/vaultpam/internal/id"
)

// What directories and identity providers say. Each call is in the transaction in
// which they are heard; what they say again changes nothing and leaves no event.

// Pushed is a group as a directory has it.
type Pushed struct {
	ID      id.Group
	Name    string
	Members []id.User // who of them has no place in the organization is passed over
}

// Push makes a group what the directory says of it. A name that another group has is
// a fault.Conflict.
func (s *Service) Push(ctx context.Context, tx *db.Tx, actor authz.Actor, p Pushed) error {
	at, err := hold(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	act := event.By(actor, event.TenantAdmin)
	g, err := find(ctx, tx, actor.Org, p.ID)
	if fault.Is(err, fault.NotFound) {
		g = Group{ID: p.ID, Org: actor.Org, Name: p.Name, Source: SCIM}
		if err := s.insert(ctx, tx, g, ""); err != nil {
			return err
		}
		if err := s.record(ctx, tx, event.NewGroupCreated(act, at, g.ID, g.Name, SCIM.event())); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else {
		next := g
		next.Name = p.Name
		if err := s.save(ctx, tx, act, at, g, next); err != nil {
			return err
		}
	}
	have, err := members(ctx, tx, g)
	if err != nil {
		return err
	}
	var unknown []id.User
	want := map[id.User]bool{}
	for _, u := range p.Members {
		if want[u] = true; !have[u] {
			unknown = append(unknown, u)
		}
	}
	known, err := s.people(ctx, tx, g.Org, unknown)
	if err != nil {
		return err
	}
	var coming, leaving []id.User
	for u := range want {
		if !have[u] && known[u] {
			coming = append(coming, u)
		}
	}
	for u := range have {
		if !want[u] {
			leaving = append(leaving, u)
		}
	}
	return s.move(ctx, tx, act, at, g, "", coming, leaving, event.GroupRemovalCauseDirectorySync)
}

// Dropped removes a group that the directory has no more.
func (s *Service) Dropped(ctx context.Context, tx *db.Tx, actor authz.Actor, gid id.Group) error {
	at, err := hold(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	g, err := find(ctx, tx, actor.Org, gid)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.delete(ctx, tx, event.By(actor, event.TenantAdmin), at, g)
}

// Placed puts somebody whom the directory has given a place in the organization into
// the groups that it says, and out of its others.
func (s *Service) Placed(ctx context.Context, tx *db.Tx, actor authz.Actor, user id.User, groups []id.Group) error {
	at, err := hold(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	enter := map[id.Group]Source{}
	for _, g := range groups {
		enter[g] = SCIM
	}
	leave := func(g groupsql.GroupsOfPersonRow) bool {
		_, stays := enter[id.Group(g.ID)]
		return Source(g.Source) == SCIM && !stays
	}
	return s.place(ctx, tx, event.By(actor, event.TenantAdmin), at, actor.Org, user, event.GroupRemovalCauseDirectorySync, leave, enter)
}

// SignedIn puts a person into the groups that follow the provider whose word this
// is, and out of those that it does not name any more.
func (s *Service) SignedIn(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, provider id.Provider, user id.User, named []string) error {
	rows, err := groupsql.New(tx).OfProvider(ctx, groupsql.OfProviderParams{OrgID: string(org), ProviderID: string(provider)})
	if err != nil {
		return fmt.Errorf("list the groups of a provider: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	at, err := hold(ctx, tx, org)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	for _, n := range named {
		said[n] = true
	}
	enter := map[id.Group]Source{}
	for _, r := range rows {
		if said[r.Claim] {
			enter[id.Group(r.ID)] = SSO
		}
	}
	leave := func(g groupsql.GroupsOfPersonRow) bool {
		_, stays := enter[id.Group(g.ID)]
		return Source(g.Source) == SSO && g.ProviderID == string(provider) && !stays
	}
	return s.place(ctx, tx, event.By(system(org, request), event.System), at, org, user, event.GroupRemovalCauseDirectorySync, leave, enter)
}

// ProviderGone empties the groups that followed a provider: nobody's word stands for
// their members any more. Where the provider itself stays, and only means others now
// by its names, they go on following it; else they are local from then on.
func (s *Service) ProviderGone(ctx context.Context, tx *db.Tx, actor authz.Actor, provider id.Provider, stays bool) error {
	rows, err := groupsql.New(tx).OfProvider(ctx, groupsql.OfProviderParams{OrgID: string(actor.Org), ProviderID: string(provider)})
	if err != nil {
		return fmt.Errorf("list the groups of a provider: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	at, err := hold(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	act := event.By(actor, event.TenantAdmin)
	for _, r := range rows {
		g, err := find(ctx, tx, actor.Org, id.Group(r.ID))
		if err != nil {
			return err
		}
		if err := s.empty(ctx, tx, act, at, g); err != nil {
			return err
		}
		if stays {
			continue
		}
		next := g
		next.Source, next.Provider, next.Claim = Local, "", ""
		if err := s.save(ctx, tx, act, at, g, next); err != nil {
			return err
		}
	}
	return nil
}

func system(org id.Org, request id.Request) authz.Actor {
	actor := authz.SystemActor(org)
	if request != "" {
		actor.Request = request
	}
	return actor
}

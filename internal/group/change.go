package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group/groupsql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// refusal is a change that a rule forbids; it is the cause of the fault that the
// caller sees, and becomes the event.
type refusal struct {
	reason event.GroupMutationDeniedReason
}

func (r *refusal) Error() string { return "refused: " + r.reason.String() }

func forbid(reason event.GroupMutationDeniedReason, f *fault.Error) error {
	return f.Because(&refusal{reason})
}

func managed(g Group) error {
	owner := "the organization's directory"
	if g.Source == SSO {
		owner = "an identity provider"
	}
	return forbid(event.GroupMutationDeniedGroupManagedByDirectory,
		fault.New(fault.Denied, "the members of group %q are kept by %s: change them there", g.Name, owner).WithCode(Managed))
}

// attempt is what somebody tries to do to a group.
type attempt struct {
	actor  authz.Actor
	action authz.Action
	what   event.GroupOperation
	group  id.Group
	user   id.User // about whom, where it is one
}

func (a attempt) act() event.Act { return event.By(a.actor, event.TenantAdmin) }

// do runs fn in a transaction for an actor who may, one at a time in the
// organization, and tells a refusal by GROUP_MUTATION_DENIED.
func (s *Service) do(ctx context.Context, a attempt, fn func(ctx context.Context, tx *db.Tx, at event.TenantRef) error) error {
	err := s.may(a.actor, a.action)
	if err == nil {
		err = s.d.DB.InOrg(ctx, a.actor.Org, func(ctx context.Context, tx *db.Tx) error {
			at, err := hold(ctx, tx, a.actor.Org)
			if err != nil {
				return err
			}
			return fn(ctx, tx, at)
		})
	}
	if err == nil || a.actor.Org == "" {
		return err
	}
	reason := event.GroupMutationDeniedNotPermitted
	var r *refusal
	switch {
	case errors.As(err, &r):
		reason = r.reason
	case fault.CodeOf(err) == safe.RoleAboveActor:
		reason = event.GroupMutationDeniedRoleAboveActor
	case !fault.Is(err, fault.Denied):
		return err
	}
	as := event.TenantAdmin
	if a.actor.Role != authz.Owner && a.actor.Role != authz.Admin {
		as = event.User
	}
	ev := event.NewGroupMutationDenied(event.By(a.actor, as), event.TenantTarget(a.actor.Org, ""), reason, a.what)
	if a.group != "" {
		ev = ev.WithGroupID(a.group)
	}
	if a.user != "" {
		ev = ev.WithSubjectUserID(a.user)
	}
	if e := s.d.Ledger.RecordRefusal(ctx, ev); e != nil {
		return fmt.Errorf("record a refusal: %w", e)
	}
	return err
}

// hold makes changes of who reaches what in an organization wait for each other.
func hold(ctx context.Context, tx *db.Tx, org id.Org) (event.TenantRef, error) {
	name, err := groupsql.New(tx).HoldOrganization(ctx, string(org))
	if err != nil {
		return event.TenantRef{}, fmt.Errorf("hold the organization: %w", err)
	}
	return event.TenantTarget(org, name), nil
}

// record writes the events of one act at once.
func (s *Service) record(ctx context.Context, tx *db.Tx, evs ...event.Event) error {
	_, err := s.d.Ledger.RecordAll(ctx, tx, evs)
	return err
}

// CreateArgs describe a new group.
type CreateArgs struct {
	Name        string
	Description string
	Source      Source // empty: Local
	Provider    id.Provider
	Claim       string
}

// Create makes a group without members.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a CreateArgs) (Group, error) {
	g := Group{ID: id.New[id.Group](), Org: actor.Org, Name: a.Name, Description: a.Description, Source: a.Source, Provider: a.Provider, Claim: a.Claim}
	if g.Source == "" {
		g.Source = Local
	}
	if err := g.check(); err != nil {
		return Group{}, err
	}
	err := s.do(ctx, attempt{actor: actor, action: authz.GroupCreate, what: event.GroupOperationGroupCreate}, func(ctx context.Context, tx *db.Tx, at event.TenantRef) error {
		if err := s.provided(ctx, tx, g); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, g, actor.User); err != nil {
			return err
		}
		if err := s.record(ctx, tx, event.NewGroupCreated(event.By(actor, event.TenantAdmin), at, g.ID, g.Name, g.Source.event())); err != nil {
			return err
		}
		var err error
		g, err = find(ctx, tx, actor.Org, g.ID)
		return err
	})
	if err != nil {
		return Group{}, fmt.Errorf("create a group: %w", err)
	}
	return g, nil
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, g Group, by id.User) error {
	err := groupsql.New(tx).InsertGroup(ctx, groupsql.InsertGroupParams{OrgID: string(g.Org), ID: string(g.ID), Name: g.Name, MatchName: matchName(g.Name),
		Description: g.Description, Source: string(g.Source), ProviderID: string(g.Provider), Claim: g.Claim, Now: db.Micros(s.d.Now()), CreatedBy: string(by)})
	return nameTaken(err, g.Name)
}

func nameTaken(err error, name string) error {
	if db.Unique(err) {
		return fault.New(fault.Conflict, "there is a group named %q already; names differ by more than their case", name).WithCode(NameTaken).
			WithField("name", "is taken").Because(err)
	}
	if err != nil {
		return fmt.Errorf("store a group: %w", err)
	}
	return nil
}

// provided checks that the organization has the provider that a group follows.
func (s *Service) provided(ctx context.Context, tx *db.Tx, g Group) error {
	if g.Source != SSO {
		return nil
	}
	_, err := groupsql.New(tx).Provider(ctx, groupsql.ProviderParams{OrgID: string(g.Org), ID: string(g.Provider)})
	if db.NotFound(err) {
		return forbid(event.GroupMutationDeniedCrossOrgReference, fault.New(fault.Invalid, "no identity provider of this organization has the id %.64q", g.Provider).
			WithField("provider_id", "must be an identity provider of this organization"))
	}
	if err != nil {
		return fmt.Errorf("read a provider: %w", err)
	}
	return nil
}

// UpdateArgs say what to change; nil leaves a value as it is. What a group follows
// is changed as a whole, by Source.
type UpdateArgs struct {
	Name        *string
	Description *string
	Source      *Source
	Provider    id.Provider
	Claim       string
	Version     int64 // what the caller saw; 0: whatever is there
}

// Update changes a group. One that begins to follow a provider, or another one or
// another group of it, loses its members: they come back as they sign in.
func (s *Service) Update(ctx context.Context, actor authz.Actor, gid id.Group, a UpdateArgs) (Group, error) {
	var out Group
	err := s.do(ctx, attempt{actor: actor, action: authz.GroupUpdate, what: event.GroupOperationGroupUpdate, group: gid}, func(ctx context.Context, tx *db.Tx, at event.TenantRef) error {
		old, err := find(ctx, tx, actor.Org, gid)
		if err != nil {
			return err
		}
		if old.Source == SCIM {
			return managed(old)
		}
		if a.Version != 0 && a.Version != old.Version {
			return changedMeanwhile()
		}
		next := old
		if a.Name != nil {
			next.Name = *a.Name
		}
		if a.Description != nil {
			next.Description = *a.Description
		}
		if a.Source != nil {
			next.Source, next.Provider, next.Claim = *a.Source, a.Provider, a.Claim
		}
		if err := next.check(); err != nil {
			return err
		}
		follows := next.Source != old.Source || next.Provider != old.Provider || next.Claim != old.Claim
		if follows {
			if err := s.provided(ctx, tx, next); err != nil {
				return err
			}
			if err := s.d.Safes.MayBring(ctx, tx, actor, gid); err != nil {
				return err
			}
		}
		act := event.By(actor, event.TenantAdmin)
		if err := s.save(ctx, tx, act, at, old, next); err != nil {
			return err
		}
		if follows && next.Source == SSO {
			if err := s.empty(ctx, tx, act, at, next); err != nil {
				return err
			}
		}
		out, err = find(ctx, tx, actor.Org, gid)
		return err
	})
	if err != nil {
		return Group{}, fmt.Errorf("change a group: %w", err)
	}
	return out, nil
}

// save stores what differs, and tells; nothing is no event.
func (s *Service) save(ctx context.Context, tx *db.Tx, act event.Act, at event.TenantRef, old, next Group) error {
	var changes []event.Change
	note := func(field, was, is string) {
		if was != is {
			changes = append(changes, event.Changed(field, was, is))
		}
	}
	note("name", old.Name, next.Name)
	note("description", old.Description, next.Description)
	note("source", string(old.Source), string(next.Source))
	note("provider_id", string(old.Provider), string(next.Provider))
	note("provider_group", old.Claim, next.Claim)
	if len(changes) == 0 {
		return nil
	}
	n, err := groupsql.New(tx).UpdateGroup(ctx, groupsql.UpdateGroupParams{OrgID: string(old.Org), ID: string(old.ID), Version: old.Version, Name: next.Name, MatchName: matchName(next.Name),
		Description: next.Description, Source: string(next.Source), ProviderID: string(next.Provider), Claim: next.Claim, Now: db.Micros(s.d.Now())})
	if err := nameTaken(err, next.Name); err != nil {
		return err
	}
	if n == 0 {
		return changedMeanwhile()
	}
	return s.record(ctx, tx, event.NewGroupUpdated(act, at, old.ID, changes, next.Source.event()))
}

// Delete removes a group, its members and its bindings to safes. Who reached a safe
// by nothing else loses it, and their live sessions end.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, gid id.Group, version int64) error {
	err := s.do(ctx, attempt{actor: actor, action: authz.GroupDelete, what: event.GroupOperationGroupDelete, group: gid}, func(ctx context.Context, tx *db.Tx, at event.TenantRef) error {
		g, err := find(ctx, tx, actor.Org, gid)
		if err != nil {
			return err
		}
		if g.Source == SCIM {
			return managed(g)
		}
		if version != 0 && version != g.Version {
			return changedMeanwhile()
		}
		if err := s.d.Safes.MayBring(ctx, tx, actor, gid); err != nil {
			return err
		}
		return s.delete(ctx, tx, event.By(actor, event.TenantAdmin), at, g)
	})
	if err != nil {
		return fmt.Errorf("delete a group: %w", err)
	}
	return nil
}

func (s *Service) delete(ctx context.Context, tx *db.Tx, act event.Act, at event.TenantRef, g Group) error {
	if err := s.record(ctx, tx, event.NewGroupDeleted(act, at, g.ID, g.Name, g.Members, g.Safes, g.Source.event())); err != nil {
		return err
	}
	if err := s.d.Safes.GroupDeleted(ctx, tx, act, g.Org, g.ID); err != nil {
		return err
	}
	q := groupsql.New(tx)
	if err := q.DeleteMembers(ctx, groupsql.DeleteMembersParams{OrgID: string(g.Org), GroupID: string(g.ID)}); err != nil {
		return fmt.Errorf("empty a group: %w", err)
	}
	n, err := q.DeleteGroup(ctx, groupsql.DeleteGroupParams{OrgID: string(g.Org), ID: string(g.ID), Version: g.Version})
	if err != nil {
		return fmt.Errorf("delete a group: %w", err)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	return nil
}

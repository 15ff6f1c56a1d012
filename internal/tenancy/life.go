package tenancy

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// The states of an organization that are stored. One that is deleted is suspended for ever.
const (
	activeState    = "active"
	suspendedState = "suspended"
)

// Suspend shuts an organization: nobody acts in it, its live sessions end, its invitations
// cannot be accepted. It is for administrators of the platform.
func (s *Service) Suspend(ctx context.Context, actor authz.Actor, org id.Org, reason string) (Organization, error) {
	return s.setState(ctx, actor, org, event.OrganizationChangeSuspended, reason)
}

// Resume opens a suspended organization again.
func (s *Service) Resume(ctx context.Context, actor authz.Actor, org id.Org) (Organization, error) {
	return s.setState(ctx, actor, org, event.OrganizationChangeResumed, "")
}

func (s *Service) setState(ctx context.Context, actor authz.Actor, org id.Org, to event.OrganizationChange, reason string) (Organization, error) {
	actor.Org, actor.Role = "", authz.None
	changed := func(name string) event.OrganizationStateChanged {
		ev := event.NewOrganizationStateChanged(event.By(actor, event.PlatformAdmin), event.TenantTarget(org, name), to)
		if reason != "" {
			ev = ev.WithComment(reason)
		}
		return ev
	}
	if err := authz.Check(actor, authz.PlatformOrgSuspend, authz.Object{Type: authz.PlatformObject}); err != nil {
		return Organization{}, s.refused(ctx, actor, err, changed("").Denied(event.OrganizationStateChangedNotPermitted))
	}
	if err := checkComment(reason); err != nil {
		return Organization{}, err
	}
	from, state, since := activeState, suspendedState, s.now()
	if to == event.OrganizationChangeResumed {
		from, state, since = suspendedState, activeState, 0
	}
	var out Organization
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := tenancysql.New(tx)
		row, err := q.GetOrganization(ctx, string(org))
		if db.NotFound(err) {
			return noOrganization()
		}
		if err != nil {
			return fmt.Errorf("read organization %s: %w", org, err)
		}
		n, err := q.SetOrganizationState(ctx, tenancysql.SetOrganizationStateParams{State: state, SuspendedAt: since, StateComment: reason, Now: s.now(), ID: string(org), Old: from})
		if err != nil {
			return fmt.Errorf("store the state of %s: %w", org, err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "the organization is not %s", from).WithCode("ORG_STATE")
		}
		row.State, row.SuspendedAt, row.StateComment = state, since, reason
		out = organization(row)
		_, err = s.recordBoth(ctx, tx, org, func(act func(event.Act) event.Act) event.Event {
			ev := event.NewOrganizationStateChanged(act(event.By(actor, event.PlatformAdmin)), event.TenantTarget(org, row.Name), to)
			if reason != "" {
				ev = ev.WithComment(reason)
			}
			return ev
		})
		return err
	})
	if err != nil {
		return Organization{}, fmt.Errorf("change the state of an organization: %w", err)
	}
	return out, nil
}

// recordBoth tells the platform's ledger and the organization's, whose event it gives.
func (s *Service) recordBoth(ctx context.Context, tx *db.Tx, org id.Org, build func(func(event.Act) event.Act) event.Event) (id.Event, error) {
	if _, err := s.d.Ledger.Record(ctx, tx, build(event.Act.OnPlatform)); err != nil {
		return "", err
	}
	return s.d.Ledger.Record(ctx, tx, build(func(a event.Act) event.Act { return a.InOrg(org) }))
}

func noOrganization() error { return fault.New(fault.NotFound, "no such organization") }

func checkComment(s string) error {
	if wrong := label.Note(s); wrong != "" {
		return fault.New(fault.Invalid, "the comment %s", wrong).WithField("comment", "%s", wrong)
	}
	return nil
}

// DeleteArgs confirm that an organization is to be deleted.
type DeleteArgs struct {
	Confirm string // its slug, typed by the person
}

// Delete ends the actor's active organization for good: nobody gets in any more, its live
// sessions end and its invitations are void. It needs an owner who has proved a second
// factor lately. Its rows, recordings and ledger stay, sealed, until the installation's
// operator removes them; its slug is never given to another.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, a DeleteArgs) error {
	org := actor.Org
	changed := func(act event.Act, name string) event.OrganizationStateChanged {
		return event.NewOrganizationStateChanged(act, event.TenantTarget(org, name), event.OrganizationChangeDeleted)
	}
	act := event.By(actor, event.TenantAdmin)
	err := authz.Check(actor, authz.OrgDelete, orgObject(org))
	if err == nil {
		err = authz.Fresh(actor, authz.OrgDelete, s.d.Now())
	}
	if err != nil {
		if org == "" {
			return err
		}
		return s.refused(ctx, actor, err, changed(act, "").Denied(event.OrganizationStateChangedNotPermitted))
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.delete(ctx, tx, actor, governance.Permit{}, a)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return fmt.Errorf("delete an organization: %w", err)
	}
	return nil
}

// delete ends an organization in the caller's transaction, and gives the event in its own ledger.
func (s *Service) delete(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, a DeleteArgs) (id.Event, error) {
	org, act := actor.Org, event.By(actor, event.TenantAdmin)
	if err := authz.Check(actor, authz.OrgDelete, orgObject(org)); err != nil {
		return "", err
	}
	q := tenancysql.New(tx)
	row, err := q.GetOrganization(ctx, string(org))
	if err != nil {
		return "", fmt.Errorf("read organization %s: %w", org, err)
	}
	if a.Confirm != row.Slug {
		return "", fault.New(fault.Invalid, "type the organization's short name, %s, to delete it", row.Slug).WithCode("NOT_CONFIRMED").WithField("confirm", "must be %s", row.Slug)
	}
	if err := s.unheld(ctx, tx, org, "deleted"); err != nil {
		return "", err
	}
	if err := s.d.Governance.Demand(ctx, tx, actor, p, governance.Change{Kind: deleteOrganization, Subject: string(org), Name: row.Name, Payload: a,
		Summary: "delete the organization " + row.Name, Fields: deletionFields(row.State)}); err != nil {
		return "", err
	}
	for _, e := range s.d.OnDelete {
		if err := e.OrgDeleted(ctx, tx, act, org); err != nil {
			return "", err
		}
	}
	n, err := q.SetOrganizationState(ctx, tenancysql.SetOrganizationStateParams{State: suspendedState, DeletedAt: s.now(), SuspendedAt: s.now(), Now: s.now(), ID: string(org), Old: activeState})
	if err != nil {
		return "", fmt.Errorf("delete organization %s: %w", org, err)
	}
	if n == 0 {
		return "", noOrganization()
	}
	return s.recordBoth(ctx, tx, org, func(in func(event.Act) event.Act) event.Event {
		return event.NewOrganizationStateChanged(in(act), event.TenantTarget(org, row.Name), event.OrganizationChangeDeleted)
	})
}

func deletionFields(state string) []governance.Field {
	return []governance.Field{{Field: "state", From: state, To: "deleted"}}
}

func (s *Service) deleteFields(ctx context.Context, tx *db.Tx, org id.Org, _ DeleteArgs) ([]governance.Field, error) {
	row, err := tenancysql.New(tx).GetOrganization(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("read organization %s: %w", org, err)
	}
	return deletionFields(row.State), nil
}

// SetSeats limits how many members an organization may have; 0 is no limit. It is for
// administrators of the platform.
func (s *Service) SetSeats(ctx context.Context, actor authz.Actor, org id.Org, seats int) (Settings, error) {
	actor.Org, actor.Role = "", authz.None
	if err := authz.Check(actor, authz.PlatformOrgSuspend, authz.Object{Type: authz.PlatformObject}); err != nil {
		ev := event.NewOrganizationStateChanged(event.By(actor, event.PlatformAdmin), event.TenantTarget(org, ""), event.OrganizationChangeLimited)
		return Settings{}, s.refused(ctx, actor, err, ev.Denied(event.OrganizationStateChangedNotPermitted))
	}
	if seats < 0 || seats > 1_000_000 {
		return Settings{}, fault.New(fault.Invalid, "the number of seats must be from 0, which is no limit, to 1000000").WithField("seat_limit", "must be from 0 to 1000000")
	}
	return s.setByPlatform(ctx, actor, org, func(st *Settings) { st.SeatLimit = seats })
}

// setByPlatform makes a change of an organization's settings that its own administrators cannot make.
func (s *Service) setByPlatform(ctx context.Context, actor authz.Actor, org id.Org, set func(*Settings)) (Settings, error) {
	var next Settings
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		old, err := s.settingsWithName(ctx, tx, org)
		if err != nil {
			return err
		}
		next = old
		set(&next)
		all := diff(old, next, false)
		if len(all) == 0 {
			return nil
		}
		next.Version = old.Version + 1
		_, err = s.storeSettings(ctx, tx, event.By(actor, event.PlatformAdmin).InOrg(org), actor, governance.Permit{}, org, old, next, all)
		return err
	})
	if err != nil {
		return Settings{}, fmt.Errorf("change the settings of an organization: %w", err)
	}
	return next, nil
}

package sso

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// Required tells whether members of the active organization come in through a
// provider only.
func (s *Service) Required(ctx context.Context, actor authz.Actor) (bool, error) {
	if err := s.view(actor); err != nil {
		return false, err
	}
	var on bool
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		on, err = s.required(ctx, ssosql.New(tx), actor.Org)
		return err
	})
	return on, err
}

func (s *Service) required(ctx context.Context, q *ssosql.Queries, org id.Org) (bool, error) {
	on, err := q.Required(ctx, string(org))
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read whether %s requires single sign-on: %w", org, err)
	}
	return on, nil
}

// Require switches the requirement on or off. Who switches it on must have come
// in through a provider, so that nobody locks everybody out with one that does
// not work.
func (s *Service) Require(ctx context.Context, actor authz.Actor, on bool) error {
	if err := s.manage(ctx, actor); err != nil {
		return err
	}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if on {
			from, err := s.d.People.SessionSSO(ctx, tx, actor.WebSession)
			if err != nil {
				return err
			}
			if from != actor.Org {
				return fault.New(fault.Conflict, "sign in through the organization's provider first, and switch this on from there: it shows that the provider works").WithCode("SSO_UNTRIED")
			}
		}
		_, err := s.setRequired(ctx, tx, actor, governance.Permit{}, actor.Org, on)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return fmt.Errorf("set whether single sign-on is required: %w", err)
	}
	return nil
}

// setRequired switches the requirement of org in the caller's transaction. An organization
// that drops its own asks a second person; the platform lifts it at once.
func (s *Service) setRequired(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, org id.Org, on bool) (id.Event, error) {
	q := ssosql.New(tx)
	was, err := s.required(ctx, q, org)
	if err != nil || was == on && !p.Given() {
		return "", err
	}
	if !on && actor.Org == org {
		if err := s.demandLift(ctx, tx, actor, p, was); err != nil {
			return "", err
		}
	}
	if err := q.SetRequired(ctx, ssosql.SetRequiredParams{OrgID: string(org), Required: on, Now: s.now()}); err != nil {
		return "", fmt.Errorf("store the requirement: %w", err)
	}
	if err := s.stillUsable(ctx, q, org); err != nil {
		return "", err
	}
	var weak []string
	if !on {
		weak = []string{"sso_required"}
	}
	return s.toldBy(ctx, tx, actor, p, org, []event.Change{event.Changed("sso_required", was, on)}, weak)
}

// Lift switches the requirement of an organization off, for an administrator of the
// platform: the way back when its provider is gone and nobody gets in.
func (s *Service) Lift(ctx context.Context, actor authz.Actor, org id.Org) error {
	from := actor
	actor.Org, actor.Role = "", authz.None
	why, err := event.AuthActRefusedNotPermitted, authz.Check(actor, authz.PlatformSSOLift, authz.Object{Type: authz.PlatformObject})
	if err == nil {
		why, err = event.AuthActRefusedMFARequired, authz.Fresh(actor, authz.PlatformSSOLift, s.d.Now())
	}
	if err != nil {
		return s.liftRefused(ctx, from, org, err, why)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := ssosql.New(tx).OrganizationName(ctx, string(org)); db.NotFound(err) {
			return fault.New(fault.NotFound, "no such organization")
		} else if err != nil {
			return err
		}
		_, err := s.setRequired(ctx, tx, actor, governance.Permit{}, org, false)
		return err
	})
	if err != nil {
		return fmt.Errorf("lift the requirement of single sign-on: %w", err)
	}
	return nil
}

// liftRefused records an attempt to lift a requirement in the ledger of the organization
// that it names: that one's control was to be weakened. It tells who it was of those whom
// the organization may know, which are its own people and the operators of the platform;
// somebody of another organization is nobody there. An attempt that names no organization
// is told to the platform.
func (s *Service) liftRefused(ctx context.Context, actor authz.Actor, org id.Org, why error, reason event.AuthActRefusedReason) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	var name string
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		name, err = ssosql.New(tx).OrganizationName(ctx, string(org))
		return err
	})
	var ev event.Event
	switch {
	case db.NotFound(err):
		ev = event.NewAuthActRefused(event.By(actor, event.PlatformAdmin).OnPlatform(), event.PlatformTarget(), reason, event.RefusedActSSOLift)
	case err != nil:
		return fmt.Errorf("read the name of %s: %w", org, err)
	default:
		as := event.TenantAdmin
		if actor.PlatformRole.Valid() {
			as = event.PlatformAdmin
		} else if actor.Org != org {
			actor = authz.Actor{Kind: authz.Nobody, Source: actor.Source, Via: actor.Via, Request: actor.Request}
		}
		ev = event.NewTenantSettingsUpdated(event.By(actor, as).InOrg(org), event.TenantTarget(org, name), event.SettingGroupSSO, nil, nil).
			Denied(event.TenantSettingsUpdatedNotPermitted)
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// A suspended member keeps role, safes, keys and tokens, and is for every door as
// somebody who does not belong to the organization, until they are resumed.

var (
	errSelfSuspension = fault.New(fault.Conflict, "you cannot suspend yourself: ask another administrator").WithCode("SELF_SUSPENSION")
	errRoleAbove      = "the role %s is above yours: ask one who has it"
)

// SuspendMember shuts a member out of the actor's active organization. Live sessions end
// by their own look at the membership.
func (s *Service) SuspendMember(ctx context.Context, actor authz.Actor, user id.User, comment string) (Member, error) {
	org := actor.Org
	row, err := s.forSuspension(ctx, actor, user)
	if err != nil {
		return Member{}, err
	}
	act := event.By(actor, event.TenantAdmin)
	told := func(target event.TenantRef, ended int) event.MemberSuspended {
		ev := event.NewMemberSuspended(act, target, user, row.Role, ended)
		if comment != "" {
			ev = ev.WithComment(comment)
		}
		return ev
	}
	denied := func(err error, why event.MemberSuspendedReason) (Member, error) {
		return Member{}, s.refused(ctx, actor, err, told(event.TenantTarget(org, ""), 0).Denied(why))
	}
	if err := checkComment(comment); err != nil {
		return Member{}, err
	}
	if err := authz.Check(actor, authz.MemberSuspend, object(org, user)); err != nil {
		return denied(err, event.MemberSuspendedNotPermitted)
	}
	if user == actor.User {
		return denied(errSelfSuspension, event.MemberSuspendedSelf)
	}
	if !actor.Role.Includes(authz.Role(row.Role)) {
		return denied(fault.New(fault.Denied, errRoleAbove, row.Role).WithCode("ROLE_ABOVE_ACTOR"), event.MemberSuspendedRoleAboveActor)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := tenancysql.New(tx)
		if _, err := q.HoldOrganization(ctx, tenancysql.HoldOrganizationParams{Now: s.now(), ID: string(org)}); err != nil {
			return fmt.Errorf("hold the organization: %w", err)
		}
		if row.Role == string(authz.Owner) {
			if err := otherOwner(ctx, q, org, user); err != nil {
				return err
			}
		}
		n, err := q.SuspendMember(ctx, tenancysql.SuspendMemberParams{Now: s.now(), OrgID: string(org), UserID: string(user), Role: row.Role})
		if err != nil {
			return fmt.Errorf("suspend %s: %w", user, err)
		}
		if n == 0 {
			return memberState("suspended already, or somebody changed them meanwhile")
		}
		target, err := s.target(ctx, tx, org)
		if err != nil {
			return err
		}
		ended, err := s.d.People.MemberSuspended(ctx, tx, mfa.Scope{Act: act, Target: target}, org, user)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, told(target, ended))
		return err
	})
	if errors.Is(err, errLastOwner) {
		return denied(err, event.MemberSuspendedLastOrgAdmin)
	}
	if err != nil {
		return Member{}, fmt.Errorf("suspend a member: %w", err)
	}
	row.SuspendedAt = s.now()
	return memberOf(row), nil
}

// ResumeMember lets a suspended member in again.
func (s *Service) ResumeMember(ctx context.Context, actor authz.Actor, user id.User) (Member, error) {
	org := actor.Org
	row, err := s.forSuspension(ctx, actor, user)
	if err != nil {
		return Member{}, err
	}
	told := func(target event.TenantRef) event.MemberResumed {
		since := s.d.Now()
		if row.SuspendedAt != 0 {
			since = db.Time(row.SuspendedAt)
		}
		return event.NewMemberResumed(event.By(actor, event.TenantAdmin), target, user, row.Role, s.d.Now().Sub(since))
	}
	if err := authz.Check(actor, authz.MemberSuspend, object(org, user)); err != nil {
		return Member{}, s.refused(ctx, actor, err, told(event.TenantTarget(org, "")).Denied(event.MemberResumedNotPermitted))
	}
	if !actor.Role.Includes(authz.Role(row.Role)) {
		err := fault.New(fault.Denied, errRoleAbove, row.Role).WithCode("ROLE_ABOVE_ACTOR")
		return Member{}, s.refused(ctx, actor, err, told(event.TenantTarget(org, "")).Denied(event.MemberResumedRoleAboveActor))
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		n, err := tenancysql.New(tx).ResumeMember(ctx, tenancysql.ResumeMemberParams{Now: s.now(), OrgID: string(org), UserID: string(user), Role: row.Role})
		if err != nil {
			return fmt.Errorf("resume %s: %w", user, err)
		}
		if n == 0 {
			return memberState("not suspended, or somebody changed them meanwhile")
		}
		target, err := s.target(ctx, tx, org)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, told(target))
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("resume a member: %w", err)
	}
	row.SuspendedAt = 0
	return memberOf(row), nil
}

func memberState(how string) error {
	return fault.New(fault.Conflict, "this member is %s: look again", how).WithCode("MEMBER_STATE")
}

// forSuspension is the member that an order is about.
func (s *Service) forSuspension(ctx context.Context, actor authz.Actor, user id.User) (row tenancysql.GetMemberRow, err error) {
	if actor.Org == "" {
		return row, fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	return s.row(ctx, actor.Org, user)
}

package invitation

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

const sweepEvery = 5 * time.Second

// Run expires invitations whose time is over, until ctx ends. Nothing waits for it:
// every use of a link compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "sweep of invitations failed", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for more := true; more; {
		var due []invitationsql.DueRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			due, err = invitationsql.New(tx).Due(ctx, s.now())
			return err
		})
		if err != nil {
			return fmt.Errorf("list expired invitations: %w", err)
		}
		err = rounds.All(ctx, due, func(r invitationsql.DueRow) error {
			err := s.d.DB.InOrg(ctx, id.Org(r.OrgID), func(ctx context.Context, tx *db.Tx) error {
				inv, err := s.get(ctx, tx, id.Org(r.OrgID), id.Invitation(r.ID))
				if err != nil || inv.State != Pending || !inv.over(s.d.Now()) {
					return err
				}
				return s.expire(ctx, tx, inv)
			})
			if err != nil {
				return fmt.Errorf("expire an invitation: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		more = len(due) == 100
	}
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return invitationsql.New(tx).DropOldFlows(ctx, db.Micros(s.d.Now().Add(-keepFlows)))
	})
}

// expire ends a pending invitation whose time is over.
func (s *Service) expire(ctx context.Context, tx *db.Tx, inv Invitation) error {
	n, err := invitationsql.New(tx).Settle(ctx, invitationsql.SettleParams{State: string(Expired), Now: s.now(), OrgID: string(inv.org), ID: string(inv.ID)})
	if err != nil || n == 0 {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewInvitationExpired(event.By(authz.SystemActor(inv.org), event.System), inv.target(),
		event.InvitationScopeOrg, event.Email(inv.Email), inv.SentAt, inv.Resends))
	return err
}

// UserLeft withdraws what somebody who leaves an organization has promised there. tenancy
// calls it in the transaction that ends the membership.
func (s *Service) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	return s.revokeAll(ctx, tx, act.Request(), org, user, event.InvitationRevokedInviterRemoved)
}

// OrgDeleted withdraws all open invitations of an organization, in the transaction that deletes it.
func (s *Service) OrgDeleted(ctx context.Context, tx *db.Tx, act event.Act, org id.Org) error {
	return s.revokeAll(ctx, tx, act.Request(), org, "", event.InvitationRevokedOrgSuspended)
}

func (s *Service) revokeAll(ctx context.Context, tx *db.Tx, request id.Request, org id.Org, inviter id.User, why event.InvitationRevokedReason) error {
	rows, err := invitationsql.New(tx).PendingOf(ctx, invitationsql.PendingOfParams{OrgID: string(org), InviterID: string(inviter)})
	if err != nil {
		return fmt.Errorf("list open invitations: %w", err)
	}
	system := authz.SystemActor(org)
	system.Request = request
	for _, r := range rows {
		inv, err := s.get(ctx, tx, org, id.Invitation(r))
		if err != nil {
			return err
		}
		if _, err := s.revoke(ctx, tx, event.By(system, event.System), inv, why); err != nil {
			return err
		}
	}
	return nil
}

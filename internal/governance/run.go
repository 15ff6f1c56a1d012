package governance

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

const sweepEvery = 5 * time.Second

// Run ends actions whose time is over, each with its event, until ctx ends. That an
// action has ended does not wait for it: every use compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "governance actions could not be ended", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		var due []governancesql.GovernanceAction
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			due, err = governancesql.New(tx).DueActions(ctx, s.now())
			return err
		})
		if err != nil {
			return fmt.Errorf("list actions that are due: %w", err)
		}
		err = rounds.All(ctx, due, func(row governancesql.GovernanceAction) error {
			return s.d.DB.InOrg(ctx, id.Org(row.OrgID), func(ctx context.Context, tx *db.Tx) error { return s.expire(ctx, tx, row) })
		})
		if err != nil || len(due) < 100 {
			return err
		}
	}
}

// expire ends an action whose time is over; nothing when somebody else has.
func (s *Service) expire(ctx context.Context, tx *db.Tx, row governancesql.GovernanceAction) error {
	n, err := governancesql.New(tx).ExpireAction(ctx, governancesql.ExpireActionParams{Now: s.now(), OrgID: row.OrgID, ID: row.ID})
	if err != nil {
		return fmt.Errorf("end an action whose time is over: %w", err)
	}
	if n == 0 {
		return nil
	}
	a := s.actionOf(row)
	_, err = s.d.Ledger.Record(ctx, tx, event.NewOrgGovernanceActionRejected(event.By(authz.SystemActor(a.Org), event.System), a.target(), a.Kind, a.RequestedBy,
		s.d.Now().Sub(a.CreatedAt).Truncate(time.Second)).Because(event.OrgGovernanceActionRejectedExpired))
	return err
}

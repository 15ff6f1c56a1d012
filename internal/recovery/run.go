package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recovery/recoverysql"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

const sweepEvery = 5 * time.Second

// Run closes cases whose time is over, each with its event, until ctx ends. That a
// case has ended does not wait for it: every use compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "recovery cases could not be closed", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		var due []recoverysql.MfaRecovery
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			due, err = recoverysql.New(tx).DueCases(ctx, s.now())
			return err
		})
		if err != nil {
			return fmt.Errorf("list recovery cases that are due: %w", err)
		}
		err = rounds.All(ctx, due, func(row recoverysql.MfaRecovery) error {
			return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.expire(ctx, tx, row) })
		})
		if err != nil || len(due) < 100 {
			return err
		}
	}
}

// expire closes a case whose time is over; nothing when somebody else has moved it.
func (s *Service) expire(ctx context.Context, tx *db.Tx, row recoverysql.MfaRecovery) error {
	n, err := recoverysql.New(tx).ExpireCase(ctx, recoverysql.ExpireCaseParams{OrgID: row.OrgID, ID: row.ID, State: row.State, Now: s.now()})
	if err != nil {
		return fmt.Errorf("close a case whose time is over: %w", err)
	}
	if n == 0 {
		return nil
	}
	stage := event.RecoveryStageGrant
	switch State(row.State) {
	case Requested:
		stage = event.RecoveryStageVerification
	case Pending:
		stage = event.RecoveryStageApproval
	}
	st, err := s.d.People.StandingOf(ctx, tx, id.User(row.PersonID))
	if err != nil {
		return err
	}
	rec := id.Recovery(row.ID)
	ev := event.NewMFARecoveryExpired(event.By(authz.SystemActor(id.Org(row.OrgID)), event.System), target(rec, st.Profile), rec, st.ID, stage)
	if row.GrantID != "" {
		ev = ev.WithGrantID(id.RecoveryGrant(row.GrantID))
	}
	_, err = s.d.Ledger.Record(ctx, tx, ev)
	return err
}

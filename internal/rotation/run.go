package rotation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rotation/rotationsql"
	"github.com/vaultpam/vaultpam/internal/rounds"
	"github.com/vaultpam/vaultpam/internal/vault"
)

const (
	sweepEvery = time.Second
	atOnce     = 4                // attempts of the clock at a time on one server
	lastChance = 10 * time.Second // for attempts under way when the server stops
	restAfter  = 24 * time.Hour   // the clock leaves an account alone that long after a rotation was given up
)

// backOff is how long a rotation waits after each attempt; after the last it is given up.
var backOff = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 8 * time.Hour}

// job is a rotation that this server holds.
type job struct {
	row rotationsql.Rotation // as claimed
	org id.Org
	aid id.Account
	rid id.Rotation
}

// Run takes what is due, and works on it, until ctx ends; attempts under way get a
// moment to end then.
func (s *Service) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastChance, cut) })()
	var busy sync.WaitGroup
	defer busy.Wait()
	slots := make(chan struct{}, atOnce)
	busy.Go(func() {
		for {
			select {
			case j := <-s.taken:
				busy.Go(func() { s.work(work, j) })
			case <-ctx.Done():
				return
			}
		}
	})
	return rounds.Every(ctx, sweepEvery, s.d.Log, "credentials could not be rotated", func(ctx context.Context) error {
		filed := s.enqueue(ctx)
		return errors.Join(filed, s.take(ctx, func(claim func() (job, bool, error)) error {
			select {
			case slots <- struct{}{}:
			default:
				return errEnough
			}
			j, ok, err := claim()
			if err != nil || !ok {
				<-slots
				return err
			}
			busy.Go(func() {
				defer func() { <-slots }()
				s.work(work, j)
			})
			return nil
		}))
	})
}

var errEnough = errors.New("as many rotations as this server takes at a time are under way")

// enqueue makes rotations of what is marked as due, and of what is planned.
func (s *Service) enqueue(ctx context.Context) error {
	var due []rotationsql.DueAccountsRow
	var planned []rotationsql.PlannedAccountsRow
	var late []rotationsql.LateForIncidentRow
	rested := db.Micros(s.d.Now().Add(-restAfter))
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := rotationsql.New(tx)
		if due, err = q.DueAccounts(ctx, rested); err != nil {
			return err
		}
		if late, err = q.LateForIncident(ctx, s.now()); err != nil {
			return err
		}
		planned, err = q.PlannedAccounts(ctx, rotationsql.PlannedAccountsParams{Now: s.now(), FailedSince: rested})
		return err
	})
	if err != nil {
		return fmt.Errorf("list what is to be rotated: %w", err)
	}
	var failed error // one account that cannot be filed keeps no other one waiting
	for _, a := range due {
		failed = errors.Join(failed, s.open(ctx, id.Org(a.OrgID), id.Account(a.ID), a.RotationDueReason, s.d.InUse))
	}
	for _, r := range late {
		failed = errors.Join(failed, s.hasten(ctx, r))
	}
	for _, a := range planned {
		failed = errors.Join(failed, s.open(ctx, id.Org(a.OrgID), id.Account(a.ID), "schedule", nil))
	}
	return failed
}

// hasten lets a rotation that waits for its next attempt go at once, and as one for an
// incident, once the emergency for which it has become one is over.
func (s *Service) hasten(ctx context.Context, r rotationsql.LateForIncidentRow) error {
	err := s.d.DB.InOrg(ctx, id.Org(r.OrgID), func(ctx context.Context, tx *db.Tx) error {
		for _, inUse := range s.d.InUse {
			if used, err := inUse(ctx, tx, id.Org(r.OrgID), id.Account(r.AccountID)); err != nil || used {
				return err
			}
		}
		_, err := rotationsql.New(tx).Hasten(ctx, rotationsql.HastenParams{OrgID: r.OrgID, ID: r.ID, Attempt: r.Attempt, Now: s.now()})
		return err // a row that is not there any more was taken meanwhile
	})
	if err != nil {
		return fmt.Errorf("hasten rotation %s: %w", r.ID, err)
	}
	return nil
}

// open files a rotation for the clock; nothing when somebody else has.
func (s *Service) open(ctx context.Context, org id.Org, aid id.Account, trigger string, waits []InUse) error {
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		for _, inUse := range waits {
			if used, err := inUse(ctx, tx, org, aid); err != nil || used {
				return err
			}
		}
		acc, err := s.d.Vault.Find(ctx, tx, org, aid)
		if err != nil {
			return err
		}
		_, err = s.insert(ctx, tx, acc, trigger, "")
		return err
	})
	if db.Unique(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("file the rotation of %s: %w", aid, err)
	}
	return nil
}

// take offers each rotation that is due to with, until it has enough.
func (s *Service) take(ctx context.Context, with func(claim func() (job, bool, error)) error) error {
	var due []rotationsql.DueRotationsRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = rotationsql.New(tx).DueRotations(ctx, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("list rotations that are due: %w", err)
	}
	var failed error // one that cannot be taken keeps no other one waiting
	for _, r := range due {
		err := with(func() (job, bool, error) { return s.takeOne(ctx, id.Org(r.OrgID), id.Rotation(r.ID)) })
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("take rotation %s: %w", r.ID, err))
		}
	}
	return failed
}

// takeOne claims a rotation for the clock. What a crashed server held ends with it.
func (s *Service) takeOne(ctx context.Context, org id.Org, rid id.Rotation) (j job, ok bool, err error) {
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		row, err := rotationsql.New(tx).GetRotation(ctx, rotationsql.GetRotationParams{OrgID: string(org), ID: string(rid)})
		if err != nil {
			return err
		}
		acc, err := s.d.Vault.Find(ctx, tx, org, id.Account(row.AccountID))
		if err != nil {
			acc = vault.Account{ID: id.Account(row.AccountID), Org: org, Kind: vault.Kind(row.CredentialKind)} // deleted: seen in work
		}
		j, ok, err = s.claim(ctx, tx, row, acc, event.NewCredentialRotationStarted(event.By(authz.SystemActor(org), event.System), event.AccountTarget(acc.ID, acc.Name), rid,
			triggerOf(row.TriggerKind), acc.Kind.Event(), int(row.Attempt)+1))
		return err
	})
	return j, ok, err
}

// claim holds a rotation for this server, and records that it begins. An attempt whose
// server was lost has failed by that.
func (s *Service) claim(ctx context.Context, tx *db.Tx, row rotationsql.Rotation, acc vault.Account, started event.CredentialRotationStarted) (job, bool, error) {
	now := s.now()
	n, err := rotationsql.New(tx).Claim(ctx, rotationsql.ClaimParams{OrgID: row.OrgID, ID: row.ID, Seen: row.Attempt, Holder: s.holder, Now: now, LeaseUntil: db.Micros(s.d.Now().Add(leaseFor))})
	if err != nil || n == 0 {
		return job{}, false, err
	}
	if State(row.State) == Running {
		lost := event.NewCredentialRotationFailed(event.By(authz.SystemActor(id.Org(row.OrgID)), event.System), event.AccountTarget(acc.ID, acc.Name), event.CredentialRotationFailedVerificationFailed, id.Rotation(row.ID), int(row.Attempt), targetState(row.TargetState))
		if _, err := s.d.Ledger.Record(ctx, tx, lost); err != nil {
			return job{}, false, err
		}
	}
	if State(row.State) != Tidying {
		if _, err := s.d.Ledger.Record(ctx, tx, started); err != nil {
			return job{}, false, err
		}
		row.State = string(Running)
	}
	row.Attempt, row.Holder, row.AttemptAt, row.NextAttemptAt = row.Attempt+1, s.holder, now, 0
	if row.StartedAt == 0 {
		row.StartedAt = now
	}
	return job{row, id.Org(row.OrgID), id.Account(row.AccountID), id.Rotation(row.ID)}, true, nil
}

func targetState(s string) event.TargetState {
	switch s {
	case "unchanged":
		return event.TargetStateUnchanged
	case "changed_unverified":
		return event.TargetStateChangedUnverified
	}
	return event.TargetStateUnknown
}

package phone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

const (
	sweepEvery  = 5 * time.Second
	keepClosed  = 24 * time.Hour       // what is over, to be able to say so
	keepDecided = 180 * 24 * time.Hour // a number that was verified at a registration
)

// Run closes what is over, and rotates keys that are a year old, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "telephone numbers could not be swept", s.Sweep)
}

// Sweep closes codes and changes whose time is over, rotates old keys, and deletes
// what nobody needs any more.
func (s *Service) Sweep(ctx context.Context) error {
	var codes []phonesql.PhoneVerification
	var changes []phonesql.PhoneChange
	var keys []string
	now := s.d.Now()
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := phonesql.New(tx)
		if codes, err = q.LapsedVerifications(ctx, db.Micros(now)); err != nil {
			return err
		}
		if changes, err = q.LapsedChanges(ctx, db.Micros(now)); err != nil {
			return err
		}
		keys, err = q.KeysDue(ctx, db.Micros(now.Add(-keyLife)))
		return err
	})
	if err != nil {
		return fmt.Errorf("look for what is over: %w", err)
	}
	return errors.Join(
		rounds.All(ctx, codes, func(row phonesql.PhoneVerification) error { return s.lapse(ctx, row) }),
		rounds.All(ctx, changes, func(c phonesql.PhoneChange) error { return s.abandonLapsed(ctx, c) }),
		rounds.All(ctx, keys, func(org string) error {
			if _, err := s.rotate(ctx, systemAct(id.Org(org), ""), event.KeyRotationTriggerSchedule); err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
			return nil
		}),
		s.drop(ctx, now))
}

// lapse closes a code that nobody brought.
func (s *Service) lapse(ctx context.Context, row phonesql.PhoneVerification) error {
	a, err := s.clocked(ctx, row)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.expire(ctx, tx, a, event.ExpiryFinderSweep)
		return err
	})
	if err != nil {
		return fmt.Errorf("close a code: %w", err)
	}
	return nil
}

// clocked is a verification as the clock looks at it.
func (s *Service) clocked(ctx context.Context, row phonesql.PhoneVerification) (a answer, err error) {
	a = answer{act: systemAct(id.Org(row.LogOrg), ""), row: row}
	if a.number, err = s.open(ctx, row.ID, row.Country, row.Number); err != nil {
		return a, err
	}
	a.dg, err = s.digests(ctx, id.Org(row.LogOrg))
	return a, err
}

// abandonLapsed closes a change whose time is over, with its code.
func (s *Service) abandonLapsed(ctx context.Context, c phonesql.PhoneChange) error {
	var row phonesql.PhoneVerification
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = phonesql.New(tx).GetVerification(ctx, c.VerificationID)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the verification of change %s: %w", c.ID, err)
	}
	a, err := s.clocked(ctx, row)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if _, err := q.HoldPhone(ctx, c.PersonID); err != nil {
			return fmt.Errorf("hold the record: %w", err)
		}
		if now, err := q.GetChange(ctx, phonesql.GetChangeParams{PersonID: c.PersonID, ID: c.ID}); err != nil || now.State != "pending" || now.ExpiresAt > s.now() {
			return err // somebody came first
		}
		if _, err := s.expire(ctx, tx, a, event.ExpiryFinderSweep); err != nil {
			return err
		}
		if err := s.end(ctx, q, c, "abandoned"); err != nil {
			return err
		}
		return s.tellAbandoned(ctx, tx, c, a.dg.of(a.number), event.PhoneChangeAbandonedExpired, "", a.act.Request())
	})
	if err != nil {
		return fmt.Errorf("abandon a change: %w", err)
	}
	return nil
}

// tellAbandoned records that the product closed a change. by is the change that
// took its place.
func (s *Service) tellAbandoned(ctx context.Context, tx *db.Tx, c phonesql.PhoneChange, digest event.PhoneDigest, why event.PhoneChangeAbandonedReason, by id.PhoneChange, request id.Request) error {
	org := id.Org(c.LogOrg)
	target, err := s.target(ctx, tx, org)
	if err != nil {
		return err
	}
	ev := event.NewPhoneChangeAbandoned(systemAct(org, request), target, why, id.User(c.PersonID), id.PhoneChange(c.ID), digest)
	if by != "" {
		ev = ev.WithSupersededBy(by)
	}
	_, err = s.d.Ledger.Record(ctx, tx, ev)
	return err
}

func (s *Service) drop(ctx context.Context, now time.Time) error {
	before := db.Micros(now.Add(-keepClosed))
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if err := q.DropChanges(ctx, before); err != nil {
			return err
		}
		if err := q.DropVerifications(ctx, phonesql.DropVerificationsParams{Before: before, LongBefore: db.Micros(now.Add(-keepDecided))}); err != nil {
			return err
		}
		return q.DropCounts(ctx, db.Micros(now))
	})
	if err != nil {
		return fmt.Errorf("delete what is over: %w", err)
	}
	return nil
}

// Package retention prunes the payloads of the audit ledgers when their time is over.
//
// An organization's payloads are kept for the days that it has set, the platform's and
// those of whoever has set nothing for the installation's. Days are counted to midnight
// UTC, so that a ledger is pruned once a day. While a legal hold is in force, nothing is
// pruned: that is asked inside each transaction, and whoever sets a hold waits for the
// one under way. Proofs do not need payloads; see package ledger.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

// Policies knows what organizations have set; tenancy.Service is one.
type Policies interface {
	// AuditDays is how long an organization's payloads are kept.
	AuditDays(ctx context.Context, tx *db.Tx, org id.Org) (int, error)
	// Held tells whether a legal hold is in force. Until the transaction ends, none can be set.
	Held(ctx context.Context, tx *db.Tx, org id.Org) (bool, error)
}

// Ledger clears payloads.
type Ledger interface {
	NextToPrune(ctx context.Context) (map[id.Org]time.Time, error)
	Prune(ctx context.Context, org id.Org, limit func(context.Context, *db.Tx) (ledger.PruneLimit, error)) (int, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log      *slog.Logger
	DB       *db.DB
	Ledger   Ledger
	Policies Policies
	Days     int              // of the platform's own ledger
	Now      func() time.Time // nil: time.Now
}

// Service prunes.
type Service struct {
	d     Deps
	woken chan struct{}
}

// New checks the parts. It opens nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Policies == nil || d.Days <= 0 {
		return nil, errors.New("retention: DB, Ledger, Policies and Days are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, woken: make(chan struct{}, 1)}, nil
}

// Run makes a round every hour, and when it is woken, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return rounds.OrWoken(ctx, time.Hour, s.woken, s.d.Log, "payloads of the audit log could not be pruned", s.Round)
}

// Wake asks for a round now: a hold was lifted, or a period was set.
func (s *Service) Wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Round prunes what is due in all ledgers. What fails in one does not keep the others.
func (s *Service) Round(ctx context.Context) error {
	next, err := s.d.Ledger.NextToPrune(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for org, recorded := range next {
		due, err := s.due(ctx, org, recorded)
		if due {
			err = s.prune(ctx, org)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// due tells, without writing, whether a ledger has anything to prune; a hold is for prune.
func (s *Service) due(ctx context.Context, org id.Org, recorded time.Time) (due bool, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		days, err := s.days(ctx, tx, org)
		due = recorded.Before(s.before(days))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read how long the audit log of %q is kept: %w", org, err)
	}
	return due, nil
}

func (s *Service) prune(ctx context.Context, org id.Org) error {
	total := 0
	for ctx.Err() == nil {
		n, err := s.d.Ledger.Prune(ctx, org, func(ctx context.Context, tx *db.Tx) (l ledger.PruneLimit, err error) {
			if org != "" {
				if l.Held, err = s.d.Policies.Held(ctx, tx, org); err != nil || l.Held {
					return l, err
				}
			}
			l.Days, err = s.days(ctx, tx, org)
			l.Before = s.before(l.Days)
			return l, err
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		total += n
	}
	if total > 0 {
		s.d.Log.InfoContext(ctx, "payloads of the audit log were pruned", "org_id", org, "events", total)
	}
	return nil
}

func (s *Service) days(ctx context.Context, tx *db.Tx, org id.Org) (int, error) {
	if org == "" {
		return s.d.Days, nil
	}
	return s.d.Policies.AuditDays(ctx, tx, org)
}

// before is the midnight before which payloads were recorded that are kept for days.
func (s *Service) before(days int) time.Time {
	return s.d.Now().UTC().AddDate(0, 0, -days).Truncate(24 * time.Hour)
}

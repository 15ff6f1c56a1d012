package keys

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
)

// LedgerState is how one ledger is. It tells nothing of what stands in it.
type LedgerState struct {
	ledger.Stats
	Name string // of the organization; empty: the platform's
}

// Ledgers lists the ledgers of the installation, the platform's first.
func (s *Service) Ledgers(ctx context.Context, actor authz.Actor, p page.Request) (page.List[LedgerState], error) {
	if err := authz.Check(operator(actor), authz.PlatformKeyView, onPlatform); err != nil {
		return page.List[LedgerState]{}, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[LedgerState]{}, err
	}
	all, err := s.d.Ledger.Stats(ctx)
	if err != nil {
		return page.List[LedgerState]{}, err
	}
	slices.SortFunc(all, func(a, b ledger.Stats) int { return strings.Compare(cursor(a), cursor(b)) })
	var out []LedgerState
	for _, st := range all {
		if len(out) < int(n) && cursor(st) > after {
			out = append(out, LedgerState{Stats: st})
		}
	}
	for i := range out {
		if out[i].Name, err = s.name(ctx, out[i].Org); err != nil {
			return page.List[LedgerState]{}, err
		}
	}
	return page.Cut(out, n, func(l LedgerState) string { return cursor(l.Stats) }), nil
}

// cursor orders ledgers: the platform's first, then by organization.
func cursor(s ledger.Stats) string {
	if s.Org == "" {
		return "-"
	}
	return string(s.Org)
}

// find is the ledger of an id.
func (s *Service) find(ctx context.Context, log id.Log) (LedgerState, error) {
	all, err := s.d.Ledger.Stats(ctx)
	if err != nil {
		return LedgerState{}, err
	}
	i := slices.IndexFunc(all, func(st ledger.Stats) bool { return st.Log == log })
	if i < 0 {
		return LedgerState{}, fault.New(fault.NotFound, "no such ledger")
	}
	name, err := s.name(ctx, all[i].Org)
	return LedgerState{all[i], name}, err
}

func (l LedgerState) target() event.AuditLogRef {
	if l.Org == "" {
		return event.AuditLogTarget(l.Log, "the platform's audit log")
	}
	return event.AuditLogTarget(l.Log, "the audit log of "+l.Name)
}

// tell records ev in the platform's ledger, and in the one that it is about.
func (s *Service) tell(ctx context.Context, tx *db.Tx, l LedgerState, actor authz.Actor, ev func(event.Act) event.Event) error {
	act := event.By(actor, event.PlatformAdmin)
	if _, err := s.d.Ledger.Record(ctx, tx, ev(act)); err != nil || l.Org == "" {
		return err
	}
	_, err := s.d.Ledger.Record(ctx, tx, ev(act.InOrg(l.Org)))
	return err
}

// RotateLedgerKey gives a ledger a new key that signs its checkpoints. The replaced
// one signs beside it for 30 days, and its public half stays published.
func (s *Service) RotateLedgerKey(ctx context.Context, actor authz.Actor, log id.Log) (ledger.Rotated, error) {
	actor = operator(actor)
	denied := event.NewLedgerKeyRotated(event.By(actor, event.PlatformAdmin), event.AuditLogTarget(log, ""))
	err := s.permit(ctx, actor, authz.PlatformKeyRotate, onPlatform, func(stale bool) event.Event {
		if stale {
			return denied.Denied(event.LedgerKeyRotatedMFARequired)
		}
		return denied.Denied(event.LedgerKeyRotatedNotPermitted)
	})
	if err != nil {
		return ledger.Rotated{}, err
	}
	l, err := s.find(ctx, log)
	if err != nil {
		return ledger.Rotated{}, err
	}
	out, err := s.d.Ledger.RotateKey(ctx, l.Org, func(ctx context.Context, tx *db.Tx, r ledger.Rotated) error {
		return s.tell(ctx, tx, l, actor, func(act event.Act) event.Event {
			ev := event.NewLedgerKeyRotated(act, l.target()).WithNewKeyID(r.Key)
			if r.Replaced != "" {
				ev = ev.WithReplacedKeyID(r.Replaced).WithReplacedSignsUntil(r.SignUntil)
			}
			return ev
		})
	})
	if err != nil {
		return ledger.Rotated{}, fmt.Errorf("rotate the key of ledger %s: %w", log, err)
	}
	return out, nil
}

// ResumeLedger lets a stopped ledger go on. Its tree is checked at once; when it is
// still not the one that was signed, the ledger stops again (fault.Unavailable).
func (s *Service) ResumeLedger(ctx context.Context, actor authz.Actor, log id.Log) (LedgerState, error) {
	actor = operator(actor)
	denied := event.NewLedgerResumed(event.By(actor, event.PlatformAdmin), event.AuditLogTarget(log, ""))
	err := s.permit(ctx, actor, authz.LedgerResume, onPlatform, func(stale bool) event.Event {
		if stale {
			return denied.Denied(event.LedgerResumedMFARequired)
		}
		return denied.Denied(event.LedgerResumedNotPermitted)
	})
	if err != nil {
		return LedgerState{}, err
	}
	l, err := s.find(ctx, log)
	if err != nil {
		return LedgerState{}, err
	}
	err = s.d.Ledger.Resume(ctx, l.Org, func(ctx context.Context, tx *db.Tx, stop ledger.Stop) error {
		return s.tell(ctx, tx, l, actor, func(act event.Act) event.Event {
			return event.NewLedgerResumed(act, l.target()).WithStoppedAt(stop.At).WithStopReason(stop.Reason)
		})
	})
	if err != nil {
		return LedgerState{}, err
	}
	return s.find(ctx, log)
}

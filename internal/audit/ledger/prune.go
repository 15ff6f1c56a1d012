package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Pruning goes through a ledger in the order of seq, and stops at the first event
// whose time is not over. An event that was committed late stands behind younger ones
// and goes with them; what a wrong clock dated into the future keeps what follows it.

// pruneBatch is how many events one transaction prunes: a hold that is set meanwhile
// waits for it.
const pruneBatch = 1000

// A PruneLimit says what may be pruned.
type PruneLimit struct {
	Held   bool      // nothing may
	Days   int       // how long payloads are kept
	Before time.Time // those that were recorded before may go
}

// A Pruned stretch of a ledger, from First up to and without Beyond, has no payloads any more.
type Pruned struct {
	First, Beyond int64
	Payloads      int64 // that were cleared in it
	PruneLimit
	StartedAt, EndedAt time.Time
}

// NextToPrune tells for each ledger when the first event that was not pruned yet was recorded.
func (l *Ledger) NextToPrune(ctx context.Context) (map[id.Org]time.Time, error) {
	out := map[id.Org]time.Time{}
	err := l.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := ledgersql.New(tx).NextToPrune(ctx)
		if err != nil {
			return fmt.Errorf("look for what may be pruned: %w", err)
		}
		for _, r := range rows {
			out[id.Org(r.OrgID)] = db.Time(r.RecordedAt)
		}
		return nil
	})
	return out, err
}

// Prune clears payloads and salts of the next events of org's ledger, up to 1,000, and
// tells how many events it went past; fewer than 1,000: no more are due. limit is asked
// inside the transaction. Numbers, ids, times, constants, hashes and the tree stay, so
// that every proof holds. It is harmless when several servers prune one ledger.
func (l *Ledger) Prune(ctx context.Context, org id.Org, limit func(context.Context, *db.Tx) (PruneLimit, error)) (int, error) {
	n := 0
	err := l.inScope(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		n = 0
		may, err := limit(ctx, tx)
		if err != nil || may.Held {
			return err
		}
		s, err := l.nextStretch(ctx, tx, org, may)
		if err != nil || s.Beyond == s.First {
			return err
		}
		n = int(s.Beyond - s.First)
		return tx.As(ctx, db.Pruner, func() error { return s.clear(ctx, tx, org, db.Micros(l.now())) })
	})
	if db.Unique(err) { // another server was faster
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("prune the ledger of %q: %w", org, err)
	}
	return n, nil
}

// stretch is what one transaction prunes, and the row of audit_prune that it follows.
type stretch struct {
	Pruned
	last ledgersql.AuditPrune
}

func (l *Ledger) nextStretch(ctx context.Context, tx *db.Tx, org id.Org, may PruneLimit) (stretch, error) {
	q := ledgersql.New(tx)
	log, err := q.LogByOrg(ctx, string(org))
	if err != nil {
		return stretch{}, err
	}
	last, err := q.LastPrune(ctx, string(org))
	if err != nil && !db.NotFound(err) {
		return stretch{}, err
	}
	s := stretch{Pruned{First: last.BeyondSeq, Beyond: min(last.BeyondSeq+pruneBatch, log.TreeSize), PruneLimit: may}, last}
	kept, err := q.FirstKept(ctx, ledgersql.FirstKeptParams{OrgID: string(org), First: s.First, Beyond: s.Beyond, RecordedBefore: db.Micros(may.Before)})
	if kept >= 0 {
		s.Beyond = kept
	}
	return s, err
}

func (s stretch) clear(ctx context.Context, tx *db.Tx, org id.Org, now int64) error {
	q, before := ledgersql.New(tx), db.Micros(s.Before)
	cleared, err := q.ClearPayloads(ctx, ledgersql.ClearPayloadsParams{Now: sql.NullInt64{Int64: now, Valid: true}, OrgID: string(org), First: s.First, Beyond: s.Beyond})
	if err != nil {
		return err
	}
	if err := q.ForgetSearch(ctx, ledgersql.ForgetSearchParams{OrgID: string(org), First: s.First, Beyond: s.Beyond}); err != nil {
		return err
	}
	if s.First == 0 || s.last.KeepDays != int64(s.Days) || s.last.RecordedBefore != before {
		return q.InsertPrune(ctx, ledgersql.InsertPruneParams{OrgID: string(org), First: s.First, Beyond: s.Beyond, Pruned: cleared, KeepDays: int64(s.Days), RecordedBefore: before, Now: now})
	}
	n, err := q.GrowPrune(ctx, ledgersql.GrowPruneParams{OrgID: string(org), First: s.last.FirstSeq, OldBeyond: s.First, Beyond: s.Beyond, Pruned: cleared, Now: now})
	if err == nil && n != 1 {
		err = fmt.Errorf("another server pruned from seq %d on", s.First)
	}
	return err
}

// Prunes lists the pruned stretches of org's ledger that begin before seq beyond, the
// last n of them, oldest first.
func (l *Ledger) Prunes(ctx context.Context, org id.Org, beyond int64, n int) ([]Pruned, error) {
	var rows []ledgersql.AuditPrune
	err := l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) (err error) {
		rows, err = q.Prunes(ctx, ledgersql.PrunesParams{OrgID: string(org), Beyond: beyond, N: int32(n)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what was pruned of %q: %w", org, err)
	}
	out := make([]Pruned, len(rows))
	for i, r := range rows {
		out[len(rows)-1-i] = Pruned{First: r.FirstSeq, Beyond: r.BeyondSeq, Payloads: r.Pruned, PruneLimit: PruneLimit{Days: int(r.KeepDays), Before: db.Time(r.RecordedBefore)},
			StartedAt: db.Time(r.StartedAt), EndedAt: db.Time(r.EndedAt)}
	}
	return out, nil
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// refusals gathers the events that are recorded alone, so that those of one
// ledger that arrive while a transaction is under way share the next one. A
// commit costs the same for one event and for a hundred.
type refusals struct {
	mu      sync.Mutex
	queues  map[id.Org]*queue
	running sync.WaitGroup // the goroutines that commit
}

type queue struct {
	rows []waitingRow
	busy bool
}

type waitingRow struct {
	row  ledgersql.InsertEventParams
	done chan error
}

// The bounds of one shared transaction.
const (
	refusalBatch = 256
	refusalTime  = 15 * time.Second
)

// RecordRefusal records ev in a transaction of its own; use it for what was
// refused, failed or only seen. When it returns nil, ev is durable; on an error
// the caller refuses all the same, with an internal error. It must not be called
// inside a transaction.
func (l *Ledger) RecordRefusal(ctx context.Context, ev event.Event) error {
	org, err := ledgerOf(ev)
	if err != nil {
		return err
	}
	if db.InTx(ctx) {
		return fmt.Errorf("record %s: an event of its own cannot be recorded inside a transaction", ev.Constant())
	}
	log, err := l.openLog(ctx, org)
	if err != nil {
		return err
	}
	row, err := l.row(ev, org, log)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	l.enqueue(ctx, org, waitingRow{row, done})
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("record %s: %w", ev.Constant(), err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("record %s: %w", ev.Constant(), ctx.Err())
	}
}

// openLog is logID outside of a transaction.
func (l *Ledger) openLog(ctx context.Context, org id.Org) (id.Log, error) {
	if known, ok := l.logIDs.Load(org); ok {
		return known.(id.Log), nil
	}
	var log id.Log
	err := l.inScope(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		log, err = l.logID(ctx, tx, org)
		return err
	})
	if err != nil {
		l.health.doubt()
	}
	return log, err
}

func (l *Ledger) enqueue(ctx context.Context, org id.Org, w waitingRow) {
	r := &l.refusal
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[org]
	if q == nil {
		q = &queue{}
		r.queues[org] = q
	}
	q.rows = append(q.rows, w)
	if !q.busy {
		q.busy = true
		// The first caller's ctx lends its values, not its end: the others' events
		// must not fail because it went away.
		steady := context.WithoutCancel(ctx)
		r.running.Go(func() { l.drain(steady, org) })
	}
}

// drain commits org's queue until it is empty.
func (l *Ledger) drain(ctx context.Context, org id.Org) {
	r := &l.refusal
	for {
		r.mu.Lock()
		q := r.queues[org]
		n := min(len(q.rows), refusalBatch)
		if n == 0 {
			delete(r.queues, org)
			r.mu.Unlock()
			return
		}
		batch := append([]waitingRow(nil), q.rows[:n]...)
		q.rows = append(q.rows[:0], q.rows[n:]...)
		r.mu.Unlock()

		err := l.commitRows(ctx, org, batch)
		for _, w := range batch {
			w.done <- err
		}
	}
}

var eventRows = db.Bulk{Table: "audit_event", Columns: []db.Column{
	{Name: "org_id", Kind: "text"}, {Name: "log_id", Kind: "text"}, {Name: "id", Kind: "text"}, {Name: "recorded_at", Kind: "bigint"}, {Name: "constant", Kind: "text"},
	{Name: "payload", Kind: "bytea"}, {Name: "salt", Kind: "bytea"}, {Name: "payload_hash", Kind: "bytea"},
}}

func eventRow(r ledgersql.InsertEventParams) []any {
	return []any{r.OrgID, r.LogID, r.ID, r.RecordedAt, r.Constant, r.Payload, r.Salt, r.PayloadHash}
}

func (l *Ledger) commitRows(ctx context.Context, org id.Org, batch []waitingRow) error {
	ctx, cancel := context.WithTimeout(ctx, refusalTime)
	defer cancel()
	err := l.inScope(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		rows := make([][]any, len(batch))
		for i, w := range batch {
			rows[i] = eventRow(w.row)
		}
		if err := eventRows.Insert(ctx, tx, rows); err != nil {
			return err
		}
		tx.AfterCommit(func() { l.wrote(org) })
		return nil
	})
	if err != nil {
		l.health.doubt()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the store did not answer within %s: %w", refusalTime, err)
		}
	}
	return err
}

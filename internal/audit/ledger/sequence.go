package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// sequenceBatch is how many events one transaction of the sequencer numbers.
const sequenceBatch = 1000

// errHalted says that a ledger stands still after an incident.
var errHalted = errors.New("the ledger was stopped because its tree was not consistent")

// errTree is a tree that is not what it should be: the reason to stop a ledger.
type errTree struct{ what string }

func (e errTree) Error() string { return e.what }

// runSequencer numbers what commits wake it for, and looks every second for what
// other servers left behind.
func (l *Ledger) runSequencer(ctx context.Context) {
	look := time.NewTicker(clockTick)
	defer look.Stop()
	l.findWaiting(ctx)
	for ctx.Err() == nil {
		for _, org := range l.takeDirty() {
			n, err := l.sequence(ctx, org)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, errHalted): // told when it happened; Healthy goes on telling
			case err != nil:
				l.log.ErrorContext(ctx, "events are not numbered", "org_id", org, "error", err)
			case n == sequenceBatch:
				l.wake(org)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(passPause):
		}
		select {
		case <-ctx.Done():
		case <-l.woken:
		case <-look.C:
			l.findWaiting(ctx)
		}
	}
}

func (l *Ledger) findWaiting(ctx context.Context) {
	orgs, err := l.orgsWaiting(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.log.ErrorContext(ctx, "events without a number cannot be looked for", "error", err)
		}
		return
	}
	for _, org := range orgs {
		l.wake(org)
	}
}

func (l *Ledger) orgsWaiting(ctx context.Context) (orgs []id.Org, err error) {
	err = l.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		found, err := ledgersql.New(tx).OrgsWaiting(ctx)
		orgs = orgs[:0]
		for _, org := range found {
			orgs = append(orgs, id.Org(org))
		}
		return err
	})
	return orgs, err
}

// sequence numbers up to sequenceBatch events of org in one transaction and
// returns how many.
func (l *Ledger) sequence(ctx context.Context, org id.Org) (int, error) {
	b := l.book(org)
	b.mu.Lock()
	defer b.mu.Unlock()
	var n int
	var next *edge
	err := l.db.InRole(ctx, db.Sequencer, func(ctx context.Context, tx *db.Tx) error {
		n, next = 0, nil
		log, e, err := l.lockTree(ctx, tx, org, b)
		if err != nil {
			return err
		}
		next, n, err = numberBatch(ctx, tx, org, log, e)
		return err
	})
	var broken errTree
	if errors.As(err, &broken) {
		l.halt(ctx, org, broken)
		return 0, errHalted
	}
	if err != nil {
		b.edge = nil // whatever was thought of the tree is read again
		return 0, err
	}
	if n > 0 {
		l.health.good(l.now())
	}
	b.edge = next
	return n, nil
}

// lockTree keeps other sequencers of org away until the transaction ends, and
// returns the ledger with its tree's edge, which it checks against the root.
func (l *Ledger) lockTree(ctx context.Context, tx *db.Tx, org id.Org, b *book) (ledgersql.LogByOrgRow, *edge, error) {
	if err := lockLog(ctx, tx, org); err != nil {
		return ledgersql.LogByOrgRow{}, nil, err
	}
	q := ledgersql.New(tx)
	log, err := q.LogByOrg(ctx, string(org))
	if err != nil {
		return log, nil, fmt.Errorf("read the ledger of %q: %w", org, err)
	}
	if log.HaltedAt.Valid {
		return log, nil, errHalted
	}
	if b.edge != nil && b.edge.size == log.TreeSize {
		return log, b.edge, nil
	}
	if b.edge != nil && b.edge.size > log.TreeSize {
		return log, nil, errTree{fmt.Sprintf("the tree had %d events and now has %d", b.edge.size, log.TreeSize)}
	}
	e, err := tiles{ctx, tx, org}.edge(log.TreeSize)
	if err != nil {
		return log, nil, unfit("", err)
	}
	root, err := e.root()
	if err != nil {
		return log, nil, err
	}
	if !slices.Equal(root[:], log.RootHash) {
		return log, nil, errTree{fmt.Sprintf("the tiles of the tree do not make its root at %d events", log.TreeSize)}
	}
	return log, e, nil
}

// lockLog takes the row lock that makes the sequencer of org the only one. On
// SQLite there is one writer anyway. The planner is told to go by the indexes:
// how many events wait changes faster than its statistics, and the plan that is
// best for a wrong guess takes seconds.
func lockLog(ctx context.Context, tx *db.Tx, org id.Org) error {
	if tx.Engine() != db.Postgres {
		return nil
	}
	var found, off string
	err := tx.QueryRowContext(ctx, `
		select log_id, set_config('enable_seqscan', 'off', true) || set_config('enable_bitmapscan', 'off', true) || set_config('enable_sort', 'off', true)
		       || set_config('enable_hashjoin', 'off', true) || set_config('enable_mergejoin', 'off', true)
		from audit_log where org_id = $1 for update`, string(org)).Scan(&found, &off)
	if err != nil {
		return fmt.Errorf("lock the ledger of %q: %w", org, err)
	}
	return nil
}

// numberBatch numbers the next events after e and writes tree and search rows.
func numberBatch(ctx context.Context, tx *db.Tx, org id.Org, log ledgersql.LogByOrgRow, e *edge) (*edge, int, error) {
	q := ledgersql.New(tx)
	rows, err := q.NumberEvents(ctx, ledgersql.NumberEventsParams{OrgID: string(org), Base: e.size, Batch: sequenceBatch})
	if db.Unique(err) {
		return nil, 0, errTree{fmt.Sprintf("a number from %d on is taken by a row that is not in the tree", e.size)}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("number the events: %w", err)
	}
	if len(rows) == 0 {
		return e, 0, nil
	}
	slices.SortFunc(rows, func(a, b ledgersql.NumberEventsRow) int { return int(a.Seq.Int64 - b.Seq.Int64) })
	leaves := make([]tlog.Hash, len(rows))
	for i, r := range rows {
		if r.Seq.Int64 != e.size+int64(i) || len(r.PayloadHash) != len(verify.Leaf{}.PayloadHash) {
			return nil, 0, fmt.Errorf("event %s got seq %d where %d was due, or has no hash", r.ID, r.Seq.Int64, e.size+int64(i))
		}
		leaves[i] = verify.Leaf{LogID: log.LogID, Seq: r.Seq.Int64, ID: r.ID, RecordedAt: r.RecordedAt, Constant: r.Constant, PayloadHash: [32]byte(r.PayloadHash)}.Hash()
	}
	next := e.clone()
	for _, w := range next.append(leaves) {
		if err := q.PutTile(ctx, ledgersql.PutTileParams{OrgID: string(org), Level: int64(w.level), Idx: w.idx, Hashes: flat(w.hashes)}); err != nil {
			return nil, 0, fmt.Errorf("write tile %d/%d: %w", w.level, w.idx, err)
		}
	}
	root, err := next.root()
	if err != nil {
		return nil, 0, err
	}
	if err := insertSearch(ctx, tx, org, rows); err != nil {
		return nil, 0, err
	}
	moved, err := q.SetTree(ctx, ledgersql.SetTreeParams{OrgID: string(org), TreeSize: next.size, RootHash: root[:], OldSize: e.size})
	if err != nil {
		return nil, 0, fmt.Errorf("move the tree: %w", err)
	}
	if moved != 1 {
		return nil, 0, fmt.Errorf("move the tree: somebody else moved it from %d", e.size)
	}
	return next, len(rows), nil
}

// found is what lists filter by, as the payload tells it.
type found struct {
	Time     time.Time `json:"time"`
	Category string    `json:"category"`
	Severity string    `json:"severity"`
	Outcome  string    `json:"outcome"`
	Session  string    `json:"session_id"`
	Actor    named     `json:"actor"`
	Target   named     `json:"target"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

var searchRows = db.Bulk{Table: "audit_search", Columns: []db.Column{
	{Name: "org_id", Kind: "text"}, {Name: "seq", Kind: "bigint"}, {Name: "occurred_at", Kind: "bigint"}, {Name: "constant", Kind: "text"}, {Name: "category", Kind: "text"}, {Name: "severity", Kind: "text"},
	{Name: "actor_id", Kind: "text"}, {Name: "actor_name", Kind: "text"}, {Name: "target_id", Kind: "text"}, {Name: "target_name", Kind: "text"}, {Name: "outcome", Kind: "text"}, {Name: "session_id", Kind: "text"},
}}

func insertSearch(ctx context.Context, tx *db.Tx, org id.Org, events []ledgersql.NumberEventsRow) error {
	rows := make([][]any, len(events))
	for i, r := range events {
		var f found
		if err := json.Unmarshal(r.Payload, &f); err != nil {
			return fmt.Errorf("read the payload of %s: %w", r.ID, err)
		}
		rows[i] = []any{
			string(org), r.Seq.Int64, db.Micros(f.Time), r.Constant, f.Category, f.Severity,
			f.Actor.ID, f.Actor.Name, f.Target.ID, f.Target.Name, f.Outcome, f.Session,
		}
	}
	if err := searchRows.Insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("write the search rows: %w", err)
	}
	return nil
}

// Flush waits until every event that was committed before the call has its
// number, in all ledgers. It works without Run as well.
func (l *Ledger) Flush(ctx context.Context) error {
	orgs, err := l.orgsWaiting(ctx)
	if err != nil {
		return fmt.Errorf("look for events without a number: %w", err)
	}
	var errs []error
	for _, org := range orgs {
		errs = append(errs, l.flushOrg(ctx, org))
	}
	return errors.Join(errs...)
}

func (l *Ledger) flushOrg(ctx context.Context, org id.Org) error {
	var last ledgersql.LastWaitingRow
	err := l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) (err error) {
		last, err = q.LastWaiting(ctx, string(org))
		return err
	})
	if db.NotFound(err) {
		return nil
	}
	for waiting := true; err == nil && waiting; {
		if _, err = l.sequence(ctx, org); err != nil {
			break
		}
		err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) (err error) {
			waiting, err = q.WaitingUpTo(ctx, ledgersql.WaitingUpToParams{OrgID: string(org), RecordedAt: last.RecordedAt, ID: last.ID})
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("number the events of %q: %w", org, err)
	}
	return nil
}

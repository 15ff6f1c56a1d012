package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Sealer seals the signing keys at rest; seal.Keyring is one. It may use the
// store, so the ledger calls it outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Deps is what a Ledger is made of.
type Deps struct {
	DB     *db.DB
	Sealer Sealer
	Host   string // names new ledgers: the origin of their checkpoints is <Host>/audit/<log id>
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	CheckpointEvery time.Duration // while the tree grows; 0: 60 s
	CheckpointIdle  time.Duration // while it does not; 0: one hour
}

// Ledger is the audit ledgers of all organizations and of the platform.
// All methods may be called from several goroutines.
type Ledger struct {
	db     *db.DB
	sealer Sealer
	host   string
	log    *slog.Logger
	now    func() time.Time
	every  time.Duration
	idle   time.Duration
	server string // names this process in the probe table

	logIDs  sync.Map // id.Org -> id.Log, committed ones only
	mu      sync.Mutex
	books   map[id.Org]*book
	dirty   map[id.Org]bool // committed events wait there for their numbers
	woken   chan struct{}
	refusal refusals
	health  health
	faults  *Folder
	folders []*Folder
}

// book is what this process remembers of one ledger between transactions.
type book struct {
	mu     sync.Mutex // one sequencer or signer of this process at a time
	edge   *edge      // the tree's right edge as last committed; nil: not read yet
	signed verify.Checkpoint
	// signedAt is when signed was signed; zero: this process has seen none.
	signedAt time.Time
}

// The platform's ledger has no organization.
const platform id.Org = ""

// New checks d. The ledger records and reads at once; numbers and signatures
// need Run.
func New(d Deps) (*Ledger, error) {
	switch {
	case d.DB == nil:
		return nil, errors.New("ledger: no database")
	case d.Sealer == nil:
		return nil, errors.New("ledger: no sealer")
	case d.Host == "":
		return nil, errors.New("ledger: no host name for the checkpoints")
	}
	probe := verify.Checkpoint{Origin: verify.Origin(d.Host, "log")}
	if _, err := verify.ParseText(probe.Text()); err != nil {
		return nil, fmt.Errorf("ledger: the host name %q cannot name a ledger: %w", d.Host, err)
	}
	l := &Ledger{
		db: d.DB, sealer: d.Sealer, host: d.Host, log: d.Log, now: d.Now, every: d.CheckpointEvery, idle: d.CheckpointIdle,
		server: string(id.New[id.Job]()),
		books:  map[id.Org]*book{},
		dirty:  map[id.Org]bool{},
		woken:  make(chan struct{}, 1),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.every == 0 {
		l.every = time.Minute
	}
	if l.idle == 0 {
		l.idle = time.Hour
	}
	l.refusal.queues = map[id.Org]*queue{}
	l.faults = l.NewFolder(faultWindow)
	return l, nil
}

// The pace of Run.
const (
	clockTick = time.Second
	// passPause keeps the passes of the sequencer apart, so that under load a pass
	// numbers many events; an event alone is numbered at once.
	passPause = 50 * time.Millisecond
	stopTime  = 10 * time.Second
)

// Run numbers and signs until ctx ends. Then it writes what folders still hold,
// numbers and signs what is left, and returns nil. Stop the writers first.
func (l *Ledger) Run(ctx context.Context) error {
	if err := l.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := l.logID(ctx, tx, platform)
		return err
	}); err != nil && ctx.Err() == nil {
		return fmt.Errorf("open the platform's ledger: %w", err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { l.runSequencer(ctx) })
	parts.Go(func() { l.runClock(ctx) })
	parts.Wait()

	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	var errs []error
	for _, f := range l.allFolders() {
		errs = append(errs, f.flush(last, true))
	}
	l.refusal.running.Wait()
	errs = append(errs, l.Flush(last))
	l.signAll(last, true)
	l.health.stop()
	if err := errors.Join(errs...); err != nil {
		l.log.ErrorContext(ctx, "the ledger did not finish", "error", err)
	}
	return nil
}

// runClock does what is due by time: signatures, the write probe, the count of
// what waits, and the ends of folding windows.
func (l *Ledger) runClock(ctx context.Context) {
	tick := time.NewTicker(clockTick)
	defer tick.Stop()
	for {
		l.clock(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *Ledger) clock(ctx context.Context) {
	l.probe(ctx)
	l.signAll(ctx, false)
	for _, f := range l.allFolders() {
		if err := f.flush(ctx, false); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "folded events are not recorded yet", "error", err)
		}
	}
}

// book is the memory of org's ledger.
func (l *Ledger) book(org id.Org) *book {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.books[org]
	if b == nil {
		b = &book{}
		l.books[org] = b
	}
	return b
}

// wake says that org has committed events without a number.
func (l *Ledger) wake(org id.Org) {
	l.mu.Lock()
	l.dirty[org] = true
	l.mu.Unlock()
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// takeDirty returns the ledgers that wait for the sequencer and forgets them.
func (l *Ledger) takeDirty() []id.Org {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]id.Org, 0, len(l.dirty))
	for org := range l.dirty {
		out = append(out, org)
	}
	clear(l.dirty)
	return out
}

// inScope runs fn in a write transaction that may record for org.
func (l *Ledger) inScope(ctx context.Context, org id.Org, fn db.Fn) error {
	if org == platform {
		return l.db.InPlatform(ctx, fn)
	}
	return l.db.InOrg(ctx, org, fn)
}

// read runs fn in a read transaction that sees org's ledger.
func (l *Ledger) read(ctx context.Context, org id.Org, fn func(ctx context.Context, q *ledgersql.Queries, tx *db.Tx) error) error {
	body := func(ctx context.Context, tx *db.Tx) error { return fn(ctx, ledgersql.New(tx), tx) }
	if org == platform {
		return l.db.ReadPlatform(ctx, body)
	}
	return l.db.ReadOrg(ctx, org, body)
}

// micros is t as a nullable column holds it.
func micros(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: db.Micros(t), Valid: true} }

// systemAct is an act of the product itself, told in org's ledger.
func systemAct(org id.Org) event.Act { return event.By(authz.SystemActor(org), event.System) }

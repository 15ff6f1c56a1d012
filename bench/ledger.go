package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal"
)

const writers = 64

// books is a ledger of the product on a store of its own, running.
type books struct {
	db     *db.DB
	ledger *ledger.Ledger
	org    id.Org
	stop   func() error
}

// openBooks opens a ledger in url. It runs as in the server: sequencer, tree,
// signed checkpoints, keys sealed under a root key.
func openBooks(ctx context.Context, url, dir string) (*books, error) {
	d, err := db.Open(ctx, db.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	k := &books{db: d, org: id.New[id.Org](), stop: d.Close}
	fail := func(err error) (*books, error) { return nil, errors.Join(err, k.stop()) }
	if err := d.Migrate(ctx); err != nil {
		return fail(err)
	}
	root, err := seal.LoadRoot(filepath.Join(dir, "keys", "root.key"))
	if err != nil {
		return fail(err)
	}
	keys, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		return fail(err)
	}
	k.ledger, err = ledger.New(ledger.Deps{DB: d, Sealer: keys, Host: "bench.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fail(err)
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- k.ledger.Run(running) }()
	k.stop = func() error {
		end()
		return errors.Join(<-done, d.Close())
	}
	return k, nil
}

// event is a usual one, of some 700 bytes.
func (k *books) event() event.Event {
	act := event.By(authz.Actor{
		Kind: authz.Person, User: "usr_01jz0000000000000000000001", Name: "alice", Org: k.org,
		Source:  authz.Source{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "ssh"},
		Request: id.New[id.Request](),
	}, event.OrgAdmin)
	return event.NewSafeMemberAdded(act, event.SafeTarget(id.New[id.Safe](), "web"), id.New[id.User](), "user")
}

// atOnce calls write from many writers for a time, then finish, and gives the
// calls a second until finish has returned.
func atOnce(ctx context.Context, n int, during time.Duration, write func(ctx context.Context) error, finish func() error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var calls atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	end := began.Add(during)
	for range n {
		all.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if err := write(ctx); err != nil {
					cancel(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	if err := finish(); err != nil {
		return 0, err
	}
	return float64(calls.Load()) / time.Since(began).Seconds(), nil
}

// ledgerRate is how many events a second 64 writers record, durable one by one,
// until the last has its number in the tree: events that stand alone, whose
// commits the ledger shares, and events in a transaction of the caller's each, as
// those of every change are. The peer is what the same store does without ledger:
// durable rows from as many writers, each its own statement or transaction.
func ledgerRate(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "ledger")
	if err := os.MkdirAll(filepath.Join(dir, "sqlite"), 0o755); err != nil {
		return err
	}
	if err := ledgerRateOn(ctx, b, "SQLite", "sqlite:"+filepath.Join(dir, "sqlite", "bench.db"), filepath.Join(dir, "sqlite")); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	p, url, err := startPostgres(ctx, filepath.Join(dir, "postgres"))
	if err != nil {
		return err
	}
	err = ledgerRateOn(ctx, b, "PostgreSQL", url, filepath.Join(dir, "postgres-keys"))
	return errors.Join(err, p.stop())
}

func ledgerRateOn(ctx context.Context, b *bench, engine, url, dir string) error {
	k, err := openBooks(ctx, url, dir)
	if err != nil {
		return err
	}
	plain, err := openPlain(ctx, url)
	if err != nil {
		return errors.Join(err, k.stop())
	}
	for _, l := range []struct {
		name, short string
		ours, peer  func(ctx context.Context) error
	}{
		{"durable events, each alone", "alone", k.alone, plain.insert},
		{"durable transactions with an event each", "transactions", k.transaction, plain.transaction},
	} {
		during := time.Duration(b.pick(4, 2)) * time.Second
		var p pairs
		p, err = alternate(b.pick(2, 1), func() (rate float64, err error) {
			err = b.profiledHere("ledger-"+engine+"-"+l.short, func() (err error) {
				rate, err = atOnce(ctx, writers, during, l.ours, func() error { return k.ledger.Flush(ctx) })
				return err
			})
			return rate, err
		}, func() (float64, error) {
			return atOnce(ctx, writers, during/2, l.peer, func() error { return nil })
		})
		if err != nil {
			break
		}
		b.report.value(true, 5000, fmt.Sprintf("ledger on %s: %s, numbered in the tree, %d writers (peer: the store without ledger)", engine, l.name, writers), "events/s", median(p.ours), median(p.peer))
	}
	if err == nil {
		err = k.check(ctx)
	}
	return errors.Join(err, plain.close(), k.stop())
}

func (k *books) alone(ctx context.Context) error { return k.ledger.RecordRefusal(ctx, k.event()) }

func (k *books) transaction(ctx context.Context) error {
	return k.db.InOrg(ctx, k.org, func(ctx context.Context, tx *db.Tx) error {
		_, err := k.ledger.Record(ctx, tx, k.event())
		return err
	})
}

// check makes sure that the last event, and so all before it, stands in the signed tree.
func (k *books) check(ctx context.Context) error {
	var last id.Event
	err := k.db.InOrg(ctx, k.org, func(ctx context.Context, tx *db.Tx) (err error) {
		last, err = k.ledger.Record(ctx, tx, k.event())
		return err
	})
	if err != nil {
		return err
	}
	if err := k.ledger.Flush(ctx); err != nil {
		return err
	}
	_, err = k.ledger.Inclusion(ctx, k.org, last)
	return err
}

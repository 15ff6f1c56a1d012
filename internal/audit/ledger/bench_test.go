package ledger

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/id"
)

const benchWriters = 64

func eachEngine(b *testing.B, f func(b *testing.B, d *db.DB)) {
	b.Run("sqlite", func(b *testing.B) { f(b, dbtest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { f(b, dbtest.Postgres(b)) })
}

// measure calls write b.N times from 64 goroutines, waits until all of it has its
// number, and reports the rate and the slowest percent.
func measure(b *testing.B, l *Ledger, write func(ctx context.Context) error) {
	stop := start(b, l)
	ctx := b.Context()
	if err := write(ctx); err != nil { // opens the ledger
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, benchWriters)
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range benchWriters {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := write(ctx); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	if err := l.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	every := slices.Concat(took...)
	slices.Sort(every)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(every[len(every)*99/100].Microseconds())/1000, "p99-ms")
	stop()
}

// BenchmarkRecordRefusal is durable, numbered events of their own from 64 writers.
func BenchmarkRecordRefusal(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := open(b, d, nil)
		measure(b, l, func(ctx context.Context) error { return l.RecordRefusal(ctx, added(orgA, "web")) })
	})
}

// BenchmarkRecord is the same with a transaction of the caller's for each event.
func BenchmarkRecord(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := open(b, d, nil)
		measure(b, l, func(ctx context.Context) error {
			return d.InOrg(ctx, orgA, func(ctx context.Context, tx *db.Tx) error {
				_, err := l.Record(ctx, tx, added(orgA, "web"))
				return err
			})
		})
	})
}

// BenchmarkEncode is the part of recording that needs no store.
func BenchmarkEncode(b *testing.B) {
	ev, log := added(orgA, "web"), id.New[id.Log]()
	for b.Loop() {
		if _, err := event.Encode(ev, id.New[id.Event](), log, orgA, time.Now(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecordAlone is what Record adds to one caller's transaction, with the
// sequencer at work beside it.
func BenchmarkRecordAlone(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := open(b, d, nil)
		stop := start(b, l)
		var took []time.Duration
		for b.Loop() {
			if err := d.InOrg(b.Context(), orgA, func(ctx context.Context, tx *db.Tx) error {
				began := time.Now()
				_, err := l.Record(ctx, tx, added(orgA, "web"))
				took = append(took, time.Since(began))
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "record-p50-us")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "record-p99-us")
		stop()
	})
}

// million grows org's tree to a million leaves. Only their hashes are stored: a
// proof reads nothing else of the other events.
func million(b *testing.B, d *db.DB, l *Ledger, org id.Org) id.Event {
	b.Helper()
	const size = 1_000_000
	evt := record(b, l, org, added(org, "web"))
	if err := l.flushOrg(b.Context(), org); err != nil {
		b.Fatal(err)
	}
	e := l.book(org).edge.clone()
	var writes []tileWrite
	for e.size < size {
		leaves := make([]tlog.Hash, min(tileWidth-int(e.size%tileWidth), int(size-e.size)))
		for i := range leaves {
			leaves[i] = leaf(int(e.size) + i)
		}
		writes = append(writes, e.append(leaves)...)
	}
	last := map[[2]int64]tileWrite{}
	for _, w := range writes {
		last[[2]int64{int64(w.level), w.idx}] = w
	}
	root, err := e.root()
	if err != nil {
		b.Fatal(err)
	}
	if err := d.InRole(b.Context(), db.Sequencer, func(ctx context.Context, tx *db.Tx) error {
		q := ledgersql.New(tx)
		for _, w := range last {
			if err := q.PutTile(ctx, ledgersql.PutTileParams{OrgID: string(org), Level: int64(w.level), Idx: w.idx, Hashes: flat(w.hashes)}); err != nil {
				return err
			}
		}
		_, err := q.SetTree(ctx, ledgersql.SetTreeParams{OrgID: string(org), TreeSize: size, RootHash: root[:], OldSize: 1})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	if cp, err := l.sign(b.Context(), org, whenGrown); err != nil || cp.Size != size {
		b.Fatal(cp.Size, err)
	}
	return evt
}

// BenchmarkInclusion proves one event of a million, from the request to the text.
func BenchmarkInclusion(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := open(b, d, nil)
		evt := million(b, d, l, orgA)
		var took []time.Duration
		for b.Loop() {
			began := time.Now()
			p, err := l.Inclusion(b.Context(), orgA, evt)
			if err != nil || len(p.Text()) == 0 {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	})
}

package ledger

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
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

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// ledgerProof is how long a proof of inclusion takes in a large ledger: from the
// id of any event to the proof, checked against the signed checkpoint.
func ledgerProof(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "proof")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	k, err := openBooks(ctx, "sqlite:"+filepath.Join(dir, "bench.db"), dir)
	if err != nil {
		return err
	}
	size := b.pick(1_000_000, 50_000)
	began := time.Now()
	some, err := k.fill(ctx, size)
	if err == nil {
		b.report.note("a ledger of %d events was written and numbered in %.0f s, in transactions of %d", size, time.Since(began).Seconds(), fillBatch)
		err = k.prove(ctx, b, size, some)
	}
	return errors.Join(err, k.stop())
}

const fillBatch = 1000

// fill writes size events and returns some of them, from all over the ledger.
func (k *books) fill(ctx context.Context, size int) (some []id.Event, err error) {
	var left atomic.Int64
	left.Store(int64(size))
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				n := min(left.Add(-fillBatch)+fillBatch, fillBatch)
				if n <= 0 {
					return
				}
				ids, err := k.record(ctx, int(n))
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
					left.Store(0)
				} else {
					some = append(some, ids[rand.IntN(len(ids))])
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return some, errors.Join(append(errs, ctx.Err(), k.ledger.Flush(ctx))...)
}

// prove takes proofs of events and their times.
func (k *books) prove(ctx context.Context, b *bench, size int, some []id.Event) error {
	cp, err := k.ledger.Sign(ctx, k.org)
	if err != nil {
		return err
	}
	if cp.Size < int64(size) {
		return fmt.Errorf("the checkpoint covers %d events of %d", cp.Size, size)
	}
	rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	var took []float64
	for i, evt := range some[:min(len(some), 1000)] {
		began := time.Now()
		proof, err := k.ledger.Inclusion(ctx, k.org, evt)
		if err != nil {
			return err
		}
		if i > 0 { // the first has opened what all use
			took = append(took, 1000*time.Since(began).Seconds())
		}
		if len(proof.Hashes) == 0 && size > 1 {
			return errors.New("a proof has no hashes")
		}
	}
	b.report.value(false, 5, fmt.Sprintf("inclusion proof in a ledger of %d events, median", size), "ms", median(took), math.NaN())
	b.report.note("inclusion proofs, %d of them, all over the ledger: p99 %s ms, slowest %s ms", len(took), number(quantile(took, 0.99)), number(quantile(took, 1)))
	return nil
}

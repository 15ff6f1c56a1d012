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
	err = b.profiledHere("proof-fill", func() error { return k.fill(ctx, size) })
	if err == nil {
		b.report.note("a ledger of %d events was written and numbered in %.0f s, by writers whose events share transactions", size, time.Since(began).Seconds())
		err = k.prove(ctx, b, size)
	}
	return errors.Join(err, k.stop())
}

// fill writes size events, as many writers at once as share a transaction.
func (k *books) fill(ctx context.Context, size int) error {
	var left atomic.Int64
	left.Store(int64(size))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range 512 {
		all.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if err := k.ledger.RecordRefusal(ctx, k.event()); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return k.ledger.Flush(ctx)
}

// prove takes proofs of events all over the ledger, and their times.
func (k *books) prove(ctx context.Context, b *bench, size int) error {
	cp, err := k.ledger.Sign(ctx, k.org)
	if err != nil {
		return err
	}
	if cp.Size < int64(size) {
		return fmt.Errorf("the checkpoint covers %d events of %d", cp.Size, size)
	}
	const proofs, warm = 1000, 10
	var took []float64
	for i := range proofs + warm {
		seq := rand.Int64N(int64(size))
		entries, err := k.ledger.Read(ctx, k.org, seq, seq+1, 1)
		if err != nil || len(entries) != 1 {
			return fmt.Errorf("read event %d: %d found, %w", seq, len(entries), err)
		}
		began := time.Now()
		proof, err := k.ledger.Inclusion(ctx, k.org, entries[0].ID)
		if err != nil {
			return err
		}
		if proof.Index != seq || len(proof.Hashes) < 10 {
			return fmt.Errorf("event %d was proved as %d, with %d hashes", seq, proof.Index, len(proof.Hashes))
		}
		if i >= warm {
			took = append(took, 1000*time.Since(began).Seconds())
		}
	}
	b.report.value(false, 5, fmt.Sprintf("inclusion proof in a ledger of %d events, p99", size), "ms", quantile(took, 0.99), math.NaN())
	b.report.note("inclusion proofs, %d of them, all over the ledger: median %s ms, slowest %s ms", len(took), number(median(took)), number(quantile(took, 1)))
	return nil
}

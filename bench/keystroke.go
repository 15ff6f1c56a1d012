package main

import (
	"context"
	"time"
)

// keystrokes is the time from a typed byte to its return through the target's
// terminal, in one session through the gateway and one beside it, by turns.
func keystrokes(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	n := b.pick(4000, 1000)
	return b.profiled(ctx, "keystroke", 10, func() error {
		p, err := w.type2(ctx, n)
		if err != nil {
			return err
		}
		p = p.times(1000)
		added := func(q float64) float64 { return quantile(p.ours, q) - quantile(p.peer, q) }
		b.report.value(false, 0.3, "keystroke round trip, added by the gateway, median (peer: direct, in all)", "ms", added(0.5), median(p.peer))
		b.report.value(false, 2, "keystroke round trip, added by the gateway, p99 (peer: direct, in all)", "ms", added(0.99), quantile(p.peer, 0.99))
		_, err = w.product.recorded(ctx, began, 1)
		return err
	})
}

// type2 types n bytes into each of the two sessions.
func (w *world) type2(ctx context.Context, n int) (p pairs, err error) {
	ours, err := w.shell(gateway, rawCat)
	if err != nil {
		return p, err
	}
	defer ours.close()
	peer, err := w.shell(direct, rawCat)
	if err != nil {
		return p, err
	}
	defer peer.close()
	for _, s := range []*shell{ours, peer} {
		if err := s.await("ready"); err != nil {
			return p, err
		}
	}
	// Whoever types is slower; a pause lets what the byte set off come to rest.
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	const warm = 200
	for i := range n + warm {
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		for _, side := range []struct {
			s  *shell
			to *[]float64
		}{{ours, &p.ours}, {peer, &p.peer}} {
			<-pace.C
			took, err := side.s.trip(byte('a' + i%26))
			if err != nil {
				return p, err
			}
			if i >= warm {
				*side.to = append(*side.to, took.Seconds())
			}
		}
	}
	return p, nil
}

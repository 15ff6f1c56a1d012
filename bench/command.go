package main

import (
	"context"
	"errors"
	"time"
)

// commands is how long `ssh host true` takes: the whole client program, with its
// sign-ins. Through the gateway a launch is decided, a credential opened, a
// recording begun and ended, and eight events are written, all of it durable.
func commands(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	once := func(v way) func() (float64, error) {
		return func() (float64, error) { return timed(w.client(ctx, "ssh", v, v.host, "true")) }
	}
	runs := b.pick(40, 10)
	return b.profiled(ctx, "command", 10, func() error {
		began := time.Now()
		var straight []float64
		p, err := alternate(runs, func() (float64, error) {
			took, err := once(gateway)()
			return took, errors.Join(err, w.product.settle(ctx))
		}, func() (float64, error) {
			took, err := once(direct)()
			if err != nil {
				return 0, err
			}
			straight = append(straight, took)
			return once(jumped)()
		})
		if err != nil {
			return err
		}
		p = p.times(1000)
		b.report.atMost(0.8, "ssh host true through the gateway to ssh -J", "ms", p)
		b.report.note("ssh host true direct: %s ms; ssh -J takes %.2f times as long, the gateway %.2f times",
			number(1000*median(straight)), median(p.peer)/median(straight)/1000, median(p.ours)/median(straight)/1000)
		_, err = w.product.recorded(ctx, began, runs+1)
		return err
	})
}

func (p pairs) times(n float64) pairs {
	for _, s := range [][]float64{p.ours, p.peer} {
		for i := range s {
			s[i] *= n
		}
	}
	return p
}

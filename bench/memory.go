package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// idleSessions holds many recorded terminal sessions at once, each a connection of
// its own to a shell on OpenSSH's server, and looks at how much the server grew.
func idleSessions(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	n := b.pick(500, 100)
	// What the first sessions cost once belongs to no session.
	warm, err := w.openShells(ctx, 16)
	closeShells(warm)
	if err != nil {
		return err
	}
	if err := w.product.collect(ctx); err != nil {
		return err
	}
	before, err := w.product.rss()
	if err != nil {
		return err
	}
	began := time.Now()
	all, err := w.openShells(ctx, n)
	defer func() { closeShells(all) }()
	if err != nil {
		return err
	}
	opened := time.Since(began)
	select { // let them be idle
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := w.product.rss()
	if err != nil {
		return err
	}
	if err := w.product.collect(ctx); err != nil {
		return err
	}
	collected, err := w.product.rss()
	if err != nil {
		return err
	}
	alive := 0
	for _, s := range all {
		if _, err := s.trip('x'); err == nil {
			alive++
		}
	}
	closeShells(all)
	all = nil
	if _, err := w.product.recorded(ctx, began, n); err != nil {
		return err
	}
	b.report.value(false, 0.4, fmt.Sprintf("memory for each of %d idle recorded sessions", n), "MB", (after-before)/1e6/float64(n), math.NaN())
	b.report.value(true, float64(n), fmt.Sprintf("of %d sessions at once, alive and completely recorded", n), "sessions", float64(alive), math.NaN())
	b.report.note("the server: %.0f MB before, %.0f MB with %d sessions (%.0f MB after a garbage collection: %.2f MB each); they were opened in %.1f s",
		before/1e6, after/1e6, n, collected/1e6, (collected-before)/1e6/float64(n), opened.Seconds())
	return nil
}

// openShells opens n sessions, a few at a time.
func (w *world) openShells(ctx context.Context, n int) ([]*shell, error) {
	var mu sync.Mutex
	var all []*shell
	var errs []error
	var workers sync.WaitGroup
	turns := make(chan struct{}, n)
	for range n {
		turns <- struct{}{}
	}
	close(turns)
	for range 4 {
		workers.Go(func() {
			for range turns {
				s, err := w.shell(gateway, rawCat)
				if err == nil {
					if err = s.await("ready"); err != nil {
						s.close()
					}
				}
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
				} else {
					all = append(all, s)
				}
				stop := len(errs) > 0 || ctx.Err() != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	workers.Wait()
	return all, errors.Join(append(errs, ctx.Err())...)
}

func closeShells(all []*shell) {
	var done sync.WaitGroup
	for _, s := range all {
		done.Go(s.close)
	}
	done.Wait()
}

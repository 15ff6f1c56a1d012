package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A group lets concurrent writers of the embedded engine share one commit. A
// commit costs a flush to the disk whether it carries one change or a hundred,
// so the writer that finds nobody at work becomes the leader: it begins, runs
// its own function, then gives each writer that queued up meanwhile a turn
// inside a savepoint, commits once, and tells all of them. Each function runs in
// the goroutine of its own caller; a failure undoes its own savepoint only.
type group struct {
	db     *sql.DB
	mu     sync.Mutex
	active bool
	queue  []*turn
}

// The bounds of one shared commit. They keep the wait of its first member short.
const (
	groupSize = 256
	groupTime = 8 * time.Millisecond
)

// turn is a waiting writer. It receives a batch to take part in, or nil to lead.
type turn struct{ call chan *batch }

type batch struct {
	tx   *sql.Tx
	back chan error    // one answer a turn: the error that broke the whole batch, or nil
	done chan struct{} // closed once err is final
	err  error
}

func (g *group) do(ctx context.Context, tx *Tx, fn Fn) error {
	g.mu.Lock()
	if !g.active {
		g.active = true
		g.mu.Unlock()
		return g.lead(ctx, tx, fn)
	}
	t := &turn{call: make(chan *batch, 1)}
	g.queue = append(g.queue, t)
	g.mu.Unlock()
	select {
	case b := <-t.call:
		if b == nil {
			return g.lead(ctx, tx, fn)
		}
		return b.follow(ctx, tx, fn)
	case <-ctx.Done():
	}
	if g.leave(t) {
		return ctx.Err()
	}
	// Called at the same instant: the duty must be taken over all the same.
	refuse := func(context.Context, *Tx) error { return ctx.Err() }
	if b := <-t.call; b != nil {
		return b.follow(ctx, tx, refuse)
	}
	return g.lead(ctx, tx, refuse)
}

// leave takes a turn out of the queue; false when it was called already.
func (g *group) leave(t *turn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.queue {
		if q == t {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

func (g *group) next() *turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		return nil
	}
	t := g.queue[0]
	g.queue = g.queue[1:]
	return t
}

// handOver makes the next writer the leader, or nobody.
func (g *group) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.active = false
		return
	}
	t := g.queue[0]
	g.queue = g.queue[1:]
	t.call <- nil
}

func (g *group) lead(ctx context.Context, tx *Tx, fn Fn) error {
	defer g.handOver()
	raw, err := g.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	b := &batch{tx: raw, back: make(chan error, 1), done: make(chan struct{}), err: errAborted}
	defer close(b.done)
	defer raw.Rollback() // after a commit this does nothing

	began := time.Now()
	own, broken := b.member(ctx, tx, fn)
	for n := 1; broken == nil && n < groupSize && time.Since(began) < groupTime; n++ {
		t := g.next()
		if t == nil {
			break
		}
		t.call <- b
		broken = <-b.back
	}
	if b.err = broken; broken == nil {
		b.err = raw.Commit()
	}
	return b.settle(tx, own)
}

var errAborted = errors.New("the shared transaction was abandoned")

func (b *batch) follow(ctx context.Context, tx *Tx, fn Fn) error {
	var own error
	func() {
		broken := errAborted
		defer func() { b.back <- broken }() // also when fn panics or ends its goroutine
		own, broken = b.member(ctx, tx, fn)
	}()
	<-b.done
	return b.settle(tx, own)
}

// settle turns the outcome of the member and of the batch into the caller's answer.
func (b *batch) settle(tx *Tx, own error) error {
	if own != nil {
		return own
	}
	if b.err != nil {
		return fmt.Errorf("commit: %w", b.err)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// member runs fn inside a savepoint. broken is set when the whole transaction is lost.
func (b *batch) member(ctx context.Context, tx *Tx, fn Fn) (own, broken error) {
	tx.tx = b.tx
	steady := context.WithoutCancel(ctx)
	if _, err := b.tx.ExecContext(steady, "savepoint member"); err != nil {
		return err, err
	}
	finished := false
	defer func() {
		if !finished { // fn panicked or ended its goroutine: nothing of it may stay
			b.tx.ExecContext(steady, "rollback to member")
			b.tx.ExecContext(steady, "release member")
		}
	}()
	own = fn(ctx, tx)
	finished = true
	if own != nil {
		if _, err := b.tx.ExecContext(steady, "rollback to member"); err != nil {
			return own, err
		}
	}
	if _, err := b.tx.ExecContext(steady, "release member"); err != nil {
		return errors.Join(own, err), err
	}
	return own, nil
}

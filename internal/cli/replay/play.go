package replay

import (
	"context"
	"errors"
	"io"
	"time"
)

// Options say how to play.
type Options struct {
	Speed float64       // 2 is twice as fast; 0: at once, without waiting
	Idle  time.Duration // the longest wait between two events; 0: as it was
	Input bool          // also show what was typed, if the cast has it
	// Keys are what the person types: space holds and goes on, + and - change the
	// speed, q and Ctrl-C end. nil: nobody types.
	Keys <-chan byte
	// Stop ends a read of the cast that waits for bytes to come, and is called once,
	// at the end. nil: the cast never waits for long.
	Stop func()
}

// Played tells what was played.
type Played struct {
	Length  time.Duration // of the part that was shown
	Shown   bool          // something was drawn
	Markers []string      // those that nothing was drawn after: how it ended, or what a session without a screen did
	Quit    bool          // the person ended it
}

// maxMarkers bounds the markers that are kept.
const maxMarkers = 1000

// The bounds of the speed that keys can choose.
const slowest, fastest = 1.0 / 16, 64

// Play shows c on w, through a Filter, until its end, the end of ctx or a key.
func Play(ctx context.Context, c *Cast, w io.Writer, o Options) (Played, error) {
	p := &player{o: o, keys: o.Keys, due: time.Now(), cast: make(chan read)}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.read(c, quit)
	}()
	screen := NewFilter(w)
	err := p.run(ctx, screen)
	err = errors.Join(err, screen.Close())
	close(quit)
	if o.Stop != nil {
		o.Stop()
	}
	<-done
	return p.played, err
}

// read is what reading the cast gave.
type read struct {
	Event
	err error
}

// read reads ahead by one event, so that keys are obeyed while none comes.
func (p *player) read(c *Cast, quit <-chan struct{}) {
	for {
		e, err := c.Next()
		select {
		case p.cast <- read{e, err}:
		case <-quit:
			return
		}
		if err != nil {
			return
		}
	}
}

type player struct {
	o      Options
	cast   chan read
	keys   <-chan byte
	due    time.Time     // when the next event is to be shown
	at     time.Duration // time of the event before, in the recording
	played Played
}

// errQuit ends a play at the person's wish.
var errQuit = errors.New("quit")

func (p *player) run(ctx context.Context, screen io.Writer) error {
	for {
		e, err := p.next(ctx)
		if err == nil {
			err = p.wait(ctx, e.At)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errQuit):
			p.played.Quit = true
			return nil
		case err != nil:
			return err
		}
		p.played.Length = e.At
		switch {
		case e.Code == "m" && len(p.played.Markers) < maxMarkers:
			p.played.Markers = append(p.played.Markers, e.Data)
		case e.Code == "o" || e.Code == "i" && p.o.Input:
			if !p.played.Shown || len(e.Data) > 0 {
				p.played.Shown, p.played.Markers = true, nil
			}
			if _, err := io.WriteString(screen, e.Data); err != nil {
				return err
			}
		}
	}
}

// next waits for the next event of the cast.
func (p *player) next(ctx context.Context) (Event, error) {
	for {
		select {
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case r := <-p.cast:
			return r.Event, r.err
		case k, ok := <-p.keys:
			if err := p.key(ctx, k, ok); err != nil {
				return Event{}, err
			}
		}
	}
}

// wait waits until the event at that time of the recording is due.
func (p *player) wait(ctx context.Context, at time.Duration) error {
	gap := at - p.at
	p.at = at
	if p.o.Idle > 0 {
		gap = min(gap, p.o.Idle)
	}
	if p.o.Speed > 0 {
		p.due = p.due.Add(time.Duration(float64(gap) / p.o.Speed))
	}
	timer := time.NewTimer(time.Until(p.due))
	defer timer.Stop()
	for {
		// A key goes before an event that is due as well, so that a play without
		// waits can be ended too.
		select {
		case k, ok := <-p.keys:
			if err := p.key(ctx, k, ok); err != nil {
				return err
			}
			timer.Reset(time.Until(p.due))
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case k, ok := <-p.keys:
			if err := p.key(ctx, k, ok); err != nil {
				return err
			}
			timer.Reset(time.Until(p.due))
		case <-timer.C:
			return ctx.Err()
		}
	}
}

// key does what a key says.
func (p *player) key(ctx context.Context, k byte, ok bool) error {
	if !ok {
		p.keys = nil
		return nil
	}
	switch k {
	case 'q', 'Q', 0x03, 0x04:
		return errQuit
	case '+', '=', '>':
		p.faster(2)
	case '-', '<':
		p.faster(0.5)
	case ' ':
		return p.hold(ctx)
	}
	return nil
}

// faster changes the speed, also of the wait under way.
func (p *player) faster(factor float64) {
	speed := min(max(p.o.Speed*factor, slowest), fastest)
	if p.o.Speed == 0 {
		return
	}
	now := time.Now()
	if left := p.due.Sub(now); left > 0 {
		p.due = now.Add(time.Duration(float64(left) * p.o.Speed / speed))
	}
	p.o.Speed = speed
}

// hold waits until space is typed again.
func (p *player) hold(ctx context.Context) error {
	began := time.Now()
	defer func() { p.due = p.due.Add(time.Since(began)) }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case k, ok := <-p.keys:
			switch {
			case !ok:
				p.keys = nil
				return nil
			case k == ' ':
				return nil
			case k == 'q', k == 'Q', k == 0x03, k == 0x04:
				return errQuit
			}
		}
	}
}

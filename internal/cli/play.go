package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/vaultpam/vaultpam/internal/cli/replay"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
)

type sessionsPlayCmd struct {
	ID    string        `arg:"" complete:"session" help:"Id of the session."`
	Speed float64       `default:"1" help:"2 is twice as fast; 0 is at once."`
	Idle  time.Duration `name:"idle-limit" placeholder:"2s" help:"The longest wait, however long nothing happened."`
	Input bool          `help:"Also what was typed, if that was recorded."`
	Cast  string        `placeholder:"FILE" complete:"file" help:"Save the recording as an asciicast in place of playing it; - for standard output."`
}

// Help is shown below the usage.
func (sessionsPlayCmd) Help() string {
	return "At a terminal, space holds and goes on, + and - change the speed, q ends. Only what draws is passed on: a recording cannot set your clipboard or title, or make your terminal answer it. Each play and each download is recorded in the audit ledger. With --json, what is known of the recording is printed, and nothing is played."
}

// Run plays or saves a recording.
func (c *sessionsPlayCmd) Run(ctx context.Context, p *program) error {
	if c.Speed < 0 || c.Speed > 1000 {
		return fault.New(fault.Invalid, "--speed must be from 0 to 1000")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Input {
		q.Set("input", "true")
	}
	switch {
	case c.Cast != "":
		q.Set("download", "true")
		return r.save(ctx, path("/sessions/%s/recording", c.ID), q, c.Cast, "The recording")
	case p.json:
		a, err := r.get(ctx, path("/sessions/%s/recording/info", c.ID), nil)
		if err != nil {
			return err
		}
		p.raw(a.Body)
		return nil
	}
	return r.replay(ctx, c.ID, q, playing{speed: c.Speed, idle: c.Idle, input: c.Input})
}

// playing says how a recording is shown.
type playing struct {
	live  bool
	speed float64
	idle  time.Duration
	input bool
}

// replay shows a recording in the terminal.
func (r *remote) replay(ctx context.Context, id string, q url.Values, how playing) error {
	body, err := r.stream(ctx, path("/sessions/%s/recording", id), q)
	if err != nil {
		return err
	}
	defer body.Close()
	cast, err := replay.Open(body)
	if err != nil {
		return unplayable(err)
	}
	o := replay.Options{Speed: how.speed, Idle: how.idle, Input: how.input}
	if how.live || !terminal.Is(r.p.out) {
		o.Speed = 0 // nobody waits for a file, and live events come when they come
	}
	r.p.announce(cast, how)
	keys, restore, err := r.p.keys()
	if err != nil {
		return err
	}
	defer restore()
	o.Keys, o.Stop = keys, func() { body.Close() }
	played, err := replay.Play(ctx, cast, r.p.out, o)
	restore()
	return r.p.ended(played, how, err)
}

// announce says what is about to be shown, when somebody looks.
func (p *program) announce(c *replay.Cast, how playing) {
	if !terminal.Is(p.out) {
		return
	}
	if f, ok := p.out.(*os.File); ok && c.Cols > 0 {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && (w < c.Cols || h < c.Rows) {
			p.notef("The recording is %d columns by %d rows; this terminal is %d by %d, so lines may break elsewhere.", c.Cols, c.Rows, w, h)
		}
	}
	what := "Playing"
	if how.live {
		what = "Watching"
	}
	p.notef("%s %s; q ends.", what, first(c.Title, "the session"))
}

// ended says what came after the last picture, and why it ended.
func (p *program) ended(played replay.Played, how playing, err error) error {
	if terminal.Is(p.out) && played.Shown {
		fmt.Fprintln(p.out)
	}
	for _, m := range played.Markers {
		p.notef("%s", m)
	}
	switch {
	case err != nil:
		return unplayable(err)
	case how.live && !played.Quit:
		p.notef("The session has ended.")
	case !played.Shown && len(played.Markers) == 0 && !played.Quit:
		p.notef("Nothing was shown in this session.")
	}
	return nil
}

func unplayable(err error) error {
	if fault.As(err) != nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(fault.Unavailable, "%v", err)
}

// keys are what the person types, one at a time and without echo; nil when nobody
// does. restore may be called more than once.
func (p *program) keys() (keys <-chan byte, restore func(), err error) {
	none := func() {}
	in, ok := p.in.(*os.File)
	if !ok || !terminal.Is(p.in) || !terminal.Is(p.out) || p.conn.NoInput {
		return nil, none, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, none, fmt.Errorf("prepare the terminal: %w", err)
	}
	typed := make(chan byte)
	go func() { // ends with the program: a read of a terminal cannot be taken back
		defer close(typed)
		for b := make([]byte, 1); ; {
			if n, err := in.Read(b); n == 0 || err != nil {
				return
			}
			typed <- b[0]
		}
	}()
	return typed, func() { term.Restore(int(in.Fd()), before) }, nil
}

// save writes an answer into a file, whole or not at all.
func (r *remote) save(ctx context.Context, path string, q url.Values, file, what string) error {
	body, err := r.stream(ctx, path, q)
	if err != nil {
		return err
	}
	defer body.Close()
	if file == "-" {
		if terminal.Is(r.p.out) {
			return fault.New(fault.Invalid, "this is not for a terminal: send it into a file")
		}
		_, err := io.Copy(r.p.out, body)
		return err
	}
	var n int64
	err = replaceFile(file, func(f *os.File) (err error) {
		n, err = io.Copy(f, body)
		return err
	})
	if err != nil {
		return err
	}
	if r.p.json {
		return r.p.value(map[string]any{"file": file, "bytes": n})
	}
	r.p.sayf("%s is in %s (%s).", what, file, size(n))
	return nil
}

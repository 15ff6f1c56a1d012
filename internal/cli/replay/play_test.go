package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const v2 = `{"version": 2, "width": 100, "height": 30, "timestamp": 1772366400, "title": "jane on web-prod"}
[0.5, "o", "$ "]
[1.0, "i", "ls"]
[1.5, "m", "command: ls"]
[2.0, "o", "a\r\nb\r\n"]
[62.0, "o", "$ "]
[63.0, "m", "exit status 0"]
`

const v3 = `{"version": 3, "term": {"cols": 100, "rows": 30, "type": "xterm"}, "timestamp": 1772366400}
# a comment
[0.5, "o", "$ "]
[1.5, "o", "a\r\nb\r\n"]
[60.0, "o", "$ "]
[1, "x", "0"]
`

// played runs a play and tells what stood on the screen at which time.
func played(t *testing.T, cast string, o Options, keys func(chan<- byte)) (string, Played, error) {
	t.Helper()
	c, err := Open(strings.NewReader(cast))
	if err != nil {
		t.Fatal(err)
	}
	if keys != nil {
		ch := make(chan byte)
		o.Keys = ch
		go keys(ch)
	}
	w := &stamped{began: time.Now()}
	p, err := Play(t.Context(), c, w, o)
	return w.screen.String(), p, err
}

// stamped writes the time before each write that is not empty.
type stamped struct {
	screen bytes.Buffer
	began  time.Time
}

func (s *stamped) at() string { return fmt.Sprintf("@%v ", time.Since(s.began)) }

func (s *stamped) Write(p []byte) (int, error) {
	if len(p) > 0 {
		s.screen.WriteString(s.at())
		s.screen.Write(p)
	}
	return len(p), nil
}

func TestReplayKeepsTheTimes(t *testing.T) {
	rows := []struct {
		name, cast, want string
		o                Options
	}{
		{"version 2", v2, "@500ms $ @2s a\r\nb\r\n@1m2s $ ", Options{Speed: 1}},
		{"version 3", v3, "@500ms $ @2s a\r\nb\r\n@1m2s $ ", Options{Speed: 1}},
		{"faster", v2, "@50ms $ @200ms a\r\nb\r\n@6.2s $ ", Options{Speed: 10}},
		{"idle limit", v3, "@500ms $ @1.5s a\r\nb\r\n@2.5s $ ", Options{Speed: 1, Idle: time.Second}},
		{"at once", v2, "@0s $ @0s a\r\nb\r\n@0s $ ", Options{}},
		{"with input", v2, "@0s $ @0s ls@0s a\r\nb\r\n@0s $ ", Options{Input: true}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, p, err := played(t, r.cast, r.o, nil)
				if err != nil || got != r.want || !p.Shown || p.Quit {
					t.Errorf("%q, want %q (%+v, %v)", got, r.want, p, err)
				}
			})
		})
	}
}

func TestKeysHoldAndEndAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, p, err := played(t, v2, Options{Speed: 1}, func(keys chan<- byte) {
			time.Sleep(time.Second)
			keys <- ' ' // holds at 1 s
			time.Sleep(time.Hour)
			keys <- ' ' // what was due at 2 s comes at 1 h 2 s
			time.Sleep(2 * time.Second)
			keys <- '+' // at 1 h 3 s; 59 s are left, now 29.5 s
			close(keys)
		})
		if want := "@500ms $ @1h0m2s a\r\nb\r\n@1h0m32.5s $ "; err != nil || got != want || p.Quit {
			t.Errorf("%q, want %q (%v)", got, want, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		got, p, err := played(t, v2, Options{Speed: 1}, func(keys chan<- byte) {
			time.Sleep(3 * time.Second)
			keys <- 'q'
		})
		if want := "@500ms $ @2s a\r\nb\r\n"; err != nil || got != want || !p.Quit {
			t.Errorf("%q, want %q (%+v %v)", got, want, p, err)
		}
	})
}

func TestSignalEndsAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := Open(strings.NewReader(v2))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := Play(ctx, c, io.Discard, Options{Speed: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

func TestKeyEndsALiveReplayThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go io.WriteString(w, "{\"version\":2,\"width\":80,\"height\":24}\n[0,\"o\",\"$ \"]\n")
		c, err := Open(r)
		if err != nil {
			t.Fatal(err)
		}
		keys := make(chan byte)
		go func() {
			time.Sleep(time.Minute)
			keys <- 'q'
		}()
		p, err := Play(t.Context(), c, io.Discard, Options{Keys: keys, Stop: func() { r.Close() }})
		if err != nil || !p.Quit || !p.Shown {
			t.Fatalf("%+v %v", p, err)
		}
	})
}

func TestMarkersAtTheEndAreKept(t *testing.T) {
	_, p, err := played(t, v2, Options{}, nil)
	if err != nil || len(p.Markers) != 1 || p.Markers[0] != "exit status 0" {
		t.Errorf("%+v %v", p, err)
	}
	_, p, err = played(t, "{\"version\":2,\"width\":80,\"height\":24}\n[0,\"m\",\"a\"]\n[1,\"m\",\"b\"]\n", Options{}, nil)
	if err != nil || p.Shown || len(p.Markers) != 2 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestWrongCastsAreRefused(t *testing.T) {
	for name, cast := range map[string]string{
		"nothing":        "",
		"not JSON":       "hello\n",
		"other version":  "{\"version\":1}\n",
		"header cut":     `{"version":2`,
		"event cut":      "{\"version\":2}\n[0, \"o\", \"x",
		"no event":       "{\"version\":2}\n{\"a\":1}\n",
		"too few":        "{\"version\":2}\n[0, \"o\"]\n",
		"too many":       "{\"version\":2}\n[0, \"o\", \"x\", 1]\n",
		"negative":       "{\"version\":2}\n[-1, \"o\", \"x\"]\n",
		"for ever":       "{\"version\":3}\n[1e18, \"o\", \"x\"]\n",
		"not a number":   "{\"version\":2}\n[\"0\", \"o\", \"x\"]\n",
		"endless header": `{"title":"` + strings.Repeat("x", maxLine) + `"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(strings.NewReader(cast))
			if err == nil {
				_, err = Play(t.Context(), c, io.Discard, Options{})
			}
			if err == nil {
				t.Error("was played")
			}
		})
	}
}

func FuzzCast(f *testing.F) {
	f.Add(v2)
	f.Add(v3)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Open(strings.NewReader(s))
		if err != nil {
			return
		}
		for last := time.Duration(0); ; {
			e, err := c.Next()
			if err != nil {
				return
			}
			if e.At < last {
				t.Fatalf("time went back from %v to %v", last, e.At)
			}
			last = e.At
		}
	})
}

package rounds_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/rounds"
)

func TestRoundsGoOnAfterAFailure(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	n := 0
	err := rounds.Every(ctx, time.Millisecond, slog.New(slog.NewTextHandler(&out, nil)), "a sweep failed", func(context.Context) error {
		switch n++; n {
		case 1:
			return errors.New("the store is away")
		case 3:
			stop()
			return ctx.Err() // ended, not failed
		}
		return nil
	})
	if err != nil || n != 3 || strings.Count(out.String(), "a sweep failed") != 1 || !strings.Contains(out.String(), "the store is away") {
		t.Errorf("%d rounds, %v: %s", n, err, out.String())
	}
}

func TestFirstRoundIsMadeAtOnce(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	rounds.Every(ctx, time.Hour, slog.New(slog.DiscardHandler), "", func(context.Context) error { stop(); return nil })
}

func TestAllGoesOnAfterOneThatFails(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var done []int
	away := errors.New("the store is away")
	err := rounds.All(ctx, []int{1, 2, 3, 4}, func(n int) error {
		if n%2 == 0 {
			return away
		}
		done = append(done, n)
		return nil
	})
	if !errors.Is(err, away) || strings.Count(err.Error(), "away") != 2 || len(done) != 2 {
		t.Errorf("%v, done %v", err, done)
	}
	if err := rounds.All(ctx, []int{1}, func(int) error { return nil }); err != nil {
		t.Error(err)
	}
	err = rounds.All(ctx, []int{1, 2}, func(int) error { stop(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

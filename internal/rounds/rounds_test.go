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

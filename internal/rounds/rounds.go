// Package rounds runs what the clock asks for: ends that come by themselves.
package rounds

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// All does one thing with each of what is due, also after it has failed with one of
// them: what is wrong with one organization keeps no other from its ends. It gives all
// failures together, and stops early only when ctx ends. What failed is due again in
// the next round, so a round that goes on until nothing is due must end with a failure.
func All[T any](ctx context.Context, due []T, do func(T) error) error {
	var failed []error
	for _, d := range due {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failed, err)...)
		}
		if err := do(d); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Every makes a round at once and then one each period, until ctx ends; it returns nil,
// so that it can be the last line of a service's Run. A round that fails is logged with
// text and tried again with the next: what has ended must never depend on it.
func Every(ctx context.Context, period time.Duration, log *slog.Logger, text string, round func(context.Context) error) error {
	return OrWoken(ctx, period, nil, log, text, round)
}

// OrWoken is Every with a round more whenever woken has something to say.
func OrWoken(ctx context.Context, period time.Duration, woken <-chan struct{}, log *slog.Logger, text string, round func(context.Context) error) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		if err := round(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, text, "error", err.Error())
		}
		select {
		case <-tick.C:
		case <-woken:
		case <-ctx.Done():
			return nil
		}
	}
}

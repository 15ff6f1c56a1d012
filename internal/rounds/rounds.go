// Package rounds runs what the clock asks for: ends that come by themselves.
package rounds

import (
	"context"
	"log/slog"
	"time"
)

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

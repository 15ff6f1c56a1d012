// Package logctx carries facts about the work under way in its context, and
// writes them on every log line that is made with that context: the id of the
// request, the address it came from, the session it serves.
package logctx

import (
	"context"
	"io"
	"log/slog"
)

type key struct{}

// With adds attributes to all log lines made with the returned context.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	had, _ := ctx.Value(key{}).([]slog.Attr)
	return context.WithValue(ctx, key{}, append(had[:len(had):len(had)], attrs...))
}

// New makes the product's logger. format is "json" or "text".
func New(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if format == "json" {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(handler{h})
}

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(key{}).([]slog.Attr); ok {
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

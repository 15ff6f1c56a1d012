package logctx

import (
	"log/slog"
	"strings"
	"testing"
)

func TestContextAttributesAreOnEveryLine(t *testing.T) {
	var out strings.Builder
	log := New(&out, "json", slog.LevelInfo).With("component", "x")
	ctx := With(With(t.Context(), slog.String("request_id", "req_1")), slog.String("ip", "127.0.0.1"))
	log.InfoContext(ctx, "first")
	log.InfoContext(t.Context(), "second")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !strings.Contains(lines[0], `"request_id":"req_1"`) || !strings.Contains(lines[0], `"ip":"127.0.0.1"`) || strings.Contains(lines[1], "req_1") {
		t.Fatal(out.String())
	}
}

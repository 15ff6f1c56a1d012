package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The console in a real browser, on both stores. The journey is in
// web/test/console.e2e.mjs; what it did is looked for in the ledger here.
func TestConsole(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		d := host(t)
		address, port := d.addr()
		name := "c-" + random(4)
		journey(t, obj{"url": s.URL, "org": w.Slug, "email": w.Owner.Email, "password": w.Owner.Password, "code": w.Owner.code(t), "user_id": w.Owner.ID,
			"name": name, "host": address, "port": port, "user": d.user, "key": d.key, "timeout_ms": (2 * patience).Milliseconds()})

		for _, constant := range []string{"CONNECTION_DEFINITION_CREATED", "CONNECTION_DEFINITION_UPDATED", "PRIVILEGED_ACCOUNT_CREATED", "SAFE_MEMBER_ADDED",
			"SESSION_ESTABLISHED", "SESSION_PLAYBACK_ACCESSED", "SESSION_TERMINATED_BY_USER"} {
			if len(w.ledger().events(t, constant)) == 0 {
				t.Errorf("the ledger does not tell %s", constant)
			}
		}
		seen := false
		for _, e := range w.ledger().events(t, "AUDIT_LOG_VIEWED") {
			seen = seen || e.Metadata["read_via"] == "console"
		}
		if !seen {
			t.Error("no AUDIT_LOG_VIEWED says that it was read in the console")
		}
	})
}

// journey runs the browser with a job.
func journey(t *testing.T, job obj) {
	t.Helper()
	need(t, "node")
	web, err := filepath.Abs("../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
		without(t, "the console's packages are needed: make console")
	}
	job["shots"] = t.TempDir()
	in, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "test/console.e2e.mjs")
	cmd.Dir, cmd.Stdin = web, bytes.NewReader(in)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		t.Log(strings.TrimSpace(line))
	}
	if err != nil {
		if keep := os.Getenv("VAULTPAM_TEST_SHOTS"); keep != "" {
			os.CopyFS(keep, os.DirFS(job["shots"].(string)))
		}
		t.Fatalf("the journey failed: %v", err)
	}
}

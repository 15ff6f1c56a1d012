package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

// serveLedger lets the server answer for l.
func (w *world) serveLedger(l *testLedger) {
	text := func(s string) stream { return stream{kind: "text/plain; charset=utf-8", text: s} }
	for seq := range l.size() {
		w.gives("GET /audit/events/"+eventID(seq), 200, l.eventJSON(seq))
	}
	w.on("GET /audit/proof/inclusion", func(r *http.Request, _ map[string]any) (int, any) {
		seq, err := strconv.ParseInt(strings.TrimLeft(strings.TrimPrefix(r.URL.Query().Get("id"), "evt_"), "0")+"", 10, 64)
		if err != nil {
			seq = 0
		}
		return 200, text(l.inclusion(seq))
	})
	w.on("GET /audit/proof/consistency", func(r *http.Request, _ map[string]any) (int, any) {
		old, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
		return 200, text(l.consistency(old))
	})
	w.gives("GET /audit/checkpoint", 200, text(l.checkpoint(l.size())))
	w.gives("GET /audit/keys", 200, listOf(map[string]any{"id": "kek_1", "vkey": l.vkey, "created_at": "2026-03-01T12:00:00Z"}))
	w.gives("GET /audit/export", 200, stream{kind: "application/x-ndjson", text: string(l.bundle(l.rows))})
}

func TestProofIsComputedHere(t *testing.T) {
	w, l := newWorld(t).login(), newLedger(t, 9)
	w.serveLedger(l)
	contains(t, w.good("audit", "proof", eventID(4)), "Proved: "+eventID(4)+" is event 4 of pam.example/audit/"+logID, "root of 9 events", "that the server publishes")
	file := filepath.Join(t.TempDir(), "proof.json")
	contains(t, w.good("audit", "proof", eventID(4), "--key", l.vkey, "--save", file), "that you gave", file)
	var v struct {
		Verified bool           `json:"verified"`
		Seq      int64          `json:"seq"`
		LeafHash string         `json:"leaf_hash"`
		Payload  map[string]any `json:"payload"`
	}
	if err := json.Unmarshal([]byte(w.good("audit", "proof", eventID(4), "--json")), &v); err != nil || !v.Verified || v.Seq != 4 || v.LeafHash != l.eventJSON(4)["leaf_hash"] || v.Payload["id"] != eventID(4) {
		t.Errorf("%+v %v", v, err)
	}
	// Kept, it is proved again without the server.
	w.server.Close()
	contains(t, w.good("audit", "proof", "--load", file, "--key", l.vkey), "Proved: "+eventID(4))
	w.bad(2, []string{"--key"}, "audit", "proof", "--load", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(file, bytes.Replace(text, []byte("jane"), []byte("john"), 1), 0o600)
	if r := w.run("audit", "proof", "--load", file, "--key", l.vkey); r.status != 1 || !strings.Contains(r.out, "NOT PROVED: the payload is not the one that was hashed") {
		t.Errorf("%+v", r)
	}
}

func TestProofThatDoesNotHold(t *testing.T) {
	other := newLedger(t, 9)
	other.rows[4] = testRow(4, "mallory")
	for name, c := range map[string]struct {
		change func(w *world, l *testLedger)
		want   string
		args   []string
	}{
		"other payload": {func(w *world, l *testLedger) { w.gives("GET /audit/events/"+eventID(4), 200, other.eventJSON(4)) }, "not at seq 4", nil},
		"other place": {func(w *world, l *testLedger) {
			e := l.eventJSON(4)
			e["seq"] = 5
			w.gives("GET /audit/events/"+eventID(4), 200, e)
		}, "claims seq 5", nil},
		"other time": {func(w *world, l *testLedger) {
			e := l.eventJSON(4)
			e["recorded_at"] = "2026-03-01T12:00:05Z"
			w.gives("GET /audit/events/"+eventID(4), 200, e)
		}, "not at seq 4", nil},
		"another event":  {func(w *world, l *testLedger) { w.gives("GET /audit/events/"+eventID(4), 200, l.eventJSON(5)) }, "not " + eventID(4), nil},
		"key of another": {func(w *world, l *testLedger) {}, "no signature", []string{"--key", strangerKey(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			w, l := newWorld(t).login(), newLedger(t, 9)
			w.serveLedger(l)
			c.change(w, l)
			r := w.run(append([]string{"audit", "proof", eventID(4)}, c.args...)...)
			if r.status != 1 || !strings.Contains(r.out, "NOT PROVED") || !strings.Contains(r.out, c.want) {
				t.Errorf("want %q, got %+v", c.want, r)
			}
		})
	}
	w, l := newWorld(t).login(), newLedger(t, 9)
	w.serveLedger(l)
	w.bad(2, []string{"not a verifier key"}, "audit", "proof", eventID(4), "--key", "nonsense")
	w.gives("GET /audit/proof/inclusion", 200, stream{kind: "text/plain", text: "nonsense"})
	w.bad(2, []string{"inclusion proof"}, "audit", "proof", eventID(4))
	pruned := l.eventJSON(4)
	pruned["payload"], pruned["salt"] = "", ""
	w.gives("GET /audit/events/"+eventID(4), 200, pruned)
	w.bad(5, []string{"pruned"}, "audit", "proof", eventID(4))
}

func TestCheckpointContinuesAnOlderOne(t *testing.T) {
	w, l := newWorld(t).login(), newLedger(t, 9)
	w.serveLedger(l)
	dir := t.TempDir()
	old := filepath.Join(dir, "old")
	os.WriteFile(old, []byte(l.checkpoint(5)), 0o600)
	if got := w.good("audit", "checkpoint"); got != l.checkpoint(9) {
		t.Errorf("%q", got)
	}
	kept := filepath.Join(dir, "new")
	contains(t, w.good("audit", "checkpoint", "--fresh", "-o", kept, "--since", old, "--key", l.vkey), "9 events", kept)
	if b, err := os.ReadFile(kept); err != nil || string(b) != l.checkpoint(9) {
		t.Errorf("%q %v", b, err)
	}
	contains(t, w.good("audit", "checkpoint", "--since", old, "--json"), `"continues"`, `"tree_size": 5`)

	forged := newLedger(t, 9)
	forged.rows[2] = testRow(2, "mallory")
	os.WriteFile(old, []byte(forged.checkpoint(5)), 0o600)
	if r := w.run("audit", "checkpoint", "--since", old); r.status != 1 || !strings.Contains(r.err, "rewritten") {
		t.Errorf("%+v", r)
	}
	os.WriteFile(old, []byte(newLedger(t, 12).checkpoint(12)), 0o600)
	if r := w.run("audit", "checkpoint", "--since", old); r.status != 1 || !strings.Contains(r.err, "shrunk from 12 to 9") {
		t.Errorf("%+v", r)
	}
	os.WriteFile(old, []byte("nonsense"), 0o600)
	w.bad(2, []string{"older checkpoint"}, "audit", "checkpoint", "--since", old)
}

func TestExportIsWholeOrNotThere(t *testing.T) {
	w, l := newWorld(t).login(), newLedger(t, 9)
	w.serveLedger(l)
	file := filepath.Join(t.TempDir(), "bundle")
	contains(t, w.good("audit", "export", "-o", file), file)
	contains(t, w.good("audit", "verify", file, "--key", l.vkey), "Intact: 9 events")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if got := w.good("audit", "export", "-o", "-"); got != string(l.bundle(l.rows)) {
		t.Errorf("%d bytes", len(got))
	}
	cut := filepath.Join(t.TempDir(), "cut")
	w.gives("GET /audit/export", 200, stream{kind: "application/x-ndjson", text: "{}\n", cut: true})
	w.bad(8, []string{"before its answer was complete"}, "audit", "export", "-o", cut)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(cut), "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	w.bad(2, []string{"/nope/x", "cannot be written"}, "audit", "export", "-o", "/nope/x")
}

func TestTailShowsAndFilters(t *testing.T) {
	w, l := newWorld(t).login(), newLedger(t, 3)
	args := []string{"audit", "tail", "--constant", "safe_member_added,SAFE_MEMBER_REMOVED", "--severity", "warn", "--from", "1d", "--grep", "x y", "--category", "groups / safe access"}
	w.on("GET /audit/events", func(r *http.Request, _ map[string]any) (int, any) {
		q := r.URL.Query()
		if q.Get("constant") != "SAFE_MEMBER_ADDED,SAFE_MEMBER_REMOVED" || q.Get("severity") != "WARN" || q.Get("from") != "2026-02-28T12:00:00Z" || q.Get("q") != "x y" || q.Get("category") != "Groups / Safe Access" {
			t.Errorf("%v", q)
		}
		return 200, listOf(l.eventJSON(2), l.eventJSON(1))
	})
	out := w.good(args...)
	if i, j := strings.Index(out, "a member (1)"), strings.Index(out, "a member (2)"); i < 0 || j < i {
		t.Errorf("not oldest first: %q", out)
	}
	var v page
	if err := json.Unmarshal([]byte(w.good(append(args, "--json")...)), &v); err != nil || len(v.Items) != 2 {
		t.Errorf("%v", err)
	}
	w.bad(2, []string{`"SAFE_MEMBER_ADED"`, "did you mean", "SAFE_MEMBER_ADDED"}, "audit", "tail", "--constant", "SAFE_MEMBER_ADED")
	w.bad(2, []string{"loud", "CRITICAL"}, "audit", "tail", "--severity", "loud")
	w.bad(2, []string{"yesterday"}, "audit", "tail", "--from", "yesterday")
	w.gives("GET /audit/events/"+eventID(1), 200, l.eventJSON(1))
	contains(t, w.good("audit", "show", eventID(1)), "jane added a member", "  count", "2", "seq 1 of "+logID, "vaultpam audit proof")
}

// lines collects what is printed, and calls each for each line.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	each func(all string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	l.each(l.text.String())
	return len(p), nil
}

// TestTailFollows plays a ledger that grows: each event comes once, in order, and
// only the first pages are searches of their own.
func TestTailFollows(t *testing.T) {
	const most = 230 // more than a page at once
	w, l := newWorld(t).login(), newLedger(t, most)
	visible, searches := 3, 0
	w.on("GET /audit/events", func(r *http.Request, _ map[string]any) (int, any) {
		q := r.URL.Query()
		limit, _ := strconv.Atoi(q.Get("limit"))
		cursor, after := q.Get("cursor"), -1
		if cursor == "" {
			searches++
		} else if n, err := strconv.Atoi(strings.TrimPrefix(cursor, "opaque-")); err != nil {
			t.Errorf("cursor %q was not given by a list", cursor)
		} else {
			after = n
		}
		var items []any
		next := ""
		if q.Get("order") == "oldest" {
			for seq := after + 1; seq < visible && len(items) < limit; seq++ {
				items = append(items, l.eventJSON(int64(seq)))
				if next = ""; len(items) == limit && seq+1 < visible {
					next = "opaque-" + strconv.Itoa(seq)
				}
			}
			visible = min(visible+115, most)
		} else {
			for seq := visible - 1; seq >= 0 && len(items) < limit; seq-- {
				items = append(items, l.eventJSON(int64(seq)))
				if len(items) == limit && seq > 0 {
					next = "opaque-" + strconv.Itoa(seq)
				}
			}
		}
		page := listOf(items...)
		if next != "" {
			page["next_cursor"] = next
		}
		return 200, page
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lines{each: func(all string) {
		if strings.Count(all, "\n") >= most-1 {
			cancel()
		}
	}}
	var errw strings.Builder
	if status := w.program(out, &errw).run(ctx, []string{"audit", "tail", "-f", "-n", "2"}); status != 0 {
		t.Fatalf("status %d: %s", status, errw.String())
	}
	for i, line := range strings.Split(strings.TrimSpace(out.text.String()), "\n") {
		if !strings.HasSuffix(line, "("+strconv.Itoa(i+1)+")") {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	if searches != 2 {
		t.Errorf("%d searches were recorded in the ledger", searches)
	}
}

func TestCatalogIsThePublicOne(t *testing.T) {
	w := newWorld(t)
	var l struct {
		Items []event.Definition `json:"items"`
	}
	if err := json.Unmarshal([]byte(w.good("audit", "catalog", "--json")), &l); err != nil || len(l.Items) != 134 {
		t.Fatalf("%d events, %v", len(l.Items), err)
	}
	if n := strings.Count(w.good("audit", "catalog"), "\n"); n != 135 {
		t.Errorf("%d lines", n)
	}
	if all := strings.Count(w.good("audit", "catalog", "--all"), "\n"); all != 1+len(event.Catalog()) {
		t.Errorf("%d lines", all)
	}
	if len(w.calls()) != 0 {
		t.Error("a server was asked")
	}
}

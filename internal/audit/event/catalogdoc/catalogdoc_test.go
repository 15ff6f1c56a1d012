package catalogdoc

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

const root = "../../../.."

func TestCommittedPagesAreFresh(t *testing.T) {
	if err := Check(root); err != nil {
		t.Errorf("%v\nwrite them with scripts/docs/generate_audit_event_catalog.sh", err)
	}
}

func TestCheckNamesEachStalePageAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Check(dir); err == nil || !strings.Contains(err.Error(), PagePath) || !strings.Contains(err.Error(), SchemaPath) {
		t.Errorf("nothing there: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("Check wrote %v", entries)
	}
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := Check(dir); err != nil {
		t.Errorf("just written: %v", err)
	}
	page := filepath.Join(dir, PagePath)
	b, _ := os.ReadFile(page)
	changed := strings.Replace(string(b), "safe.member.added", "safe.member.add", 1)
	if err := os.WriteFile(page, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	err := Check(dir)
	if err == nil || !regexp.MustCompile(`^docs/reference/audit-event-catalog\.md differs from the Go source at line \d+$`).MatchString(err.Error()) {
		t.Errorf("one wire string changed: %v", err)
	}
	if b, _ := os.ReadFile(page); string(b) != changed {
		t.Error("Check wrote the page")
	}
}

// TestPageHasATableRowForEveryPublicEvent reads the page as a script would.
func TestPageHasATableRowForEveryPublicEvent(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]+)` \\| `([^`]+)` \\| ([^|]+?) \\|").FindAllStringSubmatch(string(Page()), -1)
	all := publicEvents()
	if len(all) != 134 || len(rows) != len(all) {
		t.Fatalf("%d rows, %d public events", len(rows), len(all))
	}
	for i, d := range all {
		if r := rows[i]; r[1] != string(d.Constant) || r[2] != d.Wire || r[3] != string(d.Category) {
			t.Errorf("row %d is %q, want %s, %s, %s", i, r[1:], d.Constant, d.Wire, d.Category)
		}
	}
	for _, heading := range []string{"## Proxy-shared SSH events", "## Severity levels", "## Actor types", "## Target types"} {
		if !strings.Contains(string(Page()), "\n"+heading+"\n") {
			t.Errorf("no section %q", heading)
		}
	}
	for _, d := range event.Catalog() {
		if d.Tier == event.Internal && (strings.Contains(string(Page()), string(d.Constant))) {
			t.Errorf("%s is of the internal tier and on the public page", d.Constant)
		}
	}
}

func TestEveryWordIsExplained(t *testing.T) {
	for _, s := range event.Severities() {
		if severityMeaning[s] == "" {
			t.Errorf("severity %s", s)
		}
	}
	for _, a := range event.ActorTypes() {
		if actorMeaning[a] == "" {
			t.Errorf("actor type %s", a)
		}
	}
	for _, x := range event.TargetTypes() {
		if targetMeaning[x] == "" {
			t.Errorf("target type %s", x)
		}
	}
}

func readSchema(t *testing.T, b []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var s map[string]any
	if err := dec.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

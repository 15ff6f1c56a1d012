// Package dbtest gives tests a database of their own on every engine: a file
// for SQLite, and on a real PostgreSQL server a fresh copy of a migrated
// template. Neither is ever skipped; a missing server fails the test and says
// what to install.
package dbtest

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/db"
)

// Each runs f once on each engine, as subtests named sqlite and postgres.
func Each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite opens a new, migrated database in a file.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// Postgres opens a new, migrated database on the test server, dropped at the end.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, PostgresURL(t))
}

// Open opens and migrates url, closes it when the test ends, and fails the test
// if one of its statements forgot the organization.
func Open(t testing.TB, url string) *db.DB {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		t.Fatal(err)
	}
	tables, err := d.TenantTables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{tables: tables}
	d.Observe(w.see)
	t.Cleanup(func() {
		d.Close()
		for _, q := range w.take() {
			t.Errorf("this statement reads or writes a tenant table and names no org_id (add it, or say /* platform-wide: why */):\n%s", q)
		}
	})
	return d
}

type watch struct {
	tables []string
	mu     sync.Mutex
	bad    []string
}

func (w *watch) see(query string) {
	if Scoped(query, w.tables) || strings.HasPrefix(query, "-- name:") {
		return // generated statements are checked where they are written, see db's tests
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, query)
}

func (w *watch) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bad
}

var touches = regexp.MustCompile(`(?i)\b(?:from|join|into|update)\s+"?([a-z_]+)`)

// Scoped tells whether a statement names its organization, touches no tenant
// table, or says why it is platform-wide.
func Scoped(query string, tenantTables []string) bool {
	if strings.Contains(query, "org_id") || strings.Contains(query, "platform-wide:") {
		return true
	}
	for _, m := range touches.FindAllStringSubmatch(query, -1) {
		for _, t := range tenantTables {
			if strings.EqualFold(m[1], t) {
				return false
			}
		}
	}
	return true
}

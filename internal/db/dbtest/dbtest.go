// Package dbtest gives tests a database of their own on every engine: a file
// for SQLite, and on a real PostgreSQL server a fresh copy of a migrated
// template. Neither is ever skipped; a missing server fails the test and says
// what to install.
package dbtest

import (
	"context"
	"errors"
	"os"
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
	schema, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("make the template of the tests' databases: %v", err)
	}
	file := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(file, schema, 0o600); err != nil {
		t.Fatal(err)
	}
	return watched(t, open(t, "sqlite:"+file))
}

// sqliteTemplate is the file of a migrated database with nothing in it, made once
// for each test program: to migrate takes longer than most tests.
var sqliteTemplate = sync.OnceValues(func() (schema []byte, err error) {
	dir, err := os.MkdirTemp("", "dbtest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file, ctx := filepath.Join(dir, "template.db"), context.Background()
	d, err := db.Open(ctx, db.Config{URL: "sqlite:" + file})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Migrate(ctx), d.Close()); err != nil { // closing it writes all into the one file
		return nil, err
	}
	if _, err := os.Stat(file + "-wal"); err == nil {
		return nil, errors.New("the closed database has a write-ahead log beside it")
	}
	return os.ReadFile(file)
})

// Postgres opens a new, migrated database on the test server, dropped at the end.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return watched(t, open(t, PostgresURL(t)))
}

// Open opens and migrates url, closes it when the test ends, and fails the test
// if one of its statements forgot the organization.
func Open(t testing.TB, url string) *db.DB {
	t.Helper()
	d := open(t, url)
	if err := d.Migrate(context.Background()); err != nil {
		d.Close()
		t.Fatal(err)
	}
	return watched(t, d)
}

func open(t testing.TB, url string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), db.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// watched closes d when the test ends, and fails the test if one of its statements
// forgot the organization.
func watched(t testing.TB, d *db.DB) *db.DB {
	t.Helper()
	tables, err := d.TenantTables(context.Background())
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

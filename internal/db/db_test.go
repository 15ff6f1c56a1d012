package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

const insertServer = `insert into server_instance (id, hostname, version, started_at, heartbeat_at) values ($1, $2, 'v', 1, 1)`

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.ReadPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `select count(*) from server_instance`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlaceholdersBindByNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.ExecContext(ctx, `insert into server_instance (hostname, id, version, started_at, heartbeat_at) values ($2, $1, $2, 1, 1)`, "first", "second"); err != nil {
				return err
			}
			var host string
			if err := tx.QueryRowContext(ctx, `select hostname from server_instance where id = $1`, "first").Scan(&host); err != nil {
				return err
			}
			if host != "second" {
				return fmt.Errorf("hostname is %q", host)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailureUndoesOnlyItsOwnTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		refused := errors.New("refused")
		var wg sync.WaitGroup
		var mu sync.Mutex
		kept := 0
		for i := range 200 {
			wg.Go(func() {
				err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					if _, err := tx.ExecContext(ctx, insertServer, fmt.Sprint("s", i), "h"); err != nil {
						return err
					}
					tx.AfterCommit(func() { mu.Lock(); kept++; mu.Unlock() })
					if i%3 == 0 {
						return refused
					}
					return nil
				})
				if (i%3 == 0) != errors.Is(err, refused) || (i%3 != 0 && err != nil) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 133 || kept != 133 {
			t.Fatalf("%d rows and %d hooks, want 133 of each", n, kept)
		}
	})
}

func TestPanicAndGoexitLeaveTheStoreUsable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				defer func() { recover() }()
				d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					if _, err := tx.ExecContext(ctx, insertServer, fmt.Sprint("p", i), "h"); err != nil {
						return err
					}
					panic("a bug in a domain")
				})
			})
		}
		wg.Wait()
		if n := count(t, d); n != 0 {
			t.Fatalf("%d rows stayed after panics", n)
		}
		if err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, insertServer, "after", "h")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCancelledWriterDoesNotHarmItsGroup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := d.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
					if i%2 == 0 {
						cancel()
						return ctx.Err()
					}
					_, err := tx.ExecContext(ctx, insertServer, fmt.Sprint("c", i), "h")
					return err
				})
				if i%2 == 1 && err != nil {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 50 {
			t.Fatalf("%d rows, want 50", n)
		}
	})
}

func TestTransactionInsideTransactionIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return d.ReadPlatform(ctx, func(context.Context, *db.Tx) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), "inside a transaction") {
			t.Fatal(err)
		}
	})
}

func TestReadTransactionCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.ReadPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, insertServer, "x", "h")
			return err
		})
		if err == nil {
			t.Fatal("a read transaction wrote")
		}
	})
}

func TestViolationsAreRecognized(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		put := func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, insertServer, "same", "h")
			return err
		}
		if err := d.InPlatform(t.Context(), put); err != nil {
			t.Fatal(err)
		}
		if err := d.InPlatform(t.Context(), put); !db.Unique(err) || db.ForeignKey(err) || db.NotFound(err) {
			t.Fatalf("not seen as a unique violation: %v", err)
		}
	})
}

func TestNewerDataIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, err := d.Raw().Exec(`insert into goose_db_version (version_id, is_applied) values (99999, true)`); err != nil {
			t.Fatal(err)
		}
		err := d.Migrate(t.Context())
		if fault.CodeOf(err) != "SCHEMA_NEWER" {
			t.Fatalf("migrating data of a newer version: %v", err)
		}
	})
}

func TestUnusablePlacesGiveOneClearLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"sqlite:" + file + "/sub/x.db", "mysql://x", "postgres://nobody@/x?host=/nonexistent"} {
		_, err := db.Open(t.Context(), db.Config{URL: url})
		if fault.As(err) == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSQLiteIsOneWithoutTheWALBug(t *testing.T) {
	var v string
	if err := dbtest.SQLite(t).Raw().QueryRow(`select sqlite_version()`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(v, "%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatal(err)
	}
	if major*1_000_000+minor*1_000+patch < 3_051_003 {
		t.Fatalf("SQLite %s can corrupt a database in WAL mode; 3.51.3 is the first without that", v)
	}
}

func TestOrganizationsCannotSeeEachOtherOnPostgres(t *testing.T) {
	d := dbtest.Postgres(t)
	raw := d.Raw()
	for _, s := range []string{
		`create table probe (org_id text not null, id text not null, primary key (org_id, id))`,
		`insert into probe values ('org_a', '1'), ('org_b', '2')`,
	} {
		if _, err := raw.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Migrate(t.Context()); err != nil { // sets rights and row-level security
		t.Fatal(err)
	}
	seen := func(run func(context.Context, id.Org, db.Fn) error, org id.Org) (n int) {
		err := run(t.Context(), org, func(ctx context.Context, tx *db.Tx) error {
			return tx.QueryRowContext(ctx, `select count(*) from probe /* platform-wide: the test of row-level security */`).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := seen(d.InOrg, "org_a"); n != 1 {
		t.Errorf("an organization sees %d rows, want its own one", n)
	}
	if n := seen(d.ReadOrg, "org_c"); n != 0 {
		t.Errorf("a stranger sees %d rows", n)
	}
	err := d.InOrg(t.Context(), "org_a", func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into probe (org_id, id) values ('org_b', '3')`)
		return err
	})
	if err == nil {
		t.Error("an organization wrote a row of another")
	}
}

// The statements that sqlc generates are checked where they are written.
func TestEveryQueryOnATenantTableNamesItsOrganization(t *testing.T) {
	tables, err := dbtest.SQLite(t).TenantTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if dbtest.Scoped("select * from "+tables[0]+" where id = $1", tables) {
		t.Fatal("the check lets everything pass")
	}
	files, err := filepath.Glob("../*/query.sql")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../*/*/query.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, deeper...) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range strings.Split(string(text), "-- name:")[1:] {
			if !dbtest.Scoped(q, tables) {
				t.Errorf("%s: query %s names no org_id; add it, or a line `-- platform-wide: why`", f, strings.Fields(q)[0])
			}
		}
	}
}

var _ interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
} = (*db.Tx)(nil)

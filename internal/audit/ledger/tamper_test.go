package ledger

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
)

// tamper runs statements as somebody who owns the database and has switched off
// everything that guards it. names are put in, quoted, for the words they are keyed by.
func tamper(t testing.TB, d *db.DB, names map[string]string, statements ...string) {
	t.Helper()
	ctx := t.Context()
	url := d.URL()
	if d.Engine() == db.Postgres {
		url = dbtest.SuperURL(url)
	}
	intruder, err := db.Open(ctx, db.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer intruder.Close()
	conn, err := intruder.Raw().Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	off := []string{`set session_replication_role = replica`}
	if d.Engine() == db.SQLite {
		off = nil
		rows, err := conn.QueryContext(ctx, `select 'drop trigger ' || name from sqlite_master where type = 'trigger'`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			off = append(off, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range append(off, statements...) {
		for word, value := range names {
			s = strings.ReplaceAll(s, word, "'"+value+"'")
		}
		if _, err := conn.ExecContext(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

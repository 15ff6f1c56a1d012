package test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
)

// outside runs a statement on the database of a running server, as somebody with
// its files does: to move a time back that a test cannot wait for, or to tamper.
func (s *Server) outside(t testing.TB, statement string, args ...any) {
	t.Helper()
	url := "sqlite:" + filepath.Join(s.Dir, "vaultpam.db")
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
			url = v
		}
	}
	d, err := db.Open(context.Background(), db.Config{URL: url, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	done, err := d.Raw().Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}

// proved moves the time at which a person last proved a second factor.
func (p *Person) proved(t testing.TB, ago time.Duration) {
	t.Helper()
	p.s.outside(t, `update web_session set mfa_at = $1 where person_id = $2 and ended_at = 0 and kind = 'full'`, time.Now().Add(-ago).UnixMicro(), p.ID)
}

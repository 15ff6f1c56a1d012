package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// plain is the peer of the ledger: a table in a store with the settings of the
// product's, and nothing around it.
type plain struct {
	db                  *sql.DB
	insert, transaction func(ctx context.Context) error
}

// openPlain opens a store beside the one of url: in the same database of
// PostgreSQL, in a file of its own of SQLite.
func openPlain(ctx context.Context, url string) (*plain, error) {
	driver, conns := "pgx", writers
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, conns = "sqlite", 1 // it has one writer in any case, and more only get in its way
		url = "file:" + file + ".plain?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)"
	}
	d, err := sql.Open(driver, url)
	if err != nil {
		return nil, err
	}
	d.SetMaxOpenConns(conns)
	d.SetMaxIdleConns(conns)
	if _, err := d.ExecContext(ctx, `create table bench_plain (id text primary key, body text not null)`); err != nil {
		d.Close()
		return nil, err
	}
	const insert = `insert into bench_plain values ($1, $2)`
	body := strings.Repeat("x", 700)
	p := &plain{db: d}
	p.insert = func(ctx context.Context) error {
		_, err := d.ExecContext(ctx, insert, rand.Text(), body)
		return err
	}
	p.transaction = func(ctx context.Context) error {
		tx, err := d.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, insert, rand.Text(), body); err != nil {
			return err
		}
		return tx.Commit()
	}
	return p, nil
}

func (p *plain) close() error { return p.db.Close() }

// Package db is the store: one set of SQL texts on two engines, embedded
// SQLite (pure Go) and PostgreSQL. It gives transactions that are scoped to one
// organization, migrations, and nothing else; every statement lives with the
// domain that owns its tables.
//
// On SQLite there is one connection that writes, and many small transactions
// share one durable commit (see group.go). On PostgreSQL every transaction runs
// under a role without rights of ownership and under row-level security, so that
// a statement that forgot its organization finds nothing (see privileges.go).
package db

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the embedded engine

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Engine is the kind of the database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Config says which database to open.
type Config struct {
	URL      string // "sqlite:/path/file.db" or "postgres://user@host/name"
	MaxConns int    // PostgreSQL connections, and SQLite readers; 0 is a default for the machine
	Log      *slog.Logger
}

// DB is an open database.
type DB struct {
	engine  Engine
	write   *sql.DB
	read    *sql.DB
	group   *group // SQLite only
	url     string
	log     *slog.Logger
	observe func(query string) // set by dbtest before use; nil in the product
}

// Open connects and checks that the database answers. It does not migrate.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{url: c.URL, log: c.Log}
	var err error
	switch scheme, rest, _ := strings.Cut(c.URL, ":"); scheme {
	case "sqlite":
		err = d.openSQLite(ctx, rest, c.MaxConns)
	case "postgres", "postgresql":
		err = d.openPostgres(ctx, c)
	default:
		err = fault.New(fault.Invalid, "the database URL must begin with sqlite: or postgres://, not %q", scheme)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *DB) openSQLite(ctx context.Context, path string, readers int) error {
	d.engine = SQLite
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New(fault.Unavailable, "the data folder %s cannot be made: %v", dir, rootCause(err))
	}
	if err := probeWritable(dir); err != nil {
		return fault.New(fault.Unavailable, "the data folder %s is not writable: %v", dir, rootCause(err))
	}
	if readers == 0 {
		readers = max(4, runtime.NumCPU())
	}
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)"}}
	open := func(lock string, conns int, extra ...string) (*sql.DB, error) {
		q := url.Values{"_txlock": {lock}, "_pragma": append(append([]string(nil), pragmas["_pragma"]...), extra...)}
		s, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		s.SetMaxOpenConns(conns)
		s.SetMaxIdleConns(conns)
		if err := s.PingContext(ctx); err != nil {
			s.Close()
			return nil, fault.New(fault.Unavailable, "the database %s cannot be opened: %v", path, rootCause(err))
		}
		return s, nil
	}
	var err error
	if d.write, err = open("immediate", 1); err != nil {
		return err
	}
	if d.read, err = open("deferred", readers, "query_only(1)"); err != nil {
		d.write.Close()
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("restrict %s: %w", path, err)
	}
	d.group = &group{db: d.write}
	return nil
}

func (d *DB) openPostgres(ctx context.Context, c Config) error {
	d.engine = Postgres
	pc, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return fault.New(fault.Invalid, "the database URL cannot be read: check its form, postgres://user@host:port/name")
	}
	if c.MaxConns == 0 {
		c.MaxConns = 20
	}
	d.write = stdlib.OpenDB(*pc)
	d.write.SetMaxOpenConns(c.MaxConns)
	d.write.SetMaxIdleConns(c.MaxConns)
	d.write.SetConnMaxIdleTime(5 * time.Minute)
	d.read = d.write
	if err := d.write.PingContext(ctx); err != nil {
		d.write.Close()
		return fault.New(fault.Unavailable, "PostgreSQL at %s does not answer: %v", pc.Host, rootCause(err))
	}
	return nil
}

// Engine tells which engine this is.
func (d *DB) Engine() Engine { return d.engine }

// Raw is the pool without scope or role, for migrations, for LISTEN and for the
// tests that tamper. No domain uses it.
func (d *DB) Raw() *sql.DB { return d.write }

// URL is where the database is, for opening it a second time.
func (d *DB) URL() string { return d.url }

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.read.PingContext(ctx) }

// Observe calls f with the text of every statement. Tests use it; call before first use.
func (d *DB) Observe(f func(query string)) { d.observe = f }

// Close releases all connections. Transactions under way fail.
func (d *DB) Close() error {
	err := d.write.Close()
	if d.read != d.write {
		if e := d.read.Close(); err == nil {
			err = e
		}
	}
	return err
}

func probeWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// Micros is t as the store keeps it: microseconds since 1970, UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the inverse of Micros.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

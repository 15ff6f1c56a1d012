package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/id"
)

// everyOrg is the scope that sees all organizations: sign-in before the
// organization is known, acts of the platform, clocks.
const everyOrg = "*"

// Tx is one transaction. It satisfies the interface that sqlc's generated code asks for.
type Tx struct {
	tx     statements
	db     *DB
	org    id.Org
	after  []func()
	shared bool // SQLite: the commit is shared, so a cancelled statement must not abort it
}

// statements is what a transaction of either engine runs on: a *sql.Tx, or a
// *sql.Conn inside a transaction.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Org is the organization of the scope; empty when the transaction is not scoped.
func (tx *Tx) Org() id.Org { return tx.org }

// Engine tells which engine runs the transaction.
func (tx *Tx) Engine() Engine { return tx.db.engine }

// As runs fn with the rights of another role, for a change that only that role may
// make beside its event, which only the application's may write. On SQLite it just
// runs fn.
func (tx *Tx) As(ctx context.Context, r Role, fn func() error) error {
	if tx.db.engine != Postgres {
		return fn()
	}
	const take = `select set_config('role', $1, true)`
	if _, err := tx.tx.ExecContext(ctx, take, string(r)); err != nil {
		return fmt.Errorf("take the role %s: %w", r, err)
	}
	if err := fn(); err != nil {
		return err // the transaction rolls back, and its role with it
	}
	if _, err := tx.tx.ExecContext(ctx, take, string(roleApp)); err != nil {
		return fmt.Errorf("give the role %s back: %w", r, err)
	}
	return nil
}

// AfterCommit calls f once the transaction is durable, and never if it is not.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

func (tx *Tx) pre(ctx context.Context, query string) context.Context {
	if tx.db.observe != nil {
		tx.db.observe(query)
	}
	if tx.shared {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// ExecContext runs a statement that returns no rows.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.tx.ExecContext(tx.pre(ctx, query), query, args...)
}

// PrepareContext prepares a statement for this transaction.
func (tx *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return tx.tx.PrepareContext(tx.pre(ctx, query), query)
}

// QueryContext runs a statement that returns rows. Close them before the next statement.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.tx.QueryContext(tx.pre(ctx, query), query, args...)
}

// QueryRowContext runs a statement that returns at most one row.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(tx.pre(ctx, query), query, args...)
}

// Fn is the body of a transaction. It may run more than once, so it has no
// effects but those on tx; its ctx refuses a transaction inside a transaction.
type Fn = func(ctx context.Context, tx *Tx) error

// InOrg runs fn in one durable transaction that sees organization org only.
func (d *DB) InOrg(ctx context.Context, org id.Org, fn Fn) error {
	if org == "" {
		return errors.New("db: a transaction of an organization needs its id")
	}
	return d.update(ctx, roleApp, org, fn)
}

// InPlatform runs fn in one durable transaction that sees all organizations.
func (d *DB) InPlatform(ctx context.Context, fn Fn) error {
	return d.update(ctx, roleApp, "", fn)
}

// InRole runs fn unscoped and, on PostgreSQL, under another role than the
// application's: the ledger's sequencer and pruner have rights it lacks.
func (d *DB) InRole(ctx context.Context, r Role, fn Fn) error {
	return d.update(ctx, r, "", fn)
}

// ReadOrg runs fn in a read-only transaction that sees organization org only.
func (d *DB) ReadOrg(ctx context.Context, org id.Org, fn Fn) error {
	if org == "" {
		return errors.New("db: a transaction of an organization needs its id")
	}
	return d.view(ctx, org, fn)
}

// ReadPlatform runs fn in a read-only transaction that sees all organizations.
func (d *DB) ReadPlatform(ctx context.Context, fn Fn) error {
	return d.view(ctx, "", fn)
}

type nestedKey struct{}

func inside(ctx context.Context) (context.Context, error) {
	if ctx.Value(nestedKey{}) != nil {
		return nil, errors.New("db: a transaction was started inside a transaction")
	}
	return context.WithValue(ctx, nestedKey{}, true), nil
}

// InTx tells whether ctx is that of a transaction's body. Whoever would wait for
// another goroutine's transaction asks first: on SQLite that would wait for ever.
func InTx(ctx context.Context) bool { return ctx.Value(nestedKey{}) != nil }

func (d *DB) update(ctx context.Context, r Role, org id.Org, fn Fn) error {
	ctx, err := inside(ctx)
	if err != nil {
		return err
	}
	if d.engine == SQLite {
		return d.group.do(ctx, &Tx{db: d, org: org, shared: true}, fn)
	}
	return retry(ctx, func() error { return d.once(ctx, r, org, false, fn) })
}

// retry repeats a transaction that failed for a cause that passes.
func retry(ctx context.Context, once func() error) error {
	const tries = 6
	for n := 1; ; n++ {
		err := once()
		if err == nil || n == tries || !passing(err) {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

func (d *DB) view(ctx context.Context, org id.Org, fn Fn) error {
	ctx, err := inside(ctx)
	if err != nil {
		return err
	}
	return retry(ctx, func() error { return d.once(ctx, roleApp, org, true, fn) })
}

// once runs fn in a transaction of its own.
func (d *DB) once(ctx context.Context, r Role, org id.Org, readOnly bool, fn Fn) error {
	if d.engine == Postgres {
		return d.oncePostgres(ctx, r, org, readOnly, fn)
	}
	pool := d.write
	if readOnly {
		pool = d.read // its connections are query_only
	}
	raw, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{tx: raw, db: d, org: org}
	defer raw.Rollback() // after a commit this does nothing
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	tx.committed()
	return nil
}

func (tx *Tx) committed() {
	for _, f := range tx.after {
		f()
	}
}

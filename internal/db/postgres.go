package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/vaultpam/vaultpam/internal/id"
)

const (
	beginSQL     = `begin`
	beginReadSQL = `begin read only`
	scopeSQL     = `select set_config('role', $1, true), set_config('vaultpam.org', $2, true)`
)

// rollbackTime bounds the undoing of a transaction whose caller has gone.
const rollbackTime = 5 * time.Second

// oncePostgres runs fn in one transaction under role r, scoped to org.
func (d *DB) oncePostgres(ctx context.Context, r Role, org id.Org, readOnly bool, fn Fn) error {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	open := true
	defer func() { // also when fn panics or ends its goroutine
		if open {
			undo(ctx, conn)
		}
	}()
	p := &pgTx{conn: conn, opening: opening(r, org, readOnly)}
	tx := &Tx{tx: p, db: d, org: org}
	err = fn(ctx, tx)
	if p.err != nil {
		return fmt.Errorf("begin: %w", p.err) // whatever fn made of it
	}
	if err != nil {
		return err
	}
	if p.opening == nil { // else fn did nothing
		if err := onPgx(conn, func(c *pgx.Conn) error { return commit(ctx, c) }); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	open = false
	tx.committed()
	return nil
}

// opening are the statements that open a transaction.
func opening(r Role, org id.Org, readOnly bool) *pgx.Batch {
	scope, begin := string(org), beginSQL
	if scope == "" {
		scope = everyOrg
	}
	if readOnly {
		begin = beginReadSQL
	}
	var b pgx.Batch
	b.Queue(begin)
	b.Queue(scopeSQL, string(r), scope)
	return &b
}

// pgTx is a connection inside a transaction, or about to be: what opens the
// transaction goes to PostgreSQL in one round trip, with its first statement
// where that returns no rows. A small transaction takes two instead of four.
type pgTx struct {
	conn    *sql.Conn
	opening *pgx.Batch // nil once the transaction is open
	err     error      // why it could not be opened
}

func (p *pgTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if p.opening == nil || p.err != nil {
		return p.conn.ExecContext(ctx, query, args...)
	}
	p.opening.Queue(query, args...)
	var tag pgconn.CommandTag
	var failed error
	p.open(ctx, func(r pgx.BatchResults) { tag, failed = r.Exec() })
	if p.err != nil {
		return nil, p.err
	}
	return driver.RowsAffected(tag.RowsAffected()), failed
}

func (p *pgTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.conn.PrepareContext(p.opened(ctx), query)
}

func (p *pgTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.conn.QueryContext(p.opened(ctx), query, args...)
}

func (p *pgTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.conn.QueryRowContext(p.opened(ctx), query, args...)
}

// opened opens the transaction unless that was done. Where it cannot be, the
// context that it returns keeps the statement from running outside of one.
func (p *pgTx) opened(ctx context.Context) context.Context {
	if p.opening != nil && p.err == nil {
		p.open(ctx, nil)
	}
	if p.err != nil {
		dead, cancel := context.WithCancelCause(ctx)
		cancel(p.err)
		return dead
	}
	return ctx
}

// open sends the batch and reads what came of opening; rest reads the result of
// the statement that was sent along, if there is one.
func (p *pgTx) open(ctx context.Context, rest func(pgx.BatchResults)) {
	p.err = onPgx(p.conn, func(c *pgx.Conn) error {
		r := c.SendBatch(ctx, p.opening)
		_, err := r.Exec()
		if err == nil {
			_, err = r.Exec()
		}
		if err == nil && rest != nil {
			rest(r)
		}
		if e := r.Close(); err == nil && rest == nil {
			err = e
		}
		if err != nil && c.IsClosed() && ctx.Err() == nil {
			return errors.Join(driver.ErrBadConn, err) // dead before anything was done: another connection may serve
		}
		return err
	})
	if p.err == nil {
		p.opening = nil
	}
}

// commit fails also where PostgreSQL answers a commit by rolling back, as it does
// after a statement whose error nobody heeded.
func commit(ctx context.Context, c *pgx.Conn) error {
	tag, err := c.Exec(ctx, "commit")
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// undo rolls back, or gives the connection up: one that is still inside a
// transaction must not go back to the pool.
func undo(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	_ = conn.Raw(func(dc any) error {
		c := dc.(*stdlib.Conn).Conn()
		if c.IsClosed() {
			return driver.ErrBadConn
		}
		if c.PgConn().TxStatus() == 'I' {
			return nil
		}
		if _, err := c.Exec(ctx, "rollback"); err != nil {
			return errors.Join(driver.ErrBadConn, err)
		}
		return nil
	})
}

// onPgx gives f the driver's own connection.
func onPgx(conn *sql.Conn, f func(c *pgx.Conn) error) error {
	return conn.Raw(func(dc any) error { return f(dc.(*stdlib.Conn).Conn()) })
}

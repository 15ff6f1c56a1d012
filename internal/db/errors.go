package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// NotFound tells whether err says that no row matched.
func NotFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Unique tells whether err is a violation of a unique or primary key.
func Unique(err error) bool {
	return sqlState(err) == "23505" || is(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// ForeignKey tells whether err says that a referred row is missing or still referred to.
func ForeignKey(err error) bool {
	return sqlState(err) == "23503" || is(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY)
}

// Full tells whether err says that the disk or its quota is full.
func Full(err error) bool { return sqlState(err) == "53100" || is(err, sqlite3.SQLITE_FULL) }

var errOvertaken = errors.New("another transaction wrote in between")

// Overtaken marks the error of a transaction that looked, and then met what another
// wrote in between: run again it sees that and decides by it. After some tries it is
// given to the caller as it is.
func Overtaken(err error) error { return fmt.Errorf("%w: %w", errOvertaken, err) }

// passing tells whether the same transaction may work if it is run again: it
// lost against another one, or its connection was dead before it began.
func passing(err error) bool {
	s := sqlState(err)
	return errors.Is(err, errOvertaken) || s == "40001" || s == "40P01" || errors.Is(err, driver.ErrBadConn)
}

func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func is(err error, codes ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code() == c || e.Code()&0xff == c {
			return true
		}
	}
	return false
}

// pause waits before try n+1, with jitter so that two that collided part ways.
func pause(ctx context.Context, n int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(5*time.Millisecond) << n)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rootCause is the innermost error: the part of it that a person can act on.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

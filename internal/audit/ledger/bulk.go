package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/db"
)

// bulk is a table into which many rows are written at once.
type bulk struct {
	table   string
	columns []column
}

type column struct {
	name string
	kind string // text, bigint or bytea
}

// insert writes rows, each with a value a column, the way that is quickest on
// each engine: arrays of values in one round trip, or one parsed statement that
// runs for each row.
func (k bulk) insert(ctx context.Context, tx *db.Tx, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if tx.Engine() == db.Postgres {
		query, args, err := k.arrays(rows)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, query, args...)
		return err
	}
	stmt, err := tx.PrepareContext(ctx, k.text("values", func(i int, _ column) string { return "$" + strconv.Itoa(i+1) }))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, r := range rows {
		if _, err := stmt.ExecContext(context.WithoutCancel(ctx), r...); err != nil {
			return err
		}
	}
	return nil
}

func (k bulk) text(before string, value func(i int, c column) string) string {
	names, values := make([]string, len(k.columns)), make([]string, len(k.columns))
	for i, c := range k.columns {
		names[i], values[i] = c.name, value(i, c)
	}
	return fmt.Sprintf("insert into %s (%s) %s (%s)", k.table, strings.Join(names, ", "), before, strings.Join(values, ", "))
}

// arrays is the insert of rows as one array a column.
func (k bulk) arrays(rows [][]any) (string, []any, error) {
	args := make([]any, len(k.columns))
	for i, c := range k.columns {
		var err error
		switch c.kind {
		case "text":
			args[i], err = gather[string](rows, i)
		case "bigint":
			args[i], err = gather[int64](rows, i)
		case "bytea":
			args[i], err = gather[[]byte](rows, i)
		}
		if err != nil {
			return "", nil, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return k.text("select * from unnest", func(i int, c column) string { return fmt.Sprintf("$%d::%s[]", i+1, c.kind) }), args, nil
}

func gather[T any](rows [][]any, i int) ([]T, error) {
	out := make([]T, len(rows))
	for n, r := range rows {
		v, ok := r[i].(T)
		if !ok {
			return nil, fmt.Errorf("a value is a %T", r[i])
		}
		out[n] = v
	}
	return out, nil
}

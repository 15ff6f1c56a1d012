package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Bulk is a table of which many rows are written or deleted at once.
type Bulk struct {
	Table   string
	Columns []Column
	Upsert  string // what follows the values of an insert, such as "on conflict (id) do nothing"; may be empty
}

// Column is one column of a Bulk.
type Column struct {
	Name string
	Kind string // text, bigint or bytea
}

// Insert writes rows, each with a value a column, the way that is quickest on
// each engine: arrays of values in one round trip, or one parsed statement that
// runs for each row.
func (k Bulk) Insert(ctx context.Context, tx *Tx, rows [][]any) error {
	if tx.Engine() == Postgres {
		return k.arrays(ctx, tx, rows, k.text("select * from unnest", func(i int, c Column) string { return fmt.Sprintf("$%d::%s[]", i+1, c.Kind) }))
	}
	return k.each(ctx, tx, rows, k.text("values", func(i int, _ Column) string { return "$" + strconv.Itoa(i+1) }))
}

// Delete deletes the rows that have these values in all columns.
func (k Bulk) Delete(ctx context.Context, tx *Tx, rows [][]any) error {
	names, arrays, one := make([]string, len(k.Columns)), make([]string, len(k.Columns)), make([]string, len(k.Columns))
	for i, c := range k.Columns {
		names[i], arrays[i], one[i] = c.Name, fmt.Sprintf("$%d::%s[]", i+1, c.Kind), fmt.Sprintf("%s = $%d", c.Name, i+1)
	}
	if tx.Engine() == Postgres {
		return k.arrays(ctx, tx, rows, fmt.Sprintf("delete from %s where (%s) in (select * from unnest(%s))", k.Table, strings.Join(names, ", "), strings.Join(arrays, ", ")))
	}
	return k.each(ctx, tx, rows, fmt.Sprintf("delete from %s where %s", k.Table, strings.Join(one, " and ")))
}

// each runs a statement for each row.
func (k Bulk) each(ctx context.Context, tx *Tx, rows [][]any, text string) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, text)
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

func (k Bulk) text(before string, value func(i int, c Column) string) string {
	names, values := make([]string, len(k.Columns)), make([]string, len(k.Columns))
	for i, c := range k.Columns {
		names[i], values[i] = c.Name, value(i, c)
	}
	return strings.TrimSpace(fmt.Sprintf("insert into %s (%s) %s (%s) %s", k.Table, strings.Join(names, ", "), before, strings.Join(values, ", "), k.Upsert))
}

// arrays runs a statement once, with the rows as one array a column.
func (k Bulk) arrays(ctx context.Context, tx *Tx, rows [][]any, text string) error {
	if len(rows) == 0 {
		return nil
	}
	args := make([]any, len(k.Columns))
	for i, c := range k.Columns {
		var err error
		switch c.Kind {
		case "text":
			args[i], err = gather[string](rows, i)
		case "bigint":
			args[i], err = gather[int64](rows, i)
		case "bytea":
			args[i], err = gather[[]byte](rows, i)
		default:
			err = fmt.Errorf("no array of %s", c.Kind)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	_, err := tx.ExecContext(ctx, text, args...)
	return err
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

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// pageSize is how much is asked for at once; the API's most.
const pageSize = 200

// page is one page of a list, or several put together.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next_cursor,omitempty"`
}

// list reads up to most items of a list; all of them when most is 0.
func (r *remote) list(ctx context.Context, path string, query url.Values, most int) (page, error) {
	all := page{Items: []json.RawMessage{}}
	q := url.Values{}
	for k, v := range query {
		q[k] = v
	}
	for {
		n := pageSize
		if most > 0 {
			n = min(n, most-len(all.Items))
		}
		q.Set("limit", strconv.Itoa(n))
		a, err := r.get(ctx, path, q)
		if err != nil {
			return all, err
		}
		var one page
		if err := a.Into(&one); err != nil {
			return all, err
		}
		all.Items = append(all.Items, one.Items...)
		all.Next = one.Next
		if one.Next == "" || len(one.Items) == 0 || (most > 0 && len(all.Items) >= most) {
			return all, nil
		}
		q.Set("cursor", one.Next)
	}
}

// decode reads the items.
func decode[T any](items []json.RawMessage) ([]T, error) {
	out := make([]T, len(items))
	for i, raw := range items {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, fault.New(fault.Internal, "the server's answer is not of the expected form; is it a VaultPAM server of this version?").Because(err)
		}
	}
	return out, nil
}

// showList prints a list: as JSON, or each item as a row of t.
func showList[T any](p *program, l page, t table, row func(T) []string) error {
	if p.json {
		return p.value(l)
	}
	items, err := decode[T](l.Items)
	if err != nil {
		return err
	}
	for _, item := range items {
		t.row(row(item)...)
	}
	p.table(t)
	if l.Next != "" {
		p.notef("There are more; --limit 0 shows all.")
	}
	return nil
}

// ref is the part that all named objects have.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (r ref) names() []string { return []string{r.ID, r.Name} }

// named is an object that people call by one of several names, its id first.
type named interface{ names() []string }

// find looks for the object that a person called want in a list.
func find[T named](ctx context.Context, r *remote, path, kind, want string) (T, error) {
	return findIn[T](ctx, r, path, nil, kind, want)
}

// locate signs in, and finds the item of a list that is named.
func locate[T named](ctx context.Context, p *program, path string, q url.Values, kind, want string) (*remote, T, error) {
	var none T
	r, err := p.remote(ctx)
	if err != nil {
		return nil, none, err
	}
	item, err := findIn[T](ctx, r, path, q, kind, want)
	return r, item, err
}

func findIn[T named](ctx context.Context, r *remote, path string, q url.Values, kind, want string) (T, error) {
	var none T
	l, err := r.list(ctx, path, q, 0)
	if err != nil {
		return none, err
	}
	items, err := decode[T](l.Items)
	if err != nil {
		return none, err
	}
	return pick(items, kind, want)
}

func pick[T named](items []T, kind, want string) (T, error) {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, item := range items {
			if want != "" && slices.ContainsFunc(item.names(), func(n string) bool { return same(n, want) }) {
				return item, nil
			}
		}
	}
	var known []string
	for _, item := range items {
		if names := item.names(); len(names) > 1 {
			known = append(known, names[1])
		}
	}
	var none T
	return none, fault.New(fault.NotFound, "there is no %s %q that you may see%s", kind, want, hint(want, known))
}

// hint proposes the words of known that are almost want.
func hint(want string, known []string) string {
	var close []string
	for _, k := range known {
		if k != "" && (distance(strings.ToLower(want), strings.ToLower(k)) <= 2 || len(want) > 2 && strings.HasPrefix(k, want)) {
			close = append(close, strconv.Quote(k))
		}
	}
	if len(close) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(close[:min(len(close), 3)], " or ") + "?"
}

// distance is the number of letters to change, add or leave out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// moment is a point in time as people write it: RFC 3339, a date, or how long
// ago (30m, 12h, 7d).
type moment string

// at resolves the moment; the zero time when none was given.
func (m moment) at(now time.Time) (time.Time, error) {
	s := string(m)
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "%q is not a time: write 2026-03-01, 2026-03-01T15:04:05Z, or how long ago, such as 30m, 12h or 7d", s)
}

// set adds a moment to a query.
func (m moment) set(q url.Values, key string, now time.Time) error {
	t, err := m.at(now)
	if err == nil && !t.IsZero() {
		q.Set(key, t.UTC().Format(time.RFC3339Nano))
	}
	return err
}

// path makes the path of an object.
func path(format string, ids ...string) string {
	args := make([]any, len(ids))
	for i, v := range ids {
		args[i] = url.PathEscape(v)
	}
	return fmt.Sprintf(format, args...)
}

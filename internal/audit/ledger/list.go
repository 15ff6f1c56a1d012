package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// An Entry is one recorded event as it stands in the ledger.
type Entry struct {
	Org         id.Org
	Log         id.Log
	Seq         int64 // -1: it has no number yet, and LeafHash is zero
	ID          id.Event
	RecordedAt  time.Time
	Constant    string
	Payload     []byte // the envelope, byte for byte; nil once pruned
	Salt        []byte
	PayloadHash [32]byte
	LeafHash    tlog.Hash
	PrunedAt    time.Time // zero: not pruned
}

// Leaf is what the tree commits to for the entry.
func (e Entry) Leaf() verify.Leaf {
	return verify.Leaf{LogID: string(e.Log), Seq: e.Seq, ID: string(e.ID), RecordedAt: db.Micros(e.RecordedAt), Constant: e.Constant, PayloadHash: e.PayloadHash}
}

// Filter narrows a list; empty fields do not. Pruned events have nothing to
// filter by and are only in lists without a filter.
type Filter struct {
	Constants  []string
	Categories []string
	Severities []string
	Actor      string // id or name
	Target     string // id or name
	Outcome    string
	Session    string
	From, To   time.Time // of the act; To is not included
	Text       string    // anywhere in the payload, without regard to the case of ASCII letters
}

// Page says which part of a list is wanted.
type Page struct {
	Cursor string // next of the page before; empty: the first page
	Limit  int    // 0: 50; at most 200
	Oldest bool   // oldest first instead of newest first
}

// The sizes of pages.
const (
	defaultPage = 50
	maxPage     = 200
)

// List reads one page of org's numbered events, in the order of their numbers, or,
// when From or To is set, of the times of the acts. next is empty on the last page.
func (l *Ledger) List(ctx context.Context, org id.Org, f Filter, p Page) (entries []Entry, next string, err error) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	query, args, err := listQuery(l.db.Engine(), org, f, p, limit+1)
	if err != nil {
		return nil, "", err
	}
	var at []int64
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		entries, at = nil, nil
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("list the events of %q: %w", org, err)
		}
		defer rows.Close()
		for rows.Next() {
			var r ledgersql.EventsFromRow
			var t int64
			if err := rows.Scan(&r.LogID, &r.ID, &r.RecordedAt, &r.Constant, &r.Payload, &r.Salt, &r.PayloadHash, &r.Seq, &r.PrunedAt, &t); err != nil {
				return fmt.Errorf("list the events of %q: %w", org, err)
			}
			entries, at = append(entries, entry(org, r)), append(at, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, "", err
	}
	if len(entries) > limit {
		entries = entries[:limit]
		next = cursor{at[limit-1], entries[limit-1].Seq}.String()
	}
	return entries, next, nil
}

// cursor is the last entry of a page: its number, and its time where pages go by time.
type cursor struct{ at, seq int64 }

func (c cursor) String() string { return fmt.Sprintf("s%d.%d", c.seq, c.at) }

func parseCursor(s string) (c cursor, err error) {
	if n, e := fmt.Sscanf(s, "s%d.%d", &c.seq, &c.at); e != nil || n != 2 || c.String() != s {
		return c, fault.New(fault.Invalid, "the cursor is not one that a list has returned").WithField("cursor", "unknown")
	}
	return c, nil
}

// listQuery writes the statement of a list; its shape follows the filter. The
// inner part finds the numbers of a page and reads no payload, unless for Text, so
// that a plan which has to sort sorts numbers only.
func listQuery(engine db.Engine, org id.Org, f Filter, p Page, limit int) (string, []any, error) {
	w := &where{args: []any{string(org)}}
	w.filter(f)
	byTime := !f.From.IsZero() || !f.To.IsZero()
	table, alias := "audit_event", "e"
	if len(w.terms) > 0 {
		table, alias = "audit_search", "s"
	}
	from := fmt.Sprintf("%s %s where %s.org_id = $1 and %s.seq is not null", table, alias, alias, alias)
	if f.Text != "" {
		if alias == "s" {
			from = "audit_search s join audit_event e on e.org_id = s.org_id and e.seq = s.seq where s.org_id = $1"
		}
		if engine == db.Postgres {
			w.add("position(lower(%s) in lower(convert_from(e.payload, 'UTF8'))) > 0", w.arg(inJSON(f.Text)))
		} else {
			w.add("instr(lower(cast(e.payload as text)), lower(%s)) > 0", w.arg(inJSON(f.Text)))
		}
	}
	direction, beyond := "desc", "<"
	if p.Oldest {
		direction, beyond = "asc", ">"
	}
	at, order, outer := "0", "%[1]s.seq %[2]s", "p.seq %[1]s"
	if byTime {
		at, order, outer = "s.occurred_at", "%[1]s.occurred_at %[2]s, %[1]s.seq %[2]s", "p.at %[1]s, p.seq %[1]s"
	}
	if p.Cursor != "" {
		c, err := parseCursor(p.Cursor)
		switch {
		case err != nil:
			return "", nil, err
		case byTime:
			w.add("(s.occurred_at, s.seq) %s (cast(%s as bigint), cast(%s as bigint))", beyond, w.arg(c.at), w.arg(c.seq))
		default:
			w.add("%s.seq %s %s", alias, beyond, w.arg(c.seq))
		}
	}
	for _, t := range w.terms {
		from += " and " + t
	}
	query := fmt.Sprintf(`select e.log_id, e.id, e.recorded_at, e.constant, e.payload, e.salt, e.payload_hash, e.seq, e.pruned_at, p.at
		from (select %s.seq as seq, cast(%s as bigint) as at from %s order by %s limit %s) p
		join audit_event e on e.org_id = $1 and e.seq = p.seq order by %s`,
		alias, at, from, fmt.Sprintf(order, alias, direction), w.arg(limit), fmt.Sprintf(outer, direction))
	return query, w.args, nil
}

// where gathers the conditions of a list and their values.
type where struct {
	terms []string
	args  []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) add(format string, a ...any) { w.terms = append(w.terms, fmt.Sprintf(format, a...)) }

// filter adds what the search table answers.
func (w *where) filter(f Filter) {
	for _, c := range []struct {
		column string
		values []string
	}{{"constant", f.Constants}, {"category", f.Categories}, {"severity", f.Severities}} {
		if len(c.values) == 0 {
			continue
		}
		marks := make([]string, len(c.values))
		for i, v := range c.values {
			marks[i] = w.arg(v)
		}
		w.add("s.%s in (%s)", c.column, strings.Join(marks, ", "))
	}
	for _, who := range []struct{ column, value string }{{"actor", f.Actor}, {"target", f.Target}} {
		switch {
		case who.value == "":
		case looksLikeID(who.value):
			w.add("s.%s_id = %s", who.column, w.arg(who.value))
		default:
			w.add("lower(s.%s_name) = lower(%s)", who.column, w.arg(who.value))
		}
	}
	if f.Outcome != "" {
		w.add("s.outcome = %s", w.arg(f.Outcome))
	}
	if f.Session != "" {
		w.add("s.session_id = %s", w.arg(f.Session))
	}
	if !f.From.IsZero() {
		w.add("s.occurred_at >= %s", w.arg(db.Micros(f.From)))
	}
	if !f.To.IsZero() {
		w.add("s.occurred_at < %s", w.arg(db.Micros(f.To)))
	}
}

// looksLikeID tells an id (prefix, underscore, 26 characters) from a name.
func looksLikeID(s string) bool {
	i := strings.LastIndexByte(s, '_')
	return i > 0 && len(s)-i-1 == 26 && !strings.ContainsAny(s[i:], " @.-")
}

// inJSON is s as it stands inside a string of canonical JSON.
func inJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return s // a string always encodes
	}
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}

// Get reads one event, numbered or not. fault.NotFound: org's ledger has no such event.
func (l *Ledger) Get(ctx context.Context, org id.Org, evt id.Event) (e Entry, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		e, err = getEvent(ctx, q, org, evt)
		return err
	})
	return e, err
}

func getEvent(ctx context.Context, q *ledgersql.Queries, org id.Org, evt id.Event) (Entry, error) {
	r, err := q.EventByID(ctx, ledgersql.EventByIDParams{OrgID: string(org), ID: string(evt)})
	if db.NotFound(err) {
		return Entry{}, fault.New(fault.NotFound, "there is no audit event %.64q", string(evt))
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read event %s: %w", evt, err)
	}
	return entry(org, ledgersql.EventsFromRow(r)), nil
}

// Read returns up to n numbered events of org from seq first on and below beyond,
// in order. Exports and sinks read by it: a number is never missed.
func (l *Ledger) Read(ctx context.Context, org id.Org, first, beyond int64, n int) (out []Entry, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		rows, err := q.EventsFrom(ctx, ledgersql.EventsFromParams{OrgID: string(org), First: first, Beyond: beyond, MaxRows: int32(n)})
		if err != nil {
			return fmt.Errorf("read the events of %q from seq %d: %w", org, first, err)
		}
		out = make([]Entry, 0, len(rows))
		for _, r := range rows {
			out = append(out, entry(org, r))
		}
		return nil
	})
	return out, err
}

// LogOf is the id of org's ledger; fault.NotFound when nothing was recorded yet.
func (l *Ledger) LogOf(ctx context.Context, org id.Org) (id.Log, error) {
	row, err := l.logRow(ctx, org)
	return id.Log(row.LogID), err
}

func entry(org id.Org, r ledgersql.EventsFromRow) Entry {
	e := Entry{
		Org: org, Log: id.Log(r.LogID), Seq: -1, ID: id.Event(r.ID), RecordedAt: db.Time(r.RecordedAt),
		Constant: r.Constant, Payload: r.Payload, Salt: r.Salt,
	}
	copy(e.PayloadHash[:], r.PayloadHash)
	if r.PrunedAt.Valid {
		e.PrunedAt = db.Time(r.PrunedAt.Int64)
	}
	if r.Seq.Valid {
		e.Seq = r.Seq.Int64
		e.LeafHash = e.Leaf().Hash()
	}
	return e
}

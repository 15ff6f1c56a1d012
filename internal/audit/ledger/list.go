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

// List reads one page of org's numbered events. next is empty on the last page.
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
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		entries = nil
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("list the events of %q: %w", org, err)
		}
		defer rows.Close()
		for rows.Next() {
			var r ledgersql.EventsFromRow
			if err := rows.Scan(&r.LogID, &r.ID, &r.RecordedAt, &r.Constant, &r.Payload, &r.Salt, &r.PayloadHash, &r.Seq, &r.PrunedAt); err != nil {
				return fmt.Errorf("list the events of %q: %w", org, err)
			}
			entries = append(entries, entry(org, r))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, "", err
	}
	if len(entries) > limit {
		entries = entries[:limit]
		next = "s" + strconv.FormatInt(entries[limit-1].Seq, 10)
	}
	return entries, next, nil
}

// listQuery writes the statement of a list; its shape follows the filter.
func listQuery(engine db.Engine, org id.Org, f Filter, p Page, limit int) (string, []any, error) {
	args := []any{string(org)}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	var where []string
	add := func(format string, a ...any) { where = append(where, fmt.Sprintf(format, a...)) }
	in := func(column string, values []string) {
		if len(values) == 0 {
			return
		}
		marks := make([]string, len(values))
		for i, v := range values {
			marks[i] = arg(v)
		}
		add("%s in (%s)", column, strings.Join(marks, ", "))
	}
	who := func(column, v string) {
		switch {
		case v == "":
		case looksLikeID(v):
			add("s.%s_id = %s", column, arg(v))
		default:
			add("lower(s.%s_name) = lower(%s)", column, arg(v))
		}
	}
	in("s.constant", f.Constants)
	in("s.category", f.Categories)
	in("s.severity", f.Severities)
	who("actor", f.Actor)
	who("target", f.Target)
	if f.Outcome != "" {
		add("s.outcome = %s", arg(f.Outcome))
	}
	if f.Session != "" {
		add("s.session_id = %s", arg(f.Session))
	}
	if !f.From.IsZero() {
		add("s.occurred_at >= %s", arg(db.Micros(f.From)))
	}
	if !f.To.IsZero() {
		add("s.occurred_at < %s", arg(db.Micros(f.To)))
	}
	from, seq := "audit_event e where e.org_id = $1 and e.seq is not null", "e.seq"
	if len(where) > 0 {
		from, seq = "audit_search s join audit_event e on e.org_id = s.org_id and e.seq = s.seq where s.org_id = $1", "s.seq"
	}
	if f.Text != "" {
		if engine == db.Postgres {
			add("position(lower(%s) in lower(convert_from(e.payload, 'UTF8'))) > 0", arg(inJSON(f.Text)))
		} else {
			add("instr(lower(cast(e.payload as text)), lower(%s)) > 0", arg(inJSON(f.Text)))
		}
	}
	order, beyond := "desc", "<"
	if p.Oldest {
		order, beyond = "asc", ">"
	}
	if p.Cursor != "" {
		at, err := strconv.ParseInt(strings.TrimPrefix(p.Cursor, "s"), 10, 64)
		if err != nil || p.Cursor[0] != 's' || at < 0 {
			return "", nil, fault.New(fault.Invalid, "the cursor is not one that a list has returned").WithField("cursor", "unknown")
		}
		add("%s %s %s", seq, beyond, arg(at))
	}
	for _, w := range where {
		from += " and " + w
	}
	query := fmt.Sprintf("select e.log_id, e.id, e.recorded_at, e.constant, e.payload, e.salt, e.payload_hash, e.seq, e.pruned_at from %s order by %s %s limit %s",
		from, seq, order, arg(limit))
	return query, args, nil
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
		r, err := q.EventByID(ctx, ledgersql.EventByIDParams{OrgID: string(org), ID: string(evt)})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "there is no audit event %.64q", string(evt))
		}
		if err != nil {
			return fmt.Errorf("read event %s: %w", evt, err)
		}
		e = entry(org, ledgersql.EventsFromRow(r))
		return nil
	})
	return e, err
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

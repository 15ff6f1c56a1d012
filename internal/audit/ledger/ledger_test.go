package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// plainSealer stands for the keyring: it binds to organization and context.
type plainSealer struct{}

func (plainSealer) Seal(_ context.Context, org id.Org, context string, plain []byte) ([]byte, error) {
	return append([]byte(string(org)+"|"+context+"|"), plain...), nil
}

func (plainSealer) Open(_ context.Context, org id.Org, context string, sealed []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(string(org)+"|"+context+"|"))
	if !ok {
		return nil, errors.New("sealed for something else")
	}
	return bytes.Clone(plain), nil
}

// A clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Microsecond)
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	c.at = c.at.Add(d)
	c.mu.Unlock()
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func open(t testing.TB, d *db.DB, c *clock) *Ledger {
	t.Helper()
	deps := Deps{DB: d, Sealer: plainSealer{}, Host: "pam.example", Log: slog.New(slog.NewTextHandler(logTo(t), nil))}
	if c != nil {
		deps.Now = c.now
	}
	l, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// logTo is the test's output, or nowhere once the test has ended.
func logTo(t testing.TB) io.Writer { return t.Output() }

var (
	orgA = id.New[id.Org]()
	orgB = id.New[id.Org]()
)

func act(org id.Org, as event.ActorType) event.Act {
	return event.By(authz.Actor{
		Kind: authz.Person, User: id.User("usr_01jz0000000000000000000001"), Name: "alice", Org: org,
		Source:  authz.Source{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "ssh"},
		Request: id.New[id.Request](),
	}, as)
}

func added(org id.Org, safe string) event.Event {
	return event.NewSafeMemberAdded(act(org, event.OrgAdmin), event.SafeTarget(id.New[id.Safe](), safe), id.New[id.User](), "user")
}

func record(t testing.TB, l *Ledger, org id.Org, ev event.Event) (evt id.Event) {
	t.Helper()
	if err := l.inScope(t.Context(), org, func(ctx context.Context, tx *db.Tx) (err error) {
		evt, err = l.Record(ctx, tx, ev)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return evt
}

func flush(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// all reads the whole numbered ledger of org and checks that it is dense.
func all(t testing.TB, l *Ledger, org id.Org) []Entry {
	t.Helper()
	var out []Entry
	for {
		more, err := l.Read(t.Context(), org, int64(len(out)), 1<<60, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range more {
			if e.Seq != int64(len(out)) {
				t.Fatalf("seq %d where %d was due", e.Seq, len(out))
			}
			out = append(out, e)
		}
		if len(more) == 0 {
			return out
		}
	}
}

// start runs l until the test ends.
func start(t testing.TB, l *Ledger) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// until waits for a condition that another goroutine brings about.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestRollbackLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		undo := errors.New("undo")
		var evt id.Event
		err := d.InOrg(t.Context(), orgA, func(ctx context.Context, tx *db.Tx) (err error) {
			if evt, err = l.Record(ctx, tx, added(orgA, "web")); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		flush(t, l)
		if _, err := l.Get(t.Context(), orgA, evt); !fault.Is(err, fault.NotFound) {
			t.Errorf("the event of an undone transaction: %v", err)
		}
		if _, err := l.LogOf(t.Context(), orgA); !fault.Is(err, fault.NotFound) {
			t.Errorf("the ledger of an undone transaction: %v", err)
		}
		// The ledger id of the undone transaction is not remembered either.
		record(t, l, orgA, added(orgA, "web"))
		flush(t, l)
		if got := all(t, l, orgA); len(got) != 1 {
			t.Errorf("%d events, want 1", len(got))
		}
	})
}

func TestPayloadIsKeptAsItWasRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		evt := record(t, l, orgA, added(orgA, `quote " and <tag> & é 漢`))
		e, err := l.Get(t.Context(), orgA, evt)
		if err != nil || e.Seq != -1 {
			t.Fatalf("before numbering: %+v, %v", e, err)
		}
		flush(t, l)
		if e, err = l.Get(t.Context(), orgA, evt); err != nil || e.Seq != 0 {
			t.Fatalf("after numbering: %+v, %v", e, err)
		}
		env, err := event.Decode(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if env.ID != evt || env.LogID != e.Log || env.OrgID != orgA || time.UnixMicro(int64(env.RecordedAt)).UTC() != e.RecordedAt || string(env.Constant) != e.Constant {
			t.Errorf("row %+v and payload %+v differ", e, env)
		}
		if verify.PayloadHash(e.Salt, e.Payload) != e.PayloadHash || len(e.Salt) != verify.SaltSize {
			t.Error("the payload's hash is not that of payload and salt")
		}
	})
}

func TestEventOfAnotherOrganizationIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		err := d.InOrg(t.Context(), orgA, func(ctx context.Context, tx *db.Tx) error {
			_, err := l.Record(ctx, tx, added(orgB, "web"))
			return err
		})
		if err == nil {
			t.Error("recorded in the wrong organization's transaction")
		}
		err = d.InOrg(t.Context(), orgA, func(ctx context.Context, tx *db.Tx) error {
			return l.RecordRefusal(ctx, added(orgA, "web"))
		})
		if err == nil {
			t.Error("an event of its own was recorded inside a transaction")
		}
	})
}

func TestOrganizationsDoNotSeeEachOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		a := record(t, l, orgA, added(orgA, "web"))
		b := record(t, l, orgB, added(orgB, "web"))
		flush(t, l)
		if _, err := l.Get(t.Context(), orgB, a); !fault.Is(err, fault.NotFound) {
			t.Errorf("B reads A's event: %v", err)
		}
		if _, err := l.Inclusion(t.Context(), orgB, a); !fault.Is(err, fault.NotFound) {
			t.Errorf("B proves A's event: %v", err)
		}
		for org, own := range map[id.Org]id.Event{orgA: a, orgB: b} {
			got := all(t, l, org)
			if len(got) != 1 || got[0].ID != own {
				t.Errorf("%s reads %+v", org, got)
			}
			for _, f := range []Filter{{}, {Text: "web"}, {Actor: "alice"}} {
				list, _, err := l.List(t.Context(), org, f, Page{})
				if err != nil || len(list) != 1 || list[0].ID != own {
					t.Errorf("%s lists %+v, %v", org, list, err)
				}
			}
		}
		if list, _, err := l.List(t.Context(), id.New[id.Org](), Filter{}, Page{}); err != nil || len(list) != 0 {
			t.Errorf("a stranger lists %d events, %v", len(list), err)
		}
		if _, err := l.Checkpoint(t.Context(), id.New[id.Org]()); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger gets a checkpoint: %v", err)
		}
		ka, err := l.Sign(t.Context(), orgA)
		if err != nil {
			t.Fatal(err)
		}
		kb, err := l.Sign(t.Context(), orgB)
		if err != nil {
			t.Fatal(err)
		}
		if ka.Origin == kb.Origin {
			t.Error("two ledgers with one name")
		}
	})
}

// Writers whose transactions overlap and commit late: every event that was
// acknowledged is there once, in dense order, and no undone one is.
func TestConcurrentWritersLoseAndRepeatNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		stop := start(t, l)
		const writers, each = 16, 40
		undo := errors.New("undo")
		var mu sync.Mutex
		acked := map[id.Event]bool{}
		ack := func(evts ...id.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range evts {
				acked[e] = true
			}
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if w%4 == 0 {
						if err := l.RecordRefusal(t.Context(), added(orgA, fmt.Sprint("alone ", w, " ", i))); err != nil {
							t.Error(err)
						}
						continue
					}
					var mine []id.Event
					err := d.InOrg(t.Context(), orgA, func(ctx context.Context, tx *db.Tx) error {
						mine = nil
						for range 1 + w%3 {
							evt, err := l.Record(ctx, tx, added(orgA, "web"))
							if err != nil {
								return err
							}
							mine = append(mine, evt)
							if w%2 == 0 && tx.Engine() == db.Postgres { // stays open while others commit and are numbered
								if _, err := tx.ExecContext(ctx, `select pg_sleep(0.003)`); err != nil {
									return err
								}
							}
						}
						if i%5 == 4 {
							return undo
						}
						return nil
					})
					switch {
					case i%5 == 4 && errors.Is(err, undo):
					case err != nil:
						t.Error(err)
					default:
						ack(mine...)
					}
				}
			})
		}
		wg.Wait()
		flush(t, l)
		got := all(t, l, orgA)
		alone := 0
		for _, e := range got {
			if !acked[e.ID] {
				alone++
			}
			delete(acked, e.ID)
		}
		if want := writers / 4 * each; alone != want || len(acked) != 0 {
			t.Errorf("%d events recorded alone, want %d; %d acknowledged ones are missing", alone, want, len(acked))
		}
		stop()
		cp, err := l.Checkpoint(t.Context(), orgA)
		if err != nil || cp.Size != int64(len(got)) {
			t.Errorf("the last checkpoint covers %d of %d events, %v", cp.Size, len(got), err)
		}
	})
}

// Two servers on one PostgreSQL number the same ledger.
func TestTwoSequencersTakeTurns(t *testing.T) {
	d := dbtest.Postgres(t)
	one, two := open(t, d, nil), open(t, d, nil)
	start(t, one)
	start(t, two)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l := one
			if i%2 == 1 {
				l = two
			}
			for range 50 {
				if err := l.RecordRefusal(t.Context(), added(orgA, "web")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	flush(t, two)
	if got := all(t, one, orgA); len(got) != 400 {
		t.Errorf("%d events, want 400", len(got))
	}
	for _, l := range []*Ledger{one, two} {
		if _, err := l.Sign(t.Context(), orgA); err != nil {
			t.Error(err)
		}
	}
}

func TestListFiltersAndPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		for i := range 25 {
			record(t, l, orgA, added(orgA, fmt.Sprint("safe-", i)))
			c.pass(time.Minute)
		}
		refused := event.NewSessionStartRequested(act(orgA, event.User), event.ConnectionTarget(id.New[id.Resource](), `the "Quoted" host`),
			event.ProtocolSSH, id.New[id.Safe](), "", "").Denied(event.SessionStartRequestedOutsideValidHours)
		if err := l.RecordRefusal(t.Context(), refused); err != nil {
			t.Fatal(err)
		}
		flush(t, l)
		count := func(f Filter) int {
			t.Helper()
			n, cursor := 0, ""
			for {
				list, next, err := l.List(t.Context(), orgA, f, Page{Cursor: cursor, Limit: 7})
				if err != nil {
					t.Fatal(err)
				}
				n += len(list)
				if next == "" {
					return n
				}
				cursor = next
			}
		}
		from := newClock().at
		var env struct {
			Target struct{ ID string } `json:"target"`
		}
		first := all(t, l, orgA)[0]
		if err := json.Unmarshal(first.Payload, &env); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			f    Filter
			want int
		}{
			"nothing":    {Filter{}, 26},
			"constant":   {Filter{Constants: []string{"SAFE_MEMBER_ADDED", "X"}}, 25},
			"other":      {Filter{Constants: []string{"X"}}, 0},
			"category":   {Filter{Categories: []string{string(refused.Category())}}, 1},
			"severity":   {Filter{Severities: []string{string(refused.Severity())}}, 1},
			"outcome":    {Filter{Outcome: "denied"}, 1},
			"actor name": {Filter{Actor: "Alice"}, 26},
			"actor id":   {Filter{Actor: "usr_01jz0000000000000000000001"}, 26},
			"no actor":   {Filter{Actor: "usr_01jz0000000000000000000002"}, 0},
			"target":     {Filter{Target: "safe-3"}, 1},
			"target id":  {Filter{Target: env.Target.ID}, 1},
			"session":    {Filter{Session: "ses_x"}, 0},
			"text":       {Filter{Text: "SAFE-1"}, 11},
			"quoted":     {Filter{Text: `the "quoted" h`}, 1},
			"no like":    {Filter{Text: "safe-%"}, 0},
			"time":       {Filter{From: from.Add(5 * time.Minute), To: from.Add(10 * time.Minute)}, 5},
			"all time":   {Filter{From: from}, 26},
			"both":       {Filter{From: from.Add(5 * time.Minute), Outcome: "denied", Text: "192.0.2.7"}, 1},
		} {
			if got := count(c.f); got != c.want {
				t.Errorf("%s: %d events, want %d", name, got, c.want)
			}
		}
		newest, next, err := l.List(t.Context(), orgA, Filter{}, Page{Limit: 2})
		if err != nil || newest[0].Seq != 25 || newest[1].Seq != 24 || next == "" {
			t.Errorf("newest first: %+v, %v", newest, err)
		}
		oldest, next, err := l.List(t.Context(), orgA, Filter{Actor: "alice"}, Page{Limit: 2, Oldest: true})
		if err != nil || oldest[0].Seq != 0 || oldest[1].Seq != 1 {
			t.Errorf("oldest first: %+v, %v", oldest, err)
		}
		byTime, next2, err := l.List(t.Context(), orgA, Filter{From: from}, Page{Limit: 2, Oldest: true})
		if err != nil || byTime[0].Seq != 0 || byTime[1].Seq != 1 {
			t.Errorf("by time: %+v, %v", byTime, err)
		}
		if byTime, _, err = l.List(t.Context(), orgA, Filter{From: from}, Page{Limit: 2, Oldest: true, Cursor: next2}); err != nil || byTime[0].Seq != 2 {
			t.Errorf("by time, second page: %+v, %v", byTime, err)
		}
		if oldest, _, err = l.List(t.Context(), orgA, Filter{}, Page{Limit: 1, Oldest: true, Cursor: next}); err != nil || oldest[0].Seq != 2 {
			t.Errorf("oldest first, second page: %+v, %v", oldest, err)
		}
		for _, cursor := range []string{"x", "5", "s1", "sx.1", "s1.2 ", "s01.2"} {
			if _, _, err := l.List(t.Context(), orgA, Filter{}, Page{Cursor: cursor}); !fault.Is(err, fault.Invalid) {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	})
}

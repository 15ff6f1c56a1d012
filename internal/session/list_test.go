package session

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// The list and the look at one answer by the same rule.
func TestWhoSeesWhichSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s, other := w.openSafe("web-prod"), w.openSafe("db-prod")
		cleo, mona := w.Person(w.Org, "cleo", authz.Operator), w.Person(w.Org, "mona", authz.Operator)
		w.Member(s.ID, cleo, safe.User)
		w.Member(s.ID, mona, safe.Manager)
		w.Member(other.ID, mona, safe.Approver)
		var opened []id.Session
		for _, who := range []struct {
			actor authz.Actor
			safe  id.Safe
		}{{w.Operator, s.ID}, {w.Operator, other.ID}, {cleo, s.ID}} {
			l := w.start(who.actor, who.safe)
			opened = append(opened, l.Ticket().Session)
			defer w.close(l, ClosedByClient)
		}
		token := w.Auditor
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"safes:read"}
		for _, c := range []struct {
			name  string
			actor authz.Actor
			sees  []int
		}{
			{"owner", w.Owner, []int{0, 1, 2}}, {"admin", w.Admin, []int{0, 1, 2}}, {"auditor", w.Auditor, []int{0, 1, 2}},
			{"operator", w.Operator, []int{0, 1}}, {"colleague", cleo, []int{2}}, {"manager of one", mona, []int{0, 2}}, {"stranger", w.Stranger, nil},
		} {
			got, err := w.List(ctx, c.actor, Filter{}, page.Request{})
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			for i, sid := range opened {
				want := slices.Contains(c.sees, i)
				listed := slices.ContainsFunc(got.Items, func(s Session) bool { return s.ID == sid })
				_, err := w.Get(ctx, c.actor, sid)
				if listed != want || (err == nil) != want || err != nil && !fault.Is(err, fault.NotFound) {
					t.Errorf("%s, session %d: listed %t, got %v; want %t", c.name, i, listed, err, want)
				}
			}
			if len(got.Items) != len(c.sees) {
				t.Errorf("%s sees %d sessions", c.name, len(got.Items))
			}
		}
		if _, err := w.List(ctx, token, Filter{}, page.Request{}); fault.CodeOf(err) != "SCOPE_MISSING" {
			t.Errorf("a token without the scope lists: %v", err)
		}
		if _, err := w.Get(ctx, token, opened[0]); fault.CodeOf(err) != "SCOPE_MISSING" {
			t.Errorf("a token without the scope gets: %v", err)
		}
		if _, err := w.List(ctx, authz.Actor{Org: w.Org}, Filter{}, page.Request{}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody lists: %v", err)
		}
	})
}

func TestListIsFilteredAndPaged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s, other := w.openSafe("web-prod"), w.openSafe("db-prod")
		begin := w.now()
		var all []id.Session // newest first
		for n := range 7 {
			l := w.start(w.Operator, []id.Safe{s.ID, other.ID}[n%2])
			all = slices.Insert(all, 0, l.Ticket().Session)
			if n != 3 {
				w.close(l, ClosedByClient)
			}
			w.later(time.Minute)
		}
		ids := func(f Filter) []id.Session {
			t.Helper()
			got, err := w.List(ctx, w.Auditor, f, page.Request{})
			w.must(err)
			var out []id.Session
			for _, s := range got.Items {
				out = append(out, s.ID)
			}
			return out
		}
		for _, c := range []struct {
			name string
			f    Filter
			want []id.Session
		}{
			{"all", Filter{}, all},
			{"live", Filter{State: Active}, all[3:4]},
			{"ended", Filter{State: Ended, Safe: other.ID}, []id.Session{all[1], all[5]}},
			{"of a person", Filter{User: w.Operator.User}, all},
			{"of nobody", Filter{User: w.Admin.User}, nil},
			{"of a resource", Filter{Resource: other.Resource.ID}, []id.Session{all[1], all[3], all[5]}},
			{"from", Filter{From: begin.Add(5 * time.Minute)}, all[:2]},
			{"between", Filter{From: begin.Add(time.Minute), To: begin.Add(3 * time.Minute)}, all[4:6]},
		} {
			if got := ids(c.f); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
		var paged []id.Session
		for r := (page.Request{Limit: 3}); ; {
			got, err := w.List(ctx, w.Operator, Filter{}, r)
			w.must(err)
			for _, s := range got.Items {
				paged = append(paged, s.ID)
			}
			if r.Cursor = got.Next; r.Cursor == "" {
				break
			}
		}
		if !slices.Equal(paged, all) {
			t.Errorf("in pages: %v, want %v", paged, all)
		}
		for _, f := range []Filter{{State: "dead"}} {
			if _, err := w.List(ctx, w.Auditor, f, page.Request{}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", f, err)
			}
		}
		w.close(w.local(all[3]), ClosedByClient)
	})
}

func TestFeedTellsOfChangesHereAndElsewhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s := w.openSafe("web-prod")
		two := w.server("two")
		w.run(two)
		next := func(f *Feed, state State, sid id.Session) {
			t.Helper()
			for {
				got, err := f.Next(ctx)
				w.must(err)
				if got.ID == sid && got.State == state {
					return
				}
			}
		}
		here, err := w.Subscribe(ctx, w.Admin)
		w.must(err)
		defer here.Close()
		elsewhere, err := two.Subscribe(ctx, w.Operator)
		w.must(err)
		defer elsewhere.Close()
		strange, err := two.Subscribe(ctx, w.Stranger)
		w.must(err)
		defer strange.Close()

		l := w.start(w.Operator, s.ID)
		next(here, Active, l.Ticket().Session)
		next(elsewhere, Active, l.Ticket().Session)
		w.close(l, ClosedByClient)
		next(here, Ended, l.Ticket().Session)
		next(elsewhere, Ended, l.Ticket().Session)

		short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
		defer stop()
		if got, err := strange.Next(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another organization is told %+v, %v", got, err)
		}
	})
}

func TestWatchShowsWhatIsRecorded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	l := w.start(w.Operator, w.openSafe("web-prod").ID)
	w.Events()
	p, err := w.Watch(ctx, w.Admin, l.Ticket().Session)
	w.must(err)
	e := w.One(event.SESSION_PLAYBACK_ACCESSED, event.Success, "", event.TenantAdmin)
	if e.Metadata["playback_mode"] != "live_view" {
		t.Errorf("%+v", e)
	}
	w.must(l.Recorder().Write(recording.Frame{Channel: 1, Kind: recording.Output, Data: []byte("hello")}))
	f, err := p.Next()
	if err != nil || string(f.Data) != "hello" {
		t.Errorf("%+v, %v", f, err)
	}
	w.close(l, ClosedByClient)
	if _, err := p.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	w.must(p.Close())
	if _, err := w.Watch(ctx, w.Operator, l.Ticket().Session); !fault.Is(err, fault.Denied) {
		t.Errorf("somebody without the right: %v", err)
	}
}

func TestCountsForOtherDomains(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		l := w.start(w.Operator, s.ID)
		count := func() (out [3]int) {
			w.must(w.DB.ReadOrg(context.Background(), w.Org, func(ctx context.Context, tx *db.Tx) (err error) {
				var c Counts
				if out[0], err = c.OnResource(ctx, tx, w.Org, s.Resource.ID); err != nil {
					return err
				}
				if out[1], err = c.OnAccount(ctx, tx, w.Org, s.Account.ID); err != nil {
					return err
				}
				out[2], err = c.OfMember(ctx, tx, w.Org, s.ID, w.Operator.User)
				return err
			}))
			return out
		}
		if got := count(); got != [3]int{1, 1, 1} {
			t.Errorf("live: %v", got)
		}
		w.close(l, ClosedByClient)
		if got := count(); got != [3]int{} {
			t.Errorf("ended: %v", got)
		}
	})
}

package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
)

func refused(coalesced int) event.Event {
	return event.NewAuthSignInFailed(act(platform, event.User), event.PlatformTarget(), event.AuthSignInFailedBadCredentials, event.SignInMethodPassword, event.DoorConsole, coalesced)
}

// coalesced lists the counts of the folded events of the platform's ledger, in order.
func coalesced(t testing.TB, l *Ledger, constant event.Constant, field string) (out []int) {
	t.Helper()
	flush(t, l)
	for _, e := range all(t, l, platform) {
		if e.Constant != string(constant) {
			continue
		}
		var env struct{ Metadata map[string]any }
		if err := json.Unmarshal(e.Payload, &env); err != nil {
			t.Fatal(err)
		}
		out = append(out, int(env.Metadata[field].(float64)))
	}
	return out
}

func TestRepeatsAreFoldedAndNoneIsDropped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		f := l.NewFolder(FoldWindow)
		hit := func(source string, n int) {
			t.Helper()
			for range n {
				if err := f.Record(t.Context(), FoldKey{Constant: event.AUTH_SIGN_IN_FAILED, Source: source, Reason: "x"}, refused); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func(want ...int) {
			t.Helper()
			if got := coalesced(t, l, event.AUTH_SIGN_IN_FAILED, "coalesced"); !slices.Equal(got, want) {
				t.Errorf("counts %v, want %v", got, want)
			}
		}
		hit("192.0.2.1", 10)
		hit("192.0.2.2", 1)
		check(1, 1)
		l.clock(t.Context())
		check(1, 1) // the minute is not over
		c.pass(FoldWindow)
		l.clock(t.Context())
		check(1, 1, 9)
		hit("192.0.2.1", 3)
		check(1, 1, 9, 1)
		c.pass(FoldWindow)
		hit("192.0.2.1", 1) // comes before the clock does
		check(1, 1, 9, 1, 2, 1)
		hit("192.0.2.1", 5)
		start(t, l)() // what is open at the end is told
		check(1, 1, 9, 1, 2, 1, 5)
	})
}

func TestManySourcesStayBounded(t *testing.T) {
	l := open(t, dbtest.SQLite(t), newClock())
	f := l.NewFolder(FoldWindow)
	f.most = 200
	key := func(i int) FoldKey { return FoldKey{Constant: event.AUTH_SIGN_IN_FAILED, Source: fmt.Sprint(i)} }
	for i := range f.most { // as if each had come once and once again
		f.open[key(i)] = &fold{ends: l.now().Add(FoldWindow), n: i % 2, make: refused}
	}
	if err := f.Record(t.Context(), key(-1), refused); err != nil {
		t.Fatal(err)
	}
	if len(f.open) != f.most/2+1 {
		t.Errorf("%d windows are open, want those with repeats and the new one", len(f.open))
	}
	for i := range f.most {
		f.open[key(i)] = &fold{ends: l.now().Add(FoldWindow), n: 1, make: refused}
	}
	delete(f.open, key(-1))
	if err := f.Record(t.Context(), key(-2), refused); err != nil {
		t.Fatal(err)
	}
	if got := len(coalesced(t, l, event.AUTH_SIGN_IN_FAILED, "coalesced")); got != f.most+2 || len(f.open) != 1 {
		t.Errorf("%d events recorded, want %d; %d windows open", got, f.most+2, len(f.open))
	}
}

func TestFoldedEventSurvivesAnErrorOfTheStore(t *testing.T) {
	l := open(t, dbtest.SQLite(t), newClock())
	f := l.NewFolder(FoldWindow)
	names := map[string]string{}
	tamper(t, l.db, names, `create trigger broken before insert on audit_event begin select raise(abort, 'broken'); end`)
	key := FoldKey{Constant: event.AUTH_SIGN_IN_FAILED}
	for i := range 3 {
		if err := f.Record(t.Context(), key, refused); (err != nil) != (i == 0) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if err := f.flush(t.Context(), true); err == nil {
		t.Fatal("recorded in a broken store")
	}
	tamper(t, l.db, names)
	if err := f.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if got := coalesced(t, l, event.AUTH_SIGN_IN_FAILED, "coalesced"); !slices.Equal(got, []int{3}) {
		t.Errorf("counts %v, want all three attempts", got)
	}
}

func TestFaultsAreToldOnceInFiveMinutes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		report := func(code string) {
			l.ReportFault(t.Context(), Fault{Code: code, Component: "test", Reason: event.SystemErrorLoggedStorageFailed, ObjectType: "Recording", ObjectID: event.AnyID(orgA)})
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { report("disk_full") })
		}
		wg.Wait()
		report("other")
		flush(t, l)
		c.pass(4 * time.Minute)
		l.clock(t.Context())
		if got := coalesced(t, l, event.SYSTEM_ERROR_LOGGED, "occurrences"); !slices.Equal(got, []int{1, 1}) {
			t.Errorf("counts %v", got)
		}
		c.pass(time.Minute)
		l.clock(t.Context())
		if got := coalesced(t, l, event.SYSTEM_ERROR_LOGGED, "occurrences"); !slices.Equal(got, []int{1, 1, 19}) {
			t.Errorf("counts %v", got)
		}
	})
}

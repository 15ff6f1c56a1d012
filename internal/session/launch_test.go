package session

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

func TestLaunchMintsOneGrant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		l := w.launch(w.Operator, s.ID)
		e := w.One(event.SESSION_START_REQUESTED, event.Success, "", event.User)
		if e.Target.ID != string(s.Resource.ID) || e.Metadata["safe_id"] != string(s.ID) || e.Metadata["account_id"] != string(s.Account.ID) ||
			e.Metadata["policy_id"] != string(s.PolicyID) || e.Metadata["grant_id"] != string(l.Grant) || e.Actor.ID != string(w.Operator.User) {
			t.Errorf("the event does not tell of the launch: %+v", e)
		}
		if got := l.ExpiresAt.Sub(w.now()); got != time.Minute {
			t.Errorf("the grant holds for %s", got)
		}
		token := l.Token.RevealString()
		w.Clean([]string{token, strings.TrimPrefix(token, tokenPrefix)}, w.log.String())

		byName, err := w.Launch(context.Background(), w.Operator, LaunchArgs{Name: "web-prod", Protocol: SSH, Client: ClientBrowser})
		if err != nil || byName.Grant == l.Grant || byName.Session == l.Session {
			t.Errorf("a launch by name: %+v, %v", byName, err)
		}
	})
}

func TestRefusedLaunchSaysWhy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		nowhere := func(p *safe.Policy) { p.SourceNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
		stepUp := func(p *safe.Policy) { p.StepUp = true }
		hours := func(p *safe.Policy) {
			day := w.now().Add(72 * time.Hour).Weekday() // neither today nor tomorrow
			p.ValidHours = &safe.ValidHours{Days: []time.Weekday{day}, From: 0, To: 24 * 60, TimeZone: "UTC"}
		}
		stale := w.Operator
		stale.MFAAt = w.now().Add(-time.Hour)
		never := w.Operator
		never.MFAAt = time.Time{}
		token := w.Operator
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"sessions:launch"}
		narrow := token
		narrow.Scopes = []string{"audit:read"}
		disabled := w.openSafe("disabled")
		_, err := w.Accounts.Disable(context.Background(), w.Admin, disabled.Account.ID)
		w.must(err)
		w.Events()

		for _, c := range []struct {
			name   string
			actor  authz.Actor
			safe   safe.Safe
			reason string
			kind   fault.Kind
			code   string
			as     event.ActorType
		}{
			{"not a member, and may not see it", w.Operator, w.Safe("others", nil), "not_a_member", fault.NotFound, "NOT_FOUND", event.User},
			{"not a member, and sees it", w.Admin, w.Safe("seen", nil), "not_a_member", fault.Denied, "NOT_PERMITTED", event.User},
			{"an auditor", w.Auditor, w.Safe("read", nil), "not_a_member", fault.Denied, "NOT_PERMITTED", event.User},
			{"outside valid hours", w.Operator, w.openSafe("hours", hours), "outside_valid_hours", fault.Denied, CodeOutsideValidHours, event.User},
			{"from elsewhere", w.Operator, w.openSafe("elsewhere", nowhere), "not_a_member", fault.Denied, CodeSourceNotAllowed, event.User},
			{"stale factor", stale, w.openSafe("stale", stepUp), "mfa_required", fault.Denied, CodeMFARequired, event.User},
			{"no factor", never, w.openSafe("never", stepUp), "mfa_required", fault.Denied, CodeMFARequired, event.User},
			{"a token cannot step up", token, w.openSafe("token", stepUp), "mfa_required", fault.Denied, CodeMFARequired, event.ServiceAccount},
			{"a token without the scope", narrow, w.openSafe("narrow"), "not_a_member", fault.Denied, "SCOPE_MISSING", event.ServiceAccount},
			{"disabled account", w.Operator, disabled, "account_disabled", fault.Denied, CodeAccountDisabled, event.User},
		} {
			w.Events()
			_, err := w.Launch(context.Background(), c.actor, LaunchArgs{Safe: c.safe.ID, Protocol: SSH, Client: ClientOpenSSH})
			if !fault.Is(err, c.kind) || fault.CodeOf(err) != c.code {
				t.Errorf("%s: %v (%s)", c.name, err, fault.CodeOf(err))
			}
			if m := fault.MessageOf(err); len(m) < 20 || m == "internal error" {
				t.Errorf("%s: the person is told %q", c.name, m)
			}
			e := w.One(event.SESSION_START_REQUESTED, event.Denied, c.reason, c.as)
			if e.Metadata["safe_id"] != string(c.safe.ID) || e.OrgID != w.Org {
				t.Errorf("%s: the event is of %v in %s", c.name, e.Metadata["safe_id"], e.OrgID)
			}
		}
	})
}

// What a person may not know of is said in the same words, wherever it is.
func TestUnknownSafeAndForeignSafeAreAlike(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		for _, actor := range []authz.Actor{w.Operator, w.Stranger} {
			unknown := id.New[id.Safe]()
			ids := []id.Safe{unknown}
			if actor.User == w.Stranger.User {
				ids = append(ids, s.ID)
			}
			var said []string
			for _, sid := range ids {
				w.Events()
				_, err := w.Launch(context.Background(), actor, LaunchArgs{Safe: sid, Protocol: SSH, Client: ClientOpenSSH})
				if !fault.Is(err, fault.NotFound) {
					t.Fatalf("%s: %v", sid, err)
				}
				said = append(said, strings.ReplaceAll(fault.MessageOf(err), string(sid), "X"))
				e := w.One(event.SESSION_START_REQUESTED, event.Denied, "not_a_member", event.User)
				if e.OrgID != actor.Org || e.Target.Name != "" || e.Target.ID != "" {
					t.Errorf("the refusal tells of another organization: %+v", e)
				}
			}
			if len(said) == 2 && said[0] != said[1] {
				t.Errorf("two answers: %q and %q", said[0], said[1])
			}
		}
		w.Events()
		_, err := w.Launch(context.Background(), w.Stranger, LaunchArgs{Name: "web-prod", Protocol: SSH, Client: ClientOpenSSH})
		if !fault.Is(err, fault.NotFound) || !strings.Contains(fault.MessageOf(err), "web-prod") {
			t.Errorf("by name: %v", err)
		}
		w.One(event.SESSION_START_REQUESTED, event.Denied, "not_a_member", event.User)
	})
}

func TestWrongLaunchIsInvalid(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.Events()
	for _, a := range []LaunchArgs{
		{}, {Safe: "x", Protocol: "telnet", Client: ClientOpenSSH}, {Safe: "x", Protocol: SSH, Client: "putty"},
		{Name: strings.Repeat("x", 300), Protocol: SSH, Client: ClientOpenSSH},
	} {
		if _, err := w.Launch(context.Background(), w.Operator, a); !fault.Is(err, fault.Invalid) || len(fault.As(err).Fields) == 0 {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if _, err := w.Launch(context.Background(), authz.Actor{Org: w.Org}, LaunchArgs{Name: "x", Protocol: SSH, Client: ClientOpenSSH}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	w.None()
	_, err := w.Launch(context.Background(), w.Operator, LaunchArgs{Name: "\x1b]0;x\a\u202eno", Protocol: SSH, Client: ClientOpenSSH})
	if m := fault.MessageOf(err); strings.ContainsAny(m, "\x1b\a\u202e") {
		t.Errorf("the answer carries control characters: %q", m)
	}
}

// Nobody gets the place after the last, whoever asks at the same time.
func TestLimitOfSessionsHoldsUnderRace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("narrow", func(p *safe.Policy) { p.MaxSessions = 3 })
		var mu sync.Mutex
		var got []Launch
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				l, err := w.Launch(context.Background(), w.Operator, LaunchArgs{Safe: s.ID, Protocol: SSH, Client: ClientOpenSSH})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, l)
				} else if !fault.Is(err, fault.Exhausted) || fault.CodeOf(err) != CodeConcurrencyLimit {
					t.Errorf("refused with %v", err)
				}
			})
		}
		all.Wait()
		if len(got) != 3 {
			t.Fatalf("%d launches, the safe allows 3 sessions", len(got))
		}
		first := w.redeem(w.Service, w.Operator, got[0])
		w.redeem(w.Service, w.Operator, got[1])
		w.must(w.Failed(context.Background(), first, UpstreamUnreachable))
		w.launch(w.Operator, s.ID) // in the place that became free
		w.later(2 * time.Minute)   // what was not redeemed holds no place any more
		w.launch(w.Operator, s.ID)
		w.launch(w.Operator, s.ID)
		w.Events()
		if _, err := w.Launch(context.Background(), w.Operator, LaunchArgs{Safe: s.ID, Protocol: SSH, Client: ClientOpenSSH}); fault.CodeOf(err) != CodeConcurrencyLimit {
			t.Errorf("a fourth place: %v", err)
		}
		w.One(event.SESSION_START_REQUESTED, event.Denied, "concurrency_limit", event.User)
	})
}

func TestNothingLaunchesUnheardOrUnrecorded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod")
	free := w.openSafe("free", func(p *safe.Policy) { p.Recording, p.RecordInput = false, false })
	launch := func(s id.Safe) error {
		_, err := w.Launch(context.Background(), w.Operator, LaunchArgs{Safe: s, Protocol: SSH, Client: ClientOpenSSH})
		return err
	}
	w.recs.broken.Store(true)
	if err := launch(s.ID); fault.CodeOf(err) != CodeRecordingUnavailable || !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a recorder: %v", err)
	}
	w.One(event.SESSION_START_REQUESTED, event.Denied, "recording_unavailable", event.User)
	w.must(launch(free.ID))
	w.recs.broken.Store(false)

	w.ledger.broken.Store(true)
	if err := launch(s.ID); fault.CodeOf(err) != CodeAuditUnavailable || !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a ledger: %v", err)
	}
	w.ledger.broken.Store(false)
	w.must(launch(s.ID))
}

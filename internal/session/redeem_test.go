package session

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/safe"
)

func TestRedeemGivesWhatWasLaunched(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod", func(p *safe.Policy) { p.LocalForward = true })
		l := w.launch(w.Operator, s.ID)
		w.Events()
		got := w.redeem(w.Service, w.Operator, l)
		if got.Session != l.Session || got.Grant != l.Grant || got.Org != w.Org || got.SafeID != s.ID || got.SafeName != "web-prod" {
			t.Errorf("ticket %+v", got)
		}
		if got.Resource.ID != s.Resource.ID || got.Resource.Host == "" || got.Account.ID != s.Account.ID || got.Account.Username != "root" || !got.Policy.LocalForward {
			t.Errorf("the ticket leads to %+v as %+v", got.Resource, got.Account)
		}
		if a := got.Actor; a.User != w.Operator.User || a.Role != authz.Operator || a.Kind != authz.Person || a.Org != w.Org || a.Email == "" {
			t.Errorf("the ticket's actor is %+v", a)
		}
		w.None()
		c, err := w.Lease(context.Background(), got)
		w.must(err)
		if c.Password.RevealString() != "the password of web-prod" {
			t.Error("the lease gave another credential")
		}
		e := w.One(event.SECRET_ACCESSED, event.Success, "", event.User)
		if e.SessionID != string(got.Session) {
			t.Errorf("the lease is told of session %q", e.SessionID)
		}
	})
}

// A grant opens one session, whoever presents it at the same time, on whatever server.
func TestGrantIsUsedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		servers := []*Service{w.Service, w.server("two")}
		for range 4 {
			l := w.launch(w.Operator, s.ID)
			w.Events()
			var won, replayed atomic.Int32
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					_, err := servers[i%2].Redeem(context.Background(), redeemArgs(w.Operator, l.Token.RevealString()))
					switch {
					case err == nil:
						won.Add(1)
					case fault.CodeOf(err) == CodeGrantReplayed:
						replayed.Add(1)
					default:
						t.Errorf("redeem: %v", err)
					}
				})
			}
			all.Wait()
			if won.Load() != 1 || replayed.Load() != 7 {
				t.Fatalf("%d won, %d were replays", won.Load(), replayed.Load())
			}
			var n int
			w.must(w.DB.Raw().QueryRow(`select count(*) from session where id = $1`, string(l.Session)).Scan(&n))
			if n != 1 {
				t.Errorf("%d sessions", n)
			}
		}
	})
}

func TestReplayIsAnIncident(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		w.Events()
		l := w.launch(w.Operator, s.ID)
		launched := w.One(event.SESSION_START_REQUESTED, event.Success, "", event.User)
		w.redeem(w.Service, w.Operator, l)
		for n := range 5 {
			_, err := w.Redeem(context.Background(), redeemArgs(w.Operator, l.Token.RevealString()))
			if fault.CodeOf(err) != CodeGrantReplayed || !fault.Is(err, fault.Denied) {
				t.Fatalf("replay %d: %v", n, err)
			}
		}
		all := w.Events() // the other four are folded
		if len(all) != 2 {
			t.Fatalf("events: %v", constants(all))
		}
		rejected, incident := all[0], all[1]
		if rejected.Constant != event.PROXY_SSH_AUTH_REJECTED {
			rejected, incident = incident, rejected
		}
		if rejected.Reason != "grant_replayed" || rejected.Target.ID != string(l.Session) || rejected.Metadata["grant_id"] != string(l.Grant) || rejected.OrgID != w.Org {
			t.Errorf("the rejection: %+v", rejected)
		}
		related, _ := incident.Metadata["related_events"].([]any)
		if incident.Constant != event.SECURITY_INCIDENT_FLAGGED || incident.Severity != event.Critical || incident.Actor.Type != event.System ||
			incident.Metadata["object_id"] != string(l.Grant) || len(related) != 1 || related[0] != string(launched.ID) ||
			incident.RequestID != rejected.RequestID {
			t.Errorf("the incident: %+v", incident)
		}
	})
}

func TestBadGrantIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		other, _ := mintToken()
		good := func() Launch { l := w.launch(w.Operator, s.ID); w.Events(); return l }
		for n, c := range []struct {
			name, code, reason string
			change             func(a *RedeemArgs)
			wait               time.Duration
			known              bool // the grant is, so its organization is told
		}{
			{"rubbish", CodeGrantInvalid, "grant_invalid", func(a *RedeemArgs) { a.Token = "rubbish" }, 0, false},
			{"empty", CodeGrantInvalid, "grant_invalid", func(a *RedeemArgs) { a.Token = "" }, 0, false},
			{"never minted", CodeGrantInvalid, "grant_invalid", func(a *RedeemArgs) { a.Token = other.RevealString() }, 0, false},
			{"too late", CodeGrantExpired, "grant_expired", func(*RedeemArgs) {}, time.Minute, true},
			{"by another person", CodeGrantInvalid, "grant_invalid", func(a *RedeemArgs) { a.User = w.Admin.User }, 0, true},
			{"by another client", CodeGrantWrongGateway, "grant_wrong_gateway", func(a *RedeemArgs) { a.Client = ClientBrowser }, 0, true},
			{"at another gateway", CodeGrantWrongGateway, "grant_wrong_gateway", func(a *RedeemArgs) { a.Protocol = "postgres" }, 0, true},
		} {
			l := good()
			w.later(c.wait)
			a := redeemArgs(w.Operator, l.Token.RevealString())
			a.Source.IP = a.Source.IP.Next()
			for range n { // each from an address of its own, so that none is folded
				a.Source.IP = a.Source.IP.Next()
			}
			c.change(&a)
			_, err := w.Redeem(context.Background(), a)
			if !fault.Is(err, fault.Denied) || fault.CodeOf(err) != c.code || len(fault.MessageOf(err)) < 30 {
				t.Errorf("%s: %v (%s)", c.name, err, fault.CodeOf(err))
			}
			e := w.One(event.PROXY_SSH_AUTH_REJECTED, event.Denied, c.reason, event.User)
			if known := e.OrgID == w.Org && e.Target.ID == string(l.Session); known != c.known {
				t.Errorf("%s: told in %q of session %q", c.name, e.OrgID, e.Target.ID)
			}
			if c.wait == 0 { // and nothing else happened: its owner can still use it
				w.redeem(w.Service, w.Operator, l)
			}
			if strings.Contains(w.log.String(), a.Token) && a.Token != "" {
				t.Errorf("%s: the token is in the log", c.name)
			}
		}
	})
}

// What was queued is checked again: between launch and redeem, rights can go.
func TestRedeemDecidesAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		for _, c := range []struct {
			name, reason string
			change       func(s safe.Safe)
		}{
			{"removed from the safe", "not_a_member", func(s safe.Safe) { w.must(w.Safes.RemoveMember(ctx, w.Admin, s.ID, w.Operator.User)) }},
			{"safe deleted", "not_a_member", func(s safe.Safe) { w.must(w.Safes.Delete(ctx, w.Admin, s.ID, s.Version)) }},
			{"account disabled", "account_disabled", func(s safe.Safe) {
				_, err := w.Accounts.Disable(ctx, w.Admin, s.Account.ID)
				w.must(err)
			}},
			{"step-up demanded", "mfa_required", func(s safe.Safe) {
				p := s.Policy
				p.StepUp, p.StepUpFreshness = true, 5*time.Second
				_, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, p, s.Version)
				w.must(err)
			}},
			{"person suspended", "not_a_member", func(safe.Safe) {
				w.exec(`update person set state = 'suspended' where id = $1`, string(w.Operator.User))
			}},
			{"now an auditor", "not_a_member", func(safe.Safe) {
				w.exec(`update member set role = 'auditor' where user_id = $1`, string(w.Operator.User))
			}},
		} {
			w.exec(`update person set state = 'active' where id = $1`, string(w.Operator.User)) // again
			s := w.openSafe(strings.ReplaceAll(c.name, " ", "-"))
			w.later(time.Minute) // the factor is older than any freshness of this test
			l := w.launch(w.Operator, s.ID)
			c.change(s)
			w.Events()
			_, err := w.Redeem(ctx, redeemArgs(w.Operator, l.Token.RevealString()))
			if err == nil || fault.Is(err, fault.Internal) {
				t.Errorf("%s: %v", c.name, err)
			}
			e := w.One(event.SESSION_START_REQUESTED, event.Denied, c.reason, event.User)
			if e.Metadata["grant_id"] != string(l.Grant) {
				t.Errorf("%s: told of grant %v", c.name, e.Metadata["grant_id"])
			}
			if _, err := w.Redeem(ctx, redeemArgs(w.Operator, l.Token.RevealString())); fault.CodeOf(err) != CodeGrantReplayed {
				t.Errorf("%s: the grant was not spent: %v", c.name, err)
			}
		}
	})
}

func TestTokenOfAnEndedAPITokenOpensNothing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod")
	actor := w.apiToken(time.Hour)
	l := w.launch(actor, s.ID)
	got := w.redeem(w.Service, actor, l)
	if got.Actor.Kind != authz.Token || got.Actor.Token != actor.Token || got.Actor.Name != "ci" {
		t.Errorf("the ticket's actor is %+v", got.Actor)
	}
	l = w.launch(actor, s.ID)
	w.exec(`update api_token set ended_at = $1`, db.Micros(w.now()))
	if _, err := w.Redeem(context.Background(), redeemArgs(actor, l.Token.RevealString())); !fault.Is(err, fault.Denied) {
		t.Errorf("after the token ended: %v", err)
	}
}

func TestRejectedKeysAreFolded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.Events()
	for range 20 {
		w.must(w.RejectKey(context.Background(), KeyRejection{Source: w.Operator.Source, ClaimedUser: "root", Fingerprint: "SHA256:abc", ClientVersion: "SSH-2.0-x"}))
	}
	e := w.One(event.PROXY_SSH_AUTH_REJECTED, event.Denied, "key_not_authorised", event.User)
	if e.OrgID != "" || e.Actor.Authenticated || e.Metadata["key_fingerprint"] != "SHA256:abc" || e.Metadata["claimed_user"] != "root" {
		t.Errorf("%+v", e)
	}
}

func TestOldGrantsAreSwept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		used, unused := w.launch(w.Operator, s.ID), w.launch(w.Operator, s.ID)
		w.redeem(w.Service, w.Operator, used)
		count := func() (n int) {
			w.must(w.DB.Raw().QueryRow(`select count(*) from launch_grant`).Scan(&n))
			return n
		}
		w.later(time.Hour)
		w.sweep(context.Background())
		if count() != 2 {
			t.Error("a grant of an hour ago was swept: its replay would not be known as one")
		}
		w.later(25 * time.Hour)
		w.sweep(context.Background())
		if count() != 0 {
			t.Errorf("%d grants of yesterday are left", count())
		}
		_, err := w.Redeem(context.Background(), redeemArgs(w.Operator, unused.Token.RevealString()))
		if fault.CodeOf(err) != CodeGrantInvalid {
			t.Errorf("a grant that is gone: %v", err)
		}
	})
}

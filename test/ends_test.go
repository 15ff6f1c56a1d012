package test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who and what ends a session, and what is told of it: once, and in time.

// losesWithin is how soon a session must end that lost what it rests on.
const losesWithin = 2 * time.Second

// When is the time of an event's act.
func (r reader) when(t testing.TB, e Event) time.Time {
	t.Helper()
	var full struct{ Time time.Time }
	r.c.must(t, "GET", "/audit/events/"+e.ID, nil).into(t, &full)
	return full.Time
}

// endedBySystem waits for the end of a live session that the product ends.
func (w *World) endedBySystem(c *Proc, v *Safe, reason, outcome string, words ...string) (Event, Session) {
	w.t.Helper()
	r := c.wait()
	if r.Code == 0 {
		w.t.Errorf("the client did not notice the end: %s", r)
	}
	sentence(w.t, r.Stderr, append(words, "Session ended")...)
	x := w.ended(v)
	if x.EndedBy != "system" || x.EndReason != reason {
		w.t.Errorf("the session ended by %s (%s), not by the system (%s)", x.EndedBy, x.EndReason, reason)
	}
	e := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: outcome, Reason: reason, Session: x.ID, Actor: "System", Target: "Session", TargetID: x.ID,
		Meta: obj{"session_user_id": x.User.ID, "recording_id": x.Recording.ID, "connection_id": v.Resource, "account_id": v.Account, "protocol": "ssh"}})
	w.saw(Want{Constant: "PROXY_SSH_SESSION_CLOSED", Session: x.ID, Outcome: closedAs(reason), Reason: closedBecause(reason)})
	w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Session: x.ID})
	return e, x
}

func closedAs(reason string) string {
	if reason == "upstream_closed" {
		return "failure"
	}
	return "success"
}

func closedBecause(reason string) string {
	if reason == "upstream_closed" {
		return "upstream_eof"
	}
	return "ended_by_control_plane"
}

func TestLimitsEndSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		short := w.safe(host(t), obj{"session_ttl_seconds": 5}, oscar)
		idle := w.safe(host(t), obj{"idle_timeout_seconds": 5}, oscar)
		hours := w.safe(host(t), nil, oscar)
		busy := oscar.ssh(t, short, nil, "echo up; while sleep 0.2; do echo .; done")
		quiet, third := oscar.open(t, idle), oscar.open(t, hours)
		busy.expect("up")
		w.endedBySystem(busy, short, "ttl", "success", "longest time")
		w.endedBySystem(quiet, idle, "idle", "success", "nothing was typed")

		before := w.session(hours)
		w.Owner.must(t, "PUT", "/safes/"+hours.ID+"/policy", obj{"session_ttl_seconds": 7200}) // shortened, and long enough
		w.saw(Want{Constant: "SESSION_POLICY_ENFORCED", Reason: "ttl_shortened", Session: before.ID, Actor: "System", Target: "Session", Meta: obj{"control": "ttl"}})
		day := strings.ToLower(time.Now().UTC().Add(72 * time.Hour).Format("Mon"))
		w.Owner.must(t, "PUT", "/safes/"+hours.ID+"/policy", obj{"valid_hours": obj{"days": []string{day}, "from": "08:00", "to": "09:00", "time_zone": "UTC"}})
		w.endedBySystem(third, hours, "valid_hours_end", "success", "hours")
	})
}

func TestLostRightsEndSessionsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		for _, c := range []struct {
			name, reason, constant string
			lose                   func(v *Safe)
			metadata               obj
		}{
			{"membership of the safe", "access_revoked", "SAFE_MEMBER_REMOVED", func(v *Safe) {
				w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+oscar.ID, nil)
			}, obj{"sessions_ended": 1}},
			{"the account", "account_disabled", "PRIVILEGED_ACCOUNT_DISABLED", func(v *Safe) {
				w.Owner.must(t, "POST", "/accounts/"+v.Account+"/disable", nil)
			}, obj{"sessions_ended": 1}},
			{"the safe", "access_revoked", "POLICY_ASSIGNMENT_CHANGED", func(v *Safe) {
				w.Owner.must(t, "DELETE", "/safes/"+v.ID, nil)
			}, obj{"assignment_change": "detached"}},
		} {
			inTime(t, c.name, func() time.Duration {
				v := w.safe(host(t), nil, oscar)
				live := oscar.open(t, v)
				x := w.session(v)
				c.lose(v)
				sentence(t, live.wait().Stderr, "Session ended")
				end := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: c.reason, Session: x.ID})
				return w.sinceLost(c.constant, c.metadata, end)
			})
		}
	})
}

// inTime checks that a loss ends a session in time. A machine that stands still is
// forgiven: it has three tries.
func inTime(t testing.TB, what string, lose func() (took time.Duration)) {
	t.Helper()
	var took []time.Duration
	for range 3 {
		took = append(took, lose())
		if took[len(took)-1] <= losesWithin {
			return
		}
	}
	t.Errorf("%s: the session went on for %v each time", what, took)
}

// sinceLost is the time from the last act of a constant before the end, to the end.
func (w *World) sinceLost(constant string, metadata obj, end Event) time.Duration {
	w.t.Helper()
	var lost *Event
	for _, e := range w.ledger().events(w.t, constant) {
		if len(differing(e.Metadata, metadata)) == 0 && e.Seq < end.Seq {
			lost = &e
		}
	}
	if lost == nil {
		w.t.Fatalf("no %s before the end of the session", constant)
	}
	return w.ledger().when(w.t, end).Sub(w.ledger().when(w.t, *lost))
}

func TestLostRolesEndSessionsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar, mara)
		first := oscar.open(t, v)
		x := w.session(v)
		w.Owner.must(t, "PUT", "/org/members/"+oscar.ID+"/role", obj{"role": "auditor"}) // who launches nothing
		first.wait()
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
		second := mara.open(t, v)
		x = w.session(v)
		w.Owner.must(t, "DELETE", "/org/members/"+mara.ID, nil)
		second.wait()
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
		w.saw(Want{Constant: "SAFE_MEMBER_REMOVED", TargetID: v.ID, Where: obj{"subject_user_id": mara.ID}, Meta: obj{"cause": "user_left_org"}})
	})
}

func TestAdministratorsAndOwnersOfASessionEndIt(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar, mara)
		c := oscar.open(t, v)
		x := w.session(v)
		mara.refused(t, 404, "NOT_FOUND", "POST", "/sessions/"+x.ID+"/terminate", nil)
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Session: x.ID})
		if c.ended() {
			t.Fatal("a refused order ended the session")
		}
		w.Owner.must(t, "POST", "/sessions/"+x.ID+"/terminate", obj{"comment": "go home\x1b[2J"})
		r := c.wait()
		sentence(t, r.Stderr, "Session ended by", "go home")
		if strings.Contains(r.Stderr, "\x1b") {
			t.Errorf("a comment steers the terminal: %q", r.Stderr)
		}
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Session", Session: x.ID,
			Meta: obj{"session_user_id": oscar.ID, "comment": present, "recording_id": x.Recording.ID}})
		w.Owner.refused(t, 409, "CONFLICT", "POST", "/sessions/"+w.ended(v).ID+"/terminate", nil)

		c = oscar.open(t, v)
		x = w.session(v)
		oscar.must(t, "POST", "/sessions/"+x.ID+"/terminate", nil)
		c.wait()
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", Session: x.ID, ActorID: oscar.ID})
		w.ended(v)
		c = oscar.open(t, v)
		x = w.session(v)
		c.cmd.Process.Kill() // the client goes without a word
		w.ended(v)
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", Session: x.ID, ActorID: oscar.ID})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_CLOSED", Reason: "client_disconnect", Session: x.ID, Actor: "User"})
	})
}

func TestTargetsThatGoAwayEndSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		d := newSSHD(t)
		v := w.safe(d, nil, oscar)
		c := oscar.open(t, v)
		d.cut()
		w.endedBySystem(c, v, "upstream_closed", "failure", "target")
	})
}

func TestStoppingServerEndsSessions(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := own(t, store)
			w := newWorld(t, s)
			oscar := w.person("operator")
			v := w.safe(host(t), nil, oscar)
			c := oscar.open(t, v)
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			r := c.wait()
			sentence(t, r.Stderr, "Session ended", "stopping")
			s.start(t)
			x := w.ended(v)
			w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "shutdown", Session: x.ID})
			w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Session: x.ID}) // complete, not an orphan
			oscar.succeeds(t, v, "true")
			w.ended(v)
		})
	}
}

// Two servers on one PostgreSQL: what is taken away at one ends sessions at the other.
func TestLostRightsEndSessionsOnOtherServers(t *testing.T) {
	t.Parallel()
	s := own(t, Postgres)
	second := s.beside(t)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	there := *oscar
	there.s = second
	inTime(t, "membership of a safe, on another server", func() time.Duration {
		c := there.open(t, v)
		x := w.session(v)
		w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+oscar.ID, nil)
		c.wait()
		end := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
		took := w.sinceLost("SAFE_MEMBER_REMOVED", nil, end)
		w.join(v, oscar, "user")
		return took
	})
	c := there.open(t, v)
	x := w.session(v)
	w.Owner.must(t, "POST", "/sessions/"+x.ID+"/terminate", obj{"comment": "from afar"})
	sentence(t, c.wait().Stderr, "from afar")
	w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", Session: x.ID})
}

// beside starts another server on the same database.
func (s *Server) beside(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	o := newServer(t, SQLite, dir, "VAULTPAM_KEYS_ROOT_FILE="+s.Dir+"/keys/root.key")
	for _, kv := range s.env {
		if strings.HasPrefix(kv, "VAULTPAM_DATABASE_URL=") {
			o.env = append(o.env, kv)
		}
	}
	t.Cleanup(func() {
		if err := o.stop(); err != nil {
			t.Error(err)
		}
	})
	o.start(t)
	o.Root = &Person{Client: s.Root.with(s.Root.bearer)}
	o.Root.Client.base = o.URL + "/api/v1"
	o.Root.Client.http = &http.Client{Transport: newClient(o.URL, "", o.authorities(t)).http.Transport}
	return o
}

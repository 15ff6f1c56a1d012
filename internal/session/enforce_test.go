package session

import (
	"context"
	"slices"
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
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// The ways to lose what let somebody in. None of them tells the session domain.
var losses = []struct {
	name   string
	reason Reason
	change func(w *world, s safe.Safe)
	undo   string
}{
	{"removed from the safe", ReasonAccessRevoked, func(w *world, s safe.Safe) {
		w.must(w.Safes.RemoveMember(context.Background(), w.Admin, s.ID, w.Operator.User))
	}, ""},
	{"safe deleted", ReasonAccessRevoked, func(w *world, s safe.Safe) {
		w.must(w.Safes.Delete(context.Background(), w.Admin, s.ID, 0))
	}, ""},
	{"account disabled", ReasonAccountDisabled, func(w *world, s safe.Safe) {
		_, err := w.Accounts.Disable(context.Background(), w.Admin, s.Account.ID)
		w.must(err)
	}, ""},
	{"another account", ReasonAccessRevoked, func(w *world, s safe.Safe) {
		a := w.Account("other", s.Resource.ID, "x")
		_, err := w.Safes.Update(context.Background(), w.Admin, s.ID, safe.UpdateArgs{Account: &a.ID})
		w.must(err)
	}, ""},
	{"hours narrowed", ReasonValidHoursEnd, func(w *world, s safe.Safe) {
		p := s.Policy
		p.ValidHours = &safe.ValidHours{Days: []time.Weekday{w.now().Add(72 * time.Hour).Weekday()}, From: 0, To: 24 * 60, TimeZone: "UTC"}
		_, err := w.Safes.SetPolicy(context.Background(), w.Admin, s.ID, p, 0)
		w.must(err)
	}, ""},
	{"person suspended", ReasonAccessRevoked, func(w *world, _ safe.Safe) {
		w.exec(`update person set state = 'suspended' where id = $1`, string(w.Operator.User))
	}, `update person set state = 'active'`},
	{"organization suspended", ReasonAccessRevoked, func(w *world, _ safe.Safe) {
		w.exec(`update organization set state = 'suspended' where id = $1`, string(w.Org))
	}, `update organization set state = 'active'`},
	{"now an auditor", ReasonAccessRevoked, func(w *world, _ safe.Safe) {
		w.exec(`update member set role = 'auditor' where user_id = $1`, string(w.Operator.User))
	}, `update member set role = 'operator' where role = 'auditor'`},
}

// Losing what let somebody in ends their live session within two seconds by the
// clock on the wall, whichever server it was taken away through; others go on.
func TestLostAccessEndsLiveSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		gateway := w.server("gateway", func(d *Deps) { d.Tick = 0 })
		w.run(gateway)
		calm := w.Safe("calm", nil)
		w.Member(calm.ID, w.Admin, safe.User)
		var all sync.WaitGroup
		for _, c := range losses {
			s := w.openSafe(strings.ReplaceAll(c.name, " ", "-"))
			l, other := w.startOn(gateway, w.Operator, s.ID), w.startOn(gateway, w.Admin, calm.ID)
			if c.undo != "" {
				all.Wait() // it concerns every session
			}
			began := time.Now()
			c.change(w, s)
			check := func() {
				cause := w.ended(l)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("%s: it took %s", c.name, took)
				}
				if cause.By != BySystem || cause.Reason != c.reason {
					t.Errorf("%s: %+v", c.name, cause)
				}
				w.close(l, ClosedByControl)
				if cause := other.Cause(); cause.By != "" && c.name != "organization suspended" {
					t.Errorf("%s: the session of another safe ended too: %+v", c.name, cause)
				}
				w.close(other, ClosedByClient)
				got, err := w.Get(context.Background(), w.Auditor, l.Ticket().Session)
				if err != nil || got.State != Ended || got.EndedBy != BySystem || got.EndReason != string(c.reason) {
					t.Errorf("%s: %+v, %v", c.name, got, err)
				}
			}
			if c.undo == "" { // it concerns its own safe only, so the next may begin
				all.Go(check)
				continue
			}
			check()
			w.exec(c.undo)
		}
	})
}

func TestRevokedTokenEndsItsSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		actor := w.apiToken(time.Hour)
		l := w.start(actor, s.ID)
		w.enforce(context.Background())
		if cause := l.Cause(); cause.By != "" {
			t.Fatalf("a good token: %+v", cause)
		}
		w.exec(`update api_token set ended_at = 1`)
		w.enforce(context.Background())
		if cause := w.ended(l); cause.Reason != ReasonAccessRevoked {
			t.Errorf("%+v", cause)
		}
		w.close(l, ClosedByControl)
	})
}

// What this server is told by Notify is seen at once, not at the next tick.
func TestNotifyWakesTheClock(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod")
	gateway := w.server("gateway")
	gateway.d.Tick = time.Hour
	w.run(gateway)
	l := w.startOn(gateway, w.Operator, s.ID)
	losses[0].change(w, s)
	gateway.Notify()
	w.ended(l)
	w.close(l, ClosedByControl)
}

func TestNarrowerPolicyHoldsForLiveSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s := w.openSafe("web-prod", func(p *safe.Policy) { p.SessionTTL, p.IdleTimeout = time.Hour, time.Hour })
		l := w.start(w.Operator, s.ID)
		p := s.Policy
		p.SessionTTL = 10 * time.Minute
		_, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, p, 0)
		w.must(err)
		w.Events()
		w.enforce(ctx)
		w.One(event.SESSION_POLICY_ENFORCED, event.Success, "ttl_shortened", event.System)
		p.SessionTTL, p.IdleTimeout = 2*time.Hour, 2*time.Hour // wider again: not for this session
		_, err = w.Safes.SetPolicy(ctx, w.Admin, s.ID, p, 0)
		w.must(err)
		w.enforce(ctx)
		w.later(11 * time.Minute)
		w.enforce(ctx)
		if cause := w.ended(l); cause.Reason != ReasonTTL {
			t.Errorf("%+v", cause)
		}
		w.close(l, ClosedByControl)
	})
}

func TestAdminEndsASessionOnAnyServer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		gateway := w.server("gateway", func(d *Deps) { d.Tick = 0 })
		w.run(gateway)
		s := w.openSafe("web-prod")
		manager := w.Person(w.Org, "mona", authz.Operator)
		w.Member(s.ID, manager, safe.Manager)
		for _, c := range []struct {
			server *Service
			actor  authz.Actor
			as     event.ActorType
		}{{w.Service, w.Admin, event.TenantAdmin}, {gateway, w.Owner, event.TenantAdmin}, {w.Service, manager, event.OrgAdmin}} {
			l := w.startOn(gateway, w.Operator, s.ID)
			w.later(time.Minute)
			w.Events()
			began := time.Now()
			w.must(c.server.Terminate(ctx, c.actor, l.Ticket().Session, "maintenance\x1b"))
			e := w.One(event.SESSION_TERMINATED_BY_ADMIN, event.Success, "admin_order", c.as)
			if e.SessionID != string(l.Ticket().Session) || e.Actor.ID != string(c.actor.User) || e.Metadata["comment"] != "maintenance" ||
				number(e.Metadata["duration_seconds"]) != "60" || e.Metadata["session_user_id"] != string(w.Operator.User) || e.Metadata["recording_id"] == nil {
				t.Errorf("%+v", e)
			}
			cause := w.ended(l)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %s", took)
			}
			if cause.By != ByAdmin || cause.Sentence() != "Session ended by "+c.actor.Name+": maintenance" {
				t.Errorf("%+v: %s", cause, cause.Sentence())
			}
			if err := c.server.Terminate(ctx, c.actor, l.Ticket().Session, ""); !fault.Is(err, fault.Conflict) {
				t.Errorf("a second order: %v", err)
			}
			w.close(l, ClosedByClient)
			if all := w.Events(); len(terminations(all, l.Ticket().Session)) != 0 || all[0].Constant != event.PROXY_SSH_SESSION_CLOSED || all[0].Reason != "ended_by_control_plane" {
				t.Errorf("after the gateway closed: %v", constants(all))
			}
			got, err := w.Get(ctx, w.Admin, l.Ticket().Session)
			if err != nil || got.EndedBy != ByAdmin || got.EndedByName != c.actor.Name || got.BytesToTarget != 10 {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}

func TestOwnEndIsByUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		gateway := w.server("gateway")
		w.run(gateway)
		s := w.openSafe("web-prod")
		l := w.startOn(gateway, w.Operator, s.ID)
		w.Events()
		w.must(w.Terminate(ctx, w.Operator, l.Ticket().Session, "")) // by another server
		if cause := w.ended(l); cause.By != ByUser || cause.Sentence() != "Session ended." {
			t.Errorf("%+v", cause)
		}
		w.must(w.Terminate(ctx, w.Operator, l.Ticket().Session, ""))
		w.close(l, ClosedByControl)
		all := w.Events()
		if len(terminations(all, l.Ticket().Session)) != 1 || all[0].Constant != event.SESSION_TERMINATED_BY_USER {
			t.Errorf("%v", constants(all))
		}
	})
}

func TestWhoMayNotEndASession(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	s := w.openSafe("web-prod")
	colleague := w.Person(w.Org, "cleo", authz.Operator)
	w.Member(s.ID, colleague, safe.User)
	l := w.start(w.Operator, s.ID)
	sid := l.Ticket().Session
	w.Events()
	for _, c := range []struct {
		actor authz.Actor
		kind  fault.Kind
	}{{w.Auditor, fault.Denied}, {colleague, fault.NotFound}} {
		if err := w.Terminate(ctx, c.actor, sid, "no"); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", c.actor.Name, err)
		}
		e := w.One(event.SESSION_TERMINATED_BY_ADMIN, event.Denied, "not_permitted", event.OrgAdmin)
		if e.Actor.ID != string(c.actor.User) || e.SessionID != string(sid) {
			t.Errorf("%+v", e)
		}
	}
	for _, other := range []id.Session{sid, id.New[id.Session](), "x"} {
		if err := w.Terminate(ctx, w.Stranger, other, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger: %v", err)
		}
	}
	if err := w.Terminate(ctx, w.Admin, sid, strings.Repeat("é", 257)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a long comment: %v", err)
	}
	w.None()
	select {
	case <-l.Ending():
		t.Error("it ended all the same")
	default:
	}
	w.close(l, ClosedByClient)
}

// A server that dies leaves sessions that another start closes, once.
func TestSessionsOfADeadServerAreClosed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		dead := w.server("dead")
		w.must(dead.beat(ctx))
		s := w.openSafe("web-prod")
		l := w.startOn(dead, w.Operator, s.ID)
		w.must(l.Recorder().Write(recording.Frame{Kind: recording.Output, Data: []byte("x")}))
		never := w.redeem(dead, w.Operator, w.launch(w.Operator, s.ID))
		alive := w.start(w.Operator, s.ID)
		w.must(w.beat(ctx))
		w.later(10 * time.Second)
		w.must(dead.beat(ctx)) // its last
		w.later(deadAfter + time.Second)
		w.must(w.beat(ctx))
		w.Events()

		other := w.server("other")
		w.must(other.beat(ctx))
		if n := w.tidy(ctx) + other.tidy(ctx); n != 2 {
			t.Errorf("%d sessions were closed", n)
		}
		all := w.Events()
		end := terminations(all, l.Ticket().Session)
		if len(all) != 3 || len(end) != 1 || end[0].Reason != "shutdown" || end[0].Outcome != event.Failure || number(end[0].Metadata["duration_seconds"]) != "10" {
			t.Errorf("%v %+v", constants(all), end)
		}
		if !slices.ContainsFunc(all, func(e event.Envelope) bool {
			return e.Constant == event.SESSION_ESTABLISHED && e.Outcome == event.Failure && e.SessionID == string(never.Session)
		}) {
			t.Errorf("nothing tells of the session that never came up: %v", constants(all))
		}
		w.enforce(ctx)
		select {
		case <-alive.Ending():
			t.Errorf("the session of a living server ended: %+v", alive.Cause())
		default:
		}
		// The dead one was only asleep: it finds its session closed, and says nothing twice.
		dead.enforce(ctx)
		if cause := w.ended(l); cause.Reason != ReasonShutdown {
			t.Errorf("%+v", cause)
		}
		w.close(l, ClosedByControl)
		if all := w.Events(); len(terminations(all, l.Ticket().Session)) != 0 || all[0].Constant != event.PROXY_SSH_RECORDING_WRITTEN {
			t.Errorf("told again: %v", constants(all))
		}
		w.close(alive, ClosedByClient)
	})
}

// A server that is the only one, or that has its home back, closes at its start
// what the last one left there, and finishes its recordings after that.
func TestHeirClosesWhatItsPredecessorLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.openSafe("web-prod")
		for n, next := range []func(*Deps){func(d *Deps) { d.Sole = true }, func(d *Deps) { d.Server.Home = "here" }} {
			killed := w.server("killed", func(d *Deps) { d.Server.Home = "here" })
			w.must(killed.beat(context.Background()))
			l := w.startOn(killed, w.Operator, s.ID)
			l.rec.Close(context.Background()) // its process is gone, and its lock on the file
			elsewhere := w.startOn(w.server("elsewhere", func(d *Deps) { d.Server.Home = "hereabouts" }), w.Operator, s.ID)
			if n == 1 {
				w.must(elsewhere.s.beat(context.Background()))
			} else {
				w.close(elsewhere, ClosedByClient)
			}
			w.Events()
			stop := w.run(w.server("next", next))
			var all []event.Envelope
			w.eventually("session and recording are finished", func() bool {
				all = append(all, w.Events()...)
				return slices.Contains(constants(all), event.SESSION_RECORDING_FINALIZED)
			})
			want := []event.Constant{event.SESSION_TERMINATED_BY_SYSTEM, event.PROXY_SSH_SESSION_CLOSED, event.PROXY_SSH_RECORDING_WRITTEN, event.SESSION_RECORDING_FINALIZED}
			if !slices.Equal(constants(all), want) || all[0].SessionID != string(l.Ticket().Session) || all[0].Reason != "shutdown" {
				t.Errorf("%v", constants(all))
			}
			stop()
			w.close(elsewhere, ClosedByClient)
		}
	})
}

func TestTicketThatNobodyStartsIsClosed(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	ticket := w.redeem(w.Service, w.Operator, w.launch(w.Operator, w.openSafe("web-prod").ID))
	w.Events()
	w.later(time.Minute)
	w.tidy(ctx)
	w.None()
	w.later(2 * time.Minute)
	w.tidy(ctx)
	w.One(event.SESSION_ESTABLISHED, event.Failure, "upstream_unreachable", event.User)
	if _, err := w.Start(ctx, ticket); !fault.Is(err, fault.Conflict) {
		t.Errorf("started after all: %v", err)
	}
}

// A stop lets live sessions go on for the grace, takes no new ones, and leaves nothing open.
func TestStopDrains(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		gateway := w.server("gateway", func(d *Deps) { d.Grace = time.Hour })
		stop := w.run(gateway)
		s := w.openSafe("web-prod")
		l := w.startOn(gateway, w.Operator, s.ID)
		unused := w.launch(w.Operator, s.ID)
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		w.eventually("new sessions are refused", func() bool {
			_, err := gateway.Launch(context.Background(), w.Operator, LaunchArgs{Safe: s.ID, Protocol: SSH, Client: ClientOpenSSH})
			return fault.CodeOf(err) == CodeStopping
		})
		if _, err := gateway.Redeem(context.Background(), redeemArgs(w.Operator, unused.Token.RevealString())); fault.CodeOf(err) != CodeStopping {
			t.Errorf("redeem at a server that stops: %v", err)
		}
		select {
		case <-l.Ending():
			t.Errorf("no grace: %+v", l.Cause())
		default:
		}
		w.close(l, ClosedByClient)
		<-stopped
		var n int
		w.must(w.DB.Raw().QueryRow(`select count(*) from server_instance where id = '/gateway'`).Scan(&n))
		if n != 0 {
			t.Error("the server is still on the list")
		}
	})
}

func TestStopEndsWhatTheGraceDoesNot(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	gateway := w.server("gateway", func(d *Deps) { d.Grace = 20 * time.Millisecond })
	stop := w.run(gateway)
	l := w.startOn(gateway, w.Operator, w.openSafe("web-prod").ID)
	w.Events()
	go func() {
		<-l.Ending()
		l.Close(context.Background(), Closed{By: ClosedByControl})
	}()
	stop()
	if cause := l.Cause(); cause.Reason != ReasonShutdown {
		t.Errorf("%+v", cause)
	}
	end := terminations(w.Events(), l.Ticket().Session)
	if len(end) != 1 || end[0].Reason != "shutdown" || end[0].Outcome != event.Failure {
		t.Errorf("%+v", end)
	}
}

// A gateway that does not close what it was told to end is closed for.
func TestStuckGatewayIsClosedFor(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	l := w.start(w.Operator, w.openSafe("web-prod").ID)
	l.askSystem(ReasonIdle)
	w.Events()
	w.closeStuck(context.Background())
	w.None()
	l.mu.Lock()
	l.endingAt = l.endingAt.Add(-gatewayTime)
	l.mu.Unlock()
	w.closeStuck(context.Background())
	if end := terminations(w.Events(), l.Ticket().Session); len(end) != 1 || end[0].Reason != "idle" {
		t.Errorf("%+v", end)
	}
	if err := l.Recorder().Write(recording.Frame{Kind: recording.Output, Data: []byte("x")}); err == nil {
		t.Error("bytes could still pass")
	}
}

// When the store does not answer, nobody knows who may stay.
func TestSilentStoreEndsSessions(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	l := w.start(w.Operator, w.openSafe("web-prod").ID)
	w.judgeBlindness(context.Background(), context.DeadlineExceeded, []*Live{l})
	select {
	case <-l.Ending():
		t.Fatal("one question without an answer ended it")
	default:
	}
	w.mu.Lock()
	w.blind = w.blind.Add(-blindFor)
	w.mu.Unlock()
	w.judgeBlindness(context.Background(), context.DeadlineExceeded, []*Live{l})
	if cause := w.ended(l); cause.Reason != ReasonAuditUnavailable {
		t.Errorf("%+v", cause)
	}
	w.close(l, ClosedByControl)
}

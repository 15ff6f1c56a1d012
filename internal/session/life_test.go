package session

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/safe"
)

func TestSessionFromLaunchToEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s := w.openSafe("web-prod")
		ticket := w.redeem(w.Service, w.Operator, w.launch(w.Operator, s.ID))
		w.Events()
		l, err := w.Start(ctx, ticket)
		w.must(err)
		begun := w.Events()
		if !slices.Equal(constants(begun), []event.Constant{event.SESSION_RECORDING_STARTED, event.SESSION_ESTABLISHED}) {
			t.Fatalf("events of the start: %v", constants(begun))
		}
		e := begun[1]
		if e.SessionID != string(ticket.Session) || e.Metadata["recording_mode"] != "required" || e.Metadata["grant_id"] != string(ticket.Grant) ||
			e.Metadata["connection_id"] != string(s.Resource.ID) || e.Metadata["resumed"] != false || e.Metadata["expires_at"] == nil {
			t.Errorf("established: %+v", e)
		}
		w.must(l.Opened(ctx, Opened{UpstreamHost: "host", UpstreamPort: 22, HostKeyFingerprint: "SHA256:x", ClientVersion: "c", FirstChannel: ChannelExec}))
		e = w.One(event.PROXY_SSH_SESSION_OPENED, event.Success, "", event.User)
		if e.SessionID != string(ticket.Session) || e.Metadata["first_channel"] != "exec" || e.Metadata["upstream_host"] != "host" {
			t.Errorf("opened: %+v", e)
		}
		if err := l.Opened(ctx, Opened{FirstChannel: ChannelExec}); !fault.Is(err, fault.Conflict) {
			t.Errorf("opened twice: %v", err)
		}
		w.must(l.Recorder().Write(recording.Frame{Channel: 1, Kind: recording.Output, Data: []byte("hello")}))
		w.later(90 * time.Second)
		status := 3
		w.must(l.Close(ctx, Closed{By: ClosedByExit, ExitStatus: &status, Channels: 2, BytesToTarget: 11, BytesFromTarget: 22}))
		w.must(l.Close(ctx, Closed{By: ClosedByClient}))
		all := w.Events()
		if !slices.Equal(constants(all), []event.Constant{event.SESSION_TERMINATED_BY_USER, event.PROXY_SSH_SESSION_CLOSED,
			event.PROXY_SSH_RECORDING_WRITTEN, event.SESSION_RECORDING_FINALIZED}) {
			t.Fatalf("events of the end: %v", constants(all))
		}
		m := all[0].Metadata
		if number(m["duration_seconds"]) != "90" || number(m["bytes_to_target"]) != "11" || number(m["bytes_from_target"]) != "22" || m["recording_id"] == nil {
			t.Errorf("terminated: %v", m)
		}
		m = all[1].Metadata
		if all[1].Reason != "channel_close" || number(m["exit_status"]) != "3" || number(m["channels"]) != "2" || number(m["duration_seconds"]) != "90" {
			t.Errorf("closed: %+v", all[1])
		}
		got, err := w.Get(ctx, w.Operator, ticket.Session)
		w.must(err)
		if got.State != Ended || got.EndedBy != ByUser || *got.ExitStatus != 3 || got.Channels != 2 || got.BytesFromTarget != 22 ||
			got.Duration(w.now()) != 90*time.Second || got.Recording == "" || got.UserName != "otto" {
			t.Errorf("the row: %+v", got)
		}
		if w.LiveHere() != 0 {
			t.Errorf("%d are live", w.LiveHere())
		}
	})
}

func number(v any) string {
	if s, ok := v.(interface{ String() string }); ok {
		return s.String()
	}
	return "?"
}

func TestFailedSessionTellsWhy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s := w.openSafe("web-prod")
		for _, why := range []Failure{UpstreamUnreachable, UpstreamAuthFailed, HostKeyMismatch} {
			ticket := w.redeem(w.Service, w.Operator, w.launch(w.Operator, s.ID))
			w.Events()
			w.must(w.Failed(ctx, ticket, why))
			e := w.One(event.SESSION_ESTABLISHED, event.Failure, string(why), event.User)
			if e.SessionID != string(ticket.Session) {
				t.Errorf("told of session %q", e.SessionID)
			}
			w.must(w.Failed(ctx, ticket, why))
			w.None()
			if _, err := w.Start(ctx, ticket); !fault.Is(err, fault.Conflict) {
				t.Errorf("a failed session was started: %v", err)
			}
			w.None()
			got, err := w.Get(ctx, w.Operator, ticket.Session)
			if err != nil || got.State != Ended || got.EndReason != string(why) || !got.StartedAt.IsZero() {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if err := w.Failed(ctx, &Ticket{}, "bad luck"); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown failure: %v", err)
		}
	})
}

func TestNoSessionWithoutRecorderOrLedger(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	s := w.openSafe("web-prod")
	ticket := w.redeem(w.Service, w.Operator, w.launch(w.Operator, s.ID))
	w.Events()
	w.recs.broken.Store(true)
	if _, err := w.Start(ctx, ticket); fault.CodeOf(err) != CodeRecordingUnavailable {
		t.Errorf("without a recorder: %v", err)
	}
	w.One(event.SESSION_START_REQUESTED, event.Denied, "recording_unavailable", event.User)
	w.recs.broken.Store(false)

	ticket = w.redeem(w.Service, w.Operator, w.launch(w.Operator, s.ID))
	w.ledger.broken.Store(true)
	if _, err := w.Start(ctx, ticket); fault.CodeOf(err) != CodeAuditUnavailable {
		t.Errorf("without a ledger: %v", err)
	}
	if w.LiveHere() != 0 {
		t.Error("a session is live that nobody was told of")
	}
}

func TestGatewaysReasonBecomesTheCause(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod")
	for _, c := range []struct {
		by            CloseSide
		constant      event.Constant
		outcome       event.Outcome
		reason        string
		closedOutcome event.Outcome
		closedBy      event.ActorType
	}{
		{ClosedByClient, event.SESSION_TERMINATED_BY_USER, event.Success, "", event.Success, event.User},
		{ClosedByExit, event.SESSION_TERMINATED_BY_USER, event.Success, "", event.Success, event.User},
		{ClosedByUpstream, event.SESSION_TERMINATED_BY_SYSTEM, event.Failure, "upstream_closed", event.Failure, event.System},
		{ClosedByFault, event.SESSION_TERMINATED_BY_SYSTEM, event.Failure, "shutdown", event.Failure, event.System},
	} {
		l := w.start(w.Operator, s.ID)
		w.Events()
		w.close(l, c.by)
		all := w.Events()
		if len(all) != 4 || all[0].Constant != c.constant || all[0].Outcome != c.outcome || all[0].Reason != c.reason {
			t.Fatalf("%s: %+v", c.by, all)
		}
		if all[1].Constant != event.PROXY_SSH_SESSION_CLOSED || all[1].Outcome != c.closedOutcome || all[1].Reason != string(c.by) || all[1].Actor.Type != c.closedBy {
			t.Errorf("%s: %+v", c.by, all[1])
		}
	}
}

func TestLimitsEndASession(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	limits := func(p *safe.Policy) { p.SessionTTL, p.IdleTimeout = time.Hour, 10*time.Minute }
	office := func(p *safe.Policy) {
		limits(p)
		now := w.now()
		end := safe.Clock(now.Hour()*60 + now.Minute() + 5)
		p.ValidHours = &safe.ValidHours{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: max(0, end-60), To: min(end, 24*60), TimeZone: "UTC"}
	}
	for _, c := range []struct {
		name   string
		reason Reason
		policy func(*safe.Policy)
		wait   []time.Duration
	}{
		{"ttl", ReasonTTL, limits, slices.Repeat([]time.Duration{9 * time.Minute}, 7)},
		{"idle", ReasonIdle, limits, []time.Duration{9 * time.Minute, 10 * time.Minute}},
		{"hours", ReasonValidHoursEnd, office, []time.Duration{4 * time.Minute, 2 * time.Minute}},
	} {
		if w.now().Hour() == 23 {
			w.later(time.Hour) // the valid hours lie within one day
		}
		s := w.openSafe(c.name, c.policy)
		l := w.start(w.Operator, s.ID)
		for i, d := range c.wait {
			select {
			case <-l.Ending():
				t.Fatalf("%s: ended too early, %+v", c.name, l.Cause())
			default:
			}
			w.later(d)
			if i < len(c.wait)-1 {
				w.enforce(ctx)
				l.Touch()
			}
		}
		w.enforce(ctx)
		if cause := w.ended(l); cause.By != BySystem || cause.Reason != c.reason {
			t.Fatalf("%s: %+v", c.name, cause)
		}
		w.Events()
		w.close(l, ClosedByClient)
		all := w.Events()
		if len(all) != 4 || all[0].Constant != event.SESSION_TERMINATED_BY_SYSTEM || all[0].Outcome != event.Success || all[0].Reason != string(c.reason) {
			t.Errorf("%s: %+v", c.name, all)
		}
		if all[1].Reason != "ended_by_control_plane" || all[1].Outcome != event.Success {
			t.Errorf("%s: %+v", c.name, all[1])
		}
	}
}

func TestRecorderFailureEndsTheSession(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod")
	l := w.start(w.Operator, s.ID)
	w.Events()
	real := l.rec
	l.rec = failedWriter(t, w)
	defer real.Close(context.Background())
	w.enforce(context.Background())
	if cause := w.ended(l); cause.Reason != ReasonRecordingFailed {
		t.Fatalf("%+v", cause)
	}
	l.Close(context.Background(), Closed{By: ClosedByControl}) // the strange recorder cannot be finished
	end := terminations(w.Events(), l.Ticket().Session)
	if len(end) != 1 || end[0].Outcome != event.Failure || end[0].Reason != "recording_failed" {
		t.Errorf("%+v", end)
	}
}

func TestDeafLedgerEndsTheSessionAndIsToldLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		s := w.openSafe("web-prod")
		l := w.start(w.Operator, s.ID)
		w.Events()
		w.ledger.broken.Store(true)
		w.enforce(ctx)
		if cause := w.ended(l); cause.Reason != ReasonAuditUnavailable {
			t.Fatalf("%+v", cause)
		}
		if err := l.Close(ctx, Closed{By: ClosedByControl}); err == nil {
			t.Error("Close says that the end was recorded")
		}
		if err := l.Recorder().Write(recording.Frame{Kind: recording.Output, Data: []byte("x")}); err == nil {
			t.Error("the recorder still takes frames")
		}
		w.None()
		w.settleAll(ctx)
		w.None()
		w.ledger.broken.Store(false)
		w.settleAll(ctx)
		w.settleAll(ctx)
		end := w.Events()
		if len(end) != 4 || end[0].Reason != "audit_unavailable" || end[0].Outcome != event.Failure {
			t.Errorf("%+v", end)
		}
		if w.LiveHere() != 0 || len(w.unsettled) != 0 {
			t.Errorf("live %d, unsettled %d", w.LiveHere(), len(w.unsettled))
		}
	})
}

// Whoever races whom: an established session has exactly one SESSION_TERMINATED_*.
func TestExactlyOneTermination(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := context.Background()
		two := w.server("two")
		s := w.openSafe("web-prod", func(p *safe.Policy) { p.SessionTTL = time.Hour })
		var sessions []id.Session
		for round := range 24 {
			l := w.start(w.Operator, s.ID)
			sessions = append(sessions, l.Ticket().Session)
			acts := []func(){
				func() { l.Close(ctx, Closed{By: ClosedByClient}) },
				func() { w.Terminate(ctx, w.Admin, l.Ticket().Session, "enough") },
				func() { two.Terminate(ctx, w.Owner, l.Ticket().Session, "") },
				func() { w.Terminate(ctx, w.Operator, l.Ticket().Session, "") },
				func() { w.enforce(ctx) },
				func() { w.closeLeft(ctx, left{org: w.Org, session: l.Ticket().Session}) },
				func() {
					for w.LiveHere() > 0 {
						select {
						case <-l.Ending():
							l.Close(ctx, Closed{By: ClosedByControl})
							return
						case <-time.After(time.Millisecond):
						}
					}
				},
			}
			if round%3 == 0 {
				w.later(2 * time.Hour)
			}
			acts = acts[round%4:] // not everybody each time
			acts = append(acts, func() { l.askSystem(ReasonShutdown) })
			rand.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
			var all sync.WaitGroup
			begin := make(chan struct{})
			for _, act := range acts {
				all.Go(func() { <-begin; act() })
			}
			close(begin)
			done := make(chan struct{})
			go func() { all.Wait(); close(done) }()
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				t.Fatal("somebody waits for ever")
			}
			w.must(l.Close(ctx, Closed{By: ClosedByControl}))
			w.settleAll(ctx)
		}
		events := w.Events()
		for _, sid := range sessions {
			if end := terminations(events, sid); len(end) != 1 {
				t.Errorf("session %s has %d terminations: %v", sid, len(end), constants(end))
			}
			n := 0
			for _, e := range events {
				if e.Constant == event.PROXY_SSH_SESSION_CLOSED && e.SessionID == string(sid) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("session %s was closed %d times", sid, n)
			}
			got, err := w.Get(ctx, w.Admin, sid)
			if err != nil || got.State != Ended {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if w.LiveHere() != 0 {
			t.Errorf("%d are live", w.LiveHere())
		}
	})
}

func TestEqualInterventionsAreFolded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	ctx := context.Background()
	s := w.openSafe("web-prod")
	l := w.start(w.Operator, s.ID)
	w.Events()
	forward := Enforcement{Control: ControlPortForward, Reason: "port_forward_blocked", Direction: ToTarget}
	for range 10 {
		w.must(l.Enforced(ctx, forward))
	}
	e := w.One(event.SESSION_POLICY_ENFORCED, event.Denied, "port_forward_blocked", event.System)
	if number(e.Metadata["coalesced"]) != "1" || e.Metadata["control"] != "port_forward" || e.Metadata["data_direction"] != "to_target" || e.SessionID != string(l.Ticket().Session) {
		t.Errorf("%+v", e)
	}
	w.must(l.Enforced(ctx, Enforcement{Control: ControlFileTransfer, Direction: FromTarget, Bytes: 5}))
	e = w.One(event.SESSION_POLICY_ENFORCED, event.Success, "", event.System)
	if number(e.Metadata["byte_count"]) != "5" {
		t.Errorf("%+v", e)
	}
	w.later(time.Minute)
	w.tellFolds(ctx)
	e = w.One(event.SESSION_POLICY_ENFORCED, event.Denied, "port_forward_blocked", event.System)
	if number(e.Metadata["coalesced"]) != "9" {
		t.Errorf("%+v", e)
	}
	for range 3 {
		w.must(l.Enforced(ctx, forward))
	}
	w.Events()
	w.close(l, ClosedByClient)
	all := w.Events()
	if len(all) != 5 || all[0].Constant != event.SESSION_POLICY_ENFORCED || number(all[0].Metadata["coalesced"]) != "2" {
		t.Errorf("%v", constants(all))
	}
	if err := l.Enforced(ctx, forward); !fault.Is(err, fault.Conflict) {
		t.Errorf("after the end: %v", err)
	}
	for _, bad := range []Enforcement{{Control: "x"}, {Control: ControlTTL, Reason: "x"}, {Control: ControlTTL, Direction: "up"}} {
		if err := l.Enforced(ctx, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestSentencesAreForPeople(t *testing.T) {
	for r := range systemReasons {
		if s := (Cause{By: BySystem, Reason: r}).Sentence(); !strings.HasPrefix(s, "Session ended: ") || !strings.HasSuffix(s, ".") {
			t.Errorf("%s: %q", r, s)
		}
	}
	got := Cause{By: ByAdmin, Reason: ReasonAdminOrder, Who: "adam\x1b[2J", Comment: "back\r\n at \u202e9"}.Sentence()
	if got != "Session ended by adam[2J: back at 9" {
		t.Errorf("%q", got)
	}
	if got := (Cause{By: ByAdmin}).Sentence(); got != "Session ended by an administrator." {
		t.Errorf("%q", got)
	}
}

func TestLiveSessionIsSmall(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	s := w.openSafe("web-prod", func(p *safe.Policy) { p.Recording, p.RecordInput = false, false })
	const n = 200
	heap := func() uint64 {
		for range 3 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	live := make([]*Live, 0, n)
	for range n / 2 { // until the store has all the memory it wants
		w.close(w.start(w.Operator, s.ID), ClosedByClient)
	}
	live = append(live, w.start(w.Operator, s.ID))
	goroutines := runtime.NumGoroutine()
	before := heap()
	for len(live) < n {
		live = append(live, w.start(w.Operator, s.ID))
	}
	each := (int64(heap()) - int64(before)) / (n - 1)
	t.Logf("%d bytes a live session, without its recorder", each)
	if each > 20<<10 {
		t.Errorf("a live session takes %d bytes", each)
	}
	if got := runtime.NumGoroutine(); got > goroutines+5 {
		t.Errorf("%d sessions brought %d goroutines", n, got-goroutines)
	}
	for _, l := range live {
		w.close(l, ClosedByClient)
	}
}

package test

import (
	"strings"
	"testing"
	"time"
)

// Access that is asked for, approved, used and over.

type accessRequest struct {
	ID, State, Kind string
	Version         int64
	Have            int  `json:"approvals_have"`
	MayDecide       bool `json:"may_decide"`
	Grant           *struct {
		ID        string
		EndsAt    time.Time `json:"ends_at"`
		EndReason string    `json:"end_reason"`
	}
	Sessions []struct {
		ID        string
		Recording string `json:"recording_id"`
	}
	Decisions, Comments []obj
}

func (p *Person) asksFor(t testing.TB, v *Safe, more obj) (r accessRequest) {
	t.Helper()
	body := obj{"safe_id": v.ID, "reason": "the disk is full"}
	for k, x := range more {
		body[k] = x
	}
	p.must(t, "POST", "/access/requests", body).into(t, &r)
	return r
}

func (p *Person) decides(t testing.TB, r accessRequest, verdict string, body obj) (out accessRequest) {
	t.Helper()
	if body == nil {
		body = obj{}
	}
	p.must(t, "POST", "/access/requests/"+r.ID+"/"+verdict, body).into(t, &out)
	return out
}

// The whole path: refused, asked, approved, in, over, cut.
func TestApprovedRequestOpensASafeForATime(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")

		oscar.isRefused(t, v, "approval")
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "no_approval", ActorID: oscar.ID, Actor: "User", Where: obj{"safe_id": v.ID}})

		r := oscar.asksFor(t, v, obj{"ticket": "OPS-7", "duration_seconds": 3600})
		if r.State != "open" || r.Have != 0 || r.MayDecide {
			t.Fatalf("%+v", r)
		}
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", ActorID: oscar.ID, Actor: "User", Target: "Safe", TargetID: v.ID, IP: oscar.Source,
			Meta: obj{"access_request_id": r.ID, "approval_mode": "single", "approvals_needed": 1, "requested_from": present, "requested_until": present, "justification": "the disk is full", "ticket_ref": "OPS-7"}})
		oscar.isRefused(t, v, "approval")

		s.letter(t, anna.Email, "access_request_waiting", 1)
		waiting := list[accessRequest](t, anna.Client, "/access/requests?to_decide=true")
		if len(waiting) != 1 || waiting[0].ID != r.ID || len(list[accessRequest](t, oscar.Client, "/access/requests?to_decide=true")) != 0 {
			t.Errorf("%+v waits for the approver", waiting)
		}
		oscar.must(t, "POST", "/access/requests/"+r.ID+"/comments", obj{"text": "it is /var"})
		w.saw(Want{Constant: "ACCESS_REQUEST_COMMENTED", ActorID: oscar.ID, Actor: "User", TargetID: v.ID, Meta: obj{"access_request_id": r.ID}})

		got := anna.decides(t, r, "approve", obj{"comment": "go on"})
		if got.State != "approved" || got.Grant == nil || len(got.Comments) != 1 || len(got.Decisions) != 1 {
			t.Fatalf("%+v", got)
		}
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", ActorID: anna.ID, Actor: "User", Target: "Safe", TargetID: v.ID, IP: anna.Source,
			Meta: obj{"access_request_id": r.ID, "requester_id": oscar.ID, "approvals_have": 1, "approvals_needed": 1, "final": true, "access_until": got.Grant.EndsAt, "comment": "go on"}})
		s.letter(t, oscar.Email, "access_request_decided", 1)
		if can := list[canOpen](t, w.Owner.Client, "/org/access/what-can?user="+oscar.ID); len(can) != 1 || can[0].SafeRole != "user" || can[0].Decision != "allow" ||
			len(can[0].Openings) != 1 || can[0].Openings[0].Kind != "request" || can[0].Openings[0].RequestID != r.ID {
			t.Errorf("what can who was approved: %+v", can)
		}
		w.Owner.refused(t, 409, "REQUEST_CLOSED", "POST", "/access/requests/"+r.ID+"/approve", nil)
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", Outcome: "denied", Reason: "request_closed", ActorID: w.Owner.ID, Actor: "OrgAdmin", TargetID: v.ID})

		c := oscar.open(t, v)
		w.saw(Want{Constant: "SESSION_START_REQUESTED", ActorID: oscar.ID, Meta: obj{"access_request_id": r.ID, "safe_id": v.ID}})
		x := w.session(v)
		oscar.must(t, "GET", "/access/requests/"+r.ID, nil).into(t, &got)
		if len(got.Sessions) != 1 || got.Sessions[0].ID != x.ID || got.Sessions[0].Recording == "" {
			t.Errorf("the request knows the sessions %+v, not %s", got.Sessions, x.ID)
		}
		var back struct {
			Request string `json:"access_request_id"`
		}
		if oscar.must(t, "GET", "/sessions/"+x.ID, nil).into(t, &back); back.Request != r.ID {
			t.Errorf("the session names the request %q", back.Request)
		}

		w.inTimeRevoked(t, c, v, func() { anna.must(t, "POST", "/access/grants/"+got.Grant.ID+"/revoke", obj{"comment": "enough"}) })
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "revoked", ActorID: anna.ID, Actor: "User", TargetID: v.ID,
			Meta: obj{"access_grant_id": got.Grant.ID, "access_request_id": r.ID, "subject_user_id": oscar.ID, "sessions_ended": 1, "comment": "enough"}})
		anna.refused(t, 409, "GRANT_OVER", "POST", "/access/grants/"+got.Grant.ID+"/revoke", nil)
		oscar.isRefused(t, v, "approval")

		// Once more, and this time the clock ends it.
		again := anna.decides(t, oscar.asksFor(t, v, nil), "approve", nil)
		c = oscar.open(t, v)
		w.inTimeRevoked(t, c, v, func() {
			s.outside(t, "update access_grant set ends_at = $1 where id = $2", time.Now().UnixMicro(), again.Grant.ID)
		})
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "expired", Actor: "System", TargetID: v.ID, Meta: obj{"access_grant_id": again.Grant.ID}})
	})
}

// inTimeRevoked takes away what a live session rests on, and waits for its end. Where
// the client's process is late, the server's clock tells whether the session was too.
func (w *World) inTimeRevoked(t testing.TB, c *Proc, v *Safe, lose func()) {
	t.Helper()
	lose()
	began := time.Now()
	r := c.wait()
	if took := time.Since(began); took > losesWithin {
		if ended := w.ended(v).EndedAt.Sub(began); ended > losesWithin || took > 3*losesWithin {
			t.Errorf("the session went on for %s after its access had ended, and its client for %s", ended, took)
		}
	}
	if r.Code == 0 || !strings.Contains(r.Stderr, "Session ended") {
		t.Errorf("the client was told: %s", r)
	}
	if x := w.ended(v); x.EndReason != "access_revoked" {
		t.Errorf("the session ended by %s", x.EndReason)
	}
}

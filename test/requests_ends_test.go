package test

import (
	"os"
	"testing"
	"time"
)

// Requests that open nothing, and who may not decide.

func TestRequestsEndWithoutAccess(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		rejected := func(r accessRequest, reason string, actor *Person, more obj) {
			t.Helper()
			m := Want{Constant: "ACCESS_REQUEST_REJECTED", Reason: reason, Actor: "System", Target: "Safe", TargetID: v.ID, Where: obj{"access_request_id": r.ID},
				Meta: obj{"requester_id": oscar.ID, "approvals_have": 0}}
			if actor != nil {
				m.Actor, m.ActorID, m.IP = "User", actor.ID, actor.Source
			}
			for k, x := range more {
				m.Meta[k] = x
			}
			w.saw(m)
		}

		r := oscar.asksFor(t, v, nil)
		oscar.refused(t, 409, "REQUEST_OPEN", "POST", "/access/requests", obj{"safe_id": v.ID, "reason": "twice"})
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", Outcome: "denied", Reason: "duplicate_open_request", ActorID: oscar.ID, TargetID: v.ID})
		oscar.refused(t, 403, "SELF_APPROVAL", "POST", "/access/requests/"+r.ID+"/reject", obj{})
		anna.refused(t, 403, "NOT_PERMITTED", "POST", "/access/requests/"+r.ID+"/withdraw", obj{})
		w.saw(Want{Constant: "ACCESS_REQUEST_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: anna.ID, TargetID: v.ID})
		if got := anna.decides(t, r, "reject", obj{"comment": "not today"}); got.State != "rejected" || got.Grant != nil {
			t.Errorf("%+v", got)
		}
		rejected(r, "rejected_by_approver", anna, obj{"comment": "not today"})
		s.letter(t, oscar.Email, "access_request_decided", 1)
		oscar.isRefused(t, v, "approval")

		r = oscar.asksFor(t, v, nil)
		if got := oscar.decides(t, r, "withdraw", nil); got.State != "withdrawn" {
			t.Errorf("%+v", got)
		}
		rejected(r, "withdrawn", oscar, nil)
		anna.refused(t, 409, "REQUEST_CLOSED", "POST", "/access/requests/"+r.ID+"/approve", obj{})

		r = oscar.asksFor(t, v, nil)
		s.outside(t, "update access_request set expires_at = $1 where id = $2", time.Now().UnixMicro(), r.ID)
		anna.refused(t, 409, "REQUEST_CLOSED", "POST", "/access/requests/"+r.ID+"/approve", obj{})
		eventually(t, "the request to lapse", func() bool {
			oscar.must(t, "GET", "/access/requests/"+r.ID, nil).into(t, &r)
			return r.State == "expired"
		})
		eventually(t, "the event of it", func() bool { return len(list[obj](t, oscar.Client, "/access/requests?state=expired")) == 1 })
		rejected(r, "expired", nil, nil)
		s.letter(t, oscar.Email, "access_request_decided", 2)

		r = oscar.asksFor(t, v, nil)
		w.Owner.must(t, "POST", "/org/members/"+oscar.ID+"/suspend", nil)
		w.closed(r)
		rejected(r, "requester_disabled", nil, nil)
		w.Owner.must(t, "POST", "/org/members/"+oscar.ID+"/resume", nil)
		oscar.Client = oscar.signIn(t)

		r = oscar.asksFor(t, v, nil)
		w.Owner.must(t, "DELETE", "/safes/"+v.ID, nil)
		w.closed(r)
		rejected(r, "safe_deleted", nil, nil)
	})
}

// closed waits until a request has lost its person or its safe.
func (w *World) closed(r accessRequest) {
	w.t.Helper()
	eventually(w.t, "the request to close", func() bool {
		w.Owner.must(w.t, "GET", "/access/requests/"+r.ID, nil).into(w.t, &r)
		return r.State == "closed"
	})
}

func TestNobodyDecidesAboutThemselves(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		mara, anna, bruno := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 2})
		w.join(v, mara, "manager")
		w.join(v, anna, "approver")
		w.join(v, bruno, "user")
		r := mara.asksFor(t, v, nil)
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", ActorID: mara.ID, TargetID: v.ID, Meta: obj{"approval_mode": "four_eyes", "approvals_needed": 2}})
		approve := "/access/requests/" + r.ID + "/approve"

		mara.refused(t, 403, "SELF_APPROVAL", "POST", approve, obj{})
		blocked := Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: mara.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: r.ID, IP: mara.Source,
			Where: obj{"decided_via": "direct"}, Meta: obj{"case_kind": "access_request", "case_id": r.ID, "requester_id": mara.ID}}
		w.saw(blocked)
		_, robot := mara.token(t, "access:read", "access:decide")
		robot.refused(t, 403, "SELF_APPROVAL", "POST", approve, obj{})
		blocked.Actor, blocked.ActorID, blocked.Where = "ServiceAccount", "", obj{"decided_via": "api_token"}
		w.saw(blocked)
		bruno.refused(t, 404, "NOT_FOUND", "POST", approve, obj{}) // has no right there, and is not told

		anna.proved(t, time.Hour)
		anna.refused(t, 403, "STEP_UP_REQUIRED", "POST", approve, obj{})
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: anna.ID, Actor: "User", TargetID: v.ID})
		anna.proved(t, 0)

		if got := anna.decides(t, r, "approve", nil); got.State != "open" || got.Have != 1 {
			t.Errorf("%+v", got)
		}
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", ActorID: anna.ID, Where: obj{"final": false}, Meta: obj{"approvals_have": 1, "approvals_needed": 2}})
		mara.isRefused(t, v, "approval")
		anna.refused(t, 409, "ALREADY_DECIDED", "POST", approve, obj{})
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", Outcome: "denied", Reason: "already_decided_by_actor", ActorID: anna.ID})
		w.Owner.refused(t, 409, "VERSION_CONFLICT", "POST", approve, obj{"version": r.Version}) // what they saw was before
		w.Owner.decides(t, r, "approve", obj{"version": r.Version + 1})
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", ActorID: w.Owner.ID, Actor: "OrgAdmin", Where: obj{"final": true}, Meta: obj{"approvals_have": 2, "access_until": present}})
		mara.succeeds(t, v, "true")
		w.ended(v)
	})
}

// A grant for one session, hours, several at once, a policy's own approvers, people on call.
func TestWhatRequestsOpen(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna := w.person("operator"), w.add("operator")
		once := w.safe(host(t), obj{"approvals": 1, "approval_once": true, "cool_down_seconds": 60}, oscar)
		w.join(once, anna, "approver")
		r := anna.decides(t, oscar.asksFor(t, once, nil), "approve", nil)
		oscar.succeeds(t, once, "true")
		w.ended(once)
		oscar.succeeds(t, once, "true") // within the cool-down
		w.ended(once)
		s.outside(t, "update session set ended_at = ended_at - $1 where access_request_id = $2", (2 * time.Minute).Microseconds(), r.ID)
		oscar.isRefused(t, once, "approval")

		// Two at once: the longer outlives the end of the shorter.
		free := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(free, anna, "approver")
		first := anna.decides(t, oscar.asksFor(t, free, obj{"duration_seconds": 60}), "approve", nil)
		second := anna.decides(t, oscar.asksFor(t, free, obj{"duration_seconds": 7200, "ticket": "OPS-9"}), "approve", nil)
		c := oscar.open(t, free)
		s.outside(t, "update access_grant set ends_at = $1 where id = $2", time.Now().UnixMicro(), first.Grant.ID)
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "expired", Actor: "System", Meta: obj{"access_grant_id": first.Grant.ID, "sessions_ended": 0}})
		c.Stdin.Close()
		if r := c.wait(); r.Code != 0 {
			t.Errorf("it was cut with a grant that it did not rest on: %s", r)
		}
		if got := w.ended(free); got.Request != second.ID {
			t.Errorf("the session rests on %s, not on the longest", got.Request)
		}
		if got := list[obj](t, w.Owner.Client, "/access/grants?active=true"); len(got) != 2 {
			t.Errorf("open are %v", got)
		}

		// The hour that is asked for is not one in which it opens.
		day := time.Now().UTC()
		hours := w.safe(host(t), obj{"approvals": 1, "valid_hours": obj{"days": []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, "from": day.Add(2 * time.Hour).Format("15:04"), "to": day.Add(4 * time.Hour).Format("15:04"), "time_zone": "UTC"}}, oscar)
		oscar.refused(t, 403, "OUTSIDE_VALID_HOURS", "POST", "/access/requests", obj{"safe_id": hours.ID, "reason": "now"})
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", Outcome: "denied", Reason: "outside_valid_hours", ActorID: oscar.ID, TargetID: hours.ID})
		oscar.asksFor(t, hours, obj{"starts_at": day.Add(3 * time.Hour)})

		// People on call need nobody; everybody may ask where the safe says so, and somebody approves.
		g := get[struct{ ID string }](t, w.Owner.Client, "POST", "/org/groups", obj{"name": "on call"}).ID
		w.Owner.must(t, "POST", "/org/groups/"+g+"/members", obj{"user_ids": []string{oscar.ID}})
		pager := w.safe(host(t), obj{"approvals": 2, "auto_approve_groups": []string{g}, "request_by": "organization"}, oscar)
		auto := oscar.asksFor(t, pager, nil)
		if auto.State != "approved" || auto.Kind != "rule" || auto.Grant == nil {
			t.Errorf("%+v", auto)
		}
		w.saw(Want{Constant: "ACCESS_GRANT_OPENED", Actor: "System", TargetID: pager.ID, Meta: obj{"access_request_id": auto.ID, "subject_user_id": oscar.ID, "opened_by": "rule"}})
		w.hasNone(Want{Constant: "ACCESS_REQUEST_APPROVED", Where: obj{"access_request_id": auto.ID}})
		oscar.succeeds(t, pager, "true")
		w.ended(pager)
		guest := anna.asksFor(t, pager, nil)
		w.Owner.decides(t, guest, "approve", nil)
		anna.isRefused(t, pager)
	})
}

func TestEmergencyOpensAndTellsEverybody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, bruno := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1, "recording": false, "record_input": false, "break_glass": []string{oscar.ID}}, bruno)
		adam := w.person("admin") // from now on, a second one decides about recording
		in := obj{"safe_id": v.ID, "reason": "the bank stands still", "ticket": "INC-1"}
		bruno.refused(t, 403, "NOT_PERMITTED", "POST", "/access/emergency", in)
		w.saw(Want{Constant: "ACCESS_GRANT_OPENED", Outcome: "denied", Reason: "not_permitted", ActorID: bruno.ID, Actor: "User", TargetID: v.ID})
		oscar.refused(t, 422, "INVALID", "POST", "/access/emergency", obj{"safe_id": v.ID})
		_, robot := oscar.token(t, "access:read", "access:request") // nobody's program is in an emergency
		robot.refused(t, 403, "NOT_PERMITTED", "POST", "/access/emergency", in)
		w.saw(Want{Constant: "ACCESS_GRANT_OPENED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Actor: "ServiceAccount", TargetID: v.ID})
		oscar.proved(t, 6*time.Minute)
		oscar.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/access/emergency", in)
		w.hasNone(Want{Constant: "SECURITY_INCIDENT_FLAGGED"})
		oscar.proved(t, 0)

		var r accessRequest
		oscar.must(t, "POST", "/access/emergency", in).into(t, &r)
		if r.Kind != "emergency" || r.State != "approved" || r.Grant == nil {
			t.Fatalf("%+v", r)
		}
		opened := w.saw(Want{Constant: "ACCESS_GRANT_OPENED", ActorID: oscar.ID, Actor: "User", TargetID: v.ID, IP: oscar.Source, Meta: obj{"opened_by": "emergency", "access_request_id": r.ID, "justification": "the bank stands still"}})
		w.saw(Want{Constant: "SECURITY_INCIDENT_FLAGGED", ActorID: oscar.ID, Actor: "User", Target: "Tenant", Meta: obj{"detector": "break_glass", "object_type": "safe", "object_id": v.ID, "related_events": []string{opened.ID}, "automatic_action": "none", "incident_id": present}})
		for _, p := range []*Person{w.Owner, adam} {
			s.letter(t, p.Email, "access_emergency", 1)
		}
		c := oscar.open(t, v)
		x := w.session(v)
		if x.Recording == nil {
			t.Error("an emergency is not recorded")
		}
		w.inTimeRevoked(t, c, v, func() { adam.must(t, "POST", "/access/grants/"+r.Grant.ID+"/revoke", obj{"comment": "it is over"}) })
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "revoked", ActorID: adam.ID, Actor: "OrgAdmin", Meta: obj{"access_grant_id": r.Grant.ID, "sessions_ended": 1}})
		oscar.must(t, "GET", "/access/requests/"+r.ID, nil).into(t, &r)
		if len(r.Sessions) != 1 || r.Sessions[0].Recording == "" {
			t.Errorf("the request knows %+v", r.Sessions)
		}

		// The credential is to be replaced afterwards. This target keeps its keys elsewhere, so
		// that administrators are told, and somebody does it by hand.
		due := func(want bool) {
			t.Helper()
			var a struct {
				Since time.Time `json:"rotation_due_since"`
			}
			if w.Owner.must(t, "GET", "/accounts/"+v.Account, nil).into(t, &a); a.Since.IsZero() == want {
				t.Errorf("the credential is due since %s", a.Since)
			}
		}
		for _, p := range []*Person{w.Owner, adam} {
			s.letter(t, p.Email, "rotation_failed", 1)
		}
		due(true)
		file, _ := newKeyFile(t, t.TempDir(), "next")
		key, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w.Owner.must(t, "PATCH", "/accounts/"+v.Account, obj{"private_key": string(key)})
		due(false)
	})
}

// Two servers on one PostgreSQL: a grant that ends at one cuts the session at the other.
func TestGrantsEndSessionsOnOtherServers(t *testing.T) {
	t.Parallel()
	s := own(t, Postgres)
	second := s.beside(t)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), obj{"approvals": 1}, oscar)
	there := *oscar
	there.s = second
	r := w.Owner.decides(t, oscar.asksFor(t, v, nil), "approve", nil)
	w.inTimeRevoked(t, there.open(t, v), v, func() { w.Owner.must(t, "POST", "/access/grants/"+r.Grant.ID+"/revoke", obj{}) })
	r = w.Owner.decides(t, oscar.asksFor(t, v, nil), "approve", nil)
	w.inTimeRevoked(t, there.open(t, v), v, func() {
		s.outside(t, "update access_grant set ends_at = $1 where id = $2", time.Now().UnixMicro(), r.Grant.ID)
	})
	w.lentAcross(t, second)
}

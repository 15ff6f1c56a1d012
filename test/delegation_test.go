package test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Access that one member lends to another.

type delegation struct {
	ID        string
	EndReason string `json:"end_reason"`
	Parent    string `json:"parent_id"`
}

// lentSafe is a safe in the list of who has it lent.
type lentSafe struct {
	ID      string
	Role    string `json:"my_role"`
	Launch  bool   `json:"can_launch"`
	Command string `json:"ssh_command"`
	Lent    *struct {
		Delegation string `json:"delegation_id"`
		By         struct{ ID, Handle string }
		Until      time.Time `json:"ends_at"`
	}
}

// canOpen is a line of who-can and what-can.
type canOpen struct {
	User, Safe struct{ ID, Name string }
	SafeRole   string `json:"safe_role"`
	Decision   string
	Openings   []struct {
		Kind         string
		EndsAt       time.Time `json:"ends_at"`
		RequestID    string    `json:"request_id"`
		DelegationID string    `json:"delegation_id"`
		Lender       struct{ ID, Name string }
	}
}

func in(d time.Duration) time.Time { return time.Now().Add(d).UTC() }

func (p *Person) lends(t testing.TB, v *Safe, to *Person, more obj) (d delegation) {
	t.Helper()
	body := obj{"safe_id": v.ID, "user_id": to.ID, "ends_at": in(2 * time.Hour)}
	for k, x := range more {
		body[k] = x
	}
	p.must(t, "POST", "/access/delegations", body).into(t, &d)
	return d
}

// revoked expects the end of a delegation in the ledger, with so many sessions; -1: the
// clock of sessions may have been first.
func (w *World) revoked(d delegation, reason, actor, id string, sessions int) {
	w.t.Helper()
	m := Want{Constant: "ACCESS_DELEGATION_REVOKED", Reason: reason, Actor: actor, ActorID: id, Target: "Safe", Where: obj{"delegation_id": d.ID}, Meta: obj{"delegator_id": present, "delegate_id": present, "right": present}}
	if sessions >= 0 {
		m.Meta["sessions_ended"] = sessions
	}
	w.saw(m)
}

func TestMembersLendTheirOwnAccess(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, bruno, carl := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar)
		bruno.isRefused(t, v)
		d := oscar.lends(t, v, bruno, obj{"reason": "holidays"})
		w.saw(Want{Constant: "ACCESS_DELEGATION_GRANTED", ActorID: oscar.ID, Actor: "User", Target: "Safe", TargetID: v.ID, IP: oscar.Source,
			Meta: obj{"delegation_id": d.ID, "delegator_id": oscar.ID, "delegate_id": bruno.ID, "right": "access", "starts_at": present, "ends_at": present}})
		s.letter(t, bruno.Email, "access_lent", 1)
		if len(list[obj](t, bruno.Client, "/access/delegations?active=true")) != 1 || len(list[obj](t, carl.Client, "/access/delegations")) != 0 {
			t.Error("who sees what is lent")
		}

		// It is in their lists, and says whose it is.
		for _, at := range []string{"/safes?mine=true", "/safes", "/safes?mine=true&q=" + strings.ToUpper(v.Name[1:])} {
			mine := list[lentSafe](t, bruno.Client, at)
			if len(mine) != 1 || mine[0].ID != v.ID || mine[0].Role != "" || !mine[0].Launch || mine[0].Command == "" || mine[0].Lent == nil ||
				mine[0].Lent.Delegation != d.ID || mine[0].Lent.By.Handle != oscar.Handle || mine[0].Lent.Until.Before(time.Now()) {
				t.Errorf("%s: %+v", at, mine)
			}
		}
		if got := list[lentSafe](t, bruno.Client, "/safes?q=nothing_like%25it"); len(got) != 0 {
			t.Errorf("a search that nothing fits finds %+v", got)
		}
		if r := tool(t, "", nil, "ssh", append(flags(bruno.sshOptions(t)), "-l", bruno.Handle, gatewayHost, "true")...); !strings.Contains(r.Stderr, "lent by "+oscar.Handle+" until ") {
			t.Errorf("the list over SSH: %s", r)
		}

		// Who can, and what can, say through whom.
		byLoan := func(x canOpen) bool {
			return x.SafeRole == "" && x.Decision == "allow" && len(x.Openings) == 1 && x.Openings[0].Kind == "loan" && x.Openings[0].DelegationID == d.ID &&
				x.Openings[0].Lender.ID == oscar.ID && x.Openings[0].Lender.Name == oscar.Handle && x.Openings[0].EndsAt.After(time.Now())
		}
		if got := list[canOpen](t, w.Owner.Client, "/org/access/what-can?user="+bruno.ID); len(got) != 1 || got[0].Safe.ID != v.ID || !byLoan(got[0]) {
			t.Errorf("what can who has it lent: %+v", got)
		}
		who := list[canOpen](t, w.Owner.Client, "/org/access/who-can?safe="+v.ID)
		if at := slices.IndexFunc(who, func(x canOpen) bool { return x.User.ID == bruno.ID }); at < 0 || !byLoan(who[at]) {
			t.Errorf("who can: %+v", who)
		}
		if !slices.IsSortedFunc(who, func(a, b canOpen) int { return strings.Compare(a.User.Name, b.User.Name) }) {
			t.Errorf("who can, in no order: %+v", who)
		}
		s.prompt(t, w.Owner.Client).says(t, v.Name+" lent by "+oscar.Handle+" until", "access", "what-can", bruno.Handle)

		// Never more, never longer, never onward.
		refused := func(by *Person, to *Person, code, reason string, more obj) {
			t.Helper()
			body := obj{"safe_id": v.ID, "user_id": to.ID, "ends_at": in(time.Hour)}
			for k, x := range more {
				body[k] = x
			}
			by.refused(t, 403, code, "POST", "/access/delegations", body)
			w.saw(Want{Constant: "ACCESS_DELEGATION_GRANTED", Outcome: "denied", Reason: reason, ActorID: by.ID, Actor: "User", TargetID: v.ID, Where: obj{"delegate_id": to.ID}})
		}
		refused(oscar, carl, "NOT_PERMITTED", "not_permitted", obj{"right": "approve"})
		refused(oscar, oscar, "DELEGATE_NOT_ELIGIBLE", "delegate_not_eligible", nil)
		refused(bruno, carl, "DELEGATION_FORBIDDEN", "delegation_forbidden_by_policy", nil)
		carl.refused(t, 404, "NOT_FOUND", "POST", "/access/delegations", obj{"safe_id": v.ID, "user_id": bruno.ID, "ends_at": in(time.Hour)})
		_, robot := oscar.token(t, "access:request", "access:decide")
		robot.refused(t, 403, "NOT_PERMITTED", "POST", "/access/delegations", obj{"safe_id": v.ID, "user_id": carl.ID, "ends_at": in(time.Hour)})
		w.saw(Want{Constant: "AUTH_ACT_REFUSED", Outcome: "denied", Reason: "not_permitted", Where: obj{"refused_act": "access_delegate"}})
		oscar.refused(t, 422, "INVALID", "POST", "/access/delegations", obj{"safe_id": v.ID, "user_id": carl.ID, "ends_at": in(31 * 24 * time.Hour)})

		bruno.succeeds(t, v, "true")
		w.ended(v)
		carl.refused(t, 404, "NOT_FOUND", "POST", "/access/delegations/"+d.ID+"/revoke", nil)
		w.inTimeRevoked(t, bruno.open(t, v), v, func() { oscar.must(t, "POST", "/access/delegations/"+d.ID+"/revoke", nil) })
		w.revoked(d, "revoked_by_delegator", "User", oscar.ID, 1)
		oscar.refused(t, 409, "DELEGATION_OVER", "POST", "/access/delegations/"+d.ID+"/revoke", nil)
		bruno.isRefused(t, v)

		// By who has it, by an administrator, by the clock.
		d = oscar.lends(t, v, bruno, nil)
		bruno.must(t, "POST", "/access/delegations/"+d.ID+"/revoke", nil)
		w.revoked(d, "revoked_by_delegate", "User", bruno.ID, 0)
		d = oscar.lends(t, v, bruno, nil)
		w.Owner.must(t, "POST", "/access/delegations/"+d.ID+"/revoke", nil)
		w.revoked(d, "revoked_by_admin", "TenantAdmin", w.Owner.ID, 0)
		d = oscar.lends(t, v, bruno, nil)
		w.inTimeRevoked(t, bruno.open(t, v), v, func() {
			s.outside(t, "update access_delegation set ends_at = $1 where id = $2", time.Now().UnixMicro(), d.ID)
		})
		w.revoked(d, "expired", "System", "", -1)
	})
}

// What is lent ends when its lender loses it, however that comes.
func TestLentAccessEndsWithTheLenders(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, bruno, carl := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), obj{"delegation": "onward"}, oscar)
		lose := func(what string, lose, again func()) {
			t.Helper()
			d := oscar.lends(t, v, bruno, nil)
			w.inTimeRevoked(t, bruno.open(t, v), v, lose)
			w.revoked(d, "delegator_lost_right", "System", "", -1)
			bruno.isRefused(t, v)
			if t.Failed() {
				t.Fatal(what)
			}
			again()
		}
		lose("membership of the safe", func() { w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+oscar.ID, nil) }, func() { w.join(v, oscar, "user") })
		lose("suspension", func() { w.Owner.must(t, "POST", "/org/members/"+oscar.ID+"/suspend", nil) }, func() {
			w.Owner.must(t, "POST", "/org/members/"+oscar.ID+"/resume", nil)
			oscar.Client = oscar.signIn(t)
		})
		lose("role in the organization", func() { w.Owner.must(t, "PUT", "/org/members/"+oscar.ID+"/role", obj{"role": "auditor"}) }, func() {
			w.Owner.must(t, "PUT", "/org/members/"+oscar.ID+"/role", obj{"role": "operator"})
		})

		var p accessPolicy
		lose("allowance of policies", func() { p = w.policy(forbids(oscar), v) }, func() {
			oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/access/delegations", obj{"safe_id": v.ID, "user_id": bruno.ID, "ends_at": in(time.Hour)})
			w.Owner.must(t, "DELETE", "/org/policies/"+p.ID, nil)
		})
		ops := w.group(oscar)
		w.bind(v, ops, "user")
		w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+oscar.ID, nil)
		lose("group", func() { w.Owner.must(t, "DELETE", "/org/groups/"+ops+"/members/"+oscar.ID, nil) }, func() { w.join(v, oscar, "user") })
		barred := w.group()
		p = w.policy(`forbid (principal in Group::"`+barred+`", action == Action::"session.launch", resource);`, v)
		lose("freedom from a group that a policy denies", func() { w.Owner.must(t, "POST", "/org/groups/"+barred+"/members", obj{"user_ids": []string{oscar.ID}}) }, func() {
			w.Owner.must(t, "DELETE", "/org/policies/"+p.ID, nil)
		})

		// Who may not open it just now lends nothing just now, and goes on lending.
		d := oscar.lends(t, v, bruno, nil)
		p = w.policy(`forbid (principal, action == Action::"session.launch", resource) when { principal.handle == "`+oscar.Handle+`" && context.ticket == "" };`, v)
		bruno.isRefused(t, v)
		w.Owner.must(t, "DELETE", "/org/policies/"+p.ID, nil)
		bruno.succeeds(t, v, "true")
		w.ended(v)

		// Lent on, where the safe allows it: never longer, and it ends with the first.
		bruno.refused(t, 403, "NOT_PERMITTED", "POST", "/access/delegations", obj{"safe_id": v.ID, "user_id": carl.ID, "ends_at": in(3 * time.Hour)})
		on := bruno.lends(t, v, carl, obj{"ends_at": in(time.Hour)})
		if on.Parent != d.ID {
			t.Errorf("%+v is not lent on from %s", on, d.ID)
		}
		w.inTimeRevoked(t, carl.open(t, v), v, func() { oscar.must(t, "POST", "/access/delegations/"+d.ID+"/revoke", nil) })
		w.revoked(on, "delegator_lost_right", "System", "", 1)

		// The safe stops to allow it.
		d = oscar.lends(t, v, bruno, nil)
		w.inTimeRevoked(t, bruno.open(t, v), v, func() { w.Owner.must(t, "PUT", "/safes/"+v.ID+"/policy", obj{"delegation": "block"}) })
		w.revoked(d, "delegator_lost_right", "System", "", -1)
	})
}

func forbids(p *Person) string {
	return `forbid (principal, action == Action::"session.launch", resource) when { principal.handle == "` + p.Handle + `" };`
}

// lentAcross ends loans at one server while the sessions on them live at another.
func (w *World) lentAcross(t *testing.T, second *Server) {
	oscar, bruno := w.add("operator"), w.add("operator")
	v := w.safe(host(t), nil, oscar)
	there := *bruno
	there.s = second
	d := oscar.lends(t, v, bruno, nil)
	w.inTimeRevoked(t, there.open(t, v), v, func() { oscar.must(t, "POST", "/access/delegations/"+d.ID+"/revoke", nil) })
	w.revoked(d, "revoked_by_delegator", "User", oscar.ID, 1)
	d = oscar.lends(t, v, bruno, nil)
	w.inTimeRevoked(t, there.open(t, v), v, func() { w.policy(forbids(oscar), v) })
	w.revoked(d, "delegator_lost_right", "System", "", -1)
}

// The right to approve can be lent, and never serves its lender or who asks.
func TestLentApprovalsCountOnceAndNeverForTheLender(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna, bruno := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 2}, oscar)
		w.join(v, anna, "approver")
		r := oscar.asksFor(t, v, nil)
		bruno.refused(t, 404, "NOT_FOUND", "POST", "/access/requests/"+r.ID+"/approve", obj{})
		d := anna.lends(t, v, bruno, obj{"right": "approve"})
		w.saw(Want{Constant: "ACCESS_DELEGATION_GRANTED", ActorID: anna.ID, Where: obj{"right": "approve"}})
		if len(list[obj](t, bruno.Client, "/access/requests?to_decide=true")) != 1 {
			t.Error("the request does not wait for who may decide about it")
		}
		bruno.decides(t, r, "approve", nil)
		oscar.decides(t, r, "withdraw", nil)
		r = oscar.asksFor(t, v, nil)
		s.letter(t, bruno.Email, "access_request_waiting", 1)
		bruno.decides(t, r, "approve", nil)
		anna.refused(t, 409, "ALREADY_DECIDED", "POST", "/access/requests/"+r.ID+"/approve", obj{}) // one pair of eyes
		oscar.decides(t, r, "withdraw", nil)

		// Who asks has lent it to who decides.
		own := anna.asksFor(t, v, nil)
		bruno.refused(t, 403, "SELF_APPROVAL", "POST", "/access/requests/"+own.ID+"/approve", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: bruno.ID, Where: obj{"decided_via": "delegation"}, Meta: obj{"case_kind": "access_request", "case_id": own.ID, "requester_id": anna.ID}})
		w.Owner.must(t, "PUT", "/safes/"+v.ID+"/members/"+anna.ID, obj{"role": "user"})
		w.saw(Want{Constant: "ACCESS_DELEGATION_REVOKED", Reason: "delegator_lost_right", Actor: "System", Where: obj{"delegation_id": d.ID}})
		bruno.refused(t, 404, "NOT_FOUND", "POST", "/access/requests/"+own.ID+"/approve", obj{})
	})
}

// Who asks as a member loses what was approved when they are none any more.
func TestApprovedAccessEndsWithMembership(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		r := w.Owner.decides(t, oscar.asksFor(t, v, nil), "approve", nil)
		w.inTimeRevoked(t, oscar.open(t, v), v, func() { w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+oscar.ID, nil) })
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "membership_lost", Actor: "System", Meta: obj{"access_grant_id": r.Grant.ID}})
		oscar.isRefused(t, v)
	})
}

// The link of the e-mail leads its recipient to the request, and is good for one decision.
func TestLinkLeadsTheApproverToTheRequest(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		r := oscar.asksFor(t, v, nil)
		link, token := s.letter(t, anna.Email, "access_request_waiting", 1).Link()
		if link.Path != "/requests/decide" || token == "" {
			t.Fatalf("the e-mail leads to %s", link)
		}
		anna.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/access/links", obj{"token": token})
		oscar.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token})
		anna.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token + "x"})
		var to struct {
			Org     string `json:"organization_id"`
			Request string `json:"request_id"`
		}
		if anna.must(t, "POST", "/access/links", obj{"token": token}).into(t, &to); to.Org != w.Org || to.Request != r.ID {
			t.Errorf("%+v", to)
		}
		anna.proved(t, time.Hour) // the link is no second factor
		anna.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/access/requests/"+r.ID+"/approve", obj{"link": token})
		anna.proved(t, 0)
		w.Owner.refused(t, 404, "ACCESS_LINK", "POST", "/access/requests/"+r.ID+"/approve", obj{"link": token})
		w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID, TargetID: v.ID})
		if got := anna.decides(t, r, "reject", obj{"link": token}); got.State != "rejected" {
			t.Errorf("%+v", got)
		}
		anna.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token})

		r = oscar.asksFor(t, v, nil)
		_, token = s.letter(t, anna.Email, "access_request_waiting", 2).Link()
		s.outside(t, "update access_link set expires_at = $1 where request_id = $2", time.Now().UnixMicro(), r.ID)
		anna.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token})
		anna.refused(t, 404, "ACCESS_LINK", "POST", "/access/requests/"+r.ID+"/approve", obj{"link": token})
		oscar.decides(t, r, "withdraw", nil)
	})
}

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Policies of an organization, driven with real ssh.

type accessPolicy struct {
	ID      string
	Version int64
	Text    string
	Form    obj
}

// policy makes one on the given safes, or on none.
func (w *World) policy(text string, safes ...*Safe) accessPolicy {
	w.t.Helper()
	ids := []string{}
	for _, v := range safes {
		ids = append(ids, v.ID)
	}
	return get[accessPolicy](w.t, w.Owner.Client, "POST", "/org/policies", obj{"name": "p-" + random(6), "text": text, "safes": ids})
}

const (
	denied        = `@message("frozen until Monday") forbid (principal, action == Action::"session.launch", resource);`
	asks          = `@require_approval("1") permit (principal, action == Action::"session.launch", resource);`
	fromElsewhere = `permit (principal, action == Action::"session.launch", resource) when { context.source.isInRange(ip("203.0.113.0/24")) };`
)

func TestPoliciesDecideLaunches(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mona := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar)
		w.join(v, mona, "approver")
		oscar.succeeds(t, v, "true") // without any policy, a role on the safe is enough
		w.ended(v)

		p := w.policy(asks, v)
		w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", Actor: "TenantAdmin", ActorID: w.Owner.ID, Target: "Policy", TargetID: p.ID,
			Meta: obj{"safe_id": v.ID, "assignment_change": "attached", "weakened_controls": []any{}}})
		w.saw(Want{Constant: "ACCESS_POLICY_CHANGED", ActorID: w.Owner.ID, Target: "Policy", TargetID: p.ID, Meta: obj{"policy_change": "created", "policy_version": 1}})
		oscar.isRefused(t, v, "asks for approval first")
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "no_approval", ActorID: oscar.ID, Meta: obj{"safe_id": v.ID, "policy_id": p.ID}})

		type answer struct {
			Decision, Why string
			Reasons       []struct{ ID, Effect string }
			CanApprove    []struct{ ID string } `json:"can_approve"`
		}
		explain := func() answer {
			return get[answer](t, w.Owner.Client, "GET", "/org/access/explain?from=127.0.0.1&user="+oscar.ID+"&safe="+v.ID, nil)
		}
		if e := explain(); e.Decision != "require_approval" || len(e.Reasons) == 0 || e.Reasons[0].ID != p.ID || len(e.CanApprove) != 1 || e.CanApprove[0].ID != mona.ID {
			t.Errorf("%+v", e)
		}
		d := w.policy(denied, v)
		oscar.isRefused(t, v, "denies", "frozen until Monday")
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "not_a_member", ActorID: oscar.ID, Meta: obj{"safe_id": v.ID, "policy_id": d.ID}})
		if e := explain(); e.Decision != "deny" || e.Why != "policy_denied" || e.Reasons[0].ID != d.ID {
			t.Errorf("%+v", e)
		}
		for _, x := range []accessPolicy{p, d} {
			w.Owner.must(t, "DELETE", "/org/policies/"+x.ID+"/safes/"+v.ID, nil)
			w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", TargetID: x.ID, Where: obj{"assignment_change": "detached"}, Meta: obj{"safe_id": v.ID}})
		}
		oscar.succeeds(t, v, "true")
		w.ended(v)

		g := w.policy(fromElsewhere, v) // the safe is governed from now on
		oscar.isRefused(t, v, "your network")
		if e := explain(); e.Why != "source_not_allowed" || e.Reasons[0].ID != g.ID {
			t.Errorf("%+v", e)
		}
		// Who may not change policies is refused, and it is told.
		a := oscar.do(t, "PATCH", "/org/policies/"+g.ID, obj{"enabled": false})
		if a.Status != 403 {
			t.Errorf("an operator changed a policy: %d %s", a.Status, a.Body)
		}
		w.saw(Want{Constant: "ACCESS_POLICY_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
	})
}

// A policy that is written while a session runs ends it, whoever runs it.
func TestPoliciesEndLiveSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		for name, change := range map[string]struct{ before, after string }{
			"a policy that denies":                 {"", denied},
			"one that asks for approval":           {"", asks},
			"an edited one":                        {`permit (principal, action == Action::"session.launch", resource);`, fromElsewhere},
			"one that names a moment that is over": {"", fmt.Sprintf(`forbid (principal, action == Action::"session.launch", resource) when { context.now > datetime("%s") };`, time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05Z"))},
		} {
			v := w.safe(host(t), nil, oscar)
			var p accessPolicy
			if change.before != "" {
				p = w.policy(change.before, v)
			}
			c := oscar.open(t, v)
			began := time.Now()
			if p.ID == "" {
				w.policy(change.after, v)
			} else {
				w.Owner.must(t, "PATCH", "/org/policies/"+p.ID, obj{"text": change.after})
			}
			changed := time.Now()
			e, _ := w.endedBySystem(c, v, "access_revoked", "failure", "access to this safe was taken away")
			if took := w.ledger().when(t, e).Sub(changed); took > losesWithin {
				t.Errorf("%s: it took %s (%s)", name, took, changed.Sub(began))
			}
		}
	})
}

// Options narrow what a session may do, and belong to the policy that let in.
func TestOptionsOfThePolicyHold(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		file := write(t, t.TempDir(), "plans.txt", []byte("the plans"))
		to := oscar.loginTo(v) + "@" + gatewayHost
		copyTo := func() Result {
			args := append(append([]string{}, flags(oscar.sshOptions(t))...), file, to+":"+t.TempDir()+"/copy")
			r := tool(t, "", nil, "scp", args...)
			w.ended(v)
			return r
		}
		if r := copyTo(); r.Code != 0 {
			t.Fatalf("a copy that the safe allows: %s", r)
		}
		w.policy(`@file_transfer("block") permit (principal, action == Action::"session.launch", resource);`, v)
		r := copyTo()
		if r.Code == 0 {
			t.Errorf("a copy that the policy blocks: %s", r)
		}
		sentence(t, r.Stderr, "VaultPAM", "file transfer")
		oscar.succeeds(t, v, "true")
		w.ended(v)
	})
}

// The form writes Cedar, and reads back what it wrote; an expert's text stays text.
func TestFormsAndHistoryOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared(t, SQLite))
	v := w.safe(host(t), nil)
	form := obj{"effect": "deny", "unless": true, "hours": []any{"mon-fri 08:00-18:00 Europe/Vienna"}, "mfa_within_seconds": 900.0, "message": "office hours"}
	p := get[accessPolicy](t, w.Owner.Client, "POST", "/org/policies", obj{"name": "hours", "form": form, "safes": []string{v.ID}})
	if fmt.Sprint(p.Form["hours"], p.Form["mfa_within_seconds"], p.Form["message"]) != fmt.Sprint(form["hours"], form["mfa_within_seconds"], form["message"]) || !strings.Contains(p.Text, "Europe/Vienna") {
		t.Errorf("%+v", p)
	}
	p = get[accessPolicy](t, w.Owner.Client, "PATCH", "/org/policies/"+p.ID, obj{"text": `forbid (principal, action, resource) when { principal.handle like "*-admin" };`, "version": p.Version, "comment": "by hand"})
	if p.Form != nil || p.Version != 2 {
		t.Errorf("%+v", p)
	}
	e := w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", TargetID: p.ID, Where: obj{"assignment_change": "edited"}, Meta: obj{"safe_id": v.ID, "weakened_controls": []any{"conditions"}}})
	_ = e
	for body, code := range map[string]string{`permit (principal, action, resource) when { context.nothing };`: "POLICY_INVALID", `permit`: "POLICY_INVALID"} {
		a := w.Owner.do(t, "POST", "/org/policies/check", obj{"text": body})
		var pr Problem
		a.into(t, &pr)
		if pr.Code != code {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	if a := w.Owner.do(t, "PATCH", "/org/policies/"+p.ID, obj{"enabled": false, "version": 1}); a.Status != 409 {
		t.Errorf("a stale version: %d %s", a.Status, a.Body)
	}
	back := get[accessPolicy](t, w.Owner.Client, "POST", "/org/policies/"+p.ID+"/restore", obj{"version": 1})
	if back.Version != 3 || back.Form == nil {
		t.Errorf("%+v", back)
	}
	h := get[Page[struct {
		Version int64
		Change  string
	}]](t, w.Owner.Client, "GET", "/org/policies/"+p.ID+"/versions", nil)
	if len(h.Items) != 3 || h.Items[0].Change != "restored" || h.Items[2].Change != "created" {
		t.Errorf("%+v", h.Items)
	}
	for _, list := range []string{"/org/policies/templates", "/org/access/who-can?safe=" + v.ID, "/org/access/what-can?user=" + w.Owner.ID, "/org/policies?safe=" + v.ID} {
		w.Owner.must(t, "GET", list, nil)
	}
}

// What a proposal would have changed is found among the launches that were.
func TestSimulationReplaysRealLaunches(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		oscar.succeeds(t, v, "true")
		w.ended(v)
		type result struct {
			Launches, Changed int
			By                map[string]int
			Examples          []struct {
				User  struct{ ID string }
				Would struct{ Why string }
			}
		}
		r := get[result](t, w.Owner.Client, "POST", "/org/access/simulate", obj{"days": 1, "policies": []any{obj{"text": denied, "safes": []string{v.ID}}}})
		if r.Launches < 1 || r.Changed != r.Launches || r.By["allow to deny"] != r.Changed || r.Examples[0].User.ID != oscar.ID || r.Examples[0].Would.Why != "policy_denied" {
			t.Errorf("%+v", r)
		}
		r = get[result](t, w.Owner.Client, "POST", "/org/access/simulate", obj{"days": 1, "members": []any{obj{"safe_id": v.ID, "user_id": oscar.ID, "role": ""}}})
		if r.Changed < 1 {
			t.Errorf("without the member: %+v", r)
		}
		mara := w.add("operator")
		team := w.group(mara)
		w.Owner.must(t, "POST", "/safes/"+v.ID+"/groups", obj{"group_id": team, "role": "user"})
		mara.succeeds(t, v, "true")
		w.ended(v)
		for what, change := range map[string]obj{
			"leaves":  {"group_members": []any{obj{"group_id": team, "user_id": mara.ID, "in": false}}},
			"unbound": {"group_roles": []any{obj{"group_id": team, "safe_id": v.ID, "role": ""}}},
			"deleted": {"deleted_groups": []any{team}},
		} {
			change["days"] = 1
			if r = get[result](t, w.Owner.Client, "POST", "/org/access/simulate", change); r.Changed != 1 || r.Examples[0].User.ID != mara.ID || r.Examples[0].Would.Why != "not_permitted" {
				t.Errorf("%s: %+v", what, r)
			}
		}
		change := obj{"days": 1, "group_members": []any{obj{"group_id": team, "user_id": oscar.ID, "in": true}}, "members": []any{obj{"safe_id": v.ID, "user_id": oscar.ID, "role": ""}}}
		if r = get[result](t, w.Owner.Client, "POST", "/org/access/simulate", change); r.Changed != 0 {
			t.Errorf("who joins a group has what it brings: %+v", r)
		}
		w.Owner.refused(t, 404, "NOT_FOUND", "POST", "/org/access/simulate", obj{"days": 1, "deleted_groups": []any{"grp_unknown"}})
		mara.succeeds(t, v, "true")
		w.ended(v)
		oscar.succeeds(t, v, "true") // nothing was changed
		w.ended(v)
	})
}

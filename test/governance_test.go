package test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Sensitive changes wait for a second person.

// govAction is an action as the API tells of it.
type govAction struct {
	ID, Kind, State, Summary, Comment string
	OrgID                             string `json:"org_id"`
	Changes                           []struct{ Field, From, To string }
	Digest                            string `json:"payload_digest"`
	Effect                            string `json:"effect_event"`
	Superseded                        string `json:"superseded_because"`
	OutOfDate                         string `json:"out_of_date"`
	Mine                              bool
}

// waits makes a change that has to wait, and gives its action.
func waits(t testing.TB, c *Client, method, path string, body any) govAction {
	t.Helper()
	a := c.do(t, method, path, body)
	var w struct {
		Detail string
		Action govAction `json:"governance_action"`
	}
	a.into(t, &w)
	if a.Status != 202 || w.Action.ID == "" || w.Action.State != "open" || !strings.Contains(w.Detail, w.Action.ID) {
		t.Fatalf("%s %s does not wait: %d %s", method, path, a.Status, a.Body)
	}
	return w.Action
}

// approves has somebody else agree to an action.
func (p *Person) approves(t testing.TB, g govAction) govAction {
	t.Helper()
	return get[govAction](t, p.Client, "POST", "/org/governance/actions/"+g.ID+"/approve", obj{"comment": "as agreed"})
}

func notRecorded() obj { return obj{"recording": false, "record_input": false} }

func isRecorded(t testing.TB, c *Client, v *Safe) bool {
	t.Helper()
	return get[struct{ Policy struct{ Recording bool } }](t, c, "GET", "/safes/"+v.ID, nil).Policy.Recording
}

// Who made the token of a service account has seen it: of two who must agree, they are one.
func TestServiceAccountAndItsIssuerAreOnePerson(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		u, v := w.safe(host(t), nil), w.safe(host(t), obj{"approvals": 1})
		adam, mara := w.add("admin"), w.add("operator")
		robot := w.Owner.issues(t, "runner", "admin", "*")
		w.join(v, &Person{ID: robot.ID}, "user")
		w.join(v, w.Owner, "user")
		w.join(v, mara, "approver")

		g := waits(t, robot.Client, "PUT", "/safes/"+u.ID+"/policy", notRecorded())
		path := "/org/governance/actions/" + g.ID
		s.letter(t, adam.Email, notify.GovernanceWaitingKind, 1)
		s.letter(t, w.Owner.Email, notify.GovernanceWaitingKind, 0)
		if !get[govAction](t, w.Owner.Client, "GET", path, nil).Mine || get[govAction](t, adam.Client, "GET", path, nil).Mine {
			t.Error("whose the action is")
		}
		w.Owner.refused(t, 403, "SELF_APPROVAL", "POST", path+"/approve", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: w.Owner.ID, TargetID: g.ID,
			Meta: obj{"case_kind": "governance_action", "requester_id": robot.ID, "decided_via": "direct"}})
		adam.approves(t, g)

		// Requests for access: neither decides about the other, and together they are one of two.
		r := robot.asksFor(t, v, nil)
		if list[obj](t, w.Owner.Client, "/access/requests?to_decide=true") != nil {
			t.Error("the issuer is asked")
		}
		w.Owner.refused(t, 403, "SELF_APPROVAL", "POST", "/access/requests/"+r.ID+"/approve", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: w.Owner.ID, TargetID: r.ID,
			Meta: obj{"case_kind": "access_request", "requester_id": robot.ID, "decided_via": "direct"}})
		mara.decides(t, r, "approve", nil)

		own := w.Owner.asksFor(t, v, nil)
		robot.refused(t, 403, "SELF_APPROVAL", "POST", "/access/requests/"+own.ID+"/approve", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", TargetID: own.ID,
			Meta: obj{"case_kind": "access_request", "requester_id": w.Owner.ID, "decided_via": "api_token"}})
	})
}

func TestRecordingIsTurnedOffByTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		v := w.safe(host(t), nil)
		adam, audrey, oscar := w.person("admin"), w.person("auditor"), w.person("operator")
		g := waits(t, w.Owner.Client, "PUT", "/safes/"+v.ID+"/policy", notRecorded())
		if !isRecorded(t, adam.Client, v) {
			t.Fatal("recording is off before anybody agreed")
		}
		asked := w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "GovernanceAction", TargetID: g.ID, IP: w.Owner.Source,
			Meta: obj{"action_kind": "recording_off", "summary": "turn recording off on the safe " + v.Name, "payload_digest": g.Digest, "expires_at": present}})
		w.hasNone(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", Where: obj{"assignment_change": "edited"}})
		l := s.letter(t, adam.Email, notify.GovernanceWaitingKind, 1)
		if link, token := l.Link(); token != "" || link.Path != "/organization/governance/"+g.ID || !strings.Contains(l.Text, "recording: on -> off") {
			t.Errorf("%+v", l)
		}
		seen := get[govAction](t, audrey.Client, "GET", "/org/governance/actions/"+g.ID, nil)
		if len(seen.Changes) != 2 || seen.Changes[0].Field != "recording" || seen.Changes[0].From != "on" || seen.Changes[0].To != "off" || seen.Mine {
			t.Errorf("%+v", seen)
		}

		// Asked for twice, decided by who asked, by a token of theirs, by others who may not.
		w.Owner.refused(t, 409, "GOVERNANCE_DUPLICATE", "PUT", "/safes/"+v.ID+"/policy", notRecorded())
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", Outcome: "denied", Reason: "duplicate_open_action", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "GovernanceAction"})
		path := "/org/governance/actions/" + g.ID
		w.Owner.refused(t, 403, "SELF_APPROVAL", "POST", path+"/approve", obj{})
		self := Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: w.Owner.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: g.ID,
			Where: obj{"decided_via": "direct"}, Meta: obj{"case_kind": "governance_action", "case_id": g.ID, "requester_id": w.Owner.ID}}
		if e := w.saw(self); e.Severity != "CRITICAL" {
			t.Errorf("a self-approval is %s", e.Severity)
		}
		_, token := w.Owner.token(t, "*")
		token.refused(t, 403, "SELF_APPROVAL", "POST", path+"/reject", obj{})
		self.Where, self.Actor = obj{"decided_via": "api_token"}, "ServiceAccount"
		w.saw(self)
		for _, who := range []*Person{audrey, oscar} {
			who.refused(t, 403, "NOT_PERMITTED", "POST", path+"/approve", obj{})
		}
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: g.ID})
		adam.proved(t, time.Hour)
		adam.refused(t, 403, "STEP_UP_REQUIRED", "POST", path+"/approve", obj{})
		adam.proved(t, 0)

		done := adam.approves(t, g)
		if done.State != "approved" || isRecorded(t, adam.Client, v) {
			t.Fatalf("%+v", done)
		}
		effect := w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Where: obj{"assignment_change": "edited"},
			Meta: obj{"safe_id": v.ID, "governance_action_id": g.ID, "weakened_controls": []string{"recording", "record_input"}}})
		approved := w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: g.ID,
			Meta: obj{"action_kind": "recording_off", "requester_id": w.Owner.ID, "effect_event": effect.ID, "waited_seconds": present, "comment": "as agreed"}})
		if approved.RequestID != effect.RequestID || approved.RequestID == asked.RequestID || done.Effect != effect.ID {
			t.Errorf("the approval does not belong to its effect: %+v %+v", approved, effect)
		}
		s.letter(t, w.Owner.Email, notify.GovernanceDecidedKind, 1)
		adam.refused(t, 409, "GOVERNANCE_CLOSED", "POST", path+"/approve", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", Outcome: "denied", Reason: "action_closed", ActorID: adam.ID, TargetID: g.ID})
	})
}

func TestActionsEndWithoutEffect(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam := w.person("admin")
		v := w.safe(host(t), nil)
		off := func() govAction { return waits(t, w.Owner.Client, "PUT", "/safes/"+v.ID+"/policy", notRecorded()) }
		ended := func(g govAction, state, reason, actor, by string, more obj) govAction {
			t.Helper()
			meta := obj{"action_kind": "recording_off", "requester_id": w.Owner.ID, "waited_seconds": present}
			for k, v := range more {
				meta[k] = v
			}
			w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "success", Reason: reason, ActorID: by, Actor: actor, Target: "GovernanceAction", TargetID: g.ID, Meta: meta})
			is := get[govAction](t, adam.Client, "GET", "/org/governance/actions/"+g.ID, nil)
			if is.State != state || !isRecorded(t, adam.Client, v) {
				t.Errorf("%s: %+v", reason, is)
			}
			return is
		}
		g := off()
		w.person("operator").refused(t, 403, "NOT_PERMITTED", "POST", "/org/governance/actions/"+g.ID+"/reject", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: w.person("operator").ID, TargetID: g.ID})
		adam.proved(t, time.Hour)
		adam.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/org/governance/actions/"+g.ID+"/reject", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: adam.ID, TargetID: g.ID})
		adam.proved(t, 0)
		adam.must(t, "POST", "/org/governance/actions/"+g.ID+"/reject", obj{"comment": "why?"})
		ended(g, "rejected", "rejected", "OrgAdmin", adam.ID, obj{"comment": "why?"})

		g = off()
		adam.refused(t, 403, "NOT_PERMITTED", "POST", "/org/governance/actions/"+g.ID+"/withdraw", obj{})
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: adam.ID, Actor: "OrgAdmin", TargetID: g.ID})
		w.Owner.must(t, "POST", "/org/governance/actions/"+g.ID+"/withdraw", obj{"comment": "not needed"})
		ended(g, "withdrawn", "withdrawn", "OrgAdmin", w.Owner.ID, obj{"comment": "not needed"})

		// What has ended refuses whoever comes later, and each of them is told of.
		for verb, who := range map[string]*Person{"reject": w.add("admin"), "withdraw": w.Owner} {
			who.refused(t, 409, "GOVERNANCE_CLOSED", "POST", "/org/governance/actions/"+g.ID+"/"+verb, obj{})
			w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: who.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: g.ID,
				Meta: obj{"action_kind": "recording_off", "requester_id": w.Owner.ID, "waited_seconds": present}})
		}

		g = off()
		s.outside(t, `update governance_action set expires_at = $1 where id = $2`, time.Now().Add(-time.Second).UnixMicro(), g.ID)
		adam.refused(t, 409, "GOVERNANCE_CLOSED", "POST", "/org/governance/actions/"+g.ID+"/approve", obj{})
		ended(g, "expired", "expired", "System", "", nil)

		g = off()
		w.Owner.must(t, "PUT", "/safes/"+v.ID+"/policy", obj{"max_sessions": 3})
		if now := get[govAction](t, adam.Client, "GET", "/org/governance/actions/"+g.ID, nil); now.State != "open" || now.OutOfDate != "max_sessions was 0 and is 3 now" {
			t.Errorf("%+v", now)
		}
		a := adam.refused(t, 409, "GOVERNANCE_STALE", "POST", "/org/governance/actions/"+g.ID+"/approve", obj{})
		if !strings.Contains(a.Detail, "max_sessions was 0 and is 3 now") {
			t.Errorf("it does not say what changed: %s", a.Detail)
		}
		is := ended(g, "superseded", "superseded", "System", "", obj{"comment": present})
		if !strings.Contains(is.Superseded, "max_sessions") {
			t.Errorf("%+v", is)
		}
		g = off()
		s.outside(t, `update member set role = 'operator' where org_id = $1 and user_id = $2`, w.Org, w.Owner.ID) // who asked may not any more
		adam.refused(t, 409, "GOVERNANCE_STALE", "POST", "/org/governance/actions/"+g.ID+"/approve", obj{})
		s.outside(t, `update member set role = 'owner' where org_id = $1 and user_id = $2`, w.Org, w.Owner.ID)
		ended(g, "superseded", "superseded", "System", "", obj{"comment": present})
	})
}

func TestTheMFADemandOwnersAndTheEndNeedTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		// Alone nobody waits.
		w.Owner.must(t, "PATCH", "/org/settings", obj{"require_mfa": true})
		w.Owner.must(t, "PATCH", "/org/settings", obj{"require_mfa": false})
		w.Owner.must(t, "PATCH", "/org/settings", obj{"require_mfa": true})
		adam := w.person("admin")
		g := waits(t, adam.Client, "PATCH", "/org/settings", obj{"require_mfa": false, "web_idle_minutes": 30})
		w.Owner.approves(t, g)
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: adam.ID, Actor: "TenantAdmin", Where: obj{"setting_group": "mfa"},
			Meta: obj{"governance_action_id": g.ID, "weakened_controls": []string{"require_mfa"}}})
		got := get[obj](t, adam.Client, "GET", "/org/settings", nil)
		if got["require_mfa"] != false || got["web_idle_minutes"] != 30.0 {
			t.Errorf("%v", got)
		}

		ada := w.add("operator")
		g = waits(t, w.Owner.Client, "PUT", "/org/members/"+ada.ID+"/role", obj{"role": "owner"})
		adam.approves(t, g)
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Where: obj{"subject_user_id": ada.ID, "new_role": "owner"}, Meta: obj{"old_role": "operator", "privilege_raised": true}})
		w.Owner.refused(t, 409, "NEEDS_SECOND_PERSON", "POST", "/org/members", obj{"email": "x" + random(5) + "@example.com", "handle": "x" + random(5), "name": "X", "role": "owner", "password": newSecret("password")})

		g = waits(t, w.Owner.Client, "POST", "/org/delete", obj{"confirm": w.Slug})
		w.export(t) // while it can still be read
		if done := adam.approves(t, g); done.State != "approved" {
			t.Errorf("%+v", done)
		}
		w.gone = true
		adam.refused(t, 403, "NOT_PERMITTED", "GET", "/safes", nil)
	})
}

func TestThePlatformDecidesWhereNobodyElseCan(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		v := w.safe(host(t), nil)
		w.Owner.must(t, "PATCH", "/org/settings", obj{"governance_always": true})
		g := waits(t, w.Owner.Client, "PUT", "/safes/"+v.ID+"/policy", notRecorded())
		s.Root.proved(t, 0)
		root := s.Root.Client
		seen := list[govAction](t, root, "/platform/governance/actions?state=open&org_id="+w.Org)
		if len(seen) != 1 || seen[0].ID != g.ID || seen[0].OrgID != w.Org {
			t.Fatalf("%+v", seen)
		}
		view := Want{Constant: "PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "GovernanceAction",
			Where: obj{"filters": []string{"state=open", "org=" + w.Org}}, Meta: obj{"rows_returned": 1}}
		w.saw(view)
		view.Meta = obj{"rows_returned": 1, "orgs_shown": 1}
		s.saw(t, view)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/governance/actions?kind="+random(5), nil)
		s.saw(t, Want{Constant: "PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID, Target: "GovernanceAction"})
		done := get[govAction](t, root, "POST", "/platform/governance/actions/"+g.ID+"/approve", obj{})
		if done.State != "approved" || isRecorded(t, w.Owner.Client, v) {
			t.Errorf("%+v", done)
		}
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "GovernanceAction", TargetID: g.ID, Meta: obj{"requester_id": w.Owner.ID}})
	})
}

func TestTheQueueIsExported(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam, oscar := w.person("admin"), w.person("operator")
		v := w.safe(host(t), nil)
		g := waits(t, w.Owner.Client, "PUT", "/safes/"+v.ID+"/policy", notRecorded())
		adam.must(t, "POST", "/org/governance/actions/"+g.ID+"/reject", obj{"comment": "=cmd|' /C calc'!A0"})
		a := adam.must(t, "GET", "/org/governance/export?format=csv", nil)
		rows, err := csv.NewReader(strings.NewReader(string(a.Body))).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][0] != g.ID || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
			t.Fatalf("%v %s", err, a.Body)
		}
		if !strings.Contains(strings.Join(rows[1], "\n"), "\n'=cmd|") {
			t.Errorf("a formula is alive: %q", rows[1])
		}
		told := Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", Where: obj{"export_format": "csv"},
			Meta: obj{"export_id": present, "cross_org": false, "row_count": 1, "file_sha256": present}}
		if x, y := w.saw(told), s.saw(t, told); x.RequestID != y.RequestID {
			t.Error("the two ledgers tell of two exports")
		}
		var file struct{ Items []govAction }
		if err := json.Unmarshal(adam.must(t, "GET", "/org/governance/export?state=rejected", nil).Body, &file); err != nil || len(file.Items) != 1 || file.Items[0].ID != g.ID {
			t.Errorf("%v %+v", err, file)
		}
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", "/org/governance/export", nil)
		w.saw(Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		s.Root.must(t, "GET", "/platform/governance/export?format=json", nil)
		w.saw(Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "GovernanceAction", Meta: obj{"cross_org": true, "row_count": 1}})
		one := func(org string) []govAction {
			t.Helper()
			if err := json.Unmarshal(s.Root.must(t, "GET", "/platform/governance/export?org_id="+org, nil).Body, &file); err != nil {
				t.Fatal(err)
			}
			return file.Items
		}
		if own, other := one(w.Org), one(newWorld(t, s).Org); len(own) != 1 || own[0].ID != g.ID || len(other) != 0 {
			t.Errorf("the organization's queue has %+v, another's %+v", own, other)
		}
	})
}

func TestGovernanceByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam := w.person("admin")
		v := w.safe(host(t), nil)
		ask := s.prompt(t, adam.Client)
		off := func() string {
			t.Helper()
			r := s.types(t, w.Owner.Client, t.TempDir(), "", "safes", "policy", v.Name, "--no-recording", "--no-record-input")
			if r.Code != 9 || strings.Count(r.Stdout, "\n") != 1 {
				t.Fatalf("%s", r)
			}
			return list[govAction](t, w.Owner.Client, "/org/governance/actions?state=open")[0].ID
		}
		g := off()
		ask.says(t, g+" "+w.Owner.Handle, "governance", "list")
		ask.says(t, "recording on off", "governance", "show", g)
		ask.says(t, "Rejected", "governance", "reject", g, "--comment", "no")
		g = off()
		s.prompt(t, w.Owner.Client).says(t, "Withdrawn", "governance", "withdraw", g)
		g = off()
		ask.says(t, "Approved", "governance", "approve", g)
		ask.says(t, g, "governance", "export", "--format", "csv")
		if isRecorded(t, adam.Client, v) {
			t.Error("recording is still on")
		}
	})
}

func TestInvitedOwnersAndShorterRetentionNeedTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam := w.person("admin")
		mail := "o-" + random(5) + "@example.com"
		g := waits(t, w.Owner.Client, "POST", "/org/invitations", obj{"email": mail, "role": "owner"})
		if len(s.letters(t, mail)) != 0 {
			t.Error("the invitation was sent before anybody agreed")
		}
		adam.approves(t, g)
		secrets.add("invitation link", s.link(t, mail, "invitation", 1))
		w.saw(Want{Constant: "INVITATION_SENT", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Invitation", Where: obj{"invitee_email": mail}, Meta: obj{"role": "owner"}})

		const keep = "/org/settings/recording-retention"
		adam.must(t, "PUT", keep, obj{"recording_days": 400}) // longer needs nobody
		g = waits(t, adam.Client, "PUT", keep, obj{"recording_days": 30})
		if got := get[obj](t, adam.Client, "GET", "/org/settings", nil); got["recording_days"] != 400.0 {
			t.Errorf("%v", got)
		}
		w.Owner.approves(t, g)
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: adam.ID, Actor: "TenantAdmin", Target: "Policy", Where: obj{"new_days": 30},
			Meta: obj{"data_class": "recordings", "old_days": 400, "shortened": true, "legal_hold": "unchanged", "governance_action_id": g.ID}})
		g = waits(t, adam.Client, "PUT", keep, obj{"recording_days": 10})
		w.Owner.must(t, "PUT", keep, obj{"recording_days": 60})
		w.Owner.refused(t, 409, "GOVERNANCE_STALE", "POST", "/org/governance/actions/"+g.ID+"/approve", obj{})
	})
}

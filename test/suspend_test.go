package test

import (
	"testing"
	"time"
)

// Members who are shut out of an organization for a time.

func TestSuspendedMembersAreShutOut(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara, admin := w.person("operator"), w.add("operator"), w.person("admin")
		v := w.safe(host(t), nil, oscar)
		_, robot := oscar.token(t, "safes:read")
		at := func(p *Person, what string) string { return "/org/members/" + p.ID + "/" + what }

		mara.refused(t, 403, "NOT_PERMITTED", "POST", at(oscar, "suspend"), nil)
		w.saw(Want{Constant: "MEMBER_SUSPENDED", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Actor: "TenantAdmin", Target: "Tenant", Meta: obj{"subject_user_id": oscar.ID}})
		admin.refused(t, 403, "ROLE_ABOVE_ACTOR", "POST", at(w.Owner, "suspend"), nil)
		w.saw(Want{Constant: "MEMBER_SUSPENDED", Outcome: "denied", Reason: "role_above_actor", ActorID: admin.ID, Meta: obj{"subject_user_id": w.Owner.ID, "role": "owner"}})
		w.Owner.refused(t, 409, "SELF_SUSPENSION", "POST", at(w.Owner, "suspend"), nil)
		w.saw(Want{Constant: "MEMBER_SUSPENDED", Outcome: "denied", Reason: "self_suspension_forbidden", ActorID: w.Owner.ID})
		oscar.must(t, "GET", "/safes", nil)

		inTime(t, "a suspended member", func() time.Duration {
			oscar.Client = oscar.signIn(t)
			live := oscar.open(t, v)
			x := w.session(v)
			if r := s.cli(t, adminToken(t, admin), "members", "suspend", oscar.Handle, "--comment", "on leave", "--yes"); r.Code != 0 {
				t.Fatalf("suspend: %s", r)
			}
			sentence(t, live.wait().Stderr, "Session ended")
			end := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
			took := w.sinceLost("MEMBER_SUSPENDED", obj{"subject_user_id": oscar.ID, "role": "operator"}, end)
			oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
			robot.refused(t, 401, "AUTH_FAILED", "GET", "/safes", nil)
			if r := oscar.ssh(t, v, nil, "echo in").wait(); r.Code != 255 || r.Stdout != "" {
				t.Errorf("a suspended member by SSH: %s", r)
			}
			if m := member(t, w, oscar); m.Active || m.SuspendedAt.IsZero() || m.Role != "operator" {
				t.Errorf("listed as %+v", m)
			}
			if r := s.cli(t, adminToken(t, admin), "members", "resume", oscar.Handle); r.Code != 0 {
				t.Fatalf("resume: %s", r)
			}
			return took
		})
		w.saw(Want{Constant: "MEMBER_SUSPENDED", ActorID: admin.ID, Actor: "ServiceAccount", Target: "Tenant", TargetID: w.Org,
			Meta: obj{"subject_user_id": oscar.ID, "role": "operator", "sessions_ended": present, "comment": "on leave"}})
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "suspended", Where: obj{"subject_user_id": oscar.ID}})
		w.saw(Want{Constant: "MEMBER_RESUMED", ActorID: admin.ID, Target: "Tenant", TargetID: w.Org, Meta: obj{"subject_user_id": oscar.ID, "role": "operator", "suspended_seconds": present}})

		oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil) // a sign-in does not come back
		robot.must(t, "GET", "/safes", nil)
		if out := oscar.succeeds(t, v, "echo in"); out != "in\n" {
			t.Errorf("a resumed member's session: %q", out)
		}
		w.Owner.refused(t, 409, "MEMBER_STATE", "POST", at(oscar, "resume"), nil)
		mara.refused(t, 403, "NOT_PERMITTED", "POST", at(oscar, "resume"), nil)
		w.saw(Want{Constant: "MEMBER_RESUMED", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID})

		second := w.add("operator")
		admin.approves(t, waits(t, w.Owner.Client, "PUT", at(second, "role"), obj{"role": "owner"}))
		w.Owner.must(t, "POST", at(second, "suspend"), nil)
		w.Owner.refused(t, 409, "LAST_OWNER", "PUT", at(w.Owner, "role"), obj{"role": "admin"}) // who is suspended does not count
		w.Owner.must(t, "POST", at(second, "resume"), nil)
	})
}

// A suspension is of one organization: the person's other ones do not notice.
func TestSuspensionIsOfOneOrganization(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar := w.person("operator")
		other.Owner.must(t, "POST", "/org/members", obj{"email": oscar.Email, "handle": oscar.Handle, "role": "operator"})
		far := other.safe(host(t), nil, oscar)
		abroad := *oscar
		abroad.Client = oscar.in(other.Org)
		elsewhere, _ := abroad.openFrom(t, far)
		w.Owner.must(t, "POST", "/org/members/"+oscar.ID+"/suspend", nil)
		abroad.must(t, "GET", "/safes", nil)
		oscar.in(w.Org).refused(t, 404, "NOT_FOUND", "GET", "/safes", nil)
		if elsewhere.ended() {
			t.Error("a session in another organization ended with it")
		}
		elsewhere.Stdin.Close()
		elsewhere.wait()
		other.hasNone(Want{Constant: "MEMBER_SUSPENDED"})
	})
}

type memberItem struct {
	UserID      string `json:"user_id"`
	Role        string
	Active      bool
	SuspendedAt time.Time `json:"suspended_at"`
}

// member is how the list of members shows somebody.
func member(t testing.TB, w *World, p *Person) memberItem {
	t.Helper()
	for _, m := range list[memberItem](t, w.Owner.Client, "/org/members") {
		if m.UserID == p.ID {
			return m
		}
	}
	t.Fatalf("%s is no member", p.Handle)
	return memberItem{}
}

// adminToken is an API token that manages members.
func adminToken(t testing.TB, p *Person) *Client {
	t.Helper()
	_, c := p.token(t, "members:read", "members:write")
	return c
}

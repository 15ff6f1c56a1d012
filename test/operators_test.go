package test

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
)

// Who operates the installation: invited by mail, changed and removed by each other.

// mailedLink waits for the newest message of a kind to an address, and gives the
// token of its link.
func (s *Server) mailedLink(t testing.TB, kind notify.Kind, email string, n int) string {
	t.Helper()
	var found []notifytest.Letter
	eventually(t, "the message "+string(kind)+" to "+email, func() bool {
		all, err := notifytest.ReadFolder(filepath.Join(s.Dir, "mail"))
		if err != nil {
			t.Fatal(err)
		}
		found = nil
		for _, l := range all {
			if l.Kind == kind && l.To == email {
				found = append(found, l)
			}
		}
		return len(found) >= n
	})
	_, token := found[len(found)-1].Link()
	token, err := url.PathUnescape(token)
	if err != nil || token == "" {
		t.Fatalf("no link in the message %q", found[len(found)-1].Text)
	}
	return token
}

type platformInvitation struct{ ID, Email, State string }

// operator invites somebody new to operate the installation, who accepts and enrols.
func (s *Server) operator(t testing.TB, role string) (*Person, platformInvitation) {
	t.Helper()
	p := s.newPerson("op")
	s.Root.proved(t, time.Minute)
	inv := get[platformInvitation](t, s.Root.Client, "POST", "/platform/invitations", obj{"email": p.Email, "role": role})
	token := s.mailedLink(t, notify.PlatformInvitationKind, p.Email, 1)
	flow := get[struct{ Flow string }](t, p.nobody(t), "POST", "/platform/invitations/start", obj{"token": token}).Flow
	secrets.add("invitation flow", flow)
	joined := get[struct {
		UserID string `json:"user_id"`
		Token  string `json:"access_token"`
	}](t, p.nobody(t), "POST", "/platform/invitations/accept", obj{"flow": flow, "handle": p.Handle, "name": "Operator", "password": p.Password})
	secrets.add("access token", joined.Token)
	p.ID, p.Client = joined.UserID, p.nobody(t).with(joined.Token)
	p.addTOTP(t)
	return p, inv
}

func TestOperatorsAreInvitedByMail(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		nora, inv := s.operator(t, "platform_auditor")
		s.saw(t, Want{Constant: "PLATFORM_USER_INVITED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Invitation", TargetID: inv.ID,
			Meta: obj{"invitee_email": nora.Email, "platform_role": "platform_auditor", "expires_at": present}})
		started := s.saw(t, Want{Constant: "INVITE_ACCEPT_STARTED", Actor: "User", Target: "Invitation", TargetID: inv.ID, Meta: obj{"invitation_scope": "platform", "flow_id": present}, IP: nora.Source})
		accepted := s.saw(t, Want{Constant: "PLATFORM_INVITATION_ACCEPTED", Actor: "User", Target: "Invitation", TargetID: inv.ID,
			Meta: obj{"member_user_id": nora.ID, "platform_role": "platform_auditor", "invited_by": s.Root.ID, "accepted_via": "link"}})
		s.saw(t, Want{Constant: "INVITE_ACCEPTED", Actor: "User", Target: "Invitation", TargetID: inv.ID,
			Meta: obj{"invitation_scope": "platform", "flow_id": started.Metadata["flow_id"], "identity_method": "password", "accepted_event": accepted.ID}})

		// An auditor reads, and leaves a trace; and changes nothing.
		rows := list[struct {
			UserID string `json:"user_id"`
			Role   string
			MFA    bool `json:"mfa_enrolled"`
		}](t, nora.Client, "/platform/users")
		found := false
		for _, r := range rows {
			found = found || r.UserID == nora.ID && r.Role == "platform_auditor" && r.MFA
		}
		if !found {
			t.Errorf("%s is not among the operators: %+v", nora.Handle, rows)
		}
		s.saw(t, Want{Constant: "PLATFORM_USERS_LISTED", ActorID: nora.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: "platform", Meta: obj{"read_via": "api", "rows_returned": len(rows)}})
		nora.must(t, "GET", "/platform/invitations?state=accepted", nil)
		s.saw(t, Want{Constant: "PLATFORM_INVITATIONS_LISTED", ActorID: nora.ID, Actor: "PlatformAdmin", Target: "Invitation", Where: obj{"filters": []string{"state=accepted"}}, Meta: obj{"rows_returned": present}})
		nora.refused(t, 403, "NOT_PERMITTED", "POST", "/platform/invitations", obj{"email": "x@example.com", "role": "platform_auditor"})
		s.saw(t, Want{Constant: "PLATFORM_USER_INVITE_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: nora.ID, Meta: obj{"rejected_by": "rule"}})
		nora.refused(t, 403, "NOT_PERMITTED", "DELETE", "/platform/users/"+s.Root.ID, nil)
		s.saw(t, Want{Constant: "PLATFORM_USER_REMOVED", Outcome: "denied", Reason: "not_permitted", ActorID: nora.ID})

		w := newWorld(t, s)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/users", nil)
		s.saw(t, Want{Constant: "PLATFORM_USERS_LISTED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID})
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/invitations", nil)
		s.saw(t, Want{Constant: "PLATFORM_INVITATIONS_LISTED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID})
	})
}

// Who operates the platform and belongs to an organization chooses where they act.
func TestOperatorsWhoAreMembersChooseThePlatform(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		w.Owner.in("platform").refused(t, 404, "NOT_FOUND", "GET", "/audit/events", nil)
		s.Root.proved(t, time.Minute)
		inv := get[platformInvitation](t, s.Root.Client, "POST", "/platform/invitations", obj{"email": w.Owner.Email, "role": "platform_auditor"})
		token := s.mailedLink(t, notify.PlatformInvitationKind, w.Owner.Email, 1)
		flow := get[struct{ Flow string }](t, w.Owner.nobody(t), "POST", "/platform/invitations/start", obj{"token": token}).Flow
		secrets.add("invitation flow", flow)
		w.Owner.nobody(t).refused(t, 401, "SIGN_IN_REQUIRED", "POST", "/platform/invitations/accept", obj{"flow": flow})
		w.Owner.must(t, "POST", "/platform/invitations/accept", obj{"flow": flow})
		s.saw(t, Want{Constant: "PLATFORM_INVITATION_ACCEPTED", ActorID: w.Owner.ID, Actor: "User", TargetID: inv.ID})
		for _, e := range list[Event](t, w.Owner.in("platform"), "/audit/events?constant=PLATFORM_INVITATION_ACCEPTED") {
			if e.OrgID != "" {
				t.Errorf("the platform's ledger shows an event of %s", e.OrgID)
			}
		}
		if a := w.Owner.in("platform").do(t, "GET", "/org/members", nil); a.Status == 200 {
			t.Errorf("on the platform there are members: %s", a.Body)
		}
		w.Owner.must(t, "GET", "/org/members", nil)
	})
}

func TestPlatformInvitationsGoWrong(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		s.Root.proved(t, time.Minute)
		p := s.newPerson("late")
		inv := get[platformInvitation](t, s.Root.Client, "POST", "/platform/invitations", obj{"email": p.Email, "role": "platform_admin"})
		first := s.mailedLink(t, notify.PlatformInvitationKind, p.Email, 1)
		s.Root.refused(t, 409, "OPEN_INVITATION", "POST", "/platform/invitations", obj{"email": " " + p.Email, "role": "platform_admin"})
		s.saw(t, Want{Constant: "PLATFORM_USER_INVITE_REJECTED", Outcome: "denied", Reason: "open_invitation", ActorID: s.Root.ID, Where: obj{"invitee_email": p.Email}})
		s.Root.refused(t, 409, "ALREADY_OPERATOR", "POST", "/platform/invitations", obj{"email": s.Root.Email, "role": "platform_admin"})
		s.Root.refused(t, 429, "RATE_LIMITED", "POST", "/platform/invitations/"+inv.ID+"/resend", nil)
		s.outside(t, `update platform_invitation set sent_at = sent_at - 120000000 where id = $1`, inv.ID)
		s.Root.must(t, "POST", "/platform/invitations/"+inv.ID+"/resend", nil)
		s.saw(t, Want{Constant: "INVITATION_RESENT", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: inv.ID, Meta: obj{"invitation_scope": "platform", "resend_count": 1}})
		second := s.mailedLink(t, notify.PlatformInvitationKind, p.Email, 2)
		bad := func(code, reason, token string) {
			t.Helper()
			p.nobody(t).refused(t, map[bool]int{true: 404, false: 409}[code == "INVITATION_UNKNOWN"], code, "POST", "/platform/invitations/look", obj{"token": token})
			s.saw(t, Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: reason, Actor: "User", Where: obj{"coalesced": 1}, From: p.Source, TargetID: map[bool]string{false: inv.ID}[code == "INVITATION_UNKNOWN"]})
		}
		bad("INVITATION_SUPERSEDED", "superseded", first)

		// Somebody else, signed in.
		flow := get[struct{ Flow string }](t, p.nobody(t), "POST", "/platform/invitations/start", obj{"token": second}).Flow
		secrets.add("invitation flow", flow)
		w := newWorld(t, s)
		w.Owner.refused(t, 403, "EMAIL_MISMATCH", "POST", "/platform/invitations/accept", obj{"flow": flow})
		s.saw(t, Want{Constant: "INVITE_EMAIL_MISMATCH_BLOCKED", Outcome: "denied", Reason: "email_mismatch", ActorID: w.Owner.ID, TargetID: inv.ID, Meta: obj{"presented_domain": "example.com", "invitee_email": p.Email}})

		// Seven days pass.
		s.outside(t, `update platform_invitation set expires_at = $1 where id = $2`, time.Now().UnixMicro(), inv.ID)
		bad("INVITATION_EXPIRED", "expired", second)
		s.saw(t, Want{Constant: "INVITATION_EXPIRED", Actor: "System", TargetID: inv.ID, Meta: obj{"invitation_scope": "platform", "invitee_email": p.Email, "resend_count": 1}})

		// Declined, and revoked.
		inv = get[platformInvitation](t, s.Root.Client, "POST", "/platform/invitations", obj{"email": p.Email, "role": "platform_admin"})
		third := s.mailedLink(t, notify.PlatformInvitationKind, p.Email, 3)
		p.nobody(t).must(t, "POST", "/platform/invitations/decline", obj{"token": third})
		s.saw(t, Want{Constant: "PLATFORM_USER_INVITE_REJECTED", Outcome: "denied", Reason: "declined_by_invitee", Actor: "User", Target: "Invitation", TargetID: inv.ID, Meta: obj{"rejected_by": "invitee", "invitee_email": p.Email}, IP: p.Source})
		bad("INVITATION_USED", "already_used", third)
		inv = get[platformInvitation](t, s.Root.Client, "POST", "/platform/invitations", obj{"email": p.Email, "role": "platform_admin"})
		fourth := s.mailedLink(t, notify.PlatformInvitationKind, p.Email, 4)
		s.Root.must(t, "DELETE", "/platform/invitations/"+inv.ID, nil)
		s.saw(t, Want{Constant: "INVITATION_REVOKED", Reason: "revoked_by_admin", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: inv.ID, Meta: obj{"invitation_scope": "platform"}})
		bad("INVITATION_REVOKED", "revoked", fourth)
		bad("INVITATION_UNKNOWN", "malformed", "nonsense")
		for _, r := range list[platformInvitation](t, s.Root.Client, "/platform/invitations") {
			if r.Email == p.Email && r.State == "accepted" {
				t.Errorf("a wrong turn made an operator: %+v", r)
			}
		}
	})
}

func TestOperatorsChangeEachOther(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		boss, _ := s.operator(t, "platform_admin") // whose time the other tests do not share
		anna, _ := s.operator(t, "platform_auditor")
		user := "/platform/users/" + anna.ID
		boss.proved(t, time.Hour)
		boss.refused(t, 403, "STEP_UP_REQUIRED", "PUT", user+"/role", obj{"role": "platform_admin"})
		s.saw(t, Want{Constant: "PLATFORM_USER_ROLE_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: boss.ID, Where: obj{"subject_user_id": anna.ID}})
		boss.proved(t, time.Minute)
		boss.must(t, "PUT", user+"/role", obj{"role": "platform_admin"})
		s.saw(t, Want{Constant: "PLATFORM_USER_ROLE_CHANGED", ActorID: boss.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: "platform",
			Where: obj{"subject_user_id": anna.ID}, Meta: obj{"old_role": "platform_auditor", "new_role": "platform_admin", "privilege_raised": true}})
		anna.refused(t, 409, "SELF_REMOVAL", "DELETE", user, nil)
		s.saw(t, Want{Constant: "PLATFORM_SELF_REMOVAL_BLOCKED", Outcome: "denied", Reason: "self_removal", ActorID: anna.ID, Actor: "PlatformAdmin", Target: "Tenant", Meta: obj{"subject_user_id": anna.ID, "platform_role": "platform_admin"}})
		anna.refused(t, 409, "SELF_RESET", "POST", user+"/mfa/reset", nil)
		s.saw(t, Want{Constant: "PLATFORM_USER_MFA_RESET", Outcome: "denied", Reason: "self_reset_forbidden", ActorID: anna.ID})

		boss.must(t, "POST", user+"/mfa/reset", nil)
		reset := s.saw(t, Want{Constant: "PLATFORM_USER_MFA_RESET", ActorID: boss.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: "platform",
			Where: obj{"subject_user_id": anna.ID}, Meta: obj{"methods_removed": []string{"backup_code", "totp"}, "sessions_ended": 1}})
		s.saw(t, Want{Constant: "MFA_SESSIONS_INVALIDATED", ActorID: boss.ID, Where: obj{"subject_user_id": anna.ID}, Meta: obj{"invalidation_cause": "factor_reset", "caused_by": reset.ID, "sessions_ended": 1}})
		anna.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		in := anna.login(t)
		if !in.Enrolment {
			t.Fatalf("after the reset the sign-in does not enrol: %+v", in)
		}
		anna.Client = anna.nobody(t).with(in.AccessToken)
		anna.addTOTP(t)
		anna.must(t, "GET", "/platform/users", nil)

		boss.proved(t, time.Minute)
		boss.must(t, "DELETE", user, nil)
		s.saw(t, Want{Constant: "PLATFORM_USER_REMOVED", ActorID: boss.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: "platform",
			Where: obj{"subject_user_id": anna.ID}, Meta: obj{"platform_role": "platform_admin", "sessions_ended": 1}})
		anna.refused(t, 401, "AUTH_FAILED", "GET", "/platform/users", nil)
		boss.refused(t, 404, "NOT_FOUND", "DELETE", user, nil)
	})
}

// The last administrator needs an installation of its own: the shared one has others.
func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := own(t, store)
			me := "/platform/users/" + s.Root.ID
			s.Root.refused(t, 409, "LAST_ADMIN", "DELETE", me, nil)
			s.saw(t, Want{Constant: "PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED", Outcome: "denied", Reason: "last_admin", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Tenant",
				Where: obj{"attempted": "remove"}, Meta: obj{"subject_user_id": s.Root.ID, "self": true}})
			s.Root.refused(t, 409, "LAST_ADMIN", "PUT", me+"/role", obj{"role": "platform_auditor"})
			s.saw(t, Want{Constant: "PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED", Outcome: "denied", Reason: "last_admin", Where: obj{"attempted": "demote"}})
			s.Root.refused(t, 409, "LAST_ADMIN", "POST", me+"/mfa/reset", nil)
			if e := s.saw(t, Want{Constant: "PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED", Outcome: "denied", Reason: "last_admin", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Tenant",
				Meta: obj{"subject_user_id": s.Root.ID, "self": true}}); e.Severity != "CRITICAL" {
				t.Errorf("it is told as %s", e.Severity)
			}
			s.Root.must(t, "GET", "/platform/users", nil)
		})
	}
}

// An operator sees that organizations exist, and nothing of what is in them.
func TestOperatorsSeeNothingOfAnOrganization(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		oscar.succeeds(t, v, "true")
		x := w.ended(v)
		c := s.Root.in(w.Org)
		for _, path := range []string{"/safes", "/resources", "/accounts", "/sessions", "/org/members", "/audit/events", "/safes/" + v.ID, "/sessions/" + x.ID, "/accounts/" + v.Account, "/resources/" + v.Resource} {
			if a := c.do(t, "GET", path, nil); a.Status != 404 {
				t.Errorf("an operator of the platform in an organization: GET %s: %d %s", path, a.Status, a.Body)
			}
			if a := s.Root.do(t, "GET", path, nil); a.Status == 200 && path != "/audit/events" {
				if n := len(get[Page[obj]](t, s.Root.Client, "GET", path, nil).Items); n > 0 {
					t.Errorf("an operator of the platform: GET %s shows %s", path, a.Body)
				}
			}
		}
		for _, e := range s.ledger().events(t, "", "target", w.Org) {
			if e.OrgID != "" {
				t.Errorf("the platform's ledger shows an event of %s", e.OrgID)
			}
		}
	})
}

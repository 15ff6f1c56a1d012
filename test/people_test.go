package test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
)

// How people come into an organization: by invitation, and by asking for one of their own.

// letters are the messages to an address, oldest first. The servers of these tests have no
// mail server, so they write files.
func (s *Server) letters(t testing.TB, to string) (out []notifytest.Letter) {
	t.Helper()
	all, err := notifytest.ReadFolder(filepath.Join(s.Dir, "mail"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.To == to {
			out = append(out, l)
		}
	}
	return out
}

// link waits for the n-th message of a kind to an address, and gives the token in its link.
func (s *Server) link(t testing.TB, to, kind string, n int) string {
	t.Helper()
	var found []notifytest.Letter
	eventually(t, kind+" for "+to, func() bool {
		found = slices.DeleteFunc(s.letters(t, to), func(l notifytest.Letter) bool { return string(l.Kind) != kind })
		return len(found) >= n
	})
	u, token := found[n-1].Link()
	if token == "" || strings.Contains(u.RawQuery, token) {
		t.Fatalf("the message has no link with a token in its fragment: %s", found[n-1].Text)
	}
	return token
}

// exec changes the database from outside, in place of a clock that nobody waits for.
func (s *Server) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	driver, url := "sqlite", "file:"+filepath.Join(s.Dir, "vaultpam.db")+"?_pragma=busy_timeout(15000)"
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok && s.Store == Postgres {
			driver, url = "pgx", v
		}
	}
	d, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := d.Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, _ := r.RowsAffected(); n == 0 {
		t.Fatalf("%s: changes nothing", statement)
	}
}

// cli runs the command line with the API token of c.
func (s *Server) cli(t testing.TB, c *Client, args ...string) Result {
	t.Helper()
	env := []string{"VAULTPAM_HOME=" + t.TempDir(), "VAULTPAM_BASE_URL=" + s.URL, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN=" + c.bearer}
	return spawn(t, "", env, theCommand(t), append(args, "--no-input")...).wait()
}

// signedInCLI signs p in with the command line, and gives what runs further commands.
func (s *Server) signedInCLI(t testing.TB, p *Person, home string) func(args ...string) Result {
	t.Helper()
	env := []string{"VAULTPAM_HOME=" + home, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN=", "VAULTPAM_PASSWORD=" + p.Password}
	run := func(args ...string) Result { return spawn(t, "", env, theCommand(t), args...).wait() }
	if r := run("login", "--url", s.URL, "--email", p.Email, "--code", p.code(t), "--no-input"); r.Code != 0 {
		t.Fatalf("login: %s", r)
	}
	return run
}

// invited sends an invitation and gives its id and the token of its link.
func (w *World) invited(c *Client, email string, more obj) (id, token string) {
	w.t.Helper()
	body := obj{"email": email, "role": "operator"}
	for k, v := range more {
		body[k] = v
	}
	id = get[struct{ ID string }](w.t, c, "POST", "/org/invitations", body).ID
	token = w.s.link(w.t, strings.ToLower(email), "invitation", 1)
	secrets.add("invitation link", token)
	return id, token
}

// flow begins to accept.
func flow(t testing.TB, c *Client, token string) (id, handle string) {
	t.Helper()
	f := get[struct {
		ID   string `json:"flow_id"`
		Flow string
	}](t, c, "POST", "/invitations/start", obj{"token": token})
	secrets.add("invitation flow", f.Flow)
	return f.ID, f.Flow
}

func TestInvitedPeopleComeIn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		v := w.safe(host(t), nil)
		nora := s.newPerson("operator")
		inv, token := w.invited(w.Owner.Client, strings.ToUpper(nora.Email), obj{"safes": []obj{{"safe_id": v.ID, "role": "user"}}})
		w.saw(Want{Constant: "INVITATION_SENT", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Invitation", TargetID: inv, IP: w.Owner.Source,
			Meta: obj{"invitee_email": nora.Email, "role": "operator", "safe_ids": []string{v.ID}, "expires_at": present}})

		seen := get[struct {
			Organization, Email, Role, Account string
		}](t, nora.nobody(t), "POST", "/invitations/look", obj{"token": token})
		if seen.Organization != "Test "+w.Slug || seen.Email != nora.Email || seen.Role != "operator" || seen.Account != "new" {
			t.Errorf("the landing page: %+v", seen)
		}
		w.hasNone(Want{Constant: "INVITE_ACCEPT_STARTED"}) // mail scanners look, too
		flowID, handle := flow(t, nora.nobody(t), token)
		w.saw(Want{Constant: "INVITE_ACCEPT_STARTED", Actor: "User", Target: "Invitation", TargetID: inv, Meta: obj{"invitation_scope": "org", "flow_id": flowID}, IP: nora.Source})

		accept := obj{"flow": handle, "handle": nora.Handle, "name": "Nora", "password": nora.Password}
		nora.nobody(t).refused(t, 422, "INVALID", "POST", "/invitations/accept", obj{"flow": handle, "handle": nora.Handle, "password": "short"})
		joined := get[struct {
			UserID   string   `json:"user_id"`
			SignedIn signedIn `json:"signed_in"`
		}](t, nora.nobody(t), "POST", "/invitations/accept", accept)
		secrets.add("access token", joined.SignedIn.AccessToken)
		if !joined.SignedIn.Enrolment {
			t.Errorf("somebody new may do more than enrol: %+v", joined)
		}
		e := w.saw(Want{Constant: "INVITATION_ACCEPTED", Actor: "User", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitee_email": nora.Email, "member_user_id": joined.UserID, "role": "operator", "accepted_via": "link", "flow_id": flowID}})
		done := w.saw(Want{Constant: "INVITE_ACCEPTED", Actor: "User", Target: "Invitation", TargetID: inv,
			Meta: obj{"flow_id": flowID, "accepted_event": e.ID, "identity_method": "password", "invitation_scope": "org", "flow_seconds": present}})
		if done.RequestID != e.RequestID {
			t.Error("the two events are not of one act")
		}
		w.hasNone(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Where: obj{"subject_user_id": joined.UserID}}) // the first role comes with the invitation
		w.saw(Want{Constant: "SAFE_MEMBER_ADDED", ActorID: w.Owner.ID, TargetID: v.ID, Where: obj{"subject_user_id": joined.UserID}, Meta: obj{"role": "user"}})

		nora.Client = nora.nobody(t).with(joined.SignedIn.AccessToken)
		nora.refused(t, 403, "MFA_ENROLMENT_REQUIRED", "GET", "/safes", nil)
		nora.addTOTP(t)
		nora.ID = joined.UserID
		nora.addKey(t)
		if out := nora.succeeds(t, v, "echo in"); out != "in\n" {
			t.Errorf("the invited person's session: %q", out)
		}
		w.ended(v)

		nora.nobody(t).refused(t, 409, "INVITATION_USED", "POST", "/invitations/start", obj{"token": token})
		w.saw(Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: "already_used", Actor: "User", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitation_scope": "org", "coalesced": 1}})
	})
}

// Each step of the flow, and each wrong turn: answer, event, state.
func TestInvitationsTakeNoWrongTurn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		admin, oscar := w.person("admin"), w.person("operator")
		eve := other.person("operator") // has an account, elsewhere
		pending := func(id string) {
			t.Helper()
			for _, i := range list[struct{ ID, State string }](t, w.Owner.Client, "/org/invitations?state=pending") {
				if i.ID == id {
					return
				}
			}
			t.Errorf("invitation %s is not pending any more", id)
		}
		send := obj{"email": "x-" + random(4) + "@example.com", "role": "operator"}
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/org/invitations", send)
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		admin.refused(t, 403, "ROLE_ABOVE_ACTOR", "POST", "/org/invitations", obj{"email": send["email"], "role": "owner"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "role_above_actor", ActorID: admin.ID})
		admin.refused(t, 409, "ALREADY_MEMBER", "POST", "/org/invitations", obj{"email": oscar.Email, "role": "operator"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "already_member", ActorID: admin.ID})
		inv, token := w.invited(admin.Client, eve.Email, nil)
		admin.refused(t, 409, "ALREADY_INVITED", "POST", "/org/invitations", obj{"email": strings.ToUpper(eve.Email), "role": "auditor"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "open_invitation", ActorID: admin.ID})
		other.Owner.refused(t, 404, "NOT_FOUND", "DELETE", "/org/invitations/"+inv, nil)

		_, f := flow(t, eve.nobody(t), token)
		eve.nobody(t).refused(t, 401, "SIGN_IN_REQUIRED", "POST", "/invitations/accept", obj{"flow": f, "handle": "eve-two", "password": newSecret("password")})
		oscar.refused(t, 403, "EMAIL_MISMATCH", "POST", "/invitations/accept", obj{"flow": f})
		w.saw(Want{Constant: "INVITE_EMAIL_MISMATCH_BLOCKED", Outcome: "denied", Reason: "email_mismatch", ActorID: oscar.ID, Actor: "User", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitee_email": eve.Email, "presented_domain": "example.com", "flow_id": present, "invitation_scope": "org"}})
		_, robot := eve.token(t, "safes:read")
		robot.refused(t, 403, "NOT_PERMITTED", "POST", "/invitations/accept", obj{"flow": f})
		invented := "vpif_" + token[5:]
		eve.refused(t, 404, "INVITATION_UNKNOWN", "POST", "/invitations/accept", obj{"flow": invented})
		s.saw(t, Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: "unknown", Actor: "User", IP: eve.Source, Where: obj{"invitation_scope": "unknown"}})
		pending(inv)

		// Who invited is no administrator any more.
		w.Owner.must(t, "PUT", "/org/members/"+admin.ID+"/role", obj{"role": "operator"})
		eve.refused(t, 403, "INVITER_LOST_RIGHT", "POST", "/invitations/accept", obj{"flow": f})
		w.saw(Want{Constant: "INVITATION_ACCEPT_BLOCKED", Outcome: "denied", Reason: "inviter_lost_right", ActorID: eve.ID, Actor: "User", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitee_email": eve.Email, "accepted_via": "link", "flow_id": present, "invitation_scope": "org"}})
		w.Owner.must(t, "PUT", "/org/members/"+admin.ID+"/role", obj{"role": "admin"})
		s.Root.must(t, "POST", "/platform/organizations/"+w.Org+"/suspend", obj{"comment": "test"})
		eve.refused(t, 403, "ORG_SUSPENDED", "POST", "/invitations/accept", obj{"flow": f})
		s.Root.must(t, "POST", "/platform/organizations/"+w.Org+"/resume", nil)
		w.saw(Want{Constant: "INVITATION_ACCEPT_BLOCKED", Outcome: "denied", Reason: "org_suspended", ActorID: eve.ID})
		pending(inv)

		// Sent again: the old link is void, but not more than once a minute.
		admin.refused(t, 429, "RATE_LIMITED", "POST", "/org/invitations/"+inv+"/resend", nil)
		w.saw(Want{Constant: "INVITATION_RESENT", Outcome: "denied", Reason: "rate_limited", ActorID: admin.ID, TargetID: inv})
		s.exec(t, `update invitation set sent_at = sent_at - 120000000 where id = $1`, inv)
		admin.must(t, "POST", "/org/invitations/"+inv+"/resend", nil)
		w.saw(Want{Constant: "INVITATION_RESENT", ActorID: admin.ID, Actor: "TenantAdmin", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitation_scope": "org", "invitee_email": eve.Email, "resend_count": 1, "expires_at": present}})
		eve.nobody(t).refused(t, 409, "INVITATION_SUPERSEDED", "POST", "/invitations/look", obj{"token": token})
		w.saw(Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: "superseded", TargetID: inv})
		second := s.link(t, eve.Email, "invitation", 2)
		secrets.add("invitation link", second)

		// Accepted by somebody known, who then works in two organizations.
		_, f = flow(t, eve.Client, second)
		eve.must(t, "POST", "/invitations/accept", obj{"flow": f})
		w.saw(Want{Constant: "INVITATION_ACCEPTED", ActorID: eve.ID, Actor: "User", TargetID: inv})
		if got := get[struct{ Org struct{ Slug string } }](t, eve.in(w.Org), "GET", "/auth/me", nil).Org.Slug; got != w.Slug {
			t.Errorf("active in %q", got)
		}
		if got := get[struct{ Org struct{ Slug string } }](t, eve.Client, "GET", "/auth/me", nil).Org.Slug; got != other.Slug {
			t.Errorf("active in %q without a choice", got)
		}

		// Revoked.
		third := s.newPerson("operator")
		inv, token = w.invited(admin.Client, third.Email, nil)
		oscar.refused(t, 403, "NOT_PERMITTED", "DELETE", "/org/invitations/"+inv, nil)
		w.saw(Want{Constant: "INVITATION_REVOKED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		admin.must(t, "DELETE", "/org/invitations/"+inv, nil)
		w.saw(Want{Constant: "INVITATION_REVOKED", Reason: "revoked_by_admin", ActorID: admin.ID, Actor: "TenantAdmin", Target: "Invitation", TargetID: inv,
			Meta: obj{"invitee_email": third.Email, "invitation_scope": "org", "pending_seconds": present}})
		third.nobody(t).refused(t, 409, "INVITATION_REVOKED", "POST", "/invitations/look", obj{"token": token})
		w.saw(Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: "revoked", TargetID: inv})
		admin.refused(t, 409, "INVITATION_NOT_PENDING", "DELETE", "/org/invitations/"+inv, nil)

		// Expired, by the clock.
		inv, token = w.invited(admin.Client, third.Email, nil)
		token = s.link(t, third.Email, "invitation", 2)
		secrets.add("invitation link", token)
		s.exec(t, `update invitation set expires_at = created_at where id = $1`, inv)
		third.nobody(t).refused(t, 409, "INVITATION_EXPIRED", "POST", "/invitations/look", obj{"token": token})
		w.saw(Want{Constant: "INVITE_TOKEN_INVALID_OR_EXPIRED", Outcome: "denied", Reason: "expired", TargetID: inv})
		w.saw(Want{Constant: "INVITATION_EXPIRED", Actor: "System", Target: "Invitation", TargetID: inv, Meta: obj{"invitee_email": third.Email, "resend_count": 0, "sent_at": present}})
		admin.refused(t, 409, "INVITATION_NOT_PENDING", "POST", "/org/invitations/"+inv+"/resend", nil)
		w.saw(Want{Constant: "INVITATION_RESENT", Outcome: "denied", Reason: "not_pending", TargetID: inv})

		// Who leaves takes their promises along.
		inv, _ = w.invited(admin.Client, "y-"+random(4)+"@example.com", nil)
		w.Owner.must(t, "DELETE", "/org/members/"+admin.ID, nil)
		w.saw(Want{Constant: "INVITATION_REVOKED", Reason: "inviter_removed", Actor: "System", TargetID: inv})
	})
}

func TestManyAreInvitedFromAFile(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		v := w.safe(host(t), nil)
		tag := random(4)
		_, robot := w.Owner.token(t, "members:read", "members:write", "safes:read", "self:read")
		file := filepath.Join(s.dir(), "people-"+tag+".csv")
		text := "e-mail,role,safes\na-" + tag + "@example.com,auditor\nB-" + tag + "@Example.com,operator," + v.Name + ":checkout\nnot an address@,operator\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := s.cli(t, robot, "invitations", "send", "--file", file)
		if r.Code != 2 || !strings.Contains(r.Stdout, "b-"+tag+"@example.com is invited as operator") || !strings.Contains(r.Stderr, "not an address@") {
			t.Errorf("%+v", r)
		}
		w.saw(Want{Constant: "INVITATION_SENT", Actor: "ServiceAccount", ActorID: w.Owner.ID, Where: obj{"invitee_email": "a-" + tag + "@example.com"}, Meta: obj{"role": "auditor"}})
		w.saw(Want{Constant: "INVITATION_SENT", Where: obj{"invitee_email": "b-" + tag + "@example.com"}, Meta: obj{"role": "operator", "safe_ids": []string{v.ID}}})
		if r := s.cli(t, robot, "invitations", "revoke", "a-"+tag+"@example.com"); r.Code != 0 {
			t.Errorf("%+v", r)
		}
		if r := s.cli(t, robot, "invitations", "list", "--state", "pending", "--json"); !strings.Contains(r.Stdout, "b-"+tag) || strings.Contains(r.Stdout, "a-"+tag) {
			t.Errorf("%+v", r)
		}
	})
}

// apply opens a registration, and gives the applicant's hold on it.
func apply(t testing.TB, s *Server, p *Person, n int) (id, access string) {
	t.Helper()
	p.nobody(t).must(t, "POST", "/signup", obj{"email": p.Email})
	token := s.link(t, p.Email, "signup_link", n)
	secrets.add("sign-up link", token)
	a := get[struct{ ID, Access string }](t, p.nobody(t), "POST", "/signup/start", obj{"token": token})
	secrets.add("sign-up hold", a.Access)
	p.nobody(t).refused(t, 404, "SIGNUP_LINK", "POST", "/signup/start", obj{"token": token})
	return a.ID, a.Access
}

func TestStrangersRegisterAnOrganization(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		ada := s.newPerson("owner")
		slug := "bees-" + random(4)
		id, access := apply(t, s, ada, 1)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_STARTED", Actor: "User", Target: "Tenant", IP: ada.Source, Where: obj{"submission_id": id}, Meta: obj{"applicant_email": ada.Email}})
		form := obj{"access": access, "org_name": "Bees & Sons", "slug": slug, "note": "Honey.", "handle": ada.Handle, "name": "Ada", "password": ada.Password}
		with := func(more obj) obj {
			out := obj{}
			for k, v := range form {
				out[k] = v
			}
			for k, v := range more {
				out[k] = v
			}
			return out
		}
		c := ada.nobody(t)
		taken := newWorld(t, s)
		c.refused(t, 409, "SLUG_TAKEN", "POST", "/signup/submit", with(obj{"slug": taken.Slug}))
		s.saw(t, Want{Constant: "ORG_SUBMISSION_SUBMITTED", Outcome: "denied", Reason: "duplicate_organization", Where: obj{"submission_id": id}})
		c.refused(t, 422, "INVALID", "POST", "/signup/submit", with(obj{"slug": "admin"}))
		c.refused(t, 409, "HANDLE_TAKEN", "POST", "/signup/submit", with(obj{"handle": taken.Owner.Handle}))
		c.refused(t, 401, "SIGNUP_ACCESS", "POST", "/signup/submit", with(obj{"access": "vpsu_" + access[6:] + "A"}))
		c.must(t, "POST", "/signup/submit", form)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_SUBMITTED", Actor: "User", Target: "Tenant", Where: obj{"submission_id": id, "resubmission": false},
			Meta: obj{"org_name": "Bees & Sons", "applicant_email": ada.Email}})
		c.refused(t, 409, "SIGNUP_STATE", "POST", "/signup/submit", form)

		state := func() (out struct{ State, Comment string }) {
			t.Helper()
			c.must(t, "POST", "/signup/state", obj{"access": access}).into(t, &out)
			return out
		}
		state()
		if got := state(); got.State != "submitted" {
			t.Errorf("%+v", got)
		}
		s.saw(t, Want{Constant: "PENDING_STATE_VIEWED", Actor: "User", Target: "Tenant", Where: obj{"submission_id": id}, Meta: obj{"pending_kind": "org_submission", "waiting_seconds": present}})
		if a := c.do(t, "POST", "/auth/login", obj{"email": ada.Email, "password": ada.Password}); a.Status != 401 {
			t.Errorf("an applicant signs in before the decision: %d", a.Status)
		}

		taken.Owner.refused(t, 403, "NOT_PERMITTED", "POST", "/platform/submissions/"+id+"/approve", nil)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: taken.Owner.ID})
		taken.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/submissions", nil)
		s.Root.must(t, "POST", "/platform/submissions/"+id+"/reject", obj{"comment": "Which bees?", "may_resubmit": true})
		s.saw(t, Want{Constant: "ORG_SUBMISSION_REJECTED", Reason: "returned", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Tenant", Where: obj{"submission_id": id},
			Meta: obj{"may_resubmit": true, "comment": "Which bees?", "waited_seconds": present}})
		if got := state(); got.State != "returned" || got.Comment != "Which bees?" {
			t.Errorf("%+v", got)
		}
		c.must(t, "POST", "/signup/submit", form)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_SUBMITTED", Where: obj{"submission_id": id, "resubmission": true}})

		made := get[struct {
			OrgID string `json:"org_id"`
		}](t, s.Root.Client, "POST", "/platform/submissions/"+id+"/approve", nil)
		e := s.saw(t, Want{Constant: "ORG_SUBMISSION_APPROVED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: made.OrgID, Where: obj{"submission_id": id},
			Meta: obj{"new_org_id": made.OrgID, "first_admin_user_id": present, "waited_seconds": present}})
		s.Root.refused(t, 409, "ALREADY_DECIDED", "POST", "/platform/submissions/"+id+"/approve", nil)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_APPROVED", Outcome: "denied", Reason: "already_decided", Where: obj{"submission_id": id}})
		eventually(t, "the applicant to be told", func() bool {
			return slices.ContainsFunc(s.letters(t, ada.Email), func(l notifytest.Letter) bool { return l.Kind == "signup_approved" })
		})

		ada.enrol(t)
		w := &World{t: t, s: s, Org: made.OrgID, Slug: slug, Owner: ada, named: map[string]*Person{}}
		w.saw(Want{Constant: "ORG_SUBMISSION_APPROVED", ActorID: s.Root.ID, TargetID: made.OrgID})
		if own := w.ledger().events(t, "ORG_SUBMISSION_APPROVED")[0]; own.RequestID != e.RequestID {
			t.Error("the two ledgers tell of two acts")
		}
		w.person("operator") // the new organization works
		w.close(t)
	})
}

func TestSignUpTellsNobodyWhoIsKnown(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		known, unknown := w.Owner, s.newPerson("nobody")
		a := known.nobody(t).must(t, "POST", "/signup", obj{"email": known.Email})
		b := unknown.nobody(t).must(t, "POST", "/signup", obj{"email": unknown.Email})
		if a.Status != b.Status || string(a.Body) != string(b.Body) {
			t.Errorf("%d %s and %d %s", a.Status, a.Body, b.Status, b.Body)
		}
		id, access := apply(t, s, unknown, 2)
		unknown.nobody(t).must(t, "POST", "/signup/submit", obj{"access": access, "org_name": "No", "slug": "no-" + random(4), "handle": unknown.Handle, "password": unknown.Password})
		s.Root.must(t, "POST", "/platform/submissions/"+id+"/reject", obj{"comment": "No."})
		s.saw(t, Want{Constant: "ORG_SUBMISSION_REJECTED", Reason: "rejected", ActorID: s.Root.ID, Where: obj{"submission_id": id}, Meta: obj{"may_resubmit": false}})
		unknown.nobody(t).refused(t, 409, "SIGNUP_STATE", "POST", "/signup/submit", obj{"access": access, "org_name": "No", "slug": "no", "handle": unknown.Handle, "password": unknown.Password})
	})
}

func TestSettingsLeaveEventsAndHold(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		set := get[struct{ Version int }](t, w.Owner.Client, "PATCH", "/org/settings", obj{"name": "Renamed " + w.Slug, "allowed_domains": []string{"Example.com"}, "web_idle_minutes": 30, "require_mfa": true})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org, Where: obj{"setting_group": "authentication"},
			Meta: obj{"weakened_controls": []string{}, "changes": []obj{{"field": "allowed_domains", "old": "", "new": "example.com"}, {"field": "web_idle_minutes", "old": "0", "new": "30"}}}})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Where: obj{"setting_group": "branding"}})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Where: obj{"setting_group": "mfa"}})
		w.Owner.must(t, "PATCH", "/org/settings", obj{"require_mfa": true})
		if n := len(w.ledger().events(t, "TENANT_SETTINGS_UPDATED")); n != 3 {
			t.Errorf("a save that changes nothing leaves an event: %d", n)
		}
		w.Owner.refused(t, 409, "VERSION_CONFLICT", "PATCH", "/org/settings", obj{"version": set.Version - 1, "name": "x"})
		oscar.refused(t, 403, "NOT_PERMITTED", "PATCH", "/org/settings", obj{"name": "Oscar's"})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", "/org/settings", nil)
		if got := get[struct{ Name string }](t, oscar.Client, "GET", "/org", nil).Name; got != "Renamed "+w.Slug {
			t.Errorf("members see %q", got)
		}
		w.Owner.refused(t, 403, "DOMAIN_NOT_ALLOWED", "POST", "/org/invitations", obj{"email": "x@elsewhere.example", "role": "operator"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "domain_not_allowed", ActorID: w.Owner.ID})

		// The platform limits the seats; what is weaker is for persons, with a fresh factor.
		s.Root.must(t, "PUT", "/platform/organizations/"+w.Org+"/seats", obj{"seat_limit": 2})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: w.Org, Where: obj{"setting_group": "other"}})
		w.Owner.refused(t, 409, "SEAT_LIMIT", "POST", "/org/invitations", obj{"email": "x@example.com", "role": "operator"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "seat_limit", ActorID: w.Owner.ID})
		_, robot := w.Owner.token(t, "members:write", "members:read")
		robot.refused(t, 403, "NOT_PERMITTED", "PATCH", "/org/settings", obj{"web_idle_minutes": 0})
		w.Owner.must(t, "PATCH", "/org/settings", obj{"web_idle_minutes": 0})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Where: obj{"weakened_controls": []string{"web_idle_minutes"}}})

		password := newSecret("smtp-password")
		w.Owner.must(t, "PATCH", "/org/settings", obj{"smtp": obj{"host": "mail.invalid", "from": "pam@example.com", "user": "pam", "password": password}})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Where: obj{"setting_group": "notifications"}})
		w.Owner.must(t, "PATCH", "/org/settings", obj{"smtp": obj{"host": "", "port": 0, "tls": "", "user": "", "from": "", "password": ""}})
		history := list[struct {
			Group   string
			By      string
			Changes []struct{ Field, From, To string }
		}](t, w.Owner.Client, "/org/settings/history")
		if len(history) != 7 || history[0].Group != "notifications" || history[0].By != w.Owner.Handle || history[len(history)-1].Group != "mfa" {
			t.Errorf("%+v", history)
		}

		// An idle web session of a member ends earlier than the installation's limit.
		w.Owner.must(t, "PATCH", "/org/settings", obj{"web_idle_minutes": 5})
		s.exec(t, `update web_session set last_seen_at = last_seen_at - 360000000 where person_id = $1`, oscar.ID)
		oscar.refused(t, 401, "AUTH_FAILED", "GET", "/org", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "idle", Where: obj{"subject_user_id": oscar.ID}})
	})
}

func TestOrganizationsAreSuspendedAndDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		live := oscar.open(t, v)
		s.Root.must(t, "POST", "/platform/organizations/"+w.Org+"/suspend", obj{"comment": "overdue"})
		s.saw(t, Want{Constant: "ORGANIZATION_STATE_CHANGED", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: w.Org, Where: obj{"organization_change": "suspended"}, Meta: obj{"comment": "overdue"}})
		live.wait() // it was cut
		oscar.in(w.Org).refused(t, 404, "NOT_FOUND", "GET", "/org", nil)
		if r := oscar.run(t, v, "true"); r.Code == 0 {
			t.Error("a session opened in a suspended organization")
		}
		s.Root.must(t, "POST", "/platform/organizations/"+w.Org+"/resume", nil)
		oscar.succeeds(t, v, "true")
		w.ended(v)

		inv, token := w.invited(w.Owner.Client, "z-"+random(4)+"@example.com", nil)
		w.Owner.refused(t, 422, "NOT_CONFIRMED", "POST", "/org/delete", obj{"confirm": "yes"})
		w.person("admin").refused(t, 403, "NOT_PERMITTED", "POST", "/org/delete", obj{"confirm": w.Slug})
		w.saw(Want{Constant: "ORGANIZATION_STATE_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: w.person("admin").ID})
		w.export(t)
		w.person("admin").approves(t, waits(t, w.Owner.Client, "POST", "/org/delete", obj{"confirm": w.Slug}))
		s.saw(t, Want{Constant: "ORGANIZATION_STATE_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", TargetID: w.Org, Where: obj{"organization_change": "deleted"}})
		w.Owner.in(w.Org).refused(t, 404, "NOT_FOUND", "GET", "/org", nil)
		s.stranger(t).refused(t, 409, "INVITATION_REVOKED", "POST", "/invitations/look", obj{"token": token})
		s.Root.refused(t, 409, "ORG_STATE", "POST", "/platform/organizations/"+w.Org+"/resume", nil)
		s.Root.refused(t, 409, "SLUG_TAKEN", "POST", "/platform/organizations", obj{"slug": w.Slug, "name": "x", "owner": obj{"email": "n-" + random(4) + "@example.com", "handle": "n-" + random(4)}})
		_ = inv
		w.gone = true
	})
}

// One person in two organizations switches between them with the command line.
func TestOrganizationsAreSwitched(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar := w.person("operator")
		other.Owner.must(t, "POST", "/org/members", obj{"email": oscar.Email, "handle": oscar.Handle, "role": "auditor"})
		home := t.TempDir()
		in := s.signedInCLI(t, oscar, home)
		if r := in("orgs"); r.Code != 0 || !strings.Contains(r.Stdout, w.Slug) || !strings.Contains(r.Stdout, other.Slug) {
			t.Errorf("%+v", r)
		}
		if r := in("orgs", "use", other.Slug); r.Code != 0 || !strings.Contains(r.Stdout, "auditor") {
			t.Errorf("%+v", r)
		}
		if r := in("whoami"); !strings.Contains(r.Stdout, "auditor of "+other.Slug) {
			t.Errorf("%+v", r)
		}
		if r := in("whoami", "--org", w.Slug); !strings.Contains(r.Stdout, "operator of "+w.Slug) {
			t.Errorf("%+v", r)
		}
		if r := in("orgs", "use", "nowhere"); r.Code != 5 {
			t.Errorf("%+v", r)
		}
	})
}

func TestRetentionOfRecordingsLeavesEventsAndHolds(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		const call = "/org/settings/recording-retention"
		oscar.refused(t, 403, "NOT_PERMITTED", "PUT", call, obj{"recording_days": 90})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		w.Owner.refused(t, 422, "BELOW_MINIMUM", "PUT", call, obj{"recording_days": 6})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", Outcome: "denied", Reason: "below_minimum", ActorID: w.Owner.ID})
		w.Owner.must(t, "PUT", call, obj{"recording_days": 90})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Policy",
			Meta: obj{"data_class": "recordings", "old_days": 30, "new_days": 90, "shortened": false, "legal_hold": "unchanged"}})
		w.Owner.must(t, "PUT", call, obj{"recording_days": 90})
		if n := len(w.ledger().events(t, "RETENTION_POLICY_CHANGED")); n != 3 {
			t.Errorf("a save that changes nothing leaves an event: %d", n)
		}
		oscar.succeeds(t, v, "true")
		w.ended(v)
		s.exec(t, `update recording set removed = removed where org_id = $1 and retention_until - ended_at = 7776000000000`, w.Org) // 90 days, and there is one
		_, robot := w.Owner.token(t, "members:write")
		robot.refused(t, 403, "NOT_PERMITTED", "PUT", call, obj{"recording_days": 7})
		w.Owner.must(t, "PUT", call, obj{"recording_days": 7})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", Where: obj{"new_days": 7}, Meta: obj{"shortened": true}})
		w.hasNone(Want{Constant: "TENANT_SETTINGS_UPDATED"}) // it has its own event
	})
}

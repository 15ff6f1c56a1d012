package platform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// code fails unless err has the code; "" is no error.
func code(t *testing.T, name string, err error, want string) {
	t.Helper()
	if got := fault.CodeOf(err); (err == nil) != (want == "") || err != nil && got != want {
		t.Errorf("%s: %v (%s), want %q", name, err, got, want)
	}
}

// invited sends an invitation and gives the link of its message.
func invited(t *testing.T, w *World, email string, role authz.PlatformRole) (platform.Invitation, secret.Secret) {
	t.Helper()
	inv, err := w.Platform.Invite(t.Context(), root(w), platform.InviteArgs{Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return inv, link(t, w, email)
}

func link(t *testing.T, w *World, email string) secret.Secret {
	t.Helper()
	l := w.Mail.One(t, notify.PlatformInvitationKind)
	if l.To != strings.ToLower(email) {
		t.Errorf("the invitation went to %s, not to %s", l.To, email)
	}
	u, token := l.Link()
	if u.Path != "/platform/invitation" || !strings.HasPrefix(token, "vppi_") {
		t.Fatalf("no link in %s", l.Text)
	}
	return secret.FromString(token)
}

// root is the administrator with a second factor of this moment.
func root(w *World) authz.Actor {
	a := w.Admin.Actor
	a.MFAAt = w.Clock.Now()
	return a
}

func newcomer(handle string) identity.NewPerson {
	return identity.NewPerson{Handle: handle, Name: "New " + handle, Password: secret.FromString("a passphrase nobody knows")}
}

func TestInvitationMakesAnOperator(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		w.Take(t)
		inv, token := invited(t, w, "Nora@Example.com", authz.PlatformAuditor)
		if e := w.Expect(t, "PLATFORM_USER_INVITED")[0]; e.Target.ID != string(inv.ID) || Meta(e, "invitee_email") != "nora@example.com" || Meta(e, "platform_role") != "platform_auditor" || e.OrgID != "" {
			t.Errorf("%+v", e)
		}
		look, err := w.Platform.Look(t.Context(), token, From)
		if err != nil || look.Email != "nora@example.com" || look.Known || look.Role != authz.PlatformAuditor {
			t.Fatalf("%+v %v", look, err)
		}
		w.Expect(t) // a mail scanner looks too
		f, err := w.Platform.Start(t.Context(), token, From)
		code(t, "start", err, "")
		w.Expect(t, "INVITE_ACCEPT_STARTED")
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: identity.NewPerson{Handle: "nora"}})
		code(t, "no password", err, "INVALID")
		w.Clock.Pass(time.Minute)
		j, err := w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("nora")})
		if err != nil || j.Session == nil || !j.Session.Enrolment {
			t.Fatalf("%+v %v", j, err)
		}
		e := w.Expect(t, "PASSWORD_CHANGED", "PLATFORM_INVITATION_ACCEPTED", "INVITE_ACCEPTED", "AUTH_SIGN_IN_SUCCEEDED")
		if Meta(e[1], "member_user_id") != string(j.Person.ID) || Meta(e[1], "invited_by") != string(w.Admin.ID) || Meta(e[2], "accepted_event") != string(e[1].ID) || Meta(e[2], "flow_seconds") != "60" {
			t.Errorf("%+v", e)
		}
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("other")})
		code(t, "a second time", err, "INVITATION_USED")
		_, err = w.Platform.Look(t.Context(), token, From)
		code(t, "the link again", err, "INVITATION_USED")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED already_used") // folded
		l, err := w.Platform.Operators(t.Context(), root(w), page.Request{})
		if err != nil || len(l.Items) != 2 || l.Items[0].Handle != "nora" || l.Items[0].MFA || !l.Items[1].MFA {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestInvitationOfSomebodyKnown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		member := w.Member(t, owner, "mara", authz.Operator)
		_, token := invited(t, w, member.Email, authz.PlatformAdmin)
		w.Take(t)
		f, err := w.Platform.Start(t.Context(), token, From)
		if err != nil || !f.Known {
			t.Fatalf("%+v %v", f, err)
		}
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("mara2")})
		code(t, "not signed in", err, "SIGN_IN_REQUIRED")
		w.Expect(t, "INVITE_ACCEPT_STARTED")
		_, err = w.Platform.Accept(t.Context(), owner.Actor, platform.AcceptArgs{Flow: f.Token, From: From})
		code(t, "somebody else", err, "EMAIL_MISMATCH")
		if e := w.Expect(t, "INVITE_EMAIL_MISMATCH_BLOCKED email_mismatch")[0]; Meta(e, "presented_domain") != "example.com" || Meta(e, "flow_id") != string(f.ID) {
			t.Errorf("%+v", e)
		}
		j, err := w.Platform.Accept(t.Context(), member.Actor, platform.AcceptArgs{Flow: f.Token, From: From})
		if err != nil || j.Person.ID != member.ID || j.Session != nil {
			t.Fatalf("%+v %v", j, err)
		}
		w.Expect(t, "PLATFORM_INVITATION_ACCEPTED", "INVITE_ACCEPTED")
		again, err := w.Identity.ByBearer(t.Context(), member.Session, "", From)
		if err != nil || again.PlatformRole != authz.PlatformAdmin {
			t.Errorf("%+v %v", again, err)
		}
	})
}

// Each wrong turn: its answer, its event, and that nothing changed.
func TestWrongTurnsOfAnInvitation(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{SourceFailures: 100}).Setup(t)
		_, owner := w.Org(t, "acme")
		w.Take(t)
		invite := func(actor authz.Actor, email string) error {
			_, err := w.Platform.Invite(t.Context(), actor, platform.InviteArgs{Email: email, Role: authz.PlatformAuditor})
			return err
		}
		const invitee = "ina@example.com"
		stale := root(w)
		stale.MFAAt = stale.MFAAt.Add(-16 * time.Minute)
		code(t, "an owner invites", invite(owner.Actor, invitee), "NOT_PERMITTED")
		w.Expect(t, "PLATFORM_USER_INVITE_REJECTED not_permitted")
		code(t, "without a fresh factor", invite(stale, invitee), "STEP_UP_REQUIRED")
		w.Expect(t, "PLATFORM_USER_INVITE_REJECTED not_permitted")
		code(t, "no address", invite(root(w), "not an address"), "INVALID")
		w.Expect(t)
		code(t, "an operator", invite(root(w), w.Admin.Email), "ALREADY_OPERATOR")
		w.Expect(t, "PLATFORM_USER_INVITE_REJECTED already_operator")
		inv, token := invited(t, w, invitee, authz.PlatformAuditor)
		w.Take(t)
		code(t, "again", invite(root(w), " INA@example.com "), "OPEN_INVITATION")
		w.Expect(t, "PLATFORM_USER_INVITE_REJECTED open_invitation")

		_, err := w.Platform.Look(t.Context(), secret.FromString("nonsense"), From)
		code(t, "no token", err, "INVITATION_UNKNOWN")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED malformed")
		_, err = w.Platform.Start(t.Context(), secret.FromString("vppi_"+secret.Token(32).RevealString()), From)
		code(t, "an invented token", err, "INVITATION_UNKNOWN")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED unknown")

		_, err = w.Platform.Resend(t.Context(), root(w), inv.ID)
		code(t, "at once again", err, "RATE_LIMITED")
		w.Expect(t, "INVITATION_RESENT rate_limited")
		_, err = w.Platform.Resend(t.Context(), owner.Actor, inv.ID)
		code(t, "an owner sends again", err, "NOT_PERMITTED")
		w.Expect(t, "INVITATION_RESENT not_permitted")
		w.Clock.Pass(2 * time.Minute)
		if _, err = w.Platform.Resend(t.Context(), root(w), inv.ID); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "INVITATION_RESENT")
		second := link(t, w, invitee)
		_, err = w.Platform.Start(t.Context(), token, From)
		code(t, "the replaced link", err, "INVITATION_SUPERSEDED")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED superseded")
		f, err := w.Platform.Start(t.Context(), second, From)
		code(t, "the new link", err, "")
		w.Take(t)

		code(t, "an owner revokes", w.Platform.Revoke(t.Context(), owner.Actor, inv.ID), "NOT_PERMITTED")
		w.Expect(t, "INVITATION_REVOKED not_permitted")
		code(t, "revoked", w.Platform.Revoke(t.Context(), root(w), inv.ID), "")
		if e := w.Expect(t, "INVITATION_REVOKED revoked_by_admin")[0]; Meta(e, "invitation_scope") != "platform" || Meta(e, "pending_seconds") != "120" {
			t.Errorf("%+v", e)
		}
		code(t, "revoked twice", w.Platform.Revoke(t.Context(), root(w), inv.ID), "NOT_PENDING")
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("ina")})
		code(t, "a revoked flow", err, "INVITATION_REVOKED")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED revoked")
		_, err = w.Platform.Resend(t.Context(), root(w), inv.ID)
		code(t, "a revoked one again", err, "NOT_PENDING")
		w.Expect(t, "INVITATION_RESENT not_pending")

		inv, token = invited(t, w, invitee, authz.PlatformAuditor)
		f, err = w.Platform.Start(t.Context(), token, From)
		code(t, "start", err, "")
		w.Take(t)
		w.Clock.Pass(time.Hour)
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("ina")})
		code(t, "an old flow", err, "INVITATION_EXPIRED")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED expired")
		w.Clock.Pass(7 * 24 * time.Hour)
		_, err = w.Platform.Look(t.Context(), token, From)
		code(t, "after a week", err, "INVITATION_EXPIRED")
		w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED expired")
		if err := w.Platform.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "INVITATION_EXPIRED")[0]; e.Target.ID != string(inv.ID) || Meta(e, "resend_count") != "0" || e.Actor.Type != "System" {
			t.Errorf("%+v", e)
		}
		l, err := w.Platform.Operators(t.Context(), root(w), page.Request{})
		if err != nil || len(l.Items) != 1 {
			t.Errorf("a wrong turn made an operator: %+v %v", l, err)
		}
	})
}

func TestInvitationIsDeclinedForGood(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, token := invited(t, w, "dan@example.com", authz.PlatformAdmin)
		w.Take(t)
		code(t, "decline", w.Platform.Decline(t.Context(), token, From), "")
		if e := w.Expect(t, "PLATFORM_USER_INVITE_REJECTED declined_by_invitee")[0]; Meta(e, "rejected_by") != "invitee" || e.Actor.Type != "User" || e.Actor.ID != "" {
			t.Errorf("%+v", e)
		}
		code(t, "twice", w.Platform.Decline(t.Context(), token, From), "INVITATION_USED")
		w.Take(t)
		l, err := w.Platform.Invitations(t.Context(), root(w), platform.ListArgs{State: platform.Declined})
		if err != nil || len(l.Items) != 1 || l.Items[0].Email != "dan@example.com" {
			t.Errorf("%+v %v", l, err)
		}
		if e := w.Expect(t, "PLATFORM_INVITATIONS_LISTED")[0]; Meta(e, "rows_returned") != "1" {
			t.Errorf("%+v", e)
		}
		invited(t, w, "dan@example.com", authz.PlatformAdmin) // may be asked again
	})
}

func TestInvitationsEndWithTheirSender(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		second := w.Member(t, owner, "second", authz.Operator)
		if _, err := d.Raw().Exec(`insert into platform_operator (person_id, role, created_at, changed_at) values ($1, 'platform_admin', 1, 1)`, string(second.ID)); err != nil {
			t.Fatal(err)
		}
		second = w.Again(t, second, "")
		if _, err := w.Platform.Invite(t.Context(), second.Actor, platform.InviteArgs{Email: "eve@example.com", Role: authz.PlatformAdmin}); err != nil {
			t.Fatal(err)
		}
		token := link(t, w, "eve@example.com")
		f, err := w.Platform.Start(t.Context(), token, From)
		code(t, "start", err, "")
		w.Take(t)
		// Their state changed behind the product's back: the invitation is weighed again.
		if _, err := d.Raw().Exec(`update platform_operator set role = 'platform_auditor' where person_id = $1`, string(second.ID)); err != nil {
			t.Fatal(err)
		}
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("eve")})
		code(t, "the inviter lost the right", err, "INVITER_LOST_RIGHT")
		w.Expect(t, "INVITATION_ACCEPT_BLOCKED inviter_lost_right")
		code(t, "removal", w.Platform.Remove(t.Context(), root(w), second.ID), "")
		if e := w.Take(t); Names(e)[0] != "INVITATION_REVOKED inviter_removed" || e[0].Actor.Type != "System" {
			t.Errorf("%v", Names(e))
		}
		_, err = w.Platform.Accept(t.Context(), authz.Actor{}, platform.AcceptArgs{Flow: f.Token, From: From, Person: newcomer("eve")})
		code(t, "revoked with its sender", err, "INVITATION_REVOKED")
	})
}

func FuzzToken(f *testing.F) {
	f.Add("vppi_" + secret.Token(32).RevealString())
	f.Add(" vppi_AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		hash, ok := platform.ParseLink(secret.FromString(text))
		if ok != (hash != nil) || ok && len(strings.TrimSpace(text)) != len("vppi_")+43 {
			t.Errorf("%q: %x %v", text, hash, ok)
		}
	})
}

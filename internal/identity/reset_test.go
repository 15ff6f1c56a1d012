package identity_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func askReset(t *testing.T, w *World, email string) []notifytest.Letter {
	t.Helper()
	if err := w.Identity.RequestReset(t.Context(), email, From); err != nil {
		t.Fatal(err)
	}
	if err := w.Identity.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.Mail.Take(t)
}

var fresh = secret.FromString("another passphrase entirely")

func TestPasswordIsSetByLink(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, o Someone) {
		bob := w.Member(t, o, "bob", authz.Operator)
		w.Take(t)
		got := askReset(t, w, "  BOB@Example.com ")
		if len(got) != 1 || got[0].Kind != notify.PasswordResetKind || got[0].To != bob.Email {
			t.Fatalf("%+v", got)
		}
		e := w.Expect(t, "PASSWORD_RESET_REQUESTED")[0]
		if e.OrgID != bob.Actor.Org || Meta(e, "subject_user_id") != string(bob.ID) {
			t.Errorf("%+v", e)
		}
		u, token := got[0].Link()
		if u.Path != "/reset" || u.RawQuery != "" {
			t.Errorf("%v", u)
		}
		complete := func(token string, p secret.Secret) error {
			return w.Identity.CompleteReset(t.Context(), secret.FromString(token), p, From)
		}
		if err := complete(token, secret.FromString("short")); !fault.Is(err, fault.Invalid) {
			t.Errorf("a weak password: %v", err)
		}
		w.Expect(t, "PASSWORD_CHANGED weak_password")
		if err := complete(token, fresh); err != nil {
			t.Fatal(err)
		}
		e = w.Expect(t, "PASSWORD_CHANGED", "AUTH_SIGNED_OUT password_changed")[0]
		if Meta(e, "by_link") != "true" || Meta(e, "sessions_ended") != "1" || e.Actor.ID != "" {
			t.Errorf("%+v", e)
		}
		w.Mail.One(t, notify.PasswordWasSetKind)
		if _, err := w.Identity.ByBearer(t.Context(), bob.Session, "", From); err == nil {
			t.Error("a web session outlived the password")
		}
		if in, err := w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: "bob", Password: fresh, From: From}); err != nil || in.Challenge == nil {
			t.Errorf("no second factor is asked for: %+v %v", in, err)
		}
		w.Take(t)
		if err := complete(token, fresh); fault.CodeOf(err) != "RESET_LINK_USED" {
			t.Errorf("twice: %v", err)
		}
		w.Expect(t, "PASSWORD_CHANGED link_used")
		if err := complete("vppr_nonsense", fresh); fault.CodeOf(err) != "RESET_LINK_INVALID" {
			t.Errorf("nonsense: %v", err)
		}
		w.Expect(t)

		w.Clock.Pass(31 * time.Minute)
		_, late := askReset(t, w, bob.Email)[0].Link()
		w.Clock.Pass(30 * time.Minute)
		w.Take(t)
		if err := complete(late, fresh); fault.CodeOf(err) != "RESET_LINK_EXPIRED" {
			t.Errorf("late: %v", err)
		}
		w.Expect(t, "PASSWORD_CHANGED link_expired")

		_, open := askReset(t, w, bob.Email)[0].Link()
		bob.Password = fresh.RevealString()
		bob = w.Again(t, bob, "")
		if err := w.Identity.ChangePassword(t.Context(), bob.Actor, fresh, secret.FromString("the third of three phrases")); err != nil {
			t.Fatal(err)
		}
		if err := complete(open, fresh); fault.CodeOf(err) != "RESET_LINK_USED" {
			t.Errorf("a link outlived a newer password: %v", err)
		}
	})
}

// The question has one answer; who gets a message, and how many, is another matter.
func TestPasswordLinksAreFew(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, o Someone) {
		bob := w.Member(t, o, "bob", authz.Operator)
		w.Take(t)
		for _, c := range []struct{ email, event string }{
			{"nobody@example.com", "PASSWORD_RESET_REQUESTED unknown_address"},
			{"no address", "PASSWORD_RESET_REQUESTED unknown_address"},
			{"", "PASSWORD_RESET_REQUESTED unknown_address"},
		} {
			if got := askReset(t, w, c.email); len(got) != 0 {
				t.Errorf("%q got %+v", c.email, got)
			}
			w.Expect(t, c.event)
		}
		for range 3 {
			if len(askReset(t, w, bob.Email)) != 1 {
				t.Error("no message")
			}
			w.Expect(t, "PASSWORD_RESET_REQUESTED")
		}
		// A stranger who goes on asking keeps the person from no link: they have three that work.
		for range 29 {
			w.Clock.Pass(time.Minute)
			if len(askReset(t, w, bob.Email)) != 0 {
				t.Error("too many messages")
			}
			if got := Names(w.Take(t)); got[0] != "PASSWORD_RESET_REQUESTED rate_limited" {
				t.Errorf("%v", got)
			}
		}
		w.Clock.Pass(time.Minute)
		if len(askReset(t, w, bob.Email)) != 1 {
			t.Error("the first links are over, and there is no new one")
		}
		exec(t, w, `update person set state = 'suspended' where id = $1`, string(bob.ID))
		w.Take(t)
		if len(askReset(t, w, bob.Email)) != 0 {
			t.Error("who is suspended got a link")
		}
		w.Expect(t, "PASSWORD_RESET_REQUESTED suspended")
		var err error
		for range 60 {
			if err = w.Identity.RequestReset(t.Context(), "nobody@example.com", From); err != nil {
				break
			}
		}
		if !fault.Is(err, fault.Exhausted) {
			t.Errorf("a flood from one source: %v", err)
		}
	})
}

// Where only a provider lets somebody in, a password is neither offered nor taken.
func TestNoPasswordWhereSSOIsDemanded(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, o Someone) {
		bob := w.Member(t, o, "bob", authz.Operator)
		_, token := askReset(t, w, bob.Email)[0].Link()
		exec(t, w, `insert into sso_setting (org_id, required, changed_at) values ($1, true, 1)`, string(bob.Actor.Org))
		w.Take(t)
		if err := w.Identity.CompleteReset(t.Context(), secret.FromString(token), fresh, From); fault.CodeOf(err) != "SSO_REQUIRED" {
			t.Errorf("a link from before: %v", err)
		}
		w.Expect(t, "PASSWORD_CHANGED sso_required")
		got := askReset(t, w, bob.Email)
		if len(got) != 1 || got[0].Kind != notify.PasswordResetSSOKind {
			t.Errorf("%+v", got)
		}
		if _, token := got[0].Link(); token != "" {
			t.Error("a link with a token")
		}
		w.Expect(t, "PASSWORD_RESET_REQUESTED sso_required")
	})
}

func exec(t *testing.T, w *World, statement string, args ...any) {
	t.Helper()
	if _, err := w.DB.Raw().Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Passwords that are set by a link, which comes by e-mail over a real SMTP server.

func TestPasswordsAreSetByMail(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			m := newMailServer(t, t.TempDir())
			passwordsByMail(t, own(t, store, m.env(t, "starttls")...), m.dir)
		})
	}
}

func passwordsByMail(t *testing.T, s *Server, inbox string) {
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	ask := func(email string) Answer {
		return oscar.nobody(t).do(t, "POST", "/auth/password-reset", obj{"email": email})
	}
	complete := func(token, password string, status int, code string) {
		t.Helper()
		body := obj{"token": token, "password": password}
		if status == 204 {
			oscar.nobody(t).must(t, "POST", "/auth/password-reset/complete", body)
		} else {
			oscar.nobody(t).refused(t, status, code, "POST", "/auth/password-reset/complete", body)
		}
	}

	// Whoever it is, the answer is the same.
	known, unknown := ask(strings.ToUpper(oscar.Email)), ask("nobody-"+random(5)+"@example.com")
	if known.Status != 202 || unknown.Status != 202 || string(known.Body) != string(unknown.Body) {
		t.Fatalf("%d %s and %d %s", known.Status, known.Body, unknown.Status, unknown.Body)
	}
	about := obj{"subject_user_id": oscar.ID}
	w.saw(Want{Constant: "PASSWORD_RESET_REQUESTED", Actor: "User", Target: "Tenant", TargetID: w.Org, IP: oscar.Source, Where: about})
	s.saw(t, Want{Constant: "PASSWORD_RESET_REQUESTED", Outcome: "denied", Reason: "unknown_address", Actor: "User", IP: oscar.Source})
	got := letterIn(t, inbox, oscar.Email, notify.PasswordResetKind, 1)
	link, token := got.Link()
	if !strings.HasPrefix(link.String(), s.URL+"/reset#vppr_") || got.From != "vault@example.com" {
		t.Errorf("%+v", got)
	}

	live := oscar.open(t, v)
	complete(token, "short", 422, "INVALID")
	w.saw(Want{Constant: "PASSWORD_CHANGED", Outcome: "denied", Reason: "weak_password", Where: about, Meta: obj{"by_link": true}})
	complete("vppr_"+random(5), newSecret("password"), 401, "RESET_LINK_INVALID")
	oscar.must(t, "GET", "/auth/me", nil) // nothing has happened yet

	old := oscar.Password
	oscar.Password = newSecret("password")
	complete(token, oscar.Password, 204, "")
	w.saw(Want{Constant: "PASSWORD_CHANGED", Actor: "User", Target: "Tenant", TargetID: w.Org, IP: oscar.Source, Where: obj{"subject_user_id": oscar.ID, "by_link": true},
		Meta: obj{"sessions_ended": 1, "by_admin": false}})
	w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "password_changed", Where: about})
	letterIn(t, inbox, oscar.Email, notify.PasswordWasSetKind, 1)
	oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
	oscar.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": oscar.Email, "password": old})
	if in := oscar.login(t); in.MFA == nil || in.AccessToken != "" {
		t.Errorf("the second factor is not asked for: %+v", in)
	}
	if live.ended() {
		t.Error("a session with an SSH key ended with the password")
	}
	live.Stdin.Close()
	live.wait()
	complete(token, newSecret("password"), 409, "RESET_LINK_USED")
	w.saw(Want{Constant: "PASSWORD_CHANGED", Outcome: "denied", Reason: "link_used", Where: about})

	// Late, and while another way in is demanded.
	ask(oscar.Email)
	_, late := letterIn(t, inbox, oscar.Email, notify.PasswordResetKind, 2).Link()
	s.exec(t, fmt.Sprintf("update password_reset set expires_at = created_at where person_id = '%s' and used_at = 0", oscar.ID))
	complete(late, newSecret("password"), 409, "RESET_LINK_EXPIRED")
	w.saw(Want{Constant: "PASSWORD_CHANGED", Outcome: "denied", Reason: "link_expired", Where: about})
	ask(oscar.Email)
	_, shut := letterIn(t, inbox, oscar.Email, notify.PasswordResetKind, 3).Link()
	s.exec(t, fmt.Sprintf("insert into sso_setting (org_id, required, changed_at) values ('%s', true, 1)", w.Org))
	complete(shut, newSecret("password"), 403, "SSO_REQUIRED")
	s.exec(t, fmt.Sprintf("update password_reset set created_at = 1 where person_id = '%s'", oscar.ID))
	ask(oscar.Email)
	letterIn(t, inbox, oscar.Email, notify.PasswordResetSSOKind, 1)
	s.exec(t, fmt.Sprintf("delete from sso_setting where org_id = '%s'", w.Org))
	w.saw(Want{Constant: "PASSWORD_CHANGED", Outcome: "denied", Reason: "sso_required", Where: about})
	w.saw(Want{Constant: "PASSWORD_RESET_REQUESTED", Outcome: "denied", Reason: "sso_required", Where: about})

	// Few messages, whoever asks; the links that were sent go on working.
	for range 3 {
		ask(oscar.Email)
	}
	w.saw(Want{Constant: "PASSWORD_RESET_REQUESTED", Outcome: "denied", Reason: "rate_limited", Where: about})
	_, again := letterIn(t, inbox, oscar.Email, notify.PasswordResetKind, 4).Link()
	complete(again, newSecret("password"), 204, "")

	// Somebody who came without a password sets their first one.
	bea := w.add("operator")
	s.exec(t, fmt.Sprintf("delete from person_password where person_id = '%s'", bea.ID))
	bea.nobody(t).must(t, "POST", "/auth/password-reset", obj{"email": bea.Email})
	first := letterIn(t, inbox, bea.Email, notify.PasswordResetKind, 1)
	if !strings.Contains(first.Text, "It has none yet") {
		t.Errorf("%s", first.Text)
	}
	_, token = first.Link()
	complete(token, bea.Password, 204, "")
	bea.signIn(t)
	if !slices.ContainsFunc(list[mailed](t, s.Root.Client, "/platform/mail"), func(m mailed) bool { return m.Kind == string(notify.PasswordResetKind) }) {
		t.Error("the links did not go by the installation's own server")
	}
}

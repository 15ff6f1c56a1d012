package test

import (
	"testing"
	"time"
)

// Somebody who has lost their second factor comes back, all in browsers.
func TestConsoleRecoversALostFactor(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	p := w.person("operator")
	known := s.asks(t, w.Owner, p)
	known["older"] = func(string) any { // the browser's sign-in was an hour ago
		w.Owner.proved(t, time.Hour)
		return true
	}
	known["new factor"] = func(secret string) any {
		secrets.add("TOTP secret", secret)
		p.TOTP, p.step = secret, time.Now().Unix()/totpStep // this step's code has enrolled it
		return true
	}
	play(t, "recovery", obj{"url": s.URL, "person": p.who(), "admin": w.Owner.who()}, known)
	w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", ActorID: w.Owner.ID, Meta: obj{"subject_user_id": p.ID, "comment": "called them back"}})
	w.saw(Want{Constant: "MFA_RECOVERY_COMPLETED", ActorID: p.ID, Meta: obj{"subject_user_id": p.ID, "new_mfa_method": "totp"}})
}

// Somebody has forgotten their password and sets a new one.
func TestConsoleSetsAForgottenPassword(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w := newWorld(t, s)
	p := w.person("operator")
	next := newSecret("password")
	play(t, "reset", obj{"url": s.URL, "person": p.who(), "password": next}, s.asks(t, p))
	p.Password = next
	p.Client = p.signIn(t)
}

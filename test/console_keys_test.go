package test

import (
	"strings"
	"testing"
	"time"
)

// Keys in a browser, through the pages that people use.
func TestConsoleTakesKeys(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	member := func(name string) *Person {
		p := s.newPerson(name)
		p.ID = get[struct {
			UserID string `json:"user_id"`
		}](t, w.Owner.Client, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": name, "password": p.Password, "role": "operator"}).UserID
		return p
	}
	bea, carl := member("bea"), member("carl")
	play(t, "keys", obj{"url": s.atName(), "spki": s.spki(t), "bea": bea.who(), "carl": carl.who()}, answers{
		"older": func(string) any { bea.proved(t, time.Hour); return true },
		"codes": func(codes string) any { secrets.add("backup code", strings.Fields(codes)...); return true },
	})
	w.saw(Want{Constant: "MFA_FACTOR_ENROLLED", ActorID: bea.ID, Meta: obj{"new_mfa_method": "webauthn", "first_factor": true}})
	w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"subject_user_id": bea.ID, "sign_in_method": "passkey"}, Meta: obj{"second_factor_demanded": true}})
	w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: bea.ID, Where: obj{"mfa_method": "webauthn", "mfa_purpose": "sensitive_action"}})
	w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: carl.ID, Where: obj{"mfa_method": "webauthn", "mfa_purpose": "sign_in"}})
	w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: carl.ID, Where: obj{"mfa_method": "backup_code", "mfa_purpose": "sign_in"}})
}

package test

import (
	"path/filepath"
	"strings"
	"testing"
)

// A person keeps their number with the command line, and takes it away again.
func TestPhoneByCommandLine(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p, aud := w.person("operator"), w.person("auditor")
		home, n, second := t.TempDir(), newNumber(), newNumber()
		in := s.signedInCLI(t, p, home)
		with := func(input string, args ...string) Result {
			t.Helper()
			c := spawn(t, "", []string{"VAULTPAM_HOME=" + home, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN="}, theCommand(t), append([]string{"phone"}, args...)...)
			if _, err := c.Stdin.Write([]byte(input)); err != nil {
				t.Fatal(err)
			}
			c.Stdin.Close()
			return c.wait()
		}
		says := func(r Result, code int, words ...string) {
			t.Helper()
			for _, word := range words {
				if r.Code != code || !strings.Contains(r.Stdout+r.Stderr, word) {
					t.Errorf("exit status %d without %q: %s", code, word, r)
				}
			}
		}
		says(in("phone"), 0, "number")
		says(in("phone", "remove", "--yes"), 5, "no telephone number")
		says(with("not a number\n", "set", "--stdin"), 2, "telephone number")
		says(with(n+"\n", "set", "--stdin"), 0, n)
		says(in("phone", "resend"), 0, "new code")
		code := d.code(t, n)
		says(with(other(code)+"\n", "confirm", "--stdin"), 2, "not right")
		says(with(code+"\n", "confirm", "--stdin"), 0, n)
		says(in("phone", "--json"), 0, `"number"`, n)
		says(with(second+"\n", "set", "--stdin"), 0, second)
		says(in("phone", "cancel"), 0, "given up")
		w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: p.ID, Actor: "User", Where: obj{"subject_user_id": p.ID}, Meta: obj{"by_admin": false}})
		says(in("phone", "cancel"), 5, "no change")
		says(s.cli(t, w.Owner.Client, "members", "phone", "show", p.Handle), 0, n[len(n)-3:])
		says(s.cli(t, aud.Client, "members", "phone", "show", p.Handle), 4, "may not")

		me := get[phoneRecord](t, p.Client, "GET", myPhone, nil)
		p.refused(t, 409, "VERSION_CONFLICT", "DELETE", myPhone+"?version=0", nil)
		_, token := p.token(t, "*")
		token.refused(t, 403, "NOT_PERMITTED", "DELETE", myPhone+"?version=0", nil)
		says(in("phone", "remove", "--yes"), 0, "no telephone number")
		w.saw(Want{Constant: "PHONE_NUMBER_REMOVED", ActorID: p.ID, Actor: "User", Target: "Tenant", TargetID: w.Org, Where: obj{"subject_user_id": p.ID}, Meta: obj{"old_phone": aDigest}})
		if now := get[phoneRecord](t, p.Client, "GET", myPhone, nil); now.Number != "" || now.Version != me.Version+1 {
			t.Errorf("%+v", now)
		}
		p.refused(t, 404, "PHONE_NONE", "DELETE", myPhone+"?version="+itoa(int64(me.Version+1)), nil)
		aud.setPhone(t, d, n) // it is free for others
	})
}

// Where the installation demands no number, strangers can have no codes sent.
func TestNoCodesForRegistrationsThatNeedNone(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		ada := s.newPerson("owner")
		_, access := apply(t, s, ada, 1)
		c := ada.nobody(t)
		c.refused(t, 409, "PHONE_NOT_DEMANDED", "POST", "/signup/phone", obj{"access": access, "number": newNumber()})
		c.refused(t, 409, "PHONE_NOT_DEMANDED", "POST", "/signup/phone/confirm", obj{"access": access, "code": "123456"})
	})
}

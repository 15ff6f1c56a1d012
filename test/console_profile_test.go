package test

import (
	"path/filepath"
	"strings"
	"testing"
)

// What is a person's own, in a browser; codes come by a double of a provider.
func TestConsoleShowsWhatIsOnesOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(work, "console-phone-"+random(4))
	d := newSMSDouble(t, dir, webhookDouble)
	s := own(t, SQLite, append(d.webhookEnv(t, dir), "VAULTPAM_PHONE_REQUIRED=true")...)
	w := newWorld(t, s)
	p, applicant := w.person("operator"), s.newPerson("third")
	v := w.safe(host(t), nil)
	w.join(v, p, "checkout")
	known := s.asks(t, p)
	known["sms"] = func(number string) any { return d.code(t, number) }
	known["wrong sms"] = func(number string) any { return other(d.code(t, number)) }
	known["token"] = func(value string) any { secrets.add("API token", value); return true }
	known["secret"] = func(value string) any { secrets.add("TOTP secret", strings.ReplaceAll(value, " ", "")); return true }
	first, next := newNumber(), newSecret("password")
	play(t, "profile", obj{"url": s.URL, "person": p.who(), "password": next, "applicant": applicant.who(), "safe": v.Name, "first": first, "second": newNumber(), "third": newNumber(), "slug": "third-" + random(4)}, known)
	p.Password = next
	p.Client = p.signIn(t)
	if me := get[phoneRecord](t, p.Client, "GET", myPhone, nil); me.Number != "" || me.Change != nil {
		t.Errorf("%+v", me)
	}
	w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: p.ID, Where: obj{"token_name": "nightly"}})
	w.saw(Want{Constant: "PHONE_CHANGE_COMMITTED", ActorID: p.ID})
	w.saw(Want{Constant: "PHONE_NUMBER_REMOVED", ActorID: p.ID})
	w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: p.ID})
	s.saw(t, Want{Constant: "PHONE_VERIFICATION_SUCCEEDED", Meta: obj{"sms_purpose": "registration"}})
}

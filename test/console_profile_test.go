package test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is a person's own, in a browser; codes come by a double of a provider.
func TestConsoleShowsWhatIsOnesOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(work, "console-phone-"+random(4))
	d := newSMSDouble(t, dir, webhookDouble)
	s := own(t, Postgres, append(d.webhookEnv(t, dir), "VAULTPAM_PHONE_REQUIRED=true")...)
	w := newWorld(t, s)
	p, applicant := w.person("operator"), s.newPerson("third")
	v := w.safe(host(t), nil)
	w.join(v, p, "checkout")
	g, brought := w.group(p), w.safe(host(t), nil) // which a group brings for a while
	w.bind(v, g, "user")
	w.Owner.must(t, "POST", "/safes/"+brought.ID+"/groups", obj{"group_id": g, "role": "user", "ends_at": time.Now().Add(9*24*time.Hour + time.Hour)})
	known := s.asks(t, p, w.Owner)
	known["sms"] = func(number string) any { return d.code(t, number) }
	known["wrong sms"] = func(number string) any { return other(d.code(t, number)) }
	known["token"] = func(value string) any { secrets.add("API token", value); return true }
	known["secret"] = func(value string) any { secrets.add("TOTP secret", strings.ReplaceAll(value, " ", "")); return true }
	known["device"] = func(path string) any { // a code that a device shows
		begun := get[struct {
			DeviceCode string `json:"device_code"`
			UserCode   string `json:"user_code"`
		}](t, p.Client, "POST", path, obj{"client": "a terminal at " + path})
		secrets.add("device code", begun.DeviceCode)
		return begun.UserCode
	}
	known["signed in"] = func(string) any { p.Client = p.signIn(t); return true }
	first, next := newNumber(), newSecret("password")
	play(t, "profile", obj{"url": s.URL, "person": p.who(), "owner": w.Owner.who(), "org": w.Slug, "fourth": newNumber(), "password": next, "applicant": applicant.who(), "safe": v.Name, "brought": brought.Name, "group": get[struct{ Name string }](t, w.Owner.Client, "GET", "/org/groups/"+g, nil).Name, "first": first, "second": newNumber(), "third": newNumber(), "slug": "third-" + random(4)}, known)
	p.Password = next
	p.Client = p.signIn(t)
	if me := get[phoneRecord](t, p.Client, "GET", myPhone, nil); me.Number != "" || me.Change != nil {
		t.Errorf("%+v", me)
	}
	w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: p.ID, Where: obj{"token_name": "nightly"}})
	for _, path := range []string{"/auth/step-up/browser", "/auth/device"} {
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", ActorID: p.ID, Where: obj{"device_client": "a terminal at " + path}, Meta: obj{"device_decision": "approved"}})
	}
	w.saw(Want{Constant: "PHONE_CHANGE_COMMITTED", ActorID: p.ID})
	w.saw(Want{Constant: "PHONE_NUMBER_REMOVED", ActorID: p.ID})
	w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: p.ID})
	w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: w.Owner.ID})
	s.saw(t, Want{Constant: "PHONE_VERIFICATION_SUCCEEDED", Meta: obj{"sms_purpose": "registration"}})
}

package test

import (
	"sync"
	"testing"
	"time"
)

// A real provider in a browser, over both protocols.
func TestConsoleSignsInThroughAProvider(t *testing.T) {
	t.Parallel()
	s := own(t, SQLite) // the demonstration users' domain is one organization's only
	w := newWorld(t, s)
	l, byOIDC, bySAML := w.lemon()
	inv := get[struct{ ID string }](t, w.Owner.Client, "POST", "/org/invitations", obj{"email": "rtyler@badwolf.org", "role": "operator"}).ID
	dwho := &Person{s: s, Handle: "dwho", mu: &sync.Mutex{}}
	known := s.asks(t, dwho)
	known["new factor"] = func(secret string) any {
		secrets.add("TOTP secret", secret)
		dwho.TOTP, dwho.step = secret, time.Now().Unix()/totpStep
		return true
	}
	play(t, "sso", obj{"url": s.URL, "others": []string{l.URL}, "organization": "Test " + w.Slug, "slug": w.Slug, "oidc": byOIDC.Name, "saml": bySAML.Name}, known)
	w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: "state_mismatch"})
	joined := w.saw(Want{Constant: "INVITATION_ACCEPTED", TargetID: inv, Meta: obj{"invitee_email": "rtyler@badwolf.org", "role": "operator"}})
	w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"subject_user_id": joined.Metadata["member_user_id"]}, Meta: obj{"sign_in_method": "sso", "door": "console"}})
}

package test

import (
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
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
	known["approve"] = func(email string) any {
		_, proof := s.letter(t, email, notify.RecoveryProofKind, 1).Link()
		secrets.add("token of a link", proof)
		s.stranger(t).must(t, "POST", "/auth/recovery/verify", obj{"proof": proof})
		w.Owner.proved(t, 0)
		for _, c := range list[recoveryCase](t, w.Owner.Client, "/org/recoveries?state=pending") {
			w.Owner.must(t, "POST", "/org/recoveries/"+c.ID+"/approve", nil)
		}
		return true
	}
	play(t, "sso", obj{"url": s.URL, "others": []string{l.URL}, "organization": "Test " + w.Slug, "slug": w.Slug, "oidc": byOIDC.Name, "saml": bySAML.Name}, known)
	w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: "state_mismatch"})
	w.saw(Want{Constant: "MFA_RECOVERY_COMPLETED", Meta: obj{"new_mfa_method": "totp"}})
	joined := w.saw(Want{Constant: "INVITATION_ACCEPTED", TargetID: inv, Meta: obj{"invitee_email": "rtyler@badwolf.org", "role": "operator"}})
	w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"subject_user_id": joined.Metadata["member_user_id"]}, Meta: obj{"sign_in_method": "sso", "door": "console"}})
}

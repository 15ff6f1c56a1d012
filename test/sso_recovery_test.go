package test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// Who signs in through an identity provider only has no password to recover with: the
// provider's word stands in for it, while they belong to its organization alone.
func TestRecoveryByTheProvidersWord(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(mail)
		w.provider(idp, nil)
		b := s.browser(t)
		lost := func(user string) obj {
			t.Helper()
			email := user + "@" + mail
			idp.User = obj{"sub": user, "email": email, "email_verified": true, "name": user, "groups": []string{"pam-users"}}
			in, _ := throughSSO(t, s, b, idp, obj{"email": email})
			if in.Enrolment {
				(&Person{s: s, Client: b.with(in.AccessToken), mu: w.Owner.mu}).addTOTP(t)
				in, _ = throughSSO(t, s, b, idp, obj{"email": email})
			}
			if in.MFA == nil {
				t.Fatal("no second factor was asked for")
			}
			secrets.add("challenge handle", in.MFA.ChallengeID)
			return obj{"challenge_id": in.MFA.ChallengeID}
		}
		got := get[recoveryCase](t, b, "POST", "/auth/recovery", lost("nele"))
		w.saw(Want{Constant: "MFA_RECOVERY_REQUESTED", TargetID: got.ID, Actor: "User"})

		wait := lost("max")
		other.Owner.must(t, "POST", "/org/members", obj{"email": "max@" + mail, "handle": "max-" + random(4), "role": "operator"})
		b.refused(t, 401, "AUTH_FAILED", "POST", "/auth/recovery", wait)
		b.refused(t, 401, "AUTH_FAILED", "POST", "/auth/recovery", lost("max"))
		other.hasNone(Want{Constant: "MFA_RECOVERY_REQUESTED"})
	})
}

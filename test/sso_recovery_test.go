package test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// Who signs in through an identity provider only has no password to recover with: the
// provider's word stands in for it. Where they belong to several, the platform decides.
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

		// Max belongs to two organizations: no administrator of theirs decides, the platform does.
		max := lost("max")
		other.Owner.must(t, "POST", "/org/members", obj{"email": "max@" + mail, "handle": "max-" + random(4), "role": "operator"})
		got = get[recoveryCase](t, b, "POST", "/auth/recovery", max)
		at := "/recoveries/" + got.ID
		asked := w.saw(Want{Constant: "MFA_RECOVERY_REQUESTED", TargetID: got.ID, Actor: "User", Target: "GovernanceAction"})
		other.hasNone(Want{Constant: "MFA_RECOVERY_REQUESTED"})
		_, proof := s.letter(t, "max@"+mail, notify.RecoveryProofKind, 1).Link()
		b.must(t, "POST", "/auth/recovery/verify", obj{"proof": proof})
		for _, c := range []*Person{w.Owner, other.Owner} {
			c.refused(t, 404, "NOT_FOUND", "POST", "/org"+at+"/approve", nil)
			c.refused(t, 403, "NOT_PERMITTED", "POST", "/platform"+at+"/approve", nil)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID, Where: obj{"recovery_id": got.ID}})
		s.Root.proved(t, 0)
		if a := s.Root.must(t, "GET", "/platform"+at, nil); !strings.Contains(string(a.Body), `"first_factor":"identity_provider"`) {
			t.Errorf("%s", a.Body)
		}
		s.Root.must(t, "POST", "/platform"+at+"/approve", obj{"comment": "seen in person"})
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: got.ID, Meta: obj{"subject_user_id": asked.Metadata["subject_user_id"]}})
		_, grant := s.letter(t, "max@"+mail, notify.RecoveryGrantKind, 1).Link()
		again := lost("max")
		again["grant"] = grant
		in := get[signedIn](t, b, "POST", "/auth/recovery/redeem", again)
		secrets.add("access token", in.AccessToken)
		limited := b.with(in.AccessToken)
		limited.refused(t, 403, "MFA_ENROLMENT_REQUIRED", "GET", "/safes", nil)
		limited.in(other.Org).refused(t, 403, "SSO_ELSEWHERE", "GET", "/safes", nil)
		(&Person{s: s, Client: limited, mu: w.Owner.mu}).addTOTP(t)
		w.saw(Want{Constant: "MFA_RECOVERY_COMPLETED", Actor: "User", TargetID: got.ID, Meta: obj{"new_mfa_method": "totp"}})

		// Who has a password to give gives it.
		with := w.s.newPerson("ida")
		with.Email = with.Handle + "@" + mail
		w.Owner.must(t, "POST", "/org/members", obj{"email": with.Email, "handle": with.Handle, "name": "Ida", "password": with.Password, "role": "operator"})
		with.enrol(t)
		other.Owner.must(t, "POST", "/org/members", obj{"email": with.Email, "handle": with.Handle, "role": "operator"})
		b.refused(t, 401, "AUTH_FAILED", "POST", "/auth/recovery", lost(with.Handle))
	})
}

package recovery_test

import (
	"context"
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/recovery"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// by is the question that p cannot answer after the provider of org has spoken for them.
func (s *scene) by(t *testing.T, p identitytest.Someone, org id.Org) secret.Secret {
	t.Helper()
	var in identity.SignIn
	err := s.DB.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		in, _, err = s.Identity.SignInBySSO(ctx, tx, identity.SSOArgs{User: p.ID, Org: org, From: identitytest.From})
		return err
	})
	if err != nil || in.Challenge == nil {
		t.Fatalf("%+v %v", in, err)
	}
	return in.Challenge.Handle
}

func (s *scene) ask(t *testing.T, challenge secret.Secret) (recovery.Case, error) {
	t.Helper()
	return s.Recovery.Request(t.Context(), recovery.RequestArgs{Challenge: challenge, Lost: []string{"totp"}, From: identitytest.From})
}

// asked is a case that p has proved, begun by the word of org's provider.
func (s *scene) asked(t *testing.T, p identitytest.Someone, org id.Org) recovery.Case {
	t.Helper()
	c, err := s.ask(t, s.by(t, p, org))
	if err != nil || c.Org != org || !c.ByProvider {
		t.Fatalf("%+v %v", c, err)
	}
	_, token := s.Mail.One(t, notify.RecoveryProofKind).Link()
	if c, err = s.Recovery.Verify(t.Context(), secret.FromString(token), identitytest.From); err != nil {
		t.Fatal(err)
	}
	return c
}

// also makes p a member of the owner's organization as well.
func (s *scene) also(t *testing.T, owner, p identitytest.Someone, role authz.Role) {
	t.Helper()
	_, err := s.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: identity.NewPerson{Email: p.Email, Handle: p.Handle}, Role: role})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) outside(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := s.DB.Raw().ExecContext(t.Context(), statement+" /* platform-wide: a test */", args...); err != nil {
		t.Fatal(err)
	}
}

// Somebody of several organizations who has no password recovers by a provider's word,
// and the platform decides, whatever those organizations say.
func TestAProvidersWordThatReachesFurtherIsDecidedByThePlatform(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		acme := s.owner.Org()
		_, beta := s.Org(t, "beta")
		s.fresh(t)
		s.also(t, beta, s.ada, authz.Admin)
		s.Take(t)

		// Who has a password gives it.
		_, err := s.ask(t, s.by(t, s.ada, acme))
		code(t, err, "AUTH_FAILED")
		s.expect(t)
		s.outside(t, "delete from person_password where person_id = $1", string(s.ada.ID))

		c := s.asked(t, s.ada, acme)
		s.expect(t, "MFA_RECOVERY_REQUESTED", "MFA_RECOVERY_VERIFIED", "MFA_RECOVERY_PENDING_ADMIN_APPROVAL")
		if letters := s.Mail.Take(t); len(letters) != 1 || letters[0].To != s.Admin.Email {
			t.Errorf("%+v", letters)
		}
		_, err = s.ask(t, s.by(t, s.ada, beta.Org()))
		code(t, err, "RECOVERY_OPEN")
		s.fresh(t)
		s.Take(t)
		for _, who := range []identitytest.Someone{s.owner, s.admin, beta} {
			_, err = s.Recovery.Approve(t.Context(), who.Actor, recovery.OfOrganization, c.ID, "")
			code(t, err, "NOT_FOUND")
			_, err = s.Recovery.Approve(t.Context(), who.Actor, recovery.OfPlatform, c.ID, "")
			code(t, err, "NOT_PERMITTED")
		}
		s.expect(t, "MFA_RECOVERY_APPROVED not_permitted", "MFA_RECOVERY_APPROVED not_permitted", "MFA_RECOVERY_APPROVED not_permitted")
		if c, err = s.Recovery.Approve(t.Context(), s.Admin.Actor, recovery.OfPlatform, c.ID, "spoke with her"); err != nil || !c.ByProvider {
			t.Fatalf("%+v %v", c, err)
		}
		for _, e := range s.Take(t) {
			if e.OrgID != acme || string(e.Actor.Type) != "PlatformAdmin" {
				t.Errorf("%s in %q by %s", e.Constant, e.OrgID, e.Actor.Type)
			}
		}
		_, token := s.Mail.One(t, notify.RecoveryGrantKind).Link()
		redeem := func(challenge secret.Secret) (identity.Session, error) {
			return s.Recovery.Redeem(t.Context(), recovery.RedeemArgs{Challenge: challenge, Grant: secret.FromString(token), From: identitytest.From})
		}
		// The word of another provider does not go with the grant.
		_, err = redeem(s.by(t, s.ada, beta.Org()))
		code(t, err, "RECOVERY_GRANT_INVALID")
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED unknown")
		in, err := redeem(s.by(t, s.ada, acme))
		if err != nil {
			t.Fatal(err)
		}
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED")
		// The session leads into the organization of that provider, and only to a new factor.
		actor, err := s.Identity.ByBearer(t.Context(), in.Token, "acme", identitytest.From)
		if err != nil || actor.Kind != authz.Enrolling || actor.Org != acme {
			t.Fatalf("%+v %v", actor, err)
		}
		_, err = s.Identity.ByBearer(t.Context(), in.Token, "beta", identitytest.From)
		code(t, err, "SSO_ELSEWHERE")
		_, err = redeem(s.by(t, s.ada, acme))
		code(t, err, "RECOVERY_GRANT_USED")
	})
}

// Where somebody belongs is looked at again in every step.
func TestAProvidersWordIsMeasuredInEveryStep(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		acme := s.owner.Org()
		_, beta := s.Org(t, "beta")
		s.outside(t, "delete from person_password where person_id = $1", string(s.ada.ID))
		s.Take(t)

		// Alone at the question: the organization's case, until they belong elsewhere.
		c := s.asked(t, s.ada, acme)
		s.Mail.Take(t)
		s.fresh(t)
		beta = s.Again(t, beta, "beta")
		s.also(t, beta, s.ada, authz.Operator)
		s.Take(t)
		_, err := s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "RECOVERY_ELSEWHERE")
		s.expect(t, "MFA_RECOVERY_APPROVED not_permitted")
		if _, err := s.Recovery.Deny(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, ""); err != nil {
			t.Fatal(err)
		}

		// A place that is suspended comes back one day.
		if err := s.Tenancy.RemoveMember(t.Context(), beta.Actor, s.ada.ID); err != nil {
			t.Fatal(err)
		}
		c = s.asked(t, s.ada, acme)
		s.Mail.Take(t)
		s.owner = s.Again(t, s.owner, "acme")
		if _, err := s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, ""); err != nil {
			t.Fatal(err)
		}
		_, token := s.Mail.One(t, notify.RecoveryGrantKind).Link()
		beta = s.Again(t, beta, "beta")
		s.also(t, beta, s.ada, authz.Operator)
		s.outside(t, "update member set suspended_at = 1 where user_id = $1 and org_id = $2", string(s.ada.ID), string(beta.Org()))
		s.Take(t)
		_, err = s.Recovery.Redeem(t.Context(), recovery.RedeemArgs{Challenge: s.by(t, s.ada, acme), Grant: secret.FromString(token), From: identitytest.From})
		code(t, err, "RECOVERY_GRANT_INVALID")
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED unknown")
	})
}

// Operators of the platform give their password, and whoever has left is nobody.
func TestAProvidersWordIsNotForOperatorsAndStrangers(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.also(t, s.owner, s.Admin, authz.Operator)
		s.outside(t, "delete from person_password where person_id in ($1, $2)", string(s.Admin.ID), string(s.ada.ID))
		_, err := s.ask(t, s.by(t, s.Admin, s.owner.Org()))
		code(t, err, "AUTH_FAILED")
		challenge := s.by(t, s.ada, s.owner.Org())
		if err := s.Tenancy.RemoveMember(t.Context(), s.owner.Actor, s.ada.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.ask(t, challenge)
		code(t, err, "AUTH_FAILED")
		for _, e := range s.Take(t) {
			if string(e.Constant) == "MFA_RECOVERY_REQUESTED" {
				t.Errorf("%+v", e)
			}
		}
	})
}

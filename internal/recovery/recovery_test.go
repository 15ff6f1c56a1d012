package recovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/recovery"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// scene is an organization with an owner, an admin and somebody who loses things.
type scene struct {
	*identitytest.World
	owner, admin, ada identitytest.Someone
}

func each(t *testing.T, f func(t *testing.T, s *scene)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: identitytest.New(t, d, identity.Limits{}).Setup(t)}
		_, s.owner = s.Org(t, "acme")
		s.admin = s.Member(t, s.owner, "adam", authz.Admin)
		s.ada = s.Member(t, s.owner, "ada", authz.Operator)
		s.fresh(t)
		s.Take(t)
		f(t, s)
	})
}

// fresh signs in again those who decide.
func (s *scene) fresh(t *testing.T) {
	t.Helper()
	s.owner, s.admin, s.Admin = s.Again(t, s.owner, "acme"), s.Again(t, s.admin, "acme"), s.Again(t, s.Admin, "")
}

// challenge is the question that somebody cannot answer.
func (s *scene) challenge(t *testing.T, p identitytest.Someone) secret.Secret {
	t.Helper()
	in, err := s.Identity.SignIn(t.Context(), identity.SignInArgs{Email: p.Email, Password: secret.FromString(p.Password), From: identitytest.From})
	if err != nil || in.Challenge == nil {
		t.Fatalf("%+v %v", in, err)
	}
	return in.Challenge.Handle
}

func (s *scene) request(t *testing.T, p identitytest.Someone) (recovery.Case, error) {
	t.Helper()
	return s.Recovery.Request(t.Context(), recovery.RequestArgs{Challenge: s.challenge(t, p), Lost: []string{"totp"}, From: identitytest.From})
}

// proof asks for a recovery and reads the link that was mailed.
func (s *scene) proof(t *testing.T, p identitytest.Someone) (recovery.Case, secret.Secret) {
	t.Helper()
	c, err := s.request(t, p)
	if err != nil || c.State != recovery.Requested {
		t.Fatalf("%+v %v", c, err)
	}
	letter := s.Mail.One(t, notify.RecoveryProofKind)
	link, token := letter.Link()
	if letter.To != p.Email || link.Path != "/recover/verify" {
		t.Fatalf("%+v", letter)
	}
	return c, secret.FromString(token)
}

// pending is a case that waits for a decision.
func (s *scene) pending(t *testing.T, p identitytest.Someone) recovery.Case {
	t.Helper()
	_, proof := s.proof(t, p)
	c, err := s.Recovery.Verify(t.Context(), proof, identitytest.From)
	if err != nil || c.State != recovery.Pending {
		t.Fatalf("%+v %v", c, err)
	}
	return c
}

// approved is a case with its grant.
func (s *scene) approved(t *testing.T, p identitytest.Someone) (recovery.Case, secret.Secret) {
	t.Helper()
	c := s.pending(t, p)
	s.Mail.Take(t)
	s.owner = s.Again(t, s.owner, "acme")
	c, err := s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "spoke with her")
	if err != nil || c.State != recovery.Approved {
		t.Fatalf("%+v %v", c, err)
	}
	_, token := s.Mail.One(t, notify.RecoveryGrantKind).Link()
	return c, secret.FromString(token)
}

func (s *scene) redeem(t *testing.T, p identitytest.Someone, grant secret.Secret) (identity.Session, error) {
	t.Helper()
	return s.Recovery.Redeem(t.Context(), recovery.RedeemArgs{Challenge: s.challenge(t, p), Grant: grant, From: identitytest.From})
}

func (s *scene) expect(t *testing.T, names ...string) {
	t.Helper()
	var got []string
	for _, n := range identitytest.Names(s.Take(t)) {
		for _, sign := range []string{"AUTH_SIGN_IN", "MFA_CHALLENGE", "MFA_VERIFICATION"} {
			if strings.HasPrefix(n, sign) {
				n = ""
			}
		}
		if n != "" {
			got = append(got, n)
		}
	}
	if strings.Join(got, ", ") != strings.Join(names, ", ") {
		t.Fatalf("events:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(names, "\n  "))
	}
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	if fault.CodeOf(err) != want || err == nil {
		t.Helper()
		t.Fatalf("got %v (%s), want %s", err, fault.CodeOf(err), want)
	}
}

func TestSomebodyWhoLostEverythingComesBack(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.pending(t, s.ada)
		s.expect(t, "MFA_RECOVERY_REQUESTED", "MFA_RECOVERY_VERIFIED", "MFA_RECOVERY_PENDING_ADMIN_APPROVAL")
		told := map[string]bool{}
		for _, l := range s.Mail.Take(t) {
			if link, token := l.Link(); l.Kind != notify.RecoveryWaitingKind || link.Path != "/organization/recoveries" || token != "" || !strings.Contains(l.Text, s.ada.Email) {
				t.Errorf("%+v", l)
			}
			told[l.To] = true
		}
		if len(told) != 2 || !told[s.owner.Email] || !told[s.admin.Email] {
			t.Errorf("told: %v", told)
		}
		l, err := s.Recovery.List(t.Context(), s.admin.Actor, recovery.OfOrganization, recovery.Pending, page.Request{})
		if err != nil || len(l.Items) != 1 || l.Items[0].ID != c.ID || l.Items[0].Person.Handle != "ada" || l.Items[0].Source == "" {
			t.Fatalf("%+v %v", l, err)
		}
		if _, err := s.Recovery.Approve(t.Context(), s.admin.Actor, recovery.OfOrganization, c.ID, "spoke with her"); err != nil {
			t.Fatal(err)
		}
		s.expect(t, "MFA_RECOVERY_APPROVED", "MFA_RECOVERY_GRANT_ISSUED")
		_, token := s.Mail.One(t, notify.RecoveryGrantKind).Link()
		session, err := s.redeem(t, s.ada, secret.FromString(token))
		if err != nil || !session.Enrolment {
			t.Fatalf("%+v %v", session, err)
		}
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED")

		limited, err := s.Identity.ByBearer(t.Context(), session.Token, "", identitytest.From)
		if err != nil || limited.Kind != authz.Enrolling {
			t.Fatalf("%+v %v", limited, err)
		}
		p, err := s.Identity.BeginTOTP(t.Context(), limited, "new phone")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Identity.ConfirmTOTP(t.Context(), limited, p.Factor, secret.FromString("000000")); err == nil {
			t.Fatal("a wrong first code was taken")
		}
		if st, err := s.Identity.Factors(t.Context(), s.ada.Actor); err != nil || len(st.Factors) != 1 || st.CodesLeft != 10 {
			t.Fatalf("a wrong code took the old factor away: %+v %v", st, err)
		}
		s.Take(t)
		again := s.ada
		again.TOTP = p.Secret.RevealString()
		codes, err := s.Identity.ConfirmTOTP(t.Context(), limited, p.Factor, s.Code(t, again))
		if err != nil || len(codes) != 10 {
			t.Fatalf("%d codes: %v", len(codes), err)
		}
		s.expect(t, "MFA_FACTOR_ENROLLED", "MFA_BACKUP_CODES_REGENERATED", "MFA_RECOVERY_COMPLETED", "MFA_SESSIONS_INVALIDATED")
		if got := s.Mail.One(t, notify.RecoveryCompletedKind); got.To != s.ada.Email {
			t.Errorf("%+v", got)
		}
		for what, bearer := range map[string]secret.Secret{"an old session": s.ada.Session, "the recovery's": session.Token} {
			if _, err := s.Identity.ByBearer(t.Context(), bearer, "", identitytest.From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s is still good: %v", what, err)
			}
		}
		if _, err := s.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: s.challenge(t, s.ada), Method: mfa.BackupCode, Code: s.ada.Codes[0], From: identitytest.From}); err == nil {
			t.Error("an old backup code opens")
		}
		again.Codes = codes
		again = s.Again(t, again, "acme")
		if st, err := s.Identity.Factors(t.Context(), again.Actor); err != nil || len(st.Factors) != 1 || st.Factors[0].Name != "new phone" || st.CodesLeft != 10 {
			t.Errorf("%+v %v", st, err)
		}
		if got, err := s.Recovery.Get(t.Context(), s.admin.Actor, recovery.OfOrganization, c.ID); err != nil || got.State != recovery.Completed {
			t.Errorf("%+v %v", got, err)
		}
		_, err = s.redeem(t, again, secret.FromString(token))
		code(t, err, "RECOVERY_GRANT_USED")
	})
}

func TestEveryWrongTurnIsAnsweredAndLeavesItsEvent(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		// without the first factor there is no case
		_, err := s.Recovery.Request(t.Context(), recovery.RequestArgs{Challenge: secret.FromString("x"), From: identitytest.From})
		code(t, err, "AUTH_FAILED")
		s.Take(t)

		c, proof := s.proof(t, s.ada)
		_, err = s.request(t, s.ada)
		code(t, err, "RECOVERY_OPEN")
		s.expect(t, "MFA_RECOVERY_REQUESTED", "MFA_RECOVERY_REQUESTED open_case_exists")

		name, _, _ := strings.Cut(proof.RevealString(), ".")
		_, err = s.Recovery.Verify(t.Context(), secret.FromString(name+"."+secret.Token(32).RevealString()), identitytest.From)
		code(t, err, "RECOVERY_PROOF_INVALID")
		s.expect(t, "MFA_RECOVERY_VERIFIED wrong_proof")
		_, err = s.Recovery.Verify(t.Context(), secret.FromString("nonsense"), identitytest.From)
		code(t, err, "RECOVERY_PROOF_INVALID")
		s.expect(t)
		_, err = s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "RECOVERY_CLOSED")
		s.expect(t, "MFA_RECOVERY_APPROVED case_closed")

		if _, err = s.Recovery.Verify(t.Context(), proof, identitytest.From); err != nil {
			t.Fatal(err)
		}
		s.expect(t, "MFA_RECOVERY_VERIFIED", "MFA_RECOVERY_PENDING_ADMIN_APPROVAL")
		_, err = s.Recovery.Verify(t.Context(), proof, identitytest.From)
		code(t, err, "RECOVERY_PROOF_USED")

		_, err = s.Recovery.Approve(t.Context(), s.ada.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "NOT_PERMITTED")
		_, err = s.Recovery.Deny(t.Context(), s.ada.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "NOT_PERMITTED")
		_, err = s.Recovery.Approve(t.Context(), s.Admin.Actor, recovery.OfPlatform, c.ID, "")
		code(t, err, "NOT_FOUND")
		s.expect(t, "MFA_RECOVERY_APPROVED not_permitted", "MFA_RECOVERY_DENIED not_permitted")
		s.Clock.Pass(20 * time.Minute)
		_, err = s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "STEP_UP_REQUIRED")
		s.expect(t, "MFA_RECOVERY_APPROVED not_permitted")
		s.fresh(t)
		s.Take(t)
		got, err := s.Recovery.Deny(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "I do not know this voice")
		if err != nil || got.State != recovery.Denied {
			t.Fatalf("%+v %v", got, err)
		}
		s.expect(t, "MFA_RECOVERY_DENIED")
		if l := s.Mail.One(t, notify.RecoveryDeniedKind); l.To != s.ada.Email || !strings.Contains(l.Text, "> I do not know this voice") {
			t.Errorf("%+v", l)
		}
		_, err = s.Recovery.Deny(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "RECOVERY_CLOSED")
		s.expect(t, "MFA_RECOVERY_DENIED case_closed")
	})
}

func TestGrantsAreForOnePersonOnceAndForAShortTime(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, grant := s.approved(t, s.ada)
		s.Take(t)
		_, err := s.redeem(t, s.admin, grant)
		code(t, err, "RECOVERY_GRANT_INVALID")
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED wrong_user")
		name, _, _ := strings.Cut(grant.RevealString(), ".")
		for _, wrong := range []string{"", "nonsense", name + "." + secret.Token(32).RevealString()} {
			_, err = s.redeem(t, s.ada, secret.FromString(wrong))
			code(t, err, "RECOVERY_GRANT_INVALID")
			s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED unknown")
		}
		_, err = s.Recovery.Redeem(t.Context(), recovery.RedeemArgs{Challenge: secret.FromString("x"), Grant: grant, From: identitytest.From})
		code(t, err, "AUTH_FAILED")
		s.Take(t)
		if _, err = s.redeem(t, s.ada, grant); err != nil {
			t.Fatal(err)
		}
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED")
		_, err = s.redeem(t, s.ada, grant)
		code(t, err, "RECOVERY_GRANT_USED")
		s.expect(t, "MFA_RECOVERY_GRANT_CONSUMED already_used")
	})
}

func TestEveryStateEndsByTheClock(t *testing.T) {
	rows := []struct {
		stage string
		life  time.Duration
		reach func(t *testing.T, s *scene) (late func() error, code string)
	}{
		{"verification", recovery.ProofLife, func(t *testing.T, s *scene) (func() error, string) {
			_, proof := s.proof(t, s.ada)
			return func() error { _, err := s.Recovery.Verify(t.Context(), proof, identitytest.From); return err }, "RECOVERY_EXPIRED"
		}},
		{"approval", recovery.ApprovalLife, func(t *testing.T, s *scene) (func() error, string) {
			c := s.pending(t, s.ada)
			return func() error {
				s.fresh(t)
				_, err := s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
				return err
			}, "RECOVERY_CLOSED"
		}},
		{"grant", recovery.GrantLife, func(t *testing.T, s *scene) (func() error, string) {
			_, grant := s.approved(t, s.ada)
			return func() error { _, err := s.redeem(t, s.ada, grant); return err }, "RECOVERY_GRANT_EXPIRED"
		}},
	}
	for _, r := range rows {
		t.Run(r.stage, func(t *testing.T) {
			each(t, func(t *testing.T, s *scene) {
				late, want := r.reach(t, s)
				if err := s.Recovery.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.Clock.Pass(r.life + time.Second)
				code(t, late(), want) // before the clock's round
				s.Take(t)
				for range 2 {
					if err := s.Recovery.Sweep(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				got := s.Take(t)
				if len(got) != 1 || got[0].Constant != "MFA_RECOVERY_EXPIRED" || identitytest.Meta(got[0], "stage") != r.stage {
					t.Fatalf("%v", identitytest.Names(got))
				}
				code(t, late(), want)
				if _, err := s.request(t, s.ada); err != nil {
					t.Errorf("what has ended stands in the way: %v", err)
				}
			})
		})
	}
}

func TestAnEnrolmentThatIsNotFinishedEndsTheCase(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, grant := s.approved(t, s.ada)
		session, err := s.redeem(t, s.ada, grant)
		if err != nil {
			t.Fatal(err)
		}
		limited, err := s.Identity.ByBearer(t.Context(), session.Token, "", identitytest.From)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Pass(16 * time.Minute)
		s.Take(t)
		if err := s.Recovery.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.expect(t, "MFA_RECOVERY_EXPIRED")
		p, err := s.Identity.BeginTOTP(t.Context(), limited, "")
		if err != nil {
			t.Fatal(err)
		}
		again := s.ada
		again.TOTP = p.Secret.RevealString()
		if _, err := s.Identity.ConfirmTOTP(t.Context(), limited, p.Factor, s.Code(t, again)); !fault.Is(err, fault.Conflict) {
			t.Errorf("a factor was enrolled after the case had ended: %v", err)
		}
		s.Again(t, s.ada, "acme") // the old factor is as it was
	})
}

func TestGuessingAtAProofEndsTheCase(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, proof := s.proof(t, s.ada)
		name, _, _ := strings.Cut(proof.RevealString(), ".")
		s.Take(t)
		for i := range 5 {
			_, err := s.Recovery.Verify(t.Context(), secret.FromString(name+"."+secret.Token(32).RevealString()), identitytest.From)
			code(t, err, "RECOVERY_PROOF_INVALID")
			if i < 4 {
				s.expect(t, "MFA_RECOVERY_VERIFIED wrong_proof")
			}
		}
		s.expect(t, "MFA_RECOVERY_VERIFIED attempts_exhausted")
		if _, err := s.Recovery.Verify(t.Context(), proof, identitytest.From); err == nil {
			t.Error("a case that was guessed at takes the right proof")
		}
		for range 2 {
			_, proof := s.proof(t, s.ada)
			name, _, _ := strings.Cut(proof.RevealString(), ".")
			for range 5 {
				s.Recovery.Verify(t.Context(), secret.FromString(name+"."+secret.Token(32).RevealString()), identitytest.From)
			}
		}
		s.Take(t)
		_, err := s.request(t, s.ada)
		code(t, err, "RATE_LIMITED")
		s.expect(t, "MFA_RECOVERY_REQUESTED rate_limited")
	})
}

func TestWhoDecidesWhom(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		// An admin does not decide an owner's case; nobody decides their own.
		second := s.Member(t, s.owner, "olga", authz.Owner)
		c := s.pending(t, s.owner)
		s.fresh(t)
		second = s.Again(t, second, "acme")
		s.Take(t)
		_, err := s.Recovery.Approve(t.Context(), s.admin.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "NOT_PERMITTED")
		_, err = s.Recovery.Approve(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "SELF_APPROVAL")
		_, err = s.Recovery.Deny(t.Context(), s.owner.Actor, recovery.OfOrganization, c.ID, "")
		code(t, err, "SELF_APPROVAL")
		s.expect(t, "MFA_RECOVERY_APPROVED not_permitted", "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED self_approval", "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED self_approval")
		if _, err := s.Recovery.Approve(t.Context(), second.Actor, recovery.OfOrganization, c.ID, ""); err != nil {
			t.Error(err)
		}

		// The only owner's case is the platform's, and stays in the organization's ledger.
		_, alone := s.Org(t, "solo")
		c = s.pending(t, alone)
		if _, err := s.Recovery.Get(t.Context(), alone.Actor, recovery.OfOrganization, c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the person sees their own case: %v", err)
		}
		s.fresh(t)
		l, err := s.Recovery.List(t.Context(), s.Admin.Actor, recovery.OfPlatform, "", page.Request{})
		if err != nil || len(l.Items) != 1 || l.Items[0].Org != alone.Org() {
			t.Fatalf("%+v %v", l, err)
		}
		s.Take(t)
		if _, err := s.Recovery.Approve(t.Context(), s.Admin.Actor, recovery.OfPlatform, c.ID, ""); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Take(t) {
			if e.OrgID != alone.Org() || string(e.Actor.Type) != "PlatformAdmin" {
				t.Errorf("%s in %s by %s", e.Constant, e.OrgID, e.Actor.Type)
			}
		}

		// The only administrator of the platform has nobody.
		_, err = s.request(t, s.Admin)
		code(t, err, "RECOVERY_NOT_ELIGIBLE")
		s.expect(t, "MFA_RECOVERY_REQUESTED not_eligible")
	})
}

// Somebody with as many factors as they may have has lost all of them as well.
func TestRecoveryReplacesAnyNumberOfFactors(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for range 4 {
			p, err := s.Identity.BeginTOTP(t.Context(), s.ada.Actor, "one more")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Identity.ConfirmTOTP(t.Context(), s.ada.Actor, p.Factor, s.Code(t, identitytest.Someone{TOTP: p.Secret.RevealString()})); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Identity.BeginTOTP(t.Context(), s.ada.Actor, "a sixth")
		code(t, err, "FACTOR_LIMIT")
		c := s.pending(t, s.ada)
		if _, err := s.Recovery.Approve(t.Context(), s.admin.Actor, recovery.OfOrganization, c.ID, "spoke with her"); err != nil {
			t.Fatal(err)
		}
		_, token := s.Mail.One(t, notify.RecoveryGrantKind).Link()
		session, err := s.redeem(t, s.ada, secret.FromString(token))
		if err != nil {
			t.Fatal(err)
		}
		limited, err := s.Identity.ByBearer(t.Context(), session.Token, "", identitytest.From)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Identity.BeginTOTP(t.Context(), limited, "new phone")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Identity.ConfirmTOTP(t.Context(), limited, p.Factor, s.Code(t, identitytest.Someone{TOTP: p.Secret.RevealString()})); err != nil {
			t.Fatal(err)
		}
		again := s.ada
		again.TOTP = p.Secret.RevealString()
		s.Clock.Pass(time.Minute)
		again = s.Again(t, again, "acme")
		if st, err := s.Identity.Factors(t.Context(), again.Actor); err != nil || len(st.Factors) != 1 || st.Factors[0].Name != "new phone" {
			t.Errorf("%+v %v", st, err)
		}
	})
}

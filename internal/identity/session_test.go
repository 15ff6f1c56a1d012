package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestWebSessionEndsIdleAndAtTheLatest(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		alive := func() bool {
			t.Helper()
			_, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From)
			if err != nil && !fault.Is(err, fault.Unauthenticated) {
				t.Fatal(err)
			}
			return err == nil
		}
		w.Clock.Pass(29 * time.Minute)
		if !alive() {
			t.Fatal("ended before it was idle for 30 minutes")
		}
		w.Clock.Pass(29 * time.Minute) // each use counts
		if !alive() {
			t.Fatal("use does not keep it alive")
		}
		w.Clock.Pass(30 * time.Minute)
		if alive() {
			t.Fatal("lives on after 30 idle minutes")
		}
		w.Take(t)
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range Names(w.Take(t)) { // the administrator's and the owner's
			if n != "AUTH_SIGNED_OUT idle" {
				t.Errorf("%s", n)
			}
		}
		owner = w.Again(t, owner, "")
		for range 24 {
			w.Clock.Pass(29*time.Minute + 59*time.Second)
			if !alive() {
				t.Fatal("ended early")
			}
		}
		w.Clock.Pass(25 * time.Second)
		if alive() {
			t.Fatal("lives longer than 12 hours")
		}
		w.Take(t)
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "AUTH_SIGNED_OUT expired")[0]
		if e.SessionID != string(owner.Actor.WebSession) || e.OrgID != owner.Org() {
			t.Errorf("%+v", e)
		}
	})
}

func TestBearerChoosesTheOrganization(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		other, otherOwner := w.Org(t, "globex")
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Clock.Pass(time.Second)
		w.Factorless(t, otherOwner, "bob", authz.Auditor) // known already: becomes a member there too
		by := func(org string) (authz.Actor, error) {
			return w.Identity.ByBearer(t.Context(), bob.Session, org, From)
		}
		for org, want := range map[string]struct {
			org  id.Org
			role authz.Role
		}{
			"":                  {owner.Org(), authz.Operator},
			"acme":              {owner.Org(), authz.Operator},
			string(owner.Org()): {owner.Org(), authz.Operator},
			"globex":            {other.ID, authz.Auditor},
			string(other.ID):    {other.ID, authz.Auditor},
		} {
			a, err := by(org)
			if err != nil || a.Org != want.org || a.Role != want.role {
				t.Errorf("%q: %s as %s, %v", org, a.Org, a.Role, err)
			}
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "globex", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's organization: %v", err)
		}
		a, err := w.Identity.ByBearer(t.Context(), w.Admin.Session, "", From)
		if err != nil || a.Org != "" || a.PlatformRole != authz.PlatformAdmin {
			t.Errorf("platform administrator: %+v %v", a, err)
		}
		// Removal takes effect before the next decision.
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, bob.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := by("acme"); !fault.Is(err, fault.NotFound) {
			t.Errorf("after removal: %v", err)
		}
		if a, err := by(""); err != nil || a.Org != other.ID {
			t.Errorf("after removal: %+v %v", a, err)
		}
		if _, err := w.DB.Raw().Exec(`update person set state = 'suspended' where id = $1`, string(bob.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := by(""); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("suspended: %v", err)
		}
	})
}

func TestWhatIsNoBearer(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		good := owner.Session.RevealString()
		for _, s := range []string{"", "vpws_", "vpat_", "Bearer " + good, good + "x", good[:len(good)-1], "vpat_" + good[5:], "vpxx_" + good[5:],
			strings.ToUpper(good), "vpws_" + strings.Repeat("A", 43), strings.Repeat("A", 1<<20)} {
			if a, err := w.Identity.ByBearer(t.Context(), secret.FromString(s), "", From); !fault.Is(err, fault.Unauthenticated) || a.Kind != authz.Nobody {
				t.Errorf("%.60q: %v", s, err)
			}
		}
		w.Expect(t) // nothing is recorded of them
	})
}

func TestStepUp(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, line := Key(t)
		w.Clock.Pass(16 * time.Minute)
		actor := func() authz.Actor {
			t.Helper()
			a, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if _, err := w.Identity.AddSSHKey(t.Context(), actor(), "k", line); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Fatal(err)
		}
		w.Expect(t, "SSH_KEY_ADDED mfa_required")
		c, err := w.Identity.StepUp(t.Context(), actor(), identity.StepUpArgs{})
		if err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_CHALLENGE_TRIGGERED")
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), identity.StepUpAnswer{Challenge: c.Handle, Method: mfa.TOTP, Code: secret.FromString("111111")}); fault.CodeOf(err) != "BAD_CODE" {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED bad_code")
		if _, err := complete(w, t, &c, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a step-up challenge opened a session: %v", err)
		}
		w.Take(t)
		// Another session of the same person cannot answer.
		second := w.Again(t, owner, "")
		if err := w.Identity.CompleteStepUp(t.Context(), second.Actor, identity.StepUpAnswer{Challenge: c.Handle, Method: mfa.TOTP, Code: w.Code(t, owner)}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("another web session: %v", err)
		}
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), identity.StepUpAnswer{Challenge: c.Handle, Method: "", Code: w.Code(t, owner)}); err != nil {
			t.Fatal(err)
		}
		e := w.Take(t)
		if last := e[len(e)-1]; last.Constant != "MFA_VERIFICATION_SUCCEEDED" || last.Metadata["mfa_purpose"] != "sensitive_action" || last.SessionID != string(owner.Actor.WebSession) {
			t.Errorf("%+v", last)
		}
		if a := actor(); !a.MFAAt.Equal(w.Clock.Now()) {
			t.Errorf("proved at %s, now is %s", a.MFAAt, w.Clock.Now())
		}
		if _, err := w.Identity.AddSSHKey(t.Context(), actor(), "k", line); err != nil {
			t.Error(err)
		}
		c, err = w.Identity.StepUp(t.Context(), actor(), identity.StepUpArgs{Safe: "safe_x"})
		if err != nil {
			t.Fatal(err)
		}
		events := w.Expect(t, "SSH_KEY_ADDED", "MFA_CHALLENGE_TRIGGERED")
		if events[1].Metadata["mfa_purpose"] != "step_up" || events[1].Metadata["safe_id"] != "safe_x" {
			t.Errorf("%v", events[1].Metadata)
		}
		// A stolen session gives no free guesses: they count for the account.
		for range 3 {
			c, err := w.Identity.StepUp(t.Context(), actor(), identity.StepUpArgs{})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				w.Identity.CompleteStepUp(t.Context(), actor(), identity.StepUpAnswer{Challenge: c.Handle, Method: "", Code: secret.FromString("111111")})
			}
		}
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), identity.StepUpAnswer{Challenge: c.Handle, Method: "", Code: w.Code(t, owner)}); fault.CodeOf(err) != "BAD_CODE" {
			t.Errorf("the account is not locked: %v", err)
		}
	})
}

func TestFactorsOfOnePerson(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		st, err := w.Identity.Factors(t.Context(), owner.Actor)
		if err != nil || len(st.Factors) != 1 || st.CodesLeft != 10 {
			t.Fatalf("%+v %v", st, err)
		}
		first := st.Factors[0].ID
		if err := w.Identity.RemoveFactor(t.Context(), owner.Actor, first); fault.CodeOf(err) != "LAST_FACTOR" {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_FACTOR_REMOVED last_factor")
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); err != nil {
			t.Fatalf("a refused removal ended the session: %v", err)
		}
		p, err := w.Identity.BeginTOTP(t.Context(), owner.Actor, "second")
		if err != nil {
			t.Fatal(err)
		}
		second := owner
		second.TOTP = p.Secret.RevealString()
		codes, err := w.Identity.ConfirmTOTP(t.Context(), owner.Actor, p.Factor, w.Code(t, second))
		if err != nil || codes != nil {
			t.Fatalf("%d new backup codes with a second factor, %v", len(codes), err)
		}
		w.Expect(t, "MFA_FACTOR_ENROLLED")
		if _, _, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Hour}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if err := w.Identity.RemoveFactor(t.Context(), owner.Actor, first); err != nil {
			t.Fatal(err)
		}
		events := w.Expect(t, "MFA_FACTOR_REMOVED", "API_TOKEN_REVOKED revoked_by_owner", "MFA_SESSIONS_INVALIDATED")
		if last := events[2]; Meta(last, "sessions_ended") != "1" || Meta(last, "tokens_revoked") != "1" || Meta(last, "caused_by") != string(events[0].ID) {
			t.Errorf("%+v", last.Metadata)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the session lives on: %v", err)
		}
		w.Again(t, second, "")
		in, _ := signIn(w, t, owner.Email, owner.Password)
		if _, err := complete(w, t, in.Challenge, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a code of the removed factor: %v", err)
		}
	})
}

func TestFactorsOfOthersAreOutOfReach(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		st, err := w.Identity.Factors(t.Context(), owner.Actor)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Identity.RemoveFactor(t.Context(), bob.Actor, st.Factors[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("remove: %v", err)
		}
		p, err := w.Identity.BeginTOTP(t.Context(), owner.Actor, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.ConfirmTOTP(t.Context(), bob.Actor, p.Factor, w.Code(t, Someone{TOTP: p.Secret.RevealString()})); !fault.Is(err, fault.NotFound) {
			t.Errorf("confirm: %v", err)
		}
	})
}

func TestPasswordChange(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		elsewhere := w.Again(t, owner, "")
		w.Take(t)
		fresh := secret.FromString("quite another passphrase")
		change := func(current string, next secret.Secret) error {
			return w.Identity.ChangePassword(t.Context(), owner.Actor, secret.FromString(current), next)
		}
		if err := change("not the password", fresh); fault.CodeOf(err) != "WRONG_PASSWORD" {
			t.Error(err)
		}
		w.Expect(t, "PASSWORD_CHANGED wrong_password")
		if err := change(owner.Password, secret.FromString("short")); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		w.Expect(t, "PASSWORD_CHANGED weak_password")
		if err := change(owner.Password, fresh); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "PASSWORD_CHANGED", "AUTH_SIGNED_OUT password_changed")
		if _, err := w.Identity.ByBearer(t.Context(), elsewhere.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("another session lives on: %v", err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); err != nil {
			t.Errorf("the own session ended: %v", err)
		}
		if _, err := signIn(w, t, owner.Email, owner.Password); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("the old password: %v", err)
		}
		owner.Password = "quite another passphrase"
		w.Again(t, owner, "")
	})
}

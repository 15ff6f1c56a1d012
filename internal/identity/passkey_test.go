package identity_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/mfa/mfatest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const ourOrigin = "https://vaultpam.test"

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// enrolKey enrols key for somebody; change may break it before it makes its credential.
func enrolKey(t *testing.T, w *World, actor authz.Actor, key *mfatest.Authenticator, a identity.NewKeyArgs) (identity.EnrolledKey, error) {
	t.Helper()
	c, err := w.Identity.BeginWebAuthn(t.Context(), actor, a)
	if err != nil {
		return identity.EnrolledKey{}, err
	}
	made, err := key.Create(asJSON(t, c.Creation))
	if err != nil {
		t.Fatal(err)
	}
	return w.Identity.ConfirmWebAuthn(t.Context(), actor, c.Handle, asJSON(t, made))
}

func assertion(t *testing.T, key *mfatest.Authenticator, o *mfa.RequestOptions) []byte {
	t.Helper()
	got, err := key.Get(asJSON(t, o))
	if err != nil {
		t.Fatal(err)
	}
	return asJSON(t, got)
}

// withKey is a member whose only factor is a security key.
func withKey(t *testing.T, w *World, owner Someone, handle string) (Someone, *mfatest.Authenticator) {
	t.Helper()
	p := w.Factorless(t, owner, handle, authz.Operator)
	in, err := signIn(w, t, p.Email, p.Password)
	if err != nil || in.Session == nil {
		t.Fatalf("%+v %v", in, err)
	}
	limited, err := w.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
	if err != nil {
		t.Fatal(err)
	}
	key := mfatest.New(ourOrigin)
	got, err := enrolKey(t, w, limited, key, identity.NewKeyArgs{Passkey: true})
	if err != nil || len(got.Codes) != 10 {
		t.Fatalf("%+v %v", got, err)
	}
	p.Session = in.Session.Token
	if p.Actor, err = w.Identity.ByBearer(t.Context(), p.Session, "", From); err != nil || p.Actor.Kind != authz.Person {
		t.Fatalf("after the first factor: %+v %v", p.Actor, err)
	}
	return p, key
}

func TestSecurityKeyIsAFactor(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		kim, key := withKey(t, w, owner, "kim")
		w.Take(t)
		st, err := w.Identity.Factors(t.Context(), kim.Actor)
		if err != nil || len(st.Factors) != 1 || !st.Factors[0].Passkey || st.Factors[0].Kind != mfa.WebAuthn || st.Factors[0].Name != "passkey" || !st.Factors[0].LastUsedAt.IsZero() {
			t.Fatalf("%+v %v", st, err)
		}
		in, err := signIn(w, t, kim.Email, kim.Password)
		if err != nil || in.Challenge == nil || !slices.Equal(in.Challenge.Methods, []string{"webauthn", "backup_code"}) || len(in.Challenge.WebAuthn.Allow) != 1 {
			t.Fatalf("%+v %v", in, err)
		}
		answer := assertion(t, key, in.Challenge.WebAuthn)
		s, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Method: mfa.WebAuthn, Assertion: answer, From: From})
		if err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED")[2]
		if Meta(e, "mfa_method") != "webauthn" || Meta(e, "user_verified") != "true" || Meta(e, "credential_id") != string(st.Factors[0].ID) || e.Actor.ID != string(kim.ID) {
			t.Errorf("%+v", e)
		}
		if a, err := w.Identity.ByBearer(t.Context(), s.Token, "", From); err != nil || !a.MFAAt.Equal(w.Clock.Now()) {
			t.Errorf("%+v %v", a, err)
		}
		st, _ = w.Identity.Factors(t.Context(), kim.Actor)
		if !st.Factors[0].LastUsedAt.Equal(w.Clock.Now()) {
			t.Errorf("last used %s", st.Factors[0].LastUsedAt)
		}
		// The same answer again, to the same question and to another.
		in, _ = signIn(w, t, kim.Email, kim.Password)
		w.Take(t)
		if _, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Assertion: answer, From: From}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("an answer to another question: %v", err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED bad_assertion")
		if err := w.Identity.RemoveFactor(t.Context(), kim.Actor, st.Factors[0].ID); fault.CodeOf(err) != "LAST_FACTOR" {
			t.Errorf("the only factor is removed: %v", err)
		}
		if e := w.Expect(t, "MFA_FACTOR_REMOVED last_factor")[0]; Meta(e, "new_mfa_method") != "webauthn" {
			t.Errorf("%+v", e)
		}
	})
}

func TestAssertionsThatDoNotHold(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 1000, AccountFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		kim, key := withKey(t, w, owner, "kim")
		_, other := withKey(t, w, owner, "lee")
		for name, c := range map[string]struct {
			spoil  func(k *mfatest.Authenticator)
			reason string
		}{
			"another origin":        {func(k *mfatest.Authenticator) { k.Origin = "https://vaultpam.test.evil.example" }, "bad_assertion"},
			"another relying party": {func(k *mfatest.Authenticator) { k.OtherRP = "evil.example" }, "bad_assertion"},
			"another key":           {func(k *mfatest.Authenticator) { k.OtherKey = true }, "bad_assertion"},
			"another question":      {func(k *mfatest.Authenticator) { k.Challenge = strings.Repeat("A", 43) }, "bad_assertion"},
			"nobody touched it":     {func(k *mfatest.Authenticator) { k.NotPresent = true }, "bad_assertion"},
			"nobody's credential":   {func(k *mfatest.Authenticator) { k.ID = []byte("nobody's credential, 32 bytes long") }, "unknown_credential"},
			"somebody else's":       {func(k *mfatest.Authenticator) { *k = *other }, "unknown_credential"},
		} {
			in, err := signIn(w, t, kim.Email, kim.Password)
			if err != nil {
				t.Fatal(err)
			}
			bad := key.Clone()
			c.spoil(bad)
			w.Take(t)
			_, err = w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Assertion: assertion(t, bad, in.Challenge.WebAuthn), From: From})
			if err == nil || err.Error() != identity.AuthFailed().Error() {
				t.Errorf("%s: %v", name, err)
			}
			if got := Names(w.Take(t)); !slices.Equal(got, []string{"MFA_VERIFICATION_FAILED " + c.reason}) {
				t.Errorf("%s: %v", name, got)
			}
		}
		for _, junk := range []string{"", "{}", "null", `"x"`, `{"id":"","rawId":"","type":"public-key","response":{}}`, strings.Repeat("[", 1<<17)} {
			in, err := signIn(w, t, kim.Email, kim.Password)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Method: mfa.WebAuthn, Assertion: []byte(junk), From: From}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%.20q: %v", junk, err)
			}
		}
	})
}

func TestClonedKeyIsAnIncident(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		kim, key := withKey(t, w, owner, "kim")
		clone := key.Clone()
		for range 2 {
			in, err := signIn(w, t, kim.Email, kim.Password)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Assertion: assertion(t, key, in.Challenge.WebAuthn), From: From}); err != nil {
				t.Fatal(err)
			}
		}
		in, err := signIn(w, t, kim.Email, kim.Password)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Assertion: assertion(t, clone, in.Challenge.WebAuthn), From: From}); err == nil {
			t.Fatal("a clone signed in")
		}
		events := w.Expect(t, "MFA_VERIFICATION_FAILED counter_regressed", "SECURITY_INCIDENT_FLAGGED")
		if Meta(events[1], "detector") != "webauthn_counter_regressed" || Meta(events[1], "related_events") != fmt.Sprint([]any{string(events[0].ID)}) {
			t.Errorf("%+v", events[1].Metadata)
		}
		// The same without a password.
		clone.Count = 0
		c, err := w.Identity.BeginPasskey(t.Context(), From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.CompletePasskey(t.Context(), identity.CompletePasskeyArgs{Handle: c.Handle, Assertion: assertion(t, clone, c.Request), From: From}); err == nil {
			t.Fatal("a clone signed in")
		}
		w.Expect(t, "AUTH_SIGN_IN_FAILED bad_credentials", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_FAILED counter_regressed", "SECURITY_INCIDENT_FLAGGED")
	})
}

func TestPasskeySignsInAlone(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		kim, key := withKey(t, w, owner, "kim")
		begin := func() mfa.Ceremony {
			t.Helper()
			c, err := w.Identity.BeginPasskey(t.Context(), From)
			if err != nil || len(c.Request.Allow) != 0 || c.Request.UserVerification != "required" {
				t.Fatalf("%+v %v", c.Request, err)
			}
			return c
		}
		finish := func(c mfa.Ceremony, answer []byte) (identity.Session, error) {
			return w.Identity.CompletePasskey(t.Context(), identity.CompletePasskeyArgs{Handle: c.Handle, Assertion: answer, From: From})
		}
		c := begin()
		w.Take(t)
		answer := assertion(t, key, c.Request)
		s, err := finish(c, answer)
		if err != nil {
			t.Fatal(err)
		}
		events := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED")
		if Meta(events[0], "sign_in_method") != "passkey" || Meta(events[1], "methods_offered") != "[webauthn]" || events[2].Actor.ID != string(kim.ID) {
			t.Errorf("%+v", events)
		}
		if a, err := w.Identity.ByBearer(t.Context(), s.Token, "", From); err != nil || a.User != kim.ID || a.MFAAt.IsZero() {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := finish(c, answer); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a second time: %v", err)
		}
		w.Expect(t, "AUTH_SIGN_IN_FAILED bad_credentials")
		late := begin()
		answer = assertion(t, key, late.Request)
		w.Clock.Pass(5 * time.Minute)
		if _, err := finish(late, answer); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("too late: %v", err)
		}
		for name, spoil := range map[string]func(k *mfatest.Authenticator){
			"no PIN and no finger": func(k *mfatest.Authenticator) { k.NotVerified = true },
			"another key":          func(k *mfatest.Authenticator) { k.OtherKey = true },
			"another origin":       func(k *mfatest.Authenticator) { k.Origin = "http://vaultpam.test" },
			"it is nobody's":       func(k *mfatest.Authenticator) { k.NoHandle = true },
			"unknown":              func(k *mfatest.Authenticator) { k.ID = []byte("nobody's credential, 32 bytes long") },
		} {
			c := begin()
			bad := key.Clone()
			spoil(bad)
			if _, err := finish(c, assertion(t, bad, c.Request)); err == nil || err.Error() != identity.AuthFailed().Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A handle of another kind of question, and none at all.
		for _, h := range []string{"", ".", "chl_x.y", c.Handle.RevealString() + "x"} {
			if _, err := w.Identity.CompletePasskey(t.Context(), identity.CompletePasskeyArgs{Handle: secret.FromString(h), Assertion: answer, From: From}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%q: %v", h, err)
			}
		}
		if _, err := w.DB.Raw().Exec(`update person set state = 'suspended' where id = $1`, string(kim.ID)); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		c = begin()
		if _, err := finish(c, assertion(t, key, c.Request)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("suspended: %v", err)
		}
		w.Expect(t, "AUTH_SIGN_IN_FAILED suspended")
	})
}

func TestOneAnswerOfAPasskeyCountsOnce(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		_, key := withKey(t, w, owner, "kim")
		key.Step = 0 // an authenticator that does not count, as synchronized ones do
		c, err := w.Identity.BeginPasskey(t.Context(), From)
		if err != nil {
			t.Fatal(err)
		}
		answer := assertion(t, key, c.Request)
		var wg sync.WaitGroup
		in := make(chan bool, 8)
		for range cap(in) {
			wg.Go(func() {
				_, err := w.Identity.CompletePasskey(t.Context(), identity.CompletePasskeyArgs{Handle: c.Handle, Assertion: answer, From: From})
				in <- err == nil
			})
		}
		wg.Wait()
		close(in)
		n := 0
		for ok := range in {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d sign-ins by one answer", n)
		}
	})
}

func TestEnrolmentsOfKeysThatAreRefused(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		kim, _ := withKey(t, w, owner, "kim")
		w.Take(t)
		refused := func(name string, spoil func(k *mfatest.Authenticator), a identity.NewKeyArgs) {
			t.Helper()
			k := mfatest.New(ourOrigin)
			spoil(k)
			if _, err := enrolKey(t, w, kim.Actor, k, a); fault.CodeOf(err) != "BAD_ASSERTION" {
				t.Errorf("%s: %v", name, err)
			}
			if got := Names(w.Take(t)); !slices.Equal(got, []string{"MFA_FACTOR_ENROLLED bad_assertion"}) {
				t.Errorf("%s: %v", name, got)
			}
		}
		refused("another origin", func(k *mfatest.Authenticator) { k.Origin = "https://evil.example" }, identity.NewKeyArgs{})
		refused("another relying party", func(k *mfatest.Authenticator) { k.OtherRP = "evil.example" }, identity.NewKeyArgs{})
		refused("another question", func(k *mfatest.Authenticator) { k.Challenge = strings.Repeat("A", 43) }, identity.NewKeyArgs{})
		refused("a passkey without a PIN", func(k *mfatest.Authenticator) { k.NotVerified = true }, identity.NewKeyArgs{Passkey: true})

		// Another session of the same person, and another person, do not finish it.
		c, err := w.Identity.BeginWebAuthn(t.Context(), kim.Actor, identity.NewKeyArgs{})
		if err != nil {
			t.Fatal(err)
		}
		key := mfatest.New(ourOrigin)
		made, err := key.Create(asJSON(t, c.Creation))
		if err != nil {
			t.Fatal(err)
		}
		foreign := kim.Actor
		foreign.WebSession = owner.Actor.WebSession
		for name, a := range map[string]authz.Actor{"another session": foreign, "another person": owner.Actor} {
			if _, err := w.Identity.ConfirmWebAuthn(t.Context(), a, c.Handle, asJSON(t, made)); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Identity.ConfirmWebAuthn(t.Context(), kim.Actor, c.Handle, asJSON(t, made)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.ConfirmWebAuthn(t.Context(), kim.Actor, c.Handle, asJSON(t, made)); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		w.Take(t)
		// A credential that is enrolled already, whoever has it.
		c, err = w.Identity.BeginWebAuthn(t.Context(), owner.Actor, identity.NewKeyArgs{})
		if err != nil {
			t.Fatal(err)
		}
		again := mfatest.New(ourOrigin)
		again.FixedID = key.ID
		made, err = again.Create(asJSON(t, c.Creation))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.ConfirmWebAuthn(t.Context(), owner.Actor, c.Handle, asJSON(t, made)); fault.CodeOf(err) != "CREDENTIAL_EXISTS" {
			t.Errorf("somebody else's credential: %v", err)
		}
		w.Expect(t, "MFA_FACTOR_ENROLLED already_registered")
		for range 3 {
			if _, err := enrolKey(t, w, kim.Actor, mfatest.New(ourOrigin), identity.NewKeyArgs{}); err != nil {
				t.Fatal(err)
			}
		}
		w.Take(t)
		if _, err := enrolKey(t, w, kim.Actor, mfatest.New(ourOrigin), identity.NewKeyArgs{}); fault.CodeOf(err) != "FACTOR_LIMIT" {
			t.Errorf("a sixth factor: %v", err)
		}
		w.Expect(t, "MFA_FACTOR_ENROLLED factor_limit")
		w.Clock.Pass(16 * time.Minute)
		if _, err := enrolKey(t, w, kim.Actor, mfatest.New(ourOrigin), identity.NewKeyArgs{}); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Errorf("with a stale factor: %v", err)
		}
		w.Expect(t, "MFA_FACTOR_ENROLLED mfa_required")
	})
}

func TestFactorsHaveLabels(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		kim, _ := withKey(t, w, owner, "kim")
		st, err := w.Identity.Factors(t.Context(), kim.Actor)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		factor := st.Factors[0].ID
		if err := w.Identity.RenameFactor(t.Context(), kim.Actor, factor, "  the blue one "); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "MFA_FACTOR_RENAMED")[0]; Meta(e, "old_name") != "passkey" || Meta(e, "new_name") != "the blue one" {
			t.Errorf("%+v", e.Metadata)
		}
		if err := w.Identity.RenameFactor(t.Context(), kim.Actor, factor, "the blue one"); err != nil {
			t.Error(err)
		}
		if err := w.Identity.RenameFactor(t.Context(), owner.Actor, factor, "mine"); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		if err := w.Identity.RenameFactor(t.Context(), kim.Actor, factor, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("no name: %v", err)
		}
		w.Expect(t)
	})
}

func TestStepUpWithASecurityKey(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		kim, key := withKey(t, w, owner, "kim")
		w.Clock.Pass(16 * time.Minute)
		c, err := w.Identity.StepUp(t.Context(), kim.Actor, identity.StepUpArgs{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Identity.CompleteStepUp(t.Context(), kim.Actor, identity.StepUpAnswer{Challenge: c.Handle, Assertion: assertion(t, key, c.WebAuthn)}); err != nil {
			t.Fatal(err)
		}
		a, err := w.Identity.ByBearer(t.Context(), kim.Session, "", From)
		if err != nil || authz.Fresh(a, authz.SelfManage, w.Clock.Now()) != nil {
			t.Errorf("%+v %v", a, err)
		}
	})
}

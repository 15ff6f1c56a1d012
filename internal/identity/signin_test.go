package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func world(t *testing.T, limits identity.Limits, f func(t *testing.T, w *World, owner Someone)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, limits).Setup(t)
		_, owner := w.Org(t, "acme")
		w.Take(t)
		f(t, w, owner)
	})
}

func signIn(w *World, t *testing.T, login, password string) (identity.SignIn, error) {
	return w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: login, Password: secret.FromString(password), From: From})
}

func complete(w *World, t *testing.T, c *mfa.Challenge, code secret.Secret) (identity.Session, error) {
	return w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: c.Handle, Code: code, From: From})
}

func TestSignInWithPasswordAndCode(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Take(t)
		in, err := signIn(w, t, "  BOB@Example.COM ", bob.Password) // any spelling of the address
		if err != nil || in.Challenge == nil || in.Session != nil {
			t.Fatalf("%+v %v", in, err)
		}
		if !slices.Equal(in.Challenge.Methods, []string{"totp", "backup_code"}) {
			t.Errorf("methods %v", in.Challenge.Methods)
		}
		events := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED")
		for _, e := range events {
			if e.OrgID != owner.Org() || e.Actor.Authenticated || e.Actor.ID != "" || e.Actor.Type != event.User || e.Source.IP != "192.0.2.10" {
				t.Errorf("%s: %+v", e.Constant, e)
			}
		}
		if strings.Contains(in.Challenge.Handle.RevealString(), "MFA") || !strings.HasPrefix(in.Challenge.Handle.RevealString(), string(in.Challenge.ID)) {
			t.Error("the handle does not begin with the challenge's id")
		}
		s, err := complete(w, t, in.Challenge, w.Code(t, bob))
		if err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "MFA_VERIFICATION_SUCCEEDED")[0]
		if e.Actor.ID != string(bob.ID) || !e.Actor.Authenticated || e.Metadata["mfa_purpose"] != "sign_in" || e.Metadata["mfa_method"] != "totp" {
			t.Errorf("%+v", e)
		}
		actor, err := w.Identity.ByBearer(t.Context(), s.Token, "", From)
		if err != nil || actor.Kind != authz.Person || actor.User != bob.ID || actor.Org != owner.Org() || actor.Role != authz.Operator ||
			!actor.MFAAt.Equal(w.Clock.Now()) || actor.Name != "bob" {
			t.Fatalf("%+v %v", actor, err)
		}
		if err := w.Identity.SignOut(t.Context(), actor); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT by_user")
		if _, err := w.Identity.ByBearer(t.Context(), s.Token, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after sign-out: %v", err)
		}
	})
}

// The id of a challenge is told in events; it must not be enough to answer it.
func TestChallengeIDIsNoHandle(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		in, err := signIn(w, t, owner.Email, owner.Password)
		if err != nil {
			t.Fatal(err)
		}
		code := w.Code(t, owner)
		for _, handle := range []string{string(in.Challenge.ID), string(in.Challenge.ID) + ".", string(in.Challenge.ID) + "." + secret.Token(32).RevealString(), "", "."} {
			_, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: secret.FromString(handle), Code: code, From: From})
			if fault.CodeOf(err) != "AUTH_FAILED" {
				t.Errorf("%q: %v", handle, err)
			}
		}
		if _, err := complete(w, t, in.Challenge, code); err != nil {
			t.Errorf("the right handle, after wrong ones: %v", err)
		}
	})
}

// Every way to fail gives the same answer and costs the same hashing.
func TestFailuresAreAlike(t *testing.T) {
	world(t, identity.Limits{AccountFailures: 100, SourceFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		eve := w.Factorless(t, owner, "eve", authz.Operator)
		ann := w.Member(t, owner, "ann", authz.Operator)
		if _, err := w.DB.Raw().Exec(`update person set state = 'suspended' where handle = 'ann'`); err != nil {
			t.Fatal(err)
		}
		lou := w.Member(t, owner, "lou", authz.Operator)
		if _, err := w.DB.Raw().Exec(`update sign_in_guard set locked_until = $1 where person_id = $2`, db.Micros(w.Clock.Now().Add(time.Hour)), string(lou.ID)); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		code := func(s Someone) secret.Secret { return w.Code(t, s) }
		wrong := secret.FromString("000 000")
		cases := []struct {
			name, login, password string
			code                  secret.Secret
			events                []string
		}{
			{"nobody", "nobody@example.com", "a password of somebody", wrong, []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"not an address", "\x00@@", "a password of somebody", wrong, []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"wrong password", bob.Email, "a password of somebody", wrong, []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"wrong password, right code", bob.Email, "a password of somebody", code(bob), []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"empty password", bob.Email, "", wrong, []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"endless password", bob.Email, strings.Repeat("x", 1<<20), wrong, []string{"AUTH_SIGN_IN_FAILED bad_credentials"}},
			{"suspended", ann.Email, ann.Password, code(ann), []string{"AUTH_SIGN_IN_FAILED suspended"}},
			{"locked", lou.Email, lou.Password, code(lou), []string{"AUTH_SIGN_IN_FAILED locked"}},
		}
		check := func(name string, err error, before int64, events []string) {
			t.Helper()
			if fault.KindOf(err) != fault.Unauthenticated || fault.CodeOf(err) != "AUTH_FAILED" || fault.MessageOf(err) != fault.MessageOf(identity.AuthFailed()) {
				t.Errorf("%s: %v", name, err)
			}
			if n := w.Identity.HashWork() - before; n != 1 {
				t.Errorf("%s: %d hash operations, want 1", name, n)
			}
			if got := Names(w.Take(t)); !slices.Equal(got, events) {
				t.Errorf("%s: events %v, want %v", name, got, events)
			}
		}
		for _, c := range cases {
			before := w.Identity.HashWork()
			_, err := signIn(w, t, c.login, c.password)
			check(c.name, err, before, c.events)
			before = w.Identity.HashWork()
			_, err = w.SSH.PasswordAndCode(t.Context(), c.login, secret.FromString(c.password), c.code, From)
			check(c.name+" over SSH", err, before, c.events)
		}
		before := w.Identity.HashWork()
		_, err := w.SSH.PasswordAndCode(t.Context(), bob.Handle, secret.FromString(bob.Password), wrong, From)
		check("wrong code over SSH", err, before, []string{"AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_FAILED bad_code"})
		before = w.Identity.HashWork()
		_, err = w.SSH.PasswordAndCode(t.Context(), eve.Handle, secret.FromString(eve.Password), wrong, From)
		check("no factor over SSH", err, before, []string{"AUTH_SIGN_IN_FAILED not_permitted"})
	})
}

func TestBootstrapLeavesThePresentCode(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		eve := w.Factorless(t, owner, "eve", authz.Operator)
		signer, line := Key(t)
		w.Take(t)
		b, err := w.Identity.Bootstrap(t.Context(), identity.BootstrapArgs{Login: "eve", Password: secret.FromString(eve.Password), From: From,
			SSHKey: line, TokenName: "dev", Scopes: []string{"*"}, TokenLife: 24 * time.Hour})
		if err != nil || b.Token.Empty() || len(b.BackupCodes) != 10 {
			t.Fatal(err)
		}
		w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_FACTOR_ENROLLED", "MFA_BACKUP_CODES_GENERATED", "SSH_KEY_ADDED", "API_TOKEN_CREATED", "AUTH_SIGNED_OUT by_user")
		eve.TOTP = b.TOTP.Secret.RevealString()
		if _, err := w.SSH.PasswordAndCode(t.Context(), "eve", secret.FromString(eve.Password), w.CodeNow(t, eve), From); err != nil {
			t.Errorf("the code of the same half minute: %v", err)
		}
		if _, err := w.SSH.KeyOffered(t.Context(), "eve", signer.PublicKey().Marshal(), From); err != nil {
			t.Error(err)
		}
		if _, err := w.Identity.Bootstrap(t.Context(), identity.BootstrapArgs{Login: "eve", Password: secret.FromString(eve.Password), From: From}); !fault.Is(err, fault.Conflict) {
			t.Errorf("twice: %v", err)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		if _, _, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Minute}); err != nil {
			t.Fatal(err)
		}
		w.Clock.Pass(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Identity.Run(ctx) }()
		for ended := false; !ended; { // the first round comes at once
			var n int
			if err := w.DB.Raw().QueryRow(`select count(*) from api_token where ended_at <> 0`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			ended = n == 1
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPasswordAloneMayOnlyEnrol(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		eve := w.Factorless(t, owner, "eve", authz.Admin)
		w.Take(t)
		in, err := signIn(w, t, "eve", eve.Password)
		if err != nil || in.Challenge != nil || in.Session == nil || !in.Session.Enrolment {
			t.Fatalf("%+v %v", in, err)
		}
		w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED")
		actor, err := w.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
		if err != nil || actor.Kind != authz.Enrolling || actor.Authenticated() {
			t.Fatalf("%+v %v", actor, err)
		}
		_, line := Key(t)
		if _, err := w.Identity.AddSSHKey(t.Context(), actor, "k", line); fault.CodeOf(err) != "MFA_ENROLMENT_REQUIRED" {
			t.Errorf("register a key: %v", err)
		}
		if _, _, err := w.Identity.CreateToken(t.Context(), actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Hour}); fault.CodeOf(err) != "MFA_ENROLMENT_REQUIRED" {
			t.Errorf("make a token: %v", err)
		}
		if _, err := w.Identity.StepUp(t.Context(), actor, identity.StepUpArgs{}); !fault.Is(err, fault.Denied) {
			t.Errorf("step up: %v", err)
		}
		if _, err := w.Identity.RegenerateCodes(t.Context(), actor); !fault.Is(err, fault.Denied) {
			t.Errorf("backup codes: %v", err)
		}
		w.Expect(t, "SSH_KEY_ADDED not_permitted", "API_TOKEN_CREATED not_permitted", "AUTH_ACT_REFUSED not_permitted", "AUTH_ACT_REFUSED not_permitted")

		p, err := w.Identity.BeginTOTP(t.Context(), actor, "phone")
		if err != nil || !strings.HasPrefix(p.URI.RevealString(), "otpauth://totp/VaultPAM:eve@example.com?") {
			t.Fatalf("%v %s", err, p.URI.RevealString())
		}
		if _, err := w.Identity.ConfirmTOTP(t.Context(), actor, p.Factor, secret.FromString("000000")); fault.CodeOf(err) != "BAD_CODE" {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_FACTOR_ENROLLED bad_code")
		eve.TOTP = p.Secret.RevealString()
		codes, err := w.Identity.ConfirmTOTP(t.Context(), actor, p.Factor, w.CodeNow(t, eve))
		if err != nil || len(codes) != 10 {
			t.Fatalf("%d codes, %v", len(codes), err)
		}
		events := w.Expect(t, "MFA_FACTOR_ENROLLED", "MFA_BACKUP_CODES_GENERATED")
		if Meta(events[1], "code_count") != "10" || !events[0].Actor.Authenticated {
			t.Errorf("%+v", events)
		}
		actor, err = w.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
		if err != nil || actor.Kind != authz.Person || actor.MFAAt.IsZero() {
			t.Fatalf("after enrolment: %+v %v", actor, err)
		}
		// The code that enrolled is used.
		in, err = signIn(w, t, "eve", eve.Password)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := complete(w, t, in.Challenge, w.CodeNow(t, eve)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED code_replayed")
	})
}

// Two limited sessions cannot both enrol a first factor.
func TestSecondLimitedSessionIsWorthNothingAfterEnrolment(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		eve := w.Factorless(t, owner, "eve", authz.Operator)
		var actors []authz.Actor
		for range 2 {
			in, err := signIn(w, t, "eve", eve.Password)
			if err != nil {
				t.Fatal(err)
			}
			a, err := w.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
			if err != nil {
				t.Fatal(err)
			}
			actors = append(actors, a)
		}
		enrol := func(a authz.Actor) error {
			p, err := w.Identity.BeginTOTP(t.Context(), a, "")
			if err != nil {
				return err
			}
			_, err = w.Identity.ConfirmTOTP(t.Context(), a, p.Factor, w.Code(t, Someone{TOTP: p.Secret.RevealString()}))
			return err
		}
		if err := enrol(actors[0]); err != nil {
			t.Fatal(err)
		}
		if err := enrol(actors[1]); !fault.Is(err, fault.Conflict) {
			t.Errorf("a password added a factor beside an enrolled one: %v", err)
		}
	})
}

func TestEachCodeOnce(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		code := w.Code(t, owner)
		var wg sync.WaitGroup
		var mu sync.Mutex
		passed := 0
		for range 6 {
			in, err := signIn(w, t, owner.Email, owner.Password)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if _, err := complete(w, t, in.Challenge, code); err == nil {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if passed != 1 {
			t.Errorf("one code signed in %d times", passed)
		}
		n := map[string]int{}
		for _, name := range Names(w.Take(t)) {
			n[name]++
		}
		if n["MFA_VERIFICATION_SUCCEEDED"] != 1 || n["MFA_VERIFICATION_FAILED code_replayed"] != 5 {
			t.Errorf("%v", n)
		}
	})
}

func TestChallengeLocksAfterFiveAnswersAndExpires(t *testing.T) {
	world(t, identity.Limits{AccountFailures: 100}, func(t *testing.T, w *World, owner Someone) {
		in, _ := signIn(w, t, owner.Email, owner.Password)
		w.Take(t)
		for n := 1; n <= 5; n++ {
			complete(w, t, in.Challenge, secret.FromString("000000"))
			e := w.Expect(t, "MFA_VERIFICATION_FAILED bad_code")[0]
			if Meta(e, "failed_count") != fmt.Sprint(n) || e.Metadata["locked_out"] != (n == 5) {
				t.Errorf("answer %d: %v", n, e.Metadata)
			}
		}
		if _, err := complete(w, t, in.Challenge, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a right code after five wrong ones: %v", err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED locked_out")

		in, _ = signIn(w, t, owner.Email, owner.Password)
		w.Take(t)
		w.Clock.Pass(5 * time.Minute)
		if _, err := complete(w, t, in.Challenge, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a right code too late: %v", err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED challenge_expired")

		in, _ = signIn(w, t, owner.Email, owner.Password)
		if _, err := complete(w, t, in.Challenge, w.Code(t, owner)); err != nil {
			t.Fatal(err)
		}
		if _, err := complete(w, t, in.Challenge, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("one challenge answered twice: %v", err)
		}
	})
}

func TestBackupCodes(t *testing.T) {
	world(t, identity.Limits{AccountFailures: 100}, func(t *testing.T, w *World, owner Someone) {
		use := func(code string) error {
			in, err := signIn(w, t, owner.Email, owner.Password)
			if err != nil {
				t.Fatal(err)
			}
			w.Take(t)
			_, err = complete(w, t, in.Challenge, secret.FromString(code))
			return err
		}
		first := owner.Codes[0].RevealString()
		if err := use(" " + strings.ToLower(strings.ReplaceAll(first, "-", " "))); err != nil {
			t.Fatal(err)
		}
		events := w.Expect(t, "MFA_VERIFICATION_SUCCEEDED", "MFA_BACKUP_CODES_USED")
		if events[0].Metadata["mfa_method"] != "backup_code" || Meta(events[1], "codes_left") != "9" || events[0].Metadata["challenge_id"] != events[1].Metadata["challenge_id"] {
			t.Errorf("%+v", events)
		}
		if err := use(first); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a spent code: %v", err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED code_replayed")

		codes, err := w.Identity.RegenerateCodes(t.Context(), owner.Actor)
		if err != nil || len(codes) != 10 {
			t.Fatalf("%d %v", len(codes), err)
		}
		if e := w.Expect(t, "MFA_BACKUP_CODES_REGENERATED")[0]; Meta(e, "unused_codes_voided") != "9" {
			t.Errorf("%v", e.Metadata)
		}
		if err := use(owner.Codes[1].RevealString()); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a code of the old set: %v", err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED bad_code")
		if err := use(codes[1].RevealString()); err != nil {
			t.Errorf("a code of the new set: %v", err)
		}
	})
}

func TestNoEventWithoutItsActAndNoActWithoutItsEvent(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		broken := errors.New("the ledger does not write")
		s := w.Rebuild(t, failingLedger{broken})
		if _, err := s.SignIn(t.Context(), identity.SignInArgs{Email: owner.Email, Password: secret.FromString(owner.Password), From: From}); !errors.Is(err, broken) {
			t.Errorf("sign-in: %v", err)
		}
		if _, _, err := s.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Hour}); !errors.Is(err, broken) {
			t.Errorf("token: %v", err)
		}
		if err := s.SignOut(t.Context(), owner.Actor); !errors.Is(err, broken) {
			t.Errorf("sign-out: %v", err)
		}
		// A refusal that cannot be recorded is refused all the same, as our own fault.
		if _, _, err := s.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"platform:write"}, Life: time.Hour}); !fault.Is(err, fault.Internal) {
			t.Errorf("refusal: %v", err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); err != nil {
			t.Errorf("the session ended without its event: %v", err)
		}
		var n int
		if err := w.DB.Raw().QueryRow(`select count(*) from api_token`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d tokens without an event, %v", n, err)
		}
	})
}

type failingLedger struct{ error }

func (f failingLedger) Record(context.Context, *db.Tx, event.Event) (id.Event, error) {
	return "", f.error
}

func (f failingLedger) RecordRefusal(context.Context, event.Event) error { return f.error }

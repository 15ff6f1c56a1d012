package identity_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestTenFailuresLockTheAccount(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		signer, line := Key(t)
		if _, err := w.Identity.AddSSHKey(t.Context(), bob.Actor, "laptop", line); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		for range 9 {
			signIn(w, t, bob.Email, "not the password")
		}
		// A right password does not forgive: the second factor is not proved.
		in, err := signIn(w, t, bob.Email, bob.Password)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := complete(w, t, in.Challenge, secret.FromString("123123")); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Fatal(err)
		}
		locked := w.Expect(t, "MFA_VERIFICATION_FAILED bad_code", "AUTH_LOCKED")[1]
		if locked.Metadata["lock_scope"] != "user" || locked.Metadata["subject_user_id"] != string(bob.ID) {
			t.Errorf("%+v", locked.Metadata)
		}
		// Locked for every door and every proof, with the same answer.
		if _, err := signIn(w, t, bob.Email, bob.Password); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("right password while locked: %v", err)
		}
		if _, err := complete(w, t, in.Challenge, w.Code(t, bob)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("right code while locked: %v", err)
		}
		if _, err := w.SSH.PasswordAndCode(t.Context(), "bob", secret.FromString(bob.Password), w.Code(t, bob), From); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("both over SSH while locked: %v", err)
		}
		if _, err := w.SSH.KeyOffered(t.Context(), "bob", signer.PublicKey().Marshal(), From); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("right key while locked: %v", err)
		}
		w.Expect(t, "AUTH_SIGN_IN_FAILED locked", "MFA_VERIFICATION_FAILED locked_out", "AUTH_SIGN_IN_FAILED locked")
		w.Clock.Pass(15 * time.Minute)
		w.Again(t, bob, "")
	})
}

// However many try at once, the guesses that count are as many as the limit.
func TestParallelGuessesDoNotPassTheLimit(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { signIn(w, t, owner.Email, "not the password") })
		}
		wg.Wait()
		count := map[string]int{}
		for _, n := range Names(w.Take(t)) {
			count[n]++
		}
		if count["AUTH_SIGN_IN_FAILED bad_credentials"] != 10 || count["AUTH_SIGN_IN_FAILED locked"] != 30 || count["AUTH_LOCKED"] != 1 {
			t.Errorf("%v", count)
		}
	})
}

func TestSourceIsTurnedAway(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 5}, func(t *testing.T, w *World, owner Someone) {
		for range 4 {
			signIn(w, t, "nobody@example.com", "x")
		}
		w.Take(t)
		signIn(w, t, "nobody@example.com", "x")
		w.Expect(t, "AUTH_LOCKED", "AUTH_SIGN_IN_FAILED bad_credentials")
		before := w.Identity.HashWork()
		for range 3 {
			_, err := signIn(w, t, owner.Email, owner.Password) // also for who would be right
			if f := fault.As(err); f == nil || f.Kind != fault.Exhausted || f.Code != "RATE_LIMITED" || f.RetryAfter <= 0 {
				t.Fatal(err)
			}
		}
		if n := w.Identity.HashWork() - before; n != 0 {
			t.Errorf("%d hash operations for a source that is turned away", n)
		}
		if e := w.Expect(t, "AUTH_SIGN_IN_FAILED rate_limited")[0]; Meta(e, "coalesced") != "1" {
			t.Errorf("%v", e.Metadata)
		}
		w.Clock.Pass(time.Minute)
		signIn(w, t, owner.Email, owner.Password)
		if e := w.Expect(t, "AUTH_SIGN_IN_FAILED rate_limited")[0]; Meta(e, "coalesced") != "3" {
			t.Errorf("%v", e.Metadata)
		}
		other := From
		other.Source.IP = netip.MustParseAddr("192.0.2.11")
		if _, err := w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: owner.Email, Password: secret.FromString(owner.Password), From: other}); err != nil {
			t.Errorf("another source: %v", err)
		}
		w.Take(t)
		signIn(w, t, owner.Email, owner.Password)
		w.Clock.Pass(5 * time.Minute)
		if err := w.Identity.Sweep(t.Context()); err != nil { // tells the one that nobody has told
			t.Fatal(err)
		}
		if e := w.Expect(t, "AUTH_SIGN_IN_FAILED rate_limited")[0]; Meta(e, "coalesced") != "1" || e.Source.IP != "192.0.2.10" {
			t.Errorf("%+v", e)
		}
		if _, err := signIn(w, t, owner.Email, owner.Password); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

// A password typed into the field for the name stays out of the ledger.
func TestClaimedNameIsToldOnlyWhenItIsOne(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		for claimed, want := range map[string]string{
			"hunter2-hunter2": "<nil>", "C0rrect horse": "<nil>", "a\x1b[2J": "<nil>", " Owner-Acme": "owner-acme", "NOBODY@Example.com": "nobody@example.com",
		} {
			signIn(w, t, claimed, "x")
			if got := Meta(w.Expect(t, "AUTH_SIGN_IN_FAILED bad_credentials")[0], "claimed_user"); got != want {
				t.Errorf("%q is told as %s, want %s", claimed, got, want)
			}
		}
	})
}

func TestLimitsAreOfOneAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := identity.SourceKey(authz.Source{IP: netip.MustParseAddr(in)}); got != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
	if identity.SourceKey(authz.Source{}) == "" {
		t.Error("a source without address is not counted")
	}
}

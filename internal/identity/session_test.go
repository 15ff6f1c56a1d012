package identity_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/page"
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

func TestAPITokenLife(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Take(t)
		tok, shown, err := w.Identity.CreateToken(t.Context(), bob.Actor, identity.CreateTokenArgs{Name: "ci", Scopes: []string{"sessions:launch", "safes:read", "safes:read"}, Life: 24 * time.Hour})
		if err != nil || !strings.HasPrefix(shown.RevealString(), "vpat_") {
			t.Fatal(err)
		}
		e := w.Expect(t, "API_TOKEN_CREATED")[0]
		if e.Target.ID != string(tok.ID) || Meta(e, "scopes") != "[safes:read sessions:launch]" || e.OrgID != owner.Org() || e.Actor.ID != string(bob.ID) {
			t.Errorf("%+v", e)
		}
		a, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil || a.Kind != authz.Token || a.User != bob.ID || a.Token != tok.ID || a.Name != "ci" || a.Role != authz.Operator || a.Via != authz.ViaAPI ||
			!a.HasScope("safes:read") || a.HasScope("safes:write") || !a.MFAAt.IsZero() {
			t.Fatalf("%+v %v", a, err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), shown, "globex", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization: %v", err)
		}
		// What a token may not do, whatever its scopes are.
		_, line := Key(t)
		if _, err := w.Identity.AddSSHKey(t.Context(), a, "k", line); !fault.Is(err, fault.Denied) {
			t.Errorf("register a key: %v", err)
		}
		if _, _, err := w.Identity.CreateToken(t.Context(), a, identity.CreateTokenArgs{Name: "x", Scopes: []string{"safes:read"}, Life: time.Hour}); !fault.Is(err, fault.Denied) {
			t.Errorf("make a token: %v", err)
		}
		if err := w.Identity.ChangePassword(t.Context(), a, secret.FromString(bob.Password), secret.FromString("a new passphrase, long")); !fault.Is(err, fault.Denied) {
			t.Errorf("change the password: %v", err)
		}
		if err := w.Identity.SignOut(t.Context(), a); !fault.Is(err, fault.Invalid) {
			t.Errorf("sign out: %v", err)
		}
		for _, e := range w.Expect(t, "SSH_KEY_ADDED not_permitted", "API_TOKEN_CREATED not_permitted", "PASSWORD_CHANGED not_permitted") {
			if e.Actor.TokenID != tok.ID {
				t.Errorf("%s does not name the token: %+v", e.Constant, e.Actor)
			}
		}
		l, err := w.Identity.ListTokens(t.Context(), bob.Actor, false, page.Request{})
		if err != nil || len(l.Items) != 1 || !l.Items[0].LastUsedAt.Equal(w.Clock.Now()) || l.Items[0].OwnerHandle != "bob" {
			t.Errorf("%+v %v", l, err)
		}
		if _, err := w.Identity.ListTokens(t.Context(), bob.Actor, true, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator lists everybody's tokens: %v", err)
		}
		w.Clock.Pass(24 * time.Hour)
		if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after its end: %v", err)
		}
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range w.Take(t) {
			if e.Constant == "API_TOKEN_REVOKED" && (e.Reason != "expired" || e.Actor.Type != "System" || e.OrgID != owner.Org() || Meta(e, "age_seconds") != "86400") {
				t.Errorf("%+v", e)
			}
		}
		if l, err := w.Identity.ListTokens(t.Context(), bob.Actor, false, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestTokensRefused(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Take(t)
		day := 24 * time.Hour
		for _, c := range []struct {
			name   string
			actor  authz.Actor
			args   identity.CreateTokenArgs
			kind   fault.Kind
			code   string
			events []string
		}{
			{"too long", bob.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"safes:read"}, Life: 180*day + time.Second}, fault.Invalid, "LIFETIME_TOO_LONG", []string{"API_TOKEN_CREATED lifetime_too_long"}},
			{"above", bob.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"safes:read", "audit:read"}, Life: day}, fault.Denied, "SCOPE_ABOVE_ACTOR", []string{"API_TOKEN_CREATED scope_above_actor"}},
			{"above the organization", owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"platform:read"}, Life: day}, fault.Denied, "SCOPE_ABOVE_ACTOR", []string{"API_TOKEN_CREATED scope_above_actor"}},
			{"nobody", authz.Actor{}, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: day}, fault.Unauthenticated, "SIGN_IN_REQUIRED", nil},
			{"unknown scope", bob.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"everything"}, Life: day}, fault.Invalid, "INVALID", nil},
			{"no scope", bob.Actor, identity.CreateTokenArgs{Name: "t", Life: day}, fault.Invalid, "INVALID", nil},
			{"no end", bob.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}}, fault.Invalid, "INVALID", nil},
			{"no name", bob.Actor, identity.CreateTokenArgs{Name: " ", Scopes: []string{"*"}, Life: day}, fault.Invalid, "INVALID", nil},
			{"name with an escape", bob.Actor, identity.CreateTokenArgs{Name: "a\x1b[2J", Scopes: []string{"*"}, Life: day}, fault.Invalid, "INVALID", nil},
		} {
			_, shown, err := w.Identity.CreateToken(t.Context(), c.actor, c.args)
			if fault.KindOf(err) != c.kind || fault.CodeOf(err) != c.code || !shown.Empty() {
				t.Errorf("%s: %v (%s)", c.name, err, fault.CodeOf(err))
			}
			w.Expect(t, c.events...)
		}
		w.Clock.Pass(16 * time.Minute) // the second factor is not fresh any more
		if _, _, err := w.Identity.CreateToken(t.Context(), bob.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: day}); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Error(err)
		}
		w.Expect(t, "API_TOKEN_CREATED not_permitted")
	})
}

func TestTokensRevoked(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		eve := w.Member(t, owner, "eve", authz.Operator)
		_, stranger := w.Org(t, "globex")
		// All of them sign in once more, so that their second factor is fresh.
		bob = w.Again(t, bob, "acme")
		make := func() (id.Token, secret.Secret) {
			t.Helper()
			tok, shown, err := w.Identity.CreateToken(t.Context(), bob.Actor, identity.CreateTokenArgs{Name: "ci", Scopes: []string{"*"}, Life: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			w.Take(t)
			return tok.ID, shown
		}
		gone := func(shown secret.Secret) {
			t.Helper()
			if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("still works: %v", err)
			}
		}
		tok, shown := make()
		if err := w.Identity.RevokeToken(t.Context(), eve.Actor, tok); !fault.Is(err, fault.Denied) {
			t.Errorf("a colleague: %v", err)
		}
		w.Expect(t, "API_TOKEN_REVOKED not_permitted")
		if err := w.Identity.RevokeToken(t.Context(), stranger.Actor, tok); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's owner: %v", err)
		}
		w.Expect(t)
		if err := w.Identity.RevokeToken(t.Context(), bob.Actor, tok); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "API_TOKEN_REVOKED revoked_by_owner")
		gone(shown)
		if err := w.Identity.RevokeToken(t.Context(), bob.Actor, tok); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		tok, shown = make()
		if err := w.Identity.RevokeToken(t.Context(), owner.Actor, tok); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "API_TOKEN_REVOKED revoked_by_admin")[0]; e.Actor.Type != "TenantAdmin" || Meta(e, "owner_id") != string(bob.ID) {
			t.Errorf("%+v", e)
		}
		gone(shown)
		_, shown = make()
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, bob.ID); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "API_TOKEN_REVOKED owner_removed", "ROLE_ASSIGNMENT_CHANGED")
		gone(shown)
	})
}

func TestPlatformToken(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, shown, err := w.Identity.CreateToken(t.Context(), w.Admin.Actor, identity.CreateTokenArgs{Name: "ops", Scopes: []string{"platform:read", "platform:write"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "API_TOKEN_CREATED")[0]; e.OrgID != "" || e.Actor.Type != "PlatformAdmin" {
			t.Errorf("%+v", e)
		}
		a, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil || a.PlatformRole != authz.PlatformAdmin || a.Org != "" {
			t.Fatalf("%+v %v", a, err)
		}
		if _, err := w.Tenancy.List(t.Context(), a, page.Request{}); err != nil {
			t.Error(err)
		}
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
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), c.Handle, mfa.TOTP, secret.FromString("111111")); fault.CodeOf(err) != "BAD_CODE" {
			t.Fatal(err)
		}
		w.Expect(t, "MFA_VERIFICATION_FAILED bad_code")
		if _, err := complete(w, t, &c, w.Code(t, owner)); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("a step-up challenge opened a session: %v", err)
		}
		w.Take(t)
		// Another session of the same person cannot answer.
		second := w.Again(t, owner, "")
		if err := w.Identity.CompleteStepUp(t.Context(), second.Actor, c.Handle, mfa.TOTP, w.Code(t, owner)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("another web session: %v", err)
		}
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), c.Handle, "", w.Code(t, owner)); err != nil {
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
				w.Identity.CompleteStepUp(t.Context(), actor(), c.Handle, "", secret.FromString("111111"))
			}
		}
		if err := w.Identity.CompleteStepUp(t.Context(), actor(), c.Handle, "", w.Code(t, owner)); fault.CodeOf(err) != "BAD_CODE" {
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

// Nothing that opens something is in the store as it is shown.
func TestSecretsAreNotStoredPlain(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, shown, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		in, err := signIn(w, t, owner.Email, owner.Password)
		if err != nil {
			t.Fatal(err)
		}
		canaries := map[string]string{"token": shown.RevealString(), "session": owner.Session.RevealString(), "password": owner.Password,
			"TOTP secret": owner.TOTP, "backup code": owner.Codes[0].RevealString(), "challenge": strings.SplitN(in.Challenge.Handle.RevealString(), ".", 2)[1]}
		canaries["backup code, canonical"] = strings.ReplaceAll(canaries["backup code"], "-", "")
		for _, table := range []string{"person", "person_password", "web_session", "api_token", "mfa_factor", "mfa_code_set", "mfa_backup_code", "mfa_challenge",
			"ssh_ca", "setup_link", "audit_event", "sign_in_guard", "sign_in_source"} {
			rows, err := w.DB.Raw().Query(`select * from ` + table + ` /* platform-wide: a test looks at everything */`)
			if err != nil {
				t.Fatal(err)
			}
			columns, _ := rows.Columns()
			for rows.Next() {
				values := make([]any, len(columns))
				for i := range values {
					values[i] = new([]byte)
				}
				if err := rows.Scan(values...); err != nil {
					t.Fatal(err)
				}
				for i, v := range values {
					for name, c := range canaries {
						if strings.Contains(string(*v.(*[]byte)), c) {
							t.Errorf("the %s is in %s.%s", name, table, columns[i])
						}
					}
				}
			}
			rows.Close()
		}
	})
}

func TestDatabaseLimitsAreOfOneAddress(t *testing.T) {
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

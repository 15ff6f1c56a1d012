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
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
)

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

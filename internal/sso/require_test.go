package sso_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func addArgs(email, handle string) tenancy.AddMemberArgs {
	return tenancy.AddMemberArgs{Person: identity.NewPerson{Email: email, Handle: handle}, Role: authz.Operator}
}

// through signs the owner in through the provider.
func (s *site) through(t *testing.T) authz.Actor {
	t.Helper()
	s.idp.User = jane("sub", "idp-owner", "email", s.owner.Email)
	in, err := s.signIn(t)
	if err != nil || in.Challenge == nil {
		t.Fatalf("%+v %v", in, err)
	}
	session, err := s.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Code: s.Code(t, s.owner), From: From})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Identity.ByBearer(t.Context(), session.Token, "acme", From)
	if err != nil || a.Role != authz.Owner {
		t.Fatalf("%+v %v", a, err)
	}
	return a
}

func TestRequiredSSOLeavesNoOtherDoor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		bob := s.Member(t, s.owner, "bob", authz.Operator)
		signer, line := Key(t)
		if _, err := s.Identity.AddSSHKey(t.Context(), bob.Actor, "", line); err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		if err := s.sso.Require(t.Context(), s.fresh(t, s.owner).Actor, true); fault.CodeOf(err) != "SSO_UNTRIED" {
			t.Errorf("required by somebody who never came through it: %v", err)
		}
		s.Expect(t)
		owner := s.through(t)
		s.Take(t)
		if err := s.sso.Require(t.Context(), owner, true); err != nil {
			t.Fatal(err)
		}
		e := s.Expect(t, "TENANT_SETTINGS_UPDATED")[0]
		if Meta(e, "setting_group") != "sso" || e.Actor.Type != "TenantAdmin" || e.OrgID != s.owner.Org() {
			t.Errorf("%+v", e)
		}
		// The session from before, the password, password and code over SSH, the key.
		if a, err := s.Identity.ByBearer(t.Context(), bob.Session, "", From); err != nil || a.Org != "" || a.Role != authz.None {
			t.Errorf("a session that a password had opened: %+v %v", a, err)
		}
		if _, err := s.Identity.ByBearer(t.Context(), bob.Session, "acme", From); fault.CodeOf(err) != "SSO_REQUIRED" {
			t.Error(err)
		}
		_, err := s.Identity.SignIn(t.Context(), identity.SignInArgs{Email: bob.Email, Password: secret.FromString(bob.Password), From: From})
		if fault.CodeOf(err) != "AUTH_FAILED" {
			t.Error(err)
		}
		s.Expect(t, "AUTH_SIGN_IN_FAILED sso_required")
		if _, err := s.SSH.PasswordAndCode(t.Context(), bob.Handle, secret.FromString(bob.Password), s.Code(t, bob), From); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Error(err)
		}
		s.Expect(t, "AUTH_SIGN_IN_FAILED sso_required")
		byKey := func() (authz.Actor, error) {
			wire := signer.PublicKey().Marshal()
			offer, err := s.SSH.KeyOffered(t.Context(), bob.Handle, wire, From)
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.SSH.Prove(t.Context(), offer, wire, From)
			if err != nil {
				t.Fatal(err)
			}
			if l, err := s.SSH.Memberships(t.Context(), p); err != nil || len(l) > 1 {
				t.Errorf("%v %v", l, err)
			}
			return s.SSH.Actor(t.Context(), p, "acme", From)
		}
		if _, err := byKey(); fault.CodeOf(err) != "SSO_REQUIRED" {
			t.Errorf("a key opened it: %v", err)
		}
		s.idp.User = jane("sub", "idp-bob", "email", bob.Email)
		if in, err := s.signIn(t); err != nil || in.Challenge == nil {
			t.Fatal(err)
		}
		if a, err := byKey(); err != nil || a.Role != authz.Operator {
			t.Errorf("a key after the provider: %+v %v", a, err)
		}
		s.Clock.Pass(12 * time.Hour)
		if _, err := byKey(); fault.CodeOf(err) != "SSO_REQUIRED" {
			t.Errorf("a key half a day later: %v", err)
		}
		s.Take(t)
		owner = s.through(t)
		s.Take(t)
		if err := s.sso.Delete(t.Context(), owner, s.prov.ID); fault.CodeOf(err) != "LAST_PROVIDER" {
			t.Errorf("the last provider went: %v", err)
		}
		a := sso.SaveArgs{Settings: s.prov.Settings}
		a.Enabled = false
		if _, err := s.sso.Update(t.Context(), owner, s.prov.ID, a); fault.CodeOf(err) != "LAST_PROVIDER" {
			t.Errorf("the last provider was disabled: %v", err)
		}
		s.Expect(t)
		// The platform's way back.
		if err := s.sso.Lift(t.Context(), owner, s.owner.Org()); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner is not the platform: %v", err)
		}
		refused := func(by authz.Actor, org id.Org, code, constant, actor, who string, at id.Org) {
			t.Helper()
			s.Take(t)
			if err := s.sso.Lift(t.Context(), by, org); fault.CodeOf(err) != code {
				t.Errorf("%s: %v", actor, err)
			}
			if e := s.Expect(t, constant)[0]; string(e.Actor.Type) != actor || e.Actor.ID != who || e.Actor.Name == "" && who != "" || e.OrgID != at {
				t.Errorf("%+v", e)
			}
		}
		const denied = "TENANT_SETTINGS_UPDATED not_permitted"
		refused(owner, s.owner.Org(), "NOT_PERMITTED", denied, "TenantAdmin", string(owner.User), s.owner.Org())
		late := s.Admin.Actor
		late.MFAAt = late.MFAAt.Add(-24 * time.Hour)
		refused(late, s.owner.Org(), "STEP_UP_REQUIRED", denied, "PlatformAdmin", string(s.Admin.ID), s.owner.Org())
		_, other := s.Org(t, "other")
		refused(other.Actor, s.owner.Org(), "NOT_PERMITTED", denied, "TenantAdmin", "", s.owner.Org()) // whom the organization does not know
		refused(other.Actor, "org_none", "NOT_PERMITTED", "AUTH_ACT_REFUSED not_permitted", "PlatformAdmin", string(other.ID), "")
		if err := s.sso.Lift(t.Context(), authz.Actor{}, s.owner.Org()); !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Denied) {
			t.Errorf("nobody: %v", err)
		}
		s.Expect(t)
		if err := s.sso.Lift(t.Context(), s.fresh(t, s.Admin).Actor, s.owner.Org()); err != nil {
			t.Fatal(err)
		}
		e = s.Expect(t, "TENANT_SETTINGS_UPDATED")[0]
		if e.Actor.Type != "PlatformAdmin" || e.OrgID != s.owner.Org() || Meta(e, "weakened_controls") != "[sso_required]" {
			t.Errorf("%+v", e)
		}
		if _, err := s.Identity.SignIn(t.Context(), identity.SignInArgs{Email: bob.Email, Password: secret.FromString(bob.Password), From: From}); err != nil {
			t.Error(err)
		}
	})
}

func TestProviderEndsSessions(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.idp.User = jane()
		in, err := s.signIn(t)
		if err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		now := s.Clock.Now()
		post := func(claims map[string]any) error {
			return s.sso.Logout(t.Context(), sso.LogoutArgs{Provider: s.prov.ID, Token: secret.FromString(s.idp.LogoutToken(claims)), From: From})
		}
		for name, claims := range map[string]map[string]any{
			"an ID token":      {"sub": "idp-jane-1", "events": nil},
			"with a nonce":     {"sub": "idp-jane-1", "nonce": "n"},
			"of nobody":        {},
			"without a name":   {"sub": "idp-jane-1", "jti": nil},
			"old":              {"sub": "idp-jane-1", "iat": now.Add(-time.Hour).Unix()},
			"another issuer":   {"sub": "idp-jane-1", "iss": "https://evil.example"},
			"another audience": {"sub": "idp-jane-1", "aud": "another"},
		} {
			if err := post(claims); fault.CodeOf(err) != "LOGOUT_TOKEN" {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.idp.Algorithm = "stranger"
		if err := post(map[string]any{"sub": "idp-jane-1"}); fault.CodeOf(err) != "LOGOUT_TOKEN" {
			t.Errorf("signed by a stranger: %v", err)
		}
		s.idp.Algorithm = ""
		s.actor(t, in) // still good
		s.Expect(t)
		if err := post(map[string]any{"sub": "nobody-here"}); err != nil {
			t.Error(err)
		}
		if err := post(map[string]any{"sub": "idp-jane-1", "jti": "one"}); err != nil {
			t.Fatal(err)
		}
		e := s.Expect(t, "AUTH_SIGNED_OUT by_provider")[0]
		if Meta(e, "sessions_ended") != "1" || e.OrgID != s.owner.Org() {
			t.Errorf("%+v", e)
		}
		if _, err := s.Identity.ByBearer(t.Context(), in.Session.Token, "", From); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("the session goes on: %v", err)
		}
		if err := post(map[string]any{"sub": "idp-jane-1", "jti": "one"}); fault.CodeOf(err) != "LOGOUT_TOKEN" {
			t.Errorf("a logout token was good twice: %v", err)
		}
		in, _ = s.signIn(t)
		s.Take(t)
		if err := post(map[string]any{"sid": "idp-session-1"}); err != nil {
			t.Fatal(err)
		}
		s.Expect(t, "AUTH_SIGNED_OUT by_provider")
	})
}

func TestSettingsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		bob := s.Member(t, s.owner, "bob", authz.Operator)
		stale := s.owner
		s.Clock.Pass(time.Hour)
		s.Take(t)
		args := sso.SaveArgs{Settings: s.settings(), Protocol: sso.OIDC}
		args.Name = "Second"
		for _, c := range []struct {
			name string
			who  Someone
			code string
		}{{"operator", s.fresh(t, bob), "NOT_PERMITTED"}, {"stale second factor", stale, "STEP_UP_REQUIRED"}} {
			for what, f := range map[string]func() error{
				"create":  func() error { _, err := s.sso.Create(t.Context(), c.who.Actor, args); return err },
				"update":  func() error { _, err := s.sso.Update(t.Context(), c.who.Actor, s.prov.ID, args); return err },
				"delete":  func() error { return s.sso.Delete(t.Context(), c.who.Actor, s.prov.ID) },
				"domain":  func() error { _, err := s.sso.AddDomain(t.Context(), c.who.Actor, "b.example"); return err },
				"verify":  func() error { _, err := s.sso.VerifyDomain(t.Context(), c.who.Actor, "example.com"); return err },
				"remove":  func() error { return s.sso.RemoveDomain(t.Context(), c.who.Actor, "example.com") },
				"require": func() error { return s.sso.Require(t.Context(), c.who.Actor, true) },
				"unlink":  func() error { return s.sso.Unlink(t.Context(), c.who.Actor, bob.ID) },
			} {
				if err := f(); fault.CodeOf(err) != c.code {
					t.Errorf("%s %s: %v", c.name, what, err)
				}
				s.Expect(t, "TENANT_SETTINGS_UPDATED not_permitted")
			}
		}
		if _, err := s.sso.Providers(t.Context(), bob.Actor, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator reads the settings: %v", err)
		}
		owner := s.fresh(t, s.owner).Actor
		for name, change := range map[string]func(a *sso.SaveArgs){
			"no name":       func(a *sso.SaveArgs) { a.Name = "" },
			"plain http":    func(a *sso.SaveArgs) { a.Issuer = "http://login.example.com" },
			"credentials":   func(a *sso.SaveArgs) { a.Issuer = "https://a:b@login.example.com" },
			"no client":     func(a *sso.SaveArgs) { a.ClientID = "" },
			"owner by rule": func(a *sso.SaveArgs) { a.Roles = []sso.Rule{{Group: "x", Role: authz.Owner}} },
			"owner default": func(a *sso.SaveArgs) { a.DefaultRole = authz.Owner },
			"odd role":      func(a *sso.SaveArgs) { a.Roles = []sso.Rule{{Group: "x", Role: "root"}} },
			"no group":      func(a *sso.SaveArgs) { a.Roles = []sso.Rule{{Role: authz.Operator}} },
			"odd pem":       func(a *sso.SaveArgs) { a.CAPEM = "nonsense" },
			"odd claim":     func(a *sso.SaveArgs) { a.GroupsClaim = "a b" },
			"other issuer":  func(a *sso.SaveArgs) { a.Issuer += "/x" },
			"no authority":  func(a *sso.SaveArgs) { a.CAPEM = "" },
			"protocol":      func(a *sso.SaveArgs) { a.Protocol = "ldap" },
		} {
			a := args
			change(&a)
			if _, err := s.sso.Create(t.Context(), owner, a); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, d := range []string{"", "com", "co.uk", "a b", "x@y.example", "localhost", "-a.example"} {
			if _, err := s.sso.AddDomain(t.Context(), owner, d); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", d, err)
			}
		}
		if _, err := s.sso.AddDomain(t.Context(), owner, "BÜCHER.example"); err != nil {
			t.Error(err)
		}
		if _, err := s.sso.VerifyDomain(t.Context(), owner, "bücher.example"); fault.CodeOf(err) != "DOMAIN_UNPROVED" {
			t.Error(err)
		}
		s.Expect(t, "TENANT_SETTINGS_UPDATED")
		args.Name = s.prov.Name
		if _, err := s.sso.Create(t.Context(), owner, args); fault.CodeOf(err) != "NAME_TAKEN" {
			t.Error(err)
		}
		_, other := s.Org(t, "globex")
		s.Take(t)
		if _, err := s.sso.Provider(t.Context(), other.Actor, s.prov.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's provider: %v", err)
		}
		if err := s.sso.Delete(t.Context(), s.fresh(t, other).Actor, s.prov.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's provider: %v", err)
		}
		s.Expect(t)
	})
}

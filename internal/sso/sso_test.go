package sso_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// dns is a name server of TXT records.
type dns map[string][]string

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	if r, ok := d[name]; ok {
		return r, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

// site is an organization with a provider that works.
type site struct {
	*World
	t     *testing.T
	sso   *sso.Service
	owner Someone
	idp   *ssotest.OIDC
	prov  sso.Provider
	dns   dns
}

func each(t *testing.T, f func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		s := &site{World: w, t: t, owner: owner, dns: dns{}}
		var err error
		s.sso, err = sso.New(sso.Deps{DB: d, Ledger: w.Ledger, Seal: w.Keyring, People: w.Identity, Members: w.Tenancy, Dialer: &resource.Dialer{Loopback: true},
			Resolver: s.dns, PublicURL: "https://vaultpam.test", Now: w.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		s.idp = ssotest.NewOIDC(t)
		s.idp.Now = w.Clock.Now
		s.prove(t, owner, "example.com")
		s.prov = s.provider(t, owner, nil)
		w.Take(t)
		f(t, s)
	})
}

// prove adds a domain and verifies it.
func (s *site) prove(t *testing.T, who Someone, domain string) {
	t.Helper()
	d, err := s.sso.AddDomain(t.Context(), s.fresh(t, who).Actor, domain)
	if err != nil {
		t.Fatal(err)
	}
	s.dns[d.RecordName] = []string{"other", d.Record}
	if d, err = s.sso.VerifyDomain(t.Context(), s.fresh(t, who).Actor, domain); err != nil || d.VerifiedAt.IsZero() {
		t.Fatalf("%+v %v", d, err)
	}
}

// fresh is somebody who has just proved their second factor.
func (s *site) fresh(t *testing.T, who Someone) Someone {
	who.Actor.MFAAt = s.Clock.Now()
	return who
}

func (s *site) settings() sso.Settings {
	return sso.Settings{Name: "Corp Login", Enabled: true, Issuer: s.idp.URL, ClientID: s.idp.ClientID, CAPEM: s.idp.CA, Provision: true,
		Roles: []sso.Rule{{Group: "pam-admins", Role: authz.Admin}, {Group: "pam-users", Role: authz.Operator}}}
}

func (s *site) provider(t *testing.T, who Someone, change func(*sso.Settings)) sso.Provider {
	t.Helper()
	a := sso.SaveArgs{Settings: s.settings(), Protocol: sso.OIDC}
	if change != nil {
		change(&a.Settings)
	}
	sec := secret.FromString(s.idp.ClientSecret)
	a.Secret = &sec
	p, err := s.sso.Create(t.Context(), s.fresh(t, who).Actor, a)
	if err != nil {
		t.Fatal(err)
	}
	s.idp.Redirects = append(s.idp.Redirects, "https://vaultpam.test/api/v1/auth/sso/oidc/"+string(p.ID)+"/callback")
	return p
}

func (s *site) update(t *testing.T, change func(*sso.Settings)) {
	t.Helper()
	a := sso.SaveArgs{Settings: s.prov.Settings}
	change(&a.Settings)
	p, err := s.sso.Update(t.Context(), s.fresh(t, s.owner).Actor, s.prov.ID, a)
	if err != nil {
		t.Fatal(err)
	}
	s.prov = p
}

// jane is what the provider says of a new person.
func jane(more ...string) map[string]any {
	u := map[string]any{"sub": "idp-jane-1", "email": "Jane@Example.com", "email_verified": true, "name": "Jane Doe", "groups": []string{"staff", "pam-users"}, "sid": "idp-session-1"}
	for i := 0; i+1 < len(more); i += 2 {
		u[more[i]] = more[i+1]
	}
	return u
}

func (s *site) start(t *testing.T) (sso.Started, error) {
	return s.sso.Start(t.Context(), sso.StartArgs{Hint: sso.Hint{Email: "somebody@example.com"}, Provider: s.prov.ID, ReturnTo: "/safes?x=1", From: From})
}

func (s *site) callback(t *testing.T, browser secret.Secret, back *url.URL) (sso.Proved, error) {
	q := back.Query()
	return s.sso.Callback(t.Context(), sso.CallbackArgs{Provider: s.prov.ID, State: q.Get("state"), Code: secret.FromString(q.Get("code")), Issuer: q.Get("iss"),
		Error: q.Get("error"), Browser: browser, From: From})
}

// signIn goes the whole way.
func (s *site) signIn(t *testing.T) (sso.Completed, error) {
	t.Helper()
	st, err := s.start(t)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.callback(t, st.Browser, s.idp.SignIn(t, st.URL))
	if err != nil {
		return sso.Completed{}, err
	}
	return s.sso.Complete(t.Context(), sso.CompleteArgs{Ticket: p.Ticket, Browser: st.Browser, From: From})
}

func (s *site) actor(t *testing.T, in sso.Completed) authz.Actor {
	t.Helper()
	if in.Session == nil {
		t.Fatalf("no session: %+v", in)
	}
	a, err := s.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestStrangerOfOwnDomainBecomesMember(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.idp.User = jane()
		in, err := s.signIn(t)
		if err != nil || in.ReturnTo != "/safes?x=1" {
			t.Fatal(in, err)
		}
		e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED", "AUTH_SIGN_IN_SUCCEEDED")
		if Meta(e[0], "role_source") != "sso_mapping" || Meta(e[0], "new_role") != "operator" || e[0].Actor.Type != "System" || e[0].OrgID != s.owner.Org() ||
			Meta(e[1], "sign_in_method") != "sso" || e[1].OrgID != s.owner.Org() || Meta(e[1], "second_factor_demanded") != "false" {
			t.Errorf("%+v", e)
		}
		// Without a second factor of their own they may enrol one and nothing else.
		if a := s.actor(t, in); a.Kind != authz.Enrolling || a.Role != authz.Operator || a.Email != "jane@example.com" || a.Name != "jane" {
			t.Errorf("%+v", a)
		}
		// The same subject is the same person, whatever address it has now; groups give the role anew.
		s.idp.User = jane("email", "jane.smith@example.com")
		s.idp.User["groups"] = []any{"pam-admins", "pam-users"}
		in, err = s.signIn(t)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.actor(t, in); a.Role != authz.Admin || a.Email != "jane@example.com" {
			t.Errorf("%+v", a)
		}
		if e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED", "AUTH_SIGN_IN_SUCCEEDED")[0]; Meta(e, "old_role") != "operator" || Meta(e, "new_role") != "admin" || Meta(e, "privilege_raised") != "true" {
			t.Errorf("%+v", e)
		}
	})
}

func TestMemberIsLinkedAndAskedForTheirOwnFactor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		bob := s.Member(t, s.owner, "bob", authz.Operator)
		s.Take(t)
		s.idp.User = jane("sub", "idp-bob", "email", "bob@example.com")
		in, err := s.signIn(t)
		if err != nil || in.Challenge == nil {
			t.Fatalf("%+v %v", in, err)
		}
		session, err := s.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Method: mfa.TOTP, Code: s.Code(t, bob), From: From})
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Identity.ByBearer(t.Context(), session.Token, "", From)
		if err != nil || a.User != bob.ID || a.Kind != authz.Person || a.MFAAt.IsZero() {
			t.Fatalf("%+v %v", a, err)
		}
		s.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED")
		// Another account of the provider with the same address is another person until an administrator says otherwise.
		s.idp.User = jane("sub", "idp-bob-again", "email", "bob@example.com")
		if _, err := s.signIn(t); fault.CodeOf(err) != sso.NotPermitted {
			t.Errorf("a second account of the provider: %v", err)
		}
		s.Expect(t, "AUTH_SIGN_IN_FAILED not_permitted")
		if err := s.sso.Unlink(t.Context(), s.fresh(t, s.owner).Actor, bob.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.signIn(t); err != nil {
			t.Error(err)
		}
	})
}

func TestProvidersSecondFactorCounts(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.idp.User = jane()
		s.idp.User["amr"] = []string{"pwd", "mfa"}
		in, _ := s.signIn(t)
		if a := s.actor(t, in); a.Kind != authz.Enrolling {
			t.Errorf("an untrusted second factor counted: %+v", a)
		}
		s.update(t, func(a *sso.Settings) { a.TrustMFA = true })
		in, _ = s.signIn(t)
		a := s.actor(t, in)
		if a.Kind != authz.Person || a.MFAAt.IsZero() {
			t.Errorf("%+v", a)
		}
		delete(s.idp.User, "amr")
		in, _ = s.signIn(t)
		if a := s.actor(t, in); a.Kind != authz.Enrolling {
			t.Errorf("no second factor at all: %+v", a)
		}
		// Somebody who belongs elsewhere too is asked for their own.
		_, other := s.Org(t, "globex")
		if _, err := s.Tenancy.AddMember(t.Context(), other.Actor, addArgs("jane@example.com", "whoever")); err != nil {
			t.Fatal(err)
		}
		s.idp.User["amr"] = "mfa"
		in, _ = s.signIn(t)
		if a := s.actor(t, in); a.Kind != authz.Enrolling {
			t.Errorf("one organization's provider opened a person of two: %+v", a)
		}
	})
}

func TestSessionIsGoodInItsOrganizationOnly(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.update(t, func(a *sso.Settings) { a.TrustMFA = true })
		s.idp.User = jane("amr", "mfa")
		in, err := s.signIn(t)
		if err != nil {
			t.Fatal(err)
		}
		org, other := s.Org(t, "globex")
		if _, err := s.Tenancy.AddMember(t.Context(), other.Actor, addArgs("jane@example.com", "whoever")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Identity.ByBearer(t.Context(), in.Session.Token, string(org.ID), From); fault.CodeOf(err) != "SSO_ELSEWHERE" {
			t.Errorf("the session opened another organization: %v", err)
		}
		if _, err := s.Identity.ByBearer(t.Context(), in.Session.Token, "acme", From); err != nil {
			t.Error(err)
		}
		// The other organization cannot make its provider speak for the domain.
		_, err = s.sso.AddDomain(t.Context(), s.fresh(t, other).Actor, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		l, _ := s.sso.Domains(t.Context(), other.Actor, page.Request{})
		s.dns[l.Items[0].RecordName] = append(s.dns[l.Items[0].RecordName], l.Items[0].Record)
		if _, err := s.sso.VerifyDomain(t.Context(), s.fresh(t, other).Actor, "example.com"); fault.CodeOf(err) != "DOMAIN_TAKEN" {
			t.Errorf("two organizations have proved one domain: %v", err)
		}
		s.prov = s.provider(t, other, func(a *sso.Settings) { a.Name = "Evil" })
		s.Take(t)
		if _, err := s.signIn(t); sso.Reason(err) != "email_unverified" {
			t.Errorf("another organization's provider spoke for jane: %v", err)
		}
		s.Expect(t, "PROVIDER_FLOW_FAILED email_unverified")
	})
}

// Each wrong turn: what answers, which event, and that nobody is let in.
func TestWrongTurns(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		failed := func(why, step string) func(t *testing.T, err error) {
			return func(t *testing.T, err error) {
				t.Helper()
				if fault.CodeOf(err) != sso.Failed || sso.Reason(err) != why {
					t.Fatalf("%v, reason %s, want %s", err, sso.Reason(err), why)
				}
				e := s.Expect(t, "PROVIDER_FLOW_FAILED "+why)[0]
				if Meta(e, "step") != step || Meta(e, "sso_protocol") != "oidc" || Meta(e, "provider_id") != string(s.prov.ID) || Meta(e, "flow_kind") != "sign_in" ||
					e.Outcome != "failure" || e.OrgID != s.owner.Org() || e.Actor.Type != "User" || e.Severity != "WARN" {
					t.Errorf("%+v", e)
				}
			}
		}
		reset := func() {
			s.idp.User, s.idp.Spoil, s.idp.Algorithm, s.idp.TokenStatus, s.idp.UserInfo, s.idp.Sparse = jane(), nil, "", 0, nil, false
		}
		spoil := func(k string, v any) func() {
			return func() { s.idp.Spoil = func(c map[string]any) { c[k] = v } }
		}
		for _, c := range []struct {
			name string
			set  func()
			want func(t *testing.T, err error)
		}{
			{"cancelled", func() { s.idp.User = nil }, failed("user_cancelled", "callback")},
			{"token endpoint broken", func() { s.idp.TokenStatus = 500 }, failed("provider_error", "token")},
			{"another nonce", spoil("nonce", "n"), failed("nonce_mismatch", "assertion")},
			{"no nonce", spoil("nonce", ""), failed("nonce_mismatch", "assertion")},
			{"another issuer", spoil("iss", "https://evil.example"), failed("issuer_unknown", "assertion")},
			{"another audience", spoil("aud", "another"), failed("provider_error", "assertion")},
			{"two audiences, no party", spoil("aud", []string{"vaultpam", "another"}), failed("provider_error", "assertion")},
			{"another party", spoil("azp", "another"), failed("provider_error", "assertion")},
			{"expired", spoil("exp", s.Clock.Now().Add(-time.Hour).Unix()), failed("assertion_expired", "assertion")},
			{"of the future", spoil("iat", s.Clock.Now().Add(time.Hour).Unix()), failed("assertion_expired", "assertion")},
			{"not signed", func() { s.idp.Algorithm = "none" }, failed("signature_invalid", "assertion")},
			{"signed with the client secret", func() { s.idp.Algorithm = "HS256" }, failed("signature_invalid", "assertion")},
			{"signed by a stranger", func() { s.idp.Algorithm = "stranger" }, failed("signature_invalid", "assertion")},
			{"no subject", spoil("sub", ""), failed("provider_error", "assertion")},
			{"address not verified", func() { s.idp.User["email_verified"] = false }, failed("email_unverified", "assertion")},
			{"address not verified, in words", func() { s.idp.User["email_verified"] = "false" }, failed("email_unverified", "assertion")},
			{"no address", func() { s.idp.User["email"] = "" }, failed("email_unverified", "assertion")},
			{"another domain", func() { s.idp.User["email"] = "jane@gmail.com" }, failed("email_unverified", "assertion")},
			{"a domain that looks alike", func() { s.idp.User["email"] = "jane@example.com.evil.test" }, failed("email_unverified", "assertion")},
			{"UserInfo of somebody else", func() { s.idp.Sparse = true; s.idp.UserInfo = jane("sub", "other") }, failed("provider_error", "token")},
			{"no group", func() { s.idp.User["groups"] = []string{"staff"} }, func(t *testing.T, err error) {
				if fault.CodeOf(err) != sso.NotPermitted {
					t.Fatal(err)
				}
				s.Expect(t, "AUTH_SIGN_IN_FAILED not_permitted")
			}},
		} {
			reset()
			c.set()
			_, err := s.signIn(t)
			t.Run(c.name, func(t *testing.T) { c.want(t, err) })
		}
		reset()
		st, _ := s.start(t)
		back := s.idp.SignIn(t, st.URL)
		t.Run("another browser", func(t *testing.T) {
			_, err := s.callback(t, secret.Token(32), back)
			failed("state_mismatch", "callback")(t, err)
		})
		t.Run("another state", func(t *testing.T) {
			other := *back
			q := other.Query()
			q.Set("state", "made-up")
			other.RawQuery = q.Encode()
			_, err := s.callback(t, st.Browser, &other)
			failed("state_mismatch", "callback")(t, err)
		})
		t.Run("an answer that names another issuer", func(t *testing.T) {
			st, _ := s.start(t)
			back := s.idp.SignIn(t, st.URL)
			q := back.Query()
			q.Set("iss", "https://evil.example")
			back.RawQuery = q.Encode()
			_, err := s.callback(t, st.Browser, back)
			failed("issuer_unknown", "callback")(t, err)
		})
		t.Run("twice", func(t *testing.T) {
			p, err := s.callback(t, st.Browser, back)
			if err != nil {
				t.Fatal(err)
			}
			s.Take(t)
			_, err = s.callback(t, st.Browser, back)
			failed("state_mismatch", "callback")(t, err)
			for name, a := range map[string]sso.CompleteArgs{
				"another browser": {Ticket: p.Ticket, Browser: secret.Token(32)},
				"another ticket":  {Ticket: secret.FromString(p.Ticket.RevealString()[:40] + "x"), Browser: st.Browser},
				"no ticket":       {Browser: st.Browser},
			} {
				if _, err := s.sso.Complete(t.Context(), a); fault.CodeOf(err) != sso.Failed {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := s.sso.Complete(t.Context(), sso.CompleteArgs{Ticket: p.Ticket, Browser: st.Browser, From: From}); err != nil {
				t.Error(err)
			}
			if _, err := s.sso.Complete(t.Context(), sso.CompleteArgs{Ticket: p.Ticket, Browser: st.Browser, From: From}); fault.CodeOf(err) != sso.Failed {
				t.Errorf("a ticket was good twice: %v", err)
			}
			s.Take(t)
		})
		t.Run("too late", func(t *testing.T) {
			st, _ := s.start(t)
			back := s.idp.SignIn(t, st.URL)
			s.Clock.Pass(11 * time.Minute)
			_, err := s.callback(t, st.Browser, back)
			failed("timeout", "callback")(t, err)
			st, _ = s.start(t)
			p, err := s.callback(t, st.Browser, s.idp.SignIn(t, st.URL))
			if err != nil {
				t.Fatal(err)
			}
			s.Clock.Pass(2 * time.Minute)
			if _, err := s.sso.Complete(t.Context(), sso.CompleteArgs{Ticket: p.Ticket, Browser: st.Browser}); fault.CodeOf(err) != sso.Failed {
				t.Errorf("an old ticket: %v", err)
			}
		})
		t.Run("no provider", func(t *testing.T) {
			for _, h := range []sso.Hint{{}, {Org: "nobody"}, {Email: "x@nobody.test"}, {Email: "nonsense"}} {
				if _, err := s.sso.Start(t.Context(), sso.StartArgs{Hint: h, From: From}); fault.CodeOf(err) != "SSO_NOT_CONFIGURED" {
					t.Errorf("%+v: %v", h, err)
				}
			}
			if _, err := s.sso.Start(t.Context(), sso.StartArgs{Provider: id.New[id.Provider](), From: From}); fault.CodeOf(err) != "SSO_NOT_CONFIGURED" {
				t.Error(err)
			}
		})
		if l, err := s.sso.Choices(t.Context(), sso.Hint{Email: "ANYBODY@Example.COM"}); err != nil || len(l) != 1 || l[0].Name != "Corp Login" {
			t.Errorf("%+v %v", l, err)
		}
		for _, bad := range []string{"https://evil.example", "//evil.example", "/\\evil", "/a b", strings.Repeat("/a", 600)} {
			st, err := s.sso.Start(t.Context(), sso.StartArgs{Provider: s.prov.ID, ReturnTo: bad, From: From})
			if err != nil {
				t.Fatal(err)
			}
			if p, err := s.callback(t, st.Browser, s.idp.SignIn(t, st.URL)); err != nil || p.ReturnTo != "" {
				t.Errorf("%.20q: %+v %v", bad, p.ReturnTo, err)
			}
		}
	})
}

func TestWithoutRulesRolesAreKept(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.update(t, func(a *sso.Settings) { a.Roles = nil })
		bob := s.Member(t, s.owner, "bob", authz.Admin)
		s.Take(t)
		for range 2 {
			s.idp.User = jane("sub", "idp-bob", "email", bob.Email)
			if in, err := s.signIn(t); err != nil || in.Challenge == nil {
				t.Fatal(err)
			}
			s.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED")
		}
		s.idp.User = jane()
		if _, err := s.signIn(t); sso.Reason(err) != "not_permitted" {
			t.Errorf("somebody new without any role: %v", err)
		}
		s.Expect(t, "AUTH_SIGN_IN_FAILED not_permitted")
	})
}

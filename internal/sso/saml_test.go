package sso_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// samlSite is a site whose provider speaks SAML.
func samlSite(t *testing.T, s *site) *ssotest.SAML {
	t.Helper()
	idp := ssotest.NewSAML(t)
	a := sso.SaveArgs{Protocol: sso.SAML, Settings: sso.Settings{Name: "Corp SAML", Enabled: true, Metadata: idp.Metadata, Provision: true, TrustMFA: true,
		Roles: []sso.Rule{{Group: "pam-users", Role: authz.Operator}}}}
	p, err := s.sso.Create(t.Context(), s.fresh(t, s.owner).Actor, a)
	if err != nil || p.Issuer != idp.EntityID {
		t.Fatalf("%+v %v", p, err)
	}
	s.prov = p
	text, err := s.sso.Metadata(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	idp.Register(t, text)
	s.Take(t)
	return idp
}

func samlUser(idp *ssotest.SAML) {
	idp.NameID, idp.Format, idp.Context, idp.Spoil, idp.Unsigned, idp.Stranger, idp.SHA1, idp.Status = "persistent-jane", "", "", nil, false, false, false, ""
	idp.Attributes = map[string][]string{"mail": {"Jane@Example.com"}, "displayName": {"Jane Doe"}, "groups": {"staff", "pam-users"}}
}

func (s *site) post(t *testing.T, browser secret.Secret, form url.Values) (sso.Proved, error) {
	return s.sso.Assertion(t.Context(), sso.AssertionArgs{Provider: s.prov.ID, State: form.Get("RelayState"), Response: form.Get("SAMLResponse"), Browser: browser, From: From})
}

func (s *site) signInBySAML(t *testing.T, idp *ssotest.SAML) (sso.Completed, error) {
	t.Helper()
	st, err := s.start(t)
	if err != nil || st.Protocol != sso.SAML {
		t.Fatal(err)
	}
	acs, form := idp.Answer(t, st.URL)
	if !strings.HasSuffix(acs, "/auth/sso/saml/"+string(s.prov.ID)+"/acs") {
		t.Fatal(acs)
	}
	p, err := s.post(t, st.Browser, form)
	if err != nil {
		return sso.Completed{}, err
	}
	return s.sso.Complete(t.Context(), sso.CompleteArgs{Ticket: p.Ticket, Browser: st.Browser, From: From})
}

func TestSAML(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		idp := samlSite(t, s)
		samlUser(idp)
		in, err := s.signInBySAML(t, idp)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.actor(t, in); a.Kind != authz.Enrolling || a.Role != authz.Operator || a.Email != "jane@example.com" {
			t.Errorf("%+v", a)
		}
		s.Expect(t, "ROLE_ASSIGNMENT_CHANGED", "AUTH_SIGN_IN_SUCCEEDED")
		idp.Context = "https://refeds.org/profile/mfa"
		idp.Attributes["mail"] = []string{"another@example.com"} // the same subject is the same person
		in, err = s.signInBySAML(t, idp)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.actor(t, in); a.Kind != authz.Person || a.Email != "jane@example.com" {
			t.Errorf("%+v", a)
		}
		s.Take(t)
		var kept url.Values
		for _, c := range []struct {
			name, why string
			set       func()
		}{
			{"not signed", "signature_invalid", func() { idp.Unsigned = true }},
			{"signed by a stranger", "signature_invalid", func() { idp.Stranger = true }},
			{"signed with SHA-1", "signature_invalid", func() { idp.SHA1 = true }},
			{"another issuer", "issuer_unknown", func() { idp.Spoil = func(a *saml.Assertion) { a.Issuer.Value = "https://evil.test" } }},
			{"another audience", "provider_error", func() {
				idp.Spoil = func(a *saml.Assertion) {
					a.Conditions.AudienceRestrictions[0].Audience.Value = "https://another.test"
				}
			}},
			{"no audience", "provider_error", func() { idp.Spoil = func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil } }},
			{"expired", "assertion_expired", func() {
				idp.Spoil = func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = saml.TimeNow().Add(-time.Hour) }
			}},
			{"issued long ago", "assertion_expired", func() { idp.Spoil = func(a *saml.Assertion) { a.IssueInstant = saml.TimeNow().Add(-time.Hour) } }},
			{"for another request", "state_mismatch", func() {
				idp.Spoil = func(a *saml.Assertion) {
					a.Subject.SubjectConfirmations[0].SubjectConfirmationData.InResponseTo = "id-x"
				}
			}},
			{"for no request", "state_mismatch", func() { idp.Spoil = func(a *saml.Assertion) { a.Subject.SubjectConfirmations = nil } }},
			{"for another place", "provider_error", func() {
				idp.Spoil = func(a *saml.Assertion) {
					a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient = "https://another.test"
				}
			}},
			{"without a subject", "provider_error", func() { idp.Spoil = func(a *saml.Assertion) { a.Subject = nil } }},
			{"a name for this sign-in only", "provider_error", func() { idp.Format = string(saml.TransientNameIDFormat) }},
			{"refused", "user_cancelled", func() { idp.Status = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed" }},
			{"broken", "provider_error", func() { idp.Status = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch" }},
			{"of another domain", "email_unverified", func() {
				idp.NameID, idp.Attributes["mail"] = "persistent-eve", []string{"eve@evil.test"}
			}},
			{"an assertion that was used before", "assertion_replayed", func() { idp.Spoil = func(a *saml.Assertion) { a.ID = "id-once" } }},
		} {
			samlUser(idp)
			c.set()
			if c.why == "assertion_replayed" {
				if _, err := s.signInBySAML(t, idp); err != nil {
					t.Fatal(err)
				}
				s.Take(t)
			}
			_, err := s.signInBySAML(t, idp)
			if fault.CodeOf(err) != sso.Failed || sso.Reason(err) != c.why {
				t.Errorf("%s: %v, reason %s, want %s", c.name, err, sso.Reason(err), c.why)
			}
			if e := s.Take(t); len(e) != 1 || Names(e)[0] != "PROVIDER_FLOW_FAILED "+c.why || Meta(e[0], "sso_protocol") != "saml" {
				t.Errorf("%s: %v", c.name, Names(e))
			}
		}
		samlUser(idp)
		st, _ := s.start(t)
		_, kept = idp.Answer(t, st.URL)
		if _, err := s.post(t, secret.Token(32), kept); sso.Reason(err) != "state_mismatch" {
			t.Errorf("another browser: %v", err)
		}
		if _, err := s.post(t, st.Browser, kept); err != nil {
			t.Error(err)
		}
		if _, err := s.post(t, st.Browser, kept); sso.Reason(err) != "assertion_replayed" {
			t.Errorf("the same answer twice: %v", err)
		}
		kept.Set("RelayState", "")
		if _, err := s.post(t, st.Browser, kept); sso.Reason(err) != "state_mismatch" {
			t.Errorf("an answer that nobody asked for: %v", err)
		}
		owner := s.fresh(t, s.owner).Actor
		for name, text := range map[string]string{"nothing": "", "nonsense": "<a/>", "not XML": "x", "an entity": "<!DOCTYPE x [<!ENTITY a 'b'>]>" + idp.Metadata,
			"plain http": strings.ReplaceAll(idp.Metadata, "https://", "http://"), "no certificate": strings.ReplaceAll(idp.Metadata, "X509Certificate", "X509Crl")} {
			_, err := s.sso.Create(t.Context(), owner, sso.SaveArgs{Protocol: sso.SAML, Settings: sso.Settings{Name: "Other", Enabled: true, Metadata: text}})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

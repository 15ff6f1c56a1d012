package sso_test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/sso"
)

func told(t *testing.T, s *site, p sso.Provider) string {
	t.Helper()
	all, err := s.sso.Test(t.Context(), s.owner.Actor, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range all {
		out = append(out, map[bool]string{true: "+", false: "-"}[f.OK]+f.What)
	}
	return strings.Join(out, " ")
}

func TestProviderIsTested(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if got := told(t, s, s.prov); got != "+discovery +keys +domain" {
			t.Errorf("a provider that works: %s", got)
		}
		if err := s.sso.RemoveDomain(t.Context(), s.fresh(t, s.owner).Actor, "example.com"); err != nil {
			t.Fatal(err)
		}
		if got := told(t, s, s.prov); got != "+discovery +keys -domain" {
			t.Errorf("without a domain: %s", got)
		}
		elsewhere := s.provider(t, s.owner, func(a *sso.Settings) { a.Name, a.Enabled, a.Issuer = "Elsewhere", false, "https://127.0.0.1:1/" })
		if got := told(t, s, elsewhere); got != "-discovery -domain" {
			t.Errorf("a provider that does not answer: %s", got)
		}
		bare, err := s.sso.Create(t.Context(), s.fresh(t, s.owner).Actor, sso.SaveArgs{Protocol: sso.SAML, Settings: sso.Settings{Name: "Bare"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := told(t, s, bare); got != "-settings -domain" {
			t.Errorf("without metadata: %s", got)
		}
		saml := samlSite(t, s)
		if got := told(t, s, s.prov); got != "+metadata +certificate -domain" {
			t.Errorf("SAML at %s: %s", saml.EntityID, got)
		}
		_, other := s.Org(t, "globex")
		if _, err := s.sso.Test(t.Context(), other.Actor, bare.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's provider: %v", err)
		}
		auditor := s.owner.Actor
		auditor.Role = authz.Auditor
		if _, err := s.sso.Test(t.Context(), auditor, s.prov.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("an auditor: %v", err)
		}
	})
}

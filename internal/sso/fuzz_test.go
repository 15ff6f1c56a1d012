package sso

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"
)

// Nothing that a fuzzer writes is signed by the provider, so nothing is accepted.
func FuzzAssertion(f *testing.F) {
	f.Add([]byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="r" InResponseTo="id-1" Version="2.0" IssueInstant="2026-03-02T09:00:00Z"><saml:Issuer>https://idp.test</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="a"><saml:Issuer>https://idp.test</saml:Issuer></saml:Assertion></samlp:Response>`))
	f.Add([]byte(`<!DOCTYPE x><x/>`))
	f.Add([]byte(`<Response><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature></Response>`))
	sp := &saml.ServiceProvider{EntityID: "https://sp.test", IDPMetadata: &saml.EntityDescriptor{EntityID: "https://idp.test"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		if said, err := parseAssertion(sp, text, "id-1"); err == nil || said != nil {
			t.Fatalf("%q was accepted", text)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.test"><IDPSSODescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/sso"/></IDPSSODescriptor></EntityDescriptor>`)
	f.Add(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseMetadata(text)
		if err == nil && (e.EntityID == "" || !strings.HasPrefix(strings.ToLower(redirectAddress(e)), "https://")) {
			t.Fatalf("%q gives %+v", text, e)
		}
	})
}

func FuzzReturnTo(f *testing.F) {
	for _, s := range []string{"/safes", "//evil.test", "/\\evil.test", "/a?b=c#d", "javascript:x", "/\t/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse("https://vaultpam.test" + consolePath(s))
		if err == nil && u.Host != "vaultpam.test" {
			t.Fatalf("%q leads to %s", s, u.Host)
		}
		base, _ := url.Parse("https://vaultpam.test/")
		if to, err := base.Parse(consolePath(s)); err == nil && to.Host != "vaultpam.test" {
			t.Fatalf("%q leads to %s", s, to)
		}
	})
}

// Whatever a provider claims, what is taken from it is bounded.
func FuzzClaims(f *testing.F) {
	f.Add(`{"sub":"1","email":"a@b.example","email_verified":"true","groups":["a",1,null],"amr":["mfa"],"acr":"phr"}`)
	f.Add(`{"sub":1,"groups":"a; b;;c","email_verified":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var all map[string]any
		if json.Unmarshal([]byte(text), &all) != nil {
			return
		}
		c := readClaims(all, "groups")
		if len(c.groups) > maxGroups || len(c.session) > maxSubject {
			t.Fatalf("%+v", c)
		}
		if v, ok := all["email_verified"]; ok && v == false && c.verified {
			t.Fatal("an address that the provider calls unverified is taken")
		}
	})
}

// Nothing that a fuzzer writes is signed by the provider, so nobody is signed out by it.
func FuzzLogoutRequest(f *testing.F) {
	f.Add("SAMLRequest=fZA&RelayState=x&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature=AAAA")
	f.Add("SAMLRequest=%zz&SigAlg=&Signature=&SAMLRequest=")
	idp := &saml.EntityDescriptor{EntityID: "https://idp.test", IDPSSODescriptors: []saml.IDPSSODescriptor{{}}}
	f.Fuzz(func(t *testing.T, query string) {
		if r, _, err := logoutRequest(idp, query, "https://sp.test/slo", time.Now()); err == nil || r != nil {
			t.Fatalf("%q was accepted", query)
		}
	})
}

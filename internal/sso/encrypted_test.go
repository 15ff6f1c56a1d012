package sso_test

import (
	"encoding/base64"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/crewjam/saml"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/sso"
)

// An encrypted assertion is held to all that one in the clear is held to.
func TestEncryptedSAML(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		idp := samlSite(t, s)
		samlUser(idp)
		idp.Encrypt = true
		if _, err := s.signInBySAML(t, idp); err != nil {
			t.Fatal(err)
		}
		s.Expect(t, "ROLE_ASSIGNMENT_CHANGED", "AUTH_SIGN_IN_SUCCEEDED")
		for name, c := range map[string]struct {
			why string
			set func()
		}{
			"signed by a stranger": {"signature_invalid", func() { idp.Stranger = true }},
			"signed with SHA-1":    {"signature_invalid", func() { idp.SHA1 = true }},
			"another audience": {"provider_error", func() {
				idp.Spoil = func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://another.test" }
			}},
			"another issuer": {"issuer_unknown", func() { idp.Spoil = func(a *saml.Assertion) { a.Issuer.Value = "https://evil.test" } }},
		} {
			samlUser(idp)
			c.set()
			if _, err := s.signInBySAML(t, idp); sso.Reason(err) != c.why {
				t.Errorf("%s: %v, %s", name, err, sso.Reason(err))
			}
			s.Expect(t, "PROVIDER_FLOW_FAILED "+c.why)
		}
		samlUser(idp)
		// What was encrypted for somebody else, or was touched, is refused as a bad signature is.
		st, err := s.start(t)
		if err != nil {
			t.Fatal(err)
		}
		_, form := idp.Answer(t, st.URL)
		text, _ := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
		at := strings.LastIndex(string(text), "</xenc:CipherValue>")
		if at < 0 {
			t.Fatalf("it is not encrypted: %s", text)
		}
		text[at-30] = "AB"[map[bool]int{true: 1, false: 0}[text[at-30] == 'A']]
		form.Set("SAMLResponse", base64.StdEncoding.EncodeToString(text))
		if _, err := s.post(t, st.Browser, form); sso.Reason(err) != "signature_invalid" || fault.CodeOf(err) != sso.Failed {
			t.Errorf("touched: %v", err)
		}
		s.Expect(t, "PROVIDER_FLOW_FAILED signature_invalid")
		// A provider from before there were keys gets one with its metadata.
		if _, err := s.DB.Raw().ExecContext(t.Context(), `update sso_provider set sp_key = '', sp_cert = '' /* platform-wide: a test has one */`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.signInBySAML(t, idp); sso.Reason(err) != "signature_invalid" {
			t.Errorf("without a key: %v", err)
		}
		s.Take(t)
		var cert [2]string
		for i := range cert {
			meta, err := s.sso.Metadata(t.Context(), s.prov.ID)
			if err != nil {
				t.Fatal(err)
			}
			var e saml.EntityDescriptor
			if err := xml.Unmarshal(meta, &e); err != nil {
				t.Fatal(err)
			}
			k := e.SPSSODescriptors[0].KeyDescriptors
			if len(k) != 2 || k[0].Use != "signing" || len(k[0].EncryptionMethods) != 0 || k[1].Use != "encryption" || len(k[1].EncryptionMethods) == 0 {
				t.Fatalf("%s", meta)
			}
			cert[i] = k[1].KeyInfo.X509Data.X509Certificates[0].Data
			idp.Register(t, meta)
		}
		if cert[0] != cert[1] {
			t.Error("the certificate changes from one look to the next")
		}
		if _, err := s.signInBySAML(t, idp); err != nil {
			t.Error(err)
		}
	})
}

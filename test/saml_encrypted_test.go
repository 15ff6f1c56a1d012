package test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// A SAML provider encrypts for the certificate that the server's metadata shows it.
func TestEncryptedSAMLIsRead(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewSAML(t), "enc-"+random(4)+".example"
		w.domain(mail)
		p := w.samlProvider(idp)
		idp.Encrypt, idp.NameID, idp.Context = true, "nele-1", "https://refeds.org/profile/mfa"
		idp.Attributes = map[string][]string{"mail": {"nele@" + mail}, "displayName": {"Nele"}, "groups": {"pam-users"}}
		b := s.browser(t)
		to, form := idp.Answer(t, depart(t, b, obj{"organization": w.Slug}))
		if text, _ := base64.StdEncoding.DecodeString(form.Get("SAMLResponse")); strings.Contains(string(text), "nele") || !strings.Contains(string(text), "EncryptedAssertion") {
			t.Fatalf("it is not encrypted: %s", text)
		}
		v := post(t, b, s, to, form)
		in := get[signedIn](t, b, "POST", "/auth/sso/complete", obj{"ticket": v.Get("ticket")})
		secrets.add("access token", in.AccessToken)
		b.with(in.AccessToken).must(t, "GET", "/safes", nil)
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"sign_in_method": "sso"}, Meta: obj{"second_factor_demanded": false}})

		// Encryption proves nothing: the signature counts as ever.
		idp.Stranger = true
		to, form = idp.Answer(t, depart(t, b, obj{"organization": w.Slug}))
		if v := post(t, b, s, to, form); v.Get("error") != "signature_invalid" || v.Get("ticket") != "" {
			t.Errorf("signed by a stranger: %v", v)
		}
		w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: "signature_invalid", Meta: obj{"provider_id": p.ID, "sso_protocol": "saml"}})
	})
}

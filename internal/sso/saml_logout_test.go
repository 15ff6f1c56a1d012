package sso_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/sso"
)

// A SAML provider signs somebody out, and gets an answer that it can verify.
func TestSAMLProviderEndsSessions(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		idp := samlSite(t, s)
		samlUser(idp)
		own := "https://vaultpam.test/api/v1/auth/sso/saml/" + string(s.prov.ID) + "/slo"
		n := 0
		request := func() *saml.LogoutRequest {
			n++
			return &saml.LogoutRequest{ID: "id-" + strings.Repeat("x", n), Version: "2.0", IssueInstant: s.Clock.Now().UTC(), Destination: own,
				Issuer: &saml.Issuer{Value: idp.EntityID}, NameID: &saml.NameID{Format: string(saml.PersistentNameIDFormat), Value: idp.NameID}}
		}
		send := func(query string) (string, error) {
			return s.sso.SAMLLogout(t.Context(), sso.SAMLLogoutArgs{Provider: s.prov.ID, Query: query, From: From})
		}
		in, err := s.signInBySAML(t, idp)
		if err != nil {
			t.Fatal(err)
		}
		alive := func() bool {
			_, err := s.Identity.ByBearer(t.Context(), in.Session.Token, "", From)
			return err == nil
		}
		s.Take(t)

		good := func() string { return idp.LogoutQuery(t, request(), "r", "") }
		for what, query := range map[string]func() string{
			"nothing":      func() string { return "" },
			"no signature": func() string { return good()[:strings.Index(good(), "&SigAlg=")] },
			"a stranger's": func() string { idp.Stranger = true; defer func() { idp.Stranger = false }(); return good() },
			"SHA-1":        func() string { return idp.LogoutQuery(t, request(), "", "http://www.w3.org/2000/09/xmldsig#rsa-sha1") },
			"HMAC": func() string {
				return idp.LogoutQuery(t, request(), "", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
			},
			"altered":     func() string { return strings.Replace(good(), "RelayState=r", "RelayState=q", 1) },
			"relay added": func() string { return idp.LogoutQuery(t, request(), "", "") + "&RelayState=x" },
			"twice":       func() string { return good() + "&SAMLRequest=x" },
			"another issuer": func() string {
				r := request()
				r.Issuer.Value = "https://other.test"
				return idp.LogoutQuery(t, r, "", "")
			},
			"another place": func() string { r := request(); r.Destination = own + "/x"; return idp.LogoutQuery(t, r, "", "") },
			"too old": func() string {
				r := request()
				r.IssueInstant = r.IssueInstant.Add(-6 * time.Minute)
				return idp.LogoutQuery(t, r, "", "")
			},
			"of the future": func() string {
				r := request()
				r.IssueInstant = r.IssueInstant.Add(6 * time.Minute)
				return idp.LogoutQuery(t, r, "", "")
			},
			"over": func() string {
				r := request()
				at := s.Clock.Now().Add(-time.Second)
				r.NotOnOrAfter = &at
				return idp.LogoutQuery(t, r, "", "")
			},
			"nobody": func() string { r := request(); r.NameID.Value = " "; return idp.LogoutQuery(t, r, "", "") },
			"no id":  func() string { r := request(); r.ID = ""; return idp.LogoutQuery(t, r, "", "") },
		} {
			if _, err := send(query()); fault.CodeOf(err) != "LOGOUT_REQUEST" || !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
			if !alive() {
				t.Fatalf("%s ended the session", what)
			}
			s.Expect(t)
		}

		other := request()
		other.NameID.Value = "somebody-else"
		if _, err := send(idp.LogoutQuery(t, other, "", "")); err != nil || !alive() {
			t.Errorf("somebody whom nobody knows: %v", err)
		}
		s.Expect(t)
		r := request()
		query := idp.LogoutQuery(t, r, "state of theirs", "")
		to, err := send(query)
		if err != nil || alive() {
			t.Fatalf("%v, alive %v", err, alive())
		}
		if e := s.Expect(t, "AUTH_SIGNED_OUT by_provider")[0]; e.OrgID != s.owner.Org() || string(e.Actor.Type) != "System" {
			t.Errorf("%+v", e)
		}
		if _, err := send(query); fault.CodeOf(err) != "LOGOUT_REQUEST" {
			t.Errorf("a second time: %v", err)
		}

		// The answer is signed with the key of our metadata.
		at, answer, _ := strings.Cut(to, "?")
		signed, signature, _ := strings.Cut(answer, "&Signature=")
		v, err := url.ParseQuery(answer)
		if err != nil || at != strings.TrimSuffix(idp.EntityID, "/metadata")+"/slo" || v.Get("RelayState") != "state of theirs" || signature == "" {
			t.Fatalf("%s %v", to, err)
		}
		var key *rsa.PublicKey
		for _, k := range idp.Known["https://vaultpam.test/api/v1/auth/sso/saml/"+string(s.prov.ID)+"/metadata"].SPSSODescriptors[0].KeyDescriptors {
			if k.Use != "signing" {
				continue
			}
			der, _ := base64.StdEncoding.DecodeString(k.KeyInfo.X509Data.X509Certificates[0].Data)
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			key = cert.PublicKey.(*rsa.PublicKey)
		}
		sum := sha256.Sum256([]byte(signed))
		raw, _ := base64.StdEncoding.DecodeString(v.Get("Signature"))
		if key == nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) != nil {
			t.Error("the answer's signature does not hold")
		}
		packed, _ := base64.StdEncoding.DecodeString(v.Get("SAMLResponse"))
		text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		var got saml.LogoutResponse
		if err != nil || xml.Unmarshal(text, &got) != nil || got.InResponseTo != r.ID || got.Destination != at || got.Status.StatusCode.Value != saml.StatusSuccess {
			t.Errorf("%s %v", text, err)
		}
	})
}

package mfa

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
	"github.com/vaultpam/vaultpam/internal/mfa/mfatest"
)

func TestPartyOf(t *testing.T) {
	for url, want := range map[string]string{
		"https://pam.example.com":      "pam.example.com at https://pam.example.com",
		"https://PAM.example.com:8443": "pam.example.com at https://PAM.example.com:8443",
		"https://pam.example.com/":     "pam.example.com at https://pam.example.com",
		"https://localhost:8443":       "localhost at https://localhost:8443",
		"https://127.0.0.1:8443":       "localhost at https://localhost:8443",
		"https://[::1]:8443":           "localhost at https://localhost:8443",
		"https://127.0.0.1":            "localhost at https://localhost",
		"https://192.0.2.7:8443":       "",
		"https://[2001:db8::1]":        "",
		"":                             "",
		"\x00":                         "",
	} {
		p := PartyOf(url)
		got := ""
		if p.ID != "" {
			got = p.ID + " at " + p.Origins[0]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}

// An answer that is accepted is exactly the one that was signed: whatever byte of
// it changes, it does not hold any more, or parses to the same.
func FuzzAnswersOfAuthenticators(f *testing.F) {
	party := PartyOf("https://vaultpam.test")
	verifier, err := party.party("VaultPAM")
	if err != nil {
		f.Fatal(err)
	}
	s := &Service{d: Deps{Party: party, Now: time.Now}, party: verifier}
	key := mfatest.New(party.Origins[0])
	make := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	created, err := key.Create(make(creation(party.ID, "VaultPAM", NewKey{User: "usr_1"}, challengeBytes("token"), nil)))
	if err != nil {
		f.Fatal(err)
	}
	c, props, err := s.created("usr_1", "token", true, make(created))
	if err != nil || !props.discoverable {
		f.Fatal(props, err)
	}
	row := mfasql.WebauthnCredential{ID: "fac_1", PersonID: "usr_1", CredentialID: c.ID, PublicKey: c.PublicKey}
	got, err := key.Get(make(request(party.ID, challengeBytes("token"), []mfasql.WebauthnCredential{row}, true)))
	if err != nil {
		f.Fatal(err)
	}
	good := make(got)
	weigh := func(b []byte) bool {
		parsed, err := parseAssertion(b)
		if err != nil {
			return false
		}
		a := Attempt{method: WebAuthn, user: "usr_1", n: -1, assertion: &assertion{}}
		s.verify(&a, []mfasql.WebauthnCredential{row}, parsed, "token", protocol.VerificationRequired)
		return a.matched()
	}
	if !weigh(good) {
		f.Fatal("the answer itself does not hold")
	}
	signed, err := parseAssertion(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(make(created))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s.created("usr_1", "token", false, b)
		if !weigh(b) {
			return
		}
		p, err := parseAssertion(b)
		if err != nil || !bytes.Equal(p.Raw.AssertionResponse.AuthenticatorData, signed.Raw.AssertionResponse.AuthenticatorData) ||
			!bytes.Equal(p.Raw.AssertionResponse.ClientDataJSON, signed.Raw.AssertionResponse.ClientDataJSON) {
			t.Errorf("something else than what was signed holds: %q", b)
		}
	})
}

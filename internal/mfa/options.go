package mfa

import (
	"encoding/base64"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
)

// What is asked of a browser, as PublicKeyCredential.parseCreationOptionsFromJSON
// and parseRequestOptionsFromJSON read it (WebAuthn Level 3, section 5.1).

// CreationOptions asks for a new credential.
type CreationOptions struct {
	RP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"rp"`
	User struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	} `json:"user"`
	Challenge   string                 `json:"challenge"`
	Parameters  []CredentialParameter  `json:"pubKeyCredParams"`
	Timeout     int64                  `json:"timeout" doc:"Milliseconds"`
	Exclude     []CredentialDescriptor `json:"excludeCredentials"`
	Selection   AuthenticatorSelection `json:"authenticatorSelection"`
	Attestation string                 `json:"attestation"`
	Extensions  map[string]bool        `json:"extensions"`
}

// CredentialParameter is an algorithm that we can verify.
type CredentialParameter struct {
	Type string `json:"type"`
	Alg  int64  `json:"alg"`
}

// CredentialDescriptor names a credential.
type CredentialDescriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

// AuthenticatorSelection says which authenticators will do.
type AuthenticatorSelection struct {
	ResidentKey        string `json:"residentKey"`
	RequireResidentKey bool   `json:"requireResidentKey"`
	UserVerification   string `json:"userVerification"`
}

// RequestOptions asks for an assertion.
type RequestOptions struct {
	Challenge        string                 `json:"challenge"`
	Timeout          int64                  `json:"timeout" doc:"Milliseconds"`
	RPID             string                 `json:"rpId"`
	Allow            []CredentialDescriptor `json:"allowCredentials"`
	UserVerification string                 `json:"userVerification"`
}

// algorithms are those that we verify, best first.
var algorithms = []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgEdDSA, webauthncose.AlgES256, webauthncose.AlgES384, webauthncose.AlgRS256}

const (
	publicKey = string(protocol.PublicKeyCredentialType)
	preferred = string(protocol.VerificationPreferred)
	required  = string(protocol.VerificationRequired)
)

func creation(rp, name string, k NewKey, challenge string, have []mfasql.WebauthnCredential) *CreationOptions {
	o := &CreationOptions{Challenge: challenge, Timeout: challengeLife.Milliseconds(), Exclude: descriptors(have), Attestation: "none", Extensions: map[string]bool{"credProps": true}}
	o.RP.ID, o.RP.Name = rp, name
	o.User.ID = base64.RawURLEncoding.EncodeToString([]byte(k.User))
	o.User.Name, o.User.DisplayName = k.Account, k.Display
	for _, alg := range algorithms {
		o.Parameters = append(o.Parameters, CredentialParameter{publicKey, int64(alg)})
	}
	o.Selection = AuthenticatorSelection{ResidentKey: preferred, UserVerification: preferred}
	if k.Passkey {
		o.Selection = AuthenticatorSelection{ResidentKey: required, RequireResidentKey: true, UserVerification: required}
	}
	return o
}

func request(rp, challenge string, allow []mfasql.WebauthnCredential, verified bool) *RequestOptions {
	o := &RequestOptions{Challenge: challenge, Timeout: challengeLife.Milliseconds(), RPID: rp, Allow: descriptors(allow), UserVerification: preferred}
	if verified {
		o.UserVerification = required
	}
	return o
}

func descriptors(rows []mfasql.WebauthnCredential) []CredentialDescriptor {
	out := []CredentialDescriptor{}
	for _, r := range rows {
		out = append(out, CredentialDescriptor{Type: publicKey, ID: base64.RawURLEncoding.EncodeToString(r.CredentialID), Transports: strings.Fields(r.Transports)})
	}
	return out
}

// transports keeps the words that WebAuthn knows; what else a browser says is dropped.
func transports(in []protocol.AuthenticatorTransport) string {
	var out []string
	for _, t := range in {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.Hybrid, protocol.Internal, protocol.SmartCard:
			out = append(out, string(t))
		}
	}
	return strings.Join(out[:min(len(out), 8)], " ")
}

// Package mfatest has an authenticator in software, for tests: what a security key
// and the browser in front of it do together, and what broken ones do.
package mfatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Authenticator holds one credential.
type Authenticator struct {
	ID     []byte // of the credential; empty before Create
	Origin string // that the browser says it is at
	Count  uint32 // of the last signature; counts on by itself
	Step   uint32 // how much each signature counts on; 0: it does not count

	NotVerified bool   // it does not ask for a PIN or a finger
	NotPresent  bool   // nobody touched it
	OtherKey    bool   // it signs with a key that is not the enrolled one
	OtherRP     string // it signs for another relying party
	NoHandle    bool   // it does not tell whose it is
	Challenge   string // it signs this instead of what was asked
	FixedID     []byte // it calls its new credential so

	key    *ecdsa.PrivateKey
	handle []byte
}

// New is an authenticator at an origin.
func New(origin string) *Authenticator { return &Authenticator{Origin: origin, Step: 1} }

var b64 = base64.RawURLEncoding

// flags of authenticator data (WebAuthn, section 6.1).
const (
	present  = 1 << 0
	verified = 1 << 2
	attested = 1 << 6
)

func (a *Authenticator) flags() byte {
	f := byte(present | verified)
	if a.NotVerified {
		f &^= verified
	}
	if a.NotPresent {
		f &^= present
	}
	return f
}

func (a *Authenticator) rp(asked string) string {
	if a.OtherRP != "" {
		return a.OtherRP
	}
	return asked
}

func (a *Authenticator) clientData(typ, challenge string) []byte {
	if a.Challenge != "" {
		challenge = a.Challenge
	}
	b, err := json.Marshal(map[string]any{"type": typ, "challenge": challenge, "origin": a.Origin, "crossOrigin": false})
	if err != nil {
		panic(err) // strings only
	}
	return b
}

func (a *Authenticator) data(rp string, flags byte) []byte {
	sum := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), a.Count)
}

// Create makes a credential for creation options in JSON, and answers as browsers do.
func (a *Authenticator) Create(options []byte) (map[string]any, error) {
	var o struct {
		Challenge string
		RP        struct{ ID string }
		User      struct{ ID string }
	}
	err := json.Unmarshal(options, &o)
	if err != nil {
		return nil, fmt.Errorf("read creation options: %w", err)
	}
	if a.handle, err = b64.DecodeString(o.User.ID); err != nil {
		return nil, fmt.Errorf("read the user's id: %w", err)
	}
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	a.ID = make([]byte, 32)
	rand.Read(a.ID)
	if a.FixedID != nil {
		a.ID = a.FixedID
	}
	client := a.clientData("webauthn.create", o.Challenge)
	data := a.data(a.rp(o.RP.ID), a.flags()|attested)
	data = append(data, make([]byte, 16)...) // no model is told
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), a.cose()...)
	// The attestation object is a CBOR map of three: fmt "none", attStmt {}, authData.
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(object, 0x64), "none"...)
	object = append(append(object, 0x67), "attStmt"...)
	object = append(append(object, 0xa0, 0x68), "authData"...)
	object = append(object, 0x59, byte(len(data)>>8), byte(len(data)))
	object = append(object, data...)
	return a.credential(map[string]any{"clientDataJSON": b64.EncodeToString(client), "attestationObject": b64.EncodeToString(object), "transports": []string{"usb"}},
		map[string]any{"credProps": map[string]any{"rk": true}}), nil
}

// cose is the public key: an EC2 key on P-256 for ES256 (RFC 9053).
func (a *Authenticator) cose() []byte {
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err) // the curve is one that has this form
	}
	out := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, point[1:33]...)
	return append(append(out, 0x22, 0x58, 0x20), point[33:]...)
}

func (a *Authenticator) credential(response, extensions map[string]any) map[string]any {
	return map[string]any{"id": b64.EncodeToString(a.ID), "rawId": b64.EncodeToString(a.ID), "type": "public-key", "authenticatorAttachment": "cross-platform",
		"response": response, "clientExtensionResults": extensions}
}

// Get signs request options in JSON, and answers as browsers do.
func (a *Authenticator) Get(options []byte) (map[string]any, error) {
	var o struct {
		Challenge string
		RPID      string `json:"rpId"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("read request options: %w", err)
	}
	a.Count += a.Step
	client := a.clientData("webauthn.get", o.Challenge)
	data := a.data(a.rp(o.RPID), a.flags())
	clientSum := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], clientSum[:]...))
	key := a.key
	if a.OtherKey {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	response := map[string]any{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data), "signature": b64.EncodeToString(signature)}
	if !a.NoHandle {
		response["userHandle"] = b64.EncodeToString(a.handle)
	}
	return a.credential(response, map[string]any{}), nil
}

// Clone is a second authenticator with the same credential.
func (a *Authenticator) Clone() *Authenticator {
	c := *a
	return &c
}

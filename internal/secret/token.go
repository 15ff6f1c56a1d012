package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// tokenSize is the bytes of a token before their encoding: 256 random bits.
const tokenSize = 32

// TokenKind is one sort of bearer token. Its prefix says what it is, so that
// scanners for leaked secrets find it and one sort is not taken for another; its
// use keeps the hashes of two sorts apart.
type TokenKind struct {
	Prefix string // such as "vpin_"
	Use    string // such as "vaultpam-invitation/v1"
}

// New is a new token.
func (k TokenKind) New() Secret {
	return FromString(k.Prefix + Token(tokenSize).RevealString())
}

// Hash is what is kept of a token. A token is random enough to need no slow hash.
func (k TokenKind) Hash(token string) []byte {
	sum := sha256.Sum256([]byte(k.Use + "\x00" + token))
	return sum[:]
}

// Parse gives the hash of a token of this kind as somebody presents it; false when
// it cannot be one. White space around it, as copying brings it, is forgiven.
func (k TokenKind) Parse(presented Secret) (hash []byte, ok bool) {
	text := strings.TrimSpace(presented.RevealString())
	body, ok := strings.CutPrefix(text, k.Prefix)
	if !ok || strings.ContainsAny(body, "\r\n") { // the decoder skips line ends
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) != tokenSize {
		return nil, false
	}
	return k.Hash(text), true
}

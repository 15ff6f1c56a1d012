package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// A grant's token is the prefix, which tells people and secret scanners what it
// is, and 256 random bits in unpadded base64url. There is exactly one spelling of
// a token: what parses encodes to the same text again.
const (
	tokenPrefix = "vplg_"
	tokenBytes  = 32
	tokenLen    = len(tokenPrefix) + (tokenBytes*8+5)/6
)

var tokenText = base64.RawURLEncoding.Strict()

// mintToken makes a new token and the hash by which the store knows it.
func mintToken() (secret.Secret, string) {
	var raw [tokenBytes]byte
	rand.Read(raw[:]) // never fails: crypto/rand aborts the process instead
	defer clear(raw[:])
	text := append(make([]byte, 0, tokenLen), tokenPrefix...)
	return secret.New(tokenText.AppendEncode(text, raw[:])), tokenHash(&raw)
}

// parseToken gives the hash of a token as its holder sends it; false when it is not the form of one.
func parseToken(s string) (hash string, ok bool) {
	text, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(s) != tokenLen || strings.ContainsAny(text, "\r\n") { // the decoder skips line ends
		return "", false
	}
	var raw [tokenBytes]byte
	defer clear(raw[:])
	if n, err := tokenText.Decode(raw[:], []byte(text)); err != nil || n != tokenBytes {
		return "", false
	}
	return tokenHash(&raw), true
}

// tokenHash needs no salt or stretching: the input is 256 random bits.
func tokenHash(raw *[tokenBytes]byte) string {
	h := sha256.New()
	h.Write([]byte("vaultpam-launch-grant/v1\x00"))
	h.Write(raw[:])
	return hex.EncodeToString(h.Sum(nil))
}

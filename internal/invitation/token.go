package invitation

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// Tokens say by their beginning what they are, so that scanners for leaked
// secrets find them and one is not taken for the other.
const (
	linkPrefix = "vpin_"
	flowPrefix = "vpif_"
	tokenBytes = 32
)

func newToken(prefix string) secret.Secret {
	return secret.FromString(prefix + secret.Token(tokenBytes).RevealString())
}

// hashToken is what is kept of a token. It is random enough to need no slow hash.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-invitation/v1\x00" + token))
	return sum[:]
}

// parseToken gives the hash of a token of this prefix; false when it cannot be one.
// White space around it, as copying brings it, is forgiven.
func parseToken(prefix string, t secret.Secret) (hash []byte, ok bool) {
	text := strings.TrimSpace(t.RevealString())
	body, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) != tokenBytes || strings.ContainsAny(body, "\r\n") {
		return nil, false
	}
	return hashToken(text), true
}

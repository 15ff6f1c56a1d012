package identity

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The hashes of tokens that are stored from before are found by the same tokens.
func TestStoredTokensStayValid(t *testing.T) {
	for prefix, kind := range map[string]secret.TokenKind{"vpws_": sessionToken, "vpat_": apiToken, "vprt_": refreshToken, "vpdc_": deviceToken} {
		shown := prefix + strings.Repeat("A", 43)
		stored := sha256.Sum256([]byte("vaultpam-token/v1\x00" + shown))
		if got, ok := kind.Parse(secret.FromString(shown)); !ok || !bytes.Equal(got, stored[:]) {
			t.Errorf("%s: %x %v", prefix, got, ok)
		}
		for _, other := range []secret.TokenKind{sessionToken, apiToken, refreshToken, deviceToken} {
			if _, ok := other.Parse(secret.FromString(shown)); ok != (other == kind) {
				t.Errorf("%s is taken for one of %s", prefix, other.Prefix)
			}
		}
	}
}

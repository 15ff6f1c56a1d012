package phone

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	digits      = 6
	codeLife    = 10 * time.Minute
	changeLife  = time.Hour // how long a change waits for the right code, over several messages
	maxAttempts = 5         // wrong answers to one code
)

// newCode is a code that nobody can foresee.
func newCode() secret.Secret {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return secret.FromString(fmt.Sprintf("%0*d", digits, n.Int64()))
}

// canonicalCode brings what a person typed to one spelling; empty when it cannot
// be a code.
func canonicalCode(typed secret.Secret) string {
	raw := typed.Reveal()
	if len(raw) > maxTyped {
		return ""
	}
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(string(raw)))
	if len(s) != digits || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// indexKey is the key of what finds a number or a code without telling it.
type indexKey []byte

func (k indexKey) mac(domain string, parts ...string) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(domain))
	for _, p := range parts {
		m.Write([]byte{0})
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// index is equal for equal numbers.
func (k indexKey) index(n Number) string {
	return hex.EncodeToString(k.mac("vaultpam-phone-index/v1", n.e164))
}

// code is what is kept of a code.
func (k indexKey) code(v id.PhoneVerification, code string) []byte {
	return k.mac("vaultpam-phone-code/v1", string(v), code)
}

// matches compares a typed code with what was kept of the right one.
func (k indexKey) matches(v id.PhoneVerification, typed secret.Secret, kept []byte) bool {
	code := canonicalCode(typed)
	return hmac.Equal(k.code(v, code), kept) && code != ""
}

// message is the text of an SMS: plain letters and one part, so that it costs one
// message everywhere.
func message(code secret.Secret) string {
	return code.RevealString() + " is your VaultPAM code. It is good for 10 minutes. Give it to nobody; we never ask for it."
}

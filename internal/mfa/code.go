package mfa

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	period     = 30 // seconds of one TOTP code (RFC 6238)
	skew       = 1  // steps before and after the present one that still count
	digits     = 6
	secretSize = 20 // bytes, the size of SHA-1's output as RFC 4226 recommends

	backupCodes   = 10
	backupLetters = 16 // of 5 bits each: too many to guess even from a leaked hash
	maxTyped      = 64 // bytes; a code is much shorter
)

// Method is how a second factor was proved.
type Method string

// The methods.
const (
	TOTP       Method = "totp"
	BackupCode Method = "backup_code"
	WebAuthn   Method = "webauthn"
)

// Crockford's alphabet: no I, L, O, U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// canonical brings what a person typed to one spelling and tells what kind of
// code it looks like. What is neither kind gives an empty code.
func canonical(typed secret.Secret) (string, Method) {
	raw := typed.Reveal()
	if len(raw) > maxTyped {
		return "", TOTP
	}
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(string(raw)))
	if len(s) == digits && strings.Trim(s, "0123456789") == "" {
		return s, TOTP
	}
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(s)
	if len(s) == backupLetters && strings.Trim(s, alphabet) == "" {
		return s, BackupCode
	}
	return "", TOTP
}

// Looks tells which method a typed code is of, for doors that ask for "a code".
func Looks(typed secret.Secret) Method {
	_, m := canonical(typed)
	return m
}

func step(t time.Time) int64 { return t.Unix() / period }

// Code is the TOTP code of a base32 secret for the moment t.
func Code(base32Secret string, t time.Time) (string, error) {
	return codeAt(base32Secret, step(t))
}

func codeAt(base32Secret string, n int64) (string, error) {
	c, err := hotp.GenerateCodeCustom(base32Secret, uint64(n), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("compute a TOTP code: %w", err)
	}
	return c, nil
}

// matchTOTP compares code with all steps that count at now. It returns the
// oldest matching step that is newer than last; or, when only used ones match,
// the newest of those and used = true. Zero is no match.
func matchTOTP(base32Secret, code string, now time.Time, last int64) (matched int64, used bool, err error) {
	for n := step(now) - skew; n <= step(now)+skew; n++ {
		want, err := codeAt(base32Secret, n)
		if err != nil {
			return 0, false, err
		}
		same := subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1
		switch {
		case !same:
		case n <= last:
			if matched == 0 {
				matched, used = n, true
			}
		case matched == 0 || used:
			matched, used = n, false
		}
	}
	return matched, used, nil
}

// newBackupCodes makes a set, in the form that is shown once: XXXX-XXXX-XXXX-XXXX.
func newBackupCodes() []string {
	out := make([]string, backupCodes)
	raw := make([]byte, backupLetters)
	for i := range out {
		rand.Read(raw)
		var b strings.Builder
		for j, c := range raw {
			if j > 0 && j%4 == 0 {
				b.WriteByte('-')
			}
			b.WriteByte(alphabet[c&31])
		}
		out[i] = b.String()
	}
	return out
}

// hashBackup is what is kept of a backup code. The set's id makes equal codes of
// different sets different; 80 random bits need no slow hash.
func hashBackup(set, canonicalCode string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-backup-code/v1\x00" + set + "\x00" + canonicalCode))
	return sum[:]
}

// otpauth is the URI that authenticator applications read from a QR code.
func otpauth(issuer, account, base32Secret string) string {
	q := url.Values{"secret": {base32Secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(digits)}, "period": {fmt.Sprint(period)}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

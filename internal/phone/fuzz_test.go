package phone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// What is read as a number reads as itself, prints masked, and is refused as wrong input otherwise.
func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"+49 151 23456789", "+447400123456", "＋４９ 151 234-56789", "+1 (212) 555-0123", "0151", "+", "", "+49151234567890123456", "+49;ext=5", "+33612345678\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		n, err := ParseNumber(typed)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || len(typed) > 6 && strings.Contains(err.Error(), typed) && !strings.Contains("such as +49 151 23456789", typed) {
				t.Fatalf("%q: %v", typed, err)
			}
			return
		}
		again, err := ParseNumber(n.E164())
		if err != nil || again != n {
			t.Fatalf("%q is %s, which reads as %s, %v", typed, n.E164(), again.E164(), err)
		}
		if len(n.Country()) != 2 || len(n.E164()) > 16 || strings.Contains(fmt.Sprintf("%v %+v %#v %s %q %d", n, n, n, n, n, n), n.E164()[2:]) {
			t.Fatalf("%q: %s %s", typed, n.E164(), n.Country())
		}
	})
}

// Only the code itself matches, in whichever spelling.
func FuzzCode(f *testing.F) {
	for _, s := range []string{"123456", " 123-456 ", "１２３４５６", "12345", "abcdef", ""} {
		f.Add(s)
	}
	key, v := indexKey("0123456789abcdef"), id.PhoneVerification("pvf_1")
	kept := key.code(v, "123456")
	f.Fuzz(func(t *testing.T, typed string) {
		c := canonicalCode(secret.FromString(typed))
		if c != "" && (len(c) != digits || strings.Trim(c, "0123456789") != "" || canonicalCode(secret.FromString(c)) != c) {
			t.Fatalf("%q is read as %q", typed, c)
		}
		if got := key.matches(v, secret.FromString(typed), kept); got != (c == "123456") {
			t.Fatalf("%q matches: %v", typed, got)
		}
		if key.matches("pvf_2", secret.FromString(typed), kept) {
			t.Fatalf("%q matches another verification", typed)
		}
	})
}

// A code is six digits, each as often as the others.
func TestCodesAreSixDigits(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := newCode().RevealString()
		if canonicalCode(secret.FromString(c)) != c || len(message(secret.FromString(c))) > 160 {
			t.Fatalf("%q", c)
		}
		seen[c] = true
	}
	if len(seen) < 950 {
		t.Errorf("%d codes of 1000 differ", len(seen))
	}
}

func TestOnlyMobileNumbersAreTaken(t *testing.T) {
	for typed, why := range map[string]string{"+49 30 123456": "mobile", "+49 900 1234567": "", "+44 20 7946 0018": "mobile", "0151 23456789": "+ and the country", "+49 151 23456789 ext. 5": "+ and the country", "+4915": "country"} {
		_, err := ParseNumber(typed)
		if fault.CodeOf(err) != "PHONE_INVALID" || !strings.Contains(fault.As(err).Message, why) {
			t.Errorf("%s: %v", typed, err)
		}
	}
}

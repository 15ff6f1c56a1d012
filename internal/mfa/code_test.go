package mfa

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// RFC 6238, appendix B, SHA-1, cut to six digits.
func TestCodesOfTheRFC(t *testing.T) {
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // "12345678901234567890"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		got, err := Code(key, time.Unix(at, 0))
		if err != nil || got != want {
			t.Errorf("at %d: %s (%v), want %s", at, got, err, want)
		}
	}
}

func TestCodeCountsOneStepAround(t *testing.T) {
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	now := time.Unix(1_700_000_010, 0)
	for off := int64(-3); off <= 3; off++ {
		code, _ := codeAt(key, step(now)+off)
		n, used, err := matchTOTP(key, code, now, 0)
		if err != nil {
			t.Fatal(err)
		}
		if in := off >= -1 && off <= 1; (n == step(now)+off) != in || used {
			t.Errorf("code of %+d steps: step %d, used %v", off, n-step(now), used)
		}
		n, used, _ = matchTOTP(key, code, now, step(now)) // the present step was used
		if off == 1 && (used || n != step(now)+1) || off >= -1 && off <= 0 && !used {
			t.Errorf("code of %+d steps after use: step %d, used %v", off, n-step(now), used)
		}
	}
}

func TestOneSpellingOfACode(t *testing.T) {
	for typed, want := range map[string]struct {
		code   string
		method Method
	}{
		"123456":                         {"123456", TOTP},
		" 123 456\n":                     {"123456", TOTP},
		"１２３４５６":                         {"123456", TOTP},
		"123-456":                        {"123456", TOTP},
		"123\u200b456":                   {"123456", TOTP},
		"12345":                          {"", TOTP},
		"1234567":                        {"", TOTP},
		"12345a":                         {"", TOTP},
		"":                               {"", TOTP},
		"abcd-efgh-jkmn-pqrs":            {"ABCDEFGHJKMNPQRS", BackupCode},
		"ABCD EFGH JKMN PQRS":            {"ABCDEFGHJKMNPQRS", BackupCode},
		"oooo–iiii–llll–0123":            {"0000111111110123", BackupCode},
		"abcd-efgh-jkmn-pqr":             {"", TOTP},
		"abcd-efgh-jkmn-pqrU":            {"", TOTP},
		strings.Repeat("1", 6) + "\x00":  {"", TOTP},
		strings.Repeat(" ", 80) + "1234": {"", TOTP},
	} {
		code, method := canonical(secret.FromString(typed))
		if code != want.code || method != want.method {
			t.Errorf("%q: %q as %s, want %q as %s", typed, code, method, want.code, want.method)
		}
	}
}

func TestBackupCodesAreDistinctAndReadable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range append(newBackupCodes(), newBackupCodes()...) {
		code, method := canonical(secret.FromString(c))
		if method != BackupCode || seen[code] {
			t.Errorf("%q reads as %q (%s), seen before: %v", c, code, method, seen[code])
		}
		seen[code] = true
	}
	if len(seen) != 2*backupCodes {
		t.Errorf("%d codes in two sets", len(seen))
	}
	if bytes.Equal(hashBackup("bcs_1", "X"), hashBackup("bcs_2", "X")) {
		t.Error("one code in two sets has one hash")
	}
}

// Whatever is typed, its canonical form is its own canonical form, and is a
// code or nothing.
func FuzzCode(f *testing.F) {
	for _, s := range []string{"123456", "１２３ ４５６", "abcd-efgh-jkmn-pqrs", "\xff\xfe", "ǅ", strings.Repeat("9", 70)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, method := canonical(secret.FromString(s))
		switch {
		case code == "":
		case method == TOTP && len(code) == digits, method == BackupCode && len(code) == backupLetters:
			again, m := canonical(secret.FromString(code))
			if again != code || m != method {
				t.Fatalf("%q: %q (%s), and that: %q (%s)", s, code, method, again, m)
			}
		default:
			t.Fatalf("%q: %q as %s", s, code, method)
		}
	})
}

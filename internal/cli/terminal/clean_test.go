package terminal

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestCleanLeavesNothingThatSteersATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"web-prod":                   "web-prod",
		"größe 日本":                   "größe 日本",
		"a\x1b[2Jb":                  "a[2Jb",
		"a\x1b]0;title\x07b":         "a]0;titleb",
		"two\nlines\tand\rmore":      "two lines and more",
		"c1 \u009b31m \u0085":        "c1 31m",
		"\u202eevil\u2066":           "evil",
		"\xff\xfe":                   "",
		"line\u2028para\u2029 z\x7f": "linepara z",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Paragraph("a\x1b\r\nb\n"); got != "a\nb\n" {
		t.Errorf("%q", got)
	}
}

func FuzzJSONMeansTheSame(f *testing.F) {
	f.Add("a\u009b\u202e\U000e0001\x7f\"\\")
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(strings.ToValidUTF8(s, "?"))
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(text)
		if strings.ContainsFunc(string(safe), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Fatalf("%q", safe)
		}
		var back string
		if err := json.Unmarshal(safe, &back); err != nil || back != strings.ToValidUTF8(s, "?") {
			t.Fatalf("%q became %q: %v", s, back, err)
		}
	})
}

func TestNobodySaysWhatItWouldHaveAsked(t *testing.T) {
	_, err := Nobody{}.Secret(context.Background(), "Password: ")
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "ask for the password:") {
		t.Fatal(err)
	}
	_, err = Nobody{}.Line(context.Background(), "E-mail: ")
	if !strings.Contains(err.Error(), "the e-mail:") {
		t.Fatal(err)
	}
}

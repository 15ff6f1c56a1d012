package label

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// Whatever passes as a name has no character that steers a terminal or the
// direction of text, and none but a joiner that is not seen.
func FuzzOdd(f *testing.F) {
	for _, s := range []string{"a", "می\u200cخواهم", "👩\u200d💻", "a\u202eb", "\u200d", "क्\u200d", "\xff", "a\x1b[2J"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if Odd(s, nil) {
			return
		}
		if !utf8.ValidString(s) {
			t.Fatalf("%q is no text and passes", s)
		}
		for _, r := range s {
			if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) || !unicode.IsPrint(r) && r != joiner && r != nonJoiner {
				t.Fatalf("%q has %U and passes", s, r)
			}
		}
	})
}

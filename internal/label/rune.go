package label

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// Odd tells whether s has a character that no name may have: a control character,
// one that is not seen, or one that steers how others are shown. Joiners pass where
// a script is written with them (Unicode Technical Report 31, section 2.3): between
// Arabic letters, behind a virama, and in an emoji of several. also lets more pass;
// it may be nil.
func Odd(s string, also func(r rune) bool) bool {
	return !utf8.ValidString(s) || Clean(s, also) != s
}

// Clean leaves out what makes a text odd.
func Clean(s string, also func(r rune) bool) string {
	var b strings.Builder
	text := append([]rune(strings.ToValidUTF8(s, "")), 0)
	var prev rune // that was kept
	for i, r := range text[:len(text)-1] {
		ok := also != nil && also(r)
		switch {
		case ok:
		case r == joiner || r == nonJoiner:
			ok = joins(prev, r, text[i+1]) // 0 at the end
		default:
			ok = unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
		}
		if ok {
			b.WriteRune(r)
			prev = r
		}
	}
	return b.String()
}

// joins tells whether a joiner has something to do between prev and next.
func joins(prev, r, next rune) bool {
	if norm.NFC.PropertiesString(string(prev)).CCC() == 9 { // a virama: also at the end of a word
		return true
	}
	if r == nonJoiner {
		written := func(r rune) bool {
			return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian) || unicode.Is(unicode.Mn, r)
		}
		return written(prev) && unicode.In(next, unicode.Arabic, unicode.Syriac, unicode.Mongolian)
	}
	return (unicode.In(prev, unicode.So, unicode.Sk) || prev == '\ufe0f') && unicode.Is(unicode.So, next)
}

package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from elsewhere fit for one line of a terminal: line ends and
// tabs become spaces; control characters, invisible format characters (which can
// turn the direction of text) and what is not UTF-8 are left out.
func Clean(s string) string {
	if !strings.ContainsFunc(s, unfit) && utf8.ValidString(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unfit(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
}

// Paragraph is Clean for text of several lines, which keep their ends.
func Paragraph(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return strings.Join(lines, "\n")
}

// unfit tells the characters that a terminal might obey instead of showing.
func unfit(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// JSON writes the unfit characters of a JSON text, which can stand only in its
// strings, as escapes. The text means the same as before.
func JSON(text []byte) []byte {
	var b []byte
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case r == '\n' || !unfit(r):
			b = append(b, text[i:i+n]...)
		default:
			b = appendEscaped(b, r)
		}
		i += n
	}
	return b
}

func appendEscaped(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	unit := func(v uint16) {
		b = append(b, '\\', 'u', hex[v>>12], hex[v>>8&15], hex[v>>4&15], hex[v&15])
	}
	if r >= 0x10000 {
		r -= 0x10000
		unit(uint16(0xd800 + r>>10))
		unit(uint16(0xdc00 + r&0x3ff))
		return b
	}
	unit(uint16(r))
	return b
}

package asciicast

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text makes UTF-8 of a stream that comes in pieces.
type text struct {
	held   []byte // the beginning of a character
	stairs bool   // line ends lack their carriage return
	cr     bool   // the last byte was one
}

// add returns the text up to the last character that is complete.
func (t *text) add(data []byte) string {
	all := data
	if len(t.held) > 0 {
		all = append(t.held, data...)
		t.held = nil
	}
	whole := len(all) - unfinished(all)
	if whole < len(all) {
		t.held = append([]byte(nil), all[whole:]...)
	}
	s := string(all[:whole])
	if !utf8.ValidString(s) {
		s = string([]rune(s)) // each invalid byte becomes U+FFFD
	}
	return t.lines(s)
}

// rest is what is left at the end: the beginning of a character that never came.
func (t *text) rest() string {
	n := len(t.held)
	t.held = nil
	if n == 0 {
		return ""
	}
	return "\uFFFD"
}

// unfinished is how many bytes at the end of b are the beginning of a character
// that may still be completed.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func (t *text) lines(s string) string {
	if !t.stairs || s == "" {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '\n' && !t.cr {
			b.WriteByte('\r')
		}
		t.cr = s[i] == '\r'
		b.WriteByte(s[i])
	}
	return b.String()
}

const maxLabel = 500

// clean makes a label or title of bytes from the wire: valid, short, and without
// anything that could steer a terminal or turn the direction of writing.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // an invalid byte is U+FFFD
		if n++; n > maxLabel {
			b.WriteString("…")
			break
		}
		if r != ' ' && (!unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r)) {
			r = '\uFFFD'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// appendQuoted appends s, which is valid UTF-8, as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = fmt.Appendf(b, "\\u%04x", c)
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}

// object writes a JSON object with its members in the order given.
type object struct{ b []byte }

func newObject() *object { return &object{b: []byte{'{'}} }

func (o *object) raw(key, value string) {
	if len(o.b) > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(appendQuoted(o.b, key), ':')
	o.b = append(o.b, value...)
}

func (o *object) number(key string, v int64) { o.raw(key, fmt.Sprint(v)) }
func (o *object) text(key, v string)         { o.raw(key, string(appendQuoted(nil, v))) }
func (o *object) done() string               { return string(append(o.b, '}')) }

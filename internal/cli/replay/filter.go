package replay

import (
	"io"
	"strings"
	"unicode/utf8"
)

// A Filter passes on the text and the drawing of a terminal's output and nothing
// else. Each sequence is parsed whole, and written anew from what was understood;
// what is not in the tables below never reaches the terminal. It holds a few
// bytes of memory however long a sequence is.
//
// Sources: ECMA-48; xterm's ctlseqs; "ANSI-compatible parser" by Paul Williams.
type Filter struct {
	w     io.Writer
	out   []byte
	state state

	params  []byte // of the control sequence that is being read
	inter   byte   // the one intermediate byte, 0: none
	invalid bool   // more than one intermediate, or too long: read it to its end and forget it
	part    []byte // the beginning of a character whose rest is to come

	left leftover
}

// state is what the next character belongs to.
type state uint8

const (
	ground  state = iota
	escape        // after ESC
	control       // after ESC [
	text          // in a string: OSC, DCS, APC, PM, SOS, a title
	textEsc       // in a string, after ESC
)

// The bounds of a control sequence that a terminal is given.
const (
	maxParams = 64   // bytes of parameters
	maxNumber = 9999 // a cell, a count, a colour
)

// NewFilter makes a filter in front of w.
func NewFilter(w io.Writer) *Filter { return &Filter{w: w} }

// Write filters p. Sequences and characters may be split between writes.
func (f *Filter) Write(p []byte) (int, error) {
	f.out = f.out[:0]
	n := len(p)
	if len(f.part) > 0 {
		p = append(f.part, p...)
		f.part = nil
	}
	for len(p) > 0 {
		if !utf8.FullRune(p) {
			f.part = append([]byte(nil), p...)
			break
		}
		r, size := utf8.DecodeRune(p)
		f.take(r) // what is no UTF-8 is shown as U+FFFD
		p = p[size:]
	}
	if _, err := f.w.Write(f.out); err != nil {
		return 0, err
	}
	return n, nil
}

// Close brings the terminal back into the state that a shell expects.
func (f *Filter) Close() error {
	f.state, f.part = ground, nil
	_, err := io.WriteString(f.w, f.left.undo())
	return err
}

// take reads one character.
func (f *Filter) take(r rune) {
	switch {
	case r == 0x18 || r == 0x1a: // CAN, SUB end whatever was begun
		f.state = ground
		return
	case r == 0x1b:
		if f.state == text {
			f.state = textEsc
		} else {
			f.state = escape
		}
		f.inter, f.invalid = 0, false
		return
	case r >= 0x80 && r <= 0x9f: // the 8-bit form of ESC and r-0x40
		if f.state == text && r != 0x9c {
			return
		}
		f.inter, f.invalid = 0, false
		f.escaped(r - 0x40)
		return
	}
	switch f.state {
	case ground:
		f.plain(r)
	case escape:
		f.inEscape(r)
	case control:
		f.inControl(r)
	case text:
		if r == 0x07 {
			f.state = ground
		}
	case textEsc: // ESC \ ends a string; ESC and anything else ends it too, and begins anew
		f.inEscape(r)
	}
}

// plain is a character outside of any sequence.
func (f *Filter) plain(r rune) {
	switch {
	case r >= 0x20 && r != 0x7f:
		f.out = utf8.AppendRune(f.out, r)
	case r >= 0x07 && r <= 0x0d: // BEL BS HT LF VT FF CR
		f.out = append(f.out, byte(r))
	case r == 0x0e || r == 0x0f: // shift to the drawing characters and back
		f.left.shifted = r == 0x0e
		f.out = append(f.out, byte(r))
	}
}

// inEscape is a character after ESC.
func (f *Filter) inEscape(r rune) {
	switch {
	case r < 0x20:
		f.plain(r) // a terminal executes it in the middle of a sequence
	case r <= 0x2f:
		f.invalid = f.invalid || f.inter != 0
		f.inter = byte(r)
	case r > 0x7e:
		f.state = ground
	default:
		f.escaped(r)
	}
}

// escaped is the final character of an escape sequence.
func (f *Filter) escaped(r rune) {
	f.state = ground
	switch {
	case f.invalid:
	case f.inter != 0:
		if strings.ContainsRune(finals[f.inter], r) {
			f.left.charset = f.left.charset || f.inter != '#'
			f.out = append(f.out, 0x1b, f.inter, byte(r))
		}
	case r == '[':
		f.state, f.params = control, f.params[:0]
	case strings.ContainsRune("]PX^_k", r): // k: a title, in tmux and screen
		f.state = text
	case r == 'c':
		f.out = append(f.out, "\x1b[0m\x1b[r\x1b[H\x1b[2J"...) // a full reset, without losing the lines above
	case strings.ContainsRune("78DEHM", r): // cursor kept, restored, down, next line, tab stop, up
		f.out = append(f.out, 0x1b, byte(r))
	}
}

// finals are the escape sequences with an intermediate byte that are passed on:
// character sets (UK, US, drawing, VT100's), and the lines of double size.
var finals = map[byte]string{'(': "0AB12", ')': "0AB12", '#': "34568"}

// inControl is a character of a control sequence.
func (f *Filter) inControl(r rune) {
	switch {
	case r < 0x20:
		f.plain(r)
	case r <= 0x2f:
		f.invalid = f.invalid || f.inter != 0
		f.inter = byte(r)
	case r <= 0x3f:
		f.invalid = f.invalid || f.inter != 0 || len(f.params) == maxParams
		if !f.invalid {
			f.params = append(f.params, byte(r))
		}
	case r <= 0x7e:
		f.state = ground
		if !f.invalid {
			f.controlled(byte(r))
		}
	case r == 0x7f: // DEL is ignored everywhere
	default:
		f.state = ground
	}
}

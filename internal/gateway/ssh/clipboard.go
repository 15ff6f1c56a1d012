package ssh

import (
	"bytes"
	"io"
)

// What a terminal program keeps from the clipboard of a person where the safe's
// policy blocks it.
//
// Towards the person, a target speaks to the clipboard by control sequences: OSC 52
// (xterm and most others), OSC 5522 (kitty) and OSC 1337 Copy (iTerm2), bare or in
// the passthrough of tmux and screen. They are taken out. Towards the target, a
// terminal marks what is pasted (bracketed paste, DECSET 2004) once the program there
// has asked for it, as shells and editors do; the marks pass, what is between them
// does not. A paste without marks cannot be told from typing, and what somebody
// selects on their own screen never comes by here.

// The bytes of control sequences (ECMA-48).
const (
	charBEL = 0x07
	charCAN = 0x18
	charSUB = 0x1a
	charESC = 0x1b
	charDEL = 0x7f
	c1DCS   = 0x90
	c1ST    = 0x9c
	c1OSC   = 0x9d
	leadC1  = 0xc2 // begins the C1 controls in UTF-8
)

var (
	pasteBegins = []byte("\x1b[200~")
	pasteEnds   = []byte("\x1b[201~")
)

// scrubber takes something out of a stream that comes in pieces.
type scrubber interface {
	// scrub appends to out what passes of in. What is not decided yet is kept back.
	scrub(out, in []byte) []byte
	// rest is what was kept back when the stream ends.
	rest() []byte
}

// scrubbed reads what a scrubber lets pass.
type scrubbed struct {
	src io.Reader
	s   scrubber
	buf []byte // what passed
	out []byte // of it, not read yet
	err error
}

func (r *scrubbed) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.src.Read(p)
		r.buf = r.s.scrub(r.buf[:0], p[:n])
		if r.err = err; err != nil {
			r.buf = append(r.buf, r.s.rest()...)
		}
		r.out = r.buf
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// copies is a scrubber of what a target sends towards a clipboard.
type copies struct {
	took func(n int64) // one sequence of n bytes was taken out

	state copyState
	held  []byte // what is not decided yet, as it came; it begins with an introducer
	text  []byte // of a string's beginning, without what terminals ignore in it
	wide  int    // bytes of a UTF-8 character that are still to come
	n     int64  // bytes of what is being taken out
}

type copyState uint8

const (
	plain     copyState = iota
	escaped             // after ESC
	lead                // after the byte that begins a C1 control in UTF-8
	number              // in the beginning of an OSC
	device              // in the beginning of a DCS
	dropOSC             // in an OSC that goes to a clipboard
	dropESC             // after an ESC in it
	dropLead            // after the lead of a C1 control in it
	dropDCS             // in the passthrough of tmux
	dropDCSEC           // after an ESC in it
)

// longestIntroducer bounds what is held: no sequence that is not to be taken out
// needs more to be told apart. One that is longer is taken out.
const longestIntroducer = 64

func (c *copies) rest() []byte {
	if c.state >= dropOSC {
		c.over()
		return nil
	}
	return c.held
}

func (c *copies) scrub(out, in []byte) []byte {
	for i := 0; i < len(in); i++ {
		if c.state == plain { // most of a stream is text
			from := i
			for i < len(in) && in[i] < 0x80 && in[i] != charESC {
				i++
			}
			if out = append(out, in[from:i]...); i > from {
				c.wide = 0
			}
			if i == len(in) {
				break
			}
		}
		out = c.next(out, in[i])
	}
	return out
}

// release gives back what was held; it was nothing for a clipboard.
func (c *copies) release(out []byte) []byte {
	out = append(out, c.held...)
	c.held, c.text, c.state = c.held[:0], c.text[:0], plain
	return out
}

// drop begins to take out what was held and what follows it. In its place stands a
// string terminator, which means nothing by itself: what came before and what comes
// after must not become a sequence together.
func (c *copies) drop(out []byte, s copyState) []byte {
	c.n = int64(len(c.held))
	c.held, c.text, c.state = c.held[:0], c.text[:0], s
	return append(out, charESC, '\\')
}

func (c *copies) over() {
	c.state = plain
	c.took(c.n)
}

// ignored tells whether a terminal passes over a byte in an escape sequence.
func ignored(b byte) bool {
	return b < 0x20 && b != charBEL && b != charCAN && b != charSUB && b != charESC || b == charDEL
}

func (c *copies) next(out []byte, b byte) []byte {
	switch c.state {
	case plain:
		return c.character(out, b)
	case escaped:
		switch {
		case b == ']':
			c.introduced(number, b)
		case b == 'P':
			c.introduced(device, b)
		case ignored(b): // the sequence goes on after it
			if c.held = append(c.held, b); len(c.held) > longestIntroducer {
				out, c.held = append(out, c.held...), c.held[:0]
			}
		default:
			return c.character(c.release(out), b)
		}
		return out
	case lead:
		switch b {
		case c1OSC:
			c.introduced(number, b)
		case c1DCS:
			c.introduced(device, b)
		default:
			out, c.wide = c.release(out), 1
			return c.character(out, b)
		}
		return out
	case number:
		return c.command(out, b)
	case device:
		c.held = append(c.held, b)
		if ignored(b) {
			break
		}
		c.text = append(c.text, b)
		switch whole := []byte("tmux;"); {
		case bytes.Equal(c.text, whole):
			out = c.drop(out, dropDCS)
		case !bytes.HasPrefix(whole, c.text):
			c.held = c.held[:len(c.held)-1]
			return c.character(c.release(out), b)
		}
	case dropOSC:
		c.n++
		switch b {
		case charBEL, charCAN, charSUB, c1ST:
			c.over()
		case charESC:
			c.state = dropESC
		case leadC1:
			c.state = dropLead
		}
		return out
	case dropESC:
		if b == '\\' {
			c.n++
			c.over()
			return out
		}
		c.n-- // the ESC begins the next sequence, and ends this one
		c.over()
		c.held, c.state = append(c.held, charESC), escaped
		return c.next(out, b)
	case dropLead:
		if c.state = dropOSC; b == c1ST {
			c.n++
			c.over()
			return out
		}
		return c.next(out, b)
	case dropDCS, dropDCSEC: // an ESC that is meant for the terminal behind is doubled
		c.n++
		switch {
		case b == charCAN, b == charSUB, c.state == dropDCSEC && b == '\\':
			c.over()
		case b == charESC && c.state == dropDCS:
			c.state = dropDCSEC
		default:
			c.state = dropDCS
		}
		return out
	}
	if len(c.held) > longestIntroducer {
		out = c.drop(out, dropOSC)
	}
	return out
}

// character takes a byte outside of sequences.
func (c *copies) character(out []byte, b byte) []byte {
	if c.wide > 0 && b >= 0x80 && b < 0xc0 {
		c.wide--
		return append(out, b)
	}
	c.wide = 0
	switch {
	case b == charESC:
		c.held, c.state = append(c.held, b), escaped
		return out
	case b == leadC1:
		c.held, c.state = append(c.held, b), lead
		return out
	case b == c1OSC || b == c1DCS: // not inside a character: a control of eight bits
		c.introduced(number, b)
		if b == c1DCS {
			c.state = device
		}
		return out
	case b >= 0xf0:
		c.wide = 3
	case b >= 0xe0:
		c.wide = 2
	case b > leadC1:
		c.wide = 1
	}
	return append(out, b)
}

func (c *copies) introduced(s copyState, b byte) {
	c.held, c.state = append(c.held, b), s
}

// command takes a byte of the beginning of an OSC, until it is known whether it goes
// to a clipboard: by its number, and for 1337 by the word that follows it.
func (c *copies) command(out []byte, b byte) []byte {
	if ignored(b) {
		c.held = append(c.held, b)
	} else {
		t := append(c.text, b)
		digits := bytes.TrimLeft(t, "0123456789")
		number := bytes.TrimLeft(t[:len(t)-len(digits)], "0")
		switch {
		case len(digits) == 0: // the number goes on
		case string(number) == "52" || string(number) == "5522":
			return c.next(c.drop(out, dropOSC), b)
		case string(number) == "1337" && digits[0] == ';' && bytes.HasPrefix([]byte("Copy"), digits[1:]) && len(digits) < len(";Copy"):
		case string(number) == "1337" && bytes.Equal(digits, []byte(";Copy")):
			out = c.drop(out, dropOSC)
			c.n++
			return out
		default:
			return c.character(c.release(out), b)
		}
		c.held, c.text = append(c.held, b), t
	}
	if len(c.held) > longestIntroducer {
		out = c.drop(out, dropOSC)
	}
	return out
}

// pastes is a scrubber of what a person pastes. It keeps nothing back of what is
// typed: a key such as ESC waits for no other.
type pastes struct {
	took func(n int64) // a paste of n bytes was taken out

	inside bool
	match  int // bytes of the mark that is looked for, seen last
	n      int64
}

func (p *pastes) rest() []byte {
	if p.inside {
		p.took(p.n + int64(p.match))
	}
	return nil
}

func (p *pastes) scrub(out, in []byte) []byte {
	for i := 0; i < len(in); i++ {
		if !p.inside && p.match == 0 { // nothing is a mark before the next ESC
			n := bytes.IndexByte(in[i:], charESC)
			if n < 0 {
				return append(out, in[i:]...)
			}
			out = append(out, in[i:i+n]...)
			i += n
		}
		b := in[i]
		mark := pasteBegins
		if p.inside {
			mark = pasteEnds
		}
		before := p.match
		if b == mark[p.match] {
			p.match++
		} else if p.match = 0; b == charESC {
			p.match = 1
		}
		switch {
		case !p.inside:
			out = append(out, b)
			if p.match == len(mark) {
				p.inside, p.match, p.n = true, 0, 0
			}
		case p.match == len(mark):
			p.inside, p.match = false, 0
			out = append(out, mark...)
			p.took(p.n)
		case p.match == before+1: // perhaps the end of it
		default:
			p.n += int64(before) + 1 - int64(p.match)
		}
	}
	return out
}

// clipboard puts the policy on the clipboard between a terminal and its target.
func (ch *channel) clipboard(src io.Reader, direction string) io.Reader {
	if !ch.r.policy.BlockClipboard || !ch.pty.Load() {
		return src
	}
	told := false
	took := func(n int64) {
		if n == 0 {
			return
		}
		ch.r.enforce(ch.c.ctx, ch.id, Enforcement{Control: controlClipboard, Direction: direction, Bytes: n}, "")
		if !told && direction == toTarget {
			told = true
			ch.say("safe " + printable(ch.r.ticket.Safe) + " does not allow pasting. Type it, or ask a manager of the safe")
		}
	}
	if direction == toTarget {
		return &scrubbed{src: src, s: &pastes{took: took}}
	}
	return &scrubbed{src: src, s: &copies{took: took}}
}

package replay

import (
	"strconv"
	"strings"
)

// What a control sequence without a private prefix or intermediate byte may be,
// and how many parameters it may have at most: cursor moves, erasing, inserting,
// deleting and scrolling of lines and characters, tab stops, repetition, margins.
var drawing = map[byte]int{
	'A': 1, 'B': 1, 'C': 1, 'D': 1, 'E': 1, 'F': 1, 'G': 1, 'H': 2, 'I': 1, 'Z': 1, 'a': 1, 'd': 1, 'e': 1, 'f': 2, '`': 1,
	'J': 1, 'K': 1, '@': 1, 'L': 1, 'M': 1, 'P': 1, 'X': 1, 'S': 1, 'T': 1, 'b': 1, 'g': 1, 'r': 2, 's': 0, 'u': 0,
}

// controlled is a whole control sequence.
func (f *Filter) controlled(final byte) {
	params := string(f.params)
	private := params != "" && params[0] >= '<'
	switch {
	case f.inter == '!' && final == 'p' && params == "": // soft reset
		f.left = leftover{alternate: f.left.alternate, reversed: f.left.reversed, noWrap: true}
		f.emit("!p")
	case f.inter != 0:
	case params != "" && params[0] == '?' && (final == 'h' || final == 'l'):
		f.modes(params[1:], final)
	case private:
	case final == 'm':
		if styles(params) {
			f.left.styled = params != "" && params != "0"
			f.emit(params + "m")
		}
	case final == 'h' || final == 'l':
		if params == "4" { // insert mode
			f.left.inserting = final == 'h'
			f.emit("4" + string(final))
		}
	default:
		f.draw(params, final)
	}
}

func (f *Filter) draw(params string, final byte) {
	most, known := drawing[final]
	numbers, ok := decimals(params)
	if !known || !ok || len(numbers) > most {
		return
	}
	if final == 'J' && len(numbers) == 1 && numbers[0] > 2 {
		return // 3 would erase the lines above, which are not the recording's
	}
	if final == 'r' {
		f.left.margins = len(numbers) > 0
	}
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		if n >= 0 {
			texts[i] = strconv.Itoa(n)
		}
	}
	f.emit(strings.Join(texts, ";") + string(final))
}

func (f *Filter) emit(sequence string) {
	f.out = append(f.out, "\x1b["...)
	f.out = append(f.out, sequence...)
}

// modes passes on those private modes that change what is drawn. Not those that
// change what the keyboard and the mouse send.
func (f *Filter) modes(params string, final byte) {
	numbers, ok := decimals(params)
	if !ok {
		return
	}
	on := final == 'h'
	for _, n := range numbers {
		switch n {
		case 5:
			f.left.reversed = on
		case 6:
			f.left.origin = on
		case 7:
			f.left.noWrap = !on
		case 25:
			f.left.noCursor = !on
		case 47, 1047, 1049:
			f.left.alternate = on
		default:
			continue
		}
		f.emit("?" + strconv.Itoa(n) + string(final))
	}
}

// styles tells whether params can stand before m: colours and faces.
func styles(params string) bool {
	for p := range strings.FieldsFuncSeq(params, func(r rune) bool { return r == ';' || r == ':' }) {
		if n, err := strconv.Atoi(p); err != nil || n > maxNumber {
			return false
		}
	}
	return true
}

// decimals reads "1;;3"; an absent number is -1.
func decimals(params string) ([]int, bool) {
	if params == "" {
		return nil, true
	}
	var out []int
	for p := range strings.SplitSeq(params, ";") {
		if p == "" {
			out = append(out, -1)
			continue
		}
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return nil, false
		}
		out = append(out, min(n, maxNumber))
	}
	return out, true
}

// leftover is what a recording has switched on and may have left so.
type leftover struct {
	styled, charset, shifted, inserting, reversed, noWrap, origin, margins, alternate, noCursor bool
}

// undo switches it off; it is empty when nothing was. Where margins were set, a program that
// draws the whole screen was cut off in the middle; what follows goes below it.
func (l leftover) undo() string {
	var b strings.Builder
	for _, x := range []struct {
		on  bool
		off string
	}{
		{l.styled, "\x1b[0m"}, {l.charset, "\x1b(B\x1b)B"}, {l.shifted, "\x0f"}, {l.inserting, "\x1b[4l"}, {l.reversed, "\x1b[?5l"}, {l.noWrap, "\x1b[?7h"},
		{l.origin || l.margins, "\x1b[?6l\x1b[r\x1b[9999;1H"}, {l.alternate, "\x1b[?1049l"}, {l.noCursor, "\x1b[?25h"},
	} {
		if x.on {
			b.WriteString(x.off)
		}
	}
	return b.String()
}

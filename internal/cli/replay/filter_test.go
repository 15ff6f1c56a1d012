package replay

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// through filters s, split at every border of size bytes.
func through(s string, size int) string {
	var b bytes.Buffer
	f := NewFilter(&b)
	for len(s) > size {
		f.Write([]byte(s[:size]))
		s = s[size:]
	}
	f.Write([]byte(s))
	return b.String()
}

func TestOnlyDrawingReachesTheTerminal(t *testing.T) {
	rows := []struct{ name, in, want string }{
		{"text", "größe 日本 \U0001f600\r\n", "größe 日本 \U0001f600\r\n"},
		{"colours", "\x1b[1;31mred\x1b[38;2;1;2;3mtrue\x1b[4:3mcurly\x1b[m", "\x1b[1;31mred\x1b[38;2;1;2;3mtrue\x1b[4:3mcurly\x1b[m"},
		{"cursor", "\x1b[10;20H\x1b[A\x1b[2K\x1b[J\x1b7\x1b8\x1bM", "\x1b[10;20H\x1b[A\x1b[2K\x1b[J\x1b7\x1b8\x1bM"},
		{"alternate screen", "\x1b[?1049h\x1b[?25l\x1b[?1049l\x1b[?25h", "\x1b[?1049h\x1b[?25l\x1b[?1049l\x1b[?25h"},
		{"drawing characters", "\x1b(0lqk\x1b(B\x0e\x0f", "\x1b(0lqk\x1b(B\x0e\x0f"},
		{"8-bit forms", "\u009b31mred\u0085", "\x1b[31mred\x1bE"},

		{"clipboard", "a\x1b]52;c;cm0gLXJmIH4=\x07b", "ab"},
		{"clipboard, other end", "a\x1b]52;c;cm0=\x1b\\b\x1b]52;c;?\u009cc", "abc"},
		{"title", "a\x1b]0;root@bank\x07b\x1b]2;x\x1b\\c\x1bktmux\x1b\\d\u009dx\u009ce", "abcde"},
		{"hyperlink", "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"},
		{"file transfer", "\x1b]1337;File=name=Zg==;inline=0:AAAA\x07x", "x"},
		{"notification", "\x1b]9;hello\x07\x1b]777;notify;a;b\x07x", "x"},
		{"sixel", "\x1bPq#0;2;0;0;0#0~~@@vv\x1b\\x", "x"},
		{"kitty graphics", "\x1b_Ga=T,f=100;AAAA\x1b\\x", "x"},
		{"DECRQSS", "\x1bP$q\"p\x1b\\x", "x"},
		{"device status", "\x1b[6n\x1b[5n\x1b[?6nx", "x"},
		{"device attributes", "\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1bZx", "x"},
		{"terminal parameters and modes", "\x1b[1x\x1b[?25$p\x1b[4$px", "x"},
		{"answerback", "\x05x", "x"},
		{"window", "\x1b[21t\x1b[8;1;1t\x1b[3;0;0t\x1b[11tx", "x"},
		{"print", "\x1b[5i\x1b[?5ix", "x"},
		{"keyboard and mouse", "\x1b[?1h\x1b=\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1004h\x1b[>4;1m\x1b[>1u\x1b[?1ux", "x"},
		{"mixed modes", "\x1b[?25;1000;7hx", "\x1b[?25h\x1b[?7hx"},
		{"lines above", "\x1b[3J\x1b[2J", "\x1b[2J"},
		{"full reset", "\x1bcx", "\x1b[0m\x1b[r\x1b[H\x1b[2Jx"},
		{"frozen", "\x1b[?2026h\x13\x11x", "x"},
		{"coloured palette", "\x1b]4;1;?\x07\x1b]11;?\x07\x1b]104\x07x", "x"},
		{"endless repetition", "\x1b[99999999999999999999b\x1b[100000bx", "\x1b[9999bx"},
		{"too many parameters", "\x1b[" + strings.Repeat("1;", 100) + "mx", "x"},

		{"sequence in a string", "\x1b]0;a\x1b[31mred", "\x1b[31mred"},
		{"cancelled", "\x1b]52;c;AAAA\x18visible\x1b[1\x1avisible", "visiblevisible"},
		{"control character in a sequence", "\x1b[3\n1mx", "\n\x1b[31mx"},
		{"string without an end", "\x1b]52;c;" + strings.Repeat("A", 1<<20), ""},
		{"bytes", "\xff\x9b31m", "\ufffd\ufffd31m"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 1 << 22} {
				if size == 1 && len(r.in) > 1<<16 {
					continue
				}
				if got := through(r.in, size); got != r.want {
					t.Errorf("split by %d: %q became %q, want %q", size, r.in, got, r.want)
				}
			}
		})
	}
}

// allowed is the whole language of a Filter's output, told another way than the code does.
var allowed = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`[^\x00-\x1f\x7f-\x{9f}]`, `[\x07-\x0f]`,
	`\x1b[78DEHM]`, `\x1b[()][0AB12]`, `\x1b#[34568]`,
	`\x1b\[(?:\d{0,4}(?:;\d{0,4})?)[A-HIZadef` + "`" + `JK@LMPXSTbgrsu]`,
	`\x1b\[[\d;:]*m`, `\x1b\[!p`, `\x1b\[4[hl]`, `\x1b\[\?(?:5|6|7|25|47|1047|1049)[hl]`,
}, "|") + `)*$`)

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"\x1b[31mx\x1b]0;t\x07", "\u009b?25;1000h\x1bPq\x1b\\", "\xf0\x9f\x98", "\x1b(\x1b[", "\x1b[?6n\x1b[3J\x1bc\x1b[!p"} {
		f.Add(s, uint8(1))
	}
	f.Fuzz(func(t *testing.T, in string, size uint8) {
		whole := through(in, len(in)+1)
		if !allowed.MatchString(whole) {
			t.Fatalf("%q let %q through", in, whole)
		}
		if got := through(in, int(size)+1); got != whole {
			t.Fatalf("%q split by %d became %q, whole %q", in, int(size)+1, got, whole)
		}
		if again := through(whole, len(whole)+1); again != whole {
			t.Fatalf("%q became %q, and that %q", in, whole, again)
		}
	})
}

func TestTheTerminalIsLeftAsItWas(t *testing.T) {
	var b bytes.Buffer
	f := NewFilter(&b)
	f.Write([]byte("\x1b[31m\x1b(0\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?5h\x1b[2;5r\x1b[4h\x0e\x1b]0;unfinished"))
	b.Reset()
	f.Close()
	for _, want := range []string{"\x1b[0m", "\x1b(B", "\x1b[?1049l", "\x1b[?25h", "\x1b[?7h", "\x1b[?5l", "\x1b[r", "\x1b[4l", "\x0f"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
	b.Reset()
	f = NewFilter(&b)
	f.Write([]byte("\x1b[31mred\x1b[0m plain"))
	f.Close()
	if got := b.String(); got != "\x1b[31mred\x1b[0m plain" {
		t.Errorf("%q", got)
	}
}

package ssh

import (
	"bytes"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// scrubbedBy is what passes of a stream in pieces, and the bytes that did not.
func scrubbedBy(make func(took func(int64)) scrubber, pieces ...[]byte) (out string, took []int64) {
	s := make(func(n int64) { took = append(took, n) })
	var b []byte
	for _, p := range pieces {
		b = s.scrub(b, p)
	}
	return string(append(b, s.rest()...)), took
}

func newCopies(took func(int64)) scrubber { return &copies{took: took} }
func newPastes(took func(int64)) scrubber { return &pastes{took: took} }

// byteByByte cuts a stream into its bytes.
func byteByByte(s string) (out [][]byte) {
	for i := range len(s) {
		out = append(out, []byte{s[i]})
	}
	return out
}

const st = "\x1b\\" // what stands for what was taken out

func TestCopiesAreTakenOut(t *testing.T) {
	for in, want := range map[string]struct {
		out  string
		took int // bytes
	}{
		"":                            {"", 0},
		"hello\r\n":                   {"hello\r\n", 0},
		"größe “x”\x1b[1mbold\x1b[0m": {"größe “x”\x1b[1mbold\x1b[0m", 0},
		"a\x1b]52;c;aGk=\x07b":        {"a" + st + "b", 12},
		"a\x1b]52;c;aGk=\x1b\\b":      {"a" + st + "b", 13},
		"a\x1b]52;c;?\x07b":           {"a" + st + "b", 9},
		"a\x1b]052;c;aGk=\x07b":       {"a" + st + "b", 13},
		"a\x1b]5\x002;c;aGk=\x07b":    {"a" + st + "b", 13},
		"\x1b\x00]52;c;aGk=\x07":      {st, 13},
		"\x1b]5522;type=read\x07":     {st, 17},
		"\x1b]1337;Copy=:aGk=\x07":    {st, 18},
		"\x1b]1337;CopyToClipboard=\x07secret\x1b]1337;EndCopy\x07": {st + "secret\x1b]1337;EndCopy\x07", 24},
		"\x1b]1337;File=name=eA==:eA==\x07":                         {"\x1b]1337;File=name=eA==:eA==\x07", 0},
		"\x1b]0;my title\x07\x1b]8;;https://x.test\x1b\\link":       {"\x1b]0;my title\x07\x1b]8;;https://x.test\x1b\\link", 0},
		"\x1b]520;x\x07\x1b]2;52;c;x\x07":                           {"\x1b]520;x\x07\x1b]2;52;c;x\x07", 0},
		"\u009d52;c;aGk=\u009cb":                                    {st + "b", 13},
		"\x9d52;c;aGk=\x9cb":                                        {st + "b", 11},
		"”\x9d":                                                     {"”\x9d", 0}, // begins an OSC that never goes on
		"\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\b":                   {st + "b", 22},
		"\x1bP\x1b]52;c;aGk=\x07\x1b\\b":                            {"\x1bP" + st + "\x1b\\b", 12},
		"\x1bP1$r0m\x1b\\b":                                         {"\x1bP1$r0m\x1b\\b", 0},
		"\x1b]52;c;never ends":                                      {st, 17},
		"\x1b]52;c;cut\x1b[1mb":                                     {st + "\x1b[1mb", 10},
		"\x1b\x1b]52;c;x\x07]52;c;joined\x07":                       {"\x1b" + st + "]52;c;joined\x07", 9},
		"\x1b":                                                      {"\x1b", 0},
		"\x1b]5":                                                    {"\x1b]5", 0},
	} {
		for _, pieces := range [][][]byte{{[]byte(in)}, byteByByte(in)} {
			out, took := scrubbedBy(newCopies, pieces...)
			n := 0
			for _, k := range took {
				n += int(k)
			}
			if out != want.out || n != want.took {
				t.Errorf("%q in %d pieces: %q and %d bytes taken out, want %q and %d", in, len(pieces), out, n, want.out, want.took)
			}
		}
	}
}

func TestPastesAreTakenOut(t *testing.T) {
	const b, e = "\x1b[200~", "\x1b[201~"
	for in, want := range map[string]struct {
		out  string
		took int
	}{
		"ls -l\r":                         {"ls -l\r", 0},
		"\x1b":                            {"\x1b", 0}, // the key passes at once
		"\x1b[A\x1b[20~":                  {"\x1b[A\x1b[20~", 0},
		"a" + b + "rm -rf" + e + "b":      {"a" + b + e + "b", 6},
		b + e:                             {b + e, 0},
		b + "x\x1b[20\x1b[201~y":          {b + e + "y", 5},
		b + "x\x1b\x1b[201~y":             {b + e + "y", 2},
		b + "never ends \x1b[20":          {b, 15},
		b + "one" + e + "-" + b + "2" + e: {b + e + "-" + b + e, 4},
	} {
		for _, pieces := range [][][]byte{{[]byte(in)}, byteByByte(in)} {
			out, took := scrubbedBy(newPastes, pieces...)
			n := 0
			for _, k := range took {
				n += int(k)
			}
			if out != want.out || n != want.took {
				t.Errorf("%q in %d pieces: %q and %d bytes taken out, want %q and %d", in, len(pieces), out, n, want.out, want.took)
			}
		}
	}
	if s := (&pastes{}); string(s.scrub(nil, []byte("\x1b"))) != "\x1b" {
		t.Error("a key waits for another")
	}
}

// clipboardCall is what a terminal takes for a word to its clipboard.
var clipboardCall = regexp.MustCompile(`(?s)(\x1b[\x00-\x06\x08-\x17\x19\x1c-\x1f\x7f]*\]|\x{9d})[\x00-\x06\x08-\x17\x19\x1c-\x1f\x7f0]*5[\x00-\x06\x08-\x17\x19\x1c-\x1f\x7f]*2[^\x00-\x06\x08-\x17\x19\x1c-\x1f\x7f0-9]`)

func FuzzClipboard(f *testing.F) {
	for _, s := range []string{"a\x1b]52;c;aGk=\x07b", "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\", "\x1b\x1b]52;c;x\x07]52;c;y\x07", "\u009d52;c;x\u009c", "\x9d5522;\x9c",
		"\x1b]1337;Copy=:x\x07", "\xc2\x1b]52;c;\x07\x9d52;x\x07", "\x1b[200~x\x1b[201~", "\x1b[200~\x1b[20\x1b[201~", "“größe”", strings.Repeat("\x1b]0000000", 20),
		"\x1b\x1b\x03", "\x1b" + strings.Repeat("\x00", 70) + "]52;c;x\x07"} {
		f.Add([]byte(s), uint64(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		cut := func() (pieces [][]byte) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			for rest := in; len(rest) > 0; {
				n := 1 + rnd.IntN(min(len(rest), 9))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			return pieces
		}
		for name, make := range map[string]func(func(int64)) scrubber{"copies": newCopies, "pastes": newPastes} {
			whole, took := scrubbedBy(make, in)
			pieces, _ := scrubbedBy(make, cut()...)
			if whole != pieces {
				t.Fatalf("%s of %q: %q at once, %q in pieces", name, in, whole, pieces)
			}
			if len(took) == 0 && name == "pastes" && whole != string(in) {
				t.Fatalf("%q became %q, and nobody heard of it", in, whole)
			}
			again, took := scrubbedBy(make, []byte(whole))
			if again != whole || name == "copies" && len(took) > 0 {
				t.Fatalf("%s of %q: %q, of which %q would remain", name, in, whole, again)
			}
			if name == "copies" && clipboardCall.MatchString(whole) {
				t.Fatalf("%q still speaks to the clipboard: %q", in, whole)
			}
			read, err := io.ReadAll(&scrubbed{src: iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(in))), s: make(func(int64) {})})
			if err != nil || string(read) != whole {
				t.Fatalf("%s of %q is read as %q: %v", name, in, read, err)
			}
		}
	})
}

func TestBlockedClipboard(t *testing.T) {
	r := newRig(t)
	r.addSafe("open", newSSHD(t, plainShell))
	r.addSafe("web", newSSHD(t, plainShell), func(s *fakeSafe) { s.policy.BlockClipboard, s.policy.RecordInput = true, true })
	const copying = `printf 'be\033]52;c;aGVsbG8=\007hind\n'` + "\r"

	c := r.console(80, 24, "alice+web@gw")
	c.expect("$ ")
	c.send(copying)
	c.expect("\r\nbe" + st + "hind\r\n")
	c.send("stty -echo; cat -v\r")
	c.send("one\x1b[200~pasted words\x1b[201~two\r")
	c.expect("VaultPAM: safe web does not allow pasting. Type it, or ask a manager of the safe")
	c.send("three\x1b[200~and again\x1b[201~four\r")
	c.expect("three^[[200~^[[201~four\r\n")
	c.send("\x04exit\r")
	c.exit()
	l := r.session(0)
	want := []Enforcement{{Control: "clipboard", Direction: "from_target", Bytes: 16}, {Control: "clipboard", Direction: "to_target", Bytes: 12}, {Control: "clipboard", Direction: "to_target", Bytes: 9}}
	if !slices.Equal(l.enforced, want) || len(payloads[format.Enforced](l)) != 3 {
		t.Errorf("enforced %+v", l.enforced)
	}
	if strings.Contains(l.stream(format.Input), "pasted words") || strings.Contains(l.stream(format.Output), "\x1b]52;c;") {
		t.Error("the record has what did not pass")
	}

	c = r.console(80, 24, "alice+open@gw")
	c.expect("$ ")
	c.send(copying)
	c.expect("\r\nbe\x1b]52;c;aGVsbG8=\x07hind\r\n")
	c.send("exit\r")
	c.exit()
	if l := r.session(1); len(l.enforced) != 0 {
		t.Errorf("enforced %+v", l.enforced)
	}
}

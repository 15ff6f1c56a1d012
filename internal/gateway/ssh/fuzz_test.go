package ssh

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// roundTrip holds the law of a payload's parser: what it takes is written as the same bytes again.
func roundTrip[T any](f *testing.F, parse func([]byte) (T, error), write func(T) []byte, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	for _, s := range []string{"", "\x00", "\xff\xff\xff\xff", strings.Repeat("\x00", 64)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		if err != nil {
			return
		}
		if got := write(v); !bytes.Equal(got, b) {
			t.Fatalf("%x parses to %+v, which is written %x", b, v, got)
		}
	})
}

func FuzzPty(f *testing.F) {
	roundTrip(f, parsePty, ptyRequest.marshal, ptyRequest{Term: "xterm", Window: window{80, 24, 0, 0}, Modes: "\x01\x00\x00\x00\x03\x00"}.marshal())
}

func FuzzWindow(f *testing.F) {
	roundTrip(f, parseWindow, window.marshal, window{80, 24, 640, 480}.marshal(), window{0, 0, 0, 0}.marshal(), window{65535, 1 << 31, 1, 2}.marshal())
}

func FuzzEnv(f *testing.F) {
	roundTrip(f, parseEnv, envRequest.marshal, envRequest{"LANG", "de_DE.UTF-8"}.marshal())
}

func FuzzTCPOpen(f *testing.F) {
	roundTrip(f, parseTCPOpen, tcpOpen.marshal, tcpOpen{"localhost", 80, "127.0.0.1", 1234}.marshal())
}

func FuzzListen(f *testing.F) {
	roundTrip(f, parseListen, listen.marshal, listen{"", 0}.marshal(), listen{"localhost", 65535}.marshal())
}

func FuzzX11(f *testing.F) {
	roundTrip(f, parseX11, x11Request.marshal, x11Request{true, "MIT-MAGIC-COOKIE-1", "00ff", 3}.marshal())
}

func FuzzExitSignal(f *testing.F) {
	roundTrip(f, parseExitSignal, func(s exitSignal) []byte {
		return appendString(appendString(appendBool(appendString(nil, s.Signal), s.Core), s.Message), s.Lang)
	}, appendString(appendString(append(appendString(nil, "SEGV"), 1), "core dumped"), "en"))
}

func FuzzName(f *testing.F) {
	roundTrip(f, func(b []byte) (string, error) { return parseName("subsystem", b) }, func(s string) []byte { return appendString(nil, s) }, appendString(nil, "sftp"))
}

func FuzzLocalOpen(f *testing.F) {
	f.Add(append(appendString(appendString(nil, "/run/x"), ""), 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if path, err := parseLocalOpen(b); err == nil && (path == "" || !plainName(path) || len(path) > maxHost) {
			t.Fatalf("%x gives %q", b, path)
		}
	})
}

// FuzzGreeting holds that a handshake sees what the client sent, and nothing else.
func FuzzGreeting(f *testing.F) {
	for _, s := range []string{"SSH-2.0-OpenSSH_9.2\r\nrest", "SSH-2.0-x\n", "", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("a", 300), "SSH-2.0-\x00\r\n", "SSH-1.99-x\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		near, far := net.Pipe()
		go func() {
			far.Write(sent)
			far.Close()
		}()
		defer near.Close()
		g, err := greet(discardWrites{near})
		if err != nil {
			return
		}
		if !strings.HasPrefix(g.client, "SSH-2.0-") || !plainName(g.client) || len(g.client) > maxVersionLine {
			t.Fatalf("%q is taken for %q", sent, g.client)
		}
		var got bytes.Buffer
		got.ReadFrom(g)
		if !bytes.Equal(got.Bytes(), sent) {
			t.Fatalf("%q arrives as %q", sent, got.Bytes())
		}
	})
}

type discardWrites struct{ net.Conn }

func (discardWrites) Write(p []byte) (int, error) { return len(p), nil }

// ear collects what a tap records.
type ear struct {
	input, output []byte
	gap           int64
	ops           int
	frames        []format.Frame
}

func (e *ear) put(f format.Frame) error {
	e.frames = append(e.frames, f)
	p, err := f.Payload()
	if err != nil {
		return err
	}
	switch v := p.(type) {
	case format.Missing:
		e.gap += v.Bytes
	case format.FileOp:
		e.ops++
	}
	return nil
}

func (e *ear) raw() sinks {
	return sinks{
		input:  func(p []byte) error { e.input = append(e.input, p...); return nil },
		output: func(p []byte) error { e.output = append(e.output, p...); return nil },
	}
}

// cut feeds both streams in pieces that the cuts choose, and gives the bytes of the record.
func cut(s sinks, client, target, cuts []byte) error {
	for i := 0; len(client) > 0 || len(target) > 0; i++ {
		c := byte(7)
		if len(cuts) > 0 {
			c = cuts[i%len(cuts)]
		}
		n := int(c>>1) + 1
		from, take := &client, s.input
		if c&1 == 1 && len(target) > 0 || len(client) == 0 {
			from, take = &target, s.output
		}
		n = min(n, len(*from))
		if err := take((*from)[:n]); err != nil {
			return err
		}
		*from = (*from)[n:]
	}
	if s.done != nil {
		s.done()
	}
	return nil
}

func packet(typ byte, body ...[]byte) []byte {
	b := append([]byte{0, 0, 0, 0, typ}, bytes.Join(body, nil)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func num(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func str(s string) []byte { return appendString(nil, s) }

// requests and answers are an SFTP session that writes 8 bytes to /tmp/x.
var (
	requests = [][]byte{packet(sftpInit, num(3)), packet(sftpOpen, num(1), str("/tmp/x"), num(2), num(0)),
		packet(sftpWrite, num(2), str("h"), num(0), num(0), str("contents")), packet(sftpClose, num(3), str("h"))}
	answers = [][]byte{packet(sftpVersion, num(3)), packet(sftpHandle, num(1), str("h")),
		packet(sftpStatus, num(2), num(0), str(""), str("")), packet(sftpStatus, num(3), num(0), str(""), str(""))}
)

func upload() (client, target []byte) { return bytes.Join(requests, nil), bytes.Join(answers, nil) }

func TestSFTPTapDoesNotCareHowTheStreamIsCut(t *testing.T) {
	client, target := upload()
	for size := 1; size <= len(client); size++ {
		var e ear
		s := newSFTPTap(1, e.put, e.raw()).sinks()
		for i := range requests {
			for p := requests[i]; len(p) > 0; {
				n := min(size, len(p))
				s.input(p[:n])
				p = p[n:]
			}
			for p := answers[i]; len(p) > 0; {
				n := min(size, len(p))
				s.output(p[:n])
				p = p[n:]
			}
		}
		s.done()
		if len(e.input)+len(e.output) != 0 || e.gap != int64(len(client)+len(target)) || e.ops != 2 {
			t.Fatalf("pieces of %d: %d and %d bytes raw, %d declared, %d operations", size, len(e.input), len(e.output), e.gap, e.ops)
		}
		p, _ := e.frames[1].Payload()
		if op := p.(format.FileOp); op.Op != "write" || op.Size != 8 || op.Path != "/tmp/x" || op.Result != "ok" {
			t.Fatalf("pieces of %d: %+v", size, op)
		}
	}
}

// FuzzSFTPTap holds that every byte is in the record or declared missing from it,
// whatever the bytes are and however they are cut.
func FuzzSFTPTap(f *testing.F) {
	client, target := upload()
	f.Add(client, target, []byte{254, 255})
	f.Add(client, target, []byte{0, 1, 6, 9})
	f.Add([]byte("not sftp at all"), []byte("Welcome!\r\n"), []byte{3})
	f.Add(append(bytes.Clone(client), "tail"...), target[:20], []byte{8, 8, 8, 1})
	f.Add(packet(sftpInit, num(3)), packet(sftpStatus, num(9), num(0)), []byte{200, 201})
	f.Add(append(packet(sftpInit, num(3)), packet(sftpRename, num(1), str("a"), str("b"))...), packet(sftpVersion, num(3)), []byte{16, 17})
	f.Fuzz(func(t *testing.T, client, target, cuts []byte) {
		var e ear
		if err := cut(newSFTPTap(1, e.put, e.raw()).sinks(), client, target, cuts); err != nil {
			t.Fatal(err)
		}
		whole(t, &e, client, target)
	})
}

func whole(t *testing.T, e *ear, client, target []byte) {
	t.Helper()
	if have, want := int64(len(e.input)+len(e.output))+e.gap, int64(len(client)+len(target)); have != want {
		t.Fatalf("%d bytes passed, %d are recorded or declared missing", want, have)
	}
	if !bytes.HasSuffix(client, e.input) && !scattered(client, e.input) || !bytes.HasSuffix(target, e.output) && !scattered(target, e.output) {
		t.Fatal("the record holds bytes that did not pass in this order")
	}
}

// scattered tells whether part can be had from all by leaving bytes out.
func scattered(all, part []byte) bool {
	for _, b := range all {
		if len(part) > 0 && part[0] == b {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// FuzzSCPTap is the same law for the old protocol.
func FuzzSCPTap(f *testing.F) {
	for _, s := range []string{"C0644 5 name\nhello\x00", "D0755 0 dir\nC0600 0 empty\n\x00E\n", "T1 0 1 0\nC0644 3 x\nabc\x01read error\n", "\x01scp: no such file\n",
		"C0644 99999999999999999999 x\n", "C0644 5 ../etc\nhello", "hello\nworld", "C0644 3 a\x1b[2J\nabc\x00", "E\n", "\n", "C0644 -1 x\n", strings.Repeat("D0755 0 d\n", 70)} {
		f.Add([]byte(s), []byte("\x00\x00\x00"), []byte{12, 9, 255}, true)
		f.Add([]byte("\x00\x00"), []byte(s), []byte{4, 5}, false)
	}
	f.Fuzz(func(t *testing.T, client, target, cuts []byte, up bool) {
		direction := fromTarget
		if up {
			direction = toTarget
		}
		var e ear
		if err := cut(newSCPTap(1, e.put, e.raw(), direction).sinks(), client, target, cuts); err != nil {
			t.Fatal(err)
		}
		whole(t, &e, client, target)
	})
}

func TestSCPTapNamesWhatPasses(t *testing.T) {
	stream := "T1 0 1 0\nD0755 0 tree\nC0644 5 a b\nhello\x00C0600 0 empty\n\x00E\nC0644 9 cut\nhalf"
	for size := 1; size <= len(stream); size++ {
		var e ear
		s := newSCPTap(1, e.put, e.raw(), toTarget).sinks()
		for p := []byte(stream); len(p) > 0; {
			n := min(size, len(p))
			s.input(p[:n])
			p = p[n:]
		}
		s.done()
		got := ""
		for _, f := range e.frames {
			if p, _ := f.Payload(); p != nil {
				if op, ok := p.(format.FileOp); ok {
					got += op.Op + " " + string(op.Path) + " " + itoa(int(op.Size)) + " " + op.Result + "; "
				}
			}
		}
		if want := "mkdir tree 0 ok; write tree/a b 5 ok; write tree/empty 0 ok; write cut 4 cut off; "; got != want || e.gap != 9 {
			t.Fatalf("pieces of %d: %q, %d declared", size, got, e.gap)
		}
	}
}

func TestTransfersShowInHowTheyAreStarted(t *testing.T) {
	for line, want := range map[string]transfer{
		"scp -t /tmp": transferSCPUp, "scp -v -r -p -d -t -- /tmp": transferSCPUp, "/usr/bin/scp -prf x": transferSCPDown, "scp x y": transferNone,
		"scp -- -t": transferNone, "rsync --server -vlogDtpre.iLsfxC . x": transferRsync, "rsync a b": transferNone, "/usr/lib/openssh/sftp-server": transferSFTP,
		"": transferNone, "   ": transferNone, "cat": transferNone, "echo scp -t": transferNone,
	} {
		if got := transferOf(format.Command{What: format.RunCommand, Line: line}); got != want {
			t.Errorf("%q is %d, want %d", line, got, want)
		}
	}
	if transferOf(format.Command{What: format.Subsystem, Line: "sftp"}) != transferSFTP || transferOf(format.Command{What: format.Subsystem, Line: "netconf"}) != transferNone {
		t.Error("subsystems")
	}
}

// FuzzPicker holds that no keys, whatever they are, hang the picker or choose what is not there.
func FuzzPicker(f *testing.F) {
	for _, s := range []string{"1\r", "web\r", "\x1b[A\x1b[B2\r", "q\r", "\x03", "\x04", "we\x7f\x7f\x7fdb\r", "\x1b", "\x1b[1;5;5;5;5;5;5;5;5;5;5;5;5;5C1\r", "\xff\xfe\r\r1\r", strings.Repeat("x", 600) + "\r"} {
		f.Add([]byte(s))
	}
	mine := []Choice{{Name: "db", Org: "org_a", OrgSlug: "acme"}, {Name: "web", Org: "org_a", OrgSlug: "acme"}}
	f.Fuzz(func(t *testing.T, keys []byte) {
		ch := &keyboard{keys: keys}
		p := &prompter{ch: &channel{c: &client{}, down: ch}}
		got, err := p.choose(mine)
		if err == nil && got != mine[0] && got != mine[1] {
			t.Fatalf("chose %+v", got)
		}
	})
}

// keyboard is a channel on which keys are struck and nothing is seen.
type keyboard struct {
	ssh.Channel
	keys []byte
}

func (k *keyboard) Read(p []byte) (int, error) {
	n := copy(p, k.keys)
	k.keys = k.keys[n:]
	if n == 0 {
		return 0, errGone
	}
	return n, nil
}

func (k *keyboard) Write(p []byte) (int, error) { return len(p), nil }

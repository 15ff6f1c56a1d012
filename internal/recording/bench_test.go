package recording

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// A person who types ls every five seconds, letter by letter, costs little.
func TestSmallTerminalSessionsStaySmall(t *testing.T) {
	listing := func(args ...string) string {
		out, err := exec.Command("ls", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(out), "\n", "\r\n")
	}
	usual := []string{listing("-C", "/etc")}
	long := []string{listing("-la", "/"), listing("-la", "/var"), listing("-laC", "/usr"), listing("-la", "/var/lib")}
	for _, c := range []struct {
		name    string
		command string
		answers []string
		input   bool
		limit   int // bytes a minute
	}{
		{"ls", "ls", usual, false, 5000},
		{"ls with input", "ls", usual, true, 5000},
		{"ls -la of four folders in turn", "ls -la", long, true, 5000},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, func(c *StoreConfig) { c.FlushAfter = time.Millisecond })
			w := create(t, s)
			const minutes = 2
			base := w.written
			for n := range minutes * 12 {
				at := time.Duration(n+1) * 5 * time.Second
				put := func(after time.Duration, k Kind, data string) {
					if err := w.Write(Frame{At: at + after, Channel: 1, Kind: k, Data: []byte(data)}); err != nil {
						t.Fatal(err)
					}
				}
				for i, key := range c.command + "\r" { // each letter in a chunk of its own would be worse than life
					after := time.Duration(i) * 123457 * time.Microsecond
					if c.input {
						put(after, Input, string(key))
					}
					put(after+311*time.Microsecond, Output, strings.Replace(string(key), "\r", "\r\n\x1b[?2004l\r", 1))
				}
				idle(t, w)
				after := time.Duration(len(c.command)+1) * 123457 * time.Microsecond
				put(after+2171*time.Microsecond, Output, c.answers[n%len(c.answers)])
				put(after+2949*time.Microsecond, Output, "\x1b[?2004h\x1b]0;root@web-prod: ~\x07root@web-prod:~# ")
				idle(t, w)
			}
			sum := closeWriter(t, w)
			perMinute := int(sum.Size-base) / minutes
			t.Logf("%d bytes a minute, in %d chunks; %d bytes of output each time", perMinute, sum.Chunks, len(c.answers[0]))
			if perMinute > c.limit {
				t.Errorf("%d bytes a minute, more than %d", perMinute, c.limit)
			}
		})
	}
}

func load(kind string, n int) []byte {
	b := make([]byte, n)
	switch kind {
	case "random":
		rand.Read(b)
	case "text":
		var text []byte
		for i := 0; len(text) < n; i++ {
			text = fmt.Appendf(text, "2026-03-01T12:%02d:%02d.%06dZ web-%d nginx[%d]: 10.0.%d.%d - GET /api/v1/items/%d HTTP/1.1 200 %d\r\n",
				i/60%60, i%60, i*7919%1000000, i%7, i%3000, i*31%256, i*17%256, i*104729%99991, i*7577%50000)
		}
		copy(b, text)
	case "zeros":
	}
	return b
}

// What a session's own goroutine pays, and what the recording sustains.
func BenchmarkWrite(b *testing.B) {
	for _, kind := range []string{"random", "text", "zeros"} {
		b.Run(kind, func(b *testing.B) {
			s := openStore(b)
			w := create(b, s)
			data := load(kind, 64<<20)
			const piece = 32 << 10
			b.SetBytes(piece)
			off := 0
			for b.Loop() {
				if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data[off : off+piece]}); err != nil {
					b.Fatal(err)
				}
				if off += piece; off == len(data) {
					off = 0
				}
			}
			sum, err := w.Close(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(sum.Size)/float64(b.N*piece), "size/byte")
		})
	}
}

// Compress, seal and hash, without the disk.
func BenchmarkSeal(b *testing.B) {
	for _, kind := range []string{"random", "text", "zeros"} {
		for _, flood := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/flood=%v", kind, flood), func(b *testing.B) {
				head, err := format.Header{}.Encode()
				if err != nil {
					b.Fatal(err)
				}
				s, err := format.NewSealer(head, format.NewKey())
				if err != nil {
					b.Fatal(err)
				}
				data := load(kind, 240<<10)
				var p format.Press
				var buf format.Buffer
				b.SetBytes(int64(len(data)))
				size, n := 0, 0
				for b.Loop() {
					for i := 0; i < len(data); i += 30 << 10 {
						buf.Add(Frame{Channel: 1, Kind: Output, Data: data[i:min(len(data), i+30<<10)]})
					}
					rec, err := s.Seal(&p, &buf, format.More, flood)
					if err != nil {
						b.Fatal(err)
					}
					s.Written()
					size += len(rec)
					n += len(data)
				}
				b.ReportMetric(float64(size)/float64(n), "size/byte")
			})
		}
	}
}

func BenchmarkKeystroke(b *testing.B) {
	s := openStore(b)
	w := create(b, s)
	defer w.Close(context.Background())
	key := []byte("x")
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(Frame{Channel: 1, Kind: Output, Data: key}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreateAndClose(b *testing.B) {
	s := openStore(b)
	for b.Loop() {
		closeWriter(b, create(b, s))
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, kind := range []string{"random", "text"} {
		b.Run(kind, func(b *testing.B) {
			s := openStore(b)
			w := create(b, s)
			data := load(kind, 32<<20)
			if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data}); err != nil {
				b.Fatal(err)
			}
			sum := closeWriter(b, w)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if v, err := s.Verify(b.Context(), w.ID()); err != nil || v.Root != sum.Root {
					b.Fatal(err)
				}
			}
		})
	}
}

package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/id"
)

var started = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func header() Header {
	return Header{ID: id.New[id.Recording](), Org: id.New[id.Org](), Session: id.New[id.Session](), Protocol: "ssh",
		StartedAt: started, KeyID: "kek_1", SealedKey: []byte("sealed")}
}

// recording builds a recording of chunks, the last one ending it.
type recording struct {
	key     []byte
	records [][]byte // the header is the first
	frames  []Frame
}

func build(t testing.TB, role Role, chunks ...[]Frame) recording {
	t.Helper()
	head, err := header().Encode()
	if err != nil {
		t.Fatal(err)
	}
	r := recording{key: NewKey(), records: [][]byte{head}}
	s, err := NewSealer(head, r.key)
	if err != nil {
		t.Fatal(err)
	}
	var p Press
	var at time.Duration
	for i, frames := range chunks {
		var b Buffer
		for _, f := range frames {
			at = max(at, f.At)
			b.Add(f)
			r.frames = append(r.frames, f)
		}
		as := More
		if i == len(chunks)-1 && role != More {
			as = role
			b.Add(EndFrame(at, End{Frames: uint64(len(r.frames))}))
		}
		rec, err := s.Seal(&p, &b, as, i%3 == 2)
		if err != nil {
			t.Fatal(err)
		}
		s.Written()
		r.records = append(r.records, slices.Clone(rec))
	}
	return r
}

func (r recording) bytes() []byte { return bytes.Join(r.records, nil) }

func read(b, key []byte) (frames []Frame, err error) {
	d, err := NewDecoder(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.Unlock(key); err != nil {
		return nil, err
	}
	for f, err := range d.Frames() {
		if err != nil {
			return frames, err
		}
		f.Data = slices.Clone(f.Data)
		frames = append(frames, f)
	}
	return frames, nil
}

func same(a, b []Frame) bool {
	return slices.EqualFunc(a, b, func(x, y Frame) bool {
		return x.At == y.At && x.Channel == y.Channel && x.Kind == y.Kind && bytes.Equal(x.Data, y.Data)
	})
}

// sample is a mix of frames as sessions make them: small, big, random, split UTF-8.
func sample(n int) (chunks [][]Frame) {
	rnd := rand.New(rand.NewPCG(1, 2))
	at := time.Duration(0)
	for range n {
		var c []Frame
		for range 1 + rnd.IntN(8) {
			at += time.Duration(rnd.IntN(2_000_000)) * time.Microsecond
			data := []byte(strings.Repeat("drwxr-xr-x 2 root root 4096 ü\r\n", rnd.IntN(40)))
			switch rnd.IntN(6) {
			case 0:
				data = data[:len(data)*2/3]
			case 1:
				data = make([]byte, rnd.IntN(60<<10))
				for i := range data {
					data[i] = byte(rnd.Uint32())
				}
			case 2:
				data = nil
			}
			c = append(c, Frame{At: at, Channel: rnd.Uint32() >> rnd.IntN(32), Kind: Kind(1 + rnd.IntN(20)), Data: data})
		}
		chunks = append(chunks, c)
	}
	return chunks
}

// small cuts what is big, for tests that read a recording very often.
func small(chunks [][]Frame) [][]Frame {
	for _, c := range chunks {
		for i := range c {
			c[i].Data = c[i].Data[:min(len(c[i].Data), 300)]
		}
	}
	return chunks
}

func TestEveryByteComesBack(t *testing.T) {
	r := build(t, Final, sample(200)...)
	got, err := read(r.bytes(), r.key)
	if err != nil {
		t.Fatal(err)
	}
	if !same(got, r.frames) {
		t.Fatalf("%d frames came back, not as the %d that were written", len(got), len(r.frames))
	}
}

func TestRootIsTheRFC6962TreeHash(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 8, 33} {
		r := build(t, Final, sample(n)...)
		stored := map[int64]Hash{}
		hashes := tlog.HashReaderFunc(func(ix []int64) (out []tlog.Hash, err error) {
			for _, i := range ix {
				out = append(out, stored[i])
			}
			return out, nil
		})
		for i, rec := range r.records {
			hs, err := tlog.StoredHashes(int64(i), rec, hashes)
			if err != nil {
				t.Fatal(err)
			}
			for k, h := range hs {
				stored[tlog.StoredHashIndex(0, int64(i))+int64(k)] = h
			}
		}
		want, err := tlog.TreeHash(int64(len(r.records)), hashes)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range [][]byte{r.key, nil} {
			v, err := Verify(bytes.NewReader(r.bytes()), key)
			if err != nil {
				t.Fatal(err)
			}
			if v.Root != want || v.Chunks != int64(n) || v.Size != int64(len(r.bytes())) {
				t.Fatalf("%d chunks: root %v, want %v; %+v", n, v.Root, want, v.Report)
			}
		}
	}
}

func TestAnyChangeIsFound(t *testing.T) {
	r := build(t, Final, small(sample(12))...)
	join := func(recs ...[]byte) []byte { return bytes.Join(recs, nil) }
	swap := slices.Clone(r.records)
	swap[3], swap[4] = swap[4], swap[3]
	other := build(t, Final, small(sample(12))...)
	other.key = r.key
	moved := slices.Clone(r.records)
	moved[2] = other.records[2]
	cases := map[string][]byte{
		"swapped":              join(swap...),
		"removed":              join(slices.Delete(slices.Clone(r.records), 5, 6)...),
		"repeated":             join(slices.Insert(slices.Clone(r.records), 5, r.records[5])...),
		"of another recording": join(moved...),
		"appended":             append(r.bytes(), 0),
		"appended chunk":       append(r.bytes(), r.records[3]...),
		"other header":         append(slices.Clone(other.records[0]), join(r.records[1:]...)...),
	}
	for at := range r.bytes() {
		if at > 400 && at%29 != 0 {
			continue
		}
		b := r.bytes()
		b[at] ^= 1 << (at % 8)
		cases[fmt.Sprint("bit in byte ", at)] = b
	}
	for name, b := range cases {
		var damage *CorruptError
		if _, err := Verify(bytes.NewReader(b), r.key); err == nil || (!errors.As(err, &damage) && !errors.Is(err, ErrTruncated)) {
			t.Errorf("%s: %v", name, err)
		}
		got, _ := read(b, r.key)
		if len(got) > len(r.frames) || !same(got, r.frames[:len(got)]) {
			t.Errorf("%s: something that was not recorded was read", name)
		}
	}
}

func TestACutEndIsTruncatedAndGivesWhatIsThere(t *testing.T) {
	r := build(t, Final, small(sample(9))...)
	whole := r.bytes()
	headLen := len(r.records[0])
	for n := headLen; n < len(whole); n += 1 + n%53 {
		got, err := read(whole[:n], r.key)
		if !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if !same(got, r.frames[:len(got)]) {
			t.Fatalf("cut at %d: other frames", n)
		}
		if _, err := Verify(bytes.NewReader(whole[:n]), nil); !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d, without the key: %v", n, err)
		}
	}
}

func TestSalvageEndsWhatWasStored(t *testing.T) {
	r := build(t, More, sample(9)...)
	whole := r.bytes()
	tails := map[string][]byte{
		"nothing":        nil,
		"three bytes":    {0, 0, 1},
		"half a chunk":   r.records[4][:len(r.records[4])/2],
		"torn chunk":     append(slices.Clone(r.records[4][:20]), make([]byte, len(r.records[4])-20)...),
		"block of zeros": make([]byte, 4096),
	}
	for name, tail := range tails {
		b := append(slices.Clone(whole), tail...)
		rep, s, err := Salvage(bytes.NewReader(b), int64(len(b)), r.key)
		if err != nil || s == nil || rep.Size != int64(len(whole)) || rep.Frames != uint64(len(r.frames)) {
			t.Fatalf("%s: %v, %+v", name, err, rep)
		}
		var buf Buffer
		buf.Add(EndFrame(rep.Duration, End{Frames: rep.Frames, Truncated: "server_died"}))
		rec, err := s.Seal(new(Press), &buf, Recovered, false)
		if err != nil {
			t.Fatal(err)
		}
		s.Written()
		v, err := Verify(bytes.NewReader(append(slices.Clone(whole), rec...)), r.key)
		if err != nil || v.Root != s.Root() || v.Role != Recovered || v.End.Truncated != "server_died" {
			t.Fatalf("%s: %v, %+v", name, err, v)
		}
	}
	damaged := append(slices.Clone(whole), tails["three bytes"]...)
	damaged[len(r.records[0])+len(r.records[1])+9] ^= 1
	var damage *CorruptError
	if _, _, err := Salvage(bytes.NewReader(damaged), int64(len(damaged)), r.key); !errors.As(err, &damage) || damage.Chunk != 1 {
		t.Fatalf("damage in the middle: %v", err)
	}
	if _, s, err := Salvage(bytes.NewReader(append(whole, 1)), int64(len(whole)), make([]byte, KeySize)); err == nil || s != nil {
		t.Fatal("salvaged with a wrong key")
	}
}

func TestSalvageLeavesAWholeRecordingAlone(t *testing.T) {
	r := build(t, Final, sample(3)...)
	b := r.bytes()
	if rep, s, err := Salvage(bytes.NewReader(b), int64(len(b)), r.key); err != nil || s != nil || rep.End == nil {
		t.Fatalf("%v, %v, %+v", err, s, rep)
	}
}

// Repeated output costs next to nothing, though each chunk is sealed alone.
func TestHistoryCompressesAcrossChunks(t *testing.T) {
	screen := []byte(strings.Repeat("x", 3))
	for i := range 40 {
		screen = fmt.Appendf(screen, "-rw-r--r-- 1 root root %5d Mar  1 12:%02d file-%d.conf\r\n", i*i*37%9973, i, i*7919%1000)
	}
	var chunks [][]Frame
	for i := range 10 {
		chunks = append(chunks, []Frame{{At: time.Duration(i) * time.Second, Channel: 1, Kind: Output, Data: screen}})
	}
	r := build(t, Final, chunks...)
	for i, rec := range r.records[2:] {
		if len(rec) > 120 && i%3 != 1 { // each third is a flood
			t.Errorf("chunk %d of a repeated screen of %d bytes takes %d", i+1, len(screen), len(rec))
		}
	}
	if got, err := read(r.bytes(), r.key); err != nil || !same(got, r.frames) {
		t.Fatal(err)
	}
}

func TestReadingNeedsTheKey(t *testing.T) {
	r := build(t, Final, sample(1)...)
	d, err := NewDecoder(bytes.NewReader(r.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); err == nil || err == io.EOF {
		t.Fatal("read without a key")
	}
	if err := d.Unlock(make([]byte, 16)); err == nil {
		t.Fatal("took a key of another size")
	}
}

func TestPayloadsKeepEveryByte(t *testing.T) {
	bad := "a\xff\x00\nb"
	for _, p := range []Payload{
		Size{80, 24}, Size{}, Size{65535, 1 << 31}, Terminal{"xterm-256color", Size{132, 43}},
		Command{Shell, ""}, Command{RunCommand, "cat " + bad}, Command{Subsystem, "sftp"}, Variable{"LANG", bad},
		SignalName("TERM"), ExitStatus{Status: 255}, ExitStatus{Signal: "KILL", CoreDumped: true},
		FileOp{Op: "rename", Via: "sftp", Path: Raw(bad), To: "über", Size: 1 << 40, Result: "ok"},
		Forwarded{Event: "closed", Direction: "local", Host: "h", Port: 22, BytesToTarget: 1, BytesFromTarget: 2},
		Opened{"session", "client"}, Closed{1, 2}, Enforced{"file_transfer", "blocked", Raw(bad)}, Missing{"flood", 7},
	} {
		f := p.Frame(3)
		got, err := f.Payload()
		if err != nil || got != p || f.Channel != 3 || f.Kind.Stream() {
			t.Errorf("%#v came back as %#v, %v", p, got, err)
		}
	}
}

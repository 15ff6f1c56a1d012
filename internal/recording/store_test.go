package recording

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// plainKeys stands for the keyring where only its contract matters.
type plainKeys struct{}

func (plainKeys) Seal(_ context.Context, org id.Org, place string, plain []byte) ([]byte, error) {
	return append([]byte(string(org)+"|"+place+"|"), plain...), nil
}

func (plainKeys) Open(_ context.Context, org id.Org, place string, sealed []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(string(org)+"|"+place+"|"))
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return bytes.Clone(plain), nil
}

func (plainKeys) KeyID(context.Context, id.Org) (id.Key, error) { return "kek_test", nil }

func openStore(t testing.TB, change ...func(*StoreConfig)) *Store {
	t.Helper()
	c := StoreConfig{Dir: filepath.Join(t.TempDir(), "recordings"), Keys: plainKeys{}, MinFree: 1 << 20}
	for _, f := range change {
		f(&c)
	}
	s, err := OpenStore(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var testOrg = id.New[id.Org]()

func create(t testing.TB, s *Store) *Writer {
	t.Helper()
	w, err := s.Create(t.Context(), Header{Org: testOrg, Session: id.New[id.Session](), Protocol: "ssh"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func closeWriter(t testing.TB, w *Writer) Summary {
	t.Helper()
	sum, err := w.Close(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func frames(t testing.TB, s *Store, r id.Recording) (out []Frame, err error) {
	t.Helper()
	rd, err := s.Open(t.Context(), r)
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	for f, err := range rd.Frames() {
		if err != nil {
			return out, err
		}
		f.Data = bytes.Clone(f.Data)
		out = append(out, f)
	}
	return out, nil
}

type stream struct {
	channel uint32
	kind    Kind
}

// Several channels and directions at once, in pieces that split characters and in
// floods of binary data: each stream comes back byte for byte.
func TestWhatPassesIsWhatIsRecorded(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	sent := map[stream]hash.Hash{}
	var wg sync.WaitGroup
	for _, st := range []stream{{1, Output}, {1, Input}, {2, Output}, {2, Stderr}, {7, Output}} {
		sum := sha256.New()
		sent[st] = sum
		wg.Go(func() {
			rnd := rand.NewChaCha8([32]byte{byte(st.channel), byte(st.kind)})
			text := []byte(strings.Repeat("größer 日本語 \x1b[1;31m✓\x1b[0m\r\n", 4000))
			for n := 0; n < 8<<20; {
				data := text[rnd.Uint64()%1000:][:rnd.Uint64()%(90<<10)]
				if st.channel == 2 {
					data = make([]byte, rnd.Uint64()%(300<<10))
					rnd.Read(data)
				}
				if err := w.Write(Frame{Channel: st.channel, Kind: st.kind, Data: data}); err != nil {
					t.Error(err)
					return
				}
				sum.Write(data)
				clear(data[:min(1, len(data))]) // the recorder has its own copy
				n += len(data) + 1
			}
		})
	}
	wg.Wait()
	sum := closeWriter(t, w)
	got := map[stream]hash.Hash{}
	rd, err := s.Open(t.Context(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	var last time.Duration
	for f, err := range rd.Frames() {
		if err != nil {
			t.Fatal(err)
		}
		if f.At < last {
			t.Fatal("time went back")
		}
		last = f.At
		st := stream{f.Channel, f.Kind}
		if got[st] == nil {
			got[st] = sha256.New()
		}
		got[st].Write(f.Data)
	}
	for st, h := range sent {
		if got[st] == nil || !bytes.Equal(got[st].Sum(nil), h.Sum(nil)) {
			t.Errorf("channel %d %s is not what was sent", st.channel, st.kind)
		}
	}
	v, err := s.Verify(t.Context(), w.ID())
	if err != nil || v.Root != sum.Root || v.Size != sum.Size || v.Frames != sum.Frames || v.Duration != sum.Duration {
		t.Fatalf("%v: verified %+v, closed %+v", err, v, sum)
	}
	raw, err := os.ReadFile(filepath.Join(s.cfg.Dir, string(w.ID())+suffix))
	if err != nil || sha256.Sum256(raw) != v.SHA256 {
		t.Fatal("the digest is not that of the file", err)
	}
}

func TestRecordingIsForItsOwnerOnly(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	w.Write(Frame{Kind: Output, Data: []byte("TOP-SECRET-OUTPUT")})
	closeWriter(t, w)
	err := filepath.WalkDir(s.cfg.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		if !d.IsDir() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if bytes.Contains(b, []byte("TOP-SECRET")) {
				t.Errorf("%s holds what was recorded in clear", p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNamesAreIdsOnly(t *testing.T) {
	s := openStore(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []id.Recording{"../outside", "rec_", "rec_../../x", "/etc/passwd", id.Recording(id.New[id.Session]()), "rec_01h455vb4pex5vsknk084sn02q\x00", "."} {
		if _, err := s.Open(t.Context(), bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
		if _, err := s.Create(t.Context(), Header{ID: bad, Org: testOrg}); err == nil {
			t.Errorf("%q was created", bad)
		}
		if err := s.Remove(bad); err == nil {
			t.Errorf("%q was removed", bad)
		}
	}
	link := id.New[id.Recording]()
	if err := os.Symlink(outside, filepath.Join(s.cfg.Dir, string(link)+suffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), link); err == nil {
		t.Error("a link was followed")
	}
	if _, err := s.Recover(t.Context(), link); err == nil {
		t.Error("a link was followed")
	}
	if _, err := s.Create(t.Context(), Header{ID: link, Org: testOrg}); err == nil {
		t.Error("a recording was created over a link")
	}
	if _, err := s.Open(t.Context(), id.New[id.Recording]()); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown recording: %v", err)
	}
}

func TestOneRecordingDoesNotPassForAnother(t *testing.T) {
	s := openStore(t)
	a, b := create(t, s), create(t, s)
	closeWriter(t, a)
	closeWriter(t, b)
	file := func(w *Writer) string { return filepath.Join(s.cfg.Dir, string(w.ID())+suffix) }
	if err := os.Rename(file(a), file(b)); err != nil {
		t.Fatal(err)
	}
	var damage *format.CorruptError
	if _, err := s.Open(t.Context(), b.ID()); !errors.As(err, &damage) {
		t.Errorf("opened the file of another recording: %v", err)
	}
	if _, err := s.Verify(t.Context(), b.ID()); !errors.As(err, &damage) {
		t.Errorf("verified the file of another recording: %v", err)
	}
}

func TestARecordingIsNeverOverwritten(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	if _, err := s.Create(t.Context(), Header{ID: w.ID(), Org: testOrg}); err == nil {
		t.Error("created twice")
	}
	closeWriter(t, w)
	if _, err := s.Create(t.Context(), Header{ID: w.ID(), Org: testOrg}); err == nil {
		t.Error("created again after its end")
	}
	if err := w.Write(Frame{Kind: Output}); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if _, err := frames(t, s, w.ID()); err != nil {
		t.Error(err)
	}
}

func TestNoRecordingBeginsWithoutSpace(t *testing.T) {
	s := openStore(t, func(c *StoreConfig) { c.MinFree = 1 << 60 })
	_, err := s.Create(t.Context(), Header{Org: testOrg})
	if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != CodeUnavailable || ReasonOf(err) != DiskFull {
		t.Fatalf("%v", err)
	}
	if err := s.Healthy(); ReasonOf(err) != DiskFull {
		t.Errorf("healthy: %v", err)
	}
	if list, err := s.List(); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestFramesThatAreTooLongAreRefused(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	if err := w.Write(Frame{Kind: format.Exec, Data: make([]byte, format.MaxData+1)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	long := Command{What: RunCommand, Line: strings.Repeat("a", format.MaxData-5)}
	for range 3 {
		if err := w.Record(1, long); err != nil {
			t.Error(err)
		}
	}
	closeWriter(t, w)
	got, err := frames(t, s, w.ID())
	if err != nil || len(got) != 3 {
		t.Fatal(len(got), err)
	}
	if p, err := got[2].Payload(); err != nil || p != long {
		t.Error("the command is not what was recorded", err)
	}
}

// The folder keeps its name, and List what is in it.
func TestFolderIsFoundAgain(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	closeWriter(t, w)
	again, err := OpenStore(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.ID() != s.ID() {
		t.Errorf("named %s, then %s", s.ID(), again.ID())
	}
	if list, err := again.List(); err != nil || !slices.Equal(list, []id.Recording{w.ID()}) {
		t.Errorf("%v, %v", list, err)
	}
	if err := again.Remove(w.ID()); err != nil {
		t.Error(err)
	}
	if list, err := again.List(); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestFollowingSeesWhatIsRecordedAndItsEnd(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	first := Frame{At: time.Second, Channel: 1, Kind: Output, Data: []byte("before\r\n")}
	w.Write(first)
	rd, err := s.Follow(t.Context(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	next := func() Frame {
		t.Helper()
		f, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := next(); string(f.Data) != "before\r\n" {
		t.Errorf("%+v", f)
	}
	for i := range 5 {
		began := time.Now()
		w.Write(Frame{Channel: 1, Kind: Output, Data: fmt.Append(nil, "line ", i)})
		if f := next(); string(f.Data) != fmt.Sprint("line ", i) {
			t.Errorf("%+v", f)
		}
		if late := time.Since(began); late > s.cfg.FlushAfter {
			t.Logf("a watched frame came after %v", late)
		}
	}
	closeWriter(t, w)
	if _, err := rd.Next(); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
}

func TestFollowingEndsWithItsContextAndWithClose(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	defer closeWriter(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	rd, err := s.Follow(ctx, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	cancel()
	if _, err := rd.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	second, err := s.Follow(t.Context(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() { _, err := second.Next(); got <- err }()
	second.Close()
	if err := <-got; err == nil {
		t.Error("went on after Close")
	}
}

// Idle recordings have no goroutine and little memory.
func TestIdleRecordingsCostLittle(t *testing.T) {
	s := openStore(t, func(c *StoreConfig) { c.FlushAfter = time.Millisecond })
	const n = 200
	warm := create(t, s)
	warm.Write(Frame{Kind: Output, Data: bytes.Repeat([]byte("warm "), 5000)})
	closeWriter(t, warm)
	goroutines := runtime.NumGoroutine()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	ws := make([]*Writer, n)
	for i := range ws {
		ws[i] = create(t, s)
		screen := strings.Repeat(fmt.Sprintf("line %d of the screen\r\n", i), 1000)
		if err := ws[i].Write(Frame{Channel: 1, Kind: Output, Data: []byte(screen)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range ws {
		idle(t, w)
	}
	per := (heap() - before) / n
	if per > 32<<10 {
		t.Errorf("an idle recording takes %d bytes", per)
	}
	await(t, func() bool { return runtime.NumGoroutine() <= goroutines })
	t.Logf("%d bytes each", per)
	for _, w := range ws {
		closeWriter(t, w)
	}
}

// idle waits until w has written and synced all that it has.
func idle(t testing.TB, w *Writer) {
	t.Helper()
	await(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.cur.frames == 0 && len(w.queue) == 0 && !w.working && !w.syncing && w.synced == w.written
	})
}

// await waits for a condition.
func await(t testing.TB, met func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !met(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited too long")
		}
	}
}

package recording

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// badDisk is a file on a disk with faults.
type badDisk struct {
	sink
	room  int64        // bytes that fit on the disk; 0 is no limit
	write func() error // before each write
	sync  func() error // before each sync
}

func (b *badDisk) WriteAt(p []byte, off int64) (int, error) {
	if b.write != nil {
		if err := b.write(); err != nil {
			return 0, err
		}
	}
	if left := b.room - off; b.room > 0 && int64(len(p)) > left {
		n, err := b.sink.WriteAt(p[:max(0, left)], off)
		if err == nil {
			err = &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
		}
		return n, err
	}
	return b.sink.WriteAt(p, off)
}

func (b *badDisk) SyncData() error {
	if b.sync != nil {
		if err := b.sync(); err != nil {
			return err
		}
	}
	return b.sink.SyncData()
}

// flood writes until the recording fails and returns the error of the last write.
func flood(t testing.TB, w *Writer) error {
	t.Helper()
	data := make([]byte, 32<<10)
	for range 100_000 {
		rand.Read(data)
		if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data}); err != nil {
			return err
		}
	}
	t.Fatal("the recording never failed")
	return nil
}

func failedWith(t testing.TB, w *Writer, want Reason) {
	t.Helper()
	select {
	case <-w.Failed():
	case <-time.After(30 * time.Second):
		t.Fatal("Failed was not closed")
	}
	err := w.Err()
	if ReasonOf(err) != want || fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != CodeUnavailable {
		t.Fatalf("failed with %v, want %s", err, want)
	}
	if again := w.Write(Frame{Kind: Output}); !errors.Is(again, err) {
		t.Errorf("the next write: %v", again)
	}
}

// After a failure what was written is whole, has an end that says why, and verifies.
func endedBecause(t testing.TB, s *Store, w *Writer, want Reason) {
	t.Helper()
	sum, err := w.Close(t.Context())
	if ReasonOf(err) != want || sum.Truncated != string(want) || !sum.Ended {
		t.Fatalf("closed with %+v, %v", sum, err)
	}
	v, err := s.Verify(t.Context(), w.ID())
	if err != nil || v.Role != format.Cut || v.End.Truncated != string(want) || v.Root != sum.Root || v.Frames != sum.Frames || v.Size != sum.Size {
		t.Fatalf("%v: verified %+v, closed %+v", err, v, sum)
	}
}

// smallDisk is a real file system of a few MiB. Without the right to mount one,
// a file with a quota stands for it.
func smallDisk(t *testing.T, mib int64) (dir string, wrap func(sink) sink) {
	dir = t.TempDir()
	if os.Geteuid() == 0 {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mib)); err != nil {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		return dir, nil
	}
	t.Log("not root: a file with a quota stands for a small file system")
	return dir, func(f sink) sink { return &badDisk{sink: f, room: mib << 20} }
}

func TestFullDiskEndsTheRecordingCleanly(t *testing.T) {
	dir, wrap := smallDisk(t, 4)
	s := openStore(t, func(c *StoreConfig) { c.Dir, c.MinFree, c.Reserve = filepath.Join(dir, "r"), -1, -1 })
	s.wrap = wrap
	w := create(t, s)
	w.Write(Frame{Channel: 1, Kind: Output, Data: []byte("the first line")})
	idle(t, w)
	err := flood(t, w)
	failedWith(t, w, DiskFull)
	if ReasonOf(err) != DiskFull {
		t.Errorf("%v", err)
	}
	endedBecause(t, s, w, DiskFull)
	got, err := frames(t, s, w.ID())
	if err != nil || len(got) < 2<<20/(32<<10) || string(got[0].Data) != "the first line" {
		t.Fatal(len(got), err)
	}
}

func TestReserveIsLeftForTheLedger(t *testing.T) {
	dir, wrap := smallDisk(t, 6)
	if wrap != nil {
		t.Log("the reserve is that of the disk the test runs on")
	}
	s := openStore(t, func(c *StoreConfig) { c.Dir, c.MinFree, c.Reserve = filepath.Join(dir, "r"), 1<<20, 2<<20 })
	if wrap != nil {
		free, err := freeBytes(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Reserve = free - 4<<20
	}
	w := create(t, s)
	flood(t, w)
	failedWith(t, w, DiskFull)
	endedBecause(t, s, w, DiskFull)
	if wrap == nil {
		if free, err := freeBytes(s.dir); err != nil || free < 2<<20-64<<10 {
			t.Errorf("%d bytes are left, %v", free, err)
		}
		s.cfg.MinFree = 3 << 20
		if _, err := s.Create(t.Context(), Header{Org: testOrg}); ReasonOf(err) != DiskFull || fault.CodeOf(err) != CodeUnavailable {
			t.Errorf("another recording began: %v", err)
		}
	}
}

func TestARecordingThatGrowsTooBigFails(t *testing.T) {
	s := openStore(t, func(c *StoreConfig) { c.MaxSize = 2 << 20 })
	w := create(t, s)
	flood(t, w)
	failedWith(t, w, DiskFull)
	endedBecause(t, s, w, DiskFull)
	if sum, _ := w.Close(t.Context()); sum.Size > s.cfg.MaxSize || sum.Size < s.cfg.MaxSize/2 {
		t.Errorf("it ended at %d bytes", sum.Size)
	}
}

// A flood of repetitions, such as yes makes, does not fill the disk.
func TestRepetitionsCostLittle(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	yes := bytes.Repeat([]byte("y\r\n"), 10_000)
	for range 1000 {
		if err := w.Write(Frame{Channel: 1, Kind: Output, Data: yes}); err != nil {
			t.Fatal(err)
		}
	}
	if sum := closeWriter(t, w); sum.Size > 300_000 {
		t.Errorf("%d bytes of repetitions took %d", 1000*len(yes), sum.Size)
	} else {
		t.Logf("%d bytes of repetitions took %d", 1000*len(yes), sum.Size)
	}
}

func TestWriteErrorsAreForGood(t *testing.T) {
	for _, at := range []string{"write", "sync"} {
		t.Run(at, func(t *testing.T) {
			s := openStore(t, func(c *StoreConfig) { c.FlushAfter = time.Millisecond })
			var broken atomic.Bool
			check := func() error {
				if broken.Load() {
					return &os.PathError{Op: at, Path: "x", Err: syscall.EIO}
				}
				return nil
			}
			s.wrap = func(f sink) sink {
				b := &badDisk{sink: f}
				if at == "write" {
					b.write = check
				} else {
					b.sync = check
				}
				return b
			}
			w := create(t, s)
			w.Write(Frame{Kind: Output, Data: []byte("good")})
			idle(t, w)
			broken.Store(true)
			w.Write(Frame{Kind: Output, Data: []byte("bad")})
			failedWith(t, w, StoreUnavailable)
			broken.Store(false)
			endedBecause(t, s, w, StoreUnavailable)
			got, err := frames(t, s, w.ID())
			if err != nil || len(got) == 0 || string(got[0].Data) != "good" {
				t.Fatal(got, err)
			}
		})
	}
}

// When not even the end can be written, Recover writes it later.
func TestRecoverEndsWhatCouldNotBeEnded(t *testing.T) {
	s := openStore(t, func(c *StoreConfig) { c.FlushAfter = time.Millisecond })
	var broken atomic.Bool
	s.wrap = func(f sink) sink {
		return &badDisk{sink: f, write: func() error {
			if broken.Load() {
				return syscall.EIO
			}
			return nil
		}}
	}
	w := create(t, s)
	w.Write(Frame{Kind: Output, Data: []byte("good")})
	idle(t, w)
	broken.Store(true)
	sum, err := w.Close(t.Context())
	if ReasonOf(err) != StoreUnavailable || sum.Ended {
		t.Fatalf("%+v, %v", sum, err)
	}
	if _, err := s.Verify(t.Context(), w.ID()); !errors.Is(err, format.ErrTruncated) {
		t.Fatal(err)
	}
	back, err := s.Recover(t.Context(), w.ID())
	if err != nil || !back.Ended || back.Frames != 1 || back.Truncated != died {
		t.Fatalf("%+v, %v", back, err)
	}
	if again, err := s.Recover(t.Context(), w.ID()); err != nil || again != back {
		t.Errorf("recovered a second time: %+v, %v", again, err)
	}
	if v, err := s.Verify(t.Context(), w.ID()); err != nil || v.Root != back.Root {
		t.Error(err)
	}
}

func TestSlowDiskHoldsTheSessionBack(t *testing.T) {
	s := openStore(t) // outside, because its files are closed there
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s.presses = make(chan *format.Press, 1)
		s.presses <- new(format.Press)
		s.wrap = func(f sink) sink {
			first := true
			return &badDisk{sink: f, write: func() error {
				if !first {
					<-gate
				}
				first = false
				return nil
			}}
		}
		w := create(t, s)
		var accepted atomic.Int64
		var sent bytes.Buffer
		done := make(chan struct{})
		go func() {
			defer close(done)
			data := make([]byte, 32<<10)
			for range 64 {
				rand.Read(data)
				if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data}); err != nil {
					t.Error(err)
				}
				sent.Write(data)
				accepted.Add(int64(len(data)))
			}
		}()
		synctest.Wait()
		if n := accepted.Load(); n > (queueDepth+2)*bigChunk {
			t.Errorf("%d bytes were taken while the disk took none", n)
		}
		close(gate)
		<-done
		if _, err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
		got, err := frames(t, s, w.ID())
		var all []byte
		for _, f := range got {
			all = append(all, f.Data...)
		}
		if err != nil || !bytes.Equal(all, sent.Bytes()) {
			t.Error("what was recorded is not what was sent", err)
		}
	})
}

func TestDiskThatDoesNotAnswerFailsTheRecording(t *testing.T) {
	for _, at := range []string{"write", "sync"} {
		t.Run(at, func(t *testing.T) {
			s := openStore(t)
			synctest.Test(t, func(t *testing.T) {
				s.presses = make(chan *format.Press, 1)
				s.presses <- new(format.Press)
				gate := make(chan struct{})
				stuck := false
				hang := func() error {
					if stuck {
						<-gate
					}
					return nil
				}
				s.wrap = func(f sink) sink {
					if at == "write" {
						return &badDisk{sink: f, write: hang}
					}
					return &badDisk{sink: f, sync: hang}
				}
				w := create(t, s)
				stuck = true
				began := time.Now()
				var err error
				for err == nil { // until the recorder takes no more, and then gives up
					err = w.Write(Frame{Kind: Output, Data: make([]byte, 200<<10)})
					<-time.After(time.Second)
				}
				if ReasonOf(err) != StoreUnavailable || time.Since(began) > 2*s.cfg.StallAfter {
					t.Errorf("failed after %v with %v", time.Since(began), err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("closed on a stuck disk: %v", err)
				}
				close(gate)
				if sum, err := w.Close(t.Context()); ReasonOf(err) != StoreUnavailable || !sum.Ended {
					t.Errorf("%+v, %v", sum, err)
				}
			})
		})
	}
}

// What arrives is durable within a second, whether much arrives or little.
func TestDurableWithinASecond(t *testing.T) {
	for _, c := range []struct{ size, check int }{{1, 1}, {700, 7}, {40_000, 29}} {
		t.Run(fmt.Sprint(c.size), func(t *testing.T) {
			s := openStore(t)
			synctest.Test(t, func(t *testing.T) {
				s.presses = make(chan *format.Press, 1)
				s.presses <- new(format.Press)
				w := create(t, s)
				var taken []time.Time
				for i := range 400 {
					data := make([]byte, c.size)
					rand.Read(data)
					if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data}); err != nil {
						t.Fatal(err)
					}
					taken = append(taken, time.Now())
					<-time.After(time.Duration(1+i%40) * time.Millisecond)
					synctest.Wait()
					if i%c.check != 0 {
						continue
					}
					if n := durable(t, s, w) / c.size; n < len(taken) && time.Since(taken[n]) > time.Second {
						t.Fatalf("frame %d was taken %v ago and is not durable", n, time.Since(taken[n]))
					}
				}
				if _, err := w.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// durable is how many bytes of output would be there after a loss of power.
func durable(t *testing.T, s *Store, w *Writer) (n int) {
	t.Helper()
	w.mu.Lock()
	synced := w.synced
	w.mu.Unlock()
	f, err := os.Open(filepath.Join(s.cfg.Dir, string(w.ID())+suffix))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd, err := s.newReader(t.Context(), w.ID(), f, io.NewSectionReader(f, 0, synced), nil)
	if err != nil {
		t.Fatal(err)
	}
	for f, err := range rd.Frames() {
		if err != nil {
			break // the end that is not there yet
		}
		n += len(f.Data)
	}
	return n
}

// When the big buffers are all in use, recordings go on with small chunks.
func TestManyBusyRecordingsShareMemory(t *testing.T) {
	s := openStore(t, func(c *StoreConfig) { c.Buffers = 2 })
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			w := create(t, s)
			data := make([]byte, 30_000)
			var sent []byte
			for range 60 {
				rand.Read(data)
				if err := w.Write(Frame{Channel: 1, Kind: Output, Data: data}); err != nil {
					t.Error(err)
				}
				sent = append(sent, data...)
			}
			closeWriter(t, w)
			got, err := frames(t, s, w.ID())
			var all []byte
			for _, f := range got {
				all = append(all, f.Data...)
			}
			if err != nil || !bytes.Equal(all, sent) {
				t.Error("what was recorded is not what was sent", err)
			}
		})
	}
	wg.Wait()
	if left := s.bigLeft.Load(); left != 2 {
		t.Errorf("%d of 2 buffers came back", left)
	}
}

package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Reader gives the frames of a recording, each chunk verified before anything of
// it is given. It is not safe for concurrent use. The caller must Close it.
type Reader struct {
	dec  *format.Decoder
	file *os.File
	stop func() // ends following; nil when the recording is not followed
}

// Open opens a stored recording. Of one that is still being written it gives what
// is in the file; Follow gives the rest too.
func (s *Store) Open(ctx context.Context, r id.Recording) (*Reader, error) {
	f, err := s.openFile(r)
	if err != nil {
		return nil, err
	}
	return s.newReader(ctx, r, f, io.NewSectionReader(f, 0, 1<<62), nil)
}

// Follow opens a recording and, while it is being written by this process, waits
// for more at its end, until ctx ends. What is followed is what is recorded, with
// a delay of about a tenth of a second.
func (s *Store) Follow(ctx context.Context, r id.Recording) (*Reader, error) {
	w := s.writer(r)
	if w == nil {
		return s.Open(ctx, r)
	}
	f, err := s.openFile(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w.watch(1)
	stop := func() {
		w.watch(-1)
		cancel(os.ErrClosed)
	}
	return s.newReader(ctx, r, f, &tail{file: f, writer: w, ended: ctx.Done(), cause: func() error { return context.Cause(ctx) }}, stop)
}

func (s *Store) openFile(r id.Recording) (*os.File, error) {
	name, err := fileName(r)
	if err != nil {
		return nil, err
	}
	f, err := s.root.OpenFile(name, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, notStored(name, err)
	}
	return f, nil
}

func (s *Store) newReader(ctx context.Context, r id.Recording, f *os.File, in io.Reader, stop func()) (_ *Reader, err error) {
	rd := &Reader{file: f, stop: stop}
	defer func() {
		if err != nil {
			rd.Close()
		}
	}()
	if rd.dec, err = format.NewDecoder(in); err != nil {
		return nil, fmt.Errorf("open recording %s: %w", r, err)
	}
	key, err := s.key(ctx, r, rd.dec.Header())
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return rd, rd.dec.Unlock(key)
}

// key opens the data key of a recording.
func (s *Store) key(ctx context.Context, r id.Recording, h format.Header) ([]byte, error) {
	if h.ID != r {
		return nil, fmt.Errorf("open recording %s: %w", r, &format.CorruptError{Chunk: -1, Err: errOther})
	}
	key, err := s.cfg.Keys.Open(ctx, h.Org, format.KeyContext(h.ID), h.SealedKey)
	if err != nil {
		return nil, fmt.Errorf("open the key of recording %s: %w", r, err)
	}
	return key, nil
}

var errOther = errors.New("it is the file of another recording")

// Header is the recording's header.
func (r *Reader) Header() format.Header { return r.dec.Header() }

// Next returns the next frame; its data are valid until the next call. After the
// last frame it returns io.EOF; format.ErrTruncated when the recording has no
// end, and a *format.CorruptError when it is damaged.
func (r *Reader) Next() (Frame, error) { return r.dec.Next() }

// Frames iterates over the rest. An error other than io.EOF comes last.
func (r *Reader) Frames() iter.Seq2[Frame, error] { return r.dec.Frames() }

// Report tells about what was read so far.
func (r *Reader) Report() format.Report { return r.dec.Report() }

// Close frees the reader. It may be called while another goroutine waits in
// Next of a followed recording, which then returns.
func (r *Reader) Close() error {
	if r.stop != nil {
		r.stop()
	}
	return r.file.Close()
}

// tail reads a file as far as its Writer has written it, and waits for more.
type tail struct {
	file   *os.File
	off    int64
	writer *Writer
	ended  <-chan struct{}
	cause  func() error
}

func (t *tail) Read(p []byte) (int, error) {
	limit, err := t.writer.await(t.off, t.ended)
	if err != nil {
		return 0, t.cause()
	}
	if limit <= t.off {
		return 0, io.EOF
	}
	n, err := t.file.ReadAt(p[:min(int64(len(p)), limit-t.off)], t.off)
	t.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

var errStopped = errors.New("stopped")

// await waits until more than off bytes were written or nothing more will be, and
// returns how much was written.
func (w *Writer) await(off int64, stop <-chan struct{}) (int64, error) {
	for {
		w.mu.Lock()
		written := w.written
		if written > off || w.ended() {
			w.mu.Unlock()
			return written, nil
		}
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-stop:
			return 0, errStopped
		}
	}
}

// watch counts those who follow; while there are any, frames are written sooner.
func (w *Writer) watch(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watched += n
	if n > 0 && w.armed {
		w.timer.Reset(watchFlush)
	}
}

// Verify reads a stored recording completely and checks everything in it.
func (s *Store) Verify(ctx context.Context, r id.Recording) (format.Verified, error) {
	f, err := s.openFile(r)
	if err != nil {
		return format.Verified{}, err
	}
	defer f.Close()
	d, err := format.NewDecoder(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return format.Verified{}, fmt.Errorf("verify recording %s: %w", r, err)
	}
	key, err := s.key(ctx, r, d.Header())
	if err != nil {
		return format.Verified{}, err
	}
	defer clear(key)
	v, err := format.Verify(&interruptible{io.NewSectionReader(f, 0, 1<<62), ctx.Done(), ctx.Err}, key)
	if err != nil {
		err = fmt.Errorf("verify recording %s: %w", r, err)
	}
	return v, err
}

// interruptible ends reading when its context ends.
type interruptible struct {
	r    io.Reader
	done <-chan struct{}
	err  func() error
}

func (i *interruptible) Read(p []byte) (int, error) {
	select {
	case <-i.done:
		return 0, i.err()
	default:
		return i.r.Read(p)
	}
}

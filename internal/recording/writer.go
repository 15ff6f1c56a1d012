package recording

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

const (
	bigChunk   = 256 << 10 // memory of a chunk in a busy recording
	smallChunk = 16 << 10  // plaintext of a chunk when no big memory is left
	headroom   = 64        // of a chunk's memory, for what sealing adds
	minPiece   = 1 << 10   // a stream's data are not cut into pieces smaller than this
	queueDepth = 2         // full chunks that wait for the disk

	floodWithin = 100 * time.Millisecond // a chunk that fills faster is compressed lightly
	watchFlush  = 80 * time.Millisecond  // FlushAfter while somebody watches

	syncAfter = 250 * time.Millisecond // how long a full chunk may be in the file and not durable,
	syncBytes = 8 << 20                // or how many bytes
)

// chunk is the plaintext of a chunk in the making.
type chunk struct {
	buf    format.Buffer
	big    bool
	frames uint64
	since  time.Time     // when its first frame arrived
	last   time.Duration // time of its last frame
	full   bool          // it was handed over because of its size, not of its age
	flood  bool
}

// Writer records one session. It is safe for concurrent use; frames are in the
// recording in the order of the calls.
//
// Two short-lived goroutines do the work, one that seals and writes chunks and
// one that makes them durable. Neither exists while nothing arrives.
type Writer struct {
	store  *Store
	header format.Header
	start  time.Time // with its monotonic part
	file   sink

	mu      sync.Mutex
	cond    sync.Cond // the queue has room, a goroutine ended, or the recording failed
	cur     chunk
	queue   []chunk
	last    time.Duration // time of the last frame
	timer   *time.Timer   // runs out when cur is due; nil until it is first needed
	armed   bool
	due     bool
	working bool // the sealing goroutine exists
	syncing bool // the syncing goroutine exists
	watched int
	changed chan struct{} // closed when more is written, or nothing more will be; nil when nobody waits
	written int64         // size of the file
	synced  int64         // how much of it is durable
	frames  uint64        // in the file
	reached time.Duration // time of the last frame in the file
	syncDue bool          // the syncing goroutine has to go on at once
	syncTim *time.Timer   // runs out when full chunks must become durable; nil until it is first needed
	delayed bool          // syncTim is running
	closing bool
	err     *WriteError
	summary Summary

	failed chan struct{}
	done   chan struct{} // closed when the file is

	sealer *format.Sealer // used by the sealing goroutine only
}

// ID is the recording's id.
func (w *Writer) ID() id.Recording { return w.header.ID }

// Header is the recording's header.
func (w *Writer) Header() format.Header { return w.header }

// Failed is closed when the recording can no longer be written; Err says why.
// The session has to end then.
func (w *Writer) Failed() <-chan struct{} { return w.failed }

// Err is a *WriteError once Failed is closed, else nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stickyErr()
}

func (w *Writer) stickyErr() error {
	if w.err == nil {
		return nil // not a nil *WriteError in an error
	}
	return w.err
}

// Elapsed is the time of a frame that happens now.
func (w *Writer) Elapsed() time.Duration { return w.store.cfg.Now().Sub(w.start) }

// Record writes the frame of a payload, now.
func (w *Writer) Record(channel uint32, p Payload) error { return w.Write(p.Frame(channel)) }

// Write records a frame. A frame without a time gets that of the call; a frame
// is never recorded as earlier than the one before it. The data are copied. Data of a
// stream may be of any size; those of other kinds are at most format.MaxData,
// else the error is of kind Invalid and nothing was recorded.
//
// Write waits when the disk is slower than the session. When it returns nil the
// frame is durable within a second, or Failed is closed. After a failure it
// returns the *WriteError, after Close ErrClosed.
func (w *Writer) Write(f Frame) error {
	if !f.Kind.Stream() && len(f.Data) > format.MaxData {
		return fault.New(fault.Invalid, "a %s of %d bytes is too long: the limit is %d bytes", f.Kind, len(f.Data), format.MaxData)
	}
	if f.At == 0 {
		f.At = w.Elapsed()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f.At = max(f.At, w.last).Truncate(time.Microsecond)
	rest := f.Data
	for first := true; first || len(rest) > 0; first = false {
		n, err := w.room(f.Kind, len(rest))
		if err != nil {
			return err
		}
		f.At = max(f.At, w.last) // others may have written while this one waited
		f.Data, rest = rest[:n], rest[n:]
		w.add(f)
	}
	return nil
}

// add puts a frame into the chunk that has room for it.
func (w *Writer) add(f Frame) {
	c := &w.cur
	if c.frames == 0 {
		c.since = w.store.cfg.Now()
		w.arm()
	}
	c.buf.Add(f)
	c.frames++
	c.last, w.last = f.At, f.At
}

// room makes sure that cur takes data of n bytes, or of fewer when they are of a
// stream, and returns how many.
func (w *Writer) room(k Kind, n int) (int, error) {
	for {
		switch {
		case w.err != nil:
			return 0, w.err
		case w.closing:
			return 0, ErrClosed
		}
		limit := smallChunk
		if w.cur.big {
			limit = bigChunk - headroom
		}
		left := limit - w.cur.buf.Len() - headroom
		switch {
		case n <= left:
			return n, nil
		case !w.cur.big && w.grow():
		case k.Stream() && left >= minPiece:
			return left, nil
		case w.cur.frames == 0:
			return n, nil // alone in a chunk: it takes what memory it needs
		case len(w.queue) < queueDepth:
			w.push()
		default:
			w.cond.Wait()
		}
	}
}

// grow moves cur to big memory, if there is any.
func (w *Writer) grow() bool {
	b := w.store.takeBig()
	if b == nil {
		return false
	}
	w.cur.buf.Move(b)
	w.cur.big = true
	return true
}

// push hands cur, which is full, to the sealing goroutine.
func (w *Writer) push() {
	w.cur.full = true
	w.cur.flood = w.store.cfg.Now().Sub(w.cur.since) < floodWithin
	w.queue = append(w.queue, w.cur)
	w.cur = chunk{}
	w.disarm()
	w.work()
}

// arm starts the clock of cur.
func (w *Writer) arm() {
	after := w.store.cfg.FlushAfter
	if w.watched > 0 {
		after = min(after, watchFlush)
	}
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.expire)
		return
	}
	w.timer.Reset(after)
}

func (w *Writer) disarm() {
	if w.armed {
		w.timer.Stop()
		w.armed = false
	}
}

// expire runs when cur is due.
func (w *Writer) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.armed && !w.closing && w.err == nil {
		w.armed = false
		w.due = true
		w.work()
	}
}

// work starts the sealing goroutine if there is none.
func (w *Writer) work() {
	if !w.working {
		w.working = true
		go w.seal()
	}
}

// fail makes err the sticky error.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.ended() {
		return
	}
	w.err = writeError(fmt.Errorf("recording %s: %w", w.header.ID, err))
	w.drop()
	close(w.failed)
	w.cond.Broadcast()
}

// drop frees what will not be written.
func (w *Writer) drop() {
	w.disarm()
	w.due = false
	for _, c := range append(w.queue, w.cur) {
		w.release(&c)
	}
	w.queue, w.cur = nil, chunk{}
}

func (w *Writer) release(c *chunk) {
	if c.big {
		w.store.giveBig(c.buf.Memory())
	}
	*c = chunk{}
}

func (w *Writer) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// notify wakes those who follow the recording.
func (w *Writer) notify() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// Close ends the recording with what was written until now and waits until it is
// durable, or until ctx ends; it can be called again then. The error is the
// *WriteError of a recording that failed. The Summary tells what is stored, also
// with an error.
func (w *Writer) Close(ctx context.Context) (Summary, error) {
	w.mu.Lock()
	if !w.closing {
		w.closing = true
		w.disarm()
		w.cond.Broadcast()
		w.work()
	}
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		return Summary{ID: w.header.ID}, fmt.Errorf("close recording %s: %w", w.header.ID, context.Cause(ctx))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.summary, w.stickyErr()
}

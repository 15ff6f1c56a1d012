package recording

import (
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// seal is the goroutine that turns chunks into records of the file, as long as
// there is something to do. When the Writer is closing, it ends the recording.
func (w *Writer) seal() {
	stall := time.AfterFunc(w.store.cfg.StallAfter, func() { w.fail(errStalled) })
	defer stall.Stop()
	for {
		c, role, ok := w.next()
		if !ok {
			return
		}
		stall.Reset(w.store.cfg.StallAfter)
		err := w.put(&c, role)
		if err != nil {
			w.fail(err)
		}
		if role == format.Cut || (role == format.Final && err == nil) {
			w.finish(err == nil)
			return
		}
	}
}

// next takes what is to be written next. When there is nothing, the goroutine
// counts as gone.
func (w *Writer) next() (c chunk, role format.Role, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil && w.closing:
		return chunk{}, format.Cut, true
	case w.err != nil:
	case len(w.queue) > 0:
		c = w.queue[0]
		w.queue = append(w.queue[:0], w.queue[1:]...)
		w.cond.Broadcast()
		return c, format.More, true
	case w.closing:
		c, w.cur = w.cur, chunk{}
		return c, format.Final, true
	case w.due && w.cur.frames > 0:
		c, w.cur, w.due = w.cur, chunk{}, false
		return c, format.More, true
	}
	w.due, w.working = false, false
	return chunk{}, format.More, false
}

// put seals a chunk and appends it to the file.
func (w *Writer) put(c *chunk, role format.Role) (err error) {
	w.mu.Lock()
	frames, reached, off := w.frames+c.frames, max(w.reached, c.last), w.written
	w.mu.Unlock()
	defer func() {
		if err != nil {
			w.release(c)
		}
	}()
	if role != format.More {
		e := format.End{Frames: frames}
		if role == format.Cut {
			e.Truncated = string(ReasonOf(w.Err()))
			if err := w.file.Truncate(off); err != nil {
				return fmt.Errorf("cut off an incomplete chunk: %w", err)
			}
		}
		c.buf.Add(format.EndFrame(reached, e))
	}
	press := <-w.store.presses
	defer func() { w.store.presses <- press }()
	rec, err := w.sealer.Seal(press, &c.buf, role, c.flood)
	if err != nil {
		return err
	}
	if err := w.append(rec, off, role); err != nil {
		return err
	}
	w.sealer.Written()
	w.mu.Lock()
	defer w.mu.Unlock()
	full := c.full
	w.release(c)
	w.written, w.frames, w.reached = off+int64(len(rec)), frames, reached
	w.notify()
	w.startSync(!full || w.written-w.synced >= syncBytes)
	return nil
}

// append writes a record at the end of the file, unless that would eat into the
// reserve or the file would become too big.
func (w *Writer) append(rec []byte, off int64, role format.Role) error {
	if limit := w.store.cfg.MaxSize; limit > 0 && role == format.More && off+int64(len(rec)) > limit {
		return errTooBig
	}
	if reserve := w.store.cfg.Reserve; reserve > 0 && role == format.More {
		free, err := freeBytes(w.store.dir)
		if err != nil {
			return err
		}
		if free-int64(len(rec)) < reserve {
			return errReserve
		}
	}
	if _, err := w.file.WriteAt(rec, off); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// startSync makes what was written durable: now, or together with what comes a
// little later, because a busy recording would else do nothing but wait for the disk.
func (w *Writer) startSync(now bool) {
	switch {
	case w.closing || w.err != nil || w.synced == w.written:
	case w.syncing:
		w.syncDue = w.syncDue || now
	case now:
		w.syncing, w.syncDue = true, false
		go w.sync(w.written)
	case w.delayed:
	case w.syncTim == nil:
		w.delayed = true
		w.syncTim = time.AfterFunc(syncAfter, w.lateSync)
	default:
		w.delayed = true
		w.syncTim.Reset(syncAfter)
	}
}

func (w *Writer) lateSync() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delayed = false
	w.startSync(true)
}

// sync makes the first upTo bytes of the file durable.
func (w *Writer) sync(upTo int64) {
	stall := time.AfterFunc(w.store.cfg.StallAfter, func() { w.fail(errStalled) })
	err := w.file.SyncData()
	stall.Stop()
	if err != nil {
		w.fail(fmt.Errorf("sync: %w", err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.syncing = false
	if err == nil {
		w.synced = upTo
	}
	w.cond.Broadcast()
	w.startSync(w.syncDue)
}

// finish closes the file after its last record, or after none could be written.
func (w *Writer) finish(ended bool) {
	w.mu.Lock()
	for w.syncing {
		w.cond.Wait()
	}
	w.mu.Unlock()
	if err := w.file.SyncData(); err != nil {
		w.fail(fmt.Errorf("sync: %w", err))
	}
	if err := w.file.Close(); err != nil {
		w.fail(fmt.Errorf("close: %w", err))
	}
	s := w.store
	s.mu.Lock()
	delete(s.live, w.header.ID)
	s.mu.Unlock()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.summary = Summary{ID: w.header.ID, Size: w.written, Chunks: w.sealer.Chunks(), Frames: w.frames,
		Duration: w.reached, Root: w.sealer.Root(), Ended: ended}
	if w.err != nil {
		w.summary.Truncated = string(w.err.Reason)
	}
	w.notify()
	close(w.done)
	w.cond.Broadcast()
}

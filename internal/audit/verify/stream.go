package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Most of the work of a verification is reading JSON and hashing payloads, and
// needs no order. So lines are read in batches that several goroutines parse, and
// taken from them in the order of the bundle.

// parsed is a line and what could be told of it without its neighbours.
type parsed struct {
	Line
	n       int // number of the line, from 1
	err     error
	leaf    tlog.Hash    // of a row
	payload payloadState // of a row
}

type payloadState int

const (
	payloadGood payloadState = iota
	payloadGone
	payloadChanged
	payloadForeign // it is hashed rightly and speaks of something else than its row
)

// The bounds of a batch.
const (
	batchLines = 256
	batchBytes = 512 << 10
)

type batch struct {
	first int // number of the first line
	raw   [][]byte
	err   error // what ended the reading after the lines, but for io.EOF
	out   []parsed
	done  chan struct{}
}

// parsed calls take with each line until it returns false or the lines end; an
// error of reading or parsing is the last one.
func (l *lines) parsed(logID string, take func(parsed) bool) {
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *batch, workers), make(chan *batch, 2*workers)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(work)
		defer close(order)
		for {
			b := l.batch()
			select {
			case order <- b: // bounds how much is in memory
			case <-stop:
				return
			}
			work <- b
			if b.err != nil {
				return
			}
		}
	})
	for range workers {
		group.Go(func() {
			for b := range work {
				b.parse(logID)
				close(b.done)
			}
		})
	}
	defer group.Wait()
	defer func() {
		for range order { // what is under way comes to its end
		}
	}()
	defer close(stop)
	for b := range order {
		<-b.done
		for _, p := range b.out {
			if !take(p) {
				return
			}
		}
	}
}

// batch reads the next lines. Its err is set on the last one.
func (l *lines) batch() *batch {
	b := &batch{first: l.n + 1, done: make(chan struct{})}
	for size := 0; len(b.raw) < batchLines && size < batchBytes; {
		line, err := l.next()
		if err != nil {
			b.err = err
			return b
		}
		b.raw = append(b.raw, bytes.Clone(line))
		size += len(line)
	}
	return b
}

func (b *batch) parse(logID string) {
	for i, raw := range b.raw {
		p := parsed{n: b.first + i}
		if p.Line, p.err = parseLine(raw); p.err != nil {
			p.err = fmt.Errorf("line %d cannot be read: %w", p.n, p.err)
		}
		if p.Row != nil {
			p.leaf = p.Row.Leaf(logID).Hash()
			p.payload = p.Row.payloadState(logID)
		}
		b.out = append(b.out, p)
	}
	if b.err != nil && !errors.Is(b.err, io.EOF) {
		b.out = append(b.out, parsed{n: b.first + len(b.raw), err: b.err})
	}
	b.raw = nil
}

// payloadState checks that the payload is the one that was hashed, and that it
// speaks of the same event as its row.
func (r *Row) payloadState(logID string) payloadState {
	if r.Payload == nil {
		return payloadGone
	}
	text := []byte(*r.Payload)
	if PayloadHash(r.Salt, text) != r.PayloadHash {
		return payloadChanged
	}
	var p struct {
		ID       string `json:"id"`
		LogID    string `json:"log_id"`
		Constant string `json:"constant"`
	}
	if err := json.Unmarshal(text, &p); err != nil || p.ID != r.ID || p.LogID != logID || p.Constant != r.Constant {
		return payloadForeign
	}
	return payloadGood
}

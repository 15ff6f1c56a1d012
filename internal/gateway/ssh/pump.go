package ssh

import (
	"io"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// A pump waits with a small buffer, because most channels are idle most of the
// time, and borrows a large one, of the size of a full SSH packet, while there is
// more to read than fits the small one.
const (
	smallBuffer = 1 << 10
	largeBuffer = 32 << 10
	calmReads   = 32 // small reads in a row after which the large buffer is given back
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// sink records bytes before they move on.
type sink func(p []byte) error

// sinks are where the streams of a channel are recorded.
type sinks struct {
	input, output, stderr sink
	done                  func() // everything has passed; nil when there is nothing to add
}

// rawSinks record streams as they are.
func (ch *channel) rawSinks() sinks {
	stream := func(k format.Kind) sink {
		return func(p []byte) error { return ch.r.put(format.Frame{Channel: ch.id, Kind: k, Data: p}) }
	}
	s := sinks{input: stream(format.Input), output: stream(format.Output), stderr: stream(format.Stderr)}
	if !ch.r.policy.RecordInput {
		s.input = func([]byte) error { return nil }
	}
	return s
}

// tapFor chooses how the channel is recorded. The command only says which
// protocol to expect; whether it is spoken is seen from the bytes.
func (ch *channel) tapFor(what format.Command) {
	ch.sinks = ch.rawSinks()
	if ch.r.rec == nil {
		return
	}
	switch transferOf(what) {
	case transferSFTP:
		ch.sinks = newSFTPTap(ch.id, ch.r.put, ch.sinks).sinks()
	case transferSCPUp:
		ch.sinks = newSCPTap(ch.id, ch.r.put, ch.sinks, toTarget).sinks()
	case transferSCPDown:
		ch.sinks = newSCPTap(ch.id, ch.r.put, ch.sinks, fromTarget).sinks()
	}
}

// transfer is a way to move files that shows in how it is started.
type transfer uint8

const (
	transferNone transfer = iota
	transferSFTP
	transferSCPUp
	transferSCPDown
	transferRsync
)

// The directions of data.
const (
	toTarget   = "to_target"
	fromTarget = "from_target"
)

// transferOf guesses from what is started. It sees the ways in which clients do
// it; a person who wants to hide a transfer can (see the package comment).
func transferOf(what format.Command) transfer {
	if what.What == format.Subsystem {
		if what.Line == "sftp" {
			return transferSFTP
		}
		return transferNone
	}
	words := strings.Fields(what.Line)
	if len(words) == 0 {
		return transferNone
	}
	switch path.Base(words[0]) {
	case "sftp-server", "internal-sftp":
		return transferSFTP
	case "rsync":
		for _, w := range words[1:] {
			if w == "--server" {
				return transferRsync
			}
		}
	case "scp":
		for _, w := range words[1:] {
			if w == "--" || !strings.HasPrefix(w, "-") {
				break
			}
			if strings.ContainsRune(w, 't') {
				return transferSCPUp
			}
			if strings.ContainsRune(w, 'f') {
				return transferSCPDown
			}
		}
	}
	return transferNone
}

// permitted holds what is to be started against the policy.
func (ch *channel) permitted(what format.Command) error {
	if !ch.r.policy.BlockFiles || transferOf(what) == transferNone {
		return nil
	}
	ch.r.enforce(ch.c.ctx, ch.id, Enforcement{Control: controlFiles}, what.Line)
	return refuse(nil, "safe %s does not allow file transfers. Ask a manager of the safe if you need them", printable(ch.r.ticket.Safe))
}

// pump moves a stream until it ends or nobody takes it any more.
func (r *route) pump(dst io.Writer, src io.Reader, s sink, count, total *atomic.Int64) error {
	small := make([]byte, smallBuffer)
	buf := small
	var large *[largeBuffer]byte
	defer func() {
		if large != nil {
			largeBuffers.Put(large)
		}
	}()
	calm := 0
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if err := r.move(dst, buf[:n], s, count, total); err != nil {
				return err
			}
		}
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		switch {
		case n == len(buf) && large == nil:
			large = largeBuffers.Get().(*[largeBuffer]byte)
			buf = large[:]
		case large != nil && n <= smallBuffer:
			if calm++; calm >= calmReads {
				largeBuffers.Put(large)
				large, buf, calm = nil, small, 0
			}
		default:
			calm = 0
		}
	}
}

// move records a piece of a stream, then hands it on.
func (r *route) move(dst io.Writer, p []byte, s sink, count, total *atomic.Int64) error {
	r.live.Touch()
	if err := s(p); err != nil {
		return err
	}
	count.Add(int64(len(p)))
	total.Add(int64(len(p)))
	_, err := dst.Write(p)
	return err
}

// lockedWriter lets a stream and what the gateway says itself share a writer.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

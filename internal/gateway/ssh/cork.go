package ssh

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// The SSH package writes a large packet in two pieces: as much as its buffer
// holds, then the rest. Each would be a system call and a segment of its own, and
// would wake the reader once more. corked keeps the first piece until the second
// is there, and sends both in one call.
//
// A piece that fills the buffer is never a whole packet under AES-GCM: a packet
// has 4 bytes of length, a multiple of 16, and 16 bytes of tag, and 4096 is no
// such number. So nothing is kept that no write follows.
type corked struct {
	net.Conn
	on   atomic.Bool
	held *[corkSize]byte // under the SSH package's lock

	gone  atomic.Bool // closed: what still comes is thrown away
	leave sync.Once

	big   *[readAhead]byte // read by the SSH package's one reader
	ahead []byte           // of big, not taken yet
	full  bool             // the last read filled big
}

const corkSize = 4096 // of a bufio.Writer that says nothing else

const readAhead = 64 << 10

var readAheads = sync.Pool{New: func() any { return new([readAhead]byte) }}

var corks = sync.Pool{New: func() any { return new([corkSize]byte) }}

func (c *corked) Write(p []byte) (int, error) {
	if c.held == nil {
		if !c.on.Load() || len(p) != corkSize {
			return c.Conn.Write(p)
		}
		c.held = corks.Get().(*[corkSize]byte)
		return copy(c.held[:], p), nil
	}
	first := c.held
	c.held = nil
	both := net.Buffers{first[:], p}
	n, err := both.WriteTo(c.Conn)
	corks.Put(first)
	return max(0, int(n)-corkSize), err
}

// Read takes as much as a large buffer holds in one call after a small one was
// filled to its end. The large one is given back before a Read that may wait
// long: it is kept only while it is filled to its end, too.
func (c *corked) Read(p []byte) (n int, err error) {
	defer func() {
		if c.gone.Load() {
			n, err = 0, net.ErrClosed
		}
	}()
	if len(c.ahead) == 0 {
		if c.big == nil {
			n, err = c.Conn.Read(p)
			if n == corkSize && c.on.Load() {
				c.big = readAheads.Get().(*[readAhead]byte)
			}
			return n, err
		}
		n, err = c.Conn.Read(c.big[:])
		c.ahead, c.full = c.big[:n], n == readAhead
	}
	n = copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 && !c.full {
		readAheads.Put(c.big)
		c.big = nil
	}
	return n, err
}

// farewell is how long a client may take to hear why it is closed.
const farewell = time.Second

// Close ends the connection so that what was written last arrives. A connection that
// is closed while the client's bytes lie unread is reset, and a client that finds it
// reset before it has read everything never says why it was ended. So our half is
// closed, the rest of theirs thrown away, and then the whole closed.
func (c *corked) Close() error {
	c.leave.Do(func() {
		c.gone.Store(true)
		half, ok := c.Conn.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
		c.Conn.SetReadDeadline(time.Now().Add(farewell))
		io.Copy(io.Discard, c.Conn)
	})
	return c.Conn.Close()
}

// cork begins to join pieces, if what the connection has negotiated permits it.
func (c *corked) cork(conn ssh.Conn) {
	a, ok := conn.(ssh.AlgorithmsConnMetadata)
	if !ok {
		return
	}
	switch a.Algorithms().Write.Cipher {
	case ssh.CipherAES128GCM, ssh.CipherAES256GCM:
		c.on.Store(true)
	}
}

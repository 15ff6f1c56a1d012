package ssh

import (
	"context"
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Terminal is the other end of a session that comes without SSH: the terminal in
// a browser.
type Terminal struct {
	IO     io.ReadWriter // bytes to and from the person; Read ends with an error when they leave
	Term   string        // kind of terminal; empty means xterm-256color
	Size   Size
	Resize <-chan Size  // closed or nil when the size no longer changes
	Notice func(string) // says a sentence outside the stream of bytes; not called concurrently
	Ready  func()       // called once, when the shell has started; may be nil
}

// Size is a terminal's size in character cells.
type Size struct{ Cols, Rows uint32 }

// ServeTerminal opens a shell for a ticket that has been redeemed, on the same
// path that SSH clients take, and returns when it has ended: the shell's exit
// status, or the refusal as a fault whose message is fit for the person. It ends
// the session when ctx ends.
func (g *Gateway) ServeTerminal(ctx context.Context, t *Ticket, from Client, term Terminal) (status *int, err error) {
	if term.Term == "" {
		term.Term = "xterm-256color"
	}
	screen := newScreen(term)
	c := newClient(g, screenConn{screen}, nil, nil, from, &proof{})
	c.ctx = ctx
	r := c.begin(func(context.Context) (*Ticket, error) { return t, nil })
	if err := r.wait(); err != nil {
		screen.Close()
		c.work.Wait()
		why := refused(err)
		return nil, fault.New(kindOf(why.cause), "%s", why.sentence).Because(why.cause)
	}
	ch := newChannel(c, r)
	ch.down, ch.reqs = screen, screen.requests()
	c.add(ch)
	go screen.listen()
	ch.serve()
	r.end(c.leaving(), "")
	screen.Close()
	r.close(c.work.Wait)
	return r.exit.Load(), nil
}

// kindOf is the kind of a refusal's cause; a target that does not answer is Unavailable.
func kindOf(cause error) fault.Kind {
	if k := fault.KindOf(cause); k != fault.Internal {
		return k
	}
	return fault.Unavailable
}

// screen is a Terminal in the place of a client's one channel.
type screen struct {
	Terminal
	typed  chan []byte
	closed chan struct{}
	once   sync.Once
	left   []byte // of typed, not read yet
}

func newScreen(t Terminal) *screen {
	return &screen{Terminal: t, typed: make(chan []byte), closed: make(chan struct{})}
}

// requests are what an SSH client would have sent: a terminal, a shell, and then
// new sizes. They end when the screen is closed.
func (s *screen) requests() <-chan *ssh.Request {
	w := func(z Size) window { return window{Cols: z.Cols, Rows: z.Rows} }
	reqs := make(chan *ssh.Request, 2)
	reqs <- &ssh.Request{Type: "pty-req", Payload: ptyRequest{Term: s.Term, Window: w(s.Size)}.marshal()}
	reqs <- &ssh.Request{Type: "shell"}
	go func() {
		defer close(reqs)
		for {
			select {
			case z, ok := <-s.Resize:
				if !ok {
					<-s.closed
					return
				}
				select {
				case reqs <- &ssh.Request{Type: "window-change", Payload: w(z).marshal()}:
				case <-s.closed:
					return
				}
			case <-s.closed:
				return
			}
		}
	}()
	return reqs
}

// listen reads what the person types until they leave or the screen is closed. In
// the second case its last read ends only with the caller's connection.
func (s *screen) listen() {
	defer s.Close() // an SSH client that leaves closes its channel, too
	for {
		buf := make([]byte, smallBuffer)
		n, err := s.IO.Read(buf)
		if n > 0 {
			select {
			case s.typed <- buf[:n]:
			case <-s.closed:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// As an ssh.Channel.

func (s *screen) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		select {
		case s.left = <-s.typed:
		case <-s.closed:
			return 0, io.EOF
		}
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

func (s *screen) Write(p []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, io.EOF
	default:
		return s.IO.Write(p)
	}
}

func (s *screen) CloseWrite() error { return nil }

func (s *screen) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *screen) Stderr() io.ReadWriter { return stderrOf{s} }

func (s *screen) SendRequest(string, bool, []byte) (bool, error) { return false, nil }

// stderrOf shows the target's standard error with its output; a terminal has one stream.
type stderrOf struct{ s *screen }

func (e stderrOf) Write(p []byte) (int, error) { return e.s.Write(p) }
func (e stderrOf) Read([]byte) (int, error)    { return 0, io.EOF }

// screenConn is the same in the place of a client's connection. A browser's
// socket has its own keep-alive.
type screenConn struct{ s *screen }

func (c screenConn) SendRequest(string, bool, []byte) (bool, []byte, error) { return false, nil, nil }

func (c screenConn) OpenChannel(string, []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	return nil, nil, &ssh.OpenChannelError{Reason: ssh.UnknownChannelType, Message: "a terminal has one channel"}
}

func (c screenConn) Wait() error           { <-c.s.closed; return nil }
func (c screenConn) Close() error          { return c.s.Close() }
func (c screenConn) User() string          { return "" }
func (c screenConn) SessionID() []byte     { return nil }
func (c screenConn) ClientVersion() []byte { return nil }
func (c screenConn) ServerVersion() []byte { return nil }
func (c screenConn) RemoteAddr() net.Addr  { return &net.TCPAddr{} }
func (c screenConn) LocalAddr() net.Addr   { return &net.TCPAddr{} }

// tell says a sentence of the gateway.
func (s *screen) tell(sentence string) {
	if s.Notice != nil {
		s.Notice(sentence)
	}
}

package ssh

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// channel is one session channel: the client's half, the target's half, and what
// passes between them.
type channel struct {
	c    *client
	down ssh.Channel // to the client
	reqs <-chan *ssh.Request

	r        *route // nil until a safe is chosen
	id       uint32
	up       ssh.Channel // to the target; nil until it is needed
	upReqs   <-chan *ssh.Request
	toTarget atomic.Int64
	fromTgt  atomic.Int64

	held    held // what was asked for before there was a target to ask
	pty     atomic.Bool
	started atomic.Bool

	inputEnded chan struct{} // closed when the client has sent all it had to send, and it was handed over
	typed      []byte        // what the picker has read and did not use
	sinks      sinks
	errMu      sync.Mutex // held while the client's standard error is written
	pumps      sync.WaitGroup
}

func newChannel(c *client, r *route) *channel {
	return &channel{c: c, r: r, inputEnded: make(chan struct{})}
}

// held is what a client asked for before its target was known.
type held struct {
	pty      *ptyRequest
	env      []envRequest
	envBytes int
}

// session serves a channel of type session.
func (c *client) session(nc ssh.NewChannel) {
	if c.noMore.Load() {
		rejected(nc, ssh.Prohibited, "the client said that it would open no more sessions")
		return
	}
	ch := newChannel(c, c.current())
	if ch.r != nil {
		<-ch.r.decided // before this nothing is accepted
		select {
		case <-ch.r.ready:
			// The target is there: it says whether there may be one more channel.
			if err := ch.openUp(); err != nil && ch.r.refused == nil {
				rejectAs(nc, err)
				return
			}
		default:
		}
	}
	var err error
	if ch.down, ch.reqs, err = nc.Accept(); err != nil {
		if ch.up != nil {
			ch.up.Close()
		}
		return
	}
	c.add(ch)
	ch.serve()
}

// rejectAs hands a target's refusal to the client.
func rejectAs(nc ssh.NewChannel, err error) {
	var open *ssh.OpenChannelError
	if errors.As(err, &open) {
		rejected(nc, open.Reason, "the target refused: "+printable(open.Message))
		return
	}
	rejected(nc, ssh.ConnectionFailed, "the connection to the target has ended")
}

// openUp opens the target's half, once the route carries.
func (ch *channel) openUp() error {
	if ch.up != nil {
		return nil
	}
	if err := ch.r.wait(); err != nil {
		return err
	}
	up, reqs, err := ch.r.target.OpenChannel("session", nil)
	if err != nil {
		return err
	}
	ch.up, ch.upReqs = up, reqs
	ch.id = ch.r.lastID.Add(1)
	return ch.r.put(format.Opened{Type: "session", By: "client"}.Frame(ch.id))
}

// serve answers the client's requests, one after the other, until the channel is gone.
func (ch *channel) serve() {
	defer ch.finish()
	var ahead *ssh.Request
	for {
		req := ahead
		if ahead = nil; req == nil {
			var ok bool
			if req, ok = <-ch.reqs; !ok {
				return
			}
		}
		if req.Type == "window-change" { // of a flood only the last size counts
			select {
			case ahead = <-ch.reqs:
				if ahead != nil && ahead.Type == "window-change" {
					continue
				}
			default:
			}
		}
		ok, err := ch.request(req)
		if err != nil {
			ch.c.g.log.Debug("channel request refused", "type", req.Type, "error", err)
		}
		req.Reply(ok && err == nil, nil)
		if ok && err == nil && (req.Type == "shell" || req.Type == "exec" || req.Type == "subsystem") {
			ch.run()
		}
	}
}

// finish closes what is left after the client's half has gone.
func (ch *channel) finish() {
	ch.c.remove(ch, false)
	ch.down.Close()
	if ch.up == nil {
		return
	}
	if ch.started.Load() {
		ch.r.soon(ch.inputEnded)
	}
	ch.up.Close()
	if !ch.started.Load() {
		ch.pumps.Go(func() { ssh.DiscardRequests(ch.upReqs) })
	}
	ch.pumps.Wait()
	if ch.sinks.done != nil {
		ch.sinks.done()
	}
	ch.r.put(format.Closed{BytesToTarget: ch.toTarget.Load(), BytesFromTarget: ch.fromTgt.Load()}.Frame(ch.id))
}

// request answers one request of the client. The list is closed: what it does not
// name does not pass.
func (ch *channel) request(req *ssh.Request) (bool, error) {
	switch req.Type {
	case "pty-req":
		return ch.ptyRequested(req.Payload)
	case "env":
		return ch.envRequested(req.Payload)
	case "window-change":
		return ch.windowChanged(req.Payload)
	case "shell":
		if len(req.Payload) != 0 {
			return false, errors.New("malformed shell request")
		}
		return ch.start(req, format.Command{What: format.Shell})
	case "exec":
		line, err := parseOne("exec", req.Payload, format.MaxData-64)
		if err != nil {
			return false, err
		}
		return ch.start(req, format.Command{What: format.RunCommand, Line: line})
	case "subsystem":
		name, err := parseName("subsystem", req.Payload)
		if err != nil {
			return false, err
		}
		return ch.start(req, format.Command{What: format.Subsystem, Line: name})
	case "signal":
		return ch.signalled(req)
	case "break", "eow@openssh.com", "xon-xoff":
		if !ch.started.Load() {
			return false, nil
		}
		return ch.up.SendRequest(req.Type, req.WantReply, req.Payload)
	case "auth-agent-req@openssh.com", "auth-agent-req":
		return ch.agentRequested(req)
	case "x11-req":
		return ch.x11Requested(req)
	}
	return false, nil
}

// here tells whether requests can be handed to a target: there is a route that
// has not been refused. Where there is none they are held.
func (ch *channel) here() bool { return ch.r != nil && ch.openUp() == nil }

func (ch *channel) ptyRequested(payload []byte) (bool, error) {
	p, err := parsePty(payload)
	if err != nil {
		return false, err
	}
	if ch.started.Load() || ch.pty.Load() {
		return false, errors.New("a terminal comes before the session, and once")
	}
	p.Window = p.Window.clamp()
	if ch.c.proof.denied.pty {
		return false, errors.New("the certificate permits no terminal")
	}
	if !ch.here() {
		ch.held.pty = &p
		ch.pty.Store(true)
		return true, nil
	}
	return ch.sendPty(p)
}

func (ch *channel) sendPty(p ptyRequest) (bool, error) {
	if err := ch.r.put(format.Terminal{Term: p.Term, Size: p.Window.size()}.Frame(ch.id)); err != nil {
		return false, err
	}
	ok, err := ch.up.SendRequest("pty-req", true, p.marshal())
	ch.pty.Store(ok)
	return ok, err
}

func (ch *channel) envRequested(payload []byte) (bool, error) {
	e, err := parseEnv(payload)
	if err != nil {
		return false, err
	}
	if ch.held.envBytes += len(payload); ch.started.Load() || ch.held.envBytes > maxEnvBytes {
		return false, errors.New("variables come before the session, and are bounded")
	}
	if !ch.here() {
		ch.held.env = append(ch.held.env, e)
		return true, nil
	}
	return ch.sendEnv(e)
}

func (ch *channel) sendEnv(e envRequest) (bool, error) {
	if err := ch.r.put(format.Variable{Name: e.Name, Value: e.Value}.Frame(ch.id)); err != nil {
		return false, err
	}
	return ch.up.SendRequest("env", false, e.marshal())
}

func (ch *channel) windowChanged(payload []byte) (bool, error) {
	w, err := parseWindow(payload)
	if err != nil {
		return false, err
	}
	w = w.clamp()
	if !ch.pty.Load() {
		return false, nil
	}
	if ch.up == nil {
		if ch.held.pty != nil {
			ch.held.pty.Window = w
		}
		return true, nil
	}
	if err := ch.r.put(w.size().Frame(ch.id)); err != nil {
		return false, err
	}
	return ch.up.SendRequest("window-change", false, w.marshal())
}

func (ch *channel) signalled(req *ssh.Request) (bool, error) {
	name, err := parseName("signal", req.Payload)
	if err != nil || !ch.started.Load() {
		return false, err
	}
	if err := ch.r.put(format.SignalName(name).Frame(ch.id)); err != nil {
		return false, err
	}
	return ch.up.SendRequest("signal", req.WantReply, req.Payload)
}

// start begins what the channel is for. It is true when the target has begun it;
// a refusal is told to the client in a session that says so and ends.
func (ch *channel) start(req *ssh.Request, what format.Command) (bool, error) {
	if ch.started.Load() {
		return false, errors.New("a channel starts one thing")
	}
	err := ch.prepare()
	if err == nil {
		err = ch.permitted(what)
	}
	if err == nil {
		err = ch.r.firstChannel(ch.c.ctx, firstChannel(what))
	}
	if err == nil {
		err = ch.r.put(what.Frame(ch.id))
	}
	if err != nil {
		ch.turnAway(req, refused(err))
		return false, err
	}
	ok, err := ch.up.SendRequest(req.Type, true, req.Payload)
	if !ok || err != nil {
		return false, err
	}
	ch.started.Store(true)
	ch.tapFor(what)
	return true, nil
}

func firstChannel(what format.Command) string {
	switch {
	case what.What == format.Shell:
		return "shell"
	case what.What == format.Subsystem && what.Line == "sftp":
		return "sftp"
	}
	return "exec"
}

// prepare makes sure of a route and of the target's half, and hands on what was held.
func (ch *channel) prepare() error {
	if ch.r == nil {
		choice, err := ch.pick()
		if err != nil {
			return err
		}
		ch.r = ch.c.begin(ch.c.launch(choice))
	}
	if err := ch.openUp(); err != nil {
		var open *ssh.OpenChannelError
		if errors.As(err, &open) {
			return refuse(err, "the target opens no more sessions on this connection: %s", printable(open.Message))
		}
		return err
	}
	if p := ch.held.pty; p != nil {
		ch.held.pty = nil
		if ok, err := ch.sendPty(*p); err != nil || !ok {
			return refuse(err, "the target gave no terminal")
		}
	}
	for _, e := range ch.held.env {
		if _, err := ch.sendEnv(e); err != nil {
			return err
		}
	}
	ch.held.env = nil
	ch.c.awaitAnswers()
	return nil
}

// turnAway answers a session that does not come about: it seems to start, says
// why not, and ends with a status that no success has.
func (ch *channel) turnAway(req *ssh.Request, why *refusal) {
	req.Reply(true, nil)
	req.WantReply = false
	for _, n := range ch.c.takeNotices() {
		ch.say(n)
	}
	ch.say(why.sentence)
	ch.down.SendRequest("exit-status", false, []byte{0, 0, 0, byte(why.exit)})
	ch.c.remove(ch, false)
	ch.down.Close()
}

// say writes a sentence where the person sees it and no program takes it for output.
func (ch *channel) say(sentence string) {
	ch.errMu.Lock()
	defer ch.errMu.Unlock()
	if s, ok := ch.down.(*screen); ok {
		s.tell(sentence)
		return
	}
	pty := ch.pty.Load()
	b := line(sentence, pty)
	if pty && ch.started.Load() {
		b = append([]byte("\r\n"), b...)
	}
	ch.down.Stderr().Write(b)
}

// run joins the two halves after the target has started. It does not wait.
func (ch *channel) run() {
	if s, ok := ch.down.(*screen); ok && s.Ready != nil {
		s.Ready()
	}
	for _, n := range ch.c.takeNotices() {
		ch.say(n)
	}
	ch.pumps.Go(ch.fromClient)
	var out sync.WaitGroup
	out.Go(func() { ch.r.pump(ch.down, ch.clipboard(ch.up, fromTarget), ch.sinks.output, &ch.fromTgt, &ch.r.down) })
	out.Go(func() {
		ch.r.pump(lockedWriter{&ch.errMu, ch.down.Stderr()}, ch.up.Stderr(), ch.sinks.stderr, &ch.fromTgt, &ch.r.down)
	})
	e := &ending{drained: make(chan struct{}), told: make(chan struct{}), eof: make(chan struct{})}
	ch.pumps.Go(func() {
		out.Wait()
		ch.endOutput(e)
	})
	ch.pumps.Go(func() { ch.fromTarget(e) })
}

// fromClient carries what the client sends, and its end.
func (ch *channel) fromClient() {
	defer close(ch.inputEnded)
	if len(ch.typed) > 0 {
		if ch.r.move(ch.up, ch.typed, ch.sinks.input, &ch.toTarget, &ch.r.up) != nil {
			return
		}
		ch.typed = nil
	}
	ch.r.pump(ch.up, ch.clipboard(ch.down, toTarget), ch.sinks.input, &ch.toTarget, &ch.r.up)
	ch.up.CloseWrite()
}

package ssh

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// remotes is what a client asked the target to send back. A target that opens
// a channel nobody asked for is refused.
type remotes struct {
	ports   map[uint32]bool // of tcpip-forward
	sockets map[string]bool // of streamlocal-forward@openssh.com
	agent   bool
	x11     bool
}

const maxRemotes = 64

// listen is the payload of tcpip-forward and its cancellation. Source: RFC 4254, section 7.1.
type listen struct {
	Host string
	Port uint32
}

func parseListen(p []byte) (listen, error) {
	f := fields{b: p}
	l := listen{f.string(maxHost), f.uint32()}
	if err := f.done("tcpip-forward"); err != nil {
		return listen{}, err
	}
	if !plainName(l.Host) || l.Port > 65535 {
		return listen{}, errors.New("malformed tcpip-forward request")
	}
	return l, nil
}

func (l listen) marshal() []byte {
	return binary.BigEndian.AppendUint32(appendString(nil, l.Host), l.Port)
}

// globalRequests answers the client's requests that belong to no channel. Every
// one that wants an answer gets one, so that keep-alives are answered too.
func (c *client) globalRequests() {
	defer close(c.unasked)
	for {
		select {
		case req, ok := <-c.reqs:
			if !ok {
				return
			}
			c.answer(req)
		case caughtUp := <-c.awaited:
			for more := true; more; {
				select {
				case req, ok := <-c.reqs:
					if more = ok; ok {
						c.answer(req)
					}
				default:
					more = false
				}
			}
			close(caughtUp)
		}
	}
}

func (c *client) answer(req *ssh.Request) {
	switch req.Type {
	case "no-more-sessions@openssh.com":
		c.noMore.Store(true)
		req.Reply(true, nil)
	case "tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com":
		ok, payload := c.remoteForward(req)
		req.Reply(ok, payload)
	default:
		req.Reply(false, nil)
	}
}

// answersWithin bounds how long a session waits for requests that came before it.
const answersWithin = 2 * time.Second

// awaitAnswers waits until the global requests that came before now are answered, as a
// server does that reads one packet after the other: a short command must not end before
// its client was told that a forward is refused. The transport has put them all into
// reqs before it gave out the channel's request that waits here.
func (c *client) awaitAnswers() {
	t := time.NewTimer(answersWithin)
	defer t.Stop()
	caughtUp := make(chan struct{})
	select {
	case c.awaited <- caughtUp:
	case <-c.unasked:
		return
	case <-c.ctx.Done():
		return
	case <-t.C:
		return
	}
	select {
	case <-caughtUp:
	case <-c.unasked:
	case <-c.ctx.Done():
	case <-t.C:
	}
}

// remoteForward asks the target to listen for the client, or to stop.
func (c *client) remoteForward(req *ssh.Request) (ok bool, payload []byte) {
	var at listen
	var path string
	var err error
	tcp := req.Type == "tcpip-forward" || req.Type == "cancel-tcpip-forward"
	if tcp {
		at, err = parseListen(req.Payload)
	} else {
		path, err = parseOne(req.Type, req.Payload, maxHost)
	}
	r := c.current()
	if err != nil || r == nil || r.wait() != nil {
		return false, nil
	}
	cancel := req.Type[0] == 'c'
	if !cancel && !c.mayListen(r, at, path) {
		return false, nil
	}
	if ok, payload, err = r.target.SendRequest(req.Type, true, req.Payload); err != nil || !ok {
		return false, nil
	}
	if !cancel && tcp && at.Port == 0 {
		f := fields{b: payload}
		at.Port = f.uint32()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case tcp && cancel:
		delete(c.remote.ports, at.Port)
	case tcp:
		c.remote.ports[at.Port] = true
	case cancel:
		delete(c.remote.sockets, path)
	default:
		c.remote.sockets[path] = true
	}
	return true, payload
}

// mayListen holds a remote forward against the policy.
func (c *client) mayListen(r *route, at listen, path string) bool {
	note := format.Forwarded{Direction: "remote", Host: format.Raw(at.Host + path), Port: at.Port}
	if !r.policy.RemoteForward || c.proof.denied.forward {
		c.forbidden(r, note, fromTarget)
		c.notice(fmt.Sprintf("safe %s does not allow forwards from its target. Ask a manager of the safe if you need one", printable(r.ticket.Safe)))
		return false
	}
	c.mu.Lock()
	if c.remote.ports == nil {
		c.remote.ports, c.remote.sockets = map[uint32]bool{}, map[string]bool{}
	}
	full := len(c.remote.ports)+len(c.remote.sockets) >= maxRemotes
	c.mu.Unlock()
	if full || r.firstChannel(c.ctx, "port_forward") != nil {
		return false
	}
	note.Event = "listening"
	return r.put(note.Frame(0)) == nil
}

// agentRequested answers a client that wants its agent to be reachable from the target.
func (ch *channel) agentRequested(req *ssh.Request) (bool, error) {
	if len(req.Payload) != 0 {
		return false, errors.New("malformed agent request")
	}
	return ch.sendBack(req, "agent", func(p Policy, d restrictions) bool { return p.AgentForward && !d.agent }, &ch.c.remote.agent)
}

// x11Requested answers a client that wants to show windows of the target.
func (ch *channel) x11Requested(req *ssh.Request) (bool, error) {
	if _, err := parseX11(req.Payload); err != nil {
		return false, err
	}
	return ch.sendBack(req, "x11", func(p Policy, d restrictions) bool { return p.X11Forward && !d.x11 }, &ch.c.remote.x11)
}

// sendBack hands on a request after which the target opens channels by itself.
func (ch *channel) sendBack(req *ssh.Request, what string, allowed func(Policy, restrictions) bool, flag *bool) (bool, error) {
	if ch.started.Load() || !ch.here() {
		return false, nil // of a safe that is not chosen yet nothing is known; the picker's session goes without
	}
	if !allowed(ch.r.policy, ch.c.proof.denied) {
		ch.c.forbidden(ch.r, format.Forwarded{Direction: what}, fromTarget)
		ch.c.notice(fmt.Sprintf("safe %s does not allow %s forwarding; the session goes on without", printable(ch.r.ticket.Safe), what))
		return false, nil
	}
	ch.c.mu.Lock()
	*flag = true
	ch.c.mu.Unlock()
	return ch.up.SendRequest(req.Type, req.WantReply, req.Payload)
}

// targetRequests answers the target's requests that belong to no channel.
func (c *client) targetRequests(r *route) { ssh.DiscardRequests(r.target.reqs) }

// targetChannels serves the channels that the target opens.
func (c *client) targetChannels(r *route) {
	for nc := range r.target.chans {
		if c.open.Add(1) > int32(c.g.d.Limits.Channels) {
			c.open.Add(-1)
			nc.Reject(ssh.ResourceShortage, "too many channels")
			continue
		}
		c.work.Go(func() {
			defer c.open.Add(-1)
			c.sentBack(r, nc)
		})
	}
}

// sentBack joins a channel that the target opens to one of the client, if it was asked for.
func (c *client) sentBack(r *route, nc ssh.NewChannel) {
	note, ok := c.expected(nc)
	if !ok {
		nc.Reject(ssh.Prohibited, "nobody asked for this")
		return
	}
	down, downReqs, err := c.conn.OpenChannel(nc.ChannelType(), nc.ExtraData())
	if err != nil {
		var open *ssh.OpenChannelError
		if errors.As(err, &open) {
			nc.Reject(open.Reason, open.Message)
		} else {
			nc.Reject(ssh.ConnectionFailed, "the client has gone")
		}
		return
	}
	up, upReqs, err := nc.Accept()
	if err != nil {
		down.Close()
		ssh.DiscardRequests(downReqs)
		return
	}
	j := &joint{c: c, r: r, id: r.lastID.Add(1), note: note, down: down, downReqs: downReqs, up: up, upReqs: upReqs, sniff: note.Direction == "remote"}
	j.carry(nc.ChannelType(), "target")
}

// expected tells whether the client asked for a channel like this one.
func (c *client) expected(nc ssh.NewChannel) (note format.Forwarded, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch nc.ChannelType() {
	case "forwarded-tcpip":
		o, err := parseTCPOpen(nc.ExtraData())
		return format.Forwarded{Direction: "remote", Host: format.Raw(o.Host), Port: o.Port, Origin: format.Raw(o.Origin)},
			err == nil && c.remote.ports[o.Port]
	case "forwarded-streamlocal@openssh.com":
		path, err := parseLocalOpen(nc.ExtraData())
		return format.Forwarded{Direction: "remote", Host: format.Raw(path)}, err == nil && c.remote.sockets[path]
	case "auth-agent@openssh.com":
		return format.Forwarded{Direction: "agent"}, c.remote.agent
	case "x11":
		return format.Forwarded{Direction: "x11"}, c.remote.x11
	}
	return note, false
}

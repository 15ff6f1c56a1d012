package ssh

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
)

const (
	lastWords   = 2 * time.Second  // for telling a client why its session ends
	afterNo     = 15 * time.Second // a refused client that opens no channel to hear why
	withoutSafe = 5 * time.Minute  // a signed-in client that has not chosen a safe
)

// client is a connection whose person is proved. It has at most one route: that
// of the safe that its login names, or that was chosen with the picker.
type client struct {
	g     *Gateway
	conn  ssh.Conn
	chans <-chan ssh.NewChannel
	reqs  <-chan *ssh.Request
	from  Client
	proof *proof
	jump  *Choice // set when the connection runs inside a jump; the safe is this one

	ctx    context.Context // of serve; ends when the server cuts what remains
	open   atomic.Int32    // channels
	noMore atomic.Bool     // the client has promised to open no more sessions
	work   sync.WaitGroup  // everything that serves this connection

	awaited chan chan struct{} // to close once the requests that are there are answered
	unasked chan struct{}      // closed when no more requests are answered

	mu       sync.Mutex
	person   Person // of the proof; newer when a second factor was asked for since
	gone     bool   // the transport has ended: no route may begin
	route    *route
	sessions map[*channel]struct{} // that can be told something
	running  int                   // of sessions, those that the target has not ended
	exited   bool                  // the target has ended one
	notices  []string              // for the first session that starts
	remote   remotes               // what the client asked the target to send back
}

func newClient(g *Gateway, conn ssh.Conn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request, from Client, p *proof) *client {
	return &client{g: g, conn: conn, chans: chans, reqs: reqs, from: from, proof: p, person: p.person, sessions: map[*channel]struct{}{},
		awaited: make(chan chan struct{}), unasked: make(chan struct{})}
}

// serve carries the connection until it ends; what it began has ended when it returns.
func (c *client) serve(ctx context.Context) {
	c.ctx = ctx
	done := make(chan struct{})
	c.work.Go(func() { keepAlive(c.conn, c.g.d.Limits.KeepAlive, done) })
	c.work.Go(c.globalRequests)
	unhook := context.AfterFunc(ctx, func() {
		if c.current() == nil {
			c.conn.Close()
		}
	})
	defer unhook()
	unused := time.AfterFunc(withoutSafe, func() { // it may still be inside a jump
		if c.current() == nil && c.open.Load() == 0 {
			c.conn.Close()
		}
	})
	defer unused.Stop()
	switch {
	case !c.proof.grant.Empty():
		c.begin(c.redeem)
	case c.jump != nil:
		c.begin(c.launch(*c.jump))
	case c.proof.login.Safe != "":
		c.begin(c.launchNamed)
	}
	for nc := range c.chans {
		if c.open.Add(1) > int32(c.g.d.Limits.Channels) {
			c.open.Add(-1)
			rejected(nc, ssh.ResourceShortage, "too many channels are open on this connection. Close one, or connect again")
			continue
		}
		c.work.Go(func() {
			defer c.open.Add(-1)
			c.channel(nc)
		})
	}
	close(done)
	c.mu.Lock()
	c.gone = true
	r := c.route
	c.mu.Unlock()
	if r != nil {
		r.end(c.leaving(), "")
		r.close(c.work.Wait)
		return
	}
	c.work.Wait()
}

// leaving says how a client went: after its last session had run to its end, or before.
func (c *client) leaving() CloseSide {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exited && c.running == 0 {
		return ByExit
	}
	return ByClient
}

// who is the person, with the second factor that was proved last.
func (c *client) who() Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.person
}

// channel serves one channel that the client wants to open.
func (c *client) channel(nc ssh.NewChannel) {
	switch nc.ChannelType() {
	case "session":
		c.session(nc)
	case "direct-tcpip":
		c.directTCP(nc)
	case "direct-streamlocal@openssh.com":
		c.directLocal(nc)
	default:
		rejected(nc, ssh.UnknownChannelType, "channels of this type do not pass")
	}
}

// current is the route, if there is one already.
func (c *client) current() *route {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.route
}

// begin starts the route, unless another channel was faster; then theirs is given.
func (c *client) begin(launch launcher) *route {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return refusedRoute(refuse(nil, "the connection has ended"))
	}
	if c.route == nil {
		r := c.g.open(c.ctx, c.from, launch)
		c.route = r
		c.work.Go(func() { c.follow(r) })
	}
	return c.route
}

// follow carries what the target begins, and closes the connection when the route ends.
func (c *client) follow(r *route) {
	if r.wait() != nil {
		t := time.AfterFunc(afterNo, func() { c.conn.Close() })
		c.conn.Wait()
		t.Stop()
		return
	}
	c.work.Go(func() { r.watch(c.ctx) })
	c.work.Go(func() { keepAlive(r.target, c.g.d.Limits.KeepAlive, r.ended) })
	c.work.Go(func() { c.targetRequests(r) })
	c.work.Go(func() { c.targetChannels(r) })
	<-r.ended
	if r.last != "" {
		c.tell(r.last)
	}
	c.conn.Close()
}

// redeem uses the grant of the client's certificate.
func (c *client) redeem(ctx context.Context) (*Ticket, error) {
	defer c.proof.grant.Wipe()
	from := c.from
	from.Kind = "vaultpam"
	t, err := c.g.d.Sessions.Redeem(ctx, c.who(), c.proof.grant, from)
	if err != nil {
		return nil, err
	}
	if l := c.proof.login; l.Safe != "" && l.Safe != t.Safe {
		return nil, refuse(nil, "the certificate was made for safe %s, and you asked for %s. Run vaultpam ssh again",
			printable(t.Safe), printable(l.Safe))
	}
	return t, nil
}

// launch opens a safe that is known.
func (c *client) launch(choice Choice) launcher {
	return func(ctx context.Context) (*Ticket, error) {
		return c.g.d.Sessions.Launch(ctx, c.who(), choice, c.from)
	}
}

// launchNamed opens the safe that the login names.
func (c *client) launchNamed(ctx context.Context) (*Ticket, error) {
	l, choices := c.proof.login, c.proof.choices
	if choices == nil {
		var err error
		if choices, err = c.g.d.Safes.Named(ctx, c.who(), l.Org, l.Safe, c.from.Source); err != nil {
			return nil, err
		}
	}
	switch len(choices) {
	case 1:
		return c.g.d.Sessions.Launch(ctx, c.who(), choices[0], c.from)
	case 0:
		return nil, fault.New(fault.NotFound, "there is no safe named %s that you may use. Run %s to see yours",
			printable(l.Safe), c.command(Login{Person: l.Person}))
	}
	return nil, fault.New(fault.Invalid, "several of your organizations have a safe named %s. Say which one: %s",
		printable(l.Safe), c.command(Login{Person: l.Person, Org: choices[0].OrgSlug, Safe: choices[0].Name}))
}

// command is what a person types to come back with another login.
func (c *client) command(l Login) string {
	return "ssh" + c.g.flags + " " + printable(l.String()) + "@" + c.g.host
}

// add makes a session known, so that it can be told something.
func (c *client) add(ch *channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[ch] = struct{}{}
	c.running++
}

// remove forgets a session. It is called before the client hears of its end.
func (c *client) remove(ch *channel, exited bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.sessions[ch]; !ok {
		return
	}
	delete(c.sessions, ch)
	c.running--
	c.exited = c.exited || exited
}

// notice keeps a sentence for the first session that starts, or says it on one that runs.
func (c *client) notice(sentence string) {
	c.mu.Lock()
	var to *channel
	for ch := range c.sessions {
		if ch.started.Load() {
			to = ch
			break
		}
	}
	if to == nil && len(c.notices) < 8 {
		c.notices = append(c.notices, sentence)
	}
	c.mu.Unlock()
	if to != nil {
		to.say(sentence)
	}
}

// takeNotices gives what was kept, once.
func (c *client) takeNotices() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.notices
	c.notices = nil
	return n
}

// tell says a sentence on every session and does not wait long for one that does not read.
func (c *client) tell(sentence string) {
	c.mu.Lock()
	var said sync.WaitGroup
	for ch := range c.sessions {
		said.Go(func() { ch.say(sentence) })
	}
	c.mu.Unlock()
	all := make(chan struct{})
	go func() {
		said.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(lastWords):
	}
}

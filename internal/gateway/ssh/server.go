package ssh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
)

// Limits bound what a client may take. The zero value of each means its default.
type Limits struct {
	Handshake       time.Duration // until the keys are exchanged: 20s
	SignIn          time.Duration // from then on, renewed by each question to the person: 2m
	Connect         time.Duration // until the target is signed in to: 20s
	Unauthenticated int           // connections that have not signed in: 256
	PerSource       int           // of those, from one address: 32
	Channels        int           // open at once on one connection: 128
	KeepAlive       time.Duration // between questions whether the other side is there; three unanswered end it: 30s
	Grace           time.Duration // for live sessions when the server stops: 10s
}

func (l *Limits) defaults() {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{{&l.Handshake, 20 * time.Second}, {&l.SignIn, 2 * time.Minute}, {&l.Connect, 20 * time.Second},
		{&l.KeepAlive, 30 * time.Second}, {&l.Grace, 10 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.or
		}
	}
	for _, n := range []struct {
		value *int
		or    int
	}{{&l.Unauthenticated, 256}, {&l.PerSource, 32}, {&l.Channels, 128}} {
		if *n.value == 0 {
			*n.value = n.or
		}
	}
}

// Deps are the parts that a Gateway is made of.
type Deps struct {
	Log        *slog.Logger
	Auth       Authenticator
	Safes      Safes
	Sessions   Sessions
	Rejections Rejections
	Dialer     Dialer
	HostKeys   []ssh.Signer
	Address    string // how people reach the gateway, for the commands that it prints: host or host:port
	Limits     Limits
	Metrics    prometheus.Registerer // nil: not exported
	Now        func() time.Time
}

// Gateway serves SSH clients. It is safe for concurrent use.
type Gateway struct {
	d         Deps
	log       *slog.Logger
	door      *doorkeeper
	strangers strangers
	metrics   *metrics
	host      string // of Address, for printed commands
	flags     string // " -p 2222", or empty for the usual port
}

// New checks the parts. It opens nothing and starts nothing; see Run.
func New(d Deps) (*Gateway, error) {
	switch {
	case d.Log == nil || d.Auth == nil || d.Safes == nil || d.Sessions == nil || d.Rejections == nil || d.Dialer == nil || d.Now == nil:
		return nil, errors.New("ssh gateway: Log, Auth, Safes, Sessions, Rejections, Dialer and Now are needed")
	case len(d.HostKeys) == 0:
		return nil, errors.New("ssh gateway: at least one host key is needed")
	}
	d.Limits.defaults()
	m, err := newMetrics(d.Metrics)
	if err != nil {
		return nil, fmt.Errorf("ssh gateway: register metrics: %w", err)
	}
	g := &Gateway{d: d, log: d.Log.With("component", "gateway/ssh"), metrics: m,
		door: newDoorkeeper(d.Limits.Unauthenticated, d.Limits.PerSource)}
	g.host, g.flags = d.Address, ""
	if host, port, err := net.SplitHostPort(d.Address); err == nil {
		if g.host = host; port != "22" {
			g.flags = " -p " + port
		}
	}
	return g, nil
}

// errShutdown ends sessions that outlast the grace of a stopping server.
var errShutdown = errors.New("this VaultPAM server is stopping; connect again in a moment")

// Run accepts clients until ctx ends. Then it takes no more, leaves live sessions
// their grace, ends those that remain, and returns nil once all have ended.
func (g *Gateway) Run(ctx context.Context, ln net.Listener) error {
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	stopped := make(chan struct{})
	var grace *time.Timer
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ln.Close()
		grace = time.AfterFunc(g.d.Limits.Grace, func() { cut(errShutdown) })
	})
	var conns sync.WaitGroup
	err := g.accept(ctx, work, ln, &conns)
	if unhook() { // the listener broke by itself
		ln.Close()
		cut(errShutdown)
	} else {
		<-stopped
		defer grace.Stop()
	}
	conns.Wait()
	return err
}

// accept hands each client to a goroutine of its own.
func (g *Gateway) accept(ctx, work context.Context, ln net.Listener, conns *sync.WaitGroup) error {
	delay := time.Duration(0)
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			delay = 0
			conns.Go(func() { g.serve(ctx, work, c) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept ssh clients: %w", err)
		default: // out of descriptors, most likely: it passes
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			g.log.WarnContext(ctx, "accept failed", "error", err, "retry_ms", delay.Milliseconds())
			select {
			case <-ctx.Done():
			case <-time.After(delay):
			}
		}
	}
}

// serve is one client, from its first byte to its last. It ends when ctx ends
// while the client has not signed in; once it has, when work does.
func (g *Gateway) serve(ctx, work context.Context, raw net.Conn) {
	defer raw.Close()
	source := sourceAddr(raw.RemoteAddr())
	leave, ok := g.door.enter(source)
	if !ok {
		g.metrics.connections.WithLabelValues("limited").Inc()
		return
	}
	defer leave()
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c, err := g.admit(ctx, raw)
	if err != nil {
		g.log.DebugContext(ctx, "client not admitted", "source", source, "error", err)
		return
	}
	leave()
	if !stop() {
		c.conn.Close()
		return
	}
	raw.SetDeadline(time.Time{})
	c.serve(work)
}

// admit does the handshake and the sign-in.
func (g *Gateway) admit(ctx context.Context, raw net.Conn) (*client, error) {
	raw.SetDeadline(time.Now().Add(g.d.Limits.Handshake))
	source := sourceAddr(raw.RemoteAddr())
	wire := &corked{Conn: raw}
	hello, err := greet(wire)
	if err != nil {
		g.metrics.connections.WithLabelValues("not_ssh").Inc()
		return nil, err
	}
	s := &signIn{g: g, ctx: ctx, conn: raw, client: Client{
		Source:  authz.Source{IP: source, UserAgent: hello.client},
		Kind:    "openssh",
		Version: hello.client,
	}}
	conn, chans, reqs, err := ssh.NewServerConn(hello, s.config(!g.strangers.has(source, g.d.Now())))
	if err != nil {
		g.turnedAway(ctx, s, err)
		return nil, err
	}
	p, err := proved(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	g.metrics.connections.WithLabelValues("signed_in").Inc()
	wire.cork(conn.Conn)
	return newClient(g, conn, chans, reqs, s.client, p), nil
}

// turnedAway accounts for a handshake that failed. Only who presented a key is an
// event; scanners that never do are counted.
func (g *Gateway) turnedAway(ctx context.Context, s *signIn, err error) {
	if noCipher(err) {
		g.strangers.add(s.client.Source.IP, g.d.Now())
	}
	if s.login == "" {
		g.metrics.connections.WithLabelValues("no_handshake").Inc()
		return
	}
	g.metrics.connections.WithLabelValues("rejected").Inc()
	if s.presented == "" || ctx.Err() != nil {
		return
	}
	r := Rejection{Login: printable(s.login[:min(len(s.login), maxPerson)]), Fingerprint: s.presented, Client: s.client}
	if err := g.d.Rejections.Rejected(ctx, r); err != nil {
		g.log.ErrorContext(ctx, "rejection not recorded", "source", s.client.Source.IP, "error", err)
	}
}

package ssh

import (
	"context"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/sshtarget"
)

// target is a connection to the resource, signed in as the safe's account.
type target struct {
	ssh.Conn
	chans   <-chan ssh.NewChannel
	reqs    <-chan *ssh.Request
	hostKey string        // fingerprint
	done    chan struct{} // closed when the transport has ended
}

// leased is the answer of a lease that runs while the target is being dialled.
type leased struct {
	c   Credential
	err error
}

// reach dials the ticket's resource, checks its host key and signs in. The
// credential is awaited only when the target asks for it and wiped before reach
// returns. A failure comes with its class; an empty class means that the target
// is not to blame.
func (g *Gateway) reach(ctx context.Context, t *Ticket, lease <-chan leased) (_ *target, class Failure, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.d.Limits.Connect)
	defer cancel()
	raw, err := g.d.Dialer.Dial(ctx, t.Host, t.Port)
	if err != nil {
		(<-lease).c.Wipe()
		return nil, Unreachable, refuse(err, "the target of safe %s does not answer. It may be down; try again, or tell an administrator", printable(t.Safe))
	}
	unhook := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	defer unhook()
	s := &upstreamSignIn{ctx: ctx, lease: lease}
	defer s.wipe()
	out := &target{done: make(chan struct{})}
	wire := &corked{Conn: raw}
	conn, chans, reqs, err := ssh.NewClientConn(wire, t.Host, s.config(t, &out.hostKey))
	if err != nil {
		raw.Close()
		class, err = s.explain(t, err)
		return nil, class, err
	}
	if !unhook() {
		conn.Close()
		return nil, Unreachable, refuse(ctx.Err(), "the target of safe %s took too long to sign in to. Try again, or tell an administrator", printable(t.Safe))
	}
	raw.SetDeadline(time.Time{})
	wire.cork(conn)
	out.Conn, out.chans, out.reqs = conn, chans, reqs
	go func() {
		defer close(out.done)
		out.Wait()
	}()
	return out, "", nil
}

// upstreamSignIn is the sign-in at the target.
type upstreamSignIn struct {
	ctx   context.Context
	lease <-chan leased

	got *leased
}

// credential waits for the lease.
func (s *upstreamSignIn) credential() (Credential, error) {
	if s.got == nil {
		l := <-s.lease // Lease ends with the context
		s.got = &l
	}
	return s.got.c, s.got.err
}

// wipe makes sure that nothing of the credential outlives the handshake, even
// when the target never asked for it.
func (s *upstreamSignIn) wipe() {
	c, _ := s.credential()
	c.Wipe()
}

func (s *upstreamSignIn) config(t *Ticket, fingerprint *string) *ssh.ClientConfig {
	return sshtarget.Config(t.Username, t.HostKeys, func() (sshtarget.Credential, error) {
		c, err := s.credential()
		return sshtarget.Credential{Password: c.Password, PrivateKey: c.PrivateKey, Passphrase: c.Passphrase}, err
	}, func(seen string) { *fingerprint = seen })
}

// explain sorts a failed handshake.
func (s *upstreamSignIn) explain(t *Ticket, err error) (Failure, error) {
	safe := printable(t.Safe)
	switch {
	case sshtarget.Stranger(err):
		return HostKeyMismatch, refuse(err, "the target of safe %s shows another host key than the one that an administrator confirmed. "+
			"It may have been reinstalled, or somebody is in between: nothing was sent to it. Tell an administrator", safe)
	case s.got != nil && s.got.err != nil:
		return "", s.got.err
	case sshtarget.Refused(err):
		return AuthFailed, refuse(err, "the target of safe %s does not accept the credential that is stored for its account. Tell an administrator", safe)
	}
	return Unreachable, refuse(err, "the target of safe %s does not speak SSH as expected, or broke off. Try again, or tell an administrator", safe)
}

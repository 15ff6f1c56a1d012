package ssh

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A client that uses the gateway as a jump host (ssh -J person@gateway web-prod)
// expects a pipe to the destination in which it speaks SSH itself. It does not
// get one: what went through it could be neither recorded nor held to a policy.
// Where the destination is a safe of the person whose policy allows jumps, the
// gateway answers in the pipe as that host, with its own host key, and the
// session takes the common path. Who the person is was proved by the outer
// connection, in which the inner one lives; the inner user name counts for nothing.

// jumpTo answers a forward of a connection that has no safe.
func (c *client) jumpTo(nc ssh.NewChannel, to tcpOpen) {
	mine, err := c.g.d.Safes.Mine(c.ctx, c.who(), c.from.Source)
	if err != nil {
		rejected(nc, ssh.ConnectionFailed, refused(err).sentence)
		return
	}
	choice, ok := jumpTarget(mine, to)
	if !ok {
		safe := "SAFE"
		if choice.Name != "" {
			safe = choice.Name
		}
		rejected(nc, ssh.Prohibited, "no jumps to "+printable(to.Host)+" here. Come to the safe itself: "+
			c.command(Login{Person: c.proof.login.Person, Safe: safe}))
		return
	}
	if c.jump != nil {
		rejected(nc, ssh.Prohibited, "no jumps inside a jump")
		return
	}
	down, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	c.work.Go(func() { ssh.DiscardRequests(reqs) })
	c.inside(&pipe{Channel: down, outer: c.conn}, choice)
}

// jumpTarget is the one safe that the destination names, by the safe's name or by
// its target's address. Without one that may be jumped to, ok is false; choice then
// is a safe that was meant, if there is one.
func jumpTarget(mine []Choice, to tcpOpen) (choice Choice, ok bool) {
	var found []Choice
	for _, m := range mine {
		if strings.EqualFold(m.Name, to.Host) || strings.EqualFold(m.Host, to.Host) && m.Port == int(to.Port) {
			choice = m
			if m.Jump {
				found = append(found, m)
			}
		}
	}
	if len(found) != 1 {
		return choice, false
	}
	return found[0], true
}

// inside serves the SSH connection in the pipe.
func (c *client) inside(p *pipe, choice Choice) {
	defer p.Close()
	s := &signIn{g: c.g, ctx: c.ctx, conn: p, client: c.from}
	config := s.config(true)
	config.PublicKeyCallback, config.VerifiedPublicKeyCallback, config.KeyboardInteractiveCallback = nil, nil, nil
	outer := *c.proof
	outer.person = c.who()
	outer.login = Login{Person: outer.login.Person, Org: choice.OrgSlug, Safe: choice.Name}
	if stale(choice, outer.person, c.g.d.Now()) {
		config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			return s.stepUp(outer, choice, nil, ask)
		}
	} else {
		config.NoClientAuth = true
		config.NoClientAuthCallback = func(ssh.ConnMetadata) (*ssh.Permissions, error) {
			return &ssh.Permissions{ExtraData: map[any]any{proofKey{}: &outer}}, nil
		}
	}
	timer := time.AfterFunc(c.g.d.Limits.SignIn, func() { p.Close() })
	conn, chans, reqs, err := ssh.NewServerConn(p, config)
	if !timer.Stop() || err != nil {
		return
	}
	proof, err := proved(conn)
	if err != nil {
		conn.Close()
		return
	}
	inner := newClient(c.g, conn, chans, reqs, c.from, proof)
	inner.jump = &choice
	inner.serve(c.ctx)
}

// pipe is a channel that an inner connection takes for a network connection.
type pipe struct {
	ssh.Channel
	outer ssh.Conn
}

func (p *pipe) LocalAddr() net.Addr  { return p.outer.LocalAddr() }
func (p *pipe) RemoteAddr() net.Addr { return p.outer.RemoteAddr() }

// A channel knows no deadlines; inside uses a timer.
func (p *pipe) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (p *pipe) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (p *pipe) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.Channel.Write(b)
	if errors.Is(err, io.EOF) {
		err = net.ErrClosed
	}
	return n, err
}

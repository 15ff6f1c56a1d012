package ssh

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// tcpOpen is the payload of direct-tcpip and forwarded-tcpip. Source: RFC 4254, section 7.2.
type tcpOpen struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

func parseTCPOpen(p []byte) (tcpOpen, error) {
	f := fields{b: p}
	o := tcpOpen{f.string(maxHost), f.uint32(), f.string(maxHost), f.uint32()}
	if err := f.done("channel open"); err != nil {
		return tcpOpen{}, err
	}
	if o.Host == "" || !plainName(o.Host) || !plainName(o.Origin) || o.Port == 0 || o.Port > 65535 {
		return tcpOpen{}, errors.New("malformed destination")
	}
	return o, nil
}

func (o tcpOpen) marshal() []byte {
	b := binary.BigEndian.AppendUint32(appendString(nil, o.Host), o.Port)
	return binary.BigEndian.AppendUint32(appendString(b, o.Origin), o.OriginPort)
}

// localOpen is the payload of direct-streamlocal@openssh.com and
// forwarded-streamlocal@openssh.com; what follows the path is reserved. Source:
// OpenSSH's PROTOCOL, section 2.4.
func parseLocalOpen(p []byte) (path string, err error) {
	f := fields{b: p}
	path = f.string(maxHost)
	f.string(maxHost)
	if len(f.b) == 4 {
		f.uint32()
	}
	if err := f.done("channel open"); err != nil {
		return "", err
	}
	if path == "" || !plainName(path) {
		return "", errors.New("malformed socket path")
	}
	return path, nil
}

// directTCP serves a local or dynamic forward, and a jump.
func (c *client) directTCP(nc ssh.NewChannel) {
	to, err := parseTCPOpen(nc.ExtraData())
	if err != nil {
		rejected(nc, ssh.ConnectionFailed, "the forward's destination cannot be read")
		return
	}
	r := c.current()
	if r == nil {
		c.jumpTo(nc, to)
		return
	}
	if err := r.wait(); err != nil {
		rejected(nc, ssh.Prohibited, refused(err).sentence)
		return
	}
	note := format.Forwarded{Direction: "local", Host: format.Raw(to.Host), Port: to.Port, Origin: format.Raw(to.Origin)}
	safe := printable(r.ticket.Safe)
	switch {
	case !r.policy.LocalForward || c.proof.denied.forward:
		c.forbid(r, nc, note, fmt.Sprintf("safe %s does not allow forwards to its target. Ask a manager of the safe if you need one", safe))
	case !leadsToTarget(r.ticket, to.Host):
		c.forbid(r, nc, note, fmt.Sprintf("forwards through safe %s lead to its own target only, as localhost, and not to %s", safe, printable(to.Host)))
	case to.Port == 22 || int(to.Port) == r.ticket.Port:
		c.forbid(r, nc, note, c.nested(r))
	default:
		c.forward(r, nc, note)
	}
}

// nested is what is said to SSH inside a forward, which nothing here could record.
func (c *client) nested(r *route) string {
	return "SSH inside a forward does not pass. Come to the safe itself: " +
		c.command(Login{Person: c.proof.login.Person, Org: c.proof.login.Org, Safe: r.ticket.Safe})
}

// leadsToTarget tells whether a forward's host is the target itself, as seen from it.
func leadsToTarget(t *Ticket, host string) bool {
	if strings.EqualFold(host, t.Host) || strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Zone() == "" && a.Unmap().IsLoopback()
}

// directLocal serves a forward to a socket on the target.
func (c *client) directLocal(nc ssh.NewChannel) {
	path, err := parseLocalOpen(nc.ExtraData())
	if err != nil {
		rejected(nc, ssh.ConnectionFailed, "the forward's destination cannot be read")
		return
	}
	r := c.current()
	if r == nil {
		rejected(nc, ssh.Prohibited, "name a safe to forward to its target: "+c.command(Login{Person: c.proof.login.Person, Safe: "SAFE"}))
		return
	}
	if err := r.wait(); err != nil {
		rejected(nc, ssh.Prohibited, refused(err).sentence)
		return
	}
	note := format.Forwarded{Direction: "local", Host: format.Raw(path)}
	if !r.policy.LocalForward || c.proof.denied.forward {
		c.forbid(r, nc, note, fmt.Sprintf("safe %s does not allow forwards to its target. Ask a manager of the safe if you need one", printable(r.ticket.Safe)))
		return
	}
	c.forward(r, nc, note)
}

// forbid refuses a forward by policy: in the ledger, in the record, and to the client.
func (c *client) forbid(r *route, nc ssh.NewChannel, note format.Forwarded, sentence string) {
	c.forbidden(r, note, toTarget)
	rejected(nc, ssh.Prohibited, sentence)
}

func (c *client) forbidden(r *route, note format.Forwarded, direction string) {
	note.Event, note.Reason = "refused", "policy"
	r.put(note.Frame(0))
	detail := fmt.Sprintf("%s %s:%d", note.Direction, note.Host, note.Port)
	r.enforce(c.ctx, 0, Enforcement{Control: controlForward, Direction: direction}, detail)
}

// forward opens the channel at the target as the client asked and joins the two.
func (c *client) forward(r *route, nc ssh.NewChannel, note format.Forwarded) {
	if err := r.firstChannel(c.ctx, "port_forward"); err != nil {
		rejected(nc, ssh.ConnectionFailed, refused(err).sentence)
		return
	}
	up, upReqs, err := r.target.OpenChannel(nc.ChannelType(), nc.ExtraData())
	if err != nil {
		rejectAs(nc, err)
		return
	}
	down, downReqs, err := nc.Accept()
	if err != nil {
		up.Close()
		ssh.DiscardRequests(upReqs)
		return
	}
	j := &joint{c: c, r: r, id: r.lastID.Add(1), note: note, down: down, downReqs: downReqs, up: up, upReqs: upReqs, sniff: true}
	j.carry(nc.ChannelType(), "client")
}

// joint is a forwarded connection. Its contents are not recorded, its ends and
// byte counts are.
type joint struct {
	c                *client
	r                *route
	id               uint32
	note             format.Forwarded
	down, up         ssh.Channel
	downReqs, upReqs <-chan *ssh.Request
	sniff            bool // SSH inside it does not pass
	toTarget, from   atomic.Int64
}

var errNested = errors.New("ssh inside a forward")

// carry moves the bytes until both sides are done.
func (j *joint) carry(kind, by string) {
	defer j.down.Close()
	defer j.up.Close()
	j.note.Event = "opened"
	if j.r.put(format.Opened{Type: kind, By: by}.Frame(j.id)) != nil || j.r.put(j.note.Frame(j.id)) != nil {
		j.c.work.Go(func() { ssh.DiscardRequests(j.downReqs) })
		j.c.work.Go(func() { ssh.DiscardRequests(j.upReqs) })
		return
	}
	var wg sync.WaitGroup
	var nested sync.Once
	half := func(dst, src ssh.Channel, count, total *atomic.Int64) func() {
		return func() {
			if errors.Is(j.r.pump(dst, src, j.sniffer(), count, total), errNested) {
				nested.Do(func() { j.c.forbidden(j.r, j.note, toTarget) })
				j.down.Close()
				j.up.Close()
				return
			}
			dst.CloseWrite()
		}
	}
	sent, drained := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		half(j.up, j.down, &j.toTarget, &j.r.up)()
		close(sent)
	})
	wg.Go(func() {
		half(j.down, j.up, &j.from, &j.r.down)()
		close(drained)
	})
	wg.Go(func() {
		ssh.DiscardRequests(j.downReqs) // until the client closes its half
		j.r.soon(sent)
		j.up.Close()
	})
	wg.Go(func() {
		ssh.DiscardRequests(j.upReqs)
		<-drained
		j.down.Close()
	})
	wg.Wait()
	j.note.Event, j.note.BytesToTarget, j.note.BytesFromTarget = "closed", j.toTarget.Load(), j.from.Load()
	j.r.put(j.note.Frame(j.id))
	j.r.put(format.Closed{BytesToTarget: j.toTarget.Load(), BytesFromTarget: j.from.Load()}.Frame(j.id))
}

// sniffer looks at the first bytes of one direction: both sides of an SSH
// connection begin with the same four.
func (j *joint) sniffer() sink {
	const mark = "SSH-"
	seen := 0
	if !j.sniff {
		seen = len(mark) + 1
	}
	return func(p []byte) error {
		for i := 0; i < len(p) && seen < len(mark); i++ {
			if p[i] != mark[seen] {
				seen = len(mark) + 1
				return nil
			}
			seen++
		}
		if seen == len(mark) {
			return errNested
		}
		return nil
	}
}

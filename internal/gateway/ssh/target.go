package ssh

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// target is a connection to the resource, signed in as the safe's account.
type target struct {
	ssh.Conn
	chans   <-chan ssh.NewChannel
	reqs    <-chan *ssh.Request
	hostKey string        // fingerprint
	done    chan struct{} // closed when the transport has ended
}

// wrongHostKey is a target that does not show a pinned key.
type wrongHostKey struct{ seen string }

func (e *wrongHostKey) Error() string { return "the host key " + e.seen + " is not pinned" }

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
	return &ssh.ClientConfig{
		User:          t.Username,
		ClientVersion: version,
		// Only kinds of keys that are pinned are asked for: another kind could not be checked.
		HostKeyAlgorithms: hostKeyAlgorithms(t.HostKeys),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen := key.Marshal()
			for _, pinned := range t.HostKeys {
				if subtle.ConstantTimeCompare(seen, pinned) == 1 {
					*fingerprint = ssh.FingerprintSHA256(key)
					return nil
				}
			}
			return &wrongHostKey{ssh.FingerprintSHA256(key)}
		},
		AuthCallback: s.next,
	}
}

var (
	errNotAccepted = errors.New("the target accepts none of the account's credentials")
	errQuestion    = errors.New("the target asks something else than a password")
)

// next chooses how to sign in, once the target has said what it takes. A stored
// password answers a plain request for it or, failing that, a dialogue.
func (s *upstreamSignIn) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	cred, err := s.credential()
	if err != nil {
		return nil, err
	}
	open := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method)
	}
	switch {
	case !cred.PrivateKey.Empty() && open("publickey"):
		key, err := signer(cred)
		if err != nil {
			return nil, fmt.Errorf("read the account's private key: %w", err)
		}
		return ssh.PublicKeys(key), nil
	case !cred.Password.Empty() && open("password"):
		return ssh.Password(cred.Password.RevealString()), nil
	case !cred.Password.Empty() && open("keyboard-interactive"):
		return ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			return dialogue(cred, questions, echos)
		}), nil
	}
	return nil, errNotAccepted
}

func signer(c Credential) (ssh.Signer, error) {
	if c.Passphrase.Empty() {
		return ssh.ParsePrivateKey(c.PrivateKey.Reveal())
	}
	return ssh.ParsePrivateKeyWithPassphrase(c.PrivateKey.Reveal(), c.Passphrase.Reveal())
}

// dialogue answers a target that asks for the password in a conversation: one
// hidden question at a time. Anything else is not a question for a password, and
// the stored one is not given away to it.
func dialogue(c Credential, questions []string, echos []bool) ([]string, error) {
	switch {
	case len(questions) == 0:
		return nil, nil
	case len(questions) > 1 || echos[0]:
		return nil, errQuestion
	}
	return []string{c.Password.RevealString()}, nil
}

// explain sorts a failed handshake.
func (s *upstreamSignIn) explain(t *Ticket, err error) (Failure, error) {
	safe := printable(t.Safe)
	var key *wrongHostKey
	var neg *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &key), errors.As(err, &neg) && strings.Contains(neg.What, "host key"):
		return HostKeyMismatch, refuse(err, "the target of safe %s shows another host key than the one that an administrator confirmed. "+
			"It may have been reinstalled, or somebody is in between: nothing was sent to it. Tell an administrator", safe)
	case s.got != nil && s.got.err != nil:
		return "", s.got.err
	case errors.Is(err, errNotAccepted), strings.Contains(err.Error(), "disconnect, reason 2:"), strings.Contains(err.Error(), "disconnect, reason 14:"):
		return AuthFailed, refuse(err, "the target of safe %s does not accept the credential that is stored for its account. Tell an administrator", safe)
	}
	return Unreachable, refuse(err, "the target of safe %s does not speak SSH as expected, or broke off. Try again, or tell an administrator", safe)
}

// hostKeyAlgorithms are the signature algorithms of the pinned keys.
func hostKeyAlgorithms(pinned [][]byte) (names []string) {
	for _, wire := range pinned {
		key, err := ssh.ParsePublicKey(wire)
		if err != nil {
			continue // no key can match it
		}
		if key.Type() == ssh.KeyAlgoRSA {
			names = append(names, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512)
			continue
		}
		names = append(names, key.Type())
	}
	return names
}

package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// GrantExtension is the certificate extension in which `vaultpam ssh` carries
// the launch grant that it was given; its value is the grant's token. Who signs
// in with such a certificate is taken to what the grant was made for.
const GrantExtension = "launch-grant@vaultpam"

// maxCode bounds what a person may type as password or one-time code.
const maxCode = 1024

var errSignIn = errors.New("sign-in refused")

// proof is what a client has proved, and by what. It exists for a connection
// only after the signature, or the password and code, have been checked.
type proof struct {
	person  Person
	login   Login
	method  string
	grant   secret.Secret // of the certificate; empty without one
	choices []Choice      // safes of the login's name, when signing in had to look them up
	denied  restrictions  // what the certificate does not permit
}

// restrictions are the permissions that a certificate lacks. Keys and passwords have none.
type restrictions struct{ pty, forward, agent, x11 bool }

type proofKey struct{}

// signIn is the authentication of one connection.
type signIn struct {
	g      *Gateway
	ctx    context.Context
	conn   net.Conn
	client Client

	presented string // fingerprint of the last key that was offered and not proved
	login     string // user name, as claimed
}

// config is the server side of the handshake for this connection.
func (s *signIn) config(strict bool) *ssh.ServerConfig {
	algorithms := ssh.SupportedAlgorithms()
	c := &ssh.ServerConfig{
		Config: ssh.Config{
			Ciphers:      ciphersFor(s.client.Version, strict),
			KeyExchanges: algorithms.KeyExchanges,
			MACs:         algorithms.MACs,
		},
		PublicKeyAuthAlgorithms:     algorithms.PublicKeyAuths,
		ServerVersion:               version,
		MaxAuthTries:                6,
		PublicKeyCallback:           s.keyOffered,
		VerifiedPublicKeyCallback:   s.keyProved,
		KeyboardInteractiveCallback: s.passwordAndCode,
		// Asked once, when the keys have been exchanged and the first sign-in try
		// arrives: from here on a person may be typing.
		BannerCallback: func(ssh.ConnMetadata) string { s.extend(); return "" },
	}
	for _, k := range s.g.d.HostKeys {
		c.AddHostKey(k)
	}
	return c
}

// extend gives a person who signs in the time that typing takes.
func (s *signIn) extend() {
	s.conn.SetDeadline(time.Now().Add(s.g.d.Limits.SignIn))
	if s.ctx.Err() != nil { // the server stops: it must not wait for typing
		s.conn.SetDeadline(time.Unix(1, 0))
	}
}

// keyOffered answers whether a key would do. The client has not signed with it:
// nothing that is found here counts until keyProved.
func (s *signIn) keyOffered(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	s.presented, s.login = ssh.FingerprintSHA256(key), c.User()
	login, err := ParseLogin(c.User())
	if err != nil {
		return nil, err
	}
	p := &proof{login: login, method: "publickey"}
	perms := &ssh.Permissions{ExtraData: map[any]any{proofKey{}: p}}
	if cert, ok := key.(*ssh.Certificate); ok {
		return perms, s.certificateOffered(p, perms, cert)
	}
	p.person, err = s.g.d.Auth.KeyOwner(s.ctx, login.Person, key.Marshal(), s.client.Source)
	return perms, s.failed(err)
}

func (s *signIn) certificateOffered(p *proof, perms *ssh.Permissions, cert *ssh.Certificate) (err error) {
	if cert.CertType != ssh.UserCert {
		return errors.New("a host certificate is no proof of a person")
	}
	for name := range cert.CriticalOptions {
		if name != "source-address" {
			return fmt.Errorf("the certificate has the critical option %.40q, which is not known here", name)
		}
	}
	perms.CriticalOptions = cert.CriticalOptions // source-address: the handshake holds the client to it
	p.method = "certificate"
	p.grant = secret.FromString(cert.Extensions[GrantExtension])
	lacks := func(name string) bool { _, ok := cert.Extensions[name]; return !ok }
	p.denied = restrictions{pty: lacks("permit-pty"), forward: lacks("permit-port-forwarding"),
		agent: lacks("permit-agent-forwarding"), x11: lacks("permit-X11-forwarding")}
	p.person, err = s.g.d.Auth.CertificateOwner(s.ctx, p.login.Person, cert, s.client.Source)
	return s.failed(err)
}

// keyProved is called once the signature holds. Where the safe wants a fresh
// second factor the sign-in goes on with a question for it.
func (s *signIn) keyProved(_ ssh.ConnMetadata, key ssh.PublicKey, perms *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	p := perms.ExtraData[proofKey{}].(*proof)
	var err error
	if p.person, err = s.g.d.Auth.Prove(s.ctx, p.person, key.Marshal(), s.client.Source); err != nil {
		return nil, s.failed(err)
	}
	s.presented = "" // whatever fails from here on, the key was theirs
	if p.login.Safe == "" || !p.grant.Empty() {
		return perms, nil
	}
	if p.choices, err = s.g.d.Safes.Named(s.ctx, p.person, p.login.Org, p.login.Safe, s.client.Source); err != nil {
		return nil, s.failed(err)
	}
	if len(p.choices) != 1 || !stale(p.choices[0], p.person, s.g.d.Now()) {
		return perms, nil
	}
	return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
		KeyboardInteractiveCallback: func(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			return s.stepUp(*p, p.choices[0], perms.CriticalOptions, ask)
		},
	}}
}

// stale tells whether the safe wants a newer second factor than the person has shown.
func stale(c Choice, p Person, now time.Time) bool {
	return c.StepUp && (p.MFAAt.IsZero() || now.Sub(p.MFAAt) > c.Fresh)
}

// stepUp asks for a code after the key. The key's proof is carried here by value:
// what the connection ends up with is this proof and no other.
func (s *signIn) stepUp(p proof, safe Choice, critical map[string]string, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	s.extend()
	answers, err := ask("", "Safe "+printable(safe.Name)+" wants a fresh second factor.\n", []string{codePrompt}, []bool{false})
	if err != nil {
		return nil, err
	}
	code, err := answer(answers, 0)
	if err != nil {
		return nil, err
	}
	defer code.Wipe()
	if p.person, err = s.g.d.Auth.StepUp(s.ctx, p.person, safe, code, s.client.Source); err != nil {
		return nil, s.failed(err)
	}
	return &ssh.Permissions{CriticalOptions: critical, ExtraData: map[any]any{proofKey{}: &p}}, nil
}

const codePrompt = "One-time code: "

// passwordAndCode is the sign-in without a key. Both questions are always asked,
// and both answers have to hold, so that an unknown name looks like any other.
func (s *signIn) passwordAndCode(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	s.extend()
	s.login = c.User()
	answers, err := ask("", "", []string{"VaultPAM password: ", codePrompt}, []bool{false, false})
	if err != nil {
		return nil, err
	}
	password, err := answer(answers, 0)
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	code, err := answer(answers, 1)
	if err != nil {
		return nil, err
	}
	defer code.Wipe()
	login, err := ParseLogin(c.User())
	if err != nil {
		return nil, err
	}
	p := &proof{login: login, method: "keyboard-interactive"}
	if p.person, err = s.g.d.Auth.PasswordAndCode(s.ctx, login.Person, password, code, s.client.Source); err != nil {
		return nil, s.failed(err)
	}
	return &ssh.Permissions{ExtraData: map[any]any{proofKey{}: p}}, nil
}

// answer is the i-th answer, which must be there and not be empty.
func answer(answers []string, i int) (secret.Secret, error) {
	if i >= len(answers) || answers[i] == "" || len(answers[i]) > maxCode {
		return secret.Secret{}, errSignIn
	}
	return secret.FromString(answers[i]), nil
}

// failed logs what is our own fault; to the client every refusal is the same.
func (s *signIn) failed(err error) error {
	if err != nil && fault.KindOf(err) == fault.Internal && s.ctx.Err() == nil {
		s.g.log.ErrorContext(s.ctx, "sign-in could not be decided", "source", s.client.Source.IP, "error", err)
	}
	return err
}

// proved is the identity of a finished handshake: that of the last, successful method.
func proved(c *ssh.ServerConn) (*proof, error) {
	if c.Permissions != nil {
		if p, ok := c.Permissions.ExtraData[proofKey{}].(*proof); ok && p.person.User != id.User("") {
			return p, nil
		}
	}
	return nil, errors.New("the handshake ended without a proof")
}

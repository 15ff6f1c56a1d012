package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Security is how a connection to a mail server is encrypted. There is no way
// to have none, and the server's certificate is always verified.
type Security string

// The ways.
const (
	StartTLS Security = "starttls" // required; usual on port 587
	TLS      Security = "tls"      // from the first byte; usual on port 465
)

// Server is a mail server that takes our messages.
type Server struct {
	Host     string
	Port     int
	Security Security
	Username string // empty: no sign-in
	Password secret.Secret
	From     string // such as "VaultPAM <vaultpam@example.com>"
	CA       []byte // PEM; empty: the machine's authorities
}

func (s Server) name() string {
	if s.Host == "" {
		return ""
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// Check tells what is wrong with the settings of a server.
func (s Server) Check() error {
	f := fault.New(fault.Invalid, "the mail server cannot be used like this: see the fields that are named")
	if wrong := strings.ContainsFunc(s.Host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/@\\", r) }); wrong || s.Host == "" || len(s.Host) > 253 {
		f.WithField("host", "must be the name or address of a mail server")
	}
	if s.Port < 1 || s.Port > 65535 {
		f.WithField("port", "must be from 1 to 65535, usually 587 or 465")
	}
	if s.Security != StartTLS && s.Security != TLS {
		f.WithField("security", "must be starttls or tls")
	}
	if _, err := netmail.ParseAddress(s.From); err != nil || strings.ContainsAny(s.From, "\r\n") {
		f.WithField("from", "must be an address such as VaultPAM <vaultpam@example.com>")
	}
	if (s.Username == "") != s.Password.Empty() {
		f.WithField("username", "needs a password beside it, and the other way round")
	}
	if len(s.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(s.CA) {
		f.WithField("ca", "must be certificates in PEM")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func (s Server) check() error {
	if s.Host == "" {
		return nil
	}
	return s.Check()
}

// envelope is one message on its way.
type envelope struct {
	id       id.Delivery
	kind     Kind
	to, name string
	at       time.Time
	Rendered
}

// compose writes the message as it goes over the wire.
func (e envelope) compose(s Server, publicURL string) (*mail.Msg, error) {
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return nil, fmt.Errorf("the sender %q is no address: %w", s.From, err)
	}
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP))
	if err := m.FromFormat(from.Name, from.Address); err != nil {
		return nil, fmt.Errorf("set the sender: %w", err)
	}
	if err := m.AddToFormat(e.name, e.to); err != nil {
		return nil, &refusal{fmt.Errorf("set the recipient: %w", err)}
	}
	host := "vaultpam"
	if u, err := url.Parse(publicURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	m.SetMessageIDWithValue(fmt.Sprintf("%s@%s", e.id, host))
	m.SetDateWithValue(e.at)
	m.Subject(e.Subject)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-VaultPAM-Kind", string(e.kind))
	m.SetBodyString(mail.TypeTextPlain, e.Text)
	m.AddAlternativeString(mail.TypeTextHTML, e.HTML)
	return m, nil
}

// send hands the message to a server. own dials through the closed list.
func (s *Service) send(ctx context.Context, sv Server, own bool, e envelope) error {
	m, err := e.compose(sv, s.d.PublicURL)
	if err != nil {
		return err
	}
	roots := (*x509.CertPool)(nil)
	if len(sv.CA) > 0 {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM(sv.CA)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: sv.Host, RootCAs: roots}
	opts := []mail.Option{mail.WithPort(sv.Port), mail.WithTLSConfig(conf), mail.WithTimeout(15 * time.Second), mail.WithoutNoop()}
	if u, err := url.Parse(s.d.PublicURL); err == nil && u.Hostname() != "" {
		opts = append(opts, mail.WithHELO(heloName(u.Hostname())))
	}
	opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	auth := mail.SMTPAuthAutoDiscover
	if own && sv.Security == TLS {
		auth = mail.SMTPAuthPlainNoEnc // it is encrypted, by our own dial, which the library does not know
	}
	if sv.Username != "" {
		opts = append(opts, mail.WithSMTPAuth(auth), mail.WithUsername(sv.Username), mail.WithPassword(sv.Password.RevealString()))
	}
	if own {
		opts = append(opts, mail.WithDialContextFunc(s.dial(sv, conf)))
	}
	if sv.Security == TLS {
		opts = append(opts, mail.WithSSL())
	}
	c, err := mail.NewClient(sv.Host, opts...)
	if err != nil {
		return fmt.Errorf("set up the connection to the mail server: %w", err)
	}
	return verdict(c.DialAndSendWithContext(ctx, m))
}

// heloName is how we present ourselves; an address is written in brackets (RFC 5321, 4.1.3).
func heloName(host string) string {
	ip := net.ParseIP(host)
	switch {
	case ip == nil:
		return host
	case ip.To4() == nil:
		return "[IPv6:" + host + "]"
	}
	return "[" + host + "]"
}

// errDial marks failures to reach the server at all.
type errDial struct{ error }

func (e errDial) Unwrap() error { return e.error }

func unreachable(err error) bool {
	var d errDial
	return errors.As(err, &d)
}

// dial reaches an organization's own server, as far as an organization may reach.
func (s *Service) dial(sv Server, conf *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.d.Dialer.Dial(ctx, sv.Host, sv.Port)
		if err != nil {
			return nil, errDial{err}
		}
		if sv.Security != TLS {
			return conn, nil
		}
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, errDial{err}
		}
		return t, nil
	}
}

// refusal is a failure that a repeat does not mend.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// verdict tells failures for good from those that pass: a server that answers 5xx
// to this message, its recipient or its sender will do so again.
func verdict(err error) error {
	var se *mail.SendError
	if errors.As(err, &se) && !se.IsTemp() {
		switch se.Reason {
		case mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
			return &refusal{err}
		}
	}
	return err
}

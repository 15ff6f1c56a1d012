package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Prefix is where the API lives on a server.
const Prefix = "/api/v1"

// The bounds of one call. A stream is bounded by its context alone.
const (
	callTime  = 90 * time.Second // a host key scan waits for a target
	maxAnswer = 16 << 20

	longestPause = 2 * time.Second // that a call makes by itself, each time the server asks for one
)

// Config says which server, whom to trust and who asks.
type Config struct {
	Origin  string        // https://host or https://host:port, as Origin makes it
	CA      []byte        // PEM; certificates trusted besides the system's
	Token   secret.Secret // of a session or an API token; empty: nobody
	Org     string        // id of the active organization; empty: the server's choice
	Version string        // of this program, for the server's logs
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	conf Config
	http *http.Client
}

// Origin brings the address of a server into the form https://host[:port].
// Anything but TLS is refused: a password must not travel in the open.
func Origin(address string) (string, error) {
	wrong := fault.New(fault.Invalid, "%q is not the address of a server: write https://host or https://host:port", address)
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", wrong
	}
	if u.Scheme != "https" {
		return "", fault.New(fault.Invalid, "%q is not an https address: VaultPAM is only ever spoken to over TLS", address)
	}
	return "https://" + strings.TrimSuffix(strings.ToLower(u.Host), ":443"), nil
}

// New makes a client; it opens nothing.
func New(c Config) (*Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without certificates trusts only the given ones
	}
	if len(c.CA) > 0 && !roots.AppendCertsFromPEM(c.CA) {
		return nil, fault.New(fault.Invalid, "the CA file holds no certificate in PEM form")
	}
	dial := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &Client{conf: c, http: &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dial.DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: callTime,
			ForceAttemptHTTP2:     true,
			MaxIdleConnsPerHost:   2,
			IdleConnTimeout:       30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Origin is the server that the client calls.
func (c *Client) Origin() string { return c.conf.Origin }

// Answer is the body of a good answer; empty when there is none.
type Answer struct {
	Body   []byte
	Header http.Header
}

// Into decodes the answer. Fields that v does not have are passed over: the
// server may be newer than we are.
func (a Answer) Into(v any) error {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return fault.New(fault.Internal, "the server's answer is not of the expected form; is it a VaultPAM server of this version?").Because(err)
	}
	return nil
}

// Call sends one request under Prefix and reads its answer. in, when not nil, is
// the JSON body. The error is a fault with the server's code. A write carries an
// Idempotency-Key, so that it can be sent once more when the connection breaks
// before the answer is there, and is done once all the same. A caller who is signed
// in and only too fast is made to wait: many calls, as of an apply of a thousand
// groups, come to their end.
func (c *Client) Call(ctx context.Context, method, path string, query url.Values, in any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	key := ""
	if method != http.MethodGet && !c.conf.Token.Empty() { // keys belong to who is signed in
		key = rand.Text()
	}
	for again := false; ; {
		a, err := c.once(ctx, method, path, query, in, key)
		switch wait := c.tooFast(err); {
		case wait > 0:
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return a, err // what the server said tells more than that time is up
			}
		case lost(err) && !again && ctx.Err() == nil && (key != "" || method == http.MethodGet):
			again = true
		default:
			return a, err
		}
	}
}

// tooFast is how long the server asks a caller who is signed in to pause; 0 when it
// does not, or for so long that a person should hear of it.
func (c *Client) tooFast(err error) time.Duration {
	f := fault.As(err)
	if f == nil || f.Kind != fault.Exhausted || c.conf.Token.Empty() || f.RetryAfter > longestPause {
		return 0
	}
	return f.RetryAfter
}

// lost tells whether the connection broke after the request may have arrived.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *Client) once(ctx context.Context, method, path string, query url.Values, in any, key string) (Answer, error) {
	resp, err := c.send(ctx, method, path, query, in, key)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, c.broken(ctx, err)
	}
	if len(body) > maxAnswer {
		return Answer{}, fault.New(fault.Internal, "the server's answer is longer than %d MiB", maxAnswer>>20)
	}
	if resp.StatusCode == http.StatusAccepted {
		if w := waiting(body); w != nil {
			return Answer{}, w
		}
	}
	return Answer{Body: body, Header: resp.Header}, nil
}

// Stream sends one GET and gives its answer while it comes. The caller closes it.
func (c *Client) Stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	resp, err := c.send(ctx, http.MethodGet, path, query, nil, "")
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusAccepted {
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxWaiting))
		if err != nil {
			return nil, c.broken(ctx, err)
		}
		if w := waiting(body); w != nil {
			return nil, w
		}
		return nil, fault.New(fault.Internal, "the server answers what this program does not understand: it may be older than the server")
	}
	return &stream{ctx, c, resp.Body}, nil
}

// stream is an answer that is being read; a failure of its network is a fault.
type stream struct {
	ctx  context.Context // of the request, whose end ends the reading
	c    *Client
	body io.ReadCloser
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.c.broken(s.ctx, err)
	}
	return n, err
}

func (s *stream) Close() error { return s.body.Close() }

// send gives a response with a good status. key names a write.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any, key string) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	target := c.conf.Origin + Prefix + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	req.Header.Set("User-Agent", "vaultpam/"+c.conf.Version)
	if !c.conf.Token.Empty() {
		req.Header.Set("Authorization", "Bearer "+c.conf.Token.RevealString())
	}
	if c.conf.Org != "" {
		req.Header.Set("X-Active-Org-Id", c.conf.Org)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what came is enough to say what is wrong
	return nil, c.problem(resp, text)
}

// broken tells what kept the network from answering. The address of the request
// is left out: it may hold what somebody searched for.
func (c *Client) broken(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return context.Canceled
	case errors.As(err, &unknown):
		return fault.New(fault.Unavailable, "the certificate of %s is signed by an authority that is not trusted here: name its file with --ca-file, or check that this is the right server", c.conf.Origin).Because(err)
	case errors.As(err, &name):
		return fault.New(fault.Unavailable, "the certificate of %s is for another name: check the address", c.conf.Origin).Because(err)
	case errors.As(err, &invalid):
		return fault.New(fault.Unavailable, "the certificate of %s is not valid: it has expired, or must not be used for this", c.conf.Origin).Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.Unavailable, "%s does not answer in time: check the address and the network, then try again", c.conf.Origin).Because(err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.New(fault.Unavailable, "%s ended the connection before its answer was complete: try again", c.conf.Origin).Because(err)
	}
	return fault.New(fault.Unavailable, "%s cannot be reached: %s", c.conf.Origin, reason(err)).Because(err)
}

// reason is the innermost cause of a network error, which says it best.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

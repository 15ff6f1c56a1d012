package sso

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	callTime  = 10 * time.Second // one call of a provider, whole
	maxAnswer = 1 << 20
)

// client speaks with one provider: over verified TLS only, to addresses that the
// dialer allows, following no redirects, reading a bounded answer.
func (s *Service) client(p Provider) (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if p.CAPEM != "" && !roots.AppendCertsFromPEM([]byte(p.CAPEM)) {
		return nil, fmt.Errorf("provider %s: its certificates cannot be read", p.ID)
	}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				return nil, err
			}
			return s.d.Dialer.Dial(ctx, host, n)
		},
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    callTime,
		ResponseHeaderTimeout:  callTime,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
	}
	return &http.Client{
		Transport:     bounded{t},
		Timeout:       callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded refuses what is not HTTPS and cuts long answers off.
type bounded struct{ next http.RoundTripper }

var errPlain = errors.New("a provider is called over https only")

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errPlain
	}
	a, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.Body = &limited{Reader: io.LimitReader(a.Body, maxAnswer+1), Closer: a.Body}
	return a, nil
}

type limited struct {
	io.Reader
	io.Closer
	n int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.n += n; l.n > maxAnswer {
		return n, errors.New("the answer is too long")
	}
	return n, err
}

// fingerprint stands for a long text in an event.
func fingerprint(s string) string {
	if s == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

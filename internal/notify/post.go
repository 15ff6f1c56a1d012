package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// The limits of one call. What a receiver answers beside its status is read for Slack
// only, whose answers are one word.
const (
	callTime   = 15 * time.Second
	maxAnswer  = 2 << 10
	maxHeaders = 16 << 10
	maxAsked   = time.Hour // the longest that a receiver may ask us to wait
)

// forbiddenAddress is the code of a Dialer's fault for what may not be reached.
const forbiddenAddress = "ADDRESS_FORBIDDEN"

// asked is a failure whose receiver said when to come again.
type asked struct {
	error
	after time.Duration
}

func (a *asked) Unwrap() error { return a.error }

// post hands a notice to a channel.
func (s *Service) post(ctx context.Context, name id.Delivery, way Way, h hidden, previous bool, d document) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body []byte
	var err error
	if way == Slack {
		body, err = slackBody(s.d.PublicURL, d)
	} else {
		body, err = webhookBody(d)
	}
	if err != nil {
		return &refusal{fmt.Errorf("write the notice: %w", err)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return &refusal{errors.New("the channel's URL cannot be used")}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "VaultPAM")
	if way == Webhook {
		s.signed(r, name, h, previous, body)
	}
	c, err := s.caller(h)
	if err != nil {
		return &refusal{err}
	}
	a, err := c.Do(r)
	if err != nil {
		return callError(err, callTime)
	}
	defer a.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	return s.answered(way, a, said)
}

// sign is a signature of Standard Webhooks: version 1 is HMAC-SHA256 over id, time and body.
func sign(key []byte, name id.Delivery, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.", name, at.Unix())
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// signed puts the headers of Standard Webhooks on a call.
func (s *Service) signed(r *http.Request, name id.Delivery, h hidden, previous bool, body []byte) {
	at := s.d.Now()
	sig := sign(h.Secret, name, at, body)
	if previous {
		sig += " " + sign(h.Previous, name, at, body)
	}
	r.Header.Set("webhook-id", string(name))
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", sig)
}

// caller makes one call: over TLS that is verified, to where an organization may reach,
// by no proxy, and where a redirect leads it does not go.
func (s *Service) caller(h hidden) (*http.Client, error) {
	var roots *x509.CertPool // nil: the machine's
	if h.CA != "" {
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM([]byte(h.CA)) {
			return nil, errors.New("the channel's authorities cannot be read")
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				n, err := strconv.Atoi(port)
				if err != nil {
					return nil, err
				}
				conn, err := s.d.Web.Dial(ctx, host, n)
				if err != nil {
					return nil, errDial{err}
				}
				return conn, nil
			},
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHeaders,
			DisableKeepAlives:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// callError says why a receiver was not reached. The URL, which is a secret, is left out.
func callError(err error, limit time.Duration) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return errors.New("its certificate cannot be verified: " + line(cert.Err.Error(), 150))
	case errors.Is(err, context.DeadlineExceeded):
		return errDial{fmt.Errorf("it did not answer within %s", limit)}
	case fault.CodeOf(err) == forbiddenAddress:
		return &refusal{errors.New("its address is not one that notices may be sent to: it is private, or this installation's own")}
	}
	return err
}

// answered reads a receiver's verdict.
func (s *Service) answered(way Way, a *http.Response, body []byte) error {
	status := strconv.Itoa(a.StatusCode)
	if text := http.StatusText(a.StatusCode); text != "" {
		status += " " + text
	}
	if word := slackWord(body); way == Slack && word != "" && a.StatusCode != http.StatusOK {
		status += " (" + word + ")"
	}
	err := errors.New("it answered " + status)
	switch code := a.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return &refusal{fmt.Errorf("%w: a redirect is not followed, give the URL that it leads to", err)}
	case code == http.StatusGone:
		return &refusal{err}
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if after := retryAfter(a.Header.Get("Retry-After"), s.d.Now()); after > 0 {
			return &asked{err, after}
		}
		return err
	case way == Slack && code >= 400 && code < 500 && code != http.StatusRequestTimeout:
		return &refusal{err} // Slack answers so for what a repeat does not mend: no_service, channel_is_archived, invalid_payload
	}
	return err
}

// The words with which Slack says why it takes nothing ("Sending messages using incoming
// webhooks"). Nothing else of what a receiver writes is kept.
var slackWords = []string{"action_prohibited", "channel_is_archived", "channel_not_found", "invalid_blocks", "invalid_payload", "invalid_token", "no_active_hooks", "no_service", "no_service_id",
	"no_team", "no_text", "posting_to_general_channel_denied", "rollup_error", "team_disabled", "too_many_attachments", "user_not_found"}

// slackWord is Slack's answer where it is one of them.
func slackWord(body []byte) string {
	if s := strings.TrimSpace(string(body)); slices.Contains(slackWords, s) {
		return s
	}
	return ""
}

// retryAfter reads how long a receiver asks us to wait (RFC 9110, 10.2.3); zero: it does not.
func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return max(0, min(d, maxAsked))
}

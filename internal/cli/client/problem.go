package client

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// problem turns an error answer (RFC 9457) into a fault of the same kind, code and
// words. What is no problem of ours came from something else at that address.
func (c *Client) problem(resp *http.Response, body []byte) error {
	var p struct {
		Detail string        `json:"detail"`
		Code   string        `json:"code"`
		Errors []fault.Field `json:"errors"`
	}
	kind := kindOf(resp.StatusCode)
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != "application/problem+json" || json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return c.stranger(resp, kind)
	}
	f := fault.New(kind, "%s", p.Detail)
	f.Fields = p.Errors
	if p.Code != "" {
		f.Code = p.Code
	}
	return f.WithRetry(retryAfter(resp.Header.Get("Retry-After")))
}

func (c *Client) stranger(resp *http.Response, kind fault.Kind) error {
	switch status := resp.StatusCode; {
	case status >= 300 && status < 400:
		return fault.New(fault.Invalid, "%s is not the server itself: it sends callers elsewhere; use the address that your administrator gave you", c.conf.Origin)
	case status >= 500 || status == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, "%s answers %d %s in place of VaultPAM: try again in a moment", c.conf.Origin, status, http.StatusText(status)).
			WithRetry(retryAfter(resp.Header.Get("Retry-After")))
	default:
		return fault.New(kind, "%s answers %d %s, and not as VaultPAM does: check the address", c.conf.Origin, status, http.StatusText(status))
	}
}

// kindOf is the kind that a status tells; the table is fault's, read backwards.
func kindOf(status int) fault.Kind {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if fault.HTTPStatus(fault.New(k, "")) == status {
			return k
		}
	}
	switch {
	case status >= 500:
		return fault.Internal
	case status == http.StatusGone:
		return fault.NotFound
	case status >= 400:
		return fault.Invalid
	}
	return fault.Internal
}

// retryAfter reads the header in seconds; we send no dates.
func retryAfter(v string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < 0 || n > 24*60*60 {
		return 0
	}
	return time.Duration(n) * time.Second
}

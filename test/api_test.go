package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// obj is a JSON object.
type obj = map[string]any

// Client calls the API as one person, from an address of their own.
type Client struct {
	base   string // https://host:port/api/v1
	http   *http.Client
	bearer string
	org    string // X-Active-Org-Id
	key    string // Idempotency-Key
}

// newClient makes a client that trusts ca and calls from the address ip.
func newClient(url, ip string, ca *x509.CertPool) *Client {
	dial := &net.Dialer{Timeout: 10 * time.Second}
	if ip != "" {
		dial.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	return &Client{base: url + "/api/v1", http: &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{DialContext: dial.DialContext, TLSClientConfig: &tls.Config{RootCAs: ca},
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
	}}
}

// with is the same caller with another credential.
func (c *Client) with(bearer string) *Client {
	d := *c
	d.bearer = bearer
	return &d
}

// named is the same caller, whose writes all carry this Idempotency-Key.
func (c *Client) named(key string) *Client {
	d := *c
	d.key = key
	return &d
}

// in is the same caller with another active organization.
func (c *Client) in(org string) *Client {
	d := *c
	d.org = org
	return &d
}

// Answer is a complete answer of the API.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Problem is an error answer (RFC 9457).
type Problem struct {
	Title     string
	Status    int
	Detail    string
	Code      string
	Errors    []struct{ Path, Message string }
	RequestID string `json:"request_id"`
}

// try sends one request. body is sent as it is when it is bytes, else as JSON.
func (c *Client) try(method, path string, body any) (Answer, error) {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		in = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return Answer{}, err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+path, in)
	if err != nil {
		return Answer{}, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	if c.org != "" {
		req.Header.Set("X-Active-Org-Id", c.org)
	}
	req.Header.Set("User-Agent", "vaultpam-e2e")
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{resp.StatusCode, resp.Header, out}
	if method == "POST" && resp.StatusCode < 300 && (path == "/checkouts" || strings.HasSuffix(path, "/reveal")) && resp.Header.Get("Idempotency-Replayed") == "" {
		return a, nil // the one answer that holds a credential
	}
	return a, leaked(method+" "+path, out)
}

// do sends one request; an error of the transport, or a secret in the answer, fails the test.
func (c *Client) do(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	a, err := c.try(method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// must sends one request that has to succeed.
func (c *Client) must(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	a := c.do(t, method, path, body)
	if a.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

// get sends one request that has to succeed, and reads the answer into a T.
func get[T any](t testing.TB, c *Client, method, path string, body any) (out T) {
	t.Helper()
	c.must(t, method, path, body).into(t, &out)
	return out
}

func (a Answer) into(t testing.TB, out any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, out); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
}

// refused sends one request that has to be refused: with this status and code, in
// a sentence, and in the form of every problem.
func (c *Client) refused(t testing.TB, status int, code, method, path string, body any) Problem {
	t.Helper()
	a := c.do(t, method, path, body)
	var p Problem
	if a.Status != status || json.Unmarshal(a.Body, &p) != nil || p.Code != code || p.Status != status {
		t.Fatalf("%s %s: got %d %s, want %d %s", method, path, a.Status, a.Body, status, code)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") || !oneLine(p.Detail) || p.RequestID == "" {
		t.Errorf("%s %s: not the form of a problem: %s %s", method, path, a.Header.Get("Content-Type"), a.Body)
	}
	return p
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

// list reads a whole list. path has its query, if any, behind a question mark.
func list[T any](t testing.TB, c *Client, path string) (all []T) {
	t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor := ""; ; {
		p := get[Page[T]](t, c, "GET", fmt.Sprintf("%s%slimit=200&cursor=%s", path, sep, cursor), nil)
		all = append(all, p.Items...)
		if cursor = p.NextCursor; cursor == "" {
			return all
		}
	}
}

// patience is how long a test waits for what the product does by itself. Machines are busy.
const patience = 30 * time.Second

// eventually waits until ok holds. It asks again after a pause that grows.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if err := await(patience, ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func await(limit time.Duration, ok func() bool) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		if ok() {
			return nil
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("not within %v", limit)
		case <-time.After(pause):
		}
	}
}

func itoa(n int64) string { return fmt.Sprint(n) }

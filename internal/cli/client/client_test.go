package client

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestOriginIsOneHostOverTLS(t *testing.T) {
	for in, want := range map[string]string{
		"https://pam.example": "https://pam.example", "https://PAM.example:443/": "https://pam.example", "pam.example:8443": "https://pam.example:8443", "https://[::1]:8443": "https://[::1]:8443",
		"http://pam.example": "", "ftp://pam.example": "", "https://": "", "": "", "https://a@pam.example": "", "https://pam.example/console": "", "https://pam.example?x": "", "https://pam.example#x": "", "https://a b": "", "https://:8443": "",
	} {
		got, err := Origin(in)
		if got != want || (want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("Origin(%q) = %q, %v", in, got, err)
		}
	}
}

// serve is a server and a client of it.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	c, err := New(Config{Origin: s.URL, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), Token: secret.FromString("the-token"), Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheTokenTravelsInItsHeaderOnly(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" || strings.Contains(r.URL.String(), "token") {
			t.Errorf("%v %v", r.URL, r.Header)
		}
		panic(http.ErrAbortHandler)
	})
	_, err := c.Call(t.Context(), "GET", "/x", map[string][]string{"q": {"what I look for"}}, nil)
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "the-token") || strings.Contains(fault.MessageOf(err), "look") {
		t.Errorf("%v", err)
	}
}

func TestSignalEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // an answer that ends well could still arrive
	})
	if _, err := c.Call(ctx, "GET", "/x", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestEndlessAnswerIsRefused(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for block := make([]byte, 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	if _, err := c.Call(t.Context(), "GET", "/x", nil, nil); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for v, want := range map[string]time.Duration{"7": 7 * time.Second, " 1 ": time.Second, "": 0, "-1": 0, "999999": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0} {
		if got := retryAfter(v); got != want {
			t.Errorf("%q is %v", v, got)
		}
	}
}

func TestBrokenCallsAreSentOnceMoreUnderTheSameKey(t *testing.T) {
	var keys []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) == 1 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, `{}`)
	})
	for _, method := range []string{"POST", "GET"} {
		keys = nil
		if _, err := c.Call(t.Context(), method, "/x", nil, nil); err != nil {
			t.Fatal(err)
		}
		if len(keys) != 2 || keys[0] != keys[1] || (keys[0] == "") != (method == "GET") {
			t.Errorf("%s with the keys %q", method, keys)
		}
	}
	c.conf.Token = secret.Secret{}
	keys = nil
	if _, err := c.Call(t.Context(), "POST", "/auth/login", nil, nil); !fault.Is(err, fault.Unavailable) {
		t.Errorf("somebody's sign-in was tried again: %v", err)
	}
}

func TestWhoIsTooFastWaits(t *testing.T) {
	calls, pause := 0, "1"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls%2 == 1 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", pause)
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"status":429,"detail":"too many requests","code":"RATE_LIMITED"}`)
			return
		}
		io.WriteString(w, `{}`)
	})
	if _, err := c.Call(t.Context(), "POST", "/org/groups", nil, nil); err != nil || calls != 2 {
		t.Errorf("%d calls: %v", calls, err)
	}
	pause = "60"
	if _, err := c.Call(t.Context(), "POST", "/org/groups", nil, nil); !fault.Is(err, fault.Exhausted) || calls != 3 {
		t.Errorf("a long pause was not told: %d calls, %v", calls, err)
	}
	pause, calls, c.conf.Token = "1", 0, secret.Secret{}
	if _, err := c.Call(t.Context(), "POST", "/auth/login", nil, nil); !fault.Is(err, fault.Exhausted) || calls != 1 {
		t.Errorf("somebody's sign-in was tried again: %d calls, %v", calls, err)
	}
}

package phone

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

func number(t *testing.T) Number {
	t.Helper()
	n, err := ParseNumber("+4915123456789")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Each answer of a provider, and what it means.
func TestWhatProvidersAnswer(t *testing.T) {
	rows := []struct {
		name   string
		status int
		body   string
		cause  Cause
		fine   bool
	}{
		{"taken", 201, `{"sid":"SM1","status":"queued"}`, 0, true},
		{"wrong number", 400, `{"code":21211,"message":"+4915123456789 is wrong"}`, Rejected, false},
		{"throttled", 429, `{"code":20429}`, ProviderError, false},
		{"down", 503, ``, ProviderError, false},
		{"failed at once", 201, `{"sid":"SM1","status":"failed"}`, Rejected, false},
		{"not JSON", 201, `<html>`, ProviderError, false},
		{"elsewhere", 302, ``, ProviderError, false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				w.Header().Set("Location", "https://example.com/")
				w.WriteHeader(r.status)
				io.WriteString(w, r.body)
			}))
			defer srv.Close()
			p, err := NewTwilio(TwilioConfig{AccountSID: "AC1", AuthToken: secret.FromString("token"), From: "+15005550006", BaseURL: srv.URL, Client: NewClient(srv.Client().Transport.(*http.Transport))})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Send(t.Context(), number(t), "text")
			if (err == nil) != r.fine || err != nil && causeOf(err) != r.cause {
				t.Errorf("%v, cause %v", err, causeOf(err))
			}
			if err != nil && (strings.Contains(err.Error(), "4915123456789") || strings.Contains(err.Error(), "text")) {
				t.Errorf("the error tells %v", err)
			}
		})
	}
}

func TestProvidersAreVerifiedAndTimed(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // a server notices that its client left once the body is read
		<-r.Context().Done()
	}))
	defer srv.Close()
	hook := func(transport *http.Transport) Provider {
		p, err := NewWebhook(WebhookConfig{URL: srv.URL, Secret: secret.FromString("0123456789abcdef01234567"), Client: NewClient(transport)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if err := hook(&http.Transport{}).Check(t.Context()); err == nil || causeOf(err) != ProviderError {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := hook(srv.Client().Transport.(*http.Transport)).Send(ctx, number(t), "text")
	if causeOf(err) != Timeout || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a server that does not answer: %v", err)
	}
}

func TestSetUpsThatCannotWork(t *testing.T) {
	client := NewClient(&http.Transport{})
	for name, c := range map[string]TwilioConfig{
		"no token":    {AccountSID: "AC1", From: "x", Client: client},
		"no sender":   {AccountSID: "AC1", AuthToken: secret.FromString("t"), Client: client},
		"two senders": {AccountSID: "AC1", AuthToken: secret.FromString("t"), From: "x", MessagingServiceSID: "y", Client: client},
	} {
		if _, err := NewTwilio(c); err == nil {
			t.Errorf("Twilio with %s", name)
		}
	}
	for _, s := range []string{"", "short", "whsec_!!!", "whsec_c2hvcnQ="} {
		if _, err := NewWebhook(WebhookConfig{URL: "https://x", Secret: secret.FromString(s), Client: client}); err == nil {
			t.Errorf("a webhook with the secret %q", s)
		}
	}
}

func TestTransportErrorsDropTheAddress(t *testing.T) {
	err := transportError("Twilio", &url.Error{Op: "Post", URL: "https://api.twilio.com/2010-04-01/Accounts/AC123/Messages.json", Err: errors.New("refused")})
	if strings.Contains(err.Error(), "AC123") || causeOf(err) != ProviderError {
		t.Error(err)
	}
}

package notify

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "-5", "99999999999999", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "1e9", " 7 "} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 || d > maxAsked {
			t.Errorf("%q: %v", s, d)
		}
	})
}

func FuzzSlackAnswers(f *testing.F) {
	for _, s := range []string{"ok", "no_service", "invalid_token\n", "<html>", "https://hooks.slack.com/services/T/B/x", "\x00", strings.Repeat("a", 100)} {
		f.Add([]byte(s), 404)
	}
	f.Fuzz(func(t *testing.T, body []byte, code int) {
		if code < 100 || code > 999 {
			return
		}
		err := (&Service{d: Deps{Now: time.Now}}).answered(Slack, &http.Response{StatusCode: code, Header: http.Header{}}, body)
		if (err == nil) != (code >= 200 && code < 300) {
			t.Errorf("%d: %v", code, err)
		}
		if err != nil && (len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "<>/\x00\n")) {
			t.Errorf("%q is told on", err)
		}
	})
}

func FuzzChannelURL(f *testing.F) {
	for _, s := range []string{"https://hooks.slack.com/services/T/B/x", "http://x", "https://u:p@x/", "https://[::1]:8443/", "https://x/#f", "", "https:///x", "HTTPS://X", "https://x\r\ny"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, why := parseURL(s)
		if (host == "") == (why == "") {
			t.Errorf("%q: host %q, %q", s, host, why)
		}
		if why != "" && len(s) > 8 && strings.Contains(why, s) {
			t.Errorf("%q stands in its own error", s)
		}
		if why == "" && (!strings.HasPrefix(strings.ToLower(s), "https://") || strings.ContainsAny(s, " \r\n") || strings.Contains(host, "@")) {
			t.Errorf("%q may be called", s)
		}
	})
}

func FuzzSlackBody(f *testing.F) {
	f.Add("oscar", "<!channel> & <@U1>", "a\nb")
	f.Fuzz(func(t *testing.T, who, safe, reason string) {
		d := share("https://vault.test", "org_x", AccessWaiting{Requester: who, Safe: safe, Reason: reason, Needed: 2}, nil, time.Unix(1, 0))
		b, err := slackBody("https://vault.test", d)
		if err != nil || !json.Valid(b) {
			t.Fatalf("%v: %s", err, b)
		}
		var m struct {
			Blocks []struct {
				Text struct{ Type, Text string }
			}
		}
		if err := json.Unmarshal(b, &m); err != nil || len(m.Blocks) > 50 {
			t.Fatalf("%v: %d blocks", err, len(m.Blocks))
		}
		for _, x := range m.Blocks {
			if x.Text.Type == "mrkdwn" && strings.Contains(strings.ReplaceAll(x.Text.Text, "\n>", ""), "<") {
				t.Errorf("mark-up of Slack in %q", x.Text.Text)
			}
			if len([]rune(x.Text.Text)) > slackText {
				t.Errorf("%d characters in a block", len([]rune(x.Text.Text)))
			}
		}
		if b, err = webhookBody(d); err != nil || !json.Valid(b) {
			t.Fatalf("%v: %s", err, b)
		}
	})
}

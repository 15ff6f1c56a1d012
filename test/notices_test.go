package test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Notices by the channels of an organization, received by doubles of Slack and of a
// webhook's receiver over verified TLS.

// hook is a receiver.
type hook struct {
	*httptest.Server
	ca string // file

	mu     sync.Mutex
	status int
	got    []hooked
}

type hooked struct {
	Header http.Header
	Body   []byte
}

func newHook(t testing.TB) *hook {
	t.Helper()
	dir := t.TempDir()
	h := &hook{status: 200, ca: filepath.Join(dir, "ca.pem")}
	selfSigned(t, h.ca, filepath.Join(dir, "key.pem"))
	pair, err := tls.LoadX509KeyPair(h.ca, filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, hooked{r.Header, body})
		w.WriteHeader(h.status)
	}))
	h.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// takes waits for a message with a text in it.
func (h *hook) takes(t testing.TB, part string) (out hooked) {
	t.Helper()
	eventually(t, "a message with "+part, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, m := range h.got {
			if strings.Contains(string(m.Body), part) {
				out = m
				h.got = append(h.got[:i:i], h.got[i+1:]...)
				return true
			}
		}
		return false
	})
	return out
}

func (h *hook) pem(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(h.ca)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type noticeChannel struct {
	ID, Kind, Name, Host, Secret string
	Enabled                      bool
	Version                      int
	LastError                    string `json:"last_error"`
}

// channel adds one over the API.
func (h *hook) channel(t testing.TB, w *World, kind, name string, kinds ...notify.Kind) (c noticeChannel) {
	t.Helper()
	path := newSecret("channel-url")
	w.Owner.must(t, "POST", "/org/notifications/channels", obj{"kind": kind, "name": name, "url": h.URL + "/services/" + path, "kinds": append([]notify.Kind{}, kinds...), "ca_pem": h.pem(t)}).into(t, &c)
	if c.Secret != "" {
		secrets.add("secret of a webhook", c.Secret)
	}
	return c
}

func signedBy(t testing.TB, secret string, m hooked) bool {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(m.Body, m.Header) == nil
}

func TestNoticesReachSlackAndSignedWebhooks(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		slack, siem := newHook(t), newHook(t)
		a := slack.channel(t, w, "slack", "ops", notify.AccessWaitingKind, notify.AccessEmergencyKind)
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", Meta: obj{"setting_group": "notifications", "weakened_controls": []any{}, "changes": present}})
		b := siem.channel(t, w, "webhook", "siem")
		if a.Secret != "" || !strings.HasPrefix(b.Secret, "whsec_") {
			t.Fatalf("%+v %+v", a, b)
		}

		// Somebody asks for access: one message for each channel, though two people may decide.
		oscar, anna, bea := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		w.join(v, bea, "approver")
		r := oscar.asksFor(t, v, nil)
		s.letter(t, anna.Email, notify.AccessWaitingKind, 1)
		s.letter(t, bea.Email, notify.AccessWaitingKind, 1)
		if m := slack.takes(t, oscar.Handle); !strings.Contains(string(m.Body), `"type":"header"`) || !strings.Contains(string(m.Body), "the disk is full") {
			t.Errorf("%s", m.Body)
		}
		m := siem.takes(t, "access_request_waiting")
		var body struct {
			Type string
			Data struct {
				OrganizationID string `json:"organization_id"`
				Details        obj
			}
		}
		if err := json.Unmarshal(m.Body, &body); err != nil || body.Data.OrganizationID != w.Org || body.Data.Details["request"] != r.ID || body.Data.Details["requester"] != oscar.Handle {
			t.Errorf("%v: %s", err, m.Body)
		}
		if !signedBy(t, b.Secret, m) {
			t.Errorf("the signature does not verify: %v", m.Header)
		}
		anna.decides(t, r, "approve", nil)
		siem.takes(t, "access_request_decided")
		slack.mu.Lock()
		if n := len(slack.got); n != 0 {
			t.Errorf("%d more messages at Slack", n)
		}
		slack.mu.Unlock()

		// A test from a terminal; a secret is rotated, and both sign.
		cli := s.prompt(t, w.Owner.Client)
		cli.says(t, "Sent to siem", "channels", "test", "siem")
		siem.takes(t, `"type":"test"`)
		w.saw(Want{Constant: "MAIL_ORDERED", ActorID: w.Owner.ID, Meta: obj{"mail_order": "test", "mail_kind": "test", "delivery_id": present}})
		second := strings.TrimSpace(printedSecret(cli("", "channels", "rotate", "siem", "--overlap", "1")))
		secrets.add("secret of a webhook", second)
		cli("", "channels", "test", "siem")
		if m := siem.takes(t, `"type":"test"`); second == b.Secret || !signedBy(t, b.Secret, m) || !signedBy(t, second, m) {
			t.Errorf("signed otherwise: %v", m.Header)
		}
		cli("", "channels", "order", "siem", "ops")
		cli.says(t, "siem", "channels", "list")
		cli("", "channels", "order", "ops", "siem")

		// Slack takes nothing any more: the next has the notice, and administrators are told.
		slack.answer(404)
		emergencies := []notify.Kind{notify.AccessEmergencyKind, notify.ChannelFailingKind}
		w.Owner.must(t, "PATCH", "/org/notifications/channels/"+b.ID, obj{"kinds": emergencies})
		otto := w.add("operator")
		w.join(v, otto, "user")
		otto.asksFor(t, v, nil)
		siem.takes(t, otto.Handle)
		siem.takes(t, "channel_failing")
		if l := s.letter(t, w.Owner.Email, notify.ChannelFailingKind, 1); !strings.Contains(l.Text, "404 Not Found") {
			t.Errorf("%s", l.Text)
		}
		failed := get[Page[struct{ ID, Kind, State string }]](t, w.Owner.Client, "GET", "/org/notifications/deliveries?state=failed&channel="+a.ID, nil).Items
		if len(failed) != 1 || failed[0].Kind != string(notify.AccessWaitingKind) {
			t.Fatalf("%+v", failed)
		}
		cli.says(t, "404", "channels", "deliveries", "show", failed[0].ID)
		slack.answer(200)
		cli.says(t, "Sent to ops", "channels", "deliveries", "resend", failed[0].ID)
		slack.takes(t, otto.Handle)

		w.Owner.refused(t, 422, "INVALID", "POST", "/org/notifications/channels", obj{"kind": "slack", "name": "x", "url": "http://example.com/"})
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/org/notifications/channels", obj{"kind": "slack", "name": "x", "url": "https://example.com/"})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		newWorld(t, s).Owner.refused(t, 404, "NOT_FOUND", "DELETE", "/org/notifications/channels/"+a.ID, nil)
	})
}

func TestChannelsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, h := newWorld(t, s), newHook(t)
		cli := s.prompt(t, w.Owner.Client)
		cli.says(t, "by e-mail alone", "channels", "list")
		cli.says(t, "access_emergency", "channels", "kinds")
		secret := strings.TrimSpace(printedSecret(cli(h.URL+"/"+newSecret("channel-url")+"\n", "channels", "add", "webhook", "siem", "--url-file", "-", "--ca", h.ca, "--only", "access_emergency")))
		secrets.add("secret of a webhook", secret)
		cli("", "channels", "set", "siem", "--all", "--name", "SIEM of ours", "--off")
		cli.says(t, "SIEM of ours", "channels", "list")
		cli.says(t, "Sent to SIEM of ours", "channels", "test", "SIEM of ours")
		if m := h.takes(t, `"type":"test"`); !signedBy(t, secret, m) {
			t.Errorf("%v", m.Header)
		}
		cli.says(t, "webhook", "channels", "deliveries", "list", "--channel", "SIEM of ours", "--state", "sent")
		cli("", "channels", "remove", "SIEM of ours", "--yes")
		cli.says(t, "by e-mail alone", "channels", "list")
	})
}

// printedSecret is the secret that a command printed.
func printedSecret(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for _, l := range lines {
		if strings.HasPrefix(l, "whsec_") {
			return l
		}
	}
	return lines[len(lines)-1]
}

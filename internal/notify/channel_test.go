package notify_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// receiver is a double of Slack and of whoever takes webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header http.Header
	word   string
	got    []call
}

type call struct {
	Path   string
	Header http.Header
	Body   []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, call{q.URL.Path, q.Header, body})
		for k, v := range r.header {
			w.Header()[k] = v
		}
		w.WriteHeader(r.status)
		io.WriteString(w, r.word)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int, word string, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.word, r.header = status, word, header
}

func (r *receiver) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

func (r *receiver) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
}

// book is a ledger that only remembers.
type book struct {
	mu   sync.Mutex
	kept []event.Event
}

func (b *book) Record(_ context.Context, _ *db.Tx, ev event.Event) (id.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, ev)
	return "", nil
}

func (b *book) RecordRefusal(ctx context.Context, ev event.Event) error {
	_, err := b.Record(ctx, nil, ev)
	return err
}

func (b *book) take() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.kept
	b.kept = nil
	return out
}

// office is an organization with its notices.
type office struct {
	*notify.Service
	db    *db.DB
	org   id.Org
	owner authz.Actor
	now   time.Time
	log   *book
	dir   string
	deps  notify.Deps
}

// like is another server of the same installation, set up otherwise.
func (o *office) like(t *testing.T, change func(d *notify.Deps)) *notify.Service {
	t.Helper()
	d := o.deps
	change(&d)
	s, err := notify.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func offices(t *testing.T, f func(t *testing.T, o *office)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newOffice(t, d)) })
}

func newOffice(t *testing.T, d *db.DB) *office {
	o := &office{db: d, org: id.New[id.Org](), now: time.Now().UTC().Truncate(time.Second), log: &book{}, dir: t.TempDir() + "/mail"}
	o.deps = notify.Deps{Log: slog.New(slog.DiscardHandler), DB: d, Seal: keyring(t, d), Ledger: o.log, History: tenancy.SettingLog{Now: func() time.Time { return o.now }}, PublicURL: notifytest.PublicURL, Folder: o.dir, Now: func() time.Time { return o.now },
		Web: &resource.Dialer{Public: true, Except: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	o.Service = o.like(t, func(*notify.Deps) {})
	o.owner = admin(o.org)
	o.owner.Email, o.owner.Name, o.owner.MFAAt = "owner@example.com", "Olga Owner", o.now
	o.exec(t, `insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, 'owner@example.com', 'olga', 'Olga Owner', 'active', 1, 1)`, o.owner.User)
	o.exec(t, `insert into organization (id, slug, name, state, created_at, changed_at) values ($1, 'acme', 'Acme', 'active', 1, 1)`, o.org)
	o.exec(t, `insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, 'owner', 1, 1)`, o.org, o.owner.User)
	return o
}

func (o *office) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	if err := o.db.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, q+" /* platform-wide: a test */", args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) add(t *testing.T, way notify.Way, name string, r *receiver, kinds ...notify.Kind) (notify.Channel, string) {
	t.Helper()
	c, shown, err := o.AddChannel(t.Context(), o.owner, notify.ChannelArgs{Way: way, Name: name, URL: secret.FromString(r.URL + "/services/T0/B0/verysecretpath"), Kinds: kinds, Enabled: true, CA: r.ca()})
	if err != nil {
		t.Fatal(err)
	}
	return c, shown.RevealString()
}

// tell sends a notice of somebody who waits to each address.
func (o *office) tell(t *testing.T, to ...string) {
	t.Helper()
	data := notify.AccessWaiting{Requester: "oscar", Email: "oscar@example.com", Safe: "payroll <@U1> *db*", Resource: "db1", Reason: "disk & <!channel>\nfull", For: "1h", Needed: 2,
		Request: string(id.New[id.AccessReq]()), ExpiresAt: o.now.Add(24 * time.Hour)}
	for _, a := range to {
		send(t, o.db, o.Service, o.org, notify.Message{To: notify.Recipient{Email: a}, Data: data, Expires: o.now.Add(24 * time.Hour)})
	}
}

func (o *office) round(t *testing.T) {
	t.Helper()
	if err := o.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (o *office) list(t *testing.T, channel string) []notify.Delivery {
	t.Helper()
	l, err := o.Deliveries(t.Context(), o.owner, o.org, notify.DeliveryFilter{Channel: channel}, page.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return l.Items
}

func TestAWebhookIsSignedAsStandardWebhooksHasIt(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r := newReceiver(t)
		c, first := o.add(t, notify.Webhook, "SIEM", r)
		if !strings.HasPrefix(first, "whsec_") {
			t.Fatalf("the secret is %q", first)
		}
		o.tell(t, "anna@example.com", "bea@example.com")
		o.round(t)
		got := r.take()
		if len(got) != 1 {
			t.Fatalf("%d calls for one notice to two persons", len(got))
		}
		verify := func(secret string, c call) error {
			w, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			return w.Verify(c.Body, c.Header)
		}
		if err := verify(first, got[0]); err != nil {
			t.Errorf("the signature does not verify: %v", err)
		}
		if spoilt := (call{"", got[0].Header, append([]byte(" "), got[0].Body...)}); verify(first, spoilt) == nil {
			t.Error("another body verifies")
		}
		var body struct {
			Type      string
			Timestamp time.Time
			Data      struct {
				OrganizationID string `json:"organization_id"`
				Subject, Text  string
				Details        map[string]any
			}
		}
		if err := json.Unmarshal(got[0].Body, &body); err != nil || body.Type != "access_request_waiting" || !body.Timestamp.Equal(o.now) || body.Data.OrganizationID != string(o.org) ||
			body.Data.Details["requester"] != "oscar" || body.Data.Details["needed"] != 2.0 || body.Data.Details["expires_at"] != o.now.Add(24*time.Hour).Format(time.RFC3339) {
			t.Errorf("%v: %s", err, got[0].Body)
		}
		d := o.list(t, string(c.ID))
		if len(d) != 1 || d[0].State != "sent" || d[0].Channel != "webhook" || d[0].Recipient != "SIEM" || got[0].Header.Get("webhook-id") != string(d[0].ID) {
			t.Errorf("%+v", d)
		}

		c, second, err := o.RotateSecret(t.Context(), o.owner, c.ID, time.Hour)
		if err != nil || second.RevealString() == first || !c.PreviousUntil.Equal(o.now.Add(time.Hour)) {
			t.Fatalf("%+v %v", c, err)
		}
		o.tell(t, "anna@example.com")
		o.round(t)
		got = r.take()
		if len(got) != 1 || verify(first, got[0]) != nil || verify(second.RevealString(), got[0]) != nil {
			t.Errorf("a message of the overlap does not verify by both secrets")
		}
		o.now = o.now.Add(time.Hour)
		o.owner.MFAAt = o.now
		o.tell(t, "anna@example.com")
		o.round(t)
		got = r.take()
		if sig := got[0].Header.Get("webhook-signature"); len(got) != 1 || strings.Contains(sig, " ") || !strings.HasPrefix(sig, "v1,") {
			t.Errorf("after the overlap: %q", sig)
		}
	})
}

func TestSlackGetsBlocksInWhichNobodyIsMentioned(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r := newReceiver(t)
		o.add(t, notify.Slack, "ops", r)
		o.tell(t, "anna@example.com")
		o.round(t)
		got := r.take()
		if len(got) != 1 || got[0].Path != "/services/T0/B0/verysecretpath" || got[0].Header.Get("webhook-signature") != "" {
			t.Fatalf("%+v", got)
		}
		var m struct {
			Text   string
			Blocks []struct {
				Type string
				Text struct{ Type, Text string }
			}
		}
		if err := json.Unmarshal(got[0].Body, &m); err != nil || len(m.Blocks) < 4 || m.Blocks[0].Type != "header" || m.Blocks[0].Text.Type != "plain_text" {
			t.Fatalf("%v: %s", err, got[0].Body)
		}
		all := m.Text
		for _, b := range m.Blocks[1:] {
			all += "\n" + b.Text.Text
		}
		if strings.Contains(all, "<!channel>") || strings.Contains(all, "<@U1>") || !strings.Contains(all, "&lt;!channel&gt;") || !strings.Contains(all, "*Person:* oscar@example.com") {
			t.Errorf("%s", all)
		}
	})
}

func TestOnlyWherePeopleReadIsAWayIn(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		slack, hook := newReceiver(t), newReceiver(t)
		o.add(t, notify.Slack, "ops", slack)
		siem, _ := o.add(t, notify.Webhook, "siem", hook)
		anna := o.person(t, "anna@example.com")
		data := notify.AccessWaiting{Requester: "oscar", Safe: "payroll", Request: "arq_x", Link: secret.FromString("vpal_hers"), Enter: secret.FromString("vpal_enter"), ExpiresAt: o.now.Add(time.Hour)}
		send(t, o.db, o.Service, o.org, notify.Message{To: notify.Recipient{Email: anna.Email}, Data: data})
		o.round(t)
		if got := slack.take(); len(got) != 1 || strings.Count(string(got[0].Body), notifytest.PublicURL+"/requests/decide#vpal_enter") != 1 || strings.Contains(string(got[0].Body), "vpal_hers") {
			t.Errorf("%+v", got)
		}
		if got := hook.take(); len(got) != 1 || strings.Contains(string(got[0].Body), "vpal_") {
			t.Errorf("%+v", got)
		}
		if got := o.inbox(t, anna, false); len(got) != 1 || got[0].Link != "/requests/arq_x" || strings.Contains(got[0].Text, "vpal_") {
			t.Errorf("%+v", got)
		}

		// Where Slack fails, administrators get it without the way in.
		if err := o.RemoveChannel(t.Context(), o.owner, siem.ID); err != nil {
			t.Fatal(err)
		}
		slack.answer(404, "no_service", nil)
		data.Request = "arq_y"
		send(t, o.db, o.Service, o.org, notify.Message{To: notify.Recipient{Email: anna.Email}, Data: data})
		o.round(t)
		o.round(t)
		mine := 0
		letters, err := notifytest.ReadFolder(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			if l.To == "owner@example.com" && strings.Contains(l.Text, "/requests/arq_y") {
				mine++
			}
			if strings.Contains(l.Text, "vpal_enter") {
				t.Error("the way in of a channel is mailed")
			}
		}
		if mine != 1 {
			t.Errorf("%d messages to the administrator", mine)
		}
	})
}

func TestAChannelHearsOfTheKindsThatItWants(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r, other := newReceiver(t), newReceiver(t)
		o.add(t, notify.Slack, "emergencies", r, notify.AccessEmergencyKind)
		off, _ := o.add(t, notify.Webhook, "off", other)
		no := false
		if _, err := o.ChangeChannel(t.Context(), o.owner, off.ID, notify.ChannelPatch{Enabled: &no}); err != nil {
			t.Fatal(err)
		}
		o.tell(t, "anna@example.com")
		send(t, o.db, o.Service, o.org, grant("a token that is for one person")) // personal: no channel ever
		o.round(t)
		if n := len(r.take()) + len(other.take()); n != 0 {
			t.Errorf("%d calls", n)
		}
		send(t, o.db, o.Service, o.org, notify.Message{To: notify.Recipient{Email: "a@example.com"}, Data: notify.AccessEmergency{Person: "oscar", Safe: "payroll", Request: "r", Until: o.now}})
		o.round(t)
		if got := r.take(); len(got) != 1 || len(other.take()) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAChannelThatFailsFallsBackAndAlertsOnce(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		slack, hook := newReceiver(t), newReceiver(t)
		a, _ := o.add(t, notify.Slack, "ops", slack, notify.AccessWaitingKind)
		b, _ := o.add(t, notify.Webhook, "siem", hook, notify.AccessEmergencyKind, notify.ChannelFailingKind)
		slack.answer(500, "verysecretpath", nil)
		o.tell(t, "anna@example.com")
		for try := 1; try <= 3; try++ {
			o.round(t)
			d := o.list(t, string(a.ID))
			if len(d) != 1 || d[0].State != "queued" || d[0].Attempts != try || d[0].LastError != "it answered 500 Internal Server Error" || d[0].FellBack != (try == 3) {
				t.Fatalf("after try %d: %+v", try, d)
			}
			if try < 3 && len(hook.take()) != 0 {
				t.Fatal("another channel was asked early")
			}
			o.now = d[0].NextAt
		}
		o.round(t)
		kinds := map[string]int{}
		for _, c := range hook.take() {
			var m struct{ Type string }
			if err := json.Unmarshal(c.Body, &m); err != nil {
				t.Fatal(err)
			}
			kinds[m.Type]++
			if strings.Contains(string(c.Body), "verysecretpath") {
				t.Error("what a receiver writes, or the URL, is told on")
			}
		}
		if kinds["access_request_waiting"] != 1 || kinds["channel_failing"] != 1 || len(kinds) != 2 {
			t.Errorf("the next channel got %v", kinds)
		}
		letters, err := notifytest.ReadFolder(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		var alerts int
		for _, l := range letters {
			if l.Kind == notify.ChannelFailingKind && l.To == "owner@example.com" && strings.Contains(l.Text, "500") {
				alerts++
			}
		}
		if alerts != 1 {
			t.Errorf("%d alerts by e-mail: %+v", alerts, letters)
		}
		c, err := o.Channel(t.Context(), o.owner, a.ID)
		if err != nil || c.FailingSince.IsZero() || c.LastError == "" {
			t.Errorf("%+v %v", c, err)
		}

		// A second notice that fails is told on, and nobody is alerted again.
		slack.answer(404, "no_service", nil)
		o.tell(t, "anna@example.com")
		o.round(t)
		o.round(t)
		got := hook.take()
		if len(got) != 1 || !strings.Contains(string(got[0].Body), "access_request_waiting") {
			t.Errorf("%d calls", len(got))
		}
		d := o.list(t, string(a.ID))
		if d[0].State != "failed" || d[0].LastError != "it answered 404 Not Found (no_service)" || d[0].Attempts != 1 {
			t.Errorf("%+v", d[0])
		}

		// The receiver is mended: what failed is sent again by hand, and the channel works.
		slack.take()
		slack.answer(200, "ok", nil)
		if _, err := o.Resend(t.Context(), o.owner, o.org, d[0].ID); err != nil {
			t.Fatal(err)
		}
		o.round(t)
		if len(slack.take()) == 0 {
			t.Error("it was not sent again")
		}
		if c, err := o.Channel(t.Context(), o.owner, a.ID); err != nil || !c.FailingSince.IsZero() || c.LastSentAt.IsZero() {
			t.Errorf("%+v %v", c, err)
		}

		// Both fail: the administrators get the notice by e-mail.
		slack.answer(410, "", nil)
		hook.answer(410, "", nil)
		all := []notify.Kind{}
		if _, err := o.ChangeChannel(t.Context(), o.owner, b.ID, notify.ChannelPatch{Kinds: &all}); err != nil {
			t.Fatal(err)
		}
		o.tell(t, "anna@example.com")
		for range 3 {
			o.round(t)
		}
		letters, err = notifytest.ReadFolder(o.dir)
		if err != nil {
			t.Fatal(err)
		}
		var instead int
		for _, l := range letters {
			if l.Kind == notify.AccessWaitingKind && l.To == "owner@example.com" {
				instead++
			}
		}
		if instead != 1 {
			t.Errorf("%d notices to the administrator in place of the channels", instead)
		}
	})
}

func TestAnEMailThatFailsGoesByAChannel(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r := newReceiver(t)
		o.add(t, notify.Slack, "ops", r, notify.AccessEmergencyKind)
		bad := o.like(t, func(d *notify.Deps) {
			d.Server = notify.Server{Host: "127.0.0.1", Port: closedPort(t), Security: notify.StartTLS, From: "v@example.com"}
		})
		o.tell(t, "anna@example.com")
		for range 3 {
			if err := bad.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			o.now = o.now.Add(10 * time.Minute)
		}
		if err := bad.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := r.take()
		if len(got) != 1 || !strings.Contains(string(got[0].Body), "oscar asks for access") {
			t.Errorf("the channel was told %+v", got)
		}
		if d := o.list(t, "email"); len(d) != 1 || !d[0].FellBack || d[0].State != "queued" {
			t.Errorf("%+v", d)
		}
	})
}

func TestWhereChannelsMayNotLead(t *testing.T) {
	d := dbtest.SQLite(t)
	o := newOffice(t, d)
	r := newReceiver(t)
	c, _ := o.add(t, notify.Webhook, "inside", r)
	// A private address is not called where the installation does not allow it.
	strict := o.like(t, func(d *notify.Deps) { d.Web = &resource.Dialer{Public: true} })
	if _, err := o.SendChannelTest(t.Context(), o.owner, c.ID); err != nil {
		t.Fatal(err)
	}
	if err := strict.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := o.list(t, string(c.ID)); len(r.take()) != 0 || d[0].State != "failed" || !strings.Contains(d[0].LastError, "private") {
		t.Errorf("%+v", d[0])
	}
	// A redirect is not followed.
	r.answer(302, "", http.Header{"Location": {r.URL + "/elsewhere"}})
	if _, err := o.SendChannelTest(t.Context(), o.owner, c.ID); err != nil {
		t.Fatal(err)
	}
	o.round(t)
	if got := r.take(); len(got) != 1 {
		t.Errorf("%d calls: a redirect was followed", len(got))
	}
	if d := o.list(t, string(c.ID)); d[0].State != "failed" || !strings.Contains(d[0].LastError, "redirect") {
		t.Errorf("%+v", d[0])
	}
	// Too many: it is asked again when the receiver said.
	r.answer(429, "", http.Header{"Retry-After": {"1200"}})
	if _, err := o.SendChannelTest(t.Context(), o.owner, c.ID); err != nil {
		t.Fatal(err)
	}
	o.round(t)
	if d := o.list(t, string(c.ID)); d[0].State != "queued" || d[0].NextAt.Before(o.now.Add(20*time.Minute)) {
		t.Errorf("%+v", d[0])
	}
	for _, u := range []string{"", "http://example.com/x", "https://", "ftp://example.com", "https://user:pw@example.com/", "https://example.com/#x", "https://exa mple.com", "//example.com", "https:example.com", "https://example.com/" + strings.Repeat("x", 3000)} {
		_, _, err := o.AddChannel(t.Context(), o.owner, notify.ChannelArgs{Way: notify.Slack, Name: "x", URL: secret.FromString(u)})
		if !fault.Is(err, fault.Invalid) || u != "" && strings.Contains(err.Error(), u) {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestChannelsAreChangedByAdministratorsInPerson(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r := newReceiver(t)
		a, _ := o.add(t, notify.Slack, "Ops", r)
		made := o.log.take()
		if len(made) != 1 || made[0].Constant() != event.TENANT_SETTINGS_UPDATED {
			t.Fatalf("%+v", made)
		}
		text, err := json.Marshal(made[0])
		if err != nil || strings.Contains(string(text), "verysecretpath") {
			t.Errorf("the event carries the URL (%v): %s", err, text)
		}
		var stored []byte
		if err := o.db.Raw().QueryRow(`select sealed from notify_channel /* platform-wide: a test */`).Scan(&stored); err != nil || strings.Contains(string(stored), "verysecretpath") {
			t.Errorf("the URL is not sealed (%v)", err)
		}
		for _, role := range []authz.Role{authz.Operator, authz.Auditor} {
			weak := o.owner
			weak.Role = role
			if err := o.RemoveChannel(t.Context(), weak, a.ID); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", role, err)
			}
		}
		late := o.owner
		late.MFAAt = o.now.Add(-time.Hour)
		name := "Else"
		if _, err := o.ChangeChannel(t.Context(), late, a.ID, notify.ChannelPatch{Name: &name}); fault.CodeOf(err) != authz.StepUpRequired {
			t.Errorf("late: %v", err)
		}
		if refused := o.log.take(); len(refused) != 3 {
			t.Errorf("%d refusals are told of, want 3", len(refused))
		}
		_, _, err = o.AddChannel(t.Context(), o.owner, notify.ChannelArgs{Way: notify.Webhook, Name: "OPS", URL: secret.FromString(r.URL)})
		if fault.CodeOf(err) != "NAME_TAKEN" {
			t.Errorf("the same name in other letters: %v", err)
		}
		b, _ := o.add(t, notify.Webhook, "siem", r)
		o.log.take()
		if _, err := o.OrderChannels(t.Context(), o.owner, []id.Channel{b.ID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("half an order: %v", err)
		}
		if _, err := o.OrderChannels(t.Context(), o.owner, []id.Channel{b.ID, b.ID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("one twice: %v", err)
		}
		all, err := o.OrderChannels(t.Context(), o.owner, []id.Channel{b.ID, a.ID})
		if err != nil || len(all) != 2 || all[0].ID != b.ID || len(o.log.take()) != 1 {
			t.Errorf("%+v %v", all, err)
		}
		if _, err := o.OrderChannels(t.Context(), o.owner, []id.Channel{b.ID, a.ID}); err != nil || len(o.log.take()) != 0 {
			t.Errorf("an order that is there already: %v", err)
		}
		stale := 7
		if _, err := o.ChangeChannel(t.Context(), o.owner, a.ID, notify.ChannelPatch{Version: &stale, Name: &name}); fault.CodeOf(err) != "VERSION_CONFLICT" {
			t.Errorf("a stale version: %v", err)
		}
		if c, err := o.ChangeChannel(t.Context(), o.owner, a.ID, notify.ChannelPatch{Version: &a.Version}); err != nil || c.Version != a.Version || len(o.log.take()) != 0 {
			t.Errorf("a change of nothing: %+v %v", c, err)
		}
		if _, _, err := o.RotateSecret(t.Context(), o.owner, a.ID, 0); fault.CodeOf(err) != "NOT_SIGNED" {
			t.Errorf("a secret for Slack: %v", err)
		}
		for n := 2; n < 20; n++ {
			o.add(t, notify.Slack, "c"+strings.Repeat("x", n), r)
		}
		if _, _, err := o.AddChannel(t.Context(), o.owner, notify.ChannelArgs{Way: notify.Slack, Name: "one more", URL: secret.FromString(r.URL)}); fault.CodeOf(err) != "TOO_MANY_CHANNELS" {
			t.Errorf("channel 21: %v", err)
		}
		other := admin(id.New[id.Org]())
		other.MFAAt = o.now
		if _, err := o.Channel(t.Context(), other, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization: %v", err)
		}
		if err := o.RemoveChannel(t.Context(), other, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization: %v", err)
		}
		o.tell(t, "anna@example.com")
		o.log.take()
		if err := o.RemoveChannel(t.Context(), o.owner, a.ID); err != nil || len(o.log.take()) != 1 {
			t.Fatal(err)
		}
		o.round(t)
		if d := o.list(t, string(a.ID)); len(d) != 1 || d[0].State != "failed" || !strings.Contains(d[0].LastError, "deleted") {
			t.Errorf("what waited for a deleted channel: %+v", d)
		}
	})
}

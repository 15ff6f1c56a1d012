package notify_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/resource"
)

func TestATicketSystemIsAsked(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		q := notify.TicketQuestion{Ticket: "OPS-1", Requester: "oscar", Email: "oscar@example.com", Safe: "payroll", SafeID: "safe_1", Duration: time.Hour}
		shut := func(what, why string) {
			t.Helper()
			if open, err := o.TicketOpen(t.Context(), o.org, q); open || err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v %v", what, open, err)
			}
		}
		shut("no system", "there is none")
		r, other := newReceiver(t), newReceiver(t)
		o.add(t, notify.Webhook, "everything", other)
		shut("one that is told everything", "there is none")
		c, _ := o.add(t, notify.Webhook, "Jira", r, notify.TicketQuestionKind)

		r.answer(200, `{"open":true}`, nil)
		if open, err := o.TicketOpen(t.Context(), o.org, q); !open || err != nil {
			t.Errorf("open: %v %v", open, err)
		}
		got := r.take()
		if len(got) != 1 || !strings.Contains(string(got[0].Body), `"duration_seconds":3600`) || got[0].Header.Get("webhook-signature") == "" {
			t.Errorf("it was asked %+v", got)
		}
		r.answer(200, `{"open":false}`, nil)
		if open, err := o.TicketOpen(t.Context(), o.org, q); open || err != nil {
			t.Errorf("closed: %v %v", open, err)
		}
		r.answer(200, `{"open":"true"}`, nil)
		shut("wrong", "did not answer")
		r.answer(500, `{"open":true}`, nil)
		shut("broken", "answered 500")
		r.answer(302, `{"open":true}`, http.Header{"Location": {other.URL}})
		shut("redirecting", "answered 302")
		if len(other.take()) != 0 {
			t.Error("a redirect was followed")
		}
		if c, err := o.Channel(t.Context(), o.owner, c.ID); err != nil || c.LastError == "" || c.FailingSince.IsZero() {
			t.Errorf("that it fails is not shown: %+v %v", c, err)
		}
		r.answer(200, `{"open":true}`, nil)
		late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		if open, err := o.TicketOpen(late, o.org, q); open || err == nil {
			t.Errorf("slow: %v %v", open, err)
		}
		strict := o.like(t, func(d *notify.Deps) { d.Web = &resource.Dialer{Public: true} })
		if open, err := strict.TicketOpen(t.Context(), o.org, q); open || err == nil || !strings.Contains(err.Error(), "private") {
			t.Errorf("a private address: %v %v", open, err)
		}

		// It hears of nothing, and nothing else is asked.
		r.take()
		o.tell(t, "anna@example.com")
		o.round(t)
		if got := r.take(); len(got) != 0 {
			t.Errorf("it was told %s", got[0].Body)
		}
		if _, err := o.SendChannelTest(t.Context(), o.owner, c.ID); fault.CodeOf(err) != "TICKET_SYSTEM" {
			t.Errorf("a test: %v", err)
		}
		both := []notify.Kind{notify.TicketQuestionKind, notify.AccessWaitingKind}
		if _, err := o.ChangeChannel(t.Context(), o.owner, c.ID, notify.ChannelPatch{Kinds: &both}); err == nil {
			t.Error("a ticket system is told of notices")
		}
	})
}

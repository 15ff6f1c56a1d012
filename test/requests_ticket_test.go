package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"crypto/tls"
	"io"
	"path/filepath"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestAnOpenTicketApprovesByItself(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		var asked atomic.Pointer[hooked]
		dir := t.TempDir()
		selfSigned(t, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem"))
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		system := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			asked.Store(&hooked{r.Header, body})
			var q struct{ Ticket string }
			if err := json.Unmarshal(body, &q); err != nil {
				t.Error(err)
			}
			switch q.Ticket {
			case "MOVED":
				http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
			case "ODD":
				io.WriteString(rw, `{"open":"true"}`)
			case "OPS-7":
				io.WriteString(rw, `{"open":true}`)
			default:
				io.WriteString(rw, `{"open":false}`)
			}
		}))
		system.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		system.StartTLS()
		t.Cleanup(system.Close)
		pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		var c noticeChannel
		w.Owner.must(t, "POST", "/org/notifications/channels", obj{"kind": "webhook", "name": "Jira", "url": system.URL + "/" + newSecret("ticket-url"), "kinds": []string{"ticket_question"}, "ca_pem": string(pem)}).into(t, &c)
		secrets.add("secret of a ticket system", c.Secret)
		w.Owner.refused(t, 409, "TICKET_SYSTEM", "POST", "/org/notifications/channels/"+c.ID+"/test", obj{})
		w.saw(Want{Constant: "MAIL_ORDERED", Outcome: "denied", Reason: "ticket_system", ActorID: w.Owner.ID, Meta: obj{"mail_order": "test"}})

		v := w.safe(host(t), obj{"approvals": 1, "auto_approve_ticket": true}, oscar)
		for ticket, note := range map[string]string{"": "no ticket is named", "SHUT": "the ticket system says that this ticket is not open", "MOVED": "the ticket system: it answered 307, not 200",
			"ODD": `the ticket system: it did not answer {"open": true} or {"open": false}`} {
			r := oscar.asksFor(t, v, obj{"ticket": ticket})
			got := get[struct {
				State, Kind string
				Note        string `json:"rule_note"`
			}](t, w.Owner.Client, "GET", "/access/requests/"+r.ID, nil)
			if got.State != "open" || got.Kind != "approval" || got.Note != note {
				t.Errorf("%q: %+v", ticket, got)
			}
			w.hasNone(Want{Constant: "ACCESS_GRANT_OPENED", Where: obj{"access_request_id": r.ID}})
			oscar.must(t, "POST", "/access/requests/"+r.ID+"/withdraw", obj{})
		}
		r := oscar.asksFor(t, v, obj{"ticket": "OPS-7"})
		if r.State != "approved" || r.Kind != "rule" || r.Grant == nil {
			t.Fatalf("%+v", r)
		}
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", ActorID: oscar.ID, TargetID: v.ID, Where: obj{"access_request_id": r.ID}, Meta: obj{"ticket_ref": "OPS-7"}})
		w.saw(Want{Constant: "ACCESS_GRANT_OPENED", Actor: "System", TargetID: v.ID, Meta: obj{"access_request_id": r.ID, "subject_user_id": oscar.ID, "opened_by": "rule"}})
		w.hasNone(Want{Constant: "ACCESS_REQUEST_APPROVED", Where: obj{"access_request_id": r.ID}})
		oscar.succeeds(t, v, "true")
		w.ended(v)

		q := asked.Load()
		verify, err := standardwebhooks.NewWebhook(c.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify.Verify(q.Body, q.Header); err != nil {
			t.Errorf("the question is not signed: %v", err)
		}
	})
}

package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// What people are told inside the product, how they want to hear of it, and what their
// organization says first.

type inNotice struct {
	ID, Kind, Subject, Text, Link string
	OrgID                         string    `json:"org_id"`
	ReadAt                        time.Time `json:"read_at"`
}

// told is what somebody finds, newest first.
func (p *Person) told(t testing.TB, query string) []inNotice {
	t.Helper()
	return get[Page[inNotice]](t, p.Client, "GET", "/notices"+query, nil).Items
}

func (p *Person) unread(t testing.TB) int {
	t.Helper()
	return get[struct{ Unread int }](t, p.Client, "GET", "/notices/unread", nil).Unread
}

func TestPeopleAreToldInsideTheProduct(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		w.Owner.must(t, "PUT", "/org/notifications/introductions/access_request_waiting", obj{"words": "{organization}: is there a ticket?"})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Where: obj{"setting_group": "notifications"}})
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		r := oscar.asksFor(t, v, nil)
		got := anna.told(t, "?unread=true")
		if len(got) != 1 || got[0].Kind != "access_request_waiting" || got[0].OrgID != w.Org || got[0].Link != "/requests/"+r.ID || anna.unread(t) != 1 {
			t.Fatalf("%+v", got)
		}
		if letter := s.letter(t, anna.Email, notify.AccessWaitingKind, 1); !strings.Contains(letter.Text, ": is there a ticket?") || !strings.Contains(got[0].Text, ": is there a ticket?") {
			t.Errorf("%s", letter.Text)
		}
		if len(oscar.told(t, "")) != 0 {
			t.Error("somebody else is told")
		}

		// Nobody marks what is another's; by the command line one sees, marks and chooses.
		oscar.must(t, "POST", "/notices/read", obj{"ids": []string{got[0].ID}})
		if anna.unread(t) != 1 {
			t.Error("another's notice is marked")
		}
		cli := s.prompt(t, anna.Client)
		cli.says(t, got[0].Subject, "notices", "list", "--unread")
		cli.says(t, "0 unread", "notices", "read")
		if again := anna.told(t, ""); len(again) != 1 || again[0].ReadAt.IsZero() || anna.unread(t) != 0 {
			t.Errorf("%+v", again)
		}
		cli.says(t, "access_emergency now yes no", "notices", "prefer")
		cli.says(t, "off", "notices", "prefer", "access_request_waiting", "--email", "off")
		w.saw(Want{Constant: "NOTICE_PREFERENCE_CHANGED", ActorID: anna.ID, Actor: "User", Target: "Tenant", Meta: obj{"notice_kind": "access_request_waiting", "email_when": "off", "in_app": true}})
		get[accessRequest](t, oscar.Client, "POST", "/access/requests/"+r.ID+"/withdraw", nil)
		oscar.asksFor(t, v, nil)
		if anna.unread(t) != 1 {
			t.Error("nothing is shown any more")
		}
		all := slices.DeleteFunc(list[mailed](t, w.Owner.Client, "/org/mail"), func(m mailed) bool { return m.Recipient != anna.Email || m.Kind != "access_request_waiting" })
		if len(all) != 1 {
			t.Errorf("%d messages to somebody who wants none after the first", len(all))
		}
		anna.refused(t, 409, "NOTICE_REQUIRED", "PUT", "/notices/preferences/access_emergency", obj{"in_app": false, "email": "off"})
		anna.refused(t, 422, "INVALID", "PUT", "/notices/preferences/access_request_waiting", obj{"in_app": false, "email": "off"})

		cli = s.prompt(t, w.Owner.Client)
		cli.says(t, "is there a ticket?", "channels", "introduce")
		cli("", "channels", "introduce", "access_request_waiting", "--words", "")
		anna.refused(t, 403, "NOT_PERMITTED", "PUT", "/org/notifications/introductions/access_request_waiting", obj{"words": "x"})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", Outcome: "denied", Reason: "not_permitted", ActorID: anna.ID})
	})
}

// The message in Slack has a link of its own. It is bound to nobody, opens nothing without a
// sign-in, a second factor and the right to decide, and is good for the decisions needed.
func TestSlackLeadsWhoMayDecideToTheRequest(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		slack, siem := newHook(t), newHook(t)
		slack.channel(t, w, "slack", "ops")
		siem.channel(t, w, "webhook", "siem")
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		r := oscar.asksFor(t, v, nil)
		found := regexp.MustCompile(`/requests/decide#(vpal_[A-Za-z0-9_-]{43})`).FindSubmatch(slack.takes(t, "asks for access").Body)
		if found == nil {
			t.Fatal("no link in the message")
		}
		token := string(found[1])
		secrets.add("link of a channel", token)
		if m := siem.takes(t, "access_request_waiting"); strings.Contains(string(m.Body), "vpal_") {
			t.Error("a program gets the link")
		}
		anna.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/access/links", obj{"token": token})
		newWorld(t, s).Owner.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token})
		var to struct {
			Org     string `json:"organization_id"`
			Request string `json:"request_id"`
		}
		if anna.must(t, "POST", "/access/links", obj{"token": token}).into(t, &to); to.Org != w.Org || to.Request != r.ID {
			t.Errorf("%+v", to)
		}
		w.add("operator").refused(t, 404, "NOT_FOUND", "POST", "/access/requests/"+r.ID+"/approve", obj{"link": token})
		anna.proved(t, time.Hour)
		anna.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/access/requests/"+r.ID+"/approve", obj{"link": token})
		anna.proved(t, 0)
		if got := anna.decides(t, r, "approve", obj{"link": token}); got.State != "approved" {
			t.Errorf("%+v", got)
		}
		anna.refused(t, 404, "ACCESS_LINK", "POST", "/access/links", obj{"token": token})
		siem.takes(t, "access_request_decided")

		// Invitations, sensitive changes and lent access are told too: in channels without
		// what is for one person alone, and inside the product to whom they are for.
		bea := newWorld(t, s).Owner
		w.Owner.must(t, "POST", "/org/invitations", obj{"email": bea.Email, "role": "operator"})
		if m := siem.takes(t, `"type":"invitation"`); !strings.Contains(string(m.Body), bea.Email) || strings.Contains(string(m.Body), "#") {
			t.Errorf("%s", m.Body)
		}
		if got := bea.told(t, "?unread=true"); len(got) != 1 || got[0].Kind != "invitation" || got[0].Link != "/profile?tab=access" || bea.unread(t) != 1 {
			t.Errorf("%+v", got)
		}
		bea.must(t, "POST", "/notices/read", obj{"until": "~"})
		if bea.unread(t) != 0 {
			t.Error("an invitation cannot be marked as read")
		}
		adam := w.add("admin")
		w.add("admin")
		g := waits(t, w.Owner.Client, "PUT", "/safes/"+v.ID+"/policy", notRecorded())
		if m := siem.takes(t, `"type":"governance_waiting"`); !strings.Contains(string(m.Body), v.Name) {
			t.Errorf("%s", m.Body)
		}
		if got := adam.told(t, "?unread=true"); len(got) != 1 || got[0].Kind != "governance_waiting" || got[0].Link != "/organization/governance/"+g.ID {
			t.Fatalf("%+v", got)
		}
		adam.approves(t, g)
		siem.takes(t, `"type":"governance_decided"`)
		if got := w.Owner.told(t, ""); len(got) == 0 || got[0].Kind != "governance_decided" {
			t.Errorf("%+v", got)
		}
		siem.mu.Lock()
		defer siem.mu.Unlock()
		for _, m := range siem.got {
			if strings.Contains(string(m.Body), "governance_waiting") {
				t.Error("the channel hears of one change twice")
			}
		}
	})
}

package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// past is the history of the settings of an organization, oldest first: "field: from -> to".
func (o *office) past(t *testing.T) (out []string) {
	t.Helper()
	s, err := tenancy.New(tenancy.Deps{DB: o.db, Ledger: o.log, People: nobody{}, Seal: o.deps.Seal})
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.History(t.Context(), o.owner, page.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range l.Items {
		if h.Version != len(l.Items)-i || h.Group != "notifications" || h.By != o.owner.User || h.ByName != "Olga Owner" || !h.At.Equal(o.now) || len(h.Weakened) != 0 {
			t.Errorf("%+v", h)
		}
		line := ""
		for _, c := range h.Changes {
			line += c.Field + ": " + c.From + " -> " + c.To + "; "
		}
		out = append([]string{strings.TrimSuffix(line, "; ")}, out...)
	}
	return out
}

type nobody struct{ tenancy.People }

type brokenHistory struct{}

func (brokenHistory) Keep(context.Context, *db.Tx, authz.Actor, event.SettingGroup, []event.Change) error {
	return errors.New("the history cannot be written")
}

func TestChangesOfChannelsAreInTheHistoryOfSettings(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		r := newReceiver(t)
		a, _ := o.add(t, notify.Slack, "ops", r)
		b, first := o.add(t, notify.Webhook, "siem", r, notify.AccessEmergencyKind)
		name, off := "Ops", false
		if _, err := o.ChangeChannel(t.Context(), o.owner, a.ID, notify.ChannelPatch{Name: &name, Enabled: &off}); err != nil {
			t.Fatal(err)
		}
		_, second, err := o.RotateSecret(t.Context(), o.owner, b.ID, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.OrderChannels(t.Context(), o.owner, []id.Channel{b.ID, a.ID}); err != nil {
			t.Fatal(err)
		}
		if err := o.RemoveChannel(t.Context(), o.owner, b.ID); err != nil {
			t.Fatal(err)
		}
		host := strings.TrimPrefix(r.URL, "https://")
		want := []string{
			"channels.ops.kind:  -> slack; channels.ops.enabled:  -> true; channels.ops.host:  -> " + host + "; channels.ops.kinds:  -> all; channels.ops.url:  -> set",
			"channels.siem.kind:  -> webhook; channels.siem.enabled:  -> true; channels.siem.host:  -> " + host + "; channels.siem.kinds:  -> access_emergency; channels.siem.url:  -> set; channels.siem.secret:  -> set",
			"channels.ops.name: ops -> Ops; channels.ops.enabled: true -> false",
			"channels.siem.secret:  -> replaced; channels.siem.previous_valid_hours: 0 -> 24",
			"channels.order: Ops, siem -> siem, Ops",
			"channels.siem.kind: webhook -> ; channels.siem.url:  -> cleared",
		}
		got := o.past(t)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, hidden := range []string{"verysecretpath", first, second.RevealString()} {
			if strings.Contains(strings.Join(got, " "), hidden) {
				t.Error("the history tells a secret")
			}
		}

		// What the history cannot keep is not done, and what is refused is not in it.
		o.log.take()
		broken := o.like(t, func(d *notify.Deps) { d.History = brokenHistory{} })
		if err := broken.RemoveChannel(t.Context(), o.owner, a.ID); err == nil || len(o.log.take()) != 0 {
			t.Errorf("a change without its history: %v", err)
		}
		if _, err := o.Channel(t.Context(), o.owner, a.ID); err != nil {
			t.Errorf("it was removed nevertheless: %v", err)
		}
		auditor := o.owner
		auditor.Role = authz.Auditor
		if err := o.RemoveChannel(t.Context(), auditor, a.ID); err == nil {
			t.Error("an auditor removes channels")
		}
		if n := len(o.past(t)); n != len(want) {
			t.Errorf("%d changes are kept, want %d", n, len(want))
		}
	})
}

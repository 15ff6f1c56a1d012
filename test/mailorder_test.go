package test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Messages that administrators send by hand.

func TestMailIsSentByHand(t *testing.T) {
	t.Parallel()
	m := newMailServer(t, t.TempDir())
	s := own(t, SQLite, m.env(t, "starttls")...)
	w := newWorld(t, s)
	admin, oscar := w.person("admin"), w.person("operator")
	for range 5 {
		admin.must(t, "POST", "/org/mail/test", nil)
	}
	got := letterIn(t, m.dir, admin.Email, notify.TestKind, 5)
	if got.Subject != "A test message from VaultPAM" {
		t.Errorf("%+v", got)
	}
	for _, e := range w.ledger().events(t, "MAIL_ORDERED") {
		if e.Outcome != "success" || e.Actor.ID != admin.ID || e.Metadata["mail_order"] != "test" {
			t.Errorf("%+v", e)
		}
	}
	admin.refused(t, 429, "RATE_LIMITED", "POST", "/org/mail/test", nil)
	w.saw(Want{Constant: "MAIL_ORDERED", Outcome: "denied", Reason: "rate_limited", ActorID: admin.ID, Actor: "TenantAdmin", Target: "Tenant"})
	oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/org/mail/test", nil)
	w.saw(Want{Constant: "MAIL_ORDERED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
	w.Owner.refused(t, 403, "NOT_PERMITTED", "POST", "/platform/mail/test", nil)
	s.Root.must(t, "POST", "/platform/mail/test", nil)
	letterIn(t, m.dir, s.Root.Email, notify.TestKind, 1)
	s.saw(t, Want{Constant: "MAIL_ORDERED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Meta: obj{"mail_order": "test", "mail_kind": "test", "delivery_id": present}})

	// What a server refused for good is there until it expires, and goes when the server takes it.
	p := s.newPerson("refused")
	w.Owner.must(t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "R", "password": p.Password, "role": "operator"})
	p.enrol(t)
	p.loses(t)
	failed := w.mailTo(p.Email, "failed")
	home := t.TempDir()
	cli := s.signedInCLI(t, w.Owner, home)
	if r := cli("mail", "resend", failed.ID); r.Code == 0 || !strings.Contains(r.Stderr, "550") {
		t.Errorf("resend: %s", r)
	}
	w.saw(Want{Constant: "MAIL_ORDERED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", Meta: obj{"mail_order": "resend", "mail_kind": string(notify.RecoveryProofKind), "delivery_id": failed.ID}})
	if again := w.mailTo(p.Email, "failed"); again.Attempts != 2 || len(again.Tries) != 2 {
		t.Errorf("%+v", again)
	}
	late := s.newPerson("busy")
	w.Owner.must(t, "POST", "/org/members", obj{"email": late.Email, "handle": late.Handle, "name": "B", "password": late.Password, "role": "operator"})
	late.enrol(t)
	late.loses(t)
	waits := w.mailTo(late.Email, "queued")
	s.exec(t, "update delivery set next_at = expires_at - 1000 where id = $1", waits.ID)
	if r := cli("mail", "resend", waits.ID); r.Code != 0 || !strings.Contains(r.Stdout, "Sent to "+late.Email) {
		t.Errorf("resend: %s", r)
	}
	if r := cli("mail", "test"); r.Code == 0 || !strings.Contains(r.Stderr, "5 tests") {
		t.Errorf("mail test: %s", r)
	}
	other := newWorld(t, s)
	other.Owner.refused(t, 404, "NOT_FOUND", "POST", "/org/mail/"+failed.ID+"/resend", nil)
	if r := s.signedInCLI(t, other.Owner, t.TempDir())("mail", "test"); r.Code != 0 || !strings.Contains(r.Stdout, "Sent to "+other.Owner.Email) {
		t.Errorf("mail test: %s", r)
	}
	sent := other.mailTo(other.Owner.Email, "sent")
	other.Owner.refused(t, 409, "MAIL_GONE", "POST", "/org/mail/"+sent.ID+"/resend", nil)
	other.saw(Want{Constant: "MAIL_ORDERED", Outcome: "denied", Reason: "message_gone", ActorID: other.Owner.ID})
}

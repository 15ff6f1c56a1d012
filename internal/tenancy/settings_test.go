package tenancy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func to[T any](v T) *T { return &v }

func TestSettingsAreKeptAndTold(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		st, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{Name: to("Acme Works"), BrandColor: to("#1F6FEB"), AllowedDomains: to([]string{"Example.com", "example.com", "bücher.example"}),
			WebIdleMinutes: to(20), RequireMFA: to(true)})
		if err != nil || st.Name != "Acme Works" || st.BrandColor != "#1f6feb" || !slices.Equal(st.AllowedDomains, []string{"example.com", "xn--bcher-kva.example"}) || st.Version != 1 {
			t.Fatalf("%+v %v", st, err)
		}
		e := w.Expect(t, "TENANT_SETTINGS_UPDATED", "TENANT_SETTINGS_UPDATED", "TENANT_SETTINGS_UPDATED")
		if Meta(e[0], "setting_group") != "branding" || Meta(e[1], "setting_group") != "authentication" || Meta(e[2], "setting_group") != "mfa" || e[0].Target.Name != "Acme Works" || e[0].Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{RequireMFA: to(true)}); err != nil {
			t.Error(err)
		}
		w.Expect(t) // nothing changed
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{Version: to(0), Name: to("x")}); fault.CodeOf(err) != "VERSION_CONFLICT" {
			t.Error(err)
		}
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{Version: to(1), RequireMFA: to(false), WebIdleMinutes: to(0)}); err != nil {
			t.Fatal(err)
		}
		e = w.Expect(t, "TENANT_SETTINGS_UPDATED", "TENANT_SETTINGS_UPDATED")
		if Meta(e[0], "weakened_controls") != "[web_idle_minutes]" || Meta(e[1], "weakened_controls") != "[require_mfa]" {
			t.Errorf("%v %v", e[0].Metadata, e[1].Metadata)
		}
		var seen []string
		for r := (page.Request{Limit: 2}); ; {
			l, err := w.Tenancy.History(t.Context(), owner.Actor, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range l.Items {
				seen = append(seen, h.Group)
			}
			if r.Cursor = l.Next; r.Cursor == "" {
				break
			}
		}
		if s := strings.Join(seen, " "); s != "authentication mfa authentication branding mfa" {
			t.Errorf("history: %s", s)
		}
	})
}

func TestSettingsRefused(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		ann := w.Member(t, owner, "ann", authz.Auditor)
		w.Take(t)
		for name, p := range map[string]tenancy.Patch{
			"no name": {Name: to("")}, "a colour": {BrandColor: to("red")}, "a domain": {AllowedDomains: to([]string{"localhost"})}, "idle": {WebIdleMinutes: to(1)},
			"absolute": {WebAbsoluteMinutes: to(99999)}, "a port without a host": {SMTPPort: to(25)}, "no sender": {SMTPHost: to("mail.example.com")},
			"a user without a password": {SMTPHost: to("mail.example.com"), SMTPFrom: to("x@example.com"), SMTPUser: to("x")},
			"encryption":                {SMTPHost: to("mail.example.com"), SMTPFrom: to("x@example.com"), SMTPTLS: to("none")},
		} {
			if _, err := w.Tenancy.Update(t.Context(), owner.Actor, p); !fault.Is(err, fault.Invalid) || len(fault.As(err).Fields) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.Expect(t)
		if _, err := w.Tenancy.Update(t.Context(), bob.Actor, tenancy.Patch{Name: to("Bob's")}); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED not_permitted")
		if _, err := w.Tenancy.Settings(t.Context(), ann.Actor); err != nil {
			t.Errorf("an auditor: %v", err)
		}
		if _, err := w.Tenancy.Settings(t.Context(), bob.Actor); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator: %v", err)
		}
		// What weakens wants a fresh second factor; what strengthens does not.
		w.Clock.Pass(16 * time.Minute)
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{WebIdleMinutes: to(20)}); err != nil {
			t.Error(err)
		}
		w.Take(t)
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{WebIdleMinutes: to(60)}); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Error(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED not_permitted")
	})
}

func TestMailServerPasswordIsSealed(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		const password = "the mail server's password"
		p := secret.FromString(password)
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{SMTPHost: to("mail.example.com"), SMTPFrom: to("pam@example.com"), SMTPUser: to("pam"), SMTPPassword: &p}); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "TENANT_SETTINGS_UPDATED")[0]
		if strings.Contains(Meta(e, "changes"), password) || !strings.Contains(Meta(e, "changes"), "smtp_password") {
			t.Errorf("%v", e.Metadata)
		}
		m, err := w.Tenancy.MailServer(t.Context(), owner.Org())
		if err != nil || m.Password.RevealString() != password || m.Port != 587 || m.TLS != "starttls" {
			t.Fatalf("%+v %v", m, err)
		}
		var stored []byte
		if err := w.DB.Raw().QueryRow(`select smtp_password from organization_setting where org_id = $1`, string(owner.Org())).Scan(&stored); err != nil || strings.Contains(string(stored), password) {
			t.Errorf("stored in the clear: %v", err)
		}
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{SMTPHost: to(""), SMTPFrom: to(""), SMTPUser: to(""), SMTPTLS: to(""), SMTPPort: to(0)}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if m, err := w.Tenancy.MailServer(t.Context(), owner.Org()); err != nil || m != nil {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestSessionLimitsOfAnOrganizationHoldForItsMembers(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		_, other := w.Org(t, "globex")
		w.Take(t)
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{WebIdleMinutes: to(5), WebAbsoluteMinutes: to(20)}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		w.Clock.Pass(4 * time.Minute)
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); err != nil {
			t.Fatalf("before its time: %v", err)
		}
		w.Clock.Pass(5 * time.Minute)
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("an idle session goes on: %v", err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), other.Session, "", From); err != nil {
			t.Errorf("another organization's: %v", err)
		}
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "AUTH_SIGNED_OUT idle")[0]; Meta(e, "subject_user_id") != string(owner.ID) {
			t.Errorf("%+v", e)
		}
		owner = w.Again(t, owner, "acme")
		for range 5 {
			w.Clock.Pass(4 * time.Minute)
			w.Identity.ByBearer(t.Context(), owner.Session, "", From)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a session past its absolute limit goes on: %v", err)
		}
	})
}

func TestSuspendedAndDeleted(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		admin := w.Member(t, owner, "admin", authz.Admin)
		w.Take(t)
		org := owner.Org()
		if _, err := w.Tenancy.Suspend(t.Context(), owner.Actor, org, ""); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner suspends: %v", err)
		}
		w.Expect(t, "ORGANIZATION_STATE_CHANGED not_permitted")
		if o, err := w.Tenancy.Suspend(t.Context(), w.Admin.Actor, org, "overdue"); err != nil || o.Active {
			t.Fatalf("%+v %v", o, err)
		}
		e := w.Expect(t, "ORGANIZATION_STATE_CHANGED", "ORGANIZATION_STATE_CHANGED")
		if e[0].OrgID != "" || e[1].OrgID != org || Meta(e[1], "organization_change") != "suspended" || Meta(e[1], "comment") != "overdue" || e[0].RequestID != e[1].RequestID {
			t.Errorf("%+v", e)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "acme", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody acts in a suspended organization: %v", err)
		}
		if _, err := w.Tenancy.Suspend(t.Context(), w.Admin.Actor, org, ""); fault.CodeOf(err) != "ORG_STATE" {
			t.Error(err)
		}
		if _, err := w.Tenancy.Resume(t.Context(), w.Admin.Actor, org); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := w.Tenancy.Suspend(t.Context(), w.Admin.Actor, "org_none", ""); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}

		del := func(a authz.Actor, confirm string) error {
			return w.Tenancy.Delete(t.Context(), a, tenancy.DeleteArgs{Confirm: confirm})
		}
		if err := del(admin.Actor, "acme"); !fault.Is(err, fault.Denied) {
			t.Errorf("an admin deletes: %v", err)
		}
		w.Expect(t, "ORGANIZATION_STATE_CHANGED not_permitted")
		if err := del(owner.Actor, "Acme"); fault.CodeOf(err) != "NOT_CONFIRMED" {
			t.Error(err)
		}
		w.Clock.Pass(20 * time.Minute)
		if err := del(owner.Actor, "acme"); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Error(err)
		}
		w.Take(t)
		owner = w.Again(t, owner, "acme")
		w.Take(t)
		if err := del(owner.Actor, "acme"); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "ORGANIZATION_STATE_CHANGED", "ORGANIZATION_STATE_CHANGED"); Meta(e[0], "organization_change") != "deleted" || e[0].Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
		if _, err := w.Identity.ByBearer(t.Context(), owner.Session, "acme", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody acts in a deleted organization: %v", err)
		}
		if _, err := w.Tenancy.Resume(t.Context(), w.Admin.Actor, org); fault.CodeOf(err) != "ORG_STATE" {
			t.Errorf("a deleted organization comes back: %v", err)
		}
		if _, _, err := w.Tenancy.Create(t.Context(), w.Admin.Actor, tenancy.CreateArgs{Slug: "acme", Name: "Another", Owner: someone("xx")}); fault.CodeOf(err) != "SLUG_TAKEN" {
			t.Errorf("its slug was given to another: %v", err)
		}
	})
}

func TestReservedSlugs(t *testing.T) {
	for slug, good := range map[string]bool{"acme": true, "a-c-m-e": true, "admin": false, "ab": false, "a--b": false, "1up": false, "-acme": false, "Acme": false, strings.Repeat("a", 41): false, "": false} {
		if wrong := tenancy.CheckSlug(slug); (wrong == "") != good {
			t.Errorf("%q: %q", slug, wrong)
		}
	}
	world(t, func(t *testing.T, w *World, owner Someone) {
		if _, _, err := w.Tenancy.Create(t.Context(), w.Admin.Actor, tenancy.CreateArgs{Slug: "platform", Name: "X", Owner: someone("xx")}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func FuzzDomains(f *testing.F) {
	f.Add("Example.com")
	f.Add("bücher.example")
	f.Add("@")
	f.Fuzz(func(t *testing.T, s string) {
		out, err := tenancy.ParseDomains([]string{s})
		if err != nil {
			return
		}
		again, err := tenancy.ParseDomains(out)
		if err != nil || !slices.Equal(again, out) {
			t.Fatalf("%q becomes %q and then %q: %v", s, out, again, err)
		}
	})
}

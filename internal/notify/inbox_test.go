package notify_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
)

// person is somebody of the office.
func (o *office) person(t *testing.T, email string) authz.Actor {
	t.Helper()
	a := authz.Actor{Kind: authz.Person, User: id.New[id.User](), Org: o.org, Role: authz.Operator, Email: email, Name: email, MFAAt: o.now}
	o.exec(t, `insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, $2, $3, $2, 'active', 1, 1)`, a.User, email, strings.ReplaceAll(strings.ToLower(string(a.User)), "_", "-"))
	o.exec(t, `insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, 'operator', 1, 1)`, o.org, a.User)
	return a
}

func (o *office) inbox(t *testing.T, a authz.Actor, unread bool) []notify.Notice {
	t.Helper()
	l, err := o.Notices(t.Context(), a, unread, page.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return l.Items
}

func (o *office) prefers(t *testing.T, a authz.Actor, k notify.Kind, inApp bool, email notify.EmailWhen) {
	t.Helper()
	if _, err := o.Prefer(t.Context(), a, k, inApp, email); err != nil {
		t.Fatal(err)
	}
}

// decided tells somebody that their request was rejected.
func (o *office) decided(t *testing.T, to string) {
	t.Helper()
	send(t, o.db, o.Service, o.org, notify.Message{To: notify.Recipient{Email: to, Name: "Oscar"}, Data: notify.AccessDecided{Name: "Oscar", Safe: "payroll", By: "Anna", Request: "areq_x"}})
}

func (o *office) mails(t *testing.T, k notify.Kind) (n int) {
	t.Helper()
	for _, d := range o.list(t, "email") {
		if d.Kind == k {
			n++
		}
	}
	return n
}

func TestNoticesAreReadInsideTheProduct(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		anna, bea := o.person(t, "anna@example.com"), o.person(t, "bea@example.com")
		o.tell(t, anna.Email)
		o.decided(t, anna.Email)
		all := o.inbox(t, anna, false)
		if len(all) != 2 || all[0].Kind != notify.AccessDecidedKind || all[0].Link != "/requests/areq_x" || !all[0].ReadAt.IsZero() || all[1].Org != o.org {
			t.Fatalf("%+v", all)
		}
		if len(o.inbox(t, bea, false)) != 0 || o.mails(t, notify.AccessWaitingKind) != 1 {
			t.Error("others are told, or the mail is missing")
		}
		// Nobody else's are marked; those that are named are; then all the others.
		if n, err := o.MarkRead(t.Context(), bea, []id.Notice{all[0].ID}, "~"); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
		if n, err := o.MarkRead(t.Context(), anna, []id.Notice{all[0].ID}, ""); err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
		if left := o.inbox(t, anna, true); len(left) != 1 || left[0].ID != all[1].ID {
			t.Errorf("%+v", left)
		}
		if n, err := o.MarkRead(t.Context(), anna, nil, all[0].ID); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
		// In another organization they are not seen; after 90 days they are gone.
		elsewhere := anna
		elsewhere.Org = id.New[id.Org]()
		if len(o.inbox(t, elsewhere, false)) != 0 {
			t.Error("an organization's notices are seen in another")
		}
		if _, err := o.Notices(t.Context(), authz.Actor{}, false, page.Request{}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestSummariesComeByTheHourAndTheDay(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		o.now = time.Date(2031, 5, 6, 10, 30, 0, 0, time.UTC)
		anna, bea, gone := o.person(t, "anna@example.com"), o.person(t, "bea@example.com"), o.person(t, "gone@example.com")
		o.prefers(t, anna, notify.AccessDecidedKind, false, notify.EmailHourly)
		o.prefers(t, bea, notify.AccessDecidedKind, true, notify.EmailDaily)
		o.prefers(t, gone, notify.AccessDecidedKind, true, notify.EmailHourly)
		for range 2 {
			o.decided(t, anna.Email)
			o.decided(t, bea.Email)
			o.decided(t, gone.Email)
		}
		o.exec(t, `delete from member where user_id = $1`, gone.User)
		o.round(t)
		if o.mails(t, notify.AccessDecidedKind) != 0 || o.mails(t, notify.SummaryKind) != 0 || len(o.inbox(t, anna, false)) != 0 || len(o.inbox(t, bea, false)) != 2 {
			t.Fatalf("%+v", o.list(t, "email"))
		}
		o.now = o.now.Add(30 * time.Minute)
		o.round(t)
		o.round(t)
		if d := o.list(t, "email"); len(d) != 1 || d[0].Recipient != anna.Email || d[0].Kind != notify.SummaryKind {
			t.Fatalf("%+v", d)
		}
		o.now = time.Date(2031, 5, 7, 7, 0, 0, 0, time.UTC)
		o.round(t)
		if d := o.list(t, "email"); len(d) != 2 || d[0].Recipient != bea.Email {
			t.Fatalf("%+v", d)
		}
	})
}

func TestPreferencesAreEnteredAndSecurityIsNotTurnedOff(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		anna := o.person(t, "anna@example.com")
		o.prefers(t, anna, notify.AccessWaitingKind, true, notify.EmailOff)
		o.prefers(t, anna, notify.AccessWaitingKind, true, notify.EmailOff)
		o.prefers(t, anna, notify.AccessEndedKind, true, notify.EmailNow) // as it was
		if got := o.log.take(); len(got) != 1 || got[0].Constant() != event.NOTICE_PREFERENCE_CHANGED {
			t.Errorf("%v", got)
		}
		o.tell(t, anna.Email)
		if o.mails(t, notify.AccessWaitingKind) != 0 || len(o.inbox(t, anna, false)) != 1 {
			t.Error("the choice is not kept")
		}
		for _, c := range []struct {
			kind  notify.Kind
			inApp bool
			email notify.EmailWhen
			want  fault.Kind
		}{
			{notify.AccessEmergencyKind, true, notify.EmailOff, fault.Conflict}, {notify.AccessWaitingKind, true, notify.EmailDaily, fault.Invalid},
			{notify.AccessWaitingKind, false, notify.EmailOff, fault.Invalid}, {notify.AccessEndedKind, true, "weekly", fault.Invalid}, {notify.PasswordResetKind, true, notify.EmailOff, fault.NotFound},
		} {
			if _, err := o.Prefer(t.Context(), anna, c.kind, c.inApp, c.email); !fault.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if len(o.log.take()) != 0 {
			t.Error("what is wrong left an event")
		}
		robot := anna
		robot.Kind = authz.Token
		if _, err := o.Prefer(t.Context(), robot, notify.AccessEndedKind, false, notify.EmailOff); !fault.Is(err, fault.Denied) {
			t.Errorf("a token: %v", err)
		}
		if got := o.log.take(); len(got) != 1 || got[0].Constant() != event.NOTICE_PREFERENCE_CHANGED || got[0].Outcome() != event.Denied {
			t.Errorf("%v", got)
		}
		all, err := o.Preferences(t.Context(), anna)
		if err != nil || !slices.ContainsFunc(all, func(p notify.Preference) bool {
			return p.Kind == notify.AccessWaitingKind && p.Email == notify.EmailOff
		}) {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestAnOrganizationIntroducesItsNotices(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		anna := o.person(t, "anna@example.com")
		o.Service = o.like(t, func(d *notify.Deps) { d.Brands = acme{} })
		if _, err := o.Introduce(t.Context(), o.owner, notify.AccessWaitingKind, "{organization}: call {support} if in doubt."); err != nil {
			t.Fatal(err)
		}
		if got := o.log.take(); len(got) != 1 || got[0].Constant() != event.TENANT_SETTINGS_UPDATED || len(o.past(t)) != 1 {
			t.Errorf("%v", got)
		}
		o.tell(t, anna.Email)
		if got := o.inbox(t, anna, false); len(got) != 1 || !strings.HasPrefix(got[0].Text, "Acme Works: call the desk if in doubt.\n") {
			t.Errorf("%+v", got)
		}
		for _, bad := range []string{"see https://example.com", "{secret}", "a } b", strings.Repeat("x", 1001), "\u202ex"} {
			if _, err := o.Introduce(t.Context(), o.owner, notify.AccessWaitingKind, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
		if _, err := o.Introduce(t.Context(), anna, notify.AccessWaitingKind, "x"); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator: %v", err)
		}
		if _, err := o.Introduce(t.Context(), o.owner, notify.AccessWaitingKind, ""); err != nil {
			t.Error(err)
		}
		o.tell(t, anna.Email)
		if got := o.inbox(t, anna, false); strings.Contains(got[0].Text, "Acme") {
			t.Errorf("%+v", got[0])
		}
	})
}

// acme is how the office shows itself.
type acme struct{}

func (acme) Brand(context.Context, id.Org) (notify.Brand, error) {
	return notify.Brand{Name: "Acme Works", Color: "#1f6feb", Support: "the desk"}, nil
}

func FuzzIntroduction(f *testing.F) {
	for _, s := range []string{"", "{organization}", "{{support}}", "a\r\nb", "https://x", "{", "\u202e", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, why := notify.ParseIntroduction(s)
		if again, whyAgain := notify.ParseIntroduction(words); why == "" && (again != words || whyAgain != "" || strings.Contains(words, "://") || strings.Contains(words, "\r")) {
			t.Fatalf("%q became %q, then %q (%s)", s, words, again, whyAgain)
		}
	})
}

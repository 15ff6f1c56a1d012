package phone_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestNumberIsSetAndReplaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		if r.Number.E164() != "" || r.Change.Number.E164() != "+4915123456789" || r.Change.AttemptsLeft != 5 || r.Change.ByAdmin {
			t.Errorf("%+v", r)
		}
		e := w.Expect(t, "PHONE_CHANGE_REQUESTED", "PHONE_VERIFICATION_CODE_SENT")
		if e[0].Actor.Type != "User" || e[0].Actor.ID != string(p.ID) || e[0].OrgID != p.Org() || Meta(e[1], "country") != "DE" ||
			Meta(e[1], "provider") != "test" || Meta(e[1], "provider_message_id") != "m-1" || Meta(e[1], "sms_purpose") != "phone_change" || Meta(e[0], "new_phone") != Meta(e[1], "phone") {
			t.Errorf("%+v", e)
		}
		r, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.code(t))
		if err != nil || r.Number.E164() != "+4915123456789" || r.Change != nil || r.VerifiedAt.IsZero() {
			t.Fatalf("%+v, %v", r, err)
		}
		e = w.Expect(t, "PHONE_VERIFICATION_SUCCEEDED", "PHONE_CHANGE_COMMITTED")
		if Meta(e[0], "attempts") != "1" || e[1].Metadata["old_phone"] != nil {
			t.Errorf("%+v", e)
		}
		first := Meta(e[1], "new_phone")
		w.set(t, p, british)
		r = w.request(t, p, german) // back again
		e = w.Take(t)
		if Meta(e[0], "new_phone") != first || e[0].Metadata["old_phone"] == nil {
			t.Errorf("the digest of a number changed: %+v", e[0])
		}
		_, err = w.phone.Request(t.Context(), p.Actor, p.ID, "+447400123456")
		failed(t, "the number that is stored", err, "PHONE_UNCHANGED")
		w.Expect(t)
	})
}

func TestWrongCodesEndAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		w.Take(t)
		for n := 1; n < 5; n++ {
			code := w.carrier.wrongCode(t)
			if n == 3 {
				code = secret.FromString("not a code")
			}
			_, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, code)
			failed(t, "a wrong code", err, "BAD_CODE")
			if e := w.Expect(t, "PHONE_VERIFICATION_FAILED wrong_code"); Meta(e[0], "attempts") != string(rune('0'+n)) || Meta(e[0], "closed") != "false" {
				t.Errorf("%+v", e)
			}
		}
		if left := w.get(t, p).Change.AttemptsLeft; left != 1 {
			t.Errorf("%d attempts left", left)
		}
		_, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.wrongCode(t))
		failed(t, "the last wrong code", err, "CODE_EXHAUSTED")
		e := w.Expect(t, "PHONE_VERIFICATION_FAILED attempts_exhausted", "PHONE_CHANGE_ABANDONED attempts_exhausted")
		if Meta(e[0], "closed") != "true" || e[1].Actor.Type != "System" || e[0].RequestID != e[1].RequestID {
			t.Errorf("%+v", e)
		}
		now := w.get(t, p)
		if now.Change != nil || now.Number.E164() != "" {
			t.Errorf("%+v", now)
		}
		_, err = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, now.Version, w.carrier.code(t))
		failed(t, "the right code, too late", err, "PHONE_CHANGE_OVER")
		w.Expect(t)
	})
}

func TestCodesAndChangesEndByTheClock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		w.Take(t)
		w.Clock.Pass(10 * time.Minute)
		_, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.code(t))
		failed(t, "the right code after ten minutes", err, "CODE_EXPIRED")
		e := w.Expect(t, "PHONE_VERIFICATION_EXPIRED expired")
		if Meta(e[0], "found_by") != "late_code" || e[0].Actor.Type != "User" {
			t.Errorf("%+v", e)
		}
		_, err = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.code(t))
		failed(t, "once more", err, "CODE_EXPIRED")
		check(t, w.phone.Sweep(t.Context()))
		w.Expect(t) // it was told once

		w.Clock.Pass(45 * time.Minute)
		p = w.Again(t, p, "acme")
		r, err = w.phone.Resend(t.Context(), p.Actor, r.Change.ID, r.Version)
		check(t, err)
		if !r.Change.ExpiresAt.Equal(r.Change.CodeExpiresAt) {
			t.Errorf("the change ends at %v, its code at %v", r.Change.ExpiresAt, r.Change.CodeExpiresAt)
		}
		w.Take(t)
		w.Clock.Pass(10 * time.Minute)
		check(t, w.phone.Sweep(t.Context()))
		e = w.Expect(t, "PHONE_VERIFICATION_EXPIRED expired", "PHONE_CHANGE_ABANDONED expired")
		if Meta(e[0], "found_by") != "sweep" || e[0].Actor.Type != "System" {
			t.Errorf("%+v", e)
		}
		check(t, w.phone.Sweep(t.Context()))
		w.Expect(t)

		r = w.request(t, w.Again(t, p, "acme"), german) // one that nobody sweeps
		w.Take(t)
		w.Clock.Pass(2 * time.Hour)
		p = w.Again(t, p, "acme")
		w.Take(t)
		_, err = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.code(t))
		failed(t, "a change of two hours", err, "PHONE_CHANGE_OVER")
		w.Expect(t, "PHONE_VERIFICATION_EXPIRED expired", "PHONE_CHANGE_ABANDONED expired")
		if w.get(t, p).Number.E164() != "" {
			t.Error("it took effect")
		}
	})
}

func TestNewerRequestReplacesAnOlder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		first := w.request(t, p, german)
		old := w.carrier.code(t)
		w.Take(t)
		second := w.request(t, p, british)
		e := w.Expect(t, "PHONE_CHANGE_ABANDONED superseded", "PHONE_CHANGE_REQUESTED", "PHONE_VERIFICATION_CODE_SENT")
		if Meta(e[0], "superseded_by") != string(second.Change.ID) || Meta(e[0], "change_id") != string(first.Change.ID) {
			t.Errorf("%+v", e)
		}
		_, err := w.phone.Confirm(t.Context(), p.Actor, first.Change.ID, first.Version, old)
		failed(t, "the older change", err, "VERSION_CONFLICT")
		e = w.Expect(t, "PHONE_CHANGE_CONCURRENT_MODIFICATION version_conflict")
		if Meta(e[0], "change_operation") != "commit" || Meta(e[0], "expected_version") != "1" {
			t.Errorf("%+v", e)
		}
		failed(t, "cancel the older", w.phone.Cancel(t.Context(), p.Actor, p.ID, first.Change.ID, first.Version), "VERSION_CONFLICT")
		if e = w.Expect(t, "PHONE_CHANGE_CONCURRENT_MODIFICATION version_conflict"); Meta(e[0], "change_operation") != "cancel" {
			t.Errorf("%+v", e)
		}
		_, err = w.phone.Resend(t.Context(), p.Actor, second.Change.ID, first.Version)
		failed(t, "resend on an old view", err, "VERSION_CONFLICT")
		w.Expect(t)
		if _, err = w.phone.Confirm(t.Context(), p.Actor, second.Change.ID, second.Version, w.carrier.code(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestResendVoidsTheCodeBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		old := w.carrier.code(t)
		next, err := w.phone.Resend(t.Context(), p.Actor, r.Change.ID, r.Version)
		check(t, err)
		if next.Version == r.Version || next.Change.ID != r.Change.ID {
			t.Errorf("%+v", next)
		}
		w.Take(t)
		if old.RevealString() != w.carrier.code(t).RevealString() {
			_, err = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, next.Version, old)
			failed(t, "the code before", err, "BAD_CODE")
		}
		if _, err = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, next.Version, w.carrier.code(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeIsCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		w.Take(t)
		check(t, w.phone.Cancel(t.Context(), p.Actor, p.ID, r.Change.ID, r.Version))
		if e := w.Expect(t, "PHONE_CHANGE_CANCEL"); e[0].Actor.Type != "User" || Meta(e[0], "by_admin") != "false" {
			t.Errorf("%+v", e)
		}
		now := w.get(t, p)
		failed(t, "again", w.phone.Cancel(t.Context(), p.Actor, p.ID, r.Change.ID, now.Version), "PHONE_CHANGE_OVER")
		_, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, now.Version, w.carrier.code(t))
		failed(t, "confirm it", err, "PHONE_CHANGE_OVER")
		_, err = w.phone.Confirm(t.Context(), p.Actor, "pch_nobody", now.Version, w.carrier.code(t))
		failed(t, "one that is not there", err, "NOT_FOUND")
		w.Expect(t)
		check(t, w.phone.Sweep(t.Context()))
		w.Clock.Pass(time.Hour)
		check(t, w.phone.Sweep(t.Context()))
		w.Expect(t)
	})
}

func TestAdministratorsAskForMembers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p, owner := w.person, w.owner
		_, stranger := w.Org(t, "other")
		admin := w.Member(t, owner, "ada", authz.Admin)
		owner, stranger, admin, p = w.Again(t, owner, "acme"), w.Again(t, stranger, "other"), w.Again(t, admin, "acme"), w.Again(t, p, "acme")
		w.Take(t)
		ask := func(by, whose Someone) (phone.Record, error) {
			return w.phone.Request(t.Context(), by.Actor, whose.ID, german)
		}
		r, err := ask(admin, p)
		check(t, err)
		e := w.Expect(t, "PHONE_CHANGE_REQUESTED", "PHONE_VERIFICATION_CODE_SENT")
		if e[0].Actor.Type != "TenantAdmin" || e[0].Actor.ID != string(admin.ID) || Meta(e[0], "subject_user_id") != string(p.ID) || e[1].Actor.Type != "System" || !r.Change.ByAdmin {
			t.Errorf("%+v", e)
		}
		_, err = w.phone.Confirm(t.Context(), admin.Actor, r.Change.ID, r.Version, w.carrier.code(t))
		failed(t, "an administrator brings the code", err, "NOT_FOUND")
		check(t, w.phone.Cancel(t.Context(), owner.Actor, p.ID, r.Change.ID, r.Version))
		if e = w.Expect(t, "PHONE_CHANGE_CANCEL"); e[0].Actor.Type != "TenantAdmin" || Meta(e[0], "by_admin") != "true" {
			t.Errorf("%+v", e)
		}
		r, err = ask(owner, p)
		check(t, err)
		w.Take(t)
		_, err = ask(p, admin)
		failed(t, "an operator asks for somebody", err, "NOT_PERMITTED")
		w.Expect(t, "PHONE_CHANGE_REQUESTED not_permitted")
		_, err = ask(admin, owner)
		failed(t, "an admin asks for an owner", err, "ROLE_ABOVE_ACTOR")
		w.Expect(t, "PHONE_CHANGE_REQUESTED not_permitted")
		_, err = ask(stranger, p)
		failed(t, "another organization", err, "NOT_FOUND")
		_, err = w.phone.Get(t.Context(), stranger.Actor, p.ID)
		failed(t, "another organization looks", err, "NOT_FOUND")
		_, err = w.phone.Get(t.Context(), p.Actor, admin.ID)
		failed(t, "an operator looks", err, "NOT_PERMITTED")
		failed(t, "an operator cancels", w.phone.Cancel(t.Context(), p.Actor, admin.ID, "pch_x", 0), "NOT_PERMITTED")
		w.Expect(t)
		mara := w.Member(t, owner, "mara", authz.Operator)
		w.Take(t)
		failed(t, "an operator cancels one that there is", w.phone.Cancel(t.Context(), mara.Actor, p.ID, r.Change.ID, r.Version), "NOT_PERMITTED")
		w.Expect(t, "PHONE_CHANGE_CANCEL not_permitted")
		if _, err = w.phone.Confirm(t.Context(), w.Again(t, p, "acme").Actor, r.Change.ID, r.Version, w.carrier.code(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestAskingNeedsAFreshFactorAndAPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		w.Clock.Pass(20 * time.Minute)
		_, err := w.phone.Request(t.Context(), p.Actor, p.ID, german)
		failed(t, "a factor of 20 minutes ago", err, "STEP_UP_REQUIRED")
		w.Expect(t, "PHONE_CHANGE_REQUESTED mfa_required")
		token := w.Again(t, p, "acme").Actor
		w.Take(t)
		token.Kind, token.Scopes = authz.Token, []string{"*"}
		_, err = w.phone.Request(t.Context(), token, p.ID, german)
		failed(t, "an API token", err, "NOT_PERMITTED")
		w.Expect(t, "PHONE_CHANGE_REQUESTED not_permitted")
		_, err = w.phone.Request(t.Context(), authz.Actor{}, p.ID, german)
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody: %v", err)
		}
		w.Expect(t)
	})
}

func TestOneNumberIsOnePersons(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p, owner := w.person, w.owner
		mine := w.request(t, p, german)
		code := w.carrier.code(t)
		w.set(t, owner, german) // both ask; the owner is first to prove it
		_, err := w.phone.Confirm(t.Context(), p.Actor, mine.Change.ID, mine.Version, code)
		failed(t, "the number of somebody else by now", err, "PHONE_IN_USE")
		w.Expect(t, "PHONE_CHANGE_REQUESTED number_in_use")
		if r := w.get(t, p); r.Number.E164() != "" || r.Change == nil {
			t.Errorf("%+v", r)
		}
		check(t, w.phone.Cancel(t.Context(), p.Actor, p.ID, mine.Change.ID, mine.Version))
		w.Take(t)
		_, err = w.phone.Request(t.Context(), p.Actor, p.ID, "+49 (151) 234-56789")
		failed(t, "the number of somebody else", err, "PHONE_IN_USE")
		w.Expect(t, "PHONE_CHANGE_REQUESTED number_in_use")
		w.set(t, owner, british) // it is free again
		w.set(t, p, german)
	})
}

func TestTwoConfirmationsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		r := w.request(t, p, german)
		w.Take(t)
		var wg sync.WaitGroup
		errs := make([]error, 6)
		code := w.carrier.code(t)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, secret.FromString(code.RevealString()))
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.CodeOf(err) != "VERSION_CONFLICT" {
				t.Errorf("a loser hears %v", err)
			}
		}
		told := map[string]int{}
		for _, n := range Names(w.Take(t)) {
			told[n]++
		}
		if won != 1 || told["PHONE_CHANGE_COMMITTED"] != 1 || told["PHONE_VERIFICATION_SUCCEEDED"] != 1 || told["PHONE_CHANGE_CONCURRENT_MODIFICATION version_conflict"] != 5 || len(told) != 3 {
			t.Errorf("%d won; %v", won, told)
		}
	})
}

func TestTwoRequestsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		var wg sync.WaitGroup
		var errs [3]error
		for i, n := range []string{german, british, french} {
			wg.Go(func() { _, errs[i] = w.phone.Request(t.Context(), p.Actor, p.ID, n) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && fault.CodeOf(err) != "VERSION_CONFLICT" {
				t.Error(err)
			}
		}
		var pending int
		check(t, w.DB.Raw().QueryRow(`select count(*) from phone_change where state = 'pending'`).Scan(&pending))
		if r := w.get(t, p); pending != 1 || r.Change == nil {
			t.Errorf("%d changes are pending: %+v, %v", pending, r, errors.Join(errs[:]...))
		}
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package phone_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/phone"
)

func TestLimitsHold(t *testing.T) {
	rows := []struct {
		limits phone.Limits
		reason string
		who    func(w *world, n int) Someone
		number func(n int) string
	}{
		{phone.Limits{Number: 2}, "limit_number", func(w *world, n int) Someone { return []Someone{w.person, w.owner, w.person}[n] }, func(int) string { return german }},
		{phone.Limits{User: 2}, "limit_user", func(w *world, n int) Someone { return w.person }, func(n int) string { return []string{german, british, french}[n] }},
		{phone.Limits{Source: 2}, "limit_source_ip", func(w *world, n int) Someone { return w.owner }, func(n int) string { return []string{german, british, french}[n] }},
		{phone.Limits{Country: 2}, "limit_country", func(w *world, n int) Someone { return w.person }, func(n int) string { return fmt.Sprintf("+491512345678%d", n) }},
		{phone.Limits{Org: 2}, "limit_org", func(w *world, n int) Someone { return w.owner }, func(n int) string { return []string{german, british, french}[n] }},
	}
	for _, r := range rows {
		t.Run(r.reason, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				for n := range 2 {
					w.request(t, r.who(w, n), r.number(n))
				}
				w.Take(t)
				p := r.who(w, 2)
				before := w.get(t, p)
				for range 3 {
					_, err := w.phone.Request(t.Context(), p.Actor, p.ID, r.number(2))
					f := fault.As(err)
					if f == nil || f.Kind != fault.Exhausted || f.RetryAfter <= 50*time.Minute {
						t.Fatalf("the third: %v", err)
					}
				}
				e := w.Expect(t, "PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT "+r.reason) // the repeats are folded
				if Meta(e[0], "limit_per_window") != "2" || Meta(e[0], "window_seconds") != "3600" || Meta(e[0], "coalesced") != "1" || e[0].Outcome != "denied" {
					t.Errorf("%+v", e[0])
				}
				if now := w.get(t, p); now.Version != before.Version {
					t.Errorf("the refused request changed %+v into %+v", before, now)
				}
				w.Clock.Pass(time.Hour)
				p = w.Again(t, p, "acme")
				w.request(t, p, r.number(2)) // the window is over
			}, func(d *phone.Deps) { d.Limits = r.limits })
		})
	}
}

func TestProvidersThatDoNotSend(t *testing.T) {
	rows := []struct {
		err    error
		code   string
		reason string
	}{
		{&phone.SendError{Cause: phone.ProviderError, Err: errors.New("500")}, "SMS_UNAVAILABLE", "provider_error"},
		{&phone.SendError{Cause: phone.Rejected, Err: errors.New("400")}, "SMS_REJECTED", "provider_rejected"},
		{&phone.SendError{Cause: phone.Timeout, Err: errors.New("late")}, "SMS_UNAVAILABLE", "timeout"},
		{errors.New("anything"), "SMS_UNAVAILABLE", "provider_error"},
	}
	for _, r := range rows {
		t.Run(r.reason, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				p := w.person
				w.carrier.err = r.err
				_, err := w.phone.Request(t.Context(), p.Actor, p.ID, german)
				failed(t, "request", err, r.code)
				e := w.Expect(t, "PHONE_CHANGE_REQUESTED", "PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE "+r.reason)
				if Meta(e[1], "provider") != "test" || e[1].Severity != "ERROR" || Meta(e[1], "verification_id") == "<nil>" {
					t.Errorf("%+v", e[1])
				}
				now := w.get(t, p)
				if now.Change == nil || now.Change.AttemptsLeft != 0 {
					t.Errorf("%+v", now)
				}
				w.carrier.err = nil // it works again: the change still waits
				now, err = w.phone.Resend(t.Context(), p.Actor, now.Change.ID, now.Version)
				check(t, err)
				if _, err = w.phone.Confirm(t.Context(), p.Actor, now.Change.ID, now.Version, w.carrier.code(t)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWithoutAProvider(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.phone.Request(t.Context(), w.person.Actor, w.person.ID, german)
		failed(t, "request", err, "SMS_UNAVAILABLE")
		e := w.Expect(t, "PHONE_CHANGE_REQUESTED", "PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE not_configured")
		if e[1].Metadata["provider"] != nil {
			t.Errorf("%+v", e[1])
		}
	}, func(d *phone.Deps) { d.Provider = nil })
}

func TestAFailingProviderIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		w.carrier.err = errors.New("down")
		ask := func(reason string) {
			t.Helper()
			w.phone.Request(t.Context(), p.Actor, p.ID, german)
			e := w.Take(t)
			if last := e[len(e)-1]; last.Reason != reason {
				t.Errorf("the reason is %q, not %q", last.Reason, reason)
			}
		}
		for range 5 {
			ask("provider_error")
		}
		ask("circuit_open")
		w.Clock.Pass(31 * time.Second)
		ask("provider_error") // one try
		ask("circuit_open")
		w.Clock.Pass(31 * time.Second)
		w.carrier.err = nil
		w.request(t, p, german)
		w.request(t, p, british)
	}, func(d *phone.Deps) { d.Limits = phone.Limits{User: 100, Number: 100} })
}

func TestCountriesThatAreNotServed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.phone.Request(t.Context(), w.person.Actor, w.person.ID, british)
		failed(t, "a British number", err, "PHONE_COUNTRY")
		w.Expect(t)
		w.request(t, w.person, german)
	}, func(d *phone.Deps) { d.Countries = []string{"DE", "FR"} })
}

func TestBootGate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gate := func(change func(*phone.Deps)) error {
			return w.service(t, change).Gate(t.Context())
		}
		check(t, gate(func(d *phone.Deps) { d.Provider = nil }))
		w.Expect(t) // nothing is demanded, so there is no gate
		check(t, gate(func(d *phone.Deps) { d.Required = true }))
		e := w.Expect(t, "PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED")
		if e[0].OrgID != "" || e[0].Actor.Type != "System" || Meta(e[0], "provider") != "test" || Meta(e[0], "release") != "1.0" || e[0].Target.ID != "platform" {
			t.Errorf("%+v", e[0])
		}
		if err := gate(func(d *phone.Deps) { d.Required, d.Provider = true, nil }); !fault.Is(err, fault.Unavailable) {
			t.Errorf("without a provider: %v", err)
		}
		e = w.Expect(t, "SYSTEM_ERROR_LOGGED boot_gate_failed")
		if Meta(e[0], "component") != "phone" {
			t.Errorf("%+v", e[0])
		}
		w.Clock.Pass(10 * time.Minute)
		if err := gate(func(d *phone.Deps) { d.Required, d.Provider = true, &carrier{err: errors.New("401")} }); !fault.Is(err, fault.Unavailable) {
			t.Errorf("with a provider that does not let us in: %v", err)
		}
		w.Expect(t, "SYSTEM_ERROR_LOGGED boot_gate_failed")
	})
}

func TestRegistrationVerifiesBeforeThereIsAPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		from := authz.Actor{Kind: authz.Nobody, Source: From.Source, Via: From.Via, Request: "req_1"}
		r, err := w.phone.Register(ctx, from, "", german)
		check(t, err)
		e := w.Expect(t, "PHONE_VERIFICATION_CODE_SENT")
		if e[0].OrgID != "" || e[0].Actor.Type != "User" || e[0].Actor.ID != "" || Meta(e[0], "sms_purpose") != "registration" || e[0].Metadata["subject_user_id"] != nil {
			t.Errorf("%+v", e[0])
		}
		if _, err := w.phone.CarryOver(ctx, w.owner.Org(), r.ID); fault.CodeOf(err) != "PHONE_NOT_VERIFIED" {
			t.Errorf("a number that is not verified: %v", err)
		}
		failed(t, "a wrong code", w.phone.ConfirmRegistration(ctx, from, r.ID, w.carrier.wrongCode(t)), "BAD_CODE")
		w.Expect(t, "PHONE_VERIFICATION_FAILED wrong_code")
		old := r.ID
		r, err = w.phone.Register(ctx, from, old, german)
		check(t, err)
		w.Take(t)
		failed(t, "the verification before", w.phone.ConfirmRegistration(ctx, from, old, w.carrier.code(t)), "CODE_EXPIRED")
		check(t, w.phone.ConfirmRegistration(ctx, from, r.ID, w.carrier.code(t)))
		w.Expect(t, "PHONE_VERIFICATION_SUCCEEDED")
		failed(t, "again", w.phone.ConfirmRegistration(ctx, from, r.ID, w.carrier.code(t)), "PHONE_VERIFIED")
		failed(t, "an unknown one", w.phone.ConfirmRegistration(ctx, from, "pvf_x", w.carrier.code(t)), "NOT_FOUND")
		if now, err := w.phone.Registered(ctx, r.ID); err != nil || !now.Verified || now.Masked != "+**********789" {
			t.Errorf("%+v, %v", now, err)
		}
		w.Clock.Pass(30 * 24 * time.Hour)
		check(t, w.phone.Sweep(ctx))
		if _, err := w.phone.Registered(ctx, r.ID); err != nil {
			t.Errorf("it does not wait for the decision: %v", err)
		}
		w.carryOver(t, r.ID, w.person, "USERS_PHONE_PROPAGATED_FROM_REGISTRATION")
		if now := w.get(t, w.person); now.Number.E164() != "+4915123456789" || now.Version == 0 {
			t.Errorf("%+v", now)
		}
		w.carryOver(t, r.ID, w.person) // they have it: nothing is told
		w.carryOver(t, r.ID, w.owner, "USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT number_in_use")
		second := w.registered(t, british)
		w.carryOver(t, second, w.person, "USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT user_has_other_number")
		if now := w.get(t, w.person); now.Number.E164() != "+4915123456789" {
			t.Errorf("%+v", now)
		}
		if _, err := w.phone.RegisteredDigest(ctx, second); err != nil {
			t.Error(err)
		}
	})
}

// A change that waits while the number is set from a registration loses.
func TestCarryingOverBeatsAPendingChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		v := w.registered(t, german)
		r := w.request(t, w.person, british)
		code := w.carrier.code(t)
		w.Take(t)
		w.carryOver(t, v, w.person, "USERS_PHONE_PROPAGATED_FROM_REGISTRATION")
		_, err := w.phone.Confirm(t.Context(), w.person.Actor, r.Change.ID, r.Version, code)
		failed(t, "the pending change", err, "VERSION_CONFLICT")
		e := w.Expect(t, "PHONE_CHANGE_CONCURRENT_MODIFICATION version_conflict")
		if Meta(e[0], "expected_version") != "1" || Meta(e[0], "actual_version") != "2" {
			t.Errorf("%+v", e[0])
		}
	})
}

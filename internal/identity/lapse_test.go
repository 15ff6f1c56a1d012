package identity_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
)

// What an organization has set holds for browsers and devices alike, at the moment that
// the clock says so and not when the sweep comes by.
func TestLimitsOfAnOrganizationHold(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		set := func(idle, absolute time.Duration) {
			exec(t, w, `delete from organization_setting where org_id = $1`, string(owner.Actor.Org))
			exec(t, w, `insert into organization_setting (org_id, version, settings, idle_us, absolute_us, smtp_password, seat_limit, changed_at) values ($1, 1, '{}', $2, $3, $4, 0, 1)`,
				string(owner.Actor.Org), idle.Microseconds(), absolute.Microseconds(), []byte{})
		}
		gone := func(what string, s identity.Session) {
			t.Helper()
			if _, err := w.Identity.ByBearer(t.Context(), s.Token, "", From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: the session goes on: %v", what, err)
			}
			if _, err := w.Identity.Refresh(t.Context(), s.Refresh, From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: it was begun again: %v", what, err)
			}
		}
		set(5*time.Minute, 0)
		d := device(t, w, owner)
		for range 3 {
			w.Clock.Pass(4 * time.Minute)
			if _, err := w.Identity.ByBearer(t.Context(), d.Token, "", From); err != nil {
				t.Fatal(err)
			}
		}
		w.Clock.Pass(5 * time.Minute)
		gone("idle", d)
		w.Take(t)
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT idle", "AUTH_SIGNED_OUT idle") // the browser's that let it in, too

		owner = w.Again(t, owner, "")
		set(0, time.Hour)
		d = device(t, w, owner)
		for range 3 {
			w.Clock.Pass(19 * time.Minute)
			next, err := w.Identity.Refresh(t.Context(), d.Refresh, From)
			if err != nil {
				t.Fatal(err)
			}
			d = next
		}
		w.Clock.Pass(3 * time.Minute)
		gone("an hour", d)
		w.Take(t)
		if err := w.Identity.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range Names(w.Take(t)) {
			if n != "AUTH_SIGNED_OUT expired" && n != "AUTH_SIGNED_OUT idle" { // the browser's was idle for the installation
				t.Error(n)
			}
		}
	})
}

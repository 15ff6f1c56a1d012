package phone_test

import (
	"testing"
	"time"

	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
)

func TestNumberIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person
		failed(t, "no number", w.phone.Remove(t.Context(), p.Actor, 0), "PHONE_NONE")
		w.Expect(t)
		r := w.set(t, p, german)
		failed(t, "an older view", w.phone.Remove(t.Context(), p.Actor, r.Version-1), "VERSION_CONFLICT")
		w.Expect(t)
		pending := w.request(t, p, british)
		code := w.carrier.code(t)
		w.Take(t)
		if err := w.phone.Remove(t.Context(), p.Actor, pending.Version); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "PHONE_NUMBER_REMOVED")[0]
		if e.Actor.Type != "User" || e.Actor.ID != string(p.ID) || e.OrgID != p.Org() || Meta(e, "subject_user_id") != string(p.ID) || e.Metadata["old_phone"] == nil {
			t.Errorf("%+v", e)
		}
		now := w.get(t, p)
		if now.Number.E164() != "" || !now.VerifiedAt.IsZero() || now.Change == nil || now.Version != pending.Version+1 {
			t.Errorf("%+v", now)
		}
		w.set(t, w.owner, german) // it is free for others
		r, err := w.phone.Confirm(t.Context(), p.Actor, now.Change.ID, now.Version, code)
		if err != nil || r.Number.E164() != "+447400123456" {
			t.Errorf("what was pending: %+v %v", r, err)
		}
		w.Take(t)
		w.Clock.Pass(time.Hour)
		failed(t, "a stale second factor", w.phone.Remove(t.Context(), p.Actor, r.Version), "STEP_UP_REQUIRED")
		w.Expect(t, "PHONE_NUMBER_REMOVED mfa_required")
		if got := w.get(t, p); got.Number.E164() == "" {
			t.Error("it was removed all the same")
		}
	})
}

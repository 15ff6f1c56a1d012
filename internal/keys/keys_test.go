package keys_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/keys"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func service(t *testing.T, w *World) *keys.Service {
	t.Helper()
	s, err := keys.New(keys.Deps{DB: w.DB, Keyring: w.Keyring, Ledger: w.Ledger, Now: w.Clock.Now, Orgs: tenancy.Directory{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// step checks an outcome and the events that it left.
func step(t *testing.T, w *World, name string, err error, code string, events ...string) {
	t.Helper()
	if got := fault.CodeOf(err); (err == nil) != (code == "") || err != nil && got != code {
		t.Errorf("%s: %v (%s), want %s", name, err, got, code)
	}
	if got := Names(w.Take(t)); !slices.Equal(got, events) {
		t.Errorf("%s: events %v, want %v", name, got, events)
	}
}

func TestRootKeyRotates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		s := service(t, w)
		sealed, err := w.Keyring.Seal(t.Context(), owner.Org(), "a place", []byte("a secret"))
		if err != nil {
			t.Fatal(err)
		}
		before, err := s.Root(t.Context(), w.Admin.Actor)
		if err != nil || before.Keysets < 2 || before.Waiting != 0 || len(before.Older) != 0 {
			t.Fatalf("%+v %v", before, err)
		}
		w.Take(t)

		_, err = s.RotateRoot(t.Context(), owner.Actor, keys.All)
		step(t, w, "an owner", err, "NOT_PERMITTED", "ROOT_KEY_ROTATION not_permitted")
		_, err = s.RotateRoot(t.Context(), authz.Actor{}, keys.All)
		step(t, w, "nobody", err, "SIGN_IN_REQUIRED")
		_, err = s.RotateRoot(t.Context(), w.Admin.Actor, "half")
		step(t, w, "an unknown step", err, "INVALID")
		stale := w.Admin.Actor
		stale.MFAAt = w.Clock.Now().Add(-16 * time.Minute)
		_, err = s.RotateRoot(t.Context(), stale, keys.All)
		step(t, w, "a second factor of long ago", err, "STEP_UP_REQUIRED", "ROOT_KEY_ROTATION mfa_required")
		if after, err := s.Root(t.Context(), w.Admin.Actor); err != nil || after.Root != before.Root {
			t.Errorf("a refused rotation changed the root key: %v", err)
		}

		begun, err := s.RotateRoot(t.Context(), w.Admin.Actor, keys.Begin)
		step(t, w, "begin", err, "", "ROOT_KEY_ROTATION", "ROOT_KEY_ROTATION")
		if begun.Root == before.Root || !slices.Equal(begun.Older, []id.Key{before.Root}) || begun.Waiting != begun.Keysets {
			t.Errorf("after begin: %+v", begun)
		}
		if _, err := w.Keyring.Open(t.Context(), owner.Org(), "a place", sealed); err != nil {
			t.Errorf("between begin and finish: %v", err)
		}
		done, err := s.RotateRoot(t.Context(), w.Admin.Actor, keys.All) // finishes what was begun
		if err != nil || done.Root != begun.Root || len(done.Older) != 0 || done.Waiting != 0 {
			t.Errorf("after all: %+v %v", done, err)
		}
		e := w.Expect(t, "ROOT_KEY_ROTATION", "ROOT_KEY_ROTATION")
		if Meta(e[0], "rotation_stage") != "started" || Meta(e[1], "rotation_stage") != "completed" || Meta(e[1], "root_key_id") != string(done.Root) || e[1].OrgID != "" {
			t.Errorf("%+v", e)
		}
		again, err := s.RotateRoot(t.Context(), w.Admin.Actor, keys.All)
		step(t, w, "all", err, "", "ROOT_KEY_ROTATION", "ROOT_KEY_ROTATION", "ROOT_KEY_ROTATION")
		if again.Root == done.Root {
			t.Error("the root key is still the same")
		}
		if plain, err := w.Keyring.Open(t.Context(), owner.Org(), "a place", sealed); err != nil || string(plain) != "a secret" {
			t.Errorf("after the rotations: %v", err)
		}
	})
}

func TestDataKeysRotate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		admin := w.Member(t, owner, "adam", authz.Admin)
		s := service(t, w)
		old, err := w.Keyring.KeyID(t.Context(), owner.Org())
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		_, err = s.RotateData(t.Context(), admin.Actor)
		step(t, w, "an admin", err, "NOT_PERMITTED", "ORG_KEY_ROTATED not_permitted")
		stale := owner.Actor
		stale.MFAAt = time.Time{}
		_, err = s.RotateData(t.Context(), stale)
		step(t, w, "no second factor", err, "STEP_UP_REQUIRED", "ORG_KEY_ROTATED mfa_required")
		k, err := s.RotateData(t.Context(), w.Again(t, owner, string(owner.Org())).Actor)
		if err != nil || k.Replaced != old || k.ID == old {
			t.Fatalf("%+v %v", k, err)
		}
		all := w.Take(t)
		e := all[len(all)-1]
		if e.Constant != "ORG_KEY_ROTATED" || e.OrgID != owner.Org() || Meta(e, "new_key_id") != string(k.ID) || Meta(e, "replaced_key_id") != string(old) || e.Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
		root := w.Again(t, w.Admin, "")
		w.Take(t)
		_, err = s.RotateData(t.Context(), root.Actor)
		step(t, w, "the platform's", err, "", "ORG_KEY_ROTATED")
		w.Again(t, w.Admin, "") // their second factor is sealed under the old key, and still opens
	})
}

func TestLedgerKeysRotateAndLedgersResume(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		org, owner := w.Org(t, "acme")
		s := service(t, w)
		root := w.Admin.Actor
		root.MFAAt = w.Clock.Now()
		if _, err := w.Ledger.Sign(t.Context(), org.ID); err != nil {
			t.Fatal(err)
		}
		l, err := s.Ledgers(t.Context(), root, page.Request{})
		if err != nil || len(l.Items) != 2 || l.Items[0].Org != "" || l.Items[1].Name != org.Name || l.Items[1].Size == 0 {
			t.Fatalf("%+v %v", l, err)
		}
		log := l.Items[1].Log
		w.Take(t)
		w.Clock.Pass(time.Second) // one checkpoint at a time
		_, err = s.Ledgers(t.Context(), owner.Actor, page.Request{})
		step(t, w, "an owner looks", err, "NOT_PERMITTED")
		_, err = s.RotateLedgerKey(t.Context(), owner.Actor, log)
		step(t, w, "an owner rotates", err, "NOT_PERMITTED", "LEDGER_KEY_ROTATED not_permitted")
		_, err = s.RotateLedgerKey(t.Context(), root, "log_unknown")
		step(t, w, "an unknown ledger", err, "NOT_FOUND")
		r, err := s.RotateLedgerKey(t.Context(), root, log)
		if err != nil || r.Replaced == "" || r.VKey == "" {
			t.Fatalf("%+v %v", r, err)
		}
		e := w.Expect(t, "LEDGER_KEY_ROTATED", "LEDGER_KEY_ROTATED")
		if e[0].OrgID != "" || e[1].OrgID != org.ID || Meta(e[1], "new_key_id") != string(r.Key) || e[0].RequestID != e[1].RequestID || e[0].Target.ID != string(log) {
			t.Errorf("%+v", e)
		}
		published, err := w.Ledger.Keys(t.Context(), org.ID)
		if err != nil || len(published) != 2 || published[1].ID != r.Key || published[0].SignUntil.IsZero() {
			t.Errorf("%+v %v", published, err)
		}
		signed, err := w.Ledger.Sign(t.Context(), org.ID)
		if err != nil || !slices.Contains([]int64{signed.Size}, l.Items[1].Size+1) {
			t.Errorf("%+v %v", signed, err)
		}

		_, err = s.ResumeLedger(t.Context(), root, log)
		step(t, w, "it is not stopped", err, "LEDGER_NOT_STOPPED")
		if _, err := d.Raw().Exec(`update audit_log set halted_at = 1, halt_reason = 'a test' where org_id = $1`, string(org.ID)); err != nil {
			t.Fatal(err)
		}
		_, err = s.ResumeLedger(t.Context(), owner.Actor, log)
		step(t, w, "an owner resumes", err, "NOT_PERMITTED", "LEDGER_RESUMED not_permitted")
		w.Clock.Pass(time.Second)
		st, err := s.ResumeLedger(t.Context(), root, log)
		if err != nil || st.Stopped {
			t.Fatalf("%+v %v", st, err)
		}
		e = w.Expect(t, "LEDGER_RESUMED", "LEDGER_RESUMED")
		if e[1].OrgID != org.ID || Meta(e[1], "stop_reason") != "a test" || e[1].Severity != "CRITICAL" {
			t.Errorf("%+v", e)
		}
	})
}

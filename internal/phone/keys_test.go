package phone_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/phone"
)

// digest is what an event tells in place of a number.
func digest(t *testing.T, v any) (key, sum string) {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no digest", v)
	}
	return m["key_id"].(string), m["digest"].(string)
}

func TestDigestKeysRotateAndAreDestroyed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, p, owner := t.Context(), w.person, w.owner
		w.request(t, p, german)
		key, one := digest(t, w.Take(t)[0].Metadata["new_phone"])
		if key != "pd-1" {
			t.Errorf("the first key is %s", key)
		}
		_, err := w.phone.RotateKey(ctx, p.Actor, false)
		failed(t, "an operator rotates", err, "NOT_PERMITTED")
		if e := w.Expect(t, "AUTH_ACT_REFUSED not_permitted")[0]; Meta(e, "refused_act") != "phone_key_rotate" || e.Actor.ID != string(p.ID) || e.OrgID != owner.Org() {
			t.Errorf("%+v", e)
		}
		k, err := w.phone.RotateKey(ctx, owner.Actor, false)
		check(t, err)
		e := w.Expect(t, "AUDIT_PHONE_DIGEST_KEY_ROTATED")
		if k.ID != "pd-2" || Meta(e[0], "key_change") != "rotated" || Meta(e[0], "new_key_id") != "pd-2" || Meta(e[0], "previous_key_id") != "pd-1" ||
			Meta(e[0], "trigger_kind") != "manual" || e[0].Actor.Type != "TenantAdmin" || e[0].Target.ID != "pd-2" || e[0].OrgID != owner.Org() {
			t.Errorf("%+v", e[0])
		}
		w.request(t, p, german)
		key, two := digest(t, w.Take(t)[1].Metadata["new_phone"])
		if key != "pd-2" || two == one {
			t.Errorf("after the rotation: %s %s", key, two)
		}
		found, err := w.phone.Lookup(ctx, owner.Actor, "0049")
		failed(t, "no number", err, "PHONE_INVALID")
		found, err = w.phone.Lookup(ctx, owner.Actor, german)
		check(t, err)
		if len(found) != 2 || found[0] != (phone.Digest{Key: "pd-2", Digest: two}) || found[1] != (phone.Digest{Key: "pd-1", Digest: one}) {
			t.Errorf("found %v", found)
		}
		_, err = w.phone.Lookup(ctx, p.Actor, german)
		failed(t, "an operator looks up", err, "NOT_PERMITTED")
		elsewhere, err := w.phone.Lookup(ctx, w.Admin.Actor, german)
		check(t, err)
		for _, d := range elsewhere {
			if d.Digest == one || d.Digest == two {
				t.Error("two ledgers tell a number alike")
			}
		}

		failed(t, "destroy the key that makes digests", w.phone.DestroyKey(ctx, owner.Actor, "pd-2"), "KEY_IN_USE")
		failed(t, "destroy a key that is not there", w.phone.DestroyKey(ctx, owner.Actor, "pd-9"), "NOT_FOUND")
		failed(t, "destroy a key of no name", w.phone.DestroyKey(ctx, owner.Actor, "pd-01"), "NOT_FOUND")
		failed(t, "an operator destroys", w.phone.DestroyKey(ctx, p.Actor, "pd-1"), "NOT_PERMITTED")
		late := owner.Actor
		late.MFAAt = late.MFAAt.Add(-time.Hour)
		failed(t, "with a factor proved long ago", w.phone.DestroyKey(ctx, late, "pd-1"), "STEP_UP_REQUIRED")
		if e := w.Expect(t, "AUTH_ACT_REFUSED not_permitted", "AUTH_ACT_REFUSED mfa_required")[1]; Meta(e, "refused_act") != "phone_key_destroy" {
			t.Errorf("%+v", e)
		}
		check(t, w.phone.DestroyKey(ctx, owner.Actor, "pd-1"))
		e = w.Expect(t, "AUDIT_PHONE_DIGEST_KEY_ROTATED")
		if Meta(e[0], "key_change") != "destroyed" || Meta(e[0], "previous_key_id") != "pd-1" || e[0].Metadata["new_key_id"] != nil {
			t.Errorf("%+v", e[0])
		}
		failed(t, "destroy it again", w.phone.DestroyKey(ctx, owner.Actor, "pd-1"), "KEY_IN_USE")
		if found, err = w.phone.Lookup(ctx, owner.Actor, german); err != nil || len(found) != 1 || found[0].Key != "pd-2" {
			t.Errorf("found %v, %v", found, err)
		}
		keys, err := w.phone.Keys(ctx, owner.Actor)
		if err != nil || len(keys) != 2 || keys[0].State != "destroyed" || keys[1].State != "signing" || keys[0].DestroyedAt.IsZero() {
			t.Errorf("%+v, %v", keys, err)
		}
		var left int
		check(t, w.DB.Raw().QueryRow(`select length(key) from phone_digest_key where n = 1 and org_id = $1`, string(owner.Org())).Scan(&left))
		if left != 0 {
			t.Error("the destroyed key is still stored")
		}
		w.Clock.Pass(20 * time.Minute)
		_, err = w.phone.RotateKey(ctx, owner.Actor, true)
		failed(t, "a factor of 20 minutes ago", err, "STEP_UP_REQUIRED")
	})
}

func TestThePlatformsKeyRotatesToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := w.Again(t, w.Admin, "")
		w.Take(t)
		if _, err := w.phone.RotateKey(t.Context(), admin.Actor, true); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "AUDIT_PHONE_DIGEST_KEY_ROTATED")
		if e[0].Actor.Type != "PlatformAdmin" || e[0].OrgID != "" || Meta(e[0], "trigger_kind") != "incident" {
			t.Errorf("%+v", e[0])
		}
		auditor := admin.Actor
		auditor.PlatformRole = authz.PlatformAuditor
		_, err := w.phone.RotateKey(t.Context(), auditor, false)
		failed(t, "a platform auditor rotates", err, "NOT_PERMITTED")
	})
}

func TestTheClockRotatesKeysOfAYear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(t, w.person, german)
		w.Clock.Pass(364 * 24 * time.Hour)
		check(t, w.phone.Sweep(t.Context()))
		w.Expect(t)
		w.Clock.Pass(24 * time.Hour)
		check(t, w.phone.Sweep(t.Context()))
		e := w.Expect(t, "AUDIT_PHONE_DIGEST_KEY_ROTATED")
		if e[0].Actor.Type != "System" || Meta(e[0], "trigger_kind") != "schedule" || e[0].OrgID != w.owner.Org() {
			t.Errorf("%+v", e[0])
		}
		check(t, w.phone.Sweep(t.Context()))
		w.Expect(t)
	})
}

// locked seals nothing any more.
type locked struct{ phone.Sealer }

func (locked) Seal(context.Context, id.Org, string, []byte) ([]byte, error) {
	return nil, errors.New("the key store is closed")
}

func TestRotationWithoutAKeyStore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(t, w.person, german)
		s := w.service(t, func(d *phone.Deps) { d.Seal = locked{d.Seal} })
		owner := w.Again(t, w.owner, "acme")
		w.Take(t)
		_, err := s.RotateKey(t.Context(), owner.Actor, false)
		failed(t, "rotate", err, "KEY_STORE_UNAVAILABLE")
		if !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		e := w.Expect(t, "AUDIT_PHONE_DIGEST_KEY_ROTATED key_store_unavailable")
		if e[0].Outcome != "failure" || e[0].Severity != "ERROR" || Meta(e[0], "previous_key_id") != "pd-1" {
			t.Errorf("%+v", e[0])
		}
		keys, err := s.Keys(t.Context(), owner.Actor)
		if err != nil || len(keys) != 1 || keys[0].State != "signing" {
			t.Errorf("%+v, %v", keys, err)
		}
	})
}

// What lies in the database tells no number.
func TestNumbersAreSealedAtRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set(t, w.person, german)
		w.request(t, w.person, british)
		for _, q := range []string{`select number from person_phone`, `select number from phone_verification`, `select code_hash from phone_verification`} {
			rows, err := w.DB.Raw().Query(q)
			check(t, err)
			for rows.Next() {
				var b []byte
				check(t, rows.Scan(&b))
				if len(b) < 32 || string(b) == "+4915123456789" {
					t.Errorf("%s gives %x", q, b)
				}
			}
			rows.Close()
		}
	})
}

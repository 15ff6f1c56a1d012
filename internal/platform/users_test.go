package platform_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestResetOfSecondFactors(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		second := w.Member(t, owner, "second", authz.Operator)
		operator := func(role string) {
			t.Helper()
			if _, err := d.Raw().Exec(`insert into platform_operator (person_id, role, created_at, changed_at) values ($1, $2, 1, 1)
				on conflict (person_id) do update set role = excluded.role`, string(second.ID), role); err != nil {
				t.Fatal(err)
			}
		}
		operator("platform_auditor")
		w.Take(t)
		code(t, "the last administrator", w.Platform.ResetMFA(t.Context(), root(w), w.Admin.ID), "LAST_ADMIN")
		if e := w.Expect(t, "PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED last_admin")[0]; Meta(e, "self") != "true" || e.Severity != "CRITICAL" {
			t.Errorf("%+v", e)
		}
		operator("platform_admin")
		code(t, "oneself", w.Platform.ResetMFA(t.Context(), root(w), w.Admin.ID), "SELF_RESET")
		w.Expect(t, "PLATFORM_USER_MFA_RESET self_reset_forbidden")
		code(t, "an owner", w.Platform.ResetMFA(t.Context(), owner.Actor, second.ID), "NOT_PERMITTED")
		w.Expect(t, "PLATFORM_USER_MFA_RESET not_permitted")
		stale := root(w)
		stale.MFAAt = time.Time{}
		code(t, "without a fresh factor", w.Platform.ResetMFA(t.Context(), stale, second.ID), "STEP_UP_REQUIRED")
		w.Expect(t, "PLATFORM_USER_MFA_RESET not_permitted")
		code(t, "no operator", w.Platform.ResetMFA(t.Context(), root(w), owner.ID), "NOT_FOUND")
		w.Expect(t)

		code(t, "another", w.Platform.ResetMFA(t.Context(), root(w), second.ID), "")
		e := w.Expect(t, "PLATFORM_USER_MFA_RESET", "MFA_SESSIONS_INVALIDATED")
		if Meta(e[0], "sessions_ended") != "1" || Meta(e[0], "methods_removed") != "[backup_code totp]" || Meta(e[1], "caused_by") != string(e[0].ID) || Meta(e[1], "invalidation_cause") != "factor_reset" {
			t.Errorf("%+v", e)
		}
		if _, err := w.Identity.ByBearer(t.Context(), second.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("still signed in: %v", err)
		}
		in, err := w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: second.Email, Password: secret.FromString(second.Password), From: From})
		if err != nil || in.Session == nil || !in.Session.Enrolment {
			t.Errorf("the next sign-in does not enrol: %+v %v", in, err)
		}
		w.Take(t)
		// An administrator without a second factor is none who could act.
		code(t, "the last who can act", w.Platform.ChangeRole(t.Context(), root(w), w.Admin.ID, authz.PlatformAuditor), "LAST_ADMIN")
		if e := w.Expect(t, "PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED last_admin")[0]; Meta(e, "attempted") != "demote" || Meta(e, "self") != "true" {
			t.Errorf("%+v", e)
		}
	})
}

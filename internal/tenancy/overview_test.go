package tenancy_test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
)

func TestOperatorsSeeSizeAndState(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		w.Member(t, owner, "bob", authz.Operator)
		org := owner.Org()
		if _, err := w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, org, 7); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Tenancy.Suspend(t.Context(), w.Admin.Actor, org, "overdue"); err != nil {
			t.Fatal(err)
		}
		o, err := w.Tenancy.Overview(t.Context(), w.Admin.Actor, org)
		if err != nil || o.Members != 2 || o.Seats != 7 || o.Invited != 0 || o.Active || o.Comment != "overdue" || o.SuspendedAt.IsZero() || o.SSORequired {
			t.Errorf("%+v %v", o, err)
		}
		if _, err := w.Tenancy.Resume(t.Context(), w.Admin.Actor, org); err != nil {
			t.Fatal(err)
		}
		if o, err := w.Tenancy.Overview(t.Context(), w.Admin.Actor, org); err != nil || !o.Active || o.Comment != "" || !o.SuspendedAt.IsZero() {
			t.Errorf("%+v %v", o, err)
		}
		if _, err := w.Tenancy.Overview(t.Context(), owner.Actor, org); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner looks from the platform's side: %v", err)
		}
		for _, none := range []id.Org{"", "org_none"} {
			if _, err := w.Tenancy.Overview(t.Context(), w.Admin.Actor, none); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", none, err)
			}
		}
	})
}

package tenancy_test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Names of any script, in one form; nothing in them that turns or hides what is read.
func TestNamesOfOrganizations(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		for in, want := range map[string]string{"Bu\u0308ro GmbH": "B\u00fcro GmbH", "数据库 有限公司": "数据库 有限公司", "شركة الأمان": "شركة الأمان", " padded ": "padded"} {
			st, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{Name: to(in)})
			if err != nil || st.Name != want {
				t.Errorf("%q: %q %v", in, st.Name, err)
			}
		}
		for _, bad := range []string{"a\u202eb", "a\u2066b", "a\u200bb", "a\x00b", "a\nb", "a\ufeffb", "\xff"} {
			if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{Name: to(bad)}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		o, _, err := w.Tenancy.Create(t.Context(), w.Admin.Actor, tenancy.CreateArgs{Slug: "cafe", Name: "Cafe\u0301", Owner: identity.NewPerson{Email: owner.Email, Handle: owner.Handle}})
		if err != nil || o.Name != "Caf\u00e9" {
			t.Errorf("%q %v", o.Name, err)
		}
	})
}

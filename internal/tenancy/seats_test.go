package tenancy_test

import (
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Who is added by hand meets the same rules as who is invited.
func TestAddedMembersMeetTheRules(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		add := func(handle, email string) error {
			_, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: identity.NewPerson{Email: email, Handle: handle}, Role: authz.Operator})
			return err
		}
		if _, err := w.Tenancy.Update(t.Context(), owner.Actor, tenancy.Patch{AllowedDomains: to([]string{"corp.example"})}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if err := add("eve", "eve@else.example"); fault.CodeOf(err) != tenancy.DomainNotAllowed {
			t.Error(err)
		}
		if e := w.Expect(t, "ROLE_ASSIGNMENT_CHANGED not_permitted")[0]; Meta(e, "new_role") != "operator" {
			t.Errorf("%v", e.Metadata)
		}
		robot, err := identity.ServiceAccount(owner.Org(), "robot")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: robot, Role: authz.Operator}); err != nil {
			t.Errorf("a service account has an address of nobody's: %v", err)
		}
		if _, err := w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, owner.Org(), 3); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		// The last seat is given once, however many want it at once.
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { h := string(rune('a'+i)) + "-person"; errs[i] = add(h, h+"@corp.example") })
		}
		wg.Wait()
		in := 0
		for _, err := range errs {
			if err == nil {
				in++
			} else if fault.CodeOf(err) != tenancy.SeatLimit {
				t.Error(err)
			}
		}
		l, err := w.Tenancy.Members(t.Context(), owner.Actor, page.Request{})
		if err != nil || in != 1 || len(l.Items) != 3 {
			t.Errorf("%d came in, %d members: %v", in, len(l.Items), err)
		}
	})
}

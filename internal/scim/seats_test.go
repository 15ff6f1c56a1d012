package scim_test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/scim"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func TestDirectoriesMeetTheRules(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if _, err := s.Tenancy.SetSeats(t.Context(), s.Admin.Actor, s.owner.Org(), 2); err != nil {
			t.Fatal(err)
		}
		u := s.push(t, "jane")
		s.Take(t)
		if _, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: "late@example.com", Email: "late@example.com", Active: true}); fault.CodeOf(err) != tenancy.SeatLimit {
			t.Fatalf("one more than there are seats: %v", err)
		}
		e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED not_permitted")[0]
		if Meta(e, "role_source") != "scim" || Meta(e, "subject_user_id") != "" || Meta(e, "new_role") != "operator" || e.Actor.Type != "ServiceAccount" {
			t.Errorf("%+v", e)
		}
		if l, err := s.scim.Users(t.Context(), s.client, scim.Filter{}, 1, 10); err != nil || l.Total != 1 {
			t.Errorf("%+v %v", l, err)
		}
		// Who is not active holds no seat; a place that they had is gone when they want it back.
		quiet, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: "quiet@example.com", Email: "quiet@example.com"})
		if err != nil || quiet.Active {
			t.Fatalf("%+v %v", quiet, err)
		}
		s.Expect(t)
		on := patch(t, `{"Operations":[{"op":"replace","path":"active","value":true}]}`)
		if _, err := s.scim.ChangeUser(t.Context(), s.client, quiet.ID, func(u *scim.User) error { return u.Apply(on) }); fault.CodeOf(err) != tenancy.SeatLimit {
			t.Error(err)
		}
		if e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED not_permitted")[0]; Meta(e, "subject_user_id") != string(quiet.ID) {
			t.Errorf("%+v", e)
		}
		if err := s.scim.DeleteUser(t.Context(), s.client, u.ID); err != nil {
			t.Fatal(err)
		}
		domains := []string{"corp.example"}
		if _, err := s.Tenancy.Update(t.Context(), s.owner.Actor, tenancy.Patch{AllowedDomains: &domains}); err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		if _, err := s.scim.ChangeUser(t.Context(), s.client, quiet.ID, func(u *scim.User) error { return u.Apply(on) }); fault.CodeOf(err) != tenancy.DomainNotAllowed {
			t.Error(err)
		}
		s.Expect(t, "ROLE_ASSIGNMENT_CHANGED not_permitted")
	})
}

// A change of the rules that would put the last owner out is refused, and told.
func TestRulesDoNotPutTheLastOwnerOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if _, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: s.owner.Email, Email: s.owner.Email, Active: true}); err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		none := scim.Settings{Roles: []scim.Rule{{Group: "Nobody", Role: authz.Operator}}}
		if err := s.scim.SetSettings(t.Context(), s.owner.Actor, none); fault.CodeOf(err) != "LAST_OWNER" {
			t.Fatal(err)
		}
		if e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED last_org_admin")[0]; Meta(e, "subject_user_id") != string(s.owner.ID) || e.Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
	})
}

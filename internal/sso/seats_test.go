package sso_test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Somebody whom the provider knows comes in only where there is room and the rules allow it.
func TestNewcomersMeetTheRules(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.idp.User = jane()
		if _, err := s.Tenancy.SetSeats(t.Context(), s.Admin.Actor, s.owner.Org(), 1); err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		if _, err := s.signIn(t); fault.CodeOf(err) != sso.NotPermitted {
			t.Fatalf("without a seat: %v", err)
		}
		if e := s.Expect(t, "AUTH_SIGN_IN_FAILED not_permitted")[0]; Meta(e, "sign_in_method") != "sso" || e.Metadata["subject_user_id"] != nil {
			t.Errorf("%+v", e.Metadata)
		}
		if _, err := s.Identity.ByHandle(t.Context(), "jane@example.com"); !fault.Is(err, fault.NotFound) {
			t.Errorf("who was refused is known now: %v", err)
		}
		domains := []string{"corp.example"}
		if _, err := s.Tenancy.SetSeats(t.Context(), s.Admin.Actor, s.owner.Org(), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Tenancy.Update(t.Context(), s.fresh(t, s.owner).Actor, tenancy.Patch{AllowedDomains: &domains}); err != nil {
			t.Fatal(err)
		}
		s.Take(t)
		if _, err := s.signIn(t); fault.CodeOf(err) != sso.NotPermitted {
			t.Fatalf("of another domain: %v", err)
		}
		s.Expect(t, "AUTH_SIGN_IN_FAILED not_permitted")
		domains = []string{}
		if _, err := s.Tenancy.Update(t.Context(), s.fresh(t, s.owner).Actor, tenancy.Patch{AllowedDomains: &domains}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.signIn(t); err != nil {
			t.Error(err)
		}
	})
}

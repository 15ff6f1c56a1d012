package scim_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/scim"
	"github.com/vaultpam/vaultpam/internal/secret"
)

type site struct {
	*World
	scim   *scim.Service
	owner  Someone
	client scim.Client
}

func each(t *testing.T, f func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		s := &site{World: w}
		_, s.owner = w.Org(t, "acme")
		var err error
		if s.scim, err = scim.New(scim.Deps{DB: d, Ledger: w.Ledger, People: w.Identity, Members: w.Tenancy, Now: w.Clock.Now}); err != nil {
			t.Fatal(err)
		}
		s.client = s.newClient(t, s.owner)
		w.Take(t)
		f(t, s)
	})
}

func (s *site) newClient(t *testing.T, who Someone) scim.Client {
	t.Helper()
	_, shown, err := s.scim.CreateToken(t.Context(), who.Actor, "Entra", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.scim.ByToken(t.Context(), shown, From)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *site) push(t *testing.T, name string) scim.User {
	t.Helper()
	u, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: name + "@example.com", Email: name + "@example.com", Given: "Some", Family: name, Active: true})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func patch(t *testing.T, text string) []scim.Operation {
	t.Helper()
	ops, err := scim.ParsePatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// roles are those of the members, by handle.
func (s *site) roles(t *testing.T) map[string]authz.Role {
	t.Helper()
	l, err := s.Tenancy.Members(t.Context(), s.owner.Actor, page.Request{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]authz.Role{}
	for _, m := range l.Items {
		out[m.Handle] = m.Role
	}
	return out
}

func TestDirectoryGivesAndTakesPlaces(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		u := s.push(t, "jane")
		e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED")[0]
		if Meta(e, "role_source") != "scim" || Meta(e, "new_role") != "operator" || e.Actor.Type != "ServiceAccount" || e.Actor.TokenID == "" || e.Source.IP != "192.0.2.10" {
			t.Errorf("%+v", e)
		}
		if s.roles(t)["jane"] != authz.Operator {
			t.Errorf("%v", s.roles(t))
		}
		if _, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: "JANE@example.com", Email: "other@example.com", Active: true}); fault.CodeOf(err) != scim.Uniqueness {
			t.Errorf("the same userName in another case: %v", err)
		}
		s.Expect(t)
		off := patch(t, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		for range 2 { // again changes nothing
			if u, err := s.scim.ChangeUser(t.Context(), s.client, u.ID, func(u *scim.User) error { return u.Apply(off) }); err != nil || u.Active {
				t.Fatalf("%+v %v", u, err)
			}
		}
		e = s.Expect(t, "ROLE_ASSIGNMENT_CHANGED")[0]
		if e.Metadata["new_role"] != nil || Meta(e, "old_role") != "operator" {
			t.Errorf("%+v", e)
		}
		if _, ok := s.roles(t)["jane"]; ok {
			t.Error("a deactivated person is a member")
		}
		on := patch(t, `{"Operations":[{"op":"replace","value":{"active":true,"name.familyName":"Doe"}}]}`)
		if u, err := s.scim.ChangeUser(t.Context(), s.client, u.ID, func(u *scim.User) error { return u.Apply(on) }); err != nil || !u.Active || u.Family != "Doe" || u.Given != "Some" {
			t.Fatalf("%+v %v", u, err)
		}
		s.Expect(t, "ROLE_ASSIGNMENT_CHANGED")
		if err := s.scim.DeleteUser(t.Context(), s.client, u.ID); err != nil {
			t.Fatal(err)
		}
		s.Expect(t, "ROLE_ASSIGNMENT_CHANGED")
		if _, err := s.scim.User(t.Context(), s.client, u.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		// Somebody who is a member already keeps their role.
		s.Member(t, s.owner, "ann", authz.Admin)
		s.Take(t)
		s.push(t, "ann")
		s.Expect(t)
		if s.roles(t)["ann"] != authz.Admin {
			t.Errorf("%v", s.roles(t))
		}
	})
}

func TestGroupsGiveRoles(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		jane, bob := s.push(t, "jane"), s.push(t, "bob")
		set := scim.Settings{DefaultRole: authz.Auditor, Roles: []scim.Rule{{Group: "PAM Admins", Role: authz.Admin}, {Group: "PAM Users", Role: authz.Operator}}}
		s.Take(t)
		if err := s.scim.SetSettings(t.Context(), s.owner.Actor, set); err != nil {
			t.Fatal(err)
		}
		s.Expect(t, "TENANT_SETTINGS_UPDATED", "ROLE_ASSIGNMENT_CHANGED", "ROLE_ASSIGNMENT_CHANGED")
		admins, users := "pam admins", "PAM Users"
		g, err := s.scim.CreateGroup(t.Context(), s.client, scim.GroupChange{Display: &admins, Clear: true, Add: []string{string(jane.ID)}})
		if err != nil || len(g.Members) != 1 {
			t.Fatalf("%+v %v", g, err)
		}
		if _, err := s.scim.CreateGroup(t.Context(), s.client, scim.GroupChange{Display: &users, Clear: true, Add: []string{string(jane.ID), string(bob.ID)}}); err != nil {
			t.Fatal(err)
		}
		if r := s.roles(t); r["jane"] != authz.Admin || r["bob"] != authz.Operator {
			t.Errorf("%v", r)
		}
		ch, err := scim.PatchGroup(patch(t, `{"Operations":[{"op":"Remove","path":"members[value eq \"`+string(jane.ID)+`\"]"},{"op":"Add","path":"members","value":[{"value":"`+string(bob.ID)+`"}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if g, err = s.scim.ChangeGroup(t.Context(), s.client, g.ID, ch); err != nil || len(g.Members) != 1 || g.Members[0].ID != string(bob.ID) {
			t.Fatalf("%+v %v", g, err)
		}
		if r := s.roles(t); r["jane"] != authz.Operator || r["bob"] != authz.Admin {
			t.Errorf("%v", r)
		}
		if err := s.scim.DeleteGroup(t.Context(), s.client, g.ID); err != nil {
			t.Fatal(err)
		}
		if r := s.roles(t); r["bob"] != authz.Operator {
			t.Errorf("%v", r)
		}
		s.Take(t)
		if _, err := s.scim.CreateGroup(t.Context(), s.client, scim.GroupChange{Display: &admins, Clear: true, Add: []string{"usr_nobody"}}); fault.CodeOf(err) != scim.InvalidValue {
			t.Errorf("a member that nobody is: %v", err)
		}
		if _, err := s.scim.CreateGroup(t.Context(), s.client, scim.GroupChange{Display: &users, Clear: true}); fault.CodeOf(err) != scim.Uniqueness {
			t.Errorf("two groups of one name: %v", err)
		}
		s.Expect(t)
		l, err := s.scim.Groups(t.Context(), s.client, scim.Filter{{Attribute: "displayname", Value: "pam USERS"}}, 1, 10, true)
		if err != nil || l.Total != 1 || len(l.Items[0].Members) != 2 {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestAdministratorsSeeWhatWasPushed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.push(t, "Zoe")
		u := s.push(t, "jane")
		display := "Admins"
		if _, err := s.scim.CreateGroup(t.Context(), s.client, scim.GroupChange{Display: &display, Add: []string{string(u.ID)}}); err != nil {
			t.Fatal(err)
		}
		one, err := s.scim.Pushed(t.Context(), s.owner.Actor, page.Request{Limit: 1})
		if err != nil || len(one.Items) != 1 || one.Items[0].ID != u.ID || one.Items[0].Role != authz.Operator || one.Next == "" {
			t.Fatalf("%+v %v", one, err)
		}
		if two, err := s.scim.Pushed(t.Context(), s.owner.Actor, page.Request{Limit: 1, Cursor: one.Next}); err != nil || len(two.Items) != 1 || two.Items[0].UserName[:3] != "Zoe" || two.Next != "" {
			t.Errorf("%+v %v", two, err)
		}
		if g, err := s.scim.PushedGroups(t.Context(), s.owner.Actor, page.Request{}); err != nil || len(g.Items) != 1 || g.Items[0].Display != "Admins" || g.Items[0].Members != 1 {
			t.Errorf("%+v %v", g, err)
		}
		_, other := s.Org(t, "globex")
		if l, err := s.scim.Pushed(t.Context(), other.Actor, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("another organization sees %+v %v", l, err)
		}
		if _, err := s.scim.PushedGroups(t.Context(), s.Admin.Actor, page.Request{}); err == nil {
			t.Error("an operator of the platform sees an organization's groups")
		}
	})
}

func TestOwnersAndOtherOrganizations(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		u, err := s.scim.CreateUser(t.Context(), s.client, scim.User{UserName: "boss", Email: s.owner.Email, Active: true})
		if err != nil || u.ID != s.owner.ID {
			t.Fatalf("%+v %v", u, err)
		}
		s.Expect(t) // an owner stays one
		off := func(u *scim.User) error { u.Active = false; return nil }
		if _, err := s.scim.ChangeUser(t.Context(), s.client, u.ID, off); fault.CodeOf(err) != "LAST_OWNER" {
			t.Errorf("the last owner was deactivated: %v", err)
		}
		if e := s.Expect(t, "ROLE_ASSIGNMENT_CHANGED last_org_admin")[0]; e.Outcome != "denied" {
			t.Errorf("%+v", e)
		}
		if u, err := s.scim.User(t.Context(), s.client, u.ID); err != nil || !u.Active {
			t.Errorf("%+v %v", u, err)
		}
		_, other := s.Org(t, "globex")
		theirs := s.newClient(t, other)
		if _, err := s.scim.User(t.Context(), theirs, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's user: %v", err)
		}
		if err := s.scim.DeleteUser(t.Context(), theirs, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's user: %v", err)
		}
		if l, err := s.scim.Users(t.Context(), theirs, scim.Filter{}, 1, 10); err != nil || l.Total != 0 {
			t.Errorf("%+v %v", l, err)
		}
		// A person of two organizations who leaves one stays in the other, with their name and address.
		jane := s.push(t, "jane")
		if _, err := s.scim.CreateUser(t.Context(), theirs, scim.User{UserName: "j", Email: "JANE@example.com", Display: "Somebody Else", Active: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.scim.DeleteUser(t.Context(), theirs, jane.ID); err != nil {
			t.Fatal(err)
		}
		if p, err := s.Identity.ByID(t.Context(), jane.ID); err != nil || p.Name != "Some jane" || s.roles(t)["jane"] != authz.Operator {
			t.Errorf("%+v %v", p, err)
		}
	})
}

func TestTokensOfDirectories(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		bob := s.Member(t, s.owner, "bob", authz.Operator)
		s.Take(t)
		if _, _, err := s.scim.CreateToken(t.Context(), bob.Actor, "x", time.Hour); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		s.Expect(t, "API_TOKEN_CREATED not_permitted")
		k, shown, err := s.scim.CreateToken(t.Context(), s.owner.Actor, "Okta", 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if e := s.Expect(t, "API_TOKEN_CREATED")[0]; Meta(e, "service_account") != "true" || Meta(e, "scopes") != "[scim]" {
			t.Errorf("%+v", e)
		}
		for _, bad := range []string{"", "vpsc_", shown.RevealString() + "x", shown.RevealString()[:47] + "!", bob.Session.RevealString()} {
			if _, err := s.scim.ByToken(t.Context(), secret.FromString(bad), From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%.8q: %v", bad, err)
			}
		}
		if _, err := s.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a SCIM token signs in to the API: %v", err)
		}
		if err := s.scim.RevokeToken(t.Context(), s.owner.Actor, id.Token("tok_none")); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := s.scim.RevokeToken(t.Context(), s.owner.Actor, k.ID); err != nil {
			t.Fatal(err)
		}
		s.Expect(t, "API_TOKEN_REVOKED revoked_by_admin")
		if _, err := s.scim.ByToken(t.Context(), shown, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a revoked token: %v", err)
		}
		_, shown, err = s.scim.CreateToken(t.Context(), s.owner.Actor, "Okta", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Pass(2 * time.Minute)
		if _, err := s.scim.ByToken(t.Context(), shown, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("an expired token: %v", err)
		}
		s.Clock.Pass(time.Hour)
		if err := s.scim.SetSettings(t.Context(), s.owner.Actor, scim.Settings{}); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Error(err)
		}
	})
}

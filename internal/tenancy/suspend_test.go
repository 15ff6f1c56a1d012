package tenancy_test

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func TestSuspendedMembersAreShutOut(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		_, shown, err := w.Identity.CreateToken(t.Context(), bob.Actor, identity.CreateTokenArgs{Name: "ci", Scopes: []string{"safes:read"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if m, err := w.Tenancy.SuspendMember(t.Context(), owner.Actor, bob.ID, "on leave"); err != nil || m.Active || m.SuspendedAt.IsZero() {
			t.Fatalf("%+v %v", m, err)
		}
		e := w.Expect(t, "AUTH_SIGNED_OUT suspended", "MEMBER_SUSPENDED")
		if Meta(e[1], "subject_user_id") != string(bob.ID) || Meta(e[1], "role") != "operator" || Meta(e[1], "sessions_ended") != "1" || Meta(e[1], "comment") != "on leave" {
			t.Errorf("%v", e[1].Metadata)
		}
		for what, bearer := range map[string]secret.Secret{"session": bob.Session, "token": shown} {
			if _, err := w.Identity.ByBearer(t.Context(), bearer, "", From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("the %s still opens: %v", what, err)
			}
		}
		if _, err := w.Tenancy.SuspendMember(t.Context(), owner.Actor, bob.ID, ""); fault.CodeOf(err) != "MEMBER_STATE" {
			t.Errorf("suspended twice: %v", err)
		}
		l, err := w.Tenancy.Members(t.Context(), owner.Actor, page.Request{})
		if err != nil || l.Items[0].Handle != "bob" || l.Items[0].Active || l.Items[0].SuspendedAt.IsZero() || !l.Items[1].Active {
			t.Errorf("%+v %v", l.Items, err)
		}
		w.Expect(t)
		w.Clock.Pass(time.Minute)
		if m, err := w.Tenancy.ResumeMember(t.Context(), owner.Actor, bob.ID); err != nil || !m.Active || m.Role != authz.Operator {
			t.Fatalf("%+v %v", m, err)
		}
		if e := w.Expect(t, "MEMBER_RESUMED")[0]; Meta(e, "suspended_seconds") != "60" {
			t.Errorf("%v", e.Metadata)
		}
		if _, err := w.Identity.ByBearer(t.Context(), bob.Session, "", From); err == nil {
			t.Error("a web session came back")
		}
		if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); err != nil {
			t.Errorf("the token did not come back: %v", err)
		}
		if _, err := w.Tenancy.ResumeMember(t.Context(), owner.Actor, bob.ID); fault.CodeOf(err) != "MEMBER_STATE" {
			t.Errorf("resumed twice: %v", err)
		}
	})
}

// Who has another place keeps their sign-in for it.
func TestSuspensionIsOfOneOrganization(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		_, other := w.Org(t, "globex")
		if _, err := w.Tenancy.AddMember(t.Context(), other.Actor, tenancy.AddMemberArgs{Person: someone("bob"), Role: authz.Operator}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := w.Tenancy.SuspendMember(t.Context(), owner.Actor, bob.ID, ""); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "MEMBER_SUSPENDED")
		if a, err := w.Identity.ByBearer(t.Context(), bob.Session, "", From); err != nil || a.Org != other.Actor.Org {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), bob.Session, "acme", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("the organization that suspended them: %v", err)
		}
	})
}

func TestSuspensionRefused(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		admin, bob := w.Member(t, owner, "admin", authz.Admin), w.Member(t, owner, "bob", authz.Operator)
		_, stranger := w.Org(t, "globex")
		w.Take(t)
		long := string(make([]byte, 3000))
		for _, c := range []struct {
			name    string
			actor   Someone
			user    id.User
			comment string
			code    string
			events  []string
		}{
			{"an operator", bob, admin.ID, "", "NOT_PERMITTED", []string{"MEMBER_SUSPENDED not_permitted"}},
			{"oneself", admin, admin.ID, "", "SELF_SUSPENSION", []string{"MEMBER_SUSPENDED self_suspension_forbidden"}},
			{"an owner, by an admin", admin, owner.ID, "", "ROLE_ABOVE_ACTOR", []string{"MEMBER_SUSPENDED role_above_actor"}},
			{"of another organization", stranger, bob.ID, "", "NOT_FOUND", nil},
			{"nobody", admin, "usr_x", "", "NOT_FOUND", nil},
			{"a long comment", admin, bob.ID, long, "INVALID", nil},
		} {
			if _, err := w.Tenancy.SuspendMember(t.Context(), c.actor.Actor, c.user, c.comment); fault.CodeOf(err) != c.code {
				t.Errorf("%s: %v", c.name, err)
			}
			w.Expect(t, c.events...)
		}
		if _, err := w.Tenancy.ResumeMember(t.Context(), bob.Actor, admin.ID); fault.CodeOf(err) != "NOT_PERMITTED" {
			t.Error(err)
		}
		w.Expect(t, "MEMBER_RESUMED not_permitted")
		if _, err := w.Tenancy.ResumeMember(t.Context(), admin.Actor, owner.ID); fault.CodeOf(err) != "ROLE_ABOVE_ACTOR" {
			t.Error(err)
		}
		w.Expect(t, "MEMBER_RESUMED role_above_actor")

		// A suspended owner does not count as one, and can be dealt with all the same.
		second := w.Member(t, owner, "second", authz.Owner)
		w.Take(t)
		if _, err := w.Tenancy.SuspendMember(t.Context(), owner.Actor, second.ID, ""); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		system := authz.SystemActor(owner.Actor.Org)
		system.Role = authz.Owner
		if _, err := w.Tenancy.SuspendMember(t.Context(), system, owner.ID, ""); fault.CodeOf(err) != "LAST_OWNER" {
			t.Errorf("the last owner who can act: %v", err)
		}
		w.Expect(t, "MEMBER_SUSPENDED last_org_admin")
		if _, err := w.Tenancy.ChangeRole(t.Context(), owner.Actor, owner.ID, authz.Admin); fault.CodeOf(err) != "LAST_OWNER" {
			t.Errorf("the last owner who can act: %v", err)
		}
		w.Take(t)
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, second.ID); err != nil {
			t.Errorf("a suspended owner cannot be removed: %v", err)
		}
	})
}

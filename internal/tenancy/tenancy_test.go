package tenancy_test

import (
	"context"
	"slices"
	"strings"
	"sync"
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
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

func world(t *testing.T, f func(t *testing.T, w *World, owner Someone)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		w.Take(t)
		f(t, w, owner)
	})
}

func someone(handle string) identity.NewPerson {
	return identity.NewPerson{Email: handle + "@example.com", Handle: handle, Password: secret.FromString("a passphrase nobody knows")}
}

func TestOrganizationIsToldInBothLedgers(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		org, m, err := w.Tenancy.Create(t.Context(), w.Admin.Actor, tenancy.CreateArgs{Slug: "globex", Name: "Globex Corp", Owner: someone("hank")})
		if err != nil || m.Role != authz.Owner || m.Name != "hank" {
			t.Fatalf("%+v %v", m, err)
		}
		e := w.Expect(t, "PASSWORD_CHANGED", "ORGANIZATION_CREATED", "ORGANIZATION_CREATED", "ROLE_ASSIGNMENT_CHANGED")
		if e[1].OrgID != "" || e[2].OrgID != org.ID || e[1].RequestID != e[3].RequestID || e[1].Actor.ID != string(w.Admin.ID) {
			t.Errorf("%+v", e)
		}
		if e[3].OrgID != org.ID || e[3].Actor.Type != "System" || Meta(e[3], "new_role") != "owner" || Meta(e[3], "subject_user_id") != string(m.ID) {
			t.Errorf("%+v", e[3])
		}
		if _, err := w.Identity.SSHCA(t.Context(), org.ID); err != nil {
			t.Errorf("no certificate authority: %v", err)
		}
		l, err := w.Tenancy.List(t.Context(), w.Admin.Actor, page.Request{})
		if err != nil || len(l.Items) != 2 || l.Items[1].ID != org.ID || l.Items[1].Name != "Globex Corp" {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestOrganizationRefused(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		auditor := w.Admin.Actor
		auditor.PlatformRole = authz.PlatformAuditor
		for _, c := range []struct {
			name   string
			actor  authz.Actor
			args   tenancy.CreateArgs
			kind   fault.Kind
			events []string
		}{
			{"nobody", authz.Actor{}, tenancy.CreateArgs{Slug: "x", Name: "X", Owner: someone("xx")}, fault.Unauthenticated, nil},
			{"an owner", owner.Actor, tenancy.CreateArgs{Slug: "x", Name: "X", Owner: someone("xx")}, fault.Denied, []string{"ORGANIZATION_CREATED not_permitted"}},
			{"a platform auditor", auditor, tenancy.CreateArgs{Slug: "x", Name: "X", Owner: someone("xx")}, fault.Denied, []string{"ORGANIZATION_CREATED not_permitted"}},
			{"slug taken", w.Admin.Actor, tenancy.CreateArgs{Slug: "acme", Name: "X", Owner: someone("xx")}, fault.Conflict, []string{"ORGANIZATION_CREATED duplicate_organization"}},
			{"bad slug", w.Admin.Actor, tenancy.CreateArgs{Slug: "A_B", Name: "X", Owner: someone("xx")}, fault.Invalid, nil},
			{"no name", w.Admin.Actor, tenancy.CreateArgs{Slug: "x", Owner: someone("xx")}, fault.Invalid, nil},
			{"bad owner", w.Admin.Actor, tenancy.CreateArgs{Slug: "x", Name: "X", Owner: identity.NewPerson{Email: "x", Handle: "xx"}}, fault.Invalid, nil},
			{"handle taken", w.Admin.Actor, tenancy.CreateArgs{Slug: "x", Name: "X", Owner: identity.NewPerson{Email: "new@example.com", Handle: "owner-acme"}}, fault.Conflict, nil},
		} {
			_, _, err := w.Tenancy.Create(t.Context(), c.actor, c.args)
			if fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", c.name, err)
			}
			w.Expect(t, c.events...)
		}
		if l, _ := w.Tenancy.List(t.Context(), w.Admin.Actor, page.Request{}); len(l.Items) != 1 {
			t.Errorf("%d organizations", len(l.Items))
		}
		if _, err := w.Tenancy.List(t.Context(), owner.Actor, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an owner lists all organizations: %v", err)
		}
	})
}

func TestMemberIsAdded(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		m, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: someone("bob"), Role: authz.Operator})
		if err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "PASSWORD_CHANGED", "ROLE_ASSIGNMENT_CHANGED")
		if Meta(e[0], "by_admin") != "true" || Meta(e[1], "new_role") != "operator" || e[1].Metadata["old_role"] != nil || Meta(e[1], "privilege_raised") != "true" ||
			e[1].Actor.Type != "TenantAdmin" || e[1].OrgID != owner.Org() || e[1].Target.Name != "Org acme" {
			t.Errorf("%+v", e)
		}
		if _, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: someone("bob"), Role: authz.Admin}); fault.CodeOf(err) != "ALREADY_MEMBER" {
			t.Error(err)
		}
		w.Expect(t)

		// Who is known keeps their handle, name and password: another organization cannot take a person over.
		_, other := w.Org(t, "globex")
		w.Take(t)
		again, err := w.Tenancy.AddMember(t.Context(), other.Actor, tenancy.AddMemberArgs{Role: authz.Auditor, Person: identity.NewPerson{
			Email: "BOB@example.com", Handle: "robert", Name: "Somebody else", Password: secret.FromString("the attacker's passphrase")}})
		if err != nil || again.Profile != m.Profile {
			t.Fatalf("%+v %v", again, err)
		}
		w.Expect(t, "ROLE_ASSIGNMENT_CHANGED")
		_, err = w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: "bob", Password: secret.FromString("the attacker's passphrase"), From: From})
		if fault.CodeOf(err) != "AUTH_FAILED" {
			t.Errorf("the password was replaced: %v", err)
		}
	})
}

func TestRolesRefused(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		admin := w.Member(t, owner, "admin", authz.Admin)
		bob := w.Member(t, owner, "bob", authz.Operator)
		ann := w.Member(t, owner, "ann", authz.Auditor)
		_, stranger := w.Org(t, "globex")
		w.Take(t)
		for _, c := range []struct {
			name  string
			actor Someone
			user  id.User
			role  authz.Role // None removes
			kind  fault.Kind
			event string
		}{
			{"operator raises themselves", bob, bob.ID, authz.Admin, fault.Denied, "not_permitted"},
			{"auditor changes somebody", ann, bob.ID, authz.Auditor, fault.Denied, "not_permitted"},
			{"operator removes somebody", bob, ann.ID, authz.None, fault.Denied, "not_permitted"},
			{"admin makes an owner", admin, bob.ID, authz.Owner, fault.Denied, "role_above_actor"},
			{"admin becomes owner", admin, admin.ID, authz.Owner, fault.Denied, "role_above_actor"},
			{"admin demotes the owner", admin, owner.ID, authz.Operator, fault.Denied, "role_above_actor"},
			{"admin removes the owner", admin, owner.ID, authz.None, fault.Denied, "role_above_actor"},
			{"last owner steps down", owner, owner.ID, authz.Admin, fault.Conflict, "last_org_admin"},
			{"last owner leaves", owner, owner.ID, authz.None, fault.Conflict, "last_org_admin"},
			{"another organization's member", stranger, bob.ID, authz.Admin, fault.NotFound, ""},
			{"nobody's member", owner, "usr_none", authz.Admin, fault.NotFound, ""},
			{"an odd role", owner, bob.ID, "root", fault.Invalid, ""},
		} {
			var err error
			if c.role == authz.None {
				err = w.Tenancy.RemoveMember(t.Context(), c.actor.Actor, c.user)
			} else {
				_, err = w.Tenancy.ChangeRole(t.Context(), c.actor.Actor, c.user, c.role)
			}
			if fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", c.name, err)
			}
			var want []string
			if c.event != "" {
				want = []string{"ROLE_ASSIGNMENT_CHANGED " + c.event}
			}
			if got := w.Take(t); !slices.Equal(Names(got), want) {
				t.Errorf("%s: events %v, want %v", c.name, Names(got), want)
			} else if len(got) == 1 && (got[0].Outcome != "denied" || Meta(got[0], "subject_user_id") != string(c.user)) {
				t.Errorf("%s: %+v", c.name, got[0])
			}
		}
		if _, err := w.Tenancy.AddMember(t.Context(), bob.Actor, tenancy.AddMemberArgs{Person: someone("new"), Role: authz.Operator}); !fault.Is(err, fault.Denied) {
			t.Errorf("operator adds somebody: %v", err)
		}
		if _, err := w.Tenancy.AddMember(t.Context(), admin.Actor, tenancy.AddMemberArgs{Person: someone("new"), Role: authz.Owner}); fault.CodeOf(err) != "ROLE_ABOVE_ACTOR" {
			t.Errorf("admin adds an owner: %v", err)
		}
		w.Expect(t, "ROLE_ASSIGNMENT_CHANGED not_permitted", "ROLE_ASSIGNMENT_CHANGED role_above_actor")
	})
}

func TestRoleHoldsFromTheNextRequest(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Take(t)
		roleNow := func() (r authz.Role) {
			t.Helper()
			err := w.DB.ReadOrg(t.Context(), owner.Org(), func(ctx context.Context, tx *db.Tx) (err error) {
				r, err = tenancy.Directory{}.RoleIn(ctx, tx, owner.Org(), bob.ID)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		m, err := w.Tenancy.ChangeRole(t.Context(), owner.Actor, bob.ID, authz.Auditor)
		if err != nil || m.Role != authz.Auditor || m.Handle != "bob" {
			t.Fatalf("%+v %v", m, err)
		}
		if e := w.Expect(t, "ROLE_ASSIGNMENT_CHANGED")[0]; Meta(e, "old_role") != "operator" || Meta(e, "new_role") != "auditor" || Meta(e, "privilege_raised") != "true" {
			t.Errorf("%v", e.Metadata)
		}
		if a, err := w.Identity.ByBearer(t.Context(), bob.Session, "", From); err != nil || a.Role != authz.Auditor || roleNow() != authz.Auditor {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := w.Tenancy.ChangeRole(t.Context(), owner.Actor, bob.ID, authz.Auditor); err != nil {
			t.Error(err)
		}
		w.Expect(t) // nothing changed
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, bob.ID); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "ROLE_ASSIGNMENT_CHANGED")[0]; e.Metadata["new_role"] != nil || Meta(e, "old_role") != "auditor" || Meta(e, "privilege_raised") != "false" {
			t.Errorf("%v", e.Metadata)
		}
		if roleNow() != authz.None {
			t.Error("a role without a membership")
		}
	})
}

// Two owners who remove one another at once do not both succeed.
func TestOneOwnerStays(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		second := w.Member(t, owner, "second", authz.Owner)
		w.Take(t)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = w.Tenancy.RemoveMember(t.Context(), owner.Actor, second.ID) })
		wg.Go(func() { _, errs[1] = w.Tenancy.ChangeRole(t.Context(), second.Actor, owner.ID, authz.Operator) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v and %v", errs[0], errs[1])
		}
		got := Names(w.Take(t))
		slices.Sort(got)
		if !slices.Equal(got, []string{"ROLE_ASSIGNMENT_CHANGED", "ROLE_ASSIGNMENT_CHANGED last_org_admin"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestTokenActsAsServiceAccount(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		_, shown, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "ci", Scopes: []string{"members:write"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		token, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := w.Tenancy.AddMember(t.Context(), token, tenancy.AddMemberArgs{Person: someone("bob"), Role: authz.Operator}); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "PASSWORD_CHANGED", "ROLE_ASSIGNMENT_CHANGED")
		if e[1].Actor.Type != "ServiceAccount" || e[1].Actor.TokenID != token.Token {
			t.Errorf("%+v", e[1].Actor)
		}
		if _, err := w.Tenancy.Members(t.Context(), token, page.Request{}); fault.CodeOf(err) != "SCOPE_MISSING" {
			t.Errorf("list without members:read: %v", err)
		}
	})
}

func TestMembersAreFound(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		w.Factorless(t, owner, "cy-100", authz.Operator)
		w.Factorless(t, owner, "al", authz.Auditor)
		robot, err := identity.ServiceAccount(owner.Actor.Org, "robot")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: robot, Role: authz.Operator}); err != nil {
			t.Fatal(err)
		}
		find := func(f tenancy.MemberSearch) string {
			l, err := w.Tenancy.FindMembers(t.Context(), owner.Actor, f, page.Request{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range l.Items {
				got = append(got, strings.SplitN(m.Email, "@", 2)[0])
			}
			return strings.Join(got, " ")
		}
		for want, f := range map[string]tenancy.MemberSearch{
			"al":     {Role: authz.Auditor},
			"cy-100": {Text: " CY-1 "},
			"robot":  {Services: true},
			"":       {Text: "%"},
		} {
			if got := find(f); got != want {
				t.Errorf("%+v finds %q, not %q", f, got, want)
			}
		}
		if got := find(tenancy.MemberSearch{Text: string(owner.ID)}); !strings.HasPrefix(got, "owner") {
			t.Errorf("by id: %q", got)
		}
		if got := find(tenancy.MemberSearch{People: true}); strings.Contains(got, "robot") || !strings.Contains(got, "al") {
			t.Errorf("people are %q", got)
		}
		if _, err := w.Tenancy.FindMembers(t.Context(), owner.Actor, tenancy.MemberSearch{Text: strings.Repeat("x", 101)}, page.Request{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a search without end: %v", err)
		}
		l, err := w.Tenancy.FindMembers(t.Context(), owner.Actor, tenancy.MemberSearch{Role: authz.Owner}, page.Request{})
		if err != nil || len(l.Items) != 1 || !l.Items[0].MFA || l.Items[0].Service {
			t.Errorf("the owner, who has a second factor: %+v %v", l, err)
		}
		if l, err = w.Tenancy.FindMembers(t.Context(), owner.Actor, tenancy.MemberSearch{Role: authz.Auditor}, page.Request{}); err != nil || l.Items[0].MFA {
			t.Errorf("somebody without a second factor: %+v %v", l, err)
		}
	})
}

func TestMembersInPages(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		for _, h := range []string{"cy", "al", "bo"} {
			w.Factorless(t, owner, h, authz.Operator)
		}
		w.Org(t, "globex")
		var got []string
		for r := (page.Request{Limit: 3}); ; {
			l, err := w.Tenancy.Members(t.Context(), owner.Actor, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range l.Items {
				got = append(got, m.Handle+" "+string(m.Role))
			}
			if r.Cursor = l.Next; r.Cursor == "" {
				break
			}
		}
		if s := strings.Join(got, ", "); s != "al operator, bo operator, cy operator, owner-acme owner" {
			t.Error(s)
		}
		if _, err := w.Tenancy.Members(t.Context(), w.Admin.Actor, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("the platform's administrator lists members: %v", err)
		}
		if o, err := w.Tenancy.Get(t.Context(), owner.Actor); err != nil || o.Slug != "acme" {
			t.Errorf("%+v %v", o, err)
		}
	})
}

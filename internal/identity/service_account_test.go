package identity_test

import (
	"net/netip"
	"slices"
	"strings"
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

func addService(t *testing.T, w *World, actor authz.Actor, name string, role authz.Role) (tenancy.Member, error) {
	t.Helper()
	p, err := identity.ServiceAccount(actor.Org, name)
	if err != nil {
		return tenancy.Member{}, err
	}
	return w.Tenancy.AddMember(t.Context(), actor, tenancy.AddMemberArgs{Person: p, Role: role})
}

func TestServiceAccounts(t *testing.T) {
	world(t, identity.Limits{SourceFailures: 1000}, func(t *testing.T, w *World, owner Someone) {
		_, otherOwner := w.Org(t, "globex")
		w.Take(t)
		ci, err := addService(t, w, owner.Actor, "ci-deploy", authz.Operator)
		if err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "ROLE_ASSIGNMENT_CHANGED")
		if _, err := addService(t, w, owner.Actor, "ci-deploy", authz.Operator); fault.CodeOf(err) != "ALREADY_MEMBER" {
			t.Errorf("twice: %v", err)
		}
		if _, err := addService(t, w, otherOwner.Actor, "ci-deploy", authz.Auditor); err != nil {
			t.Errorf("the same name in another organization: %v", err)
		}
		if _, err := addService(t, w, owner.Actor, "boss", authz.Owner); !fault.Is(err, fault.Invalid) {
			t.Errorf("an owner: %v", err)
		}
		if _, err := w.Tenancy.ChangeRole(t.Context(), owner.Actor, ci.ID, authz.Owner); !fault.Is(err, fault.Invalid) {
			t.Errorf("made owner: %v", err)
		}
		if _, err := w.Tenancy.AddMember(t.Context(), otherOwner.Actor, tenancy.AddMemberArgs{Person: identity.NewPerson{Email: ci.Email, Handle: "mallory"}, Role: authz.Admin}); !fault.Is(err, fault.Invalid) {
			t.Errorf("taken over as a person: %v", err)
		}
		list, err := w.Identity.ServiceAccounts(t.Context(), owner.Actor, page.Request{})
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != ci.ID || list.Items[0].Name != "ci-deploy" || list.Items[0].Role != authz.Operator {
			t.Errorf("%+v %v", list, err)
		}
		if _, err := addService(t, w, owner.Actor, "backup", authz.Auditor); err != nil {
			t.Fatal(err)
		}
		first, err := w.Identity.ServiceAccounts(t.Context(), owner.Actor, page.Request{Limit: 1})
		if err != nil || len(first.Items) != 1 || first.Items[0].Name != "backup" {
			t.Fatalf("%+v %v", first, err)
		}
		second, err := w.Identity.ServiceAccounts(t.Context(), owner.Actor, page.Request{Limit: 1, Cursor: first.Next})
		if err != nil || len(second.Items) != 1 || second.Items[0].ID != ci.ID || second.Next != "" {
			t.Fatalf("%+v %v", second, err)
		}
		w.Take(t)
		for _, login := range []string{ci.Email, ci.Handle} {
			if _, err := signIn(w, t, login, "a password of somebody"); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s signs in: %v", login, err)
			}
		}
	})
}

func TestTokensOfServiceAccounts(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, otherOwner := w.Org(t, "globex")
		bob := w.Member(t, owner, "bob", authz.Operator)
		ci, err := addService(t, w, owner.Actor, "ci-deploy", authz.Operator)
		if err != nil {
			t.Fatal(err)
		}
		owner = w.Again(t, owner, "")
		bob = w.Again(t, bob, "")
		otherOwner = w.Again(t, otherOwner, "")
		w.Take(t)
		ask := func(actor authz.Actor, scopes ...string) (identity.Token, secret.Secret, error) {
			return w.Identity.CreateToken(t.Context(), actor, identity.CreateTokenArgs{Name: "deploy", Scopes: scopes, Life: 24 * time.Hour, Owner: ci.ID})
		}
		token, shown, err := ask(owner.Actor, "safes:read", "sessions:launch")
		if err != nil || !token.Service() || token.Owner != ci.ID {
			t.Fatalf("%+v %v", token, err)
		}
		if e := w.Expect(t, "API_TOKEN_CREATED")[0]; Meta(e, "service_account") != "true" || Meta(e, "owner_id") != string(ci.ID) || e.Actor.ID != string(owner.ID) || e.Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
		a, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil || a.Kind != authz.Token || a.User != ci.ID || a.Role != authz.Operator || a.Org != owner.Org() {
			t.Errorf("%+v %v", a, err)
		}
		if _, _, err := ask(owner.Actor, "resources:write"); fault.CodeOf(err) != "SCOPE_ABOVE_ACTOR" { // an operator's account has nothing of it
			t.Errorf("above the account's role: %v", err)
		}
		if _, _, err := ask(bob.Actor, "safes:read"); !fault.Is(err, fault.Denied) {
			t.Errorf("by an operator: %v", err)
		}
		if _, _, err := ask(otherOwner.Actor, "safes:read"); !fault.Is(err, fault.NotFound) {
			t.Errorf("from another organization: %v", err)
		}
		if _, _, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "x", Scopes: []string{"safes:read"}, Life: time.Hour, Owner: bob.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("for a person: %v", err)
		}
		w.Expect(t, "API_TOKEN_CREATED scope_above_actor", "API_TOKEN_CREATED not_permitted")
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, ci.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after its account was removed: %v", err)
		}
		w.Expect(t, "API_TOKEN_REVOKED owner_removed", "ROLE_ASSIGNMENT_CHANGED")
		if back, err := addService(t, w, owner.Actor, "ci-deploy", authz.Auditor); err != nil || back.ID != ci.ID {
			t.Errorf("it does not come back: %+v %v", back, err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("its old token came back with it: %v", err)
		}
	})
}

func TestTokensHaveNetworks(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		create := func(networks ...string) (identity.Token, secret.Secret, error) {
			return w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"safes:read"}, Life: time.Hour, Networks: networks})
		}
		token, shown, err := create("198.51.100.7/24", "2001:db8::1", "198.51.100.0/24")
		if err != nil || !slices.Equal(token.Networks, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::1/128")}) {
			t.Fatalf("%+v %v", token.Networks, err)
		}
		from := func(ip string) error {
			o := From
			o.Source.IP = netip.MustParseAddr(ip)
			_, err := w.Identity.ByBearer(t.Context(), shown, "", o)
			return err
		}
		for ip, ok := range map[string]bool{"198.51.100.200": true, "::ffff:198.51.100.3": true, "2001:db8::1": true, "2001:db8::2": false, "192.0.2.10": false, "198.51.101.1": false} {
			if err := from(ip); (err == nil) != ok || !ok && fault.CodeOf(err) != "SOURCE_NOT_ALLOWED" {
				t.Errorf("from %s: %v", ip, err)
			}
		}
		for _, bad := range []string{"", "x", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.0/104", strings.Repeat("1", 300)} {
			if _, _, err := create(bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, _, err := create(slices.Repeat([]string{"10.0.0.0/8"}, 33)...); !fault.Is(err, fault.Invalid) {
			t.Errorf("too many: %v", err)
		}
	})
}

func TestLeakedTokenIsRevoked(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		token, shown, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"safes:read"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		report := func(s string) {
			t.Helper()
			if err := w.Identity.ReportLeak(t.Context(), secret.FromString(s), From); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		for _, s := range []string{"", "vpat_", "vpat_" + strings.Repeat("A", 43), owner.Session.RevealString(), shown.RevealString() + "x"} {
			report(s)
		}
		w.Expect(t)
		report(shown.RevealString())
		report(shown.RevealString())
		if e := w.Expect(t, "API_TOKEN_REVOKED leak_reported")[0]; e.Target.ID != string(token.ID) || e.Actor.Type != "System" || e.OrgID != id.Org(owner.Org()) {
			t.Errorf("%+v", e)
		}
		if _, err := w.Identity.ByBearer(t.Context(), shown, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("it is still good: %v", err)
		}
	})
}

package authz

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

const (
	orgA = id.Org("org_a")
	orgB = id.Org("org_b")
	me   = id.User("usr_me")
)

func person(role Role) Actor { return Actor{Kind: Person, User: me, Org: orgA, Role: role} }

// variants are the situations that an action is judged in.
func variants(org id.Org) []Object {
	var out []Object
	for _, r := range append([]SafeRole{NoSafeRole}, SafeRoles()...) {
		for _, owner := range []id.User{"", me, "usr_other"} {
			out = append(out, Object{ID: "x", Org: org, SafeRole: r, Owner: owner})
		}
	}
	return out
}

func why(t *testing.T, err error) Why {
	t.Helper()
	var r *Refusal
	if err == nil {
		return ""
	}
	if !errors.As(err, &r) {
		t.Fatalf("a refusal without its cause: %v", err)
	}
	if fault.As(err) == nil || fault.MessageOf(err) == "internal error" {
		t.Fatalf("a refusal without a sentence: %v", err)
	}
	return r.Why
}

func TestRolesGrow(t *testing.T) {
	includes := [][2]Role{{Owner, Admin}, {Owner, Operator}, {Owner, Auditor}, {Admin, Operator}, {Admin, Auditor}}
	for _, a := range Actions() {
		for _, o := range variants(orgA) {
			for _, p := range includes {
				if May(person(p[1]), a, o) && !May(person(p[0]), a, o) {
					t.Errorf("%s on %+v: %s may and %s may not, though the one includes the other", a, o, p[1], p[0])
				}
				if !p[0].Includes(p[1]) {
					t.Errorf("%s does not include %s", p[0], p[1])
				}
			}
			for i, r := range SafeRoles()[1:] {
				weaker, stronger := o, o
				weaker.SafeRole, stronger.SafeRole = SafeRoles()[i], r
				for _, role := range Roles() {
					if May(person(role), a, weaker) && !May(person(role), a, stronger) {
						t.Errorf("%s as %s: safe role %s may and %s may not", a, role, weaker.SafeRole, r)
					}
				}
			}
		}
	}
}

func TestNobodyAndStrangersMayNothing(t *testing.T) {
	odd := []Actor{
		{},
		{Kind: Nobody, User: me, Org: orgA, Role: Owner, PlatformRole: PlatformAdmin},
		{Kind: Connector, Name: "con", Org: orgA},
		{Kind: Connector, Name: "con", Org: orgA, Role: "connector"},
		{Kind: Kind(99), User: "usr_x", Org: orgA},
		{Kind: Person, User: "usr_x", Org: orgA},
		{Kind: Person, User: "usr_x", Org: orgA, Role: "member"},
		{Kind: Person, User: "usr_x", Org: orgA, Role: "root", PlatformRole: "root"},
		{Kind: Person},
	}
	for _, actor := range odd {
		for _, a := range Actions() {
			for _, org := range []id.Org{orgA, orgB, ""} {
				for _, o := range variants(org) {
					if May(actor, a, o) {
						t.Errorf("%+v may %s on %+v", actor, a, o)
					}
				}
			}
		}
	}
}

func TestRolesEndAtTheOrganization(t *testing.T) {
	for _, role := range Roles() {
		for _, kind := range []Kind{Person, Token} {
			actor := person(role)
			actor.Kind, actor.Scopes = kind, []string{"*"}
			for _, a := range Actions() {
				for _, o := range variants(orgB) {
					if err := Check(actor, a, o); err == nil {
						t.Errorf("%s of another organization may %s on %+v", role, a, o)
					} else if w := why(t, err); w != OtherOrg && w != PersonOnly && w != AuditorRefused {
						t.Errorf("%s %s: refused for %s", role, a, w)
					}
				}
				for _, o := range variants("") { // the caller forgot the organization
					if byAction[a].object != SelfObject && May(actor, a, o) {
						t.Errorf("%s may %s on an object without organization", role, a)
					}
				}
			}
		}
	}
}

func TestPlatformRolesEndAtThePlatform(t *testing.T) {
	for _, role := range []PlatformRole{PlatformAdmin, PlatformAuditor} {
		for _, org := range []id.Org{"", orgA} {
			actor := Actor{Kind: Person, User: me, Org: org, PlatformRole: role}
			for _, a := range Actions() {
				for _, o := range variants(orgA) {
					if r := byAction[a].object; r != SelfObject && r != PlatformObject && May(actor, a, o) {
						t.Errorf("%s, not a member, may %s in an organization", role, a)
					}
				}
			}
			if !May(actor, AuditView, Object{}) {
				t.Errorf("%s may not read the platform's log", role)
			}
			if got := May(actor, PlatformOrgCreate, Object{}); got != (role == PlatformAdmin) {
				t.Errorf("%s creates organizations: %v", role, got)
			}
		}
	}
}

func TestTokenHasOnlyItsScopes(t *testing.T) {
	for _, role := range Roles() {
		for _, a := range Actions() {
			for _, o := range []Object{{Org: orgA}, {Org: orgA, Owner: me}, {Org: orgA, SafeRole: SafeUser}, {Org: orgA, SafeRole: SafeManager}} {
				token := person(role)
				token.Kind, token.Token = Token, "tok_1"
				if May(token, a, o) {
					t.Errorf("a token without scopes may %s", a)
				}
				for _, s := range Scopes() {
					token.Scopes = []string{s}
					ownerMay := May(person(role), a, o)
					want := ownerMay && a.Scope() != "" && (s == a.Scope() || s == AllScopes)
					if got := May(token, a, o); got != want {
						t.Errorf("%s as %s with scope %s on %+v: %v, want %v", a, role, s, o, got, want)
					}
					if want && s != AllScopes && !MayCarry(person(role), s) {
						t.Errorf("%s may %s with scope %s, but may not be given it", role, a, s)
					}
				}
			}
		}
	}
}

func TestScopesAboveTheRoleCannotBeCarried(t *testing.T) {
	for _, c := range []struct {
		actor Actor
		scope string
		want  bool
	}{
		{person(Operator), "sessions:launch", true},
		{person(Operator), "safes:write", true}, // as manager of a safe
		{person(Operator), "audit:read", false},
		{person(Operator), "resources:write", false},
		{person(Auditor), "audit:export", true},
		{person(Auditor), "sessions:launch", false},
		{person(Auditor), "secrets:reveal", false},
		{person(Owner), "platform:write", false},
		{person(Owner), "nonsense", false},
		{person(Owner), "", false},
		{person(Owner), "*", true},
		{Actor{Kind: Person, User: me, PlatformRole: PlatformAdmin}, "platform:write", true},
		{Actor{Kind: Person, User: me, PlatformRole: PlatformAuditor}, "platform:write", false},
		{Actor{Kind: Person, User: me, PlatformRole: PlatformAuditor}, "audit:read", true},
		{Actor{Kind: Person, User: me}, "*", false},
	} {
		if got := MayCarry(c.actor, c.scope); got != c.want {
			t.Errorf("role %q%q, scope %q: %v, want %v", c.actor.Role, c.actor.PlatformRole, c.scope, got, c.want)
		}
	}
}

func TestEnrollingMayOnlyEnrol(t *testing.T) {
	for _, role := range Roles() {
		actor := person(role)
		actor.Kind = Enrolling
		actor.PlatformRole = PlatformAdmin
		for _, a := range Actions() {
			for _, org := range []id.Org{orgA, ""} {
				for _, o := range variants(org) {
					err := Check(actor, a, o)
					if ok := a == SelfEnrol && o.Owner == me; (err == nil) != ok {
						t.Errorf("enrolling %s %s on %+v: %v", role, a, o, err)
					}
				}
			}
		}
		if actor.Authenticated() {
			t.Error("an enrolling person counts as signed in")
		}
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	token := person(Admin)
	token.Kind, token.Scopes = Token, []string{"safes:read"}
	for _, c := range []struct {
		name   string
		actor  Actor
		action Action
		obj    Object
		why    Why
		kind   fault.Kind
		code   string
		says   string
	}{
		{"nobody", Actor{}, SafeCreate, Object{Org: orgA}, NotSignedIn, fault.Unauthenticated, "SIGN_IN_REQUIRED", "sign in"},
		{"role", person(Operator), ResourceCreate, Object{Org: orgA}, NotPermitted, fault.Denied, "NOT_PERMITTED", "create resources as operator"},
		{"safe", person(Operator), SessionLaunch, Object{Org: orgA}, NotPermitted, fault.Denied, "NOT_PERMITTED", "manager of the safe"},
		{"auditor", person(Auditor), SessionLaunch, Object{Org: orgA, SafeRole: SafeManager}, AuditorRefused, fault.Denied, "NOT_PERMITTED", "auditor"},
		{"other", person(Owner), SafeDelete, Object{Org: orgB}, OtherOrg, fault.Denied, "NOT_PERMITTED", "another organization"},
		{"scope", token, SafeCreate, Object{Org: orgA}, ScopeMissing, fault.Denied, "SCOPE_MISSING", "safes:write, and has safes:read"},
		{"person only", token, TokenCreate, Object{Org: orgA, Owner: me}, PersonOnly, fault.Denied, "NOT_PERMITTED", "as a person"},
		{"unknown", person(Owner), "safe.explode", Object{Org: orgA}, UnknownAction, fault.Denied, "NOT_PERMITTED", "not allowed"},
		{"wrong type", person(Owner), SafeDelete, Object{Type: AccountObject, Org: orgA}, PolicyError, fault.Denied, "NOT_PERMITTED", "not allowed"},
		{"platform", person(Owner), PlatformOrgCreate, Object{}, NotPermitted, fault.Denied, "NOT_PERMITTED", "platform administrator"},
	} {
		err := Check(c.actor, c.action, c.obj)
		if got := why(t, err); got != c.why {
			t.Errorf("%s: refused for %q, want %q", c.name, got, c.why)
		}
		if fault.KindOf(err) != c.kind || fault.CodeOf(err) != c.code || !strings.Contains(fault.MessageOf(err), c.says) {
			t.Errorf("%s: kind %d, code %s, %q", c.name, fault.KindOf(err), fault.CodeOf(err), fault.MessageOf(err))
		}
	}
}

// A rule that cannot be evaluated is a no, even beside one that permits.
func TestDiagnosticsDeny(t *testing.T) {
	broken, err := cedar.NewPolicySetFromBytes("broken", []byte(`
		permit (principal, action, resource);
		forbid (principal, action, resource) when { resource.no_such_attribute == 1 };`))
	if err != nil {
		t.Fatal(err)
	}
	decision, diag := decide(broken, person(Owner), byAction[SafeCreate], Object{Org: orgA})
	if decision != cedar.Allow || len(diag.Errors) != 1 {
		t.Fatalf("%v with %d errors: this test no longer shows why Check looks at them", decision, len(diag.Errors))
	}
	// No decision of the real rules has any, whatever is asked.
	for _, kind := range []Kind{Person, Token, System, Connector, Enrolling, Kind(77)} {
		for _, role := range []Role{Owner, Operator, "odd"} {
			for _, pr := range []PlatformRole{NoPlatformRole, PlatformAdmin} {
				actor := Actor{Kind: kind, User: me, Org: orgA, Role: role, PlatformRole: pr, Source: Source{IP: netip.IPv4Unspecified()}}
				for _, r := range rules {
					for _, o := range []Object{{}, {Owner: me}, {Org: orgA, SafeRole: SafeUser}, {Org: orgB, Owner: me, SafeRole: "odd"}} {
						if _, diag := decide(loaded().set[r.action], actor, r, o); len(diag.Errors) > 0 {
							t.Fatalf("%s: %v", r.action, diag.Errors)
						}
					}
				}
			}
		}
	}
}

func TestRolesThatNobodyMayGive(t *testing.T) {
	for _, c := range []struct {
		holder, given Role
		want          bool
	}{
		{Owner, Owner, true}, {Admin, Owner, false}, {Admin, Admin, true}, {Admin, Auditor, true},
		{Operator, Operator, true}, {Operator, Auditor, false}, {Auditor, Admin, false},
		{None, Operator, false}, {"root", "root", false}, {Owner, "root", false}, {Operator, None, true},
	} {
		if got := c.holder.Includes(c.given); got != c.want {
			t.Errorf("%q includes %q: %v", c.holder, c.given, got)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	actor, obj := person(Operator), Object{ID: "safe_x", Org: orgA, SafeRole: SafeUser}
	for b.Loop() {
		if err := Check(actor, SessionLaunch, obj); err != nil {
			b.Fatal(err)
		}
	}
}

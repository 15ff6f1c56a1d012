package safe_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

func each(t *testing.T, f func(t *testing.T, ctx context.Context, w *safetest.World)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, t.Context(), safetest.New(t, d)) })
}

func changesOf(e event.Envelope) []string {
	var out []string
	for _, c := range e.Metadata["changes"].([]any) {
		m := c.(map[string]any)
		out = append(out, m["field"].(string)+" "+m["old"].(string)+" -> "+m["new"].(string))
	}
	return out
}

func fieldsOf(err error) []string {
	var out []string
	if f := fault.As(err); f != nil {
		for _, x := range f.Fields {
			out = append(out, x.Path)
		}
	}
	return out
}

func TestLifeOfASafe(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web host")
		a := w.Account("web root", r.ID, "x")
		w.Events()
		p := safe.Default()
		p.LocalForward = true
		s, err := w.Safes.Create(ctx, w.Admin, safe.CreateArgs{Name: "web-prod", Description: "front", Resource: r.ID, Account: a.ID, Policy: &p})
		if err != nil {
			t.Fatal(err)
		}
		if s.Resource.Name != "web host" || s.Account.Username != "root" || !s.Account.Enabled || s.Resource.Pinned || s.Version != 1 || !s.Policy.Equal(p) {
			t.Errorf("created %+v", s)
		}
		e := w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Success, "", event.TenantAdmin)
		changes := changesOf(e)
		if e.Target.ID != string(s.PolicyID) || e.Metadata["safe_id"] != string(s.ID) || e.Metadata["assignment_change"] != "attached" ||
			fmt.Sprint(e.Metadata["weakened_controls"]) != "[local_forward]" {
			t.Errorf("event %+v", e)
		}
		for _, want := range []string{"name  -> web-prod", "resource_id  -> " + string(r.ID), "account_id  -> " + string(a.ID), "recording  -> on", "session_ttl  -> 4h0m0s", "local_forward  -> on"} {
			if !slices.Contains(changes, want) {
				t.Errorf("changes %q lack %q", changes, want)
			}
		}

		p.LocalForward, p.SessionTTL, p.StepUp = false, 8*time.Hour, true
		s, err = w.Safes.SetPolicy(ctx, w.Admin, s.ID, p, 1)
		if err != nil || s.Version != 2 || !s.Policy.Equal(p) {
			t.Fatalf("SetPolicy: %+v, %v", s, err)
		}
		e = w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Success, "", event.TenantAdmin)
		if got, want := changesOf(e), []string{"session_ttl 4h0m0s -> 8h0m0s", "local_forward on -> off", "step_up off -> on"}; !slices.Equal(got, want) ||
			e.Metadata["assignment_change"] != "edited" || fmt.Sprint(e.Metadata["weakened_controls"]) != "[session_ttl]" {
			t.Errorf("changes %q, %v", got, e.Metadata)
		}
		if same, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, p, 2); err != nil || same.Version != 2 {
			t.Errorf("a policy that changes nothing: %+v, %v", same, err)
		}
		if _, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, safe.Default(), 1); fault.CodeOf(err) != safe.VersionConflict {
			t.Errorf("policy over an old version: %v", err)
		}
		if _, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, safe.Policy{}, 2); !fault.Is(err, fault.Invalid) || !slices.Contains(fieldsOf(err), "session_ttl_seconds") {
			t.Errorf("an empty policy: %v", err)
		}
		w.None()

		name, note := "web", "new"
		s, err = w.Safes.Update(ctx, w.Admin, s.ID, safe.UpdateArgs{Name: &name, Description: &note})
		if err != nil || s.Name != "web" || s.Version != 3 {
			t.Fatalf("Update: %+v, %v", s, err)
		}
		if got, want := changesOf(w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Success, "", event.TenantAdmin)), []string{"name web-prod -> web", "description front -> new"}; !slices.Equal(got, want) {
			t.Errorf("changes %q", got)
		}

		w.Member(s.ID, w.Operator, safe.User)
		w.Member(s.ID, w.Owner, safe.Manager)
		w.Events()
		w.Live.In = map[id.User]int{w.Owner.User: 1, w.Operator.User: 1}
		if err := w.Safes.Delete(ctx, w.Admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
		all := w.Events()
		if len(all) != 3 || all[0].Constant != event.SAFE_MEMBER_REMOVED || all[1].Constant != event.SAFE_MEMBER_REMOVED || all[2].Constant != event.POLICY_ASSIGNMENT_CHANGED {
			t.Fatalf("events %+v", all)
		}
		if m := all[0].Metadata; m["cause"] != "safe_deleted" || fmt.Sprint(m["sessions_ended"]) != "1" {
			t.Errorf("metadata %v", m)
		}
		if all[2].Metadata["assignment_change"] != "detached" {
			t.Errorf("metadata %v", all[2].Metadata)
		}
		if _, err := w.Safes.Get(ctx, w.Admin, s.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted safe: %v", err)
		}
		if err := w.Accounts.Delete(ctx, w.Admin, a.ID, 0); err != nil {
			t.Errorf("its account is still in use: %v", err)
		}
		if err := w.Resources.Delete(ctx, w.Admin, r.ID, 0); err != nil {
			t.Errorf("its resource is still in use: %v", err)
		}
	})
}

func TestBadSafeNamesItsFields(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r, other := w.Resource("one"), w.Resource("two")
		a := w.Account("root", r.ID, "x")
		stranger := w.Safe("taken", nil)
		w.Events()
		bad := safe.Default()
		bad.MaxSessions = -1
		for name, c := range map[string]struct {
			args safe.CreateArgs
			want []string
		}{
			"name, note, policy":   {safe.CreateArgs{Name: "Web Prod+1", Description: "\x1b", Resource: r.ID, Account: a.ID, Policy: &bad}, []string{"name", "description", "policy.max_sessions"}},
			"account elsewhere":    {safe.CreateArgs{Name: "a", Resource: other.ID, Account: a.ID}, []string{"account_id"}},
			"no such resource":     {safe.CreateArgs{Name: "a", Resource: id.New[id.Resource](), Account: a.ID}, []string{"resource_id"}},
			"no such account":      {safe.CreateArgs{Name: "a", Resource: r.ID, Account: id.New[id.Account]()}, []string{"account_id"}},
			"nothing":              {safe.CreateArgs{}, []string{"name"}},
			"a slash, for the org": {safe.CreateArgs{Name: "acme/web", Resource: r.ID, Account: a.ID}, []string{"name"}},
		} {
			if _, err := w.Safes.Create(ctx, w.Admin, c.args); !fault.Is(err, fault.Invalid) || !slices.Equal(fieldsOf(err), c.want) {
				t.Errorf("%s: %v on %v, want %v", name, err, fieldsOf(err), c.want)
			}
		}
		if _, err := w.Safes.Create(ctx, w.Stranger, safe.CreateArgs{Name: "theirs", Resource: r.ID, Account: a.ID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("on another organization's resource: %v", err)
		}
		if _, err := w.Safes.Create(ctx, w.Admin, safe.CreateArgs{Name: "taken", Resource: r.ID, Account: a.ID}); fault.CodeOf(err) != safe.NameTaken {
			t.Errorf("a taken name: %v", err)
		}
		if _, err := w.Safes.Update(ctx, w.Admin, stranger.ID, safe.UpdateArgs{Account: &a.ID}); !slices.Equal(fieldsOf(err), []string{"account_id"}) {
			t.Errorf("bound to an account elsewhere: %v", err)
		}
		w.None()
		// Both together move.
		moved, err := w.Safes.Update(ctx, w.Admin, stranger.ID, safe.UpdateArgs{Resource: &r.ID, Account: &a.ID})
		if err != nil || moved.Account.ID != a.ID {
			t.Errorf("Update: %+v, %v", moved, err)
		}
		// The same name in another organization is another safe.
		mine := w.Admin
		w.Admin = w.Stranger
		w.Safe("taken", nil)
		w.Admin = mine
	})
}

func TestRightsOnSafes(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		manager, user := w.Person(w.Org, "mara", authz.Operator), w.Person(w.Org, "ulf", authz.Operator)
		w.Member(s.ID, manager, safe.Manager)
		w.Member(s.ID, user, safe.Checkout)
		w.Events()
		policy, name := safe.Default(), "x"
		policy.Recording, policy.RecordInput = false, false

		create := func(a authz.Actor) error {
			_, err := w.Safes.Create(ctx, a, safe.CreateArgs{Name: "n", Resource: s.Resource.ID, Account: s.Account.ID})
			return err
		}
		setPolicy := func(a authz.Actor) error { _, err := w.Safes.SetPolicy(ctx, a, s.ID, policy, 0); return err }
		rebind := func(a authz.Actor) error {
			_, err := w.Safes.Update(ctx, a, s.ID, safe.UpdateArgs{Account: &s.Account.ID})
			return err
		}
		rename := func(a authz.Actor) error {
			_, err := w.Safes.Update(ctx, a, s.ID, safe.UpdateArgs{Name: &name})
			return err
		}
		remove := func(a authz.Actor) error { return w.Safes.Delete(ctx, a, s.ID, 0) }
		for what, act := range map[string]func(authz.Actor) error{"create": create, "policy": setPolicy, "rebind": rebind, "delete": remove} {
			for _, by := range []struct {
				actor authz.Actor
				as    event.ActorType
			}{{w.Operator, event.TenantAdmin}, {user, event.TenantAdmin}, {w.Auditor, event.TenantAdmin}, {manager, event.OrgAdmin}} {
				if what == "create" {
					by.as = event.TenantAdmin
				}
				if err := act(by.actor); !fault.Is(err, fault.Denied) {
					t.Errorf("%s by %s: %v", what, by.actor.Name, err)
				}
				e := w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Denied, "not_permitted", by.as)
				if what != "create" && (e.Metadata["safe_id"] != string(s.ID) || e.Target.ID != string(s.PolicyID)) {
					t.Errorf("%s: event %+v", what, e)
				}
			}
			if what != "create" {
				if err := act(w.Stranger); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s by a stranger: %v", what, err)
				}
			}
			if err := act(authz.Actor{}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s by nobody: %v", what, err)
			}
			w.None()
		}
		if err := rename(user); !fault.Is(err, fault.Denied) {
			t.Errorf("rename by a user: %v", err)
		}
		w.Events()
		if err := rename(manager); err != nil {
			t.Errorf("rename by the manager: %v", err)
		}
		w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Success, "", event.OrgAdmin)

		for _, c := range []struct {
			actor authz.Actor
			kind  fault.Kind
			role  safe.Role
		}{{w.Admin, 0, safe.NoRole}, {w.Auditor, 0, safe.NoRole}, {manager, 0, safe.Manager}, {user, 0, safe.Checkout}, {w.Operator, fault.Denied, ""}, {w.Stranger, fault.NotFound, ""}, {authz.Actor{}, fault.Unauthenticated, ""}} {
			e, err := w.Safes.Get(ctx, c.actor, s.ID)
			if c.kind == 0 && (err != nil || e.Role != c.role) || c.kind != 0 && !fault.Is(err, c.kind) {
				t.Errorf("Get by %q: %+v, %v", c.actor.Name, e.Role, err)
			}
		}
		token := w.Admin
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"safes:write"}
		w.Events()
		if err := setPolicy(token); err != nil {
			t.Errorf("policy by a token: %v", err)
		}
		e := w.One(event.POLICY_ASSIGNMENT_CHANGED, event.Success, "", event.ServiceAccount)
		if fmt.Sprint(e.Metadata["weakened_controls"]) != "[recording record_input]" {
			t.Errorf("weakened %v", e.Metadata["weakened_controls"])
		}
	})
}

func TestListsShowWhatIsOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		open := w.Safe("b-open", nil)
		strict := safe.Default()
		strict.StepUp, strict.StepUpFreshness = true, time.Minute
		stepUp := w.Safe("a-step-up", &strict)
		elsewhere := safe.Default()
		elsewhere.SourceNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		far := w.Safe("c-far", &elsewhere)
		w.Safe("d-not-mine", nil)
		for _, s := range []safe.Safe{open, stepUp, far} {
			pin(t, w, s.Resource.ID)
			w.Member(s.ID, w.Operator, safe.User)
			w.Member(s.ID, w.Auditor, safe.User)
		}
		w.Now = w.Now.Add(2 * time.Minute) // the factor is no longer fresh

		mine, err := w.Safes.Mine(ctx, w.Operator)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range mine {
			got = append(got, fmt.Sprint(e.Name, " ", e.Role, " ", e.CanLaunch, " ", e.BlockedBy))
		}
		if want := []string{"a-step-up user false mfa_required", "b-open user true ", "c-far user false source_not_allowed"}; !slices.Equal(got, want) {
			t.Errorf("mine %q, want %q", got, want)
		}
		if mine, err := w.Safes.Mine(ctx, w.Auditor); err != nil || len(mine) != 0 {
			t.Errorf("an auditor may launch %+v, %v", mine, err)
		}

		if _, err := w.Accounts.Disable(ctx, w.Admin, open.Account.ID); err != nil {
			t.Fatal(err)
		}
		if e, err := w.Safes.Get(ctx, w.Operator, open.ID); err != nil || e.CanLaunch || e.BlockedBy != safe.AccountDisabled || e.Account.Enabled {
			t.Errorf("with its account disabled: %+v, %v", e, err)
		}

		for _, c := range []struct {
			actor authz.Actor
			f     safe.Filter
			want  int
		}{{w.Operator, safe.Filter{}, 3}, {w.Operator, safe.Filter{Mine: true}, 3}, {w.Admin, safe.Filter{}, 4}, {w.Admin, safe.Filter{Mine: true}, 0}, {w.Auditor, safe.Filter{}, 4}, {w.Stranger, safe.Filter{}, 0},
			{w.Admin, safe.Filter{Name: "B-Open"}, 1}, {w.Admin, safe.Filter{Name: "b-ope"}, 0}, {w.Admin, safe.Filter{Account: open.Account.ID}, 1}, {w.Admin, safe.Filter{Account: open.Account.ID, Name: "none"}, 0},
			{w.Admin, safe.Filter{Resource: open.Resource.ID}, 1}, {w.Admin, safe.Filter{Resource: "res_none"}, 0}, {w.Operator, safe.Filter{Name: "b-open", Mine: true}, 1}} {
			n := 0
			for p := (page.Request{Limit: 2}); ; {
				l, err := w.Safes.List(ctx, c.actor, c.f, p)
				if err != nil {
					t.Fatal(err)
				}
				n += len(l.Items)
				if p.Cursor = l.Next; p.Cursor == "" {
					break
				}
			}
			if n != c.want {
				t.Errorf("%s sees %d safes with %+v, want %d", c.actor.Name, n, c.f, c.want)
			}
		}

		for _, key := range []string{"b-open", string(open.ID)} {
			if sid, err := w.Safes.Resolve(ctx, w.Org, key); err != nil || sid != open.ID {
				t.Errorf("Resolve(%s): %s, %v", key, sid, err)
			}
			if _, err := w.Safes.Resolve(ctx, w.Stranger.Org, key); !fault.Is(err, fault.NotFound) {
				t.Errorf("Resolve(%s) elsewhere: %v", key, err)
			}
		}
		if _, err := w.Safes.Resolve(ctx, w.Org, "nothing"); !fault.Is(err, fault.NotFound) {
			t.Errorf("Resolve of nothing: %v", err)
		}
	})
}

// pin gives a resource a confirmed host key without a target to scan.
func pin(t *testing.T, w *safetest.World, r id.Resource) {
	t.Helper()
	_, err := w.DB.Raw().Exec(`insert into resource_host_key (org_id, resource_id, fingerprint, key_type, public_key, confirmed_by, confirmed_at) values ($1, $2, 'SHA256:x', 'ssh-ed25519', 'x', 'usr', 1)`, string(w.Org), string(r))
	if err != nil {
		t.Fatal(err)
	}
}

func TestAccessAnswersFromTheRowsAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		w.Member(s.ID, w.Operator, safe.Checkout)
		access := func(org id.Org, user id.User) (a safe.Access, err error) {
			err = w.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
				a, err = w.Safes.Access(ctx, tx, org, user, s.ID)
				return err
			})
			return a, err
		}
		a, err := access(w.Org, w.Operator.User)
		if err != nil || a.Role != safe.Checkout || a.SafeName != "prod" || a.PolicyID != s.PolicyID || !a.Policy.Equal(s.Policy) ||
			a.Resource != s.Resource.ID || a.Account != s.Account.ID || !a.AccountEnabled || a.Version != 1 {
			t.Errorf("Access: %+v, %v", a, err)
		}
		if a, err := access(w.Org, w.Admin.User); err != nil || a.Role != safe.NoRole {
			t.Errorf("of no member: %+v, %v", a, err)
		}
		if _, err := access(w.Stranger.Org, w.Operator.User); !fault.Is(err, fault.NotFound) {
			t.Errorf("from another organization: %v", err)
		}
		narrow := s.Policy
		narrow.SessionTTL = time.Minute
		if _, err := w.Safes.SetPolicy(ctx, w.Admin, s.ID, narrow, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Accounts.Disable(ctx, w.Admin, s.Account.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Safes.RemoveMember(ctx, w.Admin, s.ID, w.Operator.User); err != nil {
			t.Fatal(err)
		}
		if a, err := access(w.Org, w.Operator.User); err != nil || a.Role != safe.NoRole || a.AccountEnabled || a.Policy.SessionTTL != time.Minute || a.Version != 2 {
			t.Errorf("after it was taken away: %+v, %v", a, err)
		}
		if err := w.Safes.Delete(ctx, w.Admin, s.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := access(w.Org, w.Operator.User); !fault.Is(err, fault.NotFound) {
			t.Errorf("of a deleted safe: %v", err)
		}
	})
}

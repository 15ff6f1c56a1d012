package policy_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

func ptr[T any](v T) *T { return &v }

const ask = `@require_approval("1") permit (principal, action == Action::"session.launch", resource);`

func create(t *testing.T, w *safetest.World, name, text string, safes ...id.Safe) policy.Policy {
	t.Helper()
	d := policy.Draft{Name: &name, Text: &text, Safes: &safes}
	if len(safes) == 0 {
		d = policy.Draft{Name: &name, Text: &text, Everywhere: ptr(true)}
	}
	p, err := w.Policies.Create(context.Background(), w.Admin, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func explain(t *testing.T, w *safetest.World, user authz.Actor, sid id.Safe) policy.Explanation {
	t.Helper()
	e, err := w.Policies.Explain(context.Background(), w.Admin, user.User, sid, policy.When{From: user.Source.IP, Factor: true})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestPoliciesHaveVersionsAndEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := safetest.New(t, d), context.Background()
		one, two := w.Safe("one", nil), w.Safe("two", nil)
		w.Member(one.ID, w.Operator, safe.User)
		w.Events()

		p := create(t, w, "approval", ask, one.ID)
		all := w.Events()
		if len(all) != 2 || all[0].Constant != event.ACCESS_POLICY_CHANGED || all[0].Metadata["policy_change"] != "created" || all[1].Constant != event.POLICY_ASSIGNMENT_CHANGED ||
			all[1].Metadata["safe_id"] != string(one.ID) || all[1].Metadata["assignment_change"] != "attached" || all[1].Target.ID != string(p.ID) || all[1].Actor.Type != event.TenantAdmin {
			t.Fatalf("%+v", all)
		}
		if e := explain(t, w, w.Operator, one.ID); e.Decision.Outcome != policy.ApprovalNeeded || e.Decision.Reasons[0].ID != string(p.ID) {
			t.Errorf("%+v", e.Decision)
		}
		if _, err := w.Policies.Update(ctx, w.Admin, p.ID, policy.Draft{Name: ptr("approval")}); err != nil {
			t.Fatal(err)
		}
		w.None() // nothing changed

		form := policy.Form{Effect: policy.Deny, Unless: true, Networks: []string{"10.0.0.0/8"}}
		if _, err := w.Policies.Update(ctx, w.Admin, p.ID, policy.Draft{Form: &form, Version: 7}); fault.CodeOf(err) != policy.VersionConflict {
			t.Errorf("a stale version: %v", err)
		}
		next, err := w.Policies.Update(ctx, w.Admin, p.ID, policy.Draft{Form: &form, Version: p.Version, Comment: "from the office only"})
		if err != nil || next.Version != 2 {
			t.Fatalf("%+v, %v", next, err)
		}
		if got, ok := next.Form(); !ok || !slices.Equal(got.Networks, form.Networks) {
			t.Errorf("%v %+v", ok, got)
		}
		all = w.Events()
		if len(all) != 2 || all[1].Metadata["assignment_change"] != "edited" || all[0].Metadata["comment"] != "from the office only" {
			t.Errorf("%+v", all)
		}
		if e := explain(t, w, w.Operator, one.ID); e.Decision.Why != policy.WrongSource {
			t.Errorf("%+v", e.Decision)
		}

		if _, err := w.Policies.AssignSafe(ctx, w.Admin, p.ID, two.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Policies.AssignSafe(ctx, w.Admin, p.ID, one.ID, false); err != nil {
			t.Fatal(err)
		}
		all = w.Events()
		if len(all) != 4 || all[1].Metadata["safe_id"] != string(two.ID) || all[3].Metadata["assignment_change"] != "detached" ||
			!slices.Equal(all[3].Metadata["weakened_controls"].([]any), []any{"deny"}) {
			t.Errorf("%+v", all)
		}
		if e := explain(t, w, w.Operator, one.ID); e.Decision.Outcome != policy.Allowed {
			t.Errorf("%+v", e.Decision)
		}

		back, err := w.Policies.Restore(ctx, w.Admin, p.ID, 1, "as it was")
		if err != nil || back.Version != 5 || len(back.Safes) != 1 || back.Safes[0].ID != one.ID || !strings.Contains(back.Text, "require_approval") {
			t.Fatalf("%+v, %v", back, err)
		}
		l, err := w.Policies.Versions(ctx, w.Auditor, p.ID, page.Request{Limit: 3})
		if err != nil || len(l.Items) != 3 || l.Items[0].Version != 5 || l.Items[0].Change != "restored" || l.Items[0].ChangedBy != w.Admin.User || l.Next == "" {
			t.Errorf("%+v, %v", l, err)
		}
		if l, err = w.Policies.Versions(ctx, w.Auditor, p.ID, page.Request{Cursor: l.Next}); err != nil || len(l.Items) != 2 || l.Items[1].Version != 1 {
			t.Errorf("%+v, %v", l, err)
		}
		w.Events()
		if err := w.Policies.Delete(ctx, w.Admin, p.ID, 0); err != nil {
			t.Fatal(err)
		}
		if all = w.Events(); len(all) != 2 || all[0].Metadata["policy_change"] != "deleted" || all[1].Metadata["assignment_change"] != "detached" {
			t.Errorf("%+v", all)
		}
		if _, err := w.Policies.Get(ctx, w.Admin, p.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted policy: %v", err)
		}
		create(t, w, "approval", ask) // the name is free again
		if all = w.Events(); len(all) != 3 {
			t.Errorf("on every safe: %+v", all)
		}
	})
}

func TestWhoMayNotChangePolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := safetest.New(t, d), context.Background()
		sf := w.Safe("one", nil)
		p := create(t, w, "approval", ask, sf.ID)
		w.Events()
		for _, actor := range []authz.Actor{w.Operator, w.Auditor} {
			if _, err := w.Policies.Update(ctx, actor, p.ID, policy.Draft{Enabled: ptr(false)}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", actor.Name, err)
			}
			w.One(event.ACCESS_POLICY_CHANGED, event.Denied, "not_permitted", event.TenantAdmin)
		}
		if _, err := w.Policies.Get(ctx, w.Operator, p.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator reads it: %v", err)
		}
		if _, err := w.Policies.Get(ctx, w.Stranger, p.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger reads it: %v", err)
		}
		if err := w.Policies.Delete(ctx, w.Stranger, p.ID, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger deletes it: %v", err)
		}
		for name, d := range map[string]policy.Draft{
			"no name": {Text: ptr(ask)}, "no text": {Name: ptr("x")}, "both": {Name: ptr("x"), Text: ptr(ask), Form: &policy.Form{Effect: policy.Allow}},
			"a safe of another organization": {Name: ptr("x"), Text: ptr(ask), Safes: &[]id.Safe{id.New[id.Safe]()}},
			"a group that is not there":      {Name: ptr("x"), Form: &policy.Form{Effect: policy.Allow, Groups: []string{string(id.New[id.Group]())}}},
			"a person of another one":        {Name: ptr("x"), Form: &policy.Form{Effect: policy.Allow, People: []string{string(w.Stranger.User)}}},
		} {
			if _, err := w.Policies.Create(ctx, w.Admin, d); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Policies.Create(ctx, w.Admin, policy.Draft{Name: ptr("approval"), Text: ptr(ask)}); fault.CodeOf(err) != policy.NameTaken {
			t.Errorf("the same name: %v", err)
		}
		w.None()
	})
}

func TestExplainTellsWhoCouldApprove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := safetest.New(t, d), context.Background()
		sf := w.Safe("one", nil)
		mona := w.Person(w.Org, "mona", authz.Operator)
		w.Member(sf.ID, w.Operator, safe.Approver)
		w.Member(sf.ID, mona, safe.Manager)
		create(t, w, "approval", ask, sf.ID)
		e := explain(t, w, w.Operator, sf.ID)
		if e.Decision.Outcome != policy.ApprovalNeeded || len(e.Approvers) != 1 || e.Approvers[0].Handle != "mona" {
			t.Errorf("%+v %+v", e.Decision, e.Approvers) // never oneself
		}
		if _, err := w.Policies.Explain(ctx, w.Operator, w.Operator.User, sf.ID, policy.When{}); err != nil {
			t.Errorf("about oneself: %v", err)
		}
		if _, err := w.Policies.Explain(ctx, w.Operator, mona.User, sf.ID, policy.When{}); !fault.Is(err, fault.Denied) {
			t.Errorf("about another: %v", err)
		}
		if _, err := w.Policies.Explain(ctx, mona, w.Operator.User, sf.ID, policy.When{}); err != nil {
			t.Errorf("a manager of the safe: %v", err)
		}
		if _, err := w.Policies.Explain(ctx, w.Stranger, w.Operator.User, sf.ID, policy.When{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger: %v", err)
		}
		l, err := w.Policies.WhoCan(ctx, w.Auditor, sf.ID, policy.When{Factor: true}, page.Request{Limit: 1})
		if err != nil || len(l.Items) != 1 || l.Items[0].User.Handle != "mona" || l.Items[0].Decision.Outcome != policy.ApprovalNeeded || l.Next == "" {
			t.Errorf("%+v, %v", l, err)
		}
		if l, err = w.Policies.WhatCan(ctx, w.Operator, w.Operator.User, policy.When{Factor: true}, page.Request{}); err != nil || len(l.Items) != 1 || l.Items[0].Safe.Name != "one" {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// A list of approvers that is cut says so, and leaves out who is suspended.
func TestExplainSaysThatMoreCouldApprove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := safetest.New(t, d)
		sf := w.Safe("one", nil)
		w.Member(sf.ID, w.Operator, safe.User)
		away := w.Person(w.Org, "away", authz.Operator)
		w.Member(sf.ID, away, safe.Approver)
		if _, err := d.Raw().Exec(`update member set suspended_at = 1 where org_id = $1 and user_id = $2`, string(w.Org), string(away.User)); err != nil {
			t.Fatal(err)
		}
		create(t, w, "approval", ask, sf.ID)
		if e := explain(t, w, w.Operator, sf.ID); len(e.Approvers) != 0 || e.More {
			t.Errorf("%+v", e.Approvers)
		}
		for i := range policy.MaxTold + 1 {
			w.Member(sf.ID, w.Person(w.Org, fmt.Sprintf("approver-%03d", i), authz.Operator), safe.Approver)
		}
		if e := explain(t, w, w.Operator, sf.ID); len(e.Approvers) != policy.MaxTold || !e.More {
			t.Errorf("%d, more: %t", len(e.Approvers), e.More)
		}
	})
}

func TestListsSayWhatBlocks(t *testing.T) {
	w := safetest.New(t, dbtest.SQLite(t))
	sf := w.Safe("one", nil)
	w.Member(sf.ID, w.Operator, safe.User)
	_, err := w.DB.Raw().Exec(`insert into resource_host_key (org_id, resource_id, fingerprint, key_type, public_key, confirmed_by, confirmed_at) values ($1, $2, 'SHA256:x', 'ssh-ed25519', $3, 'usr_x', 1)`,
		string(w.Org), string(sf.Resource.ID), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	seen := func() safe.Entry {
		t.Helper()
		e, err := w.Safes.Get(context.Background(), w.Operator, sf.ID)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := seen(); !e.CanLaunch {
		t.Errorf("%+v", e)
	}
	create(t, w, "approval", ask, sf.ID)
	if e := seen(); e.CanLaunch || e.BlockedBy != safe.ApprovalRequired || e.BlockedBy.Sentence() == "" {
		t.Errorf("%+v", e.BlockedBy)
	}
	create(t, w, "never", `forbid (principal, action, resource);`)
	if e := seen(); e.BlockedBy != safe.PolicyDenied || e.BlockedBy.Sentence() == "" {
		t.Errorf("%+v", e.BlockedBy)
	}
}

func TestGroupsAndLabelsAreConditions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := safetest.New(t, d)
		sf := w.Safe("one", nil)
		w.Member(sf.ID, w.Operator, safe.User)
		g := id.New[id.Group]()
		for _, q := range []string{
			`insert into org_group (org_id, id, name, match_name, description, source, provider_id, claim, version, created_at, created_by, updated_at) values ('` + string(w.Org) + `', '` + string(g) + `', 'sre', 'sre', '', 'local', '', '', 1, 1, '', 1)`,
			`update resource set labels = '["env=prod"]' where org_id = '` + string(w.Org) + `'`,
		} {
			if _, err := d.Raw().Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		form := policy.Form{Effect: policy.Allow, Groups: []string{string(g)}, Labels: []string{"env=prod"}}
		if _, err := w.Policies.Create(context.Background(), w.Admin, policy.Draft{Name: ptr("sre"), Form: &form, Everywhere: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		if e := explain(t, w, w.Operator, sf.ID); e.Decision.Outcome != policy.Denied || e.Decision.Why != policy.NothingPermits {
			t.Errorf("not in the group: %+v", e.Decision)
		}
		if _, err := d.Raw().Exec(`insert into org_group_member (org_id, group_id, user_id, added_at, added_by) values ($1, $2, $3, 1, '')`, string(w.Org), string(g), string(w.Operator.User)); err != nil {
			t.Fatal(err)
		}
		if e := explain(t, w, w.Operator, sf.ID); e.Decision.Outcome != policy.Allowed || e.Decision.ByName != "sre" {
			t.Errorf("in the group: %+v", e.Decision)
		}
		if _, err := d.Raw().Exec(`update resource set labels = '["env=dev"]' where org_id = '` + string(w.Org) + `'`); err != nil {
			t.Fatal(err)
		}
		if e := explain(t, w, w.Operator, sf.ID); e.Decision.Outcome != policy.Denied {
			t.Errorf("another label: %+v", e.Decision)
		}
	})
}

// Other servers see a change at their next question, by its number.
func TestAnotherServerSeesTheChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := safetest.New(t, d)
		sf := w.Safe("one", nil)
		w.Member(sf.ID, w.Operator, safe.User)
		other, err := policy.New(policy.Deps{DB: d, Ledger: w.Ledger, Safes: w.Safes})
		if err != nil {
			t.Fatal(err)
		}
		on := func() policy.Outcome {
			t.Helper()
			e, err := other.Explain(context.Background(), w.Admin, w.Operator.User, sf.ID, policy.When{From: netip.MustParseAddr("10.0.0.1"), Factor: true})
			if err != nil {
				t.Fatal(err)
			}
			return e.Decision.Outcome
		}
		if got := on(); got != policy.Allowed {
			t.Error(got)
		}
		p := create(t, w, "approval", ask, sf.ID)
		if got := on(); got != policy.ApprovalNeeded {
			t.Error(got)
		}
		if _, err := w.Policies.Update(context.Background(), w.Admin, p.ID, policy.Draft{Enabled: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		if got := on(); got != policy.Allowed {
			t.Error(got)
		}
	})
}

// The newest ten thousand launches are decided again, and the answer says that there
// are more. How long that takes is a line of the bench.
func TestSimulationOfTenThousand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := safetest.New(t, d), context.Background()
		sf := w.Safe("one", nil)
		w.Member(sf.ID, w.Operator, safe.User)
		v := explain(t, w, w.Operator, sf.ID).Verdict
		err := d.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
			for i := range policy.MaxSimulated + 5 {
				v.Question.Moment.At = w.Now.Add(-time.Duration(i) * time.Minute).Truncate(time.Minute)
				if err := w.Policies.Remember(ctx, tx, id.New[id.Event](), v); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text := `forbid (principal, action, resource) unless { context.hours.contains("mon-sun 08:00-20:00 UTC") };`
		got, err := w.Policies.Simulate(ctx, w.Admin, policy.Proposal{Days: 30, Policies: []policy.ProposedPolicy{{Draft: policy.Draft{Text: &text, Everywhere: ptr(true)}}}})
		if err != nil || got.Launches != policy.MaxSimulated || got.Whole || got.Changed < 4000 || got.Changed > 6000 || got.By["allow to deny"] != got.Changed || len(got.Examples) != 200 ||
			got.Examples[0].Would.Why != policy.OutsideHours {
			t.Errorf("%d of %d, %v, %v", got.Changed, got.Launches, got.By, err)
		}
		gone, err := w.Policies.Simulate(ctx, w.Auditor, policy.Proposal{Days: 1, Members: []policy.ProposedMember{{Safe: sf.ID, User: w.Operator.User}}})
		if err != nil || gone.Changed != gone.Launches || gone.Launches == 0 || gone.Examples[0].Would.Why != policy.NotPermitted {
			t.Errorf("%+v, %v", gone.By, err)
		}
		if _, err := w.Policies.Simulate(ctx, w.Operator, policy.Proposal{Days: 1, Members: []policy.ProposedMember{{}}}); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator: %v", err)
		}
		w.Now = w.Now.Add(91 * 24 * time.Hour)
		if err := w.Policies.Forget(ctx); err != nil {
			t.Fatal(err)
		}
		if after, err := w.Policies.Simulate(ctx, w.Admin, policy.Proposal{Days: 90, Members: []policy.ProposedMember{{Safe: sf.ID, User: w.Operator.User}}}); err != nil || after.Launches != 0 {
			t.Errorf("%d are left, %v", after.Launches, err)
		}
	})
}

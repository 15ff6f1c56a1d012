package safe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		w.Events()
		m, err := w.Safes.AddMember(ctx, w.Admin, s.ID, w.Operator.User, safe.User)
		if err != nil || m.Handle != "otto" || m.Role != safe.User || m.AddedBy != w.Admin.User {
			t.Fatalf("AddMember: %+v, %v", m, err)
		}
		e := w.One(event.SAFE_MEMBER_ADDED, event.Success, "", event.TenantAdmin)
		if e.Target.ID != string(s.ID) || e.Target.Name != "prod" || e.Metadata["subject_user_id"] != string(w.Operator.User) || e.Metadata["role"] != "user" {
			t.Errorf("event %+v", e)
		}
		if _, err := w.Safes.AddMember(ctx, w.Admin, s.ID, w.Operator.User, safe.Manager); fault.CodeOf(err) != safe.AlreadyMember {
			t.Errorf("a member added again: %v", err)
		}
		if _, err := w.Safes.AddMember(ctx, w.Admin, s.ID, w.Operator.User, "boss"); !slices.Equal(fieldsOf(err), []string{"role"}) {
			t.Errorf("an unknown role: %v", err)
		}
		w.None()

		for role, raised := range map[safe.Role]bool{safe.Checkout: true} {
			if m, err = w.Safes.SetMemberRole(ctx, w.Admin, s.ID, w.Operator.User, role); err != nil || m.Role != role {
				t.Fatalf("SetMemberRole: %+v, %v", m, err)
			}
			e = w.One(event.SAFE_MEMBER_ROLE_UPDATED, event.Success, "", event.TenantAdmin)
			if e.Metadata["old_role"] != "user" || e.Metadata["new_role"] != string(role) || e.Metadata["privilege_raised"] != raised {
				t.Errorf("metadata %v", e.Metadata)
			}
		}
		if _, err = w.Safes.SetMemberRole(ctx, w.Admin, s.ID, w.Operator.User, safe.Checkout); err != nil {
			t.Errorf("the same role again: %v", err)
		}
		w.None()
		if _, err = w.Safes.SetMemberRole(ctx, w.Admin, s.ID, w.Owner.User, safe.User); !fault.Is(err, fault.NotFound) {
			t.Errorf("role of no member: %v", err)
		}

		w.Live.N = 4
		if err := w.Safes.RemoveMember(ctx, w.Admin, s.ID, w.Operator.User); err != nil {
			t.Fatal(err)
		}
		e = w.One(event.SAFE_MEMBER_REMOVED, event.Success, "", event.TenantAdmin)
		if e.Metadata["role"] != "checkout" || e.Metadata["cause"] != "removed" || e.Metadata["access_remains_by_group"] != false || fmt.Sprint(e.Metadata["sessions_ended"]) != "4" {
			t.Errorf("metadata %v", e.Metadata)
		}
		if err := w.Safes.RemoveMember(ctx, w.Admin, s.ID, w.Operator.User); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed again: %v", err)
		}
		w.None()
	})
}

func TestOnlyMembersOfTheOrganizationJoin(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		w.Events()
		for _, user := range []id.User{w.Stranger.User, id.New[id.User](), "nonsense", ""} {
			_, err := w.Safes.AddMember(ctx, w.Admin, s.ID, user, safe.User)
			if !fault.Is(err, fault.Invalid) || !slices.Equal(fieldsOf(err), []string{"user_id"}) {
				t.Errorf("%q joins: %v", user, err)
			}
			e := w.One(event.GROUP_MUTATION_DENIED, event.Denied, "cross_org_reference", event.TenantAdmin)
			if e.Metadata["denied_operation"] != "safe_member_add" || e.Metadata["safe_id"] != string(s.ID) || e.Target.ID != string(w.Org) {
				t.Errorf("event %+v", e)
			}
		}
		// The rule stands in the database too.
		_, err := w.DB.Raw().Exec(`insert into safe_member (org_id, safe_id, user_id, id, role, added_at, added_by) values ($1, $2, $3, 'smem', 'user', 1, 'usr')`, string(w.Org), string(s.ID), string(w.Stranger.User))
		if !db.ForeignKey(err) {
			t.Errorf("a stranger's row: %v", err)
		}
	})
}

func TestRightsOnMembers(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		mara, milo := w.Person(w.Org, "mara", authz.Operator), w.Person(w.Org, "milo", authz.Operator)
		ulf, nina := w.Person(w.Org, "ulf", authz.Operator), w.Person(w.Org, "nina", authz.Operator)
		w.Member(s.ID, mara, safe.Manager)
		w.Member(s.ID, ulf, safe.Approver)
		w.Events()
		acts := map[string]func(authz.Actor) error{
			"safe_member_add": func(a authz.Actor) error { _, err := w.Safes.AddMember(ctx, a, s.ID, nina.User, safe.User); return err },
			"safe_member_role": func(a authz.Actor) error {
				_, err := w.Safes.SetMemberRole(ctx, a, s.ID, ulf.User, safe.Manager)
				return err
			},
			"safe_member_remove": func(a authz.Actor) error { return w.Safes.RemoveMember(ctx, a, s.ID, mara.User) },
		}
		for what, act := range acts {
			for _, a := range []authz.Actor{w.Operator, ulf, w.Auditor} {
				if err := act(a); !fault.Is(err, fault.Denied) {
					t.Errorf("%s by %s: %v", what, a.Name, err)
				}
				if e := w.One(event.GROUP_MUTATION_DENIED, event.Denied, "not_permitted", event.User); e.Metadata["denied_operation"] != what || e.Metadata["subject_user_id"] == nil {
					t.Errorf("metadata %v", e.Metadata)
				}
			}
			if err := act(w.Stranger); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s by a stranger: %v", what, err)
			}
			if err := act(authz.Actor{}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s by nobody: %v", what, err)
			}
			w.None()
		}
		if _, err := w.Safes.Members(ctx, w.Operator, s.ID, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("members, by no member: %v", err)
		}

		// The manager does it, as OrgAdmin, but does not leave the safe alone.
		if _, err := w.Safes.AddMember(ctx, mara, s.ID, nina.User, safe.Manager); err != nil {
			t.Errorf("a manager adds: %v", err)
		}
		w.One(event.SAFE_MEMBER_ADDED, event.Success, "", event.OrgAdmin)
		if err := w.Safes.RemoveMember(ctx, mara, s.ID, nina.User); err != nil {
			t.Errorf("a manager removes another: %v", err)
		}
		w.Events()
		if err := w.Safes.RemoveMember(ctx, mara, s.ID, mara.User); fault.CodeOf(err) != safe.LastManager {
			t.Errorf("the last manager leaves: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "last_safe_owner", event.OrgAdmin)
		if _, err := w.Safes.SetMemberRole(ctx, mara, s.ID, mara.User, safe.User); fault.CodeOf(err) != safe.LastManager {
			t.Errorf("the last manager steps down: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "last_safe_owner", event.OrgAdmin)
		if _, err := w.Safes.AddMember(ctx, w.Admin, s.ID, milo.User, safe.User); err != nil {
			t.Error(err)
		}
		if err := w.Safes.RemoveMember(ctx, w.Admin, s.ID, mara.User); err != nil {
			t.Errorf("an administrator removes the last manager: %v", err)
		}
		l, err := w.Safes.Members(ctx, w.Auditor, s.ID, page.Request{Limit: 1})
		if err != nil || len(l.Items) != 1 || l.Items[0].Handle != "milo" || l.Next == "" {
			t.Errorf("Members: %+v, %v", l, err)
		}
		if l, err = w.Safes.Members(ctx, w.Auditor, s.ID, page.Request{Limit: 1, Cursor: l.Next}); err != nil || len(l.Items) != 1 || l.Items[0].Handle != "ulf" || l.Next != "" {
			t.Errorf("Members: %+v, %v", l, err)
		}
	})
}

func TestWhoLeavesTheOrganizationLeavesItsSafes(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		one, two := w.Safe("one", nil), w.Safe("two", nil)
		w.Member(one.ID, w.Operator, safe.User)
		w.Member(two.ID, w.Operator, safe.Manager)
		w.Member(two.ID, w.Owner, safe.User)
		w.Events()
		leave := func(ctx context.Context, tx *db.Tx) error {
			if err := w.Safes.UserLeft(ctx, tx, event.By(w.Admin, event.TenantAdmin), w.Org, w.Operator.User); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `delete from member where org_id = $1 and user_id = $2`, string(w.Org), string(w.Operator.User))
			return err
		}
		// Nothing of it stays when the transaction does not.
		undone := errors.New("undone")
		if err := w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error { return errors.Join(leave(ctx, tx), undone) }); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		w.None()
		if err := w.DB.InOrg(ctx, w.Org, leave); err != nil {
			t.Fatal(err)
		}
		all := w.Events()
		if len(all) != 2 {
			t.Fatalf("events %+v", all)
		}
		for i, name := range []string{"one", "two"} {
			if e := all[i]; e.Constant != event.SAFE_MEMBER_REMOVED || e.Target.Name != name || e.Metadata["cause"] != "user_left_org" {
				t.Errorf("event %+v", e)
			}
		}
		if l, err := w.Safes.Members(ctx, w.Admin, two.ID, page.Request{}); err != nil || len(l.Items) != 1 {
			t.Errorf("Members: %+v, %v", l, err)
		}
	})
}

// A refusal that cannot be recorded is a refusal all the same, and tells nothing of the rule.
func TestUnrecordedRefusalIsARefusal(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		broken, err := safe.New(safe.Deps{DB: w.DB, Ledger: brokenLedger{}, Resources: w.Resources, Accounts: w.Accounts})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := broken.AddMember(ctx, w.Operator, s.ID, w.Operator.User, safe.Manager); err == nil || fault.Is(err, fault.Denied) {
			t.Errorf("AddMember: %v", err)
		}
		if _, err := broken.AddMember(ctx, w.Admin, s.ID, w.Operator.User, safe.Manager); err == nil || !strings.Contains(err.Error(), "ledger is down") {
			t.Errorf("AddMember: %v", err)
		}
		if l, err := w.Safes.Members(ctx, w.Admin, s.ID, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("a change without its event: %+v, %v", l, err)
		}
	})
}

type brokenLedger struct{}

func (brokenLedger) Record(context.Context, *db.Tx, event.Event) (id.Event, error) {
	return "", errors.New("ledger is down")
}
func (brokenLedger) RecordAll(context.Context, *db.Tx, []event.Event) ([]id.Event, error) {
	return nil, errors.New("ledger is down")
}
func (brokenLedger) RecordRefusal(context.Context, event.Event) error {
	return errors.New("ledger is down")
}

package group_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

func each(t *testing.T, f func(t *testing.T, ctx context.Context, w *safetest.World)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, t.Context(), safetest.New(t, d)) })
}

// told are the constants of events, in the order of the catalog's words.
func told(all []event.Envelope) []event.Constant {
	out := make([]event.Constant, len(all))
	for i, e := range all {
		out[i] = e.Constant
	}
	return out
}

func TestLifeOfAGroup(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		g, err := w.Groups.Create(ctx, w.Admin, group.CreateArgs{Name: "On call", Description: "of the week"})
		if err != nil || g.Version != 1 || g.Source != group.Local {
			t.Fatalf("Create: %+v, %v", g, err)
		}
		e := w.One(event.GROUP_CREATED, event.Success, "", event.TenantAdmin)
		if e.Metadata["group_id"] != string(g.ID) || e.Metadata["group_name"] != "On call" || e.Metadata["group_source"] != "local" {
			t.Errorf("metadata %v", e.Metadata)
		}
		if _, err := w.Groups.Create(ctx, w.Admin, group.CreateArgs{Name: "ON CALL"}); fault.CodeOf(err) != group.NameTaken {
			t.Errorf("a name that differs by its case: %v", err)
		}
		for _, bad := range []group.CreateArgs{{}, {Name: "x", Source: "scim"}, {Name: "x", Source: "sso"}, {Name: "x", Claim: "y"}, {Name: " x"}} {
			if _, err := w.Groups.Create(ctx, w.Admin, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("Create %+v: %v", bad, err)
			}
		}
		w.None()

		n, err := w.Groups.AddMembers(ctx, w.Admin, g.ID, []id.User{w.Operator.User, w.Auditor.User, w.Operator.User})
		if err != nil || n != 2 {
			t.Fatalf("AddMembers: %d, %v", n, err)
		}
		if got := told(w.Events()); !slices.Equal(got, []event.Constant{event.GROUP_MEMBER_ADDED, event.GROUP_MEMBER_ADDED}) {
			t.Errorf("events %v", got)
		}
		if n, err := w.Groups.AddMembers(ctx, w.Admin, g.ID, []id.User{w.Operator.User}); err != nil || n != 0 {
			t.Errorf("a member once more: %d, %v", n, err)
		}
		w.None()
		if l, err := w.Groups.Members(ctx, w.Operator, g.ID, "", page.Request{}); err != nil || len(l.Items) != 2 || l.Items[0].Handle != "aude" {
			t.Errorf("Members: %+v, %v", l, err)
		}
		for part, want := range map[string]int{"AUDE": 1, "nobody": 0, "%": 0, "_": 0} {
			if l, err := w.Groups.Members(ctx, w.Operator, g.ID, part, page.Request{}); err != nil || len(l.Items) != want {
				t.Errorf("Members like %q: %+v, %v", part, l, err)
			}
		}
		if l, err := w.Groups.List(ctx, w.Operator, group.Filter{Part: "CALL", User: w.Operator.User}, page.Request{}); err != nil || len(l.Items) != 1 || l.Items[0].Members != 2 {
			t.Errorf("List: %+v, %v", l, err)
		}
		if l, err := w.Groups.List(ctx, w.Operator, group.Filter{Part: "%"}, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("a percent sign finds: %+v, %v", l, err)
		}
		w.DB.ReadOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
			if of, err := group.Of(ctx, tx, w.Org, w.Operator.User); err != nil || !slices.Equal(of, []id.Group{g.ID}) {
				t.Errorf("Of: %v, %v", of, err)
			}
			return nil
		})

		name := "Emergency"
		next, err := w.Groups.Update(ctx, w.Admin, g.ID, group.UpdateArgs{Name: &name, Version: 1})
		if err != nil || next.Version != 2 {
			t.Fatalf("Update: %+v, %v", next, err)
		}
		w.One(event.GROUP_UPDATED, event.Success, "", event.TenantAdmin)
		if _, err := w.Groups.Update(ctx, w.Admin, g.ID, group.UpdateArgs{Name: &name}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Groups.Update(ctx, w.Admin, g.ID, group.UpdateArgs{Name: &name, Version: 1}); fault.CodeOf(err) != group.VersionConflict {
			t.Errorf("a stale version: %v", err)
		}
		w.None()
		if err := w.Groups.RemoveMember(ctx, w.Admin, g.ID, w.Operator.User); err != nil {
			t.Fatal(err)
		}
		if e := w.One(event.GROUP_MEMBER_REMOVED, event.Success, "", event.TenantAdmin); e.Metadata["cause"] != "removed" {
			t.Errorf("metadata %v", e.Metadata)
		}
		if err := w.Groups.RemoveMember(ctx, w.Admin, g.ID, w.Operator.User); !fault.Is(err, fault.NotFound) {
			t.Errorf("who is no member: %v", err)
		}
		if err := w.Groups.Delete(ctx, w.Admin, g.ID, 1); fault.CodeOf(err) != group.VersionConflict {
			t.Errorf("a stale version: %v", err)
		}
		if err := w.Groups.Delete(ctx, w.Admin, g.ID, 2); err != nil {
			t.Fatal(err)
		}
		if e := w.One(event.GROUP_DELETED, event.Success, "", event.TenantAdmin); fmt.Sprint(e.Metadata["member_count"]) != "1" {
			t.Errorf("metadata %v", e.Metadata)
		}
	})
}

func TestRefusalsOfGroupsLeaveEvents(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		g := w.Group("ops", w.Operator)
		theirs, err := w.Groups.Create(ctx, w.Stranger, group.CreateArgs{Name: "ops"})
		if err != nil {
			t.Fatal(err)
		}
		s := w.Safe("prod", nil)
		w.Events()
		name := "x"
		for what, f := range map[string]func(a authz.Actor) error{
			"group_create": func(a authz.Actor) error { _, err := w.Groups.Create(ctx, a, group.CreateArgs{Name: "x"}); return err },
			"group_update": func(a authz.Actor) error {
				_, err := w.Groups.Update(ctx, a, g.ID, group.UpdateArgs{Name: &name})
				return err
			},
			"group_delete":  func(a authz.Actor) error { return w.Groups.Delete(ctx, a, g.ID, 0) },
			"member_add":    func(a authz.Actor) error { _, err := w.Groups.AddMembers(ctx, a, g.ID, []id.User{a.User}); return err },
			"member_remove": func(a authz.Actor) error { return w.Groups.RemoveMember(ctx, a, g.ID, w.Operator.User) },
			"assignment_create": func(a authz.Actor) error {
				_, err := w.Safes.AssignGroup(ctx, a, s.ID, g.ID, safe.User, time.Time{})
				return err
			},
		} {
			for _, a := range []authz.Actor{w.Operator, w.Auditor} {
				if err := f(a); !fault.Is(err, fault.Denied) {
					t.Errorf("%s by %s: %v", what, a.Role, err)
				}
				if e := w.One(event.GROUP_MUTATION_DENIED, event.Denied, "not_permitted", event.User); e.Metadata["denied_operation"] != what {
					t.Errorf("metadata %v", e.Metadata)
				}
			}
		}
		if _, err := w.Groups.AddMembers(ctx, w.Admin, g.ID, []id.User{w.Auditor.User, w.Stranger.User}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a stranger in a group: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "cross_org_reference", event.TenantAdmin)
		if _, err := w.Safes.AssignGroup(ctx, w.Admin, s.ID, theirs.ID, safe.User, time.Time{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("another organization's group: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "cross_org_reference", event.TenantAdmin)
		if _, err := w.Groups.Get(ctx, w.Admin, theirs.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization's group: %v", err)
		}

		// A token that may edit groups, and not the members of safes, edits groups that bring nothing.
		token := w.Admin
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"groups:read", "groups:write"}
		if _, err := w.Groups.AddMembers(ctx, token, g.ID, []id.User{w.Auditor.User}); err != nil {
			t.Fatal(err)
		}
		w.Bind(s.ID, g.ID, safe.User)
		w.Events()
		for what, err := range map[string]error{
			"add":    func() error { _, err := w.Groups.AddMembers(ctx, token, g.ID, []id.User{w.Owner.User}); return err }(),
			"remove": w.Groups.RemoveMember(ctx, token, g.ID, w.Auditor.User),
			"delete": w.Groups.Delete(ctx, token, g.ID, 0),
		} {
			if fault.CodeOf(err) != safe.RoleAboveActor {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, e := range w.Events() {
			if e.Constant != event.GROUP_MUTATION_DENIED || e.Reason != "role_above_actor" || e.Actor.Type != event.ServiceAccount {
				t.Errorf("%+v", e)
			}
		}
		token.Scopes = append(token.Scopes, "safes:write")
		if err := w.Groups.RemoveMember(ctx, token, g.ID, w.Auditor.User); err != nil {
			t.Error(err)
		}
	})
}

// What a group brings, step by step: each change of an effective role is one event.
func TestGroupsBringAccess(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		g, strong := w.Group("ops", w.Operator), w.Group("leads", w.Operator)
		w.Events()
		expect := func(step string, want ...event.Constant) []event.Envelope {
			t.Helper()
			all := w.Events()
			if !slices.Equal(told(all), want) {
				t.Fatalf("%s: events %v, want %v", step, told(all), want)
			}
			return all
		}
		role := func() safe.Role {
			t.Helper()
			var r safe.Role
			if err := w.DB.ReadOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
				a, err := w.Safes.Access(ctx, tx, w.Org, w.Operator.User, s.ID)
				r = a.Role
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return r
		}
		w.Bind(s.ID, g.ID, safe.User)
		all := expect("bind", event.SAFE_GROUP_ASSIGNMENT_CREATED, event.SAFE_DERIVED_ACCESS_GRANTED)
		if m := all[1].Metadata; m["caused_by"] != string(all[0].ID) || m["group_id"] != string(g.ID) || m["role"] != "user" || m["subject_user_id"] != string(w.Operator.User) || all[1].RequestID != all[0].RequestID {
			t.Errorf("granted: %+v after %+v", all[1], all[0])
		}
		w.Bind(s.ID, strong.ID, safe.Manager)
		all = expect("bind a stronger", event.SAFE_GROUP_ASSIGNMENT_CREATED, event.SAFE_DERIVED_ACCESS_ROLE_CHANGED)
		if m := all[1].Metadata; m["old_role"] != "user" || m["new_role"] != "manager" || m["privilege_raised"] != true || m["group_id"] != string(strong.ID) {
			t.Errorf("raised: %v", m)
		}
		w.Member(s.ID, w.Operator, safe.Checkout)
		expect("a direct member", event.SAFE_MEMBER_ADDED)
		if r := role(); r != safe.Manager {
			t.Errorf("role %s", r)
		}
		if err := w.Groups.RemoveMember(ctx, w.Admin, strong.ID, w.Operator.User); err != nil {
			t.Fatal(err)
		}
		all = expect("leave the stronger", event.GROUP_MEMBER_REMOVED, event.SAFE_DERIVED_ACCESS_ROLE_CHANGED)
		if m := all[1].Metadata; m["new_role"] != "checkout" || m["privilege_raised"] != false || m["caused_by"] != string(all[0].ID) {
			t.Errorf("lowered: %v", m)
		}
		if err := w.Safes.RemoveMember(ctx, w.Admin, s.ID, w.Operator.User); err != nil {
			t.Fatal(err)
		}
		if all = expect("no direct member", event.SAFE_MEMBER_REMOVED); all[0].Metadata["access_remains_by_group"] != true {
			t.Errorf("metadata %v", all[0].Metadata)
		}
		if r := role(); r != safe.User {
			t.Errorf("role %s", r)
		}
		w.Live.In = map[id.User]int{w.Operator.User: 2}
		if err := w.Groups.Delete(ctx, w.Admin, g.ID, 0); err != nil {
			t.Fatal(err)
		}
		all = expect("delete the group", event.GROUP_DELETED, event.SAFE_GROUP_ASSIGNMENT_REMOVED, event.SAFE_DERIVED_ACCESS_REVOKED)
		if m := all[2].Metadata; m["caused_by"] != string(all[1].ID) || fmt.Sprint(m["sessions_ended"]) != "2" {
			t.Errorf("revoked: %v", m)
		}
		if all[1].Metadata["cause"] != "group_deleted" || fmt.Sprint(all[0].Metadata["assignment_count"]) != "1" {
			t.Errorf("deleted: %v, %v", all[0].Metadata, all[1].Metadata)
		}
	})
}

func TestTheClockEndsAccess(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		g := w.Group("ops", w.Operator)
		end := w.Now.Add(time.Hour)
		if _, err := w.Safes.AssignGroup(ctx, w.Admin, s.ID, g.ID, safe.Checkout, end); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Safes.AddMemberUntil(ctx, w.Admin, s.ID, w.Auditor.User, safe.User, end); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Safes.AddMemberUntil(ctx, w.Admin, s.ID, w.Owner.User, safe.User, w.Now); !fault.Is(err, fault.Invalid) {
			t.Errorf("an end that is over: %v", err)
		}
		if err := w.Safes.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		w.Events()
		w.Now = end
		// Before the clock comes by, the decision is right already.
		if e, err := w.Safes.Get(ctx, w.Operator, s.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("access that is over: %+v, %v", e.Role, err)
		}
		if err := w.Safes.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		all := w.Events()
		if got := told(all); !slices.Equal(got, []event.Constant{event.SAFE_MEMBER_REMOVED, event.SAFE_GROUP_ASSIGNMENT_REMOVED, event.SAFE_DERIVED_ACCESS_REVOKED}) {
			t.Fatalf("events %v", got)
		}
		for _, e := range all {
			if e.Actor.Type != event.System || e.Metadata["cause"] != nil && e.Metadata["cause"] != "expired" {
				t.Errorf("%+v", e)
			}
		}
		if err := w.Safes.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		w.None()
	})
}

func TestLastManagersStay(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		g := w.Group("ops", w.Operator)
		w.Bind(s.ID, g.ID, safe.Manager)
		w.Events()
		if err := w.Safes.UnassignGroup(ctx, w.Operator, s.ID, g.ID, 0); fault.CodeOf(err) != safe.LastManager {
			t.Errorf("the last manager leaves: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "last_safe_owner", event.OrgAdmin)
		weaker := safe.User
		if _, err := w.Safes.ChangeAssignment(ctx, w.Operator, s.ID, g.ID, safe.AssignmentArgs{Role: &weaker}); fault.CodeOf(err) != safe.LastManager {
			t.Errorf("the last manager weakens: %v", err)
		}
		w.One(event.GROUP_MUTATION_DENIED, event.Denied, "last_safe_owner", event.OrgAdmin)
		if _, err := w.Safes.AssignGroup(ctx, w.Operator, s.ID, g.ID, safe.User, time.Time{}); fault.CodeOf(err) != safe.AlreadyAssigned {
			t.Errorf("bound twice: %v", err)
		}
		if _, err := w.Safes.ChangeAssignment(ctx, w.Operator, s.ID, g.ID, safe.AssignmentArgs{Role: &weaker, Version: 7}); fault.CodeOf(err) != safe.VersionConflict {
			t.Errorf("a stale version: %v", err)
		}
		w.None()
	})
}

// Whatever happens in whatever order, what is stored is what a naive look at the
// rows gives, and each change of an effective role that came through groups was
// told exactly once.
func TestStoredAccessIsWhatTheRowsSay(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		const people, groups, safes = 6, 4, 3
		steps := 250
		if testing.Short() {
			steps = 60
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		h := &history{t: t, w: w, ctx: ctx, r: r}
		for i := range people {
			h.people = append(h.people, w.Person(w.Org, fmt.Sprintf("p%d", i), authz.Operator))
		}
		for i := range groups {
			h.groups = append(h.groups, w.Group(fmt.Sprintf("g%d", i)).ID)
		}
		for i := range safes {
			h.safes = append(h.safes, w.Safe(fmt.Sprintf("s%d", i), nil).ID)
		}
		w.Events()
		before := h.naive()
		for range steps {
			direct := h.step()
			after := h.naive()
			h.same(after)
			h.toldOnce(before, after, direct)
			if t.Failed() {
				t.Fatalf("after %s", h.did)
			}
			before = after
		}
	})
}

type history struct {
	t      *testing.T
	w      *safetest.World
	ctx    context.Context
	r      *rand.Rand
	people []authz.Actor
	groups []id.Group
	safes  []id.Safe
	made   int
	did    string
}

type spot struct {
	safe id.Safe
	user id.User
}

func pick[T any](h *history, of []T) T { return of[h.r.IntN(len(of))] }

// step does something. What comes of a change of direct memberships alone is true.
func (h *history) step() (direct bool) {
	w, ctx := h.w, h.ctx
	s, g, p := pick(h, h.safes), pick(h, h.groups), pick(h, h.people)
	role := pick(h, authz.SafeRoles())
	var ends time.Time
	if h.r.IntN(3) == 0 {
		ends = w.Now.Add(time.Duration(1+h.r.IntN(5)) * time.Minute)
	}
	var err error
	switch n := h.r.IntN(20); {
	case n < 4:
		h.did = "add to group"
		var some []id.User
		for range 1 + h.r.IntN(4) {
			some = append(some, pick(h, h.people).User)
		}
		_, err = w.Groups.AddMembers(ctx, w.Admin, g, some)
	case n < 6:
		h.did = "remove from group"
		err = w.Groups.RemoveMember(ctx, w.Admin, g, p.User)
	case n < 9:
		h.did = "bind"
		_, err = w.Safes.AssignGroup(ctx, w.Admin, s, g, role, ends)
	case n < 11:
		h.did = "change binding"
		_, err = w.Safes.ChangeAssignment(ctx, w.Admin, s, g, safe.AssignmentArgs{Role: &role, EndsAt: &ends})
	case n < 12:
		h.did = "unbind"
		err = w.Safes.UnassignGroup(ctx, w.Admin, s, g, 0)
	case n < 14:
		h.did, direct = "add direct", true
		_, err = w.Safes.AddMemberUntil(ctx, w.Admin, s, p.User, role, ends)
	case n < 15:
		h.did, direct = "direct role", true
		_, err = w.Safes.SetMemberRole(ctx, w.Admin, s, p.User, role)
	case n < 16:
		h.did, direct = "remove direct", true
		err = w.Safes.RemoveMember(ctx, w.Admin, s, p.User)
	case n < 17:
		h.did = "the clock"
		w.Now = w.Now.Add(time.Minute)
		err = w.Safes.Sweep(ctx)
	case n < 18:
		h.did = "a directory says"
		var some []id.User
		for range h.r.IntN(4) {
			some = append(some, pick(h, h.people).User)
		}
		err = w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
			return w.Groups.Placed(ctx, tx, w.Admin, p.User, nil)
		})
	case n < 19:
		h.did = "somebody leaves"
		err = w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
			act := event.By(w.Admin, event.TenantAdmin)
			if err := w.Safes.UserLeft(ctx, tx, act, w.Org, p.User); err != nil {
				return err
			}
			return w.Groups.UserLeft(ctx, tx, act, w.Org, p.User)
		})
	default:
		h.made++
		if h.r.IntN(2) == 0 {
			h.did = "delete group"
			i := h.r.IntN(len(h.groups))
			if err = w.Groups.Delete(ctx, w.Admin, h.groups[i], 0); err == nil {
				h.groups[i] = id.New[id.Group]()
				err = w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
					return w.Groups.Push(ctx, tx, w.Admin, group.Pushed{ID: h.groups[i], Name: fmt.Sprintf("pushed %d", h.made), Members: []id.User{p.User, w.Stranger.User}})
				})
			}
			if h.r.IntN(2) == 0 && err == nil { // the directory has it no more, and a local one takes its place
				err = w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error { return w.Groups.Dropped(ctx, tx, w.Admin, h.groups[i]) })
				h.groups[i] = w.Group(fmt.Sprintf("made %d", h.made)).ID
			}
		} else {
			h.did = "delete safe"
			i := h.r.IntN(len(h.safes))
			if err = w.Safes.Delete(ctx, w.Admin, h.safes[i], 0); err == nil {
				h.safes[i] = w.Safe(fmt.Sprintf("made-%d", h.made), nil).ID
			}
		}
	}
	if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) && fault.CodeOf(err) != group.Managed {
		h.t.Fatalf("%s: %v", h.did, err)
	}
	return direct
}

// naive is who reaches what, by the rows that say so and nothing else.
func (h *history) naive() map[spot]safe.Role {
	out := map[spot]safe.Role{}
	stronger := func(s, u string, role safe.Role) {
		at := spot{id.Safe(s), id.User(u)}
		if role.Rank() > out[at].Rank() {
			out[at] = role
		}
	}
	for _, q := range []string{
		`select safe_id, user_id, role from safe_member where org_id = $1`,
		`select b.safe_id, m.user_id, b.role from safe_group b join org_group_member m on m.org_id = b.org_id and m.group_id = b.group_id where b.org_id = $1`,
	} {
		h.rows(q, stronger)
	}
	return out
}

func (h *history) rows(q string, f func(s, u string, role safe.Role)) {
	h.t.Helper()
	rows, err := h.w.DB.Raw().Query(q, string(h.w.Org))
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s, u, role string
		if err := rows.Scan(&s, &u, &role); err != nil {
			h.t.Fatal(err)
		}
		f(s, u, safe.Role(role))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) same(want map[spot]safe.Role) {
	h.t.Helper()
	n := 0
	h.rows(`select safe_id, user_id, role from safe_access where org_id = $1`, func(s, u string, role safe.Role) {
		n++
		if want[spot{id.Safe(s), id.User(u)}] != role {
			h.t.Errorf("%s on %s: stored %q, naive %q", u, s, role, want[spot{id.Safe(s), id.User(u)}])
		}
	})
	if n != len(want) {
		h.t.Errorf("%d rows stored, %d naive", n, len(want))
	}
}

// toldOnce checks the events of one step against what it changed.
func (h *history) toldOnce(before, after map[spot]safe.Role, direct bool) {
	h.t.Helper()
	all := h.w.Events()
	ids := map[string]bool{}
	told := map[spot]event.Envelope{}
	byHand := map[spot]bool{} // a direct membership that ended in the same act
	for _, e := range all {
		ids[string(e.ID)] = true
		user, _ := e.Metadata["subject_user_id"].(string)
		at := spot{id.Safe(e.Target.ID), id.User(user)}
		switch e.Constant {
		case event.SAFE_MEMBER_REMOVED:
			byHand[at] = e.Metadata["access_remains_by_group"] == false
		case event.SAFE_DERIVED_ACCESS_GRANTED, event.SAFE_DERIVED_ACCESS_REVOKED, event.SAFE_DERIVED_ACCESS_ROLE_CHANGED:
			if was, twice := told[at]; twice && was.RequestID == e.RequestID { // the clock ends one thing after the other, each an act of its own
				h.t.Errorf("told twice: %+v", e)
			}
			told[at] = e
			if cause, _ := e.Metadata["caused_by"].(string); !ids[cause] {
				h.t.Errorf("caused by %q, which was not told before: %+v", cause, e)
			}
		}
	}
	for at := range byHand {
		if !byHand[at] {
			continue
		}
		if _, twice := told[at]; twice {
			h.t.Errorf("%v lost a direct place and is told of groups: %+v", at, told[at])
		}
	}
	if direct {
		if len(told) > 0 {
			h.t.Errorf("a direct change is told as one through groups: %+v", told)
		}
		return
	}
	places := map[spot]bool{}
	for at := range before {
		places[at] = true
	}
	for at := range after {
		places[at] = true
	}
	for at := range places {
		e, is := told[at]
		_, direct := byHand[at]
		switch from, to := before[at], after[at]; {
		case from == to:
			if is {
				h.t.Errorf("%v stayed %q and is told: %+v", at, from, e)
			}
		case direct: // the direct place went in the same act; what is told of groups is the rest
			if is && (e.Constant == event.SAFE_DERIVED_ACCESS_REVOKED) != (to == safe.NoRole) {
				h.t.Errorf("%v from %q to %q: %+v", at, from, to, e)
			}
			if !is && !byHand[at] && to == safe.NoRole {
				h.t.Errorf("%v lost %q untold", at, from)
			}
		case !is:
			h.t.Errorf("%v went from %q to %q untold", at, from, to)
		case from == safe.NoRole && e.Constant != event.SAFE_DERIVED_ACCESS_GRANTED, to == safe.NoRole && e.Constant != event.SAFE_DERIVED_ACCESS_REVOKED,
			from != safe.NoRole && to != safe.NoRole && e.Constant != event.SAFE_DERIVED_ACCESS_ROLE_CHANGED:
			h.t.Errorf("%v from %q to %q: %+v", at, from, to, e)
		}
		delete(told, at)
	}
	if len(told) > 0 {
		h.t.Errorf("told of nothing: %+v", told)
	}
}

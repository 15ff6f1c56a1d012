package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// ProposedMember gives somebody another role on a safe as a direct member; an empty
// role takes it. What groups bring them stays.
type ProposedMember struct {
	Safe id.Safe
	User id.User
	Role authz.SafeRole
}

// ProposedGroupMember puts somebody into a group, or takes them out.
type ProposedGroupMember struct {
	Group id.Group
	User  id.User
	In    bool
}

// ProposedBinding gives the members of a group a role on a safe; an empty role takes it.
type ProposedBinding struct {
	Safe  id.Safe
	Group id.Group
	Role  authz.SafeRole
}

// memberships are the changes of a proposal to who is what.
type memberships struct {
	Members      []ProposedMember
	GroupMembers []ProposedGroupMember
	Bindings     []ProposedBinding
	Deleted      []id.Group // groups, with all that they bring
}

func (m *memberships) empty() bool {
	return len(m.Members)+len(m.GroupMembers)+len(m.Bindings)+len(m.Deleted) == 0
}

func (m *memberships) check(f *fault.Error) {
	for name, n := range map[string]int{"members": len(m.Members), "group_members": len(m.GroupMembers), "group_roles": len(m.Bindings), "deleted_groups": len(m.Deleted)} {
		if n > maxProposed {
			f.WithField(name, "must be at most %d", maxProposed)
		}
	}
	role := func(name string, i int, r authz.SafeRole) {
		if r != authz.NoSafeRole && !slices.Contains(authz.SafeRoles(), r) {
			f.WithField(fmt.Sprintf("%s[%d].role", name, i), "must be user, checkout, approver or manager, or empty to take the role away")
		}
	}
	for i, x := range m.Members {
		role("members", i, x.Role)
	}
	for i, x := range m.Bindings {
		role("group_roles", i, x.Role)
	}
}

// known refuses what is about somebody or something that the organization does not have.
func (m *memberships) known(ctx context.Context, tx *db.Tx) error {
	q, org := policysql.New(tx), string(tx.Org())
	f := fault.New(fault.NotFound, "the proposal names what this organization does not have: see the fields that are named")
	there := func(n int64, err error, field, what string, i int) error {
		if err != nil && !db.NotFound(err) {
			return fmt.Errorf("look for what a proposal names: %w", err)
		}
		if n == 0 || err != nil {
			f.WithField(fmt.Sprintf(field, i), "is no %s of this organization", what)
		}
		return nil
	}
	var err error
	user := func(u id.User, field string, i int) {
		if err == nil {
			n, e := q.MemberExists(ctx, policysql.MemberExistsParams{OrgID: org, UserID: string(u)})
			err = there(n, e, field, "member", i)
		}
	}
	team := func(g id.Group, field string, i int) {
		if err == nil {
			n, e := q.GroupExists(ctx, policysql.GroupExistsParams{OrgID: org, ID: string(g)})
			err = there(n, e, field, "group", i)
		}
	}
	vault := func(s id.Safe, field string, i int) {
		if err == nil {
			_, e := q.SafeName(ctx, policysql.SafeNameParams{OrgID: org, ID: string(s)})
			err = there(1, e, field, "safe", i)
		}
	}
	for i, x := range m.Members {
		vault(x.Safe, "members[%d].safe_id", i)
		user(x.User, "members[%d].user_id", i)
	}
	for i, x := range m.GroupMembers {
		team(x.Group, "group_members[%d].group_id", i)
		user(x.User, "group_members[%d].user_id", i)
	}
	for i, x := range m.Bindings {
		vault(x.Safe, "group_roles[%d].safe_id", i)
		team(x.Group, "group_roles[%d].group_id", i)
	}
	for i, g := range m.Deleted {
		team(g, "deleted_groups[%d]", i)
	}
	if err == nil && len(f.Fields) > 0 {
		return f
	}
	return err
}

// touches tells whether a launch is one that the changes could be about.
func (m *memberships) touches(ctx context.Context, tx *db.Tx, t *today, q *Question) (bool, error) {
	if slices.ContainsFunc(m.Members, func(x ProposedMember) bool { return x.User == q.Who.ID && x.Safe == q.Safe.ID }) ||
		slices.ContainsFunc(m.GroupMembers, func(x ProposedGroupMember) bool { return x.User == q.Who.ID }) ||
		slices.ContainsFunc(m.Bindings, func(x ProposedBinding) bool { return x.Safe == q.Safe.ID }) {
		return true, nil
	}
	if len(m.Deleted) == 0 {
		return false, nil
	}
	now, err := t.groupsOf(ctx, tx, q.Who.ID)
	return slices.ContainsFunc(m.Deleted, func(g id.Group) bool { return slices.Contains(q.Who.Groups, g) || slices.Contains(now, g) }), err
}

// today reads, once each, what people and groups are to safes.
type today struct {
	safes  Safes
	ways   map[pair][]safe.Way
	bound  map[binding]authz.SafeRole
	groups map[id.User][]id.Group
}

type pair struct {
	user id.User
	safe id.Safe
}

type binding struct {
	safe  id.Safe
	group id.Group
}

func newToday(safes Safes) *today {
	return &today{safes, map[pair][]safe.Way{}, map[binding]authz.SafeRole{}, map[id.User][]id.Group{}}
}

// once gives what is kept under a key, or reads it.
func once[K comparable, V any](kept map[K]V, key K, read func() (V, error)) (V, error) {
	if v, ok := kept[key]; ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		kept[key] = v
	}
	return v, err
}

func (t *today) waysTo(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe) ([]safe.Way, error) {
	return once(t.ways, pair{user, sid}, func() ([]safe.Way, error) { return t.safes.WaysTo(ctx, tx, user, sid) })
}

func (t *today) boundRole(ctx context.Context, tx *db.Tx, sid id.Safe, g id.Group) (authz.SafeRole, error) {
	return once(t.bound, binding{sid, g}, func() (authz.SafeRole, error) { return t.safes.BoundRole(ctx, tx, sid, g) })
}

func (t *today) groupsOf(ctx context.Context, tx *db.Tx, user id.User) ([]id.Group, error) {
	return once(t.groups, user, func() ([]id.Group, error) { return group.Of(ctx, tx, tx.Org(), user) })
}

// change makes of a launch what it would be: its groups of then with those that the
// person would join and without those that they would leave; and where the changes are
// about what gives them a role on the safe, the role that all would add up to, with
// the members and groups of today.
func (m *memberships) change(ctx context.Context, tx *db.Tx, t *today, q Question) (Question, error) {
	now, err := t.groupsOf(ctx, tx, q.Who.ID)
	if err != nil {
		return q, err
	}
	q.Who.Groups, now = m.groups(q.Who, q.Who.Groups), m.groups(q.Who, now)
	before, err := t.waysTo(ctx, tx, q.Who.ID, q.Safe.ID)
	if err != nil {
		return q, err
	}
	after := slices.Clone(before)
	set := func(g id.Group, role authz.SafeRole) {
		after = slices.DeleteFunc(after, func(w safe.Way) bool { return w.Group == g })
		if role != authz.NoSafeRole {
			after = append(after, safe.Way{Group: g, Role: role})
		}
	}
	for _, x := range m.Members {
		if x.Safe == q.Safe.ID && x.User == q.Who.ID {
			set("", x.Role)
		}
	}
	for _, x := range m.GroupMembers {
		if x.User != q.Who.ID {
			continue
		}
		role := authz.NoSafeRole
		if x.In {
			if role, err = t.boundRole(ctx, tx, q.Safe.ID, x.Group); err != nil {
				return q, err
			}
		}
		set(x.Group, role)
	}
	for _, x := range m.Bindings {
		if x.Safe == q.Safe.ID && slices.Contains(now, x.Group) {
			set(x.Group, x.Role)
		}
	}
	for _, g := range m.Deleted {
		set(g, authz.NoSafeRole)
	}
	if was, will := strongest(before), strongest(after); was != will {
		q.Safe.Role = will
	}
	return q, nil
}

// groups are the groups that somebody would be in.
func (m *memberships) groups(who Person, now []id.Group) []id.Group {
	out := slices.Clone(now)
	for _, x := range m.GroupMembers {
		if x.User == who.ID {
			out = slices.DeleteFunc(out, func(g id.Group) bool { return g == x.Group })
			if x.In {
				out = append(out, x.Group)
			}
		}
	}
	return slices.DeleteFunc(out, func(g id.Group) bool { return slices.Contains(m.Deleted, g) })
}

// strongest is the role that ways add up to.
func strongest(ways []safe.Way) authz.SafeRole {
	out := authz.NoSafeRole
	for _, w := range ways {
		if w.Role.Rank() > out.Rank() {
			out = w.Role
		}
	}
	return out
}

package group

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group/groupsql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Member is a person in a group.
type Member struct {
	User    id.User
	Name    string
	Handle  string
	Email   string
	AddedBy id.User // empty: the directory or the provider
	AddedAt time.Time
}

// GroupMember is a person in a group, with the group.
type GroupMember struct {
	Group     id.Group
	GroupName string
	Member
}

// MaxAtOnce bounds how many people one request adds or removes.
const MaxAtOnce = 1000

// Members lists the members of a group, in the order of their handles; with a part,
// only those who have it in name, handle or address.
func (s *Service) Members(ctx context.Context, actor authz.Actor, gid id.Group, part string, p page.Request) (page.List[Member], error) {
	if _, err := s.Get(ctx, actor, gid); err != nil {
		return page.List[Member]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Member]{}, err
	}
	var rows []groupsql.ListMembersRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = groupsql.New(tx).ListMembers(ctx, groupsql.ListMembersParams{OrgID: string(actor.Org), GroupID: string(gid), After: after, Read: read,
			Low: pattern(strings.ToLower(part)), Typed: pattern(part)})
		return err
	})
	if err != nil {
		return page.List[Member]{}, fmt.Errorf("list the members of a group: %w", err)
	}
	out := make([]Member, len(rows))
	for i, r := range rows {
		out[i] = Member{User: id.User(r.UserID), Name: r.Name, Handle: r.Handle, Email: r.Email, AddedBy: id.User(r.AddedBy), AddedAt: db.Time(r.AddedAt)}
	}
	return page.Cut(out, read, func(m Member) string { return m.Handle }), nil
}

// EveryMember gives the members of all groups, or of those of one source, in the order
// of the ids of groups and people: what who compares or reviews the whole organization
// reads, instead of one list for each group.
func (s *Service) EveryMember(ctx context.Context, actor authz.Actor, source Source, p page.Request) (page.List[GroupMember], error) {
	if err := s.may(actor, authz.GroupList); err != nil {
		return page.List[GroupMember]{}, err
	}
	read, of, after, err := p.ResolvePair()
	if err != nil {
		return page.List[GroupMember]{}, err
	}
	var out []GroupMember
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := groupsql.New(tx).EveryMember(ctx, groupsql.EveryMemberParams{OrgID: string(actor.Org), GroupID: of, UserID: after, Source: string(source), Read: read})
		out = make([]GroupMember, len(rows))
		for i, r := range rows {
			out[i] = GroupMember{Group: id.Group(r.GroupID), GroupName: r.GroupName,
				Member: Member{User: id.User(r.UserID), Name: r.Name, Handle: r.Handle, Email: r.Email, AddedBy: id.User(r.AddedBy), AddedAt: db.Time(r.AddedAt)}}
		}
		return err
	})
	if err != nil {
		return page.List[GroupMember]{}, fmt.Errorf("list the members of all groups: %w", err)
	}
	return page.Cut(out, read, func(m GroupMember) string { return page.Pair(string(m.Group), string(m.User)) }), nil
}

// pattern is what a text with this part in it is like; "!" escapes.
func pattern(part string) string {
	if part == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(part) + "%"
}

// AddMembers puts members of the organization into a local group, and tells how many
// were not in it yet. Either all of them can be, or nobody is added.
func (s *Service) AddMembers(ctx context.Context, actor authz.Actor, gid id.Group, users []id.User) (added int, err error) {
	err = s.edit(ctx, attempt{actor: actor, action: authz.GroupMember, what: event.GroupOperationMemberAdd, group: gid}, users,
		func(ctx context.Context, tx *db.Tx, g Group, at event.TenantRef, have map[id.User]bool) error {
			known, err := s.people(ctx, tx, g.Org, users)
			if err != nil {
				return err
			}
			var coming []id.User
			for _, u := range users {
				if !known[u] {
					return forbid(event.GroupMutationDeniedCrossOrgReference,
						fault.New(fault.Invalid, "no member of this organization has the id %.64q", u).WithField("user_ids", "must be members of this organization"))
				}
				if !have[u] {
					have[u] = true
					coming = append(coming, u)
				}
			}
			added = len(coming)
			return s.move(ctx, tx, event.By(actor, event.TenantAdmin), at, g, actor.User, coming, nil, event.GroupRemovalCauseRemoved)
		})
	if err != nil {
		return 0, fmt.Errorf("add members to a group: %w", err)
	}
	return added, nil
}

// RemoveMember takes a person out of a local group.
func (s *Service) RemoveMember(ctx context.Context, actor authz.Actor, gid id.Group, user id.User) error {
	err := s.edit(ctx, attempt{actor: actor, action: authz.GroupMember, what: event.GroupOperationMemberRemove, group: gid, user: user}, []id.User{user},
		func(ctx context.Context, tx *db.Tx, g Group, at event.TenantRef, have map[id.User]bool) error {
			if !have[user] {
				return fault.New(fault.NotFound, "no member of group %q has the id %.64q", g.Name, user)
			}
			return s.move(ctx, tx, event.By(actor, event.TenantAdmin), at, g, actor.User, nil, []id.User{user}, event.GroupRemovalCauseRemoved)
		})
	if err != nil {
		return fmt.Errorf("remove a member of a group: %w", err)
	}
	return nil
}

// edit runs fn for a change of the members of a local group.
func (s *Service) edit(ctx context.Context, a attempt, users []id.User, fn func(ctx context.Context, tx *db.Tx, g Group, at event.TenantRef, have map[id.User]bool) error) error {
	if n := len(users); n == 0 || n > MaxAtOnce {
		return fault.New(fault.Invalid, "from 1 to %d people change in one request, not %d", MaxAtOnce, n).WithField("user_ids", "must be from 1 to %d", MaxAtOnce)
	}
	if len(users) == 1 {
		a.user = users[0]
	}
	return s.do(ctx, a, func(ctx context.Context, tx *db.Tx, at event.TenantRef) error {
		g, err := find(ctx, tx, a.actor.Org, a.group)
		if err != nil {
			return err
		}
		if g.Source != Local {
			return managed(g)
		}
		if err := s.d.Safes.MayBring(ctx, tx, a.actor, g.ID); err != nil {
			return err
		}
		have, err := members(ctx, tx, g)
		if err != nil {
			return err
		}
		return fn(ctx, tx, g, at, have)
	})
}

func members(ctx context.Context, tx *db.Tx, g Group) (map[id.User]bool, error) {
	rows, err := groupsql.New(tx).MembersOf(ctx, groupsql.MembersOfParams{OrgID: string(g.Org), GroupID: string(g.ID)})
	if err != nil {
		return nil, fmt.Errorf("list the members of a group: %w", err)
	}
	out := make(map[id.User]bool, len(rows))
	for _, u := range rows {
		out[id.User(u)] = true
	}
	return out, nil
}

// people tells who of users is a member of the organization.
func (s *Service) people(ctx context.Context, tx *db.Tx, org id.Org, users []id.User) (map[id.User]bool, error) {
	q := groupsql.New(tx)
	out := map[id.User]bool{}
	if len(users) > 50 {
		rows, err := q.People(ctx, string(org))
		if err != nil {
			return nil, fmt.Errorf("list the members of the organization: %w", err)
		}
		for _, u := range rows {
			out[id.User(u)] = true
		}
		return out, nil
	}
	for _, u := range users {
		_, err := q.Person(ctx, groupsql.PersonParams{OrgID: string(org), UserID: string(u)})
		if err != nil && !db.NotFound(err) {
			return nil, fmt.Errorf("read a member: %w", err)
		}
		out[u] = err == nil
	}
	return out, nil
}

var (
	memberKey  = []db.Column{{Name: "org_id", Kind: "text"}, {Name: "group_id", Kind: "text"}, {Name: "user_id", Kind: "text"}}
	memberGone = db.Bulk{Table: "org_group_member", Columns: memberKey}
	memberRows = db.Bulk{Table: "org_group_member", Columns: append(memberKey[:3:3], db.Column{Name: "added_at", Kind: "bigint"}, db.Column{Name: "added_by", Kind: "text"})}
)

// move brings people into a group and out of it, tells of each, and lets the safes
// follow. Who comes is not in it, who goes is.
func (s *Service) move(ctx context.Context, tx *db.Tx, act event.Act, at event.TenantRef, g Group, by id.User, coming, leaving []id.User, cause event.GroupRemovalCause) error {
	if len(coming)+len(leaving) == 0 {
		return nil
	}
	slices.Sort(coming)
	slices.Sort(leaving)
	now := db.Micros(s.d.Now())
	var rows, gone [][]any
	var told []event.Event
	var who []safe.Joined
	for _, u := range leaving {
		gone = append(gone, []any{string(g.Org), string(g.ID), string(u)})
		told = append(told, event.NewGroupMemberRemoved(act, at, g.ID, u, g.Source.event(), cause))
		who = append(who, safe.Joined{Group: g.ID, User: u})
	}
	for _, u := range coming {
		rows = append(rows, []any{string(g.Org), string(g.ID), string(u), now, string(by)})
		told = append(told, event.NewGroupMemberAdded(act, at, g.ID, u, g.Source.event()))
		who = append(who, safe.Joined{Group: g.ID, User: u})
	}
	if err := memberGone.Delete(ctx, tx, gone); err != nil {
		return fmt.Errorf("take members out of a group: %w", err)
	}
	if err := memberRows.Insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("store members of a group: %w", err)
	}
	return s.told(ctx, tx, g.Org, act.Request(), told, who)
}

// told records the events of who came and went, and lets the safes follow.
func (s *Service) told(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, told []event.Event, who []safe.Joined) error {
	ids, err := s.d.Ledger.RecordAll(ctx, tx, told)
	if err != nil {
		return err
	}
	for i := range who {
		who[i].Event = ids[i]
	}
	return s.d.Safes.GroupsChanged(ctx, tx, org, request, who)
}

// empty takes everybody out of a group whose members are somebody else's from now on.
func (s *Service) empty(ctx context.Context, tx *db.Tx, act event.Act, at event.TenantRef, g Group) error {
	have, err := members(ctx, tx, g)
	if err != nil {
		return err
	}
	var all []id.User
	for u := range have {
		all = append(all, u)
	}
	return s.move(ctx, tx, act, at, g, "", nil, all, event.GroupRemovalCauseDirectorySync)
}

// UserLeft takes a person who leaves the organization out of all groups, in the
// transaction in which they leave, after their direct places in safes.
func (s *Service) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	at, err := hold(ctx, tx, org)
	if err != nil {
		return err
	}
	return s.place(ctx, tx, act, at, org, user, event.GroupRemovalCauseUserLeftOrg, func(groupsql.GroupsOfPersonRow) bool { return true }, nil)
}

// place takes a person out of those of their groups that leave says, and into
// others, as one change.
func (s *Service) place(ctx context.Context, tx *db.Tx, act event.Act, at event.TenantRef, org id.Org, user id.User, cause event.GroupRemovalCause,
	leave func(groupsql.GroupsOfPersonRow) bool, enter map[id.Group]Source) error {
	have, err := groupsql.New(tx).GroupsOfPerson(ctx, groupsql.GroupsOfPersonParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return fmt.Errorf("list the groups of %s: %w", user, err)
	}
	var gone, rows [][]any
	var told []event.Event
	var who []safe.Joined
	in := map[id.Group]bool{}
	for _, g := range have {
		gid := id.Group(g.ID)
		if in[gid] = true; !leave(g) {
			continue
		}
		gone = append(gone, []any{string(org), g.ID, string(user)})
		told = append(told, event.NewGroupMemberRemoved(act, at, gid, user, Source(g.Source).event(), cause))
		who = append(who, safe.Joined{Group: gid, User: user})
	}
	var coming []id.Group
	for gid := range enter {
		if !in[gid] {
			coming = append(coming, gid)
		}
	}
	slices.Sort(coming)
	for _, gid := range coming {
		rows = append(rows, []any{string(org), string(gid), string(user), db.Micros(s.d.Now()), ""})
		told = append(told, event.NewGroupMemberAdded(act, at, gid, user, enter[gid].event()))
		who = append(who, safe.Joined{Group: gid, User: user})
	}
	if len(who) == 0 {
		return nil
	}
	if err := memberGone.Delete(ctx, tx, gone); err != nil {
		return fmt.Errorf("take %s out of groups: %w", user, err)
	}
	if err := memberRows.Insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("put %s into groups: %w", user, err)
	}
	return s.told(ctx, tx, org, act.Request(), told, who)
}

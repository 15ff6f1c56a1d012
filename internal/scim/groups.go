package scim

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/scim/scimsql"
)

func groupFromRow(r scimsql.ScimGroup) Group {
	return Group{ID: id.Group(r.ID), Display: r.Display, ExternalID: r.ExternalID, Version: r.Version, CreatedAt: db.Time(r.CreatedAt), ChangedAt: db.Time(r.ChangedAt)}
}

func (s *Service) group(ctx context.Context, q *scimsql.Queries, org id.Org, group id.Group) (Group, error) {
	row, err := q.GetGroup(ctx, scimsql.GetGroupParams{OrgID: string(org), ID: string(group)})
	if db.NotFound(err) {
		return Group{}, fault.New(fault.NotFound, "no such group in this organization's directory")
	}
	if err != nil {
		return Group{}, fmt.Errorf("read a group: %w", err)
	}
	g := groupFromRow(row)
	g.Members, err = s.membersOf(ctx, q, org, group)
	return g, err
}

func (s *Service) membersOf(ctx context.Context, q *scimsql.Queries, org id.Org, group id.Group) ([]Ref, error) {
	rows, err := q.MembersOf(ctx, scimsql.MembersOfParams{OrgID: string(org), GroupID: string(group)})
	if err != nil {
		return nil, fmt.Errorf("list the members of a group: %w", err)
	}
	var out []Ref
	for _, m := range rows {
		out = append(out, Ref{m.UserID, m.UserName})
	}
	return out, nil
}

// Group is one of the directory's groups.
func (s *Service) Group(ctx context.Context, c Client, group id.Group) (g Group, err error) {
	err = s.d.DB.ReadOrg(ctx, c.Org(), func(ctx context.Context, tx *db.Tx) (err error) {
		g, err = s.group(ctx, scimsql.New(tx), c.Org(), group)
		return err
	})
	return g, err
}

// Groups lists the directory's groups, from the n-th on, with their members unless
// those are not asked for.
func (s *Service) Groups(ctx context.Context, c Client, f Filter, from, count int, members bool) (List[Group], error) {
	p := scimsql.ListGroupsParams{OrgID: string(c.Org()), N: int32(min(max(count, 0), MaxCount)), Skip: int32(max(from-1, 0))}
	possible, err := f.put(map[string]*string{"displayname": &p.MatchName, "externalid": &p.ExternalID, "id": &p.ID, "members": &p.UserID, "members.value": &p.UserID},
		"groups are found by displayName, externalId, members or id")
	if err != nil || !possible {
		return List[Group]{}, err
	}
	p.MatchName = matchName(p.MatchName)
	var out List[Group]
	err = s.d.DB.ReadOrg(ctx, c.Org(), func(ctx context.Context, tx *db.Tx) error {
		out = List[Group]{}
		q := scimsql.New(tx)
		n, err := q.CountGroups(ctx, scimsql.CountGroupsParams{OrgID: p.OrgID, MatchName: p.MatchName, ExternalID: p.ExternalID, ID: p.ID, UserID: p.UserID})
		if err != nil {
			return err
		}
		out.Total = int(n)
		rows, err := q.ListGroups(ctx, p)
		if err != nil {
			return err
		}
		at := map[string]int{}
		for i, r := range rows {
			out.Items, at[r.ID] = append(out.Items, groupFromRow(r)), i
		}
		if !members || len(rows) == 0 {
			return nil
		}
		all, err := q.MembersBetween(ctx, scimsql.MembersBetweenParams{OrgID: p.OrgID, First: rows[0].ID, Last: rows[len(rows)-1].ID})
		for _, m := range all {
			if i, ok := at[m.GroupID]; ok {
				out.Items[i].Members = append(out.Items[i].Members, Ref{m.UserID, m.UserName})
			}
		}
		return err
	})
	if err != nil {
		return List[Group]{}, fmt.Errorf("list groups: %w", err)
	}
	return out, nil
}

// CreateGroup takes a group from the directory. Its members get their roles.
func (s *Service) CreateGroup(ctx context.Context, c Client, ch GroupChange) (Group, error) {
	g := Group{ID: id.New[id.Group](), Display: *ch.Display}
	if ch.ExternalID != nil {
		g.ExternalID = *ch.ExternalID
	}
	err := s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		if err := s.freeName(ctx, q, c.Org(), g.Display); err != nil {
			return err
		}
		if err := q.InsertGroup(ctx, scimsql.InsertGroupParams{OrgID: string(c.Org()), ID: string(g.ID), Display: g.Display, MatchName: matchName(g.Display), ExternalID: g.ExternalID, Now: s.now()}); err != nil {
			return fmt.Errorf("store a group: %w", err)
		}
		if err := s.fill(ctx, tx, c, g.ID, ch); err != nil {
			return err
		}
		var err error
		g, err = s.group(ctx, q, c.Org(), g.ID)
		return err
	})
	return g, err
}

func (s *Service) freeName(ctx context.Context, q *scimsql.Queries, org id.Org, name string) error {
	n, err := q.CountGroups(ctx, scimsql.CountGroupsParams{OrgID: string(org), MatchName: matchName(name)})
	if err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "another group has this displayName").WithCode(Uniqueness)
	}
	return nil
}

// fill changes the members of a group, and gives everybody whom it concerns their role.
func (s *Service) fill(ctx context.Context, tx *db.Tx, c Client, group id.Group, ch GroupChange) error {
	q := scimsql.New(tx)
	org := string(c.Org())
	before, err := s.membersOf(ctx, q, c.Org(), group)
	if err != nil {
		return err
	}
	had, want := map[string]bool{}, map[string]bool{}
	for _, m := range before {
		had[m.ID], want[m.ID] = true, !ch.Clear
	}
	for _, m := range ch.Remove {
		want[m] = false
	}
	for _, m := range ch.Add {
		want[m] = true
	}
	var touched []string
	for _, m := range slices.Sorted(maps.Keys(want)) {
		switch {
		case had[m] == want[m]:
			continue
		case had[m]:
			err = q.RemoveMember(ctx, scimsql.RemoveMemberParams{OrgID: org, GroupID: string(group), UserID: m})
		default:
			if _, err := q.GetUser(ctx, scimsql.GetUserParams{OrgID: org, UserID: m}); db.NotFound(err) {
				return invalid(InvalidValue, "%.64s is not a user of this organization's directory", m)
			} else if err != nil {
				return fmt.Errorf("read a user: %w", err)
			}
			err = q.AddMember(ctx, scimsql.AddMemberParams{OrgID: org, GroupID: string(group), UserID: m})
		}
		if err == nil {
			err = q.TouchUser(ctx, scimsql.TouchUserParams{Now: s.now(), OrgID: org, UserID: m}) // their groups are a part of them
		}
		if err != nil {
			return fmt.Errorf("change the members of a group: %w", err)
		}
		touched = append(touched, m)
	}
	if !ch.gone {
		if err := s.push(ctx, tx, c, group); err != nil {
			return err
		}
	}
	return s.replace(ctx, tx, c, touched)
}

// push tells what a group is now to where groups bring rights.
func (s *Service) push(ctx context.Context, tx *db.Tx, c Client, gid id.Group) error {
	if s.d.Groups == nil {
		return nil
	}
	g, err := s.group(ctx, scimsql.New(tx), c.Org(), gid)
	if err != nil {
		return err
	}
	p := group.Pushed{ID: gid, Name: g.Display}
	for _, m := range g.Members {
		p.Members = append(p.Members, id.User(m.ID))
	}
	err = s.d.Groups.Push(ctx, tx, c.actor, p)
	if fault.CodeOf(err) == group.NameTaken {
		return fault.New(fault.Conflict, "the organization has a group of this displayName that the directory does not keep").WithCode(Uniqueness).Because(err)
	}
	return err
}

// replace gives the roles of those whose groups have changed.
func (s *Service) replace(ctx context.Context, tx *db.Tx, c Client, users []string) error {
	set, err := s.settings(ctx, scimsql.New(tx), c.Org())
	if err != nil || len(set.Roles) == 0 {
		return err // no group gives a role
	}
	return s.placeAll(ctx, tx, c.actor, set, users)
}

// ChangeGroup changes a group.
func (s *Service) ChangeGroup(ctx context.Context, c Client, group id.Group, ch GroupChange) (Group, error) {
	var g Group
	err := s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		old, err := s.group(ctx, q, c.Org(), group)
		if err != nil {
			return err
		}
		if err := c.saw(old.Version); err != nil {
			return err
		}
		g = old
		if ch.Display != nil {
			g.Display = *ch.Display
		}
		if ch.ExternalID != nil {
			g.ExternalID = *ch.ExternalID
		}
		renamed := matchName(g.Display) != matchName(old.Display)
		if renamed {
			if err := s.freeName(ctx, q, c.Org(), g.Display); err != nil {
				return err
			}
		}
		if _, err := q.UpdateGroup(ctx, scimsql.UpdateGroupParams{OrgID: string(c.Org()), ID: string(group), Display: g.Display, MatchName: matchName(g.Display), ExternalID: g.ExternalID, Now: s.now()}); err != nil {
			return fmt.Errorf("store a group: %w", err)
		}
		if err := s.fill(ctx, tx, c, group, ch); err != nil {
			return err
		}
		if renamed { // rules know groups by name
			var all []string
			for _, m := range old.Members {
				if err := q.TouchUser(ctx, scimsql.TouchUserParams{Now: s.now(), OrgID: string(c.Org()), UserID: m.ID}); err != nil {
					return fmt.Errorf("note another name of a group: %w", err)
				}
				all = append(all, m.ID)
			}
			if err := s.replace(ctx, tx, c, all); err != nil {
				return err
			}
		}
		g, err = s.group(ctx, q, c.Org(), group)
		return err
	})
	return g, err
}

// DeleteGroup forgets a group. What it gave, its members lose.
func (s *Service) DeleteGroup(ctx context.Context, c Client, group id.Group) error {
	return s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		g, err := s.group(ctx, q, c.Org(), group)
		if err == nil {
			err = c.saw(g.Version)
		}
		if err != nil {
			return err
		}
		if s.d.Groups != nil {
			if err := s.d.Groups.Dropped(ctx, tx, c.actor, group); err != nil {
				return err
			}
		}
		if err := s.fill(ctx, tx, c, group, GroupChange{Clear: true, gone: true}); err != nil {
			return err
		}
		_, err = q.DeleteGroup(ctx, scimsql.DeleteGroupParams{OrgID: string(c.Org()), ID: string(group)})
		return err
	})
}

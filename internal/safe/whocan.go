package safe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// Reach is that somebody reaches a safe, and by what.
type Reach struct {
	Safe     id.Safe
	SafeName string
	User     id.User
	Name     string
	Handle   string
	Email    string

	Role      Role     // the stronger of the next two
	Direct    Role     // as a direct member; NoRole: not one
	ByGroup   Role     // the strongest that groups bring; NoRole: none does
	Group     id.Group // the group that brings it
	GroupName string
	EndsAt    time.Time // when the first of all that it is made of ends; zero: none does

	Ways []Way // WhatCan only: all that it is made of, the strongest first
}

// Way is one thing that gives a person a role on a safe.
type Way struct {
	Role      Role
	Group     id.Group // empty: a direct membership
	GroupName string
	EndsAt    time.Time // zero: never
}

// WhoCan lists everybody who reaches a safe, in the order of their handles.
func (s *Service) WhoCan(ctx context.Context, actor authz.Actor, sid id.Safe, p page.Request) (page.List[Reach], error) {
	e, err := s.Get(ctx, actor, sid)
	if err != nil {
		return page.List[Reach]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Reach]{}, err
	}
	var out []Reach
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := safesql.New(tx).WhoCan(ctx, safesql.WhoCanParams{OrgID: string(actor.Org), SafeID: string(sid), After: after, Read: read})
		out = make([]Reach, len(rows))
		for i, r := range rows {
			out[i] = Reach{Safe: sid, SafeName: e.Name, User: id.User(r.UserID), Name: r.Name, Handle: r.Handle, Email: r.Email, Role: Role(r.Role),
				Direct: Role(r.DirectRole), ByGroup: Role(r.GroupRole), Group: id.Group(r.GroupID), GroupName: r.GroupName, EndsAt: moment(r.EndsAt)}
		}
		return err
	})
	if err != nil {
		return page.List[Reach]{}, fmt.Errorf("list who reaches a safe: %w", err)
	}
	return page.Cut(out, read, func(r Reach) string { return r.Handle }), nil
}

// WhatCan lists every safe that a member of the organization reaches, in the order
// of their names. Of oneself everybody may ask; of others who may see every safe.
func (s *Service) WhatCan(ctx context.Context, actor authz.Actor, user id.User, p page.Request) (page.List[Reach], error) {
	if err := inOrg(actor); err != nil {
		return page.List[Reach]{}, err
	}
	action := authz.SafeView
	if user == actor.User {
		action = authz.SafeList
	}
	if err := authz.Check(actor, action, authz.Object{Org: actor.Org}); err != nil {
		return page.List[Reach]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Reach]{}, err
	}
	var out []Reach
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := safesql.New(tx)
		if _, err := q.OrgMember(ctx, safesql.OrgMemberParams{OrgID: string(actor.Org), UserID: string(user)}); db.NotFound(err) {
			return fault.New(fault.NotFound, "no such member in this organization")
		} else if err != nil {
			return err
		}
		rows, err := q.WhatCan(ctx, safesql.WhatCanParams{OrgID: string(actor.Org), UserID: string(user), After: after, Read: read})
		out = make([]Reach, len(rows))
		for i, r := range rows {
			out[i] = Reach{Safe: id.Safe(r.SafeID), SafeName: r.Name, User: user, Role: Role(r.Role),
				Direct: Role(r.DirectRole), ByGroup: Role(r.GroupRole), Group: id.Group(r.GroupID), GroupName: r.GroupName, EndsAt: moment(r.EndsAt)}
		}
		if err != nil || len(out) == 0 {
			return err
		}
		return waysOf(ctx, q, actor.Org, user, out)
	})
	if err != nil {
		return page.List[Reach]{}, fmt.Errorf("list what a person reaches: %w", err)
	}
	return page.Cut(out, read, func(r Reach) string { return r.SafeName }), nil
}

// waysOf adds to what a person reaches, in the order of the safes' names, what it is made of.
func waysOf(ctx context.Context, q *safesql.Queries, org id.Org, user id.User, out []Reach) error {
	rows, err := q.WaysOfUser(ctx, safesql.WaysOfUserParams{OrgID: string(org), UserID: string(user), First: out[0].SafeName, Last: out[len(out)-1].SafeName})
	if err != nil {
		return err
	}
	ways := map[id.Safe][]Way{}
	for _, r := range rows {
		sid := id.Safe(r.SafeID)
		ways[sid] = append(ways[sid], Way{Role: Role(r.Role), Group: id.Group(r.GroupID), GroupName: r.GroupName, EndsAt: moment(r.EndsAt)})
	}
	for i, r := range out {
		w := ways[r.Safe]
		slices.SortFunc(w, func(a, b Way) int { return cmp.Or(rank(b.Role)-rank(a.Role), cmp.Compare(a.GroupName, b.GroupName)) })
		out[i].Ways = w
	}
	return nil
}

// WaysTo is all that gives somebody a role on a safe, without the names of groups.
func (s *Service) WaysTo(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe) ([]Way, error) {
	rows, err := safesql.New(tx).WaysTo(ctx, safesql.WaysToParams{OrgID: string(tx.Org()), SafeID: string(sid), UserID: string(user)})
	if err != nil {
		return nil, fmt.Errorf("read what %s has on %s: %w", user, sid, err)
	}
	out := make([]Way, len(rows))
	for i, r := range rows {
		out[i] = Way{Role: Role(r.Role), Group: id.Group(r.GroupID), EndsAt: moment(r.EndsAt)}
	}
	return out, nil
}

// BoundRole is the role that a group gives its members on a safe.
func (s *Service) BoundRole(ctx context.Context, tx *db.Tx, sid id.Safe, group id.Group) (Role, error) {
	role, err := safesql.New(tx).BoundRole(ctx, safesql.BoundRoleParams{OrgID: string(tx.Org()), SafeID: string(sid), GroupID: string(group)})
	if err != nil && !db.NotFound(err) {
		return NoRole, fmt.Errorf("read the role of %s on %s: %w", group, sid, err)
	}
	return Role(role), nil
}

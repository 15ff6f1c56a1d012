package safe

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// SafeMember is a direct member of a safe, with the safe.
type SafeMember struct {
	Safe     id.Safe
	SafeName string
	Member
}

// EveryMember gives the direct members of all safes, in the order of the ids of safes
// and people, to those who see all safes: what who compares or reviews the whole
// organization reads, instead of one list for each safe.
func (s *Service) EveryMember(ctx context.Context, actor authz.Actor, p page.Request) (page.List[SafeMember], error) {
	var out []SafeMember
	read, err := s.every(ctx, actor, p, func(q *safesql.Queries, of, after string, read int32) error {
		rows, err := q.EveryMember(ctx, safesql.EveryMemberParams{OrgID: string(actor.Org), SafeID: of, UserID: after, Read: read})
		for _, r := range rows {
			out = append(out, SafeMember{Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Member: memberFromRow(safesql.GetMemberRow{
				ID: r.ID, UserID: r.UserID, Role: r.Role, AddedAt: r.AddedAt, AddedBy: r.AddedBy, EndsAt: r.EndsAt, Name: r.Name, Handle: r.Handle, Email: r.Email})})
		}
		return err
	})
	if err != nil {
		return page.List[SafeMember]{}, fmt.Errorf("list the members of all safes: %w", err)
	}
	return page.Cut(out, read, func(m SafeMember) string { return page.Pair(string(m.Safe), string(m.User)) }), nil
}

// EveryAssignment gives the bindings of groups to all safes, as EveryMember does; the
// numbers of the groups' members are not counted.
func (s *Service) EveryAssignment(ctx context.Context, actor authz.Actor, p page.Request) (page.List[Assignment], error) {
	var out []Assignment
	read, err := s.every(ctx, actor, p, func(q *safesql.Queries, of, after string, read int32) error {
		rows, err := q.EveryAssignment(ctx, safesql.EveryAssignmentParams{OrgID: string(actor.Org), SafeID: of, GroupID: after, Read: read})
		for _, r := range rows {
			out = append(out, Assignment{ID: id.GroupAssignment(r.ID), Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Group: id.Group(r.GroupID), GroupName: r.GroupName,
				Source: r.Source, Role: Role(r.Role), EndsAt: moment(r.EndsAt), Version: r.Version, CreatedBy: id.User(r.CreatedBy), CreatedAt: db.Time(r.CreatedAt)})
		}
		return err
	})
	if err != nil {
		return page.List[Assignment]{}, fmt.Errorf("list the groups of all safes: %w", err)
	}
	return page.Cut(out, read, func(a Assignment) string { return page.Pair(string(a.Safe), string(a.Group)) }), nil
}

// every reads a page of what all safes have.
func (s *Service) every(ctx context.Context, actor authz.Actor, p page.Request, fn func(q *safesql.Queries, of, after string, read int32) error) (int32, error) {
	if err := inOrg(actor); err != nil {
		return 0, err
	}
	if err := authz.Check(actor, authz.SafeView, authz.Object{Org: actor.Org}); err != nil {
		return 0, err
	}
	read, of, after, err := p.ResolvePair()
	if err != nil {
		return 0, err
	}
	return read, s.d.DB.ReadOrg(ctx, actor.Org, func(_ context.Context, tx *db.Tx) error { return fn(safesql.New(tx), of, after, read) })
}

package scim

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/scim/scimsql"
)

// What a directory has pushed, as administrators of the organization see it.

// Pushed is a person whom the directory has pushed.
type Pushed struct {
	User
	Role      authz.Role // None: they have no place
	PushedAt  time.Time
	ChangedAt time.Time
}

// PushedGroup is a group that the directory has pushed.
type PushedGroup struct {
	ID         id.Group
	Display    string
	ExternalID string
	Members    int
	ChangedAt  time.Time
}

// Pushed lists the people whom the directory has pushed, by their name there.
func (s *Service) Pushed(ctx context.Context, actor authz.Actor, r page.Request) (page.List[Pushed], error) {
	if err := s.view(actor); err != nil {
		return page.List[Pushed]{}, err
	}
	n, after, err := r.Resolve()
	if err != nil {
		return page.List[Pushed]{}, err
	}
	var rows []scimsql.PushedUsersRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = scimsql.New(tx).PushedUsers(ctx, scimsql.PushedUsersParams{OrgID: string(actor.Org), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[Pushed]{}, fmt.Errorf("list who was pushed: %w", err)
	}
	out := make([]Pushed, len(rows))
	for i, u := range rows {
		out[i] = Pushed{User: userFromRow(u.ScimUser), Role: authz.Role(u.Role), PushedAt: db.Time(u.ScimUser.CreatedAt), ChangedAt: db.Time(u.ScimUser.ChangedAt)}
	}
	return page.Cut(out, n, func(p Pushed) string { return matchName(p.UserName) }), nil
}

// PushedGroups lists the groups that the directory has pushed, by name.
func (s *Service) PushedGroups(ctx context.Context, actor authz.Actor, r page.Request) (page.List[PushedGroup], error) {
	if err := s.view(actor); err != nil {
		return page.List[PushedGroup]{}, err
	}
	n, after, err := r.Resolve()
	if err != nil {
		return page.List[PushedGroup]{}, err
	}
	var rows []scimsql.PushedGroupsRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = scimsql.New(tx).PushedGroups(ctx, scimsql.PushedGroupsParams{OrgID: string(actor.Org), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[PushedGroup]{}, fmt.Errorf("list which groups were pushed: %w", err)
	}
	out := make([]PushedGroup, len(rows))
	for i, g := range rows {
		out[i] = PushedGroup{ID: id.Group(g.ID), Display: g.Display, ExternalID: g.ExternalID, Members: int(g.Members), ChangedAt: db.Time(g.ChangedAt)}
	}
	return page.Cut(out, n, func(g PushedGroup) string { return matchName(g.Display) }), nil
}

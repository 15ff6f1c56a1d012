package group

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// ReviewedMember takes out of a local group whom an access review takes out, in the
// review's transaction.
func (s *Service) ReviewedMember(ctx context.Context, tx *db.Tx, actor authz.Actor, gid id.Group, user id.User) error {
	at, err := hold(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	g, err := find(ctx, tx, actor.Org, gid)
	if err != nil {
		return err
	}
	if g.Source != Local {
		return managed(g)
	}
	have, err := members(ctx, tx, g)
	if err != nil {
		return err
	}
	if !have[user] {
		return fault.New(fault.NotFound, "no member of group %q has the id %.64q", g.Name, user)
	}
	return s.move(ctx, tx, event.By(actor, event.System), at, g, "", nil, []id.User{user}, event.GroupRemovalCauseRemoved)
}

package safe

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// reviewed runs fn for a right that an access review takes away, in the review's
// transaction. No review leaves a safe without a manager.
func (s *Service) reviewed(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, fn func(sf Safe) (Role, error)) error {
	if err := hold(ctx, tx, actor.Org); err != nil {
		return err
	}
	sf, _, err := s.find(ctx, tx, actor, sid)
	if err != nil {
		return err
	}
	before, err := safesql.New(tx).ManagerCount(ctx, safesql.ManagerCountParams{OrgID: string(sf.Org), SafeID: string(sid)})
	if err != nil {
		return fmt.Errorf("count managers: %w", err)
	}
	lost, err := fn(sf)
	if err != nil || lost != Manager || before == 0 {
		return err
	}
	n, err := safesql.New(tx).ManagerCount(ctx, safesql.ManagerCountParams{OrgID: string(sf.Org), SafeID: string(sid)})
	if err != nil {
		return fmt.Errorf("count managers: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Denied, "safe %q would be left without a manager", sf.Name).WithCode(LastManager)
	}
	return nil
}

// ReviewedMember ends a direct membership that an access review revokes.
func (s *Service) ReviewedMember(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, user id.User) error {
	return s.reviewed(ctx, tx, actor, sid, func(sf Safe) (Role, error) {
		old, err := s.member(ctx, tx, sf, user)
		if err != nil {
			return "", err
		}
		now, err := s.remove(ctx, tx, sf.Org, sid, user)
		if err != nil {
			return "", err
		}
		return old.Role, s.tellRemoved(ctx, tx, event.By(actor, event.System), sf.Org, sid, sf.Name, user, old.Role, event.SafeRemovalCauseRemoved, now)
	})
}

// ReviewedGroup unbinds a group that an access review takes off a safe.
func (s *Service) ReviewedGroup(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, group id.Group) error {
	return s.reviewed(ctx, tx, actor, sid, func(sf Safe) (Role, error) {
		old, err := s.findAssignment(ctx, tx, sf, group)
		if err != nil {
			return "", err
		}
		if _, err := safesql.New(tx).DeleteAssignment(ctx, safesql.DeleteAssignmentParams{OrgID: string(sf.Org), ID: string(old.ID)}); err != nil {
			return "", fmt.Errorf("unbind a group: %w", err)
		}
		return old.Role, s.bound(ctx, tx, actor, sf, event.NewSafeGroupAssignmentRemoved(event.By(actor, event.System), sf.target(), old.ID, group,
			string(old.Role), event.AssignmentRemovalCauseRemoved))
	})
}

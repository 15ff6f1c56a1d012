package safe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rounds"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

const sweepEvery = time.Second / 2 // live sessions end within two seconds of an end

// Run ends memberships and bindings whose time is over, until ctx ends. Decisions do
// not wait for it: each compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "sweep of ended access failed", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for more := true; more; {
		now := db.Micros(s.d.Now())
		var members []safesql.DueMembersRow
		var groups []safesql.DueAssignmentsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			q := safesql.New(tx)
			if members, err = q.DueMembers(ctx, now); err != nil {
				return err
			}
			groups, err = q.DueAssignments(ctx, now)
			return err
		})
		if err != nil {
			return fmt.Errorf("list what has ended: %w", err)
		}
		err = errors.Join(
			rounds.All(ctx, members, func(m safesql.DueMembersRow) error {
				if err := s.endMember(ctx, id.Org(m.OrgID), place{id.Safe(m.SafeID), id.User(m.UserID)}, now); err != nil {
					return fmt.Errorf("end the membership of %s in %s: %w", m.UserID, m.SafeID, err)
				}
				return nil
			}),
			rounds.All(ctx, groups, func(g safesql.DueAssignmentsRow) error {
				if err := s.endAssignment(ctx, id.Org(g.OrgID), id.GroupAssignment(g.ID), now); err != nil {
					return fmt.Errorf("end binding %s: %w", g.ID, err)
				}
				return nil
			}))
		if len(members)+len(groups) > 0 {
			s.d.Ended()
		}
		if err != nil {
			return err
		}
		more = len(members) == 100 || len(groups) == 100
	}
	return nil
}

func (s *Service) endMember(ctx context.Context, org id.Org, at place, now int64) error {
	return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if err := hold(ctx, tx, org); err != nil {
			return err
		}
		q := safesql.New(tx)
		role, err := q.DeleteDueMember(ctx, safesql.DeleteDueMemberParams{OrgID: string(org), SafeID: string(at.safe), UserID: string(at.user), Now: now})
		if db.NotFound(err) {
			return nil // somebody else did
		}
		if err != nil {
			return err
		}
		name, err := q.SafeName(ctx, safesql.SafeNameParams{OrgID: string(org), ID: string(at.safe)})
		if err != nil {
			return err
		}
		left, err := s.settle(ctx, tx, org, at.safe, at.user)
		if err != nil {
			return err
		}
		return s.tellRemoved(ctx, tx, event.By(authz.SystemActor(org), event.System), org, at.safe, name, at.user, Role(role), event.SafeRemovalCauseExpired, left)
	})
}

func (s *Service) endAssignment(ctx context.Context, org id.Org, a id.GroupAssignment, now int64) error {
	return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if err := hold(ctx, tx, org); err != nil {
			return err
		}
		q := safesql.New(tx)
		r, err := q.DeleteDueAssignment(ctx, safesql.DeleteDueAssignmentParams{OrgID: string(org), ID: string(a), Now: now})
		if db.NotFound(err) {
			return nil // somebody else did, or it was prolonged
		}
		if err != nil {
			return err
		}
		name, err := q.SafeName(ctx, safesql.SafeNameParams{OrgID: string(org), ID: r.SafeID})
		if err != nil {
			return err
		}
		act := event.By(authz.SystemActor(org), event.System)
		cause, err := s.d.Ledger.Record(ctx, tx, event.NewSafeGroupAssignmentRemoved(act, event.SafeTarget(id.Safe(r.SafeID), name), a, id.Group(r.GroupID), r.Role, event.AssignmentRemovalCauseExpired))
		if err != nil {
			return err
		}
		_, err = s.follow(ctx, tx, org, act.Request(), because(cause), scope{safe: id.Safe(r.SafeID)})
		return err
	})
}

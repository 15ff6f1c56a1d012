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

// Invitable fails unless the organization has the safe and the role is one.
func (s *Service) Invitable(ctx context.Context, tx *db.Tx, org id.Org, sid id.Safe, role authz.SafeRole) error {
	if rank(role) < rank(User) {
		return fault.New(fault.Invalid, "%.64q is not a role on a safe", role).WithField("safes", "role must be user, checkout, approver or manager")
	}
	_, err := safesql.New(tx).GetSafe(ctx, safesql.GetSafeParams{OrgID: string(org), ID: string(sid)})
	if db.NotFound(err) {
		return onField(notFound(sid), "safes")
	}
	if err != nil {
		return fmt.Errorf("read safe %s: %w", sid, err)
	}
	return nil
}

// Welcome makes a new member of the organization a direct member of a safe, as the
// invitation promised that brought them. It is the act of who invited. A safe that was
// deleted meanwhile is passed over.
func (s *Service) Welcome(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, sid id.Safe, user id.User, role authz.SafeRole, by id.User) error {
	if err := hold(ctx, tx, org); err != nil {
		return err
	}
	q := safesql.New(tx)
	row, err := q.GetSafe(ctx, safesql.GetSafeParams{OrgID: string(org), ID: string(sid)})
	if db.NotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read safe %s: %w", sid, err)
	}
	if err := q.InsertMember(ctx, safesql.InsertMemberParams{OrgID: string(org), SafeID: string(sid), UserID: string(user), ID: string(id.New[id.SafeMember]()),
		Role: string(role), Now: db.Micros(s.d.Now()), AddedBy: string(by)}); err != nil {
		return fmt.Errorf("welcome a member to safe %s: %w", sid, err)
	}
	if _, err := s.settle(ctx, tx, org, sid, user); err != nil {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewSafeMemberAdded(act, event.SafeTarget(sid, row.Name), user, string(role)))
	return err
}

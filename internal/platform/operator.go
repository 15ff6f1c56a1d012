package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/platform/platformsql"
)

// Operator is somebody who operates the installation.
type Operator struct {
	identity.Profile
	Role  authz.PlatformRole
	Since time.Time
	MFA   bool // has a second factor
}

var object = authz.Object{Type: authz.PlatformObject}

// Operators lists the operators by handle. Each first page is recorded.
func (s *Service) Operators(ctx context.Context, actor authz.Actor, p page.Request) (page.List[Operator], error) {
	actor = onPlatform(actor)
	listed := func(rows int) event.PlatformUsersListed {
		return event.NewPlatformUsersListed(event.By(actor, event.PlatformAdmin), event.PlatformTarget(), readVia(actor), []string{}, rows)
	}
	if err := authz.Check(actor, authz.PlatformUserList, object); err != nil {
		return page.List[Operator]{}, s.refused(ctx, actor, err, listed(0).Denied(event.PlatformUsersListedNotPermitted))
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Operator]{}, err
	}
	var out []Operator
	read := func(ctx context.Context, tx *db.Tx) error {
		rows, err := platformsql.New(tx).ListOperators(ctx, platformsql.ListOperatorsParams{After: after, N: int32(n)})
		out = make([]Operator, len(rows))
		for i, r := range rows {
			out[i] = Operator{Profile: identity.Profile{ID: id.User(r.PersonID), Email: r.Email, Handle: r.Handle, Name: r.Name},
				Role: authz.PlatformRole(r.Role), Since: db.Time(r.CreatedAt)}
			if out[i].MFA, err = s.d.Factors.Enrolled(ctx, tx, out[i].ID); err != nil {
				return err
			}
		}
		return err
	}
	if p.Cursor == "" {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := read(ctx, tx); err != nil {
				return err
			}
			_, err := s.d.Ledger.Record(ctx, tx, listed(min(len(out), int(n)-1)))
			return err
		})
	} else {
		err = s.d.DB.ReadPlatform(ctx, read)
	}
	if err != nil {
		return page.List[Operator]{}, fmt.Errorf("list operators: %w", err)
	}
	return page.Cut(out, n, func(o Operator) string { return o.Handle }), nil
}

var (
	errLastAdmin = fault.New(fault.Conflict, "this is the last administrator of the platform: make another one first").WithCode("LAST_ADMIN")
	errSelf      = fault.New(fault.Conflict, "you cannot take away your own place on the platform: ask another administrator").WithCode("SELF_REMOVAL")
)

func noRole(role string) error {
	return fault.New(fault.Invalid, "%.40q is not a platform role: use platform_admin or platform_auditor", role).WithField("role", "one of platform_admin, platform_auditor")
}

// ChangeRole gives an operator the other platform role. It wants a second factor
// that was proved just now.
func (s *Service) ChangeRole(ctx context.Context, actor authz.Actor, user id.User, role authz.PlatformRole) error {
	if !role.Valid() {
		return noRole(string(role))
	}
	actor = onPlatform(actor)
	changed := func(old string) event.PlatformUserRoleChanged {
		return event.NewPlatformUserRoleChanged(event.By(actor, event.PlatformAdmin), event.PlatformTarget(), user, old, string(role), role == authz.PlatformAdmin)
	}
	if err := s.permit(actor, authz.PlatformUserRole); err != nil {
		return s.refused(ctx, actor, err, changed("").Denied(event.PlatformUserRoleChangedNotPermitted))
	}
	row, err := s.operator(ctx, user)
	if err != nil {
		return err
	}
	if row.Role == string(role) {
		return nil
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.spare(ctx, tx, user, row.Role); err != nil {
			return err
		}
		n, err := platformsql.New(tx).SetOperatorRole(ctx, platformsql.SetOperatorRoleParams{Role: string(role), Now: s.now(), PersonID: string(user), OldRole: row.Role})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		if role != authz.PlatformAdmin {
			if err := s.revokeOf(ctx, tx, actor.Request, user); err != nil {
				return err
			}
		}
		_, err = s.d.Ledger.Record(ctx, tx, changed(row.Role))
		return err
	})
	return s.outcome(ctx, actor, user, err, event.RemovalAttemptDemote, "change an operator")
}

// Remove takes an operator's place away and ends their web sessions and tokens of
// the platform. They stay a person, and a member of their organizations.
func (s *Service) Remove(ctx context.Context, actor authz.Actor, user id.User) error {
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	if err := s.permit(actor, authz.PlatformUserRole); err != nil {
		return s.refused(ctx, actor, err, event.NewPlatformUserRemoved(act, event.PlatformTarget(), user, "", 0, 0).Denied(event.PlatformUserRemovedNotPermitted))
	}
	row, err := s.operator(ctx, user)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.spare(ctx, tx, user, row.Role); err != nil {
			return err
		}
		if user == actor.User {
			return errSelf
		}
		n, err := platformsql.New(tx).DeleteOperator(ctx, platformsql.DeleteOperatorParams{PersonID: string(user), OldRole: row.Role})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		if err := s.revokeOf(ctx, tx, actor.Request, user); err != nil {
			return err
		}
		sessions, tokens, err := s.d.People.EndAll(ctx, tx, act, user)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPlatformUserRemoved(act, event.PlatformTarget(), user, row.Role, sessions, tokens))
		return err
	})
	if errors.Is(err, errSelf) {
		return s.refused(ctx, actor, err, event.NewPlatformSelfRemovalBlocked(act, event.PlatformTarget(), event.PlatformSelfRemovalBlockedSelfRemoval, user, row.Role))
	}
	return s.outcome(ctx, actor, user, err, event.RemovalAttemptRemove, "remove an operator")
}

func (s *Service) operator(ctx context.Context, user id.User) (platformsql.GetOperatorRow, error) {
	var row platformsql.GetOperatorRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = platformsql.New(tx).GetOperator(ctx, string(user))
		return err
	})
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "no such operator of the platform")
	}
	if err != nil {
		return row, fmt.Errorf("read an operator: %w", err)
	}
	return row, nil
}

// spare holds the platform and refuses when without user no administrator would be
// left who can act: one who is active and has a second factor.
func (s *Service) spare(ctx context.Context, tx *db.Tx, user id.User, role string) error {
	q := platformsql.New(tx)
	if _, err := q.HoldGate(ctx, s.now()); err != nil {
		return fmt.Errorf("hold the platform: %w", err)
	}
	if role != string(authz.PlatformAdmin) {
		return nil
	}
	admins, err := q.ActiveAdmins(ctx)
	if err != nil {
		return fmt.Errorf("list administrators: %w", err)
	}
	for _, a := range admins {
		if id.User(a) == user {
			continue
		}
		enrolled, err := s.d.Factors.Enrolled(ctx, tx, id.User(a))
		if err != nil {
			return err
		}
		if enrolled {
			return nil
		}
	}
	return errLastAdmin
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "somebody changed this operator meanwhile: look again")
}

func (s *Service) outcome(ctx context.Context, actor authz.Actor, user id.User, err error, tried event.RemovalAttempt, doing string) error {
	if errors.Is(err, errLastAdmin) {
		return s.refused(ctx, actor, err, event.NewPlatformLastAdminRemovalBlocked(event.By(actor, event.PlatformAdmin), event.PlatformTarget(),
			event.PlatformLastAdminRemovalBlockedLastAdmin, user, tried, user == actor.User))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

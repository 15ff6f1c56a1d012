package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

var (
	errLastReset = fault.New(fault.Conflict, "this is the last administrator of the platform: make another one first, who can then do it").WithCode("LAST_ADMIN")
	errSelfReset = fault.New(fault.Conflict, "you cannot clear your own second factors: ask another administrator, or remove them one by one").WithCode("SELF_RESET")
)

// ResetMFA takes all second factors and backup codes of an operator away, and ends
// their sign-ins and API tokens. Their next sign-in enrols a new factor.
func (s *Service) ResetMFA(ctx context.Context, actor authz.Actor, user id.User) error {
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	reset := func(methods []string, sessions int) event.PlatformUserMFAReset {
		return event.NewPlatformUserMFAReset(act, event.PlatformTarget(), user, methods, sessions)
	}
	if err := s.permit(actor, authz.PlatformUserRole); err != nil {
		return s.refused(ctx, actor, err, reset([]string{}, 0).Denied(event.PlatformUserMFAResetNotPermitted))
	}
	row, err := s.operator(ctx, user)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		switch err := s.spare(ctx, tx, user, row.Role); {
		case errors.Is(err, errLastAdmin):
			return errLastReset
		case err != nil:
			return err
		case user == actor.User:
			return errSelfReset
		}
		methods, err := s.d.Factors.Clear(ctx, tx, user)
		if err != nil {
			return err
		}
		sessions, tokens, err := s.d.People.Invalidate(ctx, tx, act, user, event.InvalidationCauseFactorReset)
		if err != nil {
			return err
		}
		cause, err := s.d.Ledger.Record(ctx, tx, reset(methods, sessions))
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewMFASessionsInvalidated(act, event.PlatformTarget(), user, event.InvalidationCauseFactorReset, sessions, tokens, cause))
		return err
	})
	switch {
	case errors.Is(err, errLastReset):
		return s.refused(ctx, actor, errLastReset, event.NewPlatformLastAdminMFAResetBlocked(act, event.PlatformTarget(),
			event.PlatformLastAdminMFAResetBlockedLastAdmin, user, user == actor.User))
	case errors.Is(err, errSelfReset):
		return s.refused(ctx, actor, errSelfReset, reset([]string{}, 0).Denied(event.PlatformUserMFAResetSelfResetForbidden))
	case err != nil:
		return fmt.Errorf("reset the second factors of %s: %w", user, err)
	}
	return nil
}

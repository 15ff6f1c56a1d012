package phone

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
)

// Remove takes the actor's own number away; it is free for others then. version is that of
// the record as they saw it. A change that is pending goes on.
func (s *Service) Remove(ctx context.Context, actor authz.Actor, version int) error {
	w := who{actor, actor.User}
	dg, err := s.digests(ctx, actor.Org)
	if err != nil {
		return err
	}
	why, err := event.PhoneNumberRemovedNotPermitted, s.allow(ctx, w, true)
	if err == nil {
		why, err = event.PhoneNumberRemovedMFARequired, authz.Fresh(actor, authz.SelfManage, s.d.Now())
	}
	if err != nil {
		return s.refuse(ctx, actor, err, event.NewPhoneNumberRemoved(w.act(), event.TenantTarget(actor.Org, ""), actor.User).Denied(why))
	}
	old, _, err := s.record(ctx, actor.User)
	if err != nil {
		return err
	}
	if old.Number.e164 == "" {
		return fault.New(fault.NotFound, "you have no telephone number to remove").WithCode("PHONE_NONE")
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if _, err := hold(ctx, q, actor.User, version); err != nil {
			return err
		}
		if err := q.ClearNumber(ctx, phonesql.ClearNumberParams{Nothing: []byte{}, PersonID: string(actor.User)}); err != nil {
			return fmt.Errorf("clear a number: %w", err)
		}
		if err := q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: s.now(), PersonID: string(actor.User)}); err != nil {
			return fmt.Errorf("advance the record: %w", err)
		}
		target, err := s.target(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPhoneNumberRemoved(w.act(), target, actor.User).WithOldPhone(dg.of(old.Number)))
		return err
	})
	if errors.Is(err, errStale) {
		return altered()
	}
	if err != nil {
		return fmt.Errorf("remove a number: %w", err)
	}
	return nil
}

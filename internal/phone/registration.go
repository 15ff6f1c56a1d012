package phone

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// A registration verifies a number before there is a person. Whoever keeps the
// registration keeps the id of its verification with it, and lets only its holder
// come here; the id alone proves nothing. All of it is told in the platform's
// ledger, until the number is carried over to a person.

// Registration is a number that waits for its code, or was verified.
type Registration struct {
	ID        id.PhoneVerification
	Masked    string    // the number, as it may be shown
	ExpiresAt time.Time // of the code
	Verified  bool
}

// Register sends a code to the number of somebody who registers. before is the
// registration's last verification, which does not count any more; it may be empty.
// Whether the number is somebody's already is not told.
func (s *Service) Register(ctx context.Context, from authz.Actor, before id.PhoneVerification, typed string) (Registration, error) {
	n, err := ParseNumber(typed)
	if err != nil {
		return Registration{}, err
	}
	if err := served(s.d.Countries, n); err != nil {
		return Registration{}, err
	}
	dg, err := s.digests(ctx, "")
	if err != nil {
		return Registration{}, err
	}
	from.Org = ""
	v, err := s.prepare(ctx, ask{actor: from, purpose: event.SMSPurposeRegistration, number: n}, dg)
	if err != nil {
		return Registration{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if before != "" {
			if _, err := q.CloseVerification(ctx, phonesql.CloseVerificationParams{State: "replaced", Now: s.now(), ID: string(before)}); err != nil {
				return fmt.Errorf("close a verification: %w", err)
			}
		}
		return v.store(ctx, q)
	})
	if err != nil {
		return Registration{}, fmt.Errorf("begin to verify a number: %w", err)
	}
	return Registration{ID: v.id, Masked: n.Masked(), ExpiresAt: v.expires}, s.send(ctx, v)
}

// registered reads a verification of a registration. fault.NotFound: there is none.
func (s *Service) registered(ctx context.Context, v id.PhoneVerification) (row phonesql.PhoneVerification, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = phonesql.New(tx).GetVerification(ctx, string(v))
		return err
	})
	if db.NotFound(err) || err == nil && row.Purpose != "registration" {
		return row, fault.New(fault.NotFound, "no number waits for a code here: begin with the number")
	}
	if err != nil {
		return row, fmt.Errorf("read a verification: %w", err)
	}
	return row, nil
}

// Registered tells how far a registration's verification is.
func (s *Service) Registered(ctx context.Context, v id.PhoneVerification) (Registration, error) {
	row, err := s.registered(ctx, v)
	if err != nil {
		return Registration{}, err
	}
	n, err := s.open(ctx, row.ID, row.Country, row.Number)
	return Registration{ID: v, Masked: n.Masked(), ExpiresAt: db.Time(row.ExpiresAt), Verified: row.State == "verified"}, err
}

// ConfirmRegistration brings the code. Of one that was verified already it is told
// so, and nothing happens.
func (s *Service) ConfirmRegistration(ctx context.Context, from authz.Actor, v id.PhoneVerification, code secret.Secret) error {
	row, err := s.registered(ctx, v)
	if err != nil {
		return err
	}
	if row.State == "verified" {
		return fault.New(fault.Conflict, "this number is verified already").WithCode("PHONE_VERIFIED")
	}
	a, err := s.weigh(ctx, event.By(from, event.User).OnPlatform(), row, code)
	if err != nil {
		return err
	}
	var out verdict
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.settle(ctx, tx, a)
		return err
	})
	if err != nil {
		return fmt.Errorf("verify a number: %w", err)
	}
	return out.told()
}

// RegisteredDigest is what stands in the platform's ledger for the number that a
// registration verified.
func (s *Service) RegisteredDigest(ctx context.Context, v id.PhoneVerification) (event.PhoneDigest, error) {
	row, err := s.registered(ctx, v)
	if err != nil {
		return event.PhoneDigest{}, err
	}
	n, err := s.open(ctx, row.ID, row.Country, row.Number)
	if err != nil {
		return event.PhoneDigest{}, err
	}
	dg, err := s.digests(ctx, "")
	return dg.of(n), err
}

// CarryOver gets a registration's number ready for the person who comes about, and
// is called outside of a transaction. The function that it returns sets the number
// within the transaction in which they do, and records it in org's ledger; a number
// that is another person's, or a person who has another number, is left as it is,
// and that is recorded. The error is fault.Conflict for a number that was not
// verified.
func (s *Service) CarryOver(ctx context.Context, org id.Org, v id.PhoneVerification) (func(ctx context.Context, tx *db.Tx, user id.User, request id.Request) error, error) {
	row, err := s.registered(ctx, v)
	if err != nil {
		return nil, err
	}
	if row.State != "verified" {
		return nil, fault.New(fault.Conflict, "the number of this registration is not verified").WithCode("PHONE_NOT_VERIFIED")
	}
	n, err := s.open(ctx, row.ID, row.Country, row.Number)
	if err != nil {
		return nil, err
	}
	key, err := s.signingKey(ctx, org)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx, user id.User, request id.Request) error {
		log, err := s.d.Ledger.LogFor(ctx, tx, org) // it may begin with this transaction
		if err != nil {
			return err
		}
		return s.carryOver(ctx, tx, org, row, user, request, key.digest(log, n))
	}, nil
}

func (s *Service) carryOver(ctx context.Context, tx *db.Tx, org id.Org, row phonesql.PhoneVerification, user id.User, request id.Request, digest event.PhoneDigest) error {
	q, v := phonesql.New(tx), id.PhoneVerification(row.ID)
	if err := q.EnsurePhone(ctx, phonesql.EnsurePhoneParams{PersonID: string(user), Nothing: []byte{}}); err != nil {
		return fmt.Errorf("open a record: %w", err)
	}
	has, err := q.HoldPhone(ctx, string(user))
	if err != nil {
		return fmt.Errorf("hold the record: %w", err)
	}
	if has.NumberIndex == row.NumberIndex {
		return nil // they have it
	}
	target, err := s.target(ctx, tx, org)
	if err != nil {
		return err
	}
	act := systemAct(org, request)
	skip := func(why event.UsersPhonePropagationSkippedConflictReason) error {
		_, err := s.d.Ledger.Record(ctx, tx, event.NewUsersPhonePropagationSkippedConflict(act, target, why, user, v, digest))
		return err
	}
	if has.NumberIndex != "" {
		return skip(event.UsersPhonePropagationSkippedConflictUserHasOtherNumber)
	}
	if err := free(ctx, q, row.NumberIndex, user); err == errTaken {
		return skip(event.UsersPhonePropagationSkippedConflictNumberInUse)
	} else if err != nil {
		return err
	}
	now := s.now()
	if err := q.SetNumber(ctx, phonesql.SetNumberParams{Number: row.Number, SealedAs: row.ID, NumberIndex: row.NumberIndex, Country: row.Country, Now: now, PersonID: string(user)}); err != nil {
		return fmt.Errorf("store a number: %w", err)
	}
	if err := q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: now, PersonID: string(user)}); err != nil {
		return fmt.Errorf("advance the record: %w", err)
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewUsersPhonePropagatedFromRegistration(act, target, user, v, digest))
	return err
}

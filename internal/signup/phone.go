package signup

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/signup/signupsql"
)

// Phones proves the telephone numbers of applicants; phone.Service is one.
type Phones interface {
	Register(ctx context.Context, from authz.Actor, before id.PhoneVerification, typed string) (phone.Registration, error)
	Registered(ctx context.Context, v id.PhoneVerification) (phone.Registration, error)
	ConfirmRegistration(ctx context.Context, from authz.Actor, v id.PhoneVerification, code secret.Secret) error
	RegisteredDigest(ctx context.Context, v id.PhoneVerification) (event.PhoneDigest, error)
	CarryOver(ctx context.Context, org id.Org, v id.PhoneVerification) (func(ctx context.Context, tx *db.Tx, user id.User, request id.Request) error, error)
}

// PhoneDemanded tells whether a case can be sent only with a proved number.
func (s *Service) PhoneDemanded() bool { return s.d.PhoneDemanded }

// AskPhone sends a code to an applicant's number. A number that was proved before does
// not count any more.
func (s *Service) AskPhone(ctx context.Context, access secret.Secret, number string, o identity.Origin) (phone.Registration, error) {
	o = o.OrNew()
	c, err := s.editable(ctx, access, o)
	if err != nil {
		return phone.Registration{}, err
	}
	r, err := s.d.Phones.Register(ctx, o.Stranger(""), c.phone, number)
	if err != nil {
		return phone.Registration{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := signupsql.New(tx).SetPhone(ctx, signupsql.SetPhoneParams{PhoneVerification: string(r.ID), ID: string(c.ID)})
		if err == nil && n == 0 {
			return sentAlready(c)
		}
		return err
	})
	if err != nil {
		return phone.Registration{}, fmt.Errorf("keep an applicant's number: %w", err)
	}
	return r, nil
}

// ConfirmPhone brings the code.
func (s *Service) ConfirmPhone(ctx context.Context, access, code secret.Secret, o identity.Origin) error {
	o = o.OrNew()
	c, err := s.editable(ctx, access, o)
	if err != nil {
		return err
	}
	if c.phone == "" {
		return fault.New(fault.NotFound, "no number waits for a code here: begin with the number")
	}
	return s.d.Phones.ConfirmRegistration(ctx, o.Stranger(""), c.phone, code)
}

// editable is held, for a case that the applicant may still change.
func (s *Service) editable(ctx context.Context, access secret.Secret, o identity.Origin) (Case, error) {
	c, _, err := s.held(ctx, access, o)
	if err != nil {
		return c, err
	}
	if !s.d.PhoneDemanded { // otherwise strangers could have codes sent that nobody needs
		return c, fault.New(fault.Conflict, "this installation demands no telephone number for a registration: send it without one").WithCode("PHONE_NOT_DEMANDED")
	}
	if c.State != Draft && c.State != Returned {
		return c, sentAlready(c)
	}
	return c, nil
}

func sentAlready(c Case) error {
	return fault.New(fault.Conflict, "this registration was sent already: it is %s", c.State).WithCode("SIGNUP_STATE")
}

// digest is what events tell of the number that a case has proved; ok is false without one.
func (s *Service) digest(ctx context.Context, c Case) (d event.PhoneDigest, ok bool, err error) {
	if s.d.Phones != nil && c.phone != "" {
		r, err := s.d.Phones.Registered(ctx, c.phone)
		if err != nil {
			return d, false, err
		}
		if r.Verified {
			d, err = s.d.Phones.RegisteredDigest(ctx, c.phone)
			return d, err == nil, err
		}
	}
	if s.d.PhoneDemanded {
		return d, false, fault.New(fault.Denied, "verify a telephone number first: this installation demands one").WithCode("PHONE_REQUIRED")
	}
	return d, false, nil
}

// carry gets the number of a case ready for its new owner.
func (s *Service) carry(ctx context.Context, c Case, org id.Org) (func(ctx context.Context, tx *db.Tx, user id.User, request id.Request) error, error) {
	nothing := func(context.Context, *db.Tx, id.User, id.Request) error { return nil }
	if s.d.Phones == nil || c.phone == "" {
		return nothing, nil
	}
	r, err := s.d.Phones.Registered(ctx, c.phone)
	if err != nil || !r.Verified {
		return nothing, err
	}
	return s.d.Phones.CarryOver(ctx, org, c.phone)
}

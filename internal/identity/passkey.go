package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// NewKeyArgs says what the actor wants to enrol.
type NewKeyArgs struct {
	Name    string // empty: "security key", or "passkey"
	Passkey bool   // it has to be able to sign in by itself
}

// BeginWebAuthn asks the actor's authenticator for a new credential. It counts
// once ConfirmWebAuthn, called in the same web session, has seen it.
func (s *Service) BeginWebAuthn(ctx context.Context, actor authz.Actor, a NewKeyArgs) (mfa.Ceremony, error) {
	if a.Name == "" {
		a.Name = "security key"
		if a.Passkey {
			a.Name = "passkey"
		}
	}
	name, err := ParseName(a.Name)
	if err != nil {
		return mfa.Ceremony{}, err
	}
	if err := s.mayEnrol(actor); err != nil {
		return mfa.Ceremony{}, s.keyRefused(ctx, actor, err)
	}
	me, err := s.ByID(ctx, actor.User)
	if err != nil {
		return mfa.Ceremony{}, err
	}
	c, err := s.d.MFA.BeginWebAuthn(ctx, mfa.NewKey{User: actor.User, WebSession: actor.WebSession, Account: me.Email, Display: me.Name, Name: name, Passkey: a.Passkey, Replaces: replaces(actor)})
	if err != nil {
		return mfa.Ceremony{}, s.keyRefused(ctx, actor, err)
	}
	return c, nil
}

// keyRefused records the refusal of an enrolment; what is no refusal is given back as it is.
func (s *Service) keyRefused(ctx context.Context, actor authz.Actor, err error) error {
	var why event.MFAFactorEnrolledReason
	switch code := fault.CodeOf(err); {
	case stale(err):
		why = event.MFAFactorEnrolledMFARequired
	case code == "FACTOR_LIMIT":
		why = event.MFAFactorEnrolledFactorLimit
	case code == "CREDENTIAL_EXISTS":
		why = event.MFAFactorEnrolledRegistered
	case fault.Is(err, fault.Denied):
		why = event.MFAFactorEnrolledNotPermitted
	default:
		return err
	}
	sc := scope(actor, "")
	return s.refused(ctx, actor, err, event.NewMFAFactorEnrolled(sc.Act, sc.Target, actor.User, "", event.FactorKindWebAuthn, false).Denied(why))
}

// EnrolledKey is a security key or passkey that counts now.
type EnrolledKey struct {
	Factor id.Factor
	Codes  []secret.Secret // backup codes, with the person's first factor; shown once
}

// ConfirmWebAuthn enrols what the authenticator made. A first factor brings backup
// codes and a full session, as with ConfirmTOTP.
func (s *Service) ConfirmWebAuthn(ctx context.Context, actor authz.Actor, handle secret.Secret, response []byte) (EnrolledKey, error) {
	if err := s.mayEnrol(actor); err != nil {
		return EnrolledKey{}, s.keyRefused(ctx, actor, err)
	}
	a, err := s.d.MFA.WeighAttestation(ctx, actor.User, actor.WebSession, handle, response)
	if err != nil {
		return EnrolledKey{}, err
	}
	a.Replaces = replaces(actor)
	out, err := s.enrol(ctx, actor, func(ctx context.Context, tx *db.Tx, sc mfa.Scope) (mfa.Enrolment, error) {
		return s.d.MFA.EnrolWebAuthn(ctx, tx, sc, a)
	})
	switch {
	case db.Unique(err):
		return EnrolledKey{}, s.keyRefused(ctx, actor, fault.New(fault.Conflict, "this security key or passkey is enrolled already").WithCode("CREDENTIAL_EXISTS"))
	case fault.CodeOf(err) == "FACTOR_LIMIT":
		return EnrolledKey{}, s.keyRefused(ctx, actor, err)
	case err != nil:
		return EnrolledKey{}, fmt.Errorf("enrol a security key: %w", err)
	case !out.OK:
		return EnrolledKey{}, fault.New(fault.Invalid, "what the authenticator answered does not hold: begin again, at the address of this installation").
			WithCode("BAD_ASSERTION").WithField("credential", "must be the answer to the question that was asked")
	}
	return EnrolledKey{Factor: out.Factor, Codes: out.Codes}, nil
}

// BeginPasskey asks whoever is there to sign in with a passkey. The question is
// the same for everybody.
func (s *Service) BeginPasskey(ctx context.Context, from Origin) (mfa.Ceremony, error) {
	if err := s.admit(ctx, from.OrNew(), "", event.SignInMethodPasskey); err != nil {
		return mfa.Ceremony{}, err
	}
	return s.d.MFA.BeginPasskey(ctx)
}

// CompletePasskeyArgs answers BeginPasskey.
type CompletePasskeyArgs struct {
	Handle    secret.Secret // Ceremony.Handle
	Assertion []byte        // the authenticator's answer, as JSON
	From      Origin
}

// CompletePasskey opens a web session for the person whose passkey has answered.
// The passkey and the PIN or finger that it asked for are both factors. Errors
// are those of SignIn.
func (s *Service) CompletePasskey(ctx context.Context, a CompletePasskeyArgs) (Session, error) {
	a.From = a.From.OrNew()
	if err := s.admit(ctx, a.From, "", event.SignInMethodPasskey); err != nil {
		return Session{}, err
	}
	claim, err := s.d.MFA.WeighPasskey(ctx, a.Handle, a.Assertion)
	if err != nil {
		return Session{}, err
	}
	try := attempt{o: a.From, method: event.SignInMethodPasskey}
	if claim.User != "" {
		if try.who, err = s.accountOf(ctx, claim.User); err != nil {
			return Session{}, err
		}
		try.claimed = try.who.Handle
	}
	var out Session
	var ok bool
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, ok = Session{}, false
		first, err := s.d.MFA.Spend(ctx, tx, claim)
		if err != nil {
			return err
		}
		st, held, err := s.firstFactor(ctx, tx, try, first && claim.Holds())
		if err != nil {
			return err
		}
		if !held {
			return s.flagClone(ctx, tx, try, claim)
		}
		if ok, err = s.settlePasskey(ctx, tx, try, st, claim); err != nil || !ok {
			return err
		}
		out, err = s.openSession(ctx, tx, claim.User, a.From, false)
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("sign in with a passkey: %w", err)
	}
	if !ok {
		return Session{}, authFailed()
	}
	return out, nil
}

// settlePasskey is the second factor of a sign-in that had both at once.
func (s *Service) settlePasskey(ctx context.Context, tx *db.Tx, try attempt, st standing, claim mfa.Claim) (bool, error) {
	home := st.home()
	yes := scope(st.actor(try.who.Profile, home, try.o), home.Name)
	no := mfa.Scope{Act: event.By(try.o.Stranger(home.Org), event.User), Target: yes.Target}
	if _, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignInSucceeded(no.Act, no.Target, claim.User, try.method, try.o.door(), true)); err != nil {
		return false, err
	}
	d := mfa.Demand{User: claim.User, Purpose: mfa.SignIn, Org: home.Org, Only: mfa.WebAuthn}
	v, err := s.d.MFA.Answer(ctx, tx, yes, no, d, claim.Attempt, false)
	if err != nil {
		return false, err
	}
	if v.OK {
		return true, s.forgive(ctx, tx, claim.User)
	}
	if err := s.CountFailure(ctx, tx, try.o); err != nil {
		return false, err
	}
	_, err = s.strike(ctx, tx, try.o, claim.User, home)
	return false, err
}

// flagClone raises the incident of a passkey that exists twice. No challenge was
// stored for it whose failure could tell, so a demand is, and fails.
func (s *Service) flagClone(ctx context.Context, tx *db.Tx, try attempt, claim mfa.Claim) error {
	if !claim.Regressed() {
		return nil
	}
	st, err := s.standing(ctx, tx, claim.User)
	if err != nil {
		return err
	}
	home := st.home()
	no := mfa.Scope{Act: event.By(try.o.Stranger(home.Org), event.User), Target: tenant(home.Org, home.Name)}
	_, err = s.d.MFA.Answer(ctx, tx, no, no, mfa.Demand{User: claim.User, Purpose: mfa.SignIn, Org: home.Org, Only: mfa.WebAuthn}, claim.Attempt, false)
	return err
}

// accountOf is a person as sign-in sees them, by their id.
func (s *Service) accountOf(ctx context.Context, user id.User) (*account, error) {
	p, err := s.ByID(ctx, user)
	if err != nil {
		return nil, err
	}
	return s.account(ctx, p.Handle)
}

package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func self(actor authz.Actor) authz.Object {
	return authz.Object{Type: authz.SelfObject, ID: string(actor.User), Owner: actor.User}
}

// maySelf tells whether the actor may change how they sign in: in person, and
// with a second factor that was proved lately.
func (s *Service) maySelf(actor authz.Actor) error {
	if err := authz.Check(actor, authz.SelfManage, self(actor)); err != nil {
		return err
	}
	return authz.Fresh(actor, authz.SelfManage, s.d.Now())
}

// refusedAct records the refusal of an act whose own event tells of success only.
func (s *Service) refusedAct(ctx context.Context, actor authz.Actor, why error, act event.RefusedAct) error {
	reason := event.AuthActRefusedNotPermitted
	if stale(why) {
		reason = event.AuthActRefusedMFARequired
	}
	sc := scope(actor, "")
	return s.refused(ctx, actor, why, event.NewAuthActRefused(sc.Act, sc.Target, reason, act))
}

func stale(err error) bool { return fault.CodeOf(err) == "STEP_UP_REQUIRED" }

// mayEnrol is maySelf, but for a first factor, which a password is enough to enrol.
func (s *Service) mayEnrol(actor authz.Actor) error {
	if actor.Kind == authz.Enrolling {
		return authz.Check(actor, authz.SelfEnrol, self(actor))
	}
	return s.maySelf(actor)
}

// replaces tells whether a factor that the actor enrols is the only one afterwards: they
// have none, or the session is that of a recovery.
func replaces(actor authz.Actor) bool { return actor.Kind == authz.Enrolling }

// BeginTOTP makes a new TOTP secret for the actor. It counts once ConfirmTOTP
// has seen a code of it.
func (s *Service) BeginTOTP(ctx context.Context, actor authz.Actor, name string) (mfa.Pending, error) {
	if name == "" {
		name = "authenticator"
	}
	name, err := ParseName(name)
	if err != nil {
		return mfa.Pending{}, err
	}
	p := mfa.Pending{}
	if err = s.mayEnrol(actor); err == nil {
		p, err = s.d.MFA.Begin(ctx, actor.User, actor.Email, name, replaces(actor))
	}
	why, refused := event.MFAFactorEnrolledNotPermitted, fault.Is(err, fault.Denied)
	switch {
	case stale(err):
		why = event.MFAFactorEnrolledMFARequired
	case fault.CodeOf(err) == "FACTOR_LIMIT":
		why, refused = event.MFAFactorEnrolledFactorLimit, true
	}
	if refused {
		sc := scope(actor, "")
		return p, s.refused(ctx, actor, err, event.NewMFAFactorEnrolled(sc.Act, sc.Target, actor.User, "", event.FactorKindTOTP, false).Denied(why))
	}
	return p, err
}

// ConfirmTOTP enrols a factor by its first code. The person's first factor brings
// backup codes, shown once, and turns the session that could only enrol into a
// full one.
func (s *Service) ConfirmTOTP(ctx context.Context, actor authz.Actor, factor id.Factor, code secret.Secret) ([]secret.Secret, error) {
	if err := s.mayEnrol(actor); err != nil {
		sc := scope(actor, "")
		why := event.MFAFactorEnrolledNotPermitted
		if stale(err) {
			why = event.MFAFactorEnrolledMFARequired
		}
		return nil, s.refused(ctx, actor, err, event.NewMFAFactorEnrolled(sc.Act, sc.Target, actor.User, factor, event.FactorKindTOTP, false).Denied(why))
	}
	c, err := s.d.MFA.WeighFirst(ctx, actor.User, factor, code)
	if err != nil {
		return nil, err
	}
	c.Replaces = replaces(actor)
	out, err := s.enrol(ctx, actor, func(ctx context.Context, tx *db.Tx, sc mfa.Scope) (mfa.Enrolment, error) {
		return s.d.MFA.Enrol(ctx, tx, sc, c)
	})
	if fault.CodeOf(err) == "FACTOR_LIMIT" {
		sc := scope(actor, "")
		return nil, s.refused(ctx, actor, err, event.NewMFAFactorEnrolled(sc.Act, sc.Target, actor.User, factor, event.FactorKindTOTP, false).Denied(event.MFAFactorEnrolledFactorLimit))
	}
	if err != nil {
		return nil, fmt.Errorf("confirm a second factor: %w", err)
	}
	if !out.OK {
		return nil, fault.New(fault.Invalid, "the code is not right: wait for the next one, and check that the clock of the device is").
			WithCode("BAD_CODE").WithField("code", "must be the code that the application shows now")
	}
	return out.Codes, nil
}

// enrol makes a factor count by confirm. The person's first factor turns the
// session that could only enrol into a full one.
func (s *Service) enrol(ctx context.Context, actor authz.Actor, confirm func(context.Context, *db.Tx, mfa.Scope) (mfa.Enrolment, error)) (mfa.Enrolment, error) {
	var out mfa.Enrolment
	recovery, err := s.begun(ctx, actor)
	if err != nil {
		return out, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = mfa.Enrolment{}
		enrolled, err := s.d.MFA.Enrolled(ctx, tx, actor.User)
		if err != nil {
			return err
		}
		if enrolled && actor.Kind == authz.Enrolling && recovery == nil { // they have one since: this session is worth nothing now
			return fault.New(fault.Conflict, "a second factor was enrolled meanwhile: sign in again with it")
		}
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		if out, err = confirm(ctx, tx, sc); err != nil || !out.OK || actor.Kind != authz.Enrolling {
			return err
		}
		if recovery != nil {
			out, err = s.recovered(ctx, tx, sc, actor, recovery, out)
			return err
		}
		n, err := identitysql.New(tx).CompleteWebSession(ctx, identitysql.CompleteWebSessionParams{
			Now: s.now(), ExpiresAt: db.Micros(s.d.Now().Add(s.d.Limits.Absolute)), ID: string(actor.WebSession), PersonID: string(actor.User)})
		if err == nil && n == 0 {
			err = badBearer()
		}
		return err
	})
	return out, err
}

// Factors lists the actor's second factors.
func (s *Service) Factors(ctx context.Context, actor authz.Actor) (mfa.Status, error) {
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return mfa.Status{}, err
	}
	var out mfa.Status
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.d.MFA.Status(ctx, tx, actor.User)
		return err
	})
	return out, err
}

// RemoveFactor takes one of the actor's factors away; the last one stays. It ends
// all web sessions, tokens and certificates of the person, this session included:
// whoever is still there has to prove what is left.
func (s *Service) RemoveFactor(ctx context.Context, actor authz.Actor, factor id.Factor) error {
	sc := scope(actor, "")
	kind, err := s.kindOf(ctx, actor, factor)
	if err != nil {
		return err
	}
	denied := func(err error, why event.MFAFactorRemovedReason) error {
		return s.refused(ctx, actor, err, event.NewMFAFactorRemoved(sc.Act, sc.Target, actor.User, factor, kind, false, 0).Denied(why))
	}
	if err := s.maySelf(actor); err != nil {
		if stale(err) {
			return denied(err, event.MFAFactorRemovedMFARequired)
		}
		return denied(err, event.MFAFactorRemovedNotPermitted)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		sessions, err := s.endSessions(ctx, tx, actor.User, "", "factor_removed")
		if err != nil {
			return err
		}
		cause, err := s.d.MFA.Remove(ctx, tx, sc, actor.User, factor, sessions)
		if err != nil {
			return err
		}
		tokens, err := s.endRest(ctx, tx, sc.Act, actor.User)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewMFASessionsInvalidated(
			sc.Act, sc.Target, actor.User, event.InvalidationCauseFactorRemoved, sessions, tokens, cause))
		return err
	})
	if errors.Is(err, mfa.ErrLastFactor) {
		return denied(err, event.MFAFactorRemovedLastFactor)
	}
	if err != nil {
		return fmt.Errorf("remove a second factor: %w", err)
	}
	return nil
}

// Invalidate ends all that lets a person in but their password and keys: web
// sessions and API tokens everywhere, certificates, and within two seconds what
// they have launched. Whoever changes somebody's factors calls it in that
// transaction, and records MFA_SESSIONS_INVALIDATED with what it ended. why is told
// on the web sessions only.
func (s *Service) Invalidate(ctx context.Context, tx *db.Tx, act event.Act, user id.User, why event.InvalidationCause) (sessions, tokens int, err error) {
	if sessions, err = s.endSessions(ctx, tx, user, "", why.String()); err != nil {
		return 0, 0, err
	}
	tokens, err = s.endRest(ctx, tx, act, user)
	return sessions, tokens, err
}

// endRest is Invalidate but for web sessions.
func (s *Service) endRest(ctx context.Context, tx *db.Tx, act event.Act, user id.User) (tokens int, err error) {
	if tokens, err = s.endTokens(ctx, tx, act, user, "", true, event.APITokenRevokedRevokedByOwner); err != nil {
		return 0, err
	}
	if err := s.revokeCertificates(ctx, tx, user); err != nil {
		return 0, err
	}
	if err := identitysql.New(tx).VoidPerson(ctx, identitysql.VoidPersonParams{Now: s.now(), ID: string(user)}); err != nil {
		return 0, fmt.Errorf("end what %s has launched: %w", user, err)
	}
	return tokens, nil
}

// kindOf is what a factor of the actor is; one that they do not have is told as an authenticator app.
func (s *Service) kindOf(ctx context.Context, actor authz.Actor, factor id.Factor) (event.FactorKind, error) {
	kind := event.FactorKindTOTP
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		st, err := s.d.MFA.Status(ctx, tx, actor.User)
		for _, f := range st.Factors {
			if f.ID == factor && f.Kind == mfa.WebAuthn {
				kind = event.FactorKindWebAuthn
			}
		}
		return err
	})
	return kind, err
}

// RenameFactor gives one of the actor's factors another label.
func (s *Service) RenameFactor(ctx context.Context, actor authz.Actor, factor id.Factor, name string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		return s.refusedAct(ctx, actor, err, event.RefusedActFactorRename)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		return s.d.MFA.Rename(ctx, tx, sc, actor.User, factor, name)
	})
	if err != nil {
		return fmt.Errorf("rename a second factor: %w", err)
	}
	return nil
}

// RegenerateCodes replaces the actor's backup codes; the new ones are shown once.
func (s *Service) RegenerateCodes(ctx context.Context, actor authz.Actor) ([]secret.Secret, error) {
	if err := s.maySelf(actor); err != nil {
		return nil, s.refusedAct(ctx, actor, err, event.RefusedActBackupCodes)
	}
	var out []secret.Secret
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		out, err = s.d.MFA.Regenerate(ctx, tx, sc, actor.User)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("replace backup codes: %w", err)
	}
	return out, nil
}

// StepUpArgs says why a signed-in person is asked for a second factor again.
type StepUpArgs struct {
	Safe id.Safe // whose policy asks; empty: a change of how one signs in
}

// StepUp asks the actor for a second factor. Answer with CompleteStepUp, in the
// same web session.
func (s *Service) StepUp(ctx context.Context, actor authz.Actor, a StepUpArgs) (mfa.Challenge, error) {
	if err := s.mayStepUp(ctx, actor); err != nil {
		return mfa.Challenge{}, err
	}
	purpose := mfa.Sensitive
	if a.Safe != "" {
		purpose = mfa.StepUp
	}
	var out mfa.Challenge
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		out, err = s.d.MFA.Challenge(ctx, tx, sc, mfa.Demand{User: actor.User, Purpose: purpose, Org: actor.Org, Safe: a.Safe, WebSession: actor.WebSession})
		return err
	})
	if err != nil {
		return mfa.Challenge{}, fmt.Errorf("ask for a second factor: %w", err)
	}
	return out, nil
}

func (s *Service) mayStepUp(ctx context.Context, actor authz.Actor) error {
	if err := authz.Check(actor, authz.SelfStepUp, self(actor)); err != nil {
		return s.refusedAct(ctx, actor, err, event.RefusedActStepUp)
	}
	if actor.WebSession == "" {
		return fault.New(fault.Denied, "a second factor is proved in a web session: sign in with it")
	}
	return nil
}

// StepUpAnswer answers the challenge of StepUp.
type StepUpAnswer struct {
	Challenge secret.Secret // Challenge.Handle
	Method    mfa.Method    // empty: what the code looks like
	Code      secret.Secret
	Assertion []byte // instead of a code: an authenticator's answer, as JSON
}

// CompleteStepUp answers the challenge of StepUp; the web session counts as
// freshly proved from then on. A wrong answer is fault.Unauthenticated, and ten
// of them in a row, at whatever door, lock the account for new sign-ins.
func (s *Service) CompleteStepUp(ctx context.Context, actor authz.Actor, in StepUpAnswer) error {
	if err := s.mayStepUp(ctx, actor); err != nil {
		return err
	}
	f, err := s.d.MFA.Find(ctx, in.Challenge)
	if err != nil {
		return err
	}
	if f.User != actor.User || f.WebSession != actor.WebSession {
		return fault.New(fault.Unauthenticated, "this question was not asked in this web session: begin again")
	}
	a, err := s.weigh(ctx, f, in.Method, in.Code, in.Assertion)
	if err != nil {
		return err
	}
	var ok bool
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		if ok, err = s.settleStepUp(ctx, tx, actor, sc, f, a); err != nil || !ok {
			return err
		}
		n, err := identitysql.New(tx).FreshenWebSession(ctx, identitysql.FreshenWebSessionParams{
			Now: s.now(), ID: string(actor.WebSession), PersonID: string(actor.User)})
		if err == nil && n == 0 {
			err = badBearer()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("prove a second factor: %w", err)
	}
	if !ok {
		return wrongCode()
	}
	return nil
}

func wrongCode() error {
	return fault.New(fault.Unauthenticated, "the code is not right, was used before, or came too late: wait for the next one and try again").WithCode("BAD_CODE")
}

func (s *Service) settleStepUp(ctx context.Context, tx *db.Tx, actor authz.Actor, sc mfa.Scope, f mfa.Found, a mfa.Attempt) (ok bool, err error) {
	locked, err := s.hold(ctx, tx, actor.User)
	if err != nil {
		return false, err
	}
	v, err := s.d.MFA.Settle(ctx, tx, sc, sc, f, a, locked)
	if err != nil || v.OK {
		return v.OK, err
	}
	o := Origin{Source: actor.Source, Via: actor.Via, Request: actor.Request}
	if err := s.CountFailure(ctx, tx, o); err != nil || locked {
		return false, err
	}
	name, err := s.orgName(ctx, tx, actor.Org)
	if err != nil {
		return false, err
	}
	_, err = s.strike(ctx, tx, o, actor.User, Membership{Org: actor.Org, Name: name})
	return false, err
}

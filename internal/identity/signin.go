package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// SignInArgs is a person's name and password.
type SignInArgs struct {
	Email    string // or handle
	Password secret.Secret
	From     Origin
}

// SignIn is where a right password leads: exactly one field is set.
type SignIn struct {
	Challenge *mfa.Challenge // a second factor is demanded; answer with CompleteMFA
	Session   *Session       // there is none: this session may only enrol one
}

// SignIn checks a password. Every failure is fault.Unauthenticated with one text;
// a source that failed too often gets fault.Exhausted.
func (s *Service) SignIn(ctx context.Context, a SignInArgs) (SignIn, error) {
	a.From = a.From.OrNew()
	if err := s.admit(ctx, a.From, a.Email, event.SignInMethodPassword); err != nil {
		return SignIn{}, err
	}
	who, match, err := s.password(ctx, a.Email, a.Password)
	if err != nil {
		return SignIn{}, err
	}
	try := attempt{o: a.From, method: event.SignInMethodPassword, claimed: a.Email, who: who}
	var out SignIn
	var refused bool
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, refused = SignIn{}, false
		st, ok, err := s.firstFactor(ctx, tx, try, match)
		if err != nil || !ok {
			refused = !ok
			return err
		}
		out, err = s.afterPassword(ctx, tx, a.From, who.Profile, st)
		return err
	})
	if err != nil {
		return SignIn{}, fmt.Errorf("sign in: %w", err)
	}
	if refused {
		return SignIn{}, authFailed()
	}
	return out, nil
}

// password looks up a login and compares the password: one hash operation,
// whoever it is.
func (s *Service) password(ctx context.Context, login string, p secret.Secret) (who *account, match bool, err error) {
	if who, err = s.account(ctx, login); err != nil {
		return nil, false, err
	}
	stored := ""
	if who != nil {
		stored = who.hash
	}
	match, stale, err := s.hash.matches(ctx, p, stored)
	if err != nil {
		return nil, false, err
	}
	if match && stale {
		s.rehash(ctx, who, p)
	}
	return who, match && !p.Empty(), nil
}

// rehash stores the same password under today's cost. It may fail: the old hash holds.
func (s *Service) rehash(ctx context.Context, who *account, p secret.Secret) {
	fresh, err := s.hash.hash(ctx, p)
	if err == nil {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := identitysql.New(tx).RehashPassword(ctx, identitysql.RehashPasswordParams{Hash: fresh, PersonID: string(who.ID), Old: who.hash})
			return err
		})
	}
	if err != nil {
		s.d.Log.WarnContext(ctx, "password not rehashed", "user_id", who.ID, "error", err)
	}
}

// firstFactor decides a first factor whose comparison gave match. When ok is
// false the failure has been counted and recorded, and must be committed.
func (s *Service) firstFactor(ctx context.Context, tx *db.Tx, a attempt, match bool) (st standing, ok bool, err error) {
	why, locked := event.AuthSignInFailedBadCredentials, false
	if a.who != nil {
		if locked, err = s.hold(ctx, tx, a.who.ID); err != nil {
			return st, false, err
		}
		switch {
		case locked:
			why = event.AuthSignInFailedLocked
		case match && !a.who.active:
			why = event.AuthSignInFailedSuspended
		case match:
			if st, err = s.standing(ctx, tx, a.who.ID); err != nil || !st.shut() {
				return st.through(""), err == nil, err
			}
			why = event.AuthSignInFailedSSORequired
		}
	}
	return st, false, s.turnAway(ctx, tx, a, locked, why)
}

func (s *Service) afterPassword(ctx context.Context, tx *db.Tx, o Origin, p Profile, st standing) (SignIn, error) {
	home := st.home()
	enrolled, err := s.d.MFA.Enrolled(ctx, tx, p.ID)
	if err != nil {
		return SignIn{}, err
	}
	sc := mfa.Scope{Act: event.By(o.Stranger(home.Org), event.User), Target: tenant(home.Org, home.Name)}
	ev := event.NewAuthSignInSucceeded(sc.Act, sc.Target, p.ID, event.SignInMethodPassword, o.door(), enrolled)
	if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
		return SignIn{}, err
	}
	if !enrolled {
		session, err := s.openSession(ctx, tx, p.ID, o, true)
		return SignIn{Session: &session}, err
	}
	c, err := s.d.MFA.Challenge(ctx, tx, sc, mfa.Demand{User: p.ID, Purpose: mfa.SignIn, Org: home.Org})
	return SignIn{Challenge: &c}, err
}

// CompleteMFAArgs answers the challenge of a sign-in.
type CompleteMFAArgs struct {
	Challenge secret.Secret // Challenge.Handle
	Method    mfa.Method    // empty: what the code looks like
	Code      secret.Secret
	Assertion []byte // instead of a code: an authenticator's answer, as JSON
	From      Origin
}

// CompleteMFA opens a web session when the code holds. Errors are those of SignIn.
func (s *Service) CompleteMFA(ctx context.Context, a CompleteMFAArgs) (Session, error) {
	a.From = a.From.OrNew()
	if err := s.Admit(ctx, a.From, ""); err != nil {
		return Session{}, err
	}
	f, err := s.d.MFA.Find(ctx, a.Challenge)
	if err == nil && f.Purpose != mfa.SignIn && f.Purpose != mfa.SSO {
		err = authFailed() // a challenge of somebody who is signed in already is answered by them
	}
	if fault.Is(err, fault.Unauthenticated) {
		try := attempt{o: a.From, method: event.SignInMethodPassword}
		if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			return s.turnAway(ctx, tx, try, false, event.AuthSignInFailedBadCredentials)
		}); err != nil {
			return Session{}, fmt.Errorf("answer a challenge: %w", err)
		}
		return Session{}, authFailed()
	}
	if err != nil {
		return Session{}, err
	}
	weighed, err := s.weigh(ctx, f, a.Method, a.Code, a.Assertion)
	if err != nil {
		return Session{}, err
	}
	var out Session
	var ok bool
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, ok = Session{}, false
		if ok, err = s.settleSignIn(ctx, tx, a.From, f, weighed); err != nil || !ok {
			return err
		}
		if out, err = s.openSession(ctx, tx, f.User, a.From, false); err == nil && f.Purpose == mfa.SSO {
			err = s.bindSession(ctx, tx, out.ID, f.Org)
		}
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("answer a challenge: %w", err)
	}
	if !ok {
		return Session{}, authFailed()
	}
	return out, nil
}

// weigh compares an answer, of whichever method, with what the person has.
func (s *Service) weigh(ctx context.Context, f mfa.Found, m mfa.Method, code secret.Secret, assertion []byte) (mfa.Attempt, error) {
	if m == mfa.WebAuthn || len(assertion) > 0 {
		return s.d.MFA.WeighAssertion(ctx, f, assertion)
	}
	return s.d.MFA.Weigh(ctx, f.User, m, code)
}

// settleSignIn decides the second factor of a sign-in, at any door. When ok is
// false the failure has been counted and recorded, and must be committed.
func (s *Service) settleSignIn(ctx context.Context, tx *db.Tx, o Origin, f mfa.Found, a mfa.Attempt) (ok bool, err error) {
	locked, err := s.hold(ctx, tx, f.User)
	if err != nil {
		return false, err
	}
	row, err := identitysql.New(tx).PersonByID(ctx, string(f.User))
	if err != nil {
		return false, fmt.Errorf("read person %s: %w", f.User, err)
	}
	st, err := s.standing(ctx, tx, f.User)
	if err != nil {
		return false, err
	}
	home, _ := st.in(string(f.Org)) // who left since the challenge signs in on the platform
	actor := st.actor(Profile{ID: f.User, Email: row.Email, Handle: row.Handle, Name: row.Name}, home, o)
	yes := scope(actor, home.Name)
	no := mfa.Scope{Act: event.By(o.Stranger(home.Org), event.User), Target: yes.Target}
	v, err := s.d.MFA.Settle(ctx, tx, yes, no, f, a, locked || row.State != "active")
	if err != nil {
		return false, err
	}
	if v.OK {
		return true, s.forgive(ctx, tx, f.User)
	}
	if err := s.CountFailure(ctx, tx, o); err != nil {
		return false, err
	}
	if !locked {
		_, err = s.strike(ctx, tx, o, f.User, home)
	}
	return false, err
}

package identity

import (
	"context"
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

// Recoveries tells which limited web sessions were opened by the grant of an MFA
// recovery: in those, a new factor takes the place of all that the person has.
type Recoveries interface {
	// Begun is the recovery of the actor's session, and nil when there is none.
	// It is called outside of transactions.
	Begun(ctx context.Context, actor authz.Actor) (Recovery, error)
}

// Recovery is a case whose grant was used.
type Recovery interface {
	// Complete closes it and tells who has to know.
	Complete(ctx context.Context, tx *db.Tx, r Recovered) error
}

// Recovered is what the end of a recovery has changed.
type Recovered struct {
	Actor    authz.Actor
	Method   event.FactorKind // the new factor
	Removed  []string         // methods that the person had
	Sessions int              // web sessions that were ended
	Tokens   int              // API tokens that were revoked
}

// begun is the recovery that an enrolment belongs to, if any.
func (s *Service) begun(ctx context.Context, actor authz.Actor) (Recovery, error) {
	if s.d.Recoveries == nil || actor.Kind != authz.Enrolling {
		return nil, nil
	}
	return s.d.Recoveries.Begun(ctx, actor)
}

// recovered lets the new factor of an enrolment take the place of what was lost,
// ends whatever the person's earlier sign-ins have opened, this session included,
// and closes the case. The codes of the enrolment are new ones.
func (s *Service) recovered(ctx context.Context, tx *db.Tx, sc mfa.Scope, actor authz.Actor, r Recovery, e mfa.Enrolment) (mfa.Enrolment, error) {
	out := Recovered{Actor: actor}
	var err error
	if e, out.Removed, err = s.d.MFA.Supersede(ctx, tx, sc, actor.User, e); err != nil {
		return e, err
	}
	st, err := s.d.MFA.Status(ctx, tx, actor.User)
	if err != nil {
		return e, err
	}
	out.Method = event.FactorKindTOTP
	if len(st.Factors) == 1 && st.Factors[0].Kind == mfa.WebAuthn {
		out.Method = event.FactorKindWebAuthn
	}
	if out.Sessions, out.Tokens, err = s.Invalidate(ctx, tx, sc.Act, actor.User, event.InvalidationCauseRecoveryCompleted); err != nil {
		return e, err
	}
	return e, r.Complete(ctx, tx, out)
}

// Standing is a person and where they belong at this moment.
type Standing struct {
	Profile
	Active       bool
	Members      []Membership // oldest first
	PlatformRole authz.PlatformRole
}

// StandingOf looks a person up, in the caller's transaction.
func (s *Service) StandingOf(ctx context.Context, tx *db.Tx, user id.User) (Standing, error) {
	row, err := identitysql.New(tx).PersonByID(ctx, string(user))
	if db.NotFound(err) {
		return Standing{}, fault.New(fault.NotFound, "no such person")
	}
	if err != nil {
		return Standing{}, fmt.Errorf("read person %s: %w", user, err)
	}
	st, err := s.standing(ctx, tx, user)
	if err != nil {
		return Standing{}, err
	}
	return Standing{Profile: Profile{ID: user, Email: row.Email, Handle: row.Handle, Name: row.Name}, Active: row.State == "active", Members: st.members, PlatformRole: st.platform}, nil
}

// FirstFactor is who has proved the first half of a sign-in, and by what.
type FirstFactor struct {
	User     id.User
	Provider id.Org // whose identity provider gave its word; empty: the password was given
}

// FirstFactorOf tells who has proved their password, by the challenge for the second
// factor that they have not answered. An organization's identity provider stands in
// for the password of somebody who has none to give, or who belongs to it alone, and
// never for an operator of the platform. Whoever shows none is turned away like
// anybody who cannot sign in, and counted.
func (s *Service) FirstFactorOf(ctx context.Context, challenge secret.Secret, o Origin) (FirstFactor, error) {
	if err := s.Admit(ctx, o, ""); err != nil {
		return FirstFactor{}, err
	}
	f, err := s.d.MFA.Find(ctx, challenge)
	ok := err == nil && (f.Purpose == mfa.SignIn || f.Purpose == mfa.SSO)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return FirstFactor{}, err
	}
	var out FirstFactor
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out = FirstFactor{User: f.User}
		a := attempt{o: o, method: event.SignInMethodPassword}
		if ok && f.Purpose == mfa.SSO {
			a.method, out.Provider = event.SignInMethodSSO, f.Org
			if ok, err = s.byWord(ctx, tx, f); err != nil {
				return err
			}
		}
		if ok {
			if ok, err = s.d.MFA.Open(ctx, tx, f); err != nil {
				return err
			}
		}
		if ok {
			return nil
		}
		return s.turnAway(ctx, tx, a, false, event.AuthSignInFailedBadCredentials)
	})
	if err != nil {
		return FirstFactor{}, fmt.Errorf("look at a challenge: %w", err)
	}
	if !ok {
		return FirstFactor{}, authFailed()
	}
	return out, nil
}

// byWord tells whether a provider's word stands in for the password of a challenge's
// person. Who could give a password gives it: a provider could claim to be anybody of
// its domain, and their factors open other organizations too.
func (s *Service) byWord(ctx context.Context, tx *db.Tx, f mfa.Found) (bool, error) {
	st, err := s.standing(ctx, tx, f.User)
	if err != nil {
		return false, err
	}
	if _, member := st.in(string(f.Org)); !member || st.platform.Valid() {
		return false, nil
	}
	if alone, err := s.Alone(ctx, tx, f.User, f.Org); err != nil || alone {
		return alone, err
	}
	hash, err := identitysql.New(tx).PasswordHash(ctx, string(f.User))
	if err != nil && !db.NotFound(err) {
		return false, fmt.Errorf("look for the password of %s: %w", f.User, err)
	}
	return hash == "" || st.shut(), nil
}

// Alone tells whether a person belongs to org and nowhere else. A membership or an
// organization that is suspended counts: it can come back.
func (s *Service) Alone(ctx context.Context, tx *db.Tx, user id.User, org id.Org) (bool, error) {
	n, err := identitysql.New(tx).CountPlacesBesides(ctx, identitysql.CountPlacesBesidesParams{UserID: string(user), OrgID: string(org)})
	if err != nil {
		return false, fmt.Errorf("count where %s belongs: %w", user, err)
	}
	return n == 0, nil
}

// OpenEnrolment opens a web session that may only enrol a second factor. It leads as
// far as the first factor does.
func (s *Service) OpenEnrolment(ctx context.Context, tx *db.Tx, by FirstFactor, o Origin) (Session, error) {
	out, err := s.openSession(ctx, tx, by.User, o, true)
	if err == nil && by.Provider != "" {
		err = s.bindSession(ctx, tx, out.ID, by.Provider)
	}
	return out, err
}

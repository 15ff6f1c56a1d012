package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
)

// through is where a sign-in leads. One through an organization's identity
// provider opens that organization and nothing else; any other opens what does
// not demand its provider.
func (st standing) through(sso id.Org) standing {
	var out standing
	for _, m := range st.members {
		if m.Org == sso || sso == "" && !m.SSORequired {
			out.members = append(out.members, m)
		}
	}
	if sso == "" {
		out.platform = st.platform
	}
	return out
}

// shut tells whether everything that a person has demands an identity provider.
func (st standing) shut() bool {
	open := st.through("")
	return len(st.members) > 0 && len(open.members) == 0 && open.platform == authz.NoPlatformRole
}

// ssoKeyLife is how long after a sign-in through the provider an SSH key opens an
// organization that demands one.
const ssoKeyLife = 12 * time.Hour

// byKey is where an SSH key leads.
func (st standing) byKey(now time.Time) standing {
	out := standing{platform: st.platform}
	for _, m := range st.members {
		if !m.SSORequired || now.Sub(m.SSOAt) < ssoKeyLife {
			out.members = append(out.members, m)
		}
	}
	return out
}

// elsewhere says why a session does not open an organization that its person belongs to.
func elsewhere(m Membership, sso id.Org) error {
	if sso == "" {
		return fault.New(fault.Denied, "%s lets its members in through its identity provider only: sign in there", m.Name).WithCode("SSO_REQUIRED")
	}
	return fault.New(fault.Denied, "this sign-in came through another organization's identity provider and is good there only: sign in again for %s", m.Name).WithCode("SSO_ELSEWHERE")
}

// SSOArgs is a person whom an organization's identity provider has proved.
type SSOArgs struct {
	User         id.User
	Org          id.Org
	SecondFactor bool // the provider asked for one, and the organization trusts it
	From         Origin
}

// SignInBySSO is SignIn with the provider's word in place of a password, in the
// caller's transaction. The provider's second factor counts only for somebody who
// belongs to its organization alone and does not operate the platform. When ok is
// false the refusal is recorded and must be committed.
func (s *Service) SignInBySSO(ctx context.Context, tx *db.Tx, a SSOArgs) (in SignIn, ok bool, err error) {
	a.From = a.From.OrNew()
	row, err := identitysql.New(tx).PersonByID(ctx, string(a.User))
	if err != nil {
		return SignIn{}, false, fmt.Errorf("read person %s: %w", a.User, err)
	}
	st, err := s.standing(ctx, tx, a.User)
	if err != nil {
		return SignIn{}, false, err
	}
	home, member := st.in(string(a.Org))
	if !member || row.State != "active" {
		why := event.AuthSignInFailedNotPermitted
		if member {
			why = event.AuthSignInFailedSuspended
		}
		return SignIn{}, false, s.ssoRefused(ctx, tx, a.From, home, a.User, why)
	}
	enrolled, err := s.d.MFA.Enrolled(ctx, tx, a.User)
	if err != nil {
		return SignIn{}, false, err
	}
	trusted := a.SecondFactor && len(st.members) == 1 && !st.platform.Valid()
	sc := mfa.Scope{Act: event.By(a.From.Stranger(home.Org), event.User), Target: tenant(home.Org, home.Name)}
	if _, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignInSucceeded(sc.Act, sc.Target, a.User, event.SignInMethodSSO, a.From.door(), enrolled && !trusted)); err != nil {
		return SignIn{}, false, err
	}
	if enrolled && !trusted {
		c, err := s.d.MFA.Challenge(ctx, tx, sc, mfa.Demand{User: a.User, Purpose: mfa.SSO, Org: home.Org})
		return SignIn{Challenge: &c}, err == nil, err
	}
	session, err := s.openSession(ctx, tx, a.User, a.From, !trusted)
	if err == nil {
		err = s.bindSession(ctx, tx, session.ID, home.Org)
	}
	return SignIn{Session: &session}, err == nil, err
}

// bindSession makes a new session good in one organization only.
func (s *Service) bindSession(ctx context.Context, tx *db.Tx, session id.WebSession, org id.Org) error {
	if err := identitysql.New(tx).BindWebSession(ctx, identitysql.BindWebSessionParams{SsoOrg: string(org), ID: string(session)}); err != nil {
		return fmt.Errorf("bind a web session to %s: %w", org, err)
	}
	return nil
}

// RefuseSSO records that somebody whom a provider proved has no place here. user
// may be empty: nobody who is known.
func (s *Service) RefuseSSO(ctx context.Context, tx *db.Tx, o Origin, org Membership, user id.User) error {
	return s.ssoRefused(ctx, tx, o, org, user, event.AuthSignInFailedNotPermitted)
}

func (s *Service) ssoRefused(ctx context.Context, tx *db.Tx, o Origin, org Membership, user id.User, why event.AuthSignInFailedReason) error {
	if err := s.CountFailure(ctx, tx, o); err != nil {
		return err
	}
	ev := event.NewAuthSignInFailed(event.By(o.Stranger(org.Org), event.User), tenant(org.Org, org.Name), why, event.SignInMethodSSO, o.door(), 1)
	if user != "" {
		ev = ev.WithSubjectUserID(user)
	}
	_, err := s.d.Ledger.Record(ctx, tx, ev)
	return err
}

// EndSSOSessions ends a person's web sessions that came through an organization's
// provider, because the provider or the organization says so, and with them what they
// launched. Where the organization demands its provider, everything that they launched
// there ends: an SSH key, too, opens it by the provider's word.
func (s *Service) EndSSOSessions(ctx context.Context, tx *db.Tx, org Membership, user id.User, request id.Request) (int, error) {
	n, err := identitysql.New(tx).EndWebSessionsThrough(ctx, identitysql.EndWebSessionsThroughParams{
		Now: s.now(), Reason: event.AuthSignedOutByProvider.String(), PersonID: string(user), SsoOrg: string(org.Org)})
	if err != nil {
		return 0, fmt.Errorf("end the web sessions of %s: %w", user, err)
	}
	if org.SSORequired {
		if _, err := identitysql.New(tx).VoidMember(ctx, identitysql.VoidMemberParams{Now: s.now(), OrgID: string(org.Org), UserID: string(user)}); err != nil {
			return 0, fmt.Errorf("end what %s has launched: %w", user, err)
		}
	}
	sc := mfa.Scope{Act: systemAct(org.Org, request), Target: tenant(org.Org, org.Name)}
	return int(n), s.signedOut(ctx, tx, sc, user, int(n), event.AuthSignedOutByProvider)
}

// SessionSSO is the organization whose provider opened a session; empty for another.
func (s *Service) SessionSSO(ctx context.Context, tx *db.Tx, session id.WebSession) (id.Org, error) {
	org, err := identitysql.New(tx).WebSessionSSO(ctx, string(session))
	if db.NotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read a web session: %w", err)
	}
	return id.Org(org), nil
}

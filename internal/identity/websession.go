package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Tokens say by their beginning what they are, so that scanners for leaked
// secrets find them and a look-up knows its table. It is part of what is hashed.
var (
	sessionToken = secret.TokenKind{Prefix: "vpws_", Use: tokenUse}
	apiToken     = secret.TokenKind{Prefix: "vpat_", Use: tokenUse}
	refreshToken = secret.TokenKind{Prefix: "vprt_", Use: tokenUse}
	deviceToken  = secret.TokenKind{Prefix: "vpdc_", Use: tokenUse}
)

const tokenUse = "vaultpam-token/v1"

const (
	touchEvery   = time.Minute // last use is kept to this precision, to spare a write for each request
	maxUserAgent = 256
)

// Session is a new web session. Token is shown once.
type Session struct {
	ID        id.WebSession
	Token     secret.Secret
	ExpiresAt time.Time // at the latest; it also ends when it is idle
	Enrolment bool      // it may only enrol a second factor

	Refresh     secret.Secret // for the next Token; empty for a session that has one only
	AccessUntil time.Time     // with Refresh: when Token ends
}

func (s *Service) openSession(ctx context.Context, tx *db.Tx, user id.User, o Origin, enrolment bool) (Session, error) {
	now := s.d.Now()
	out := Session{ID: id.New[id.WebSession](), Token: sessionToken.New(), Enrolment: enrolment}
	row := identitysql.InsertWebSessionParams{
		ID: string(out.ID), PersonID: string(user), TokenHash: sessionToken.Hash(out.Token.RevealString()),
		Kind: "full", MfaAt: db.Micros(now), SourceIp: ipText(o.Source), UserAgent: bounded(o.Source.UserAgent, maxUserAgent), Now: db.Micros(now),
	}
	life := s.d.Limits.Absolute
	if enrolment {
		row.Kind, row.MfaAt, life = "enrolment", 0, s.d.Limits.Enrolment
	}
	out.ExpiresAt = now.Add(life).UTC().Truncate(time.Microsecond)
	row.ExpiresAt = db.Micros(out.ExpiresAt)
	if err := identitysql.New(tx).InsertWebSession(ctx, row); err != nil {
		return Session{}, fmt.Errorf("store a web session: %w", err)
	}
	return out, nil
}

func ipText(src authz.Source) string {
	if !src.IP.IsValid() {
		return ""
	}
	return src.IP.Unmap().String()
}

// bounded cuts s to n bytes, at a rune's end.
func bounded(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// SignOut ends the actor's own web session.
func (s *Service) SignOut(ctx context.Context, actor authz.Actor) error {
	if actor.WebSession == "" {
		return fault.New(fault.Invalid, "there is no web session to sign out of: revoke an API token instead")
	}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		ended, err := s.endSession(ctx, tx, actor.User, actor.WebSession, event.AuthSignedOutByUser)
		if err != nil || !ended {
			return err
		}
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(sc.Act, sc.Target, actor.User, 1).Because(event.AuthSignedOutByUser))
		return err
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// endSession ends one web session of a person; false when it has ended already. Every
// end has a reason: what the session launched ends by it.
func (s *Service) endSession(ctx context.Context, tx *db.Tx, user id.User, web id.WebSession, why event.AuthSignedOutReason) (bool, error) {
	n, err := identitysql.New(tx).EndWebSession(ctx, identitysql.EndWebSessionParams{Now: s.now(), Reason: why.String(), ID: string(web), PersonID: string(user)})
	if err != nil {
		return false, fmt.Errorf("end a web session of %s: %w", user, err)
	}
	return n == 1, nil
}

// endSessions ends the web sessions of a person, but one when it is given. What
// they launched ends within two seconds, whatever why is but by_admin.
func (s *Service) endSessions(ctx context.Context, tx *db.Tx, user id.User, but id.WebSession, why string) (int, error) {
	n, err := identitysql.New(tx).EndWebSessionsOf(ctx, identitysql.EndWebSessionsOfParams{Now: s.now(), Reason: why, PersonID: string(user), But: string(but)})
	if err != nil {
		return 0, fmt.Errorf("end the web sessions of %s: %w", user, err)
	}
	return int(n), nil
}

func badBearer() error {
	return fault.New(fault.Unauthenticated, "this sign-in or API token is not known, has ended or has expired: sign in again, or use another token")
}

// ByBearer makes the actor of a request from its bearer token: a web session or
// an API token. activeOrg is an organization's id or slug; empty is the person's
// first one, and for an API token always its own. An organization that the person
// does not belong to is fault.NotFound. The actor of a session without a second
// factor is of kind authz.Enrolling.
func (s *Service) ByBearer(ctx context.Context, bearer secret.Secret, activeOrg string, o Origin) (authz.Actor, error) {
	o = o.OrNew()
	if hash, ok := sessionToken.Parse(bearer); ok {
		return s.bySession(ctx, hash, activeOrg, o)
	}
	if hash, ok := apiToken.Parse(bearer); ok {
		return s.byToken(ctx, hash, activeOrg, o)
	}
	return authz.Actor{}, badBearer()
}

func (s *Service) bySession(ctx context.Context, hash []byte, activeOrg string, o Origin) (authz.Actor, error) {
	var row identitysql.WebSessionByTokenRow
	var st standing
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if row, err = identitysql.New(tx).WebSessionByToken(ctx, hash); err != nil {
			return err
		}
		st, err = s.standing(ctx, tx, id.User(row.PersonID))
		return err
	})
	if db.NotFound(err) {
		return authz.Actor{}, badBearer()
	}
	if err != nil {
		return authz.Actor{}, fmt.Errorf("look up a web session: %w", err)
	}
	now := s.now()
	over := row.LastSeenAt <= now-s.d.Limits.Idle.Microseconds()
	if row.AccessUntil != 0 { // its token is refreshed instead
		over = row.AccessUntil <= now
	}
	if row.ExpiresAt <= now || over || (limits{row.OrgIdleUs, row.OrgAbsoluteUs}).over(row.CreatedAt, row.LastSeenAt, now) {
		return authz.Actor{}, badBearer()
	}
	all, sso := st, id.Org(row.SsoOrg)
	st = st.through(sso)
	active := st.home()
	switch {
	case activeOrg == onPlatform && st.platform.Valid():
		active = Membership{} // an operator who is also a member acts outside of their organizations
	case activeOrg != "":
		var ok bool
		if active, ok = st.in(activeOrg); !ok {
			if m, ok := all.in(activeOrg); ok {
				return authz.Actor{}, elsewhere(m, sso)
			}
			return authz.Actor{}, noSuchOrg(activeOrg)
		}
	}
	actor := st.actor(Profile{ID: id.User(row.PersonID), Email: row.Email, Handle: row.Handle, Name: row.Name}, active, o)
	actor.WebSession = id.WebSession(row.ID)
	switch {
	case row.Kind != "full":
		actor.Kind = authz.Enrolling
	case row.MfaAt != 0:
		actor.MFAAt = db.Time(row.MfaAt)
	}
	if now-row.LastSeenAt >= touchEvery.Microseconds() {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			return identitysql.New(tx).TouchWebSession(ctx, identitysql.TouchWebSessionParams{Now: now, ID: row.ID})
		})
		if err != nil {
			return authz.Actor{}, fmt.Errorf("note the use of a web session: %w", err)
		}
	}
	return actor, nil
}

// onPlatform stands in place of an organization; no organization has this slug.
const onPlatform = "platform"

func noSuchOrg(name string) error {
	return fault.New(fault.NotFound, "no organization %.64q that you belong to: name one of your memberships", name)
}

func systemAct(org id.Org, request id.Request) event.Act {
	actor := authz.SystemActor(org)
	actor.Request = request
	return event.By(actor, event.System)
}

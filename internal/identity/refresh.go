package identity

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// The token of a device's session lives for as long as an idle sign-in does; its
// refresh token brings the next pair, until the session's own end. Each refresh
// token is good once. One that comes back after its successor was given has been
// copied, by whoever: the session ends, and an incident is flagged.

const (
	refreshGrace = 30 * time.Second // two commands of one person may refresh at once
)

// refreshable gives a new session a short-lived token and a refresh token.
func (s *Service) refreshable(ctx context.Context, tx *db.Tx, in Session) (Session, error) {
	in.Refresh = refreshToken.New()
	in.AccessUntil = s.accessUntil(in.ExpiresAt)
	none := refreshToken.New() // nobody has it
	err := identitysql.New(tx).InsertRefresh(ctx, identitysql.InsertRefreshParams{
		WebSessionID: string(in.ID), TokenHash: refreshToken.Hash(in.Refresh.RevealString()), PreviousHash: refreshToken.Hash(none.RevealString()),
		AccessUntil: db.Micros(in.AccessUntil), Now: s.now()})
	if err != nil {
		return Session{}, fmt.Errorf("store a refresh token: %w", err)
	}
	return in, nil
}

func (s *Service) accessUntil(end time.Time) time.Time {
	until := s.d.Now().Add(s.d.Limits.Idle).UTC().Truncate(time.Microsecond)
	if until.After(end) {
		return end
	}
	return until
}

// Refresh changes a refresh token for the next pair of tokens of its session. The
// code of the fault is REFRESHED_MEANWHILE when another command of the same person
// was faster a moment ago; any other is as for a token that nobody knows.
func (s *Service) Refresh(ctx context.Context, token secret.Secret, from Origin) (Session, error) {
	hash, ok := refreshToken.Parse(token)
	if !ok {
		return Session{}, badBearer()
	}
	from = from.OrNew()
	var out Session
	var meanwhile bool
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, meanwhile = Session{}, false
		row, err := identitysql.New(tx).RefreshByToken(ctx, hash)
		if err != nil {
			return err
		}
		if row.EndedAt != 0 || row.ExpiresAt <= s.now() || row.State != "active" ||
			(limits{row.OrgIdleUs, row.OrgAbsoluteUs}).over(row.CreatedAt, row.LastSeenAt, s.now()) {
			return nil // what is over is not begun again, also before the sweep has ended it
		}
		if !bytes.Equal(row.TokenHash, hash) {
			if meanwhile = s.now()-row.RotatedAt <= refreshGrace.Microseconds(); meanwhile {
				return nil
			}
			return s.copied(ctx, tx, id.User(row.PersonID), id.WebSession(row.WebSessionID), from)
		}
		next := Session{ID: id.WebSession(row.WebSessionID), Token: sessionToken.New(), Refresh: refreshToken.New(), ExpiresAt: db.Time(row.ExpiresAt)}
		next.AccessUntil = s.accessUntil(next.ExpiresAt)
		if ok, err := s.rotate(ctx, tx, next, hash); err != nil || !ok {
			meanwhile = !ok
			return err
		}
		out = next
		return nil
	})
	switch {
	case db.NotFound(err):
		return Session{}, badBearer()
	case err != nil:
		return Session{}, fmt.Errorf("refresh a sign-in: %w", err)
	case meanwhile:
		return Session{}, fault.New(fault.Conflict, "this sign-in was refreshed a moment ago by another command: use what that one was given").WithCode("REFRESHED_MEANWHILE")
	case out.Token.Empty():
		return Session{}, badBearer()
	}
	return out, nil
}

func (s *Service) rotate(ctx context.Context, tx *db.Tx, next Session, old []byte) (bool, error) {
	q := identitysql.New(tx)
	n, err := q.RotateRefresh(ctx, identitysql.RotateRefreshParams{
		TokenHash: refreshToken.Hash(next.Refresh.RevealString()), PreviousHash: old, AccessUntil: db.Micros(next.AccessUntil), Now: s.now(), WebSessionID: string(next.ID)})
	if err != nil || n == 0 {
		return false, err
	}
	n, err = q.RotateWebSession(ctx, identitysql.RotateWebSessionParams{TokenHash: sessionToken.Hash(next.Token.RevealString()), Now: s.now(), ID: string(next.ID)})
	return n == 1, err
}

// copied ends a session whose refresh token was used twice.
func (s *Service) copied(ctx context.Context, tx *db.Tx, user id.User, web id.WebSession, from Origin) error {
	ended, err := s.endSession(ctx, tx, user, web, event.AuthSignedOutCopied)
	if err != nil || !ended {
		return err
	}
	st, err := s.standing(ctx, tx, user)
	if err != nil {
		return err
	}
	home := st.home()
	system := authz.SystemActor(home.Org)
	system.Request = from.Request
	act := event.By(system, event.System).InWebSession(web)
	told, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(act, tenant(home.Org, home.Name), user, 1).Because(event.AuthSignedOutCopied))
	if err != nil {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewSecurityIncidentFlagged(act, tenant(home.Org, home.Name), id.New[id.Incident](), "refresh_token_reuse", "web_session",
		[]id.Event{told}, event.AutomaticActionTokenRevoked).WithObjectID(event.AnyID(web)))
	return err
}

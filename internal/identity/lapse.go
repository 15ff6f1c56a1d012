package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

// limits are what an organization of a person has set for web sessions: the strictest of
// all of theirs, in microseconds; 0 is none. They count beside those of the installation.
type limits struct{ idle, absolute int64 }

// over tells whether a web session is past them.
func (l limits) over(createdAt, lastSeenAt, now int64) bool {
	return l.idle > 0 && lastSeenAt <= now-l.idle || l.absolute > 0 && createdAt <= now-l.absolute
}

// lapsed is a web session whose time is over.
type lapsed struct {
	id   id.WebSession
	user id.User
	why  event.AuthSignedOutReason
}

// lapseSessions ends web sessions that are past a limit of the installation, a batch at
// a time.
func (s *Service) lapseSessions(ctx context.Context) (more bool, err error) {
	var due []lapsed
	now := s.now()
	idleSince := now - s.d.Limits.Idle.Microseconds()
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := identitysql.New(tx).LapsedWebSessions(ctx, identitysql.LapsedWebSessionsParams{Now: now, IdleSince: idleSince})
		due = make([]lapsed, len(rows))
		for i, r := range rows {
			due[i] = lapsed{id.WebSession(r.ID), id.User(r.PersonID), event.AuthSignedOutIdle}
			if r.ExpiresAt <= now {
				due[i].why = event.AuthSignedOutExpired
			}
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list lapsed web sessions: %w", err)
	}
	return s.endLapsed(ctx, due, func(ctx context.Context, tx *db.Tx, l lapsed) (bool, error) {
		n, err := identitysql.New(tx).LapseWebSession(ctx, identitysql.LapseWebSessionParams{Now: now, Reason: l.why.String(), ID: string(l.id), IdleSince: idleSince})
		return n == 1, err
	})
}

// lapseOverstayed ends those that are past a limit of an organization.
func (s *Service) lapseOverstayed(ctx context.Context) (more bool, err error) {
	var due []lapsed
	now := s.now()
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := identitysql.New(tx).OverstayedWebSessions(ctx, now)
		due = make([]lapsed, len(rows))
		for i, r := range rows {
			due[i] = lapsed{id.WebSession(r.ID), id.User(r.PersonID), event.AuthSignedOutExpired}
			if r.Idle != 0 {
				due[i].why = event.AuthSignedOutIdle
			}
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list overstayed web sessions: %w", err)
	}
	return s.endLapsed(ctx, due, func(ctx context.Context, tx *db.Tx, l lapsed) (bool, error) {
		return s.endSession(ctx, tx, l.user, l.id, l.why)
	})
}

// endLapsed ends a batch, each one with its event.
func (s *Service) endLapsed(ctx context.Context, due []lapsed, end func(context.Context, *db.Tx, lapsed) (bool, error)) (more bool, err error) {
	request := id.New[id.Request]()
	for _, l := range due {
		err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			ended, err := end(ctx, tx, l)
			if err != nil || !ended {
				return err
			}
			st, err := s.standing(ctx, tx, l.user)
			if err != nil {
				return err
			}
			home := st.home()
			act := systemAct(home.Org, request).InWebSession(l.id)
			_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(act, tenant(home.Org, home.Name), l.user, 1).Because(l.why))
			return err
		})
		if err != nil {
			return false, fmt.Errorf("end a web session whose time is over: %w", err)
		}
	}
	return len(due) == 100, nil
}

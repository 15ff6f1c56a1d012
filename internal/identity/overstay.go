package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

// overstayed tells whether a web session is past a limit that an organization of its
// person has set. Installation and organizations: the strictest counts, everywhere.
func overstayed(r identitysql.WebSessionByTokenRow, now int64) bool {
	return r.OrgIdleUs > 0 && r.LastSeenAt <= now-r.OrgIdleUs || r.OrgAbsoluteUs > 0 && r.CreatedAt <= now-r.OrgAbsoluteUs
}

// lapseOverstayed ends the web sessions that are past a limit of an organization.
func (s *Service) lapseOverstayed(ctx context.Context) (more bool, err error) {
	var due []identitysql.OverstayedWebSessionsRow
	now := s.now()
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = identitysql.New(tx).OverstayedWebSessions(ctx, now)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list overstayed web sessions: %w", err)
	}
	request := id.New[id.Request]()
	for _, r := range due {
		err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			why := event.AuthSignedOutExpired
			if r.Idle != 0 {
				why = event.AuthSignedOutIdle
			}
			n, err := identitysql.New(tx).EndWebSession(ctx, identitysql.EndWebSessionParams{Now: now, Reason: why.String(), ID: r.ID, PersonID: r.PersonID})
			if err != nil || n == 0 {
				return err
			}
			st, err := s.standing(ctx, tx, id.User(r.PersonID))
			if err != nil {
				return err
			}
			home := st.home()
			act := systemAct(home.Org, request).InWebSession(id.WebSession(r.ID))
			_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(act, tenant(home.Org, home.Name), id.User(r.PersonID), 1).Because(why))
			return err
		})
		if err != nil {
			return false, fmt.Errorf("end an overstayed web session: %w", err)
		}
	}
	return len(due) == 100, nil
}

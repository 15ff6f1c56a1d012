package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// personStanding is what an organization still thinks of a person, or of the API
// token that acts for them. It is read from the rows of other domains in one
// statement, because the clock asks it at each tick for every live session.
type personStanding struct {
	handle, email           string
	personActive, orgActive bool
	role                    authz.Role
	token                   bool // whether there is one; the rest is about it
	tokenEnded, tokenExpiry int64
	scopes                  []string
	void                    int64  // what was launched up to this moment is over; 0: nothing
	signedOut               string // why the web session that launched it ended; empty: it has not
}

// over tells whether what was launched at a moment has ended with the sign-in that
// launched it, and whether its person ended it. A sign-in that only ran out lets
// its sessions go on: they have limits of their own.
func (p personStanding) over(launched int64) (ended, byUser bool) {
	switch p.signedOut {
	case "", "idle", "expired", "by_admin": // an administrator's order for all sign-ins is told by void, in their organization; for this one it is by_admin_here
		return p.void != 0 && launched <= p.void, false
	}
	return true, p.signedOut == "by_user"
}

// stands tells whether somebody of this standing may do anything at all.
func (p personStanding) stands(now time.Time) bool {
	if !p.personActive || !p.orgActive || p.role == authz.None {
		return false
	}
	return !p.token || p.tokenEnded == 0 && p.tokenExpiry > db.Micros(now)
}

// standing reads the standing of one actor, who launches from a web session or (empty)
// without one. Somebody unknown has none.
func (s *Service) standing(ctx context.Context, tx *db.Tx, a authz.Actor, web string) (personStanding, error) {
	row, err := sessionsql.New(tx).Standing(ctx, sessionsql.StandingParams{
		OrgID: string(tx.Org()), UserID: string(a.User), TokenID: string(a.Token), WebSessionID: web,
	})
	if db.NotFound(err) {
		return personStanding{}, nil
	}
	if err != nil {
		return personStanding{}, fmt.Errorf("read the standing of %s: %w", a.User, err)
	}
	return personStanding{
		handle: row.Handle, email: row.Email,
		personActive: row.PersonState == activeState, orgActive: row.OrgState == activeState, role: authz.Role(row.Role),
		token: a.Kind == authz.Token, tokenEnded: row.TokenEnded, tokenExpiry: row.TokenExpiry,
		scopes: strings.Fields(row.TokenScopes), void: max(row.PersonVoid, row.MemberVoid), signedOut: row.SignedOut,
	}, nil
}

// activeState is the word of a person or organization that is not suspended.
const activeState = "active"

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
}

// stands tells whether somebody of this standing may do anything at all.
func (p personStanding) stands(now time.Time) bool {
	if !p.personActive || !p.orgActive || p.role == authz.None {
		return false
	}
	return !p.token || p.tokenEnded == 0 && p.tokenExpiry > db.Micros(now)
}

// standing reads the standing of one actor. Somebody unknown has none.
func (s *Service) standing(ctx context.Context, tx *db.Tx, a authz.Actor) (personStanding, error) {
	row, err := sessionsql.New(tx).Standing(ctx, sessionsql.StandingParams{
		OrgID: string(tx.Org()), UserID: string(a.User), TokenID: string(a.Token),
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
		scopes: strings.Fields(row.TokenScopes),
	}, nil
}

// activeState is the word of a person or organization that is not suspended.
const activeState = "active"

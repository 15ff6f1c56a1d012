package mfa

import (
	"context"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
)

// Supersede lets the factor of an enrolment take the place of all others that the
// person had, and of their backup codes: new ones are in the result. It tells the
// methods that were removed, each once.
func (s *Service) Supersede(ctx context.Context, tx *db.Tx, sc Scope, user id.User, e Enrolment) (Enrolment, []string, error) {
	removed, err := s.dropBut(ctx, tx, user, e.Factor)
	if err != nil || e.Codes != nil {
		return e, removed, err
	}
	e.Codes, err = s.Regenerate(ctx, tx, sc, user)
	return e, append([]string{string(BackupCode)}, removed...), err
}

// dropBut removes all factors but one.
func (s *Service) dropBut(ctx context.Context, tx *db.Tx, user id.User, keep id.Factor) ([]string, error) {
	q := mfasql.New(tx)
	kinds, err := q.DropFactorsBut(ctx, mfasql.DropFactorsButParams{PersonID: string(user), Keep: string(keep)})
	if err != nil {
		return nil, fmt.Errorf("remove the factors of %s: %w", user, err)
	}
	n, err := q.DropCredentialsBut(ctx, mfasql.DropCredentialsButParams{PersonID: string(user), Keep: string(keep)})
	if err != nil {
		return nil, fmt.Errorf("remove the keys of %s: %w", user, err)
	}
	if n > 0 {
		kinds = append(kinds, string(WebAuthn))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}

// Open tells whether a challenge still takes an answer.
func (s *Service) Open(ctx context.Context, tx *db.Tx, f Found) (bool, error) {
	row, err := mfasql.New(tx).GetChallenge(ctx, string(f.ID))
	if err != nil {
		return false, fmt.Errorf("read the challenge: %w", err)
	}
	return row.State == "open" && row.ExpiresAt > db.Micros(s.d.Now()), nil
}

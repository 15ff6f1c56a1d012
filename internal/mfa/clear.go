package mfa

import (
	"context"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
)

// Clear takes all factors and backup codes of a person away, and says of which
// methods they were. The caller records it.
func (s *Service) Clear(ctx context.Context, tx *db.Tx, user id.User) ([]string, error) {
	q := mfasql.New(tx)
	kinds, err := q.DeleteFactorsOf(ctx, string(user))
	if err != nil {
		return nil, fmt.Errorf("remove the factors of %s: %w", user, err)
	}
	credentials, err := q.DeleteCredentialsOf(ctx, string(user))
	if err != nil {
		return nil, fmt.Errorf("remove the security keys of %s: %w", user, err)
	}
	if credentials > 0 {
		kinds = append(kinds, string(WebAuthn))
	}
	codes, err := q.VoidCodeSet(ctx, mfasql.VoidCodeSetParams{Now: db.Micros(s.d.Now()), PersonID: string(user)})
	if err != nil {
		return nil, fmt.Errorf("void the backup codes of %s: %w", user, err)
	}
	if codes > 0 {
		kinds = append(kinds, string(BackupCode))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}

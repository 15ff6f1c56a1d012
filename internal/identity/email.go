package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

// ProveEmail notes that a person has shown that they read an address: by a link
// that was mailed there, or by an identity provider that vouches for it.
func (s *Service) ProveEmail(ctx context.Context, tx *db.Tx, user id.User, email string) error {
	if err := identitysql.New(tx).ProveEmail(ctx, identitysql.ProveEmailParams{PersonID: string(user), Email: email, Now: s.now()}); err != nil {
		return fmt.Errorf("note a proved address: %w", err)
	}
	return nil
}

// EmailProved tells whether the person has ever proved this address.
func (s *Service) EmailProved(ctx context.Context, tx *db.Tx, user id.User, email string) (bool, error) {
	proved, err := identitysql.New(tx).ProvedEmail(ctx, string(user))
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a proved address: %w", err)
	}
	return proved == email, nil
}

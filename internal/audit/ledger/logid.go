package ledger

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// LogFor is the id of org's ledger, which is opened when there is none yet. What
// stands for a telephone number in a ledger is made with it.
func (l *Ledger) LogFor(ctx context.Context, tx *db.Tx, org id.Org) (id.Log, error) {
	return l.logID(ctx, tx, org)
}

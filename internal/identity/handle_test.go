package identity_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/mfa"
)

// Those who come at the same moment and would be called the same each get a handle.
func TestHandlesOfWhoComeTogether(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		const many = 4
		var all, began sync.WaitGroup
		began.Add(many)
		handles := make([]string, many)
		for n := range many {
			all.Go(func() {
				first := sync.OnceFunc(func() {
					began.Done()
					if w.DB.Engine() == db.Postgres { // the other store lets one in after the other
						began.Wait()
					}
				})
				err := w.DB.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					first()
					p, known, err := w.Identity.IntroduceByEmail(ctx, tx, mfa.Scope{}, fmt.Sprintf("nele@d%d.example", n), "Nele")
					if err == nil && known {
						return fmt.Errorf("somebody else was taken for %s", p.Email)
					}
					handles[n] = p.Handle
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		seen := map[string]bool{}
		for _, h := range handles {
			if seen[h] {
				t.Errorf("two are called %s", h)
			}
			seen[h] = true
		}
	})
}

package safe_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// A safe is bound to an account while the account is deleted: one of both happens.
func TestNoSafeWithoutItsAccount(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		for i := range 10 {
			name := fmt.Sprintf("s%d", i)
			a := w.Account(name, r.ID, "x")
			var created, deleted error
			var work sync.WaitGroup
			work.Go(func() {
				_, created = w.Safes.Create(ctx, w.Admin, safe.CreateArgs{Name: name, Resource: r.ID, Account: a.ID})
			})
			work.Go(func() { deleted = w.Accounts.Delete(ctx, w.Admin, a.ID, 0) })
			work.Wait()
			if (created == nil) == (deleted == nil) {
				t.Errorf("created: %v, deleted: %v", created, deleted)
			}
			if created != nil && !fault.Is(created, fault.Invalid) || deleted != nil && !fault.Is(deleted, fault.Conflict) {
				t.Errorf("created: %v, deleted: %v", created, deleted)
			}
		}
	})
}

// Two managers leave at once: one of them stays.
func TestTwoManagersDoNotBothLeave(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		a, b := w.Person(w.Org, "anna", authz.Operator), w.Person(w.Org, "bert", authz.Operator)
		for i := range 10 {
			s := w.Safe(fmt.Sprintf("s%d", i), nil)
			w.Member(s.ID, a, safe.Manager)
			w.Member(s.ID, b, safe.Manager)
			var work sync.WaitGroup
			for _, who := range []authz.Actor{a, b} {
				work.Go(func() {
					if err := w.Safes.RemoveMember(ctx, who, s.ID, who.User); err != nil && fault.CodeOf(err) != safe.LastManager {
						t.Error(err)
					}
				})
			}
			work.Wait()
			if l, err := w.Safes.Members(ctx, w.Admin, s.ID, page.Request{}); err != nil || len(l.Items) != 1 {
				t.Errorf("%d managers are left, %v", len(l.Items), err)
			}
		}
	})
}

func BenchmarkAccess(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := safetest.New(b, open(b))
			s := w.Safe("prod", nil)
			w.Member(s.ID, w.Operator, safe.User)
			for b.Loop() {
				err := w.DB.ReadOrg(b.Context(), w.Org, func(ctx context.Context, tx *db.Tx) error {
					_, err := w.Safes.Access(ctx, tx, w.Org, w.Operator.User, s.ID)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package group_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// More people than one statement writes, more groups than a page shows. How long ten
// thousand take is measured in bench/.
func TestLargeGroups(t *testing.T) {
	const people, groups = 1_101, 210
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		g := w.Group("everybody")
		users := w.Crowd(people)
		s, first := w.Safe("prod", nil), w.Operator.User
		within := func(what string, events int, f func() error) {
			t.Helper()
			w.Events()
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if n := len(w.Events()); n != events {
				t.Errorf("%s: %d events, want %d", what, n, events)
			}
		}
		within("people come", people, func() error {
			return w.DB.InOrg(ctx, w.Org, func(ctx context.Context, tx *db.Tx) error {
				return w.Groups.Push(ctx, tx, w.Admin, group.Pushed{ID: g.ID, Name: g.Name, Members: users})
			})
		})
		within("bind", people+1, func() error {
			_, err := w.Safes.AssignGroup(ctx, w.Admin, s.ID, g.ID, safe.User, time.Time{})
			return err
		})
		stronger := safe.Checkout
		within("change the role", people+1, func() error {
			_, err := w.Safes.ChangeAssignment(ctx, w.Admin, s.ID, g.ID, safe.AssignmentArgs{Role: &stronger})
			return err
		})
		within("one more member", 2, func() error {
			_, err := w.Groups.AddMembers(ctx, w.Admin, g.ID, []id.User{first})
			return err
		})
		for i := range groups {
			if _, err := w.Groups.Create(ctx, w.Admin, group.CreateArgs{Name: fmt.Sprintf("group %d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for p := (page.Request{Limit: page.Max}); ; {
			l, err := w.Groups.List(ctx, w.Admin, group.Filter{}, p)
			if err != nil {
				t.Fatal(err)
			}
			n += len(l.Items)
			if p.Cursor = l.Next; p.Cursor == "" {
				break
			}
		}
		if n != groups+1 {
			t.Errorf("%d groups are listed", n)
		}
		within("delete", people+3, func() error { return w.Groups.Delete(ctx, w.Admin, g.ID, 0) })
		w.None()
	})
}

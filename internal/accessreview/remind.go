package accessreview

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/accessreview/accessreviewsql"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

// remindAt is when the reviewers of a campaign are reminded: three days before it ends, but
// not before half of its time has passed.
func remindAt(opened, deadline time.Time) time.Time {
	return deadline.Add(-min(reminded, deadline.Sub(opened)/2))
}

// remind tells those whom campaigns still ask, once a campaign.
func (s *Service) remind(ctx context.Context) error {
	var due []accessreviewsql.AccessReview
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = accessreviewsql.New(tx).DueReminders(ctx, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("list access reviews that end soon: %w", err)
	}
	return rounds.All(ctx, due, func(c accessreviewsql.AccessReview) error {
		if err := s.remindOf(ctx, c); err != nil {
			return fmt.Errorf("remind of %s: %w", c.ID, err)
		}
		return nil
	})
}

func (s *Service) remindOf(ctx context.Context, c accessreviewsql.AccessReview) error {
	org := id.Org(c.OrgID)
	var left map[string]int
	people := map[string]accessreviewsql.PeopleRow{}
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		q := accessreviewsql.New(tx)
		rows, err := q.People(ctx, c.OrgID)
		if err != nil {
			return err
		}
		for _, p := range rows {
			people[p.UserID] = p
		}
		left, err = stillAsked(ctx, q, c, people)
		return err
	})
	if err != nil {
		return err
	}
	var letters []notify.Prepared
	for u, n := range left {
		p := people[u]
		l, err := s.d.Mail.Prepare(ctx, org, notify.Message{To: notify.Recipient{Email: p.Email, Name: p.Name}, Expires: db.Time(c.Deadline), Data: notify.ReviewEnding{
			Name: cmp.Or(p.Name, p.Handle), Review: c.Name, Rights: n, Revokes: Verdict(c.Rule) == Revoke, Path: "/access-reviews/" + c.ID, Deadline: db.Time(c.Deadline)}})
		if fault.Is(err, fault.Invalid) { // no message will ever reach this address
			s.d.Log.WarnContext(ctx, "a reviewer cannot be written to", "user_id", u, "err", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("write to reviewer %s: %w", u, err) // the next round tries again
		}
		letters = append(letters, l)
	}
	return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		n, err := accessreviewsql.New(tx).Reminded(ctx, accessreviewsql.RemindedParams{Now: s.now(), OrgID: c.OrgID, ID: c.ID})
		if err != nil || n == 0 {
			return err // another replica did it, or the campaign has ended
		}
		for _, l := range letters {
			if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// stillAsked counts what is undecided, by who can decide it: its reviewers, and where none
// of them is here any more, the administrators whose right it is not.
func stillAsked(ctx context.Context, q *accessreviewsql.Queries, c accessreviewsql.AccessReview, people map[string]accessreviewsql.PeopleRow) (map[string]int, error) {
	open, err := q.Undecided(ctx, accessreviewsql.UndecidedParams{OrgID: c.OrgID, ReviewID: c.ID})
	if err != nil {
		return nil, err
	}
	rows, err := q.ReviewersOf(ctx, accessreviewsql.ReviewersOfParams{OrgID: c.OrgID, ReviewID: c.ID})
	if err != nil {
		return nil, err
	}
	asked := map[string][]string{}
	for _, r := range rows {
		if _, here := people[r.UserID]; here {
			asked[r.ItemID] = append(asked[r.ItemID], r.UserID)
		}
	}
	admins := map[string]map[id.Group]bool{} // the groups of each
	for u, p := range people {
		if authz.Role(p.Role) == authz.Owner || authz.Role(p.Role) == authz.Admin {
			if admins[u], err = groupsOf(ctx, q, id.Org(c.OrgID), id.User(u)); err != nil {
				return nil, err
			}
		}
	}
	left := map[string]int{}
	for _, i := range open {
		for _, u := range asked[i.ID] {
			left[u]++
		}
		if len(asked[i.ID]) > 0 {
			continue
		}
		for u, groups := range admins {
			if u != i.UserID && !(Kind(i.Kind) == SafeGroup && groups[id.Group(i.GroupID)]) {
				left[u]++
			}
		}
	}
	return left, nil
}

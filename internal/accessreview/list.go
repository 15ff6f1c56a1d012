package accessreview

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/accessreview/accessreviewsql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
)

// reviewer is whose campaigns and items the actor sees: empty for all.
func reviewer(actor authz.Actor) (string, error) {
	err := check(actor, authz.ReviewList)
	if err == nil {
		return "", nil
	}
	if no := check(actor, authz.ReviewDecide); no != nil {
		return "", no
	}
	return string(actor.User), nil
}

// sees tells whether the actor sees all of a campaign, or reviews in it.
func (s *Service) sees(ctx context.Context, q *accessreviewsql.Queries, actor authz.Actor, rid id.Review) (bool, error) {
	who, err := reviewer(actor)
	if err != nil || who == "" {
		return err == nil, err
	}
	n, err := q.ReviewsAny(ctx, accessreviewsql.ReviewsAnyParams{OrgID: string(actor.Org), ReviewID: string(rid), UserID: who})
	return n > 0, err
}

// progress counts what is decided in campaigns, which are newest first and of this state, if one is given.
func progress(ctx context.Context, q *accessreviewsql.Queries, actor authz.Actor, state State, list []Campaign) error {
	if len(list) == 0 {
		return nil
	}
	at := map[string]*Campaign{}
	for i := range list {
		at[string(list[i].ID)] = &list[i]
	}
	rows, err := q.Progress(ctx, accessreviewsql.ProgressParams{UserID: string(actor.User), OrgID: string(actor.Org), Oldest: string(list[len(list)-1].ID), Newest: string(list[0].ID), State: string(state)})
	if err != nil {
		return fmt.Errorf("count what is decided: %w", err)
	}
	for _, r := range rows {
		c := at[r.ReviewID]
		if c == nil {
			continue // of others, in between
		}
		c.Progress[Result(r.Result)] = int(r.N)
		if Result(r.Result) == Undecided && c.State == Open {
			c.Mine = int(r.Mine)
		}
	}
	return nil
}

// List lists campaigns, newest first: all of them, or those in which the actor reviews.
func (s *Service) List(ctx context.Context, actor authz.Actor, state State, p page.Request) (page.List[Campaign], error) {
	none := page.List[Campaign]{}
	who, err := reviewer(actor)
	if err != nil {
		return none, err
	}
	n, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = "~"
	}
	var out []Campaign
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		out = nil
		q := accessreviewsql.New(tx)
		rows, err := q.ListReviews(ctx, accessreviewsql.ListReviewsParams{OrgID: string(actor.Org), Before: before, State: string(state), Reviewer: who, N: n})
		if err != nil {
			return fmt.Errorf("list access reviews: %w", err)
		}
		for _, r := range rows {
			c, err := campaign(r)
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return progress(ctx, q, actor, state, out)
	})
	if err != nil {
		return none, err
	}
	return page.Cut(out, n, func(c Campaign) string { return string(c.ID) }), nil
}

// Get is one campaign.
func (s *Service) Get(ctx context.Context, actor authz.Actor, rid id.Review) (c Campaign, err error) {
	if _, err := reviewer(actor); err != nil {
		return Campaign{}, err
	}
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accessreviewsql.New(tx)
		sees, err := s.sees(ctx, q, actor, rid)
		if err != nil {
			return err
		}
		row, err := q.GetReview(ctx, accessreviewsql.GetReviewParams{OrgID: string(actor.Org), ID: string(rid)})
		if db.NotFound(err) || err == nil && !sees {
			return noReview(rid)
		}
		if err != nil {
			return fmt.Errorf("read an access review: %w", err)
		}
		if c, err = campaign(row); err != nil {
			return err
		}
		one := []Campaign{c}
		err = progress(ctx, q, actor, "", one)
		c = one[0]
		return err
	})
	return c, err
}

// Items lists the rights of a campaign that the actor sees.
func (s *Service) Items(ctx context.Context, actor authz.Actor, rid id.Review, p page.Request) (page.List[Item], error) {
	none := page.List[Item]{}
	c, err := s.Get(ctx, actor, rid)
	if err != nil {
		return none, err
	}
	who, err := reviewer(actor)
	if err != nil {
		return none, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return none, err
	}
	out, err := s.items(ctx, actor.Org, rid, who, after, n)
	if err == nil {
		err = s.mark(ctx, actor, c, out)
	}
	if err != nil {
		return none, err
	}
	return page.Cut(out, n, func(i Item) string { return string(i.ID) }), nil
}

// mark tells of each right whether it is the actor's own, and whether they may decide it now.
func (s *Service) mark(ctx context.Context, actor authz.Actor, c Campaign, all []Item) error {
	open := c.State == Open && c.Deadline.After(s.d.Now()) && check(actor, authz.ReviewDecide) == nil
	manages := check(actor, authz.ReviewManage) == nil
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accessreviewsql.New(tx)
		groups, err := groupsOf(ctx, q, actor.Org, actor.User)
		if err != nil {
			return err
		}
		asked, err := q.ItemsOfReviewer(ctx, accessreviewsql.ItemsOfReviewerParams{OrgID: string(actor.Org), ReviewID: string(c.ID), UserID: string(actor.User)})
		if err != nil {
			return err
		}
		mine := map[id.ReviewItem]bool{}
		for _, i := range asked {
			mine[id.ReviewItem(i)] = true
		}
		for i := range all {
			it := &all[i]
			it.Own = own(actor, *it, groups)
			it.MayDecide = open && it.Verdict == "" && !it.Own && (manages || mine[it.ID])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tell what the reader decides: %w", err)
	}
	return nil
}

func (s *Service) items(ctx context.Context, org id.Org, rid id.Review, who, after string, n int32) ([]Item, error) {
	var out []Item
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := accessreviewsql.New(tx).ListItems(ctx, accessreviewsql.ListItemsParams{OrgID: string(org), ReviewID: string(rid), After: after, Reviewer: who, N: n})
		out = make([]Item, len(rows))
		for i, r := range rows {
			out[i] = item(r)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the rights of an access review: %w", err)
	}
	return out, nil
}

// reviewers are the handles of who is asked about each right.
func (s *Service) reviewers(ctx context.Context, org id.Org, rid id.Review) (map[string][]string, error) {
	var rows []accessreviewsql.ReviewersOfRow
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = accessreviewsql.New(tx).ReviewersOf(ctx, accessreviewsql.ReviewersOfParams{OrgID: string(org), ReviewID: string(rid)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list who is asked: %w", err)
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.ItemID] = append(out[r.ItemID], r.Handle)
	}
	return out, nil
}

// evidence is a row of an export: an item with its campaign.
type evidence struct {
	Review    id.Review     `json:"review_id"`
	Name      string        `json:"review_name"`
	State     State         `json:"review_state"`
	OpenedBy  string        `json:"opened_by"`
	OpenedAt  string        `json:"opened_at"`
	Deadline  string        `json:"deadline"`
	Reminded  string        `json:"reminded_at"`
	Ended     string        `json:"ended_at"`
	Comment   string        `json:"comment"`
	Rule      Verdict       `json:"rule"`
	ID        id.ReviewItem `json:"item_id"`
	Kind      Kind          `json:"kind"`
	Safe      id.Safe       `json:"safe_id"`
	SafeName  string        `json:"safe_name"`
	Group     id.Group      `json:"group_id"`
	GroupName string        `json:"group_name"`
	User      id.User       `json:"user_id"`
	UserName  string        `json:"user_name"`
	Role      string        `json:"role"`
	EndsAt    string        `json:"ends_at"`
	Since     string        `json:"since"`
	Keeper    string        `json:"group_source"`
	Asked     string        `json:"asked"`
	Verdict   Verdict       `json:"verdict"`
	Result    Result        `json:"result"`
	Note      string        `json:"note"`
	DecidedBy id.User       `json:"decided_by"`
	Decider   string        `json:"decider"`
	DecidedAt string        `json:"decided_at"`
	Reason    string        `json:"reason"`
	Event     id.Event      `json:"event_id"`
}

var head = []string{"review_id", "review_name", "review_state", "opened_by", "opened_at", "deadline", "reminded_at", "ended_at", "comment", "rule", "item_id", "kind", "safe_id", "safe_name", "group_id", "group_name",
	"user_id", "user_name", "role", "ends_at", "since", "group_source", "asked", "verdict", "result", "note", "decided_by", "decider", "decided_at", "reason", "event_id"}

func (e evidence) cells() []string {
	return []string{string(e.Review), e.Name, string(e.State), e.OpenedBy, e.OpenedAt, e.Deadline, e.Reminded, e.Ended, e.Comment, string(e.Rule), string(e.ID), string(e.Kind), string(e.Safe), e.SafeName, string(e.Group), e.GroupName,
		string(e.User), e.UserName, e.Role, e.EndsAt, e.Since, e.Keeper, e.Asked, string(e.Verdict), string(e.Result), e.Note, string(e.DecidedBy), e.Decider, e.DecidedAt, e.Reason, string(e.Event)}
}

// Export gives a campaign as evidence, and tells of it.
func (s *Service) Export(ctx context.Context, actor authz.Actor, rid id.Review, format event.QueueExportFormat) ([]byte, error) {
	if err := check(actor, authz.ReviewList); err != nil {
		return nil, s.refused(ctx, actor, err, event.NewAccessReviewExported(event.By(actor, actsAs(actor)), event.TenantTarget(actor.Org, ""), rid, format, 0).
			Denied(event.AccessReviewExportedNotPermitted))
	}
	c, err := s.Get(ctx, actor, rid)
	if err != nil {
		return nil, err
	}
	all, err := s.items(ctx, actor.Org, rid, "", "", maxItems)
	if err != nil {
		return nil, err
	}
	asked, err := s.reviewers(ctx, actor.Org, rid)
	if err != nil {
		return nil, err
	}
	rows := make([]evidence, len(all))
	for i, it := range all {
		decider := it.DecidedByName
		if it.Verdict != "" && it.DecidedBy == "" {
			decider = "the rule of the review"
		}
		rows[i] = evidence{c.ID, c.Name, c.State, c.CreatedByName, label.Stamp(c.CreatedAt), label.Stamp(c.Deadline), label.Stamp(c.RemindedAt), label.Stamp(c.EndedAt), c.Comment, c.Rule, it.ID, it.Kind, it.Safe, it.SafeName, it.Group, it.GroupName,
			it.User, it.UserName, it.Role, label.Stamp(it.EndsAt), label.Stamp(it.Since), it.GroupSource, strings.Join(asked[string(it.ID)], " "), it.Verdict, it.Result, it.Note, it.DecidedBy, decider, label.Stamp(it.DecidedAt), it.Reason, it.Event}
	}
	b, err := encode(rows, format)
	if err != nil {
		return nil, err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		name, err := accessreviewsql.New(tx).OrgName(ctx, string(actor.Org))
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAccessReviewExported(event.By(actor, actsAs(actor)), event.TenantTarget(actor.Org, name), rid, format, int64(len(rows))).
			WithFileSHA256(event.SHA256(sha256.Sum256(b))))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tell of the export of an access review: %w", err)
	}
	return b, nil
}

func encode(rows []evidence, format event.QueueExportFormat) ([]byte, error) {
	if format == event.QueueExportFormatJSON {
		b, err := json.MarshalIndent(struct {
			Items []evidence `json:"items"`
		}{rows}, "", "  ")
		return append(b, '\n'), err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true // RFC 4180
	w.Write(head)
	for _, r := range rows {
		cells := r.cells()
		for i := range cells {
			cells[i] = label.Inert(cells[i])
		}
		w.Write(cells)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

package accessreview

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/accessreview/accessreviewsql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// Args describe a new campaign.
type Args struct {
	Name      string
	Scope     Scope
	Reviewers []id.User // empty: the managers of each safe
	Rule      Verdict
	Deadline  time.Time
}

func (s *Service) checkArgs(a Args) error {
	n := len(a.Scope.Safes) + len(a.Scope.Groups)
	wrong := label.Note(a.Name)
	if l := len([]rune(a.Name)); wrong == "" && (l == 0 || l > 100) {
		wrong = "must have from 1 to 100 characters"
	}
	switch {
	case wrong != "":
		return fault.New(fault.Invalid, "the name %s", wrong).WithField("name", "%s", wrong)
	case a.Rule != Keep && a.Rule != Revoke:
		return fault.New(fault.Invalid, "the rule is keep or revoke").WithField("rule", "must be keep or revoke")
	case !a.Deadline.After(s.d.Now()) || a.Deadline.After(s.d.Now().Add(longest)):
		return fault.New(fault.Invalid, "the deadline must lie ahead, by at most a year").WithField("deadline", "must lie ahead, by at most a year")
	case a.Scope.All == (n > 0) || n > maxScope:
		return fault.New(fault.Invalid, "a review is about all safes and groups, or about from 1 to %d chosen ones", maxScope).WithField("scope", "must be all, or name safes or groups")
	case len(a.Reviewers) > maxNamed:
		return fault.New(fault.Invalid, "at most %d people review", maxNamed).WithField("reviewer_ids", "must be at most %d", maxNamed)
	}
	return nil
}

// Open opens a campaign over the rights as they are.
func (s *Service) Open(ctx context.Context, actor authz.Actor, a Args) (Campaign, error) {
	rid := id.New[id.Review]()
	if err := check(actor, authz.ReviewManage); err != nil {
		return Campaign{}, s.refused(ctx, actor, err, event.NewAccessReviewOpened(event.By(actor, actsAs(actor)), event.TenantTarget(actor.Org, ""), rid, a.Name, 0, a.Deadline).
			Denied(event.AccessReviewOpenedNotPermitted))
	}
	if err := s.checkArgs(a); err != nil {
		return Campaign{}, err
	}
	scope, err := json.Marshal(a.Scope)
	if err != nil {
		return Campaign{}, err
	}
	if a.Reviewers == nil {
		a.Reviewers = []id.User{}
	}
	named, err := json.Marshal(a.Reviewers)
	if err != nil {
		return Campaign{}, err
	}
	letters, err := s.letters(ctx, actor, rid, a)
	if err != nil {
		return Campaign{}, fmt.Errorf("open an access review: %w", err)
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		now, q := s.d.Now(), accessreviewsql.New(tx)
		org, err := q.HoldOrganization(ctx, string(actor.Org))
		if err != nil {
			return fmt.Errorf("hold the organization: %w", err)
		}
		all, _, err := snapshot(ctx, q, actor.Org, a)
		if err != nil {
			return err
		}
		n := len(all)
		if err := store(ctx, tx, actor.Org, rid, all); err != nil {
			return err
		}
		for u := range asked(all) {
			if l, ok := letters[u]; ok { // who became a reviewer in this moment hears nothing, and sees it
				if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
					return err
				}
			}
		}
		err = q.InsertReview(ctx, accessreviewsql.InsertReviewParams{OrgID: string(actor.Org), ID: string(rid), Name: a.Name, Scope: string(scope), Reviewers: string(named), Rule: string(a.Rule),
			CreatedBy: string(actor.User), CreatedByName: actor.Name, Now: db.Micros(now), Deadline: db.Micros(a.Deadline), RemindAt: db.Micros(remindAt(now, a.Deadline))})
		if err != nil {
			return fmt.Errorf("store an access review: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAccessReviewOpened(event.By(actor, event.OrgAdmin), event.TenantTarget(actor.Org, org), rid, a.Name, n, a.Deadline))
		return err
	})
	if err != nil {
		return Campaign{}, fmt.Errorf("open an access review: %w", err)
	}
	return s.Get(ctx, actor, rid)
}

// right is an item that is about to be stored.
type right struct {
	accessreviewsql.AccessReviewItem
	reviewers []string
}

// asked counts what each reviewer is asked about.
func asked(all []right) map[string]int {
	out := map[string]int{}
	for _, r := range all {
		for _, u := range r.reviewers {
			out[u]++
		}
	}
	return out
}

// letters tells each reviewer that the campaign opens, by the rights as they are just before.
func (s *Service) letters(ctx context.Context, actor authz.Actor, rid id.Review, a Args) (map[string]notify.Prepared, error) {
	var all []right
	var people map[string]accessreviewsql.PeopleRow
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		all, people, err = snapshot(ctx, accessreviewsql.New(tx), actor.Org, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]notify.Prepared{}
	for u, n := range asked(all) {
		p := people[u]
		l, err := s.d.Mail.Prepare(ctx, actor.Org, notify.Message{To: notify.Recipient{Email: p.Email, Name: p.Name}, Expires: a.Deadline, Data: notify.ReviewWaiting{
			Name: cmp.Or(p.Name, p.Handle), Review: a.Name, By: actor.Name, Rights: n, Revokes: a.Rule == Revoke, Path: "/access-reviews/" + string(rid), Deadline: a.Deadline}})
		if err != nil {
			s.d.Log.WarnContext(ctx, "a reviewer cannot be written to", "user_id", u, "err", err)
			continue
		}
		out[u] = l
	}
	return out, nil
}

func memberMark(rid, role string, ends int64) string {
	return rid + " " + role + " " + strconv.FormatInt(ends, 10)
}
func assignmentMark(aid string, version int64) string {
	return aid + " " + strconv.FormatInt(version, 10)
}

// snapshot takes down the rights in a scope, each with who reviews it; and who there is.
func snapshot(ctx context.Context, q *accessreviewsql.Queries, org id.Org, a Args) ([]right, map[string]accessreviewsql.PeopleRow, error) {
	if err := known(ctx, q, org, a); err != nil {
		return nil, nil, err
	}
	inSafe := func(s string) bool { return a.Scope.All || slices.Contains(a.Scope.Safes, id.Safe(s)) }
	inGroup := func(g string) bool { return a.Scope.All || slices.Contains(a.Scope.Groups, id.Group(g)) }
	var all []right
	members, err := q.MembersOfSafes(ctx, string(org))
	if err != nil {
		return nil, nil, fmt.Errorf("list the members of safes: %w", err)
	}
	for _, m := range members {
		if inSafe(m.SafeID) {
			all = append(all, right{AccessReviewItem: accessreviewsql.AccessReviewItem{Kind: string(SafeMember), SafeID: m.SafeID, SafeName: m.SafeName, UserID: m.UserID, UserName: person(m.UserName, m.UserHandle),
				Role: m.Role, EndsAt: m.EndsAt, Mark: memberMark(m.ID, m.Role, m.EndsAt), Since: m.AddedAt}})
		}
	}
	bound, err := q.GroupsOfSafes(ctx, string(org))
	if err != nil {
		return nil, nil, fmt.Errorf("list the groups of safes: %w", err)
	}
	for _, b := range bound {
		if inSafe(b.SafeID) {
			all = append(all, right{AccessReviewItem: accessreviewsql.AccessReviewItem{Kind: string(SafeGroup), SafeID: b.SafeID, SafeName: b.SafeName, GroupID: b.GroupID, GroupName: b.GroupName,
				Role: b.Role, EndsAt: b.EndsAt, Mark: assignmentMark(b.ID, b.Version), Since: b.CreatedAt, GroupSource: b.Source}})
		}
	}
	grouped, err := q.MembersOfGroups(ctx, string(org))
	if err != nil {
		return nil, nil, fmt.Errorf("list the members of groups: %w", err)
	}
	in := map[string]map[string]bool{}
	for _, m := range grouped {
		if in[m.GroupID] == nil {
			in[m.GroupID] = map[string]bool{}
		}
		in[m.GroupID][m.UserID] = true
		if inGroup(m.GroupID) {
			all = append(all, right{AccessReviewItem: accessreviewsql.AccessReviewItem{Kind: string(GroupMember), GroupID: m.GroupID, GroupName: m.GroupName, UserID: m.UserID, UserName: person(m.UserName, m.UserHandle),
				Mark: strconv.FormatInt(m.AddedAt, 10), Since: m.AddedAt, GroupSource: m.Source}})
		}
	}
	switch {
	case len(all) == 0:
		return nil, nil, fault.New(fault.Conflict, "there is no right to review in this scope").WithCode(Nothing)
	case len(all) > maxItems:
		return nil, nil, fault.New(fault.Invalid, "these are %d rights: a review has at most %d; choose safes or groups", len(all), maxItems).WithField("scope", "has too many rights")
	}
	people, err := assign(ctx, q, org, a, all, in)
	if err != nil {
		return nil, nil, err
	}
	questions := 0
	for _, r := range all {
		questions += len(r.reviewers)
	}
	if questions > maxAsked {
		return nil, nil, fault.New(fault.Invalid, "each of these %d rights would have so many reviewers that people are asked %d times: at most %d; name fewer reviewers, or choose safes or groups", len(all), questions, maxAsked).
			WithField("reviewer_ids", "ask too many people about too many rights")
	}
	return all, people, nil
}

// known tells whether all that a campaign names is there.
func known(ctx context.Context, q *accessreviewsql.Queries, org id.Org, a Args) error {
	safes, err := q.SafeIDs(ctx, string(org))
	if err != nil {
		return err
	}
	for _, s := range a.Scope.Safes {
		if !slices.Contains(safes, string(s)) {
			return fault.New(fault.Invalid, "no safe of this organization has the id %.64q", s).WithField("safe_ids", "must be safes of this organization")
		}
	}
	groups, err := q.GroupIDs(ctx, string(org))
	if err != nil {
		return err
	}
	for _, g := range a.Scope.Groups {
		if !slices.Contains(groups, string(g)) {
			return fault.New(fault.Invalid, "no group of this organization has the id %.64q", g).WithField("group_ids", "must be groups of this organization")
		}
	}
	return nil
}

// assign finds who reviews each right: never who has it; where nobody else is left, the
// administrators.
func assign(ctx context.Context, q *accessreviewsql.Queries, org id.Org, a Args, all []right, in map[string]map[string]bool) (map[string]accessreviewsql.PeopleRow, error) {
	people, err := q.People(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("list who reviews: %w", err)
	}
	active := map[string]accessreviewsql.PeopleRow{}
	var admins []string
	for _, p := range people {
		active[p.UserID] = p
		if authz.Role(p.Role) == authz.Owner || authz.Role(p.Role) == authz.Admin {
			admins = append(admins, p.UserID)
		}
	}
	var named []string
	for _, u := range a.Reviewers {
		if _, ok := active[string(u)]; !ok {
			return nil, fault.New(fault.Invalid, "no active member of this organization has the id %.64q", u).WithField("reviewer_ids", "must be active members of this organization")
		}
		if !slices.Contains(named, string(u)) {
			named = append(named, string(u))
		}
	}
	rows, err := q.ManagersOfSafes(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("list managers: %w", err)
	}
	managers := map[string][]string{}
	for _, m := range rows {
		managers[m.SafeID] = append(managers[m.SafeID], m.UserID)
	}
	for i, r := range all {
		others := func(of []string) (out []string) {
			for _, u := range of {
				_, here := active[u]
				own := u == r.UserID || Kind(r.Kind) == SafeGroup && in[r.GroupID][u]
				if here && !own {
					out = append(out, u)
				}
			}
			return out
		}
		who := named
		if len(named) == 0 {
			who = managers[r.SafeID]
		}
		if who = others(who); len(who) == 0 {
			who = others(admins)
		}
		all[i].reviewers = who
	}
	return active, nil
}

func columns(kind string, names ...string) (out []db.Column) {
	for _, n := range names {
		out = append(out, db.Column{Name: n, Kind: kind})
	}
	return out
}

var (
	itemRows = db.Bulk{Table: "access_review_item", Columns: append(columns("text", "org_id", "review_id", "id", "kind", "safe_id", "safe_name", "group_id", "group_name", "user_id", "user_name", "role",
		"mark", "group_source", "verdict", "result", "note", "reason", "decided_by", "decided_by_name", "event_id"), columns("bigint", "ends_at", "since", "decided_at")...)}
	reviewerRows = db.Bulk{Table: "access_review_reviewer", Columns: columns("text", "org_id", "review_id", "item_id", "user_id")}
)

// store keeps the rights and who reviews them.
func store(ctx context.Context, tx *db.Tx, org id.Org, rid id.Review, all []right) error {
	items, reviewers := make([][]any, len(all)), [][]any{}
	for i, r := range all {
		iid := string(id.New[id.ReviewItem]())
		items[i] = []any{string(org), string(rid), iid, r.Kind, r.SafeID, r.SafeName, r.GroupID, r.GroupName, r.UserID, r.UserName, r.Role,
			r.Mark, r.GroupSource, "", "", "", "", "", "", "", r.EndsAt, r.Since, int64(0)}
		for _, u := range r.reviewers {
			reviewers = append(reviewers, []any{string(org), string(rid), iid, u})
		}
	}
	if err := itemRows.Insert(ctx, tx, items); err != nil {
		return fmt.Errorf("store the rights: %w", err)
	}
	if err := reviewerRows.Insert(ctx, tx, reviewers); err != nil {
		return fmt.Errorf("store who reviews them: %w", err)
	}
	return nil
}

// person is somebody as reviewers tell them apart: many have one name.
func person(name, handle string) string {
	if name == "" || name == handle {
		return handle
	}
	return name + " (" + handle + ")"
}

package accessreview

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/accessreview/accessreviewsql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

func checkReason(field, reason string) error {
	wrong := label.Note(reason)
	if wrong == "" && len([]rune(reason)) > maxReason {
		wrong = fmt.Sprintf("must have at most %d characters", maxReason)
	}
	if wrong != "" {
		return fault.New(fault.Invalid, "the %s %s", field, wrong).WithField(field, "%s", wrong)
	}
	return nil
}

// stopped is a revocation that a rule of another domain forbids.
type stopped struct{ why string }

func (s *stopped) Error() string { return s.why }

// barred is somebody who may not decide any more, once the decision is to be stored.
type barred struct {
	error
	why event.AccessReviewItemDecidedReason
}

func (b *barred) Unwrap() error { return b.error }

// Decide keeps or revokes one right; a revocation acts at once.
func (s *Service) Decide(ctx context.Context, actor authz.Actor, rid id.Review, iid id.ReviewItem, v Verdict, reason string) (Item, error) {
	if err := checkReason("reason", reason); err != nil {
		return Item{}, err
	}
	if reason == "" && v == Revoke {
		return Item{}, fault.New(fault.Invalid, "say why the right is revoked").WithField("reason", "must not be empty")
	}
	if v != Keep && v != Revoke {
		return Item{}, fault.New(fault.Invalid, "a right is kept or revoked").WithField("verdict", "must be keep or revoke")
	}
	denied := event.NewAccessReviewItemDecided(event.By(actor, event.User), event.TenantTarget(actor.Org, ""), rid, iid, string(v), "refused")
	if err := check(actor, authz.ReviewDecide); err != nil {
		return Item{}, s.refused(ctx, actor, err, denied.Denied(event.AccessReviewItemDecidedNotPermitted))
	}
	var why event.AccessReviewItemDecidedReason
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		why, err = s.mayDecide(ctx, accessreviewsql.New(tx), actor, rid, iid)
		return err
	})
	if err == nil {
		why, err = event.AccessReviewItemDecidedMFARequired, authz.Fresh(actor, authz.ReviewDecide, s.d.Now())
	}
	switch {
	case fault.Is(err, fault.Denied) || fault.CodeOf(err) == NotOpen:
		return Item{}, s.refused(ctx, actor, err, denied.Denied(why))
	case err != nil:
		return Item{}, err
	}
	if err := s.decide(ctx, actor, actor.Org, rid, iid, v, reason); err != nil {
		var not *barred
		if errors.As(err, &not) {
			return Item{}, s.refused(ctx, actor, not.error, denied.Denied(not.why))
		}
		return Item{}, err
	}
	s.d.Ended()
	var out Item
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		row, err := accessreviewsql.New(tx).GetItem(ctx, accessreviewsql.GetItemParams{OrgID: string(actor.Org), ReviewID: string(rid), ID: string(iid)})
		out = item(row)
		return err
	})
	return out, err
}

// mayDecide tells whether the actor decides this item: a reviewer of it, or an
// administrator, and never about a right of their own.
func (s *Service) mayDecide(ctx context.Context, q *accessreviewsql.Queries, actor authz.Actor, rid id.Review, iid id.ReviewItem) (event.AccessReviewItemDecidedReason, error) {
	org := string(actor.Org)
	sees, err := s.sees(ctx, q, actor, rid)
	if err != nil {
		return event.AccessReviewItemDecidedNotPermitted, err
	}
	c, err := q.GetReview(ctx, accessreviewsql.GetReviewParams{OrgID: org, ID: string(rid)})
	if db.NotFound(err) {
		return event.AccessReviewItemDecidedNotPermitted, noReview(rid)
	}
	if err != nil {
		return event.AccessReviewItemDecidedNotPermitted, err
	}
	no := fault.New(fault.Denied, "you are not a reviewer of this right").WithCode("NOT_A_REVIEWER")
	it, err := q.GetItem(ctx, accessreviewsql.GetItemParams{OrgID: org, ReviewID: string(rid), ID: string(iid)})
	switch {
	case db.NotFound(err) && !sees:
		return event.AccessReviewItemDecidedNotPermitted, no
	case db.NotFound(err):
		return event.AccessReviewItemDecidedNotPermitted, fault.New(fault.NotFound, "no right %.64q in this access review", iid)
	case err != nil:
		return event.AccessReviewItemDecidedNotPermitted, err
	}
	groups, err := groupsOf(ctx, q, actor.Org, actor.User)
	if err != nil {
		return event.AccessReviewItemDecidedNotPermitted, err
	}
	if own(actor, item(it), groups) {
		return event.AccessReviewItemDecidedOwnRight, fault.New(fault.Denied, "nobody reviews a right of their own: another reviewer or administrator does").WithCode(OwnRight)
	}
	n, err := q.IsReviewer(ctx, accessreviewsql.IsReviewerParams{OrgID: org, ReviewID: string(rid), ItemID: string(iid), UserID: string(actor.User)})
	if err != nil {
		return event.AccessReviewItemDecidedNotPermitted, err
	}
	if n == 0 && check(actor, authz.ReviewManage) != nil {
		return event.AccessReviewItemDecidedNotPermitted, no
	}
	if State(c.State) != Open || c.Deadline <= s.now() {
		return event.AccessReviewItemDecidedNotOpen, errNotOpen()
	}
	return event.AccessReviewItemDecidedNotPermitted, nil
}

// own tells whether a right is the actor's, by themselves or by a group.
func own(actor authz.Actor, it Item, groups map[id.Group]bool) bool {
	return actor.Behind(it.User) || it.Kind == SafeGroup && groups[it.Group]
}

func groupsOf(ctx context.Context, q *accessreviewsql.Queries, org id.Org, user id.User) (map[id.Group]bool, error) {
	rows, err := q.GroupsOfPerson(ctx, accessreviewsql.GroupsOfPersonParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return nil, fmt.Errorf("list groups of a person: %w", err)
	}
	out := map[id.Group]bool{}
	for _, g := range rows {
		out[id.Group(g)] = true
	}
	return out, nil
}

// decide stores a verdict and does what it says, in one transaction. Where a rule stops
// the revocation, all of it is undone and the item says so. The zero actor is the rule.
func (s *Service) decide(ctx context.Context, actor authz.Actor, org id.Org, rid id.Review, iid id.ReviewItem, v Verdict, reason string) error {
	once := func(note string) error {
		return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
			return s.decideIn(ctx, tx, actor, org, rid, iid, v, reason, note)
		})
	}
	err := once("")
	var stop *stopped
	if errors.As(err, &stop) {
		err = once(stop.why)
	}
	if err != nil {
		return fmt.Errorf("decide a right in an access review: %w", err)
	}
	return nil
}

func (s *Service) decideIn(ctx context.Context, tx *db.Tx, actor authz.Actor, org id.Org, rid id.Review, iid id.ReviewItem, v Verdict, reason, note string) error {
	q := accessreviewsql.New(tx)
	name, err := q.HoldOrganization(ctx, string(org))
	if err != nil {
		return fmt.Errorf("hold the organization: %w", err)
	}
	c, err := q.GetReview(ctx, accessreviewsql.GetReviewParams{OrgID: string(org), ID: string(rid)})
	if err != nil {
		return err
	}
	byRule := actor.Kind == authz.System
	if !byRule { // asked again here: who may decide can have changed since it was asked first
		why, err := s.mayDecide(ctx, q, actor, rid, iid)
		if fault.Is(err, fault.Denied) || fault.CodeOf(err) == NotOpen {
			return &barred{err, why}
		}
		if err != nil {
			return err
		}
	}
	if State(c.State) != Open || !byRule && c.Deadline <= s.now() {
		return errNotOpen()
	}
	row, err := q.GetItem(ctx, accessreviewsql.GetItemParams{OrgID: string(org), ReviewID: string(rid), ID: string(iid)})
	if err != nil {
		return err
	}
	if row.Verdict != "" {
		return fault.New(fault.Conflict, "this right is decided already: %s", row.Verdict).WithCode(Decided)
	}
	it := item(row)
	result := Kept
	fresh, err := unchanged(ctx, q, org, row)
	switch {
	case err != nil:
		return err
	case !fresh:
		result, note = Stale, "the right has changed or ended since the review opened; nothing was done"
	case v == Revoke && note != "":
		result, note = Failed, "could not be carried out: "+note
	case v == Revoke:
		result = Revoked
		system := authz.SystemActor(org)
		system.Request = actor.Request
		if err := s.revoke(ctx, tx, system, it); err != nil {
			if fault.Is(err, fault.Denied) {
				return &stopped{fault.MessageOf(err)}
			}
			return err
		}
	}
	act, at := event.By(actor, event.User), event.TenantTarget(org, name)
	if byRule {
		act = event.By(actor, event.System)
	}
	ev := event.NewAccessReviewItemDecided(act, at, rid, iid, string(v), string(result))
	if it.User != "" {
		ev = ev.WithSubjectUserID(it.User)
	}
	if it.Group != "" {
		ev = ev.WithGroupID(it.Group)
	}
	if it.Safe != "" {
		ev = ev.WithSafeID(it.Safe)
	}
	if reason != "" {
		ev = ev.WithComment(reason)
	}
	told, err := s.d.Ledger.Record(ctx, tx, ev)
	if err != nil {
		return err
	}
	n, err := q.DecideItem(ctx, accessreviewsql.DecideItemParams{Verdict: string(v), Result: string(result), Note: note, Reason: reason, DecidedBy: string(actor.User), DecidedByName: actor.Name,
		Now: s.now(), EventID: string(told), OrgID: string(org), ReviewID: string(rid), ID: string(iid)})
	if err != nil {
		return fmt.Errorf("store a verdict: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "this right is decided already").WithCode(Decided)
	}
	return s.closeIn(ctx, tx, q, c, at)
}

func (s *Service) revoke(ctx context.Context, tx *db.Tx, actor authz.Actor, it Item) error {
	switch it.Kind {
	case SafeMember:
		return s.d.Safes.ReviewedMember(ctx, tx, actor, it.Safe, it.User)
	case SafeGroup:
		return s.d.Safes.ReviewedGroup(ctx, tx, actor, it.Safe, it.Group)
	default:
		return s.d.Groups.ReviewedMember(ctx, tx, actor, it.Group, it.User)
	}
}

// unchanged tells whether the right is still the one that the campaign took down.
func unchanged(ctx context.Context, q *accessreviewsql.Queries, org id.Org, r accessreviewsql.AccessReviewItem) (bool, error) {
	var mark string
	var err error
	switch Kind(r.Kind) {
	case SafeMember:
		var m accessreviewsql.MemberMarkRow
		m, err = q.MemberMark(ctx, accessreviewsql.MemberMarkParams{OrgID: string(org), SafeID: r.SafeID, UserID: r.UserID})
		mark = memberMark(m.ID, m.Role, m.EndsAt)
	case SafeGroup:
		var m accessreviewsql.AssignmentMarkRow
		m, err = q.AssignmentMark(ctx, accessreviewsql.AssignmentMarkParams{OrgID: string(org), SafeID: r.SafeID, GroupID: r.GroupID})
		mark = assignmentMark(m.ID, m.Version)
	default:
		var at int64
		at, err = q.GroupMark(ctx, accessreviewsql.GroupMarkParams{OrgID: string(org), GroupID: r.GroupID, UserID: r.UserID})
		mark = strconv.FormatInt(at, 10)
	}
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a right: %w", err)
	}
	return mark == r.Mark, nil
}

// closeIn closes a campaign of which nothing is left to decide.
func (s *Service) closeIn(ctx context.Context, tx *db.Tx, q *accessreviewsql.Queries, c accessreviewsql.AccessReview, at event.TenantRef) error {
	left, err := q.OpenItems(ctx, accessreviewsql.OpenItemsParams{OrgID: c.OrgID, ReviewID: c.ID})
	if err != nil || len(left) > 0 {
		return err
	}
	n, err := q.EndReview(ctx, accessreviewsql.EndReviewParams{State: string(Closed), Now: s.now(), OrgID: c.OrgID, ID: c.ID})
	if err != nil || n == 0 {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewAccessReviewClosed(event.By(authz.SystemActor(id.Org(c.OrgID)), event.System), at, id.Review(c.ID), c.Name))
	return err
}

// Cancel calls a campaign off. What was decided stays as it is.
func (s *Service) Cancel(ctx context.Context, actor authz.Actor, rid id.Review, comment string) (Campaign, error) {
	if err := checkReason("comment", comment); err != nil {
		return Campaign{}, err
	}
	if err := check(actor, authz.ReviewManage); err != nil {
		return Campaign{}, s.refused(ctx, actor, err, event.NewAccessReviewCancelled(event.By(actor, actsAs(actor)), event.TenantTarget(actor.Org, ""), rid, "").
			Denied(event.AccessReviewCancelledNotPermitted))
	}
	c, err := s.Get(ctx, actor, rid)
	if err != nil {
		return Campaign{}, err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accessreviewsql.New(tx)
		name, err := q.HoldOrganization(ctx, string(actor.Org))
		if err != nil {
			return err
		}
		n, err := q.EndReview(ctx, accessreviewsql.EndReviewParams{State: string(Cancelled), Now: s.now(), Comment: comment, OrgID: string(actor.Org), ID: string(rid)})
		if err != nil {
			return fmt.Errorf("cancel an access review: %w", err)
		}
		if n == 0 {
			return errNotOpen()
		}
		ev := event.NewAccessReviewCancelled(event.By(actor, event.OrgAdmin), event.TenantTarget(actor.Org, name), rid, c.Name)
		if comment != "" {
			ev = ev.WithComment(comment)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if fault.CodeOf(err) == NotOpen {
		return Campaign{}, s.refused(ctx, actor, err, event.NewAccessReviewCancelled(event.By(actor, event.OrgAdmin), event.TenantTarget(actor.Org, ""), rid, c.Name).
			Denied(event.AccessReviewCancelledNotOpen))
	}
	if err != nil {
		return Campaign{}, err
	}
	return s.Get(ctx, actor, rid)
}

const sweepEvery = 5 * time.Second

// Run applies the rules of campaigns whose deadline has passed and reminds reviewers, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "access reviews could not be ended, or their reviewers not reminded", s.Sweep)
}

// Sweep is one round of Run. Several replicas may run it at once: each item is decided once,
// and each campaign's reviewers are reminded once.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.end(ctx), s.remind(ctx))
}

func (s *Service) end(ctx context.Context) error {
	var due []accessreviewsql.AccessReview
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = accessreviewsql.New(tx).DueReviews(ctx, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("list access reviews that are due: %w", err)
	}
	return rounds.All(ctx, due, func(c accessreviewsql.AccessReview) error {
		if err := s.finish(ctx, c); err != nil {
			return fmt.Errorf("end access review %s: %w", c.ID, err)
		}
		return nil
	})
}

func (s *Service) finish(ctx context.Context, c accessreviewsql.AccessReview) error {
	org := id.Org(c.OrgID)
	var failed []error
	for after := ""; ; {
		var open []string
		err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
			open, err = accessreviewsql.New(tx).OpenItems(ctx, accessreviewsql.OpenItemsParams{OrgID: c.OrgID, ReviewID: c.ID, After: after})
			return err
		})
		if err != nil {
			return fmt.Errorf("list what is undecided: %w", err)
		}
		for _, i := range open {
			err := s.decide(ctx, authz.SystemActor(org), org, id.Review(c.ID), id.ReviewItem(i), Verdict(c.Rule), "")
			switch code := fault.CodeOf(err); {
			case code == NotOpen:
				return nil // it was called off, or another replica has finished it
			case code == Decided:
				err = nil // by another replica
			}
			if err != nil && ctx.Err() != nil {
				return err
			}
			if err != nil { // the next round tries again
				failed = append(failed, fmt.Errorf("decide right %s: %w", i, err))
			}
			after = i
		}
		if len(open) > 0 {
			s.d.Ended()
		}
		if len(open) < 100 {
			return errors.Join(failed...)
		}
	}
}

package accessreview_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/accessreview"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// scene is an organization with a safe: mara manages it, oscar uses it, and a group with nina is bound to it.
type scene struct {
	*safetest.World
	*accessreview.Service
	vault       safe.Safe
	team        group.Group
	mail        *notifytest.Box
	mara, oscar authz.Actor
	nina        authz.Actor
}

func each(t *testing.T, f func(t *testing.T, s *scene)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: safetest.New(t, d)}
		s.mail = notifytest.New(t, d, s.Keyring, func() time.Time { return s.Now })
		s.Service = s.replica(t)
		s.vault = s.World.Safe("web", nil)
		s.mara, s.oscar, s.nina = s.Person(s.Org, "mara", authz.Operator), s.Operator, s.Person(s.Org, "nina", authz.Operator)
		s.Member(s.vault.ID, s.mara, safe.Manager)
		s.Member(s.vault.ID, s.oscar, safe.User)
		s.team = s.Group("team", s.nina)
		s.Bind(s.vault.ID, s.team.ID, safe.User)
		s.Events()
		f(t, s)
	})
}

func (s *scene) replica(t *testing.T) *accessreview.Service {
	svc, err := accessreview.New(accessreview.Deps{DB: s.DB, Ledger: s.Ledger, Safes: s.Safes, Groups: s.Groups, Mail: s.mail, Now: func() time.Time { return s.Now }})
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

func (s *scene) opens(t *testing.T, change func(*accessreview.Args)) accessreview.Campaign {
	t.Helper()
	a := accessreview.Args{Name: "Quarter", Scope: accessreview.Scope{Safes: []id.Safe{s.vault.ID}}, Rule: accessreview.Revoke, Deadline: s.Now.Add(time.Hour)}
	if change != nil {
		change(&a)
	}
	c, err := s.Open(t.Context(), s.Admin, a)
	if err != nil {
		t.Fatal(err)
	}
	s.One(event.ACCESS_REVIEW_OPENED, event.Success, "", event.OrgAdmin)
	return c
}

// rights are the items that somebody sees, by whose right it is.
func (s *scene) rights(t *testing.T, as authz.Actor, c accessreview.Campaign) map[string]accessreview.Item {
	t.Helper()
	l, err := s.Items(t.Context(), as, c.ID, page.Request{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]accessreview.Item{}
	for _, i := range l.Items {
		switch i.Kind {
		case accessreview.SafeGroup:
			out["group "+i.GroupName] = i
		case accessreview.GroupMember:
			out["in "+i.GroupName+" "+string(i.User)] = i
		default:
			out[string(i.User)] = i
		}
	}
	return out
}

func constants(all []event.Envelope) map[event.Constant]int {
	out := map[event.Constant]int{}
	for _, e := range all {
		out[e.Constant]++
	}
	return out
}

// What nobody decided by the deadline follows the rule, once, however many servers look;
// who manages the safe alone stays.
func TestRuleActsAtTheDeadline(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, nil)
		managers := s.rights(t, s.Admin, c)
		if len(managers) < 3 || managers[string(s.mara.User)].Role != string(safe.Manager) {
			t.Fatalf("%+v", managers)
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.None()
		s.Now = s.Now.Add(2 * time.Hour)
		if _, err := s.Decide(t.Context(), s.Admin, c.ID, managers[string(s.oscar.User)].ID, accessreview.Keep, "late"); fault.CodeOf(err) != accessreview.NotOpen {
			t.Errorf("after the deadline: %v", err)
		}
		s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Denied, "not_open", event.User)
		var all sync.WaitGroup
		for range 3 {
			other := s.replica(t)
			all.Go(func() {
				if err := other.Sweep(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := constants(s.Events())
		if got[event.ACCESS_REVIEW_ITEM_DECIDED] != len(managers) || got[event.ACCESS_REVIEW_CLOSED] != 1 || got[event.SAFE_GROUP_ASSIGNMENT_REMOVED] != 1 {
			t.Errorf("%v", got)
		}
		after := s.rights(t, s.Auditor, c)
		if i := after[string(s.oscar.User)]; i.Result != accessreview.Revoked || i.DecidedBy != "" || i.Event == "" {
			t.Errorf("%+v", i)
		}
		failed := 0
		for _, i := range after {
			if i.Result == accessreview.Failed {
				failed++
				if !strings.Contains(i.Note, "without a manager") {
					t.Errorf("%+v", i)
				}
			}
		}
		if failed != 1 {
			t.Errorf("%d rights could not be revoked, want that of the last manager", failed)
		}
		if got, err := s.Get(t.Context(), s.Auditor, c.ID); err != nil || got.State != accessreview.Closed || got.Progress[accessreview.Undecided] != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// People who are named review in place of the managers; who is in a group does not review its right.
func TestNamedPeopleReview(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, func(a *accessreview.Args) { a.Reviewers = []id.User{s.nina.User} })
		seen := s.rights(t, s.nina, c)
		if _, own := seen["group team"]; own || len(seen) < 2 {
			t.Fatalf("%+v", seen)
		}
		whole := s.rights(t, s.Admin, c)
		if _, err := s.Decide(t.Context(), s.mara, c.ID, whole[string(s.oscar.User)].ID, accessreview.Keep, "known"); !fault.Is(err, fault.Denied) {
			t.Errorf("a manager who is not named: %v", err)
		}
		s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Denied, "not_permitted", event.User)
		if _, err := s.Decide(t.Context(), s.nina, c.ID, whole["group team"].ID, accessreview.Keep, "mine"); fault.CodeOf(err) != accessreview.OwnRight {
			t.Errorf("the right of one's own group: %v", err)
		}
		s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Denied, "own_right", event.User)
		got, err := s.Decide(t.Context(), s.nina, c.ID, whole[string(s.oscar.User)].ID, accessreview.Keep, "still needed")
		if err != nil || got.Result != accessreview.Kept || got.DecidedBy != s.nina.User || got.Reason != "still needed" {
			t.Errorf("%+v, %v", got, err)
		}
		e := s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Success, "", event.User)
		if e.Metadata["verdict"] != "keep" || e.ID != got.Event {
			t.Errorf("%+v", e)
		}
		for as, acts := range map[*authz.Actor]event.ActorType{&s.Auditor: event.User, &s.Admin: event.OrgAdmin} {
			as := *as
			if b, err := s.Export(t.Context(), as, c.ID, event.QueueExportFormatJSON); err != nil || !strings.Contains(string(b), "still needed") || !strings.Contains(string(b), string(got.Event)) {
				t.Errorf("%s: %s, %v", as.Name, b, err)
			}
			if e := s.One(event.ACCESS_REVIEW_EXPORTED, event.Success, "", acts); e.Metadata["file_sha256"] == nil {
				t.Errorf("%+v", e.Metadata)
			}
		}
		if _, err := s.Export(t.Context(), s.nina, c.ID, event.QueueExportFormatJSON); !fault.Is(err, fault.Denied) {
			t.Errorf("a reviewer's export: %v", err)
		}
		s.One(event.ACCESS_REVIEW_EXPORTED, event.Denied, "not_permitted", event.User)
		if _, err := s.Get(t.Context(), s.Stranger, c.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("from another organization: %v", err)
		}
	})
}

// Whom a review takes out of a group loses what the group brings, in the same transaction.
func TestMembersOfGroupsAreReviewed(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, func(a *accessreview.Args) { a.Scope = accessreview.Scope{Groups: []id.Group{s.team.ID}} })
		all := s.rights(t, s.Admin, c)
		i, ok := all["in team "+string(s.nina.User)]
		if !ok || len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		got, err := s.Decide(t.Context(), s.Admin, c.ID, i.ID, accessreview.Revoke, "left the team")
		if err != nil || got.Result != accessreview.Revoked {
			t.Fatalf("%+v, %v", got, err)
		}
		told := constants(s.Events())
		if told[event.GROUP_MEMBER_REMOVED] != 1 || told[event.SAFE_DERIVED_ACCESS_REVOKED] != 1 || told[event.ACCESS_REVIEW_ITEM_DECIDED] != 1 || told[event.ACCESS_REVIEW_CLOSED] != 1 {
			t.Errorf("%v", told)
		}
		if m, err := s.Groups.Members(t.Context(), s.Admin, s.team.ID, "", page.Request{}); err != nil || len(m.Items) != 0 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// A campaign that was called off decides nothing more, whatever its deadline.
func TestCancelledCampaignIsOver(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, nil)
		if _, err := s.Cancel(t.Context(), s.mara, c.ID, ""); !fault.Is(err, fault.Denied) {
			t.Errorf("a manager of the safe: %v", err)
		}
		s.One(event.ACCESS_REVIEW_CANCELLED, event.Denied, "not_permitted", event.User)
		if got, err := s.Cancel(t.Context(), s.Owner, c.ID, "too early"); err != nil || got.State != accessreview.Cancelled {
			t.Fatalf("%+v, %v", got, err)
		}
		s.One(event.ACCESS_REVIEW_CANCELLED, event.Success, "", event.OrgAdmin)
		s.Now = s.Now.Add(2 * time.Hour)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.None()
	})
}

// Reviewers are told what they are asked about, and see how much of it is left; nobody else is.
func TestReviewersAreTold(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		first := s.opens(t, nil)
		second := s.opens(t, func(a *accessreview.Args) { a.Reviewers, a.Rule = []id.User{s.nina.User}, accessreview.Keep })
		told := map[string]string{}
		for _, l := range s.mail.Take(t) {
			for _, c := range []accessreview.Campaign{first, second} {
				if strings.Contains(l.Text, "/access-reviews/"+string(c.ID)) {
					told[l.To] += string(c.ID)
				}
			}
		}
		if told[s.nina.Email] != string(second.ID) || told[s.mara.Email] != string(first.ID) || told[s.oscar.Email] != "" {
			t.Errorf("%v", told)
		}
		for _, as := range []authz.Actor{s.mara, s.nina} {
			l, err := s.List(t.Context(), as, "", page.Request{})
			if err != nil || len(l.Items) != 1 {
				t.Fatalf("%+v, %v", l, err)
			}
			items := s.rights(t, as, l.Items[0])
			if l.Items[0].Mine != len(items) || l.Items[0].Progress[accessreview.Undecided] <= len(items) {
				t.Errorf("%+v, of %d", l.Items[0], len(items))
			}
		}
		if _, err := s.Cancel(t.Context(), s.Admin, first.ID, ""); err != nil {
			t.Fatal(err)
		}
		for _, state := range []accessreview.State{"", accessreview.Open, accessreview.Cancelled} {
			l, err := s.List(t.Context(), s.Auditor, state, page.Request{})
			if err != nil || len(l.Items) == 0 {
				t.Fatalf("%+v, %v", l, err)
			}
			for _, c := range l.Items {
				if c.Progress[accessreview.Undecided] != first.Progress[accessreview.Undecided] || c.Mine != 0 {
					t.Errorf("%+v", c)
				}
			}
		}
	})
}

// To decide asks for a fresh second factor, and a revocation for a reason.
func TestDecidingAsksForAFreshFactor(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, nil)
		o := s.rights(t, s.mara, c)[string(s.oscar.User)]
		if o.Since.IsZero() {
			t.Errorf("%+v", o)
		}
		stale := s.mara
		stale.MFAAt = s.Now.Add(-time.Hour)
		if _, err := s.Decide(t.Context(), stale, c.ID, o.ID, accessreview.Keep, ""); fault.CodeOf(err) != authz.StepUpRequired {
			t.Errorf("%v", err)
		}
		s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Denied, "mfa_required", event.User)
		if _, err := s.Decide(t.Context(), s.mara, c.ID, o.ID, accessreview.Revoke, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("a revocation without a reason: %v", err)
		}
		if got, err := s.Decide(t.Context(), s.mara, c.ID, o.ID, accessreview.Keep, ""); err != nil || got.Result != accessreview.Kept {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// Who joins a group while they decide about it does not decide: it is their own right by then.
func TestWhoMayDecideIsAskedWhenItIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, nil)
		g := s.rights(t, s.mara, c)["group team"]
		asked := 0
		late, err := accessreview.New(accessreview.Deps{DB: s.DB, Ledger: s.Ledger, Safes: s.Safes, Groups: s.Groups, Mail: s.mail, Ended: func() { t.Error("a right was decided") }, Now: func() time.Time {
			if asked++; asked == 2 { // the first is in the first look at who may decide; this is for the second factor
				if _, err := s.Groups.AddMembers(t.Context(), s.Admin, s.team.ID, []id.User{s.mara.User}); err != nil {
					t.Error(err)
				}
				s.Events()
			}
			return s.Now
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := late.Decide(t.Context(), s.mara, c.ID, g.ID, accessreview.Keep, ""); fault.CodeOf(err) != accessreview.OwnRight {
			t.Errorf("%v", err)
		}
		s.One(event.ACCESS_REVIEW_ITEM_DECIDED, event.Denied, "own_right", event.User)
		if i := s.rights(t, s.Admin, c)["group team"]; i.Verdict != "" {
			t.Errorf("%+v", i)
		}
	})
}

// Who is in a group is said by the directory that keeps it: the review tells so before and
// after, keeps the decision, and takes nobody out.
func TestMembersOfADirectorysGroupStay(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, err := s.DB.Raw().Exec("update org_group set source = 'scim' where id = $1", string(s.team.ID))
		if err != nil {
			t.Fatal(err)
		}
		c := s.opens(t, func(a *accessreview.Args) { a.Scope = accessreview.Scope{Groups: []id.Group{s.team.ID}} })
		i := s.rights(t, s.Admin, c)["in team "+string(s.nina.User)]
		if i.GroupSource != "scim" {
			t.Errorf("%+v", i)
		}
		got, err := s.Decide(t.Context(), s.Admin, c.ID, i.ID, accessreview.Revoke, "left the team")
		if err != nil || got.Verdict != accessreview.Revoke || got.Result != accessreview.Failed || !strings.Contains(got.Note, "directory") || got.Reason != "left the team" {
			t.Fatalf("%+v, %v", got, err)
		}
		told := constants(s.Events())
		if told[event.GROUP_MEMBER_REMOVED] != 0 || told[event.ACCESS_REVIEW_ITEM_DECIDED] != 1 {
			t.Errorf("%v", told)
		}
		if m, err := s.Groups.Members(t.Context(), s.Admin, s.team.ID, "", page.Request{}); err != nil || len(m.Items) != 1 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// Who is still asked is reminded once, however many servers look, and nobody else; where no
// reviewer is here any more, the administrators are.
func TestReviewersAreRemindedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, func(a *accessreview.Args) { a.Deadline = s.Now.Add(14 * 24 * time.Hour) })
		short := s.opens(t, func(a *accessreview.Args) {
			a.Reviewers, a.Deadline = []id.User{s.nina.User}, s.Now.Add(4*24*time.Hour)
			a.Rule = accessreview.Keep
		})
		if got := c.Deadline.Sub(c.RemindAt); got != 3*24*time.Hour {
			t.Errorf("reminded %s before", got)
		}
		if got := short.Deadline.Sub(short.RemindAt); got != 2*24*time.Hour {
			t.Errorf("a short one: reminded %s before", got)
		}
		s.mail.Take(t)
		sweep := func() []string {
			t.Helper()
			var all sync.WaitGroup
			for range 3 {
				other := s.replica(t)
				all.Go(func() {
					if err := other.Sweep(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			var to []string
			for _, l := range s.mail.Take(t) {
				if !strings.Contains(l.Text, "ends soon") {
					t.Errorf("%s", l.Text)
				}
				to = append(to, l.To)
			}
			slices.Sort(to)
			return to
		}
		if to := sweep(); len(to) != 0 {
			t.Errorf("at once: %v", to)
		}
		// nina has left, so the administrators are asked about what she was.
		if _, err := s.DB.Raw().Exec("update member set suspended_at = 1 where user_id = $1", string(s.nina.User)); err != nil {
			t.Fatal(err)
		}
		s.Now = short.RemindAt.Add(time.Second)
		to := sweep()
		if !slices.Contains(to, s.Admin.Email) || !slices.Contains(to, s.Owner.Email) || slices.Contains(to, s.nina.Email) || slices.Contains(to, s.mara.Email) {
			t.Errorf("of the short one: %v", to)
		}
		if to := sweep(); len(to) != 0 {
			t.Errorf("again: %v", to)
		}
		// mara manages the safe; oscar was never asked.
		s.Now = c.RemindAt.Add(time.Second)
		if to := sweep(); !slices.Contains(to, s.mara.Email) || slices.Contains(to, s.oscar.Email) || len(slices.Compact(slices.Clone(to))) != len(to) {
			t.Errorf("of the long one: %v", to)
		}
		if to := sweep(); len(to) != 0 {
			t.Errorf("again: %v", to)
		}
		if got, err := s.Get(t.Context(), s.Admin, c.ID); err != nil || !got.RemindedAt.Equal(s.Now) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// unwritten is mail that cannot be written at the moment.
type unwritten struct{ accessreview.Mail }

func (unwritten) Prepare(context.Context, id.Org, notify.Message) (notify.Prepared, error) {
	return notify.Prepared{}, fault.New(fault.Unavailable, "the message cannot be sealed")
}

// A reminder that cannot be written at the moment is not taken for sent.
func TestReminderIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, nil)
		s.mail.Take(t)
		s.Now = c.RemindAt.Add(time.Second)
		mute, err := accessreview.New(accessreview.Deps{DB: s.DB, Ledger: s.Ledger, Safes: s.Safes, Groups: s.Groups, Mail: unwritten{s.mail}, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		if err := mute.Sweep(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var to []string
		for _, l := range s.mail.Take(t) {
			to = append(to, l.To)
		}
		if !slices.Contains(to, s.mara.Email) {
			t.Errorf("reminded: %v", to)
		}
	})
}

// Each right says whether it is the reader's own, and whether they decide it.
func TestRightsSayWhoDecides(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		c := s.opens(t, func(a *accessreview.Args) { a.Reviewers = []id.User{s.nina.User} })
		may := func(as authz.Actor, want map[string]bool) {
			t.Helper()
			got := s.rights(t, as, c)
			for of, w := range want {
				if i, ok := got[of]; !ok || i.MayDecide != w || i.Own {
					t.Errorf("%s about %s: %+v", as.Name, of, i)
				}
			}
		}
		may(s.nina, map[string]bool{string(s.oscar.User): true, string(s.mara.User): true})
		may(s.Admin, map[string]bool{string(s.oscar.User): true, "group team": true})
		may(s.Auditor, map[string]bool{string(s.oscar.User): false, "group team": false})
		if _, err := s.Groups.AddMembers(t.Context(), s.Owner, s.team.ID, []id.User{s.Admin.User}); err != nil {
			t.Fatal(err)
		}
		got := s.rights(t, s.Admin, c)["group team"]
		if !got.Own || got.MayDecide {
			t.Errorf("the right of one's own group: %+v", got)
		}
		if _, err := s.Decide(t.Context(), s.Admin, c.ID, got.ID, accessreview.Keep, ""); fault.CodeOf(err) != accessreview.OwnRight {
			t.Errorf("decided all the same: %v", err)
		}
		may(s.Owner, map[string]bool{"group team": true})
		s.Now = s.Now.Add(2 * time.Hour)
		may(s.nina, map[string]bool{string(s.oscar.User): false})
	})
}

// stuck is a group service that cannot take one person out.
type stuck struct {
	accessreview.Groups
	who *id.User
}

func (g stuck) ReviewedMember(ctx context.Context, tx *db.Tx, actor authz.Actor, group id.Group, user id.User) error {
	if user == *g.who {
		return errors.New("the disk is full")
	}
	return g.Groups.ReviewedMember(ctx, tx, actor, group, user)
}

// A group of more people than fit one page, statement or round of the sweep; and one
// right, and one review, that cannot be ended keep no others from their end.
func TestLargeReviewsEnd(t *testing.T) {
	const people = 650
	each(t, func(t *testing.T, s *scene) {
		crowd := s.Crowd(people)
		all := s.Group("everybody")
		if err := s.DB.InOrg(t.Context(), s.Org, func(ctx context.Context, tx *db.Tx) error {
			return s.Groups.Push(ctx, tx, s.Admin, group.Pushed{ID: all.ID, Name: all.Name, Members: crowd})
		}); err != nil {
			t.Fatal(err)
		}
		s.Events()
		large := s.opens(t, func(a *accessreview.Args) {
			a.Scope, a.Rule = accessreview.Scope{Groups: []id.Group{all.ID}}, accessreview.Keep
		})
		if large.Progress[accessreview.Undecided] != people {
			t.Fatalf("%+v", large)
		}
		small := s.opens(t, func(a *accessreview.Args) {
			a.Scope, a.Deadline = accessreview.Scope{Groups: []id.Group{s.team.ID}}, a.Deadline.Add(-time.Minute)
		})
		who := s.nina.User
		svc, err := accessreview.New(accessreview.Deps{DB: s.DB, Ledger: s.Ledger, Safes: s.Safes, Groups: stuck{s.Groups, &who}, Mail: s.mail, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		s.Now = s.Now.Add(2 * time.Hour)
		if err := svc.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), string(small.ID)) {
			t.Fatalf("the failure is told as %v", err)
		}
		state := func(c accessreview.Campaign) accessreview.State {
			now, err := s.Get(t.Context(), s.Admin, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.State
		}
		if state(small) != accessreview.Open || state(large) != accessreview.Closed {
			t.Fatalf("%s and %s", state(small), state(large))
		}
		if got := constants(s.Events()); got[event.ACCESS_REVIEW_ITEM_DECIDED] != people || got[event.ACCESS_REVIEW_CLOSED] != 1 {
			t.Errorf("%v", got)
		}
		who = ""
		if err := svc.Sweep(t.Context()); err != nil || state(small) != accessreview.Closed {
			t.Fatalf("%v, %s", err, state(small))
		}
		b, err := s.Export(t.Context(), s.Admin, large.ID, event.QueueExportFormatCSV)
		if err != nil || bytes.Count(b, []byte("\r\n")) != people+1 {
			t.Errorf("%d lines of evidence, %v", bytes.Count(b, []byte("\r\n")), err)
		}
	})
}

func TestNobodyIsAskedTooMuch(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		crowd := s.Crowd(2_100)
		all := s.Group("everybody")
		if err := s.DB.InOrg(t.Context(), s.Org, func(ctx context.Context, tx *db.Tx) error {
			return s.Groups.Push(ctx, tx, s.Admin, group.Pushed{ID: all.ID, Name: all.Name, Members: crowd})
		}); err != nil {
			t.Fatal(err)
		}
		_, err := s.Open(t.Context(), s.Admin, accessreview.Args{Name: "Quarter", Scope: accessreview.Scope{Groups: []id.Group{all.ID}}, Rule: accessreview.Keep, Deadline: s.Now.Add(time.Hour), Reviewers: crowd[:50]})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.MessageOf(err), "name fewer reviewers") {
			t.Error(err)
		}
	})
}

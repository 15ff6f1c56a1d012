package test

import (
	"encoding/csv"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

func init() {
	ofAccess = append(ofAccess, "access reviews") // TestAccessReviews takes their wrong turns
	maps.Copy(bodies, map[string]obj{
		"create-access-review":      {"name": "Quarter", "all": true, "rule": "keep", "deadline": time.Now().Add(24 * time.Hour)},
		"decide-access-review-item": {"verdict": "keep", "reason": "needed"},
		"cancel-access-review":      {},
	})
}

type accessReview struct {
	ID, State string
	Progress  struct{ Undecided, Kept, Revoked, Stale, Failed int }
}

type reviewItem struct {
	ID, Kind, Role, Result, Note string
	UserID                       string `json:"user_id"`
	GroupID                      string `json:"group_id"`
	DecidedBy                    string `json:"decided_by"`
	Event                        string `json:"event_id"`
	Own                          bool   `json:"own"`
	MayDecide                    bool   `json:"may_decide"`
}

// opens opens an access review.
func (p *Person) opens(t testing.TB, more obj) accessReview {
	t.Helper()
	body := obj{"name": "Quarter", "rule": "keep", "deadline": time.Now().Add(time.Hour)}
	maps.Copy(body, more)
	return get[accessReview](t, p.Client, "POST", "/access-reviews", body)
}

// item is the right of a person, or of a group.
func (r accessReview) item(t testing.TB, c *Client, of string) reviewItem {
	t.Helper()
	for _, i := range list[reviewItem](t, c, "/access-reviews/"+r.ID+"/items") {
		if i.UserID == of || i.UserID == "" && i.GroupID == of {
			return i
		}
	}
	t.Fatalf("no right of %s", of)
	return reviewItem{}
}

func (r accessReview) path(i reviewItem) string {
	return "/access-reviews/" + r.ID + "/items/" + i.ID + "/decide"
}

func TestAccessReviews(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		mara, oscar, nina, olga := w.add("operator"), w.add("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), nil)
		add := func(p *Person, role string) {
			t.Helper()
			w.Owner.must(t, "POST", "/safes/"+v.ID+"/members", obj{"user_id": p.ID, "role": role})
		}
		add(mara, "manager")
		add(oscar, "user")
		add(nina, "user")
		g := w.group(olga)
		w.bind(v, g, "user")

		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/access-reviews", obj{"name": "Mine", "all": true, "rule": "keep", "deadline": time.Now().Add(time.Hour)})
		w.saw(Want{Constant: "ACCESS_REVIEW_OPENED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Target: "Tenant"})
		w.Owner.refused(t, 422, "INVALID", "POST", "/access-reviews", obj{"name": "Late", "all": true, "rule": "keep", "deadline": "2020-01-01T00:00:00Z"})
		other := newWorld(t, s)
		other.Owner.refused(t, 422, "INVALID", "POST", "/access-reviews", obj{"name": "Theirs", "safe_ids": []string{v.ID}, "rule": "keep", "deadline": time.Now().Add(time.Hour)})

		r := w.Owner.opens(t, obj{"safe_ids": []string{v.ID}})
		w.saw(Want{Constant: "ACCESS_REVIEW_OPENED", ActorID: w.Owner.ID, Actor: "OrgAdmin", Target: "Tenant", TargetID: w.Org, Meta: obj{"review_id": r.ID, "review_name": "Quarter"}})
		s.exec(t, "update access_review set remind_at = 1 where id = '"+r.ID+"'") // three days before the end have come
		at := "/access-reviews/" + r.ID
		if n := r.Progress.Undecided; n < 4 {
			t.Fatalf("%d rights", n)
		}
		reason := obj{"verdict": "revoke", "reason": "left the team"}

		// Who may not.
		mine := r.item(t, w.Owner.Client, mara.ID)
		if !mine.MayDecide || mine.Own {
			t.Errorf("%+v", mine)
		}
		mara.refused(t, 403, "OWN_RIGHT", "POST", r.path(mine), reason)
		w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", Outcome: "denied", Reason: "own_right", ActorID: mara.ID, Meta: obj{"review_item_id": mine.ID}})
		o := r.item(t, w.Owner.Client, oscar.ID)
		nina.refused(t, 403, "NOT_A_REVIEWER", "POST", r.path(o), reason)
		w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", Outcome: "denied", Reason: "not_permitted", ActorID: nina.ID, Meta: obj{"review_item_id": o.ID}})
		nina.refused(t, 404, "NOT_FOUND", "GET", at, nil)
		other.Owner.refused(t, 404, "NOT_FOUND", "GET", at, nil)
		other.Owner.refused(t, 404, "NOT_FOUND", "POST", r.path(o), reason)
		mara.refused(t, 403, "NOT_PERMITTED", "GET", at+"/export", nil)
		w.saw(Want{Constant: "ACCESS_REVIEW_EXPORTED", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Meta: obj{"review_id": r.ID}})
		if l := s.letter(t, mara.Email, notify.ReviewWaitingKind, 1); !strings.Contains(l.Text, at) {
			t.Error(l.Text)
		}

		// The manager of the safe revokes; it acts at once.
		done := get[reviewItem](t, mara.Client, "POST", r.path(o), reason)
		if done.Result != "revoked" || done.DecidedBy != mara.ID {
			t.Fatalf("%+v", done)
		}
		told := w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", ActorID: mara.ID, Actor: "User", Target: "Tenant", TargetID: w.Org,
			Meta: obj{"review_id": r.ID, "review_item_id": o.ID, "verdict": "revoke", "review_result": "revoked", "subject_user_id": oscar.ID, "safe_id": v.ID, "comment": "left the team"}})
		if told.ID != done.Event {
			t.Errorf("the event is %s, the item names %s", told.ID, done.Event)
		}
		w.saw(Want{Constant: "SAFE_MEMBER_REMOVED", Actor: "System", TargetID: v.ID, Meta: obj{"subject_user_id": oscar.ID, "cause": "removed"}})
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", "/safes/"+v.ID, nil)
		mara.refused(t, 409, "ALREADY_DECIDED", "POST", r.path(o), reason)

		// A right that has changed is stale.
		w.Owner.must(t, "PUT", "/safes/"+v.ID+"/members/"+nina.ID, obj{"role": "checkout"})
		if i := get[reviewItem](t, mara.Client, "POST", r.path(r.item(t, mara.Client, nina.ID)), reason); i.Result != "stale" || i.Note == "" {
			t.Errorf("%+v", i)
		}
		nina.must(t, "GET", "/safes/"+v.ID, nil)

		// Who is still asked is reminded, once; nina never was asked.
		if l := s.letter(t, mara.Email, notify.ReviewEndingKind, 1); !strings.Contains(l.Text, at) || !strings.Contains(l.Text, "Rights left to decide") {
			t.Error(l.Text)
		}

		// The command line, and the group of the safe.
		ask := s.prompt(t, mara.Client)
		ask.says(t, r.ID, "reviews", "list")
		b := r.item(t, mara.Client, g)
		ask.says(t, b.ID, "reviews", "show", r.ID)
		ask.says(t, "you may", "reviews", "show", r.ID)
		ask.says(t, "revoked", "reviews", "decide", r.ID, b.ID, "revoke", "--reason", "nobody needs it")
		w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_REMOVED", Actor: "System", TargetID: v.ID, Meta: obj{"group_id": g, "cause": "removed"}})

		// What nobody has decided at the deadline follows the rule, by the clock.
		s.exec(t, "update access_review set deadline = 1 where id = '"+r.ID+"'")
		eventually(t, "the review closes", func() bool { return get[accessReview](t, w.Owner.Client, "GET", at, nil).State == "closed" })
		w.saw(Want{Constant: "ACCESS_REVIEW_CLOSED", Actor: "System", Target: "Tenant", TargetID: w.Org, Meta: obj{"review_id": r.ID, "review_name": "Quarter"}})
		if i := r.item(t, w.Owner.Client, mara.ID); i.Result != "kept" || i.DecidedBy != "" || i.Event == "" {
			t.Errorf("%+v", i)
		}
		w.Owner.refused(t, 409, "REVIEW_NOT_OPEN", "POST", r.path(mine), reason)
		w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", Outcome: "denied", Reason: "not_open", ActorID: w.Owner.ID, Meta: obj{"review_item_id": mine.ID}})

		// The evidence.
		own := s.prompt(t, w.Owner.Client)
		own.says(t, told.ID, "reviews", "export", r.ID)
		rows, err := csv.NewReader(strings.NewReader(string(w.Owner.must(t, "GET", at+"/export?format=csv", nil).Body))).ReadAll()
		if err != nil || len(rows) != 1+r.Progress.Undecided {
			t.Fatalf("%d rows: %v", len(rows), err)
		}
		for i, column := range rows[0] {
			switch column {
			case "reminded_at", "ended_at", "asked", "verdict", "event_id":
				if rows[1][i] == "" {
					t.Errorf("the evidence has no %s: %q", column, rows[1])
				}
			}
		}
		letters := map[notify.Kind]int{}
		for _, l := range append(s.letters(t, mara.Email), s.letters(t, nina.Email)...) {
			letters[l.Kind]++
		}
		if letters[notify.ReviewWaitingKind] != 1 || letters[notify.ReviewEndingKind] != 1 {
			t.Errorf("the messages of the manager and of who is not asked: %v", letters)
		}
		w.saw(Want{Constant: "ACCESS_REVIEW_EXPORTED", ActorID: w.Owner.ID, Actor: "OrgAdmin", Target: "Tenant", TargetID: w.Org, Where: obj{"export_format": "csv"},
			Meta: obj{"review_id": r.ID, "row_count": len(rows) - 1, "file_sha256": present}})

		// The last manager stays; the item says why. A cancelled review is over.
		own.says(t, "Opened", "reviews", "create", "Second", "--safe", v.Name, "--rule", "revoke", "--deadline", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		var second accessReview
		for _, x := range list[accessReview](t, w.Owner.Client, "/access-reviews?state=open") {
			second = x
		}
		for _, i := range list[reviewItem](t, w.Owner.Client, "/access-reviews/"+second.ID+"/items") {
			if i.UserID == mara.ID {
				got := get[reviewItem](t, w.Owner.Client, "POST", second.path(i), reason)
				if got.Result != "failed" || !strings.Contains(got.Note, "could not be carried out") {
					t.Errorf("%+v", got)
				}
			}
		}
		nina.refused(t, 403, "NOT_PERMITTED", "POST", "/access-reviews/"+second.ID+"/cancel", obj{})
		own.says(t, "Cancelled", "reviews", "cancel", second.ID, "--comment", "too early")
		w.saw(Want{Constant: "ACCESS_REVIEW_CANCELLED", ActorID: w.Owner.ID, Actor: "OrgAdmin", Target: "Tenant", TargetID: w.Org, Meta: obj{"review_id": second.ID, "comment": "too early"}})
		w.Owner.refused(t, 409, "REVIEW_NOT_OPEN", "POST", "/access-reviews/"+second.ID+"/cancel", obj{})
		w.saw(Want{Constant: "ACCESS_REVIEW_CANCELLED", Outcome: "denied", Reason: "not_open", ActorID: w.Owner.ID, Meta: obj{"review_id": second.ID}})
	})
}

// A review in the console, by web/test/reviews.e2e.mjs.
func TestConsoleReviewsAccess(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	mara, stays, leaves := w.person("operator"), w.add("operator"), w.add("operator")
	v := w.safe(host(t), nil)
	for p, role := range map[*Person]string{mara: "manager", stays: "user", leaves: "user"} {
		w.Owner.must(t, "POST", "/safes/"+v.ID+"/members", obj{"user_id": p.ID, "role": role})
	}
	play(t, "reviews", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "manager": mara.who(), "safe": v.Name, "stayer": stays.Handle, "leaver": leaves.Handle}, s.asks(t, w.Owner, mara))

	w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", ActorID: mara.ID, Where: obj{"verdict": "keep"}, Meta: obj{"review_result": "kept", "subject_user_id": stays.ID}})
	w.saw(Want{Constant: "ACCESS_REVIEW_ITEM_DECIDED", ActorID: mara.ID, Where: obj{"verdict": "revoke"}, Meta: obj{"review_result": "revoked", "subject_user_id": leaves.ID, "comment": "left the team"}})
	w.saw(Want{Constant: "ACCESS_REVIEW_EXPORTED", ActorID: w.Owner.ID, Meta: obj{"export_format": "csv"}})
}

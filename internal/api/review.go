package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/accessreview"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AccessReview is a campaign in which people review rights.
type AccessReview struct {
	ID          id.Review     `json:"id"`
	Name        string        `json:"name"`
	All         bool          `json:"all" doc:"It is about every safe and every group"`
	Safes       []id.Safe     `json:"safe_ids" nullable:"false"`
	Groups      []id.Group    `json:"group_ids" nullable:"false"`
	Reviewers   []id.User     `json:"reviewer_ids" nullable:"false" doc:"Empty: the managers of each safe"`
	Rule        string        `json:"rule" enum:"keep,revoke" doc:"What becomes of rights that nobody has decided at the deadline"`
	State       string        `json:"state" enum:"open,closed,cancelled"`
	CreatedBy   id.User       `json:"created_by"`
	CreatorName string        `json:"created_by_name"`
	CreatedAt   time.Time     `json:"created_at"`
	Deadline    time.Time     `json:"deadline"`
	RemindAt    *time.Time    `json:"remind_at,omitempty" doc:"When those who are still asked about an undecided right are reminded, once"`
	RemindedAt  *time.Time    `json:"reminded_at,omitempty" doc:"When they were; absent: not yet"`
	EndedAt     *time.Time    `json:"ended_at,omitempty"`
	Comment     string        `json:"comment,omitempty" doc:"Of who cancelled it"`
	Progress    ReviewResults `json:"progress"`
	Mine        int           `json:"mine" doc:"Undecided rights that the caller is asked about"`
}

// ReviewResults counts the rights of a campaign.
type ReviewResults struct {
	Undecided int `json:"undecided"`
	Kept      int `json:"kept"`
	Revoked   int `json:"revoked"`
	Stale     int `json:"stale"`
	Failed    int `json:"failed"`
}

// AccessReviewItem is one right as it was when the campaign opened.
type AccessReviewItem struct {
	ID          id.ReviewItem `json:"id"`
	Kind        string        `json:"kind" enum:"safe_member,safe_group,group_member"`
	Safe        id.Safe       `json:"safe_id,omitempty"`
	SafeName    string        `json:"safe_name,omitempty"`
	Group       id.Group      `json:"group_id,omitempty"`
	GroupName   string        `json:"group_name,omitempty"`
	User        id.User       `json:"user_id,omitempty"`
	UserName    string        `json:"user_name,omitempty"`
	Role        string        `json:"role,omitempty" doc:"On the safe"`
	EndsAt      *time.Time    `json:"ends_at,omitempty" doc:"Absent: never"`
	Since       *time.Time    `json:"given_at,omitempty" doc:"When the right was given"`
	GroupSource string        `json:"group_source,omitempty" enum:"local,scim,sso" doc:"Who keeps the group. The members of a group that is not local are not taken out here: such a revocation is recorded as failed"`
	Verdict     string        `json:"verdict,omitempty" doc:"keep or revoke; absent: undecided"`
	Result      string        `json:"result,omitempty" doc:"kept, revoked, stale (the right had changed; nothing was done) or failed (a rule stopped the revocation)"`
	Note        string        `json:"note,omitempty" doc:"Why it is stale or failed"`
	Reason      string        `json:"reason,omitempty" doc:"Of who decided"`
	DecidedBy   id.User       `json:"decided_by,omitempty" doc:"Absent on a decided item: the rule"`
	DeciderName string        `json:"decided_by_name,omitempty"`
	DecidedAt   *time.Time    `json:"decided_at,omitempty"`
	Event       id.Event      `json:"event_id,omitempty" doc:"The audit event of the decision"`
	Own         bool          `json:"own" doc:"It is the caller's own right, or that of a group they are in: others decide"`
	MayDecide   bool          `json:"may_decide" doc:"The caller may decide it now"`
}

func sometime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func reviewJSON(c accessreview.Campaign) AccessReview {
	p := c.Progress
	return AccessReview{ID: c.ID, Name: c.Name, All: c.Scope.All, Safes: append([]id.Safe{}, c.Scope.Safes...), Groups: append([]id.Group{}, c.Scope.Groups...),
		Reviewers: append([]id.User{}, c.Reviewers...), Rule: string(c.Rule), State: string(c.State), CreatedBy: c.CreatedBy, CreatorName: c.CreatedByName, CreatedAt: c.CreatedAt,
		Deadline: c.Deadline, RemindAt: sometime(c.RemindAt), RemindedAt: sometime(c.RemindedAt), EndedAt: sometime(c.EndedAt), Comment: c.Comment,
		Progress: ReviewResults{p[accessreview.Undecided], p[accessreview.Kept], p[accessreview.Revoked], p[accessreview.Stale], p[accessreview.Failed]}, Mine: c.Mine}
}

func reviewItemJSON(i accessreview.Item) AccessReviewItem {
	return AccessReviewItem{ID: i.ID, Kind: string(i.Kind), Safe: i.Safe, SafeName: i.SafeName, Group: i.Group, GroupName: i.GroupName, User: i.User, UserName: i.UserName, Role: i.Role,
		EndsAt: sometime(i.EndsAt), Since: sometime(i.Since), GroupSource: i.GroupSource, Verdict: string(i.Verdict), Result: string(i.Result), Note: i.Note, Reason: i.Reason, DecidedBy: i.DecidedBy, DeciderName: i.DecidedByName,
		DecidedAt: sometime(i.DecidedAt), Event: i.Event, Own: i.Own, MayDecide: i.MayDecide}
}

// ReviewPath names a campaign.
type ReviewPath struct {
	ID string `path:"id" maxLength:"64"`
}

type reviewOut struct{ Body AccessReview }

func oneReview(c accessreview.Campaign, err error) (*reviewOut, error) {
	if err != nil {
		return nil, err
	}
	return &reviewOut{reviewJSON(c)}, nil
}

func (s *Server) reviewRoutes() {
	const tag = "access reviews"
	handle(s, signedIn, huma.Operation{OperationID: "list-access-reviews", Method: http.MethodGet, Path: "/access-reviews", Summary: "List access reviews, newest first", Tags: []string{tag},
		Description: "Owners, administrators and auditors see all; others see those in which they review."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State string `query:"state" enum:"open,closed,cancelled" doc:"Absent: all"`
		}) (*pageOut[AccessReview], error) {
			l, err := s.Reviews.List(ctx, a, accessreview.State(in.State), in.request())
			return pageOf(l, reviewJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-access-review", Method: http.MethodPost, Path: "/access-reviews", Summary: "Open an access review", DefaultStatus: 201, Tags: []string{tag},
		Description: "Takes down every right in its scope as it is now: direct members and groups of safes, and members of groups. Name all, or safes and groups. For persons only."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name      string     `json:"name" maxLength:"400"`
				All       bool       `json:"all,omitempty" doc:"Every safe and every group"`
				Safes     []id.Safe  `json:"safe_ids,omitempty" maxItems:"200"`
				Groups    []id.Group `json:"group_ids,omitempty" maxItems:"200"`
				Reviewers []id.User  `json:"reviewer_ids,omitempty" maxItems:"50" doc:"Absent: the managers of each safe. Nobody reviews a right of their own; where no other reviewer is left, administrators do"`
				Rule      string     `json:"rule" enum:"keep,revoke" doc:"What becomes of rights that nobody has decided at the deadline"`
				Deadline  time.Time  `json:"deadline" doc:"Within a year"`
			}
		}) (*reviewOut, error) {
			b := in.Body
			return oneReview(s.Reviews.Open(ctx, a, accessreview.Args{Name: b.Name, Scope: accessreview.Scope{All: b.All, Safes: b.Safes, Groups: b.Groups}, Reviewers: b.Reviewers,
				Rule: accessreview.Verdict(b.Rule), Deadline: b.Deadline}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-access-review", Method: http.MethodGet, Path: "/access-reviews/{id}", Summary: "One access review", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ReviewPath) (*reviewOut, error) {
			return oneReview(s.Reviews.Get(ctx, a, id.Review(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-access-review-items", Method: http.MethodGet, Path: "/access-reviews/{id}/items", Summary: "List the rights of an access review", Tags: []string{tag},
		Description: "Owners, administrators and auditors see all; others see those that they review."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ReviewPath
			PageIn
		}) (*pageOut[AccessReviewItem], error) {
			l, err := s.Reviews.Items(ctx, a, id.Review(in.ID), in.request())
			return pageOf(l, reviewItemJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "decide-access-review-item", Method: http.MethodPost, Path: "/access-reviews/{id}/items/{item}/decide", Summary: "Keep or revoke a right", Tags: []string{tag},
		Description: "A revocation acts at once and needs a reason. Asks for a fresh second factor. If the right has changed meanwhile, or a rule stops the revocation, nothing is done and the result says so (stale, failed). Nobody decides about a right of their own (OWN_RIGHT). For persons only."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ReviewPath
			Item string `path:"item" maxLength:"64"`
			Body struct {
				Verdict string `json:"verdict" enum:"keep,revoke"`
				Reason  string `json:"reason,omitempty" maxLength:"2000" doc:"A revocation needs one"`
			}
		}) (*struct{ Body AccessReviewItem }, error) {
			i, err := s.Reviews.Decide(ctx, a, id.Review(in.ID), id.ReviewItem(in.Item), accessreview.Verdict(in.Body.Verdict), in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return &struct{ Body AccessReviewItem }{reviewItemJSON(i)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "cancel-access-review", Method: http.MethodPost, Path: "/access-reviews/{id}/cancel", Summary: "Cancel an access review", Tags: []string{tag},
		Description: "What was decided stays as it is; the rest stays undecided. For persons only."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ReviewPath
			Body *struct {
				Comment string `json:"comment,omitempty" maxLength:"2000"`
			}
		}) (*reviewOut, error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			return oneReview(s.Reviews.Cancel(ctx, a, id.Review(in.ID), comment))
		})
	handle(s, signedIn, huma.Operation{OperationID: "export-access-review", Method: http.MethodGet, Path: "/access-reviews/{id}/export", Summary: "An access review as evidence", Tags: []string{tag},
		Description: "Each right with who decided what, when and why, what was done, and the audit event. The export is told in the audit log. In CSV, a text that a spreadsheet would take for a formula has an apostrophe before it. For persons only."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ReviewPath
			Format string `query:"format" enum:"json,csv" default:"json"`
		}) (*struct {
			Type        string `header:"Content-Type"`
			Disposition string `header:"Content-Disposition"`
			Body        []byte
		}, error) {
			format := event.QueueExportFormatJSON
			if in.Format == "csv" {
				format = event.QueueExportFormatCSV
			}
			b, err := s.Reviews.Export(ctx, a, id.Review(in.ID), format)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Type        string `header:"Content-Type"`
				Disposition string `header:"Content-Disposition"`
				Body        []byte
			}{"application/json", fmt.Sprintf("attachment; filename=%q", "vaultpam-review-"+in.ID+"."+in.Format), b}
			if in.Format == "csv" {
				out.Type = "text/csv; charset=utf-8; header=present"
			}
			return out, nil
		})
}

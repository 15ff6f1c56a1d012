package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// DecideArgs are a decision.
type DecideArgs struct {
	Comment string
	Version int64         // of the request that was looked at; 0: whatever it is
	Link    secret.Secret // of the e-mail that led here; empty: none did
}

var (
	errClosed  = fault.New(fault.Conflict, "this request is not waiting for a decision any more: look at it again").WithCode(CodeClosed)
	errChanged = fault.New(fault.Conflict, "somebody else has decided meanwhile: look at the request again, then decide").WithCode(CodeChanged)
	errDecided = fault.New(fault.Conflict, "you have decided about this request already; another person must decide now").WithCode(CodeAlreadyDecided)
)

// refusal is a decision that is refused within its transaction.
type refusal struct {
	why event.AccessRequestApprovedReason
	err error
}

func (r *refusal) Error() string { return r.err.Error() }

// Approve is one person's yes. The last that is needed opens the access.
func (s *Service) Approve(ctx context.Context, actor authz.Actor, r id.AccessReq, a DecideArgs) (Request, error) {
	row, at, err := s.begin(ctx, actor, r, a)
	if err != nil {
		return Request{}, err
	}
	approved := func(have int64, final bool) event.AccessRequestApproved {
		ev := event.NewAccessRequestApproved(event.By(actor, as(actor, at.own)), row.target(), r, row.requester(), int(have), int(row.ApprovalsNeeded), final)
		if a.Comment != "" {
			ev = ev.WithComment(a.Comment)
		}
		return ev
	}
	no := func(why event.AccessRequestApprovedReason, err error) error {
		return s.refuse(ctx, actor, approved(row.ApprovalsHave, false).Denied(why), err)
	}
	if err := s.may(ctx, actor, row, at); err != nil {
		if errors.Is(err, errSelf) {
			return Request{}, err
		}
		return Request{}, no(event.AccessRequestApprovedNotPermitted, err)
	}
	letters := s.prepare(ctx, actor.Org, row.decided(actor.Name, a.Comment, true, s.d.Now()))
	var refused *refusal
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accesssql.New(tx)
		if err := s.useLink(ctx, tx, actor, row.ID, a.Link); err != nil {
			return err
		}
		if err := s.once(ctx, tx, row, at, actor, "approve", a.Comment); err != nil {
			return err
		}
		n, err := q.CountApproval(ctx, accesssql.CountApprovalParams{OrgID: row.OrgID, ID: row.ID, Now: s.now()})
		if db.NotFound(err) {
			return &refusal{event.AccessRequestApprovedRequestClosed, errClosed}
		}
		if err != nil {
			return err
		}
		if a.Version != 0 && row.Version != a.Version || n.ApprovalsHave != row.ApprovalsHave+1 && a.Version != 0 {
			return &refusal{event.AccessRequestApprovedRequestClosed, errChanged}
		}
		final := State(n.State) == Approved
		told := approved(n.ApprovalsHave, final)
		if final {
			by, err := approvedBy(ctx, tx, row)
			if err != nil {
				return err
			}
			g := grantOf(row.GetRequestRow, by, s.now())
			if err := q.InsertGrant(ctx, g); err != nil {
				return err
			}
			told = told.WithAccessUntil(db.Time(g.EndsAt))
			if err := s.queue(ctx, tx, letters); err != nil {
				return err
			}
		}
		_, err = s.d.Ledger.Record(ctx, tx, told)
		return err
	})
	switch {
	case errors.As(err, &refused):
		return Request{}, no(refused.why, refused.err)
	case db.Unique(err):
		return Request{}, no(event.AccessRequestApprovedAlreadyDecidedByActor, errDecided)
	case errors.Is(err, errLink):
		return Request{}, no(event.AccessRequestApprovedNotPermitted, errLink)
	case err != nil:
		return Request{}, fmt.Errorf("approve an access request: %w", err)
	}
	return s.Get(ctx, actor, r)
}

// Reject is one person's no, which ends the request.
func (s *Service) Reject(ctx context.Context, actor authz.Actor, r id.AccessReq, a DecideArgs) (Request, error) {
	if err := checkText("comment", a.Comment, false); err != nil {
		return Request{}, err
	}
	return s.end(ctx, actor, r, a, func(row accesssql.GetRequestRow, at seat) (State, event.AccessRequestRejectedReason, error) {
		return Rejected, event.AccessRequestRejectedRejectedByApprover, s.may(ctx, actor, subject{row}, at)
	})
}

// subject is the request that is decided.
type subject struct{ accesssql.GetRequestRow }

func (r subject) target() event.SafeRef { return event.SafeTarget(id.Safe(r.SafeID), r.SafeName) }
func (r subject) requester() id.User    { return id.User(r.RequesterID) }
func (r subject) person() Person        { return Person{r.requester(), r.Handle, r.PersonName, r.Email} }

// decided is what the requester is told.
func (r subject) decided(by, comment string, yes bool, now time.Time) []letter {
	d := notify.AccessDecided{Name: r.PersonName, Safe: r.SafeName, Approved: yes, By: by, Comment: comment, Uses: r.Uses, Request: r.ID}
	if yes {
		d.Until = db.Time(grantOf(r.GetRequestRow, nil, db.Micros(now)).EndsAt)
	}
	return []letter{{r.person(), d, time.Time{}}}
}

func (s *Service) begin(ctx context.Context, actor authz.Actor, r id.AccessReq, a DecideArgs) (subject, seat, error) {
	if err := checkText("comment", a.Comment, false); err != nil {
		return subject{}, seat{}, err
	}
	row, at, err := s.read(ctx, actor, r)
	return subject{row}, at, err
}

// errSelf marks a refusal that has left its event.
var errSelf = errors.New("self-approval")

// may tells whether the actor may decide: by their right, freshly proved, and not
// about themselves in any way.
func (s *Service) may(ctx context.Context, actor authz.Actor, row subject, at seat) error {
	via := event.DecidedViaDirect
	own := actor.Behind(row.requester()) || actor.Behind(id.User(row.TokenIssuer))
	if actor.Kind == authz.Token {
		via = event.DecidedViaAPIToken
	}
	if !own {
		lent, err := s.lentBetween(ctx, row.GetRequestRow, actor.User)
		if err != nil {
			return err
		}
		if own = lent || at.lender == row.requester() && at.lent != ""; own {
			via = event.DecidedViaDelegation
		}
	}
	if own {
		text := "nobody decides about their own access: ask somebody else"
		if via == event.DecidedViaDelegation {
			text = "who asks has lent you access to this safe, so you cannot decide about them: somebody else must"
		}
		ev := event.NewOrgGovernanceSelfApprovalBlocked(event.By(actor, as(actor, at.own)), event.AccessRequestTarget(id.AccessReq(row.ID), row.SafeName),
			event.OrgGovernanceSelfApprovalBlockedSelfApproval, event.CaseKindAccessRequest, event.AnyID(id.AccessReq(row.ID)), row.requester(), via)
		return s.refuse(ctx, actor, ev, fault.New(fault.Denied, "%s", text).WithCode(CodeSelfApproval).Because(errSelf))
	}
	if err := authz.Check(actor, authz.AccessDecide, authz.Object{ID: row.SafeID, Org: actor.Org, SafeRole: at.role}); err != nil {
		return err
	}
	return authz.Fresh(actor, authz.AccessDecide, s.d.Now())
}

func (s *Service) lentBetween(ctx context.Context, row accesssql.GetRequestRow, user id.User) (bool, error) {
	var n int64
	err := s.d.DB.ReadOrg(ctx, id.Org(row.OrgID), func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = accesssql.New(tx).LentBetween(ctx, accesssql.LentBetweenParams{OrgID: row.OrgID, SafeID: row.SafeID, RequesterID: row.RequesterID, UserID: string(user), Now: s.now()})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read what the requester has lent: %w", err)
	}
	return n > 0, nil
}

// once keeps a decision: one of each person, and one of each right that is lent.
func (s *Service) once(ctx context.Context, tx *db.Tx, row subject, at seat, actor authz.Actor, verdict, comment string) error {
	q := accesssql.New(tx)
	decisions, err := q.Decisions(ctx, accesssql.DecisionsParams{OrgID: row.OrgID, RequestID: row.ID})
	if err != nil {
		return err
	}
	for _, d := range decisions {
		// A lent right and its lender are one pair of eyes, and so are a token and who made it.
		one := at.lent != "" && (id.User(d.UserID) == at.lender || id.User(d.LenderID) == at.lender)
		if one || actor.Behind(id.User(d.UserID)) || actor.Behind(id.User(d.LenderID)) || actor.Behind(id.User(d.TokenIssuer)) {
			return &refusal{event.AccessRequestApprovedAlreadyDecidedByActor, errDecided}
		}
	}
	return q.InsertDecision(ctx, accesssql.InsertDecisionParams{OrgID: row.OrgID, RequestID: row.ID, UserID: string(actor.User), TokenID: string(actor.Token), Verdict: verdict,
		DelegationID: string(at.lent), Comment: comment, Now: s.now()})
}

func approvedBy(ctx context.Context, tx *db.Tx, row subject) ([]string, error) {
	decisions, err := accesssql.New(tx).Decisions(ctx, accesssql.DecisionsParams{OrgID: row.OrgID, RequestID: row.ID})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range decisions {
		if d.Verdict == "approve" {
			out = append(out, d.UserID)
		}
	}
	return out, nil
}

// grantOf is what a request opens when it is approved at now.
func grantOf(row accesssql.GetRequestRow, by []string, now int64) accesssql.InsertGrantParams {
	g := accesssql.InsertGrantParams{OrgID: row.OrgID, ID: string(id.New[id.AccessGrant]()), RequestID: row.ID, SafeID: row.SafeID, UserID: row.RequesterID, Kind: row.Kind,
		ApprovedBy: strings.Join(by, " "), Ticket: row.Ticket, OneSession: row.OneSession, CoolDownUs: row.CoolDownUs, AsMember: row.AsMember, Uses: row.Uses, StartsAt: now, EndsAt: now + row.DurationUs, Now: now}
	if row.StartsAt != 0 {
		g.StartsAt, g.EndsAt = max(now, row.StartsAt), row.StartsAt+row.DurationUs
	}
	return g
}

// end closes an open request without access. decide says in which state, why, and
// whether the actor may.
func (s *Service) end(ctx context.Context, actor authz.Actor, r id.AccessReq, a DecideArgs,
	decide func(accesssql.GetRequestRow, seat) (State, event.AccessRequestRejectedReason, error)) (Request, error) {
	comment := a.Comment
	got, at, err := s.read(ctx, actor, r)
	if err != nil {
		return Request{}, err
	}
	row := subject{got}
	capacity := as(actor, at.own)
	if row.requester() == actor.User {
		capacity = event.User
	}
	ev := event.NewAccessRequestRejected(event.By(actor, capacity), row.target(), r, row.requester(), int(row.ApprovalsHave))
	if comment != "" {
		ev = ev.WithComment(comment)
	}
	state, why, err := decide(got, at)
	if errors.Is(err, errSelf) {
		return Request{}, err
	}
	if err != nil {
		return Request{}, s.refuse(ctx, actor, ev.Denied(event.AccessRequestRejectedNotPermitted), err)
	}
	var letters []notify.Prepared
	if state == Rejected {
		letters = s.prepare(ctx, actor.Org, row.decided(actor.Name, comment, false, s.d.Now()))
	}
	var refused *refusal
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if state == Rejected {
			if err := s.useLink(ctx, tx, actor, row.ID, a.Link); err != nil {
				return err
			}
			if err := s.once(ctx, tx, row, at, actor, "reject", comment); err != nil {
				return err
			}
		}
		n, err := accesssql.New(tx).EndRequest(ctx, accesssql.EndRequestParams{OrgID: row.OrgID, ID: row.ID, State: string(state), Reason: why.String(), Now: s.now()})
		if err != nil {
			return err
		}
		if n == 0 {
			return &refusal{event.AccessRequestApprovedRequestClosed, errClosed}
		}
		if err := s.queue(ctx, tx, letters); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev.Because(why))
		return err
	})
	switch {
	case errors.As(err, &refused): // the catalog has no word for a request that is closed here
		return Request{}, s.refuse(ctx, actor, ev.Denied(event.AccessRequestRejectedNotPermitted), refused.err)
	case db.Unique(err):
		return Request{}, s.refuse(ctx, actor, ev.Denied(event.AccessRequestRejectedNotPermitted), errDecided)
	case errors.Is(err, errLink):
		return Request{}, s.refuse(ctx, actor, ev.Denied(event.AccessRequestRejectedNotPermitted), errLink)
	case err != nil:
		return Request{}, fmt.Errorf("end an access request: %w", err)
	}
	return s.Get(ctx, actor, r)
}

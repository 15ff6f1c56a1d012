package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/signup/signupsql"
)

var object = authz.Object{Type: authz.PlatformObject}

func onPlatform(actor authz.Actor) authz.Actor {
	actor.Org, actor.Role = "", authz.None
	return actor
}

// List lists the cases that were ever sent, oldest first; state may be empty.
func (s *Service) List(ctx context.Context, actor authz.Actor, state State, p page.Request) (page.List[Case], error) {
	if err := authz.Check(onPlatform(actor), authz.PlatformSubmissionList, object); err != nil {
		return page.List[Case]{}, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Case]{}, err
	}
	var rows []signupsql.Signup
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = signupsql.New(tx).ListSignups(ctx, signupsql.ListSignupsParams{State: string(state), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[Case]{}, fmt.Errorf("list submissions: %w", err)
	}
	out := make([]Case, len(rows))
	for i, r := range rows {
		out[i] = caseOf(r)
	}
	return page.Cut(out, n, func(c Case) string { return string(c.ID) }), nil
}

// Get shows one case.
func (s *Service) Get(ctx context.Context, actor authz.Actor, sub id.Submission) (Case, error) {
	if err := authz.Check(onPlatform(actor), authz.PlatformSubmissionList, object); err != nil {
		return Case{}, err
	}
	return s.read(ctx, sub)
}

var errDecided = fault.New(fault.Conflict, "this case was decided already, or was never sent").WithCode("ALREADY_DECIDED")

// waitedSince is how long a case has waited for a decision.
func (s *Service) waitedSince(c Case) time.Duration {
	if c.SubmittedAt.IsZero() {
		return 0
	}
	return s.d.Now().Sub(c.SubmittedAt)
}

// Approve makes the organization of a case, with the applicant as its owner.
func (s *Service) Approve(ctx context.Context, actor authz.Actor, sub id.Submission) (Case, error) {
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	c, lookErr := s.read(ctx, sub)
	ev := event.NewOrgSubmissionApproved(act, event.PlatformTarget(), sub, s.waitedSince(c))
	if err := authz.Check(actor, authz.PlatformSubmissionDecide, object); err != nil {
		return Case{}, s.refused(ctx, actor, err, ev.Denied(event.OrgSubmissionApprovedNotPermitted))
	}
	if lookErr != nil {
		return Case{}, lookErr
	}
	if c.State != Submitted {
		return Case{}, s.refused(ctx, actor, errDecided, ev.Denied(event.OrgSubmissionApprovedAlreadyDecided))
	}
	plan, err := s.d.Orgs.Plan(ctx, c.Slug, c.OrgName, identity.Kept(identity.Profile{Email: c.Email, Handle: c.Handle, Name: c.Name}, c.passwordHash))
	if err != nil {
		return Case{}, err
	}
	carry, err := s.carry(ctx, c, plan.Org().ID)
	if err != nil {
		return Case{}, err
	}
	queue, err := s.d.Mail.Approved(ctx, c.Email, c.OrgName, c.Slug)
	if err != nil {
		return Case{}, fmt.Errorf("write an applicant's message: %w", err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		org := plan.Org()
		if err := s.decide(ctx, tx, actor, c, signupsql.DecideParams{State: string(Approved), OrgIDMade: string(org.ID)}); err != nil {
			return err
		}
		owner, err := s.d.Orgs.Make(ctx, tx, act, plan)
		if err != nil {
			return err
		}
		if err := s.d.People.ProveEmail(ctx, tx, owner.ID, c.Email); err != nil {
			return err
		}
		approved := func(a event.Act) event.Event {
			return event.NewOrgSubmissionApproved(a, event.TenantTarget(org.ID, org.Name), sub, s.waitedSince(c)).WithNewOrgID(org.ID).WithFirstAdminUserID(owner.ID)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, approved(act)); err != nil {
			return err
		}
		if _, err := s.d.Ledger.Record(ctx, tx, approved(act.InOrg(org.ID))); err != nil {
			return err
		}
		if err := s.d.Orgs.TellOwner(ctx, tx, act.Request(), org, owner.Profile); err != nil {
			return err
		}
		if err := carry(ctx, tx, owner.ID, act.Request()); err != nil {
			return err
		}
		return queue(ctx, tx)
	})
	if errors.Is(err, errDecided) {
		return Case{}, s.refused(ctx, actor, errDecided, ev.Denied(event.OrgSubmissionApprovedAlreadyDecided))
	}
	if err != nil {
		return Case{}, fmt.Errorf("approve an organization: %w", err)
	}
	return s.read(ctx, sub)
}

// RejectArgs say why a case is not approved.
type RejectArgs struct {
	Comment     string // the applicant reads it
	MayResubmit bool   // it is returned for correction
}

// Reject turns a case down, or returns it.
func (s *Service) Reject(ctx context.Context, actor authz.Actor, sub id.Submission, a RejectArgs) (Case, error) {
	actor = onPlatform(actor)
	if wrong := label.Note(a.Comment); wrong != "" || a.Comment == "" {
		if wrong == "" {
			wrong = "must not be empty: the applicant reads it"
		}
		return Case{}, fault.New(fault.Invalid, "the comment %s", wrong).WithField("comment", "%s", wrong)
	}
	c, lookErr := s.read(ctx, sub)
	ev := event.NewOrgSubmissionRejected(event.By(actor, event.PlatformAdmin), event.PlatformTarget(), sub, a.MayResubmit, s.waitedSince(c)).WithComment(a.Comment)
	if err := authz.Check(actor, authz.PlatformSubmissionDecide, object); err != nil {
		return Case{}, s.refused(ctx, actor, err, ev.Denied(event.OrgSubmissionRejectedNotPermitted))
	}
	if lookErr != nil {
		return Case{}, lookErr
	}
	if c.State != Submitted {
		return Case{}, s.refused(ctx, actor, errDecided, ev.Denied(event.OrgSubmissionRejectedAlreadyDecided))
	}
	queue, err := s.d.Mail.Rejected(ctx, c.Email, c.OrgName, a.MayResubmit, a.Comment)
	if err != nil {
		return Case{}, fmt.Errorf("write an applicant's message: %w", err)
	}
	state, why := Rejected, event.OrgSubmissionRejectedRejected
	if a.MayResubmit {
		state, why = Returned, event.OrgSubmissionRejectedReturned
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.decide(ctx, tx, actor, c, signupsql.DecideParams{State: string(state), Comment: a.Comment}); err != nil {
			return err
		}
		if _, err := s.d.Ledger.Record(ctx, tx, ev.Because(why)); err != nil {
			return err
		}
		return queue(ctx, tx)
	})
	if errors.Is(err, errDecided) {
		return Case{}, s.refused(ctx, actor, errDecided, ev.Denied(event.OrgSubmissionRejectedAlreadyDecided))
	}
	if err != nil {
		return Case{}, fmt.Errorf("turn an organization down: %w", err)
	}
	return s.read(ctx, sub)
}

// decide stores a decision, and forgets the password that waited for it.
func (s *Service) decide(ctx context.Context, tx *db.Tx, actor authz.Actor, c Case, p signupsql.DecideParams) error {
	p.Now, p.DecidedBy, p.ID = s.now(), string(actor.User), string(c.ID)
	n, err := signupsql.New(tx).Decide(ctx, p)
	if err != nil {
		return fmt.Errorf("store a decision: %w", err)
	}
	if n == 0 {
		return errDecided
	}
	return nil
}

func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

// Sweep deletes links, holds and untouched drafts that nobody can use any more.
func (s *Service) Sweep(ctx context.Context) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := signupsql.New(tx)
		if err := q.DropOldLinks(ctx, db.Micros(s.d.Now().Add(-24*linkLife))); err != nil {
			return err
		}
		if err := q.DropOldAccess(ctx, s.now()); err != nil {
			return err
		}
		return q.DropOldDrafts(ctx, db.Micros(s.d.Now().Add(-draftLife)))
	})
}

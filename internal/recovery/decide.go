package recovery

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
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/recovery/recoverysql"
)

// Desk is a queue of cases: that of the actor's organization, or the platform's.
type Desk bool

// The desks.
const (
	OfOrganization Desk = false
	OfPlatform     Desk = true
)

func (d Desk) check(actor authz.Actor, decide bool) error {
	if d == OfPlatform {
		actor.Org, actor.Role = "", authz.None
		action := authz.PlatformRecoveryList
		if decide {
			action = authz.PlatformRecoveryDecide
		}
		return authz.Check(actor, action, authz.Object{Type: authz.PlatformObject})
	}
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	action := authz.RecoveryList
	if decide {
		action = authz.RecoveryDecide
	}
	return authz.Check(actor, action, authz.Object{Type: authz.MemberObject, Org: actor.Org})
}

// act is a decision of the actor, told in the ledger of the case.
func (d Desk) act(actor authz.Actor, org id.Org) event.Act {
	if d == OfPlatform {
		return event.By(actor, event.PlatformAdmin).InOrg(org)
	}
	return event.By(actor, event.OrgAdmin).InOrg(org)
}

// List lists the cases of a desk that were proved, newest first, in one state or in all.
func (s *Service) List(ctx context.Context, actor authz.Actor, d Desk, want State, p page.Request) (page.List[Case], error) {
	none := page.List[Case]{}
	if err := d.check(actor, false); err != nil {
		return none, err
	}
	n, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = "~"
	}
	var out []Case
	now := s.now()
	read := func(ctx context.Context, tx *db.Tx) error {
		out = out[:0]
		q := recoverysql.New(tx)
		if d == OfPlatform {
			rows, err := q.ListPlatformCases(ctx, recoverysql.ListPlatformCasesParams{Before: before, State: string(want), N: n})
			for _, r := range rows {
				out = append(out, joined(recoverysql.GetCaseRow(r)).shown(now))
			}
			return err
		}
		rows, err := q.ListCases(ctx, recoverysql.ListCasesParams{OrgID: string(actor.Org), Before: before, State: string(want), N: n})
		for _, r := range rows {
			out = append(out, joined(recoverysql.GetCaseRow(r)).shown(now))
		}
		return err
	}
	if d == OfPlatform {
		err = s.d.DB.ReadPlatform(ctx, read)
	} else {
		err = s.d.DB.ReadOrg(ctx, actor.Org, read)
	}
	if err != nil {
		return none, fmt.Errorf("list recovery cases: %w", err)
	}
	return page.Cut(out, n, func(c Case) string { return string(c.ID) }), nil
}

// joined is a case with its person.
type joined recoverysql.GetCaseRow

func (j joined) row() recoverysql.MfaRecovery {
	return recoverysql.MfaRecovery{OrgID: j.OrgID, ID: j.ID, PersonID: j.PersonID, State: j.State, Queue: j.Queue, Lost: j.Lost, SourceIp: j.SourceIp, ProofHash: j.ProofHash,
		Attempts: j.Attempts, GrantID: j.GrantID, GrantHash: j.GrantHash, WebSessionID: j.WebSessionID, DecidedBy: j.DecidedBy, Comment: j.Comment,
		CreatedAt: j.CreatedAt, VerifiedAt: j.VerifiedAt, DecidedAt: j.DecidedAt, ExpiresAt: j.ExpiresAt, EndedAt: j.EndedAt, ProviderOrg: j.ProviderOrg}
}

func (j joined) person() identity.Profile {
	return identity.Profile{ID: id.User(j.PersonID), Email: j.Email, Handle: j.Handle, Name: j.Name}
}

func (j joined) shown(now int64) Case { return caseOf(j.row(), j.person(), now) }

func (s *Service) find(ctx context.Context, actor authz.Actor, d Desk, rec id.Recovery) (joined, error) {
	var row joined
	var err error
	if d == OfPlatform {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			r, err := recoverysql.New(tx).GetPlatformCase(ctx, string(rec))
			row = joined(r)
			return err
		})
	} else {
		err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
			r, err := recoverysql.New(tx).GetCase(ctx, recoverysql.GetCaseParams{OrgID: string(actor.Org), ID: string(rec)})
			row = joined(r)
			return err
		})
	}
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "no recovery case %.64q here", rec)
	}
	if err != nil {
		return row, fmt.Errorf("read recovery case %s: %w", rec, err)
	}
	return row, nil
}

// Get is one case of a desk.
func (s *Service) Get(ctx context.Context, actor authz.Actor, d Desk, rec id.Recovery) (Case, error) {
	if err := d.check(actor, false); err != nil {
		return Case{}, err
	}
	j, err := s.find(ctx, actor, d, rec)
	if err != nil {
		return Case{}, err
	}
	return j.shown(s.now()), nil
}

var errSelf = fault.New(fault.Denied, "nobody decides their own recovery: ask another administrator").WithCode("SELF_APPROVAL")

// may tells whether the actor decides this case. The error is what they are told.
func (s *Service) may(actor authz.Actor, d Desk, c decision) error {
	subject, org := c.subject, c.org
	if err := d.check(actor, true); err != nil {
		return err
	}
	if subject.ID == actor.User {
		return errSelf
	}
	if role := in(subject, org).Role; d == OfOrganization && !actor.Role.Includes(role) {
		return fault.New(fault.Denied, "%s is %s, which your role does not include: ask an owner", subject.Handle, role)
	}
	action := authz.RecoveryDecide
	if d == OfPlatform {
		action = authz.PlatformRecoveryDecide
	}
	return authz.Fresh(actor, action, s.d.Now())
}

func checkComment(comment string) error {
	wrong := label.Note(comment)
	if wrong == "" && len([]rune(comment)) > maxComment {
		wrong = fmt.Sprintf("must have at most %d characters", maxComment)
	}
	if wrong != "" {
		return fault.New(fault.Invalid, "the comment %s", wrong).WithField("comment", "%s", wrong)
	}
	return nil
}

// decision is what both decisions begin with.
type decision struct {
	joined
	subject identity.Standing
	org     id.Org
	rec     id.Recovery
	act     event.Act
	waited  time.Duration
	beyond  bool // it reaches further than the organization that it was put to
}

func (s *Service) begin(ctx context.Context, actor authz.Actor, d Desk, rec id.Recovery, comment string) (decision, error) {
	if err := checkComment(comment); err != nil {
		return decision{}, err
	}
	if d == OfOrganization && actor.Org == "" {
		return decision{}, d.check(actor, true)
	}
	j, err := s.find(ctx, actor, d, rec)
	if fault.Is(err, fault.NotFound) {
		if no := d.check(actor, true); no != nil {
			return decision{}, no // whoever decides nothing here learns nothing of what is here
		}
	}
	if err != nil {
		return decision{}, err
	}
	out := decision{joined: j, org: id.Org(j.OrgID), rec: rec, act: d.act(actor, id.Org(j.OrgID))}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if out.subject, err = s.d.People.StandingOf(ctx, tx, id.User(j.PersonID)); err == nil {
			out.beyond, err = s.reaches(ctx, tx, id.User(j.PersonID), id.Org(j.ProviderOrg))
		}
		return err
	})
	if err != nil {
		return decision{}, err
	}
	if j.VerifiedAt != 0 {
		out.waited = s.d.Now().Sub(db.Time(j.VerifiedAt)).Truncate(time.Second)
	}
	return out, nil
}

// Approve lets the person of a case set up a new factor: it mints the grant and
// mails it to them.
func (s *Service) Approve(ctx context.Context, actor authz.Actor, d Desk, rec id.Recovery, comment string) (Case, error) {
	c, err := s.begin(ctx, actor, d, rec, comment)
	if err != nil {
		return Case{}, err
	}
	approved := event.NewMFARecoveryApproved(c.act, target(rec, c.person()), rec, c.subject.ID, c.waited)
	if comment != "" {
		approved = approved.WithComment(comment)
	}
	if err := s.may(actor, d, c); err != nil {
		return Case{}, s.refusedDecision(ctx, actor, c, err, approved.Denied(event.MFARecoveryApprovedNotPermitted))
	}
	if d == OfOrganization && c.beyond {
		return Case{}, s.refusedTo(ctx, actor, errElsewhere, approved.Denied(event.MFARecoveryApprovedNotPermitted))
	}
	grant := id.New[id.RecoveryGrant]()
	ticket, hash := newTicket(grant)
	expires := s.d.Now().Add(GrantLife).UTC().Truncate(time.Microsecond)
	letter, err := s.mail(ctx, c.org, c.person(), notify.RecoveryGrant{Name: c.Name, By: actor.Name, Grant: ticket, ExpiresAt: expires}, expires)
	if err != nil {
		return Case{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := recoverysql.New(tx).ApproveCase(ctx, recoverysql.ApproveCaseParams{OrgID: c.OrgID, ID: c.ID, Now: s.now(), DecidedBy: string(actor.User), Comment: comment,
			GrantID: string(grant), GrantHash: hash, ExpiresAt: db.Micros(expires)})
		if err != nil {
			return fmt.Errorf("store a decision: %w", err)
		}
		if n == 0 {
			return errClosed
		}
		if err := s.d.Mail.Queue(ctx, tx, letter); err != nil {
			return err
		}
		if _, err := s.d.Ledger.Record(ctx, tx, approved); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewMFARecoveryGrantIssued(c.act, target(rec, c.person()), rec, c.subject.ID, grant, expires, event.GrantDeliveryEmail))
		return err
	})
	if errors.Is(err, errClosed) {
		return Case{}, s.refusedTo(ctx, actor, errClosed, approved.Denied(event.MFARecoveryApprovedCaseClosed))
	}
	if err != nil {
		return Case{}, fmt.Errorf("approve a recovery: %w", err)
	}
	return s.Get(ctx, actor, d, rec)
}

// Deny turns a case down; the person is told, with the comment.
func (s *Service) Deny(ctx context.Context, actor authz.Actor, d Desk, rec id.Recovery, comment string) (Case, error) {
	c, err := s.begin(ctx, actor, d, rec, comment)
	if err != nil {
		return Case{}, err
	}
	denied := event.NewMFARecoveryDenied(c.act, target(rec, c.person()), rec, c.subject.ID, c.waited)
	if comment != "" {
		denied = denied.WithComment(comment)
	}
	if err := s.may(actor, d, c); err != nil {
		return Case{}, s.refusedDecision(ctx, actor, c, err, denied.Denied(event.MFARecoveryDeniedNotPermitted))
	}
	letter, err := s.mail(ctx, c.org, c.person(), notify.RecoveryDenied{Name: c.Name, By: actor.Name, Comment: comment}, time.Time{})
	if err != nil {
		return Case{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := recoverysql.New(tx).DenyCase(ctx, recoverysql.DenyCaseParams{OrgID: c.OrgID, ID: c.ID, Now: s.now(), DecidedBy: string(actor.User), Comment: comment})
		if err != nil {
			return fmt.Errorf("store a decision: %w", err)
		}
		if n == 0 {
			return errClosed
		}
		if err := s.d.Mail.Queue(ctx, tx, letter); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, denied)
		return err
	})
	if errors.Is(err, errClosed) {
		return Case{}, s.refusedTo(ctx, actor, errClosed, denied.Denied(event.MFARecoveryDeniedCaseClosed))
	}
	if err != nil {
		return Case{}, fmt.Errorf("deny a recovery: %w", err)
	}
	return s.Get(ctx, actor, d, rec)
}

// refusedDecision records ev, or that somebody tried to decide about themselves.
func (s *Service) refusedDecision(ctx context.Context, actor authz.Actor, c decision, why error, ev event.Event) error {
	if errors.Is(why, errSelf) {
		via := event.DecidedViaDirect
		if actor.Kind == authz.Token {
			via = event.DecidedViaAPIToken
		}
		ev = event.NewOrgGovernanceSelfApprovalBlocked(c.act, target(c.rec, c.person()), event.OrgGovernanceSelfApprovalBlockedSelfApproval,
			event.CaseKindMFARecovery, event.AnyID(c.rec), c.subject.ID, via)
	}
	return s.refusedTo(ctx, actor, why, ev)
}

func (s *Service) refusedTo(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	return s.refused(ctx, why, ev)
}

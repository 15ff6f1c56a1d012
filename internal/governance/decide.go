package governance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// Desk is a queue: that of the actor's organization, or the platform's over all of them.
type Desk bool

// The desks.
const (
	OfOrganization Desk = false
	OfPlatform     Desk = true
)

// act is a decision of the actor, told in the organization's ledger.
func (d Desk) act(actor authz.Actor, org id.Org) event.Act {
	if d == OfPlatform {
		return event.By(actor, event.PlatformAdmin).InOrg(org)
	}
	return event.By(actor, event.OrgAdmin).InOrg(org)
}

// check tells whether the actor has a right at the desk.
func (d Desk) check(actor authz.Actor, inOrg, onPlatform authz.Action) error {
	if d == OfPlatform {
		actor.Org, actor.Role = "", authz.None
		return authz.Check(actor, onPlatform, authz.Object{Type: authz.PlatformObject})
	}
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	return authz.Check(actor, inOrg, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org})
}

func (d Desk) mayDecide(actor authz.Actor) error {
	return d.check(actor, authz.GovernanceDecide, authz.PlatformGovernanceDecide)
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

// decision is what a decision begins with.
type decision struct {
	Action
	row governancesql.GovernanceAction
	act event.Act
}

func (d decision) waited(now time.Time) time.Duration {
	return now.Sub(d.CreatedAt).Truncate(time.Second)
}

func (s *Service) find(ctx context.Context, actor authz.Actor, d Desk, g id.Governance) (row governancesql.GovernanceAction, org governancesql.GetAnyActionRow, err error) {
	if d == OfPlatform {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			org, err = governancesql.New(tx).GetAnyAction(ctx, string(g))
			return err
		})
		row = anyRow(org)
	} else {
		err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
			row, err = governancesql.New(tx).GetAction(ctx, governancesql.GetActionParams{OrgID: string(actor.Org), ID: string(g)})
			return err
		})
	}
	if db.NotFound(err) {
		return row, org, noAction(g)
	}
	if err != nil {
		return row, org, fmt.Errorf("read governance action %s: %w", g, err)
	}
	return row, org, nil
}

func (s *Service) begin(ctx context.Context, actor authz.Actor, d Desk, g id.Governance, comment string) (decision, error) {
	if err := checkComment(comment); err != nil {
		return decision{}, err
	}
	if d == OfOrganization && actor.Org == "" {
		return decision{}, d.mayDecide(actor)
	}
	row, _, err := s.find(ctx, actor, d, g)
	if fault.Is(err, fault.NotFound) {
		if no := d.mayDecide(actor); no != nil {
			return decision{}, no // whoever decides nothing here learns nothing of what is here
		}
	}
	if err != nil {
		return decision{}, err
	}
	return decision{s.actionOf(row), row, d.act(actor, id.Org(row.OrgID))}, nil
}

// may tells whether the actor decides this action. Their own they never do, by no way;
// denied is recorded for the rest.
func (s *Service) may(ctx context.Context, actor authz.Actor, d Desk, c decision, denied event.Event) error {
	person := actor
	person.Kind = authz.Person // an API token cannot decide at all; whose it is tells by what way they tried
	if c.AskedBy(actor) && d.mayDecide(person) == nil {
		via, as := event.DecidedViaDirect, event.OrgAdmin
		if actor.Kind == authz.Token {
			via = event.DecidedViaAPIToken
		}
		if d == OfPlatform {
			as = event.PlatformAdmin
		}
		ev := event.NewOrgGovernanceSelfApprovalBlocked(event.By(actor, as).InOrg(c.Org), c.target(), event.OrgGovernanceSelfApprovalBlockedSelfApproval,
			event.CaseKindGovernanceAction, event.AnyID(c.ID), c.RequestedBy, via)
		return s.refused(ctx, actor, fault.New(fault.Denied, "nobody decides what they asked for themselves, or by a token that they made: another owner or administrator does").WithCode(SelfApproval), ev)
	}
	err := d.mayDecide(actor)
	if err == nil {
		action := authz.GovernanceDecide
		if d == OfPlatform {
			action = authz.PlatformGovernanceDecide
		}
		err = authz.Fresh(actor, action, s.d.Now())
	}
	if err == nil && d == OfPlatform {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			others, err := s.deciders(ctx, tx, c.Org, c.RequestedBy, c.Issuer)
			if err == nil && len(others) > 0 {
				err = fault.New(fault.Denied, "%d people of the organization can decide this: the platform decides only where nobody else can", len(others)).WithCode("ORGANIZATION_DECIDES")
			}
			return err
		})
	}
	if err != nil {
		return s.refused(ctx, actor, err, denied)
	}
	return nil
}

// Approve makes the change: the effect, its event and the approval commit together. What
// is another change by now is not made; the action ends as superseded and says why.
func (s *Service) Approve(ctx context.Context, actor authz.Actor, d Desk, g id.Governance, comment string) (Action, error) {
	c, err := s.begin(ctx, actor, d, g, comment)
	if err != nil {
		return Action{}, err
	}
	approved := event.NewOrgGovernanceActionApproved(c.act, c.target(), c.Kind, c.RequestedBy, c.waited(s.d.Now()))
	if comment != "" {
		approved = approved.WithComment(comment)
	}
	if err := s.may(ctx, actor, d, c, approved.Denied(event.OrgGovernanceActionApprovedNotPermitted)); err != nil {
		return Action{}, err
	}
	closed := func() error {
		return s.refused(ctx, actor, errClosed, approved.Denied(event.OrgGovernanceActionApprovedActionClosed))
	}
	if c.State != Open {
		return Action{}, closed()
	}
	effect, err := s.effect(ctx, actor, c)
	if err == nil {
		var letters []notify.Prepared
		if letters, err = s.letterToRequester(ctx, c.Action, Approved, actor.Name, comment, ""); err == nil {
			err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
				return s.approve(ctx, tx, actor, c, comment, effect, approved, letters)
			})
		}
	}
	if errors.Is(err, errClosed) {
		return Action{}, closed()
	}
	if why := obsolete(err); why != "" {
		return Action{}, s.supersede(ctx, actor, c, why)
	}
	if err != nil {
		return Action{}, fmt.Errorf("approve %s: %w", g, err)
	}
	row, _, err := s.find(ctx, actor, d, g)
	if fault.Is(err, fault.NotFound) { // its organization went with it
		c.State, c.DecidedBy, c.DecidedByName, c.DecidedAt, c.Comment = Approved, actor.User, actor.Name, s.d.Now(), comment
		return c.Action, nil
	}
	return s.actionOf(row), err
}

// effect opens what is to be applied, and lets its domain get ready.
func (s *Service) effect(ctx context.Context, actor authz.Actor, c decision) (Effect, error) {
	k, ok := s.kinds[c.Kind]
	if !ok {
		return nil, fmt.Errorf("governance: the kind %s is not registered", c.Kind)
	}
	payload, err := s.open(ctx, c.Action)
	if err != nil {
		return nil, err
	}
	role := authz.None
	err = s.d.DB.ReadOrg(ctx, c.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		role, err = s.stands(ctx, tx, c.Action)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k.ready(ctx, Permit{action: c.ID, actor: requester(c.row, role, actor.Request, s.d.Now()), kind: c.Kind, subject: c.Subject, fields: c.Fields}, payload)
}

func (s *Service) approve(ctx context.Context, tx *db.Tx, actor authz.Actor, c decision, comment string, effect Effect, approved event.OrgGovernanceActionApproved, letters []notify.Prepared) error {
	q := governancesql.New(tx)
	n, err := q.ApproveAction(ctx, governancesql.ApproveActionParams{DecidedBy: string(actor.User), DecidedByName: actor.Name, Now: s.now(), Comment: comment, OrgID: string(c.Org), ID: string(c.ID)})
	if err != nil {
		return fmt.Errorf("store a decision: %w", err)
	}
	if n == 0 {
		return errClosed
	}
	told, err := effect(ctx, tx)
	if err != nil {
		return err
	}
	if told != "" {
		approved = approved.WithEffectEvent(told)
		if _, err := q.SetEffect(ctx, governancesql.SetEffectParams{EffectEvent: string(told), OrgID: string(c.Org), ID: string(c.ID)}); err != nil {
			return fmt.Errorf("store an effect: %w", err)
		}
	}
	for _, l := range letters {
		if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
			return err
		}
	}
	_, err = s.d.Ledger.Record(ctx, tx, approved)
	return err
}

// obsolete tells why a change cannot be made any more as it was asked for; empty when
// that is not what is wrong.
func obsolete(err error) string {
	var st *stale
	if errors.As(err, &st) {
		return st.what
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied, fault.NotFound, fault.Conflict:
		if err != nil {
			return fault.MessageOf(err)
		}
	}
	return ""
}

// supersede ends an action that is not what was asked for any more, and says so.
func (s *Service) supersede(ctx context.Context, actor authz.Actor, c decision, why string) error {
	system := authz.SystemActor(c.Org)
	system.Request = actor.Request
	if err := s.end(ctx, c, Superseded, "", "", "", why, event.By(system, event.System), event.OrgGovernanceActionRejectedSuperseded); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "nothing was done, because this is not what was asked for any more: %s; ask for it anew", why).WithCode(Stale)
}

// end closes an open action without effect.
func (s *Service) end(ctx context.Context, c decision, to State, by id.User, name, comment, note string, act event.Act, reason event.OrgGovernanceActionRejectedReason) error {
	letters, err := s.letterToRequester(ctx, c.Action, to, name, comment, note)
	if err != nil {
		return err
	}
	ev := event.NewOrgGovernanceActionRejected(act, c.target(), c.Kind, c.RequestedBy, c.waited(s.d.Now())).Because(reason)
	if said := comment + note; said != "" {
		ev = ev.WithComment(said)
	}
	err = s.d.DB.InOrg(ctx, c.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := governancesql.New(tx).EndAction(ctx, governancesql.EndActionParams{State: string(to), DecidedBy: string(by), DecidedByName: name, Now: s.now(),
			Comment: comment, Note: note, OrgID: string(c.Org), ID: string(c.ID)})
		if err != nil {
			return fmt.Errorf("store a decision: %w", err)
		}
		if n == 0 {
			return errClosed
		}
		for _, l := range letters {
			if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
				return err
			}
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("end a governance action: %w", err)
	}
	return nil
}

// Reject turns an action down.
func (s *Service) Reject(ctx context.Context, actor authz.Actor, d Desk, g id.Governance, comment string) (Action, error) {
	c, err := s.begin(ctx, actor, d, g, comment)
	if err != nil {
		return Action{}, err
	}
	rejected := event.NewOrgGovernanceActionRejected(c.act, c.target(), c.Kind, c.RequestedBy, c.waited(s.d.Now()))
	if err := s.may(ctx, actor, d, c, rejected.Denied(event.OrgGovernanceActionRejectedNotPermitted)); err != nil {
		return Action{}, err
	}
	if err := s.endBy(ctx, actor, c, Rejected, comment, event.OrgGovernanceActionRejectedRejected); err != nil {
		return Action{}, err
	}
	row, _, err := s.find(ctx, actor, d, g)
	return s.actionOf(row), err
}

// endBy closes an action as the actor wants it. One that has ended already, be it a moment
// ago, refuses that; the catalog knows no word of its own for it here.
func (s *Service) endBy(ctx context.Context, actor authz.Actor, c decision, to State, comment string, reason event.OrgGovernanceActionRejectedReason) error {
	err := error(errClosed)
	if c.State == Open {
		err = s.end(ctx, c, to, actor.User, actor.Name, comment, "", c.act, reason)
	}
	if !errors.Is(err, errClosed) {
		return err
	}
	ev := event.NewOrgGovernanceActionRejected(c.act, c.target(), c.Kind, c.RequestedBy, c.waited(s.d.Now()))
	return s.refused(ctx, actor, errClosed, ev.Denied(event.OrgGovernanceActionRejectedNotPermitted))
}

// Withdraw takes back what the actor has asked for.
func (s *Service) Withdraw(ctx context.Context, actor authz.Actor, g id.Governance, comment string) (Action, error) {
	c, err := s.begin(ctx, actor, OfOrganization, g, comment)
	if err != nil {
		return Action{}, err
	}
	err = OfOrganization.check(actor, authz.GovernanceList, "")
	switch {
	case err == nil && actor.Kind != authz.Person:
		err = fault.New(fault.Denied, "an API token withdraws nothing: another administrator can reject it")
	case err == nil && !c.AskedBy(actor):
		err = fault.New(fault.Denied, "only who asked for it withdraws it; you can reject it")
	}
	if err != nil {
		ev := event.NewOrgGovernanceActionRejected(c.act, c.target(), c.Kind, c.RequestedBy, c.waited(s.d.Now()))
		return Action{}, s.refused(ctx, actor, err, ev.Denied(event.OrgGovernanceActionRejectedNotPermitted))
	}
	if err := s.endBy(ctx, actor, c, Withdrawn, comment, event.OrgGovernanceActionRejectedWithdrawn); err != nil {
		return Action{}, err
	}
	row, _, err := s.find(ctx, actor, OfOrganization, g)
	return s.actionOf(row), err
}

// letterToRequester tells who asked what became of it, unless they did it themselves. A
// service account has no mailbox.
func (s *Service) letterToRequester(ctx context.Context, a Action, to State, by, comment, note string) ([]notify.Prepared, error) {
	if to == Withdrawn || a.Token != "" {
		return nil, nil
	}
	var p governancesql.PersonOfRow
	err := s.d.DB.ReadOrg(ctx, a.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = governancesql.New(tx).PersonOf(ctx, string(a.RequestedBy))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who asked for %s: %w", a.ID, err)
	}
	l, err := s.d.Mail.Prepare(ctx, a.Org, notify.Message{To: notify.Recipient{Email: p.Email, Name: p.Name}, Data: notify.GovernanceDecided{
		Name: p.Name, Summary: a.Summary, Outcome: string(to), By: by, Comment: comment + note, Path: "/organization/governance/" + string(a.ID)}})
	if err != nil {
		return nil, fmt.Errorf("write to who asked for %s: %w", a.ID, err)
	}
	return []notify.Prepared{l}, nil
}

package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// BreakGlass opens a safe to somebody whom it names for emergencies, without asking
// anybody: every administrator is told at once, the ledger flags an incident, and
// whatever the safe says, its sessions are recorded. The credential is to be replaced afterwards. What denies still denies.
func (s *Service) BreakGlass(ctx context.Context, actor authz.Actor, a RequestArgs) (Request, error) {
	if err := inOrg(actor); err != nil {
		return Request{}, err
	}
	if err := errorsOf(checkText("reason", a.Reason, true), checkText("ticket", a.Ticket, false)); err != nil {
		return Request{}, err
	}
	a.StartsAt, a.Uses = time.Time{}, ForSession // in an emergency the credential stays unseen
	f, unknown, err := s.look(ctx, actor, a)
	if err != nil {
		return Request{}, err
	}
	now := db.Micros(f.now)
	g := grantOf(accesssql.GetRequestRow{OrgID: string(actor.Org), ID: string(f.id), SafeID: string(f.Safe), RequesterID: string(actor.User), Kind: string(ByEmergency), Ticket: a.Ticket, DurationUs: f.Duration.Microseconds(), Uses: string(ForSession)}, nil, now)
	act := event.By(actor, event.User)
	ev := opened(act, g, f.facts.Name).WithJustification(a.Reason)
	if err := s.mayBreak(actor, f, unknown); err != nil {
		if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
			return Request{}, err
		}
		return Request{}, s.refuse(ctx, actor, ev.Denied(event.AccessGrantOpenedNotPermitted), err)
	}
	var letters []letter
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := accesssql.New(tx).Administrators(ctx, string(actor.Org))
		letters = nil
		for _, r := range rows {
			letters = append(letters, letter{Person{id.User(r.ID), r.Handle, r.Name, r.Email}, notify.AccessEmergency{Person: f.requester.Handle, Email: f.requester.Email, Safe: f.facts.Name,
				Reason: a.Reason, Source: actor.Source.IP.String(), Until: db.Time(g.EndsAt), Request: string(f.id)}, time.Time{}})
		}
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("list administrators: %w", err)
	}
	prepared := s.prepare(ctx, actor.Org, letters)
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accesssql.New(tx)
		err := q.InsertRequest(ctx, accesssql.InsertRequestParams{OrgID: g.OrgID, ID: g.RequestID, SafeID: g.SafeID, RequesterID: g.UserID, Kind: g.Kind, State: string(Approved),
			Reason: a.Reason, Ticket: a.Ticket, DurationUs: f.Duration.Microseconds(), Approvers: wordsOf(nil), Uses: string(ForSession), Now: now, ExpiresAt: now, EndedAt: now})
		if err != nil {
			return err
		}
		if err := q.InsertGrant(ctx, g); err != nil {
			return err
		}
		told, err := s.d.Ledger.Record(ctx, tx, ev)
		if err != nil {
			return err
		}
		if err := s.d.Vault.Due(ctx, tx, id.Account(f.facts.AccountID)); err != nil {
			return err
		}
		if err := s.queue(ctx, tx, prepared); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewSecurityIncidentFlagged(act, event.TenantTarget(actor.Org, ""), id.New[id.Incident](), "break_glass", "safe", []id.Event{told}, event.AutomaticActionNone).
			WithObjectID(event.AnyID(f.Safe)))
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("open a safe in an emergency: %w", err)
	}
	return s.Get(ctx, actor, f.id)
}

func (s *Service) mayBreak(actor authz.Actor, f *filing, unknown error) error {
	o := authz.Object{ID: string(f.Safe), Org: actor.Org, SafeRole: f.need.Access.Role}
	p := f.need.Access.Policy
	named := slices.Contains(p.BreakGlass, actor.User)
	if !named && !authz.May(actor, authz.SafeView, o) {
		return unknown
	}
	if err := authz.Check(actor, authz.AccessBreakGlass, o); err != nil {
		return err
	}
	switch {
	case !named:
		return fault.New(fault.Denied, "this safe does not name you for emergencies: ask for access, or ask an administrator")
	case f.need.Access.Role != safe.NoRole && f.need.Approvals == 0 && f.need.Refused == nil && !f.need.OffHours:
		return fault.New(fault.Conflict, "you may open this safe without anybody's approval: just open it").WithCode(CodeNotNeeded)
	case f.need.OffHours:
		return fault.New(fault.Denied, "this safe cannot be opened at this hour, in an emergency neither").WithCode(CodeOffHours)
	case f.need.Refused != nil:
		return fault.New(fault.Denied, "you would not be let in, in an emergency neither: %s", fault.MessageOf(f.need.Refused)).WithCode(CodeNotEligible)
	case f.Duration < time.Minute || f.Duration > p.Approval.Longest || f.Duration%time.Second != 0:
		return fault.New(fault.Invalid, "this safe can be opened for one minute to %s", short(p.Approval.Longest)).WithField("duration_seconds", "must be whole seconds from 60 to %d", p.Approval.Longest/time.Second)
	}
	return authz.Fresh(actor, authz.AccessBreakGlass, s.d.Now())
}

// EmergencyOn tells whether an emergency may still use an account, or a session of one does.
func EmergencyOn(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (bool, error) {
	n, err := accesssql.New(tx).EmergenciesOn(ctx, accesssql.EmergenciesOnParams{OrgID: string(org), AccountID: string(a)})
	return n > 0, err
}

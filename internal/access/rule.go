package access

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// ruleFor is the group of a safe's rule in which the actor is; empty: in none.
func (s *Service) ruleFor(ctx context.Context, tx *db.Tx, actor authz.Actor, p safe.Approval) (id.Group, error) {
	for _, g := range p.Groups {
		in, err := s.isIn(ctx, tx, actor.Org, actor.User, string(g))
		if err != nil {
			return "", err
		}
		if in {
			return g, nil
		}
	}
	return "", nil
}

var errNoTickets = fault.New(fault.Unavailable, "there is none")

// askTicket asks whether an open ticket approves a request. Whatever goes wrong, people
// decide, and are told why. No transaction is open meanwhile.
func (s *Service) askTicket(ctx context.Context, org id.Org, f *filing) {
	if !f.need.Access.Policy.Approval.Ticket || f.byRule() {
		return
	}
	if f.Ticket == "" {
		f.ruleNote = "no ticket is named"
		return
	}
	if !f.member {
		f.ruleNote = "who is no member of the safe is let in by a person"
		return
	}
	if !f.reveals {
		f.ruleNote = "the credential is more than their role holds, and shown only if a person says so"
		return
	}
	var err error = errNoTickets
	if s.d.Ticket != nil {
		f.ticket, err = s.d.Ticket.TicketOpen(ctx, org, notify.TicketQuestion{Ticket: f.Ticket, Requester: f.requester.Handle, Email: f.requester.Email, Safe: f.facts.Name, SafeID: f.Safe, Uses: string(f.Uses), Duration: f.Duration})
	}
	switch {
	case err != nil:
		f.ticket, f.ruleNote = false, "the ticket system: "+fault.MessageOf(err)
	case !f.ticket:
		f.ruleNote = "the ticket system says that this ticket is not open"
	}
}

var errMeanwhile = fault.New(fault.Conflict, "your access to this safe, or its rules, changed while you asked: ask again").WithCode(CodeNotEligible)

// stillByRule asks again, in the transaction that opens the access, for all that lets a
// rule approve: since then a ticket system may have taken its time.
func (s *Service) stillByRule(ctx context.Context, tx *db.Tx, actor authz.Actor, f *filing) error {
	if !f.byRule() {
		return nil
	}
	now := &filing{RequestArgs: f.RequestArgs, id: f.id, from: f.from, now: f.now}
	err := s.lookIn(ctx, tx, actor, now)
	if fault.Is(err, fault.NotFound) || db.NotFound(err) {
		return errMeanwhile
	}
	if err != nil {
		return fmt.Errorf("look at the safe again: %w", err)
	}
	need, policy := now.need, now.need.Access.Policy.Approval
	byTicket := f.ticket && policy.Ticket && now.member && now.reveals
	if now.rule == "" && !byTicket || !now.eligible || need.OffHours || need.Apart || need.Refused != nil || need.Approvals == 0 || f.Duration > policy.Longest {
		return errMeanwhile
	}
	f.need, f.facts = now.need, now.facts
	return nil
}

// isIn tells whether somebody is in a group of the organization.
func (s *Service) isIn(ctx context.Context, tx *db.Tx, org id.Org, user id.User, group string) (bool, error) {
	_, err := accesssql.New(tx).IsInGroup(ctx, accesssql.IsInGroupParams{OrgID: string(org), GroupID: group, UserID: string(user)})
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s in group %s: %w", user, group, err)
	}
	return true, nil
}

// inGroup are the members of a group who can be told of a request.
func (s *Service) inGroup(ctx context.Context, tx *db.Tx, org id.Org, group string) ([]Person, error) {
	rows, err := accesssql.New(tx).InGroup(ctx, accesssql.InGroupParams{OrgID: string(org), GroupID: group})
	if err != nil {
		return nil, fmt.Errorf("list the approvers of group %s: %w", group, err)
	}
	out := make([]Person, len(rows))
	for i, r := range rows {
		out[i] = Person{id.User(r.ID), r.Handle, r.Name, r.Email}
	}
	return out, nil
}

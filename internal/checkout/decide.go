package checkout

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// asked is what a decision is about.
type asked struct {
	safe   id.Safe
	called string // the safe as they named it
	ticket string
}

// decided is what a lease would be opened with.
type decided struct {
	safeName string
	account  vault.Account // its id is empty when the safe is unknown
	timeout  time.Duration
	grant    id.AccessGrant // that the right rests on
	request  id.AccessReq   // of it
	until    time.Time      // when that ends; zero: it rests on none
}

// refusal is a no: what the ledger is told, and what the person is told.
type refusal struct {
	why event.CredentialCheckoutStartedReason
	err error
}

// decide asks the engine that decides launches, for the use checkout. What is known is given with a refusal too.
func (s *Service) decide(ctx context.Context, tx *db.Tx, actor authz.Actor, a asked) (decided, *refusal, error) {
	var out decided
	unknown := &refusal{event.CredentialCheckoutStartedNotAMember, fault.New(fault.NotFound, "there is no safe %.64q whose credential you may check out: list your safes, or ask a manager of the safe to add you", a.called)}
	now := s.d.Now()
	v, err := s.d.Policies.Ask(ctx, tx, policy.Asker{Actor: actor, At: now, Ticket: a.ticket, Use: policy.ForCheckout}, a.safe)
	if fault.Is(err, fault.NotFound) {
		return out, unknown, nil
	}
	if err != nil {
		return out, nil, fmt.Errorf("decide about safe %s: %w", a.safe, err)
	}
	out.safeName, out.timeout = v.Access.SafeName, v.Access.Policy.CheckoutTimeout
	if out.account, err = s.d.Vault.Find(ctx, tx, actor.Org, v.Access.Account); err != nil {
		return out, nil, fmt.Errorf("read the account of safe %s: %w", a.safe, err)
	}
	d := &v.Decision
	if err := d.Err(); err != nil {
		return out, unpermitted(actor, v, err, unknown), nil
	}
	if no := refused(actor, d); no != nil {
		if no.why == event.CredentialCheckoutStartedNoApproval {
			no, err = s.unapproved(ctx, tx, actor, a.safe, no)
		}
		return out, no, err
	}
	if d.Grant != "" {
		out.grant, out.request = d.Grant, d.Request
		for _, g := range v.Question.Moment.Grants {
			if g.ID == d.Grant {
				out.until = g.Until
			}
		}
	}
	return out, nil, nil
}

// unapproved tells who has used an approval for one use that they have, and others no.
func (s *Service) unapproved(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, no *refusal) (*refusal, error) {
	spent, err := s.d.Grants.SpentOnCheckout(ctx, tx, actor.User, sid)
	if err != nil || !spent {
		return no, err
	}
	return &refusal{no.why, errSpent}, nil
}

var errSpent = fault.New(fault.Denied, "the approval that you had was for one checkout, which has been: ask again for another one").WithCode(CodeApprovalRequired)

// approved asks once more whether the approval that the right rests on still opens a
// checkout. Until the transaction is over it opens no other.
func (s *Service) approved(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, d decided) (*refusal, error) {
	if d.grant == "" {
		return nil, nil
	}
	still, err := s.d.Grants.HoldForCheckout(ctx, tx, actor.User, sid, d.grant)
	if err != nil || still {
		return nil, err
	}
	gone := policy.Decision{Use: policy.ForCheckout, Outcome: policy.ApprovalNeeded, Why: policy.NoApproval}
	return s.unapproved(ctx, tx, actor, sid, refused(actor, &gone))
}

// unpermitted says what the rights of roles refuse. Who may not see the safe does not learn that there is one.
func unpermitted(actor authz.Actor, v policy.Verdict, err error, unknown *refusal) *refusal {
	o := authz.Object{ID: string(v.Access.Safe), Org: actor.Org, SafeRole: v.Access.Role}
	if actor.Kind != authz.Token && !authz.May(actor, authz.SafeView, o) {
		return unknown
	}
	return &refusal{event.CredentialCheckoutStartedNotAMember, err}
}

// refused says a decision's no in the words of the ledger and of the person.
func refused(actor authz.Actor, d *policy.Decision) *refusal {
	no := func(why event.CredentialCheckoutStartedReason, code string) *refusal {
		return &refusal{why, fault.New(fault.Denied, "%s", d.Sentence()).WithCode(code)}
	}
	switch d.Why {
	case policy.NotRefused:
		return nil
	case policy.AccountDisabled:
		return no(event.CredentialCheckoutStartedAccountDisabled, CodeAccountDisabled)
	case policy.OutsideHours:
		return no(event.CredentialCheckoutStartedOutsideValidHours, CodeOutsideHours)
	case policy.WrongSource:
		// The catalog has no word for a network; membership counts from these only.
		return no(event.CredentialCheckoutStartedNotAMember, CodeSourceNotAllowed)
	case policy.MFARequired:
		if actor.Kind == authz.Token {
			return &refusal{event.CredentialCheckoutStartedMFARequired, fault.New(fault.Denied, "this safe asks for a second factor, which an API token cannot give: check out as a person").WithCode(CodeMFARequired)}
		}
		return &refusal{event.CredentialCheckoutStartedMFARequired, fault.New(fault.Denied, "%s", d.Sentence()).WithCode(authz.StepUpRequired)}
	case policy.NoApproval:
		return no(event.CredentialCheckoutStartedNoApproval, CodeApprovalRequired)
	}
	// Nor has it one for a policy that denies.
	return no(event.CredentialCheckoutStartedNotAMember, CodePolicyDenied)
}

package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// needs tells what opening a safe would ask of somebody whose requests are all approved.
type needs struct{ policies *policy.Service }

// Need is what the uses ask for together.
func (n needs) Need(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, uses access.Uses, at time.Time) (access.Need, error) {
	var out access.Need
	var approvers []string
	for i, use := range usesOf(uses) {
		one, err := n.needOf(ctx, tx, actor, s, use, at)
		if err != nil {
			return access.Need{}, err
		}
		if one.Approvals > 0 {
			if named := slices.Sorted(slices.Values(one.Approvers)); approvers == nil {
				approvers = named
			} else if !slices.Equal(approvers, named) {
				return access.Need{Access: one.Access, Apart: true}, nil
			}
		}
		if i == 0 || out.Refused == nil && !out.OffHours && (one.Approvals > out.Approvals || one.OffHours || one.Refused != nil) {
			out = one
		}
	}
	return out, nil
}

// usesOf says in the words of policies what a request or grant is for.
func usesOf(u access.Uses) []policy.Use {
	switch u {
	case access.ForCheckout:
		return []policy.Use{policy.ForCheckout}
	case access.ForBoth:
		return []policy.Use{policy.ForSession, policy.ForCheckout}
	}
	return []policy.Use{policy.ForSession}
}

func (n needs) needOf(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, use policy.Use, at time.Time) (access.Need, error) {
	actor.Kind = authz.Person // a token asks for its owner, who will launch
	v, err := n.policies.Ask(ctx, tx, policy.Asker{Actor: actor, At: at, Live: true, Use: use}, s)
	if err != nil {
		return access.Need{}, err
	}
	// A grant that nobody approved: it lets in who is no member, and is not enough
	// where somebody must approve.
	v.Question.Moment.Grants = []policy.Grant{{Until: at.Add(time.Hour)}}
	d := v.Set.Decide(&v.Question)
	out := access.Need{Access: v.Access, OffHours: d.Why == policy.OutsideHours}
	switch {
	case d.Outcome == policy.ApprovalNeeded:
		out.Approvals, out.Policy = d.Approval.Count, d.Approval.Policy
		for _, a := range d.Approval.Approvers {
			out.Approvers = append(out.Approvers, a.String())
		}
	case d.Outcome == policy.Denied && d.Err() != nil:
		out.Refused = d.Err()
	case d.Outcome == policy.Denied:
		out.Refused = errors.New(d.Sentence())
	}
	return out, nil
}

func (n needs) Shut(ctx context.Context, tx *db.Tx, user id.User, s id.Safe, lent bool) (bool, error) {
	return n.policies.Shut(ctx, tx, user, s, lent)
}

// grants tells the policies which requests were approved. Access is built after them.
type grants struct{ a *App }

func (g grants) GrantsOf(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) ([]policy.SafeGrant, error) {
	list, err := g.a.access.Usable(ctx, tx, org, user, s)
	if err != nil {
		return nil, err
	}
	out := make([]policy.SafeGrant, len(list))
	for i, u := range list {
		var uses []policy.Use
		if u.Session {
			uses = append(uses, policy.ForSession)
		}
		if u.Checkout {
			uses = append(uses, policy.ForCheckout)
		}
		out[i] = policy.SafeGrant{Safe: u.Safe, Grant: policy.Grant{ID: u.ID, Uses: uses, Request: u.Request, Until: u.Until, ApprovedBy: u.ApprovedBy, Ticket: u.Ticket,
			Waived: u.Kind != access.ByApproval, Emergency: u.Kind == access.ByEmergency, NeedsLoan: u.NeedsLoan}}
	}
	lent, err := g.a.access.Lent(ctx, tx, org, user, s)
	if err != nil {
		return nil, err
	}
	for _, l := range lent {
		out = append(out, policy.SafeGrant{Safe: l.Safe, Grant: policy.Grant{Delegation: l.ID, Until: l.Until, Lenders: l.Lenders}})
	}
	return out, nil
}

func (g grants) OpenedFor(ctx context.Context, tx *db.Tx, s id.Safe) ([]id.User, error) {
	return g.a.access.OpenedFor(ctx, tx, s)
}

// loans tells the safes what is lent. Access is built after them.
type loans struct{ a *App }

func (l loans) LentTo(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) ([]safe.Loan, error) {
	list, err := l.a.access.Lent(ctx, tx, org, user, s)
	if err != nil {
		return nil, err
	}
	out := make([]safe.Loan, len(list))
	for i, x := range list {
		out[i] = safe.Loan{ID: x.ID, Safe: x.Safe, By: x.By.ID, ByName: x.By.Name, ByHandle: x.By.Handle, Until: x.Until}
	}
	return out, nil
}

// lateCheckouts ends the checkouts of accounts for the vault, which they are built on.
type lateCheckouts struct{ a *App }

func (l lateCheckouts) OnAccount(ctx context.Context, tx *db.Tx, actor authz.Actor, acc id.Account) (int, error) {
	return l.a.checkouts.OnAccount(ctx, tx, actor, acc)
}

// checkins tells the vault of what somebody has held and given back.
type checkins struct{ v *vault.Service }

func (c checkins) Due(ctx context.Context, tx *db.Tx, acc id.Account) error {
	return c.v.DueAtCheckin(ctx, tx, acc)
}

package policy

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
)

// When is the moment that an explanation is about.
type When struct {
	At      time.Time  // zero: now
	From    netip.Addr // zero: unknown, which no network contains
	Factor  bool       // a second factor was proved just now,
	FactorS int64      // or so many seconds before; 0 with Factor false: never
	Ticket  string
	Use     Use // what they would want of the safe; zero: a session
}

func (w When) asker(a authz.Actor, now time.Time) Asker {
	if w.At.IsZero() {
		w.At = now
	}
	a.Source = authz.Source{IP: w.From}
	switch {
	case w.Factor:
		a.MFAAt = w.At
	case w.FactorS > 0:
		a.MFAAt = w.At.Add(-time.Duration(w.FactorS) * time.Second)
	}
	return Asker{Actor: a, At: w.At, Ticket: w.Ticket, Use: w.Use}
}

// Explanation is what a launch or checkout would be answered, and why.
type Explanation struct {
	Verdict
	Approvers []PersonRef // who could approve, when approval is what is missing
	More      bool        // there are more of them than MaxTold
}

// PersonRef names a person.
type PersonRef struct {
	ID     id.User
	Handle string
}

// MaxTold bounds the list of who could approve.
const MaxTold = 200

// Explain tells what would happen if somebody opened a safe, or checked its credential out. Administrators and
// auditors ask about everybody, managers about their safes, people about themselves.
func (s *Service) Explain(ctx context.Context, actor authz.Actor, user id.User, sid id.Safe, w When) (Explanation, error) {
	var out Explanation
	err := s.explainable(ctx, actor, sid, user, func(ctx context.Context, tx *db.Tx) error {
		who, err := policysql.New(tx).PersonNamed(ctx, policysql.PersonNamedParams{OrgID: string(actor.Org), UserID: string(user)})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "nobody in this organization has the id %.64q", user)
		}
		if err != nil {
			return fmt.Errorf("read the person: %w", err)
		}
		subject := authz.Actor{Kind: authz.Person, User: user, Name: who.Handle, Email: who.Email, Org: actor.Org, Role: authz.Role(who.Role)}
		out.Verdict, err = s.Ask(ctx, tx, w.asker(subject, s.d.Now()), sid)
		if err != nil {
			return err
		}
		all, err := s.approvers(ctx, tx, sid, user, out.Decision.Approval)
		out.Approvers, out.More = all[:min(len(all), MaxTold)], len(all) > MaxTold
		return err
	})
	return out, err
}

// explainable runs fn for who may ask about a safe, or about a person.
func (s *Service) explainable(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User, fn db.Fn) error {
	obj := authz.Object{ID: string(sid), Org: actor.Org, Owner: user}
	if actor.Org == "" {
		return authz.Check(actor, authz.AccessExplain, obj)
	}
	return s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if sid != "" {
			role, err := policysql.New(tx).RoleOn(ctx, policysql.RoleOnParams{OrgID: string(actor.Org), SafeID: string(sid), UserID: string(actor.User)})
			if err != nil && !db.NotFound(err) {
				return fmt.Errorf("read the role of %s: %w", actor.User, err)
			}
			obj.SafeRole = authz.SafeRole(role)
		}
		if err := authz.Check(actor, authz.AccessExplain, obj); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// approvers are the people whom an approval names, and not all where they are more than
// MaxTold; never who asks for it.
func (s *Service) approvers(ctx context.Context, tx *db.Tx, sid id.Safe, asks id.User, a *Approval) ([]PersonRef, error) {
	if a == nil {
		return nil, nil
	}
	const read = MaxTold + 2 // one more, and who asks
	q := policysql.New(tx)
	var out []PersonRef
	add := func(user, handle string) {
		if id.User(user) != asks && !slices.ContainsFunc(out, func(p PersonRef) bool { return p.ID == id.User(user) }) {
			out = append(out, PersonRef{id.User(user), handle})
		}
	}
	for _, who := range a.Approvers {
		switch who.Kind {
		case SafeApprovers:
			rows, err := q.ApproversOf(ctx, policysql.ApproversOfParams{OrgID: string(tx.Org()), SafeID: string(sid), Read: read})
			if err != nil {
				return nil, fmt.Errorf("list the approvers of the safe: %w", err)
			}
			for _, r := range rows {
				add(r.UserID, r.Handle)
			}
		case GroupApprovers:
			rows, err := q.GroupMembers(ctx, policysql.GroupMembersParams{OrgID: string(tx.Org()), GroupID: who.ID, Read: read})
			if err != nil {
				return nil, fmt.Errorf("list the approvers of a group: %w", err)
			}
			for _, r := range rows {
				add(r.UserID, r.Handle)
			}
		case UserApprover:
			r, err := q.PersonNamed(ctx, policysql.PersonNamedParams{OrgID: string(tx.Org()), UserID: who.ID})
			if err != nil && !db.NotFound(err) {
				return nil, fmt.Errorf("read an approver: %w", err)
			}
			if err == nil && r.State == "active" && r.SuspendedAt == 0 {
				add(who.ID, r.Handle)
			}
		}
	}
	return out, nil
}

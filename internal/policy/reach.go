package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
)

// Reach is what one person may do with one safe.
type Reach struct {
	User     PersonRef
	Safe     SafeRef
	Role     authz.SafeRole // none: one of the openings lets them in
	Openings []Opening
	Decision Decision
}

// Opening is what lets somebody into a safe for a time: a request that was approved,
// or a loan.
type Opening struct {
	Grant
	Lender PersonRef // of a loan: from whom they have it
}

// reacher collects one page of what is reached. Whom only an opening lets in comes in
// among those with a role, in the same order, and is left out when the opening is used
// up or its lender could not open the safe either.
type reacher struct {
	s     *Service
	w     When
	read  int
	names map[id.User]PersonRef
	out   []Reach
}

// candidate is somebody and a safe that they may reach; key is what a page is ordered by.
type candidate struct {
	key    string
	who    authz.Actor
	handle string
	safe   SafeRef
	role   authz.SafeRole
}

func (r *reacher) take(ctx context.Context, tx *db.Tx, list []candidate) error {
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.key, b.key) })
	r.out, r.names = nil, map[id.User]PersonRef{}
	for _, c := range list {
		if len(r.out) == r.read {
			return nil
		}
		v, err := r.s.Ask(ctx, tx, r.w.asker(c.who, r.s.d.Now()), c.safe.ID)
		if err != nil {
			return err
		}
		open, err := r.openings(ctx, tx, v.Question.Moment)
		if err != nil {
			return err
		}
		if c.role == authz.NoSafeRole && len(open) == 0 {
			continue
		}
		r.out = append(r.out, Reach{User: PersonRef{c.who.User, c.handle}, Safe: c.safe, Role: c.role, Openings: open, Decision: v.Decision})
	}
	return nil
}

func (r *reacher) openings(ctx context.Context, tx *db.Tx, m Moment) ([]Opening, error) {
	var out []Opening
	for _, g := range m.Grants {
		if !m.At.Before(g.Until) {
			continue
		}
		o := Opening{Grant: g}
		if len(g.Lenders) > 0 {
			lender, ok := r.names[g.Lenders[0]]
			if !ok {
				row, err := policysql.New(tx).PersonNamed(ctx, policysql.PersonNamedParams{OrgID: string(tx.Org()), UserID: string(g.Lenders[0])})
				if err != nil {
					return nil, fmt.Errorf("read who lends %s: %w", g.Delegation, err)
				}
				lender = PersonRef{g.Lenders[0], row.Handle}
				r.names[lender.ID] = lender
			}
			o.Lender = lender
		}
		out = append(out, o)
	}
	return out, nil
}

// WhoCan gives everybody who has a role on a safe, or for whom a request or a loan
// opens it now, in the order of their handles, and what a launch of theirs, or a
// checkout, would be answered.
func (s *Service) WhoCan(ctx context.Context, actor authz.Actor, sid id.Safe, w When, p page.Request) (page.List[Reach], error) {
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Reach]{}, err
	}
	r := reacher{s: s, w: w, read: int(read)}
	err = s.explainable(ctx, actor, sid, "", func(ctx context.Context, tx *db.Tx) error {
		q := policysql.New(tx)
		name, err := q.SafeName(ctx, policysql.SafeNameParams{OrgID: string(actor.Org), ID: string(sid)})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "no safe with the id %.64q in this organization", sid)
		}
		if err != nil {
			return fmt.Errorf("read the safe: %w", err)
		}
		rows, err := q.SafeCandidates(ctx, policysql.SafeCandidatesParams{OrgID: string(actor.Org), SafeID: string(sid), After: after, Read: read})
		if err != nil {
			return fmt.Errorf("list who has a role: %w", err)
		}
		var list []candidate
		add := func(user, handle, email, role, safeRole string) {
			subject := authz.Actor{Kind: authz.Person, User: id.User(user), Name: handle, Email: email, Org: actor.Org, Role: authz.Role(role)}
			list = append(list, candidate{handle, subject, handle, SafeRef{sid, name}, authz.SafeRole(safeRole)})
		}
		for _, c := range rows {
			add(c.UserID, c.Handle, c.Email, c.Role, c.SafeRole)
		}
		opened, err := s.openedFor(ctx, tx, sid)
		if err != nil {
			return err
		}
		for _, user := range opened {
			role, err := q.RoleOn(ctx, policysql.RoleOnParams{OrgID: string(actor.Org), SafeID: string(sid), UserID: string(user)})
			if err != nil && !db.NotFound(err) {
				return fmt.Errorf("read the role of %s: %w", user, err)
			}
			who, err := q.PersonNamed(ctx, policysql.PersonNamedParams{OrgID: string(actor.Org), UserID: string(user)})
			if err != nil && !db.NotFound(err) {
				return fmt.Errorf("read a person: %w", err)
			}
			if err == nil && role == "" && who.SuspendedAt == 0 && who.Handle > after {
				add(string(user), who.Handle, who.Email, who.Role, "")
			}
		}
		return r.take(ctx, tx, list)
	})
	if err != nil {
		return page.List[Reach]{}, err
	}
	return page.Cut(r.out, read, func(r Reach) string { return r.User.Handle }), nil
}

// WhatCan gives the safes on which somebody has a role, or which a request or a loan
// opens for them now, in the order of their names, and what a launch,
// or a checkout, would be answered.
func (s *Service) WhatCan(ctx context.Context, actor authz.Actor, user id.User, w When, p page.Request) (page.List[Reach], error) {
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Reach]{}, err
	}
	r := reacher{s: s, w: w, read: int(read)}
	err = s.explainable(ctx, actor, "", user, func(ctx context.Context, tx *db.Tx) error {
		q := policysql.New(tx)
		who, err := q.PersonNamed(ctx, policysql.PersonNamedParams{OrgID: string(actor.Org), UserID: string(user)})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "nobody in this organization has the id %.64q", user)
		}
		if err != nil {
			return fmt.Errorf("read the person: %w", err)
		}
		rows, err := q.PersonCandidates(ctx, policysql.PersonCandidatesParams{OrgID: string(actor.Org), UserID: string(user), After: after, Read: read})
		if err != nil {
			return fmt.Errorf("list the safes of a person: %w", err)
		}
		subject := authz.Actor{Kind: authz.Person, User: user, Name: who.Handle, Email: who.Email, Org: actor.Org, Role: authz.Role(who.Role)}
		var list []candidate
		for _, c := range rows {
			list = append(list, candidate{c.Name, subject, who.Handle, SafeRef{id.Safe(c.SafeID), c.Name}, authz.SafeRole(c.SafeRole)})
		}
		opened, err := s.grants(ctx, tx, actor.Org, user, "")
		if err != nil {
			return err
		}
		for sid := range opened {
			role, err := q.RoleOn(ctx, policysql.RoleOnParams{OrgID: string(actor.Org), SafeID: string(sid), UserID: string(user)})
			if err != nil && !db.NotFound(err) {
				return fmt.Errorf("read a role: %w", err)
			}
			name, err := q.SafeName(ctx, policysql.SafeNameParams{OrgID: string(actor.Org), ID: string(sid)})
			if err != nil && !db.NotFound(err) {
				return fmt.Errorf("read a safe: %w", err)
			}
			if err == nil && role == "" && name > after {
				list = append(list, candidate{name, subject, who.Handle, SafeRef{sid, name}, authz.NoSafeRole})
			}
		}
		return r.take(ctx, tx, list)
	})
	if err != nil {
		return page.List[Reach]{}, err
	}
	return page.Cut(r.out, read, func(r Reach) string { return r.Safe.Name }), nil
}

// openedFor are the people for whom a request or a loan opens a safe now.
func (s *Service) openedFor(ctx context.Context, tx *db.Tx, sid id.Safe) ([]id.User, error) {
	if s.d.Grants == nil {
		return nil, nil
	}
	out, err := s.d.Grants.OpenedFor(ctx, tx, sid)
	if err != nil {
		return nil, fmt.Errorf("list for whom the safe is open: %w", err)
	}
	return out, nil
}

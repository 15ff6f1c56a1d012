package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Right is what is lent.
type Right string

// The rights.
const (
	LendAccess  Right = "access"  // to open the safe, as its user
	LendApprove Right = "approve" // to decide about requests
)

// MaxDelegation is the longest for which anything is lent.
const MaxDelegation = 30 * 24 * time.Hour

// The codes of refused delegations.
const (
	CodeDelegationForbidden = "DELEGATION_FORBIDDEN"
	CodeDelegateNotEligible = "DELEGATE_NOT_ELIGIBLE"
	CodeDelegationOver      = "DELEGATION_OVER"
)

// Delegation is access that one member lends to another.
type Delegation struct {
	ID        id.Delegation
	Safe      id.Safe
	SafeName  string
	Lender    Person
	Delegate  Person
	Right     Right
	Parent    id.Delegation // lent onward from; empty: the lender's own
	Reason    string
	StartsAt  time.Time
	EndsAt    time.Time
	CreatedAt time.Time
	EndedAt   time.Time // zero: not yet
	EndReason string
}

// DelegateArgs lend something.
type DelegateArgs struct {
	Safe     id.Safe
	To       id.User
	Right    Right
	Reason   string
	StartsAt time.Time // zero: now
	EndsAt   time.Time
}

// lending is a delegation before it is stored.
type lending struct {
	DelegateArgs
	id       id.Delegation
	access   safe.Access // of the lender
	own      authz.SafeRole
	borrowed accesssql.BorrowedRow // what the lender has it from; zero: it is their own
	delegate accesssql.ActiveMemberRow
	known    bool           // the delegate is an active member
	has      authz.SafeRole // the delegate's own role
	shut     bool           // a policy denies the lender
}

func (l *lending) event(actor authz.Actor) event.AccessDelegationGranted {
	right := event.DelegatedRightAccess
	if l.Right == LendApprove {
		right = event.DelegatedRightApprove
	}
	return event.NewAccessDelegationGranted(event.By(actor, event.User), event.SafeTarget(l.Safe, l.access.SafeName), l.id, actor.User, l.To, right, l.StartsAt, l.EndsAt)
}

// Delegate lends the actor's own access, or their right to approve, to another member
// for a time. Never more than they have, never longer than they have it, and never
// onward unless the safe allows it.
func (s *Service) Delegate(ctx context.Context, actor authz.Actor, a DelegateArgs) (Delegation, error) {
	if err := inOrg(actor); err != nil {
		return Delegation{}, err
	}
	now := s.d.Now()
	if a.StartsAt.Before(now) {
		a.StartsAt = now
	}
	switch err := checkText("reason", a.Reason, false); {
	case err != nil:
		return Delegation{}, err
	case a.Right != LendAccess && a.Right != LendApprove:
		return Delegation{}, fault.New(fault.Invalid, "%.32q cannot be lent", string(a.Right)).WithField("right", "must be access or approve")
	case a.EndsAt.Before(a.StartsAt.Add(time.Minute)) || a.EndsAt.After(now.Add(MaxDelegation)):
		return Delegation{}, fault.New(fault.Invalid, "access is lent for a minute at least, and for %d days at most", MaxDelegation/(24*time.Hour)).WithField("ends_at", "must be after the start, and within 30 days")
	}
	l := &lending{DelegateArgs: a, id: id.New[id.Delegation]()}
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error { return s.lookAtLending(ctx, tx, actor, l) })
	unknown := fault.New(fault.NotFound, "there is no safe %.64q that you may lend", a.Safe)
	if fault.Is(err, fault.NotFound) {
		return Delegation{}, unknown
	}
	if err != nil {
		return Delegation{}, fmt.Errorf("look at what is lent: %w", err)
	}
	if why, err := s.mayLend(actor, l, unknown); err != nil {
		if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
			return Delegation{}, err
		}
		if actor.Kind == authz.Token { // the catalog has no token that lends
			ev := event.NewAuthActRefused(event.By(actor, event.User), event.TenantTarget(actor.Org, ""), event.AuthActRefusedNotPermitted, event.RefusedActAccessDelegate)
			return Delegation{}, s.refuse(ctx, actor, ev, err)
		}
		return Delegation{}, s.refuse(ctx, actor, l.event(actor).Denied(why), err)
	}
	prepared := s.prepare(ctx, actor.Org, []letter{{Person{id.User(l.delegate.ID), l.delegate.Handle, l.delegate.Name, l.delegate.Email},
		notify.AccessLent{Name: l.delegate.Name, Lender: actor.Name, Safe: l.access.SafeName, Approve: l.Right == LendApprove, Reason: l.Reason, Starts: l.StartsAt, Until: l.EndsAt}, time.Time{}}})
	role := authz.SafeUser
	if l.Right == LendApprove {
		role = authz.SafeApprover
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		err := accesssql.New(tx).InsertDelegation(ctx, accesssql.InsertDelegationParams{OrgID: string(actor.Org), ID: string(l.id), SafeID: string(l.Safe), DelegatorID: string(actor.User),
			DelegateID: string(l.To), Lent: string(l.Right), Role: string(role), ParentID: l.borrowed.ID, Reason: l.Reason, StartsAt: db.Micros(l.StartsAt), EndsAt: db.Micros(l.EndsAt), Now: s.now()})
		if err != nil {
			return err
		}
		if err := s.queue(ctx, tx, prepared); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, l.event(actor))
		return err
	})
	if db.Unique(err) {
		return Delegation{}, s.refuse(ctx, actor, l.event(actor).Denied(event.AccessDelegationGrantedDelegateNotEligible),
			fault.New(fault.Conflict, "somebody lends this to them already").WithCode(CodeDelegateNotEligible))
	}
	if err != nil {
		return Delegation{}, fmt.Errorf("lend access: %w", err)
	}
	return s.delegation(ctx, actor, l.id)
}

func (s *Service) lookAtLending(ctx context.Context, tx *db.Tx, actor authz.Actor, l *lending) (err error) {
	q := accesssql.New(tx)
	org := string(actor.Org)
	need, err := s.d.Needs.Need(ctx, tx, actor, l.Safe, ForSession, l.StartsAt)
	if err != nil {
		return err
	}
	l.access = need.Access
	if l.own, err = roleOn(ctx, tx, actor.Org, l.Safe, actor.User); err != nil {
		return err
	}
	l.borrowed, err = q.Borrowed(ctx, accesssql.BorrowedParams{OrgID: org, SafeID: string(l.Safe), UserID: string(actor.User), Lent: string(l.Right), Now: s.now()})
	if err != nil && !db.NotFound(err) {
		return err
	}
	if l.own != authz.NoSafeRole {
		l.borrowed = accesssql.BorrowedRow{}
	}
	if l.Right == LendAccess && (l.own != authz.NoSafeRole || l.borrowed.ID != "") {
		if l.shut, err = s.d.Needs.Shut(ctx, tx, actor.User, l.Safe, l.own == authz.NoSafeRole); err != nil {
			return err
		}
	}
	if l.has, err = roleOn(ctx, tx, actor.Org, l.Safe, l.To); err != nil {
		return err
	}
	l.delegate, err = q.ActiveMember(ctx, accesssql.ActiveMemberParams{OrgID: org, UserID: string(l.To)})
	if l.known = err == nil; err != nil && !db.NotFound(err) {
		return err
	}
	return nil
}

// mayLend tells why not; the fault is what the actor is told.
func (s *Service) mayLend(actor authz.Actor, l *lending, unknown error) (event.AccessDelegationGrantedReason, error) {
	o := authz.Object{ID: string(l.Safe), Org: actor.Org, SafeRole: l.access.Role}
	if l.own == authz.NoSafeRole && l.borrowed.ID == "" && !authz.May(actor, authz.SafeView, o) {
		return event.AccessDelegationGrantedNotPermitted, unknown
	}
	if err := authz.Check(actor, authz.AccessDelegate, o); err != nil {
		return event.AccessDelegationGrantedNotPermitted, err
	}
	mode := l.access.Policy.Delegation
	forbidden := func(text string) (event.AccessDelegationGrantedReason, error) {
		return event.AccessDelegationGrantedDelegationForbiddenByPolicy, fault.New(fault.Denied, "%s", text).WithCode(CodeDelegationForbidden)
	}
	switch {
	case mode == safe.DelegationBlock:
		return forbidden("this safe does not let its members lend their access")
	case l.own == authz.NoSafeRole && l.borrowed.ID != "" && mode != safe.DelegationOnward:
		return forbidden("what was lent to you, this safe does not let you lend on")
	case l.own == authz.NoSafeRole && l.borrowed.ID == "":
		return event.AccessDelegationGrantedNotPermitted, fault.New(fault.Denied, "you have no access of your own to lend")
	case l.shut:
		return event.AccessDelegationGrantedNotPermitted, fault.New(fault.Denied, "a policy of your organization denies you this safe, so you cannot lend it")
	case l.Right == LendApprove && l.own.Rank() < authz.SafeApprover.Rank() && l.borrowed.ID == "":
		return event.AccessDelegationGrantedNotPermitted, fault.New(fault.Denied, "you may not decide about this safe, so you cannot lend that right")
	case l.borrowed.ID != "" && l.EndsAt.After(db.Time(l.borrowed.EndsAt)):
		return event.AccessDelegationGrantedNotPermitted, fault.New(fault.Denied, "you have it only until %s yourself", db.Time(l.borrowed.EndsAt).Format(time.RFC3339))
	case !l.known || l.To == actor.User || l.delegate.Role == string(authz.Auditor):
		return event.AccessDelegationGrantedDelegateNotEligible, fault.New(fault.Denied, "it can be lent to another active member of the organization who is no auditor").WithCode(CodeDelegateNotEligible)
	case l.Right == LendAccess && l.has != authz.NoSafeRole, l.Right == LendApprove && l.has.Rank() >= authz.SafeApprover.Rank():
		return event.AccessDelegationGrantedDelegateNotEligible, fault.New(fault.Denied, "%s has it already", l.delegate.Handle).WithCode(CodeDelegateNotEligible)
	}
	return event.AccessDelegationGrantedNotPermitted, authz.Fresh(actor, authz.AccessDelegate, s.d.Now())
}

func delegationOf(r accesssql.GetDelegationRow) Delegation {
	return Delegation{ID: id.Delegation(r.ID), Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Lender: Person{ID: id.User(r.DelegatorID), Handle: r.LenderHandle, Name: r.LenderName},
		Delegate: Person{ID: id.User(r.DelegateID), Handle: r.Handle, Name: r.PersonName}, Right: Right(r.Lent), Parent: id.Delegation(r.ParentID), Reason: r.Reason,
		StartsAt: db.Time(r.StartsAt), EndsAt: db.Time(r.EndsAt), CreatedAt: db.Time(r.CreatedAt), EndedAt: zeroTime(r.EndedAt), EndReason: r.EndReason}
}

func (s *Service) delegation(ctx context.Context, actor authz.Actor, d id.Delegation) (out Delegation, err error) {
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		row, err := accesssql.New(tx).GetDelegation(ctx, accesssql.GetDelegationParams{OrgID: string(actor.Org), ID: string(d)})
		out = delegationOf(row)
		return err
	})
	if db.NotFound(err) {
		err = fault.New(fault.NotFound, "there is no delegation %.64q that you may see", d)
	}
	return out, err
}

// Delegations lists what is lent, newest first: by and to oneself, and for owners,
// admins and auditors all.
func (s *Service) Delegations(ctx context.Context, actor authz.Actor, active bool, p page.Request) (page.List[Delegation], error) {
	none := page.List[Delegation]{}
	read, before, err := listing(actor, p)
	if err != nil {
		return none, err
	}
	var out []Delegation
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := accesssql.New(tx).ListDelegations(ctx, accesssql.ListDelegationsParams{OrgID: string(actor.Org), Before: before, Active: active, Me: string(actor.User),
			Whole: authz.May(actor, authz.AccessView, authz.Object{Org: actor.Org}), Now: s.now(), Read: read})
		out = make([]Delegation, 0, len(rows))
		for _, r := range rows {
			out = append(out, delegationOf(accesssql.GetDelegationRow(r)))
		}
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list delegations: %w", err)
	}
	return page.Cut(out, read, func(d Delegation) string { return string(d.ID) }), nil
}

// Loan is what is lent to somebody now.
type Loan struct {
	ID      id.Delegation
	Safe    id.Safe
	Until   time.Time // not included
	Lenders []id.User // the nearest first; the last has it on their own
	By      Person    // the nearest
}

// maxOnward is how often a right is lent on at most.
const maxOnward = 5

// Lent is what somebody may use of others now: of one safe, or (empty) of any. Whether
// its lenders could open the safe themselves, package policy asks.
func (s *Service) Lent(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) ([]Loan, error) {
	q := accesssql.New(tx)
	rows, err := q.LentAccess(ctx, accesssql.LentAccessParams{OrgID: string(org), UserID: string(user), SafeID: string(sid), Now: s.now()})
	if err != nil {
		return nil, fmt.Errorf("read what is lent to %s: %w", user, err)
	}
	var out []Loan
	for _, r := range rows {
		l := Loan{id.Delegation(r.ID), id.Safe(r.SafeID), db.Time(r.EndsAt), []id.User{id.User(r.DelegatorID)}, Person{id.User(r.DelegatorID), r.Handle, r.Name, r.Email}}
		from := r.ParentID
		for from != "" && len(l.Lenders) <= maxOnward {
			p, err := q.GetDelegation(ctx, accesssql.GetDelegationParams{OrgID: string(org), ID: from})
			if err != nil {
				return nil, fmt.Errorf("read from whom %s is lent on: %w", r.ID, err)
			}
			if p.EndedAt != 0 || p.EndsAt <= s.now() {
				break
			}
			l.Lenders, from = append(l.Lenders, id.User(p.DelegatorID)), p.ParentID
		}
		if from == "" {
			out = append(out, l)
		}
	}
	return out, nil
}

var errDelegationOver = fault.New(fault.Conflict, "this delegation has ended already").WithCode(CodeDelegationOver)

// RevokeDelegation ends what was lent: by its lender, by who has it, or by an
// administrator. Live sessions on it end within two seconds.
func (s *Service) RevokeDelegation(ctx context.Context, actor authz.Actor, d id.Delegation) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	got, err := s.delegation(ctx, actor, d)
	if err != nil {
		return err
	}
	o := authz.Object{ID: string(got.Safe), Org: actor.Org}
	as, why := event.User, event.AccessDelegationRevokedRevokedByDelegator
	switch actor.User {
	case got.Lender.ID:
		o.Owner = actor.User
	case got.Delegate.ID:
		o.Owner, why = actor.User, event.AccessDelegationRevokedRevokedByDelegate
	default:
		why = event.AccessDelegationRevokedRevokedByAdmin
		if actor.Role == authz.Owner || actor.Role == authz.Admin {
			as = event.TenantAdmin
		}
	}
	act := event.By(actor, as)
	if err := authz.Check(actor, authz.AccessRevoke, o); err != nil {
		err = s.refuse(ctx, actor, revoked(act, got, 0).Denied(event.AccessDelegationRevokedNotPermitted), err)
		if fault.Is(err, fault.Denied) && !authz.May(actor, authz.AccessView, o) {
			return fault.New(fault.NotFound, "there is no delegation %.64q that you may see", d)
		}
		return err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		return s.endDelegation(ctx, tx, act, got, why, actor.User)
	})
	if errors.Is(err, errDelegationOver) {
		return errDelegationOver
	}
	if err != nil {
		return fmt.Errorf("revoke a delegation: %w", err)
	}
	return nil
}

func revoked(act event.Act, d Delegation, sessions int) event.AccessDelegationRevoked {
	right := event.DelegatedRightAccess
	if d.Right == LendApprove {
		right = event.DelegatedRightApprove
	}
	return event.NewAccessDelegationRevoked(act, event.SafeTarget(d.Safe, d.SafeName), d.ID, d.Lender.ID, d.Delegate.ID, right, sessions)
}

// endDelegation takes the one step from open to ended, and the same with what was
// lent on from it.
func (s *Service) endDelegation(ctx context.Context, tx *db.Tx, act event.Act, d Delegation, why event.AccessDelegationRevokedReason, by id.User) error {
	q := accesssql.New(tx)
	n, err := q.EndDelegation(ctx, accesssql.EndDelegationParams{OrgID: string(tx.Org()), ID: string(d.ID), Reason: why.String(), EndedBy: string(by), Now: s.now()})
	if err != nil {
		return err
	}
	if n == 0 {
		return errDelegationOver
	}
	live, err := q.LiveOnDelegation(ctx, accesssql.LiveOnDelegationParams{OrgID: string(tx.Org()), DelegationID: string(d.ID)})
	if err != nil {
		return err
	}
	tx.AfterCommit(s.d.Wake)
	if _, err := s.d.Ledger.Record(ctx, tx, revoked(act, d, int(live)).Because(why)); err != nil {
		return err
	}
	onward, err := q.LentOn(ctx, accesssql.LentOnParams{OrgID: string(tx.Org()), ParentID: string(d.ID)})
	if err != nil {
		return err
	}
	system := event.By(authz.SystemActor(tx.Org()), event.System)
	for _, r := range onward {
		if err := s.endDelegation(ctx, tx, system, delegationOf(accesssql.GetDelegationRow(r)), event.AccessDelegationRevokedDelegatorLostRight, ""); err != nil && !errors.Is(err, errDelegationOver) {
			return err
		}
	}
	return nil
}

// endDue ends a delegation whose time is over, or whose lender or delegate lost what it rests on.
func (s *Service) endDue(ctx context.Context, org id.Org, d id.Delegation, why string) error {
	reason := event.AccessDelegationRevokedDelegatorLostRight
	switch why {
	case "expired":
		reason = event.AccessDelegationRevokedExpired
	case "delegate_disabled":
		reason = event.AccessDelegationRevokedRevokedByAdmin // who removed, suspended or deleted them
	}
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		row, err := accesssql.New(tx).GetDelegation(ctx, accesssql.GetDelegationParams{OrgID: string(org), ID: string(d)})
		if err != nil {
			return err
		}
		return s.endDelegation(ctx, tx, event.By(authz.SystemActor(org), event.System), delegationOf(row), reason, "")
	})
	if errors.Is(err, errDelegationOver) {
		return nil
	}
	return err
}

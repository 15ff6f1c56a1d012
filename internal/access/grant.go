package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
)

// Usable is a grant that lets its person in now.
type Usable struct {
	ID         id.AccessGrant
	Request    id.AccessReq
	Safe       id.Safe
	Kind       Kind
	ApprovedBy []id.User // empty when no person was asked
	Ticket     string
	Until      time.Time // not included
	NeedsLoan  bool      // it counts only while somebody lends them the safe
	Session    bool      // it opens sessions
	Checkout   bool      // it opens a checkout
}

// Usable are the grants that let somebody into a safe now, or (empty) into any: those
// that last longest first.
func (s *Service) Usable(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) ([]Usable, error) {
	rows, err := accesssql.New(tx).OpenGrants(ctx, accesssql.OpenGrantsParams{OrgID: string(org), UserID: string(user), SafeID: string(sid), Now: s.now()})
	if err != nil {
		return nil, fmt.Errorf("read the grants of %s: %w", user, err)
	}
	out := make([]Usable, len(rows))
	for i, r := range rows {
		out[i] = Usable{ID: id.AccessGrant(r.ID), Request: id.AccessReq(r.RequestID), Safe: id.Safe(r.SafeID), Kind: Kind(r.Kind), Ticket: r.Ticket, Until: db.Time(r.EndsAt), NeedsLoan: r.NeedsLoan, Session: r.ForSession, Checkout: r.ForCheckout}
		for _, u := range strings.Fields(r.ApprovedBy) {
			out[i].ApprovedBy = append(out[i].ApprovedBy, id.User(u))
		}
	}
	return out, nil
}

// HoldForCheckout tells whether a grant still opens a checkout, in the transaction that
// opens it: until that is over, nobody else opens one with it, and nobody ends it.
func (s *Service) HoldForCheckout(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe, g id.AccessGrant) (bool, error) {
	n, err := accesssql.New(tx).HoldGrant(ctx, accesssql.HoldGrantParams{OrgID: string(tx.Org()), ID: string(g)})
	if err != nil {
		return false, fmt.Errorf("hold grant %s: %w", g, err)
	}
	if n == 0 {
		return false, nil
	}
	list, err := s.Usable(ctx, tx, tx.Org(), user, sid)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(u Usable) bool { return u.ID == g && u.Checkout }), nil
}

// SpentOnCheckout tells whether somebody has an approval for one use of a safe whose
// checkout has been.
func (s *Service) SpentOnCheckout(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe) (bool, error) {
	n, err := accesssql.New(tx).SpentOnCheckout(ctx, accesssql.SpentOnCheckoutParams{OrgID: string(tx.Org()), UserID: string(user), SafeID: string(sid), Now: s.now()})
	if err != nil {
		return false, fmt.Errorf("look for a used approval of %s: %w", user, err)
	}
	return n > 0, nil
}

// OpenedFor are the people to whom a safe is lent, or with a grant of it that is not
// over. Usable and Lent tell whether it lets them in.
func (s *Service) OpenedFor(ctx context.Context, tx *db.Tx, sid id.Safe) ([]id.User, error) {
	rows, err := accesssql.New(tx).OpenedFor(ctx, accesssql.OpenedForParams{OrgID: string(tx.Org()), SafeID: string(sid), Now: s.now()})
	if err != nil {
		return nil, fmt.Errorf("read for whom %s is open: %w", sid, err)
	}
	out := make([]id.User, len(rows))
	for i, u := range rows {
		out[i] = id.User(u)
	}
	return out, nil
}

// fillSessions adds the sessions and checkouts that were opened through a request.
func (s *Service) fillSessions(ctx context.Context, tx *db.Tx, out *Request) error {
	rows, err := accesssql.New(tx).SessionsOf(ctx, accesssql.SessionsOfParams{OrgID: string(tx.Org()), AccessRequestID: string(out.ID)})
	if err != nil {
		return err
	}
	out.Sessions = nil
	for _, r := range rows {
		out.Sessions = append(out.Sessions, Session{id.Session(r.ID), r.State, zeroTime(r.StartedAt), zeroTime(r.EndedAt), id.Recording(r.RecordingID)})
	}
	taken, err := accesssql.New(tx).CheckoutsOf(ctx, accesssql.CheckoutsOfParams{OrgID: string(tx.Org()), AccessRequestID: string(out.ID)})
	if err != nil {
		return err
	}
	out.Checkouts = nil
	for _, r := range taken {
		out.Checkouts = append(out.Checkouts, Checkout{id.Checkout(r.ID), db.Time(r.StartedAt), db.Time(r.ExpiresAt), zeroTime(r.EndedAt), r.EndedBy})
	}
	return nil
}

// openByItself opens a grant that no person approved.
func (s *Service) openByItself(ctx context.Context, tx *db.Tx, actor authz.Actor, capacity event.ActorType, g accesssql.InsertGrantParams, safeName string, r id.AccessReq) error {
	if err := accesssql.New(tx).InsertGrant(ctx, g); err != nil {
		return err
	}
	_, err := s.d.Ledger.Record(ctx, tx, opened(event.By(actor, capacity), g, safeName))
	return err
}

func opened(act event.Act, g accesssql.InsertGrantParams, safeName string) event.AccessGrantOpened {
	how := event.OpenedByRule
	if Kind(g.Kind) == ByEmergency {
		how = event.OpenedByEmergency
	}
	return event.NewAccessGrantOpened(act, event.SafeTarget(id.Safe(g.SafeID), safeName), id.AccessGrant(g.ID), id.AccessReq(g.RequestID), id.User(g.UserID), how, db.Time(g.StartsAt), db.Time(g.EndsAt))
}

// OwnGrant is a grant as lists show it.
type OwnGrant struct {
	Grant
	Request  id.AccessReq
	Kind     Kind
	Safe     id.Safe
	SafeName string
	Person   Person
}

// Grants lists access that was opened, newest first: one's own, that of safes whose
// approver or manager one is, and for owners, admins and auditors all.
func (s *Service) Grants(ctx context.Context, actor authz.Actor, active bool, p page.Request) (page.List[OwnGrant], error) {
	none := page.List[OwnGrant]{}
	read, before, err := listing(actor, p)
	if err != nil {
		return none, err
	}
	var out []OwnGrant
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := accesssql.New(tx).ListGrants(ctx, accesssql.ListGrantsParams{OrgID: string(actor.Org), Before: before, Active: active, Now: s.now(),
			Whole: authz.May(actor, authz.AccessView, authz.Object{Org: actor.Org}), Me: string(actor.User), Read: read})
		out = make([]OwnGrant, 0, len(rows))
		for _, r := range rows {
			out = append(out, OwnGrant{Grant{id.AccessGrant(r.ID), db.Time(r.StartsAt), db.Time(r.EndsAt), zeroTime(r.EndedAt), r.EndReason}, id.AccessReq(r.RequestID), Kind(r.Kind),
				id.Safe(r.SafeID), r.SafeName, Person{id.User(r.UserID), r.Handle, r.PersonName, r.Email}})
		}
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list grants: %w", err)
	}
	return page.Cut(out, read, func(g OwnGrant) string { return string(g.ID) }), nil
}

var errGrantOver = fault.New(fault.Conflict, "this access has ended already").WithCode(CodeGrantOver)

// Revoke ends a grant before its time: its person gives it back, or who may decide
// about the safe takes it away. Live sessions on it end within two seconds.
func (s *Service) Revoke(ctx context.Context, actor authz.Actor, g id.AccessGrant, comment string) error {
	if err := checkText("comment", comment, false); err != nil {
		return err
	}
	if err := inOrg(actor); err != nil {
		return err
	}
	var row accesssql.GetGrantRow
	var role authz.SafeRole
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if row, err = accesssql.New(tx).GetGrant(ctx, accesssql.GetGrantParams{OrgID: string(actor.Org), ID: string(g)}); err != nil {
			return err
		}
		role, err = roleOn(ctx, tx, actor.Org, id.Safe(row.SafeID), actor.User)
		return err
	})
	missing := fault.New(fault.NotFound, "there is no grant %.64q that you may see", g)
	if db.NotFound(err) {
		return missing
	}
	if err != nil {
		return fmt.Errorf("read a grant: %w", err)
	}
	o := authz.Object{ID: row.SafeID, Org: actor.Org, SafeRole: role, Owner: id.User(row.UserID)}
	act := event.By(actor, as(actor, role))
	if id.User(row.UserID) == actor.User {
		act = event.By(actor, event.User)
	}
	ended := func(n int) event.AccessGrantEnded {
		return event.NewAccessGrantEnded(act, event.SafeTarget(id.Safe(row.SafeID), row.SafeName), g, id.AccessReq(row.RequestID), id.User(row.UserID), n)
	}
	if err := authz.Check(actor, authz.AccessRevoke, o); err != nil {
		err = s.refuse(ctx, actor, ended(0).Denied(event.AccessGrantEndedNotPermitted), err)
		if !authz.May(actor, authz.AccessView, o) && fault.Is(err, fault.Denied) {
			return missing
		}
		return err
	}
	var letters []notify.Prepared
	if id.User(row.UserID) != actor.User {
		letters = s.prepare(ctx, actor.Org, []letter{{Person{id.User(row.UserID), row.Handle, row.PersonName, row.Email},
			notify.AccessEnded{Name: row.PersonName, Safe: row.SafeName, By: actor.Name, Comment: comment}, time.Time{}}})
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if err := s.endGrant(ctx, tx, g, "revoked", actor.User, func(n int) event.AccessGrantEnded {
			ev := ended(n).Because(event.AccessGrantEndedRevoked)
			if comment != "" {
				ev = ev.WithComment(comment)
			}
			return ev
		}); err != nil {
			return err
		}
		return s.queue(ctx, tx, letters)
	})
	if errors.Is(err, errGrantOver) {
		return errGrantOver
	}
	if err != nil {
		return fmt.Errorf("revoke a grant: %w", err)
	}
	return nil
}

// endGrant takes the one step from open to ended.
func (s *Service) endGrant(ctx context.Context, tx *db.Tx, g id.AccessGrant, why string, by id.User, told func(sessions int) event.AccessGrantEnded) error {
	q := accesssql.New(tx)
	row, err := q.EndGrant(ctx, accesssql.EndGrantParams{OrgID: string(tx.Org()), ID: string(g), Reason: why, EndedBy: string(by), Now: s.now()})
	if db.NotFound(err) {
		return errGrantOver
	}
	if err != nil {
		return err
	}
	n, err := q.LiveOnGrant(ctx, accesssql.LiveOnGrantParams{OrgID: row.OrgID, AccessRequestID: row.RequestID})
	if err != nil {
		return err
	}
	tx.AfterCommit(s.d.Wake)
	_, err = s.d.Ledger.Record(ctx, tx, told(int(n)))
	return err
}

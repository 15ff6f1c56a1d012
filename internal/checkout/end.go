package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout/checkoutsql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/rounds"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// CheckIn ends a checkout: its holder gives the credential back, or an administrator or
// a manager of the safe takes it away. fault.Conflict when it is over already.
func (s *Service) CheckIn(ctx context.Context, actor authz.Actor, cid id.Checkout, comment string) (Checkout, error) {
	if err := checkText("comment", comment, false); err != nil {
		return Checkout{}, err
	}
	if err := mayList(actor); err != nil {
		return Checkout{}, err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		c, o, err := s.read(ctx, tx, actor, cid)
		if err != nil {
			return err
		}
		if err := authz.Check(actor, authz.CheckoutEnd, o); err != nil {
			return err
		}
		e := ending{by: Admin, act: event.By(actor, event.TenantAdmin), who: actor.User, name: actor.Name, comment: comment}
		if actor.User == c.User {
			e.by, e.act = Holder, event.By(actor, event.User)
		}
		return s.end(ctx, tx, c, e)
	})
	if err != nil {
		return Checkout{}, fmt.Errorf("check in: %w", err)
	}
	return s.Get(ctx, actor, cid)
}

// ending is how a checkout ends.
type ending struct {
	by      EndedBy
	act     event.Act
	who     id.User // empty: the clock
	name    string
	comment string
}

var ends = map[EndedBy]event.LeaseEnd{Holder: event.LeaseEndHolder, Admin: event.LeaseEndAdmin, Expiry: event.LeaseEndExpiry, AccountDisabled: event.LeaseEndAccountDisabled}

// end takes the one step from open to ended. What was shown is to be replaced.
func (s *Service) end(ctx context.Context, tx *db.Tx, c Checkout, e ending) error {
	now := s.now()
	handed, err := checkoutsql.New(tx).EndCheckout(ctx, checkoutsql.EndCheckoutParams{OrgID: string(tx.Org()), ID: string(c.ID), EndedBy: string(e.by), EndedByID: string(e.who),
		EndedByName: e.name, Comment: e.comment, Now: now})
	if db.NotFound(err) {
		return errOver
	}
	if err != nil {
		return fmt.Errorf("end checkout %s: %w", c.ID, err)
	}
	_, err = s.d.Vault.Find(ctx, tx, tx.Org(), c.Account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	seen := handed != 0 && err == nil // of an account that is deleted, nothing is left to replace
	if seen {
		if err := s.d.Rotation.Due(ctx, tx, c.Account); err != nil {
			return err
		}
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewCredentialCheckinCompleted(e.act, c.target(), c.ID, c.Safe, ends[e.by], db.Time(now).Sub(c.StartedAt).Truncate(time.Second), false, seen))
	return err
}

// OpenOn tells whether somebody has the credential of an account checked out.
func OpenOn(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (bool, error) {
	_, err := checkoutsql.New(tx).OpenOnAccount(ctx, checkoutsql.OpenOnAccountParams{OrgID: string(org), AccountID: string(a)})
	if db.NotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func bySystem(org id.Org) event.Act { return event.By(authz.SystemActor(org), event.System) }

// over ends a checkout whose time is over.
func (s *Service) over(ctx context.Context, tx *db.Tx, c Checkout) error {
	return s.end(ctx, tx, c, ending{by: Expiry, act: bySystem(tx.Org())})
}

// OnAccount ends the checkout of an account that the actor takes out of use, and tells
// how many there were; package vault calls it in the transaction of that act.
func (s *Service) OnAccount(ctx context.Context, tx *db.Tx, actor authz.Actor, a id.Account) (int, error) {
	row, err := checkoutsql.New(tx).OpenOnAccount(ctx, checkoutsql.OpenOnAccountParams{OrgID: string(tx.Org()), AccountID: string(a)})
	if db.NotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look who holds account %s: %w", a, err)
	}
	err = s.end(ctx, tx, checkoutOf(checkoutsql.GetCheckoutRow(row)), ending{by: AccountDisabled, act: event.By(actor, event.TenantAdmin), who: actor.User, name: actor.Name})
	if errors.Is(err, errOver) {
		return 0, nil
	}
	return 1, err
}

const (
	sweepEvery = time.Second / 2 // bounds how long a checkout outlives its end
	fetchTime  = time.Minute     // after which a lease is closed whose credential nobody was given
)

// Run ends checkouts that are over, each with its event, until ctx ends. Looks at a
// credential do not wait for it: each compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "checkouts that are over could not be ended", s.Sweep)
}

// footing is what a holder's right rests on. While it stays, the answer stays, but for
// what the minute tells.
type footing struct {
	safe, resource, set, grants, groups, grouped int64
	role, safeRole, person, org                  string
	minute                                       int64
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[id.Checkout]footing{}
	var failed []error // one that cannot be ended keeps no other from its end
	for after, more := "", true; more; {
		var rows []checkoutsql.StandingsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = checkoutsql.New(tx).Standings(ctx, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("list open checkouts: %w", err)
		}
		for _, r := range rows {
			if err := s.look(ctx, r, seen); err != nil {
				failed = append(failed, fmt.Errorf("look at checkout %s: %w", r.ID, err))
			}
			after = r.ID
		}
		more = len(rows) == 500
	}
	s.looked = seen
	return errors.Join(failed...)
}

// look ends one checkout that is over.
func (s *Service) look(ctx context.Context, r checkoutsql.StandingsRow, seen map[id.Checkout]footing) error {
	org, cid, now := id.Org(r.OrgID), id.Checkout(r.ID), s.d.Now()
	switch {
	case r.ExpiresAt <= db.Micros(now):
		return s.close(ctx, org, cid, Expiry)
	case r.HandedAt == 0 && r.StartedAt < db.Micros(now.Add(-fetchTime)):
		return s.close(ctx, org, cid, Failed)
	case r.AccountState != string(vault.Enabled):
		return s.close(ctx, org, cid, AccountDisabled)
	case r.SafeAccount != r.AccountID || r.OrgState != activeState || r.PersonState != activeState || r.Role == "",
		r.TokenID != "" && (r.TokenEnded != 0 || r.TokenExpiry <= db.Micros(now)):
		return s.close(ctx, org, cid, Admin)
	}
	f := footing{r.SafeVersion, r.ResourceVersion, r.SetVersion, r.Grants, r.Groups, r.GroupedAt, r.Role, r.SafeRole, r.PersonState, r.OrgState, now.Unix() / 60}
	if was, ok := s.looked[cid]; !ok || was != f {
		if lost, err := s.lost(ctx, org, r); err != nil {
			return err
		} else if lost {
			return s.close(ctx, org, cid, Admin)
		}
	}
	seen[cid] = f
	return nil
}

const activeState = "active"

// lost tells whether the holder could not check out any more. Who only stands before the
// safe at a wrong hour, or with an old factor, keeps what they have until its end.
func (s *Service) lost(ctx context.Context, org id.Org, r checkoutsql.StandingsRow) (bool, error) {
	a := authz.Actor{Kind: authz.Person, User: id.User(r.UserID), Org: org, Role: authz.Role(r.Role)}
	a.Source.IP, _ = netip.ParseAddr(r.SourceIp) // the zero address is unknown
	if r.TokenID != "" {
		a.Kind, a.Token, a.Scopes = authz.Token, id.Token(r.TokenID), strings.Fields(r.TokenScopes)
	}
	var v policy.Verdict
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = s.d.Policies.Ask(ctx, tx, policy.Asker{Actor: a, At: s.d.Now(), Ticket: r.Ticket, Live: true, Use: policy.ForCheckout}, id.Safe(r.SafeID))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch v.Decision.Why {
	case policy.NotPermitted, policy.NoApproval, policy.PolicyDenies, policy.NothingPermits:
		return true, nil
	}
	return false, nil
}

// close ends a checkout by the clock. What somebody else has ended meanwhile stays as it is.
func (s *Service) close(ctx context.Context, org id.Org, cid id.Checkout, by EndedBy) error {
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		row, err := checkoutsql.New(tx).GetCheckout(ctx, checkoutsql.GetCheckoutParams{OrgID: string(org), ID: string(cid)})
		if err != nil {
			return err
		}
		c := checkoutOf(row)
		if !c.EndedAt.IsZero() {
			return nil
		}
		if by == Failed {
			if c.HandedAt.IsZero() {
				return s.fail(ctx, tx, c.holder(org), c, event.CredentialCheckoutCompletedLeaseCancelled)
			}
			return nil
		}
		return s.end(ctx, tx, c, ending{by: by, act: bySystem(org)})
	})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// holder is who holds a checkout, as its row remembers them.
func (c Checkout) holder(org id.Org) authz.Actor {
	a := authz.Actor{Kind: authz.Person, User: c.User, Name: c.UserName, Email: c.UserEmail, Org: org, Request: id.New[id.Request]()}
	a.Source.IP, _ = netip.ParseAddr(c.SourceIP)
	if c.Token != "" {
		a.Kind, a.Token, a.Name = authz.Token, c.Token, c.TokenName
	}
	return a
}

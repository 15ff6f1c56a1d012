package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout/checkoutsql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Args ask for a credential.
type Args struct {
	Safe     id.Safe // or
	Name     string  // of the safe; given with its id, it is how refusals call the safe
	Reason   string
	Ticket   string
	Duration time.Duration // whole seconds; 0: as long as the safe allows. What is longer than that is shortened to it
}

func (a Args) called() string {
	if a.Name != "" {
		return a.Name
	}
	return string(a.Safe)
}

func (a Args) check() error {
	f := fault.New(fault.Invalid, "the checkout is not valid: see the fields that are named")
	if a.Safe == "" && a.Name == "" {
		f.WithField("safe_id", "is needed, or the safe's name in safe")
	}
	if len(a.Name) > 256 || len(a.Safe) > 64 {
		f.WithField("safe", "is too long for the name of a safe")
	}
	if wrong := label.Name(a.Ticket); a.Ticket != "" && wrong != "" {
		f.WithField("ticket", "%s", wrong)
	}
	if err := checkText("reason", a.Reason, true); err != nil {
		f.Fields = append(f.Fields, fault.As(err).Fields...)
	}
	if a.Duration != 0 && (a.Duration < safe.MinCheckout || a.Duration > safe.MaxCheckout || a.Duration%time.Second != 0) {
		f.WithField("duration_seconds", "must be whole seconds from %d to %d", safe.MinCheckout/time.Second, safe.MaxCheckout/time.Second)
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// Open decides whether the actor may hold the credential of a safe now, opens the lease
// and hands the credential over. A no is a fault whose code is one of the Code constants,
// STEP_UP_REQUIRED, NOT_FOUND or NOT_PERMITTED, and CREDENTIAL_CHECKOUT_STARTED tells of it.
func (s *Service) Open(ctx context.Context, actor authz.Actor, a Args) (Shown, error) {
	if err := a.check(); err != nil {
		return Shown{}, err
	}
	if actor.Kind != authz.Person && actor.Kind != authz.Token {
		return Shown{}, authz.Check(authz.Actor{}, authz.SecretReveal, authz.Object{Org: actor.Org})
	}
	if actor.Org == "" {
		return Shown{}, fault.New(fault.Invalid, "choose the organization in which to check the credential out").WithField("org", "is needed")
	}
	if err := s.d.Ledger.HealthyFor(actor.Org); err != nil {
		return Shown{}, fault.New(fault.Unavailable, "no credential can be checked out now, because the audit log cannot be written: try again in a moment, and tell an administrator if it lasts").
			WithCode(CodeAuditUnavailable).WithRetry(30 * time.Second).Because(err)
	}
	var c Checkout
	var no *refusal
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		c, no, err = s.start(ctx, tx, actor, a)
		return err
	})
	switch {
	case db.Unique(err): // of two at once, the other was first
		return Shown{}, s.refuse(ctx, s.started(actor, c).Denied(event.CredentialCheckoutStartedExclusiveLeaseHeld), errHeld)
	case err != nil:
		return Shown{}, fmt.Errorf("check out the credential of safe %s: %w", a.called(), err)
	case no != nil:
		return Shown{}, no.err
	}
	return s.handOver(ctx, actor, c)
}

var errHeld = fault.New(fault.Conflict, "the credential of this safe is checked out already: wait until it is checked in").WithCode(CodeCheckedOut)

// start is the body of Open's transaction: the decision, and the lease.
func (s *Service) start(ctx context.Context, tx *db.Tx, actor authz.Actor, a Args) (Checkout, *refusal, error) {
	now := s.d.Now()
	c := Checkout{ID: id.New[id.Checkout](), User: actor.User, UserName: actor.Name, UserEmail: actor.Email, Token: actor.Token, SourceIP: actor.Source.Address(),
		Kind: vault.Password, Reason: a.Reason, Ticket: a.Ticket, StartedAt: db.Time(db.Micros(now))}
	if actor.Kind == authz.Token {
		c.TokenName = actor.Name
	}
	sid, err := safe.Meant(ctx, tx, a.Safe, a.Name)
	if err != nil {
		return c, nil, err
	}
	c.Safe = sid
	d, no, err := s.decide(ctx, tx, actor, asked{safe: sid, called: a.called(), ticket: a.Ticket})
	if err != nil {
		return c, nil, err
	}
	if d.account.ID != "" {
		c.SafeName, c.Account, c.AccountName, c.Username, c.Kind = d.safeName, d.account.ID, d.account.Name, d.account.Username, d.account.Kind
	}
	c.Request = d.request
	if no == nil {
		if no, err = s.free(ctx, tx, actor, c.Account); err != nil {
			return c, nil, err
		}
	}
	if no == nil {
		if no, err = s.approved(ctx, tx, actor, c.Safe, d); err != nil {
			return c, nil, err
		}
	}
	if no != nil {
		_, err := s.d.Ledger.Record(ctx, tx, s.started(actor, c).Denied(no.why))
		return c, no, err
	}
	last := d.timeout
	if a.Duration > 0 {
		last = min(last, a.Duration)
	}
	if c.ExpiresAt = c.StartedAt.Add(last); !d.until.IsZero() && d.until.Before(c.ExpiresAt) {
		c.ExpiresAt = d.until
	}
	err = checkoutsql.New(tx).InsertCheckout(ctx, checkoutsql.InsertCheckoutParams{OrgID: string(actor.Org), ID: string(c.ID), SafeID: string(c.Safe), AccountID: string(c.Account),
		AccountName: c.AccountName, Username: c.Username, CredentialKind: string(c.Kind), UserID: string(c.User), UserName: c.UserName, UserEmail: c.UserEmail,
		TokenID: string(c.Token), TokenName: c.TokenName, SourceIp: c.SourceIP, AccessRequestID: string(c.Request), Reason: c.Reason, Ticket: c.Ticket,
		StartedAt: db.Micros(c.StartedAt), ExpiresAt: db.Micros(c.ExpiresAt)})
	if err != nil {
		return c, nil, fmt.Errorf("keep the checkout: %w", err)
	}
	_, err = s.d.Ledger.Record(ctx, tx, s.started(actor, c).WithCheckoutID(c.ID).WithExpiresAt(c.ExpiresAt))
	return c, nil, err
}

// free tells whether nobody holds the credential. A lease that is over, and that the
// clock has only not come to, is ended here.
func (s *Service) free(ctx context.Context, tx *db.Tx, actor authz.Actor, a id.Account) (*refusal, error) {
	row, err := checkoutsql.New(tx).OpenOnAccount(ctx, checkoutsql.OpenOnAccountParams{OrgID: string(tx.Org()), AccountID: string(a)})
	if db.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look who holds account %s: %w", a, err)
	}
	held := checkoutOf(checkoutsql.GetCheckoutRow(row))
	if !held.ExpiresAt.After(s.d.Now()) {
		if err := s.over(ctx, tx, held); !errors.Is(err, errOver) { // else the clock was first
			return nil, err
		}
		return nil, nil
	}
	f := errHeld
	if actor.Behind(held.User) {
		f = fault.New(fault.Conflict, "you have this credential checked out already: show it again, or check it in").WithCode(CodeCheckedOut)
	}
	return &refusal{event.CredentialCheckoutStartedExclusiveLeaseHeld, f}, nil
}

// handOver fetches the credential for an open lease.
func (s *Service) handOver(ctx context.Context, actor authz.Actor, before Checkout) (Shown, error) {
	var c Checkout
	cred, err := s.d.Vault.Reveal(ctx, actor, before.Account, before.ID, before.Safe, func(ctx context.Context, tx *db.Tx, version int64) error {
		c = before // it may run more than once
		if err := s.keep(ctx, tx, &c, version); err != nil {
			return err
		}
		_, err := s.d.Ledger.Record(ctx, tx, completed(actor, c).WithSecretVersion(int(version)).WithExpiresAt(c.ExpiresAt))
		return err
	})
	if err == nil {
		return Shown{c, cred}, nil
	}
	c = before
	why := event.CredentialCheckoutCompletedLeaseCancelled
	if fault.CodeOf(err) == vault.SecretStoreUnavailable {
		why = event.CredentialCheckoutCompletedSecretStoreUnavailable
	}
	// Whoever asked may be gone; the lease must not stay.
	ctx = context.WithoutCancel(ctx)
	if e := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error { return s.fail(ctx, tx, actor, c, why) }); e != nil {
		return Shown{}, errors.Join(fmt.Errorf("hand over the credential of checkout %s: %w", c.ID, err), fmt.Errorf("close its lease: %w", e))
	}
	if fault.As(err) != nil {
		return Shown{}, err
	}
	return Shown{}, fmt.Errorf("hand over the credential of checkout %s: %w", c.ID, err)
}

// keep notes in the open lease that the credential is shown.
func (s *Service) keep(ctx context.Context, tx *db.Tx, c *Checkout, version int64) error {
	now := s.now()
	n, err := checkoutsql.New(tx).HandOver(ctx, checkoutsql.HandOverParams{OrgID: string(tx.Org()), ID: string(c.ID), SecretVersion: version, Now: now})
	if err != nil {
		return fmt.Errorf("note that the credential is shown: %w", err)
	}
	if n == 0 {
		return errOver
	}
	if c.HandedAt.IsZero() {
		c.HandedAt = db.Time(now)
	}
	c.SecretVersion, c.Reveals = version, c.Reveals+1
	return nil
}

var errOver = fault.New(fault.Conflict, "this checkout is over: check the credential out again").WithCode(CodeOver)

// fail closes a lease whose credential was never shown. One that somebody has ended
// meanwhile was cancelled, which is told once. Where it was shown after all, that is
// told already, and the lease goes its way.
func (s *Service) fail(ctx context.Context, tx *db.Tx, holder authz.Actor, c Checkout, why event.CredentialCheckoutCompletedReason) error {
	q := checkoutsql.New(tx)
	n, err := q.FailCheckout(ctx, checkoutsql.FailCheckoutParams{OrgID: string(tx.Org()), ID: string(c.ID), EndedBy: string(Failed), Now: s.now()})
	if err != nil {
		return fmt.Errorf("close a checkout: %w", err)
	}
	if n == 0 {
		row, err := q.GetCheckout(ctx, checkoutsql.GetCheckoutParams{OrgID: string(tx.Org()), ID: string(c.ID)})
		if err != nil || EndedBy(row.EndedBy) == Failed || row.HandedAt != 0 {
			return err
		}
	}
	_, err = s.d.Ledger.Record(ctx, tx, completed(holder, c).Failed(why))
	return err
}

// Reveal shows the holder the credential again. It asks for the right, and for a fresh
// second factor, as Open does; SECRET_ACCESSED tells of it, and of a no.
func (s *Service) Reveal(ctx context.Context, actor authz.Actor, cid id.Checkout) (Shown, error) {
	if err := mayList(actor); err != nil {
		return Shown{}, err
	}
	var c Checkout
	var told event.SecretAccessed
	var why event.SecretAccessedReason
	var no error
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if c, _, err = s.read(ctx, tx, actor, cid); err != nil {
			return err
		}
		if told, err = s.accessed(ctx, tx, actor, c); err != nil {
			return err
		}
		switch {
		case actor.User != c.User:
			why, no = event.SecretAccessedNoLease, fault.New(fault.Denied, "only who has checked a credential out is shown it: check it out yourself")
		case !c.EndedAt.IsZero() || !c.ExpiresAt.After(s.d.Now()):
			why, no = event.SecretAccessedLeaseExpired, errOver
		default:
			_, refused, err := s.decide(ctx, tx, actor, asked{safe: c.Safe, called: c.SafeName, ticket: c.Ticket})
			if err != nil {
				return err
			}
			if refused != nil {
				why, no = event.SecretAccessedNotPermitted, refused.err
			}
		}
		return nil
	})
	if err != nil {
		return Shown{}, err
	}
	if no != nil {
		return Shown{}, s.refuse(ctx, told.Denied(why), no)
	}
	cred, err := s.d.Vault.Reveal(ctx, actor, c.Account, c.ID, c.Safe, func(ctx context.Context, tx *db.Tx, version int64) error { return s.keep(ctx, tx, &c, version) })
	if fault.CodeOf(err) == CodeOver {
		return Shown{}, s.refuse(ctx, told.Denied(event.SecretAccessedLeaseExpired), errOver)
	}
	if err != nil {
		return Shown{}, err
	}
	return Shown{c, cred}, nil
}

// refuse records a refusal and returns why.
func (s *Service) refuse(ctx context.Context, ev event.Event, why error) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

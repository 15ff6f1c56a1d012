package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/platform/platformsql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// AcceptArgs ends a flow. The actor is signed in under the invited address, or
// nobody; then Person says who they will be. Its e-mail address is the invitation's.
type AcceptArgs struct {
	Flow   secret.Secret
	Person identity.NewPerson
	From   identity.Origin
}

// Joined is what an accepted invitation gave.
type Joined struct {
	Person  identity.Profile
	Role    authz.PlatformRole
	Session *identity.Session // of somebody new: it may enrol a second factor, and nothing else yet
}

// acceptance is one try to become an operator.
type acceptance struct {
	inv   Invitation
	flow  platformsql.PlatformInvitationFlow
	actor authz.Actor     // signed in, or nobody
	draft *identity.Draft // of somebody new
	act   event.Act
}

// errBlocked is a rule that forbids an acceptance.
type errBlocked struct {
	said *fault.Error
	why  event.InvitationAcceptBlockedReason
}

func (e errBlocked) Error() string { return e.said.Error() }
func (e errBlocked) Unwrap() error { return e.said }

// Accept makes the holder of a flow an operator of the platform.
func (s *Service) Accept(ctx context.Context, actor authz.Actor, a AcceptArgs) (Joined, error) {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, ""); err != nil {
		return Joined{}, err
	}
	inv, flow, err := s.byFlow(ctx, a.Flow)
	if err != nil {
		return Joined{}, s.turnLinkAway(ctx, a.From, err)
	}
	t := acceptance{inv: inv, flow: flow, actor: onPlatform(actor)}
	switch actor.Kind {
	case authz.Person:
		t.act = event.By(t.actor, event.User)
		if actor.Email != inv.Email {
			return Joined{}, s.mismatch(ctx, t)
		}
	case authz.Nobody:
		t.actor = a.From.Stranger("")
		t.act = event.By(t.actor, event.User)
		if t.draft, err = s.draft(ctx, inv, a.Person); err != nil {
			return Joined{}, err
		}
	default:
		return Joined{}, fault.New(fault.Denied, "an invitation is for a person: sign in as one to accept it")
	}
	var out Joined
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.admitted(ctx, tx, t)
		return err
	})
	var rule errBlocked
	if errors.As(err, &rule) {
		ev := event.NewInvitationAcceptBlocked(t.act, inv.target(), rule.why, event.InvitationScopePlatform, event.Email(inv.Email), event.AcceptedViaLink).WithFlowID(id.Flow(flow.ID))
		if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
			return Joined{}, fmt.Errorf("record a refusal: %w", err)
		}
		return Joined{}, rule.said
	}
	if errors.As(err, new(*badLink)) {
		return Joined{}, s.turnLinkAway(ctx, a.From, err)
	}
	if err != nil {
		return Joined{}, fmt.Errorf("accept an invitation: %w", err)
	}
	if t.draft != nil { // they are an operator whatever becomes of this
		in, err := s.d.People.SignIn(ctx, identity.SignInArgs{Email: inv.Email, Password: a.Person.Password, From: a.From})
		if err != nil {
			s.d.Log.WarnContext(ctx, "a new operator could not be signed in at once", "user_id", out.Person.ID, "error", err.Error())
		}
		out.Session = in.Session
	}
	return out, nil
}

// draft checks who somebody new wants to be.
func (s *Service) draft(ctx context.Context, inv Invitation, n identity.NewPerson) (*identity.Draft, error) {
	known, err := s.known(ctx, inv.Email)
	if err != nil {
		return nil, err
	}
	if known {
		return nil, signInFirst(inv.Email)
	}
	if n.Password.Empty() {
		return nil, fault.New(fault.Invalid, "choose a password").WithField("password", "must not be empty")
	}
	n.Email, n.Own = inv.Email, true
	d, err := s.d.People.Draft(ctx, n)
	return &d, err
}

func signInFirst(email string) error {
	return fault.New(fault.Unauthenticated, "there is an account with the address %s: sign in with it to accept", email).WithCode("SIGN_IN_REQUIRED")
}

// mismatch records that somebody is signed in under another address than the one invited.
func (s *Service) mismatch(ctx context.Context, t acceptance) error {
	_, domain, _ := strings.Cut(t.actor.Email, "@")
	ev := event.NewInviteEmailMismatchBlocked(t.act, t.inv.target(), event.InviteEmailMismatchBlockedEmailMismatch, event.InvitationScopePlatform,
		id.Flow(t.flow.ID), event.Email(t.inv.Email), domain)
	why := fault.New(fault.Denied, "you are signed in as %s, and this invitation is for another address: sign in with that one", t.actor.Email).WithCode("EMAIL_MISMATCH")
	return s.refused(ctx, t.actor, why, ev)
}

// admitted makes the operator in tx. Its error may be an errBlocked or a *badLink.
func (s *Service) admitted(ctx context.Context, tx *db.Tx, t acceptance) (Joined, error) {
	q := platformsql.New(tx)
	fail := func(err error) (Joined, error) { return Joined{}, err }
	if _, err := q.HoldGate(ctx, s.now()); err != nil {
		return fail(fmt.Errorf("hold the platform: %w", err))
	}
	if err := s.allowed(ctx, tx, t); err != nil {
		return fail(err)
	}
	who := identity.Profile{ID: t.actor.User, Email: t.actor.Email, Handle: t.actor.Name}
	if t.draft != nil {
		p, known, err := s.d.People.Introduce(ctx, tx, mfa.Scope{Act: t.act, Target: event.PlatformTarget()}, *t.draft)
		if err != nil {
			return fail(err)
		}
		if known { // an account with this address was made meanwhile
			return fail(signInFirst(t.inv.Email))
		}
		who = p
	}
	n, err := q.AcceptInvitation(ctx, platformsql.AcceptInvitationParams{Now: s.now(), PersonID: string(who.ID), ID: string(t.inv.ID)})
	if err != nil {
		return fail(fmt.Errorf("store an acceptance: %w", err))
	}
	ended, err := q.EndFlow(ctx, platformsql.EndFlowParams{Now: s.now(), ID: t.flow.ID})
	if err != nil {
		return fail(fmt.Errorf("end a flow: %w", err))
	}
	if n == 0 || ended == 0 {
		return fail(&badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &t.inv})
	}
	if err := q.InsertOperator(ctx, platformsql.InsertOperatorParams{PersonID: string(who.ID), Role: string(t.inv.Role), Now: s.now()}); err != nil {
		return fail(fmt.Errorf("store an operator: %w", err))
	}
	evt, err := s.d.Ledger.Record(ctx, tx, event.NewPlatformInvitationAccepted(t.act, t.inv.target(), who.ID, string(t.inv.Role), t.inv.InvitedBy.ID, event.PlatformAcceptedViaLink))
	if err != nil {
		return fail(err)
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewInviteAccepted(t.act, t.inv.target(), event.InvitationScopePlatform, id.Flow(t.flow.ID),
		s.d.Now().Sub(db.Time(t.flow.StartedAt)), event.IdentityMethodPassword, evt))
	return Joined{Person: who, Role: t.inv.Role}, err
}

// allowed holds an acceptance against the rules, as they are now.
func (s *Service) allowed(ctx context.Context, tx *db.Tx, t acceptance) error {
	if _, err := platformsql.New(tx).OperatorByEmail(ctx, t.inv.Email); err == nil {
		return errBlocked{fault.New(fault.Conflict, "you are an operator of this installation already").WithCode("ALREADY_OPERATOR"), event.InvitationAcceptBlockedAlreadyMember}
	} else if !db.NotFound(err) {
		return fmt.Errorf("look for an operator: %w", err)
	}
	role, err := Directory{}.RoleOf(ctx, tx, t.inv.InvitedBy.ID)
	if err != nil {
		return err
	}
	if role != authz.PlatformAdmin {
		return errBlocked{fault.New(fault.Denied, "who invited you may not do so any more: ask for another invitation").WithCode("INVITER_LOST_RIGHT"), event.InvitationAcceptBlockedInviterLostRight}
	}
	if !s.domainAllowed(t.inv.Email) {
		return errBlocked{fault.New(fault.Denied, "operators of this installation have addresses of %s", strings.Join(s.d.Domains, ", ")).WithCode("DOMAIN_NOT_ALLOWED"), event.InvitationAcceptBlockedDomainNotAllowed}
	}
	return nil
}

// Decline turns an invitation down for good. The link alone does it: who has it was
// invited.
func (s *Service) Decline(ctx context.Context, link secret.Secret, o identity.Origin) error {
	o = o.OrNew()
	inv, _, err := s.open(ctx, link, o)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := platformsql.New(tx).EndInvitation(ctx, platformsql.EndInvitationParams{State: string(Declined), Now: s.now(), ID: string(inv.ID)})
		if err != nil {
			return err
		}
		if n == 0 {
			return &badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &inv}
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPlatformUserInviteRejected(event.By(o.Stranger(""), event.User), inv.target(),
			event.PlatformUserInviteRejectedDeclinedByInvitee, event.InviteRejectionInvitee, event.Email(inv.Email), string(inv.Role)))
		return err
	})
	if errors.As(err, new(*badLink)) {
		return s.turnLinkAway(ctx, o, err)
	}
	if err != nil {
		return fmt.Errorf("decline an invitation: %w", err)
	}
	return nil
}

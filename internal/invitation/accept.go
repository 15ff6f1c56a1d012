package invitation

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
	"github.com/vaultpam/vaultpam/internal/mfa"
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
	Org     id.Org
	OrgSlug string
	OrgName string
	Role    authz.Role
	Person  identity.Profile
	Session *identity.Session // of somebody new: it may enrol a second factor, and nothing else yet
}

// acceptance is one try to join.
type acceptance struct {
	inv    Invitation
	flow   *invitationsql.InvitationFlow // nil: not by link
	via    event.AcceptedVia
	method event.IdentityMethod
	actor  authz.Actor     // signed in, or nobody
	draft  *identity.Draft // of somebody new
	act    event.Act
}

func (a acceptance) person() identity.Profile {
	return identity.Profile{ID: a.actor.User, Email: a.actor.Email, Handle: a.actor.Name}
}

// Accept makes the holder of a flow a member.
func (s *Service) Accept(ctx context.Context, actor authz.Actor, a AcceptArgs) (Joined, error) {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, ""); err != nil {
		return Joined{}, err
	}
	inv, flow, err := s.byFlow(ctx, a.Flow)
	if err != nil {
		return Joined{}, s.turnAway(ctx, a.From, err)
	}
	t := acceptance{inv: inv, flow: &flow, via: event.AcceptedViaLink, method: event.IdentityMethodPassword, actor: actor}
	switch actor.Kind {
	case authz.Person:
		t.act = event.By(actor, event.User).InOrg(inv.org)
		if t.method, err = s.method(ctx, actor); err != nil {
			return Joined{}, err
		}
		if actor.Email != inv.Email {
			return Joined{}, s.mismatch(ctx, t)
		}
	case authz.Nobody:
		t.actor = a.From.Stranger(inv.org)
		t.act = event.By(t.actor, event.User)
		if t.draft, err = s.draft(ctx, inv, a.Person); err != nil {
			return Joined{}, err
		}
	default:
		return Joined{}, fault.New(fault.Denied, "an invitation is for a person: sign in as one to accept it")
	}
	out, err := s.join(ctx, t)
	if err != nil {
		return Joined{}, s.turnAway(ctx, a.From, err)
	}
	if t.draft != nil { // they are a member whatever becomes of this
		in, err := s.d.People.SignIn(ctx, identity.SignInArgs{Email: inv.Email, Password: a.Person.Password, From: a.From})
		if err != nil {
			s.d.Log.WarnContext(ctx, "a new member could not be signed in at once", "user_id", out.Person.ID, "error", err.Error())
		}
		out.Session = in.Session
	}
	return out, nil
}

// method is how somebody who is signed in proved who they are.
func (s *Service) method(ctx context.Context, actor authz.Actor) (event.IdentityMethod, error) {
	var org id.Org
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		org, err = s.d.People.SessionSSO(ctx, tx, actor.WebSession)
		return err
	})
	if err != nil || org == "" {
		return event.IdentityMethodPassword, err
	}
	return event.IdentityMethodSSO, nil
}

// draft checks who somebody new wants to be.
func (s *Service) draft(ctx context.Context, inv Invitation, n identity.NewPerson) (*identity.Draft, error) {
	known, err := s.known(ctx, inv.Email)
	if err != nil {
		return nil, err
	}
	if known {
		return nil, fault.New(fault.Unauthenticated, "there is an account with the address %s: sign in with it to accept", inv.Email).WithCode("SIGN_IN_REQUIRED")
	}
	if n.Password.Empty() {
		return nil, fault.New(fault.Invalid, "choose a password").WithField("password", "must not be empty")
	}
	n.Email, n.Own = inv.Email, true
	d, err := s.d.People.Draft(ctx, n)
	return &d, err
}

// mismatch records that somebody is signed in under another address than the one invited.
func (s *Service) mismatch(ctx context.Context, t acceptance) error {
	_, domain, _ := strings.Cut(t.actor.Email, "@")
	ev := event.NewInviteEmailMismatchBlocked(t.act, t.inv.target(), event.InviteEmailMismatchBlockedEmailMismatch, event.InvitationScopeOrg,
		id.Flow(t.flow.ID), event.Email(t.inv.Email), domain)
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return fault.New(fault.Denied, "you are signed in as %s, and this invitation is for another address: sign in with that one", t.actor.Email).WithCode("EMAIL_MISMATCH")
}

// join is the acceptance itself. Its errors may be a *badLink.
func (s *Service) join(ctx context.Context, t acceptance) (Joined, error) {
	var out Joined
	err := s.d.DB.InOrg(ctx, t.inv.org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.admitted(ctx, tx, t)
		return err
	})
	var b *blocked
	if errors.As(err, &b) && b.accept != nil {
		ev := event.NewInvitationAcceptBlocked(t.act, t.inv.target(), *b.accept, event.InvitationScopeOrg, event.Email(t.inv.Email), t.via)
		if t.flow != nil {
			ev = ev.WithFlowID(id.Flow(t.flow.ID))
		}
		if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
			return Joined{}, fmt.Errorf("record a refusal: %w", err)
		}
		return Joined{}, b.fault
	}
	if err != nil {
		return Joined{}, fmt.Errorf("accept an invitation: %w", err)
	}
	return out, nil
}

// admitted makes the membership in tx, or says which rule forbids it.
func (s *Service) admitted(ctx context.Context, tx *db.Tx, t acceptance) (Joined, error) {
	inv, err := s.get(ctx, tx, t.inv.org, t.inv.ID)
	if err != nil {
		return Joined{}, err
	}
	if dead := inv.dead(s.d.Now()); dead != nil {
		return Joined{}, dead
	}
	if err := s.allowed(ctx, tx, t, inv); err != nil {
		return Joined{}, err
	}
	return s.admit(ctx, tx, t, inv)
}

// admit makes the membership of an invitation whose rules were held against it.
func (s *Service) admit(ctx context.Context, tx *db.Tx, t acceptance, inv Invitation) (Joined, error) {
	n, err := invitationsql.New(tx).Settle(ctx, invitationsql.SettleParams{State: string(Accepted), Now: s.now(), MemberID: string(t.actor.User), OrgID: string(inv.org), ID: string(inv.ID)})
	if err != nil {
		return Joined{}, fmt.Errorf("store an acceptance: %w", err)
	}
	if n == 0 {
		return Joined{}, &badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &inv}
	}
	who, err := s.introduce(ctx, tx, t, inv)
	if err != nil {
		return Joined{}, err
	}
	if err := s.d.Members.Join(ctx, tx, inv.org, who.ID, inv.Role, inv.RequireMFA); err != nil {
		return Joined{}, err
	}
	inviter := inviterAct(inv, t.act.Request())
	for _, p := range inv.Safes {
		if err := s.d.Safes.Welcome(ctx, tx, inviter, inv.org, p.Safe, who.ID, p.Role, inv.Inviter.ID); err != nil {
			return Joined{}, err
		}
	}
	return Joined{Org: inv.org, OrgSlug: inv.orgSlug, OrgName: inv.orgName, Role: inv.Role, Person: who}, s.tell(ctx, tx, t, inv, who)
}

// introduce makes somebody new known; and notes that the address is theirs, when
// a link that was mailed there shows it.
func (s *Service) introduce(ctx context.Context, tx *db.Tx, t acceptance, inv Invitation) (identity.Profile, error) {
	who := t.person()
	if t.draft != nil {
		p, known, err := s.d.People.Introduce(ctx, tx, mfa.Scope{Act: t.act, Target: event.TenantTarget(inv.org, inv.orgName)}, *t.draft)
		if err != nil {
			return who, err
		}
		if known {
			return who, fault.New(fault.Conflict, "an account with this address was made meanwhile: sign in with it to accept").WithCode("SIGN_IN_REQUIRED")
		}
		who = p
		if err := invitationsql.New(tx).NameMember(ctx, invitationsql.NameMemberParams{MemberID: string(who.ID), OrgID: string(inv.org), ID: string(inv.ID)}); err != nil {
			return who, fmt.Errorf("store who accepted: %w", err)
		}
	}
	if t.flow == nil {
		return who, nil
	}
	return who, s.d.People.ProveEmail(ctx, tx, who.ID, inv.Email)
}

// tell ends the flow and records the acceptance.
func (s *Service) tell(ctx context.Context, tx *db.Tx, t acceptance, inv Invitation, who identity.Profile) error {
	accepted := event.NewInvitationAccepted(t.act, inv.target(), event.Email(inv.Email), who.ID, string(inv.Role), t.via)
	if t.flow == nil {
		_, err := s.d.Ledger.Record(ctx, tx, accepted)
		return err
	}
	n, err := invitationsql.New(tx).EndFlow(ctx, invitationsql.EndFlowParams{Now: s.now(), OrgID: string(inv.org), ID: t.flow.ID})
	if err != nil {
		return fmt.Errorf("end a flow: %w", err)
	}
	if n == 0 {
		return &badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &inv}
	}
	flow := id.Flow(t.flow.ID)
	evt, err := s.d.Ledger.Record(ctx, tx, accepted.WithFlowID(flow))
	if err != nil {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewInviteAccepted(t.act, inv.target(), event.InvitationScopeOrg, flow, s.d.Now().Sub(db.Time(t.flow.StartedAt)), t.method, evt))
	return err
}

// allowed holds an acceptance against the rules, as they are now.
func (s *Service) allowed(ctx context.Context, tx *db.Tx, t acceptance, inv Invitation) error {
	rules, err := s.d.Members.Gate(ctx, tx, inv.org)
	if err != nil {
		return err
	}
	member, err := s.d.Members.IsMember(ctx, tx, inv.org, inv.Email)
	if err != nil {
		return err
	}
	inviter, err := s.d.Members.RoleOf(ctx, tx, inv.org, inv.Inviter.ID)
	if err != nil {
		return err
	}
	switch {
	case member:
		return blockAccept(event.InvitationAcceptBlockedAlreadyMember, fault.New(fault.Conflict, "you are a member of %s already", inv.orgName).WithCode("ALREADY_MEMBER"))
	case !inv.orgActive:
		return blockAccept(event.InvitationAcceptBlockedOrgSuspended, fault.New(fault.Denied, "%s is suspended: its invitations cannot be accepted now", inv.orgName).WithCode("ORG_SUSPENDED"))
	case !mayGive(inviter, inv.Role):
		return blockAccept(event.InvitationAcceptBlockedInviterLostRight,
			fault.New(fault.Denied, "who invited you may not do so any more: ask the administrators of %s for another invitation", inv.orgName).WithCode("INVITER_LOST_RIGHT"))
	case rules.SSOOnly && t.method != event.IdentityMethodSSO:
		return blockAccept(event.InvitationAcceptBlockedSSORequired, fault.New(fault.Denied, "%s takes members by single sign-on only: sign in with it", inv.orgName).WithCode("SSO_REQUIRED"))
	case !rules.Allows(inv.Email):
		return blockAccept(event.InvitationAcceptBlockedDomainNotAllowed, domainNotAllowed())
	case rules.Full(0):
		return blockAccept(event.InvitationAcceptBlockedSeatLimit, seatLimit(rules.Seats))
	case (inv.RequireMFA || rules.RequireMFA) && t.via != event.AcceptedViaSSOMatch && t.draft == nil && t.actor.MFAAt.IsZero(): // who comes by a match is asked right after
		return fault.New(fault.Denied, "%s demands a second factor of your own: add one, prove it, and accept again", inv.orgName).WithCode("STEP_UP_REQUIRED")
	}
	return nil
}

// inviterAct is the act of who sent an invitation: what it brings is their gift.
func inviterAct(inv Invitation, request id.Request) event.Act {
	a := authz.Actor{Kind: authz.Person, User: inv.Inviter.ID, Name: inv.Inviter.Handle, Org: inv.org, Request: request}
	if inv.inviterToken != "" {
		a.Kind, a.Token = authz.Token, inv.inviterToken
	}
	a.Source.IP, _ = netip.ParseAddr(inv.inviterIP)
	return event.By(a, event.TenantAdmin)
}

// For lists the pending invitations to the actor's own address.
func (s *Service) For(ctx context.Context, actor authz.Actor) ([]Invitation, error) {
	if err := authz.Check(actor, authz.SelfView, authz.Object{Type: authz.SelfObject, ID: string(actor.User), Owner: actor.User}); err != nil {
		return nil, err
	}
	var out []Invitation
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = nil
		rows, err := invitationsql.New(tx).PendingFor(ctx, invitationsql.PendingForParams{Email: actor.Email, Now: s.now()})
		if err != nil {
			return err
		}
		for _, r := range rows {
			inv, err := s.get(ctx, tx, id.Org(r.OrgID), id.Invitation(r.ID))
			if err != nil {
				return err
			}
			out = append(out, inv)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list own invitations: %w", err)
	}
	return out, nil
}

// OrgName is the display name of the organization that invites.
func (i Invitation) OrgName() string { return i.orgName }

// AcceptMine accepts an invitation to the actor's own address without its link. The
// address must have been proved before: an account can be made by anybody who
// administers an organization, for any address.
func (s *Service) AcceptMine(ctx context.Context, actor authz.Actor, want id.Invitation) (Joined, error) {
	if err := authz.Check(actor, authz.SelfUpdate, authz.Object{Type: authz.SelfObject, ID: string(actor.User), Owner: actor.User}); err != nil {
		// Told where they act: the organization that invites learns of an address that joins, not of who else asks.
		ev := event.NewAuthActRefused(event.By(actor, event.User), event.TenantTarget(actor.Org, ""), event.AuthActRefusedNotPermitted, event.RefusedActInvitationAccept)
		return Joined{}, s.refused(ctx, actor, err, ev)
	}
	all, err := s.For(ctx, actor)
	if err != nil {
		return Joined{}, err
	}
	for _, inv := range all {
		if inv.ID != want {
			continue
		}
		var proved bool
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			proved, err = s.d.People.EmailProved(ctx, tx, actor.User, inv.Email)
			return err
		})
		if err != nil {
			return Joined{}, err
		}
		if !proved {
			return Joined{}, fault.New(fault.Denied, "accept this invitation by the link in its message: your address %s was not proved yet", inv.Email).WithCode("EMAIL_NOT_PROVED")
		}
		t := acceptance{inv: inv, via: event.AcceptedViaAPI, method: event.IdentityMethodPassword, actor: actor, act: event.By(actor, event.User).InOrg(inv.org)}
		out, err := s.join(ctx, t)
		var bad *badLink
		if errors.As(err, &bad) {
			return Joined{}, bad.said()
		}
		return out, err
	}
	return Joined{}, fault.New(fault.NotFound, "no such invitation is open for you")
}

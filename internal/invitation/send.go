package invitation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// MaxBulk is how many people can be invited by one call.
const MaxBulk = 200

// SendArgs says who is invited to what.
type SendArgs struct {
	Email      string
	Role       authz.Role
	Safes      []Place
	RequireMFA bool
}

func object(org id.Org) authz.Object { return authz.Object{Type: authz.MemberObject, Org: org} }

// Send invites somebody into the actor's active organization.
func (s *Service) Send(ctx context.Context, actor authz.Actor, a SendArgs) (Invitation, error) {
	if err := a.check(); err != nil {
		return Invitation{}, err
	}
	if actor.Org == "" {
		return Invitation{}, noOrg(actor)
	}
	inv := s.begun(actor, a)
	if err := s.maySend(ctx, actor, inv); err != nil {
		return Invitation{}, err
	}
	token := linkToken.New()
	queue, err := s.letter(ctx, inv, token)
	if err != nil {
		return Invitation{}, err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.store(ctx, tx, actor, governance.Permit{}, inv, token, queue)
		return err
	})
	err = s.d.Governance.Queue(ctx, actor, err)
	var b *blocked
	if errors.As(err, &b) && b.sent != nil {
		return Invitation{}, s.refused(ctx, actor, b.fault, sentEvent(actor, inv).Denied(*b.sent))
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("send an invitation: %w", err)
	}
	return s.read(ctx, actor.Org, inv.ID)
}

func (s *Service) begun(actor authz.Actor, a SendArgs) Invitation {
	inv := Invitation{
		ID: id.New[id.Invitation](), Email: a.Email, Role: a.Role, Safes: a.Safes, RequireMFA: a.RequireMFA, State: Pending,
		Inviter: identity.Profile{ID: actor.User, Handle: actor.Name, Email: actor.Email}, CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond), org: actor.Org,
	}
	inv.SentAt, inv.ExpiresAt = inv.CreatedAt, inv.CreatedAt.Add(Life)
	return inv
}

func noOrg(actor authz.Actor) error {
	if err := authz.Check(actor, authz.MemberInvite, object("")); err != nil {
		return err
	}
	return fault.New(fault.NotFound, "no organization is active: choose one of yours")
}

func (a *SendArgs) check() error {
	var err error
	if a.Email, err = identity.ParseEmail(a.Email); err != nil {
		return err
	}
	if _, err := authz.ParseRole(string(a.Role)); err != nil {
		return err
	}
	if len(a.Safes) > maxSafes {
		return fault.New(fault.Invalid, "one invitation brings at most %d safes", maxSafes).WithField("safes", "must be at most %d", maxSafes)
	}
	seen := map[id.Safe]bool{}
	for _, p := range a.Safes {
		if seen[p.Safe] {
			return fault.New(fault.Invalid, "the safe %.64q is named twice", p.Safe).WithField("safes", "must be different ones")
		}
		seen[p.Safe] = true
		if !slices.Contains(authz.SafeRoles(), p.Role) {
			return fault.New(fault.Invalid, "%.40q is not a role on a safe: use user, checkout, approver or manager", p.Role).WithField("safes", "role is one of user, checkout, approver, manager")
		}
	}
	return nil
}

// maySend checks the right to invite somebody in this role.
func (s *Service) maySend(ctx context.Context, actor authz.Actor, inv Invitation) error {
	if err := authz.Check(actor, authz.MemberInvite, object(actor.Org)); err != nil {
		return s.refused(ctx, actor, err, sentEvent(actor, inv).Denied(event.InvitationSentNotPermitted))
	}
	if !mayGive(actor.Role, inv.Role) {
		return s.refused(ctx, actor, fault.New(fault.Denied, "the role %s is above yours: ask one who has it", inv.Role).WithCode("ROLE_ABOVE_ACTOR"),
			sentEvent(actor, inv).Denied(event.InvitationSentRoleAboveActor))
	}
	return nil
}

// mayGive tells whether somebody of role has may invite into role gives.
func mayGive(has, gives authz.Role) bool {
	return (has == authz.Owner || has == authz.Admin) && has.Includes(gives)
}

func sentEvent(actor authz.Actor, inv Invitation) event.InvitationSent {
	ev := event.NewInvitationSent(event.By(actor, event.TenantAdmin), inv.target(), event.Email(inv.Email), string(inv.Role)).WithExpiresAt(inv.ExpiresAt)
	if len(inv.Safes) > 0 {
		ids := make([]id.Safe, len(inv.Safes))
		for i, p := range inv.Safes {
			ids[i] = p.Safe
		}
		ev = ev.WithSafeIDs(ids)
	}
	return ev
}

// letter prepares the message of an invitation, outside of any transaction.
func (s *Service) letter(ctx context.Context, inv Invitation, token secret.Secret) (func(context.Context, *db.Tx) error, error) {
	var rules tenancy.JoinRules
	err := s.d.DB.ReadOrg(ctx, inv.org, func(ctx context.Context, tx *db.Tx) (err error) {
		rules, err = s.d.Members.Rules(ctx, tx, inv.org)
		return err
	})
	if err != nil {
		return nil, err
	}
	queue, err := s.d.Mail.Prepare(ctx, inv.org, Letter{To: inv.Email, OrgName: rules.Name, Inviter: first(inv.Inviter.Name, inv.Inviter.Handle),
		Role: inv.Role, Support: rules.Support, Token: token, ExpiresAt: inv.ExpiresAt})
	if err != nil {
		return nil, fmt.Errorf("write an invitation's message: %w", err)
	}
	return queue, nil
}

func (s *Service) store(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, inv Invitation, token secret.Secret, queue func(context.Context, *db.Tx) error) (id.Event, error) {
	q := invitationsql.New(tx)
	if err := s.weigh(ctx, tx, inv); err != nil {
		return "", err
	}
	for _, p := range inv.Safes {
		if err := s.d.Safes.Invitable(ctx, tx, inv.org, p.Safe, p.Role); err != nil {
			return "", err
		}
	}
	if open, err := q.OpenFor(ctx, invitationsql.OpenForParams{OrgID: string(inv.org), Email: inv.Email}); err == nil {
		was, err := s.get(ctx, tx, inv.org, id.Invitation(open))
		if err != nil {
			return "", err
		}
		if !was.over(s.d.Now()) {
			return "", alreadyInvited(inv.Email)
		}
		if err := s.expire(ctx, tx, was); err != nil { // the clock's turn has come, and we are first
			return "", err
		}
	} else if !db.NotFound(err) {
		return "", fmt.Errorf("look for an open invitation: %w", err)
	}
	if err := s.demandOwner(ctx, tx, actor, p, inv); err != nil {
		return "", err
	}
	safes, err := json.Marshal(orEmpty(inv.Safes))
	if err != nil {
		return "", fmt.Errorf("encode safes: %w", err)
	}
	err = q.InsertInvitation(ctx, invitationsql.InsertInvitationParams{
		OrgID: string(inv.org), ID: string(inv.ID), Email: inv.Email, Role: string(inv.Role), Safes: string(safes), RequireMfa: inv.RequireMFA,
		InviterID: string(actor.User), InviterToken: string(actor.Token), InviterIp: ipText(actor), Now: db.Micros(inv.CreatedAt), ExpiresAt: db.Micros(inv.ExpiresAt)})
	if db.Unique(err) {
		return "", alreadyInvited(inv.Email)
	}
	if err != nil {
		return "", fmt.Errorf("store an invitation: %w", err)
	}
	if err := s.mail(ctx, tx, inv, token, queue); err != nil {
		return "", err
	}
	return s.d.Ledger.Record(ctx, tx, sentEvent(actor, inv))
}

// mail keeps the hash of a link and queues its message.
func (s *Service) mail(ctx context.Context, tx *db.Tx, inv Invitation, token secret.Secret, queue func(context.Context, *db.Tx) error) error {
	err := invitationsql.New(tx).InsertToken(ctx, invitationsql.InsertTokenParams{OrgID: string(inv.org), TokenHash: linkToken.Hash(token.RevealString()), InvitationID: string(inv.ID), Now: s.now()})
	if err != nil {
		return fmt.Errorf("store a link: %w", err)
	}
	return queue(ctx, tx)
}

// weigh holds a new invitation against the rules of the organization.
func (s *Service) weigh(ctx context.Context, tx *db.Tx, inv Invitation) error {
	rules, err := s.d.Members.Gate(ctx, tx, inv.org)
	if err != nil {
		return err
	}
	member, err := s.d.Members.IsMember(ctx, tx, inv.org, inv.Email)
	if err != nil {
		return err
	}
	pending, err := invitationsql.New(tx).CountPending(ctx, string(inv.org))
	if err != nil {
		return fmt.Errorf("count invitations: %w", err)
	}
	switch {
	case member:
		return block(event.InvitationSentAlreadyMember, fault.New(fault.Conflict, "%s is a member of this organization already: change their role instead", inv.Email).WithCode("ALREADY_MEMBER"))
	case !rules.Allows(inv.Email):
		return block(event.InvitationSentDomainNotAllowed, domainNotAllowed())
	case rules.Full(int(pending)):
		return block(event.InvitationSentSeatLimit, seatLimit(rules.Seats))
	case pending >= maxPending:
		return fault.New(fault.Conflict, "this organization has %d open invitations: revoke some first", pending).WithCode("INVITATION_LIMIT")
	}
	return nil
}

func alreadyInvited(email string) error {
	return block(event.InvitationSentOpenInvitation,
		fault.New(fault.Conflict, "%s is invited already: send that invitation again, or revoke it first", email).WithCode("ALREADY_INVITED"))
}

func domainNotAllowed() *fault.Error {
	return fault.New(fault.Denied, "this organization takes members of certain e-mail domains only, and this is none of them").WithCode(tenancy.DomainNotAllowed)
}

func seatLimit(seats int) *fault.Error {
	return fault.New(fault.Conflict, "this organization has room for %d people, open invitations counted: ask the operator of this installation for more", seats).WithCode(tenancy.SeatLimit)
}

// Result is what became of one of several invitations: one of the two is set.
type Result struct {
	Email      string
	Invitation *Invitation
	Err        error
}

// SendMany invites several people, each for themselves: what is wrong with one does
// not keep the others back. An error means that none was tried.
func (s *Service) SendMany(ctx context.Context, actor authz.Actor, all []SendArgs) ([]Result, error) {
	if len(all) == 0 || len(all) > MaxBulk {
		return nil, fault.New(fault.Invalid, "invite from 1 to %d people at once, not %d", MaxBulk, len(all)).WithField("invitations", "must be from 1 to %d", MaxBulk)
	}
	out := make([]Result, len(all))
	for i, a := range all {
		out[i].Email = a.Email
		inv, err := s.Send(ctx, actor, a)
		var w *governance.Waiting
		switch k := fault.KindOf(err); {
		case errors.As(err, &w):
			out[i].Err = fault.New(fault.Conflict, "not sent yet: %s", w.Error()).WithCode("WAITS_FOR_APPROVAL")
		case err == nil:
			out[i].Email, out[i].Invitation = inv.Email, &inv
		case k == fault.Internal || k == fault.Unavailable || k == fault.Unauthenticated:
			return nil, err
		default:
			out[i].Err = err
		}
	}
	return out, nil
}

// List lists the invitations of the active organization, oldest first; state may be empty.
func (s *Service) List(ctx context.Context, actor authz.Actor, state State, p page.Request) (page.List[Invitation], error) {
	if err := authz.Check(actor, authz.MemberInvitations, object(actor.Org)); err != nil {
		return page.List[Invitation]{}, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Invitation]{}, err
	}
	var out []Invitation
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := invitationsql.New(tx).ListInvitations(ctx, invitationsql.ListInvitationsParams{OrgID: string(actor.Org), State: string(state), After: after, N: n})
		if err != nil {
			return err
		}
		out = make([]Invitation, len(rows))
		for i, r := range rows {
			if out[i], err = fromRow(invitationsql.GetInvitationRow(r)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return page.List[Invitation]{}, fmt.Errorf("list invitations: %w", err)
	}
	return page.Cut(out, n, func(i Invitation) string { return string(i.ID) }), nil
}

// Resend makes a new link for a pending invitation, voids the old one and mails it.
func (s *Service) Resend(ctx context.Context, actor authz.Actor, inv id.Invitation) (Invitation, error) {
	was, err := s.mine(ctx, actor, inv)
	if err != nil {
		return Invitation{}, err
	}
	resent := func(i Invitation) event.InvitationResent {
		return event.NewInvitationResent(event.By(actor, event.TenantAdmin), i.target(), event.InvitationScopeOrg, event.Email(i.Email), i.Resends).WithExpiresAt(i.ExpiresAt)
	}
	if err := authz.Check(actor, authz.MemberInvite, object(actor.Org)); err != nil {
		return Invitation{}, s.refused(ctx, actor, err, resent(was).Denied(event.InvitationResentNotPermitted))
	}
	now := s.d.Now()
	notPending := func(i Invitation) error {
		return s.refused(ctx, actor, notOpen(i, now), resent(i).Denied(event.InvitationResentNotPending))
	}
	switch wait := was.SentAt.Add(resendPause).Sub(now); {
	case was.State != Pending || was.over(now):
		return Invitation{}, notPending(was)
	case !mayGive(actor.Role, was.Role):
		return Invitation{}, s.refused(ctx, actor, fault.New(fault.Denied, "the role %s is above yours: ask one who has it", was.Role).WithCode("ROLE_ABOVE_ACTOR"),
			resent(was).Denied(event.InvitationResentNotPermitted))
	case wait > 0 || was.Resends >= maxResends:
		f := fault.New(fault.Exhausted, "this invitation was sent a moment ago: wait before you send it again").WithRetry(wait)
		if was.Resends >= maxResends {
			f = fault.New(fault.Exhausted, "this invitation was sent %d times: revoke it and make a new one", was.Resends+1)
		}
		return Invitation{}, s.refused(ctx, actor, f, resent(was).Denied(event.InvitationResentRateLimited))
	}
	is := was
	is.Resends, is.SentAt = was.Resends+1, now.UTC().Truncate(time.Microsecond)
	is.ExpiresAt = is.SentAt.Add(Life)
	token := linkToken.New()
	queue, err := s.letter(ctx, is, token)
	if err != nil {
		return Invitation{}, err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := invitationsql.New(tx)
		n, err := q.Renew(ctx, invitationsql.RenewParams{Now: db.Micros(is.SentAt), ExpiresAt: db.Micros(is.ExpiresAt), OrgID: string(is.org), ID: string(is.ID), Old: int64(was.Resends)})
		if err != nil {
			return fmt.Errorf("renew an invitation: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "somebody changed this invitation meanwhile: look again")
		}
		if _, err := q.VoidTokens(ctx, invitationsql.VoidTokensParams{Now: s.now(), OrgID: string(is.org), InvitationID: string(is.ID)}); err != nil {
			return fmt.Errorf("void old links: %w", err)
		}
		if err := s.mail(ctx, tx, is, token, queue); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, resent(is))
		return err
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("send an invitation again: %w", err)
	}
	return is, nil
}

// mine reads an invitation of the actor's active organization.
func (s *Service) mine(ctx context.Context, actor authz.Actor, inv id.Invitation) (Invitation, error) {
	if actor.Org == "" {
		return Invitation{}, noOrg(actor)
	}
	return s.read(ctx, actor.Org, inv)
}

func notOpen(i Invitation, now time.Time) *fault.Error {
	how := map[State]string{Accepted: "was accepted", Revoked: "was revoked", Expired: "has expired", Pending: "has expired"}[i.State]
	return fault.New(fault.Conflict, "this invitation %s: make a new one", how).WithCode("INVITATION_NOT_PENDING")
}

// Revoke withdraws a pending invitation; its link is void at once.
func (s *Service) Revoke(ctx context.Context, actor authz.Actor, inv id.Invitation) error {
	i, err := s.mine(ctx, actor, inv)
	if err != nil {
		return err
	}
	ev := s.revokedEvent(event.By(actor, event.TenantAdmin), i)
	if err := authz.Check(actor, authz.MemberInvite, object(actor.Org)); err != nil {
		return s.refused(ctx, actor, err, ev.Denied(event.InvitationRevokedNotPermitted))
	}
	if !mayGive(actor.Role, i.Role) {
		return s.refused(ctx, actor, fault.New(fault.Denied, "the role %s is above yours: ask one who has it", i.Role).WithCode("ROLE_ABOVE_ACTOR"),
			ev.Denied(event.InvitationRevokedNotPermitted))
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		done, err := s.revoke(ctx, tx, event.By(actor, event.TenantAdmin), i, event.InvitationRevokedRevokedByAdmin)
		if err == nil && !done {
			return notOpen(i, s.d.Now())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke an invitation: %w", err)
	}
	return nil
}

func (s *Service) revokedEvent(act event.Act, i Invitation) event.InvitationRevoked {
	return event.NewInvitationRevoked(act, i.target(), event.InvitationScopeOrg, event.Email(i.Email), s.d.Now().Sub(i.CreatedAt))
}

// revoke is false when the invitation is not pending any more.
func (s *Service) revoke(ctx context.Context, tx *db.Tx, act event.Act, i Invitation, why event.InvitationRevokedReason) (bool, error) {
	n, err := invitationsql.New(tx).Settle(ctx, invitationsql.SettleParams{State: string(Revoked), Now: s.now(), OrgID: string(i.org), ID: string(i.ID)})
	if err != nil {
		return false, fmt.Errorf("revoke an invitation: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	_, err = s.d.Ledger.Record(ctx, tx, s.revokedEvent(act, i).Because(why))
	return true, err
}

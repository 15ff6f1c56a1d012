package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/platform/platformsql"
	"github.com/vaultpam/vaultpam/internal/rounds"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// The bounds of an invitation.
const (
	inviteLife  = 7 * 24 * time.Hour
	flowLife    = time.Hour
	resendPause = time.Minute
	maxResends  = 10
)

// State is how far an invitation has come.
type State string

// The states.
const (
	Pending  State = "pending"
	Accepted State = "accepted"
	Declined State = "declined"
	Revoked  State = "revoked"
	Expired  State = "expired"
)

// Invitation asks somebody to operate the platform.
type Invitation struct {
	ID        id.Invitation
	Email     string
	Role      authz.PlatformRole
	State     State
	InvitedBy identity.Profile // id, handle and name
	CreatedAt time.Time
	SentAt    time.Time // of the newest message
	ExpiresAt time.Time
	Resends   int
	EndedAt   time.Time // zero while pending
}

func (i Invitation) target() event.InvitationRef {
	return event.InvitationTarget(i.ID, "platform invitation")
}

func (i Invitation) inviter() string {
	if i.InvitedBy.Name != "" {
		return i.InvitedBy.Name
	}
	return i.InvitedBy.Handle
}

func invitation(r platformsql.PlatformInvitation) Invitation {
	i := Invitation{ID: id.Invitation(r.ID), Email: r.Email, Role: authz.PlatformRole(r.Role), State: State(r.State),
		InvitedBy: identity.Profile{ID: id.User(r.InvitedBy)}, CreatedAt: db.Time(r.CreatedAt), SentAt: db.Time(r.SentAt), ExpiresAt: db.Time(r.ExpiresAt), Resends: int(r.Resends)}
	if r.EndedAt != 0 {
		i.EndedAt = db.Time(r.EndedAt)
	}
	return i
}

// InviteArgs says who is to operate the platform.
type InviteArgs struct {
	Email string
	Role  authz.PlatformRole
}

// errInvite is a rule that refuses an invitation.
type errInvite struct {
	said *fault.Error
	why  event.PlatformUserInviteRejectedReason
}

func (e errInvite) Error() string { return e.said.Error() }
func (e errInvite) Unwrap() error { return e.said }

// Invite sends an invitation to operate the platform. It wants a second factor that
// was proved just now.
func (s *Service) Invite(ctx context.Context, actor authz.Actor, a InviteArgs) (Invitation, error) {
	email, err := identity.ParseEmail(a.Email)
	if err != nil {
		return Invitation{}, err
	}
	if !a.Role.Valid() {
		return Invitation{}, noRole(string(a.Role))
	}
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	rejected := func(err error, why event.PlatformUserInviteRejectedReason) error {
		return s.refused(ctx, actor, err, event.NewPlatformUserInviteRejected(act, event.InvitationTarget("", "platform invitation"), why,
			event.InviteRejectionRule, event.Email(email), string(a.Role)))
	}
	if err := s.permit(actor, authz.PlatformInvite); err != nil {
		return Invitation{}, rejected(err, event.PlatformUserInviteRejectedNotPermitted)
	}
	if !s.domainAllowed(email) {
		return Invitation{}, rejected(fault.New(fault.Denied, "operators of this installation have addresses of %s", strings.Join(s.d.Domains, ", ")).
			WithCode("DOMAIN_NOT_ALLOWED").WithField("email", "is of another domain"), event.PlatformUserInviteRejectedDomainNotAllowed)
	}
	now := s.d.Now()
	inv := Invitation{ID: id.New[id.Invitation](), Email: email, Role: a.Role, State: Pending, InvitedBy: identity.Profile{ID: actor.User, Handle: actor.Name},
		CreatedAt: db.Time(db.Micros(now)), SentAt: db.Time(db.Micros(now)), ExpiresAt: db.Time(db.Micros(now.Add(inviteLife)))}
	token, letter, err := s.letter(ctx, inv)
	if err != nil {
		return Invitation{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.store(ctx, tx, inv, token); err != nil {
			return err
		}
		if err := s.d.Mail.Queue(ctx, tx, letter); err != nil {
			return err
		}
		_, err := s.d.Ledger.Record(ctx, tx, event.NewPlatformUserInvited(act, inv.target(), event.Email(email), string(a.Role), inv.ExpiresAt))
		return err
	})
	var rule errInvite
	if errors.As(err, &rule) {
		return Invitation{}, rejected(rule.said, rule.why)
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("invite an operator: %w", err)
	}
	return inv, nil
}

// store writes a new invitation, or gives the rule that forbids it as an errInvite.
func (s *Service) store(ctx context.Context, tx *db.Tx, inv Invitation, token secret.Secret) error {
	q := platformsql.New(tx)
	open := errInvite{fault.New(fault.Conflict, "%s has an invitation that is still open: send it again, or revoke it first", inv.Email).WithCode("OPEN_INVITATION"), event.PlatformUserInviteRejectedOpenInvitation}
	if op, err := q.OperatorByEmail(ctx, inv.Email); err == nil {
		return errInvite{fault.New(fault.Conflict, "%s is an operator already, as %s", inv.Email, op.Role).WithCode("ALREADY_OPERATOR"), event.PlatformUserInviteRejectedAlreadyOperator}
	} else if !db.NotFound(err) {
		return fmt.Errorf("look for an operator: %w", err)
	}
	if old, err := q.PendingInvitation(ctx, inv.Email); err == nil {
		if old.ExpiresAt > s.now() {
			return open
		}
		if err := s.expire(ctx, tx, old); err != nil { // the clock comes by every few seconds only
			return err
		}
	} else if !db.NotFound(err) {
		return fmt.Errorf("look for an open invitation: %w", err)
	}
	err := q.InsertInvitation(ctx, platformsql.InsertInvitationParams{ID: string(inv.ID), Email: inv.Email, Role: string(inv.Role),
		InvitedBy: string(inv.InvitedBy.ID), Now: db.Micros(inv.CreatedAt), ExpiresAt: db.Micros(inv.ExpiresAt)})
	if db.Unique(err) { // somebody else was faster
		return open
	}
	if err == nil {
		err = q.InsertInvitationToken(ctx, platformsql.InsertInvitationTokenParams{TokenHash: linkToken.Hash(token.RevealString()), InvitationID: string(inv.ID), Now: db.Micros(inv.CreatedAt)})
	}
	if err != nil {
		return fmt.Errorf("store an invitation: %w", err)
	}
	return nil
}

func (s *Service) domainAllowed(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return len(s.d.Domains) == 0 || slices.ContainsFunc(s.d.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// letter makes a new link for an invitation and the message that carries it.
func (s *Service) letter(ctx context.Context, inv Invitation) (secret.Secret, notify.Prepared, error) {
	token := linkToken.New()
	p, err := s.d.Mail.Prepare(ctx, "", notify.Message{To: notify.Recipient{Email: inv.Email}, Expires: inv.ExpiresAt,
		Data: notify.PlatformInvitation{Inviter: inv.inviter(), Role: string(inv.Role), Link: token, ExpiresAt: inv.ExpiresAt}})
	return token, p, err
}

// ListArgs filters invitations.
type ListArgs struct {
	State State // empty: all
	page.Request
}

// Invitations lists invitations, the newest first. Each first page is recorded.
func (s *Service) Invitations(ctx context.Context, actor authz.Actor, a ListArgs) (page.List[Invitation], error) {
	if a.State != "" && !slices.Contains([]State{Pending, Accepted, Declined, Revoked, Expired}, a.State) {
		return page.List[Invitation]{}, fault.New(fault.Invalid, "%.20q is no state of an invitation", string(a.State)).WithField("state", "one of pending, accepted, declined, revoked, expired")
	}
	actor = onPlatform(actor)
	filters := []string{}
	if a.State != "" {
		filters = append(filters, "state="+string(a.State))
	}
	listed := func(rows int) event.PlatformInvitationsListed {
		return event.NewPlatformInvitationsListed(event.By(actor, event.PlatformAdmin), event.InvitationTarget("", "platform invitations"), readVia(actor), filters, rows)
	}
	if err := authz.Check(actor, authz.PlatformUserList, object); err != nil {
		return page.List[Invitation]{}, s.refused(ctx, actor, err, listed(0).Denied(event.PlatformInvitationsListedNotPermitted))
	}
	n, before, err := a.Resolve()
	if err != nil {
		return page.List[Invitation]{}, err
	}
	var out []Invitation
	read := func(ctx context.Context, tx *db.Tx) error {
		rows, err := platformsql.New(tx).ListInvitations(ctx, platformsql.ListInvitationsParams{State: string(a.State), Before: before, N: n})
		out = make([]Invitation, len(rows))
		for i, r := range rows {
			out[i] = named(r.PlatformInvitation, r.InviterHandle, r.InviterName)
		}
		return err
	}
	if a.Cursor == "" {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := read(ctx, tx); err != nil {
				return err
			}
			_, err := s.d.Ledger.Record(ctx, tx, listed(min(len(out), int(n)-1)))
			return err
		})
	} else {
		err = s.d.DB.ReadPlatform(ctx, read)
	}
	if err != nil {
		return page.List[Invitation]{}, fmt.Errorf("list invitations: %w", err)
	}
	return page.Cut(out, n, func(i Invitation) string { return string(i.ID) }), nil
}

func named(r platformsql.PlatformInvitation, handle, name string) Invitation {
	i := invitation(r)
	i.InvitedBy.Handle, i.InvitedBy.Name = handle, name
	return i
}

func (s *Service) get(ctx context.Context, inv id.Invitation) (out Invitation, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := platformsql.New(tx).GetInvitation(ctx, string(inv))
		out = named(r.PlatformInvitation, r.InviterHandle, r.InviterName)
		return err
	})
	if db.NotFound(err) {
		return out, fault.New(fault.NotFound, "no such invitation")
	}
	if err != nil {
		return out, fmt.Errorf("read an invitation: %w", err)
	}
	return out, nil
}

// over tells whether an invitation can neither be accepted nor changed any more.
func (i Invitation) over(now time.Time) bool { return i.State != Pending || !now.Before(i.ExpiresAt) }

func notPending() *fault.Error {
	return fault.New(fault.Conflict, "this invitation is not open any more: look again").WithCode("NOT_PENDING")
}

var errTooSoon = fault.New(fault.Exhausted, "this invitation was sent a moment ago, or too often: wait, or invite anew").WithRetry(resendPause)

// Resend mails a new link and voids the one before. The invitation is good for
// another seven days.
func (s *Service) Resend(ctx context.Context, actor authz.Actor, want id.Invitation) (Invitation, error) {
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	permitted := s.permit(actor, authz.PlatformInvite)
	inv, err := s.get(ctx, want)
	resent := func(n int) event.InvitationResent {
		return event.NewInvitationResent(act, inv.target(), event.InvitationScopePlatform, event.Email(inv.Email), n)
	}
	switch {
	case permitted != nil && err != nil: // what is not there is not told to who may not ask
		inv = Invitation{ID: want}
		return Invitation{}, s.refused(ctx, actor, permitted, resent(0).Denied(event.InvitationResentNotPermitted))
	case permitted != nil:
		return Invitation{}, s.refused(ctx, actor, permitted, resent(inv.Resends).Denied(event.InvitationResentNotPermitted))
	case err != nil:
		return Invitation{}, err
	case inv.over(s.d.Now()):
		return Invitation{}, s.refused(ctx, actor, notPending(), resent(inv.Resends).Denied(event.InvitationResentNotPending))
	}
	now := s.d.Now()
	inv.SentAt, inv.ExpiresAt = db.Time(db.Micros(now)), db.Time(db.Micros(now.Add(inviteLife)))
	token, letter, err := s.letter(ctx, inv)
	if err != nil {
		return Invitation{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := platformsql.New(tx)
		n, err := q.ResendInvitation(ctx, platformsql.ResendInvitationParams{ID: string(inv.ID), Now: db.Micros(now), ExpiresAt: db.Micros(inv.ExpiresAt),
			SentBefore: db.Micros(now.Add(-resendPause)), Most: maxResends})
		if db.NotFound(err) {
			return errTooSoon
		}
		if err != nil {
			return err
		}
		inv.Resends = int(n)
		if err := q.SupersedeTokens(ctx, platformsql.SupersedeTokensParams{Now: db.Micros(now), InvitationID: string(inv.ID)}); err != nil {
			return err
		}
		if err := q.InsertInvitationToken(ctx, platformsql.InsertInvitationTokenParams{TokenHash: linkToken.Hash(token.RevealString()), InvitationID: string(inv.ID), Now: db.Micros(now)}); err != nil {
			return err
		}
		if err := s.d.Mail.Queue(ctx, tx, letter); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, resent(inv.Resends).WithExpiresAt(inv.ExpiresAt))
		return err
	})
	if errors.Is(err, errTooSoon) {
		return Invitation{}, s.refused(ctx, actor, err, resent(inv.Resends).Denied(event.InvitationResentRateLimited))
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("send an invitation again: %w", err)
	}
	return inv, nil
}

// Revoke withdraws an invitation.
func (s *Service) Revoke(ctx context.Context, actor authz.Actor, want id.Invitation) error {
	actor = onPlatform(actor)
	act := event.By(actor, event.PlatformAdmin)
	permitted := authz.Check(actor, authz.PlatformInviteRevoke, object)
	inv, err := s.get(ctx, want)
	if permitted != nil {
		if err != nil {
			inv = Invitation{ID: want}
		}
		return s.refused(ctx, actor, permitted, event.NewInvitationRevoked(act, inv.target(), event.InvitationScopePlatform, event.Email(inv.Email), 0).Denied(event.InvitationRevokedNotPermitted))
	}
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.revoke(ctx, tx, act, inv, event.InvitationRevokedRevokedByAdmin)
	})
	if err != nil {
		return fmt.Errorf("revoke an invitation: %w", err)
	}
	return nil
}

func (s *Service) revoke(ctx context.Context, tx *db.Tx, act event.Act, inv Invitation, why event.InvitationRevokedReason) error {
	n, err := platformsql.New(tx).EndInvitation(ctx, platformsql.EndInvitationParams{State: string(Revoked), Now: s.now(), ID: string(inv.ID)})
	if err != nil {
		return err
	}
	if n == 0 {
		return notPending()
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewInvitationRevoked(act, inv.target(), event.InvitationScopePlatform, event.Email(inv.Email), s.d.Now().Sub(inv.CreatedAt)).Because(why))
	return err
}

// revokeOf withdraws what somebody has sent who may not invite any more.
func (s *Service) revokeOf(ctx context.Context, tx *db.Tx, request id.Request, inviter id.User) error {
	rows, err := platformsql.New(tx).InvitationsOf(ctx, string(inviter))
	if err != nil {
		return fmt.Errorf("list the invitations of %s: %w", inviter, err)
	}
	for _, r := range rows {
		if err := s.revoke(ctx, tx, systemAct(request), invitation(r), event.InvitationRevokedInviterRemoved); err != nil {
			return fmt.Errorf("revoke invitation %s: %w", r.ID, err)
		}
	}
	return nil
}

// expire ends an invitation whose time is over.
func (s *Service) expire(ctx context.Context, tx *db.Tx, r platformsql.PlatformInvitation) error {
	n, err := platformsql.New(tx).ExpireInvitation(ctx, platformsql.ExpireInvitationParams{Now: s.now(), ID: r.ID})
	if err != nil || n == 0 {
		return err
	}
	inv := invitation(r)
	_, err = s.d.Ledger.Record(ctx, tx, event.NewInvitationExpired(systemAct(""), inv.target(), event.InvitationScopePlatform, event.Email(inv.Email), inv.SentAt, inv.Resends))
	return err
}

// sweepEvery is how often Run looks for invitations whose time is over. Nobody can
// use them before it does: each use compares the clock.
const sweepEvery = 15 * time.Second

// Run ends invitations whose time is over, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "sweep of platform invitations failed", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	var due []platformsql.PlatformInvitation
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = platformsql.New(tx).DueInvitations(ctx, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("list expired invitations: %w", err)
	}
	return rounds.All(ctx, due, func(r platformsql.PlatformInvitation) error {
		if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.expire(ctx, tx, r) }); err != nil {
			return fmt.Errorf("expire an invitation: %w", err)
		}
		return nil
	})
}

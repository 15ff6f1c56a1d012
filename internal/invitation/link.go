package invitation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
	"github.com/vaultpam/vaultpam/internal/invitelink"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Landing is what a live link leads to.
type Landing struct {
	OrgName    string
	OrgSlug    string
	Inviter    string
	Email      string
	Role       authz.Role
	RequireMFA bool
	ExpiresAt  time.Time
	Known      bool // the address is that of somebody who has an account: they sign in with it
}

func landing(i Invitation, known bool) Landing {
	return Landing{OrgName: i.orgName, OrgSlug: i.orgSlug, Inviter: first(i.Inviter.Name, i.Inviter.Handle), Email: i.Email, Role: i.Role,
		RequireMFA: i.RequireMFA, ExpiresAt: i.ExpiresAt, Known: known}
}

// Flow is an acceptance that was begun. Token is shown once.
type Flow struct {
	Landing
	ID        id.Flow
	Token     secret.Secret
	ExpiresAt time.Time
}

// badLink is a token that no live invitation matches, and why.
type badLink struct {
	why event.InviteTokenInvalidOrExpiredReason
	inv *Invitation // when it was one's
}

func (b *badLink) Error() string { return "invitation link: " + b.why.String() }

func (b *badLink) said() *fault.Error { return invitelink.Said(b.why) }

// dead says why an invitation cannot be accepted any more; nil while it can.
func (i Invitation) dead(now time.Time) *badLink {
	if why, dead := invitelink.Dead(string(i.State), i.over(now)); dead {
		return &badLink{why, &i}
	}
	return nil
}

// Look tells what a link leads to. It changes nothing.
func (s *Service) Look(ctx context.Context, link secret.Secret, o identity.Origin) (Landing, error) {
	inv, known, err := s.open(ctx, link, o.OrNew())
	if err != nil {
		return Landing{}, err
	}
	return landing(inv, known), nil
}

// Start opens an acceptance flow for the holder of a live link.
func (s *Service) Start(ctx context.Context, link secret.Secret, o identity.Origin) (Flow, error) {
	o = o.OrNew()
	inv, known, err := s.open(ctx, link, o)
	if err != nil {
		return Flow{}, err
	}
	f := Flow{Landing: landing(inv, known), ID: id.New[id.Flow](), Token: flowToken.New(), ExpiresAt: s.d.Now().Add(flowLife).UTC().Truncate(time.Microsecond)}
	err = s.d.DB.InOrg(ctx, inv.org, func(ctx context.Context, tx *db.Tx) error {
		err := invitationsql.New(tx).InsertFlow(ctx, invitationsql.InsertFlowParams{OrgID: string(inv.org), ID: string(f.ID), InvitationID: string(inv.ID),
			TokenHash: flowToken.Hash(f.Token.RevealString()), Now: s.now(), ExpiresAt: db.Micros(f.ExpiresAt)})
		if err != nil {
			return fmt.Errorf("store a flow: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewInviteAcceptStarted(event.By(o.Stranger(inv.org), event.User), inv.target(), event.InvitationScopeOrg, f.ID))
		return err
	})
	if err != nil {
		return Flow{}, fmt.Errorf("begin to accept an invitation: %w", err)
	}
	return f, nil
}

// open finds the live invitation of a link, and whether its address is somebody's.
func (s *Service) open(ctx context.Context, link secret.Secret, o identity.Origin) (inv Invitation, known bool, err error) {
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return Invitation{}, false, err
	}
	if inv, err = s.byLink(ctx, link); err != nil {
		return Invitation{}, false, s.turnAway(ctx, o, err)
	}
	known, err = s.known(ctx, inv.Email)
	return inv, known, err
}

func (s *Service) known(ctx context.Context, email string) (bool, error) {
	_, err := s.d.People.ByHandle(ctx, email)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (s *Service) byLink(ctx context.Context, link secret.Secret) (Invitation, error) {
	hash, ok := linkToken.Parse(link)
	if !ok {
		return Invitation{}, &badLink{why: event.InviteTokenInvalidOrExpiredMalformed}
	}
	var inv Invitation
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		row, err := invitationsql.New(tx).ByToken(ctx, hash)
		if db.NotFound(err) {
			return &badLink{why: event.InviteTokenInvalidOrExpiredUnknown}
		}
		if err != nil {
			return fmt.Errorf("look up a link: %w", err)
		}
		if inv, err = s.get(ctx, tx, id.Org(row.OrgID), id.Invitation(row.InvitationID)); err != nil {
			return err
		}
		if dead := inv.dead(s.d.Now()); dead != nil {
			return dead
		}
		if row.VoidedAt != 0 {
			return &badLink{event.InviteTokenInvalidOrExpiredSuperseded, &inv}
		}
		return nil
	})
	return inv, err
}

// byFlow finds the live invitation of what a browser holds.
func (s *Service) byFlow(ctx context.Context, flow secret.Secret) (inv Invitation, f invitationsql.InvitationFlow, err error) {
	hash, ok := flowToken.Parse(flow)
	if !ok {
		return inv, f, &badLink{why: event.InviteTokenInvalidOrExpiredMalformed}
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if f, err = invitationsql.New(tx).FlowByToken(ctx, hash); err != nil {
			if db.NotFound(err) {
				return &badLink{why: event.InviteTokenInvalidOrExpiredUnknown}
			}
			return fmt.Errorf("look up a flow: %w", err)
		}
		if inv, err = s.get(ctx, tx, id.Org(f.OrgID), id.Invitation(f.InvitationID)); err != nil {
			return err
		}
		if dead := inv.dead(s.d.Now()); dead != nil {
			return dead
		}
		switch {
		case f.ExpiresAt <= s.now():
			return &badLink{event.InviteTokenInvalidOrExpiredExpired, &inv}
		case f.EndedAt != 0:
			return &badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &inv}
		}
		return nil
	})
	return inv, f, err
}

// turnAway records a link that is not good, counts a guess against its source, and
// gives what the person is told. Other errors pass.
func (s *Service) turnAway(ctx context.Context, o identity.Origin, cause error) error {
	var bad *badLink
	if !errors.As(cause, &bad) {
		return cause
	}
	var org id.Org
	target, scope := event.InvitationTarget("", ""), event.PresentedScopeUnknown
	about := o.Source.IP.String()
	if bad.inv != nil {
		org, target, scope = bad.inv.org, bad.inv.target(), event.PresentedScopeOrg
		about += " " + string(bad.inv.ID)
	} else if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, o) }); err != nil {
		return err
	}
	act := event.By(o.Stranger(org), event.User)
	key := ledger.FoldKey{Org: org, Constant: event.INVITE_TOKEN_INVALID_OR_EXPIRED, Source: about, Reason: bad.why.String()}
	err := s.d.Folder.Record(ctx, key, func(n int) event.Event {
		return event.NewInviteTokenInvalidOrExpired(act, target, bad.why, scope, n)
	})
	if err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return bad.said()
}

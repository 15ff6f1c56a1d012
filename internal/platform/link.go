package platform

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
	"github.com/vaultpam/vaultpam/internal/invitelink"
	"github.com/vaultpam/vaultpam/internal/platform/platformsql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// What the holders of a link, and of an acceptance that was begun, present.
var (
	linkToken = secret.TokenKind{Prefix: "vppi_", Use: "vaultpam-platform-invitation/v1"}
	flowToken = secret.TokenKind{Prefix: "vppf_", Use: "vaultpam-platform-invitation/v1"}
)

// Landing is what a live link leads to.
type Landing struct {
	Inviter   string
	Email     string
	Role      authz.PlatformRole
	ExpiresAt time.Time
	Known     bool // somebody with this address has an account: they sign in with it
}

// Flow is an acceptance that was begun. Token is shown once.
type Flow struct {
	Landing
	ID        id.Flow
	Token     secret.Secret
	ExpiresAt time.Time // of the flow
}

// badLink is a token that no live invitation matches, and why.
type badLink struct {
	why event.InviteTokenInvalidOrExpiredReason
	inv *Invitation // whose it was
}

func (b *badLink) Error() string { return "platform invitation link: " + b.why.String() }

func (b *badLink) said() *fault.Error { return invitelink.Said(b.why) }

// dead says why an invitation cannot be answered any more; nil while it can.
func (i Invitation) dead(now time.Time) *badLink {
	if why, dead := invitelink.Dead(string(i.State), i.over(now)); dead {
		return &badLink{why, &i}
	}
	return nil
}

// Look tells what a link leads to. It changes nothing: mail scanners look too.
func (s *Service) Look(ctx context.Context, link secret.Secret, o identity.Origin) (Landing, error) {
	_, l, err := s.open(ctx, link, o.OrNew())
	return l, err
}

// Start opens an acceptance flow for the holder of a live link.
func (s *Service) Start(ctx context.Context, link secret.Secret, o identity.Origin) (Flow, error) {
	o = o.OrNew()
	inv, l, err := s.open(ctx, link, o)
	if err != nil {
		return Flow{}, err
	}
	f := Flow{Landing: l, ID: id.New[id.Flow](), Token: flowToken.New(), ExpiresAt: s.d.Now().Add(flowLife).UTC().Truncate(time.Microsecond)}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		err := platformsql.New(tx).InsertFlow(ctx, platformsql.InsertFlowParams{ID: string(f.ID), InvitationID: string(inv.ID),
			TokenHash: flowToken.Hash(f.Token.RevealString()), Now: s.now(), ExpiresAt: db.Micros(f.ExpiresAt)})
		if err != nil {
			return fmt.Errorf("store a flow: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewInviteAcceptStarted(event.By(o.Stranger(""), event.User), inv.target(), event.InvitationScopePlatform, f.ID))
		return err
	})
	if err != nil {
		return Flow{}, fmt.Errorf("begin to accept an invitation: %w", err)
	}
	return f, nil
}

// open finds the live invitation of a link.
func (s *Service) open(ctx context.Context, link secret.Secret, o identity.Origin) (Invitation, Landing, error) {
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return Invitation{}, Landing{}, err
	}
	inv, err := s.byLink(ctx, link)
	if err != nil {
		return Invitation{}, Landing{}, s.turnLinkAway(ctx, o, err)
	}
	known, err := s.known(ctx, inv.Email)
	return inv, Landing{Inviter: inv.inviter(), Email: inv.Email, Role: inv.Role, ExpiresAt: inv.ExpiresAt, Known: known}, err
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
	var row platformsql.InvitationByTokenRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = platformsql.New(tx).InvitationByToken(ctx, hash)
		return err
	})
	if db.NotFound(err) {
		return Invitation{}, &badLink{why: event.InviteTokenInvalidOrExpiredUnknown}
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("look up a link: %w", err)
	}
	inv := named(row.PlatformInvitation, row.InviterHandle, row.InviterName)
	if dead := inv.dead(s.d.Now()); dead != nil {
		return Invitation{}, dead
	}
	if row.SupersededAt != 0 {
		return Invitation{}, &badLink{event.InviteTokenInvalidOrExpiredSuperseded, &inv}
	}
	return inv, nil
}

// byFlow finds the live invitation of what a browser holds.
func (s *Service) byFlow(ctx context.Context, flow secret.Secret) (Invitation, platformsql.PlatformInvitationFlow, error) {
	var f platformsql.PlatformInvitationFlow
	hash, ok := flowToken.Parse(flow)
	if !ok {
		return Invitation{}, f, &badLink{why: event.InviteTokenInvalidOrExpiredMalformed}
	}
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		f, err = platformsql.New(tx).FlowByToken(ctx, hash)
		return err
	})
	if db.NotFound(err) {
		return Invitation{}, f, &badLink{why: event.InviteTokenInvalidOrExpiredUnknown}
	}
	if err != nil {
		return Invitation{}, f, fmt.Errorf("look up a flow: %w", err)
	}
	inv, err := s.get(ctx, id.Invitation(f.InvitationID))
	if err != nil {
		return Invitation{}, f, err
	}
	if dead := inv.dead(s.d.Now()); dead != nil {
		return Invitation{}, f, dead
	}
	switch {
	case f.EndedAt != 0:
		return Invitation{}, f, &badLink{event.InviteTokenInvalidOrExpiredAlreadyUsed, &inv}
	case f.ExpiresAt <= s.now():
		return Invitation{}, f, &badLink{event.InviteTokenInvalidOrExpiredExpired, &inv}
	}
	return inv, f, nil
}

// turnLinkAway records a link that is not good, counts a guess against its source,
// and gives what the person is told. Other errors pass.
func (s *Service) turnLinkAway(ctx context.Context, o identity.Origin, cause error) error {
	var bad *badLink
	if !errors.As(cause, &bad) {
		return cause
	}
	target, scope, about := event.InvitationTarget("", ""), event.PresentedScopeUnknown, o.Source.IP.String()
	if bad.inv != nil {
		target, scope = bad.inv.target(), event.PresentedScopePlatform
		about += " " + string(bad.inv.ID)
	} else if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, o) }); err != nil {
		return err
	}
	act := event.By(o.Stranger(""), event.User)
	key := ledger.FoldKey{Constant: event.INVITE_TOKEN_INVALID_OR_EXPIRED, Source: about, Reason: bad.why.String()}
	err := s.d.Folder.Record(ctx, key, func(n int) event.Event {
		return event.NewInviteTokenInvalidOrExpired(act, target, bad.why, scope, n)
	})
	if err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return bad.said()
}

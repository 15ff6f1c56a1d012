package platform

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

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

// setupLife is how long a set-up link works.
const setupLife = 24 * time.Hour

// SetupLink makes the installation's first administrator possible.
type SetupLink struct {
	Token     secret.Secret // shown once
	ExpiresAt time.Time
}

func hashSetup(token string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-setup/v1\x00" + token))
	return sum[:]
}

// SetupLink makes a new one-time set-up link and voids those before it. needed is
// false, and there is no link, when the installation has an administrator.
func (s *Service) SetupLink(ctx context.Context) (link SetupLink, needed bool, err error) {
	now := s.d.Now()
	system := authz.SystemActor("")
	link = SetupLink{Token: secret.Token(32), ExpiresAt: now.Add(setupLife).UTC().Truncate(time.Microsecond)}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := platformsql.New(tx)
		needed = false
		if _, err := q.HoldGate(ctx, db.Micros(now)); err != nil {
			return err
		}
		admins, err := q.CountAdmins(ctx)
		if err != nil || admins > 0 {
			return err
		}
		needed = true
		voided, err := q.DropUnusedSetupLinks(ctx)
		if err != nil {
			return err
		}
		setup := id.New[id.Setup]()
		if err := q.InsertSetupLink(ctx, platformsql.InsertSetupLinkParams{
			ID: string(setup), TokenHash: hashSetup(link.Token.RevealString()), Now: db.Micros(now), ExpiresAt: db.Micros(link.ExpiresAt)}); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPlatformSetupLinkCreated(
			event.By(system, event.System), event.PlatformTarget(), setup, link.ExpiresAt, int(voided)))
		return err
	})
	if err != nil {
		return SetupLink{}, false, fmt.Errorf("make a set-up link: %w", err)
	}
	if !needed {
		return SetupLink{}, false, nil
	}
	return link, true, nil
}

// SetupArgs is what the set-up link asks for.
type SetupArgs struct {
	Token  secret.Secret
	Person identity.NewPerson // with a password
	From   identity.Origin
}

// A refused link, with the word of its event.
type linkRefused struct {
	why  event.PlatformSetupCompletedReason
	link id.Setup
}

func (linkRefused) Error() string { return "set-up link refused" }

// Setup burns the set-up link and makes the installation's first administrator,
// who then signs in and enrols a second factor.
func (s *Service) Setup(ctx context.Context, a SetupArgs) (identity.Profile, error) {
	if a.From.Request == "" {
		a.From.Request = id.New[id.Request]()
	}
	if err := s.d.People.Admit(ctx, a.From, a.Person.Email); err != nil {
		return identity.Profile{}, err
	}
	stranger := authz.Actor{Kind: authz.Nobody, Source: a.From.Source, Via: a.From.Via, Request: a.From.Request}
	act := event.By(stranger, event.User)
	// The link is looked at first: what a wrong one is told must not depend on the rest.
	if err := s.look(ctx, a.Token); err != nil {
		return identity.Profile{}, s.turnAway(ctx, a.From, act, err)
	}
	if a.Person.Password.Empty() {
		return identity.Profile{}, fault.New(fault.Invalid, "the first administrator needs a password").WithField("password", "must not be empty")
	}
	a.Person.Own = true
	draft, err := s.d.People.Draft(ctx, a.Person)
	if err != nil {
		return identity.Profile{}, err
	}
	var out identity.Profile
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.burn(ctx, tx, a.Token, act, draft)
		return err
	})
	if errors.As(err, new(linkRefused)) {
		return identity.Profile{}, s.turnAway(ctx, a.From, act, err)
	}
	if err != nil {
		return identity.Profile{}, fmt.Errorf("set up the installation: %w", err)
	}
	return out, nil
}

// look tells by a linkRefused when the link would not do.
func (s *Service) look(ctx context.Context, token secret.Secret) error {
	var row platformsql.SetupLink
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = platformsql.New(tx).SetupLinkByToken(ctx, hashSetup(token.RevealString()))
		return err
	})
	switch {
	case db.NotFound(err):
		return linkRefused{why: event.PlatformSetupCompletedTokenUnknown}
	case err != nil:
		return fmt.Errorf("look up a set-up link: %w", err)
	case row.UsedAt != 0:
		return linkRefused{event.PlatformSetupCompletedAlreadyUsed, id.Setup(row.ID)}
	case row.ExpiresAt <= s.now():
		return linkRefused{event.PlatformSetupCompletedTokenExpired, id.Setup(row.ID)}
	}
	return nil
}

func (s *Service) burn(ctx context.Context, tx *db.Tx, token secret.Secret, act event.Act, draft identity.Draft) (identity.Profile, error) {
	q := platformsql.New(tx)
	fail := func(err error) (identity.Profile, error) { return identity.Profile{}, err }
	if _, err := q.HoldGate(ctx, s.now()); err != nil {
		return fail(fmt.Errorf("hold the platform: %w", err))
	}
	row, err := q.SetupLinkByToken(ctx, hashSetup(token.RevealString()))
	if db.NotFound(err) { // a server has started meanwhile, and voided it
		return fail(linkRefused{why: event.PlatformSetupCompletedTokenUnknown})
	}
	if err != nil {
		return fail(fmt.Errorf("look up a set-up link: %w", err))
	}
	used, err := q.UseSetupLink(ctx, platformsql.UseSetupLinkParams{Now: s.now(), ID: row.ID})
	if err != nil {
		return fail(fmt.Errorf("burn a set-up link: %w", err))
	}
	admins, err := q.CountAdmins(ctx)
	if err != nil {
		return fail(fmt.Errorf("count administrators: %w", err))
	}
	if used == 0 || admins > 0 {
		return fail(linkRefused{event.PlatformSetupCompletedAlreadyUsed, id.Setup(row.ID)})
	}
	p, known, err := s.d.People.Introduce(ctx, tx, mfa.Scope{Act: act, Target: event.PlatformTarget()}, draft)
	if err != nil {
		return fail(err)
	}
	if known {
		return fail(fault.New(fault.Conflict, "somebody with this e-mail address is known already: use another one").WithCode("EMAIL_TAKEN").WithField("email", "is taken"))
	}
	if err := q.InsertOperator(ctx, platformsql.InsertOperatorParams{PersonID: string(p.ID), Role: string(authz.PlatformAdmin), Now: s.now()}); err != nil {
		return fail(fmt.Errorf("store the administrator: %w", err))
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewPlatformSetupCompleted(act, event.PlatformTarget()).WithSetupID(id.Setup(row.ID)).WithSubjectUserID(p.ID))
	return p, err
}

// turnAway counts and records a refused link, and gives the one answer to all of them.
func (s *Service) turnAway(ctx context.Context, o identity.Origin, act event.Act, err error) error {
	var refused linkRefused
	if !errors.As(err, &refused) {
		return err
	}
	ev := event.NewPlatformSetupCompleted(act, event.PlatformTarget())
	if refused.link != "" {
		ev = ev.WithSetupID(refused.link)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.d.People.CountFailure(ctx, tx, o); err != nil {
			return err
		}
		_, err := s.d.Ledger.Record(ctx, tx, ev.Denied(refused.why))
		return err
	})
	if err != nil {
		return fmt.Errorf("record a refused set-up link: %w", err)
	}
	return fault.New(fault.Unauthenticated, "this set-up link does not work: it was used, is older than a day, or was replaced when the server started; the newest one is in the server's output")
}

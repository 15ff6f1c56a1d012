package identity

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

const (
	sweepEvery  = 15 * time.Second
	keepHistory = 30 * 24 * time.Hour // ended web sessions and expired certificates
)

// Run ends what time has ended, until ctx does: API tokens and web sessions, each
// with its event, and deletes what nobody asks for any more. Expiry itself does
// not wait for it: every use compares the clock.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.d.Log.ErrorContext(ctx, "sweep of sign-ins failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.wake:
			// Each one by itself, so that a flood of them holds up nothing else.
			if _, err := s.answerResets(ctx); err != nil && ctx.Err() == nil {
				s.d.Log.ErrorContext(ctx, "mail about passwords failed", "error", err)
			}
			continue
		}
	}
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for _, lapse := range []func(context.Context) (bool, error){s.answerResets, s.lapseTokens, s.lapseSessions, s.lapseOverstayed} {
		for more := true; more; {
			var err error
			if more, err = lapse(ctx); err != nil {
				return err
			}
		}
	}
	if err := s.tellRefusals(ctx); err != nil {
		return err
	}
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		old := db.Micros(s.d.Now().Add(-keepHistory))
		if err := q.DropOldRefreshes(ctx, old); err != nil {
			return err
		}
		if err := q.DropOldDeviceLogins(ctx, db.Micros(s.d.Now().Add(-24*time.Hour))); err != nil {
			return err
		}
		if err := q.DropOldResetRequests(ctx, db.Micros(s.d.Now().Add(-24*time.Hour))); err != nil {
			return err
		}
		if err := q.DropOldResets(ctx, db.Micros(s.d.Now().Add(-24*time.Hour))); err != nil {
			return err
		}
		if err := q.DropOldWebSessions(ctx, old); err != nil {
			return err
		}
		if err := q.DropOldCertificates(ctx, old); err != nil {
			return err
		}
		if err := q.DropOldSources(ctx, db.Micros(s.d.Now().Add(-time.Hour))); err != nil {
			return err
		}
		return s.d.MFA.Sweep(ctx, tx)
	})
}

// tellRefusals records refused sources whose count nobody has told since: the
// last ones of a flood.
func (s *Service) tellRefusals(ctx context.Context) error {
	var due []identitysql.UntoldSourcesRow
	now := s.now()
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = identitysql.New(tx).UntoldSources(ctx, now-time.Minute.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("list refused sources: %w", err)
	}
	for _, r := range due {
		err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := identitysql.New(tx).TellSourceRefusals(ctx, identitysql.TellSourceRefusalsParams{Now: now, Source: r.Source}); err != nil {
				return err
			}
			o := Origin{Source: authz.Source{IP: sourceIP(r.Source)}}.OrNew()
			_, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignInFailed(event.By(o.Stranger(""), event.User), event.PlatformTarget(),
				event.AuthSignInFailedRateLimited, event.SignInMethodPassword, o.door(), int(r.Refused)))
			return err
		})
		if err != nil {
			return fmt.Errorf("tell of a refused source: %w", err)
		}
	}
	return nil
}

// sourceIP is the address, or the first of the network, of a sourceKey.
func sourceIP(key string) netip.Addr {
	if p, err := netip.ParsePrefix(key); err == nil {
		return p.Addr()
	}
	ip, _ := netip.ParseAddr(key)
	return ip
}

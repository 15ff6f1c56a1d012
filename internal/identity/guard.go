package identity

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

// authFailed is the one answer to every sign-in that does not hold.
func authFailed() error {
	return fault.New(fault.Unauthenticated, "sign-in failed: check name, password and code; after too many wrong tries an account opens again by itself in a while")
}

// sourceKey is the unit that limits count: an IPv4 address, or an IPv6 /64,
// which is what one customer of a provider has.
func sourceKey(src authz.Source) string {
	ip := src.IP.Unmap().WithZone("")
	if !ip.IsValid() {
		return "unknown"
	}
	if ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}

// Admit refuses a source that has failed too often in its window (fault.Exhausted),
// before anything is said or computed about a person. claimed is who they say they
// are. Refusals are recorded once a minute, with a count.
func (s *Service) Admit(ctx context.Context, o Origin, claimed string) error {
	return s.admit(ctx, o, claimed, event.SignInMethodPassword)
}

func (s *Service) admit(ctx context.Context, o Origin, claimed string, method event.SignInMethod) error {
	key := sourceKey(o.Source)
	var row identitysql.SourceStateRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).SourceState(ctx, key)
		return err
	})
	if db.NotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the limit of a source: %w", err)
	}
	now := s.now()
	if row.EndsAt <= now || row.Failures < int64(s.d.Limits.SourceFailures) {
		return nil
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		r, err := q.CountSourceRefusal(ctx, key)
		if db.NotFound(err) {
			return nil // its window ended just now
		}
		if err != nil {
			return fmt.Errorf("count a refusal: %w", err)
		}
		if now-r.ToldAt < time.Minute.Microseconds() {
			return nil
		}
		if err := q.TellSourceRefusals(ctx, identitysql.TellSourceRefusalsParams{Now: now, Source: key}); err != nil {
			return fmt.Errorf("mark refusals as told: %w", err)
		}
		ev := event.NewAuthSignInFailed(event.By(o.Stranger(""), event.User), event.PlatformTarget(),
			event.AuthSignInFailedRateLimited, method, o.door(), int(r.Refused))
		if name := tellable(claimed, nil); name != "" {
			ev = ev.WithClaimedUser(name)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return err
	}
	wait := db.Time(row.EndsAt).Sub(db.Time(now)).Round(time.Second) + time.Second
	return fault.New(fault.Exhausted, "too many failed sign-ins from this address: try again in %s", wait).WithRetry(wait)
}

// CountFailure counts a wrong answer against its source. The one that reaches the
// limit is recorded.
func (s *Service) CountFailure(ctx context.Context, tx *db.Tx, o Origin) error {
	now := s.now()
	r, err := identitysql.New(tx).CountSourceFailure(ctx, identitysql.CountSourceFailureParams{
		Source: sourceKey(o.Source), EndsAt: now + s.d.Limits.SourceWindow.Microseconds(), Now: now,
	})
	if err != nil {
		return fmt.Errorf("count a failure: %w", err)
	}
	if r.Failures != int64(s.d.Limits.SourceFailures) {
		return nil
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthLocked(event.By(o.Stranger(""), event.User), event.PlatformTarget(),
		event.LockScopeSource, int(r.Failures), db.Time(r.EndsAt)))
	return err
}

// hold makes all attempts at one account wait for each other until the end of
// the transaction, and tells whether the account is locked.
func (s *Service) hold(ctx context.Context, tx *db.Tx, user id.User) (locked bool, err error) {
	g, err := identitysql.New(tx).HoldGuard(ctx, string(user))
	if err != nil {
		return false, fmt.Errorf("read the lock of %s: %w", user, err)
	}
	return g.LockedUntil > s.now(), nil
}

// strike counts a wrong answer against the account, after hold and only while it
// is not locked, and locks it at the limit. It returns the count.
func (s *Service) strike(ctx context.Context, tx *db.Tx, o Origin, user id.User, home Membership) (int, error) {
	q := identitysql.New(tx)
	n, err := q.CountFailure(ctx, string(user))
	if err != nil {
		return 0, fmt.Errorf("count a failure of %s: %w", user, err)
	}
	if int(n) < s.d.Limits.AccountFailures {
		return int(n), nil
	}
	until := s.d.Now().Add(s.d.Limits.AccountLock)
	if err := q.LockPerson(ctx, identitysql.LockPersonParams{LockedUntil: db.Micros(until), PersonID: string(user)}); err != nil {
		return 0, fmt.Errorf("lock %s: %w", user, err)
	}
	ev := event.NewAuthLocked(event.By(o.Stranger(home.Org), event.User), tenant(home.Org, home.Name), event.LockScopeUser, int(n), until)
	_, err = s.d.Ledger.Record(ctx, tx, ev.WithSubjectUserID(user))
	return int(n), err
}

// forgive forgets wrong answers after a complete sign-in.
func (s *Service) forgive(ctx context.Context, tx *db.Tx, user id.User) error {
	if _, err := identitysql.New(tx).ClearGuard(ctx, string(user)); err != nil {
		return fmt.Errorf("clear the failures of %s: %w", user, err)
	}
	return nil
}

// tellable is the name that somebody claimed, as far as an event may carry it. What
// is neither a known name nor an e-mail address may be a password that was typed
// into the wrong field.
func tellable(claimed string, who *account) string {
	l, err := ParseLogin(claimed)
	if err != nil || l.Email == "" && who == nil {
		return ""
	}
	return l.Email + l.Handle
}

// attempt is one try to sign in with a first factor.
type attempt struct {
	o           Origin
	method      event.SignInMethod
	claimed     string   // as typed
	who         *account // nil: nobody
	fingerprint string
}

// turnAway counts a failed first factor and records it. It is the whole of what a
// failure does to the store, for people who exist and for those who do not.
func (s *Service) turnAway(ctx context.Context, tx *db.Tx, a attempt, locked bool, why event.AuthSignInFailedReason) error {
	if err := s.CountFailure(ctx, tx, a.o); err != nil {
		return err
	}
	var home Membership
	count := 0
	if a.who != nil {
		st, err := s.standing(ctx, tx, a.who.ID)
		if err != nil {
			return err
		}
		home = st.home()
		if !locked {
			if count, err = s.strike(ctx, tx, a.o, a.who.ID, home); err != nil {
				return err
			}
		}
	}
	ev := event.NewAuthSignInFailed(event.By(a.o.Stranger(home.Org), event.User), tenant(home.Org, home.Name), why, a.method, a.o.door(), 1)
	if name := tellable(a.claimed, a.who); name != "" {
		ev = ev.WithClaimedUser(name)
	}
	if a.fingerprint != "" {
		ev = ev.WithKeyFingerprint(a.fingerprint)
	}
	if a.who != nil {
		ev = ev.WithSubjectUserID(a.who.ID)
		if count > 0 {
			ev = ev.WithFailedCount(count)
		}
	}
	_, err := s.d.Ledger.Record(ctx, tx, ev)
	return err
}

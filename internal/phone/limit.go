package phone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
)

// Limits are how many codes may be asked for in an hour.
type Limits struct {
	Number  int // to one number
	User    int // by or for one person
	Source  int // from one address (IPv6: one /64)
	Country int // to one country
	Org     int // in one organization
}

// DefaultLimits are those of a new installation.
var DefaultLimits = Limits{Number: 5, User: 5, Source: 20, Country: 500, Org: 200}

func (l Limits) orDefault() Limits {
	for _, p := range []struct {
		v         *int
		otherwise int
	}{{&l.Number, DefaultLimits.Number}, {&l.User, DefaultLimits.User}, {&l.Source, DefaultLimits.Source}, {&l.Country, DefaultLimits.Country}, {&l.Org, DefaultLimits.Org}} {
		if *p.v == 0 {
			*p.v = p.otherwise
		}
	}
	return l
}

// window is the time in which codes are counted. It begins with the first.
const window = time.Hour

// ask is one wish for a code, as far as it is known before anything is stored.
type ask struct {
	actor   authz.Actor
	user    id.User // whose number it is to be; empty: of nobody yet
	org     id.Org  // whose ledger tells of it
	purpose event.SMSPurpose
	number  Number
	index   string
}

// overLimit says which limit is reached.
type overLimit struct {
	reason event.PhoneVerificationCodeSendBlockedRateLimitReason
	limit  int
	wait   time.Duration
}

func (overLimit) Error() string { return "too many codes were asked for" }

// count counts a wish against every limit, or refuses it and counts nothing. The
// error is fault.Exhausted.
func (s *Service) count(ctx context.Context, a ask, dg digests) error {
	l := s.d.Limits
	meters := []struct { // always in this order, so that two wishes never wait for each other
		what, key string
		limit     int
		reason    event.PhoneVerificationCodeSendBlockedRateLimitReason
	}{
		{"number", a.index, l.Number, event.PhoneVerificationCodeSendBlockedRateLimitLimitNumber},
		{"user", string(a.user), l.User, event.PhoneVerificationCodeSendBlockedRateLimitLimitUser},
		{"source", sourceKey(a.actor.Source), l.Source, event.PhoneVerificationCodeSendBlockedRateLimitLimitSourceIP},
		{"country", a.number.country, l.Country, event.PhoneVerificationCodeSendBlockedRateLimitLimitCountry},
		{"organization", string(a.org), l.Org, event.PhoneVerificationCodeSendBlockedRateLimitLimitOrg},
	}
	now := s.d.Now()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		for _, m := range meters {
			if m.key == "" {
				continue
			}
			r, err := q.CountSend(ctx, phonesql.CountSendParams{What: m.what, Key: m.key, EndsAt: db.Micros(now.Add(window)), Now: db.Micros(now)})
			if err != nil {
				return fmt.Errorf("count a code: %w", err)
			}
			if r.Sent > int64(m.limit) {
				return overLimit{m.reason, m.limit, db.Time(r.EndsAt).Sub(now)}
			}
		}
		return nil
	})
	var over overLimit
	if !errors.As(err, &over) {
		return err
	}
	s.sends.WithLabelValues("rate_limited").Inc()
	if err := s.tellLimit(ctx, a, dg, over); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	wait := over.wait.Round(time.Second) + time.Second
	return fault.New(fault.Exhausted, "too many codes were asked for: try again in %s", wait).WithRetry(wait)
}

// tellLimit records a refusal; equal ones within a minute are one event.
func (s *Service) tellLimit(ctx context.Context, a ask, dg digests, over overLimit) error {
	var target event.TenantRef
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		target, err = s.target(ctx, tx, a.org)
		return err
	})
	if err != nil {
		return err
	}
	act, digest := a.act(), dg.of(a.number)
	key := ledger.FoldKey{Org: a.org, Constant: event.PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT,
		Source: sourceKey(a.actor.Source) + "/" + string(a.user) + "/" + a.index, Reason: fmt.Sprint(over.reason)}
	return s.d.Folder.Record(ctx, key, func(n int) event.Event {
		ev := event.NewPhoneVerificationCodeSendBlockedRateLimit(act, target, over.reason, digest, a.number.country, a.purpose, over.limit, window, n)
		if a.user != "" {
			ev = ev.WithSubjectUserID(a.user)
		}
		return ev
	})
}

// act is who sends: the person themselves, and the product when somebody else asks
// for them.
func (a ask) act() event.Act {
	if a.actor.Kind == authz.System || a.user != "" && a.actor.User != a.user {
		return systemAct(a.org, a.actor.Request)
	}
	return event.By(a.actor, event.User).InOrg(a.org)
}

// sourceKey is the unit that limits count: an IPv4 address, or an IPv6 /64, which
// is what one customer of a provider has.
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

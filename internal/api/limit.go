package api

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// Limits are requests per minute. Zero switches a limit off.
type Limits struct {
	SignInPerSource  int // calls to /auth/login and /auth/mfa, per address
	PerSource        int // all calls, per address
	PerUser          int // all calls, per signed-in person or token
	SensitivePerUser int // launches, tokens, secrets: per person or token
}

// DefaultLimits suit one office behind one address.
var DefaultLimits = Limits{SignInPerSource: 60, PerSource: 3000, PerUser: 1200, SensitivePerUser: 120}

// limits counts callers. Buckets that are full again are forgotten.
type limits struct {
	conf Limits
	now  func() time.Time
	mu   sync.Mutex
	by   map[string]*rate.Limiter
}

func newLimits(c Limits, now func() time.Time) *limits {
	return &limits{conf: c, now: now, by: map[string]*rate.Limiter{}}
}

const forgetAbove = 50_000 // callers remembered before the full buckets are swept

// take counts one call of key against perMinute, and writes the x-ratelimit headers.
func (l *limits) take(h http.Header, key string, perMinute int) error {
	if perMinute <= 0 {
		return nil
	}
	now := l.now()
	l.mu.Lock()
	b := l.by[key]
	if b == nil {
		if len(l.by) >= forgetAbove {
			for k, old := range l.by {
				if old.TokensAt(now) >= float64(old.Burst()) {
					delete(l.by, k)
				}
			}
		}
		b = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
		l.by[key] = b
	}
	l.mu.Unlock()
	ok := b.AllowN(now, 1)
	left := max(0, b.TokensAt(now))
	full := now.Add(time.Duration((float64(perMinute) - left) / float64(b.Limit()) * float64(time.Second)))
	h.Set("X-Ratelimit-Limit", fmt.Sprint(perMinute))
	h.Set("X-Ratelimit-Remaining", fmt.Sprint(int(left)))
	h.Set("X-Ratelimit-Reset", fmt.Sprint(int64(math.Ceil(float64(full.UnixMilli())/1000))))
	if !ok {
		wait := time.Duration(float64(time.Second) / float64(b.Limit()))
		return fault.New(fault.Exhausted, "too many requests: at most %d a minute are answered here; wait and try again", perMinute).WithRetry(wait)
	}
	return nil
}

// source counts a call before anything is known of its sender but the address.
func (l *limits) source(h http.Header, r *http.Request, src authz.Source) error {
	if err := l.take(h, "ip "+src.IP.String(), l.conf.PerSource); err != nil {
		return err
	}
	if p := strings.TrimPrefix(r.URL.Path, Prefix); r.Method == http.MethodPost && limitedAsSignIn(p) {
		return l.take(h, "sign-in "+src.IP.String(), l.conf.SignInPerSource)
	}
	return nil
}

// limitedAsSignIn names the calls of people who have proved nothing yet.
func limitedAsSignIn(path string) bool {
	switch path {
	case "/auth/login", "/auth/mfa", "/platform/setup", "/invitations/look", "/invitations/start", "/invitations/accept",
		"/signup", "/signup/start", "/signup/submit", "/signup/phone", "/signup/phone/confirm", "/tokens/leaked",
		"/auth/device", "/auth/refresh", "/auth/password-reset", "/auth/password-reset/complete":
		return true
	}
	return strings.HasPrefix(path, "/auth/sso/") || strings.HasPrefix(path, "/auth/passkey")
}

// actor counts a call of a proved sender.
func (l *limits) actor(h http.Header, a authz.Actor, sensitive bool) error {
	key := "user " + string(a.User) + " " + string(a.Token)
	if sensitive {
		return l.take(h, "sensitive "+key, l.conf.SensitivePerUser)
	}
	return l.take(h, key, l.conf.PerUser)
}

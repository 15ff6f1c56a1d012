package session

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// limits are what the clock holds one live session to. They begin as the policy
// that the grant was redeemed under and follow the safe's policy when it becomes
// narrower; they never become wider while the session lives.
type limits struct {
	expires time.Time
	idle    time.Duration
	policy  safe.Policy // as last read
	version int64       // of the safe, as last read
}

func limitsOf(t *Ticket) limits {
	return limits{expires: t.ExpiresAt, idle: t.Policy.IdleTimeout, policy: t.Policy, version: t.safeVersion}
}

// follow takes over a policy that was changed meanwhile. It tells whether the
// session now ends earlier.
func (m *limits) follow(started time.Time, p safe.Policy, version int64) (shortened bool) {
	m.policy, m.version = p, version
	m.idle = min(m.idle, p.IdleTimeout)
	if end := started.Add(p.SessionTTL); end.Before(m.expires) {
		m.expires, shortened = end, true
	}
	return shortened
}

// over is the limit that a session has reached at now; ReasonNone when there is none.
func (l *Live) over(now time.Time) Reason {
	if l.rec != nil && l.rec.Err() != nil {
		return ReasonRecordingFailed
	}
	l.mu.Lock()
	m := l.limits
	l.mu.Unlock()
	switch b := m.policy.StillBlocked(safe.Moment{At: now, Source: l.ticket.Actor.Source.IP}); {
	case !now.Before(m.expires):
		return ReasonTTL
	case m.idle > 0 && now.Sub(db.Time(l.touched.Load())) >= m.idle:
		return ReasonIdle
	case b == safe.OutsideValidHours:
		return ReasonValidHoursEnd
	case b != safe.NotBlocked:
		return ReasonAccessRevoked
	}
	return ReasonNone
}

package session

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// limits are what the clock holds one live session to. They begin as the settings
// that the grant was redeemed under and follow them when they become narrower;
// they never become wider while the session lives.
type limits struct {
	expires time.Time
	idle    time.Duration
	verdict policy.Verdict // as last asked
	seen    versions       // of what the verdict hangs on; zero: not known yet
	asked   time.Time      // when the store was last asked for the verdict
	decided time.Time      // when the verdict was last decided, with or without the store
}

// versions tell whether a verdict must be asked again.
type versions struct {
	safe, resource, set int64
	role, safeRole      string
}

func versionsOf(r sessionsql.OpenStandingsRow) versions {
	return versions{r.SafeVersion, r.ResourceVersion, r.SetVersion, r.Role, r.SafeRole}
}

func limitsOf(t *Ticket) limits {
	return limits{expires: t.ExpiresAt, idle: t.Policy.IdleTimeout, verdict: t.verdict}
}

// follow takes over settings that were changed meanwhile. It tells whether the
// session now ends earlier.
func (m *limits) follow(started time.Time, p safe.Policy) (shortened bool) {
	m.idle = min(m.idle, p.IdleTimeout)
	if end := started.Add(p.SessionTTL); end.Before(m.expires) {
		m.expires, shortened = end, true
	}
	return shortened
}

// unstableFor is how long a verdict holds that hangs on groups or approved requests,
// whose changes no version tells.
const unstableFor = time.Second

// stale tells whether the verdict must be asked of the store again.
func (m *limits) stale(now time.Time, v versions) bool {
	return m.seen != v || m.verdict.Set.Unstable(&m.verdict.Question, &m.verdict.Decision) && now.Sub(m.asked) >= unstableFor
}

// forbidden decides again at another moment, without the store: hours end, and a
// policy may name a moment. It is ReasonNone while the session may go on.
func (m *limits) forbidden(now time.Time) Reason {
	set := m.verdict.Set
	if set == nil || now.Truncate(time.Minute).Equal(m.decided.Truncate(time.Minute)) && !set.Timed() && len(m.verdict.Question.Moment.Grants) == 0 {
		return endOf(m.verdict.Decision)
	}
	m.verdict.Question.Moment.At, m.verdict.Question.Moment.MFAAge = now, 0
	m.verdict.Decision, m.decided = set.Decide(&m.verdict.Question), now
	return endOf(m.verdict.Decision)
}

// endOf is why a decision ends a session; ReasonNone when it does not.
func endOf(d policy.Decision) Reason {
	switch {
	case d.Outcome == policy.Allowed:
		return ReasonNone
	case d.Why == policy.OutsideHours:
		return ReasonValidHoursEnd
	case d.Why == policy.AccountDisabled:
		return ReasonAccountDisabled
	}
	return ReasonAccessRevoked
}

// over is the limit that a session has reached at now; ReasonNone when there is none.
func (l *Live) over(now time.Time) Reason {
	if l.rec != nil && l.rec.Err() != nil {
		return ReasonRecordingFailed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &l.limits
	switch {
	case !now.Before(m.expires):
		return ReasonTTL
	case m.idle > 0 && now.Sub(db.Time(l.touched.Load())) >= m.idle:
		return ReasonIdle
	}
	return m.forbidden(now)
}

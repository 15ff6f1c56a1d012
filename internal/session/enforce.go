package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// The clock's own times, by the wall and not by Deps.Now.
const (
	askTimeout  = 3 * time.Second  // for one question to the store
	blindFor    = 10 * time.Second // without an answer; then sessions end, before others think this server dead
	beatEvery   = 3 * time.Second
	deadAfter   = 20 * time.Second // without a beat; then another server closes what this one left
	gatewayTime = 10 * time.Second // for a gateway to Close after Ending; then it is closed for it
	settleTime  = 30 * time.Second // for recordings to be finished at a stop
	tidyEvery   = 5 * time.Second
)

// Run enforces until ctx ends: the limits of each live session, rights that were
// taken away, orders written by other servers, a recorder or ledger that fails.
// First it closes what servers that died left open. When ctx ends it takes no new
// sessions, lets live ones go on for the grace, ends the rest, and returns nil
// once all are settled. The ledger and the recordings must outlive it.
func (s *Service) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	if err := s.beat(work); err != nil {
		return fmt.Errorf("announce this server: %w", err)
	}
	if s.heir() {
		s.tidy(work)
		s.recoverRecordings(work)
	}
	var parts sync.WaitGroup
	parts.Go(func() { s.keepTidy(work) })
	s.clock(work, ctx.Done(), func() bool { return ctx.Err() != nil })

	s.stopping.Store(true)
	s.drain(work)
	cut()
	parts.Wait()
	return s.leave(context.WithoutCancel(ctx))
}

// Notify wakes the clock at once: something that lets people in was changed here.
// Without it the change is seen at the next tick.
func (s *Service) Notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// clock enforces, at each tick and whenever it is woken, until done is closed or
// enough is true.
func (s *Service) clock(ctx context.Context, done <-chan struct{}, enough func() bool) {
	tick := time.NewTicker(s.d.Tick)
	defer tick.Stop()
	for !enough() {
		select {
		case <-done:
			return
		case <-tick.C:
		case <-s.wake:
		}
		s.enforce(ctx)
		if err := s.beatIfDue(ctx); err != nil {
			s.d.Log.WarnContext(ctx, "this server could not say that it lives", "err", err)
		}
		s.feed.poll(ctx, s)
	}
}

// enforce looks once at every live session of this server. What needs no store
// comes first, so that a store that hangs holds up nothing else.
func (s *Service) enforce(ctx context.Context) {
	now, live := s.d.Now(), s.locals()
	byOrg := map[id.Org][]*Live{}
	for _, l := range live {
		if r := l.over(now); r != ReasonNone {
			l.askSystem(r)
		} else if s.d.Ledger.HealthyFor(l.facts.org) != nil {
			l.askSystem(ReasonAuditUnavailable)
		}
		byOrg[l.facts.org] = append(byOrg[l.facts.org], l)
	}
	var failed error
	for _, org := range slices.Sorted(maps.Keys(byOrg)) {
		if err := s.askStore(ctx, org, byOrg[org]); err != nil {
			failed = err
			break // the others would wait as long
		}
	}
	s.judgeBlindness(ctx, failed, live)
}

// judgeBlindness ends what is live when nobody can say any more whether it may be.
func (s *Service) judgeBlindness(ctx context.Context, failed error, live []*Live) {
	s.mu.Lock()
	switch {
	case failed == nil:
		s.blind = time.Time{}
	case s.blind.IsZero():
		s.blind = time.Now()
	}
	over := !s.blind.IsZero() && time.Since(s.blind) >= blindFor
	s.mu.Unlock()
	if failed != nil {
		s.d.Log.WarnContext(ctx, "rights of live sessions could not be checked", "err", failed)
	}
	if over {
		for _, l := range live {
			l.askSystem(ReasonAuditUnavailable)
		}
	}
}

// askStore asks whether the people of these sessions, all of one organization,
// still have what let them in.
func (s *Service) askStore(ctx context.Context, org id.Org, live []*Live) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	rows := map[id.Session]sessionsql.OpenStandingsRow{}
	changed := map[*Live]policy.Verdict{}
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		clear(rows)
		clear(changed)
		list, err := sessionsql.New(tx).OpenStandings(ctx, sessionsql.OpenStandingsParams{OrgID: string(org), ServerID: s.name})
		if err != nil {
			return err
		}
		for _, r := range list {
			rows[id.Session(r.ID)] = r
		}
		for _, l := range live {
			r, ok := rows[l.facts.session]
			if !ok || r.SafeRole == "" && !l.granted() || !l.stale(s.d.Now(), versionsOf(r)) {
				continue
			}
			v, err := s.d.Policies.Ask(ctx, tx, policy.Asker{Actor: l.ticket.Actor, At: s.d.Now(), Ticket: l.ticket.named, Live: true}, l.facts.safe)
			if err != nil {
				return fmt.Errorf("decide again about safe %s: %w", l.facts.safe, err)
			}
			changed[l] = v
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask for the standing of live sessions of %s: %w", org, err)
	}
	for _, l := range live {
		if c := s.judge(l, rows); c.By != "" {
			l.ask(c)
		} else if v, ok := changed[l]; ok {
			l.narrow(ctx, v, versionsOf(rows[l.facts.session]))
		}
	}
	return nil
}

func (l *Live) stale(now time.Time, v versions) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits.stale(now, v)
}

// granted tells whether an approved request lets the person in who is no member.
func (l *Live) granted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.limits.verdict.Question.Moment.Grants) > 0
}

// narrow applies a verdict that was asked anew while the session runs.
func (l *Live) narrow(ctx context.Context, v policy.Verdict, seen versions) {
	if v.Access.Resource != l.facts.resource || v.Access.Account != l.facts.account {
		l.askSystem(ReasonAccessRevoked) // the safe does not lead there any more
		return
	}
	l.mu.Lock()
	m := &l.limits
	m.verdict, m.seen, m.asked, m.decided = v, seen, v.Question.Moment.At, v.Question.Moment.At
	shortened := v.Decision.Outcome == policy.Allowed && m.follow(l.facts.started, v.Decision.Settings)
	l.mu.Unlock()
	if r := l.over(l.s.d.Now()); r != ReasonNone {
		l.askSystem(r)
		return
	}
	if !shortened {
		return
	}
	if err := l.Enforced(ctx, Enforcement{Control: ControlTTL, Reason: "ttl_shortened"}); err != nil {
		l.s.d.Log.WarnContext(ctx, "shortened session not recorded", "session_id", l.facts.session, "err", err)
	}
}

// judge is what the store says of one live session: the zero Cause when it may go on.
func (s *Service) judge(l *Live, rows map[id.Session]sessionsql.OpenStandingsRow) Cause {
	revoked := Cause{By: BySystem, Reason: ReasonAccessRevoked}
	r, ok := rows[l.facts.session]
	switch {
	case !ok: // another server closed it, thinking that this one is dead
		return Cause{By: BySystem, Reason: ReasonShutdown}
	case State(r.State) == Ended:
		return Cause{By: EndedBy(r.EndedBy), Reason: Reason(r.EndReason), Who: r.EndedByName, Comment: r.EndComment}
	case r.UserEndAt != 0:
		return Cause{By: ByUser}
	case r.AccountState != string(vault.Enabled):
		return Cause{By: BySystem, Reason: ReasonAccountDisabled}
	case r.SafeRole == "" && !l.granted():
		return revoked
	case r.SafeRole == "":
		r.SafeRole = string(authz.SafeUser) // by an approved request
	}
	a := l.ticket.Actor
	p := personStanding{
		personActive: r.PersonState == activeState, orgActive: r.OrgState == activeState, role: authz.Role(r.Role),
		token: a.Kind == authz.Token, tokenEnded: r.TokenEnded, tokenExpiry: r.TokenExpiry,
		void: max(r.PersonVoid, r.MemberVoid), signedOut: r.SignedOut,
	}
	if over, byUser := p.over(r.RequestedAt); byUser {
		return Cause{By: ByUser}
	} else if over {
		return revoked
	}
	a.Role, a.Scopes = p.role, strings.Fields(r.TokenScopes)
	if !p.stands(s.d.Now()) || !authz.May(a, authz.SessionLaunch, authz.Object{Org: a.Org, SafeRole: authz.SafeRole(r.SafeRole)}) {
		return revoked
	}
	return Cause{}
}

// drain lets live sessions go on for the grace, and then ends them.
func (s *Service) drain(ctx context.Context) {
	empty := func() bool { return s.LiveHere() == 0 }
	within(s.d.Grace, func(over <-chan struct{}) { s.clock(ctx, over, empty) })
	s.mu.Lock()
	s.cutting = true
	s.mu.Unlock()
	for _, l := range s.locals() {
		l.askSystem(ReasonShutdown)
	}
	within(gatewayTime, func(over <-chan struct{}) { s.clock(ctx, over, empty) })
	for _, l := range s.locals() {
		s.closeFor(ctx, l)
	}
	within(settleTime, func(over <-chan struct{}) { s.clock(ctx, over, empty) })
}

// within runs f and closes its channel when d is over.
func within(d time.Duration, f func(over <-chan struct{})) {
	over := make(chan struct{})
	t := time.AfterFunc(d, func() { close(over) })
	defer t.Stop()
	f(over)
}

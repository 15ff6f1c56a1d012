package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// feed tells subscribers which sessions changed. Changes of this server arrive at
// once; those of others are found by the clock, which looks at the last few seconds
// again each time, because a transaction can commit later than its own time says.
type feed struct {
	mu   sync.Mutex
	subs map[*Feed]struct{}
	seen map[id.Org]map[id.Session]sessionsql.ChangedSessionsRow // the change of each session that was told last
}

const feedLooksBack = 15 * time.Second

// Feed is the sessions that an actor may see, each time one of them changes. It
// keeps ids only and each once, so a slow reader misses intermediate states and
// never the last one.
type Feed struct {
	s       *Service
	actor   authz.Actor
	mu      sync.Mutex
	waiting []id.Session
	queued  map[id.Session]bool // what is in waiting
	more    chan struct{}
}

// Subscribe begins a Feed in the actor's organization. Close it.
func (s *Service) Subscribe(_ context.Context, actor authz.Actor) (*Feed, error) {
	if err := authz.Check(actor, authz.SessionList, authz.Object{Org: actor.Org}); err != nil {
		return nil, err
	}
	f := &Feed{s: s, actor: actor, queued: map[id.Session]bool{}, more: make(chan struct{}, 1)}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if s.feed.subs == nil {
		s.feed.subs = map[*Feed]struct{}{}
		s.feed.seen = map[id.Org]map[id.Session]sessionsql.ChangedSessionsRow{}
	}
	s.feed.subs[f] = struct{}{}
	return f, nil
}

// Close ends the feed.
func (f *Feed) Close() {
	fd := &f.s.feed
	fd.mu.Lock()
	defer fd.mu.Unlock()
	delete(fd.subs, f)
	if !fd.watched(f.actor.Org) {
		delete(fd.seen, f.actor.Org)
	}
}

// watched tells whether somebody subscribed to org; mu is held.
func (fd *feed) watched(org id.Org) bool {
	for f := range fd.subs {
		if f.actor.Org == org {
			return true
		}
	}
	return false
}

// Next waits for the next change and gives the session as it is now. What the
// actor may not see, or may no longer, is passed over; the actor is the one that
// subscribed, so end a feed when its sign-in ends.
func (f *Feed) Next(ctx context.Context) (Session, error) {
	for {
		sid, ok := f.take()
		if !ok {
			select {
			case <-ctx.Done():
				return Session{}, ctx.Err()
			case <-f.more:
			}
			continue
		}
		out, err := f.s.Get(ctx, f.actor, sid)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		return out, err
	}
}

func (f *Feed) take() (id.Session, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return "", false
	}
	sid := f.waiting[0]
	f.waiting = f.waiting[1:]
	delete(f.queued, sid)
	return sid, true
}

func (f *Feed) add(sid id.Session) {
	f.mu.Lock()
	if !f.queued[sid] {
		f.queued[sid] = true
		f.waiting = append(f.waiting, sid)
	}
	f.mu.Unlock()
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// changed tells subscribers of a change that was made here.
func (s *Service) changed(org id.Org, sid id.Session) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	for f := range s.feed.subs {
		if f.actor.Org == org {
			f.add(sid)
		}
	}
}

func (fd *feed) orgs() []id.Org {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	var out []id.Org
	for f := range fd.subs {
		if !slices.Contains(out, f.actor.Org) {
			out = append(out, f.actor.Org)
		}
	}
	return out
}

// poll finds what other servers changed in organizations that somebody watches.
func (fd *feed) poll(ctx context.Context, s *Service) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	since := db.Micros(s.d.Now().Add(-feedLooksBack))
	for _, org := range fd.orgs() {
		var rows []sessionsql.ChangedSessionsRow
		err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = sessionsql.New(tx).ChangedSessions(ctx, sessionsql.ChangedSessionsParams{OrgID: string(org), Since: since})
			return err
		})
		if err != nil {
			s.d.Log.WarnContext(ctx, "changed sessions could not be listed", "org_id", org, "err", err)
			return
		}
		fd.tell(org, rows, since)
	}
}

func (fd *feed) tell(org id.Org, rows []sessionsql.ChangedSessionsRow, since int64) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	seen := fd.seen[org]
	if seen == nil && fd.watched(org) {
		seen = map[id.Session]sessionsql.ChangedSessionsRow{}
		fd.seen[org] = seen
	}
	if seen == nil {
		return // the last subscriber left meanwhile
	}
	for sid, r := range seen {
		if r.ChangedAt < since {
			delete(seen, sid)
		}
	}
	for _, r := range rows {
		sid := id.Session(r.ID)
		if seen[sid] == r {
			continue
		}
		seen[sid] = r
		for f := range fd.subs {
			if f.actor.Org == org {
				f.add(sid)
			}
		}
	}
}

package session

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// Several servers can share one store. Each says every few seconds that it lives;
// the sessions of one that has not for deadAfter are closed by the others. A server
// that cannot reach the store ends its own sessions well before that (blindFor), so
// no session goes on that the others have closed.

// beat says that this server lives.
func (s *Service) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	now := s.d.Now()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return sessionsql.New(tx).Beat(ctx, sessionsql.BeatParams{
			ID: s.name, Hostname: s.d.Server.Hostname, Version: s.d.Server.Version,
			StartedAt: db.Micros(s.started), Now: db.Micros(now),
		})
	})
	if err == nil {
		s.beaten = time.Now()
	}
	return err
}

func (s *Service) beatIfDue(ctx context.Context) error {
	if time.Since(s.beaten) < beatEvery {
		return nil
	}
	return s.beat(ctx)
}

// leave takes this server off the list when nothing of it is left open.
func (s *Service) leave(ctx context.Context) error {
	s.settleAll(ctx)
	s.mu.Lock()
	open := len(s.unsettled) + len(s.live)
	s.mu.Unlock()
	if open > 0 {
		return fmt.Errorf("%d sessions have ended and could not be recorded: the next start of a server records them", open)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return sessionsql.New(tx).ForgetServer(ctx, s.name)
	})
	if err != nil {
		return fmt.Errorf("take this server off the list: %w", err)
	}
	return nil
}

// heir tells whether this server knows at its start what a dead one left.
func (s *Service) heir() bool { return s.d.Sole || s.d.Server.Home != "" }

// keepTidy is the janitor: everything that may take long and that no live session waits for.
func (s *Service) keepTidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	// Where others share the store, what a dead one left is known as such only now;
	// its recordings may lie in the folder that this server has taken over.
	recovered := s.heir()
	began := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.settleAll(ctx)
		s.closeStuck(ctx)
		s.tellFolds(ctx)
		closed := s.tidy(ctx)
		if closed > 0 || !recovered && time.Since(began) > deadAfter+tidyEvery {
			recovered = true
			s.recoverRecordings(ctx)
		}
		if n%12 == 0 {
			s.sweep(ctx)
		}
	}
}

// settleAll tries again what could not be told or finished.
func (s *Service) settleAll(ctx context.Context) {
	s.mu.Lock()
	list := make([]*settlement, 0, len(s.unsettled))
	for _, e := range s.unsettled {
		list = append(list, e)
	}
	s.mu.Unlock()
	for _, e := range list {
		if err := s.settle(ctx, e); err != nil {
			s.d.Log.ErrorContext(ctx, "end of a session not recorded yet", "session_id", e.live.facts.session, "err", err)
		}
	}
}

// closeStuck closes sessions whose gateway was asked to end them and did not.
func (s *Service) closeStuck(ctx context.Context) {
	for _, l := range s.locals() {
		l.mu.Lock()
		stuck := !l.endingAt.IsZero() && !l.closed && time.Since(l.endingAt) >= gatewayTime
		l.mu.Unlock()
		if stuck {
			s.d.Log.WarnContext(ctx, "gateway did not end a session in time", "session_id", l.facts.session)
			s.closeFor(ctx, l)
		}
	}
}

// closeFor closes a session in place of its gateway.
func (s *Service) closeFor(ctx context.Context, l *Live) {
	if err := l.Close(ctx, Closed{By: ClosedByFault}); err != nil {
		s.d.Log.ErrorContext(ctx, "end of a session not recorded yet", "session_id", l.facts.session, "err", err)
	}
}

// tellFolds records what controls did again since they were first told of.
func (s *Service) tellFolds(ctx context.Context) {
	now := s.d.Now()
	for _, l := range s.locals() {
		for _, f := range l.takeFolds(now) {
			ev, err := l.enforcedEvent(f.Enforcement, f.again)
			if err == nil {
				err = s.record(ctx, l.facts.org, ev)
			}
			if err != nil {
				l.unheard(err)
				s.d.Log.ErrorContext(ctx, "what a policy did is not recorded", "session_id", l.facts.session, "times", f.again, "err", err)
			}
		}
	}
}

// sweep deletes what has no more use.
func (s *Service) sweep(ctx context.Context) {
	now := s.d.Now()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := sessionsql.New(tx)
		if _, err := q.PurgeGrants(ctx, db.Micros(now.Add(-grantsKept))); err != nil {
			return fmt.Errorf("purge grants: %w", err)
		}
		if _, err := q.ForgetDeadServers(ctx, db.Micros(now.Add(-time.Hour))); err != nil {
			return fmt.Errorf("forget dead servers: %w", err)
		}
		return nil
	})
	if err != nil {
		s.d.Log.WarnContext(ctx, "sweep of grants and servers failed", "err", err)
	}
	if err := s.d.Policies.Forget(ctx); err != nil {
		s.d.Log.WarnContext(ctx, "old decisions of launches were not deleted", "err", err)
	}
}

// grantsKept is how long a grant that is over is kept, so that a replay is told from a wrong token.
const grantsKept = 24 * time.Hour

// left is a session that nobody runs any more.
type left struct {
	org     id.Org
	session id.Session
	beat    time.Time // when its server was last heard of; zero when that is not known
}

// tidy closes what dead servers left open, and tickets whose gateway never came back.
// It tells how many it closed.
func (s *Service) tidy(ctx context.Context) (closed int) {
	list, err := s.leftOpen(ctx)
	if err != nil {
		s.d.Log.WarnContext(ctx, "sessions of dead servers could not be listed", "err", err)
		return 0
	}
	for _, o := range list {
		if err := s.closeLeft(ctx, o); err != nil {
			s.d.Log.ErrorContext(ctx, "session of a dead server not closed yet", "session_id", o.session, "err", err)
			continue
		}
		closed++
	}
	return closed
}

// recoverRecordings finishes the recordings that a dead server left. It comes
// after tidy, so that a session's end is told before that of its recording.
func (s *Service) recoverRecordings(ctx context.Context) {
	if err := s.d.Recordings.RecoverOrphans(ctx); err != nil {
		s.d.Log.ErrorContext(ctx, "recordings of a server that died are not recovered yet", "err", err)
	}
}

func (s *Service) leftOpen(ctx context.Context) ([]left, error) {
	now := s.d.Now()
	var out []left
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = out[:0]
		q := sessionsql.New(tx)
		if s.d.Sole {
			rows, err := q.LeftOpenByOthers(ctx, s.name)
			if err != nil {
				return err
			}
			for _, r := range rows {
				out = append(out, left{id.Org(r.OrgID), id.Session(r.ID), beatTime(r.LastBeat)})
			}
		} else {
			rows, err := q.AbandonedSessions(ctx, sessionsql.AbandonedSessionsParams{
				Own: s.name, AliveSince: db.Micros(now.Add(-deadAfter)), Home: s.d.Server.Home,
				HomeFrom: s.d.Server.Home + "/", HomeTo: s.d.Server.Home + "0", // the byte after the slash
			})
			if err != nil {
				return err
			}
			for _, r := range rows {
				out = append(out, left{id.Org(r.OrgID), id.Session(r.ID), beatTime(r.LastBeat)})
			}
		}
		rows, err := q.StuckStarts(ctx, sessionsql.StuckStartsParams{Own: s.name, Before: db.Micros(now.Add(-startTime))})
		if err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, left{org: id.Org(r.OrgID), session: id.Session(r.ID)})
		}
		return nil
	})
	return out, err
}

func beatTime(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

// startTime is how long a ticket may take to become a live session.
const startTime = 2 * time.Minute

// closeLeft ends one session that nobody runs: as never established when it had
// not come up, else as ended by the product (shutdown), whose server is gone.
func (s *Service) closeLeft(ctx context.Context, o left) error {
	err := s.d.DB.InOrg(ctx, o.org, func(ctx context.Context, tx *db.Tx) error {
		q := sessionsql.New(tx)
		row, err := q.GetSession(ctx, sessionsql.GetSessionParams{OrgID: string(o.org), ID: string(o.session)})
		if err != nil {
			return err
		}
		now, f := s.d.Now(), factsOf(row)
		if o.beat.After(f.started) {
			now = o.beat // it lived no longer than its server
		}
		if State(row.State) == Starting {
			n, err := q.FailSession(ctx, sessionsql.FailSessionParams{OrgID: row.OrgID, ID: row.ID, Now: db.Micros(now), Reason: string(UpstreamUnreachable)})
			if err != nil || n != 1 {
				return err
			}
			_, err = s.d.Ledger.Record(ctx, tx, f.established(f.byUser(userOf(row)), true).Failed(failures[UpstreamUnreachable]))
			return err
		}
		n, err := q.EndSession(ctx, sessionsql.EndSessionParams{OrgID: row.OrgID, ID: row.ID, Now: db.Micros(now), EndedBy: string(BySystem), Reason: string(ReasonShutdown)})
		if err != nil {
			return err
		}
		if n == 1 {
			if _, err := s.d.Ledger.Record(ctx, tx, f.terminated(Cause{By: BySystem, Reason: ReasonShutdown}, userOf(row), now, 0, 0)); err != nil {
				return err
			}
		}
		n, err = q.ReleaseSession(ctx, sessionsql.ReleaseSessionParams{OrgID: row.OrgID, ID: row.ID, Now: db.Micros(now)})
		if err != nil || n != 1 || !row.Opened {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, f.gatewayClosed(userOf(row), now, Closed{By: ClosedByFault}))
		return err
	})
	if err != nil {
		return err
	}
	s.changed(o.org, o.session)
	return nil
}

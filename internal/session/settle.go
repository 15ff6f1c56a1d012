package session

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// settlement is what is left to do for a session that was cut: tell the ledger,
// then finish the recording. Each step is done once; what fails is tried again by
// the janitor until it works. A server that dies before that leaves an orphan, of
// which it is told as of any other.
type settlement struct {
	live   *Live
	cause  Cause
	closed Closed
	at     time.Time
	folds  []fold

	told     bool // the ledger knows
	shut     bool // the recorder is closed
	summary  recording.Summary
	shutErr  error
	finished bool
}

// settle does what is left. When it returns nil nothing is.
func (s *Service) settle(ctx context.Context, e *settlement) error {
	err := s.settleOnce(ctx, e)
	s.mu.Lock()
	delete(s.live, e.live.facts.session)
	if err != nil {
		s.unsettled[e.live.facts.session] = e
	} else {
		delete(s.unsettled, e.live.facts.session)
	}
	s.mu.Unlock()
	s.changed(e.live.facts.org, e.live.facts.session)
	if s.stopping.Load() {
		s.Notify() // who drains waits for the last one
	}
	return err
}

func (s *Service) settleOnce(ctx context.Context, e *settlement) error {
	f := e.live.facts
	if !e.told {
		if err := s.tell(ctx, e); err != nil {
			e.shutRecorder(ctx) // no more may be recorded, whatever the ledger says
			return fmt.Errorf("record the end of session %s: %w", f.session, err)
		}
		e.told = true
	}
	e.shutRecorder(ctx)
	if e.live.rec == nil || e.finished {
		return nil
	}
	if err := s.d.Recordings.Finish(ctx, e.live.rec, e.summary, e.shutErr); err != nil {
		return fmt.Errorf("finish the recording of session %s: %w", f.session, err)
	}
	e.finished = true
	return nil
}

func (e *settlement) shutRecorder(ctx context.Context) {
	if e.live.rec == nil || e.shut {
		return
	}
	e.summary, e.shutErr = e.live.rec.Close(ctx)
	e.shut = true
}

// tell records the end. The step from live to ended is one conditional statement:
// when an administrator or another server was first, the termination is theirs
// and only the gateway's totals are added.
func (s *Service) tell(ctx context.Context, e *settlement) error {
	l := e.live
	f, actor := l.facts, l.ticket.Actor
	l.mu.Lock()
	opened := l.opened
	l.mu.Unlock()
	return s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		for _, fold := range e.folds {
			if fold.again == 0 {
				continue
			}
			ev, err := l.enforcedEvent(fold.Enforcement, fold.again)
			if err != nil {
				return err
			}
			if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
				return err
			}
		}
		q := sessionsql.New(tx)
		n, err := q.EndSession(ctx, sessionsql.EndSessionParams{
			OrgID: string(f.org), ID: string(f.session), Now: db.Micros(e.at), EndedBy: string(e.cause.By), Reason: string(e.cause.Reason),
		})
		if err != nil {
			return err
		}
		if n == 1 {
			ev := f.terminated(e.cause, actor, e.at, e.closed.BytesToTarget, e.closed.BytesFromTarget)
			if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
				return err
			}
		}
		n, err = q.ReleaseSession(ctx, sessionsql.ReleaseSessionParams{
			OrgID: string(f.org), ID: string(f.session), Now: db.Micros(e.at), ExitStatus: exitStatus(e.closed.ExitStatus),
			Channels: int64(e.closed.Channels), BytesToTarget: e.closed.BytesToTarget, BytesFromTarget: e.closed.BytesFromTarget,
		})
		if err != nil || n != 1 || !opened {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, f.gatewayClosed(actor, e.at, e.closed))
		return err
	})
}

func exitStatus(n *int) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*n), Valid: true}
}

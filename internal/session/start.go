package session

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Lease gives the credential of the ticket's account for this session
// (SECRET_ACCESSED). Wipe it when the handshake is over.
func (s *Service) Lease(ctx context.Context, t *Ticket) (vault.Credential, error) {
	c, err := s.d.Vault.Lease(ctx, t.Actor, t.Account.ID, t.Session, t.SafeID)
	if err != nil {
		return vault.Credential{}, fmt.Errorf("lease the credential for session %s: %w", t.Session, err)
	}
	return c, nil
}

// Failed records that the target could not be reached or refused the sign-in
// (SESSION_ESTABLISHED, failure). The ticket is worth nothing afterwards. When the
// session is up or over already, it does nothing.
func (s *Service) Failed(ctx context.Context, t *Ticket, why Failure) error {
	reason, ok := failures[why]
	if !ok {
		return fault.New(fault.Invalid, "%q is not a way to fail", why)
	}
	f := t.facts()
	ev := f.established(f.byUser(t.Actor), t.Policy.Recording).Failed(reason)
	if err := s.neverLive(context.WithoutCancel(ctx), f, string(why), ev); err != nil {
		return fmt.Errorf("record that session %s failed: %w", f.session, err)
	}
	return nil
}

// neverLive ends a session that has not come up, with the event that tells why.
func (s *Service) neverLive(ctx context.Context, f facts, reason string, ev event.Event) error {
	err := s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		n, err := sessionsql.New(tx).FailSession(ctx, sessionsql.FailSessionParams{
			OrgID: string(f.org), ID: string(f.session), Now: db.Micros(s.d.Now()), Reason: reason,
		})
		if err != nil || n != 1 {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	s.changed(f.org, f.session)
	return err
}

// Start makes the session live. When it returns, the recording's header is
// durable, SESSION_RECORDING_STARTED and SESSION_ESTABLISHED are in the ledger, and
// the clock watches over the session; the caller must Close it. If it cannot be
// recorded or told of, there is no session, and the error says why.
func (s *Service) Start(ctx context.Context, t *Ticket) (*Live, error) {
	if no := s.ready(t.Org, t.Policy); no != nil {
		return nil, s.unready(ctx, t, no)
	}
	if err := s.stillStarting(ctx, t); err != nil {
		return nil, err
	}
	l := &Live{s: s, ticket: t, facts: t.facts(), ending: make(chan struct{})}
	if t.Policy.Recording {
		w, err := s.d.Recordings.Begin(ctx, recording.Begin{
			Org: t.Org, Session: t.Session, User: t.Actor.User, UserName: t.person, Safe: t.SafeID, SafeName: t.SafeName,
			Protocol: string(t.Protocol), Request: t.Actor.Request,
		})
		if err != nil {
			return nil, s.unready(ctx, t, refuse(event.SessionStartRequestedRecordingUnavailable, recordingFault(err)))
		}
		l.rec, l.facts.recording = w, w.ID()
	}
	now := s.d.Now()
	l.facts.started = now
	l.touched.Store(db.Micros(now))
	l.limits = limitsOf(t)
	if err := s.establish(ctx, l); err != nil {
		l.abandon(context.WithoutCancel(ctx))
		return nil, err
	}
	s.mu.Lock()
	s.live[t.Session] = l
	late := s.cutting
	s.mu.Unlock()
	if late {
		l.askSystem(ReasonShutdown)
	}
	s.changed(t.Org, t.Session)
	return l, nil
}

var errOver = fault.New(fault.Conflict, "this session took too long to come up and was closed: connect again")

// stillStarting looks before a recording is begun that would be of nothing.
func (s *Service) stillStarting(ctx context.Context, t *Ticket) error {
	err := s.d.DB.ReadOrg(ctx, t.Org, func(ctx context.Context, tx *db.Tx) error {
		row, err := sessionsql.New(tx).GetSession(ctx, sessionsql.GetSessionParams{OrgID: string(t.Org), ID: string(t.Session)})
		if err == nil && State(row.State) != Starting {
			return errOver
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start session %s: %w", t.Session, err)
	}
	return nil
}

// establish takes the step from starting to live.
func (s *Service) establish(ctx context.Context, l *Live) error {
	f, t := l.facts, l.ticket
	ev := f.established(f.byUser(t.Actor), l.rec != nil).WithExpiresAt(t.ExpiresAt)
	err := s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		n, err := sessionsql.New(tx).StartSession(ctx, sessionsql.StartSessionParams{
			OrgID: string(f.org), ID: string(f.session), Now: db.Micros(f.started), RecordingID: string(f.recording),
		})
		if err != nil {
			return err
		}
		if n != 1 {
			return errOver
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("establish session %s: %w", f.session, err)
	}
	return nil
}

// abandon closes the recording of a session that did not come up after all.
func (l *Live) abandon(ctx context.Context) {
	if l.rec == nil {
		return
	}
	summary, err := l.rec.Close(ctx)
	if err := l.s.d.Recordings.Finish(ctx, l.rec, summary, err); err != nil {
		l.s.d.Log.ErrorContext(ctx, "recording of a session that never began is unfinished", "recording_id", l.rec.ID(), "err", err)
	}
}

// unready refuses a session that was granted when recorder or ledger are not
// there any more: the broker decides once more, and says no.
func (s *Service) unready(ctx context.Context, t *Ticket, no *refusal) error {
	var tg target
	tg.access.Resource, tg.access.Account = t.Resource.ID, t.Account.ID
	tg.access.PolicyID, tg.resource = t.policyID, t.Resource
	ev := startRequested(t.facts().byUser(t.Actor), t.Protocol, tg, t.SafeID).WithGrantID(t.Grant).Denied(no.why)
	if err := s.neverLive(context.WithoutCancel(ctx), t.facts(), no.why.String(), ev); err != nil {
		s.d.Log.WarnContext(ctx, "refusal not recorded", "session_id", t.Session, "reason", no.why.String(), "err", err)
	}
	return no.err
}

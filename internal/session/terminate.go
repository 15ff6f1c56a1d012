package session

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// maxComment bounds what an administrator writes to the person, in runes.
const maxComment = 256

// Terminate ends a live session, on whichever server it runs. An administrator's
// order is the end: the row and SESSION_TERMINATED_BY_ADMIN are committed when this
// returns, and the bytes stop at once here, within two seconds elsewhere. Somebody
// who ends a session of their own ends it as its user (SESSION_TERMINATED_BY_USER,
// recorded with the totals by the server that runs it).
func (s *Service) Terminate(ctx context.Context, actor authz.Actor, sid id.Session, comment string) error {
	if !utf8.ValidString(comment) || utf8.RuneCountInString(comment) > maxComment {
		return fault.New(fault.Invalid, "the comment is not valid: see the fields that are named").
			WithField("comment", "must be text of at most %d characters", maxComment)
	}
	comment = printable(comment)
	if !actor.Authenticated() {
		return authz.Check(actor, authz.SessionTerminate, authz.Object{Org: actor.Org})
	}
	row, o, err := s.read(ctx, actor, sid)
	if err != nil {
		return err
	}
	f := factsOf(row)
	own := actor.User == f.user && actor.User != ""
	if no := authz.Check(actor, authz.SessionTerminate, o); no != nil {
		ev := f.terminatedByAdmin(event.By(actor, orderActor(actor)), s.d.Now(), comment).Denied(event.SessionTerminatedByAdminNotPermitted)
		if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
			return fmt.Errorf("record a refused termination: %w", err)
		}
		if !own && !authz.May(actor, authz.SessionView, o) {
			return notFound(sid)
		}
		return no
	}
	if own {
		return s.endOwn(ctx, f)
	}
	return s.order(ctx, actor, f, comment)
}

// orderActor is in which role somebody ends another's session: an owner or admin
// at their organization, or a manager at their safe.
func orderActor(a authz.Actor) event.ActorType {
	if a.Role == authz.Owner || a.Role == authz.Admin {
		return event.TenantAdmin
	}
	return event.OrgAdmin
}

// endOwn asks the server that runs the session to end it as its user's wish.
func (s *Service) endOwn(ctx context.Context, f facts) error {
	err := s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		n, err := sessionsql.New(tx).AskForEnd(ctx, sessionsql.AskForEndParams{OrgID: string(f.org), ID: string(f.session), Now: db.Micros(s.d.Now())})
		if err != nil || n == 1 {
			return err
		}
		return s.notLive(ctx, tx, f)
	})
	if err != nil {
		return fmt.Errorf("end session %s: %w", f.session, err)
	}
	if l := s.local(f.session); l != nil {
		l.ask(Cause{By: ByUser})
	}
	return nil
}

// order is an administrator's end of somebody's session.
func (s *Service) order(ctx context.Context, actor authz.Actor, f facts, comment string) error {
	now := s.d.Now()
	ev := f.terminatedByAdmin(event.By(actor, orderActor(actor)), now, comment).Because(event.SessionTerminatedByAdminAdminOrder)
	err := s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		n, err := sessionsql.New(tx).EndSession(ctx, sessionsql.EndSessionParams{
			OrgID: string(f.org), ID: string(f.session), Now: db.Micros(now), EndedBy: string(ByAdmin), Reason: string(ReasonAdminOrder),
			EndedByName: actor.Name, Comment: comment,
		})
		if err != nil {
			return err
		}
		if n != 1 {
			return s.notLive(ctx, tx, f)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("end session %s: %w", f.session, err)
	}
	if l := s.local(f.session); l != nil {
		l.ask(Cause{By: ByAdmin, Reason: ReasonAdminOrder, Who: actor.Name, Comment: comment})
	}
	s.changed(f.org, f.session)
	return nil
}

// notLive says why a session cannot be ended now.
func (s *Service) notLive(ctx context.Context, tx *db.Tx, f facts) error {
	row, err := sessionsql.New(tx).GetSession(ctx, sessionsql.GetSessionParams{OrgID: string(f.org), ID: string(f.session)})
	if err != nil {
		return err
	}
	switch {
	case State(row.State) == Starting:
		return fault.New(fault.Conflict, "this session is still connecting to its target: try again in a moment")
	case State(row.State) == Ended:
		return fault.New(fault.Conflict, "this session has ended already")
	}
	return nil // its user asked for the end before
}

// EndOf ends the live sessions of a member that were launched from one web session, or
// all when it is empty, as an administrator's order. It tells how many it ended. Who may order it is for the caller to check; each session has
// its own event.
func (s *Service) EndOf(ctx context.Context, actor authz.Actor, user id.User, web id.WebSession, comment string) (int, error) {
	var rows []sessionsql.Session
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = sessionsql.New(tx).LiveOf(ctx, sessionsql.LiveOfParams{OrgID: string(actor.Org), UserID: string(user)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("list the live sessions of %s: %w", user, err)
	}
	n := 0
	for _, r := range rows {
		if web != "" && r.WebSessionID != string(web) {
			continue
		}
		err := s.order(ctx, actor, factsOf(r), comment)
		if fault.Is(err, fault.Conflict) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

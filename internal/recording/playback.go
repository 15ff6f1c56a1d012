package recording

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// Mode is how a recording is looked at.
type Mode string

// The modes.
const (
	Replay   Mode = "replay"
	Download Mode = "download"
	LiveView Mode = "live_view" // of a session that runs on this server
)

// Playback is a recording that somebody may see: a Reader, and what is known of it.
// The caller must Close it.
type Playback struct {
	*Reader
	Info Info
}

// Title names the recording for a player.
func (p *Playback) Title() string { return p.Info.UserName + " on " + p.Info.SafeName }

// OpenPlayback opens the recording of a session for the actor. Owners, admins and
// auditors of the organization and managers of the safe may see it, and nobody
// else: not the person whose session it was, who could learn from it what the
// recorder sees, and who has the terminal. SESSION_PLAYBACK_ACCESSED is in the
// ledger before this returns, also for a refusal.
//
// The errors are fault.NotFound (no such session in the actor's organization, or
// none that the actor may know of, or not recorded, or pruned), Denied, Conflict (live
// and to be replayed, or ended and to be watched live), and Unavailable (the
// recording is on another server, or its file cannot be read).
func (s *Service) OpenPlayback(ctx context.Context, actor authz.Actor, session id.Session, mode Mode) (*Playback, error) {
	how, err := event.ParsePlaybackMode(string(mode))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the mode must be replay, download or live_view").WithField("mode", "is not known")
	}
	action := authz.SessionPlayback
	if mode == LiveView {
		action = authz.SessionWatch
	}
	row, object, err := s.find(ctx, actor, action, session)
	if err != nil {
		return nil, err
	}
	ev := event.NewSessionPlaybackAccessed(event.By(actor, viewer(actor, object)).InSession(session),
		event.SessionTarget(session, row.SafeName), how, id.User(row.UserID), id.User(row.UserID) == actor.User).
		WithRecordingID(id.Recording(row.ID))
	if no := authz.Check(actor, action, object); no != nil {
		if !authz.May(actor, authz.SessionView, object) {
			no = noRecording(session).Because(no) // not even that it exists
		}
		return nil, s.refuse(ctx, ev.Denied(event.SessionPlaybackAccessedNotPermitted), no)
	}
	if State(row.State) == StatePruned {
		return nil, s.refuse(ctx, ev.Denied(event.SessionPlaybackAccessedRecordingPruned),
			fault.New(fault.NotFound, "this recording was deleted at the end of its retention, on %s", db.Time(row.RetentionUntil).Format("2 January 2006")).
				WithCode("RECORDING_PRUNED"))
	}
	rd, err := s.open(ctx, row, mode)
	if err != nil {
		return nil, err
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil { // a transaction of its own, for what is only seen
		rd.Close()
		return nil, fmt.Errorf("record that the recording of session %s is watched: %w", session, err)
	}
	return &Playback{Reader: rd, Info: s.info(row)}, nil
}

// refuse records the refusal before it is answered.
func (s *Service) refuse(ctx context.Context, ev event.Event, cause error) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refused playback: %w", err)
	}
	return cause
}

// open opens a recording for somebody who may see it.
func (s *Service) open(ctx context.Context, row recordingsql.Recording, mode Mode) (*Reader, error) {
	rec, store := id.Recording(row.ID), s.d.Store
	running := State(row.State) == StateRecording
	switch {
	case row.Store != store.ID():
		return nil, fault.New(fault.Unavailable, "this recording is kept by another server").WithCode("RECORDING_ELSEWHERE")
	case running && mode != LiveView:
		return nil, fault.New(fault.Conflict, "this session is still being recorded: watch it live, or come back when it has ended").
			WithCode("RECORDING_NOT_FINISHED")
	case mode == LiveView && (!running || store.writer(rec) == nil):
		return nil, fault.New(fault.Conflict, "this session has ended: play its recording").WithCode("SESSION_ENDED")
	}
	open := store.Open
	if mode == LiveView {
		open = store.Follow
	}
	rd, err := open(ctx, rec)
	if err == nil {
		return rd, nil
	}
	s.fault(ctx, id.Org(row.OrgID), "recording_unreadable")
	return nil, fault.New(fault.Unavailable, "this recording cannot be read: tell an administrator").
		WithCode("RECORDING_UNREADABLE").Because(err)
}

// find gives the recording of a session of the actor's organization, and what it
// is to the actor.
func (s *Service) find(ctx context.Context, actor authz.Actor, action authz.Action, session id.Session) (row recordingsql.Recording, o authz.Object, err error) {
	if !actor.Authenticated() {
		return row, o, authz.Check(actor, action, authz.Object{})
	}
	if _, err := id.Parse[id.Session](string(session)); err != nil || actor.Org == "" {
		return row, o, noRecording(session)
	}
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = recordingsql.New(tx).RecordingOfSession(ctx, recordingsql.RecordingOfSessionParams{OrgID: string(actor.Org), SessionID: string(session)})
		if db.NotFound(err) {
			return noRecording(session)
		}
		if err != nil {
			return err
		}
		role, err := s.d.SafeRole(ctx, tx, actor.Org, actor.User, id.Safe(row.SafeID))
		o = authz.Object{ID: row.SessionID, Org: id.Org(row.OrgID), SafeRole: role, Owner: id.User(row.UserID)}
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		err = fmt.Errorf("find the recording of session %s: %w", session, err)
	}
	return row, o, err
}

func noRecording(session id.Session) *fault.Error {
	return fault.New(fault.NotFound, "there is no recording of a session %.64q that you may see", string(session))
}

// viewer is on whose behalf somebody looks at a recording.
func viewer(actor authz.Actor, o authz.Object) event.ActorType {
	switch {
	case actor.Role == authz.Owner || actor.Role == authz.Admin:
		return event.TenantAdmin
	case o.SafeRole == authz.SafeManager:
		return event.OrgAdmin
	}
	return event.User
}

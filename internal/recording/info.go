package recording

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// State is where a recording is in its life.
type State string

// The states. A recording in error has an end that is missing or a file that is
// not right; Info.Failure says which.
const (
	StateRecording State = "recording"
	StateCompleted State = "completed"
	StateError     State = "error"
	StatePruned    State = "pruned"
)

// Info is what is known of a recording without opening it.
type Info struct {
	ID             id.Recording
	Org            id.Org
	Session        id.Session
	User           id.User
	UserName       string
	Safe           id.Safe
	SafeName       string
	Protocol       string
	Format         string
	Store          string
	KeyID          id.Key
	State          State
	Failure        string // StateError: the reason of SESSION_RECORDING_FINALIZED
	Truncated      string // why its end is missing: disk_full, store_unavailable or server_died
	StartedAt      time.Time
	EndedAt        time.Time // zero while it is being recorded, as all that follows but Size
	RetentionUntil time.Time
	Duration       time.Duration
	Size           int64
	Frames         int64
	Chunks         int64
	Root           string // in hex
	SHA256         string // of the file, in hex; empty when it was missing
}

// Info tells about the recording of a session that the actor may see.
func (s *Service) Info(ctx context.Context, actor authz.Actor, session id.Session) (Info, error) {
	row, object, err := s.find(ctx, actor, authz.SessionView, session)
	if err != nil {
		return Info{}, err
	}
	if no := authz.Check(actor, authz.SessionView, object); no != nil {
		return Info{}, noRecording(session).Because(no)
	}
	return s.info(row), nil
}

// Of tells about the recordings of sessions that the caller has authorized; those
// without a recording are left out.
func (s *Service) Of(ctx context.Context, tx *db.Tx, org id.Org, sessions []id.Session) (map[id.Session]Info, error) {
	out := make(map[id.Session]Info, len(sessions))
	if len(sessions) == 0 {
		return out, nil
	}
	var q strings.Builder
	q.WriteString(`select id, session_id, state, failure, truncated, size_bytes, root_hash, frames, chunks, duration_us, content_sha256, started_at, ended_at, retention_until from recording where org_id = $1 and session_id in (`)
	args := []any{string(org)}
	for i, ses := range sessions {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString("$" + strconv.Itoa(i+2))
		args = append(args, string(ses))
	}
	q.WriteString(")")
	rows, err := tx.QueryContext(ctx, q.String(), args...)
	if err != nil {
		return nil, fmt.Errorf("read recordings of sessions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r := recordingsql.Recording{OrgID: string(org)}
		if err := rows.Scan(&r.ID, &r.SessionID, &r.State, &r.Failure, &r.Truncated, &r.SizeBytes, &r.RootHash,
			&r.Frames, &r.Chunks, &r.DurationUs, &r.ContentSha256, &r.StartedAt, &r.EndedAt, &r.RetentionUntil); err != nil {
			return nil, fmt.Errorf("read recordings of sessions: %w", err)
		}
		out[id.Session(r.SessionID)] = s.info(r)
	}
	return out, rows.Err()
}

func (s *Service) info(r recordingsql.Recording) Info {
	i := Info{
		ID: id.Recording(r.ID), Org: id.Org(r.OrgID), Session: id.Session(r.SessionID), User: id.User(r.UserID),
		UserName: r.UserName, Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Protocol: r.Protocol, Format: r.Format,
		Store: r.Store, KeyID: id.Key(r.KeyID), State: State(r.State), Failure: r.Failure, Truncated: r.Truncated,
		StartedAt: db.Time(r.StartedAt), Duration: time.Duration(r.DurationUs) * time.Microsecond, Size: r.SizeBytes,
		Frames: r.Frames, Chunks: r.Chunks, Root: r.RootHash, SHA256: r.ContentSha256,
	}
	if r.EndedAt != 0 {
		i.EndedAt, i.RetentionUntil = db.Time(r.EndedAt), db.Time(r.RetentionUntil)
	}
	if w := s.d.Store.writer(i.ID); w != nil && i.State == StateRecording {
		i.Size = w.size()
	}
	return i
}

// OfSessions is Of in a transaction of its own.
func (s *Service) OfSessions(ctx context.Context, org id.Org, sessions []id.Session) (out map[id.Session]Info, err error) {
	if len(sessions) == 0 {
		return nil, nil
	}
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		out, err = s.Of(ctx, tx, org, sessions)
		return err
	})
	return out, err
}

package recording

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// Begin says which session is to be recorded, and who may later see it.
type Begin struct {
	Org      id.Org
	Session  id.Session
	User     id.User // whose session it is
	UserName string
	Safe     id.Safe // its managers may watch
	SafeName string  // also names the session in events
	Protocol string  // a value of event.Protocol
	Request  id.Request
}

// Begin starts the recording of a session. When it returns, the header is durable
// and SESSION_RECORDING_STARTED is in the ledger, so that bytes may pass. When the
// recording cannot be kept the error is a fault of kind Unavailable with
// CodeUnavailable, SYSTEM_ERROR_LOGGED tells of it, and nothing is left behind. The
// caller must Finish the Writer.
func (s *Service) Begin(ctx context.Context, b Begin) (*Writer, error) {
	protocol, err := event.ParseProtocol(b.Protocol)
	if err != nil {
		return nil, fmt.Errorf("begin recording: %w", err)
	}
	w, err := s.d.Store.Create(ctx, Header{Org: b.Org, Session: b.Session, Protocol: b.Protocol})
	if err != nil {
		var cannot *WriteError
		if errors.As(err, &cannot) {
			s.fault(ctx, b.Org, "recording_"+string(cannot.Reason))
		}
		return nil, fmt.Errorf("begin recording of session %s: %w", b.Session, err)
	}
	h := w.Header()
	ev := event.NewSessionRecordingStarted(bySystem(b.Org, b.Request, b.Session), event.SessionTarget(b.Session, b.SafeName),
		h.ID, protocol, format.Name, s.d.Store.ID(), id.Key(h.KeyID))
	err = s.d.DB.InOrg(ctx, b.Org, func(ctx context.Context, tx *db.Tx) error {
		err := recordingsql.New(tx).InsertRecording(ctx, recordingsql.InsertRecordingParams{
			OrgID: string(b.Org), ID: string(h.ID), SessionID: string(b.Session), UserID: string(b.User), UserName: b.UserName,
			SafeID: string(b.Safe), SafeName: b.SafeName, Protocol: b.Protocol, Format: format.Name, Store: s.d.Store.ID(),
			KeyID: h.KeyID, StartedAt: db.Micros(h.StartedAt), SizeBytes: w.size(),
		})
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		s.discard(ctx, w)
		return nil, fmt.Errorf("begin recording of session %s: %w", b.Session, err)
	}
	return w, nil
}

// discard removes a recording that nobody knows of.
func (s *Service) discard(ctx context.Context, w *Writer) {
	ctx = context.WithoutCancel(ctx)
	_, err := w.Close(ctx)
	if err == nil {
		err = s.d.Store.Remove(w.ID())
	}
	if err != nil {
		s.d.Log.WarnContext(ctx, "a recording that never began is left in the folder", "recording_id", w.ID(), "err", err)
	}
}

// bySystem is the act of the product; with the request of the act that caused it,
// if there is one.
func bySystem(org id.Org, request id.Request, session id.Session) event.Act {
	a := authz.SystemActor(org)
	if request != "" {
		a.Request = request
	}
	return event.By(a, event.System).InSession(session)
}

func (w *Writer) size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written
}

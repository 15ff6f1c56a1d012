package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/recording/asciicast"
	"github.com/vaultpam/vaultpam/internal/session"
)

// Recording is what is known of a recording without opening it.
type Recording struct {
	ID              id.Recording `json:"id"`
	State           string       `json:"state" enum:"recording,completed,error,pruned"`
	Failure         string       `json:"failure,omitempty" doc:"Of state error: the reason of SESSION_RECORDING_FINALIZED"`
	Truncated       string       `json:"truncated,omitempty" doc:"Why its end is missing"`
	SizeBytes       int64        `json:"size_bytes"`
	Frames          int64        `json:"frames"`
	Chunks          int64        `json:"chunks"`
	DurationSeconds float64      `json:"duration_seconds"`
	RootHash        string       `json:"root_hash,omitempty" doc:"Hex; the same stands in SESSION_RECORDING_FINALIZED"`
	ContentSHA256   string       `json:"content_sha256,omitempty"`
	RetentionUntil  time.Time    `json:"retention_until,omitzero"`
}

func recordingJSON(i recording.Info) *Recording {
	return &Recording{ID: i.ID, State: string(i.State), Failure: i.Failure, Truncated: i.Truncated, SizeBytes: i.Size, Frames: i.Frames, Chunks: i.Chunks,
		DurationSeconds: i.Duration.Seconds(), RootHash: i.Root, ContentSHA256: i.SHA256, RetentionUntil: i.RetentionUntil}
}

// recordingsOf tells about the recordings of sessions that the actor may see.
func (s *Server) recordingsOf(ctx context.Context, a authz.Actor, sessions ...session.Session) (map[id.Session]*Recording, error) {
	ids := make([]id.Session, 0, len(sessions))
	for _, v := range sessions {
		ids = append(ids, v.ID)
	}
	infos, err := s.Recordings.OfSessions(ctx, a.Org, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[id.Session]*Recording, len(infos))
	for sid, i := range infos {
		out[sid] = recordingJSON(i)
	}
	return out, nil
}

func (s *Server) recordingRoutes() {
	const tag = "recordings"
	handle(s, signedIn, huma.Operation{OperationID: "get-recording-info", Method: http.MethodGet, Path: "/sessions/{id}/recording/info", Summary: "About the recording of a session", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *SessionID) (*struct{ Body Recording }, error) {
			i, err := s.Recordings.Info(ctx, a, id.Session(in.ID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body Recording }{*recordingJSON(i)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "play-recording", Method: http.MethodGet, Path: "/sessions/{id}/recording", Summary: "The recording as an asciicast", Tags: []string{tag},
		Description: "Each call leaves SESSION_PLAYBACK_ACCESSED before the first byte. live=true follows a session that runs."},
		func(ctx context.Context, a authz.Actor, in *struct {
			SessionID
			Download bool `query:"download"`
			Live     bool `query:"live"`
			Input    bool `query:"input" doc:"With what was typed, if that was recorded"`
			Version  int  `query:"version" minimum:"2" maximum:"3" default:"2" doc:"Of the asciicast format"`
		}) (*huma.StreamResponse, error) {
			mode := recording.Replay
			switch {
			case in.Live:
				mode = recording.LiveView
			case in.Download:
				mode = recording.Download
			}
			p, err := s.Recordings.OpenPlayback(ctx, a, id.Session(in.ID), mode)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				defer p.Close()
				// Frames of a recording in progress come when they come: the reader must end with its client.
				defer context.AfterFunc(c.Context(), func() { p.Close() })()
				c.SetHeader("Content-Type", "application/x-asciicast")
				if in.Download {
					c.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", in.ID+".cast"))
				}
				w := c.BodyWriter()
				opts := asciicast.Options{Version: asciicast.Version(in.Version), Title: p.Title(), Input: in.Input}
				if in.Live {
					opts.Flush = func() error { w.(http.Flusher).Flush(); return nil }
				}
				if err := asciicast.Export(w, p, opts); err != nil && c.Context().Err() == nil {
					s.log.WarnContext(c.Context(), "playback ended early", "session_id", in.ID, "error", err.Error())
				}
			}}, nil
		})
}

// writeEvent writes one server-sent event.
func writeEvent(w io.Writer, name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode an event: %v", err)) // a bug in its type
	}
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b)
}

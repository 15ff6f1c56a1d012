package session

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording"
)

// Watch shows a live session as it is recorded, from its beginning; the Playback's
// Next waits for what comes. SESSION_PLAYBACK_ACCESSED (live_view) is in the ledger
// before this returns. A session that is not recorded cannot be watched, nor one
// that runs on another server (fault.NotFound, fault.Unavailable).
func (s *Service) Watch(ctx context.Context, actor authz.Actor, sid id.Session) (*recording.Playback, error) {
	return s.d.Recordings.OpenPlayback(ctx, actor, sid, recording.LiveView)
}

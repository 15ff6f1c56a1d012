package recording

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Header says what a new recording is of.
type Header struct {
	ID       id.Recording // made when it is empty
	Org      id.Org
	Session  id.Session
	Protocol string
}

// sink is a file that is written from its beginning to its end.
type sink interface {
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	SyncData() error
	Close() error
}

type diskFile struct{ *os.File }

func (f diskFile) SyncData() error { return syncData(f.File) }

// Create begins a recording. When it returns, the header is durable. When the
// recording cannot be kept, the error wraps a *WriteError and a fault of kind
// Unavailable with CodeUnavailable. The caller must Close the Writer.
func (s *Store) Create(ctx context.Context, h Header) (*Writer, error) {
	if h.ID == "" {
		h.ID = id.New[id.Recording]()
	}
	name, err := fileName(h.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Healthy(); err != nil {
		return nil, err
	}
	key := format.NewKey()
	defer clear(key)
	now := s.cfg.Now()
	full := format.Header{ID: h.ID, Org: h.Org, Session: h.Session, Protocol: h.Protocol, StartedAt: now}
	if full.SealedKey, err = s.cfg.Keys.Seal(ctx, h.Org, format.KeyContext(h.ID), key); err != nil {
		return nil, fmt.Errorf("seal the recording's key: %w", err)
	}
	kid, err := s.cfg.Keys.KeyID(ctx, h.Org)
	if err != nil {
		return nil, fmt.Errorf("seal the recording's key: %w", err)
	}
	full.KeyID = string(kid)
	raw, err := full.Encode()
	if err != nil {
		return nil, err
	}
	sealer, err := format.NewSealer(raw, key)
	if err != nil {
		return nil, err
	}
	f, err := s.createFile(name, raw)
	if err != nil {
		return nil, unavailable(err)
	}
	w := &Writer{store: s, header: full, start: now, file: f, sealer: sealer, written: int64(len(raw)), synced: int64(len(raw)),
		failed: make(chan struct{}), done: make(chan struct{})}
	w.cond.L = &w.mu
	s.mu.Lock()
	s.live[h.ID] = w
	s.mu.Unlock()
	return w, nil
}

// createFile makes the file with its header, both durable, and locks it.
func (s *Store) createFile(name string, header []byte) (_ sink, err error) {
	f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			s.root.Remove(name)
		}
	}()
	if err := lock(f); err != nil {
		return nil, fmt.Errorf("lock recording: %w", err)
	}
	var out sink = diskFile{f}
	if s.wrap != nil {
		out = s.wrap(out)
	}
	if _, err := out.WriteAt(header, 0); err != nil {
		return nil, fmt.Errorf("write the recording's header: %w", err)
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("write the recording's header: %w", err)
	}
	if err := s.dir.Sync(); err != nil {
		return nil, fmt.Errorf("write the recordings folder: %w", err)
	}
	return out, nil
}

// Summary tells what a recording holds, once it was closed or recovered.
type Summary struct {
	ID        id.Recording
	Size      int64 // of the file, in bytes
	Chunks    int64
	Frames    uint64
	Duration  time.Duration // from its start to its last frame
	Root      Hash
	Truncated string // why its end is missing; empty when it is whole
	Ended     bool   // it has its last chunk; without one it needs Recover
}

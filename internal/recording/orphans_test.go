package recording

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal"
)

// abandon makes w look like the recording of a server that died: its file stops
// where it is and is not locked any more.
func abandon(t *testing.T, h *house, w *Writer, tail string) {
	t.Helper()
	idle(t, w)
	b, err := os.ReadFile(h.file(w))
	if err != nil {
		t.Fatal(err)
	}
	closeWriter(t, w)
	if err := os.Remove(h.file(w)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.file(w), append(b, tail...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOrphansAreFinishedAtTheNextStart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.store.cfg.FlushAfter = time.Millisecond
		dead, deadSession := h.begin()
		dead.Write(Frame{Channel: 1, Kind: Output, Data: []byte("what was stored")})
		abandon(t, h, dead, "\x00\x00\x01")
		closed, closedSession := h.begin() // its server died between Close and Finish
		closeWriter(t, closed)
		gone, _ := h.begin()
		closeWriter(t, gone)
		if err := os.Remove(h.file(gone)); err != nil {
			t.Fatal(err)
		}
		bad, badSession := h.begin()
		bad.Write(Frame{Channel: 1, Kind: Output, Data: []byte("tampered with")})
		idle(t, bad)
		bad.Write(Frame{Channel: 1, Kind: Output, Data: []byte("later")})
		abandon(t, h, bad, "")
		edit(t, h.file(bad), func(b []byte) []byte { b[len(b)-60] ^= 1; return b })
		live, liveSession := h.begin()
		stray := create(t, h.store) // its server died before the database knew of it
		abandon(t, h, stray, "")

		n := len(h.events())
		if err := h.RecoverOrphans(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.told(n,
			writtenOK, "SESSION_RECORDING_FINALIZED/failure/truncated",
			writtenOK, finalized,
			"PROXY_SSH_RECORDING_WRITTEN/failure/store_unavailable", "SESSION_RECORDING_FINALIZED/failure/artifact_missing", "SYSTEM_ERROR_LOGGED/failure/storage_failed",
			writtenOK, "SESSION_RECORDING_FINALIZED/failure/digest_mismatch", "SECURITY_INCIDENT_FLAGGED/success")
		if i := h.info(deadSession); i.State != StateError || i.Failure != truncatedEnd || i.Truncated != died || i.Frames != 1 {
			t.Errorf("%+v", i)
		}
		if i := h.info(closedSession); i.State != StateCompleted {
			t.Errorf("%+v", i)
		}
		if i := h.info(badSession); i.Failure != digestMismatch {
			t.Errorf("%+v", i)
		}
		if i := h.info(liveSession); i.State != StateRecording {
			t.Errorf("%+v", i)
		}
		if _, err := os.Stat(h.file(stray)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file of a recording that never began: %v", err)
		}
		n = len(h.events())
		if err := h.RecoverOrphans(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.told(n) // once
		h.finish(live)
		h.told(n, writtenOK, finalized)
		p, err := h.OpenPlayback(t.Context(), h.person(authz.Owner), deadSession, Replay)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if f, err := p.Next(); err != nil || string(f.Data) != "what was stored" {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

func TestPruningKeepsTheRowAndTheRoot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		before := h.info(ses)
		h.now = before.RetentionUntil.Add(-time.Second)
		if n, err := h.Prune(t.Context()); n != 0 || err != nil {
			t.Fatalf("pruned %d too early, %v", n, err)
		}
		h.now = before.RetentionUntil.Add(time.Second)
		live, _ := h.begin()
		defer h.finish(live)
		if n, err := h.Prune(t.Context()); n != 1 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
		if n, err := h.Prune(t.Context()); n != 0 || err != nil {
			t.Fatalf("pruned %d again, %v", n, err)
		}
		if _, err := os.Stat(h.file(w)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
		if i := h.info(ses); i.State != StatePruned || i.Root != before.Root {
			t.Errorf("%+v", i)
		}
		n := len(h.events())
		if _, err := h.OpenPlayback(t.Context(), h.person(authz.Owner), ses, Replay); !fault.Is(err, fault.NotFound) || fault.CodeOf(err) != "RECORDING_PRUNED" {
			t.Errorf("%v", err)
		}
		h.told(n, "SESSION_PLAYBACK_ACCESSED/denied/recording_pruned")
	})
}

func TestRecordingOfAnotherFolderIsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		other := newHouse(t, h.db)
		other.org = h.org
		if _, err := other.OpenPlayback(t.Context(), h.person(authz.Owner), ses, Replay); fault.CodeOf(err) != "RECORDING_ELSEWHERE" {
			t.Errorf("%v", err)
		}
		open, _ := h.begin()
		if err := other.RecoverOrphans(t.Context()); err != nil {
			t.Error(err)
		}
		h.finish(open)
		if n, err := other.Prune(t.Context()); n != 0 || err != nil {
			t.Errorf("pruned %d of another folder, %v", n, err)
		}
	})
}

func TestRecordingsOpenAfterTheKeyRotated(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		if _, err := h.store.cfg.Keys.(*seal.Keyring).RotateOrg(t.Context(), h.org, nil); err != nil {
			t.Fatal(err)
		}
		p, err := h.OpenPlayback(t.Context(), h.person(authz.Owner), ses, Replay)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	})
}

// A legal hold keeps what is too old, and only its organization's; also what a server
// that died had marked and not yet deleted.
func TestHeldRecordingsAreNotPruned(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		h.now = h.info(ses).RetentionUntil.Add(time.Second)
		held := true
		h.Service.d.Held = func(context.Context, *db.Tx, id.Org) (bool, error) { return held, nil }
		for range 2 {
			if n, err := h.Prune(t.Context()); n != 0 || err != nil {
				t.Fatalf("pruned %d under a hold, %v", n, err)
			}
		}
		if i := h.info(ses); i.State != StateCompleted {
			t.Errorf("%+v", i)
		}
		if _, err := os.Stat(h.file(w)); err != nil {
			t.Error(err)
		}
		held = false
		if n, err := h.Prune(t.Context()); n != 1 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
	})
}

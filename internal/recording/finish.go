package recording

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// The failures of a finished recording: the reasons of SESSION_RECORDING_FINALIZED.
const (
	digestMismatch  = "digest_mismatch"
	artifactMissing = "artifact_missing"
	truncatedEnd    = "truncated"
)

var finalizedReasons = map[string]event.SessionRecordingFinalizedReason{
	digestMismatch:  event.SessionRecordingFinalizedDigestMismatch,
	artifactMissing: event.SessionRecordingFinalizedArtifactMissing,
	truncatedEnd:    event.SessionRecordingFinalizedTruncated,
}

// outcome is what became of a recording.
type outcome struct {
	unwritten Reason // why the gateway could not write it to its end; empty when it could
	failure   string // empty: it is complete and what is stored is what was written
	truncated string
	size      int64
	chunks    int64
	frames    uint64
	lasted    time.Duration
	root      Hash
	sha256    [32]byte // zero when there is nothing
	hashed    bool
}

// Finish closes the recording if that was not done, reads back what is stored and
// verifies it, and records PROXY_SSH_RECORDING_WRITTEN (for SSH) and
// SESSION_RECORDING_FINALIZED in one transaction; with SECURITY_INCIDENT_FLAGGED
// when what is stored is not what was written. A recording that failed or was
// damaged is finished too: nil means that this was told. After an error Finish can
// be called again; once it was told, it does nothing. It takes as long as reading
// the recording.
//
// The Summary and the error are those of Close; Finish asks for them itself, in
// case that Close gave up waiting.
func (s *Service) Finish(ctx context.Context, w *Writer, _ Summary, _ error) error {
	sum, closeErr := w.Close(ctx)
	if closeErr != nil && !w.ended() {
		return closeErr // still writing
	}
	h := w.Header()
	row, err := s.row(ctx, h.Org, h.ID)
	if err != nil {
		return fmt.Errorf("finish recording %s: %w", h.ID, err)
	}
	if State(row.State) != StateRecording {
		return nil
	}
	o := outcome{truncated: sum.Truncated}
	if closeErr != nil {
		o.unwritten = ReasonOf(closeErr)
	}
	if err := s.inspect(ctx, h.ID, &o, func(v format.Verified) bool { return v.Root == sum.Root && v.Size == sum.Size }, sum); err != nil {
		return fmt.Errorf("finish recording %s: %w", h.ID, err)
	}
	return s.conclude(ctx, row, o)
}

func (s *Service) row(ctx context.Context, org id.Org, r id.Recording) (row recordingsql.Recording, err error) {
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = recordingsql.New(tx).GetRecording(ctx, recordingsql.GetRecordingParams{OrgID: string(org), ID: string(r)})
		return err
	})
	return row, err
}

// bigRecording is the size from which recordings wait for each other to be verified.
const bigRecording = 8 << 20

// inspect reads back what is stored. want tells whether that is what was written;
// wrote is what should be there, which counts when nothing can be read. An error
// means that nobody knows, and that it should be tried again.
func (s *Service) inspect(ctx context.Context, r id.Recording, o *outcome, want func(format.Verified) bool, wrote Summary) error {
	if wrote.Size > bigRecording {
		select {
		case s.reading <- struct{}{}:
			defer func() { <-s.reading }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	v, err := s.d.Store.Verify(ctx, r)
	o.size, o.chunks, o.frames, o.lasted, o.root, o.sha256, o.hashed = v.Size, v.Chunks, v.Frames, v.Duration, v.Root, v.SHA256, true
	var damage *format.CorruptError
	switch {
	case err == nil && want(v):
		if o.truncated != "" {
			o.failure = truncatedEnd
		}
	case err == nil, errors.As(err, &damage):
		o.failure = digestMismatch
	case errors.Is(err, format.ErrTruncated) && !wrote.Ended && want(v):
		o.failure = truncatedEnd
	case errors.Is(err, format.ErrTruncated):
		o.failure = digestMismatch
	case fault.Is(err, fault.NotFound):
		o.failure, o.hashed = artifactMissing, false
	default:
		return err
	}
	if o.failure == digestMismatch || o.failure == artifactMissing {
		s.d.Log.ErrorContext(ctx, "a stored recording is not what was written", "recording_id", r, "failure", o.failure, "err", err)
		if wrote.Size > 0 { // the ledger holds what should be there
			o.size, o.chunks, o.frames, o.lasted, o.root = wrote.Size, wrote.Chunks, wrote.Frames, wrote.Duration, wrote.Root
		}
	}
	return nil
}

// conclude tells what became of a recording, once.
func (s *Service) conclude(ctx context.Context, row recordingsql.Recording, o outcome) error {
	org, rec, now := id.Org(row.OrgID), id.Recording(row.ID), s.d.Now()
	keep := now.Add(s.d.Retention)
	act := bySystem(org, "", id.Session(row.SessionID))
	target := event.SessionTarget(id.Session(row.SessionID), row.SafeName)
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if s.d.RetentionOf != nil {
			own, err := s.d.RetentionOf(ctx, tx, org)
			if err != nil {
				return err
			}
			if own > 0 {
				keep = now.Add(own)
			}
		}
		p := recordingsql.FinishRecordingParams{
			OrgID: row.OrgID, ID: row.ID, State: string(StateCompleted), Failure: o.failure, Truncated: o.truncated,
			EndedAt: db.Micros(now), RetentionUntil: db.Micros(keep), DurationUs: o.lasted.Microseconds(), SizeBytes: o.size,
			Frames: int64(o.frames), Chunks: o.chunks, RootHash: hex.EncodeToString(o.root[:]),
		}
		if o.failure != "" {
			p.State = string(StateError)
		}
		if o.hashed {
			p.ContentSha256 = hex.EncodeToString(o.sha256[:])
		}
		n, err := recordingsql.New(tx).FinishRecording(ctx, p)
		if err != nil || n == 0 {
			return err
		}
		if row.Protocol == event.ProtocolSSH.String() {
			if _, err := s.d.Ledger.Record(ctx, tx, written(act, target, rec, row.Store, o)); err != nil {
				return err
			}
		}
		fin := event.NewSessionRecordingFinalized(act, target, rec, o.size, o.lasted, event.SHA256(o.root), int(o.chunks), keep)
		if o.failure != "" {
			fin = fin.Failed(finalizedReasons[o.failure])
		}
		told, err := s.d.Ledger.Record(ctx, tx, fin)
		if err != nil || o.failure != digestMismatch {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewSecurityIncidentFlagged(act, event.TenantTarget(org, ""), id.New[id.Incident](),
			"recording_digest_mismatch", "Recording", []id.Event{told}, event.AutomaticActionNone).WithObjectID(event.AnyID(rec)))
		return err
	})
	if err != nil {
		return fmt.Errorf("record the end of recording %s: %w", rec, err)
	}
	switch {
	case o.failure == artifactMissing:
		s.fault(ctx, org, "recording_missing")
	case o.unwritten != "":
		s.fault(ctx, org, "recording_"+string(o.unwritten))
	}
	return nil
}

// written is PROXY_SSH_RECORDING_WRITTEN.
func written(act event.Act, target event.SessionRef, rec id.Recording, store string, o outcome) event.Event {
	e := event.NewProxySSHRecordingWritten(act, target, rec, o.size, int64(o.frames), store)
	if o.hashed {
		e = e.WithContentSHA256(event.SHA256(o.sha256))
	}
	switch {
	case o.unwritten == DiskFull:
		e = e.Failed(event.ProxySSHRecordingWrittenDiskFull)
	case o.unwritten != "" || o.failure == artifactMissing:
		e = e.Failed(event.ProxySSHRecordingWrittenStoreUnavailable)
	}
	return e
}

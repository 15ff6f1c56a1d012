package recording

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// RecoverOrphans finishes the recordings of this folder that a server left open
// when it died: each is ended where it stops, verified, and told of as Finish does.
// Those that a live process writes are left alone. It goes on after an error with
// one of them and returns all errors.
func (s *Service) RecoverOrphans(ctx context.Context) error {
	var rows []recordingsql.Recording
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = recordingsql.New(tx).OpenRecordings(ctx, s.d.Store.ID())
		return err
	})
	if err != nil {
		return fmt.Errorf("list the recordings that were left open: %w", err)
	}
	var failed []error
	for _, row := range rows {
		if err := s.recoverOne(ctx, row); err != nil && !errors.Is(err, ErrBusy) {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(failed, s.sweep(ctx))...)
}

func (s *Service) recoverOne(ctx context.Context, row recordingsql.Recording) error {
	rec := id.Recording(row.ID)
	if s.d.Store.writer(rec) != nil {
		return ErrBusy
	}
	sum, err := s.d.Store.Recover(ctx, rec)
	o := outcome{truncated: sum.Truncated}
	var full *WriteError
	var damage *format.CorruptError
	switch {
	case err == nil:
	case errors.As(err, &full):
		// Its end cannot be written. What is stored can be verified all the same.
		o.unwritten = full.Reason
	case errors.As(err, &damage), fault.Is(err, fault.NotFound):
		sum = Summary{} // what should be there is known to nobody
	default:
		return err
	}
	if sum.Truncated == string(DiskFull) || sum.Truncated == string(StoreUnavailable) {
		o.unwritten = Reason(sum.Truncated)
	}
	want := func(v format.Verified) bool { return v.Root == sum.Root && v.Size == sum.Size }
	if err := s.inspect(ctx, rec, &o, want, sum); err != nil {
		return fmt.Errorf("recover recording %s: %w", rec, err)
	}
	s.d.Log.InfoContext(ctx, "recording of a server that died is finished", "recording_id", rec, "session_id", row.SessionID,
		"frames", o.frames, "duration_ms", o.lasted.Milliseconds(), "failure", o.failure)
	return s.conclude(ctx, row, o)
}

// sweep removes the files of recordings that never began: their server died after
// it had made the file and before the database knew of it.
func (s *Service) sweep(ctx context.Context) error {
	small, err := s.d.Store.empty()
	if err != nil {
		return err
	}
	for _, rec := range small {
		var n int64
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			n, err = recordingsql.New(tx).RecordingExists(ctx, string(rec))
			return err
		})
		if err != nil {
			return fmt.Errorf("look for recording %s: %w", rec, err)
		}
		if n > 0 {
			continue
		}
		if err := s.d.Store.Remove(rec); err != nil {
			return err
		}
	}
	return nil
}

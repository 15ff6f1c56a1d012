package recording

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// Prune deletes the recordings of this folder whose retention is over, and returns
// how many. Their rows stay, with the root hash. A server calls it from time to time.
func (s *Service) Prune(ctx context.Context) (int, error) {
	const page = 200
	total := 0
	for {
		now := db.Micros(s.d.Now())
		var rows []recordingsql.ExpiredRecordingsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = recordingsql.New(tx).ExpiredRecordings(ctx, recordingsql.ExpiredRecordingsParams{Store: s.d.Store.ID(), Now: now, Page: page})
			return err
		})
		if err != nil {
			return total, fmt.Errorf("list recordings past their retention: %w", err)
		}
		for _, r := range rows {
			if err := s.pruneOne(ctx, id.Org(r.OrgID), id.Recording(r.ID), now); err != nil {
				return total, err
			}
			total++
		}
		if len(rows) < page {
			return total, nil
		}
	}
}

// pruneOne first says that a recording is gone and then deletes it, so that nobody
// opens one that is being deleted; when it is interrupted, it is found again.
func (s *Service) pruneOne(ctx context.Context, org id.Org, rec id.Recording, now int64) error {
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		_, err := recordingsql.New(tx).PruneRecording(ctx, recordingsql.PruneRecordingParams{OrgID: string(org), ID: string(rec), Now: now})
		return err
	})
	if err != nil {
		return fmt.Errorf("prune recording %s: %w", rec, err)
	}
	if err := s.d.Store.Remove(rec); err != nil {
		return err
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		return recordingsql.New(tx).RemovedRecording(ctx, recordingsql.RemovedRecordingParams{OrgID: string(org), ID: string(rec)})
	})
	if err != nil {
		return fmt.Errorf("prune recording %s: %w", rec, err)
	}
	return nil
}

package recording

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/recordingsql"
)

// Prune deletes the recordings of this folder whose retention is over, and returns
// how many. Their rows stay, with the root hash. What a legal hold keeps is passed over,
// and looked at again with the next call. A server calls it from time to time.
func (s *Service) Prune(ctx context.Context) (int, error) {
	const page = 200
	total := 0
	after := recordingsql.ExpiredRecordingsRow{RetentionUntil: -1}
	for {
		now := db.Micros(s.d.Now())
		var rows []recordingsql.ExpiredRecordingsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = recordingsql.New(tx).ExpiredRecordings(ctx, recordingsql.ExpiredRecordingsParams{Store: s.d.Store.ID(), Now: now, After: after.RetentionUntil, AfterID: after.ID, Page: page})
			return err
		})
		if err != nil {
			return total, fmt.Errorf("list recordings past their retention: %w", err)
		}
		for _, r := range rows {
			pruned, err := s.pruneOne(ctx, id.Org(r.OrgID), id.Recording(r.ID), now)
			if err != nil {
				return total, err
			}
			if after = r; pruned {
				total++
			}
		}
		if len(rows) < page {
			return total, nil
		}
	}
}

// pruneOne first says that a recording is gone and then deletes it, so that nobody
// opens one that is being deleted; when it is interrupted, it is found again.
func (s *Service) pruneOne(ctx context.Context, org id.Org, rec id.Recording, now int64) (bool, error) {
	held := false
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		if s.d.Held != nil {
			if held, err = s.d.Held(ctx, tx, org); err != nil || held {
				return err
			}
		}
		_, err = recordingsql.New(tx).PruneRecording(ctx, recordingsql.PruneRecordingParams{OrgID: string(org), ID: string(rec), Now: now})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("prune recording %s: %w", rec, err)
	}
	if held {
		return false, nil
	}
	if err := s.d.Store.Remove(rec); err != nil {
		return false, err
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		return recordingsql.New(tx).RemovedRecording(ctx, recordingsql.RemovedRecordingParams{OrgID: string(org), ID: string(rec)})
	})
	if err != nil {
		return false, fmt.Errorf("prune recording %s: %w", rec, err)
	}
	return true, nil
}

package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// The bounds of how long recordings are kept, in days.
const (
	minRecordingDays = 7
	maxRecordingDays = 3650
)

const day = 24 * time.Hour

// RecordingRetention is how long an organization keeps a recording after its session has
// ended; 0 is the installation's time.
func (s *Service) RecordingRetention(ctx context.Context, tx *db.Tx, org id.Org) (time.Duration, error) {
	st, err := s.settings(ctx, tx, org)
	return time.Duration(st.RecordingDays) * day, err
}

// SetRecordingRetention says how many days the recordings of sessions that end from now
// on are kept; 0 is the installation's time. Shortening wants a fresh second factor.
func (s *Service) SetRecordingRetention(ctx context.Context, actor authz.Actor, days int) (Settings, error) {
	org := actor.Org
	var old Settings
	ev := func() event.RetentionPolicyChanged {
		was, is := s.effective(old.RecordingDays), s.effective(days)
		return event.NewRetentionPolicyChanged(event.By(actor, event.TenantAdmin), event.PolicyTarget("", "retention of recordings"), event.DataClassRecordings,
			is < was, event.LegalHoldUnchanged).WithOldDays(was).WithNewDays(is)
	}
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(org)); err != nil {
		if org == "" {
			return Settings{}, err
		}
		return Settings{}, s.refused(ctx, actor, err, ev().Denied(event.RetentionPolicyChangedNotPermitted))
	}
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		old, err = s.settingsWithName(ctx, tx, org)
		return err
	})
	if err != nil {
		return Settings{}, err
	}
	switch {
	case days != 0 && days < minRecordingDays:
		f := fault.New(fault.Invalid, "recordings are kept for at least %d days", minRecordingDays).WithCode("BELOW_MINIMUM").WithField("recording_days", "must be 0, or from %d to %d", minRecordingDays, maxRecordingDays)
		return Settings{}, s.refused(ctx, actor, f, ev().Denied(event.RetentionPolicyChangedBelowMinimum))
	case days > maxRecordingDays:
		return Settings{}, fault.New(fault.Invalid, "recordings are kept for at most %d days", maxRecordingDays).WithField("recording_days", "must be 0, or from %d to %d", minRecordingDays, maxRecordingDays)
	case days == old.RecordingDays:
		return old, nil
	case s.effective(days) < s.effective(old.RecordingDays):
		if err := s.inPerson(actor); err != nil {
			return Settings{}, s.refused(ctx, actor, err, ev().Denied(event.RetentionPolicyChangedNotPermitted))
		}
	}
	next := old
	next.RecordingDays, next.Version = days, old.Version+1
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.storeSettings(ctx, tx, event.By(actor, event.TenantAdmin), actor, governance.Permit{}, org, old, next, nil); err != nil {
			return err
		}
		kept, err := json.Marshal([]SettingChange{{Field: "recording_days", From: strconv.Itoa(old.RecordingDays), To: strconv.Itoa(days)}})
		if err != nil {
			return fmt.Errorf("encode a change: %w", err)
		}
		if err := tenancysql.New(tx).InsertSettingChange(ctx, tenancysql.InsertSettingChangeParams{OrgID: string(org), Version: int64(next.Version),
			GroupName: event.SettingGroupOther.String(), Changes: string(kept), ActorID: string(actor.User), ActorName: actor.Name, Now: s.now()}); err != nil {
			return fmt.Errorf("store a change of settings: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev())
		return err
	})
	if err != nil {
		return Settings{}, fmt.Errorf("change the retention of recordings: %w", err)
	}
	return next, nil
}

// effective is how many days recordings are kept under a setting.
func (s *Service) effective(days int) int {
	if days == 0 {
		return int(s.d.RecordingRetention / day)
	}
	return days
}

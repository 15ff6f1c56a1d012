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
	var next Settings
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		next, _, err = s.setRetention(ctx, tx, actor, governance.Permit{}, old, days)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Settings{}, fmt.Errorf("change the retention of recordings: %w", err)
	}
	return next, nil
}

// retentionPayload is how long recordings are to be kept.
type retentionPayload struct {
	Days int `json:"days"`
}

func (s *Service) setRetention(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, old Settings, days int) (Settings, id.Event, error) {
	fail := func(err error) (Settings, id.Event, error) { return Settings{}, "", err }
	org := actor.Org
	was, is := s.effective(old.RecordingDays), s.effective(days)
	if is < was || p.Given() {
		c := governance.Change{Kind: shortenRetention, Subject: string(org), Name: old.Name, Payload: retentionPayload{days},
			Summary: fmt.Sprintf("keep recordings for %d days in place of %d", is, was),
			Fields:  shorterFields(was, is)}
		if err := s.d.Governance.Demand(ctx, tx, actor, p, c); err != nil {
			return fail(err)
		}
	}
	next := old
	next.RecordingDays, next.Version = days, old.Version+1
	if _, err := s.storeSettings(ctx, tx, event.By(actor, event.TenantAdmin), actor, p, org, old, next, nil); err != nil {
		return fail(err)
	}
	kept, err := json.Marshal([]SettingChange{{Field: "recording_days", From: strconv.Itoa(old.RecordingDays), To: strconv.Itoa(days)}})
	if err != nil {
		return fail(fmt.Errorf("encode a change: %w", err))
	}
	if err := tenancysql.New(tx).InsertSettingChange(ctx, tenancysql.InsertSettingChangeParams{OrgID: string(org), Version: int64(next.Version),
		GroupName: event.SettingGroupOther.String(), Changes: string(kept), ActorID: string(actor.User), ActorName: actor.Name, Now: s.now()}); err != nil {
		return fail(fmt.Errorf("store a change of settings: %w", err))
	}
	ev := event.NewRetentionPolicyChanged(event.By(actor, event.TenantAdmin), event.PolicyTarget("", "retention of recordings"), event.DataClassRecordings,
		is < was, event.LegalHoldUnchanged).WithOldDays(was).WithNewDays(is)
	if p.Given() {
		ev = ev.WithGovernanceActionID(p.Action())
	}
	told, err := s.d.Ledger.Record(ctx, tx, ev)
	return next, told, err
}

func shorterFields(was, is int) []governance.Field {
	if is == was {
		return nil
	}
	return []governance.Field{{Field: "days that recordings are kept", From: strconv.Itoa(was), To: strconv.Itoa(is)}}
}

func (s *Service) retentionFields(ctx context.Context, tx *db.Tx, org id.Org, v retentionPayload) ([]governance.Field, error) {
	old, err := s.settings(ctx, tx, org)
	return shorterFields(s.effective(old.RecordingDays), s.effective(v.Days)), err
}

func (s *Service) applyRetention(ctx context.Context, tx *db.Tx, p governance.Permit, v retentionPayload) (id.Event, error) {
	actor := p.Actor()
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(actor.Org)); err != nil {
		return "", err
	}
	old, err := s.settingsWithName(ctx, tx, actor.Org)
	if err != nil {
		return "", err
	}
	_, told, err := s.setRetention(ctx, tx, actor, p, old, v.Days)
	return told, err
}

// effective is how many days recordings are kept under a setting.
func (s *Service) effective(days int) int {
	if days == 0 {
		return int(s.d.RecordingRetention / day)
	}
	return days
}

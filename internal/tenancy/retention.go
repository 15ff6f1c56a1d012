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

const day = 24 * time.Hour

// The bounds of how long things are kept, in days.
const (
	minRecordingDays = 7
	maxDays          = 3650

	// MinAuditDays is the least for which payloads of the audit log are kept, where the
	// platform's administrators have not set a lower bound for an organization.
	MinAuditDays = 365
	// lowestAuditDays is the lowest bound that they may set.
	lowestAuditDays = 30

	// DefaultAuditRetention is for how long they are kept where nothing is set.
	DefaultAuditRetention = 400 * day
)

// Kept is a class of data that is deleted when its time is over.
type Kept string

// What is kept for a time.
const (
	Recordings    Kept = "recordings"
	AuditPayloads Kept = "audit"
)

// keeping is what differs between the classes.
type keeping struct {
	class  event.DataClass
	target string // of events
	noun   string // in sentences
	field  string // of the API and the history
}

func (k Kept) keeping() keeping {
	if k == AuditPayloads {
		return keeping{event.DataClassAudit, "retention of the audit log", "the content of the audit log", "audit_days"}
	}
	return keeping{event.DataClassRecordings, "retention of recordings", "recordings", "recording_days"}
}

// days is what an organization has set for a class; 0 is the installation's.
func (st *Settings) days(k Kept) *int {
	if k == AuditPayloads {
		return &st.AuditDays
	}
	return &st.RecordingDays
}

// LeastAuditDays is the least that may be set for the audit log.
func (st Settings) LeastAuditDays() int {
	if st.AuditMinimum == 0 {
		return MinAuditDays
	}
	return st.AuditMinimum
}

// minimum is the least that an organization may set for a class.
func (st *Settings) minimum(k Kept) int {
	if k == AuditPayloads {
		return st.LeastAuditDays()
	}
	return minRecordingDays
}

// effective is for how many days a class is kept under settings: what was set before the
// platform raised the bound does not go below it.
func (s *Service) effective(st Settings, k Kept) int {
	days := *st.days(k)
	if days == 0 {
		days = int(s.d.RecordingRetention / day)
		if k == AuditPayloads {
			days = int(s.d.AuditRetention / day)
		}
	}
	if k == AuditPayloads {
		return max(days, st.LeastAuditDays())
	}
	return days
}

// RecordingRetention is how long an organization keeps a recording after its session
// has ended; 0 is the installation's time.
func (s *Service) RecordingRetention(ctx context.Context, tx *db.Tx, org id.Org) (time.Duration, error) {
	st, err := s.settings(ctx, tx, org)
	return time.Duration(st.RecordingDays) * day, err
}

// AuditDays is for how many days payloads of an organization's audit log are kept.
func (s *Service) AuditDays(ctx context.Context, tx *db.Tx, org id.Org) (int, error) {
	st, err := s.settings(ctx, tx, org)
	return s.effective(st, AuditPayloads), err
}

func (s *Service) retentionChanged(act event.Act, k Kept, was, is int) event.RetentionPolicyChanged {
	return event.NewRetentionPolicyChanged(act, event.PolicyTarget("", k.keeping().target), k.keeping().class, is < was, event.LegalHoldUnchanged).WithOldDays(was).WithNewDays(is)
}

// SetRetention says how many days a class of data is kept; 0 is the installation's time.
// For recordings it holds for sessions that end from now on, for the audit log for what is
// there too. Shortening wants a fresh second factor and a second person, and none while a
// legal hold is in force.
func (s *Service) SetRetention(ctx context.Context, actor authz.Actor, k Kept, days int) (Settings, error) {
	org, w := actor.Org, k.keeping()
	var old Settings
	refused := func(err error, why event.RetentionPolicyChangedReason) (Settings, error) {
		next := old
		*next.days(k) = days
		is := days // as it was asked for, also where it is below the minimum
		if is == 0 {
			is = s.effective(next, k)
		}
		ev := s.retentionChanged(event.By(actor, event.TenantAdmin), k, s.effective(old, k), is)
		return Settings{}, s.refused(ctx, actor, err, ev.Denied(why))
	}
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(org)); err != nil {
		if org == "" {
			return Settings{}, err
		}
		return refused(err, event.RetentionPolicyChangedNotPermitted)
	}
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		old, err = s.settingsWithName(ctx, tx, org)
		return err
	})
	if err != nil {
		return Settings{}, err
	}
	next := old
	*next.days(k) = days
	least := old.minimum(k)
	switch {
	case days != 0 && days < least:
		f := fault.New(fault.Invalid, "%s is kept for at least %d days", w.noun, least)
		if k == Recordings {
			f = fault.New(fault.Invalid, "recordings are kept for at least %d days", least)
		}
		return refused(f.WithCode("BELOW_MINIMUM").WithField(w.field, "must be 0, or from %d to %d", least, maxDays), event.RetentionPolicyChangedBelowMinimum)
	case days > maxDays:
		return Settings{}, fault.New(fault.Invalid, "the period is at most %d days", maxDays).WithField(w.field, "must be 0, or from %d to %d", least, maxDays)
	case days == *old.days(k):
		return old, nil
	case s.effective(next, k) < s.effective(old, k):
		if err := s.inPerson(actor); err != nil {
			return refused(err, event.RetentionPolicyChangedNotPermitted)
		}
		if len(old.Holds) > 0 {
			return refused(underHold(old.Holds, "kept for a shorter time"), event.RetentionPolicyChangedLegalHoldActive)
		}
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		next, _, err = s.setRetention(ctx, tx, actor, governance.Permit{}, old, k, days)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Settings{}, fmt.Errorf("change the retention of %s: %w", k, err)
	}
	return next, nil
}

// retentionPayload is how long something is to be kept.
type retentionPayload struct {
	Days int  `json:"days"`
	Kept Kept `json:"kept,omitempty"` // empty: recordings
}

func (v retentionPayload) kept() Kept {
	if v.Kept == "" {
		return Recordings
	}
	return v.Kept
}

func (s *Service) setRetention(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, old Settings, k Kept, days int) (Settings, id.Event, error) {
	fail := func(err error) (Settings, id.Event, error) { return Settings{}, "", err }
	org, w := actor.Org, k.keeping()
	next := old
	*next.days(k), next.Version = days, old.Version+1
	was, is := s.effective(old, k), s.effective(next, k)
	if is < was || p.Given() {
		if err := s.unheld(ctx, tx, org, "kept for a shorter time"); err != nil {
			return fail(err)
		}
		c := governance.Change{Kind: shortenRetention, Subject: string(org), Name: old.Name, Payload: retentionPayload{days, k},
			Summary: fmt.Sprintf("keep %s for %d days in place of %d", w.noun, is, was),
			Fields:  shorterFields(k, was, is)}
		if err := s.d.Governance.Demand(ctx, tx, actor, p, c); err != nil {
			return fail(err)
		}
	}
	if _, err := s.storeSettings(ctx, tx, event.By(actor, event.TenantAdmin), actor, p, org, old, next, nil); err != nil {
		return fail(err)
	}
	kept, err := json.Marshal([]SettingChange{{Field: w.field, From: strconv.Itoa(*old.days(k)), To: strconv.Itoa(days)}})
	if err != nil {
		return fail(fmt.Errorf("encode a change: %w", err))
	}
	if err := tenancysql.New(tx).InsertSettingChange(ctx, tenancysql.InsertSettingChangeParams{OrgID: string(org), Version: int64(next.Version),
		GroupName: event.SettingGroupOther.String(), Changes: string(kept), ActorID: string(actor.User), ActorName: actor.Name, Now: s.now()}); err != nil {
		return fail(fmt.Errorf("store a change of settings: %w", err))
	}
	ev := s.retentionChanged(event.By(actor, event.TenantAdmin), k, was, is)
	if p.Given() {
		ev = ev.WithGovernanceActionID(p.Action())
	}
	told, err := s.d.Ledger.Record(ctx, tx, ev)
	tx.AfterCommit(s.d.OnRetention)
	return next, told, err
}

func shorterFields(k Kept, was, is int) []governance.Field {
	if is == was {
		return nil
	}
	what := map[Kept]string{Recordings: "days that recordings are kept", AuditPayloads: "days that the content of the audit log is kept"}
	return []governance.Field{{Field: what[k], From: strconv.Itoa(was), To: strconv.Itoa(is)}}
}

func (s *Service) retentionFields(ctx context.Context, tx *db.Tx, org id.Org, v retentionPayload) ([]governance.Field, error) {
	old, err := s.settings(ctx, tx, org)
	k, next := v.kept(), old
	*next.days(k) = v.Days
	return shorterFields(k, s.effective(old, k), s.effective(next, k)), err
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
	if least := old.minimum(v.kept()); v.Days != 0 && v.Days < least {
		return "", fault.New(fault.Conflict, "the period is below the minimum of %d days by now", least)
	}
	_, told, err := s.setRetention(ctx, tx, actor, p, old, v.kept(), v.Days)
	return told, err
}

// SetAuditMinimum lowers or raises the least for which an organization may set that
// payloads of its audit log are kept; 0 is MinAuditDays. It is for administrators of the
// platform, who do not set the period itself: for fewer days than usual both must agree.
func (s *Service) SetAuditMinimum(ctx context.Context, actor authz.Actor, org id.Org, days int) (Settings, error) {
	from := actor
	actor.Org, actor.Role = "", authz.None
	if err := s.platformInPerson(actor); err != nil {
		return Settings{}, s.refusedOn(ctx, from, org, err, func(act event.Act, name string) event.Event {
			return event.NewTenantSettingsUpdated(act, event.TenantTarget(org, name), event.SettingGroupOther, []event.Change{}, []string{}).Denied(event.TenantSettingsUpdatedNotPermitted)
		})
	}
	if days != 0 && (days < lowestAuditDays || days > maxDays) {
		wrong := fmt.Sprintf("must be 0, which is %d, or from %d to %d", MinAuditDays, lowestAuditDays, maxDays)
		return Settings{}, fault.New(fault.Invalid, "the minimum %s", wrong).WithField("audit_minimum_days", "%s", wrong)
	}
	if days == MinAuditDays {
		days = 0
	}
	return s.setByPlatform(ctx, actor, org, func(st *Settings) { st.AuditMinimum = days })
}

package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// SettingLog is the history of settings, for those who keep settings of an organization
// in tables of their own.
type SettingLog struct {
	Now func() time.Time
}

// Keep enters a change into the history of the actor's organization, as a new version of
// its settings, in the transaction of the change.
func (l SettingLog) Keep(ctx context.Context, tx *db.Tx, actor authz.Actor, g event.SettingGroup, changes []event.Change) error {
	told := make([]SettingChange, len(changes))
	for i, c := range changes {
		told[i].Field, told[i].From, told[i].To = c.Told()
	}
	kept, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("encode changes: %w", err)
	}
	q, org, now := tenancysql.New(tx), string(actor.Org), db.Micros(l.Now())
	version, err := q.NextSettingsVersion(ctx, tenancysql.NextSettingsVersionParams{OrgID: org, Empty: []byte{}, Now: now})
	if err != nil {
		return fmt.Errorf("count the versions of settings: %w", err)
	}
	if err := q.InsertSettingChange(ctx, tenancysql.InsertSettingChangeParams{OrgID: org, Version: version, GroupName: g.String(), Changes: string(kept), ActorID: string(actor.User), ActorName: actor.Name, Now: now}); err != nil {
		return fmt.Errorf("store a change of settings: %w", err)
	}
	return nil
}

package ledger

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestSessionsAreRefusedWhileNothingCanBeWritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		if err := l.Healthy(); fault.CodeOf(err) != CodeUnavailable {
			t.Errorf("before Run: %v", err)
		}
		l.clock(t.Context())
		if err := l.Healthy(); err != nil {
			t.Errorf("after a first write: %v", err)
		}
		c.pass(silentTime + time.Second)
		if err := l.Healthy(); fault.CodeOf(err) != CodeUnavailable {
			t.Errorf("after a long silence: %v", err)
		}
		l.clock(t.Context())
		if err := l.Healthy(); err != nil {
			t.Errorf("after a probe: %v", err)
		}
		d.Close()
		if err := l.RecordRefusal(t.Context(), added(orgA, "web")); err == nil {
			t.Fatal("recorded in a closed store")
		}
		l.clock(t.Context())
		if err := l.Healthy(); fault.CodeOf(err) != CodeUnavailable || !fault.Is(err, fault.Unavailable) {
			t.Errorf("with the store gone: %v", err)
		}
	})
}

func TestBacklogRefusesSessionsOfItsOrganizationOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		record(t, l, orgA, added(orgA, "web"))
		record(t, l, orgB, added(orgB, "web"))
		l.clock(t.Context())
		stats, err := l.Stats(t.Context())
		if err != nil || len(stats) != 2 {
			t.Fatalf("%+v, %v", stats, err)
		}
		for _, s := range stats {
			if s.Waiting != 1 || s.Size != 0 || s.Oldest.IsZero() {
				t.Errorf("before numbering: %+v", s)
			}
		}
		l.health.backlog = []ledgersql.BacklogsRow{{OrgID: string(orgA), Waiting: refuseRows}, {OrgID: string(orgB), Waiting: refuseRows - 1}}
		if err := l.HealthyFor(orgA); fault.CodeOf(err) != CodeUnavailable {
			t.Errorf("A: %v", err)
		}
		if err := l.HealthyFor(orgB); err != nil {
			t.Errorf("B: %v", err)
		}
	})
}

// What must never be done to a recorded event is refused by the database itself.
func TestDatabaseRefusesChangesOfTheRecord(t *testing.T) {
	statements := map[string]string{
		"payload":    `update audit_event set payload = salt where org_id = $org`,
		"constant":   `update audit_event set constant = 'X' where org_id = $org`,
		"time":       `update audit_event set recorded_at = 0 where org_id = $org`,
		"hash":       `update audit_event set payload_hash = salt where org_id = $org`,
		"number":     `update audit_event set seq = seq + 1 where org_id = $org`,
		"unnumber":   `update audit_event set seq = null where org_id = $org`,
		"half prune": `update audit_event set pruned_at = 1 where org_id = $org`,
		"delete":     `delete from audit_event where org_id = $org`,
		"numbered":   `insert into audit_event (org_id, log_id, id, recorded_at, constant, payload, salt, payload_hash, seq) select org_id, log_id, 'x', 0, 'X', payload, salt, payload_hash, 7 from audit_event where org_id = $org`,
		"tile":       `update audit_tile set hashes = substr(hashes, 2) where org_id = $org`,
		"no tile":    `delete from audit_tile where org_id = $org`,
		"checkpoint": `update audit_checkpoint set tree_size = 0 where org_id = $org`,
		"no signing": `delete from audit_checkpoint where org_id = $org`,
		"shrink":     `update audit_log set tree_size = 0 where org_id = $org`,
		"rename":     `update audit_log set log_id = 'x' where org_id = $org`,
		"no ledger":  `delete from audit_log where org_id = $org`,
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		record(t, l, orgA, added(orgA, "web"))
		sign(t, l, orgA)
		for name, s := range statements {
			s = strings.ReplaceAll(s, "$org", "'"+string(orgA)+"'")
			// The owner of the tables meets the triggers.
			if _, err := d.Raw().ExecContext(t.Context(), s); err == nil || !strings.Contains(err.Error(), "never") && !strings.Contains(err.Error(), "only grows") && !strings.Contains(err.Error(), "without a number") {
				t.Errorf("%s, as the owner: %v", name, err)
			}
			err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, s)
				return err
			})
			if err == nil {
				t.Errorf("%s, as the application, was allowed", name)
			}
		}
		prune := strings.ReplaceAll(`update audit_event set payload = null, salt = null, pruned_at = 1 where org_id = $org`, "$org", "'"+string(orgA)+"'")
		if err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			if tx.Engine() == db.SQLite {
				return nil // has no roles
			}
			_, err := tx.ExecContext(ctx, prune)
			if err == nil {
				t.Error("the application may prune")
			}
			return nil
		}); err != nil && d.Engine() == db.SQLite {
			t.Error(err)
		}
		if err := d.InRole(t.Context(), db.Pruner, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, prune)
			return err
		}); err != nil {
			t.Errorf("the pruner: %v", err)
		}
	})
}

package tenancy_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/retention"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

const changed = "RETENTION_POLICY_CHANGED"

func TestTheAuditLogIsKeptForItsLeast(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		set := func(days int) error {
			_, err := w.Tenancy.SetRetention(t.Context(), owner.Actor, tenancy.AuditPayloads, days)
			return err
		}
		days := func() (n int) {
			err := w.DB.ReadOrg(t.Context(), owner.Org(), func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = w.Tenancy.AuditDays(ctx, tx, owner.Org())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err := set(364); fault.CodeOf(err) != "BELOW_MINIMUM" || days() != 400 {
			t.Error(err, days())
		}
		if e := w.Expect(t, changed+" below_minimum")[0]; Meta(e, "data_class") != "audit" || Meta(e, "old_days") != "400" || Meta(e, "new_days") != "364" {
			t.Errorf("%+v", e)
		}
		if err := set(500); err != nil || days() != 500 {
			t.Error(err, days())
		}
		if e := w.Expect(t, changed)[0]; Meta(e, "shortened") != "false" || Meta(e, "new_days") != "500" || Meta(e, "legal_hold") != "unchanged" {
			t.Errorf("%+v", e)
		}
		if err := set(365); err != nil || days() != 365 {
			t.Error(err, days())
		}
		if e := w.Expect(t, changed)[0]; Meta(e, "shortened") != "true" {
			t.Errorf("%+v", e)
		}
		// The platform lowers the least, and does not set the period.
		if _, err := w.Tenancy.SetAuditMinimum(t.Context(), owner.Actor, owner.Org(), 100); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED not_permitted")
		if _, err := w.Tenancy.SetAuditMinimum(t.Context(), w.Admin.Actor, owner.Org(), 29); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if _, err := w.Tenancy.SetAuditMinimum(t.Context(), w.Admin.Actor, owner.Org(), 100); err != nil || days() != 365 {
			t.Error(err, days())
		}
		if e := w.Expect(t, "TENANT_SETTINGS_UPDATED")[0]; Meta(e, "weakened_controls") != "[audit_minimum_days]" || e.Actor.Type != "PlatformAdmin" || e.OrgID != owner.Org() {
			t.Errorf("%+v", e)
		}
		if err := set(100); err != nil || days() != 100 {
			t.Error(err, days())
		}
		if _, err := w.Tenancy.SetAuditMinimum(t.Context(), w.Admin.Actor, owner.Org(), 0); err != nil || days() != 365 {
			t.Error("what was set stays above the least", err, days())
		}
		w.Take(t)
		w.Clock.Pass(16 * time.Minute)
		if _, err := w.Tenancy.SetAuditMinimum(t.Context(), w.Admin.Actor, owner.Org(), 100); fault.CodeOf(err) != authz.StepUpRequired {
			t.Error(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED not_permitted")
	})
}

func TestLegalHoldsOfBothSides(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		robot := owner.Actor
		robot.Kind = authz.Token
		w.Take(t)
		tn, ctx, org := w.Tenancy, t.Context(), owner.Org()
		for _, who := range []authz.Actor{bob.Actor, robot} {
			if err := tn.SetHold(ctx, who, "because"); !fault.Is(err, fault.Denied) {
				t.Error(err)
			}
			w.Expect(t, changed+" not_permitted")
		}
		if err := tn.SetPlatformHold(ctx, owner.Actor, org, "because"); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		w.Expect(t, changed+" not_permitted")
		if err := tn.SetPlatformHold(ctx, w.Admin.Actor, id.New[id.Org](), "because"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		for _, wrong := range []string{"", strings.Repeat("x", 2001), "a\x00b"} {
			if err := tn.SetHold(ctx, owner.Actor, wrong); !fault.Is(err, fault.Invalid) {
				t.Error(err)
			}
		}
		if err := tn.LiftHold(ctx, owner.Actor, "because"); fault.CodeOf(err) != tenancy.HoldState {
			t.Error(err)
		}
		w.Expect(t)

		if err := tn.SetHold(ctx, owner.Actor, "the case of May"); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, changed, changed)
		if Meta(e[0], "data_class") != "audit" || Meta(e[1], "data_class") != "recordings" || Meta(e[0], "legal_hold") != "set" || Meta(e[1], "legal_hold") != "set" || e[0].RequestID != e[1].RequestID || e[0].Actor.Type != "TenantAdmin" {
			t.Errorf("%+v", e)
		}
		if err := tn.SetHold(ctx, owner.Actor, "again"); fault.CodeOf(err) != tenancy.HoldState {
			t.Error(err)
		}
		// Under a hold: nothing shorter, no end of the organization, longer is allowed.
		for _, k := range []tenancy.Kept{tenancy.Recordings, tenancy.AuditPayloads} {
			if _, err := tn.SetRetention(ctx, owner.Actor, k, 800); err != nil {
				t.Error(err)
			}
			w.Expect(t, changed)
			if _, err := tn.SetRetention(ctx, owner.Actor, k, 700); fault.CodeOf(err) != tenancy.LegalHold {
				t.Error(err)
			}
			w.Expect(t, changed+" legal_hold_active")
		}
		if err := tn.Delete(ctx, owner.Actor, tenancy.DeleteArgs{Confirm: "acme"}); fault.CodeOf(err) != tenancy.LegalHold {
			t.Error(err)
		}
		if err := tn.SetPlatformHold(ctx, w.Admin.Actor, org, "asked for by a court"); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, changed, changed); e[0].Actor.Type != "PlatformAdmin" || e[0].OrgID != org {
			t.Errorf("%+v", e)
		}
		st, err := tn.Settings(ctx, owner.Actor)
		if err != nil || len(st.Holds) != 2 || st.Holds[0].Platform || st.Holds[0].Reason != "the case of May" || !st.Holds[1].Platform {
			t.Errorf("%+v %v", st.Holds, err)
		}
		if o, err := tn.Overview(ctx, w.Admin.Actor, org); err != nil || len(o.Holds) != 2 || o.AuditMinimum != 365 {
			t.Errorf("%+v %v", o, err)
		}
		// Each side lifts its own.
		if err := tn.LiftHold(ctx, owner.Actor, "closed"); err != nil {
			t.Error(err)
		}
		if e := w.Expect(t, changed, changed); Meta(e[0], "legal_hold") != "lifted" {
			t.Errorf("%+v", e)
		}
		if err := tn.LiftHold(ctx, owner.Actor, "closed"); fault.CodeOf(err) != tenancy.HoldState || !strings.Contains(err.Error(), "platform") {
			t.Error(err)
		}
		w.Clock.Pass(16 * time.Minute)
		if err := tn.LiftPlatformHold(ctx, w.Admin.Actor, org, "closed"); fault.CodeOf(err) != authz.StepUpRequired {
			t.Error(err)
		}
		w.Expect(t, changed+" not_permitted")
		w.Admin.Actor.MFAAt, owner.Actor.MFAAt = w.Clock.Now(), w.Clock.Now()
		if err := tn.LiftPlatformHold(ctx, w.Admin.Actor, org, "closed"); err != nil {
			t.Error(err)
		}
		w.Expect(t, changed, changed)
		if err := tn.Delete(ctx, owner.Actor, tenancy.DeleteArgs{Confirm: "acme"}); err != nil {
			t.Error(err)
		}
	})
}

// holding sets a hold when pruning has begun.
type holding struct {
	*ledger.Ledger
	set func()
	org id.Org
}

func (h holding) Prune(ctx context.Context, org id.Org, limit func(context.Context, *db.Tx) (ledger.PruneLimit, error)) (int, error) {
	return h.Ledger.Prune(ctx, org, func(ctx context.Context, tx *db.Tx) (ledger.PruneLimit, error) {
		l, err := limit(ctx, tx)
		if org == h.org {
			h.set()
		}
		return l, err
	})
}

// A hold that is set while a batch is pruned waits for it: when it is in force, nothing
// is pruned any more, not even by what is under way.
func TestHoldStopsPruningInTheMiddle(t *testing.T) {
	world(t, func(t *testing.T, w *World, owner Someone) {
		org := owner.Org()
		pruned := func() (n int) {
			if err := w.DB.ReadOrg(t.Context(), org, func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRowContext(ctx, `select count(*) from audit_event where org_id = $1 and pruned_at is not null`, string(org)).Scan(&n)
			}); err != nil {
				t.Error(err)
			}
			return n
		}
		service := func(l retention.Ledger) *retention.Service {
			s, err := retention.New(retention.Deps{DB: w.DB, Ledger: l, Policies: w.Tenancy, Days: 400, Now: w.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		round := func(s *retention.Service) {
			t.Helper()
			if err := w.Ledger.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		plain := service(w.Ledger)
		w.Clock.Pass(399 * 24 * time.Hour)
		round(plain)
		if n := pruned(); n != 0 {
			t.Errorf("%d pruned too early", n)
		}
		w.Clock.Pass(2 * 24 * time.Hour)
		owner.Actor.MFAAt = w.Clock.Now()
		var once sync.Once
		var group sync.WaitGroup
		atHold := -1
		round(service(holding{w.Ledger, func() {
			once.Do(func() {
				group.Go(func() {
					if err := w.Tenancy.SetHold(t.Context(), owner.Actor, "the case of May"); err != nil {
						t.Error(err)
					}
					atHold = pruned()
				})
			})
		}, org}))
		group.Wait()
		if n := pruned(); n == 0 || n != atHold {
			t.Errorf("%d were pruned when the hold was in force, and %d in the end", atHold, n)
		}
		w.Clock.Pass(500 * 24 * time.Hour)
		round(plain)
		if n := pruned(); n != atHold {
			t.Errorf("%d pruned under a hold, %d before it", n, atHold)
		}
		var ledgers []string
		if next, err := w.Ledger.NextToPrune(t.Context()); err != nil {
			t.Error(err)
		} else {
			for org := range next {
				ledgers = append(ledgers, string(org))
			}
		}
		if !slices.Equal(ledgers, []string{string(org)}) {
			t.Errorf("the platform's ledger is pruned to its end: %q", ledgers)
		}
		owner.Actor.MFAAt = w.Clock.Now()
		if err := w.Tenancy.LiftHold(t.Context(), owner.Actor, "closed"); err != nil {
			t.Fatal(err)
		}
		round(plain)
		if n := pruned(); n <= atHold {
			t.Errorf("%d pruned when the hold was lifted, %d before", n, atHold)
		}
	})
}

package auditexport_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/review"
	"github.com/vaultpam/vaultpam/internal/auditexport"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

type noMail struct{}

func (noMail) Prepare(context.Context, id.Org, notify.Message) (notify.Prepared, error) {
	return notify.Prepared{}, nil
}
func (noMail) Queue(context.Context, *db.Tx, notify.Prepared) error { return nil }

type scene struct {
	*safetest.World
	*auditexport.Service
	queue *governance.Service
}

func each(t *testing.T, f func(t *testing.T, s *scene)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: safetest.New(t, d)}
		now := func() time.Time { return s.Now }
		log, err := review.New(review.Deps{Ledger: s.Ledger, Now: now})
		if err == nil {
			s.queue, err = governance.New(governance.Deps{DB: d, Ledger: s.Ledger, Seal: s.Keyring, Members: tenancy.Directory{}, Mail: noMail{}, Now: now})
		}
		if err == nil {
			s.Service, err = auditexport.New(auditexport.Deps{DB: d, Log: log, Governance: s.queue, Now: now})
		}
		if err != nil {
			t.Fatal(err)
		}
		s.queue.Register(s.Governed()...)
		for _, a := range []authz.Actor{s.Owner, s.Admin} {
			if _, err := s.DB.Raw().Exec(`insert into mfa_factor (id, person_id, kind, name, secret, created_at, confirmed_at, last_step, last_used_at) values ($1, $2, 'totp', 'phone', $3, 1, 1, 0, 0)`,
				"fac_"+string(a.User), string(a.User), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		f(t, s)
	})
}

// takes exports and reads the bundle.
func (s *scene) takes(t *testing.T, who authz.Actor, first int64) error {
	t.Helper()
	x, err := s.Export(t.Context(), who, first)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := x.Write(t.Context(), &b); err != nil || b.Len() == 0 {
		t.Fatalf("%v, %d bytes", err, b.Len())
	}
	return nil
}

func (s *scene) waits(t *testing.T, who authz.Actor, first int64) governance.Action {
	t.Helper()
	var w *governance.Waiting
	if err := s.takes(t, who, first); !errors.As(err, &w) {
		t.Fatalf("from %d it does not wait: %v", first, err)
	}
	return w.Action
}

func (s *scene) fresh(a authz.Actor) authz.Actor { a.MFAAt = s.Now; return a }

// grow records events, and gives how many there are.
func (s *scene) grow(t *testing.T, n int) int64 {
	t.Helper()
	for range n {
		if err := s.Ledger.RecordRefusal(t.Context(), event.NewAuditLogViewed(event.By(s.Auditor, event.User), event.AuditLogTarget("", "audit log"), event.AuditReadViaAPI, nil, 0)); err != nil {
			t.Fatal(err)
		}
	}
	cp, err := s.Ledger.Sign(t.Context(), s.Org)
	if err != nil {
		t.Fatal(err)
	}
	return cp.Size
}

func TestTheWholeLogIsTakenOutByTwo(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		size := s.grow(t, 40)
		s.Events()
		a := s.waits(t, s.Auditor, 0)
		if all := s.Events(); len(all) != 2 || all[0].Constant != event.AUDIT_LOG_EXPORT_REQUESTED || all[0].Reason != "needs_governance_approval" || all[1].Constant != event.ORG_GOVERNANCE_ACTION_REQUESTED {
			t.Fatalf("%+v", all)
		}
		// One entry less is the whole log too; half of it is not, for a while.
		if err := s.takes(t, s.Auditor, 1); fault.CodeOf(err) != governance.Duplicate {
			t.Errorf("all but one: %v", err)
		}
		if err := s.takes(t, s.Auditor, size); err != nil {
			t.Errorf("the newest entries: %v", err)
		}
		if err := s.takes(t, s.Operator, size); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator: %v", err)
		}
		if _, err := s.queue.Approve(t.Context(), s.Admin, governance.OfOrganization, a.ID, ""); err != nil {
			t.Fatal(err)
		}
		s.Events()
		// Who asked fetches it, a few times; nobody else does by it.
		s.waits(t, s.Owner, 0)
		for i := range auditexport.Uses {
			if err := s.takes(t, s.Auditor, int64(i)); err != nil {
				t.Errorf("download %d: %v", i, err)
			}
		}
		asked := 0
		for _, e := range s.Events() {
			if e.Constant == event.AUDIT_LOG_EXPORT_REQUESTED && e.Outcome == event.Success {
				asked++
				about, _ := e.Metadata["filters"].([]any)
				if len(about) == 0 || about[len(about)-1] != "governance_action="+string(a.ID) {
					t.Errorf("a download does not say who agreed: %v", e.Metadata)
				}
			}
		}
		if asked != auditexport.Uses {
			t.Errorf("%d downloads are told", asked)
		}
		s.waits(t, s.Auditor, 0)
	})
}

func TestAnApprovedExportEndsByTheClock(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.grow(t, 20)
		a := s.waits(t, s.Admin, 2)
		if _, err := s.queue.Approve(t.Context(), s.fresh(s.Owner), governance.OfOrganization, a.ID, ""); err != nil {
			t.Fatal(err)
		}
		var w *governance.Waiting
		if err := s.takes(t, s.fresh(s.Admin), 0); !errors.As(err, &w) {
			t.Errorf("more than what was agreed to: %v", err)
		}
		if _, err := s.queue.Withdraw(t.Context(), s.Admin, w.Action.ID, ""); err != nil {
			t.Fatal(err)
		}
		s.Now = s.Now.Add(auditexport.Life - time.Second)
		if err := s.takes(t, s.fresh(s.Admin), 2); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		s.Now = s.Now.Add(time.Second)
		s.waits(t, s.fresh(s.Admin), 2)
	})
}

// What is old waits however little of the log it is; alone nobody waits.
func TestWhatIsOldNeedsTwo(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		size := s.grow(t, 9)
		if err := s.takes(t, s.Admin, size-1); err != nil {
			t.Errorf("the last entry of today: %v", err)
		}
		s.Now = s.Now.Add(auditexport.Alone + time.Hour)
		s.waits(t, s.fresh(s.Admin), size-1)
		if _, err := s.DB.Raw().Exec(`delete from mfa_factor where person_id = $1`, string(s.Owner.User)); err != nil {
			t.Fatal(err)
		}
		if err := s.takes(t, s.fresh(s.Admin), 0); err != nil {
			t.Errorf("alone: %v", err)
		}
		platform := authz.Actor{Kind: authz.Person, User: s.Owner.User, Name: "root", PlatformRole: authz.PlatformAdmin, MFAAt: s.Now, Request: s.Owner.Request}
		if _, err := s.Export(t.Context(), platform, 0); err != nil {
			t.Errorf("the platform's own log: %v", err)
		}
	})
}

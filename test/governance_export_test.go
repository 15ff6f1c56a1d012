package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// The whole audit log leaves the product by two.
func TestTheAuditLogIsExportedByTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam, audrey := w.person("admin"), w.person("auditor")
		g := waits(t, audrey.Client, "GET", "/audit/export", nil)
		if g.Kind != "audit_export" || len(g.Changes) != 2 || !strings.Contains(g.Changes[1].To, audrey.Handle+", 3 times within 72 hours") {
			t.Errorf("%+v", g)
		}
		w.saw(Want{Constant: "AUDIT_LOG_EXPORT_REQUESTED", Outcome: "denied", Reason: "needs_governance_approval", ActorID: audrey.ID, Actor: "User", Target: "AuditLog", Meta: obj{"export_format": "ndjson", "include_proofs": true}})
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", ActorID: audrey.ID, TargetID: g.ID, Meta: obj{"action_kind": "audit_export"}})
		s.letter(t, adam.Email, notify.GovernanceWaitingKind, 1)
		audrey.refused(t, 409, "GOVERNANCE_DUPLICATE", "GET", "/audit/export?from_seq=1", nil)
		w.hasNone(Want{Constant: "AUDIT_LOG_EXPORT_COMPLETED"})
		adam.approves(t, g)
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", ActorID: adam.ID, TargetID: g.ID, Meta: obj{"action_kind": "audit_export", "requester_id": audrey.ID}})
		bundle := audrey.must(t, "GET", "/audit/export", nil).Body
		if res := verify.Bundle(bytes.NewReader(bundle), verify.Options{Keys: verifierKeys(t, audrey.Client)}); res.Code != verify.Intact {
			t.Errorf("%v", res)
		}
		w.saw(Want{Constant: "AUDIT_LOG_EXPORT_REQUESTED", ActorID: audrey.ID, Outcome: "success", Meta: obj{"export_id": present,
			"filters": func(v any) bool { all, _ := v.([]any); return len(all) == 1 && all[0] == "governance_action="+g.ID }}})
		for range 2 {
			audrey.must(t, "GET", "/audit/export", nil)
		}
		waits(t, audrey.Client, "GET", "/audit/export", nil)
	})
}

func TestTheAuditLogIsExportedByTwoOnTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam := w.person("admin")
		file := filepath.Join(t.TempDir(), "bundle.ndjson")
		export := func() Result { return s.types(t, w.Owner.Client, t.TempDir(), "", "audit", "export", "-o", file) }
		r := export()
		open := list[govAction](t, adam.Client, "/org/governance/actions?state=open")
		if len(open) != 1 {
			t.Fatalf("%+v", open)
		}
		if r.Code != 9 || !strings.Contains(r.Stdout, "Nothing is exported yet") || !strings.Contains(r.Stdout, "run this command again") || !strings.Contains(r.Stdout, "governance approve "+open[0].ID) {
			t.Errorf("%s", r)
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("a file was written: %v", err)
		}
		s.prompt(t, adam.Client).says(t, "Approved", "governance", "approve", open[0].ID)
		if r := export(); r.Code != 0 {
			t.Errorf("%s", r)
		}
		if b, err := os.ReadFile(file); err != nil || !bytes.Contains(b, []byte(`"end"`)) {
			t.Errorf("%v, %d bytes", err, len(b))
		}
	})
}

package test

import (
	"encoding/hex"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
)

func TestReadingTheLedgerLeavesEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		audrey, oscar := w.person("auditor"), w.person("operator")
		q := random(8)
		audrey.must(t, "GET", "/audit/events?outcome=success&q="+q, nil)
		w.saw(Want{Constant: "AUDIT_LOG_VIEWED", ActorID: audrey.ID, Actor: "User", Target: "AuditLog",
			Where: obj{"filters": []string{"outcome=success", "text=" + q}}, Meta: obj{"read_via": "api", "rows_returned": 0}})
		first := get[Page[Event]](t, audrey.Client, "GET", "/audit/events?limit=2&actor="+audrey.ID, nil)
		audrey.must(t, "GET", "/audit/events?limit=2&actor="+audrey.ID+"&cursor="+first.NextCursor, nil)
		w.saw(Want{Constant: "AUDIT_LOG_VIEWED", ActorID: audrey.ID, Where: obj{"filters": []string{"actor=" + audrey.ID}}, Meta: obj{"rows_returned": 2}})
		id := first.Items[0].ID
		audrey.must(t, "GET", "/audit/events/"+id, nil)
		w.saw(Want{Constant: "AUDIT_LOG_VIEWED", ActorID: audrey.ID, Where: obj{"filters": []string{"id=" + id}}})
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", "/audit/events?q="+q, nil)
		w.saw(Want{Constant: "AUDIT_LOG_VIEWED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Actor: "User", Meta: obj{"rows_returned": 0}})

		// The platform's ledger has its own readers, and only those.
		s.Root.must(t, "GET", "/audit/events?q="+q, nil)
		s.saw(t, Want{Constant: "AUDIT_LOG_VIEWED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "AuditLog", Where: obj{"filters": []string{"text=" + q}}})
		for _, e := range w.ledger().events(t, "") {
			if e.OrgID != w.Org {
				t.Errorf("the ledger of %s shows an event of %q: %s", w.Org, e.OrgID, e.ID)
			}
		}
		newWorld(t, s).Owner.refused(t, 404, "NOT_FOUND", "GET", "/audit/events/"+id, nil)
	})
}

func TestExportsLeaveEventsAndVerify(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		audrey, oscar := w.person("auditor"), w.person("operator")
		old := audrey.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
		w.mayExport(t, audrey)
		res := verified(t, audrey.Client, old)
		asked := w.saw(Want{Constant: "AUDIT_LOG_EXPORT_REQUESTED", ActorID: audrey.ID, Actor: "User", Target: "AuditLog", Meta: obj{"export_format": "ndjson", "include_proofs": true, "export_id": present}})
		w.saw(Want{Constant: "AUDIT_LOG_EXPORT_COMPLETED", Actor: "System", Target: "AuditLog", Where: obj{"export_id": asked.Metadata["export_id"]},
			Meta: obj{"requested_by": audrey.ID, "row_count": res.Events, "tree_size": res.Checkpoint.Size, "file_sha256": present}})
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", "/audit/export", nil)
		w.saw(Want{Constant: "AUDIT_LOG_EXPORT_REQUESTED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		if n := len(w.ledger().events(t, "AUDIT_LOG_EXPORT_COMPLETED")); n != 1 {
			t.Errorf("%d exports are told as completed, not 1", n)
		}
	})
}

func TestEventsAreProvedOverTheAPI(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c := w.Owner.Client
		note := c.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
		keys := verifierKeys(t, c)
		old, err := verify.Open(note, keys...)
		if err != nil {
			t.Fatal(err)
		}
		w.person("auditor") // the ledger grows
		e := w.saw(Want{Constant: "MFA_BACKUP_CODES_GENERATED", ActorID: w.person("auditor").ID})
		a := c.must(t, "GET", "/audit/proof/inclusion?id="+e.ID, nil)
		p, err := verify.ParseInclusion(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := hex.DecodeString(a.Header.Get("X-Leaf-Hash"))
		if err != nil || len(leaf) != tlog.HashSize {
			t.Fatalf("the leaf hash %q: %v", a.Header.Get("X-Leaf-Hash"), err)
		}
		cp, err := p.Check(tlog.Hash(leaf), keys...)
		if err != nil || cp.Size <= e.Seq {
			t.Errorf("the proof of inclusion: %+v, %v", cp, err)
		}
		leaf[0] ^= 1
		if _, err := p.Check(tlog.Hash(leaf), keys...); err == nil {
			t.Error("the proof holds for another leaf")
		}
		k, err := verify.ParseConsistency(c.must(t, "GET", "/audit/proof/consistency?from="+itoa(old.Size), nil).Body)
		if err == nil {
			_, err = k.Check(old, keys...)
		}
		if err != nil {
			t.Errorf("the proof of consistency: %v", err)
		}
	})
}

package test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
)

// How long the audit log is kept, and legal holds.

func TestLegalHoldKeepsWhatIsTooOld(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam, oscar := w.person("admin"), w.person("operator")
		const call, lift = "/org/legal-hold", "/org/legal-hold/lift"
		both := func(why string, p *Person, actor, to string, more obj) {
			t.Helper()
			for _, class := range []string{"audit", "recordings"} {
				meta := obj{"shortened": false}
				for k, v := range more {
					meta[k] = v
				}
				w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: p.ID, Actor: actor, Target: "Policy", Where: obj{"data_class": class, "legal_hold": to}, Meta: meta})
			}
		}
		oscar.refused(t, 403, "NOT_PERMITTED", "PUT", call, obj{"reason": "x"})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Meta: obj{"legal_hold": "set"}})
		adam.must(t, "PUT", call, obj{"reason": "the case of May"})
		both("set", adam, "TenantAdmin", "set", nil)
		adam.refused(t, 409, "HOLD_STATE", "PUT", call, obj{"reason": "again"})
		w.Owner.refused(t, 409, "LEGAL_HOLD", "PUT", "/org/settings/audit-retention", obj{"audit_days": 365})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", Outcome: "denied", Reason: "legal_hold_active", ActorID: w.Owner.ID, Meta: obj{"data_class": "audit", "old_days": 400, "new_days": 365}})
		w.Owner.refused(t, 409, "LEGAL_HOLD", "POST", "/org/delete", obj{"confirm": w.Slug})

		// A recording that is too old stays, until the hold is lifted by two.
		g := waits(t, adam.Client, "POST", lift, obj{"reason": "the case is closed"})
		shown := get[struct {
			LegalHolds []struct{ Reason, By, SetBy string } `json:"legal_holds"`
		}](t, w.Owner.Client, "GET", "/org/settings", nil)
		if len(shown.LegalHolds) != 1 || shown.LegalHolds[0].Reason != "the case of May" {
			t.Errorf("%+v", shown)
		}
		w.Owner.approves(t, g)
		both("lifted", adam, "TenantAdmin", "lifted", obj{"governance_action_id": g.ID})
		adam.refused(t, 409, "HOLD_STATE", "POST", lift, obj{"reason": "again"})

		// Fewer days wait for two as well, and the least is the platform's to lower.
		g = waits(t, adam.Client, "PUT", "/org/settings/audit-retention", obj{"audit_days": 365})
		w.Owner.approves(t, g)
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: adam.ID, Actor: "TenantAdmin", Target: "Policy", Where: obj{"new_days": 365, "data_class": "audit"},
			Meta: obj{"old_days": 400, "shortened": true, "legal_hold": "unchanged", "governance_action_id": g.ID}})
		w.Owner.refused(t, 422, "BELOW_MINIMUM", "PUT", "/org/settings/audit-retention", obj{"audit_days": 100})
		s.Root.must(t, "PUT", "/platform/organizations/"+w.Org+"/audit-minimum", obj{"audit_minimum_days": 100})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"setting_group": "other"}, Meta: obj{"weakened_controls": []string{"audit_minimum_days"}}})
		w.Owner.approves(t, waits(t, adam.Client, "PUT", "/org/settings/audit-retention", obj{"audit_days": 100}))
	})
}

func TestOldPayloadsArePruned(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		const hold = "/platform/organizations/"
		first := list[Event](t, w.Owner.Client, "/audit/events?order=oldest&limit=1")[0]
		bundle := w.Owner.must(t, "GET", "/audit/export", nil).Body
		keys := verifierKeys(t, w.Owner.Client)

		// What was recorded until the day after tomorrow is too old, and held.
		s.Root.must(t, "PUT", hold+w.Org+"/legal-hold", obj{"reason": "asked for by a court"})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"data_class": "audit", "legal_hold": "set"}})
		w.Owner.must(t, "PUT", "/org/settings/audit-retention", obj{"audit_days": 500})
		s.exec(t, `update organization_setting set settings = '{"audit_days":-2,"audit_minimum_days":-2}' where org_id = $1`, w.Org)
		w.Owner.must(t, "PUT", "/org/settings/recording-retention", obj{"recording_days": 90}) // and the server looks at it
		if r := verify.Bundle(bytes.NewReader(w.Owner.must(t, "GET", "/audit/export", nil).Body), verify.Options{Keys: keys}); r.Code != verify.Intact || r.Pruned != 0 {
			t.Errorf("under a hold: %v, %d pruned", r.Code, r.Pruned)
		}
		s.Root.must(t, "POST", hold+w.Org+"/legal-hold/lift", obj{"reason": "closed"})
		type shown struct {
			Constant, Event, Sentence, Payload string
			PrunedAt                           string `json:"pruned_at"`
		}
		var e shown
		eventually(t, "the first event to be pruned", func() bool {
			e = get[shown](t, w.Owner.Client, "GET", "/audit/events/"+first.ID, nil)
			return e.PrunedAt != ""
		})
		if e.Constant != first.Constant || e.Event == "" || e.Payload != "" || !strings.Contains(e.Sentence, "was pruned on") || !strings.Contains(e.Sentence, "can still be proved") {
			t.Errorf("%+v", e)
		}
		w.Owner.must(t, "GET", "/audit/proof/inclusion?id="+first.ID, nil)
		s.exec(t, `update organization_setting set settings = '{}' where org_id = $1`, w.Org)

		// The command line verifies both exports, and the new one continues the old.
		dir := t.TempDir()
		now := w.Owner.must(t, "GET", "/audit/export", nil).Body
		if head, _, _ := bytes.Cut(now, []byte("\n")); !bytes.Contains(head, []byte(`"prunes":[{"first_seq":0,`)) {
			t.Errorf("%s", head)
		}
		for name, b := range map[string][]byte{"before": bundle, "after": now} {
			args := []string{"audit", "verify", write(t, dir, name, b)}
			for _, k := range keys {
				args = append(args, "--key", k)
			}
			r := spawn(t, "", nil, theBinary(t), args...).wait()
			if r.Code != 0 || strings.Contains(r.Stdout, " 0 of them pruned") != (name == "before") {
				t.Errorf("%s: %s", name, r)
			}
		}
		w.gone = true // its sessions' ends cannot be read any more
	})
}

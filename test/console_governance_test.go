package test

import (
	"strconv"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// A change that one person does not make alone, in the console. The journey is in
// web/test/governance.e2e.mjs; what was done is looked for in the ledger here.
func TestConsoleDecidesAboutChanges(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	adam := w.person("admin")
	v, kept := w.safe(host(t), nil), w.safe(host(t), nil)
	known := s.asks(t, w.Owner, adam, s.Root)
	known["change"] = func(n string) any {
		sessions, _ := strconv.Atoi(n)
		w.Owner.must(t, "PUT", "/safes/"+kept.ID+"/policy", obj{"max_sessions": sessions})
		return true
	}
	play(t, "governance", obj{"url": s.URL, "slug": w.Slug, "org": w.Org, "owner": w.Owner.who(), "admin": adam.who(), "root": s.Root.who(), "safe": v.Name, "kept": kept.Name}, known)

	if isRecorded(t, adam.Client, v) || !isRecorded(t, adam.Client, kept) {
		t.Error("what was approved was not done, or what was withdrawn was")
	}
	asked := w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", ActorID: w.Owner.ID, Where: obj{"summary": "turn recording off on the safe " + v.Name}, Meta: obj{"action_kind": "recording_off"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: asked.Target.ID,
		Meta: obj{"action_kind": "recording_off", "requester_id": w.Owner.ID, "comment": "as agreed"}})
	for _, why := range []string{"not needed", "asked anew later"} {
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Reason: "withdrawn", ActorID: w.Owner.ID, Where: obj{"comment": why}, Meta: obj{"action_kind": "recording_off"}})
	}
	w.saw(Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", ActorID: adam.ID, Where: obj{"export_format": "csv"}, Meta: obj{"row_count": 6}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Reason: "rejected", ActorID: adam.ID, Actor: "OrgAdmin", Meta: obj{"comment": "no reason was given"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Reason: "superseded", Actor: "System", Meta: obj{"comment": "max_sessions was 0 and is 3 now"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Outcome: "denied", Reason: "not_permitted", ActorID: adam.ID})
	w.saw(Want{Constant: "PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"filters": []string{"org=" + w.Org}}, Meta: obj{"rows_returned": 6}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"export_format": "json"}, Meta: obj{"cross_org": true}})
	w.saw(Want{Constant: "AUDIT_LOG_EXPORT_COMPLETED", Actor: "System", Meta: obj{"requested_by": w.Owner.ID}})
	s.letter(t, w.Owner.Email, notify.GovernanceDecidedKind, 4)
}

package test

import (
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
	play(t, "governance", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "admin": adam.who(), "safe": v.Name, "kept": kept.Name}, s.asks(t, w.Owner, adam))

	if isRecorded(t, adam.Client, v) || !isRecorded(t, adam.Client, kept) {
		t.Error("what was approved was not done, or what was withdrawn was")
	}
	asked := w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", ActorID: w.Owner.ID, Where: obj{"summary": "turn recording off on the safe " + v.Name}, Meta: obj{"action_kind": "recording_off"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: asked.Target.ID,
		Meta: obj{"action_kind": "recording_off", "requester_id": w.Owner.ID, "comment": "as agreed"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Reason: "withdrawn", ActorID: w.Owner.ID, Meta: obj{"action_kind": "recording_off"}})
	w.saw(Want{Constant: "ORG_GOVERNANCE_QUEUE_EXPORTED", ActorID: adam.ID, Where: obj{"export_format": "csv"}, Meta: obj{"row_count": 2}})
	s.letter(t, w.Owner.Email, notify.GovernanceDecidedKind, 1)
}

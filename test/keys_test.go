package test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Keys are replaced while everything goes on, by those who may and have proved it.

type rootKeyState struct {
	ID      string   `json:"root_key_id"`
	Older   []string `json:"older_root_key_ids"`
	Keysets int
	Waiting int `json:"keysets_waiting"`
}

func TestKeysRotateWhileSessionsGoOn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		live := oscar.open(t, v)

		// The key of the organization.
		w.person("admin").refused(t, 403, "NOT_PERMITTED", "POST", "/org/key/rotate", nil)
		w.saw(Want{Constant: "ORG_KEY_ROTATED", Outcome: "denied", Reason: "not_permitted", ActorID: w.person("admin").ID, Actor: "TenantAdmin"})
		w.Owner.proved(t, 16*time.Minute)
		w.Owner.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/org/key/rotate", nil)
		w.saw(Want{Constant: "ORG_KEY_ROTATED", Outcome: "denied", Reason: "mfa_required", ActorID: w.Owner.ID})
		w.Owner.stepUp(t)
		key := get[struct {
			ID       string `json:"key_id"`
			Replaced string `json:"replaced_key_id"`
			Moved    int    `json:"secrets_moved"`
		}](t, w.Owner.Client, "POST", "/org/key/rotate", nil)
		if key.Moved == 0 || key.ID == key.Replaced {
			t.Errorf("the new key: %+v", key)
		}
		w.saw(Want{Constant: "ORG_KEY_ROTATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org, Meta: obj{"new_key_id": key.ID, "replaced_key_id": key.Replaced}})

		// The key of the platform, and the root key.
		s.Root.proved(t, time.Minute)
		s.Root.must(t, "POST", "/platform/keys/data/rotate", nil)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/keys/root", nil)
		before := get[rootKeyState](t, s.Root.Client, "GET", "/platform/keys/root", nil)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "POST", "/platform/keys/root/rotate", obj{})
		s.saw(t, Want{Constant: "ROOT_KEY_ROTATION", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID})
		if a := s.Root.do(t, "POST", "/platform/keys/root/rotate", obj{"step": "half"}); a.Status != 422 {
			t.Errorf("an unknown step: %d %s", a.Status, a.Body)
		}
		begun := get[rootKeyState](t, s.Root.Client, "POST", "/platform/keys/root/rotate", obj{"step": "begin"})
		if begun.ID == before.ID || len(begun.Older) != 1 || begun.Waiting == 0 {
			t.Errorf("begun: %+v", begun)
		}
		oscar.succeeds(t, v, "true") // between the two steps
		done := get[rootKeyState](t, s.Root.Client, "POST", "/platform/keys/root/rotate", obj{"step": "finish"})
		if done.ID != begun.ID || len(done.Older) != 0 || done.Waiting != 0 {
			t.Errorf("finished: %+v", done)
		}
		s.saw(t, Want{Constant: "ROOT_KEY_ROTATION", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "Tenant", TargetID: "platform",
			Where: obj{"root_key_id": done.ID, "rotation_stage": "completed"}, Meta: obj{"keysets_rewrapped": begun.Waiting}})
		s.saw(t, Want{Constant: "ROOT_KEY_ROTATION", Where: obj{"root_key_id": done.ID, "rotation_stage": "added"}})

		oscar.succeeds(t, v, "true")
		oscar.signIn(t) // whose second factor was sealed before
		live.Stdin.Close()
		if r := live.wait(); r.Code != 0 {
			t.Errorf("the session that was open all the time: %s", r)
		}
	})
}

type ledgerRow struct {
	LogID      string `json:"log_id"`
	OrgID      string `json:"org_id"`
	Size       int
	Stopped    bool
	StopReason string `json:"stop_reason"`
}

func (s *Server) ledgerRow(t testing.TB, org string) (out ledgerRow) {
	t.Helper()
	for _, l := range list[ledgerRow](t, s.Root.Client, "/platform/ledgers") {
		if l.OrgID == org {
			out = l
		}
	}
	return out
}

func TestLedgerKeysRotate(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		since := w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
		old := verifierKeys(t, w.Owner.Client)
		log := s.ledgerRow(t, w.Org)
		rotate := "/platform/ledgers/" + log.LogID + "/key/rotate"
		w.Owner.refused(t, 403, "NOT_PERMITTED", "POST", rotate, nil)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/ledgers", nil)
		s.Root.proved(t, time.Minute)
		s.Root.refused(t, 404, "NOT_FOUND", "POST", "/platform/ledgers/log_00000000000000000000000000/key/rotate", nil)
		made := get[struct{ ID, VKey string }](t, s.Root.Client, "POST", rotate, nil)
		about := Want{Constant: "LEDGER_KEY_ROTATED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "AuditLog", TargetID: log.LogID, Meta: obj{"new_key_id": made.ID, "replaced_signs_until": present}}
		if a, b := w.saw(about), s.saw(t, about); a.RequestID != b.RequestID {
			t.Errorf("the two ledgers tell of different requests: %s, %s", a.RequestID, b.RequestID)
		}
		keys := verifierKeys(t, w.Owner.Client)
		if len(keys) != 2 || keys[0] != old[0] || keys[1] != made.VKey {
			t.Errorf("published keys: %q", keys)
		}
		// Who holds only the old key, or an old checkpoint, still verifies.
		note := string(w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body)
		if strings.Count(note, "\n— ") != 2 {
			t.Errorf("the checkpoint is not signed by both keys:\n%s", note)
		}
		verified(t, w.Owner.Client, since)
	})
}

func TestStoppedLedgerIsResumedByAnOperator(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		log := s.ledgerRow(t, w.Org)
		resume := "/platform/ledgers/" + log.LogID + "/resume"
		s.Root.proved(t, time.Minute)
		s.Root.refused(t, 409, "LEDGER_NOT_STOPPED", "POST", resume, nil)
		s.outside(t, `update audit_log set halted_at = $1, halt_reason = 'stopped by a test' where org_id = $2`, time.Now().UnixMicro(), w.Org)
		eventually(t, "a refused session", func() bool { return oscar.run(t, v, "true").Code == 255 })
		if l := s.ledgerRow(t, w.Org); !l.Stopped || l.StopReason != "stopped by a test" {
			t.Errorf("the ledger is shown as %+v", l)
		}
		if got := s.metric(t, "vaultpam_audit_ledgers_stopped"); got == "" || got == "0" {
			t.Errorf("vaultpam_audit_ledgers_stopped is %q", got)
		}
		w.Owner.refused(t, 403, "NOT_PERMITTED", "POST", resume, nil)
		s.saw(t, Want{Constant: "LEDGER_RESUMED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID, TargetID: log.LogID})
		s.prompt(t, s.Root.Client)("", "platform", "ledgers", "resume", "Test "+w.Slug, "--yes")
		about := Want{Constant: "LEDGER_RESUMED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Target: "AuditLog", TargetID: log.LogID, Meta: obj{"stop_reason": "stopped by a test", "stopped_at": present}}
		w.saw(about)
		s.saw(t, about)
		eventually(t, "a session again", func() bool { return oscar.run(t, v, "true").Code == 0 })
	})
}

// metric is the value of a metric without labels.
func (s *Server) metric(t testing.TB, name string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func TestTheLedgersAreMeasured(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		for _, name := range []string{"ledgers", "ledgers_stopped", "events", "events_waiting", "oldest_waiting_seconds", "events_unsigned", "checkpoint_age_seconds", "healthy"} {
			if s.metric(t, "vaultpam_audit_"+name) == "" {
				t.Errorf("vaultpam_audit_%s is not there", name)
			}
		}
		if got := s.metric(t, "vaultpam_audit_healthy"); got != "1" {
			t.Errorf("vaultpam_audit_healthy is %s", got)
		}
	})
}

// stepUp proves a second factor in the person's own web session.
func (p *Person) stepUp(t testing.TB) {
	t.Helper()
	asked := get[struct {
		ChallengeID string `json:"challenge_id"`
	}](t, p.Client, "POST", "/auth/step-up", obj{})
	secrets.add("challenge handle", asked.ChallengeID)
	p.must(t, "POST", "/auth/step-up/answer", obj{"challenge_id": asked.ChallengeID, "code": p.code(t)})
}

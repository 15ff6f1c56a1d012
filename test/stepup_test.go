package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A second factor that is proved in a browser, for a terminal that cannot ask a security key.

func TestCommandLineStepsUpInABrowser(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		home := t.TempDir()
		shown := func(args ...string) (*Proc, string) {
			t.Helper()
			c := s.vaultpam(t, home, args...)
			c.expectIn(c.Stderr, "/device")
			var code string
			eventually(t, "a code", func() bool { code = shownCode.FindString(c.Stderr.String()); return code != "" })
			secrets.add("user code", code)
			return c, code
		}
		in, code := shown("login", "--no-browser")
		oscar.must(t, "POST", "/auth/device/answer", obj{"user_code": code, "approve": true})
		if r := in.wait(); r.Code != 0 {
			t.Fatalf("login: %s", r)
		}
		var kept struct{ Token string }
		text, err := os.ReadFile(filepath.Join(home, "login.json"))
		if err != nil || json.Unmarshal(text, &kept) != nil || kept.Token == "" {
			t.Fatalf("no sign-in is kept: %v", err)
		}
		secrets.add("access token", kept.Token)
		terminal := oscar.nobody(t).with(kept.Token)

		long := time.Now().Add(-20 * time.Minute).UnixMicro()
		s.exec(t, fmt.Sprintf("update web_session set mfa_at = %d where person_id = '%s'", long, oscar.ID))
		terminal.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/mfa/backup-codes", nil)
		c, code := shown("step-up", "--no-browser")
		mara.refused(t, 404, "UNKNOWN_CODE", "POST", "/auth/device/look-up", obj{"user_code": code})
		if seen := get[struct{ Purpose string }](t, oscar.Client, "POST", "/auth/device/look-up", obj{"user_code": code}); seen.Purpose != "step_up" {
			t.Errorf("the person is asked for %q", seen.Purpose)
		}
		oscar.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/auth/device/answer", obj{"user_code": code, "approve": true})
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", Outcome: "denied", Reason: "mfa_required", ActorID: oscar.ID})
		asked := get[struct {
			ChallengeID string `json:"challenge_id"`
		}](t, oscar.Client, "POST", "/auth/step-up", nil)
		secrets.add("challenge handle", asked.ChallengeID)
		oscar.must(t, "POST", "/auth/step-up/answer", obj{"challenge_id": asked.ChallengeID, "code": oscar.code(t)})
		terminal.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/mfa/backup-codes", nil) // another sign-in's factor
		oscar.must(t, "POST", "/auth/device/answer", obj{"user_code": code, "approve": true})
		if r := c.wait(); r.Code != 0 {
			t.Fatalf("step-up: %s", r)
		}
		var made struct {
			Codes []string `json:"backup_codes"`
		}
		terminal.must(t, "POST", "/mfa/backup-codes", nil).into(t, &made)
		secrets.add("backup code", made.Codes...)

		away, code := shown("step-up", "--no-browser")
		oscar.must(t, "POST", "/auth/device/answer", obj{"user_code": code, "approve": false})
		if r := away.wait(); r.Code != 4 {
			t.Errorf("a question that was sent away: %s", r)
		}
	})
}

// Limits that an organization sets for web sessions hold in its members' browsers and devices.
func TestLimitsOfOrganizationsEndSignIns(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		w.Owner.must(t, "PATCH", "/org/settings", obj{"web_idle_minutes": 10, "web_absolute_minutes": 120})
		back := func(column string, by time.Duration) {
			t.Helper()
			s.exec(t, fmt.Sprintf("update web_session set %s = %d where person_id = '%s' and ended_at = 0", column, time.Now().Add(-by).UnixMicro(), oscar.ID))
		}
		back("last_seen_at", 9*time.Minute)
		oscar.must(t, "GET", "/auth/me", nil)
		back("last_seen_at", 10*time.Minute)
		oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "idle", Actor: "System", Where: obj{"subject_user_id": oscar.ID, "sessions_ended": 1}})
		oscar.Client = oscar.signIn(t)
		back("created_at", 119*time.Minute)
		oscar.must(t, "GET", "/auth/me", nil)
		back("created_at", 2*time.Hour)
		oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "expired", Actor: "System", Where: obj{"subject_user_id": oscar.ID, "sessions_ended": 1}})
	})
}

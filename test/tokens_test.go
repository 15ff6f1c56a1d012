package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Programs: service accounts, tokens with networks, and devices that people let in.

func init() {
	maps.Copy(bodies, map[string]obj{
		"create-service-account": {"name": "xx", "role": "operator"}, "report-leaked-token": {"token": "x"},
		"begin-device": {"client": "x"}, "device-token": {"device_code": "x"}, "refresh": {"refresh_token": "x"}, "look-up-device": {"user_code": "x"},
		"answer-device": {"user_code": "x", "approve": true},
	})
}

func TestServiceAccountsActByTokens(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		robot := get[struct{ ID, Handle string }](t, w.Owner.Client, "POST", "/service-accounts", obj{"name": "ci-deploy", "role": "operator"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Where: obj{"subject_user_id": robot.ID}, Meta: obj{"new_role": "operator"}})
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/service-accounts", obj{"name": "mine", "role": "operator"})
		if a := w.Owner.do(t, "POST", "/service-accounts", obj{"name": "boss", "role": "owner"}); a.Status != 422 {
			t.Errorf("a service account that owns the organization: %d %s", a.Status, a.Body)
		}
		w.Owner.refused(t, 409, "ALREADY_MEMBER", "POST", "/service-accounts", obj{"name": "ci-deploy", "role": "auditor"})

		ask := obj{"name": "deploy", "scopes": []string{"safes:read", "sessions:launch"}, "expires_in_days": 30, "service_account_id": robot.ID, "networks": []string{oscar.Source + "/32"}}
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/tokens", ask)
		made := get[struct {
			ID, Token string
			Service   bool `json:"service_account"`
		}](t, w.Owner.Client, "POST", "/tokens", ask)
		secrets.add("API token", made.Token)
		if !made.Service || !regexp.MustCompile(`^vpat_[A-Za-z0-9_-]{43}$`).MatchString(made.Token) {
			t.Errorf("the token is not told as scanners know it: %+v", made.Service)
		}
		w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "API Token", TargetID: made.ID,
			Meta: obj{"owner_id": robot.ID, "service_account": true, "scopes": []string{"safes:read", "sessions:launch"}}})
		ci := oscar.nobody(t).with(made.Token)
		w.Owner.with(made.Token).refused(t, 403, "SOURCE_NOT_ALLOWED", "GET", "/safes", nil)

		v := w.safe(host(t), nil)
		ci.refused(t, 403, "NOT_PERMITTED", "POST", "/sessions/launch", obj{"safe_id": v.ID})
		w.Owner.must(t, "POST", "/safes/"+v.ID+"/members", obj{"user_id": robot.ID, "role": "user"})
		by := *oscar
		by.Client = ci
		live, _ := by.openFrom(t, v)
		x := w.session(v)
		if x.User.ID != robot.ID {
			t.Errorf("the session is of %s", x.User.ID)
		}
		w.saw(Want{Constant: "SESSION_START_REQUESTED", ActorID: robot.ID, Actor: "ServiceAccount", Meta: obj{"safe_id": v.ID}})
		w.Owner.must(t, "DELETE", "/service-accounts/"+robot.ID, nil)
		live.wait()
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "owner_removed", Actor: "System", TargetID: made.ID})
		ci.refused(t, 401, "AUTH_FAILED", "GET", "/safes", nil)
		w.Owner.refused(t, 404, "NOT_FOUND", "DELETE", "/service-accounts/"+oscar.ID, nil)
	})
}

func TestLeakedTokensAreRevoked(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		id, c := oscar.token(t, "safes:read")
		stranger := s.stranger(t)
		stranger.must(t, "POST", "/tokens/leaked", obj{"token": "vpat_" + strings.Repeat("x", 43)}) // as for one that exists
		stranger.must(t, "POST", "/tokens/leaked", obj{"token": c.bearer})
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "leak_reported", Actor: "System", Target: "API Token", TargetID: id, Meta: obj{"owner_id": oscar.ID}})
		c.refused(t, 401, "AUTH_FAILED", "GET", "/safes", nil)
	})
}

var shownCode = regexp.MustCompile(`\b[B-Z]{4}-[B-Z]{4}\b`)

// vaultpam runs the command line with a home of its own.
func (s *Server) vaultpam(t testing.TB, home string, args ...string) *Proc {
	t.Helper()
	p := spawn(t, "", []string{"VAULTPAM_HOME=" + home, "VAULTPAM_BASE_URL=" + s.URL, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem")}, theCommand(t), args...)
	p.Stdin.Close()
	return p
}

func TestCommandLineSignsInWithABrowser(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		home := t.TempDir()
		await := func() (*Proc, string) {
			t.Helper()
			c := s.vaultpam(t, home, "login", "--no-browser")
			c.expectIn(c.Stderr, "/device")
			var code string
			eventually(t, "a code", func() bool { code = shownCode.FindString(c.Stderr.String()); return code != "" })
			secrets.add("user code", code)
			return c, code
		}
		away, code := await()
		oscar.must(t, "POST", "/auth/device/answer", obj{"user_code": code, "approve": false})
		if r := away.wait(); r.Code != 4 {
			t.Errorf("a device that was sent away: %s", r)
		}
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", ActorID: oscar.ID, Where: obj{"device_decision": "denied"}})

		c, code := await()
		oscar.refused(t, 404, "UNKNOWN_CODE", "POST", "/auth/device/look-up", obj{"user_code": "BBBB-BBBB"})
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", Outcome: "denied", Reason: "unknown_code", ActorID: oscar.ID})
		seen := get[struct{ Client string }](t, oscar.Client, "POST", "/auth/device/look-up", obj{"user_code": strings.ToLower(code)})
		if !strings.HasPrefix(seen.Client, "vaultpam on ") {
			t.Errorf("the device calls itself %q", seen.Client)
		}
		oscar.must(t, "POST", "/auth/device/answer", obj{"user_code": code, "approve": true})
		if r := c.wait(); r.Code != 0 || !strings.Contains(r.Stdout, oscar.Handle) {
			t.Fatalf("the sign-in: %s", r)
		}
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", ActorID: oscar.ID, Actor: "User", Where: obj{"device_decision": "approved"}, Meta: obj{"device_client": seen.Client, "device_address": present}})
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", ActorID: oscar.ID, Where: obj{"sign_in_method": "device"}, Meta: obj{"door": "cli"}})

		type kept struct {
			Token   string    `json:"token"`
			Refresh string    `json:"refresh_token"`
			Until   time.Time `json:"access_until"`
		}
		file := filepath.Join(home, "login.json")
		read := func() (k kept, text []byte) {
			t.Helper()
			text, err := os.ReadFile(file)
			if err != nil || json.Unmarshal(text, &k) != nil || k.Token == "" || k.Refresh == "" {
				t.Fatalf("no sign-in is kept: %v", err)
			}
			secrets.add("access token", k.Token)
			secrets.add("refresh token", k.Refresh)
			return k, text
		}
		before, text := read()
		past, err := json.Marshal(time.Now().Add(-time.Minute).UTC())
		if err != nil {
			t.Fatal(err)
		}
		is, _ := json.Marshal(before.Until)
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), string(is), string(past), 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.vaultpam(t, home, "whoami").wait(); r.Code != 0 || !strings.Contains(r.Stdout, oscar.Email) {
			t.Fatalf("after a refresh: %s", r)
		}
		after, _ := read()
		if after.Token == before.Token || after.Refresh == before.Refresh {
			t.Error("the sign-in was not refreshed")
		}
		oscar.nobody(t).with(before.Token).refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		oscar.nobody(t).refused(t, 409, "REFRESHED_MEANWHILE", "POST", "/auth/refresh", obj{"refresh_token": before.Refresh})
		if r := s.vaultpam(t, home, "logins").wait(); r.Code != 0 || !strings.Contains(r.Stdout, "yes") {
			t.Errorf("logins: %s", r)
		}
		if r := s.vaultpam(t, home, "logout").wait(); r.Code != 0 {
			t.Errorf("logout: %s", r)
		}
		oscar.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/refresh", obj{"refresh_token": after.Refresh})
	})
}

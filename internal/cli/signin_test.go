package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// signIn makes the server ask for a second factor, as it does.
func (w *world) signIn() {
	w.on("POST /auth/login", func(_ *http.Request, in map[string]any) (int, any) {
		if in["email"] != "jane@example.org" || in["password"] != "hunter2 hunter2" {
			return problemJSON(401, "AUTH_FAILED", "sign-in failed: check name, password and code")
		}
		return 200, map[string]any{"mfa": map[string]any{"challenge_id": "chl_1", "methods": []any{"totp", "backup_code"}, "expires_at": "2026-03-01T12:05:00Z"}}
	})
	w.on("POST /auth/mfa", func(_ *http.Request, in map[string]any) (int, any) {
		if in["challenge_id"] != "chl_1" || in["code"] != "123456" {
			return problemJSON(401, "AUTH_FAILED", "sign-in failed: check name, password and code")
		}
		return 200, map[string]any{"access_token": sessionToken, "expires_in": 3600}
	})
}

func (w *world) kept() login {
	w.t.Helper()
	l, err := (home{w.home}).load()
	if err != nil || l == nil {
		w.t.Fatalf("no sign-in was kept: %v", err)
	}
	return *l
}

func TestLoginAsksAndKeepsTheSignIn(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.person.answers = map[string]string{"Server": w.server.URL, "E-mail": "jane@example.org", "Password": "hunter2 hunter2", "code": "123456"}
	out := w.good("login", "--password")
	contains(t, out, "Signed in at "+w.server.URL, "jane (Jane Doe), operator of acme", "until ")
	l := w.kept()
	if l.Token != sessionToken || l.URL != w.server.URL || l.OrgID != orgID || l.Handle != "jane" || !strings.Contains(l.CA, "BEGIN CERTIFICATE") ||
		!l.ExpiresAt.Equal(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", l)
	}
	file := filepath.Join(w.home, "login.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	// The CA was kept with the sign-in, so nothing has to be said again.
	w.env = slices.DeleteFunc(w.env, func(kv string) bool { return strings.HasPrefix(kv, "VAULTPAM_CA_FILE=") })
	contains(t, w.good("whoami"), "jane (Jane Doe)", "gateway.example:2222")
}

func TestLoginWithoutATerminal(t *testing.T) {
	for name, how := range map[string]struct {
		args  []string
		stdin string
	}{
		"code":       {[]string{"--code", "123456"}, ""},
		"code-stdin": {[]string{"--code-stdin"}, "123456\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			w.stdin = how.stdin
			w.env = append(w.env, "VAULTPAM_EMAIL=jane@example.org", "VAULTPAM_PASSWORD=hunter2 hunter2", "VAULTPAM_BASE_URL="+w.server.URL)
			w.good(append([]string{"login", "--no-input"}, how.args...)...)
			if w.kept().Token != sessionToken {
				t.Error("no session")
			}
		})
	}
	w := newWorld(t)
	w.bad(2, []string{"--url"}, "login", "--no-input")
	w.bad(2, []string{"e-mail"}, "login", "--no-input", "--url", w.server.URL)
	w.bad(2, []string{"password"}, "login", "--no-input", "--url", w.server.URL, "--email", "x")
}

func TestLoginWithAnAPIToken(t *testing.T) {
	w := newWorld(t)
	w.stdin = apiToken + "\n"
	w.good("login", "--url", w.server.URL, "--token-stdin")
	if l := w.kept(); l.Token != apiToken || l.Kind != tokenLogin {
		t.Errorf("%+v", l)
	}
	w.stdin = "vpat_wrong\n"
	w.bad(3, []string{"API token is not accepted"}, "login", "--url", w.server.URL, "--token-stdin")
	w.refuses("GET /auth/me", 403, "NOT_PERMITTED", "it needs the scope self:read")
	w.stdin = apiToken + "\n"
	contains(t, w.good("login", "--url", w.server.URL, "--token-stdin"), "with an API token")
	// Without any sign-in, the variable is enough; logging out of a token tells the server nothing.
	w.good("logout")
	w.gives("GET /safes", 200, listOf(safeJSON("web-prod")))
	w.env = append(w.env, "VAULTPAM_TOKEN="+apiToken, "VAULTPAM_BASE_URL="+w.server.URL)
	contains(t, w.good("safes"), "web-prod")
}

func TestWrongSignInIsToldInTheServersWords(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.env = append(w.env, "VAULTPAM_PASSWORD=wrong")
	r := w.bad(3, []string{"check name, password and code"}, "login", "--url", w.server.URL, "--email", "jane@example.org")
	if strings.Contains(r.err, "wrong") || strings.Contains(r.err, "vaultpam login") {
		t.Error(r.err)
	}
	if _, err := os.Stat(filepath.Join(w.home, "login.json")); err == nil {
		t.Error("a sign-in was kept")
	}
}

func TestPersonWithoutASecondFactorEnrolsOne(t *testing.T) {
	w := newWorld(t)
	w.gives("POST /auth/login", 200, map[string]any{"access_token": sessionToken, "expires_in": 900, "enrolment_required": true})
	w.gives("POST /mfa/totp", 201, map[string]any{"factor_id": "fac_1", "secret": "JBSWY3DP", "otpauth_uri": "otpauth://totp/x?secret=JBSWY3DP"})
	w.on("POST /mfa/totp/fac_1/confirm", func(_ *http.Request, in map[string]any) (int, any) {
		if in["code"] != "654321" {
			return problemJSON(422, "BAD_CODE", "the code is not right")
		}
		return 200, map[string]any{"backup_codes": []any{"AAAA-BBBB", "CCCC-DDDD"}}
	})
	w.person.answers = map[string]string{"Password": "pw", "[Y/n]": "", "app shows now": "654321"}
	out := w.good("login", "--url", w.server.URL, "--email", "jane@example.org")
	contains(t, out, "JBSWY3DP", "otpauth://", "AAAA-BBBB", "CCCC-DDDD", "Signed in")
	// Nobody to ask: the sign-in is kept, and the command says what is missing.
	w.person.answers = map[string]string{"Password": "pw"}
	w.bad(4, []string{"no second factor", "vaultpam mfa enrol"}, "login", "--url", w.server.URL, "--email", "jane@example.org")
	w.refuses("GET /safes", 403, "MFA_ENROLMENT_REQUIRED", "add a second factor first")
	w.bad(4, []string{"vaultpam mfa enrol"}, "safes")
}

func TestASignInIsSentToNoOtherServer(t *testing.T) {
	w := newWorld(t).login()
	other := newWorld(t)
	w.bad(3, []string{"not signed in at " + other.server.URL}, "safes", "--url", other.server.URL)
	w.env = append(w.env, "VAULTPAM_BASE_URL="+other.server.URL)
	w.bad(3, []string{"not signed in at"}, "safes")
	if got := other.calls(); len(got) != 0 {
		t.Errorf("the other server was called: %v", got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t).login()
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	w.server.Config.Handler = http.RedirectHandler(elsewhere.URL, http.StatusFound)
	w.bad(2, []string{"sends callers elsewhere"}, "safes")
	if reached {
		t.Error("the redirect was followed")
	}
}

func TestOnlyTrustedServersAreSpokenTo(t *testing.T) {
	w := newWorld(t)
	w.env = []string{"VAULTPAM_HOME=" + w.home, "VAULTPAM_TOKEN=" + apiToken}
	w.bad(8, []string{"not trusted", "--ca-file"}, "safes", "--url", w.server.URL)
	w.bad(2, []string{"TLS"}, "safes", "--url", strings.Replace(w.server.URL, "https", "http", 1))
	w.bad(2, []string{"not the address"}, "safes", "--url", "https://user:pw@host/")
	w.bad(2, []string{"no certificate"}, "safes", "--url", w.server.URL, "--ca-file", os.DevNull)
	w.bad(2, []string{"/nope", "cannot be read"}, "safes", "--url", w.server.URL, "--ca-file", "/nope")
	if got := w.calls(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	gone := newWorld(t).login()
	gone.server.Close()
	gone.bad(8, []string{"cannot be reached", "refused"}, "safes")
}

func TestServersRefusalsBecomeOneSentenceAndAStatus(t *testing.T) {
	w := newWorld(t).login()
	for _, r := range []struct {
		status int
		code   string
		detail string
		exit   int
		want   string
	}{
		{401, "AUTH_FAILED", "who are you", 3, "sign in again with vaultpam login"},
		{403, "NOT_PERMITTED", "you may not list safes", 4, "you may not list safes"},
		{404, "NOT_FOUND", "no such thing", 5, "no such thing"},
		{409, "CONFLICT", "it changed", 6, "it changed"},
		{422, "INVALID", "that is wrong", 2, "that is wrong"},
		{429, "RATE_LIMITED", "too many requests", 7, "try again in 7s"},
		{500, "INTERNAL", "internal error; reference req_1", 1, "req_1"},
		{503, "UNAVAILABLE", "the ledger is down", 8, "the ledger is down"},
		{422, "INVALID", "two\nlines \x1b[31mred", 2, "two; lines [31mred"},
	} {
		w.refuses("GET /safes", r.status, r.code, r.detail)
		w.bad(r.exit, []string{r.want}, "safes")
	}
	w.on("GET /safes", func(*http.Request, map[string]any) (int, any) {
		status, p := problemJSON(422, "INVALID", "see the fields that are named")
		p.(map[string]any)["errors"] = []any{map[string]any{"path": "name", "message": "must not be empty"}}
		return status, p
	})
	w.bad(2, []string{"name must not be empty"}, "safes")
	for status, exit := range map[int]int{502: 8, 404: 5, 400: 2} {
		w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "<html>proxy", status) })
		w.bad(exit, []string{http.StatusText(status)}, "safes")
	}
	w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte("<html>")) })
	w.bad(1, []string{"not of the expected form"}, "safes")
}

func TestKeptSignInIsGuarded(t *testing.T) {
	w := newWorld(t).login()
	file := filepath.Join(w.home, "login.json")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	w.bad(2, []string{file, "0640", "chmod 600"}, "safes")
	os.Chmod(file, 0o600)
	os.WriteFile(file, []byte("{"), 0o600)
	w.bad(2, []string{"damaged"}, "safes")
	l := login{URL: w.server.URL, Token: sessionToken, ExpiresAt: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)}
	b, _ := json.Marshal(l)
	os.WriteFile(file, b, 0o600)
	w.bad(3, []string{"has ended", "vaultpam login"}, "safes")
}

func TestLogoutForgetsWhateverTheServerSays(t *testing.T) {
	w := newWorld(t).login()
	w.gives("POST /auth/logout", 204, nil)
	contains(t, w.good("logout"), "Signed out")
	w.bad(3, []string{"not signed in"}, "logout")
	w.login()
	w.server.Close()
	w.bad(8, []string{"forgotten here", "stays valid"}, "logout")
	if _, err := os.Stat(filepath.Join(w.home, "login.json")); err == nil {
		t.Error("the sign-in is still there")
	}
}

func TestOrganizationIsChosenBySlug(t *testing.T) {
	w := newWorld(t).login()
	const other = "org_01jz0000000000000000000009"
	w.gives("GET /org/memberships", 200, map[string]any{"active_org_id": orgID, "memberships": []any{
		map[string]any{"org_id": orgID, "slug": "acme", "name": "Acme", "role": "operator"},
		map[string]any{"org_id": other, "slug": "globex", "name": "Globex", "role": "owner"},
	}})
	var got []string
	w.on("GET /safes", func(r *http.Request, _ map[string]any) (int, any) {
		got = append(got, r.Header.Get("X-Active-Org-Id"))
		return 200, listOf()
	})
	w.good("safes")
	w.good("safes", "--org", "globex")
	w.good("safes", "--org", other)
	if !slices.Equal(got, []string{orgID, other, other}) {
		t.Error(got)
	}
	w.bad(5, []string{`"nope"`, "acme, globex"}, "safes", "--org", "nope")
}

func TestATokenNeedsAServer(t *testing.T) {
	w := newWorld(t)
	w.env = append(w.env, "VAULTPAM_TOKEN=vpat_of_nothing")
	w.bad(2, []string{"VAULTPAM_TOKEN is set", "VAULTPAM_BASE_URL"}, "safes")
}

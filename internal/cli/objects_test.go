package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func memberJSON() map[string]any {
	return map[string]any{"user_id": userID, "email": "oscar@example.org", "handle": "oscar", "name": "Oscar", "role": "operator", "active": true, "mfa_enrolled": true, "joined_at": "2026-03-01T12:00:00Z"}
}

func resourceJSON(name string) map[string]any {
	return map[string]any{"id": resID, "name": name, "protocol": "ssh", "host": "10.0.0.5", "port": 22, "description": "", "host_keys": []any{}, "version": 2, "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z"}
}

func accountJSON(name, kind string) map[string]any {
	return map[string]any{"id": accID, "name": name, "resource_id": resID, "username": "deploy", "kind": kind, "state": "enabled", "credential_version": 1, "rotate_every": 0, "version": 4, "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z"}
}

// organization fills the lists.
func (w *world) organization() {
	w.gives("GET /safes", 200, listOf(safeJSON("web-prod")))
	w.gives("GET /resources", 200, listOf(resourceJSON("web server")))
	w.gives("GET /accounts", 200, listOf(accountJSON("deploy@web", "password")))
	w.gives("GET /org/members", 200, listOf(memberJSON()))
}

func TestNamesCannotSteerTheTerminal(t *testing.T) {
	w := newWorld(t).login()
	s := safeJSON("evil\x1b]52;c;AAAA\x07\u202e\nname")
	s["description"] = "\u009b2J"
	w.gives("GET /safes", 200, listOf(s))
	w.gives("GET /safes/"+safeID, 200, s)
	for _, args := range [][]string{{"safes"}, {"safes", "show", safeID}, {"safes", "--json"}, {"safes", "show", safeID, "--json"}} {
		out := w.good(args...)
		if strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && (r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x202e) }) {
			t.Errorf("%v: %q", args, out)
		}
	}
	var l struct {
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(w.good("safes", "--json")), &l); err != nil || l.Items[0].Name != s["name"] {
		t.Errorf("JSON does not mean the same: %v %v", l, err)
	}
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	w := newWorld(t).login()
	w.on("GET /safes", func(r *http.Request, _ map[string]any) (int, any) {
		if r.URL.Query().Get("mine") != "true" || r.URL.Query().Get("limit") != "200" {
			t.Errorf("%v", r.URL)
		}
		if r.URL.Query().Get("cursor") == "" {
			l := listOf(safeJSON("first"))
			l["next_cursor"] = "next"
			return 200, l
		}
		return 200, listOf(safeJSON("second"))
	})
	contains(t, w.good("safes"), "first", "second")
	w.on("GET /sessions", func(r *http.Request, _ map[string]any) (int, any) {
		l := listOf(sessionJSON("live"))
		l["next_cursor"] = "next"
		return 200, l
	})
	r := w.run("sessions", "list", "--limit", "1")
	contains(t, r.err, "--limit 0 shows all")
	w.gives("GET /safes", 200, listOf())
	if r := w.run("safes"); r.status != 0 || r.out != "" || !strings.Contains(r.err, "in no safe yet") {
		t.Errorf("%+v", r)
	}
	contains(t, w.good("safes", "--json"), `"items": []`)
}

func TestSafeIsCreatedFromNames(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	var got map[string]any
	w.on("POST /safes", func(_ *http.Request, in map[string]any) (int, any) { got = in; return 201, safeJSON("two") })
	w.good("safes", "create", "two", "--resource", "web server", "--account", "deploy@web", "--description", "x", "--no-record-input", "--session-ttl", "90m",
		"--valid-hours", "mon-wed,sun 08:00-18:00 Europe/Paris", "--source-network", "10.0.0.0/8,192.0.2.1", "--step-up", "--jump", "allow", "--clipboard", "block")
	want := map[string]any{"name": "two", "description": "x", "resource_id": resID, "account_id": accID, "policy": map[string]any{
		"record_input": false, "session_ttl_seconds": 5400.0, "source_networks": []any{"10.0.0.0/8", "192.0.2.1"}, "step_up": true, "jump": "allow", "clipboard": "block",
		"valid_hours":   map[string]any{"days": []any{"mon", "tue", "wed", "sun"}, "from": "08:00", "to": "18:00", "time_zone": "Europe/Paris"},
		"local_forward": false, "remote_forward": false, "agent_forward": false, "x11_forward": false, "max_sessions": 0.0, "approvals": 0.0, "approval_once": false, "auto_approve_ticket": false}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	w.good("safes", "create", "two", "--resource", "web server", "--account", accID)
	if _, ok := got["policy"]; ok {
		t.Error("a policy was sent that nobody asked for")
	}
	w.bad(5, []string{`no resource "web servr"`, "did you mean", "web server"}, "safes", "create", "two", "--resource", "web servr", "--account", "x")
	w.bad(2, []string{"span of hours"}, "safes", "create", "two", "--resource", "web server", "--account", accID, "--valid-hours", "whenever")
	w.bad(2, []string{`must be one of "block","allow"`}, "safes", "create", "two", "--resource", "web server", "--account", accID, "--jump", "maybe")
}

func TestPolicyChangeKeepsWhatNoFlagNames(t *testing.T) {
	w := newWorld(t).login()
	s := safeJSON("web-prod")
	s["policy"] = map[string]any{"recording": true, "record_input": false, "session_ttl_seconds": 600, "idle_timeout_seconds": 60, "local_forward": true, "jump": "allow", "file_transfer": "block", "max_sessions": 2,
		"source_networks": []any{"10.0.0.0/8"}, "valid_hours": map[string]any{"days": []any{"mon"}, "from": "08:00", "to": "18:00", "time_zone": "UTC"}, "step_up_freshness_seconds": 900}
	w.gives("GET /safes", 200, listOf(s))
	var got map[string]any
	w.on("PUT /safes/"+safeID+"/policy", func(r *http.Request, in map[string]any) (int, any) {
		if r.URL.Query().Get("version") != "3" {
			t.Errorf("%v", r.URL)
		}
		got = in
		return 200, s
	})
	w.good("safes", "policy", "web-prod", "--idle-timeout", "2m", "--no-recording", "--valid-hours", "always", "--source-network", "any")
	want := map[string]any{"recording": false, "record_input": false, "session_ttl_seconds": 600.0, "idle_timeout_seconds": 120.0, "local_forward": true, "remote_forward": false, "agent_forward": false,
		"x11_forward": false, "jump": "allow", "file_transfer": "block", "max_sessions": 2.0, "step_up": false, "step_up_freshness_seconds": 900.0, "approvals": 0.0, "approval_once": false, "auto_approve_ticket": false}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	got = nil
	contains(t, w.good("safes", "policy", "web-prod"), "idle timeout", "1m0s", "10.0.0.0/8", "mon 08:00-18:00 UTC")
	if got != nil {
		t.Error("looking changed something")
	}
}

func TestSafeMembers(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	m := map[string]any{"user_id": userID, "name": "Oscar", "handle": "oscar", "email": "oscar@example.org", "role": "user", "added_by": userID, "added_at": "2026-03-01T12:00:00Z"}
	w.gives("POST /safes/"+safeID+"/members", 201, m)
	w.gives("GET /safes/"+safeID+"/members", 200, listOf(m))
	w.gives("PUT /safes/"+safeID+"/members/"+userID, 200, m)
	w.gives("DELETE /safes/"+safeID+"/members/"+userID, 204, nil)
	w.good("safes", "members", "add", "web-prod", "OSCAR@example.org", "--role", "manager")
	contains(t, strings.Join(w.calls(), "\n"), `"role":"manager","user_id":"`+userID)
	contains(t, w.good("safes", "members", "list", "web-prod"), "oscar@example.org")
	w.good("safes", "members", "role", "web-prod", "oscar", "approver")
	w.good("safes", "members", "remove", "web-prod", "oscar")
	w.bad(5, []string{`"nobody"`}, "safes", "members", "add", "web-prod", "nobody")
	w.bad(5, []string{"no member of web-prod"}, "safes", "members", "remove", "web-prod", "nobody")
	w.bad(2, []string{"must be one of"}, "safes", "members", "role", "web-prod", "oscar", "king")
}

func TestSecretsComeFromFilesInputAndPrompts(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	var got map[string]any
	w.on("POST /accounts", func(_ *http.Request, in map[string]any) (int, any) {
		got = in
		return 201, accountJSON("x", "password")
	})
	create := func(args ...string) []string {
		return append([]string{"accounts", "create", "x", "--resource", "web server", "--username", "root"}, args...)
	}
	w.stdin = "from stdin\r\n"
	w.good(create("--secret-file", "-")...)
	if got["password"] != "from stdin" || got["kind"] != "password" || got["resource_id"] != resID {
		t.Errorf("%v", got)
	}
	w.person.answers["Password"], w.person.answers["again"] = "typed", "typed"
	w.good(create()...)
	if got["password"] != "typed" {
		t.Errorf("%v", got)
	}
	w.person.answers["again"] = "typo"
	w.bad(2, []string{"not the same"}, create()...)

	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
	w.person.answers["Passphrase"] = "open"
	w.good(create("--kind", "ssh_key", "--secret-file", file)...)
	if got["private_key"] != string(pem.EncodeToMemory(block)) || got["passphrase"] != "open" || got["password"] != nil {
		t.Errorf("%v", got)
	}
	pass := filepath.Join(dir, "pass")
	os.WriteFile(pass, []byte("other\n"), 0o600)
	w.good(create("--kind", "ssh_key", "--secret-file", file, "--passphrase-file", pass)...)
	if got["passphrase"] != "other" {
		t.Errorf("%v", got)
	}
	w.bad(2, []string{"--secret-file"}, create("--kind", "ssh_key")...)
	w.bad(2, []string{"cannot be read"}, create("--secret-file", "/nope")...)
	w.bad(2, []string{"too long"}, create("--secret-file", "/dev/zero")...)
	w.bad(2, []string{"empty"}, create("--secret-file", os.DevNull)...)
	w.stdin = "two\nlines\n"
	w.bad(2, []string{"one line"}, create("--secret-file", "-")...)
	w.bad(2, []string{"unknown flag --password"}, create("--password", "x")...)
	w.on("PATCH /accounts/"+accID, func(_ *http.Request, in map[string]any) (int, any) {
		got = in
		return 200, accountJSON("x", "password")
	})
	w.stdin = "new"
	w.good("accounts", "set-secret", "deploy@web", "--secret-file", "-")
	if got["password"] != "new" || got["version"] != 4.0 {
		t.Errorf("%v", got)
	}
}

func TestNothingIsDestroyedUnasked(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	for call, args := range map[string][]string{
		"DELETE /safes/" + safeID:    {"safes", "delete", "web-prod"},
		"DELETE /resources/" + resID: {"resources", "delete", "web server"},
		"DELETE /accounts/" + accID:  {"accounts", "delete", "deploy@web"},
		"DELETE /mfa/factors/fac_1":  {"mfa", "remove", "fac_1"},
	} {
		w.gives(call, 204, nil)
		w.bad(2, []string{"--yes"}, append(args, "--no-input")...)
		w.person.answers["[y/N]"] = "n"
		w.bad(6, []string{"nothing was changed"}, args...)
		if slices.ContainsFunc(w.calls(), func(c string) bool { return strings.HasPrefix(c, "DELETE") }) {
			t.Errorf("%v destroyed something", args)
		}
		w.person.answers["[y/N]"] = "y"
		w.good(args...)
		if out := w.good(append(args, "--yes", "--no-input", "--json")...); out != "{}\n" {
			t.Errorf("%q", out)
		}
		w.calls()
	}
}

func TestHostKeysAndTheRest(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	w.gives("POST /resources/"+resID+"/host-key/scan", 200, map[string]any{"fingerprint": "SHA256:abc", "type": "ssh-ed25519", "public_key": "ssh-ed25519 AAAA", "pinned": false, "seen_at": "2026-03-01T12:00:00Z"})
	w.gives("POST /resources/"+resID+"/host-key", 200, resourceJSON("web server"))
	w.gives("POST /resources", 201, resourceJSON("new"))
	w.gives("GET /resources/"+resID, 200, resourceJSON("web server"))
	w.gives("POST /accounts/"+accID+"/disable", 200, accountJSON("deploy@web", "password"))
	w.gives("POST /accounts/"+accID+"/enable", 200, accountJSON("deploy@web", "password"))
	changed := memberJSON()
	delete(changed, "mfa_enrolled") // only the list tells it
	w.gives("PUT /org/members/"+userID+"/role", 200, changed)
	contains(t, w.good("resources", "scan", "web server"), "SHA256:abc", "vaultpam resources confirm 'web server' SHA256:abc")
	contains(t, w.good("resources", "confirm", "web server", "SHA256:abc"), "confirmed")
	contains(t, w.good("resources", "create", "new", "--host", "10.0.0.9"), "resources scan new")
	contains(t, w.good("resources"), "10.0.0.5:22", "not confirmed")
	contains(t, w.good("resources", "show", "WEB SERVER"), "none confirmed")
	contains(t, w.good("accounts"), "web server", "deploy")
	contains(t, w.good("accounts", "disable", "deploy@web"), "out of use")
	contains(t, w.good("accounts", "enable", "deploy@web"), "in use again")
	contains(t, w.good("members"), "oscar@example.org")
	contains(t, w.good("members", "role", "oscar", "auditor"), "oscar is now auditor")
	contains(t, w.good("whoami"), "Jane Doe", "9 backup codes left")
}

func TestTokensAndKeys(t *testing.T) {
	w := newWorld(t).login()
	tok := map[string]any{"id": "tok_1", "name": "ci", "owner_id": userID, "owner": "jane", "scopes": []any{"safes:read"}, "created_at": "2026-03-01T12:00:00Z", "expires_at": "2026-03-02T12:00:00Z"}
	w.gives("GET /tokens", 200, listOf(tok))
	w.gives("DELETE /tokens/tok_1", 204, nil)
	w.on("POST /tokens", func(_ *http.Request, in map[string]any) (int, any) {
		if in["expires_in_days"] != 90.0 || !reflect.DeepEqual(in["scopes"], []any{"safes:read", "sessions:launch"}) {
			t.Errorf("%v", in)
		}
		made := map[string]any{"token": "vpat_shown_once"}
		for k, v := range tok {
			made[k] = v
		}
		return 201, made
	})
	if out := w.good("tokens", "create", "ci", "--scope", "safes:read,sessions:launch"); out != "vpat_shown_once\n" {
		t.Errorf("%q: the token must be alone on standard output", out)
	}
	contains(t, w.good("tokens"), "ci", "safes:read")
	w.good("tokens", "revoke", "ci")
	w.bad(5, []string{`"c1"`}, "tokens", "revoke", "c1")

	key := map[string]any{"id": "key_1", "name": "my laptop", "algorithm": "ssh-ed25519", "fingerprint": "SHA256:x", "created_at": "2026-03-01T12:00:00Z"}
	w.gives("GET /ssh-keys", 200, listOf(key))
	w.on("POST /ssh-keys", func(_ *http.Request, in map[string]any) (int, any) {
		if in["name"] != "my laptop" || in["public_key"] != "ssh-ed25519 AAAA my laptop" {
			t.Errorf("%v", in)
		}
		return 201, key
	})
	w.gives("DELETE /ssh-keys/key_1", 204, nil)
	w.stdin = "ssh-ed25519 AAAA my laptop\n"
	contains(t, w.good("ssh-keys", "add", "-"), "SHA256:x")
	w.stdin = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	w.bad(2, []string{"private key"}, "ssh-keys", "add", "-")
	contains(t, w.good("ssh-keys"), "my laptop")
	w.good("ssh-keys", "remove", "SHA256:x")
}

func TestChangesNameOnlyWhatTheFlagsSay(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	var got map[string]any
	w.on("PATCH /resources/"+resID, func(_ *http.Request, in map[string]any) (int, any) { got = in; return 200, resourceJSON("web") })
	contains(t, w.good("resources", "update", "web server", "--host", "10.0.0.6", "--description", ""), "web", "scan")
	if want := (map[string]any{"host": "10.0.0.6", "description": "", "version": 2.0}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	w.on("PATCH /safes/"+safeID, func(_ *http.Request, in map[string]any) (int, any) { got = in; return 200, safeJSON("three") })
	contains(t, w.good("safes", "update", "web-prod", "--name", "three", "--account", "deploy@web"), "three")
	if want := (map[string]any{"name": "three", "account_id": accID, "version": 3.0}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	w.bad(2, []string{"what should change"}, "safes", "update", "web-prod")
	w.bad(2, []string{"what should change"}, "resources", "update", "web server")
}

package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/vaultpam/vaultpam/"

// The house, top to bottom. Imports run downward only, or stay on a floor.
var floors = [][]string{
	{"cmd", "internal/cli", "internal/app", "bench", "test", "scripts"},
	{"internal/api", "internal/console", "internal/gateway", "internal/demo", "internal/config"},
	{
		"internal/session", "internal/access", "internal/checkout", "internal/recording", "internal/policy", "internal/safe", "internal/group", "internal/vault", "internal/rotation", "internal/resource",
		"internal/tenancy", "internal/invitation", "internal/invitelink", "internal/signup", "internal/platform", "internal/keys",
		"internal/identity", "internal/mfa", "internal/recovery", "internal/phone", "internal/sso", "internal/scim",
		"internal/notify", "internal/idempotency", "internal/governance", "internal/accessreview", "internal/auditexport",
	},
	{"internal/audit"},
	{"internal/seal", "internal/authz", "internal/db", "internal/page", "internal/label", "internal/logctx", "internal/rounds", "internal/secret", "internal/sshtarget", "internal/id", "internal/fault", "web"},
}

func floor(pkg string) int {
	for i, names := range floors {
		for _, n := range names {
			if pkg == n || strings.HasPrefix(pkg, n+"/") {
				return i
			}
		}
	}
	return -1
}

// Arrows that no floor explains, each with its reason.
func allowed(from, to string) bool {
	switch {
	case to == "internal/gateway/ssh/sshevent": // the catalog re-exports the SSH gateway's four events
		return from == "internal/audit/event"
	case from == "internal/gateway/ssh/sshevent":
		return to == "internal/audit/event/envelope" || to == "internal/id"
	}
	return false
}

func TestImportsRunDownward(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(p.ImportPath, module)
		if floor(from) < 0 {
			t.Errorf("%s is on no floor of the house: give it one in this test", from)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			seen++
			if why := wrong(from, to); why != "" && !allowed(from, to) {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
	}
	if seen < 100 {
		t.Fatalf("only %d imports were looked at", seen)
	}
}

func wrong(from, to string) string {
	door := func(p string) string { // the first two folders name a door
		return strings.Join(strings.SplitN(strings.TrimPrefix(p, "internal/"), "/", 3)[:1], "/")
	}
	f, g := floor(from), floor(to)
	switch {
	case g < 0:
		return "it is on no floor of the house"
	case f > g:
		return "imports run downward"
	case f == 1 && to == "internal/db":
		return "a door never touches the database"
	case f == 1 && g == 1 && door(from) != door(to):
		return "a door never knows another"
	case to == "internal/config" && f != 0 && from != "internal/config":
		return "nothing below app reads the configuration"
	}
	return ""
}

func TestWrongArrowsAreSeen(t *testing.T) {
	for _, arrow := range [][2]string{
		{"internal/vault", "internal/api"}, {"internal/db", "internal/audit/ledger"}, {"internal/api", "internal/db"},
		{"internal/api", "internal/gateway/ssh"}, {"internal/session", "internal/config"}, {"internal/audit/event", "internal/session"},
	} {
		if wrong(arrow[0], arrow[1]) == "" {
			t.Errorf("%s -> %s was not seen", arrow[0], arrow[1])
		}
	}
}

package test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every command of the command line is run against a server, at least once with
// success. That each is, commandsLeft tells when everything was run.

// driven are the words before the flags of the commands that ended well.
var driven = struct {
	sync.Mutex
	lines map[string]bool
}{lines: map[string]bool{}}

// drove counts a command line that ended well.
func drove(args []string) {
	var words []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			if len(words) > 0 {
				break
			}
			continue
		}
		words = append(words, a)
	}
	driven.Lock()
	defer driven.Unlock()
	driven.lines[strings.Join(words, " ")+" "] = true
}

// commandsLeft are the commands of the reference that no test has run. It can be
// told only when all tests ran.
func commandsLeft() (left []string, err error) {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return nil, nil
		}
	}
	reference, err := os.ReadFile(filepath.Join("..", "docs", "reference", "cli.md"))
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(maps.Keys(driven.lines))
	for _, m := range regexp.MustCompile(`(?m)^### vaultpam (.+)$`).FindAllStringSubmatch(string(reference), -1) {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, m[1]+" ") }) {
			left = append(left, m[1])
		}
	}
	return left, nil
}

// prompt is somebody who types commands, none of which may fail.
type prompt func(stdin string, args ...string) string

// prompt acts as c does.
func (s *Server) prompt(t testing.TB, c *Client) prompt {
	home := t.TempDir()
	return func(stdin string, args ...string) string {
		t.Helper()
		r := s.types(t, c, home, stdin, args...)
		if r.Code != 0 {
			t.Fatalf("vaultpam %s: %s", strings.Join(args, " "), r)
		}
		return r.Stdout + r.Stderr
	}
}

func (s *Server) types(t testing.TB, c *Client, home, stdin string, args ...string) Result {
	t.Helper()
	env := []string{"VAULTPAM_HOME=" + home, "VAULTPAM_BASE_URL=" + s.URL, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN=" + c.bearer}
	p := spawn(t, "", env, theCommand(t), append(args, "--no-input")...)
	fmt.Fprint(p.Stdin, stdin)
	p.Stdin.Close()
	return p.wait()
}

// says runs a command and looks for words in what it answers.
func (p prompt) says(t testing.TB, want string, args ...string) string {
	t.Helper()
	out := p("", args...)
	for w := range strings.FieldsSeq(want) {
		if !strings.Contains(out, w) {
			t.Errorf("vaultpam %s does not say %q:\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

func TestServiceAccountsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		ask := s.prompt(t, w.Owner.Client)
		ask.says(t, "no service accounts", "service-accounts", "list")
		ask.says(t, "ci-deploy tokens create", "service-accounts", "add", "ci-deploy", "--role", "auditor")
		made := ask("", "tokens", "create", "deploy", "--scope", "audit:read,self:read", "--service-account", "ci-deploy", "--network", "127.0.0.0/8", "--days", "3")
		token := regexp.MustCompile(`vpat_[A-Za-z0-9_-]{43}`).FindString(made)
		secrets.add("API token", token)
		w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: w.Owner.ID, Meta: obj{"service_account": true, "scopes": []string{"audit:read", "self:read"}}})
		robot := s.prompt(t, w.Owner.nobody(t).with(token))
		robot.says(t, "ci-deploy auditor", "whoami")
		ask.says(t, "ci-deploy auditor 1", "service-accounts", "list")
		ask.says(t, "deploy ci-deploy 127.0.0.0/8", "tokens", "list", "--all")
		ask("", "service-accounts", "remove", "ci-deploy", "--yes")
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "owner_removed", Actor: "System"})
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "service-accounts", "remove", "ci-deploy", "--yes"); r.Code != 5 || strings.Count(r.Stderr, "\n") != 1 {
			t.Errorf("removed twice: %s", r)
		}
	})
}

func TestOwnThingsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		ask := s.prompt(t, p.Client)
		factors := ask.says(t, "totp", "mfa", "list")
		factor := regexp.MustCompile(`fac_[0-9a-z]{26}`).FindString(factors)
		ask("", "mfa", "rename", factor, "My phone")
		ask.says(t, "My phone", "mfa", "list")
		codes := ask("", "mfa", "backup-codes")
		found := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`).FindAllString(codes, -1)
		for _, c := range found {
			secrets.add("backup code", c)
		}
		if len(found) != 10 {
			t.Errorf("%d backup codes", len(found))
		}
		w.saw(Want{Constant: "MFA_BACKUP_CODES_GENERATED", ActorID: p.ID})

		_, public := newKeyFile(t, t.TempDir(), "more")
		file := write(t, t.TempDir(), "more.pub", []byte(public+"\n"))
		ask("", "ssh-keys", "add", file, "--name", "more")
		ask.says(t, "more SHA256:", "ssh-keys", "list")
		ask("", "ssh-keys", "remove", "more")
		secrets.add("API token", regexp.MustCompile(`vpat_[A-Za-z0-9_-]{43}`).FindString(ask("", "tokens", "create", "spare", "--scope", "safes:read")))
		ask("", "tokens", "revoke", "spare")
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "revoked_by_owner", ActorID: p.ID})
		ask.says(t, w.Slug+" operator", "orgs", "list")
		p.signIn(t)
		ask.says(t, "yes no", "logins", "list")
		ask.says(t, "1", "logins", "end", "--others")
		ask.says(t, p.Handle, "whoami")
	})
}

func TestSettingsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		ask := s.prompt(t, w.Owner.Client)
		ask("", "orgs", "settings", "set", "--name", "Bees & Sons", "--color", "#aa5500", "--support", "the help desk", "--idle", "20", "--absolute", "600", "--require-mfa")
		for _, group := range []string{"branding", "authentication", "mfa"} {
			w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Where: obj{"setting_group": group}})
		}
		ask("", "orgs", "settings", "keep", "90")
		ask("", "orgs", "settings", "keep-audit", "777")
		ask("", "orgs", "hold", "set", "the case of May")
		ask.says(t, "organization case May", "orgs", "hold", "show")
		ask.says(t, "777 case", "orgs", "settings", "show")
		ask("", "orgs", "hold", "lift", "the case is closed")
		ask.says(t, "hold: none", "orgs", "hold")
		ask.says(t, "Bees #aa5500 help 20 600 90", "orgs", "settings", "show")
		ask.says(t, w.Owner.Handle, "orgs", "settings", "history")
		ask.says(t, "seats", "orgs", "settings", "show")

		root := s.prompt(t, s.Root.Client)
		root("", "orgs", "seats", w.Slug, "7")
		root("", "orgs", "audit-minimum", w.Slug, "100")
		root("", "orgs", "hold", "set", "asked for by a court", "--organization", w.Slug)
		ask.says(t, "platform court", "orgs", "hold", "show")
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "orgs", "delete", "--confirm", w.Slug); r.Code == 0 || !strings.Contains(r.Stderr, "legal hold") {
			t.Errorf("an organization under a legal hold is deleted: %s", r)
		}
		root("", "orgs", "hold", "lift", "closed", "--organization", w.Slug)
		ask.says(t, "7", "orgs", "settings", "show")
		root.says(t, w.Slug, "orgs", "all")
		root("", "orgs", "suspend", w.Slug, "--comment", "unpaid", "--yes")
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "safes"); r.Code == 0 {
			t.Errorf("a suspended organization answers: %s", r)
		}
		root("", "orgs", "resume", w.Slug)
		ask.says(t, w.Slug, "orgs", "list")
		ask("", "org-key", "rotate")
		w.export(t) // while it can still be read
		ask("", "orgs", "delete", "--confirm", w.Slug)
		w.gone = true
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "safes"); r.Code == 0 {
			t.Errorf("a deleted organization answers: %s", r)
		}
	})
}

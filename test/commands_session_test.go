package test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An administrator sets a machine up, somebody uses it, and an auditor looks at it
// afterwards, all by the command line.
func TestAMachineByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		admin := s.prompt(t, w.Owner.Client)
		target := host(t)
		name, port := target.addr()
		admin("", "resources", "create", "db-1", "--host", name, "--port", strconv.Itoa(port), "--description", "the old one")
		admin("", "resources", "update", "db-1", "--description", "the ledger's database")
		seen := regexp.MustCompile(`SHA256:[A-Za-z0-9+/]{43}`).FindString(admin("", "resources", "scan", "db-1"))
		admin("", "resources", "confirm", "db-1", seen)
		admin.says(t, "db-1 "+seen, "resources", "show", "db-1")
		admin.says(t, "db-1", "resources", "list")

		how := target.account("", "")
		key := write(t, t.TempDir(), "key", []byte(how["private_key"].(string)))
		admin("", "accounts", "create", "root-db-1", "--resource", "db-1", "--username", how["username"].(string), "--kind", "ssh_key", "--secret-file", key)
		admin("", "accounts", "set-secret", "root-db-1", "--secret-file", key)
		admin("", "accounts", "disable", "root-db-1")
		admin("", "accounts", "enable", "root-db-1")
		admin.says(t, "root-db-1 db-1", "accounts", "list")
		admin("", "accounts", "schedule", "root-db-1", "--every", "90")
		admin("", "accounts", "rotate", "root-db-1") // this host keeps its keys elsewhere: it stays as it is
		admin.says(t, "manual", "accounts", "rotations", "root-db-1")

		admin("", "safes", "create", "ledger", "--resource", "db-1", "--account", "root-db-1", "--description", "books", "--session-ttl", "1h")
		admin("", "safes", "update", "ledger", "--description", "the books")
		admin("", "safes", "policy", "ledger", "--idle-timeout", "5m", "--max-sessions", "3")
		admin.says(t, "books 5m 1h", "safes", "show", "ledger")
		admin("", "safes", "members", "add", "ledger", oscar.Handle)
		admin("", "safes", "members", "role", "ledger", oscar.Email, "checkout")
		admin.says(t, oscar.Handle+" checkout", "safes", "members", "list", "ledger")

		ask := s.prompt(t, oscar.Client)
		ask.says(t, "ledger", "safes", "list")
		v := &Safe{ID: list[struct{ ID string }](t, oscar.Client, "/safes")[0].ID, Name: "ledger"}
		if r := s.signedInCLI(t, oscar, t.TempDir())("ssh", "ledger", "echo the sum is 7"); r.Code != 0 || r.Stdout != "the sum is 7\n" {
			t.Errorf("%s", r)
		}
		x := w.ended(v)
		admin.says(t, oscar.Handle+" ledger", "sessions", "list", "--safe", "ledger")
		admin.says(t, oscar.Handle+" ledger", "sessions", "show", x.ID)
		admin.says(t, "the sum is 7", "sessions", "play", x.ID, "--speed", "0")

		live := oscar.open(t, v)
		var id string
		eventually(t, "a live session", func() bool {
			id = regexp.MustCompile(`ses_[0-9a-z]{26}`).FindString(admin("", "sessions", "list", "--state", "live"))
			return id != ""
		})
		env := []string{"VAULTPAM_HOME=" + t.TempDir(), "VAULTPAM_BASE_URL=" + s.URL, "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN=" + w.Owner.bearer}
		watching := spawn(t, "", env, theCommand(t), "sessions", "watch", id, "--no-input")
		w.saw(Want{Constant: "SESSION_PLAYBACK_ACCESSED", ActorID: w.Owner.ID, Session: id})
		admin("", "sessions", "terminate", id, "--comment", "enough")
		live.wait()
		if r := watching.wait(); r.Code != 0 {
			t.Errorf("who watched a session that was ended: %s", r)
		}
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", ActorID: w.Owner.ID, Session: id})
		w.ended(v)

		admin("", "safes", "members", "remove", "ledger", oscar.Handle)
		admin("", "safes", "delete", "ledger", "--yes")
		admin("", "accounts", "delete", "root-db-1", "--yes")
		admin("", "resources", "delete", "db-1", "--yes")
		admin("", "members", "role", oscar.Handle, "auditor")

		auditor := s.prompt(t, w.person("auditor").Client)
		event := regexp.MustCompile(`evt_[0-9a-z]{26}`).FindString(auditor("", "audit", "tail", "--constant", "SESSION_TERMINATED_BY_ADMIN", "--json"))
		auditor.says(t, "SESSION_TERMINATED_BY_ADMIN enough", "audit", "show", event)
		auditor("", "audit", "proof", event)
		point := filepath.Join(t.TempDir(), "checkpoint")
		auditor("", "audit", "checkpoint", "--fresh", "-o", point)
		bundle := filepath.Join(t.TempDir(), "bundle")
		w.mayExport(t, w.person("auditor"))
		auditor("", "audit", "export", "-o", bundle)
		key = regexp.MustCompile(`\S+\+[0-9a-f]{8}\+\S+`).FindString(auditor("", "audit", "keys"))
		for _, args := range [][]string{{"audit", "verify", bundle, "--key", key, "--since", point}, {"audit", "catalog"}, {"completion", "bash"}, {"help", "exit-codes"}, {"version"}} {
			if r := spawn(t, "", nil, theCommand(t), args...).wait(); r.Code != 0 {
				t.Errorf("vaultpam %s: %s", strings.Join(args, " "), r)
			}
		}
	})
}

func TestFactorsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		home := t.TempDir()
		ask := s.signedInCLI(t, p, home)
		term := inTerminal(t, 160, 50, need(t, "env"), "VAULTPAM_HOME="+home, "VAULTPAM_CA_FILE="+filepath.Join(s.Dir, "tls", "ca.pem"), theCommand(t), "mfa", "enrol", "Spare")
		var secret string
		eventually(t, "the secret of another app", func() bool {
			secret = regexp.MustCompile(`\b[A-Z2-7]{32}\b`).FindString(term.Stdout.String())
			return secret != ""
		})
		secrets.add("TOTP secret", secret)
		term.say(totp(t, secret, time.Now().Unix()/30))
		if r := term.wait(); r.Code != 0 {
			t.Fatalf("%s", r)
		}
		drove([]string{"mfa", "enrol"}) // by way of env
		w.saw(Want{Constant: "MFA_FACTOR_ENROLLED", ActorID: p.ID, Where: obj{"first_factor": false}})
		r := ask("mfa", "list", "--json")
		spare := regexp.MustCompile(`(fac_[0-9a-z]{26})[^{}]*Spare`).FindStringSubmatch(r.Stdout)
		if spare == nil {
			t.Fatalf("it is not listed: %s", r)
		}
		if r := ask("mfa", "remove", spare[1], "--yes", "--no-input"); r.Code != 0 {
			t.Fatalf("%s", r)
		}
		w.saw(Want{Constant: "MFA_FACTOR_REMOVED", ActorID: p.ID, Where: obj{"factor_id": spare[1]}})
		again := s.signedInCLI(t, p, t.TempDir())
		if r := again("logout"); r.Code != 0 {
			t.Errorf("%s", r)
		}
		if r := again("whoami", "--no-input"); r.Code != 3 {
			t.Errorf("after the end: %s", r)
		}
	})
}

func TestOperatorsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		boss, _ := s.operator(t, "platform_admin")
		anna, _ := s.operator(t, "platform_auditor")
		ask := s.prompt(t, boss.Client)
		ask("", "platform", "users", "role", anna.Handle, "platform_admin")
		ask("", "platform", "users", "reset-mfa", anna.Handle, "--yes")
		ask("", "platform", "users", "remove", anna.Handle, "--yes")
		s.saw(t, Want{Constant: "PLATFORM_USER_REMOVED", ActorID: boss.ID, Where: obj{"subject_user_id": anna.ID}})
		email := "op-" + random(4) + "@example.com"
		ask("", "platform", "invitations", "send", email)
		s.exec(t, "update platform_invitation set sent_at = sent_at - 120000000 where email = $1", email)
		ask("", "platform", "invitations", "resend", email)
		mail := "z-" + random(4) + "@example.com"
		w.invited(w.Owner.Client, mail, nil)
		s.exec(t, "update invitation set sent_at = sent_at - 120000000 where email = $1", mail)
		s.prompt(t, w.Owner.Client)("", "invitations", "resend", mail)
		w.saw(Want{Constant: "INVITATION_RESENT", ActorID: w.Owner.ID})
		ask("", "platform", "keys", "rotate-root", "--yes")
		ask("", "platform", "keys", "rotate-data")
		ask("", "platform", "ledgers", "rotate-key", "Test "+w.Slug)
		if r := s.types(t, boss.Client, t.TempDir(), "", "platform", "ledgers", "resume", "Test "+w.Slug, "--yes"); r.Code != 6 || strings.Count(r.Stderr, "\n") != 1 {
			t.Errorf("a ledger that runs is resumed: %s", r)
		}
	})
}

package test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to tamper with the schema's number
	_ "modernc.org/sqlite"
)

// fails runs a server that cannot start, and gives the one line that it says.
func (s *Server) fails(t testing.TB, as *syscall.Credential, args ...string) string {
	t.Helper()
	cmd := exec.Command(theBinary(t), args...)
	cmd.Env, cmd.Dir = s.env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := startOnThread(cmd); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var err error
	if e := await(2*patience, func() bool {
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	}); e != nil {
		cmd.Process.Kill()
		t.Fatalf("it started, or hangs: %s", said.tail(2000))
	}
	if err == nil {
		t.Fatalf("it ended with 0: %s", said.tail(2000))
	}
	if !oneLine(said.String()) || strings.Contains(said.String(), "goroutine") {
		t.Errorf("it does not say one line: %s", said.String())
	}
	return said.String()
}

func TestStartErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for _, command := range []string{"server", "dev"} {
		for _, key := range []string{"HTTPS", "SSH", "METRICS"} {
			s := newServer(t, SQLite, t.TempDir(), "VAULTPAM_"+key+"_ADDR="+busy)
			sentence(t, s.fails(t, nil, command), busy, "in use", strings.ToLower(key)+".addr")
		}
	}
	s := newServer(t, SQLite, t.TempDir(), "VAULTPAM_HTPS_ADDR=x")
	sentence(t, s.fails(t, nil, "server"), "VAULTPAM_HTPS_ADDR")
	s = newServer(t, SQLite, t.TempDir(), "VAULTPAM_LOG_LEVEL=loud")
	sentence(t, s.fails(t, nil, "server"), "log.level", "loud", "debug")
	s = newServer(t, SQLite, t.TempDir(), "VAULTPAM_DATABASE_URL=postgres://nobody@127.0.0.1:1/none?connect_timeout=2")
	sentence(t, s.fails(t, nil, "server"), "PostgreSQL", "127.0.0.1", "does not answer")
	file := write(t, t.TempDir(), "file", []byte("x"))
	s = newServer(t, SQLite, filepath.Dir(file), "VAULTPAM_DATA="+file)
	sentence(t, s.fails(t, nil, "server"), file)
}

func TestFolderThatIsNotWritableIsOneLine(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp(work, "readonly-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		as = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	for _, command := range []string{"server", "dev"} {
		s := newServer(t, SQLite, dir)
		sentence(t, s.fails(t, as, command), s.Dir, "permission denied")
	}
}

func TestFolderInUseIsOneLine(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	second := newServer(t, SQLite, t.TempDir(), "VAULTPAM_DATA="+s.Dir)
	sentence(t, second.fails(t, nil, "server"), s.Dir, "in use")
	s.ready(t)
}

func TestDataOfANewerVersionIsOneLine(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := own(t, store)
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			driver, url := "sqlite", filepath.Join(s.Dir, "vaultpam.db")
			if store == Postgres {
				driver = "pgx"
				for _, kv := range s.env {
					if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
						url = v
					}
				}
			}
			d, err := sql.Open(driver, url)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if _, err := d.Exec("insert into goose_db_version (version_id, is_applied) values (999999, true)"); err != nil {
				t.Fatal(err)
			}
			sentence(t, s.fails(t, nil, "server"), "newer version")
		})
	}
}

func TestRestartFindsItsData(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := own(t, store)
			w := newWorld(t, s)
			oscar := w.person("operator")
			v := w.safe(host(t), nil, oscar)
			oscar.succeeds(t, v, "true")
			x := w.ended(v)
			checkpoint := w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			s.start(t)
			if strings.Contains(s.stdout.String(), "/setup#") {
				t.Error("the second start offers the set-up again")
			}
			w.Owner.must(t, "GET", "/sessions/"+x.ID+"/recording", nil) // web sessions, keys and recordings are good
			oscar.succeeds(t, v, "true")
			w.ended(v)
			verified(t, w.Owner.Client, checkpoint)
		})
	}
}

// devFile is dev.json, as design.md section 6 has it.
type devFile struct {
	API, Console string
	CAFile       string `json:"ca_file"`
	SSHAddr      string `json:"ssh_addr"`
	Organization struct{ ID, Slug string }
	Users        []struct {
		Email, Handle, Password, Role string
		TOTP                          string `json:"totp_secret"`
		Token                         string `json:"api_token"`
		Key                           string `json:"ssh_private_key_file"`
	}
	Safes []struct{ ID, Name, Protocol string }
}

var sshLine = regexp.MustCompile(`(?m)^\s+(ssh -p .*)$`)

// develop starts `vaultpam dev` and waits until it says what to paste.
func (s *Server) develop(t testing.TB) (line string, f devFile) {
	t.Helper()
	s.launch(t, "dev")
	eventually(t, "the line to paste", func() bool {
		if m := sshLine.FindStringSubmatch(s.stdout.String()); m != nil {
			line = m[1]
		}
		return line != "" || !s.running()
	})
	text, err := os.ReadFile(filepath.Join(s.Dir, "dev.json"))
	if err != nil {
		t.Fatalf("%v\n%s%s", err, s.stdout, s.stderr.tail(2000))
	}
	if fi, _ := os.Stat(filepath.Join(s.Dir, "dev.json")); fi.Mode().Perm() != 0o600 {
		t.Errorf("dev.json has the mode %v", fi.Mode())
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return line, f
}

func TestDevelopmentServerIsReadyToPaste(t *testing.T) {
	t.Parallel()
	s := newServer(t, SQLite, t.TempDir())
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	var line string
	var f devFile
	for start := range 2 { // the second finds what the first has made
		var before devFile
		before, line = f, ""
		line, f = s.develop(t)
		if start > 0 && (f.Organization != before.Organization || f.Users[0].Token != before.Users[0].Token) {
			t.Error("the second start made another world")
		}
		term := inTerminal(t, 80, 24, "sh", "-c", "exec "+strings.Replace(line, "ssh ", "ssh -F /dev/null -o IdentityAgent=none ", 1))
		term.say("echo do''ne; exit 5")
		term.expect("done")
		if r := term.wait(); r.Code != 5 {
			t.Errorf("the line to paste: %s", r)
		}
		if start == 0 {
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	roles := map[string]bool{}
	for _, u := range f.Users {
		roles[u.Role] = true
		c := newClient(f.API, "", s.authorities(t)).with(u.Token)
		var me struct{ User struct{ Handle string } }
		c.must(t, "GET", "/auth/me", nil).into(t, &me)
		if me.User.Handle != u.Handle || u.Password == "" || u.TOTP == "" {
			t.Errorf("%s of dev.json is %+v", u.Handle, me)
		}
	}
	for _, role := range []string{"owner", "operator", "auditor", "platform_admin"} {
		if !roles[role] {
			t.Errorf("dev.json has no %s", role)
		}
	}
	if len(f.Safes) == 0 || f.Safes[0].Protocol != "ssh" || f.Organization.ID == "" || f.SSHAddr == "" {
		t.Errorf("dev.json is %s", fmt.Sprintf("%+v", f))
	}
}

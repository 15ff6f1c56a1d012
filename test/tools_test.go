package test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Plain OpenSSH and what builds on it work through the gateway as against any host.

func TestShellIsAShell(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		term := oscar.terminal(t, append(oscar.sshOptions(t), "SendEnv=PROBE"), "", v)
		term.say("PS1='ready> '; tty; stty size")
		term.expect("/dev/pts/")
		term.expect("24 80")
		term.say("sh -c 'echo run''ning; exec sleep 1000'") // says so once it is what Ctrl-C reaches
		term.expect("running")
		term.send("\x03") // Ctrl-C
		term.expect("ready> ")
		term.say("echo back $?")
		term.expect("back 130")
		term.resize(120, 40)
		eventually(t, "the new size", func() bool { term.say("stty size"); return strings.Contains(term.Stdout.String(), "40 120") })
		term.say("exit 3")
		if r := term.wait(); r.Code != 3 {
			t.Errorf("the shell's exit status: %s", r)
		}
		if x := w.ended(v); x.ExitStatus == nil || *x.ExitStatus != 3 || x.EndedBy != "user" {
			t.Errorf("the session is %+v", x)
		}
	})
}

func TestCommandsKeepStatusStreamsAndEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared(t, SQLite))
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	for _, status := range []int{0, 1, 42, 255} {
		r := oscar.run(t, v, fmt.Sprintf("echo out; echo err >&2; exit %d", status))
		if r.Code != status || r.Stdout != "out\n" || !strings.Contains(r.Stderr, "err\n") {
			t.Errorf("status %d: %s", status, r)
		}
	}
	if out := oscar.succeeds(t, v, "echo $LC_PROBE", "-o", "SetEnv=LC_PROBE=through"); out != "through\n" {
		t.Errorf("the environment: %q", out)
	}
	if r := oscar.run(t, v, "kill -TERM $$"); r.Code == 0 {
		t.Errorf("a command that a signal ended: %s", r)
	}
	w.ended(v)
}

func TestSeveralChannelsShareOneSession(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		sock := filepath.Join(shortDir(t), "mux")
		master := oscar.open(t, v, "-M", "-S", sock)
		for n := range 3 {
			if out := oscar.succeeds(t, v, fmt.Sprint("echo channel ", n), "-S", sock); out != fmt.Sprintf("channel %d\n", n) {
				t.Errorf("channel %d: %q", n, out)
			}
		}
		file := write(t, t.TempDir(), "f", []byte("over the shared connection"))
		r := tool(t, "", nil, "scp", append(flags(oscar.sshOptions(t)), "-o", "ControlPath="+sock, file, oscar.loginTo(v)+"@"+gatewayHost+":"+file+".copy")...)
		if copied, err := os.ReadFile(file + ".copy"); r.Code != 0 || err != nil || string(copied) != "over the shared connection" {
			t.Errorf("scp over the shared connection: %s, %v", r, err)
		}
		master.Stdin.Close()
		master.wait()
		x := w.ended(v)
		if x.Channels != 5 || len(list[Session](t, w.Owner.Client, "/sessions?safe="+v.ID)) != 1 {
			t.Errorf("five channels are not one session: %+v", x)
		}
		w.saw(Want{Constant: "PROXY_SSH_SESSION_OPENED", Session: x.ID})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_CLOSED", Session: x.ID, Reason: "channel_close", Meta: obj{"channels": 5}})
	})
}

// The files that pass are recorded with their names and sizes.
func TestFilesPassAndAreRecorded(t *testing.T) {
	t.Parallel()
	s := own(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	content := make([]byte, 300_000)
	rand.Read(content)
	base, to := flags(oscar.sshOptions(t)), oscar.loginTo(v)+"@"+gatewayHost
	var recordings []string
	for name, args := range map[string][]string{
		"scp up":       {"scp", "LOCAL", "REMOTE"},
		"scp down":     {"scp", "REMOTE", "LOCAL"},
		"old scp up":   {"scp", "-O", "LOCAL", "REMOTE"},
		"old scp down": {"scp", "-O", "REMOTE", "LOCAL"},
		"sftp up":      {"sftp", "put LOCAL REMOTE"},
		"sftp down":    {"sftp", "get REMOTE LOCAL"},
	} {
		dir := t.TempDir()
		up := strings.HasSuffix(name, "up")
		local, remote := filepath.Join(dir, "here.bin"), filepath.Join(dir, "there.bin")
		from, dest := local, remote
		if !up {
			from, dest = remote, local
		}
		write(t, dir, filepath.Base(from), content)
		cmd := append([]string{args[0]}, base...)
		for _, a := range args[1:] {
			switch {
			case args[0] == "sftp":
				a = strings.NewReplacer("LOCAL", local, "REMOTE", remote).Replace(a)
				cmd = append(cmd, "-b", write(t, dir, "batch", []byte(a+"\n")), to)
			default:
				cmd = append(cmd, strings.NewReplacer("LOCAL", local, "REMOTE", to+":"+remote).Replace(a))
			}
		}
		r := tool(t, dir, nil, cmd[0], cmd[1:]...)
		if got, err := os.ReadFile(dest); r.Code != 0 || err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %s, %v", name, r, err)
		}
		recordings = append(recordings, w.ended(v).Recording.ID)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	files := s.stored(t)
	for _, rec := range recordings {
		got := recorded(t, files, rec)
		ops, contents := string(got[format.File]), string(got[format.Gap]) // what is not recorded is said
		if !strings.Contains(ops, "here.bin") || !strings.Contains(ops, "300000") || !strings.Contains(contents, "recorded as file operations") {
			t.Errorf("recording %s does not tell of the file: %s %s", rec, ops, contents)
		}
	}
}

func TestToolsOnTopOfSSHWork(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		dir := t.TempDir()
		ssh, to := "ssh "+strings.Join(flags(oscar.sshOptions(t)), " "), oscar.loginTo(v)+"@"+gatewayHost

		tree := filepath.Join(dir, "tree")
		for _, name := range []string{"a/one", "a/b/two", "three"} {
			os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755)
			write(t, tree, name, []byte("content of "+name))
		}
		if r := tool(t, dir, nil, "rsync", "-a", "-e", ssh, tree+"/", to+":"+dir+"/mirror/"); r.Code != 0 {
			t.Errorf("rsync: %s", r)
		}
		if r := tool(t, dir, nil, "diff", "-r", tree, dir+"/mirror"); r.Code != 0 {
			t.Errorf("the mirror differs: %s", r)
		}
		git := func(args ...string) {
			t.Helper()
			env := []string{"GIT_SSH_COMMAND=" + ssh, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=o", "GIT_AUTHOR_EMAIL=o@example.com", "GIT_COMMITTER_NAME=o", "GIT_COMMITTER_EMAIL=o@example.com"}
			if r := tool(t, dir, env, "git", args...); r.Code != 0 {
				t.Errorf("git %s: %s", strings.Join(args, " "), r)
			}
		}
		git("init", "-q", "--bare", "origin.git")
		git("clone", "-q", "ssh://"+to+dir+"/origin.git", "work")
		write(t, filepath.Join(dir, "work"), "f", []byte("x"))
		git("-C", "work", "add", "f")
		git("-C", "work", "commit", "-qm", "one")
		git("-C", "work", "push", "-q", "origin", "HEAD:main")
		git("clone", "-q", "-b", "main", "ssh://"+to+dir+"/origin.git", "again")
		if _, err := os.Stat(filepath.Join(dir, "again", "f")); err != nil {
			t.Error(err)
		}
		w.ended(v)
	})
}

func TestAnsibleWorks(t *testing.T) {
	t.Parallel()
	need(t, "ansible")
	w := newWorld(t, shared(t, SQLite))
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	_, port, _ := net.SplitHostPort(w.s.SSHAddr)
	dir := shortDir(t)
	args := strings.Join(flags(oscar.sshOptions(t)), " ") + " -o ControlMaster=auto -o ControlPersist=5s -o ControlPath=" + dir + "/%C"
	inventory := write(t, dir, "hosts", fmt.Appendf(nil, "web ansible_host=%s ansible_port=%s ansible_user=%s ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args=%q\n",
		gatewayHost, port, oscar.loginTo(v), args))
	env := []string{"ANSIBLE_NOCOWS=1", "ANSIBLE_LOCAL_TEMP=" + dir + "/local", "ANSIBLE_REMOTE_TEMP=" + dir + "/remote", "ANSIBLE_HOME=" + dir + "/home", "ANSIBLE_SSH_ARGS=-C", "ANSIBLE_PIPELINING=False"}
	r := tool(t, dir, env, "ansible", "web", "-i", inventory, "-m", "ping")
	if r.Code != 0 || !strings.Contains(r.Stdout, `"ping": "pong"`) {
		t.Errorf("ansible -m ping: %s", r)
	}
	exec.Command("ssh", "-O", "exit", "-o", "ControlPath="+dir+"/%C", "-p", port, "-l", oscar.loginTo(v), gatewayHost).Run() // or the five seconds end it
	w.ended(v)
}

func TestEveryKindOfKeySignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared(t, Postgres))
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	for kind, bits := range map[string]string{"ed25519": "", "ecdsa": "256", "rsa": "3072"} {
		oscar.KeyFile = filepath.Join(t.TempDir(), kind)
		args := []string{"-q", "-t", kind, "-N", "", "-f", oscar.KeyFile}
		if bits != "" {
			args = append(args, "-b", bits)
		}
		if r := tool(t, "", nil, "ssh-keygen", args...); r.Code != 0 {
			t.Fatal(r)
		}
		public, err := os.ReadFile(oscar.KeyFile + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		oscar.must(t, "POST", "/ssh-keys", obj{"name": kind, "public_key": string(public)})
		if out := oscar.succeeds(t, v, "echo "+kind); out != kind+"\n" {
			t.Errorf("%s: %q", kind, out)
		}
	}
	w.ended(v)
}

func TestPasswordAndCodeSignInOverSSH(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		sign := func(password, code string) *Terminal {
			term := oscar.terminal(t, append(oscar.sshOptions(t), "NumberOfPasswordPrompts=1"), "PreferredAuthentications=keyboard-interactive", v, "echo came in")
			term.expect("password: ")
			term.say(password)
			term.expect("code: ")
			term.say(code)
			return term
		}
		term := sign(oscar.Password, oscar.code(t))
		term.expect("came in")
		term.wait()
		if out := term.Stdout.String(); strings.Contains(out, oscar.Password) {
			t.Error("the password was echoed")
		}
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: oscar.ID, IP: oscar.Source, Where: obj{"subject_user_id": oscar.ID}, Meta: obj{"mfa_method": "totp"}})
		w.ended(v)
		for what, answers := range map[string][2]string{"a wrong code": {oscar.Password, "000000"}, "a wrong password": {newSecret("wrong-password"), oscar.code(t)}} {
			term := sign(answers[0], answers[1])
			if r := term.wait(); r.Code != 255 || !strings.Contains(r.Stdout, "Permission denied") {
				t.Errorf("%s: %s", what, r)
			}
		}
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "bad_code", Where: obj{"subject_user_id": oscar.ID}, IP: oscar.Source})
		if n := len(list[Session](t, w.Owner.Client, "/sessions?safe="+v.ID)); n != 1 {
			t.Errorf("%d sessions came about", n)
		}
	})
}

func TestPickerShowsOnlyWhatOneMayUse(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		mine, second, other := w.safe(host(t), nil, oscar), w.safe(host(t), nil, oscar), w.safe(host(t), nil)
		term := oscar.terminal(t, oscar.sshOptions(t), "", nil)
		term.expect("Safes that you may use")
		term.expect("quit): ")
		if shown := term.Stdout.String(); !strings.Contains(shown, mine.Name) || !strings.Contains(shown, second.Name) || strings.Contains(shown, other.Name) {
			t.Errorf("the picker shows %q", shown)
		}
		term.say(second.Name)
		term.say("echo do''ne; exit")
		term.expect("done")
		if r := term.wait(); r.Code != 0 {
			t.Errorf("the picked shell: %s", r)
		}
		x := w.ended(second)
		w.saw(Want{Constant: "SESSION_START_REQUESTED", ActorID: oscar.ID, Where: obj{"safe_id": second.ID}})
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", Session: x.ID})
	})
}

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// knownHosts is a file with the gateway's host key, as the API publishes it.
func (s *Server) knownHosts(t testing.TB) string {
	t.Helper()
	knownMu.Lock()
	defer knownMu.Unlock()
	if _, err := os.Stat(s.known); err == nil {
		return s.known
	}
	g := get[struct {
		HostKeys []string `json:"host_keys"`
	}](t, s.Root.Client, "GET", "/ssh-gateway", nil)
	host, port, _ := net.SplitHostPort(s.SSHAddr)
	var b strings.Builder
	for _, k := range g.HostKeys {
		fmt.Fprintf(&b, "[%s]:%s %s\n", host, port, k)
	}
	if err := os.WriteFile(s.known, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.known
}

var knownMu sync.Mutex

// sshOptions are what OpenSSH's tools need to come to the gateway as p, each an
// argument of -o.
func (p *Person) sshOptions(t testing.TB) []string {
	t.Helper()
	_, port, _ := net.SplitHostPort(p.s.SSHAddr)
	return []string{"Port=" + port, "BindAddress=" + p.Source, "IdentityFile=" + p.KeyFile, "IdentitiesOnly=yes", "IdentityAgent=none",
		"UserKnownHostsFile=" + p.s.knownHosts(t), "StrictHostKeyChecking=yes", "BatchMode=yes", "ConnectTimeout=30"}
}

// flags writes options for a command line.
func flags(options []string) (out []string) {
	out = []string{"-F", "/dev/null"}
	for _, o := range options {
		out = append(out, "-o", o)
	}
	return out
}

// login is the user name for a safe, or for the picker without one.
func (p *Person) loginTo(v *Safe) string {
	if v == nil {
		return p.Handle
	}
	return p.Handle + "+" + v.Name
}

const gatewayHost = "127.0.0.1"

// Result is what a command has left.
type Result struct {
	Code           int
	Stdout, Stderr string
}

func (r Result) String() string {
	return fmt.Sprintf("exit %d\nstdout: %.2000q\nstderr: %.2000q", r.Code, r.Stdout, r.Stderr)
}

// Proc is a command that runs.
type Proc struct {
	t      testing.TB
	cmd    *exec.Cmd
	Stdin  io.WriteCloser
	Stdout *output
	Stderr *output
	done   chan struct{}
}

// spawn starts a command. It is killed when the test ends.
func spawn(t testing.TB, dir string, env []string, name string, args ...string) *Proc {
	t.Helper()
	p := &Proc{t: t, cmd: exec.Command(name, args...), Stdout: &output{}, Stderr: &output{}, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.Stdout, p.Stderr
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.WaitDelay = 10 * time.Second
	var err error
	if p.Stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := startOnThread(p.cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// wait waits for the end of the command.
func (p *Proc) wait() Result {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(2 * patience):
		p.t.Fatalf("%s does not end\nstdout: %.2000q\nstderr: %.2000q", strings.Join(p.cmd.Args, " "), p.Stdout, p.Stderr)
	}
	if p.cmd.Path == commandPath() && p.cmd.ProcessState.ExitCode() == 0 {
		drove(p.cmd.Args[1:])
	}
	return Result{p.cmd.ProcessState.ExitCode(), p.Stdout.String(), p.Stderr.String()}
}

// ended tells whether the command has ended.
func (p *Proc) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// expect waits until standard output holds text.
func (p *Proc) expect(text string) {
	p.t.Helper()
	p.expectIn(p.Stdout, text)
}

func (p *Proc) expectIn(o *output, text string) {
	p.t.Helper()
	err := await(2*patience, func() bool { return bytes.Contains(o.bytes(), []byte(text)) || p.ended() })
	if !bytes.Contains(o.bytes(), []byte(text)) {
		p.t.Fatalf("no %q came (%v)\nstdout: %.2000q\nstderr: %.2000q", text, err, p.Stdout, p.Stderr)
	}
}

// ssh starts OpenSSH's client towards a safe; more are further arguments: options,
// then the command.
func (p *Person) ssh(t testing.TB, v *Safe, options []string, command ...string) *Proc {
	t.Helper()
	args := append(flags(p.sshOptions(t)), options...)
	args = append(args, "-l", p.loginTo(v), gatewayHost)
	return spawn(t, "", nil, need(t, "ssh"), append(args, command...)...)
}

// run runs a command in a safe and waits for its end.
func (p *Person) run(t testing.TB, v *Safe, command string, options ...string) Result {
	t.Helper()
	c := p.ssh(t, v, options, command)
	c.Stdin.Close()
	r := c.wait()
	noSecrets(t, "ssh "+v.Name, []byte(r.Stdout+r.Stderr))
	return r
}

// succeeds runs a command that has to succeed.
func (p *Person) succeeds(t testing.TB, v *Safe, command string, options ...string) string {
	t.Helper()
	r := p.run(t, v, command, options...)
	if r.Code != 0 {
		t.Fatalf("ssh %s: %s", command, r)
	}
	return r.Stdout
}

// isRefused runs a command that has to be refused with a sentence that holds all words.
func (p *Person) isRefused(t testing.TB, v *Safe, words ...string) Result {
	t.Helper()
	r := p.run(t, v, "echo this must not run")
	if r.Code == 0 || strings.Contains(r.Stdout, "this must not run") {
		t.Fatalf("it was not refused: %s", r)
	}
	sentence(t, r.Stderr, words...)
	return r
}

// sentence checks what a person is told.
func sentence(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// open starts a command that says "up" and goes on until its input ends, and
// waits until it runs.
func (p *Person) open(t testing.TB, v *Safe, options ...string) *Proc {
	t.Helper()
	c := p.ssh(t, v, options, "echo up; exec cat")
	c.expect("up")
	return c
}

// Session is a session as the API shows it.
type Session struct {
	ID        string
	State     string
	EndedBy   string    `json:"ended_by"`
	EndReason string    `json:"end_reason"`
	EndedAt   time.Time `json:"ended_at"`
	User      struct{ ID, Name string }
	Client    string
	SourceIP  string `json:"source_ip"`
	Request   string `json:"access_request_id"`
	Recording *struct {
		ID       string
		State    string
		Failure  string
		Size     int64  `json:"size_bytes"`
		RootHash string `json:"root_hash"`
	}
	BytesToTarget   int64 `json:"bytes_to_target"`
	BytesFromTarget int64 `json:"bytes_from_target"`
	ExitStatus      *int  `json:"exit_status"`
	Channels        int
}

// session is the newest session of a safe.
func (w *World) session(v *Safe) Session {
	w.t.Helper()
	all := list[Session](w.t, w.Owner.Client, "/sessions?safe="+v.ID)
	if len(all) == 0 {
		w.t.Fatalf("the safe %s has no session", v.Name)
	}
	return all[0]
}

// ended waits until the newest session of a safe is over and its recording finished.
func (w *World) ended(v *Safe) (out Session) {
	w.t.Helper()
	eventually(w.t, "the end of the session in "+v.Name, func() bool {
		out = w.session(v)
		return out.State == "ended" && (out.Recording == nil || out.Recording.State != "recording")
	})
	return out
}

// tool runs one of OpenSSH's or another tool to its end, with a limit.
func tool(t testing.TB, dir string, env []string, name string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, need(t, name), args...)
	var out, bad bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &out, &bad, time.Second
	cmd.Env = append(os.Environ(), env...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, bad.String())
	}
	return Result{cmd.ProcessState.ExitCode(), out.String(), bad.String()}
}

// write makes a file in dir.
func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

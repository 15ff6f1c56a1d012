package ssh

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// console is a client program on a real terminal.
type console struct {
	t   testing.TB
	cmd *exec.Cmd
	tty *os.File

	mu   sync.Mutex
	cond *sync.Cond
	seen bytes.Buffer
	mark int // everything before it has been expected
	eof  bool
}

// console starts ssh on a terminal of the given size.
func (r *rig) console(cols, rows uint16, args ...string) *console {
	r.t.Helper()
	cmd := exec.Command(need(r.t, "ssh"), append([]string{"-F", r.config}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(cmd.Environ(), "SSH_AUTH_SOCK=", "DISPLAY=", "TERM=xterm-256color")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: cols, Rows: rows})
	if err != nil {
		r.t.Fatal(err)
	}
	c := &console{t: r.t, cmd: cmd, tty: tty}
	c.cond = sync.NewCond(&c.mu)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			c.mu.Lock()
			c.seen.Write(buf[:n])
			c.eof = err != nil
			c.cond.Broadcast()
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	r.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		tty.Close()
		<-done
	})
	return c
}

func (c *console) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.tty, s); err != nil {
		c.t.Fatal(err)
	}
}

// expect waits until s is shown after what was expected before.
func (c *console) expect(s string) {
	c.t.Helper()
	stop := time.AfterFunc(30*time.Second, func() { c.mu.Lock(); c.eof = true; c.cond.Broadcast(); c.mu.Unlock() })
	defer stop.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if i := bytes.Index(c.seen.Bytes()[c.mark:], []byte(s)); i >= 0 {
			c.mark += i + len(s)
			return
		}
		if c.eof {
			c.t.Fatalf("%q did not appear in %q", s, c.seen.Bytes()[c.mark:])
		}
		c.cond.Wait()
	}
}

// exit waits for the client to end and gives its status.
func (c *console) exit() int {
	c.t.Helper()
	stop := time.AfterFunc(30*time.Second, func() { c.cmd.Process.Kill() })
	defer stop.Stop()
	c.cmd.Wait()
	return c.cmd.ProcessState.ExitCode()
}

const plainShell = "ForceCommand PS1='$ ' exec /bin/sh -i"

func TestShellHasATerminalThatChangesSize(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t, plainShell))
	c := r.console(91, 33, "alice+web@gw")
	c.expect("$ ")
	c.send("stty size; echo $TERM\r")
	c.expect("33 91\r\n")
	c.expect("xterm-256color\r\n")
	if err := pty.Setsize(c.tty, &pty.Winsize{Cols: 120, Rows: 50}); err != nil {
		t.Fatal(err)
	}
	r.await("the new size at the target", func() bool {
		for _, f := range r.lives[0].frames {
			if f.Kind == format.Resize && string(f.Data) == "120x50" {
				return true
			}
		}
		return false
	})
	c.send(`while [ "$(stty size)" != "50 120" ]; do sleep 0.1; done; echo re"sized"` + "\r")
	c.expect("resized\r\n")
	c.send(`sh -c 'echo be"gun"; exec sleep 1000'` + "\r")
	c.expect("begun\r\n") // the command is in the foreground
	c.send("\x03")
	c.expect("$ ")
	c.send("exit 9\r")
	if got := c.exit(); got != 9 {
		t.Fatalf("exit status %d", got)
	}
	l := r.session(0)
	if p := payloads[format.Terminal](l); len(p) != 1 || p[0].Term != "xterm-256color" || p[0].Size != (format.Size{Cols: 91, Rows: 33}) {
		t.Fatalf("terminals %+v", p)
	}
	if !strings.Contains(l.stream(format.Input), "stty size") || !strings.Contains(l.stream(format.Output), "33 91\r\n") {
		t.Fatal("the dialogue is not in the record")
	}
	if l.opened[0].FirstChannel != "shell" || l.closed.By != ByExit {
		t.Fatalf("opened %+v closed %+v", l.opened[0], *l.closed)
	}
}

func TestInputIsRecordedOnlyWhenThePolicySaysSo(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(s *fakeSafe) { s.policy.RecordInput = false })
	out, _, _ := r.run([]byte("typed"), "ssh", "-F", r.config, "alice+web@gw", "cat")
	l := r.session(0)
	if out != "typed" || l.stream(format.Input) != "" || l.stream(format.Output) != "typed" || l.closed.BytesToTarget != 5 {
		t.Fatalf("%q, input %q, closed %+v", out, l.stream(format.Input), *l.closed)
	}
}

func TestSessionWithoutRecordingIsStillCounted(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(s *fakeSafe) { s.noRecord = true })
	out, _, _ := r.ssh("alice+web", "echo hi")
	if l := r.session(0); out != "hi\n" || len(l.frames) != 0 || l.closed.BytesFromTarget != 3 {
		t.Fatalf("%q, %d frames, closed %+v", out, len(l.frames), *l.closed)
	}
}

func TestEnvironmentReachesTheTarget(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	out, _, _ := r.ssh("alice+web", "-o", "SetEnv=LC_DEMO=grün", "echo $LC_DEMO")
	if out != "grün\n" {
		t.Fatalf("got %q", out)
	}
	found := false
	for _, v := range payloads[format.Variable](r.session(0)) {
		found = found || v == format.Variable{Name: "LC_DEMO", Value: "grün"}
	}
	if !found {
		t.Fatal("the variable is not in the record")
	}
}

// dial signs in as alice with the Go client, for what no program does.
func (r *rig) dial(login string) *ssh.Client {
	r.t.Helper()
	pem, err := os.ReadFile(r.path("alice"))
	if err != nil {
		r.t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", r.addr, &ssh.ClientConfig{User: login, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.FixedHostKey(r.key.PublicKey())})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func TestOddTerminalSizesPassCleanly(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	for _, size := range [][2]uint32{{0, 0}, {65535, 65535}, {1 << 31, 1}} {
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		pty := ptyRequest{Term: "xterm", Window: window{Cols: size[0], Rows: size[1]}}
		if ok, err := s.SendRequest("pty-req", true, pty.marshal()); !ok || err != nil {
			t.Fatalf("%v: %v %v", size, ok, err)
		}
		out, err := s.Output("stty size")
		want := itoa(int(min(size[1], maxCells))) + " " + itoa(int(min(size[0], maxCells))) + "\r\n"
		if err != nil || string(out) != want {
			t.Errorf("%v: %q, %v; want %q", size, out, err, want)
		}
	}
}

func TestMalformedRequestsAreRefusedAndHarmless(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	ch, reqs, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	for _, bad := range []struct{ name, payload string }{
		{"pty-req", ""}, {"pty-req", "\xff\xff\xff\xff"}, {"pty-req", string(ptyRequest{Term: "x\x1b[2J"}.marshal())},
		{"pty-req", string(ptyRequest{Term: "xterm"}.marshal()) + "tail"}, {"window-change", "1234"}, {"env", "\x00\x00\x00\x01A"},
		{"env", string(envRequest{"A\nB", "c"}.marshal())}, {"env", string(envRequest{"A", "c\x00d"}.marshal())}, {"exec", ""},
		{"exec", "\x00\x00\x00\x05ab"}, {"shell", "x"}, {"subsystem", string(appendString(nil, "sf\x07tp"))}, {"signal", string(appendString(nil, "TERM"))},
		{"x11-req", "\x07"}, {"auth-agent-req@openssh.com", "x"}, {"break", "abcd"}, {"no-such-request", strings.Repeat("z", 30000)},
	} {
		if ok, err := ch.SendRequest(bad.name, true, []byte(bad.payload)); ok || err != nil {
			t.Errorf("%s %.20q: %v, %v", bad.name, bad.payload, ok, err)
		}
	}
	for range 5000 { // a flood of sizes, most of them before there is a terminal
		if _, err := ch.SendRequest("window-change", false, window{Cols: 80, Rows: 24}.marshal()); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := ch.SendRequest("exec", true, appendString(nil, "echo still here")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	out, _ := io.ReadAll(ch)
	if string(out) != "still here\n" {
		t.Fatalf("got %q", out)
	}
	if _, _, err := c.OpenChannel("no-such-channel", nil); err == nil || !strings.Contains(err.Error(), "do not pass") {
		t.Fatalf("unknown channel type: %v", err)
	}
}

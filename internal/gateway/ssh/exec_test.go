package ssh

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// run runs a client program with a time limit and gives what it wrote and its exit status.
func (r *rig) run(stdin []byte, name string, args ...string) (stdout, stderr string, status int) {
	r.t.Helper()
	cmd := exec.Command(need(r.t, name), args...)
	cmd.Dir = r.dir
	cmd.Env = append(cmd.Environ(), "SSH_AUTH_SOCK=", "DISPLAY=", "HOME="+r.dir)
	cmd.Stdin = bytes.NewReader(stdin)
	return r.wait(cmd)
}

func (r *rig) wait(cmd *exec.Cmd) (stdout, stderr string, status int) {
	r.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	timer := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		r.t.Fatalf("%v did not end; stderr %q", cmd.Args, errs.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("%v: %v", cmd.Args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// ssh runs the real client: options, then the login, then the command.
func (r *rig) ssh(login string, args ...string) (stdout, stderr string, status int) {
	r.t.Helper()
	return r.run(nil, "ssh", append([]string{"-F", r.config, login + "@gw"}, args...)...)
}

func TestExecKeepsStatusAndStreamsApart(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	out, errs, status := r.ssh("alice+web", "echo out; echo err >&2; exit 37")
	if out != "out\n" || errs != "err\n" || status != 37 {
		t.Fatalf("got %q, %q, %d", out, errs, status)
	}
	l := r.session(0)
	if l.stream(format.Output) != "out\n" || l.stream(format.Stderr) != "err\n" {
		t.Fatalf("recorded %q and %q", l.stream(format.Output), l.stream(format.Stderr))
	}
	if c := payloads[format.Command](l); len(c) != 1 || c[0].Line != "echo out; echo err >&2; exit 37" || c[0].What != format.RunCommand {
		t.Fatalf("commands %+v", c)
	}
	if x := payloads[format.ExitStatus](l); len(x) != 1 || x[0].Status != 37 {
		t.Fatalf("exits %+v", x)
	}
	if l.closed.By != ByExit || *l.closed.ExitStatus != 37 || l.closed.Channels != 1 || l.closed.BytesFromTarget != 8 {
		t.Fatalf("closed %+v", *l.closed)
	}
	o := l.opened[0]
	if len(l.opened) != 1 || o.FirstChannel != "exec" || !strings.HasPrefix(o.Client, "SSH-2.0-OpenSSH_") || !strings.HasPrefix(o.HostKey, "SHA256:") {
		t.Fatalf("opened %+v", l.opened)
	}
	for _, c := range r.leased {
		if bytes.Trim(c.PrivateKey.Reveal(), "\x00") != nil {
			t.Fatal("the leased key was not wiped")
		}
	}
}

func TestExitStatusesAreExact(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	for _, want := range []int{0, 1, 2, 126, 127, 254, 255} {
		if _, errs, got := r.ssh("alice+web", "exit", itoa(want)); got != want {
			t.Errorf("exit %d: got %d, %q", want, got, errs)
		}
	}
}

func TestExitSignalReachesTheClient(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	_, _, status := r.ssh("alice+web", "kill -TERM $$")
	if status != 255 { // what OpenSSH's client makes of exit-signal
		t.Fatalf("got %d", status)
	}
	x := payloads[format.ExitStatus](r.session(0))
	if len(x) != 1 || x[0].Signal != "TERM" {
		t.Fatalf("exits %+v", x)
	}
}

func TestStdinEndsAndBinaryPasses(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	data := make([]byte, 3<<20+17)
	rand.Read(data)
	out, errs, status := r.run(data, "ssh", "-F", r.config, "alice+web@gw", "cat")
	if out != string(data) || status != 0 {
		t.Fatalf("got %d bytes, %q, %d", len(out), errs, status)
	}
	l := r.session(0)
	if l.stream(format.Output) != out || l.stream(format.Input) != out {
		t.Fatal("what was recorded is not what went over the wire")
	}
	if l.closed.BytesToTarget != int64(len(data)) || l.closed.BytesFromTarget != int64(len(data)) {
		t.Fatalf("closed %+v", *l.closed)
	}
}

var itoa = strconv.Itoa

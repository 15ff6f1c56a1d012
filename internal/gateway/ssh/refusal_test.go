package ssh

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// refusedWith runs a command and fails unless it is refused with the sentence on standard error.
func (r *rig) refusedWith(login, sentence string) {
	r.t.Helper()
	out, errs, status := r.ssh(login, "true")
	if status != 255 || out != "" || !strings.Contains(errs, "VaultPAM: "+sentence) {
		r.t.Errorf("%s: %d, %q, %q; want %q", login, status, out, errs, sentence)
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("web", s)
	r.addSafe("vault", s, func(f *fakeSafe) { f.members = nil })
	r.addSafe("elsewhere", s, func(f *fakeSafe) { f.OrgSlug = "other" })
	r.addSafe("twin", s)
	r.addSafe("twin", s, func(f *fakeSafe) { f.OrgSlug, f.Org = "umbrella", "org_umbrella" })
	r.addSafe("down", s, func(f *fakeSafe) { f.Port = closedPort(t) })
	r.addSafe("swapped", s, func(f *fakeSafe) { f.hostKeys = [][]byte{newSigner(t).PublicKey().Marshal()} })
	r.addSafe("otherkind", s, func(f *fakeSafe) { f.hostKeys = [][]byte{ecdsaKey(t)} })
	r.addSafe("oldkey", s, func(f *fakeSafe) {
		_, pem := genKey(t)
		f.cred = func() Credential { c := s.credential(); copy(c.PrivateKey.Reveal(), pem); return c }
	})

	r.refusedWith("alice+nosuch", "there is no safe named nosuch that you may use. Run ssh -p "+r.port+" alice@127.0.0.1 to see yours.")
	r.refusedWith("alice+elsewhere", "there is no safe named elsewhere that you may use.")
	r.refusedWith("alice+vault", "there is no safe named vault that you may use.")
	r.refusedWith("alice+twin", "several of your organizations have a safe named twin. Say which one: ssh -p "+r.port+" alice+acme/twin@127.0.0.1.")
	r.refusedWith("alice+down", "the target of safe down does not answer. It may be down; try again, or tell an administrator.")
	r.refusedWith("alice+swapped", "the target of safe swapped shows another host key than the one that an administrator confirmed.")
	r.refusedWith("alice+otherkind", "the target of safe otherkind shows another host key")
	r.refusedWith("alice+oldkey", "the target of safe oldkey does not accept the credential that is stored for its account. Tell an administrator.")
	want := []Failure{Unreachable, HostKeyMismatch, HostKeyMismatch, AuthFailed}
	r.await("the failures", func() bool { return len(r.failed) == len(want) })
	r.mu.Lock()
	for i, f := range want {
		if r.failed[i] != f {
			t.Errorf("failure %d is %s, want %s", i, r.failed[i], f)
		}
	}
	if len(r.lives) != 0 || len(r.refusals) != 1 || r.refusals[0] != "not_a_member" {
		t.Errorf("%d sessions, refusals %v", len(r.lives), r.refusals)
	}
	r.mu.Unlock()
	if out, _, _ := r.ssh("alice+umbrella/twin", "echo right one"); out != "right one\n" {
		t.Errorf("got %q", out)
	}
	for _, c := range r.leased {
		if bytes.Contains(c.PrivateKey.Reveal(), []byte("PRIVATE")) {
			t.Error("a leased key was not wiped after a failure")
		}
	}
}

func closedPort(t *testing.T) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func TestRefusedLaunchOpensNothing(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("vault", s, func(f *fakeSafe) { f.members = nil })
	c := r.dial("alice+vault")
	if _, _, err := c.OpenChannel("direct-tcpip", tcpOpen{Host: "localhost", Port: 80, Origin: "x"}.marshal()); err == nil {
		t.Error("a forward was opened without a decision")
	}
	if ok, _, _ := c.SendRequest("tcpip-forward", true, listen{"localhost", 0}.marshal()); ok {
		t.Error("a remote forward was taken without a decision")
	}
	for _, sub := range []string{"sftp", "netconf"} {
		ch, reqs, err := c.OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(reqs)
		ch.SendRequest("subsystem", true, appendString(nil, sub))
		errs, _ := io.ReadAll(ch.Stderr())
		if !strings.Contains(string(errs), "no safe named vault") {
			t.Errorf("%s: %q", sub, errs)
		}
	}
	if s.connections() != 0 {
		t.Error("the target was reached")
	}
}

func TestSessionsThatCannotBeRecordedDoNotBegin(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("web", s)
	r.fail(fault.New(fault.Unavailable, "sessions cannot be recorded at the moment: the disk is full. Tell an administrator"))
	r.refusedWith("alice+web", "sessions cannot be recorded at the moment: the disk is full. Tell an administrator.")
	r.fail(errors.New("database is locked"))
	out, errs, status := r.ssh("alice+web", "true")
	if status != 255 || !strings.Contains(errs, "internal error. Try again; if it stays, give an administrator the reference req_") || strings.Contains(errs, "locked") {
		t.Errorf("%d %q %q", status, out, errs)
	}
}

func TestRecordingFailureEndsTheSession(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	r.recErr = func(f format.Frame) error {
		if f.Kind == format.Output {
			return errBroken
		}
		return nil
	}
	out, errs, status := r.ssh("alice+web", "echo unseen; exec sleep 120")
	if status != 255 || out != "" || !strings.Contains(errs, "can no longer be recorded") {
		t.Errorf("%d %q %q", status, out, errs)
	}
	if l := r.session(0); l.closed.By != ByGateway {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestControlPlaneEndsASessionWithItsSentence(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t, plainShell))
	c := r.console(80, 24, "alice+web@gw")
	c.expect("$ ")
	r.dialed(0).end("Session ended by bob: go home.")
	c.expect("\r\nVaultPAM: Session ended by bob: go home.\r\n")
	if got := c.exit(); got != 255 {
		t.Errorf("status %d", got)
	}
	if l := r.session(0); l.closed.By != ByControl {
		t.Errorf("closed %+v", *l.closed)
	}
}

// TestControlPlaneEndsASessionThatDoesNotRead: a client that stalls keeps no session alive.
func TestControlPlaneEndsASessionThatDoesNotRead(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	cmd := exec.Command(need(t, "ssh"), "-F", r.config, "alice+web@gw", "yes; :")
	out, _ := cmd.StdoutPipe() // and nobody reads it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); io.Copy(io.Discard, out); cmd.Wait() }()
	r.await("output", func() bool { return len(r.lives) > 0 && len(r.lives[0].streamLocked(format.Output)) > 1<<20 })
	r.lives[0].end("Session ended.")
	if l := r.session(0); l.closed.By != ByControl {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestTargetThatGoesAwayEndsTheSession(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t, plainShell)
	r.addSafe("web", s)
	c := r.console(80, 24, "alice+web@gw")
	c.expect("$ ")
	s.kill()
	if got := c.exit(); got == 0 {
		t.Errorf("status %d", got)
	}
	r.session(0)
}

func TestLostTransportIsTold(t *testing.T) {
	r := newRig(t)
	conn := make(chan *ssh.ServerConn, 1)
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, conn: func(c *ssh.ServerConn, reqs <-chan *ssh.Request) {
		conn <- c
		ssh.DiscardRequests(reqs)
	}, channel: script(func(ch ssh.Channel, reqs <-chan *ssh.Request) {
		io.WriteString(ch, "up\n")
		ssh.DiscardRequests(reqs)
	})}
	r.addSafe("web", p.serve(t))
	s, err := r.dial("alice+web").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	s.Stderr = &errs
	out, _ := s.StdoutPipe()
	if err := s.Start("wait"); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(out, make([]byte, 3))
	(<-conn).Close()
	s.Wait()
	if !strings.Contains(errs.String(), "the target closed the connection") {
		t.Errorf("told %q", errs.String())
	}
	if l := r.session(0); l.closed.By != ByTarget {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestClientThatGoesAwayEndsTheSession(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if l := r.session(0); l.closed.By != ByClient || l.closed.ExitStatus != nil {
		t.Errorf("closed %+v", *l.closed)
	}
}

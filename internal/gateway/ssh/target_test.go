package ssh

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// puppet is a target in the test's hands, for what a real server does not do on request.
type puppet struct {
	config  ssh.ServerConfig
	key     ssh.Signer
	conn    func(*ssh.ServerConn, <-chan *ssh.Request) // nil: requests are discarded
	channel func(ssh.NewChannel)
}

// serve starts the puppet and gives it as something that a safe can lead to.
func (p *puppet) serve(t testing.TB) *sshd {
	t.Helper()
	if p.key == nil {
		p.key = newSigner(t)
	}
	p.config.AddHostKey(p.key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.one(raw) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return &sshd{host: "127.0.0.1", port: ln.Addr().(*net.TCPAddr).Port, user: "root", hostKey: p.key.PublicKey(),
		key: func() []byte { _, pem := genKey(t); return pem }()}
}

func (p *puppet) one(raw net.Conn) {
	defer raw.Close()
	conn, chans, reqs, err := ssh.NewServerConn(raw, &p.config)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	if p.conn != nil {
		wg.Go(func() { p.conn(conn, reqs) })
	} else {
		wg.Go(func() { ssh.DiscardRequests(reqs) })
	}
	for nc := range chans {
		if p.channel == nil {
			nc.Reject(ssh.Prohibited, "no channels here")
			continue
		}
		wg.Go(func() { p.channel(nc) })
	}
	wg.Wait()
}

// script answers a session: true to every request, and what run writes after exec or shell.
func script(run func(ch ssh.Channel, reqs <-chan *ssh.Request)) func(ssh.NewChannel) {
	return func(nc ssh.NewChannel) {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		defer ch.Close()
		for req := range reqs {
			req.Reply(true, nil)
			if req.Type == "exec" || req.Type == "shell" || req.Type == "subsystem" {
				run(ch, reqs)
				return
			}
		}
	}
}

func exitWith(ch ssh.Channel, code byte) { ch.SendRequest("exit-status", false, []byte{0, 0, 0, code}) }

func TestSignalsReachTheTarget(t *testing.T) {
	r := newRig(t)
	got, answered := make(chan *ssh.Request, 3), make(chan struct{})
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, channel: script(func(ch ssh.Channel, reqs <-chan *ssh.Request) {
		io.WriteString(ch, "ready\n")
		for range 2 {
			req := <-reqs
			req.Reply(true, nil)
			got <- req
		}
		<-answered // a channel that closes takes with it the answers that are under way
		exitWith(ch, 5)
	})}
	r.addSafe("web", p.serve(t))
	s, err := r.dial("alice+web").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := s.StdoutPipe()
	if err := s.Start("wait"); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(out, make([]byte, 6))
	if err := s.Signal(ssh.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.SendRequest("break", true, []byte{0, 0, 1, 0}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	close(answered)
	if a, b := <-got, <-got; a.Type != "signal" || string(a.Payload) != "\x00\x00\x00\x04USR1" || b.Type != "break" || string(b.Payload) != "\x00\x00\x01\x00" {
		t.Fatalf("got %+v and %+v", a, b)
	}
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 5 {
		t.Fatal(err)
	}
	r.dialed(0)
	if n := payloads[format.SignalName](r.lives[0]); len(n) != 1 || n[0] != "USR1" {
		t.Fatalf("recorded %v", n)
	}
}

// dialed waits until the i-th session has begun.
func (r *rig) dialed(i int) *fakeLive {
	r.t.Helper()
	r.await("a session to begin", func() bool { return len(r.lives) > i })
	return r.lives[i]
}

func TestExitSignalIsHandedOnWhole(t *testing.T) {
	r := newRig(t)
	payload := append(appendString(nil, "SEGV"), 1)
	payload = appendString(appendString(payload, "segmentation fault"), "en")
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, channel: script(func(ch ssh.Channel, _ <-chan *ssh.Request) {
		ch.SendRequest("exit-signal", false, payload)
	})}
	r.addSafe("web", p.serve(t))
	s, err := r.dial("alice+web").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Run("crash"); !errors.As(err, &exit) || exit.Signal() != "SEGV" || exit.Msg() != "segmentation fault" || exit.Lang() != "en" {
		t.Fatalf("got %v", err)
	}
	if x := payloads[format.ExitStatus](r.dialed(0)); len(x) != 1 || x[0].Signal != "SEGV" || !x[0].CoreDumped {
		t.Fatalf("recorded %+v", x)
	}
}

func TestStoredPasswordSignsInByRequestAndByDialogue(t *testing.T) {
	r := newRig(t)
	accept := func(ok bool) (*ssh.Permissions, error) {
		if ok {
			return nil, nil
		}
		return nil, errors.New("no")
	}
	configs := map[string]ssh.ServerConfig{
		"password": {PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) { return accept(string(p) == "s3cret") }},
		"dialogue": {KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			a, err := ask("", "", []string{"Password: "}, []bool{false})
			return accept(err == nil && a[0] == "s3cret")
		}},
		"curious": {KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			a, err := ask("", "", []string{"Tell me your password in the open: "}, []bool{true})
			if err == nil {
				t.Errorf("the password was given away: %q", a)
			}
			return nil, errors.New("no")
		}},
	}
	for name, config := range configs {
		p := &puppet{config: config, channel: script(func(ch ssh.Channel, _ <-chan *ssh.Request) { exitWith(ch, 0) })}
		r.addSafe(name, p.serve(t), func(s *fakeSafe) {
			s.cred = func() Credential { return Credential{Username: "root", Password: secret.FromString("s3cret")} }
		})
	}
	for name, want := range map[string]int{"password": 0, "dialogue": 0, "curious": 255} {
		_, errs, status := r.ssh("alice+"+name, "true")
		if status != want {
			t.Errorf("%s: status %d, %q", name, status, errs)
		}
		if want != 0 && !strings.Contains(errs, "does not accept the credential") {
			t.Errorf("%s: %q", name, errs)
		}
	}
	for _, c := range r.leased {
		if strings.Trim(c.Password.RevealString(), "\x00") != "" {
			t.Error("a leased password was not wiped")
		}
	}
}

// TestTargetOpensOnlyWhatWasAskedFor holds that a hostile target reaches nothing of the client by itself.
func TestTargetOpensOnlyWhatWasAskedFor(t *testing.T) {
	r := newRig(t)
	refused := make(chan string, 8)
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, channel: script(func(ch ssh.Channel, _ <-chan *ssh.Request) { exitWith(ch, 0) })}
	p.conn = func(c *ssh.ServerConn, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs)
		open := tcpOpen{Host: "localhost", Port: 22, Origin: "evil", OriginPort: 1}.marshal()
		for _, kind := range []string{"forwarded-tcpip", "forwarded-streamlocal@openssh.com", "auth-agent@openssh.com", "x11", "session", "direct-tcpip"} {
			_, _, err := c.OpenChannel(kind, open)
			if err == nil {
				refused <- kind + " was opened"
				continue
			}
			refused <- ""
		}
		c.Wait()
	}
	r.addSafe("web", p.serve(t), func(s *fakeSafe) { s.policy = Policy{AgentForward: true, X11Forward: true, RemoteForward: true} })
	s, err := r.dial("alice+web").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if got := <-refused; got != "" {
			t.Error(got)
		}
	}
	if err := s.Run("true"); err != nil {
		t.Fatal(err)
	}
}

func TestKeepAlivesAreAnsweredBothWays(t *testing.T) {
	r := newRig(t)
	asked := make(chan error, 2)
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}}
	p.conn = func(c *ssh.ServerConn, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs)
		_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
		asked <- err
		c.Wait()
	}
	p.channel = script(func(ch ssh.Channel, _ <-chan *ssh.Request) {
		_, err := ch.SendRequest("keepalive@openssh.com", true, nil) // as OpenSSH's server asks
		asked <- err
		exitWith(ch, 0)
	})
	r.addSafe("web", p.serve(t))
	c := r.dial("alice+web")
	if _, _, err := c.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Fatal(err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run("true"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
	}
}

// TestSplitCharactersAndFloodsAreRecordedExactly compares the wire with the record, byte for byte.
func TestSplitCharactersAndFloodsAreRecordedExactly(t *testing.T) {
	r := newRig(t)
	euro, flood := "€", strings.Repeat("\x00\xff\x1b[31m€\r\n", 1<<17)
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, channel: script(func(ch ssh.Channel, _ <-chan *ssh.Request) {
		for i := range len(euro) {
			io.WriteString(ch, euro[i:i+1])
			io.WriteString(ch.Stderr(), euro[i:i+1])
		}
		io.WriteString(ch, flood)
		exitWith(ch, 0)
	})}
	r.addSafe("web", p.serve(t))
	out, errs, status := r.ssh("alice+web", "flood")
	if out != euro+flood || errs != euro || status != 0 {
		t.Fatalf("got %d bytes, %q, %d", len(out), errs, status)
	}
	l := r.session(0)
	if l.stream(format.Output) != out || l.stream(format.Stderr) != errs {
		t.Fatal("the record is not what went over the wire")
	}
}

// TestOutputAfterExitIsNotLost: a child keeps the output open after the command has ended.
func TestOutputAfterExitIsNotLost(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	out, errs, status := r.ssh("alice+web", "(sleep 0.5; echo late) & echo early; exit 3")
	if out != "early\nlate\n" || status != 3 {
		t.Fatalf("got %q, %q, %d", out, errs, status)
	}
}

// TestLastBytesOfAClientThatLeavesArrive: a client may send, and close without waiting.
func TestLastBytesOfAClientThatLeavesArrive(t *testing.T) {
	r := newRig(t)
	got := make(chan int, 1)
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, channel: script(func(ch ssh.Channel, _ <-chan *ssh.Request) {
		b, _ := io.ReadAll(ch)
		got <- len(b)
	})}
	r.addSafe("web", p.serve(t))
	for range 20 {
		ch, reqs, err := r.dial("alice+web").OpenChannel("session", nil)
		if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(reqs)
		if ok, err := ch.SendRequest("exec", true, appendString(nil, "take")); !ok || err != nil {
			t.Fatal(ok, err)
		}
		ch.Write(make([]byte, 100_000))
		ch.Close()
		if n := <-got; n != 100_000 {
			t.Fatalf("%d bytes arrived", n)
		}
	}
}

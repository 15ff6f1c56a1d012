package ssh

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// echo is a TCP service on loopback that sends back what it gets, after a greeting.
func echo(t testing.TB, greeting string) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, greeting)
				io.Copy(c, c)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

func forwards(l *fakeLive) string {
	var b strings.Builder
	for _, f := range payloads[format.Forwarded](l) {
		fmt.Fprintf(&b, "%s %s %s:%d %d/%d\n", f.Event, f.Direction, f.Host, f.Port, f.BytesToTarget, f.BytesFromTarget)
	}
	return b.String()
}

func TestForwardsAreRefusedByDefaultWithASentence(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	sess.Stderr = &errs
	for kind, payload := range map[string][]byte{
		"direct-tcpip":                   tcpOpen{Host: "localhost", Port: 80, Origin: "127.0.0.1", OriginPort: 1}.marshal(),
		"direct-streamlocal@openssh.com": append(appendString(appendString(nil, "/run/x.sock"), ""), 0, 0, 0, 0),
	} {
		_, _, err := c.OpenChannel(kind, payload)
		var open *ssh.OpenChannelError
		if !errors.As(err, &open) || open.Reason != ssh.Prohibited || open.Message != "VaultPAM: safe web does not allow forwards to its target. Ask a manager of the safe if you need one." {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for kind, payload := range map[string][]byte{
		"tcpip-forward":                   listen{"localhost", 0}.marshal(),
		"streamlocal-forward@openssh.com": appendString(nil, "/tmp/x.sock"),
	} {
		if ok, _, err := c.SendRequest(kind, true, payload); ok || err != nil {
			t.Errorf("%s: %v %v", kind, ok, err)
		}
	}
	for kind, payload := range map[string][]byte{
		"auth-agent-req@openssh.com": nil,
		"x11-req":                    x11Request{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "00"}.marshal(),
	} {
		if ok, err := sess.SendRequest(kind, true, payload); ok || err != nil {
			t.Errorf("%s: %v %v", kind, ok, err)
		}
	}
	if err := sess.Run("true"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, want := range []string{"does not allow forwards from its target", "does not allow agent forwarding", "does not allow x11 forwarding"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q was not said in %q", want, errs.String())
		}
	}
	l := r.session(0)
	if len(l.enforced) != 6 || l.enforced[0].Control != "port_forward" || len(payloads[format.Enforced](l)) != 6 || strings.Count(forwards(l), "refused ") != 6 {
		t.Errorf("enforced %+v\n%s", l.enforced, forwards(l))
	}
}

func TestRealClientIsToldAboutRefusedForwards(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	_, errs, status := r.ssh("alice+web", "-R", "0:localhost:9", "true")
	if status != 0 || !strings.Contains(errs, "VaultPAM: safe web does not allow forwards from its target.") {
		t.Errorf("-R: %d %q", status, errs)
	}
	_, errs, status = r.ssh("alice+web", "-o", "LogLevel=INFO", "-W", "localhost:80")
	if status != 255 || !strings.Contains(errs, "VaultPAM: safe web does not allow forwards to its target.") {
		t.Errorf("-W: %d %q", status, errs)
	}
	r.write("agentless", nil)
	_, errs, status = r.run(nil, "ssh", "-F", r.config, "-X", "alice+web@gw", "true")
	if status != 0 {
		t.Errorf("-X: %d %q", status, errs)
	}
}

// background starts a client that forwards, and waits until its session says that it is up.
func (r *rig) background(args ...string) (stop func()) {
	r.t.Helper()
	cmd := exec.Command(need(r.t, "ssh"), append([]string{"-F", r.config, "-o", "ExitOnForwardFailure=yes"}, append(args, "alice+web@gw", "echo up; cat")...)...)
	cmd.Env = append(cmd.Environ(), "SSH_AUTH_SOCK=")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		in.Close()
		cmd.Wait() // what it complained of is whole then
		r.t.Fatalf("%v: %q %v %q", args, line, err, errs.String())
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}

// freePort gives a port of loopback on which nobody listens, below those that the
// system hands out by itself: of two asked one after the other none is taken meanwhile.
func freePort(t testing.TB) int {
	for range 200 {
		port := 10_000 + rand.IntN(22_000)
		if ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", itoa(port))); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func say(t testing.TB, network, addr, what string, n int) string {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, what)
	buf := make([]byte, n)
	got, _ := io.ReadFull(c, buf)
	return string(buf[:got])
}

func TestAllowedForwardsPassAndAreRecorded(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(s *fakeSafe) { s.policy.LocalForward, s.policy.RemoteForward = true, true })
	service := echo(t, "hello ")
	local, remote := freePort(t), freePort(t)
	sock, there := r.path("r.sock"), r.path("there.sock")
	ln, err := net.Listen("unix", there)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	localSock := r.path("l.sock")
	stop := r.background("-L", localSock+":"+there, "-L", fmt.Sprintf("127.0.0.1:%d:localhost:%d", local, service), "-R", fmt.Sprintf("127.0.0.1:%d:localhost:%d", remote, service),
		"-R", sock+":localhost:"+itoa(service))
	if got := say(t, "tcp", fmt.Sprintf("127.0.0.1:%d", local), "world", 11); got != "hello world" {
		t.Errorf("local: %q", got)
	}
	if got := say(t, "tcp", fmt.Sprintf("127.0.0.1:%d", remote), "there", 11); got != "hello there" {
		t.Errorf("remote: %q", got)
	}
	if got := say(t, "unix", sock, "there", 11); got != "hello there" {
		t.Errorf("remote socket: %q", got)
	}
	if got := say(t, "unix", localSock, "unix", 4); got != "unix" {
		t.Errorf("local socket: %q", got)
	}
	stop()
	l := r.session(0)
	has(t, forwards(l), fmt.Sprintf("closed local %s:0 4/4", there), fmt.Sprintf("opened local localhost:%d 0/0", service), fmt.Sprintf("closed local localhost:%d 5/11", service),
		fmt.Sprintf("listening remote 127.0.0.1:%d 0/0", remote), fmt.Sprintf("closed remote 127.0.0.1:%d 11/5", remote),
		fmt.Sprintf("closed remote %s:0 11/5", sock))
	if strings.Contains(l.stream(format.Output), "hello") {
		t.Error("the contents of a forward are in the record of a terminal")
	}
	if len(l.opened) != 1 || l.opened[0].FirstChannel != "port_forward" {
		t.Errorf("opened %+v", l.opened)
	}
}

func TestDynamicForwardLeadsOnlyToTheTarget(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(s *fakeSafe) { s.policy.LocalForward = true })
	service := echo(t, "")
	c := r.dial("alice+web")
	for host, allowed := range map[string]bool{"localhost": true, "127.0.0.1": true, "LOCALHOST": true, "example.com": false, "10.0.0.1": false,
		"169.254.169.254": false, "0.0.0.0": false, "127.0.0.1.example.com": false} {
		ch, reqs, err := c.OpenChannel("direct-tcpip", tcpOpen{Host: host, Port: uint32(service), Origin: "x"}.marshal())
		if (err == nil) != allowed {
			t.Errorf("%s: %v", host, err)
		}
		if err == nil {
			go ssh.DiscardRequests(reqs)
			ch.Close()
		} else if !strings.Contains(err.Error(), "lead to its own target only") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestSSHInsideAForwardDoesNotPass(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("web", s, func(s *fakeSafe) { s.policy.LocalForward = true })
	c := r.dial("alice+web")
	for _, port := range []int{22, s.port} {
		_, _, err := c.OpenChannel("direct-tcpip", tcpOpen{Host: "localhost", Port: uint32(port), Origin: "x"}.marshal())
		if err == nil || !strings.Contains(err.Error(), "SSH inside a forward does not pass. Come to the safe itself: ssh -p "+r.port+" alice+web@127.0.0.1.") {
			t.Errorf("port %d: %v", port, err)
		}
	}
	hidden := echo(t, "SSH-2.0-OpenSSH_9.2\r\n")
	ch, reqs, err := c.OpenChannel("direct-tcpip", tcpOpen{Host: "localhost", Port: uint32(hidden), Origin: "x"}.marshal())
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	if got, _ := io.ReadAll(ch); len(got) != 0 {
		t.Errorf("%q passed", got)
	}
	quiet := echo(t, "")
	ch, reqs, err = c.OpenChannel("direct-tcpip", tcpOpen{Host: "localhost", Port: uint32(quiet), Origin: "x"}.marshal())
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	for _, b := range "SSH-2.0-x\r\n" {
		if _, err := ch.Write([]byte(string(b))); err != nil {
			break
		}
	}
	if got, _ := io.ReadAll(ch); len(got) > 3 {
		t.Errorf("%q passed", got)
	}
	c.Close()
	if l := r.session(0); len(l.enforced) != 4 {
		t.Errorf("enforced %+v", l.enforced)
	}
}

func TestAgentIsReachableOnlyWhereThePolicySaysSo(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("no", s)
	r.addSafe("yes", s, func(f *fakeSafe) { f.policy.AgentForward = true })
	sock := r.path("agent.sock")
	agent := exec.Command(need(t, "ssh-agent"), "-D", "-a", sock)
	said, _ := agent.StdoutPipe()
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { agent.Process.Kill(); agent.Wait() }()
	if _, err := bufio.NewReader(said).ReadString('\n'); err != nil { // it listens before it says where
		t.Fatal(err)
	}
	env := append(os.Environ(), "SSH_AUTH_SOCK="+sock)
	add := exec.Command("ssh-add", "-q", r.path("alice"))
	add.Env = env
	if _, errs, status := r.wait(add); status != 0 {
		t.Fatal(errs)
	}
	for safe, want := range map[string]string{"yes": "256 SHA256:", "no": "Could not open"} {
		cmd := exec.Command("ssh", "-F", r.config, "-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", "alice+"+safe+"@gw", "ssh-add -l 2>&1")
		cmd.Env = env
		out, errs, _ := r.wait(cmd)
		if !strings.Contains(out, want) {
			t.Errorf("%s: %q %q", safe, out, errs)
		}
		if told := strings.Contains(errs, "safe no does not allow agent forwarding"); told != (safe == "no") {
			t.Errorf("%s: told %q", safe, errs)
		}
	}
}

func TestJumpHostIsAnsweredAsPolicySays(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	r.addSafe("web", s, func(f *fakeSafe) { f.Jump, f.policy.Jump = true, true })
	r.addSafe("db", s, func(f *fakeSafe) { f.Host = "db.internal" })
	known := string(readFile(t, r.path("known_hosts")))
	key := strings.SplitN(known, " ", 2)[1]
	r.write("known_hosts", []byte(known+"web "+key+"db "+key+"other "+key))

	out, errs, status := r.run(nil, "ssh", "-F", r.config, "-J", "alice@gw", "root@web", "echo inside; exit 6")
	if out != "inside\n" || status != 6 {
		t.Fatalf("%q %q %d", out, errs, status)
	}
	l := r.session(0)
	if l.ticket.Safe != "web" || l.stream(format.Output) != "inside\n" || len(payloads[format.Command](l)) != 1 {
		t.Errorf("the jump was not recorded as a session: %+v", l.frames)
	}
	r.write("f", []byte("file"))
	if _, errs, status := r.run(nil, "scp", "-q", "-F", r.config, "-J", "alice@gw", "f", "root@web:"+r.path("f2")); status != 0 {
		t.Error("scp:", errs)
	}
	has(t, ops(r.session(1)), "sftp write "+r.path("f2")+" ok to_target 4")

	for host, sentence := range map[string]string{
		"db":    "no jumps to db here. Come to the safe itself: ssh -p " + r.port + " alice+db@127.0.0.1.",
		"other": "no jumps to other here. Come to the safe itself: ssh -p " + r.port + " alice+SAFE@127.0.0.1.",
	} {
		out, errs, status := r.run(nil, "ssh", "-F", r.config, "-o", "ProxyCommand=ssh -F "+r.config+" -o LogLevel=INFO -W [%h]:%p alice@gw", "root@"+host, "echo inside")
		if status != 255 || out != "" || !strings.Contains(errs, sentence) {
			t.Errorf("%s: %d %q %q", host, status, out, errs)
		}
	}
	if len(r.lives) != 2 {
		t.Errorf("%d sessions", len(r.lives))
	}
}

func TestJumpWithStepUpAsksInside(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(f *fakeSafe) { f.Jump, f.policy.Jump, f.StepUp = true, true, true })
	c := r.dial("alice")
	pipe, err := c.Dial("tcp", "web:22")
	if err != nil {
		t.Fatal(err)
	}
	conn, _, _, err := ssh.NewClientConn(pipe, "web:22", &ssh.ClientConfig{User: "root", HostKeyCallback: ssh.FixedHostKey(r.key.PublicKey())})
	if err == nil {
		conn.Close()
		t.Fatal("the jump opened without the factor")
	}
	if pipe, err = c.Dial("tcp", "web:22"); err != nil {
		t.Fatal(err)
	}
	k := &typist{answers: []string{"123456"}}
	conn, chans, reqs, err := ssh.NewClientConn(pipe, "web:22", &ssh.ClientConfig{User: "root", HostKeyCallback: ssh.FixedHostKey(r.key.PublicKey()), Auth: []ssh.AuthMethod{k.method()}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewClient(conn, chans, reqs).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Output("echo hi"); string(out) != "hi\n" {
		t.Fatal(err)
	}
}

// TestAllowedAgentAndX11ChannelsReachTheClient: what the client asked for and the policy allows comes back.
func TestAllowedAgentAndX11ChannelsReachTheClient(t *testing.T) {
	r := newRig(t)
	var target *ssh.ServerConn
	up := make(chan struct{})
	p := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, conn: func(c *ssh.ServerConn, reqs <-chan *ssh.Request) {
		target = c
		close(up)
		ssh.DiscardRequests(reqs)
	}}
	p.channel = script(func(ch ssh.Channel, _ <-chan *ssh.Request) {
		<-up
		for _, kind := range []string{"auth-agent@openssh.com", "x11"} {
			back, reqs, err := target.OpenChannel(kind, nil)
			if err != nil {
				fmt.Fprintln(ch, kind, err)
				continue
			}
			go ssh.DiscardRequests(reqs)
			io.WriteString(back, "SSH-like bytes are not looked for here")
			back.CloseWrite()
			got, _ := io.ReadAll(back)
			fmt.Fprintf(ch, "%s %s\n", kind, got)
			back.Close()
		}
		exitWith(ch, 0)
	})
	r.addSafe("web", p.serve(t), func(s *fakeSafe) { s.policy.AgentForward, s.policy.X11Forward = true, true })
	c := r.dial("alice+web")
	for kind, opened := range map[string]<-chan ssh.NewChannel{"agent": c.HandleChannelOpen("auth-agent@openssh.com"), "x11": c.HandleChannelOpen("x11")} {
		go func() {
			nc := <-opened
			ch, reqs, err := nc.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(reqs)
			got, _ := io.ReadAll(ch)
			fmt.Fprintf(ch, "%s got %d", kind, len(got))
			ch.Close()
		}()
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for kind, payload := range map[string][]byte{"auth-agent-req@openssh.com": nil, "x11-req": x11Request{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "00"}.marshal()} {
		if ok, err := s.SendRequest(kind, true, payload); !ok || err != nil {
			t.Fatal(kind, ok, err)
		}
	}
	out, err := s.Output("back")
	if want := "auth-agent@openssh.com agent got 38\nx11 x11 got 38\n"; string(out) != want || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
	c.Close()
	has(t, forwards(r.session(0)), "closed agent :0 12/38", "closed x11 :0 10/38")
}

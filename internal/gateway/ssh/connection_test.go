package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

func TestControlMasterCarriesSeveralChannels(t *testing.T) {
	r := newRig(t)
	target := newSSHD(t)
	r.addSafe("web", target)
	mux := []string{"-F", r.config, "-o", "ControlPath=" + r.path("cm")}
	master := exec.Command(need(t, "ssh"), append(mux, "-o", "ControlMaster=yes", "alice+web@gw", "echo up; cat")...)
	in, _ := master.StdinPipe()
	out, _ := master.StdoutPipe()
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil { // the master's socket is there before its session is
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			out, errs, status := r.run(nil, "ssh", append(mux, "alice+web@gw", fmt.Sprintf("echo %d; exit %d", i, i))...)
			if out != itoa(i)+"\n" || status != i {
				t.Errorf("channel %d: %q, %q, %d", i, out, errs, status)
			}
		})
	}
	wg.Wait()
	in.Close()
	if err := master.Wait(); err != nil {
		t.Fatal(err)
	}
	l := r.session(0)
	if n := target.connections(); l.closed.Channels != 5 || len(l.opened) != 1 || n != 1 {
		t.Fatalf("%+v, opened %d times, %d connections to the target", *l.closed, len(l.opened), n)
	}
	for ch := uint32(1); ch <= 5; ch++ {
		n := 0
		for _, f := range l.frames {
			if f.Channel == ch && (f.Kind == format.Open || f.Kind == format.Exit || f.Kind == format.Close) {
				n++
			}
		}
		if n != 3 {
			t.Errorf("channel %d has %d of its three frames", ch, n)
		}
	}
}

func TestChannelsThatTheTargetRefusesAreRefused(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t, "MaxSessions 1"))
	c := r.dial("alice+web")
	first, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := first.Start("cat"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "the target refused") {
		t.Fatalf("got %v", err)
	}
}

func TestNoMoreSessionsIsHeld(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	if _, _, err := c.SendRequest("no-more-sessions@openssh.com", true, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "no more sessions") {
		t.Fatalf("got %v", err)
	}
}

func TestChannelsAreBounded(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.Channels = 3 })
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	for i := range 4 {
		s, err := c.NewSession()
		if (err != nil) != (i == 3) {
			t.Fatalf("channel %d: %v", i, err)
		}
		if s != nil {
			defer s.Close()
		}
	}
}

func TestRekeyingAtVolumeOnBothSides(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t, "RekeyLimit 1M"))
	data := make([]byte, 9<<20)
	rand.Read(data)
	for _, cipher := range []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"} {
		out, errs, status := r.run(data, "ssh", "-F", r.config, "-o", "RekeyLimit=1M", "-c", cipher, "alice+web@gw", "cat")
		if out != string(data) || status != 0 {
			t.Fatalf("%s: %d bytes, %q, %d", cipher, len(out), errs, status)
		}
	}
}

// TestClientsWithoutGCMWorkAtTheSecondTry: an owner may have struck AES-GCM from the client's list.
func TestClientsWithoutGCMWorkAtTheSecondTry(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	args := []string{"-c", "aes256-ctr", "echo hi"}
	if out, errs, status := r.ssh("alice+web", args...); status != 255 || out != "" {
		t.Fatalf("the first try: %q %q %d", out, errs, status)
	}
	if out, errs, status := r.ssh("alice+web", args...); out != "hi\n" {
		t.Fatalf("the second try: %q %q %d", out, errs, status)
	}
}

func TestAlgorithmsByClient(t *testing.T) {
	for line, gcm := range map[string]bool{"SSH-2.0-OpenSSH_9.2p1 Debian-2": true, "SSH-2.0-OpenSSH_6.2": true, "SSH-2.0-OpenSSH_10.0": true,
		"SSH-2.0-OpenSSH_6.1p1": false, "SSH-2.0-OpenSSH_for_Windows_8.1": true, "SSH-2.0-OpenSSH_for_Windows": false, "SSH-2.0-OpenSSH_": false, "SSH-2.0-OpenSSH_9": false,
		"SSH-2.0-PuTTY_Release_0.78": false, "SSH-2.0-Go": false} {
		if got := len(ciphersFor(line, true)) == 2; got != gcm {
			t.Errorf("%s: %v", line, ciphersFor(line, true))
		}
		if len(ciphersFor(line, false)) <= 2 {
			t.Errorf("%s is not offered everything at the second try", line)
		}
	}
}

func TestEveryKindOfKeySignsIn(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	for _, k := range [][]string{{"ed25519"}, {"ecdsa", "-b", "256"}, {"ecdsa", "-b", "384"}, {"ecdsa", "-b", "521"}, {"rsa", "-b", "2048"}} {
		name := "key_" + strings.Join(k, "_")
		if _, errs, status := r.run(nil, "ssh-keygen", append([]string{"-q", "-N", "", "-f", r.path(name), "-t"}, k...)...); status != 0 {
			t.Fatal(errs)
		}
		pub, _, _, _, err := ssh.ParseAuthorizedKey(readFile(t, r.path(name+".pub")))
		if err != nil {
			t.Fatal(err)
		}
		r.mu.Lock()
		r.people["alice"].keys = append(r.people["alice"].keys, pub.Marshal())
		r.mu.Unlock()
		algorithms := []string{""}
		if k[0] == "rsa" {
			algorithms = []string{"rsa-sha2-256", "rsa-sha2-512"}
		}
		for _, a := range algorithms {
			args := []string{"-i", r.path(name), "-o", "IdentityFile=" + r.path(name), "true"}
			if a != "" {
				args = append([]string{"-o", "PubkeyAcceptedAlgorithms=" + a}, args...)
			}
			if _, errs, status := r.run(nil, "ssh", append(append([]string{"-F", "/dev/null", "-p", r.port, "-o", "UserKnownHostsFile=" + r.path("known_hosts"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"}, args[:len(args)-1]...), "alice+web@"+r.host, "true")...); status != 0 {
				t.Errorf("%v %s: %d, %q", k, a, status, errs)
			}
		}
	}
	// SHA-1 signatures are not taken.
	if _, _, status := r.run(nil, "ssh", "-F", "/dev/null", "-p", r.port, "-o", "UserKnownHostsFile="+r.path("known_hosts"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "PubkeyAcceptedAlgorithms=ssh-rsa", "-i", r.path("key_rsa_-b_2048"), "alice+web@"+r.host, "true"); status != 255 {
		t.Errorf("ssh-rsa with SHA-1: %d", status)
	}
}

func TestStallingClientIsCutOffAndCostsNobodyElse(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.Handshake = 200 * time.Millisecond })
	r.addSafe("web", newSSHD(t))
	for _, said := range []string{"", "SSH-2.0-Slow\r\n", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 400), "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff", "SSH-1.5-old\r\n"} {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, said)
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		got, err := io.ReadAll(c)
		if !bytes.HasPrefix(got, []byte(version+"\r\n")) || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %q, %v", said, got, err)
		}
		c.Close()
	}
	if out, _, _ := r.ssh("alice+web", "echo unharmed"); out != "unharmed\n" {
		t.Fatalf("got %q", out)
	}
	if len(r.rejected) != 0 {
		t.Errorf("a scanner that presents nothing is an event: %+v", r.rejected)
	}
}

func TestFloodOfConnectionsIsBoundedBySource(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.PerSource = 4 })
	r.addSafe("web", newSSHD(t))
	var held []net.Conn
	for range 4 {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, len(version)+2)); err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	fifth, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fifth.Read(make([]byte, 1)); err == nil {
		t.Fatalf("the fifth connection got %d bytes", n)
	}
	fifth.Close()
	for _, c := range held {
		c.Close()
	}
	for try := 0; ; try++ { // the four leave when the gateway has seen them go
		if out, errs, _ := r.ssh("alice+web", "echo room again"); out == "room again\n" {
			break
		} else if try == 50 {
			t.Fatal(errs)
		}
	}
}

func TestDoorkeeperCountsNetworks(t *testing.T) {
	d := newDoorkeeper(5, 2)
	leave := func(addr string) func() {
		f, ok := d.enter(sourceAddr(&net.TCPAddr{IP: net.ParseIP(addr)}))
		if !ok {
			return nil
		}
		return f
	}
	a, b := leave("2001:db8::1"), leave("2001:db8::2")
	if a == nil || b == nil || leave("2001:db8::ffff:3") != nil {
		t.Fatal("a /64 is not one source")
	}
	if leave("2001:db8:0:1::1") == nil || leave("192.0.2.1") == nil || leave("192.0.2.2") == nil || leave("192.0.2.3") != nil {
		t.Fatal("the total is not held")
	}
	a()
	a()
	if leave("192.0.2.1") == nil || leave("192.0.2.9") != nil {
		t.Fatal("leaving twice counts twice, or not at all")
	}
}

func TestStoppingServerLetsSessionsFinishAndEndsTheRest(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.Grace = 2 * time.Second })
	r.addSafe("web", newSSHD(t))
	c := r.dial("alice+web")
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	s.Stderr = &errs
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.stop()
	}()
	for { // until nobody is let in any more
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			break
		}
		c.Close()
	}
	io.WriteString(in, "x")
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatalf("the session did not live on in the grace: %v", err)
	}
	<-stopped
	s.Wait()
	if !strings.Contains(errs.String(), "server is stopping") {
		t.Errorf("the person was told %q", errs.String())
	}
	if l := r.session(0); l.closed.By != ByControl {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestRunEndsWhenTheListenerBreaks(t *testing.T) {
	r := newRig(t)
	g, err := New(Deps{Log: discard, Auth: r.world, Safes: r.world, Sessions: r.world, Rejections: r.world, Dialer: r.world,
		HostKeys: []ssh.Signer{r.key}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := g.Run(context.Background(), ln); err == nil {
		t.Fatal("a broken listener is no error")
	}
}

// TestDeadPeersAreNoticed: a side that stops answering does not keep its session alive.
func TestDeadPeersAreNoticed(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.KeepAlive = 20 * time.Millisecond })
	quit := make(chan struct{})
	defer close(quit)
	dead := &puppet{config: ssh.ServerConfig{NoClientAuth: true}, conn: func(_ *ssh.ServerConn, _ <-chan *ssh.Request) { <-quit }}
	r.addSafe("dead", dead.serve(t))
	r.addSafe("web", (&puppet{config: ssh.ServerConfig{NoClientAuth: true}}).serve(t))
	r.dial("alice+dead")
	if l := r.session(0); l.closed.By != ByTarget {
		t.Errorf("closed %+v", *l.closed)
	}
	key, _ := ssh.ParsePrivateKey(readFile(t, r.path("alice")))
	raw, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, _, _, err := ssh.NewClientConn(raw, r.addr, &ssh.ClientConfig{User: "alice+web", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, // and nobody reads its requests
		HostKeyCallback: ssh.FixedHostKey(r.key.PublicKey())}); err != nil {
		t.Fatal(err)
	}
	if l := r.session(1); l.closed.By != ByClient {
		t.Errorf("closed %+v", *l.closed)
	}
}

// TestNothingIsLeftBehind: when Run has returned, so has everything that it began.
func TestNothingIsLeftBehind(t *testing.T) {
	r := newRig(t, func(d *Deps) { d.Limits.Grace = time.Millisecond })
	r.addSafe("web", newSSHD(t))
	r.addSafe("down", newSSHD(t), func(s *fakeSafe) { s.Port = closedPort(t) })
	r.ssh("alice+web", "true")
	r.ssh("alice+down", "true")
	r.ssh("alice", "true")
	r.ssh("nobody+web", "true")
	c := r.dial("alice+web")
	if s, err := c.NewSession(); err != nil || s.Start("cat") != nil {
		t.Fatal(err)
	}
	r.stop()
	var left string
	for try := 0; try < 1000; try++ { // those that have only to return
		buf := make([]byte, 1<<20)
		left = ""
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "gateway/ssh.(*") && !strings.Contains(g, "_test.go") {
				left = g
			}
		}
		if left == "" {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("still running:\n%s", left)
}

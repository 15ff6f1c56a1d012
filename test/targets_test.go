package test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Target is a host that a safe leads to.
type Target interface {
	addr() (host string, port int)
	account(name, resource string) obj // the body that puts its account under management
}

// sshd is a real OpenSSH server: one process for each connection, as inetd starts it.
type sshd struct {
	bin    string
	config string
	user   string
	key    string // of the one key that it lets in
	ln     net.Listener

	mu    sync.Mutex
	procs map[*exec.Cmd]bool
}

func (d *sshd) addr() (string, int) { return hostPort(d.ln) }

func hostPort(ln net.Listener) (string, int) {
	a := ln.Addr().(*net.TCPAddr)
	return a.IP.String(), a.Port
}

func (d *sshd) account(name, resource string) obj {
	return obj{"name": name, "resource_id": resource, "username": d.user, "kind": "ssh_key", "private_key": d.key}
}

var theHost struct {
	sync.Mutex
	d *sshd
}

// host is an OpenSSH server that tests share. Do not end its connections.
func host(t testing.TB) *sshd {
	t.Helper()
	theHost.Lock()
	defer theHost.Unlock()
	if theHost.d == nil {
		theHost.d = newSSHD(forever{t})
	}
	return theHost.d
}

// newSSHD starts a server for the user who runs the test.
func newSSHD(t testing.TB) *sshd {
	t.Helper()
	d := &sshd{bin: need(t, "sshd"), procs: map[*exec.Cmd]bool{}}
	if os.Geteuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755)
	}
	dir, err := os.MkdirTemp(work, "sshd-")
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d.user = me.Username
	hostKey, _ := newKeyFile(t, dir, "host")
	userKey, userPublic := newKeyFile(t, dir, "user")
	text, err := os.ReadFile(userKey)
	if err != nil {
		t.Fatal(err)
	}
	d.key = string(text)
	allowed := filepath.Join(dir, "authorized_keys")
	d.config = filepath.Join(dir, "sshd_config")
	conf := fmt.Sprintf("HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"+
		"KbdInteractiveAuthentication no\nAcceptEnv LANG LC_* PROBE\nSubsystem sftp /usr/lib/openssh/sftp-server\nPrintMotd no\nPrintLastLog no\n"+
		"AllowTcpForwarding yes\nAllowAgentForwarding yes\nX11Forwarding yes\nMaxStartups 200\nMaxSessions 100\nLogLevel ERROR\nSetEnv HUSHLOGIN=1 HOME=%s\n", hostKey, allowed, dir)
	for path, text := range map[string]string{allowed: userPublic + "\n", d.config: conf} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := d.ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { d.serve(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		d.ln.Close()
		d.cut()
		wg.Wait()
	})
	return d
}

func (d *sshd) serve(c *net.TCPConn) {
	f, err := c.File()
	c.Close()
	if err != nil {
		return
	}
	cmd := exec.Command(d.bin, "-i", "-e", "-f", d.config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, io.Discard
	d.mu.Lock()
	err = cmd.Start()
	d.procs[cmd] = true
	d.mu.Unlock()
	f.Close()
	if err == nil {
		cmd.Wait()
	}
	d.mu.Lock()
	delete(d.procs, cmd)
	d.mu.Unlock()
}

// cut ends all connections, as a target that goes down does.
func (d *sshd) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for cmd := range d.procs {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
	}
}

// passwordHost is a small SSH server that knows one password and runs one
// function for each command or shell.
type passwordHost struct {
	user, password string
	ln             net.Listener
	mu             sync.Mutex
	signer         ssh.Signer
	run            func(command string, ch ssh.Channel) (status uint32)
}

func (h *passwordHost) addr() (string, int) { return hostPort(h.ln) }

func (h *passwordHost) account(name, resource string) obj {
	h.mu.Lock()
	defer h.mu.Unlock()
	return obj{"name": name, "resource_id": resource, "username": h.user, "kind": "password", "password": h.password}
}

// newPasswordHost starts one. run nil prints the command.
func newPasswordHost(t testing.TB, run func(command string, ch ssh.Channel) uint32) *passwordHost {
	t.Helper()
	if run == nil {
		run = func(command string, ch ssh.Channel) uint32 { fmt.Fprintln(ch, "ran", command); return 0 }
	}
	h := &passwordHost{user: "service", password: newSecret("target-password"), run: run}
	h.newHostKey(t)
	var err error
	if h.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	conns := &connections{all: map[net.Conn]bool{}}
	wg.Go(func() {
		for {
			c, err := h.ln.Accept()
			if err != nil {
				return
			}
			conns.add(c)
			wg.Go(func() {
				defer conns.drop(c)
				h.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		h.ln.Close()
		conns.close()
		wg.Wait()
	})
	return h
}

// newHostKey changes the key that the host shows.
func (h *passwordHost) newHostKey(t testing.TB) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(pem.EncodeToMemory(block))
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.signer = signer
	h.mu.Unlock()
}

// newPassword changes what the host lets in.
func (h *passwordHost) newPassword() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.password = newSecret("another-password")
}

func (h *passwordHost) serve(c net.Conn) {
	conf := &ssh.ServerConfig{PasswordCallback: func(m ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if m.User() != h.user || string(p) != h.password {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}}
	h.mu.Lock()
	conf.AddHostKey(h.signer)
	h.mu.Unlock()
	conn, chans, reqs, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		if nc.ChannelType() != "session" {
			nc.Reject(ssh.Prohibited, "no")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		go h.session(ch, reqs)
	}
}

func (h *passwordHost) session(ch ssh.Channel, reqs <-chan *ssh.Request) {
	for r := range reqs {
		switch r.Type {
		case "exec", "shell":
			var p struct{ Command string }
			ssh.Unmarshal(r.Payload, &p) // a shell has none
			r.Reply(true, nil)
			go func() {
				status := h.run(p.Command, ch)
				ch.SendRequest("exit-status", false, ssh.Marshal(struct{ S uint32 }{status}))
				ch.Close()
			}()
		default:
			r.Reply(r.Type == "pty-req" || r.Type == "env" || r.Type == "window-change", nil)
		}
	}
}

// connections are those that a host has to close at its end.
type connections struct {
	mu  sync.Mutex
	all map[net.Conn]bool
}

func (c *connections) add(n net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[n] = true
}

func (c *connections) drop(n net.Conn) {
	n.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, n)
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.all {
		n.Close()
	}
}

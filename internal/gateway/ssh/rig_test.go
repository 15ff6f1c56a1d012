package ssh

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/id"
)

// rig is a gateway on loopback, a world around it and a folder for clients.
type rig struct {
	*world
	dir    string
	addr   string
	host   string
	port   string
	key    ssh.Signer // the gateway's
	config string     // for ssh -F
	ln     net.Listener
	stop   func()
}

// newRig starts a gateway with one person, alice, who has a key file "alice". change may alter the deps.
func newRig(t testing.TB, change ...func(*Deps)) *rig {
	t.Helper()
	r := &rig{world: newWorld(t), dir: shortTemp(t), key: newSigner(t)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.ln, r.addr = ln, ln.Addr().String()
	r.host, r.port, _ = net.SplitHostPort(r.addr)
	d := Deps{Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})), Auth: r.world, Safes: r.world, Sessions: r.world,
		Rejections: r.world, Dialer: r.world, HostKeys: []ssh.Signer{r.key}, Address: r.addr, Now: time.Now}
	for _, f := range change {
		f(&d)
	}
	g, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, ln) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	r.addPerson("alice", r.keyFile("alice"))
	r.writeConfig()
	return r
}

// shortTemp is a folder whose path is short enough for a control socket.
func shortTemp(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) write(name string, data []byte) string {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r.path(name)
}

// keyFile makes a private key in OpenSSH form and gives its public half.
func (r *rig) keyFile(name string) ssh.PublicKey {
	r.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(name, pem.EncodeToMemory(block))
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(name+".pub", ssh.MarshalAuthorizedKey(s.PublicKey()))
	return s.PublicKey()
}

func (r *rig) addPerson(handle string, keys ...ssh.PublicKey) *fakePerson {
	p := &fakePerson{Person: Person{User: id.New[id.User](), Handle: handle}, password: "correct horse", code: "123456", spent: map[string]bool{}}
	for _, k := range keys {
		p.keys = append(p.keys, k.Marshal())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.people[handle] = p
	return p
}

func (r *rig) writeConfig() {
	known := "[" + r.host + "]:" + r.port + " " + string(ssh.MarshalAuthorizedKey(r.key.PublicKey()))
	r.write("known_hosts", []byte(known))
	r.config = r.write("ssh_config", []byte(strings.Join([]string{
		"Host gw", "  HostName " + r.host, "  Port " + r.port,
		"Host *", "  IdentityFile " + r.path("alice"), "  IdentitiesOnly yes", "  IdentityAgent none",
		"  UserKnownHostsFile " + r.path("known_hosts"), "  GlobalKnownHostsFile /dev/null",
		"  StrictHostKeyChecking yes", "  UpdateHostKeys no", "  BatchMode yes", "  LogLevel ERROR", ""}, "\n")))
}

// addSafe makes a safe on a target; change may alter it before the gateway sees it.
func (r *rig) addSafe(name string, s *sshd, change ...func(*fakeSafe)) *fakeSafe {
	f := &fakeSafe{Choice: Choice{Safe: id.New[id.Safe](), Name: name, Org: "org_acme", OrgSlug: "acme",
		Target: name + " server", Host: s.host, Port: s.port, Fresh: 15 * time.Minute},
		policy: Policy{RecordInput: true}, hostKeys: [][]byte{s.hostKey.Marshal()}, username: s.user, members: []string{"alice"},
		cred: s.credential}
	for _, c := range change {
		c(f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.safes = append(r.safes, f)
	return f
}

// testWriter logs to the test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	defer func() { recover() }() // the test may have ended
	w.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

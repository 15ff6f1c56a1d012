package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// need gives the path of a tool. Without it the test is skipped, or fails where REQUIRE_TOOLS=1.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path = filepath.Join("/usr/sbin", name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
		if os.Getenv("REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is needed: %v", name, err)
	}
	return path
}

// sshd is a real OpenSSH server: one process for each connection, as inetd starts it.
type sshd struct {
	host    string
	port    int
	user    string
	hostKey ssh.PublicKey
	key     []byte // PEM of the one key that it lets in
	home    string
	ln      net.Listener

	mu    sync.Mutex
	procs map[*exec.Cmd]bool
	conns int
}

// newSSHD starts a server for the user who runs the test. extra are lines for its configuration.
func newSSHD(t testing.TB, extra ...string) *sshd {
	t.Helper()
	bin := need(t, "sshd")
	if os.Geteuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755)
	}
	dir := t.TempDir()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{host: "127.0.0.1", user: me.Username, home: dir, procs: map[*exec.Cmd]bool{}}
	hostPub, hostPEM := genKey(t)
	userPub, userPEM := genKey(t)
	s.hostKey, s.key = hostPub, userPEM
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := fmt.Sprintf("HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication yes\n"+
		"KbdInteractiveAuthentication no\nAcceptEnv *\nSubsystem sftp /usr/lib/openssh/sftp-server\nPrintMotd no\nPrintLastLog no\n"+
		"X11Forwarding yes\nX11UseLocalhost yes\nLogLevel ERROR\nSetEnv HUSHLOGIN=1\n",
		put("host_key", hostPEM), put("authorized_keys", ssh.MarshalAuthorizedKey(userPub)))
	for _, line := range extra {
		conf += line + "\n"
	}
	file := put("sshd_config", []byte(conf))
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.port = s.ln.Addr().(*net.TCPAddr).Port
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(t, bin, file, c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		s.ln.Close()
		s.kill()
		wg.Wait()
	})
	return s
}

func (s *sshd) serve(t testing.TB, bin, config string, c *net.TCPConn) {
	f, err := c.File()
	c.Close()
	if err != nil {
		return
	}
	cmd := exec.Command(bin, "-i", "-e", "-f", config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, testWriter{t}
	s.mu.Lock()
	err = cmd.Start()
	s.procs[cmd] = true
	s.conns++
	s.mu.Unlock()
	f.Close()
	if err == nil {
		cmd.Wait()
	}
	s.mu.Lock()
	delete(s.procs, cmd)
	s.mu.Unlock()
}

// connections counts those that there have been.
func (s *sshd) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// kill ends all connections, as a target that goes down does.
func (s *sshd) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cmd := range s.procs {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
	}
}

func (s *sshd) credential() Credential {
	return Credential{Username: s.user, PrivateKey: secret.New(append([]byte(nil), s.key...))}
}

func genKey(t testing.TB) (ssh.PublicKey, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey(), pem.EncodeToMemory(block)
}

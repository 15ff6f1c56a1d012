package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a real OpenSSH server on loopback, with Debian's algorithms. It signs in
// the user who runs the benchmark, without PAM, which only would make it slower.
type sshd struct {
	port    int
	user    string
	hostKey ssh.PublicKey
	cmd     *exec.Cmd
	log     string
}

// startSSHD starts a server that lets in whoever has the key.
func startSSHD(dir string, admitted ssh.PublicKey) (*sshd, error) {
	bin, err := exec.LookPath("sshd")
	if err != nil {
		bin = "/usr/sbin/sshd"
	}
	if os.Geteuid() == 0 { // the folder of its unprivileged child
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &sshd{user: me.Username, log: filepath.Join(dir, "sshd.log")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.hostKey, err = newKey(filepath.Join(dir, "host_key")); err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(keys, ssh.MarshalAuthorizedKey(admitted), 0o600); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "sshd_config")
	text := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %d
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
MaxStartups 1000
LogLevel ERROR
Subsystem sftp internal-sftp
`, s.port, filepath.Join(dir, "host_key"), keys)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(bin, "-D", "-E", s.log, "-f", conf)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (Debian: apt-get install openssh-server): %w", bin, err)
	}
	if err := answers(s.addr(), 10*time.Second); err != nil {
		s.stop()
		said, _ := os.ReadFile(s.log)
		return nil, fmt.Errorf("sshd: %w: %s", err, said)
	}
	return s, nil
}

func (s *sshd) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *sshd) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// newKey makes a key pair, the private half in file.
func newKey(file string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "bench")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

// freePort is a port of loopback that nobody uses at this moment.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// answers waits until somebody listens.
func answers(addr string, within time.Duration) error {
	end := time.Now().Add(within)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("nobody answers at %s: %w", addr, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A way is how an OpenSSH client reaches the target: the arguments before a command.
type way struct {
	jump string // for -J; empty: none
	host string // of the client's configuration
}

var (
	direct  = way{"", "target"}
	jumped  = way{"jump", "target"}
	gateway = way{"", "gateway"}
)

// clientConfig writes the OpenSSH client's configuration, with all the ways.
func (w *world) clientConfig() error {
	known := []string{
		fmt.Sprintf("[127.0.0.1]:%d %s", w.target.port, ssh.MarshalAuthorizedKey(w.target.hostKey)),
		fmt.Sprintf("[127.0.0.1]:%d %s", w.jump.port, ssh.MarshalAuthorizedKey(w.jump.hostKey)),
	}
	ours, err := os.ReadFile(w.product.dev.KnownHosts)
	if err != nil {
		return err
	}
	hosts := filepath.Join(w.dir, "known_hosts")
	if err := os.WriteFile(hosts, []byte(strings.Join(known, "")+string(ours)), 0o600); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(w.product.dev.SSHAddr)
	if err != nil {
		return err
	}
	operator, err := w.product.dev.user("operator")
	if err != nil {
		return err
	}
	host := func(name string, port any, user, key string) string {
		return fmt.Sprintf("Host %s\n HostName 127.0.0.1\n Port %v\n User %s\n IdentityFile %s\n", name, port, user, key)
	}
	text := host("target", w.target.port, w.target.user, w.key) + host("jump", w.jump.port, w.jump.user, w.key) +
		host("gateway", port, operator.Handle+"+"+safeName, operator.SSHPrivateKeyFile) +
		fmt.Sprintf("Host *\n IdentitiesOnly yes\n UserKnownHostsFile %s\n GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes\n BatchMode yes\n LogLevel ERROR\n ControlMaster no\n", hosts)
	w.sshConfig = filepath.Join(w.dir, "ssh_config")
	return os.WriteFile(w.sshConfig, []byte(text), 0o600)
}

// client is an OpenSSH program with the benchmark's configuration.
func (w *world) client(ctx context.Context, program string, v way, args ...string) *exec.Cmd {
	first := []string{"-F", w.sshConfig}
	if v.jump != "" {
		first = append(first, "-J", v.jump)
	}
	return exec.CommandContext(ctx, program, append(first, args...)...)
}

// timed runs a program and gives the seconds that it took. What it says on
// standard error is part of the error.
func timed(cmd *exec.Cmd) (float64, error) {
	var said strings.Builder
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began).Seconds()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		return 0, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return took, nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A shell is a session with a terminal, over a connection of its own. OpenSSH's
// client is not used where single bytes are timed or hundreds of sessions held:
// a process a session would be most of what is measured.
type shell struct {
	conn *ssh.Client
	in   io.WriteCloser
	out  io.Reader
}

// dial signs in by Go's SSH client, directly or through the gateway.
func (w *world) dial(v way) (*ssh.Client, error) {
	addr, login, keyFile := w.target.addr(), w.target.user, w.key
	if v == gateway {
		operator, err := w.product.dev.user("operator")
		if err != nil {
			return nil, err
		}
		addr, login, keyFile = w.product.dev.SSHAddr, operator.Handle+"+"+safeName, operator.SSHPrivateKeyFile
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(w.dir + "/known_hosts")
	if err != nil {
		return nil, err
	}
	raw, err := net.DialTimeout("tcp", addr, 30*time.Second)
	if err != nil {
		return nil, err
	}
	conn, chans, reqs, err := ssh.NewClientConn(raw, addr, &ssh.ClientConfig{
		User: login, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	if err != nil {
		raw.Close()
		return nil, err
	}
	return ssh.NewClient(conn, chans, reqs), nil
}

// shell opens a terminal and runs a command in it; an empty one is the login shell.
func (w *world) shell(v way, command string) (*shell, error) {
	conn, err := w.dial(v)
	if err != nil {
		return nil, err
	}
	s, err := newShell(conn, command)
	if err != nil {
		conn.Close()
	}
	return s, err
}

func newShell(conn *ssh.Client, command string) (*shell, error) {
	session, err := conn.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.RequestPty("xterm-256color", 24, 80, ssh.TerminalModes{}); err != nil {
		return nil, err
	}
	if command == "" {
		err = session.Shell()
	} else {
		err = session.Start(command)
	}
	return &shell{conn, in, out}, err
}

func (s *shell) close() { s.conn.Close() }

// rawCat gives each byte that it is sent back once, by way of a terminal.
const rawCat = "stty raw -echo; printf ready; exec cat"

// await reads until what was said contains text.
func (s *shell) await(text string) error {
	var said strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), text) {
		n, err := s.out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			return fmt.Errorf("waiting for %q after %q: %w", text, said.String(), err)
		}
	}
	return nil
}

var errOther = errors.New("another byte came back than was sent")

// trip sends one byte and waits for it.
func (s *shell) trip(key byte) (time.Duration, error) {
	one := [1]byte{key}
	began := time.Now()
	if _, err := s.in.Write(one[:]); err != nil {
		return 0, err
	}
	var back [1]byte
	if _, err := io.ReadFull(s.out, back[:]); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if back != one {
		return 0, errOther
	}
	return took, nil
}

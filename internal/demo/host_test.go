package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func start(t *testing.T) (client func() *ssh.Client) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{Name: "demo", User: "deploy", Password: "right", Home: t.TempDir(), Signer: signer, Log: slog.New(slog.DiscardHandler)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func() *ssh.Client {
		c, err := ssh.Dial("tcp", ln.Addr().String(), &ssh.ClientConfig{User: "deploy", Auth: []ssh.AuthMethod{ssh.Password("right")}, HostKeyCallback: ssh.FixedHostKey(signer.PublicKey())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
}

func TestCommandKeepsStatusAndStreamsApart(t *testing.T) {
	s, err := start(t)().NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var out, bad strings.Builder
	s.Stdout, s.Stderr = &out, &bad
	err = s.Run("echo out; echo err >&2; exit 42")
	var ee *ssh.ExitError
	if !errors.As(err, &ee) || ee.ExitStatus() != 42 || out.String() != "out\n" || bad.String() != "err\n" {
		t.Fatalf("%v, stdout %q, stderr %q", err, out.String(), bad.String())
	}
}

func TestShellHasATerminalOfTheSizeAsked(t *testing.T) {
	s, err := start(t)().NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 33, 99, nil); err != nil {
		t.Fatal(err)
	}
	out, err := s.Output("stty size")
	if err != nil || !strings.Contains(string(out), "33 99") {
		t.Fatalf("%q, %v", out, err)
	}
}

func TestWrongPasswordIsRefused(t *testing.T) {
	c := start(t)()
	_, err := ssh.Dial("tcp", c.RemoteAddr().String(), &ssh.ClientConfig{User: "deploy", Auth: []ssh.AuthMethod{ssh.Password("wrong")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err == nil {
		t.Fatal("a wrong password was accepted")
	}
}

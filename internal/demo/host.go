// Package demo is the SSH host of development mode: a real shell on this
// machine behind an SSH server inside the process, on loopback, with a login
// that only the vault knows. It exists so that the first recorded session needs
// nothing to be set up; production never starts it.
package demo

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Host is one demo host.
type Host struct {
	Name     string // shown in its prompt
	User     string
	Password string // random, handed to the vault and kept nowhere else
	Home     string // made if missing; shells start there
	Signer   ssh.Signer
	Log      *slog.Logger
}

// Run serves ln until ctx ends, then closes every connection and waits for them.
func (h *Host) Run(ctx context.Context, ln net.Listener) error {
	if err := h.prepareHome(); err != nil {
		ln.Close()
		return err
	}
	conf := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-OpenSSH_VaultPAM_demo",
		PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if c.User() == h.User && subtle.ConstantTimeCompare(p, []byte(h.Password)) == 1 {
				return nil, nil
			}
			return nil, errors.New("no such user or wrong password")
		},
	}
	conf.AddHostKey(h.Signer)

	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on the demo host: %w", err)
		}
		wg.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			h.serve(conn, conf)
		})
	}
}

func (h *Host) prepareHome() error {
	if err := os.MkdirAll(h.Home, 0o700); err != nil {
		return fmt.Errorf("make the demo host's home: %w", err)
	}
	readme := filepath.Join(h.Home, "README.txt")
	if _, err := os.Stat(readme); err == nil {
		return nil
	}
	text := "You are on the demo host " + h.Name + ".\n\nYou came here through VaultPAM without seeing a password.\n" +
		"Everything on this terminal is being recorded; type exit, then look at the\nsession in the console.\n"
	if err := os.WriteFile(readme, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the demo host's README: %w", err)
	}
	return nil
}

func (h *Host) serve(conn net.Conn, conf *ssh.ServerConfig) {
	sc, chans, reqs, err := ssh.NewServerConn(conn, conf)
	if err != nil {
		h.Log.Debug("demo host handshake", "error", err.Error())
		return
	}
	defer sc.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { ssh.DiscardRequests(reqs) })
	for nc := range chans {
		switch nc.ChannelType() {
		case "session":
			ch, reqs, err := nc.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { (&session{host: h, ch: ch}).run(reqs) })
		case "direct-tcpip":
			wg.Go(func() { forward(nc) })
		default:
			nc.Reject(ssh.UnknownChannelType, "the demo host knows sessions and forwards only")
		}
	}
}

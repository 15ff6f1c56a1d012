package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/demo"
	"github.com/vaultpam/vaultpam/internal/logctx"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// DevFile is dev.json: what a newcomer, a test or a tool needs to use a
// development server. It holds passwords, so only its owner may read it.
type DevFile struct {
	API          string    `json:"api"`
	Console      string    `json:"console"`
	CAFile       string    `json:"ca_file"`
	SSHAddr      string    `json:"ssh_addr"`
	KnownHosts   string    `json:"known_hosts_file"`
	Organization DevOrg    `json:"organization"`
	Users        []DevUser `json:"users"`
	Safes        []DevSafe `json:"safes"`
}

// DevOrg is the demo organization.
type DevOrg struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
}

// DevUser is somebody of the demo organization, with everything they sign in with.
type DevUser struct {
	Email             string   `json:"email"`
	Handle            string   `json:"handle"`
	Password          string   `json:"password"`
	TOTPSecret        string   `json:"totp_secret"`
	BackupCodes       []string `json:"backup_codes"`
	Role              string   `json:"role"`
	APIToken          string   `json:"api_token"`
	SSHPrivateKeyFile string   `json:"ssh_private_key_file"`
}

// DevSafe is a safe of the demo organization.
type DevSafe struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Protocol string `json:"protocol"`
}

// user finds somebody by role.
func (f *DevFile) user(role string) DevUser {
	for _, u := range f.Users {
		if u.Role == role {
			return u
		}
	}
	return DevUser{}
}

// Dev runs a server with a demo organization and a demo host, all on loopback.
func Dev(ctx context.Context, cfg config.Config, out io.Writer) error {
	cfg.Targets.AllowLoopback = true
	if cfg.Phone.Provider == "" {
		cfg.Phone.Provider = "log"
	}
	level, err := cfg.Log.SlogLevel()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err == nil { // when not, New says why
		logFile, err := os.OpenFile(filepath.Join(cfg.Data, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			defer logFile.Close()
			return dev(ctx, cfg, logctx.New(logFile, cfg.Log.Format, level), out)
		}
	}
	return dev(ctx, cfg, logctx.New(os.Stderr, cfg.Log.Format, level), out)
}

func dev(ctx context.Context, cfg config.Config, log *slog.Logger, out io.Writer) error {
	a, err := build(ctx, cfg, log, true)
	if err != nil {
		return err
	}
	world := &devWorld{app: a, dir: filepath.Join(cfg.Data, "dev"), password: secret.Token(18)}
	host, ln, err := world.demoHost(log)
	if err != nil {
		a.Close()
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return host.Run(ctx, ln) })
	file, err := world.prepare(ctx, ln.Addr().(*net.TCPAddr))
	if err != nil {
		ln.Close()
		a.Close()
		return fmt.Errorf("prepare the demo organization: %w", err)
	}
	group.Go(func() error { return a.Run(ctx) })
	group.Go(func() error {
		if err := world.ready(ctx); err != nil {
			return nil // stopped before it was ready
		}
		if err := world.write(file); err != nil {
			return err
		}
		greet(out, cfg, file)
		return nil
	})
	return group.Wait()
}

// ready waits until sessions can start.
func (w *devWorld) ready(ctx context.Context) error {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for w.app.ledger.Healthy() != nil {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (w *devWorld) filePath() string { return filepath.Join(w.app.cfg.Data, "dev.json") }

func (w *devWorld) write(f *DevFile) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode dev.json: %w", err)
	}
	return writeFile(w.filePath(), append(b, '\n'), 0o600)
}

// demoHost is the target of the demo safe. It keeps its port and host key over
// restarts where it can; its password is new at each start.
func (w *devWorld) demoHost(log *slog.Logger) (*demo.Host, net.Listener, error) {
	dir := filepath.Join(w.dir, "host")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the demo host's folder: %w", err)
	}
	key, err := hostKey(dir)
	if err != nil {
		return nil, nil, err
	}
	portFile := filepath.Join(dir, "addr")
	was, _ := os.ReadFile(portFile) // none at the first start
	ln, err := net.Listen("tcp", string(was))
	if len(was) == 0 || err != nil {
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, nil, fmt.Errorf("listen for the demo host: %w", err)
		}
	}
	if err := writeFile(portFile, []byte(ln.Addr().String()), 0o600); err != nil {
		ln.Close()
		return nil, nil, err
	}
	return &demo.Host{Name: demoName, User: demoUser, Password: w.password.RevealString(), Home: filepath.Join(dir, "home"), Signer: key, Log: log.With("component", "demo")}, ln, nil
}

// greet says what to open and what to paste.
func greet(out io.Writer, cfg config.Config, f *DevFile) {
	op, owner := f.user("operator"), f.user("owner")
	host, port, _ := net.SplitHostPort(f.SSHAddr) // it is our own
	short := func(path string) string {
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
				return rel
			}
		}
		return path
	}
	fmt.Fprintf(out, `
VaultPAM %s is running. Everything is in %s; Ctrl-C stops it.

  Open a recorded shell (paste this into another terminal):

    ssh -p %s -i %s -o UserKnownHostsFile=%s %s+%s@%s

  Then look at it in the console, as %s with password %s:

    %s

    One-time codes: add the secret %s to an authenticator, or use a backup code: %s
    The browser will ask about the certificate: it is signed by %s

  All demo people, their passwords and tokens: %s
`,
		Version, short(cfg.Data), port, short(op.SSHPrivateKeyFile), short(f.KnownHosts), op.Handle, f.Safes[0].Name, host,
		owner.Email, owner.Password, f.Console, owner.TOTPSecret, first(owner.BackupCodes), short(f.CAFile), short(filepath.Join(cfg.Data, "dev.json")))
}

func first(s []string) string {
	if len(s) == 0 {
		return "none left"
	}
	return s[0]
}

// knownHosts is the line with which OpenSSH trusts the gateway.
func knownHosts(addr string, key ssh.Signer) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	name := "[" + host + "]:" + port
	if port == "22" {
		name = host
	}
	return name + " " + knownHost(key) + "\n", nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type sshCmd struct {
	connection
	Options []string `name:"ssh-option" short:"o" sep:"none" placeholder:"OPTION" help:"Option for ssh, such as ServerAliveInterval=30, or with its hyphen: --ssh-option=-v. Several are possible."`
	Ticket  string   `placeholder:"TICKET" help:"Ticket of the work that the session is for; a policy may ask for one."`
	TTY     bool     `name:"tty" short:"t" help:"Ask for a terminal although a command is given."`
	Safe    string   `arg:"" complete:"safe" help:"Name or id of the safe."`
	Command []string `arg:"" optional:"" passthrough:"" help:"Command to run there; without it, a shell."`
}

// Help is shown below the usage.
func (sshCmd) Help() string {
	return "Opens the session that your one login entitles you to: a key pair is made for it, the server certifies the key for this one session, and the system's ssh connects with it. The exit status is that of ssh. Options stand before the safe; what follows the safe, or --, is the command."
}

// Run opens a session.
func (c *sshCmd) Run(ctx context.Context, p *program) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	// A terminal that is closed ends us by SIGHUP; the key must not stay behind.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	program, err := exec.LookPath("ssh")
	if err != nil {
		return fault.New(fault.Unavailable, "there is no ssh program here: install OpenSSH's client")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	pair, err := newKeyPair()
	if err != nil {
		return err
	}
	l, err := r.launch(ctx, c.Safe, c.Ticket, pair.public)
	if err != nil {
		return err
	}
	dir, err := pair.write(l.SSH.Certificate, l.SSH.HostKeys)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args, err := c.arguments(dir, l, command)
	if err != nil {
		return err
	}
	return p.execute(ctx, program, args)
}

// launched is a launch grant in a certificate.
type launched struct {
	SessionID string `json:"session_id"`
	SSH       *struct {
		Certificate string   `json:"certificate"`
		GatewayAddr string   `json:"gateway_addr"`
		HostKeys    []string `json:"host_keys"`
		Login       string   `json:"login"`
	} `json:"ssh"`
}

// launch asks for a session; where its safe asks for a second factor, so is the person.
func (r *remote) launch(ctx context.Context, name, ticket, public string) (launched, error) {
	in := map[string]string{"safe": name, "public_key": public}
	if strings.HasPrefix(name, "safe_") {
		in = map[string]string{"safe_id": name, "public_key": public}
	}
	if ticket != "" {
		in["ticket"] = ticket
	}
	var l launched
	a, err := r.Client.Call(ctx, http.MethodPost, "/sessions/launch", nil, in)
	if r.wantsFactor(err) {
		id := ""
		if s, err := r.findSafe(ctx, name); err == nil {
			id = s.ID // so that the ledger can say which safe asked
		}
		if err := r.stepUp(ctx, id); err != nil {
			return l, err
		}
		a, err = r.Client.Call(ctx, http.MethodPost, "/sessions/launch", nil, in)
	}
	if err != nil {
		return l, again(err, r.isToken)
	}
	if err := a.Into(&l); err != nil {
		return l, err
	}
	if l.SSH == nil || l.SSH.Certificate == "" {
		return l, fault.New(fault.Internal, "the server gave no certificate for the session; is it a VaultPAM server of this version?")
	}
	return l, nil
}

// gatewayAlias is the name under which ssh looks for the gateway's key, whatever its address.
const gatewayAlias = "vaultpam-gateway"

// arguments are those of the system's ssh. Ours come first, where ssh lets the
// first one hold: nothing in a person's own configuration may change who is
// trusted, or which key is shown.
func (c *sshCmd) arguments(dir string, l launched, command []string) ([]string, error) {
	host, port, err := net.SplitHostPort(l.SSH.GatewayAddr)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 1 || n > 65535 || host == "" || host[0] == '-' {
		return nil, fault.New(fault.Internal, "the server names no SSH gateway that can be called: %q", l.SSH.GatewayAddr)
	}
	if l.SSH.Login == "" || l.SSH.Login[0] == '-' || strings.ContainsAny(l.SSH.Login, " \t\r\n") {
		return nil, fault.New(fault.Internal, "the server names no login for its SSH gateway")
	}
	args := []string{"-i", inDir(dir, keyFile), "-p", port, "-l", l.SSH.Login}
	for _, o := range []string{
		"CertificateFile=" + inDir(dir, certFile),
		"UserKnownHostsFile=" + inDir(dir, knownFile), "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=" + gatewayAlias, "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no",
		"IdentitiesOnly=yes", "IdentityAgent=none", "PreferredAuthentications=publickey", "PubkeyAuthentication=yes",
		"ControlMaster=no", "ControlPath=none", "ProxyJump=none",
	} {
		args = append(args, "-o", o)
	}
	for _, o := range c.Options {
		if strings.HasPrefix(o, "-") {
			args = append(args, o)
		} else {
			args = append(args, "-o", o)
		}
	}
	if c.TTY {
		args = append(args, "-t")
	}
	args = append(args, "--", host)
	return append(args, command...), nil
}

// inDir names a file for an option of ssh, which would read a percent sign as the
// beginning of a token.
func inDir(dir, name string) string { return strings.ReplaceAll(dir, "%", "%%") + "/" + name }

// execute runs ssh with our own streams and passes its exit status on.
func (p *program) execute(ctx context.Context, program string, args []string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.in, p.out, p.errw
	cmd.Env = slices.DeleteFunc(slices.Clone(p.environ), func(kv string) bool {
		return strings.HasPrefix(kv, "VAULTPAM_TOKEN=") || strings.HasPrefix(kv, "VAULTPAM_PASSWORD=")
	})
	// A signal from the terminal reaches ssh by itself; one that was sent to us only, by this.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		if ws, ok := failed.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return exit(128 + int(ws.Signal()))
		}
		return exit(failed.ExitCode())
	case ctx.Err() != nil:
		return exit(interrupted)
	}
	return fmt.Errorf("run ssh: %w", err)
}

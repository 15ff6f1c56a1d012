package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

type accountsCmd struct {
	connection
	List      accountsListCmd      `cmd:"" default:"1" help:"List accounts."`
	Create    accountsCreateCmd    `cmd:"" help:"Put an account under management."`
	Rotate    accountsRotateCmd    `cmd:"" help:"Replace the credential of an account at its target, now."`
	Rotations accountsRotationsCmd `cmd:"" help:"List the rotations of an account."`
	Schedule  accountsScheduleCmd  `cmd:"" help:"Rotate the credential of an account every so many days."`
	Secret    accountsSecretCmd    `cmd:"" name:"set-secret" help:"Replace the secret of an account."`
	Disable   accountsDisableCmd   `cmd:"" help:"Take an account out of use; its live sessions end."`
	Enable    accountsEnableCmd    `cmd:"" help:"Put a disabled account into use again."`
	Delete    accountsDeleteCmd    `cmd:"" help:"Delete an account that no safe needs."`
}

// account is an account as the API tells it.
type account struct {
	ID                string `json:"id"`
	Name              string `json:"name"`
	ResourceID        string `json:"resource_id"`
	Username          string `json:"username"`
	Kind              string `json:"kind"`
	State             string `json:"state"`
	CredentialVersion int64  `json:"credential_version"`
	Version           int64  `json:"version"`

	RotationDueSince time.Time `json:"rotation_due_since"`
	NextRotationAt   time.Time `json:"next_rotation_at"`
}

// status is the state, and whether the credential is to be replaced.
func (a account) status() string {
	if a.RotationDueSince.IsZero() {
		return a.State
	}
	return a.State + ", to be rotated"
}

func (a account) names() []string { return []string{a.ID, a.Name} }

func (r *remote) findAccount(ctx context.Context, want string) (account, error) {
	return find[account](ctx, r, "/accounts", "account", want)
}

func (p *program) account(ctx context.Context, name string) (*remote, account, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, account{}, err
	}
	a, err := r.findAccount(ctx, name)
	return r, a, err
}

type accountsListCmd struct {
	Resource string `placeholder:"NAME" complete:"resource" help:"Only those on this resource."`
}

// Run lists accounts.
func (c *accountsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Resource != "" {
		m, err := r.findResource(ctx, c.Resource)
		if err != nil {
			return err
		}
		q.Set("resource", m.ID)
	}
	l, err := r.list(ctx, "/accounts", q, 0)
	if err != nil {
		return err
	}
	names := map[string]string{}
	if !p.json {
		if names, err = r.resourceNames(ctx); err != nil {
			return err
		}
	}
	t := table{head: []string{"NAME", "RESOURCE", "LOGIN", "KIND", "STATE"}, empty: "There are no accounts yet: vaultpam accounts create <name> --resource <resource> --username <login>"}
	return showList(p, l, t, func(a account) []string {
		return []string{a.Name, first(names[a.ResourceID], a.ResourceID), a.Username, a.Kind, a.status()}
	})
}

// resourceNames are the names of the resources that the caller may see, by id.
func (r *remote) resourceNames(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	l, err := r.list(ctx, "/resources", nil, 0)
	if fault.Is(err, fault.Denied) {
		return names, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := decode[ref](l.Items)
	for _, m := range items {
		names[m.ID] = m.Name
	}
	return names, err
}

// secretFlags say where a secret comes from. It is never an argument: other users
// of the machine could read it in the list of processes.
type secretFlags struct {
	SecretFile     string `placeholder:"FILE" complete:"file" help:"File of the password or private key; - for standard input. Without it you are asked."`
	PassphraseFile string `placeholder:"FILE" complete:"file" help:"File of the private key's passphrase. Without it you are asked, if the key has one."`
}

// maxSecret bounds a secret that is read.
const maxSecret = 64 << 10

// read puts the secret into a request.
func (f secretFlags) read(ctx context.Context, p *program, kind string, in map[string]any) error {
	if kind == "password" {
		if f.PassphraseFile != "" {
			return fault.New(fault.Invalid, "--passphrase-file is for --kind ssh_key")
		}
		s, err := f.password(ctx, p)
		if err == nil {
			in["password"] = s.RevealString()
		}
		return err
	}
	if f.SecretFile == "" {
		return fault.New(fault.Invalid, "name the file of the private key: --secret-file FILE, or --secret-file - for standard input")
	}
	key, err := p.readSecret(f.SecretFile)
	if err != nil {
		return err
	}
	in["private_key"] = key.RevealString()
	pass, err := f.passphrase(ctx, p, key)
	if err == nil && !pass.Empty() {
		in["passphrase"] = pass.RevealString()
	}
	return err
}

func (f secretFlags) password(ctx context.Context, p *program) (secret.Secret, error) {
	if f.SecretFile != "" {
		s, err := p.readSecret(f.SecretFile)
		if err != nil {
			return s, err
		}
		return oneLine(s)
	}
	s, err := p.ask().Secret(ctx, "Password of the account: ")
	if err != nil {
		return s, err
	}
	repeated, err := p.ask().Secret(ctx, "The same again: ")
	if err == nil && s.RevealString() != repeated.RevealString() {
		err = fault.New(fault.Invalid, "the two passwords are not the same; nothing was changed")
	}
	return s, err
}

func (f secretFlags) passphrase(ctx context.Context, p *program, key secret.Secret) (secret.Secret, error) {
	if f.PassphraseFile != "" {
		s, err := p.readSecret(f.PassphraseFile)
		if err != nil {
			return s, err
		}
		return oneLine(s)
	}
	var missing *ssh.PassphraseMissingError
	if _, err := ssh.ParseRawPrivateKey(key.Reveal()); errors.As(err, &missing) {
		return p.ask().Secret(ctx, "Passphrase of the private key: ")
	}
	return secret.Secret{}, nil
}

// readSecret reads a file, or standard input for "-".
func (p *program) readSecret(path string) (secret.Secret, error) {
	var r io.Reader = p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return secret.Secret{}, fault.New(fault.Invalid, "%s cannot be read: %v", path, cause(err))
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	switch {
	case err != nil:
		return secret.Secret{}, fault.New(fault.Invalid, "%s cannot be read: %v", path, cause(err))
	case len(b) > maxSecret:
		return secret.Secret{}, fault.New(fault.Invalid, "%s is too long for a secret: more than %d KiB", path, maxSecret>>10)
	case len(b) == 0:
		return secret.Secret{}, fault.New(fault.Invalid, "%s is empty", path)
	}
	return secret.New(b), nil
}

// oneLine is a secret without the line end that editors and echo add.
func oneLine(s secret.Secret) (secret.Secret, error) {
	v := strings.TrimSuffix(strings.TrimSuffix(s.RevealString(), "\n"), "\r")
	if strings.ContainsAny(v, "\r\n") {
		return secret.Secret{}, fault.New(fault.Invalid, "the secret must be one line")
	}
	return secret.FromString(v), nil
}

type accountsCreateCmd struct {
	Name     string `arg:"" help:"What people call it."`
	Resource string `required:"" placeholder:"NAME" complete:"resource" help:"The machine that it is on."`
	Username string `required:"" placeholder:"LOGIN" help:"Its login name there."`
	Kind     string `enum:"password,ssh_key" default:"password" help:"What the secret is: password or ssh_key."`
	secretFlags
}

// Run creates an account.
func (c *accountsCreateCmd) Run(ctx context.Context, p *program) error {
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	in := map[string]any{"name": c.Name, "resource_id": m.ID, "username": c.Username, "kind": c.Kind}
	if err := c.read(ctx, p, c.Kind, in); err != nil {
		return err
	}
	a, err := r.post(ctx, "/accounts", in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Account %s is created. Nobody sees its secret again.", c.Name) })
}

type accountsSecretCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
	secretFlags
}

// Run replaces the secret of an account.
func (c *accountsSecretCmd) Run(ctx context.Context, p *program) error {
	r, acc, err := p.account(ctx, c.Account)
	if err != nil {
		return err
	}
	in := map[string]any{"version": acc.Version}
	if err := c.read(ctx, p, acc.Kind, in); err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPatch, path("/accounts/%s", acc.ID), nil, in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Account %s has a new secret. It was not changed at the target.", acc.Name) })
}

type accountsDisableCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
}

// Run disables an account.
func (c *accountsDisableCmd) Run(ctx context.Context, p *program) error {
	return p.switchAccount(ctx, c.Account, "disable", "Account %s is out of use.")
}

type accountsEnableCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
}

// Run enables an account.
func (c *accountsEnableCmd) Run(ctx context.Context, p *program) error {
	return p.switchAccount(ctx, c.Account, "enable", "Account %s is in use again.")
}

func (p *program) switchAccount(ctx context.Context, name, verb, done string) error {
	r, acc, err := p.account(ctx, name)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/accounts/%s/", acc.ID)+verb, nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf(done, acc.Name) })
}

type accountsDeleteCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

// Run deletes an account.
func (c *accountsDeleteCmd) Run(ctx context.Context, p *program) error {
	r, acc, err := p.account(ctx, c.Account)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Delete the account %s? Its secret is gone then. [y/N] ", acc.Name); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/accounts/%s", acc.ID), seen(acc.Version), nil); err != nil {
		return err
	}
	p.done("Account %s is deleted.", acc.Name)
	return nil
}

package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type tokensCmd struct {
	connection
	List   tokensListCmd   `cmd:"" default:"1" help:"List API tokens."`
	Create tokensCreateCmd `cmd:"" help:"Issue an API token; it is shown once."`
	Revoke tokensRevokeCmd `cmd:"" help:"Revoke an API token."`
}

// token is an API token, without the token itself.
type token struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Owner      string    `json:"owner"`
	Networks   []string  `json:"networks"`
	Scopes     []string  `json:"scopes"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	Token      string    `json:"token"`
}

func (t token) names() []string { return []string{t.ID, t.Name} }

type tokensListCmd struct {
	All bool `help:"Those of all members; for owners and admins."`
}

// Run lists tokens.
func (c *tokensListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.All {
		q.Set("all", "true")
	}
	l, err := r.list(ctx, "/tokens", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "OWNER", "SCOPES", "NETWORKS", "EXPIRES", "LAST USED", "ID"}, empty: "There are no API tokens."}
	return showList(p, l, t, func(k token) []string {
		return []string{k.Name, k.Owner, strings.Join(k.Scopes, ","), strings.Join(k.Networks, ","), when(k.ExpiresAt), when(k.LastUsedAt), k.ID}
	})
}

type tokensCreateCmd struct {
	Name   string   `arg:"" help:"What it is for."`
	Scopes []string `name:"scope" required:"" placeholder:"SCOPE" complete:"scope" help:"What it may do, such as safes:read or sessions:launch; several are possible, and * is all that you may."`
	Days   int      `default:"90" help:"How long it is valid: 1 to 180 days."`

	Networks []string `name:"network" placeholder:"CIDR" help:"Where it may be used from, such as 192.0.2.0/24; several are possible. Without it: anywhere."`
	Service  string   `name:"service-account" placeholder:"NAME" help:"The service account that it is for, by name or id. Without it: you."`
}

// Run issues a token. The token alone goes to standard output.
func (c *tokensCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in := map[string]any{"name": c.Name, "scopes": c.Scopes, "expires_in_days": c.Days}
	if len(c.Networks) > 0 {
		in["networks"] = c.Networks
	}
	if c.Service != "" {
		s, err := find[serviceAccount](ctx, r, "/service-accounts", "service account", c.Service)
		if err != nil {
			return err
		}
		in["service_account_id"] = s.ID
	}
	a, err := r.post(ctx, "/tokens", in)
	if err != nil {
		return err
	}
	var t token
	if err := a.Into(&t); err != nil {
		return err
	}
	return p.show(a, func() {
		p.notef("The token is shown once, now. It is valid until %s.", when(t.ExpiresAt))
		p.sayf("%s", t.Token)
	})
}

type tokensRevokeCmd struct {
	Token string `arg:"" help:"Name or id."`
}

// Run revokes a token. An id may be that of another member's token.
func (c *tokensRevokeCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	t, err := find[token](ctx, r, "/tokens", "API token", c.Token)
	switch {
	case fault.Is(err, fault.NotFound) && strings.HasPrefix(c.Token, "tok_"):
		t.ID, t.Name = c.Token, c.Token
	case err != nil:
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/tokens/%s", t.ID), nil, nil); err != nil {
		return err
	}
	p.done("API token %s is revoked.", t.Name)
	return nil
}

type sshKeyCmd struct {
	connection
	List   sshKeyListCmd   `cmd:"" default:"1" help:"List your keys."`
	Add    sshKeyAddCmd    `cmd:"" help:"Register a public key."`
	Remove sshKeyRemoveCmd `cmd:"" help:"Remove a key."`
}

// sshKey is a registered public key.
type sshKey struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Algorithm   string    `json:"algorithm"`
	Fingerprint string    `json:"fingerprint"`
	CreatedAt   time.Time `json:"created_at"`
	LastUsedAt  time.Time `json:"last_used_at"`
}

func (k sshKey) names() []string { return []string{k.ID, k.Name, k.Fingerprint} }

type sshKeyListCmd struct{}

// Run lists keys.
func (sshKeyListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/ssh-keys", nil)
	if err != nil {
		return err
	}
	var l page
	if err := a.Into(&l); err != nil {
		return err
	}
	t := table{head: []string{"NAME", "TYPE", "FINGERPRINT", "ADDED", "LAST USED"}, empty: "You have registered no SSH key: vaultpam ssh-keys add ~/.ssh/id_ed25519.pub"}
	return showList(p, l, t, func(k sshKey) []string {
		return []string{k.Name, k.Algorithm, k.Fingerprint, when(k.CreatedAt), when(k.LastUsedAt)}
	})
}

type sshKeyAddCmd struct {
	File string `arg:"" complete:"file" help:"File of the public key (.pub); - for standard input."`
	Name string `placeholder:"NAME" help:"What to call it; without it, the comment in the file."`
}

// Run registers a key.
func (c *sshKeyAddCmd) Run(ctx context.Context, p *program) error {
	b, err := p.readSecret(c.File)
	if err != nil {
		return err
	}
	line := strings.TrimSpace(b.RevealString())
	if strings.Contains(line, "PRIVATE KEY") {
		return fault.New(fault.Invalid, "%s is a private key, which stays with you: give the .pub file beside it", c.File)
	}
	name := c.Name
	if fields := strings.Fields(line); name == "" && len(fields) > 2 {
		name = strings.Join(fields[2:], " ")
	}
	if name == "" {
		return fault.New(fault.Invalid, "the key has no comment: name it with --name")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/ssh-keys", map[string]string{"name": name, "public_key": line})
	if err != nil {
		return err
	}
	var k sshKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Key %s (%s) opens the gateway for you.", k.Name, k.Fingerprint) })
}

type sshKeyRemoveCmd struct {
	Key string `arg:"" help:"Name, fingerprint or id."`
}

// Run removes a key.
func (c *sshKeyRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/ssh-keys", nil)
	if err != nil {
		return err
	}
	var l struct {
		Items []sshKey `json:"items"`
	}
	if err := a.Into(&l); err != nil {
		return err
	}
	k, err := pick(l.Items, "SSH key", c.Key)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/ssh-keys/%s", k.ID), nil, nil); err != nil {
		return err
	}
	p.done("Key %s does not open the gateway any more.", k.Name)
	return nil
}

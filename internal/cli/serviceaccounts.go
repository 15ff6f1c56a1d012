package cli

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

type serviceAccountsCmd struct {
	connection
	List   serviceAccountsListCmd   `cmd:"" default:"1" help:"List service accounts."`
	Add    serviceAccountsAddCmd    `cmd:"" help:"Make a service account."`
	Remove serviceAccountsRemoveCmd `cmd:"" help:"Remove a service account; its tokens and sessions end."`
}

// serviceAccount is a member that nobody signs in as.
type serviceAccount struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Handle    string    `json:"handle"`
	Role      string    `json:"role"`
	Tokens    int       `json:"tokens"`
	CreatedAt time.Time `json:"created_at"`
}

func (s serviceAccount) names() []string { return []string{s.ID, s.Name, s.Handle} }

type serviceAccountsListCmd struct{}

// Run lists service accounts.
func (serviceAccountsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/service-accounts", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "ROLE", "TOKENS", "MADE", "ID"}, empty: "There are no service accounts."}
	return showList(p, l, t, func(s serviceAccount) []string {
		return []string{s.Name, s.Role, strconv.Itoa(s.Tokens), when(s.CreatedAt), s.ID}
	})
}

type serviceAccountsAddCmd struct {
	Name string `arg:"" help:"What to call it: 2 to 32 of a-z, 0-9 and -, beginning with a letter."`
	Role string `enum:"admin,operator,auditor" default:"operator" help:"admin, operator or auditor."`
}

// Run makes a service account.
func (c *serviceAccountsAddCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/service-accounts", map[string]string{"name": c.Name, "role": c.Role})
	if err != nil {
		return err
	}
	var s serviceAccount
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Service account %s is made. Its tokens: vaultpam tokens create NAME --service-account %s --scope SCOPE", s.Name, s.Name)
	})
}

type serviceAccountsRemoveCmd struct {
	Name string `arg:"" help:"Name or id."`
	Yes  bool   `short:"y" help:"Do not ask."`
}

// Run removes a service account.
func (c *serviceAccountsRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := find[serviceAccount](ctx, r, "/service-accounts", "service account", c.Name)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Remove the service account %s? Its tokens and sessions end. [y/N] ", s.Name); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/service-accounts/%s", s.ID), nil, nil); err != nil {
		return err
	}
	p.done("Service account %s is removed.", s.Name)
	return nil
}

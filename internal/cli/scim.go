package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type scimCmd struct {
	connection
	Show   scimShowCmd   `cmd:"" default:"1" help:"Show where the directory pushes to, and what its groups are worth."`
	Set    scimSetCmd    `cmd:"" help:"Say what the directory's groups are worth."`
	People scimPeopleCmd `cmd:"" help:"List whom the directory has pushed."`
	Groups scimGroupsCmd `cmd:"" help:"List which groups the directory has pushed."`
	Tokens scimTokensCmd `cmd:"" help:"The tokens of your organization's directory."`
}

// scimState is how the directory pushes people, as the API tells it.
type scimState struct {
	BaseURL     string    `json:"base_url,omitempty"`
	DefaultRole string    `json:"default_role,omitempty"`
	Roles       []ssoRule `json:"roles,omitempty"`
}

func (p *program) showSCIM(s scimState) {
	rows := [][2]string{{"base address", s.BaseURL}, {"default role", first(s.DefaultRole, "none: only groups give a place")}}
	for _, r := range s.Roles {
		rows = append(rows, [2]string{"group " + r.Group, r.Role})
	}
	p.facts(rows)
}

type scimShowCmd struct{}

// Run shows the settings.
func (scimShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/org/scim", nil)
	if err != nil {
		return err
	}
	var s scimState
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.showSCIM(s) })
}

type scimSetCmd struct {
	DefaultRole string   `placeholder:"ROLE" enum:",admin,operator,auditor,none" default:"" help:"For those whom no rule gives a role; none: they have no place."`
	Roles       []string `name:"role" placeholder:"GROUP=ROLE" help:"The role of a group; several are possible, and the first that matches counts. They replace those that are there."`
}

// Run changes the settings.
func (c *scimSetCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/org/scim", nil)
	if err != nil {
		return err
	}
	var s scimState
	if err := a.Into(&s); err != nil {
		return err
	}
	if s.DefaultRole = first(c.DefaultRole, s.DefaultRole); s.DefaultRole == "none" {
		s.DefaultRole = ""
	}
	if len(c.Roles) > 0 {
		s.Roles = nil
	}
	for _, rule := range c.Roles {
		at := strings.LastIndexByte(rule, '=')
		if at < 1 {
			return fault.New(fault.Invalid, "%q is not of the form GROUP=ROLE", rule)
		}
		s.Roles = append(s.Roles, ssoRule{Group: rule[:at], Role: rule[at+1:]})
	}
	s.BaseURL = ""
	if a, err = r.call(ctx, http.MethodPut, "/org/scim", nil, s); err != nil {
		return err
	}
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.showSCIM(s) })
}

type scimTokensCmd struct {
	List   scimTokensListCmd   `cmd:"" default:"1" help:"List the directory's tokens."`
	Create scimTokensCreateCmd `cmd:"" help:"Make a token for the directory; it is shown once."`
	Revoke scimTokensRevokeCmd `cmd:"" help:"Revoke a token of the directory."`
}

type scimToken struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	Token      string    `json:"token"`
}

func (t scimToken) names() []string { return []string{t.ID, t.Name} }

type scimTokensListCmd struct{}

// Run lists tokens.
func (scimTokensListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/scim/tokens", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "EXPIRES", "LAST USED", "ID"}, empty: "There are no SCIM tokens."}
	return showList(p, l, t, func(k scimToken) []string { return []string{k.Name, when(k.ExpiresAt), when(k.LastUsedAt), k.ID} })
}

type scimTokensCreateCmd struct {
	Name string `arg:"" help:"The directory that it is for."`
	Days int    `default:"180" help:"How long it is valid: 1 to 365 days."`
}

// Run makes a token. The token alone goes to standard output.
func (c *scimTokensCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/scim/tokens", map[string]any{"name": c.Name, "expires_in_days": c.Days})
	if err != nil {
		return err
	}
	var t scimToken
	if err := a.Into(&t); err != nil {
		return err
	}
	return p.show(a, func() {
		p.notef("The token is shown once, now. It is valid until %s.", when(t.ExpiresAt))
		p.sayf("%s", t.Token)
	})
}

type scimTokensRevokeCmd struct {
	Token string `arg:"" help:"Name or id."`
}

// Run revokes a token.
func (c *scimTokensRevokeCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	t, err := find[scimToken](ctx, r, "/org/scim/tokens", "SCIM token", c.Token)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/scim/tokens/%s", t.ID), nil, nil); err != nil {
		return err
	}
	p.done("SCIM token %s is revoked.", t.Name)
	return nil
}

type scimPeopleCmd struct{}

// Run lists whom the directory has pushed.
func (scimPeopleCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/scim/people", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"USER NAME", "NAME", "E-MAIL", "ACTIVE", "ROLE", "CHANGED"}, empty: "The directory has pushed nobody."}
	return showList(p, l, t, func(u struct {
		UserName  string    `json:"user_name"`
		Name      string    `json:"name"`
		Email     string    `json:"email"`
		Active    bool      `json:"active"`
		Role      string    `json:"role"`
		ChangedAt time.Time `json:"changed_at"`
	}) []string {
		return []string{u.UserName, u.Name, u.Email, yesNo(u.Active), first(u.Role, "none"), when(u.ChangedAt)}
	})
}

type scimGroupsCmd struct{}

// Run lists which groups the directory has pushed.
func (scimGroupsCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/scim/groups", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "MEMBERS", "CHANGED"}, empty: "The directory has pushed no groups."}
	return showList(p, l, t, func(g struct {
		Name      string    `json:"name"`
		Members   int       `json:"members"`
		ChangedAt time.Time `json:"changed_at"`
	}) []string {
		return []string{g.Name, strconv.Itoa(g.Members), when(g.ChangedAt)}
	})
}

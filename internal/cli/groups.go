package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type groupsCmd struct {
	connection
	List    groupsListCmd    `cmd:"" default:"1" help:"List the groups of your organization."`
	Show    groupsShowCmd    `cmd:"" help:"Show one group and the safes that it is bound to."`
	Create  groupsCreateCmd  `cmd:"" help:"Create a group."`
	Update  groupsUpdateCmd  `cmd:"" help:"Change the name or description of a group, or who says who is in it."`
	Delete  groupsDeleteCmd  `cmd:"" help:"Delete a group; what it brought, its members lose."`
	Members groupsMembersCmd `cmd:"" help:"Who is in a group."`
}

// groupItem is a group as the API tells it.
type groupItem struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Description   string    `json:"description"`
	Source        string    `json:"source"`
	ProviderID    string    `json:"provider_id"`
	ProviderGroup string    `json:"provider_group"`
	Members       int       `json:"members"`
	Safes         int       `json:"safes"`
	Version       int64     `json:"version"`
	CreatedAt     time.Time `json:"created_at"`
}

func (g groupItem) names() []string { return []string{g.ID, g.Name} }

func (r *remote) findGroup(ctx context.Context, want string) (groupItem, error) {
	return find[groupItem](ctx, r, "/org/groups", "group", want)
}

// kept says who says who is in the group.
func (g groupItem) kept() string {
	switch g.Source {
	case "scim":
		return "your directory"
	case "sso":
		return "single sign-on: " + g.ProviderGroup
	}
	return "here"
}

type groupsListCmd struct {
	Search string `placeholder:"TEXT" help:"Only those with this in their name."`
	Person string `placeholder:"PERSON" complete:"person" help:"Only those that this person is in."`
}

// Run lists groups.
func (c *groupsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Search != "" {
		q.Set("q", c.Search)
	}
	if c.Person != "" {
		m, err := r.findPerson(ctx, c.Person)
		if err != nil {
			return err
		}
		q.Set("user_id", m.UserID)
	}
	l, err := r.list(ctx, "/org/groups", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"GROUP", "MEMBERS", "SAFES", "MEMBERS ARE KEPT BY"}, empty: "There are no groups: vaultpam groups create <name>"}
	return showList(p, l, t, func(g groupItem) []string {
		return []string{g.Name, strconv.Itoa(g.Members), strconv.Itoa(g.Safes), g.kept()}
	})
}

type groupsShowCmd struct {
	Group string `arg:"" complete:"group" help:"Name or id."`
}

// Run shows a group.
func (c *groupsShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/org/groups/%s", g.ID), nil)
	if err != nil {
		return err
	}
	if err := a.Into(&g); err != nil {
		return err
	}
	bound, err := r.get(ctx, path("/org/groups/%s/safes", g.ID), nil)
	if err != nil {
		return err
	}
	var safes struct {
		Items []struct {
			Name string `json:"name"`
			Role string `json:"role"`
		} `json:"items"`
	}
	if err := bound.Into(&safes); err != nil {
		return err
	}
	names := make([]string, len(safes.Items))
	for i, s := range safes.Items {
		names[i] = s.Name + " (" + s.Role + ")"
	}
	return p.show(a, func() {
		p.facts([][2]string{{"group", g.Name}, {"id", g.ID}, {"description", g.Description}, {"members", strconv.Itoa(g.Members)},
			{"kept by", g.kept()}, {"bound to safes", strings.Join(names, ", ")}, {"created", when(g.CreatedAt)}})
	})
}

type groupsCreateCmd struct {
	Name        string `arg:"" help:"Unique in your organization."`
	Description string `placeholder:"TEXT" help:"What it is for."`
	followFlags
}

// followFlags make a group follow an identity provider.
type followFlags struct {
	Provider string `placeholder:"NAME" complete:"provider" help:"Its members are those whom this identity provider names, with --provider-group."`
	Claim    string `name:"provider-group" placeholder:"TEXT" help:"The identity provider's name for the group."`
}

func (f followFlags) into(ctx context.Context, r *remote, in map[string]any) error {
	if f.Provider == "" && f.Claim == "" {
		return nil
	}
	p, err := r.findProvider(ctx, f.Provider)
	in["source"], in["provider_id"], in["provider_group"] = "sso", p.ID, f.Claim
	return err
}

// Run creates a group.
func (c *groupsCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in := map[string]any{"name": c.Name, "description": c.Description}
	if err := c.into(ctx, r, in); err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/groups", in)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Group %s is created. Add people to it: vaultpam groups members add %s <person>", c.Name, quoted(c.Name))
	})
}

type groupsUpdateCmd struct {
	Group       string  `arg:"" complete:"group" help:"Name or id."`
	Name        *string `placeholder:"NAME" help:"A new name."`
	Description *string `placeholder:"TEXT" help:"What it is for; an empty text clears it."`
	Local       bool    `help:"Follow no identity provider any more: its members stay, and are edited here."`
	followFlags
}

// Run changes a group. What no flag names stays.
func (c *groupsUpdateCmd) Run(ctx context.Context, p *program) error {
	in := given(map[string]any{}, "name", c.Name, "description", c.Description)
	if c.Local {
		in["source"] = "local"
	}
	if len(in) == 0 && c.followFlags == (followFlags{}) {
		return fault.New(fault.Invalid, "say what should change: --name, --description, --local or --provider with --provider-group")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	if err := c.into(ctx, r, in); err != nil {
		return err
	}
	in["version"] = g.Version
	a, err := r.call(ctx, http.MethodPatch, path("/org/groups/%s", g.ID), nil, in)
	if err != nil {
		return err
	}
	if err := a.Into(&g); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Group %s is changed.", g.Name) })
}

type groupsDeleteCmd struct {
	Group string `arg:"" complete:"group" help:"Name or id."`
	Yes   bool   `short:"y" help:"Do not ask."`
}

// Run deletes a group.
func (c *groupsDeleteCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Delete the group %s? It has %d members and is bound to %d safes; who reaches one by nothing else loses it. [y/N] ", g.Name, g.Members, g.Safes); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/groups/%s", g.ID), seen(g.Version), nil); err != nil {
		return err
	}
	p.done("Group %s is deleted.", g.Name)
	return nil
}

type groupsMembersCmd struct {
	List   groupMembersListCmd   `cmd:"" help:"List the members of a group."`
	Add    groupMembersAddCmd    `cmd:"" help:"Add people to a group."`
	Remove groupMembersRemoveCmd `cmd:"" help:"Remove a person from a group."`
}

type groupMembersListCmd struct {
	Group string `arg:"" complete:"group" help:"Name or id."`
}

// Run lists the members of a group.
func (c *groupMembersListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/org/groups/%s/members", g.ID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"HANDLE", "NAME", "E-MAIL", "ADDED"}, empty: "Nobody is in this group."}
	return showList(p, l, t, func(m safeMember) []string { return []string{m.Handle, m.Name, m.Email, when(m.AddedAt)} })
}

type groupMembersAddCmd struct {
	Group  string   `arg:"" complete:"group" help:"Name or id."`
	People []string `arg:"" name:"person" complete:"person" help:"Handles, e-mail addresses or ids."`
}

// Run adds people to a group: all of them, or nobody.
func (c *groupMembersAddCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	var ids []string
	for _, who := range c.People {
		m, err := r.findPerson(ctx, who)
		if err != nil {
			return err
		}
		ids = append(ids, m.UserID)
	}
	a, err := r.post(ctx, path("/org/groups/%s/members", g.ID), map[string]any{"user_ids": ids})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("In group %s now: %s.", g.Name, strings.Join(c.People, ", ")) })
}

type groupMembersRemoveCmd struct {
	Group  string `arg:"" complete:"group" help:"Name or id."`
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run removes a person from a group.
func (c *groupMembersRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	m, err := find[safeMember](ctx, r, path("/org/groups/%s/members", g.ID), "member of "+g.Name, c.Person)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/groups/%s/members/%s", g.ID, m.UserID), nil, nil); err != nil {
		return err
	}
	p.done("%s is in group %s no more.", m.Handle, g.Name)
	return nil
}

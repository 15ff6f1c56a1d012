package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type safesCmd struct {
	connection
	List    safesListCmd    `cmd:"" default:"1" help:"List the safes that you are a member of, or that are lent to you."`
	Show    safesShowCmd    `cmd:"" help:"Show one safe and its policy."`
	Create  safesCreateCmd  `cmd:"" help:"Create a safe."`
	Update  safesUpdateCmd  `cmd:"" help:"Change the name, description, machine or account of a safe."`
	Delete  safesDeleteCmd  `cmd:"" help:"Delete a safe; its live sessions end."`
	Policy  safesPolicyCmd  `cmd:"" help:"Show the policy of a safe, or change what the flags say."`
	Members safesMembersCmd `cmd:"" help:"The direct members of a safe."`
	Groups  safesGroupsCmd  `cmd:"" help:"The groups that are bound to a safe."`
	Access  safesAccessCmd  `cmd:"" help:"Who reaches a safe, and by what."`
}

// safe is a safe as the API tells it.
type safe struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Resource    struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Host   string `json:"host"`
		Port   int    `json:"port"`
		Pinned bool   `json:"pinned"`
	} `json:"resource"`
	Account struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
		Enabled  bool   `json:"enabled"`
	} `json:"account"`
	Policy     policy    `json:"policy"`
	MyRole     string    `json:"my_role"`
	Lent       *lent     `json:"lent"`
	CanLaunch  bool      `json:"can_launch"`
	Blocked    string    `json:"blocked"`
	SSHCommand string    `json:"ssh_command"`
	Version    int64     `json:"version"`
	CreatedAt  time.Time `json:"created_at"`
}

// lent tells who lends a safe, and until when.
type lent struct {
	By    accessPerson `json:"by"`
	Until time.Time    `json:"ends_at"`
}

// role is one's own, or by whom one has the safe.
func (s safe) role() string {
	if s.Lent == nil {
		return s.MyRole
	}
	return "lent by " + s.Lent.By.Handle + " until " + when(s.Lent.Until)
}

func (s safe) names() []string { return []string{s.ID, s.Name} }

// findSafe asks for the one of that name, and reads all only when there is none: for
// another spelling, an id, or what was meant.
func (r *remote) findSafe(ctx context.Context, want string) (safe, error) {
	if s, err := findIn[safe](ctx, r, "/safes", url.Values{"name": {want}}, "safe", want); err == nil {
		return s, nil
	}
	return find[safe](ctx, r, "/safes", "safe", want)
}

// ready says whether the safe can be opened now.
func (s safe) ready() string {
	switch {
	case s.CanLaunch:
		return "yes"
	case s.Blocked != "":
		return s.Blocked
	case s.MyRole == "" && s.Lent == nil:
		return "you are not a member"
	}
	return "no"
}

type safesListCmd struct {
	All  bool   `help:"All safes that you may see, not only your own."`
	Find string `placeholder:"TEXT" help:"Only those with this in their name, description, machine or account."`
}

// Run lists safes.
func (c *safesListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if !c.All {
		q.Set("mine", "true")
	}
	if c.Find != "" {
		q.Set("q", c.Find)
	}
	l, err := r.list(ctx, "/safes", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "ROLE", "TARGET", "LOGIN", "POLICY", "READY"}, empty: "You are in no safe yet: an administrator, or a manager of a safe, adds you."}
	return showList(p, l, t, func(s safe) []string {
		return []string{s.Name, s.role(), s.Resource.Name + " (" + hostPort(s.Resource.Host, s.Resource.Port) + ")", s.Account.Username, s.Policy.badges(), s.ready()}
	})
}

type safesShowCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
}

// Run shows a safe.
func (c *safesShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/safes/%s", s.ID), nil)
	if err != nil {
		return err
	}
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.showSafe(s) })
}

func (p *program) showSafe(s safe) {
	pinned := "host key confirmed"
	if !s.Resource.Pinned {
		pinned = "host key not confirmed yet: vaultpam resources scan " + s.Resource.Name
	}
	rows := [][2]string{
		{"safe", s.Name}, {"id", s.ID}, {"description", s.Description},
		{"resource", s.Resource.Name + ", " + hostPort(s.Resource.Host, s.Resource.Port) + ", " + pinned},
		{"account", s.Account.Name + ", logs in as " + s.Account.Username}, {"your role", s.role()}, {"ready", s.ready()},
	}
	if s.SSHCommand != "" {
		rows = append(rows, [2]string{"open it with", "vaultpam ssh " + s.Name}, [2]string{"or with", s.SSHCommand})
	}
	p.facts(append(rows, s.Policy.facts()...))
}

type safesCreateCmd struct {
	Name        string `arg:"" help:"Lower-case letters, digits and hyphens: people type it."`
	Resource    string `required:"" placeholder:"NAME" complete:"resource" help:"The machine it leads to."`
	Account     string `required:"" placeholder:"NAME" complete:"account" help:"The account it logs in as."`
	Description string `placeholder:"TEXT" help:"What it is for."`
	policyFlags
}

// Run creates a safe.
func (c *safesCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	res, err := r.findResource(ctx, c.Resource)
	if err != nil {
		return err
	}
	acc, err := r.findAccount(ctx, c.Account)
	if err != nil {
		return err
	}
	in := map[string]any{"name": c.Name, "description": c.Description, "resource_id": res.ID, "account_id": acc.ID}
	if c.policyFlags.any() {
		pol := policy{}
		if err := c.apply(&pol); err != nil {
			return err
		}
		in["policy"] = pol
	}
	a, err := r.post(ctx, "/safes", in)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Safe %s is created. Add people to it: vaultpam safes members add %s <person>", c.Name, c.Name)
	})
}

type safesUpdateCmd struct {
	Safe        string  `arg:"" complete:"safe" help:"Name or id."`
	Name        *string `placeholder:"NAME" help:"A new name; people must use it from then on."`
	Description *string `placeholder:"TEXT" help:"What it is for; an empty text clears it."`
	Resource    *string `placeholder:"NAME" complete:"resource" help:"Another machine that it leads to, with --account."`
	Account     *string `placeholder:"NAME" complete:"account" help:"Another account that it logs in as."`
}

// Run changes a safe. What no flag names stays; its policy has a command of its own.
func (c *safesUpdateCmd) Run(ctx context.Context, p *program) error {
	in := given(map[string]any{}, "name", c.Name, "description", c.Description)
	if len(in) == 0 && c.Resource == nil && c.Account == nil {
		return fault.New(fault.Invalid, "say what should change: --name, --description, --resource or --account")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	if c.Resource != nil {
		m, err := r.findResource(ctx, *c.Resource)
		if err != nil {
			return err
		}
		in["resource_id"] = m.ID
	}
	if c.Account != nil {
		acc, err := r.findAccount(ctx, *c.Account)
		if err != nil {
			return err
		}
		in["account_id"] = acc.ID
	}
	in["version"] = s.Version
	a, err := r.call(ctx, http.MethodPatch, path("/safes/%s", s.ID), nil, in)
	if err != nil {
		return err
	}
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Safe %s is changed.", s.Name) })
}

type safesDeleteCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
	Yes  bool   `short:"y" help:"Do not ask."`
}

// Run deletes a safe.
func (c *safesDeleteCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Delete the safe %s? Its members lose it, and its live sessions end. [y/N] ", s.Name); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/safes/%s", s.ID), seen(s.Version), nil); err != nil {
		return err
	}
	p.done("Safe %s is deleted.", s.Name)
	return nil
}

// seen is the version of what a change is based on.
func seen(version int64) url.Values {
	return url.Values{"version": {strconv.FormatInt(version, 10)}}
}

type safesPolicyCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
	policyFlags
}

// Run shows or changes the policy of a safe. What no flag names stays.
func (c *safesPolicyCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	if !c.policyFlags.any() {
		if p.json {
			return p.value(s.Policy)
		}
		p.facts(s.Policy.facts())
		return nil
	}
	if err := c.apply(&s.Policy); err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPut, path("/safes/%s/policy", s.ID), seen(s.Version), s.Policy)
	if err != nil {
		return err
	}
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("The policy of %s is now:", s.Name)
		p.facts(s.Policy.facts())
	})
}

type safesMembersCmd struct {
	List   safeMembersListCmd   `cmd:"" help:"List the members of a safe."`
	Add    safeMembersAddCmd    `cmd:"" help:"Add a member."`
	Role   safeMembersRoleCmd   `cmd:"" help:"Change a member's role."`
	Remove safeMembersRemoveCmd `cmd:"" help:"Remove a member; their live sessions in the safe end."`
}

// safeMember is a member of a safe.
type safeMember struct {
	UserID  string    `json:"user_id"`
	Name    string    `json:"name"`
	Handle  string    `json:"handle"`
	Email   string    `json:"email"`
	Role    string    `json:"role"`
	AddedAt time.Time `json:"added_at"`
}

func (m safeMember) names() []string { return []string{m.UserID, m.Handle, m.Email} }

type safeMembersListCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
}

// Run lists the members of a safe.
func (c *safeMembersListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/safes/%s/members", s.ID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"HANDLE", "NAME", "E-MAIL", "ROLE", "ADDED"}, empty: "This safe has no members: vaultpam safes members add " + s.Name + " <person>"}
	return showList(p, l, t, func(m safeMember) []string { return []string{m.Handle, m.Name, m.Email, m.Role, when(m.AddedAt)} })
}

type safeMembersAddCmd struct {
	Safe   string `arg:"" complete:"safe" help:"Name or id."`
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Role   string `enum:"user,checkout,approver,manager" default:"user" help:"What they may do: user (open sessions), checkout, approver, manager."`
	Until  string `placeholder:"WHEN" help:"The clock ends it then: 8h, 30d, 2026-12-31."`
}

// Run adds a member.
func (c *safeMembersAddCmd) Run(ctx context.Context, p *program) error {
	end, err := parseEnd(c.Until)
	if err != nil {
		return err
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	in := map[string]any{"user_id": m.UserID, "role": c.Role}
	if !end.IsZero() {
		in["ends_at"] = end
	}
	a, err := r.post(ctx, path("/safes/%s/members", s.ID), in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is a member of %s as %s.", m.Handle, s.Name, c.Role) })
}

type safeMembersRoleCmd struct {
	Safe   string `arg:"" complete:"safe" help:"Name or id."`
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Role   string `arg:"" enum:"user,checkout,approver,manager" help:"user, checkout, approver or manager."`
}

// Run changes a member's role.
func (c *safeMembersRoleCmd) Run(ctx context.Context, p *program) error {
	r, s, m, err := p.memberOf(ctx, c.Safe, c.Person)
	if err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPut, path("/safes/%s/members/%s", s.ID, m.UserID), nil, map[string]string{"role": c.Role})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is now %s of %s.", m.Handle, c.Role, s.Name) })
}

type safeMembersRemoveCmd struct {
	Safe   string `arg:"" complete:"safe" help:"Name or id."`
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run removes a member.
func (c *safeMembersRemoveCmd) Run(ctx context.Context, p *program) error {
	r, s, m, err := p.memberOf(ctx, c.Safe, c.Person)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/safes/%s/members/%s", s.ID, m.UserID), nil, nil); err != nil {
		return err
	}
	p.done("%s is no member of %s any more.", m.Handle, s.Name)
	return nil
}

// memberOf finds a safe and one of its members.
func (p *program) memberOf(ctx context.Context, safeName, person string) (*remote, safe, safeMember, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, safe{}, safeMember{}, err
	}
	s, err := r.findSafe(ctx, safeName)
	if err != nil {
		return nil, s, safeMember{}, err
	}
	m, err := find[safeMember](ctx, r, path("/safes/%s/members", s.ID), "member of "+s.Name, person)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "%q is no member of %s: vaultpam safes members list %s", person, s.Name, s.Name)
	}
	return r, s, m, err
}

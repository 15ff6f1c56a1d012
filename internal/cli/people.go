package cli

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

type membersCmd struct {
	connection
	List  membersListCmd  `cmd:"" default:"1" help:"List the members of your organization."`
	Role  membersRoleCmd  `cmd:"" help:"Change a member's role."`
	Phone membersPhoneCmd `cmd:"" help:"A member's telephone number."`

	Access membersAccessCmd `cmd:"" help:"What a member reaches, and by what."`

	SignIns membersSignInsCmd `cmd:"" name:"sign-ins" help:"List where a member is signed in."`
	SignOut membersSignOutCmd `cmd:"" name:"sign-out" help:"End a member's sign-ins, or one of them, and their live sessions."`
	Suspend membersSuspendCmd `cmd:"" help:"Shut a member out until they are resumed; their live sessions end."`
	Resume  membersResumeCmd  `cmd:"" help:"Let a suspended member in again."`
}

// person is a member of the organization.
type person struct {
	UserID   string    `json:"user_id"`
	Email    string    `json:"email"`
	Handle   string    `json:"handle"`
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Active   bool      `json:"active"`
	MFA      bool      `json:"mfa_enrolled"`
	JoinedAt time.Time `json:"joined_at"`
}

func (m person) names() []string { return []string{m.UserID, m.Handle, m.Email} }

func (r *remote) findPerson(ctx context.Context, want string) (person, error) {
	return find[person](ctx, r, "/org/members", "person", want)
}

type membersListCmd struct {
	Search string `placeholder:"TEXT" help:"Only those with this in name, e-mail address or handle."`
	Role   string `enum:",owner,admin,operator,auditor" default:"" help:"Only those with this role."`
}

// Run lists members.
func (c *membersListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	query := url.Values{}
	for k, v := range map[string]string{"q": c.Search, "role": c.Role} {
		if v != "" {
			query.Set(k, v)
		}
	}
	l, err := r.list(ctx, "/org/members", query, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"HANDLE", "NAME", "E-MAIL", "ROLE", "ACTIVE", "MFA", "JOINED"}, empty: "There are no members."}
	return showList(p, l, t, func(m person) []string {
		return []string{m.Handle, m.Name, m.Email, m.Role, yesNo(m.Active), yesNo(m.MFA), when(m.JoinedAt)}
	})
}

type membersRoleCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Role   string `arg:"" enum:"owner,admin,operator,auditor" help:"owner, admin, operator or auditor."`
}

// Run changes a member's role.
func (c *membersRoleCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPut, path("/org/members/%s/role", m.UserID), nil, map[string]string{"role": c.Role})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is now %s.", m.Handle, c.Role) })
}

type membersSuspendCmd struct {
	Person  string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Comment string `placeholder:"TEXT" help:"Why; it stands in the audit log."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

// Run shuts a member out.
func (c *membersSuspendCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Suspend %s and end their live sessions? [y/N] ", m.Handle); err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/members/%s/suspend", m.UserID), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%s is suspended. To let them in again: vaultpam members resume %s", m.Handle, m.Handle)
	})
}

type membersResumeCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run lets a suspended member in again.
func (c *membersResumeCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/members/%s/resume", m.UserID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s may come in again.", m.Handle) })
}

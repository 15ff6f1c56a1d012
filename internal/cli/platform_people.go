package cli

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

type platformUsersCmd struct {
	List     platformUsersList     `cmd:"" default:"1" help:"List who operates the installation."`
	Role     platformUsersRole     `cmd:"" help:"Change the role of an operator."`
	ResetMFA platformUsersResetMFA `cmd:"" name:"reset-mfa" help:"Clear the second factors of an operator; their sign-ins end."`
	Remove   platformUsersRemove   `cmd:"" help:"Take an operator's place away; their sign-ins end."`
}

// platformUser is an operator of the installation.
type platformUser struct {
	UserID string    `json:"user_id"`
	Email  string    `json:"email"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
	Role   string    `json:"role"`
	MFA    bool      `json:"mfa_enrolled"`
	Since  time.Time `json:"since"`
}

func (u platformUser) names() []string { return []string{u.UserID, u.Handle, u.Email} }

func (p *program) operator(ctx context.Context, want string) (*remote, platformUser, error) {
	return locate[platformUser](ctx, p, "/platform/users", nil, "operator", want)
}

type platformUsersList struct{}

// Run lists operators.
func (platformUsersList) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/platform/users", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"HANDLE", "NAME", "E-MAIL", "ROLE", "SECOND FACTOR", "SINCE"}, empty: "There are no operators."}
	return showList(p, l, t, func(u platformUser) []string {
		return []string{u.Handle, u.Name, u.Email, u.Role, yesNo(u.MFA), when(u.Since)}
	})
}

type platformUsersRole struct {
	Person string `arg:"" help:"Handle, e-mail address or id."`
	Role   string `arg:"" enum:"platform_admin,platform_auditor" help:"platform_admin or platform_auditor."`
}

// Run changes an operator's role.
func (c *platformUsersRole) Run(ctx context.Context, p *program) error {
	r, u, err := p.operator(ctx, c.Person)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodPut, path("/platform/users/%s/role", u.UserID), nil, map[string]string{"role": c.Role}); err != nil {
		return err
	}
	p.done("%s is now %s.", u.Handle, c.Role)
	return nil
}

type platformUsersResetMFA struct {
	Person string `arg:"" help:"Handle, e-mail address or id."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run clears an operator's second factors.
func (c *platformUsersResetMFA) Run(ctx context.Context, p *program) error {
	r, u, err := p.operator(ctx, c.Person)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Clear all second factors of %s (%s)? Their sign-ins and API tokens end. [y/N] ", u.Handle, u.Email); err != nil {
		return err
	}
	if _, err := r.post(ctx, path("/platform/users/%s/mfa/reset", u.UserID), nil); err != nil {
		return err
	}
	p.done("The second factors of %s are cleared; their next sign-in sets up a new one.", u.Handle)
	return nil
}

type platformUsersRemove struct {
	Person string `arg:"" help:"Handle, e-mail address or id."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run removes an operator.
func (c *platformUsersRemove) Run(ctx context.Context, p *program) error {
	r, u, err := p.operator(ctx, c.Person)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Take the place of %s (%s) on the platform away? [y/N] ", u.Handle, u.Email); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/platform/users/%s", u.UserID), nil, nil); err != nil {
		return err
	}
	p.done("%s is no operator of the platform any more.", u.Handle)
	return nil
}

type platformInvitationsCmd struct {
	List   platformInvitationsList   `cmd:"" default:"1" help:"List invitations, the newest first."`
	Send   platformInvitationsSend   `cmd:"" help:"Invite somebody to operate the installation."`
	Resend platformInvitationsResend `cmd:"" help:"Send an invitation again; the link before it stops working."`
	Revoke platformInvitationsRevoke `cmd:"" help:"Withdraw an invitation."`
}

// platformInvitation is an invitation to operate the installation.
type platformInvitation struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	State     string    `json:"state"`
	InvitedBy string    `json:"invited_by"`
	SentAt    time.Time `json:"sent_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (i platformInvitation) names() []string { return []string{i.ID, i.Email} }

type platformInvitationsList struct {
	State string `default:"" enum:",pending,accepted,declined,revoked,expired" placeholder:"STATE" help:"Only pending, accepted, declined, revoked or expired."`
}

// Run lists invitations.
func (c *platformInvitationsList) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.State != "" {
		q.Set("state", c.State)
	}
	l, err := r.list(ctx, "/platform/invitations", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"E-MAIL", "ROLE", "STATE", "INVITED BY", "SENT", "EXPIRES", "ID"}, empty: "There are no invitations."}
	return showList(p, l, t, func(i platformInvitation) []string {
		return []string{i.Email, i.Role, i.State, i.InvitedBy, when(i.SentAt), when(i.ExpiresAt), i.ID}
	})
}

type platformInvitationsSend struct {
	Email string `arg:"" help:"Address of the person."`
	Role  string `default:"platform_auditor" enum:"platform_admin,platform_auditor" help:"platform_admin or platform_auditor."`
}

// Run sends an invitation.
func (c *platformInvitationsSend) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/platform/invitations", map[string]string{"email": c.Email, "role": c.Role})
	if err != nil {
		return err
	}
	var i platformInvitation
	if err := a.Into(&i); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is invited as %s; the link works until %s.", i.Email, i.Role, when(i.ExpiresAt)) })
}

// pendingOperator finds an invitation by id, or the pending one of an address.
func (p *program) pendingOperator(ctx context.Context, want string) (*remote, platformInvitation, error) {
	return locate[platformInvitation](ctx, p, "/platform/invitations", url.Values{"state": {"pending"}}, "pending invitation", want)
}

type platformInvitationsResend struct {
	Invitation string `arg:"" help:"Address of the person, or id."`
}

// Run sends an invitation again.
func (c *platformInvitationsResend) Run(ctx context.Context, p *program) error {
	r, i, err := p.pendingOperator(ctx, c.Invitation)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/platform/invitations/%s/resend", i.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s gets a new link; the one before does not work any more.", i.Email) })
}

type platformInvitationsRevoke struct {
	Invitation string `arg:"" help:"Address of the person, or id."`
}

// Run withdraws an invitation.
func (c *platformInvitationsRevoke) Run(ctx context.Context, p *program) error {
	r, i, err := p.pendingOperator(ctx, c.Invitation)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/platform/invitations/%s", i.ID), nil, nil); err != nil {
		return err
	}
	p.done("The invitation of %s is withdrawn.", i.Email)
	return nil
}

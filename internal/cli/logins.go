package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type loginsCmd struct {
	connection
	List loginsListCmd `cmd:"" default:"1" help:"List where you are signed in."`
	End  loginsEndCmd  `cmd:"" help:"End sign-ins of yours, and the sessions launched from them."`
}

type loginsListCmd struct{}

// signIn is a live sign-in.
type signIn struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	SourceIP   string    `json:"source_ip"`
	UserAgent  string    `json:"user_agent"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
}

// Run lists sign-ins.
func (loginsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/auth/sessions", nil)
	if err != nil {
		return err
	}
	var l page
	if err := a.Into(&l); err != nil {
		return err
	}
	t := table{head: []string{"SINCE", "LAST USED", "FROM", "WITH", "THIS ONE", "ID"}, empty: "You are signed in nowhere."}
	return showList(p, l, t, func(s signIn) []string {
		return []string{when(s.CreatedAt), when(s.LastSeenAt), s.SourceIP, s.UserAgent, yesNo(s.Current), s.ID}
	})
}

type loginsEndCmd struct {
	ID     string `arg:"" optional:"" help:"Id of the sign-in, as logins list shows it."`
	Others bool   `help:"All but the one that this command uses."`
}

// Run ends sign-ins.
func (c *loginsEndCmd) Run(ctx context.Context, p *program) error {
	if (c.ID == "") != c.Others {
		return fault.New(fault.Invalid, "name one sign-in by its id, or all others by --others")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.ID != "" {
		if _, err := r.call(ctx, http.MethodDelete, path("/auth/sessions/%s", c.ID), nil, nil); err != nil {
			return err
		}
		p.done("The sign-in has ended.")
		return nil
	}
	a, err := r.call(ctx, http.MethodDelete, "/auth/sessions", nil, nil)
	if err != nil {
		return err
	}
	var ended struct {
		SignIns int `json:"sign_ins_ended"`
	}
	if err := a.Into(&ended); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%d other sign-ins have ended.", ended.SignIns) })
}

type membersSignInsCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run lists the sign-ins of a member.
func (c *membersSignInsCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/org/members/%s/sign-ins", m.UserID), nil)
	if err != nil {
		return err
	}
	var l page
	if err := a.Into(&l); err != nil {
		return err
	}
	t := table{head: []string{"SINCE", "LAST USED", "FROM", "WITH", "ID"}, empty: m.Handle + " is signed in nowhere."}
	return showList(p, l, t, func(s signIn) []string {
		return []string{when(s.CreatedAt), when(s.LastSeenAt), s.SourceIP, s.UserAgent, s.ID}
	})
}

type membersSignOutCmd struct {
	Person  string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	SignIn  string `name:"sign-in" placeholder:"ID" help:"Only this one, and the sessions launched from it; members sign-ins shows the ids."`
	Comment string `placeholder:"TEXT" help:"Shown to the person where a live session ends."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

// Run ends the sign-ins of a member, or one of them.
func (c *membersSignOutCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	question, to := "End all sign-ins and live sessions of %s? [y/N] ", path("/org/members/%s/sign-out", m.UserID)
	if c.SignIn != "" {
		question, to = "End this sign-in of %s, and the live sessions launched from it? [y/N] ", path("/org/members/%s/sign-ins/%s/end", m.UserID, c.SignIn)
	}
	if err := p.confirm(ctx, c.Yes, question, m.Handle); err != nil {
		return err
	}
	a, err := r.post(ctx, to, map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	var ended struct {
		SignIns  int `json:"sign_ins_ended"`
		Sessions int `json:"sessions_ended"`
	}
	if err := a.Into(&ended); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%d sign-ins and %d live sessions of %s have ended.", ended.SignIns, ended.Sessions, m.Handle)
	})
}

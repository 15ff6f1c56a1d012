package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type invitationsCmd struct {
	connection
	List   invitationsListCmd   `cmd:"" default:"1" help:"List the invitations of your organization."`
	Send   invitationsSendCmd   `cmd:"" help:"Invite people."`
	Resend invitationsResendCmd `cmd:"" help:"Send a pending invitation again; its old link is void."`
	Revoke invitationsRevokeCmd `cmd:"" help:"Withdraw a pending invitation."`
	Mine   invitationsMineCmd   `cmd:"" help:"List the open invitations to your own address."`
	Accept invitationsAcceptCmd `cmd:"" help:"Accept an invitation to your own address, or one by its link."`
}

// invite is an invitation as the API has it.
type invite struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	State     string    `json:"state"`
	InvitedBy string    `json:"invited_by"`
	SentAt    time.Time `json:"sent_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// names are those of a pending one by its address too: there is one at a time.
func (i invite) names() []string { return []string{i.ID, i.Email} }

type invitationsListCmd struct {
	State string `enum:",pending,accepted,revoked,expired" default:"" placeholder:"STATE" help:"Only those that are pending, accepted, revoked or expired."`
}

// Run lists invitations.
func (c *invitationsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.State != "" {
		q.Set("state", c.State)
	}
	l, err := r.list(ctx, "/org/invitations", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"E-MAIL", "ROLE", "STATE", "INVITED BY", "SENT", "EXPIRES", "ID"}, empty: "There are no invitations."}
	return showList(p, l, t, func(i invite) []string {
		return []string{i.Email, i.Role, i.State, i.InvitedBy, when(i.SentAt), when(i.ExpiresAt), i.ID}
	})
}

type invitationsSendCmd struct {
	Email      []string `arg:"" optional:"" help:"E-mail addresses."`
	Role       string   `enum:"owner,admin,operator,auditor" default:"operator" placeholder:"ROLE" help:"owner, admin, operator or auditor."`
	Safe       []string `complete:"safe" placeholder:"SAFE[:ROLE]" help:"A safe whose member they become, with the role there (user, unless another is named). Can be repeated."`
	RequireMFA bool     `name:"require-mfa" help:"Who has an account already must have proved a second factor of their own to accept."`
	File       string   `short:"f" placeholder:"FILE" complete:"file" help:"Also invite the people of a CSV file: address, role, safes separated by spaces. The last two may be left out. - is standard input."`
}

// Help is shown below the usage.
func (invitationsSendCmd) Help() string {
	return "Each person gets an e-mail with a link that works once, for seven days. What is wrong with one of several does not keep the others back; the exit status is then that of the first problem."
}

// newInvite is what is sent for one person.
type newInvite struct {
	Email      string      `json:"email"`
	Role       string      `json:"role"`
	Safes      []safePlace `json:"safes,omitempty"`
	RequireMFA bool        `json:"require_mfa,omitempty"`
}

type safePlace struct {
	SafeID string `json:"safe_id"`
	Role   string `json:"role"`
}

// Run invites people.
func (c *invitationsSendCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	rows := make([]csvInvite, len(c.Email))
	for i, e := range c.Email {
		rows[i] = csvInvite{email: e}
	}
	if c.File != "" {
		more, err := p.readInvites(c.File)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	if len(rows) == 0 {
		return fault.New(fault.Invalid, "name somebody to invite, or give a file with --file")
	}
	places := map[string]string{} // the id of each safe that was named
	all := make([]newInvite, len(rows))
	for i, row := range rows {
		all[i] = newInvite{Email: row.email, Role: first(row.role, c.Role), RequireMFA: c.RequireMFA}
		for _, name := range append(c.Safe, row.safes...) {
			place, err := r.place(ctx, places, name)
			if err != nil {
				return err
			}
			all[i].Safes = append(all[i].Safes, place)
		}
	}
	const most = 200 // by one call
	status := error(nil)
	var results []inviteResult
	for len(all) > 0 {
		n := min(most, len(all))
		a, err := r.post(ctx, "/org/invitations/bulk", map[string]any{"invitations": all[:n]})
		if err != nil {
			return err
		}
		var out struct {
			Results []inviteResult `json:"results"`
		}
		if err := a.Into(&out); err != nil {
			return err
		}
		results = append(results, out.Results...)
		all = all[n:]
	}
	for _, x := range results {
		if x.Problem != nil && status == nil {
			status = exit(exitOf(x.Problem.Status))
		}
	}
	if p.json {
		if err := p.value(map[string]any{"results": results}); err != nil {
			return err
		}
		return status
	}
	for _, x := range results {
		if x.Problem != nil {
			p.notef("%s: %s", x.Email, x.Problem.Detail)
			continue
		}
		p.sayf("%s is invited as %s, until %s.", x.Email, x.Invitation.Role, when(x.Invitation.ExpiresAt))
	}
	return status
}

// inviteResult is what became of one person.
type inviteResult struct {
	Email      string         `json:"email"`
	Invitation *invite        `json:"invitation,omitempty"`
	Problem    *inviteProblem `json:"problem,omitempty"`
}

type inviteProblem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// exitOf is the exit status of a problem, by its HTTP status.
func exitOf(status int) int {
	for k := fault.Invalid; k <= fault.Unavailable; k++ {
		if f := fault.New(k, ""); fault.HTTPStatus(f) == status {
			return fault.ExitCode(f)
		}
	}
	return 1
}

// place finds the safe of NAME[:ROLE].
func (r *remote) place(ctx context.Context, known map[string]string, text string) (safePlace, error) {
	name, role, _ := strings.Cut(text, ":")
	if known[name] == "" {
		s, err := r.findSafe(ctx, name)
		if err != nil {
			return safePlace{}, err
		}
		known[name] = s.ID
	}
	return safePlace{SafeID: known[name], Role: first(role, "user")}, nil
}

// csvInvite is a line of a file of people.
type csvInvite struct {
	email, role string
	safes       []string
}

func (p *program) readInvites(path string) ([]csvInvite, error) {
	in := p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s cannot be read: %v", path, cause(err))
		}
		defer f.Close()
		in = f
	}
	return parseInvites(in)
}

const maxInvites = 10_000

// parseInvites reads people from CSV. A first line whose address has no @ is a heading.
func parseInvites(in io.Reader) ([]csvInvite, error) {
	r := csv.NewReader(io.LimitReader(in, 4<<20))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	var out []csvInvite
	for n := 1; ; n++ {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "the file of people is not CSV: %v", err)
		}
		for i := range rec {
			rec[i] = strings.TrimSpace(strings.TrimPrefix(rec[i], "\ufeff"))
		}
		line, _ := r.FieldPos(0)
		switch {
		case n == 1 && !strings.Contains(rec[0], "@"):
			continue
		case len(rec) > 3 || !strings.Contains(rec[0], "@"):
			return nil, fault.New(fault.Invalid, "line %d of the file of people is not an address, a role and safes", line)
		case len(out) == maxInvites:
			return nil, fault.New(fault.Invalid, "the file names more than %d people", maxInvites)
		}
		row := csvInvite{email: rec[0]}
		if len(rec) > 1 {
			row.role = rec[1]
		}
		if len(rec) > 2 {
			row.safes = strings.Fields(rec[2])
		}
		out = append(out, row)
	}
}

type invitationsResendCmd struct {
	Invitation string `arg:"" help:"E-mail address or id."`
}

// Run sends an invitation again.
func (c *invitationsResendCmd) Run(ctx context.Context, p *program) error {
	r, i, err := p.pendingInvite(ctx, c.Invitation)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/invitations/%s/resend", i.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("A new link is on its way to %s; the old one is void.", i.Email) })
}

type invitationsRevokeCmd struct {
	Invitation string `arg:"" help:"E-mail address or id."`
}

// Run withdraws an invitation.
func (c *invitationsRevokeCmd) Run(ctx context.Context, p *program) error {
	r, i, err := p.pendingInvite(ctx, c.Invitation)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/invitations/%s", i.ID), nil, nil); err != nil {
		return err
	}
	p.done("The invitation of %s is withdrawn.", i.Email)
	return nil
}

func (p *program) pendingInvite(ctx context.Context, want string) (*remote, invite, error) {
	return locate[invite](ctx, p, "/org/invitations", url.Values{"state": {"pending"}}, "pending invitation", want)
}

type invitationsMineCmd struct{}

// Run lists the invitations to the caller.
func (invitationsMineCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/invitations", nil)
	if err != nil {
		return err
	}
	var l page
	if err := a.Into(&l); err != nil {
		return err
	}
	type offered struct {
		ID           string    `json:"id"`
		Organization string    `json:"organization"`
		Role         string    `json:"role"`
		InvitedBy    string    `json:"invited_by"`
		ExpiresAt    time.Time `json:"expires_at"`
	}
	t := table{head: []string{"ORGANIZATION", "ROLE", "INVITED BY", "EXPIRES", "ID"}, empty: "Nobody has invited you."}
	return showList(p, l, t, func(i offered) []string {
		return []string{i.Organization, i.Role, i.InvitedBy, when(i.ExpiresAt), i.ID}
	})
}

type invitationsAcceptCmd struct {
	ID        string `arg:"" optional:"" help:"Id, as invitations mine shows it."`
	LinkStdin bool   `help:"Read the link from the message from standard input."`
}

// Run joins an organization.
func (c *invitationsAcceptCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	var call string
	var in any
	switch {
	case c.LinkStdin:
		link, err := firstLine(p.in)
		if err != nil {
			return err
		}
		if _, token, ok := strings.Cut(link, "#"); ok {
			link = token
		}
		a, err := r.post(ctx, "/invitations/start", map[string]string{"token": link})
		if err != nil {
			return err
		}
		var begun struct {
			Flow string `json:"flow"`
		}
		if err := a.Into(&begun); err != nil {
			return err
		}
		call, in = "/invitations/accept", map[string]string{"flow": begun.Flow}
	case c.ID != "":
		call = path("/invitations/%s/accept", c.ID)
	default:
		return fault.New(fault.Invalid, "name an invitation (vaultpam invitations mine), or pipe its link in with --link-stdin")
	}
	a, err := r.post(ctx, call, in)
	if err != nil {
		return err
	}
	var joined struct {
		Org struct {
			Slug string `json:"slug"`
			Name string `json:"name"`
			Role string `json:"role"`
		} `json:"org"`
	}
	if err := a.Into(&joined); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("You are now %s of %s. To work there: vaultpam orgs use %s", joined.Org.Role, joined.Org.Name, joined.Org.Slug)
	})
}

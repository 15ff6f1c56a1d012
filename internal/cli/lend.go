package cli

import (
	"context"
	"net/url"
	"time"
)

type lendCmd struct {
	connection
	Safe lendSafeCmd `cmd:"" default:"withargs" help:"Lend your own access to a safe to another member for a time."`
	List lendListCmd `cmd:"" help:"List what is lent, by you and to you."`
	End  lendEndCmd  `cmd:"" help:"End what is lent before its time: yours, what you have lent, or as an administrator."`
}

// Help is shown below the usage.
func (lendCmd) Help() string {
	return "Who has it lent opens the safe under the same conditions as you, asks for the same approvals, and loses it when you do."
}

type accessDelegation struct {
	ID        string       `json:"id"`
	Safe      ref          `json:"safe"`
	Lender    accessPerson `json:"lender"`
	Delegate  accessPerson `json:"delegate"`
	Right     string       `json:"right"`
	EndsAt    time.Time    `json:"ends_at"`
	EndReason string       `json:"end_reason"`
}

type lendSafeCmd struct {
	Safe   string        `arg:"" complete:"safe" help:"Name or id."`
	To     string        `required:"" placeholder:"PERSON" help:"Handle, e-mail or id of a member."`
	For    time.Duration `required:"" placeholder:"8h" help:"For how long, at most 30 days."`
	Right  string        `default:"access" enum:"access,approve" placeholder:"access|approve" help:"To open the safe, or to decide about requests for it."`
	Reason string        `placeholder:"TEXT" help:"What for."`
}

// Run lends.
func (c *lendSafeCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	to, err := r.findPerson(ctx, c.To)
	if err != nil {
		return err
	}
	in := safeBody(c.Safe)
	in["user_id"], in["right"], in["reason"], in["ends_at"] = to.UserID, c.Right, c.Reason, p.now().Add(c.For).UTC()
	a, err := r.post(ctx, "/access/delegations", in)
	if err != nil {
		return err
	}
	var d accessDelegation
	if err := a.Into(&d); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Lent to %s until %s: %s.", d.Delegate.Handle, when(d.EndsAt), d.ID) })
}

type lendListCmd struct {
	All   bool `help:"Also what is over."`
	Limit int  `default:"50" help:"How many at most; 0 for all."`
}

// Run lists what is lent.
func (c *lendListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if !c.All {
		q.Set("active", "true")
	}
	l, err := r.list(ctx, "/access/delegations", q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"SAFE", "BY", "TO", "RIGHT", "UNTIL", "ENDED", "ID"}, empty: "Nothing is lent."}
	return showList(p, l, t, func(d accessDelegation) []string {
		return []string{d.Safe.Name, d.Lender.Handle, d.Delegate.Handle, d.Right, when(d.EndsAt), d.EndReason, d.ID}
	})
}

type lendEndCmd struct {
	Delegation string `arg:"" help:"Its id: see vaultpam lend list."`
}

// Run ends what is lent.
func (c *lendEndCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/access/delegations/%s/revoke", c.Delegation), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Ended. Open sessions on it end within two seconds.") })
}

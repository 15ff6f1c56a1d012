package cli

import (
	"context"
	"io"
	"strconv"
	"time"
)

type reviewsCmd struct {
	connection
	List   reviewsListCmd   `cmd:"" default:"withargs" help:"List access reviews, newest first."`
	Show   reviewsShowCmd   `cmd:"" help:"Show an access review with its rights."`
	Create reviewsCreateCmd `cmd:"" help:"Open an access review."`
	Decide reviewsDecideCmd `cmd:"" help:"Keep or revoke a right; a revocation acts at once."`
	Cancel reviewsCancelCmd `cmd:"" help:"Cancel an access review; what was decided stays."`
	Export reviewsExportCmd `cmd:"" help:"Write an access review as evidence to standard output."`
}

// Help is shown below the usage.
func (reviewsCmd) Help() string {
	return "An access review takes down every right on safes or in groups; reviewers keep or revoke each of them until its deadline. What nobody has decided by then follows the rule of the review. Nobody reviews a right of their own."
}

// accessReview is a review as the server tells of it.
type accessReview struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Rule     string    `json:"rule"`
	State    string    `json:"state"`
	Creator  string    `json:"created_by_name"`
	Deadline time.Time `json:"deadline"`
	RemindAt time.Time `json:"remind_at"`
	Reminded time.Time `json:"reminded_at"`
	Progress struct {
		Undecided, Kept, Revoked, Stale, Failed int
	} `json:"progress"`
}

type reviewItem struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	SafeName  string `json:"safe_name"`
	GroupName string `json:"group_name"`
	UserName  string `json:"user_name"`
	Role      string `json:"role"`
	Result    string `json:"result"`
	Note      string `json:"note"`
	Decider   string `json:"decided_by_name"`
	Verdict   string `json:"verdict"`
	Own       bool   `json:"own"`
	MayDecide bool   `json:"may_decide"`
}

// by is who decided, or whether the reader may.
func (i reviewItem) by() string {
	switch {
	case i.Verdict != "":
		return first(i.Decider, "the rule")
	case i.MayDecide:
		return "you may"
	case i.Own:
		return "yours: others do"
	}
	return "-"
}

type reviewsListCmd struct {
	State string `enum:",open,closed,cancelled" default:"" placeholder:"STATE" help:"Of one state only."`
	Limit int    `default:"50" help:"How many at most; 0 for all."`
}

// Run lists access reviews.
func (c *reviewsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/access-reviews", filterOf(true, c.State, ""), c.Limit)
	if err != nil {
		return err
	}
	return showList(p, l, table{head: []string{"NAME", "STATE", "UNDECIDED", "UNTIL", "ID"}, empty: "No access reviews."}, func(v accessReview) []string {
		return []string{v.Name, v.State, strconv.Itoa(v.Progress.Undecided), when(v.Deadline), v.ID}
	})
}

type reviewsShowCmd struct {
	Review string `arg:"" help:"The id of the access review."`
}

// remindedOr is when who is still asked was reminded, or will be.
func remindedOr(v accessReview) string {
	switch {
	case !v.Reminded.IsZero():
		return "sent " + when(v.Reminded)
	case v.State == "open" && !v.RemindAt.IsZero():
		return when(v.RemindAt)
	}
	return "none"
}

// Run shows an access review.
func (c *reviewsShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/access-reviews/%s/items", c.Review), nil, 0)
	if err != nil {
		return err
	}
	if !p.json {
		a, err := r.get(ctx, path("/access-reviews/%s", c.Review), nil)
		if err != nil {
			return err
		}
		var v accessReview
		if err := a.Into(&v); err != nil {
			return err
		}
		p.facts([][2]string{{"name", v.Name}, {"state", v.State}, {"opened by", v.Creator}, {"deadline", when(v.Deadline)}, {"reminder", remindedOr(v)}, {"undecided then", v.Rule}})
	}
	return showList(p, l, table{head: []string{"WHO", "WHERE", "ROLE", "RESULT", "BY", "ID"}, empty: "No rights."}, func(i reviewItem) []string {
		who, where := first(i.UserName, "group "+i.GroupName), first(i.SafeName, "group "+i.GroupName)
		return []string{who, where, first(i.Role, "-"), first(i.Result, "-"), i.by(), i.ID}
	})
}

type reviewsCreateCmd struct {
	Name     string    `arg:"" help:"What people know it by."`
	All      bool      `help:"Every safe and every group."`
	Safe     []string  `sep:"none" placeholder:"SAFE" help:"A safe, by name or id; repeat for more."`
	Group    []string  `sep:"none" placeholder:"GROUP" help:"A group, by name or id, for its members; repeat for more."`
	Reviewer []string  `sep:"none" placeholder:"PERSON" help:"Who reviews, by handle, e-mail or id; repeat for more. Without it, the managers of each safe."`
	Rule     string    `enum:"keep,revoke" default:"keep" help:"What becomes of rights that nobody has decided at the deadline: keep or revoke."`
	Deadline time.Time `required:"" placeholder:"TIME" help:"Until when people decide, such as 2027-01-31T17:00:00Z."`
}

// Run opens an access review.
func (c *reviewsCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	safes, err := r.safeIDs(ctx, c.Safe)
	if err != nil {
		return err
	}
	var groups, people []string
	for _, g := range c.Group {
		found, err := r.findGroup(ctx, g)
		if err != nil {
			return err
		}
		groups = append(groups, found.ID)
	}
	for _, u := range c.Reviewer {
		found, err := r.personID(ctx, u)
		if err != nil {
			return err
		}
		people = append(people, found)
	}
	in := map[string]any{"name": c.Name, "all": c.All, "rule": c.Rule, "deadline": c.Deadline}
	for k, v := range map[string][]string{"safe_ids": safes, "group_ids": groups, "reviewer_ids": people} {
		if len(v) > 0 {
			in[k] = v
		}
	}
	a, err := r.post(ctx, "/access-reviews", in)
	if err != nil {
		return err
	}
	var v accessReview
	if err := a.Into(&v); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Opened access review %s with %d rights to decide.", v.ID, v.Progress.Undecided) })
}

type reviewsDecideCmd struct {
	Review  string `arg:"" help:"The id of the access review."`
	Item    string `arg:"" help:"The id of the right in it."`
	Verdict string `arg:"" enum:"keep,revoke" help:"keep or revoke."`
	Reason  string `placeholder:"TEXT" help:"Why; a revocation needs one. Kept with the decision and in the audit log."`
}

// Run decides a right.
func (c *reviewsDecideCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/access-reviews/%s/items/%s/decide", c.Review, c.Item), map[string]string{"verdict": c.Verdict, "reason": c.Reason})
	if err != nil {
		return err
	}
	var i reviewItem
	if err := a.Into(&i); err != nil {
		return err
	}
	return p.show(a, func() {
		if i.Note != "" {
			p.sayf("Result: %s (%s).", i.Result, i.Note)
			return
		}
		p.sayf("Result: %s.", i.Result)
	})
}

type reviewsCancelCmd struct {
	Review  string `arg:"" help:"The id of the access review."`
	Comment string `placeholder:"TEXT" help:"Kept with the review and in the audit log."`
}

// Run cancels an access review.
func (c *reviewsCancelCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/access-reviews/%s/cancel", c.Review), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Cancelled; what was decided stays.") })
}

type reviewsExportCmd struct {
	Review string `arg:"" help:"The id of the access review."`
	Format string `enum:"json,csv" default:"json" help:"json or csv."`
}

// Run writes an access review to standard output.
func (c *reviewsExportCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := filterOf(true, "", "")
	q.Set("format", c.Format)
	b, err := r.stream(ctx, path("/access-reviews/%s/export", c.Review), q)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = io.Copy(p.out, b)
	return err
}

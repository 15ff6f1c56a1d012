package cli

import (
	"context"
	"io"
	"net/url"
	"time"
)

type governanceCmd struct {
	connection
	List     governanceListCmd     `cmd:"" default:"withargs" help:"List what waits for a second person, newest first."`
	Show     governanceShowCmd     `cmd:"" help:"Show one action: exactly what it would change."`
	Approve  governanceApproveCmd  `cmd:"" help:"Approve an action, which makes the change."`
	Reject   governanceRejectCmd   `cmd:"" help:"Reject an action; nothing changes."`
	Withdraw governanceWithdrawCmd `cmd:"" help:"Take back what you have asked for."`
	Export   governanceExportCmd   `cmd:"" help:"Write the queue as JSON or CSV to standard output."`
}

// Help is shown below the usage.
func (governanceCmd) Help() string {
	return "Some changes need two people: turning recording off, lifting the demand for a second factor, adding an owner, deleting the organization and the like. Who makes one gets the id of an action (exit status 9); another owner or administrator approves or rejects it within seven days. Where nobody else could decide, the change is made at once."
}

// queue is whose actions a command is about.
type queue struct {
	Platform bool `help:"Those of all organizations, for operators of the platform."`
}

func (q queue) path() string {
	if q.Platform {
		return "/platform/governance"
	}
	return "/org/governance"
}

// govAction is an action as the server tells of it.
type govAction struct {
	ID          string `json:"id"`
	OrgSlug     string `json:"org_slug"`
	Kind        string `json:"kind"`
	Title       string `json:"title"`
	Summary     string `json:"summary"`
	SubjectName string `json:"subject_name"`
	Changes     []struct {
		Field, From, To string
	} `json:"changes"`
	State       string    `json:"state"`
	RequestedBy ref       `json:"requested_by"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	DecidedBy   *ref      `json:"decided_by"`
	DecidedAt   time.Time `json:"decided_at"`
	Comment     string    `json:"comment"`
	Superseded  string    `json:"superseded_because"`
	OutOfDate   string    `json:"out_of_date"`
	EffectEvent string    `json:"effect_event"`
}

type governanceListCmd struct {
	queue
	All   bool   `help:"Also those that are decided or have ended."`
	Kind  string `placeholder:"KIND" help:"Of one kind only, such as recording_off."`
	Limit int    `default:"50" help:"How many at most; 0 for all."`
}

// Run lists actions.
func (c *governanceListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, c.path()+"/actions", filterOf(!c.All, "open", c.Kind), c.Limit)
	if err != nil {
		return err
	}
	head := []string{"ASKED BY", "TO", "STATE", "UNTIL", "ID"}
	if c.Platform {
		head = append([]string{"ORGANIZATION"}, head...)
	}
	return showList(p, l, table{head: head, empty: "Nothing waits for a second person."}, func(a govAction) []string {
		row := []string{a.RequestedBy.Name, a.Summary, a.State, when(a.ExpiresAt), a.ID}
		if a.OutOfDate != "" {
			row[2] += ", out of date"
		}
		if c.Platform {
			row = append([]string{a.OrgSlug}, row...)
		}
		return row
	})
}

func filterOf(narrow bool, state, kind string) url.Values {
	q := url.Values{}
	if narrow && state != "" {
		q.Set("state", state)
	}
	if kind != "" {
		q.Set("kind", kind)
	}
	return q
}

type governanceShowCmd struct {
	queue
	Action string `arg:"" help:"The id of the action."`
}

// Run shows an action.
func (c *governanceShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, c.path()+path("/actions/%s", c.Action), nil)
	if err != nil {
		return err
	}
	var g govAction
	if err := a.Into(&g); err != nil {
		return err
	}
	return p.show(a, func() {
		facts := [][2]string{{"what", g.Title}, {"asks to", g.Summary}, {"asked by", g.RequestedBy.Name}, {"asked at", when(g.CreatedAt)}, {"state", g.State}, {"lapses", when(g.ExpiresAt)}}
		if g.OrgSlug != "" {
			facts = append(facts, [2]string{"organization", g.OrgSlug})
		}
		if g.DecidedBy != nil {
			facts = append(facts, [2]string{"decided by", g.DecidedBy.Name}, [2]string{"decided at", when(g.DecidedAt)})
		}
		for _, kv := range [][2]string{{"comment", g.Comment}, {"void because", g.Superseded}, {"out of date", g.OutOfDate}, {"effect", g.EffectEvent}} {
			if kv[1] != "" {
				facts = append(facts, kv)
			}
		}
		p.facts(facts)
		t := table{head: []string{"CHANGES", "BEFORE", "AFTER"}, empty: "It changes nothing."}
		for _, f := range g.Changes {
			t.row(f.Field, first(f.From, "-"), first(f.To, "-"))
		}
		p.table(t)
	})
}

// governanceDecision is what each decision takes.
type governanceDecision struct {
	Action  string `arg:"" help:"The id of the action."`
	Comment string `placeholder:"TEXT" help:"Kept with the action and in the audit log; who asked is told it."`
}

func (c *governanceDecision) decide(ctx context.Context, p *program, of queue, verb, done string) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, of.path()+path("/actions/%s/"+verb, c.Action), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	var g govAction
	if err := a.Into(&g); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf(done, g.Summary) })
}

type governanceApproveCmd struct {
	queue
	governanceDecision
}

// Run approves an action.
func (c *governanceApproveCmd) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, c.queue, "approve", "Approved and done: %s.")
}

type governanceRejectCmd struct {
	queue
	governanceDecision
}

// Run rejects an action.
func (c *governanceRejectCmd) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, c.queue, "reject", "Rejected; nothing has changed: %s.")
}

type governanceWithdrawCmd struct{ governanceDecision }

// Run takes an action back.
func (c *governanceWithdrawCmd) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, queue{}, "withdraw", "Withdrawn; nothing has changed: %s.")
}

type governanceExportCmd struct {
	queue
	Format string `enum:"json,csv" default:"json" help:"json or csv."`
	State  string `enum:",open,approved,rejected,withdrawn,expired,superseded" default:"" placeholder:"STATE" help:"Of one state only."`
	Kind   string `placeholder:"KIND" help:"Of one kind only."`
}

// Run writes the queue to standard output.
func (c *governanceExportCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := filterOf(true, c.State, c.Kind)
	q.Set("format", c.Format)
	b, err := r.stream(ctx, c.path()+"/export", q)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = io.Copy(p.out, b)
	return err
}

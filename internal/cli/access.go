package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type accessCmd struct {
	connection
	Explain  accessExplainCmd  `cmd:"" help:"Whether a person may open a safe, or check its credential out, and why."`
	WhoCan   accessWhoCanCmd   `cmd:"" name:"who-can" help:"Who may open a safe now."`
	WhatCan  accessWhatCanCmd  `cmd:"" name:"what-can" help:"What a person may open now."`
	Simulate accessSimulateCmd `cmd:"" help:"Which past launches a change of policies or members would have decided otherwise."`
}

// questionFlags are the moment that a question of access is about.
type questionFlags struct {
	At     moment `placeholder:"TIME" help:"When; now when not said."`
	From   string `placeholder:"ADDRESS" help:"From which address; one that no network contains when not said."`
	MFA    string `name:"mfa" placeholder:"10m" help:"How long ago a second factor was proved, or never; just now when not said."`
	Ticket string `placeholder:"TICKET" help:"The ticket that is named at the launch."`
	Use    string `default:"session" enum:"session,checkout" help:"What they would want of the safe: session, or checkout (the credential is shown to them)."`
}

func (f questionFlags) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	for key, v := range map[string]string{"from": f.From, "mfa": f.MFA, "ticket": f.Ticket, "use": f.Use} {
		if v != "" {
			q.Set(key, v)
		}
	}
	return q, f.At.set(q, "at", now)
}

// decision is what a launch is answered, as the API tells it.
type decision struct {
	Decision string `json:"decision"`
	Why      string `json:"why"`
	Sentence string `json:"sentence"`
	Reasons  []struct {
		ID        string `json:"id"`
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Statement string `json:"statement"`
		Effect    string `json:"effect"`
		Message   string `json:"message"`
		Why       string `json:"why"`
	} `json:"reasons"`
	Approval *struct {
		Count     int      `json:"count"`
		Approvers []string `json:"approvers"`
	} `json:"approval"`
	Session *policy `json:"session"`
}

var decisions = map[string]string{"allow": "allowed", "deny": "denied", "require_approval": "needs approval"}

func (d decision) because() string {
	if len(d.Reasons) == 0 {
		return ""
	}
	return d.Reasons[0].Name
}

type accessExplainCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Safe   string `arg:"" complete:"safe" help:"Name or id."`
	questionFlags
}

// Run explains. The exit status is 0 whatever the answer is.
func (c *accessExplainCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	user, err := r.personID(ctx, c.Person)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	q, err := c.query(p.now())
	if err != nil {
		return err
	}
	q.Set("user", user)
	q.Set("safe", s.ID)
	a, err := r.get(ctx, "/org/access/explain", q)
	if err != nil {
		return err
	}
	var e struct {
		decision
		User       ref    `json:"user"`
		Safe       ref    `json:"safe"`
		SafeRole   string `json:"safe_role"`
		Role       string `json:"role"`
		CanApprove []ref  `json:"can_approve"`
		More       bool   `json:"can_approve_more"`
	}
	if err := a.Into(&e); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%s %s %s: %s", e.User.Name, map[bool]string{true: "checking out", false: "opening"}[c.Use == "checkout"], e.Safe.Name, decisions[e.Decision])
		if e.Sentence != "" {
			p.sayf("They are told: %s", e.Sentence)
		}
		p.facts([][2]string{{"role", e.Role}, {"role on the safe", first(e.SafeRole, "none")}})
		t := table{head: []string{"EFFECT", "POLICY", "STATEMENT", "WHY", "ID"}, empty: "Nothing determined it."}
		for _, x := range e.Reasons {
			t.row(x.Effect, x.Name, x.Statement, first(x.Message, x.Why), x.ID)
		}
		p.table(t)
		if e.Approval != nil {
			who := first(refNames(e.CanApprove), "nobody active whom it names")
			if e.More {
				who += " and more"
			}
			p.sayf("It asks for the approval of %d of: %s; owners and admins can always approve", e.Approval.Count, who)
		}
	})
}

func refNames(list []ref) string {
	var names []string
	for _, r := range list {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// personID finds a person; oneself also without the right to list people.
func (r *remote) personID(ctx context.Context, want string) (string, error) {
	m, err := r.findPerson(ctx, want)
	if err == nil {
		return m.UserID, nil
	}
	if strings.HasPrefix(want, "usr_") && !fault.Is(err, fault.NotFound) {
		return want, nil
	}
	return "", err
}

// reach is one line of who-can and what-can.
type reach struct {
	decision
	User     ref    `json:"user"`
	Safe     ref    `json:"safe"`
	SafeRole string `json:"safe_role"`
	Openings []struct {
		Kind   string    `json:"kind"`
		EndsAt time.Time `json:"ends_at"`
		Lender ref       `json:"lender"`
	} `json:"openings"`
}

// through is the role, and what else opens the safe for a time.
func (x reach) through() string {
	var out []string
	if x.SafeRole != "" {
		out = append(out, x.SafeRole)
	}
	for _, o := range x.Openings {
		how := map[string]string{"request": "request", "emergency": "emergency", "loan": "lent by " + o.Lender.Name}[o.Kind]
		out = append(out, how+" until "+when(o.EndsAt))
	}
	return strings.Join(out, ", ")
}

type accessWhoCanCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
	questionFlags
}

// Run lists who may open a safe.
func (c *accessWhoCanCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	q, err := c.query(p.now())
	if err != nil {
		return err
	}
	q.Set("safe", s.ID)
	l, err := r.list(ctx, "/org/access/who-can", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"PERSON", "THROUGH", "ANSWER", "BY", "WHY"}, empty: "Nobody reaches this safe."}
	return showList(p, l, t, func(x reach) []string {
		return []string{x.User.Name, x.through(), decisions[x.Decision], x.because(), x.Why}
	})
}

type accessWhatCanCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	questionFlags
}

// Run lists what a person may open.
func (c *accessWhatCanCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	user, err := r.personID(ctx, c.Person)
	if err != nil {
		return err
	}
	q, err := c.query(p.now())
	if err != nil {
		return err
	}
	q.Set("user", user)
	l, err := r.list(ctx, "/org/access/what-can", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"SAFE", "THROUGH", "ANSWER", "BY", "WHY"}, empty: "They reach no safe."}
	return showList(p, l, t, func(x reach) []string {
		return []string{x.Safe.Name, x.through(), decisions[x.Decision], x.because(), x.Why}
	})
}

type accessSimulateCmd struct {
	Days    int      `default:"30" help:"How far back, up to 90."`
	Policy  string   `placeholder:"NAME" help:"The policy that would change; without it, a new one."`
	File    string   `placeholder:"FILE" help:"The policy's text, in Cedar."`
	Delete  bool     `help:"The policy would be deleted."`
	On      []string `name:"safe" placeholder:"SAFE" help:"The safes that it would be on; several are possible."`
	Every   bool     `name:"everywhere" help:"It would be on every safe."`
	Members []string `name:"member" placeholder:"SAFE=PERSON:ROLE" help:"A direct member of a safe who would have this role (none takes it away); several are possible."`
	Join    []string `placeholder:"GROUP=PERSON" help:"Somebody who would join a group; several are possible."`
	Leave   []string `placeholder:"GROUP=PERSON" help:"Somebody who would leave a group; several are possible."`
	Bind    []string `placeholder:"SAFE=GROUP:ROLE" help:"A group that would have this role on a safe (none takes it away); several are possible."`
	Groups  []string `name:"delete-group" placeholder:"GROUP" help:"A group that would be deleted; several are possible."`
}

// Run simulates.
func (c *accessSimulateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in, err := c.proposal(ctx, p, r)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/access/simulate", in)
	if err != nil {
		return err
	}
	var out struct {
		Launches int            `json:"launches"`
		Whole    bool           `json:"whole"`
		Changed  int            `json:"changed"`
		By       map[string]int `json:"by"`
		Examples []struct {
			At    time.Time `json:"at"`
			User  ref       `json:"user"`
			Safe  ref       `json:"safe"`
			Now   decision  `json:"now"`
			Would decision  `json:"would"`
		} `json:"examples"`
	}
	if err := a.Into(&out); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%d of %d launches of the last %d days would be decided otherwise.", out.Changed, out.Launches, c.Days)
		if !out.Whole {
			p.sayf("There were more launches; the newest were taken.")
		}
		var kinds []string
		for k, n := range out.By {
			kinds = append(kinds, fmt.Sprintf("%s: %d", k, n))
		}
		slices.Sort(kinds)
		for _, k := range kinds {
			p.sayf("%s", k)
		}
		if len(out.Examples) == 0 {
			return
		}
		t := table{head: []string{"WHEN", "PERSON", "SAFE", "NOW", "WOULD", "BY"}}
		for _, e := range out.Examples {
			t.row(when(e.At), e.User.Name, e.Safe.Name, decisions[e.Now.Decision], decisions[e.Would.Decision], e.Would.because())
		}
		p.table(t)
	})
}

func (c *accessSimulateCmd) proposal(ctx context.Context, p *program, r *remote) (map[string]any, error) {
	in := map[string]any{"days": c.Days}
	pol := map[string]any{}
	if c.Policy != "" {
		_, have, err := p.policy(ctx, c.Policy)
		if err != nil {
			return nil, err
		}
		pol["id"] = have.ID
	}
	if c.Delete {
		pol["delete"] = true
	}
	if c.File != "" {
		b, err := os.ReadFile(c.File)
		if err != nil {
			return nil, fault.New(fault.Invalid, "the policy cannot be read: %v", err)
		}
		pol["text"] = string(b)
	}
	if len(c.On) > 0 {
		list, err := r.safeIDs(ctx, c.On)
		if err != nil {
			return nil, err
		}
		pol["safes"] = list
	}
	if c.Every {
		pol["everywhere"] = true
	}
	if len(pol) > 0 {
		in["policies"] = []any{pol}
	}
	return in, c.memberships(ctx, r, in)
}

// memberships adds the changes of members and groups.
func (c *accessSimulateCmd) memberships(ctx context.Context, r *remote, in map[string]any) error {
	add := func(key string, change map[string]any) {
		list, _ := in[key].([]any)
		in[key] = append(list, change)
	}
	group := func(name string) (string, error) {
		g, err := r.findGroup(ctx, name)
		return g.ID, err
	}
	for _, m := range c.Members {
		sid, user, role, err := onSafe(ctx, r, m, "member", "PERSON", r.personID)
		if err != nil {
			return err
		}
		add("members", map[string]any{"safe_id": sid, "user_id": user, "role": role})
	}
	for _, b := range c.Bind {
		sid, g, role, err := onSafe(ctx, r, b, "bind", "GROUP", func(_ context.Context, name string) (string, error) { return group(name) })
		if err != nil {
			return err
		}
		add("group_roles", map[string]any{"safe_id": sid, "group_id": g, "role": role})
	}
	for flag, list := range map[string][]string{"join": c.Join, "leave": c.Leave} {
		for _, x := range list {
			name, person, ok := strings.Cut(x, "=")
			if !ok {
				return fault.New(fault.Invalid, "--%s %s: write GROUP=PERSON", flag, strconv.Quote(x))
			}
			g, err := group(name)
			if err != nil {
				return err
			}
			user, err := r.personID(ctx, person)
			if err != nil {
				return err
			}
			add("group_members", map[string]any{"group_id": g, "user_id": user, "in": flag == "join"})
		}
	}
	var gone []string
	for _, name := range c.Groups {
		g, err := group(name)
		if err != nil {
			return err
		}
		gone = append(gone, g)
	}
	if gone != nil {
		in["deleted_groups"] = gone
	}
	return nil
}

// onSafe reads SAFE=WHO:ROLE.
func onSafe(ctx context.Context, r *remote, text, flag, what string, find func(context.Context, string) (string, error)) (sid, who, role string, err error) {
	name, rest, ok := strings.Cut(text, "=")
	whose, role, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return "", "", "", fault.New(fault.Invalid, "--%s %s: write SAFE=%s:ROLE", flag, strconv.Quote(text), what)
	}
	s, err := r.findSafe(ctx, name)
	if err != nil {
		return "", "", "", err
	}
	if who, err = find(ctx, whose); err != nil {
		return "", "", "", err
	}
	if role == "none" {
		role = ""
	}
	return s.ID, who, role, nil
}

package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type policiesCmd struct {
	connection
	List      policiesListCmd      `cmd:"" default:"1" help:"List the organization's policies."`
	Show      policiesShowCmd      `cmd:"" help:"Show a policy, as Cedar."`
	Create    policiesCreateCmd    `cmd:"" help:"Create a policy from a file of Cedar, a template, or flags."`
	Update    policiesUpdateCmd    `cmd:"" help:"Change a policy."`
	Assign    policiesAssignCmd    `cmd:"" help:"Put a policy on safes."`
	Unassign  policiesUnassignCmd  `cmd:"" help:"Take a policy off safes."`
	History   policiesHistoryCmd   `cmd:"" help:"What a policy was, and who changed it."`
	Restore   policiesRestoreCmd   `cmd:"" help:"Make a policy again what it was at a version."`
	Delete    policiesDeleteCmd    `cmd:"" help:"Delete a policy; its history stays."`
	Check     policiesCheckCmd     `cmd:"" help:"Check a file of Cedar, without saving it."`
	Templates policiesTemplatesCmd `cmd:"" help:"Policies to begin with."`
	Language  policiesLanguageCmd  `cmd:"" help:"The schema of policies, and the product's own rules."`
}

// accessPolicy is a policy as the API tells it.
type accessPolicy struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Effects     []string `json:"effects"`
	Text        string   `json:"text"`
	Enabled     bool     `json:"enabled"`
	Everywhere  bool     `json:"everywhere"`
	Safes       []ref    `json:"safes"`
	Priority    int64    `json:"priority"`
	Version     int64    `json:"version"`
}

func (a accessPolicy) names() []string { return []string{a.ID, a.Name} }

func (a accessPolicy) where() string {
	switch {
	case a.Everywhere:
		return "every safe"
	case len(a.Safes) == 0:
		return "no safe"
	}
	var names []string
	for _, s := range a.Safes {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

func (p *program) policy(ctx context.Context, name string) (*remote, accessPolicy, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, accessPolicy{}, err
	}
	a, err := find[accessPolicy](ctx, r, "/org/policies", "policy", name)
	return r, a, err
}

type policiesListCmd struct {
	Safe string `placeholder:"SAFE" complete:"safe" help:"Only those that are on this safe."`
}

// Run lists policies.
func (c *policiesListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := map[string][]string{}
	if c.Safe != "" {
		s, err := r.findSafe(ctx, c.Safe)
		if err != nil {
			return err
		}
		q["safe"] = []string{s.ID}
	}
	l, err := r.list(ctx, "/org/policies", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "EFFECT", "ON", "STATE", "PRIORITY", "VERSION"}, empty: "There are no policies: whoever has a role on a safe may open it, under the safe's own settings."}
	return showList(p, l, t, func(a accessPolicy) []string {
		state := "on"
		if !a.Enabled {
			state = "off"
		}
		return []string{a.Name, strings.Join(a.Effects, ", "), a.where(), state, strconv.FormatInt(a.Priority, 10), strconv.FormatInt(a.Version, 10)}
	})
}

type policiesShowCmd struct {
	Policy string `arg:"" help:"Name or id."`
}

// Run shows a policy.
func (c *policiesShowCmd) Run(ctx context.Context, p *program) error {
	r, pol, err := p.policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/org/policies/%s", pol.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.facts([][2]string{{"policy", pol.Name}, {"id", pol.ID}, {"description", pol.Description}, {"effect", strings.Join(pol.Effects, ", ")}, {"on", pol.where()},
			{"enabled", strconv.FormatBool(pol.Enabled)}, {"priority", strconv.FormatInt(pol.Priority, 10)}, {"version", strconv.FormatInt(pol.Version, 10)}})
		p.sayf("")
		for line := range strings.Lines(pol.Text) {
			p.sayf("%s", strings.TrimRight(line, "\n"))
		}
	})
}

// policySource is where the text of a policy comes from.
type policySource struct {
	File     string `placeholder:"FILE" help:"File with the policy in Cedar; - reads it from standard input."`
	Template string `placeholder:"ID" help:"A template of \"policies templates\"."`
}

// text reads the policy; nil when no flag says where from.
func (s policySource) text(ctx context.Context, p *program, r *remote) (*string, error) {
	switch {
	case s.File != "" && s.Template != "":
		return nil, fault.New(fault.Invalid, "give --file or --template, not both")
	case s.File == "-":
		b, err := io.ReadAll(io.LimitReader(p.in, 1<<20))
		text := string(b)
		return &text, err
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return nil, fault.New(fault.Invalid, "the policy cannot be read: %v", err)
		}
		text := string(b)
		return &text, nil
	case s.Template != "":
		l, err := r.list(ctx, "/org/policies/templates", nil, 0)
		if err != nil {
			return nil, err
		}
		all, err := decode[policyTemplate](l.Items)
		if err != nil {
			return nil, err
		}
		t, err := pick(all, "template", s.Template)
		return &t.Text, err
	}
	return nil, nil
}

type policyTemplate struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Text        string `json:"text"`
}

func (t policyTemplate) names() []string { return []string{t.ID} }

// policyFields are what can be said of a policy besides its text.
type policyFields struct {
	Description *string  `placeholder:"TEXT" help:"What it is for."`
	Enabled     *bool    `negatable:"" help:"Whether it counts."`
	Everywhere  *bool    `negatable:"" help:"Put it on every safe, also on those that are made later."`
	Safes       []string `name:"safe" placeholder:"SAFE" help:"Put it on this safe; several are possible."`
	Priority    *int64   `placeholder:"N" help:"Of several policies that let in, the lowest decides what the session may do; 100 when not said."`
	Comment     string   `placeholder:"TEXT" help:"Why; kept in the history."`
}

func (f policyFields) into(ctx context.Context, r *remote, in map[string]any) error {
	given(in, "description", f.Description)
	if f.Enabled != nil {
		in["enabled"] = *f.Enabled
	}
	if f.Everywhere != nil {
		in["everywhere"] = *f.Everywhere
	}
	if f.Priority != nil {
		in["priority"] = *f.Priority
	}
	if f.Comment != "" {
		in["comment"] = f.Comment
	}
	if len(f.Safes) > 0 {
		list, err := r.safeIDs(ctx, f.Safes)
		if err != nil {
			return err
		}
		in["safes"] = list
	}
	return nil
}

func (r *remote) safeIDs(ctx context.Context, names []string) ([]string, error) {
	var out []string
	for _, n := range names {
		s, err := r.findSafe(ctx, n)
		if err != nil {
			return nil, err
		}
		out = append(out, s.ID)
	}
	return out, nil
}

type policiesCreateCmd struct {
	Name string `arg:"" help:"What people call it."`
	policySource
	policyFields
}

// Run creates a policy.
func (c *policiesCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	text, err := c.text(ctx, p, r)
	if err != nil {
		return err
	}
	if text == nil {
		return fault.New(fault.Invalid, "say what the policy is: --file, or --template (see vaultpam policies templates)")
	}
	in := map[string]any{"name": c.Name, "text": *text}
	if err := c.into(ctx, r, in); err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/policies", in)
	if err != nil {
		return err
	}
	var made accessPolicy
	if err := a.Into(&made); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Policy %s is created, on %s.", made.Name, made.where()) })
}

type policiesUpdateCmd struct {
	Policy string  `arg:"" help:"Name or id."`
	Name   *string `placeholder:"NAME" help:"A new name."`
	policySource
	policyFields
}

// Run changes a policy. What no flag names stays.
func (c *policiesUpdateCmd) Run(ctx context.Context, p *program) error {
	r, pol, err := p.policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	in := given(map[string]any{}, "name", c.Name)
	text, err := c.text(ctx, p, r)
	if err != nil {
		return err
	}
	if text != nil {
		in["text"] = *text
	}
	if err := c.into(ctx, r, in); err != nil {
		return err
	}
	in["version"] = pol.Version
	a, err := r.call(ctx, http.MethodPatch, path("/org/policies/%s", pol.ID), nil, in)
	if err != nil {
		return err
	}
	if err := a.Into(&pol); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Policy %s is changed; it is on %s.", pol.Name, pol.where()) })
}

type policiesAssignCmd struct {
	Policy string   `arg:"" help:"Name or id."`
	Safes  []string `arg:"" complete:"safe" help:"Names or ids."`
}

// Run puts a policy on safes.
func (c *policiesAssignCmd) Run(ctx context.Context, p *program) error {
	return p.assign(ctx, http.MethodPut, c.Policy, c.Safes)
}

type policiesUnassignCmd struct {
	Policy string   `arg:"" help:"Name or id."`
	Safes  []string `arg:"" complete:"safe" help:"Names or ids."`
}

// Run takes a policy off safes.
func (c *policiesUnassignCmd) Run(ctx context.Context, p *program) error {
	return p.assign(ctx, http.MethodDelete, c.Policy, c.Safes)
}

func (p *program) assign(ctx context.Context, method, name string, safes []string) error {
	r, pol, err := p.policy(ctx, name)
	if err != nil {
		return err
	}
	list, err := r.safeIDs(ctx, safes)
	if err != nil {
		return err
	}
	for i, sid := range list {
		a, err := r.call(ctx, method, path("/org/policies/%s/safes/%s", pol.ID, sid), nil, nil)
		if err != nil {
			return err
		}
		if err := a.Into(&pol); err != nil {
			return err
		}
		if i == len(list)-1 {
			return p.show(a, func() { p.sayf("Policy %s is on %s.", pol.Name, pol.where()) })
		}
	}
	return nil
}

type policiesHistoryCmd struct {
	Policy string `arg:"" help:"Name or id."`
	Limit  int    `default:"50" help:"How many at most; 0 is all."`
}

type policyVersion struct {
	Version   int64     `json:"version"`
	Change    string    `json:"change"`
	Comment   string    `json:"comment"`
	ChangedAt time.Time `json:"changed_at"`
	Name      string    `json:"changed_by_name"`
}

// Run shows the history of a policy.
func (c *policiesHistoryCmd) Run(ctx context.Context, p *program) error {
	r, pol, err := p.policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/org/policies/%s/versions", pol.ID), nil, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"VERSION", "CHANGED", "BY", "CHANGE", "COMMENT"}, empty: "No versions."}
	return showList(p, l, t, func(v policyVersion) []string {
		return []string{strconv.FormatInt(v.Version, 10), when(v.ChangedAt), v.Name, v.Change, v.Comment}
	})
}

type policiesRestoreCmd struct {
	Policy  string `arg:"" help:"Name or id."`
	Version int64  `arg:"" help:"Of \"policies history\"."`
	Comment string `placeholder:"TEXT" help:"Why; kept in the history."`
}

// Run restores a version of a policy.
func (c *policiesRestoreCmd) Run(ctx context.Context, p *program) error {
	r, pol, err := p.policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/policies/%s/restore", pol.ID), map[string]any{"version": c.Version, "comment": c.Comment})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Policy %s is again what it was at version %d.", pol.Name, c.Version) })
}

type policiesDeleteCmd struct {
	Policy string `arg:"" help:"Name or id."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run deletes a policy.
func (c *policiesDeleteCmd) Run(ctx context.Context, p *program) error {
	r, pol, err := p.policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Delete the policy %s? It is on %s. [y/N] ", pol.Name, pol.where()); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/policies/%s", pol.ID), seen(pol.Version), nil); err != nil {
		return err
	}
	p.done("Policy %s is deleted.", pol.Name)
	return nil
}

type policiesCheckCmd struct {
	policySource
}

// Run checks a policy.
func (c *policiesCheckCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	text, err := c.text(ctx, p, r)
	if err != nil {
		return err
	}
	if text == nil {
		return fault.New(fault.Invalid, "say what to check: --file or --template")
	}
	a, err := r.post(ctx, "/org/policies/check", map[string]any{"text": *text})
	if err != nil {
		return err
	}
	var checked struct {
		Effects []string `json:"effects"`
		Form    any      `json:"form"`
	}
	if err := a.Into(&checked); err != nil {
		return err
	}
	return p.show(a, func() {
		as := "the form of the console can show it"
		if checked.Form == nil {
			as = "only text can say it, no form"
		}
		p.sayf("The policy is valid (%s); %s.", strings.Join(checked.Effects, ", "), as)
	})
}

type policiesTemplatesCmd struct{}

// Run lists templates.
func (policiesTemplatesCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/policies/templates", nil, 0)
	if err != nil {
		return err
	}
	return showList(p, l, table{head: []string{"ID", "NAME", "WHAT IT DOES"}, empty: "No templates."}, func(t policyTemplate) []string {
		return []string{t.ID, t.Name, t.Description}
	})
}

type policiesLanguageCmd struct{}

// Run prints the schema.
func (policiesLanguageCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/org/policies/language", nil)
	if err != nil {
		return err
	}
	var l struct{ Schema, Builtin string }
	if err := a.Into(&l); err != nil {
		return err
	}
	return p.show(a, func() {
		for line := range strings.Lines(l.Schema + "\n" + l.Builtin) {
			p.sayf("%s", strings.TrimRight(line, "\n"))
		}
	})
}

package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/declare"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// drifts is the exit status of a comparison that found differences.
const drifts = 10

type applyCmd struct {
	connection
	Run    applyRunCmd    `cmd:"" default:"withargs" help:"Make the organization what files say: shows the plan, asks, and makes the changes."`
	Drift  applyDriftCmd  `cmd:"" help:"Compare the organization with files and change nothing; exit status 10 when it differs."`
	Export applyExportCmd `cmd:"" help:"Write what is there now as a file, to begin with."`
	Schema applySchemaCmd `cmd:"" help:"Print the JSON schema of the files, for editors."`
}

// Help is shown below the usage.
func (applyCmd) Help() string {
	return "A file names groups, safes, policies and who and what is on which; docs/apply.md explains it. What it does not mention is left alone, a list that it states is stated whole, and what is the same already is not touched. It never holds secrets."
}

// applyFiles are the files that are read together.
type applyFiles struct {
	File []string `short:"f" required:"" placeholder:"FILE" complete:"file" help:"A file of access; several are possible, and - is standard input."`
}

type applyRunCmd struct {
	applyFiles
	Plan  bool `help:"Show the plan and change nothing."`
	Prune bool `help:"Delete groups, safes and policies that the files own (owns) and do not name."`
	Yes   bool `short:"y" help:"Do not ask."`
}

type applyDriftCmd struct{ applyFiles }
type applyExportCmd struct{}
type applySchemaCmd struct{}

// declared is a server as package declare asks it.
type declared struct{ *remote }

func (d declared) Do(ctx context.Context, method, path string, query url.Values, in any) (client.Answer, error) {
	return d.call(ctx, method, path, query, in)
}

func (d declared) All(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	l, err := d.list(ctx, path, query, 0)
	return l.Items, err
}

// compare reads the files and the server, and makes the plan.
func (f applyFiles) compare(ctx context.Context, p *program, prune bool) (declared, *declare.Plan, error) {
	var sources []declare.Source
	for _, name := range f.File {
		b, err := f.read(p, name)
		if err != nil {
			return declared{}, nil, err
		}
		if name == "-" {
			name = "standard input"
		}
		sources = append(sources, declare.Source{Name: name, Text: b})
	}
	c, err := declare.Parse(sources...)
	if err != nil {
		return declared{}, nil, p.oneByOne(err)
	}
	r, err := p.remote(ctx)
	if err != nil {
		return declared{}, nil, err
	}
	d := declared{r}
	s, err := declare.Read(ctx, d, c)
	if err != nil {
		return d, nil, err
	}
	plan, err := declare.Compare(s, c, prune)
	return d, plan, p.oneByOne(err)
}

func (applyFiles) read(p *program, name string) ([]byte, error) {
	var in io.Reader = p.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.New(fault.Invalid, "the file %s cannot be read: %v", name, cause(err))
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, declare.MaxFile+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the file %s cannot be read: %v", name, cause(err))
	}
	return b, nil
}

// oneByOne tells each fault of the files on a line of its own.
func (p *program) oneByOne(err error) error {
	f := fault.As(err)
	if f == nil || f.Code != declare.FileInvalid {
		return err
	}
	lines := strings.Split(f.Message, "\n")
	if len(lines) == 1 {
		return fault.New(fault.Invalid, "%s; nothing was changed", f.Message).WithCode(f.Code)
	}
	for _, l := range lines {
		p.notef("%s", l)
	}
	return fault.New(fault.Invalid, "nothing was changed: there are %d faults in the files", len(lines)).WithCode(f.Code)
}

// showPlan prints a plan.
func (p *program) showPlan(plan *declare.Plan) {
	for _, l := range plan.Lines() {
		p.sayf("%s", l)
	}
	if len(plan.Steps) > 0 {
		p.sayf("")
	}
	p.sayf("%s", plan.Summary())
	for _, e := range plan.Extra {
		p.sayf("Not in the files, which own the list: %s. It stays unless you say --prune.", e)
	}
}

// Run applies files.
func (c *applyRunCmd) Run(ctx context.Context, p *program) error {
	if p.json && !c.Yes && !c.Plan {
		return fault.New(fault.Invalid, "with --json nobody is asked: add --plan to see the plan, or --yes to apply it")
	}
	srv, plan, err := c.compare(ctx, p, c.Prune)
	if err != nil {
		return err
	}
	todo := plan.Count(declare.Planned)
	if !p.json {
		p.showPlan(plan)
	}
	if !c.Plan && todo > 0 {
		if err := plan.Check(ctx, srv); err != nil {
			return err
		}
		if err := c.sure(ctx, p, plan, todo); err != nil {
			return err
		}
		err = plan.Apply(ctx, srv, func(s *declare.Step) { p.told(s) })
	}
	if p.json {
		if e := p.value(plan); e != nil {
			return e
		}
	}
	done, waiting, left := plan.Count(declare.Done), plan.Count(declare.Waits), plan.Count(declare.Left)
	switch {
	case err != nil:
		made := "nothing was made"
		if done > 0 {
			made = plural(done, "change") + " before it stay"
		}
		return fault.New(fault.KindOf(err), "%s (%s, %s after it not tried; run it again when it is mended)", sentence(err), made, plural(left, "change")).WithCode(fault.CodeOf(err)).Because(err)
	case c.Plan:
		return nil
	case waiting > 0:
		p.notef("%d made, %d waiting for another person: vaultpam governance. Run it again when that is decided; it asks for nothing twice.", done, waiting)
		return exit(waits)
	case todo > 0 && !p.json:
		p.sayf("Done: %s.", plural(done, "change"))
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func (c *applyRunCmd) sure(ctx context.Context, p *program, plan *declare.Plan, todo int) error {
	if err := p.confirm(ctx, c.Yes, "Make %s? [y/N] ", plural(todo, "change")); err != nil {
		return err
	}
	if safes := plan.Deletes(); len(safes) > 0 {
		return p.confirm(ctx, c.Yes, "This deletes %s for good (%s), and ends their live sessions. Sure? [y/N] ", plural(len(safes), "safe"), strings.Join(safes, ", "))
	}
	return nil
}

// told tells what became of a step.
func (p *program) told(s *declare.Step) {
	if p.json {
		return
	}
	switch s.State {
	case declare.Waits:
		p.sayf("waits for approval: %s (vaultpam governance approve %s)", s.Title(), s.Action)
	case declare.Failed:
		p.sayf("refused: %s", s.Title())
	default:
		p.sayf("done: %s", s.Title())
	}
}

// Run compares.
func (c *applyDriftCmd) Run(ctx context.Context, p *program) error {
	_, plan, err := c.compare(ctx, p, false)
	if err != nil {
		return err
	}
	if p.json {
		err = p.value(plan)
	} else {
		p.showPlan(plan)
	}
	if err == nil && len(plan.Steps)+len(plan.Extra) > 0 {
		return exit(drifts)
	}
	return err
}

// Run exports.
func (applyExportCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := declare.Read(ctx, declared{r}, nil)
	if err != nil {
		return err
	}
	b, err := declare.Export(s)
	if err == nil {
		_, err = p.out.Write(b)
	}
	return err
}

// Run prints the schema.
func (applySchemaCmd) Run(p *program) error { return p.value(declare.Schema()) }

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// interrupted is the exit status after a signal, as shells count it.
const interrupted = 130

// waits is the exit status of a change that waits for a second person.
const waits = 9

// program is one run of the command line.
type program struct {
	environ []string
	env     map[string]string
	in      io.Reader
	out     io.Writer // what was asked for
	errw    io.Writer // what is said besides
	asker   terminal.Asker
	now     func() time.Time
	poll    time.Duration // between two questions for what is new

	parser *kong.Kong
	json   bool
	conn   connection // of the command that runs
}

// Run runs one command line and gives its exit status.
func Run(ctx context.Context, args, environ []string, in io.Reader, out, errw io.Writer) int {
	p := &program{environ: environ, env: map[string]string{}, in: in, out: out, errw: errw, now: time.Now, poll: 2 * time.Second}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		p.env[name] = v
	}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	var status exit
	var w *client.Waiting
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &w) && p.json:
		p.raw(w.Body)
		return waits
	case errors.As(err, &w):
		p.sayf("Not done yet: %s (vaultpam governance approve %s).", w.Detail, w.ID)
		return waits
	case errors.Is(err, context.Canceled) && ctx.Err() != nil, errors.Is(err, terminal.ErrInterrupted):
		fmt.Fprintln(p.errw, "vaultpam: interrupted")
		return interrupted
	}
	fmt.Fprintf(p.errw, "vaultpam: %s\n", sentence(err))
	return fault.ExitCode(err)
}

// exit ends the program with a status; everything was said already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// sentence is an error on one line, for the person who sees it.
func sentence(err error) string {
	text := err.Error()
	f := fault.As(err)
	if f != nil {
		text = f.Message
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = terminal.Clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	text = strings.Join(lines, "; ") + fields(f, text)
	if f != nil && f.RetryAfter > 0 {
		text += fmt.Sprintf(" (try again in %v)", f.RetryAfter)
	}
	return text
}

// fields names the wrong values of f, as far as text does not say it already.
func fields(f *fault.Error, text string) string {
	if f == nil {
		return ""
	}
	var out []string
	for _, v := range f.Fields {
		if s := terminal.Clean(v.Path + " " + v.Message); v.Message != "" && !strings.Contains(text, v.Message) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// dispatch reads the command line and runs its command.
func (p *program) dispatch(ctx context.Context, args []string) (err error) {
	var g grammar
	p.parser, err = newParser(&g, p)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if len(args) == 0 {
		return p.overview(p.out)
	}
	defer func() { // kong ends the program after --help by calling Exit
		if r := recover(); r != nil {
			done, ok := r.(parsed)
			if !ok {
				panic(r)
			}
			if err = nil; done.status != 0 {
				err = exit(done.status)
			}
		}
	}()
	k, err := p.parser.Parse(args)
	if err != nil {
		return misuse(err)
	}
	p.json = g.JSON
	k.BindTo(ctx, (*context.Context)(nil))
	return k.Run()
}

// parsed ends a parse that has nothing to run.
type parsed struct{ status int }

func newParser(g *grammar, p *program) (*kong.Kong, error) {
	return kong.New(g,
		kong.Name("vaultpam"),
		kong.Description("Reach servers through VaultPAM, see what happened, and prove it."),
		kong.Writers(p.out, p.errw),
		kong.Exit(func(status int) { panic(parsed{status}) }),
		kong.Help(p.help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{{Key: "connection", Title: "Server and sign-in:"}, {Key: "policy", Title: "Policy:"}}),
		kong.PostBuild(nameApplication),
		kong.Bind(p),
	)
}

// nameApplication keeps the name when the program runs under another one.
func nameApplication(k *kong.Kong) error {
	k.Model.Name = "vaultpam"
	return nil
}

// misuse is a command line that cannot be understood, as one sentence.
func misuse(err error) error {
	if fault.As(err) != nil {
		return err
	}
	n := (*kong.Node)(nil)
	var pe *kong.ParseError
	if errors.As(err, &pe) && pe.Context != nil {
		n = lastNode(pe.Context)
	}
	where := "vaultpam"
	if n != nil {
		where = commandName(n)
	}
	return fault.New(fault.Invalid, "%s (see %s --help)", reworded(err.Error(), where, n == nil || len(n.Children) > 0), where)
}

// reworded puts kong's terse messages into sentences. What it does not know it
// leaves as it is.
func reworded(text, where string, group bool) string {
	if rest, ok := strings.CutPrefix(text, "unexpected argument "); ok && group {
		name, proposal, _ := strings.Cut(rest, ", ")
		text = fmt.Sprintf("%s has no command %q", where, name)
		if proposal != "" {
			text += "; " + proposal
		}
	}
	if rest, ok := strings.CutPrefix(text, "expected one of "); ok {
		text = fmt.Sprintf("%s needs one of its commands: %s", where, strings.ReplaceAll(rest, `"`, ""))
	} else if rest, ok := strings.CutPrefix(text, "expected \"<"); ok {
		text = "missing: <" + strings.TrimSuffix(rest, `"`)
	}
	if flag, _, ok := strings.Cut(text, ": expected "); ok && strings.Contains(text, "<EOL>") {
		text = flag + " needs a value"
	}
	return strings.Replace(text, `one of "",`, "one of ", 1)
}

// lastNode is the deepest command that was recognized.
func lastNode(k *kong.Context) *kong.Node {
	var n *kong.Node
	for _, step := range k.Path {
		if step.Command != nil {
			n = step.Command
		}
	}
	return n
}

// commandName is how a command is called, without its aliases.
func commandName(n *kong.Node) string {
	if n.Parent == nil {
		return "vaultpam"
	}
	return commandName(n.Parent) + " " + n.Name
}

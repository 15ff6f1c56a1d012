package cli

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
)

//go:embed completion.bash
var bashCompletion string

//go:embed completion.zsh
var zshCompletion string

//go:embed completion.fish
var fishCompletion string

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown below the usage.
func (completionCmd) Help() string {
	return "For bash: source <(vaultpam completion bash). For zsh: the same with zsh, or write it into a file _vaultpam in a folder of fpath. For fish: vaultpam completion fish | source. Put the line into the shell's start file to keep it. Names of safes, resources and people come from the server while you are signed in."
}

// Run prints a script.
func (c *completionCmd) Run(p *program) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(p.out, script)
	return err
}

// completeCmd is what the scripts call: the words so far, the last one unfinished.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// completionTime is how long a person waits for names from the server.
const completionTime = 2 * time.Second

// Run prints the words that could come next, one a line. It fails silently: a
// shell has no place for an error here.
func (c *completeCmd) Run(ctx context.Context, p *program) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	p.errw, p.asker = io.Discard, terminal.Nobody{}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	for _, w := range p.candidates(ctx, words) {
		if w = terminal.Clean(w); w != "" {
			fmt.Fprintln(p.out, w)
		}
	}
	return nil
}

// place is where in the grammar a command line has come to.
type place struct {
	node    *kong.Node
	flags   []*kong.Flag
	args    int        // positional arguments that are complete
	pending *kong.Flag // a flag that waits for its value
	raw     bool       // after --, or in a command for another machine
	given   []string   // of the flags that say which server
}

// candidates are what the last of words may become.
func (p *program) candidates(ctx context.Context, words []string) []string {
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	at := p.walk(words)
	prefix := ""
	var out []string
	switch {
	case at.raw:
		return nil
	case at.pending != nil:
		out = p.values(ctx, at, at.pending.Value)
	case strings.HasPrefix(last, "--") && strings.Contains(last, "="):
		name, _, _ := strings.Cut(last, "=")
		if f := flagNamed(at.flags, name); f != nil {
			prefix = name + "="
			out = p.values(ctx, at, f.Value)
		}
	case strings.HasPrefix(last, "-"):
		out = flagWords(at.flags)
	default:
		if len(at.node.Positional) == 0 {
			out = childNames(at.node)
		} else if v := argument(at.node, at.args); v != nil {
			out = p.values(ctx, at, v)
		}
	}
	var fit []string
	for _, w := range out {
		if w = prefix + w; strings.HasPrefix(w, last) {
			fit = append(fit, w)
		}
	}
	slices.Sort(fit)
	return slices.Compact(fit)
}

// walk follows complete words through the grammar.
func (p *program) walk(words []string) place {
	at := place{node: p.parser.Model.Node}
	at.enter(at.node)
	for _, w := range words {
		if at.pending != nil {
			at.take(at.pending, w)
			at.pending = nil
			continue
		}
		if at.raw = at.raw || w == "--"; at.raw {
			continue
		}
		if strings.HasPrefix(w, "-") && w != "-" {
			at.flag(w)
			continue
		}
		i := slices.IndexFunc(at.node.Children, func(n *kong.Node) bool { return n.Name == w || slices.Contains(n.Aliases, w) })
		if i >= 0 && len(at.node.Positional) == 0 {
			at.enter(at.node.Children[i])
			continue
		}
		if v := argument(at.node, at.args); v == nil || v.Passthrough {
			at.raw = true
		}
		at.args++
	}
	return at
}

func (at *place) enter(n *kong.Node) {
	at.node, at.args = n, 0
	at.flags = nil
	for _, group := range n.AllFlags(true) {
		at.flags = append(at.flags, group...)
	}
	if n.DefaultCmd != nil {
		at.flags = append(at.flags, n.DefaultCmd.Flags...)
	}
}

func (at *place) flag(w string) {
	name, v, given := strings.Cut(w, "=")
	f := flagNamed(at.flags, name)
	switch {
	case f == nil || f.IsBool():
	case given:
		at.take(f, v)
	default:
		at.pending = f
	}
}

// take keeps the flags that say which server to ask for names.
func (at *place) take(f *kong.Flag, v string) {
	if f.Group != nil && f.Group.Key == "connection" {
		at.given = append(at.given, f.Name, v)
	}
}

// argument is the n-th positional argument, or the last one when that takes several.
func argument(n *kong.Node, i int) *kong.Value {
	switch {
	case i < len(n.Positional):
		return n.Positional[i]
	case len(n.Positional) > 0 && n.Positional[len(n.Positional)-1].IsCumulative():
		return n.Positional[len(n.Positional)-1]
	}
	return nil
}

func flagNamed(flags []*kong.Flag, word string) *kong.Flag {
	for _, f := range flags {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

func flagWords(flags []*kong.Flag) []string {
	out := []string{"--help"}
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		out = append(out, "--"+f.Name)
		if f.Tag.Negatable != "" {
			out = append(out, "--no-"+f.Name)
		}
	}
	return out
}

// values are the words that a flag or an argument may have.
func (p *program) values(ctx context.Context, at place, v *kong.Value) []string {
	if v.Enum != "" {
		return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
	}
	kind := v.Tag.Get("complete")
	switch kind {
	case "file":
		return nil // the scripts fall back on files
	case "topic":
		return append(childNames(p.parser.Model.Node), topicNames()...)
	case "constant":
		return constants()
	case "category":
		return categories()
	case "severity":
		return severities()
	case "scope":
		return authz.Scopes()
	case "log-level":
		return []string{"debug", "info", "warn", "error"}
	case "log-format":
		return []string{"text", "json"}
	}
	return p.remoteNames(ctx, at, kind)
}

// remoteNames are names that the server knows.
func (p *program) remoteNames(ctx context.Context, at place, kind string) []string {
	lists := map[string]string{"safe": "/safes", "resource": "/resources", "account": "/accounts", "person": "/org/members", "session": "/sessions", "provider": "/org/sso/providers", "group": "/org/groups"}
	if lists[kind] == "" {
		return nil
	}
	for i := 0; i+1 < len(at.given); i += 2 {
		switch at.given[i] {
		case "url":
			p.conn.URL = at.given[i+1]
		case "ca-file":
			p.conn.CAFile = at.given[i+1]
		case "org":
			p.conn.Org = at.given[i+1]
		}
	}
	p.conn.NoInput = true
	r, err := p.remote(ctx)
	if err != nil {
		return nil
	}
	l, err := r.list(ctx, lists[kind], nil, pageSize)
	if err != nil {
		return nil
	}
	items, err := decode[struct {
		ref
		Handle string `json:"handle"`
	}](l.Items)
	if err != nil {
		return nil
	}
	var out []string
	for _, item := range items {
		out = append(out, first(item.Handle, item.Name, item.ID))
	}
	return out
}

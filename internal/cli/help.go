package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type helpCmd struct {
	Topic []string `arg:"" optional:"" complete:"topic" help:"A command, exit-codes or environment."`
}

// Run explains a topic or a command.
func (c *helpCmd) Run(p *program) error {
	if len(c.Topic) == 0 {
		return p.overview(p.out)
	}
	if text, ok := topics[c.Topic[0]]; ok && len(c.Topic) == 1 {
		_, err := io.WriteString(p.out, text())
		return err
	}
	n := p.parser.Model.Node
	for _, word := range c.Topic {
		i := slices.IndexFunc(n.Children, func(k *kong.Node) bool { return !k.Hidden && (k.Name == word || slices.Contains(k.Aliases, word)) })
		if i < 0 {
			return fault.New(fault.NotFound, "there is no help on %q%s", strings.Join(c.Topic, " "), hint(word, append(childNames(n), topicNames()...)))
		}
		n = n.Children[i]
	}
	_, err := p.parser.Parse(append(slices.Clone(c.Topic), "--help")) // ends as --help does
	return err
}

// topics are what help explains besides commands.
var topics = map[string]func() string{
	"exit-codes":  func() string { return layout("Exit codes", exitCodes()) },
	"environment": func() string { return layout("Environment", environment()) },
}

func topicNames() []string { return []string{"exit-codes", "environment"} }

func layout(title string, rows [][2]string) string {
	var b strings.Builder
	b.WriteString(title + ":\n")
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, r[0], r[1])
	}
	return b.String()
}

// exitCodes is the table of exit statuses; the numbers are fault's.
func exitCodes() [][2]string {
	rows := [][2]string{{"0", "it worked"}}
	for _, k := range []struct {
		kind fault.Kind
		text string
	}{
		{fault.Internal, "a fault of ours, here or in the server"},
		{fault.Invalid, "the command line, a file or a value is wrong; repeating it will not help"},
		{fault.Unauthenticated, "you are not signed in, or the proof did not hold"},
		{fault.Denied, "you may not do this"},
		{fault.NotFound, "there is no such thing for you"},
		{fault.Conflict, "it changed meanwhile, exists already, or you said no"},
		{fault.Exhausted, "a limit is reached; the message says when to come back"},
		{fault.Unavailable, "the server, the network or the target does not answer"},
	} {
		rows = append(rows, [2]string{fmt.Sprint(fault.ExitCode(fault.New(k.kind, ""))), k.text})
	}
	return append(rows,
		[2]string{fmt.Sprint(waits), "nothing was done yet: the change waits for a second person (vaultpam governance)"},
		[2]string{fmt.Sprint(drifts), "apply drift: the organization is not as the files say"},
		[2]string{fmt.Sprint(interrupted), "a signal ended it"},
		[2]string{"ssh", "vaultpam ssh ends with the status of ssh: that of the command, or 255; before ssh runs, with one of the above"},
		[2]string{"audit verify", "0 intact, 1 altered, 2 unreadable, 3 incomplete; audit proof and audit checkpoint: 1 when it does not hold"},
	)
}

// environment is the table of the variables that the person's commands know.
func environment() [][2]string {
	return [][2]string{
		{"VAULTPAM_BASE_URL", "address of the server; --url goes before it"},
		{"VAULTPAM_CA_FILE", "PEM file of an authority to trust besides the system's; --ca-file goes before it"},
		{"VAULTPAM_ORG", "organization, by slug or id; --org goes before it"},
		{"VAULTPAM_TOKEN", "API token to act with, in place of a sign-in"},
		{"VAULTPAM_EMAIL", "e-mail address for vaultpam login"},
		{"VAULTPAM_PASSWORD", "password for vaultpam login"},
		{"VAULTPAM_HOME", "folder of the kept sign-in; default: vaultpam in your configuration folder"},
		{"VAULTPAM_CONFIG", "configuration file of vaultpam server, dev and config check"},
		{"VAULTPAM_<KEY>", "a key of the server's configuration; vaultpam config keys lists them"},
		{"NO_COLOR", "when set, nothing is coloured"},
	}
}

// help prints what --help asks for: of the program its overview, of a command what kong knows.
func (p *program) help(options kong.HelpOptions, k *kong.Context) error {
	if lastNode(k) == nil {
		return p.overview(k.Stdout)
	}
	return kong.DefaultHelpPrinter(options, k)
}

// overview lists all commands under their headings.
func (p *program) overview(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage: vaultpam <command> [flags]\n", p.parser.Model.Help)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s\n", s.title)
		for _, n := range p.parser.Model.Children {
			if !n.Hidden && n.Tag.Get("section") == s.key {
				fmt.Fprintf(&b, "  %-11s  %s\n", n.Name, n.Help)
			}
		}
	}
	b.WriteString("\nvaultpam <command> --help explains a command; vaultpam help exit-codes and help environment say more.\nBegin with: vaultpam login --url https://<server>, then vaultpam safes, then vaultpam ssh <safe>.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func childNames(n *kong.Node) []string {
	var out []string
	for _, c := range n.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	return out
}

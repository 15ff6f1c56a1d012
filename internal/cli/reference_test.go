package cli

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the pages and files that these tests hold fresh")

// referencePage is where the reference of all commands is kept.
const referencePage = "../../docs/reference/cli.md"

func TestReferenceIsFresh(t *testing.T) {
	p := &program{out: io.Discard, errw: io.Discard, env: map[string]string{}}
	parser, err := newParser(&grammar{}, p)
	if err != nil {
		t.Fatal(err)
	}
	fresh := reference(parser.Model)
	if *update {
		if err := os.MkdirAll(filepath.Dir(referencePage), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(referencePage, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(referencePage)
	if err != nil || !bytes.Equal(kept, fresh) {
		t.Errorf("%s is not what the commands say (%v): go test ./internal/cli -run TestReferenceIsFresh -update", referencePage, err)
	}
}

// reference writes the page from the grammar.
func reference(m *kong.Application) []byte {
	var b bytes.Buffer
	b.WriteString("# The command line\n\n<!-- Written by `go test ./internal/cli -run TestReferenceIsFresh -update` from internal/cli. Do not edit. -->\n\n")
	b.WriteString("One binary, `vaultpam`, is the server and the person's tool. `vaultpam <command> --help` says what stands here.\n\n" +
		"With `--json`, every command prints the JSON of the [API](openapi.json) in place of tables and sentences; lists are `{\"items\": [...]}`, and an act without an answer is `{}`. " +
		"Errors are one line on standard error, and the [exit status](#exit-codes) tells their kind. " +
		"`vaultpam completion bash`, `zsh` and `fish` print completion scripts; names of safes, resources and people are completed while you are signed in.\n\n")
	for _, s := range sections {
		fmt.Fprintf(&b, "## %s\n\n", s.title)
		for _, n := range m.Children {
			if !n.Hidden && n.Tag.Get("section") == s.key {
				command(&b, n, connected(n))
			}
		}
	}
	b.WriteString("## Server and sign-in flags\n\nCommands that need a server have these besides their own.\n\n")
	for _, n := range m.Children {
		if n.Name == "safes" {
			flags(&b, n.Flags, func(f *kong.Flag) bool { return inConnection(f) })
		}
	}
	rows(&b, "Exit codes", "Status", exitCodes())
	rows(&b, "Environment", "Variable", environment())
	return b.Bytes()
}

// command writes a command and those below it.
func command(b *bytes.Buffer, n *kong.Node, server bool) {
	if len(n.Children) == 0 {
		usage := commandName(n)
		for _, a := range n.Positional {
			usage += " " + a.Summary()
		}
		for _, f := range n.Flags {
			if f.Required {
				usage += " " + f.Summary()
			}
		}
		fmt.Fprintf(b, "### %s\n\n```\n%s\n```\n\n%s", commandName(n), usage, n.Help)
		if n.Detail != "" {
			b.WriteString(" " + n.Detail)
		}
		if server || connected(n) {
			b.WriteString(" Takes the [server and sign-in flags](#server-and-sign-in-flags).")
		}
		if n.Parent.DefaultCmd == n {
			fmt.Fprintf(b, " `%s` alone does the same.", commandName(n.Parent))
		}
		b.WriteString("\n\n")
		arguments(b, n)
		flags(b, n.Flags, func(f *kong.Flag) bool { return !inConnection(f) })
	}
	for _, c := range n.Children {
		command(b, c, server)
	}
}

func arguments(b *bytes.Buffer, n *kong.Node) {
	if len(n.Positional) == 0 {
		return
	}
	b.WriteString("| Argument | |\n| --- | --- |\n")
	for _, a := range n.Positional {
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(a.Summary()), cell(a.Help))
	}
	b.WriteString("\n")
}

func flags(b *bytes.Buffer, all []*kong.Flag, want func(*kong.Flag) bool) {
	begun := false
	for _, f := range all {
		if f.Hidden || f.Name == "help" || !want(f) {
			continue
		}
		if !begun {
			b.WriteString("| Flag | |\n| --- | --- |\n")
			begun = true
		}
		name := "--" + f.Name
		if f.Tag.Negatable != "" {
			name = "--[no-]" + f.Name
		}
		if f.Short != 0 {
			name = "-" + string(f.Short) + ", " + name
		}
		if !f.IsBool() {
			name += "=" + f.FormatPlaceHolder()
		}
		help := f.Help
		if f.Default != "" && !f.IsBool() {
			help += " Default: `" + f.Default + "`."
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(name), cell(help))
	}
	if begun {
		b.WriteString("\n")
	}
}

func rows(b *bytes.Buffer, title, first string, all [][2]string) {
	fmt.Fprintf(b, "## %s\n\n| %s | |\n| --- | --- |\n", title, first)
	for _, r := range all {
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(r[0]), cell(r[1]))
	}
	b.WriteString("\n")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func inConnection(f *kong.Flag) bool { return f.Group != nil && f.Group.Key == "connection" }

// connected tells whether a command itself has the flags that say which server.
func connected(n *kong.Node) bool {
	for _, f := range n.Flags {
		if inConnection(f) {
			return true
		}
	}
	return false
}

package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestEveryCommandIsExplained(t *testing.T) {
	w := newWorld(t)
	p := w.program(&strings.Builder{}, &strings.Builder{})
	parser, err := newParser(&grammar{}, p)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		if n.Hidden {
			return
		}
		if n.Parent != nil {
			if !strings.HasSuffix(n.Help, ".") {
				t.Errorf("%s has no sentence: %q", commandName(n), n.Help)
			}
			words := strings.Fields(commandName(n))[1:]
			contains(t, w.good(append(words, "--help")...), "Usage: vaultpam "+strings.Join(words, " "), n.Help[:min(len(n.Help), 20)])
			if n.Parent.Parent == nil {
				contains(t, w.good("help", words[0]), "Usage: ")
			}
			if n.Parent.Parent == nil && !slices.ContainsFunc(sections, func(s struct{ key, title string }) bool { return s.key == n.Tag.Get("section") }) {
				t.Errorf("%s is under no heading", commandName(n))
			}
		}
		for _, f := range n.Flags {
			if !f.Hidden && !strings.HasSuffix(f.Help, ".") {
				t.Errorf("%s --%s has no sentence: %q", commandName(n), f.Name, f.Help)
			}
		}
		for _, a := range n.Positional {
			if !strings.HasSuffix(a.Help, ".") {
				t.Errorf("%s <%s> has no sentence: %q", commandName(n), a.Name, a.Help)
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(parser.Model.Node)
}

func TestExitCodesAreFaults(t *testing.T) {
	rows := exitCodes()
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		code := fmt.Sprint(fault.ExitCode(fault.New(k, "")))
		if !slices.ContainsFunc(rows, func(r [2]string) bool { return r[0] == code }) {
			t.Errorf("exit status %s is not explained", code)
		}
	}
}

func TestWhatIsMistypedIsProposed(t *testing.T) {
	w := newWorld(t)
	for want, args := range map[string][]string{
		`vaultpam has no command "sesions"; did you mean "sessions"?`:                   {"sesions"},
		`vaultpam safes has no command "shw"; did you mean "show"? (see vaultpam safes`: {"safes", "shw"},
		`unknown flag --jsn, did you mean "--json"?`:                                    {"safes", "--jsn"},
		`missing: <safe>`: {"ssh"},
		`vaultpam config needs one of its commands: check, keys`: {"config"},
		`--key`: {"audit", "verify", "x"},
		`--code-stdin and --token-stdin can't be used together`:                              {"login", "--code-stdin", "--token-stdin"},
		`must be one of "bash","zsh","fish"`:                                                 {"completion", "ksh"},
		`there is no help on "sesions"; did you mean "sessions"?`:                            {"help", "sesions"},
		`--json means nothing to a server`:                                                   {"server", "--json"},
		`unexpected argument x (see vaultpam whoami --help)`:                                 {"whoami", "x"},
		`unexpected argument [2J`:                                                            {"whoami", "\x1b[2J"},
		`give an event or --load`:                                                            {"audit", "proof", "evt_1", "--load", "x"},
		`vaultpam: "7 days" is not a time: write 2026-03-01, 2026-03-01T15:04:05Z, or how l`: {"audit", "tail", "--from", "7 days"},
	} {
		r := w.run(args...)
		if r.status == 0 || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 || strings.Contains(r.err, "\x1b") {
			t.Errorf("%v: %d %q, want %q", args, r.status, r.err, want)
		}
	}
	contains(t, w.good(), "Connect", "vaultpam login")
	contains(t, w.good("--help"), "Oversee")
	contains(t, w.good("help", "exit-codes"), "130")
	contains(t, w.good("help", "environment"), "VAULTPAM_TOKEN")
}

func TestTimes(t *testing.T) {
	p := newWorld(t).program(nil, nil)
	for s, want := range map[string]string{"90m": "2026-03-01T10:30:00Z", "7d": "2026-02-22T12:00:00Z", "2026-01-02T03:04:05+01:00": "2026-01-02T02:04:05Z", "": "0001-01-01T00:00:00Z"} {
		if got, err := moment(s).at(p.now()); err != nil || got.UTC().Format("2006-01-02T15:04:05Z") != want {
			t.Errorf("%q is %v, want %s (%v)", s, got, want, err)
		}
	}
	for _, s := range []string{"-1h", "d", "-3d", "1e9d", "99999999d", "tomorrow"} {
		if got, err := moment(s).at(p.now()); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was taken as %v", s, got)
		}
	}
	for n, want := range map[int64]string{0: "0s", 59: "59s", 60: "1m0s", 3600: "1h0m", 90061: "25h1m"} {
		if got := span(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 40: "5.0 TiB", 5000 << 40: "5000.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

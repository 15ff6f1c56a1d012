package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func (w *world) complete(words ...string) []string {
	w.t.Helper()
	return strings.Fields(w.good(append([]string{"__complete", "--"}, words...)...))
}

func TestCompletionKnowsTheGrammar(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{"sa"}, []string{"safes"}},
		{[]string{"safes", ""}, []string{"access", "create", "delete", "groups", "list", "members", "policy", "show", "update"}},
		{[]string{"--json", "safes", "members", "r"}, []string{"remove", "role"}},
		{[]string{"safes", "members", "add", "web", "jane", "--role", "m"}, []string{"manager"}},
		{[]string{"safes", "members", "add", "web", "jane", "--role=m"}, []string{"--role=manager"}},
		{[]string{"safes", "policy", "web", "--no-x"}, []string{"--no-x11-forward"}},
		{[]string{"audit", "tail", "--sev"}, []string{"--severity"}},
		{[]string{"audit", "tail", "-n", "5", "--constant", "PROXY_SSH_S"}, []string{"PROXY_SSH_SESSION_CLOSED", "PROXY_SSH_SESSION_OPENED"}},
		{[]string{"tokens", "create", "ci", "--scope", "sessions:l"}, []string{"sessions:launch"}},
		{[]string{"members", "role", "jane", "aud"}, []string{"auditor"}},
		{[]string{"completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"help", "exit"}, []string{"exit-codes"}},
		{[]string{"safes", "--a"}, []string{"--all"}},
		{[]string{"ssh", "web", "--", "l"}, nil},
		{[]string{"ssh", "web", "ls", "--js"}, nil},
		{[]string{"nonsense", "x", ""}, nil},
	} {
		if got := w.complete(c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.words, got, c.want)
		}
	}
	if got := w.complete(""); !slices.Contains(got, "ssh") || slices.Contains(got, "__complete") {
		t.Errorf("%v", got)
	}
}

func TestCompletionAsksTheServerForNames(t *testing.T) {
	w := newWorld(t)
	if got := w.complete("ssh", ""); len(got) != 0 { // nobody is signed in, and nothing is said about it
		t.Errorf("%v", got)
	}
	w.login()
	w.organization()
	evil := safeJSON("web\x1b[2J-two")
	w.gives("GET /safes", 200, listOf(safeJSON("web-prod"), safeJSON("db"), evil))
	w.gives("GET /sessions", 200, listOf(sessionJSON("live")))
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{"ssh", "web-"}, []string{"web-prod"}},
		{[]string{"ssh", "--tty", "-o", "X=y", "web-p"}, []string{"web-prod"}},
		{[]string{"safes", "show", "d"}, []string{"db"}},
		{[]string{"safes", "members", "add", "db", "o"}, []string{"oscar"}},
		{[]string{"accounts", "enable", ""}, []string{"deploy@web"}},
		{[]string{"sessions", "play", ""}, []string{sesID}},
		{[]string{"ssh", "--url", "https://127.0.0.1:1", "w"}, nil},
	} {
		if got := w.complete(c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.words, got, c.want)
		}
	}
	if got := w.complete("ssh", "web"); len(got) != 2 || strings.Contains(got[0]+got[1], "\x1b") {
		t.Errorf("%q", got)
	}
}

// TestBashCompletes runs the script in bash, with a vaultpam that tells what it was asked.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, c := range []struct{ words, says, asked, want string }{
		{`vaultpam sa`, "safes", "[sa]", "safes"},
		{`vaultpam safes ''`, "list\nshow", "[safes][]", "list|show"},
		{`vaultpam audit tail --severity = W`, "--severity=WARN", "[audit][tail][--severity=W]", "WARN"},
		{`vaultpam audit tail --severity =`, "--severity=WARN", "[audit][tail][--severity=]", "WARN"},
		{`vaultpam resources show web`, "web server", "[resources][show][web]", `web\ server`},
	} {
		script := bashCompletion + `
vaultpam() { shift 2; printf '[%s]' "$@" >&3; printf '%s\n' "$SAYS"; }
COMP_WORDS=(` + c.words + `); COMP_CWORD=$((${#COMP_WORDS[@]}-1))
_vaultpam 3>&1
echo; (IFS='|'; echo "${COMPREPLY[*]}")
`
		script = strings.Replace(script, "2>/dev/null)", ")", 1)
		cmd := exec.Command(bash, "--norc", "-c", script)
		cmd.Env = append(cmd.Environ(), "SAYS="+c.says)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != c.asked+"\n"+c.want+"\n" {
			t.Errorf("%s: %v\n%s", c.words, err, out)
		}
	}
}

// fakeProgram is a folder with a vaultpam that answers completions with list and
// show, and files for what it has no answer to.
func fakeProgram(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in '__complete -- safes ') printf 'list\\nshow\\n' ;; '__complete -- safes l') echo list ;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "vaultpam"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"script": zshCompletion, "checkpoint.txt": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, append(os.Environ(), "HOME="+dir, "PATH="+dir+":"+os.Getenv("PATH"), "TERM=dumb")
}

func TestFishCompletes(t *testing.T) {
	fish := shellOf(t, "fish")
	dir, env := fakeProgram(t)
	for line, want := range map[string]string{"vaultpam safes ": "list\nshow\n", "vaultpam audit verify check": "checkpoint.txt\n"} {
		cmd := exec.Command(fish, "--no-config", "-c", fishCompletion+"\ncomplete -C '"+line+"'")
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%q: %v\n%s", line, err, out)
		}
	}
}

func TestZshCompletes(t *testing.T) {
	zsh := shellOf(t, "zsh")
	dir, env := fakeProgram(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for line, want := range map[string]string{"vaultpam safes l": "vaultpam safes list ", "vaultpam audit verify check": "vaultpam audit verify checkpoint.txt "} {
		// A real line editor in a pseudo-terminal: what the Tab key makes of the line is shown by a key of ours.
		cmd := exec.CommandContext(ctx, zsh, "-f", "-c", `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'autoload -Uz compinit; compinit -u -D; source script; show() { print -r -- "<$BUFFER>" > shown; }; zle -N show; bindkey "^X" show; PS1=; print -r rea""dy'
zpty -r z out '*ready*'
zpty -n -w z "$LINE"$'\t\x18'
until [[ -s shown ]]; do zpty -rt z out; sleep 0.02; done
print -rn -- "$(<shown)"
zpty -d z`)
		cmd.Dir, cmd.Env = dir, append(env, "LINE="+line)
		os.Remove(filepath.Join(dir, "shown"))
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "<"+want+">" {
			t.Errorf("%q: %v\n%s", line, err, out)
		}
	}
}

// shellOf finds a shell. Without it the test is skipped, or fails where REQUIRE_TOOLS=1.
func shellOf(t *testing.T, name string) string {
	t.Helper()
	shell, err := exec.LookPath(name)
	if err != nil && os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return shell
}

// Package test drives the product from outside: the built binary, over its API,
// its SSH gateway and its command line, with OpenSSH's own client and server, on
// SQLite and on PostgreSQL. It imports the product only for what a stranger could
// write from the documents as well: verifying an export, reading a stored
// recording, finding a database to test on.
//
// Most tests share one server for each store and make an organization of their
// own in it (newWorld). What a test claims to have seen in the ledger it claims
// through saw, which counts for the event coverage that TestMain writes. When a
// world closes, its whole ledger is exported, verified and searched for secrets;
// when all is over so are the servers' logs and data folders.
package test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

// The environment that steers the tests.
const (
	envBinary   = "VAULTPAM_TEST_BINARY"         // a built binary for all; without it the server's is built with the race detector, the commands' without
	envCoverage = "VAULTPAM_TEST_EVENT_COVERAGE" // the file for the event coverage
	envKeep     = "VAULTPAM_TEST_KEEP"           // leave data folders and logs behind
)

// work is the folder of everything that outlives one test.
var work string

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given { // they wait for limits and machines more than they compute
		flag.Set("test.parallel", "8")
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "vaultpam-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(envKeep) == "" {
		defer os.RemoveAll(work)
	} else {
		fmt.Fprintln(os.Stderr, "kept:", work)
	}
	if err := os.Chmod(work, 0o755); err != nil { // other users run servers below it
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, binary := range []func() (string, error){serverBinary, commandBinary} { // never in the middle of a test: codes and clocks run there
		if _, err := binary(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	if err := errors.Join(closeShared(), closePhoneServers(), closeForever()); err != nil {
		fmt.Printf("--- FAIL: after all tests\n%v\nFAIL\n", err)
		code = max(code, 1)
	}
	if left, err := commandsLeft(); code == 0 && (err != nil || len(left) > 0) {
		fmt.Printf("--- FAIL: after all tests\nno test runs these commands with success: %s %v\nFAIL\n", strings.Join(left, ", "), err)
		code = 1
	}
	if file := os.Getenv(envCoverage); file != "" {
		if err := writeCoverage(file); err != nil {
			fmt.Fprintln(os.Stderr, "event coverage:", err)
			code = max(code, 1)
		}
	}
	return code
}

// notSQLite keeps the race detector out of the database engine, as scripts/test/all.sh
// does and tells why.
const notSQLite = "-gcflags=modernc.org/sqlite/lib=-race=false"

// serverBinary and commandBinary build the product, each once for all tests. The race
// detector watches the server. It does not watch the commands, whose package has tests
// of its own under it: hundreds of short runs would spend their time on being watched.
var (
	serverBinary = sync.OnceValues(func() (string, error) {
		return build(binaryPath("vaultpam"), "-race", notSQLite)
	})
	commandBinary = sync.OnceValues(func() (string, error) { return build(commandPath()) })
)

// commandPath is where the commands' binary is.
func commandPath() string { return binaryPath("command/vaultpam") }

func binaryPath(name string) string {
	if b := os.Getenv(envBinary); b != "" {
		abs, err := filepath.Abs(b)
		if err != nil {
			return b
		}
		return abs
	}
	return filepath.Join(work, name)
}

func build(out string, flags ...string) (string, error) {
	if os.Getenv(envBinary) != "" {
		return out, nil
	}
	cmd := exec.Command("go", slices.Concat([]string{"build"}, flags, []string{"-o", out, "../cmd/vaultpam"})...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // which the race detector needs, and vet has compiled for
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w\n%s", err, text)
	}
	return out, nil
}

// theBinary is what servers are started from.
func theBinary(t testing.TB) string {
	t.Helper()
	return built(t, serverBinary)
}

// theCommand is what people type.
func theCommand(t testing.TB) string {
	t.Helper()
	return built(t, commandBinary)
}

func built(t testing.TB, binary func() (string, error)) string {
	t.Helper()
	b, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// need gives the path of a tool. Without it the test is skipped, or fails where REQUIRE_TOOLS=1.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if path = filepath.Join("/usr/sbin", name); exec.Command("test", "-x", path).Run() == nil {
		return path
	}
	without(t, name+" is needed: "+err.Error())
	return ""
}

// without skips a test that cannot run on this machine, or fails it where REQUIRE_TOOLS=1.
func without(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// coverage is which test saw which event in a ledger.
var coverage = struct {
	sync.Mutex
	by map[string]string
}{by: map[string]string{}}

// covered counts an event as seen by t, unless t fails after all.
func covered(t testing.TB, constant string) {
	name := t.Name()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		coverage.Lock()
		defer coverage.Unlock()
		if was := coverage.by[constant]; was == "" || name < was {
			coverage.by[constant] = name // the same whatever ran first
		}
	})
}

// writeCoverage writes a line for each public event of the catalog.
func writeCoverage(file string) error {
	out := map[string]*string{}
	for _, d := range event.Catalog() {
		if d.Tier != event.Public {
			continue
		}
		out[string(d.Constant)] = nil
		if name := coverage.by[string(d.Constant)]; name != "" {
			out[string(d.Constant)] = &name
		}
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// oneLine holds for a message of one line that is not empty.
func oneLine(s string) bool {
	s = strings.TrimSuffix(s, "\n")
	return s != "" && !strings.ContainsAny(s, "\r\n")
}

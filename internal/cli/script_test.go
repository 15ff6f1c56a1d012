package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts call this very code as vaultpam.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vaultpam": func() {
		os.Exit(Run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}})
}

// TestScripts runs what works without a server, each in a folder with bundles of a
// small ledger: an intact one, and one for each way to tamper.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			l := newLedger(t, 9)
			files := l.bundles()
			files["key"] = []byte("# the key of the ledger\n" + l.vkey + "\n")
			files["stranger"] = []byte(strangerKey(t) + "\n")
			files["since5"] = []byte(l.checkpoint(5))
			files["since9"] = []byte(l.checkpoint(9))
			dir := filepath.Join(env.WorkDir, "ledger")
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
					return err
				}
			}
			env.Setenv("VAULTPAM_HOME", filepath.Join(env.WorkDir, "home"))
			return nil
		},
	})
}

package recording

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// The program on the format's page gives the root hash that the ledger holds.
func TestThePageComputesTheRoot(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/recording-format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "```python\n")
	program, _, ok := strings.Cut(program, "```")
	if !ok {
		t.Fatal("the page has no program")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip("python3 is not installed")
	}
	s := openStore(t)
	w := create(t, s)
	w.Write(Frame{Channel: 1, Kind: Output, Data: load("random", 3<<20)})
	sum := closeWriter(t, w)
	out, err := exec.CommandContext(t.Context(), python, "-c", program, filepath.Join(s.cfg.Dir, string(w.ID())+suffix)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != hex.EncodeToString(sum.Root[:]) {
		t.Errorf("%v: the program says %s, the root is %s of %d chunks", err, out, hex.EncodeToString(sum.Root[:]), sum.Chunks)
	}
}

// Every kind of frame is on the page, under its number.
func TestThePageNamesEveryKind(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/recording-format.md")
	if err != nil {
		t.Fatal(err)
	}
	for k := format.Output; k <= format.Gap; k++ {
		if !strings.Contains(string(page), k.String()) {
			t.Errorf("%s (%d) is missing", k, k)
		}
	}
}

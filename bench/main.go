// Command bench measures the running product against named peers on the same
// machine in the same run: OpenSSH's own `ssh -J` for everything that a person
// feels, the plain store for the ledger. What it says are ratios; the absolute
// numbers belong to the machine.
//
// Each line of the table is one promise about speed. Runs of ours and of the
// peer alternate, after one run of each that does not count, and medians are
// taken, so that a machine that is busy with something else harms both alike.
// A missed bar is said and is no error; the exit status is 1 only when something
// could not be measured. See docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// A measure is one group of lines that share what they need.
type measure struct {
	name string // -only picks by it
	run  func(ctx context.Context, b *bench) error
}

// measures in the order in which they run: the quiet ones first, while nothing
// that they leave behind (dirty pages, recordings being verified) disturbs.
var measures = []measure{
	{"keystroke", keystrokes},
	{"sign-in", signIns},
	{"flood", flooded},
	{"command", commands},
	{"members", memberPages},
	{"memory", idleSessions},
	{"terminal", terminalSize},
	{"bulk", bulk},
	{"policy", policyDecisions},
	{"ledger", ledgerRate},
	{"proof", ledgerProof},
}

// bench is one run.
type bench struct {
	dir     string // everything that the run needs, removed at its end
	bin     string
	profile string // folder for CPU profiles of the server; empty: none
	quick   bool
	report  report
	world   *world // nil until a measure needs the product
}

// pick chooses between the numbers of a full and of a quick run.
func (b *bench) pick(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

func main() {
	out := flag.String("o", "", "write the lines as JSON to this `file`")
	only := flag.String("only", "", "measure only groups whose name matches this `regexp`: keystroke, sign-in, flood, members, command, memory, terminal, bulk, policy, ledger, proof")
	quick := flag.Bool("quick", false, "fewer runs and a smaller ledger")
	bin := flag.String("bin", "", "product `binary` to measure; built from ./cmd/vaultpam when empty")
	dir := flag.String("dir", "", "`folder` for the data of the run; it should be on the disk that counts (default: the system's temporary folder)")
	profile := flag.String("profile", "", "write CPU profiles of the server, or of the ledger, into this `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, *out, *only, *dir, &bench{bin: *bin, quick: *quick, profile: *profile}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only, under string, b *bench) (err error) {
	want, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if b.dir, err = os.MkdirTemp(under, "vaultpam-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o711); err != nil { // PostgreSQL runs as somebody else
		return err
	}
	defer func() {
		if b.world != nil {
			b.world.stop()
		}
	}()
	fmt.Println(machine())
	var failed []error
	for _, m := range measures {
		if !want.MatchString(m.name) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		fmt.Printf("measuring %s (load %s) ...\n", m.name, load())
		if err := m.run(ctx, b); err != nil {
			err = fmt.Errorf("%s could not be measured: %w", m.name, err)
			fmt.Fprintln(os.Stderr, err)
			failed = append(failed, err)
			continue
		}
		fmt.Printf("measuring %s took %s\n", m.name, time.Since(began).Round(time.Second))
	}
	b.report.print(os.Stdout)
	if out != "" {
		failed = append(failed, b.report.write(out))
	}
	return errors.Join(append(failed, ctx.Err())...)
}

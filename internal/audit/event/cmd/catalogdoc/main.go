// Command catalogdoc writes the public pages of the audit event catalog from the Go
// types. With --check it writes nothing and exits with 1 when a page is stale.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/vaultpam/vaultpam/internal/audit/event/catalogdoc"
)

func main() {
	check := flag.Bool("check", false, "write nothing; exit with 1 when a page differs")
	root := flag.String("root", ".", "the root of the repository")
	flag.Parse()
	do := catalogdoc.Write
	if *check {
		do = catalogdoc.Check
	}
	if err := do(*root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

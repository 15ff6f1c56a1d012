// Command coverage prints which events of the public catalog an end-to-end test
// has seen in a ledger, and fails when they are fewer than the committed floor.
//
// Of several files each adds what it has: one run, and what was run once more.
//
//	go run ./test/coverage build/event-coverage.json
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: coverage FILE...")
		os.Exit(2)
	}
	n, err := report(os.Stdout, os.Args[1:]...)
	var least int
	if err == nil {
		least, err = floor()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(2)
	}
	if n < least {
		fmt.Fprintf(os.Stderr, "coverage: %d events are covered, and at least %d have to be (test/coverage/floor)\n", n, least)
		os.Exit(1)
	}
}

// report prints the table and gives the number of covered events.
func report(w io.Writer, files ...string) (covered int, err error) {
	seen := map[string]*string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var of map[string]*string
		if err := json.Unmarshal(text, &of); err != nil {
			return 0, fmt.Errorf("%s is not an event coverage: %w", file, err)
		}
		for constant, test := range of {
			if test != nil {
				seen[constant] = test
			}
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var category event.Category
	var categories []event.Category
	all, have := map[event.Category]int{}, map[event.Category]int{}
	for _, d := range event.Catalog() {
		if d.Tier != event.Public {
			continue
		}
		if d.Category != category {
			category = d.Category
			categories = append(categories, category)
			fmt.Fprintf(table, "\n%s\n", category)
		}
		all[category]++
		test := "-"
		if name := seen[string(d.Constant)]; name != nil {
			test = *name
			have[category]++
			covered++
		}
		fmt.Fprintf(table, "  %s\t%s\n", d.Constant, test)
	}
	fmt.Fprintln(table)
	total := 0
	for _, c := range categories {
		fmt.Fprintf(table, "%s\t%d of %d\n", c, have[c], all[c])
		total += all[c]
	}
	fmt.Fprintf(table, "all\t%d of %d\n", covered, total)
	return covered, table.Flush()
}

// floor is the number of events that stay covered. It only grows.
func floor() (int, error) {
	return strconv.Atoi(strings.TrimSpace(floorText))
}

//go:embed floor
var floorText string

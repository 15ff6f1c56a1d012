package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// A line is one measured promise. Where there is a ratio the bar is on it, else
// on ours.
type line struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit"`
	Ours  float64  `json:"ours"`
	Peer  *float64 `json:"peer"`  // null: the promise names no peer
	Ratio *float64 `json:"ratio"` // ours to the peer's; null: the bar is on ours
	Bar   float64  `json:"bar"`
	OK    bool     `json:"ok"`

	atLeast bool // the bar is a floor, not a ceiling
}

// report is what a run found out.
type report struct {
	lines []line
	notes []string // what was measured beside, for understanding only
}

// atLeast and atMost add a line whose bar is on the ratio.
func (r *report) atLeast(bar float64, name, unit string, p pairs) { r.ratio(true, bar, name, unit, p) }
func (r *report) atMost(bar float64, name, unit string, p pairs)  { r.ratio(false, bar, name, unit, p) }

func (r *report) ratio(atLeast bool, bar float64, name, unit string, p pairs) {
	ratio, peer := p.ratio(), median(p.peer)
	r.add(line{Name: name, Unit: unit, Ours: median(p.ours), Peer: &peer, Ratio: &ratio, Bar: bar, atLeast: atLeast, OK: keeps(ratio, bar, atLeast)})
}

// value adds a line whose bar is on the number itself. peer is beside it, or NaN.
func (r *report) value(atLeast bool, bar float64, name, unit string, ours, peer float64) {
	l := line{Name: name, Unit: unit, Ours: ours, Bar: bar, atLeast: atLeast, OK: keeps(ours, bar, atLeast)}
	if !math.IsNaN(peer) {
		l.Peer = &peer
	}
	r.add(l)
}

func keeps(v, bar float64, atLeast bool) bool {
	if atLeast {
		return v >= bar
	}
	return v <= bar
}

func (r *report) add(l line) {
	r.lines = append(r.lines, l)
	fmt.Printf("  %s: %s\n", l.Name, l.outcome())
}

func (l line) outcome() string {
	s := fmt.Sprintf("%s %s", number(l.Ours), l.Unit)
	if l.Peer != nil {
		s += fmt.Sprintf(", peer %s", number(*l.Peer))
	}
	if l.Ratio != nil {
		s += fmt.Sprintf(", ratio %.2f", *l.Ratio)
	}
	if !l.OK {
		s += "  MISSED"
	}
	return s
}

func (r *report) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	r.notes = append(r.notes, n)
	fmt.Println("  " + n)
}

func (r *report) print(w io.Writer) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tUNIT\tOURS\tPEER\tRATIO\tBAR\tOK")
	missed := 0
	for _, l := range r.lines {
		peer, ratio, sign, ok := "-", "-", "<=", "yes"
		if l.Peer != nil {
			peer = number(*l.Peer)
		}
		if l.Ratio != nil {
			ratio = fmt.Sprintf("%.2f", *l.Ratio)
		}
		if l.atLeast {
			sign = ">="
		}
		if !l.OK {
			ok = "MISSED"
			missed++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s %s\t%s\n", l.Name, l.Unit, number(l.Ours), peer, ratio, sign, number(l.Bar), ok)
	}
	t.Flush()
	if len(r.notes) > 0 {
		fmt.Fprintln(w, "\nBeside:")
		for _, n := range r.notes {
			fmt.Fprintln(w, "  "+n)
		}
	}
	fmt.Fprintf(w, "\n%d lines, %d missed\n", len(r.lines), missed)
}

func (r *report) write(file string) error {
	lines := r.lines
	if lines == nil {
		lines = []line{}
	}
	b, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// number prints v with three digits that matter.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// pairs are runs of ours and of the peer, each beside the other in time.
type pairs struct{ ours, peer []float64 }

// ratio is the median of the pairs' own ratios: what slows down both runs of a
// pair does not move it.
func (p pairs) ratio() float64 {
	all := make([]float64, len(p.ours))
	for i := range all {
		all[i] = p.ours[i] / p.peer[i]
	}
	return median(all)
}

// inverse turns times into rates of n.
func (p pairs) inverse(n float64) pairs {
	turn := func(s []float64) []float64 {
		out := make([]float64, len(s))
		for i, v := range s {
			out[i] = n / v
		}
		return out
	}
	return pairs{turn(p.ours), turn(p.peer)}
}

// alternate runs ours and peer n times by turns, after one run of each that does
// not count. Each returns how long it took, in seconds.
func alternate(n int, ours, peer func() (float64, error)) (p pairs, err error) {
	for i := range n + 1 {
		for _, side := range []struct {
			f  func() (float64, error)
			to *[]float64
		}{{ours, &p.ours}, {peer, &p.peer}} {
			v, err := side.f()
			if err != nil {
				return p, err
			}
			if i > 0 {
				*side.to = append(*side.to, v)
			}
		}
	}
	return p, nil
}

func median(s []float64) float64 { return quantile(s, 0.5) }

// quantile is that of s, between two values their mixture.
func quantile(s []float64, q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	o := slices.Sorted(slices.Values(s))
	at := q * float64(len(o)-1)
	i := int(at)
	if i+1 == len(o) {
		return o[i]
	}
	return o[i] + (at-float64(i))*(o[i+1]-o[i])
}

// machine says what the absolute numbers belong to.
func machine() string {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	version, _ := exec.Command("ssh", "-V").CombinedOutput() // only shown
	return fmt.Sprintf("%d x %s, %s, %s, load %s", runtime.NumCPU(), cpu, runtime.Version(), strings.TrimSpace(string(version)), load())
}

// load is how busy the machine is with whatever else, in the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(b))[0]
}

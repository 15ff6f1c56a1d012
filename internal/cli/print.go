package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
)

func clean(s string) string { return terminal.Clean(s) }

// cleanf fills a text of ours with words of others. A trailing space stays.
func cleanf(format string, args ...any) string {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = clean(s)
		}
	}
	return fmt.Sprintf(format, args...)
}

// show prints an answer: as JSON where that is wanted, otherwise by human.
func (p *program) show(a client.Answer, human func()) error {
	if p.json {
		p.raw(a.Body)
		return nil
	}
	human()
	return nil
}

// raw prints JSON that came from the server.
func (p *program) raw(text []byte) {
	var b bytes.Buffer
	if len(bytes.TrimSpace(text)) == 0 || json.Indent(&b, text, "", "  ") != nil {
		b.Reset()
		b.WriteString("{}")
	}
	fmt.Fprintf(p.out, "%s\n", terminal.JSON(b.Bytes()))
}

// line prints JSON that came from the server on one line.
func (p *program) line(text []byte) error {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return fault.New(fault.Internal, "the server's answer is not of the expected form; is it a VaultPAM server of this version?").Because(err)
	}
	_, err := fmt.Fprintf(p.out, "%s\n", terminal.JSON(b.Bytes()))
	return err
}

// value prints a value of ours as JSON.
func (p *program) value(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	_, err := p.out.Write(terminal.JSON(b.Bytes()))
	return err
}

// sayf prints sentences that were asked for.
func (p *program) sayf(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = terminal.Paragraph(s)
		}
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// notef prints what is said besides, on standard error.
func (p *program) notef(format string, args ...any) {
	fmt.Fprintln(p.errw, cleanf(format, args...))
}

// done tells that an act succeeded which has no answer.
func (p *program) done(format string, args ...any) {
	if p.json {
		p.raw(nil)
		return
	}
	fmt.Fprintln(p.out, cleanf(format, args...))
}

// facts prints names and values, one a line.
func (p *program) facts(rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(p.out, "%-*s  %s\n", width, r[0], first(clean(r[1]), "-"))
	}
}

// table is rows below a head.
type table struct {
	head  []string
	rows  [][]string
	empty string // the sentence in place of a table without rows
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// moods colours the words that tell how something is. A word stands in its colour
// only at a terminal, and says the same without it.
var moods = map[string]string{
	"live": "32", "yes": "32", "enabled": "32", "completed": "32", "success": "32",
	"disabled": "33", "denied": "33", "WARN": "33", "starting": "33", "recording": "33",
	"failure": "31", "ERROR": "31", "CRITICAL": "31;1", "error": "31",
}

// colours tells whether the output may be coloured (https://no-color.org).
func (p *program) colours() bool {
	return terminal.Is(p.out) && p.env["NO_COLOR"] == "" && p.env["TERM"] != "dumb"
}

func (p *program) table(t table) {
	if len(t.rows) == 0 {
		p.notef("%s", t.empty)
		return
	}
	widths := make([]int, len(t.head))
	rows := append([][]string{t.head}, t.rows...)
	for _, row := range rows {
		for i := range row {
			if row[i] = clean(row[i]); row[i] == "" {
				row[i] = "-"
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			style := ""
			if p.colours() {
				if style = moods[cell]; n == 0 {
					style = "2"
				}
			}
			if style != "" {
				b.WriteString("\x1b[" + style + "m" + cell + "\x1b[0m")
			} else {
				b.WriteString(cell)
			}
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprint(p.out, b.String())
}

// when is a time in the reader's zone; nothing for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// span is a number of seconds for people: 45s, 2m5s, 4h0m.
func span(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d < time.Minute:
		return strconv.FormatInt(seconds, 10) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%dm", seconds/3600, seconds/60%60)
}

// size is a number of bytes for people.
func size(n int64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/step, 0
	for ; v >= step && unit < 3; unit++ {
		v /= step
	}
	return fmt.Sprintf("%.1f %s", v, []string{"KiB", "MiB", "GiB", "TiB"}[unit])
}

// yesNo is a fact in a table.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

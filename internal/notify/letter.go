package notify

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Kind names what a message tells. It stands in lists and never changes.
type Kind string

// Data is what a message of one kind tells. The kinds are the structs in the
// files letter_*.go; add one there for each new kind.
type Data interface {
	Kind() Kind
	letter(w *writer)
}

// writer composes a letter: one subject, then paragraphs, links, facts and codes
// in their order. Arguments of texts are cleaned: a string becomes one line of
// bounded length without anything invisible, a time is written in UTC, and a
// secret.Secret does not print.
type writer struct {
	base   string // the public URL of the installation
	bare   bool   // links lose their tokens, codes are left out
	shared bool   // for many eyes: the words are not said to one person
	topic  string
	parts  []part
}

type part struct {
	Text  string       `json:"text,omitempty"`
	Link  template.URL `json:"link,omitempty"`  // with Text as its label
	Fact  string       `json:"fact,omitempty"`  // with Text as its value
	Quote string       `json:"quote,omitempty"` // what a person wrote, as they wrote it
	Code  string       `json:"code,omitempty"`
}

func (w *writer) subject(format string, args ...any) {
	w.topic = bounded(fmt.Sprintf(format, shown(args)...), 150)
}

func (w *writer) text(format string, args ...any) {
	w.parts = append(w.parts, part{Text: fmt.Sprintf(format, shown(args)...)})
}

// link is a button: path of the console, with the token in the fragment.
func (w *writer) link(label, path string, token secret.Secret) {
	u := strings.TrimRight(w.base, "/") + path
	if !token.Empty() && !w.bare {
		u += "#" + url.PathEscape(token.RevealString())
	}
	w.parts = append(w.parts, part{Text: label, Link: template.URL(u)})
}

// fact is a line of the form "name: value"; an empty value leaves it out.
func (w *writer) fact(name, value string) {
	if v := line(value, maxShown); v != "" {
		w.parts = append(w.parts, part{Fact: name, Text: v})
	}
}

// quote is what a person wrote, over several lines; empty is left out.
func (w *writer) quote(s string) {
	if s = paragraph(s, 1000); s != "" {
		w.parts = append(w.parts, part{Quote: s})
	}
}

// code is a short secret that a person types.
func (w *writer) code(c secret.Secret) {
	if w.bare {
		return
	}
	w.parts = append(w.parts, part{Code: c.RevealString()})
}

const maxShown = 120 // runes of one value that somebody has typed

func shown(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case string:
			out[i] = line(v, maxShown)
		case time.Time:
			out[i] = v.UTC().Format("2 January 2006, 15:04 UTC")
		case fmt.Stringer, int, int64:
			out[i] = v
		default:
			out[i] = line(fmt.Sprint(v), maxShown)
		}
	}
	return out
}

// line is s on one line, without what is invisible, and without what mail
// programs would turn into a link of their own.
func line(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = label.Clean(s, nil)
	return bounded(strings.TrimSpace(unlinked(s)), n)
}

func paragraph(s string, n int) string {
	s = label.Clean(s, func(r rune) bool { return r == '\n' || r == '\t' })
	return bounded(strings.TrimSpace(unlinked(s)), n)
}

func unlinked(s string) string { return strings.ReplaceAll(s, "://", ": //") }

func bounded(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Rendered is a message as it is sent.
type Rendered struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

//go:embed letter.html
var layout string

var htmlLayout = template.Must(template.New("letter.html").Parse(layout))

const footer = "This message was sent by VaultPAM at %s because of what is said above. If you did not expect it, tell your administrator and do not use its links."

func render(base string, d Data, b Brand, lead []part) (Rendered, error) {
	w := writer{base: base}
	d.letter(&w)
	return finish(base, d.Kind(), w.topic, append(slices.Clone(lead), w.parts...), b)
}

// finish writes the parts as an e-mail.
func finish(base string, k Kind, topic string, parts []part, brand Brand) (Rendered, error) {
	sender := "VaultPAM"
	if brand.Name != "" {
		sender = line(brand.Name, maxShown)
	}
	foot := fmt.Sprintf(footer, strings.TrimPrefix(base, "https://"))
	out := Rendered{Subject: topic, Text: strings.TrimRight(body(parts), "\n") + "\n\n-- \n" + foot + "\n"}
	var b bytes.Buffer
	if err := htmlLayout.Execute(&b, map[string]any{"Subject": topic, "Parts": parts, "Footer": foot, "Sender": sender, "Color": buttonColor(brand)}); err != nil {
		return Rendered{}, fmt.Errorf("write the message %s: %w", k, err)
	}
	out.HTML = b.String()
	return out, nil
}

// body is the parts in plain text.
func body(parts []part) string {
	var b strings.Builder
	for i, p := range parts {
		if p.Fact == "" && i > 0 && parts[i-1].Fact != "" {
			b.WriteString("\n")
		}
		switch {
		case p.Link != "":
			fmt.Fprintf(&b, "%s:\n%s\n\n", p.Text, p.Link)
		case p.Fact != "":
			fmt.Fprintf(&b, "%s: %s\n", p.Fact, p.Text)
		case p.Quote != "":
			fmt.Fprintf(&b, "> %s\n\n", strings.ReplaceAll(p.Quote, "\n", "\n> "))
		case p.Code != "":
			fmt.Fprintf(&b, "    %s\n\n", p.Code)
		default:
			fmt.Fprintf(&b, "%s\n\n", p.Text)
		}
	}
	return b.String()
}

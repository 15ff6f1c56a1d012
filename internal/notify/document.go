package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// document is a notice as an organization's channels get it: the words of the letter
// without any one-time token, and the facts for programs. It is made once, and each
// channel writes it in its own way.
type document struct {
	Kind    Kind           `json:"kind"`
	Org     id.Org         `json:"org"`
	Subject string         `json:"subject"`
	Parts   []part         `json:"parts"`
	Details map[string]any `json:"details"`
	At      time.Time      `json:"at"`

	// Enter takes the place of the first button's link in Slack, where people read: it has
	// a one-time token. Programs, and persons by e-mail, do not get it.
	Enter string `json:"enter,omitempty"`
}

// Distinct is a notice of which an organization's channels hear once, however many
// persons get it. What it gives tells two of a kind apart.
type Distinct interface{ about() string }

// enters is a notice whose channels of people are led on by a link of their own.
type enters interface {
	entrance() (path string, token secret.Secret)
}

// share makes the document of a notice.
func share(base string, org id.Org, d Data, lead []part, now time.Time) document {
	w := writer{base: base, bare: true, shared: true}
	d.letter(&w)
	out := document{Kind: d.Kind(), Org: org, Subject: w.topic, Parts: append(slices.Clone(lead), w.parts...), Details: details(d), At: now.UTC().Truncate(time.Second)}
	if e, ok := d.(enters); ok {
		if path, token := e.entrance(); !token.Empty() {
			out.Enter = strings.TrimRight(base, "/") + path + "#" + url.PathEscape(token.RevealString())
		}
	}
	return out
}

// noticeKey is what a channel is told once; empty where each notice stands alone.
func noticeKey(d Data) string {
	one, ok := d.(Distinct)
	if !ok {
		return ""
	}
	sum := sha256.Sum256([]byte(one.about()))
	return string(d.Kind()) + "/" + hex.EncodeToString(sum[:12])
}

// details are the fields of a notice for programs: names in snake_case, times in RFC
// 3339, texts cleaned, secrets left out.
func details(d Data) map[string]any {
	v := reflect.ValueOf(d)
	out := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		switch x := v.Field(i).Interface().(type) {
		case secret.Secret:
		case string:
			if x = paragraph(x, 2000); x != "" {
				out[snake(f.Name)] = x
			}
		case time.Time:
			if !x.IsZero() {
				out[snake(f.Name)] = x.UTC().Format(time.RFC3339)
			}
		case bool, int:
			out[snake(f.Name)] = x
		case []string:
			lines := make([]string, len(x))
			for i, s := range x {
				lines[i] = line(s, 500)
			}
			out[snake(f.Name)] = lines
		default:
			if s := line(fmt.Sprint(x), maxShown); s != "" {
				out[snake(f.Name)] = s
			}
		}
	}
	return out
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// link is the first button of the document: its label and where it leads.
func (d document) link() (label, to string) {
	for _, p := range d.Parts {
		if p.Link != "" {
			return p.Text, string(p.Link)
		}
	}
	return "", ""
}

// text is the document in plain words.
func (d document) text() string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(body(d.Parts), "\n"))
	return b.String()
}

// letterOf is the document as an e-mail, for persons who hear of it in place of a
// channel that failed.
func letterOf(base string, d document) (Rendered, error) {
	return finish(base, d.Kind, d.Subject, d.Parts, Brand{})
}

// webhookBody is what a signed webhook receives (Standard Webhooks, "Payload structure").
func webhookBody(d document) ([]byte, error) {
	_, link := d.link()
	data := map[string]any{"organization_id": d.Org, "subject": d.Subject, "text": d.text(), "details": d.Details}
	if link != "" {
		data["link"] = link
	}
	return json.Marshal(map[string]any{"type": d.Kind, "timestamp": d.At.Format(time.RFC3339), "data": data})
}

// The bounds that Slack sets (Block Kit reference: header, section, button).
const (
	slackHeader = 150
	slackText   = 3000
	slackButton = 75
	slackBlocks = 45 // of 50
)

// slackBody is the document as a message of Block Kit.
func slackBody(base string, d document) ([]byte, error) {
	plainText := func(s string, n int) map[string]any {
		return map[string]any{"type": "plain_text", "text": bounded(s, n), "emoji": false}
	}
	mrkdwn := func(s string) map[string]any {
		return map[string]any{"type": "mrkdwn", "text": s, "verbatim": true}
	}
	section := func(s string) map[string]any {
		return map[string]any{"type": "section", "text": mrkdwn(bounded(s, slackText))}
	}
	blocks := []any{map[string]any{"type": "header", "text": plainText(d.Subject, slackHeader)}}
	var facts []string
	flush := func() {
		if len(facts) > 0 {
			blocks = append(blocks, section(strings.Join(facts, "\n")))
			facts = nil
		}
	}
	enter := d.Enter
	for _, p := range d.Parts {
		if p.Fact == "" {
			flush()
		}
		if p.Link != "" && enter != "" {
			p.Link, enter = template.URL(enter), ""
		}
		switch {
		case p.Link != "":
			blocks = append(blocks, map[string]any{"type": "actions", "elements": []any{
				map[string]any{"type": "button", "text": plainText(p.Text, slackButton), "url": string(p.Link)}}})
		case p.Fact != "":
			facts = append(facts, "*"+slackEscape(p.Fact)+":* "+slackEscape(p.Text))
		case p.Quote != "":
			blocks = append(blocks, section("> "+strings.ReplaceAll(slackEscape(p.Quote), "\n", "\n> ")))
		case p.Text != "":
			blocks = append(blocks, section(slackEscape(p.Text)))
		}
	}
	flush()
	blocks = blocks[:min(len(blocks), slackBlocks)]
	blocks = append(blocks, map[string]any{"type": "context", "elements": []any{mrkdwn("VaultPAM at " + slackEscape(strings.TrimPrefix(base, "https://")))}})
	return json.Marshal(map[string]any{"text": bounded(slackEscape(d.Subject), slackText), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

// slackEscape makes a text one that mentions nobody and links nowhere (Slack, "Escaping
// text"); stars and underscores in it do no more than weigh letters.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

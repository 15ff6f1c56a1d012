package declare

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// FileInvalid is the code of what is wrong with files; each line of the message is a fault.
const FileInvalid = "FILE_INVALID"

// Limits of a file, so that no file makes us work without end.
const (
	MaxFile   = 8 << 20
	maxFaults = 20
)

// place is where something stands in a file.
type place struct {
	file      string
	line, col int
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.col) }

// value is a value of a file: text, int64, bool, time.Time, values or entries.
type value struct {
	at place
	v  any
}

type (
	values  []value
	entries map[string]value
)

func (v value) get(name string) (value, bool) {
	m, _ := v.v.(entries)
	e, ok := m[name]
	return e, ok
}

func (v value) text(name string) string {
	e, _ := v.get(name)
	s, _ := e.v.(string)
	return s
}

func (v value) list(name string) values {
	e, _ := v.get(name)
	l, _ := e.v.(values)
	return l
}

// Config is what one or several files say together.
type Config struct {
	owns      []string
	stated    []string // which of the lists are there
	resources values
	groups    values
	safes     values
	policies  values
}

// part is one list of a file.
type part struct {
	name string
	list *values
}

func (c *Config) parts() []part {
	return []part{{"resources", &c.resources}, {"groups", &c.groups}, {"safes", &c.safes}, {"policies", &c.policies}}
}

// Source is a file that was read.
type Source struct {
	Name string
	Text []byte
}

// Parse reads files. Its error is a fault.Invalid that names every fault, each with
// file, line and column.
func Parse(sources ...Source) (*Config, error) {
	c := &Config{}
	var r reader
	for _, s := range sources {
		r.file = s.Name
		r.read(s.Text, c)
	}
	for _, p := range c.parts() {
		seen := map[string]place{}
		for _, v := range *p.list {
			n := strings.ToLower(v.text("name"))
			if was, twice := seen[n]; twice && n != "" {
				r.wrong(v.at, "%s has %q already, at %s", p.name, short(v.text("name")), was)
			}
			seen[n] = v.at
		}
	}
	for _, p := range c.policies {
		r.policy(p)
	}
	for _, o := range r.owned { // an empty list must be meant
		if !slices.Contains(c.stated, o.v.(string)) {
			r.wrong(o.at, "the files own %s, but have no list of them", o.v)
		}
	}
	return c, r.fault()
}

// misplaced is something wrong, and where.
type misplaced struct {
	at   place
	text string
}

// reader collects what is wrong.
type reader struct {
	file   string
	faults []misplaced
	more   int
	owned  values
}

func (r *reader) wrong(at place, format string, args ...any) {
	if len(r.faults) >= maxFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, misplaced{at, fmt.Sprintf(format, args...)})
}

func (r *reader) fault() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(r.faults, func(a, b misplaced) int {
		return cmp.Or(cmp.Compare(a.at.file, b.at.file), cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.col, b.at.col))
	})
	lines := make([]string, len(r.faults))
	for i, f := range r.faults {
		lines[i] = f.at.String() + ": " + strings.ReplaceAll(f.text, "\n", " ")
	}
	if r.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", r.more))
	}
	return fault.New(fault.Invalid, "%s", strings.Join(lines, "\n")).WithCode(FileInvalid)
}

func (r *reader) at(n *yaml.Node) place { return place{r.file, n.Line, n.Column} }

func (r *reader) read(b []byte, c *Config) {
	if len(b) > MaxFile {
		r.wrong(place{r.file, 1, 1}, "the file is larger than %d MiB", MaxFile>>20)
		return
	}
	dec, documents := yaml.NewDecoder(bytes.NewReader(b)), 0
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.wrong(r.syntax(err), "this is not YAML: %s", strings.TrimPrefix(lineOf.ReplaceAllString(err.Error(), ""), "yaml: "))
			return
		}
		if len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
			continue // an empty document
		}
		documents++
		v, ok := r.value(doc.Content[0], top, "")
		if !ok {
			continue
		}
		for _, o := range v.list("owns") {
			if !slices.Contains(c.owns, o.v.(string)) {
				c.owns, r.owned = append(c.owns, o.v.(string)), append(r.owned, o)
			}
		}
		for _, p := range c.parts() {
			if _, ok := v.get(p.name); ok {
				c.stated = append(c.stated, p.name)
			}
			*p.list = append(*p.list, v.list(p.name)...)
		}
	}
	if documents == 0 {
		r.wrong(place{r.file, 1, 1}, "there is nothing in it: begin with apiVersion: %s", Version)
	}
}

var lineOf = regexp.MustCompile(`line (\d+): `)

func (r *reader) syntax(err error) place {
	p := place{r.file, 1, 1}
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		p.line, _ = strconv.Atoi(m[1])
	}
	return p
}

// secretKeys are keys that would hold a secret, without - and _ and in lower case.
var secretKeys = regexp.MustCompile(`password|passwd|passphrase|secret|privatekey|token|apikey|credential|sshkey|^key$`)

// secretText is what only a secret looks like.
var secretText = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY|\bvp[a-z]{2,4}_[A-Za-z0-9_-]{40,}`)

const noSecrets = "a file of access never holds secrets; set the credential of an account with vaultpam accounts set-secret <account>, which reads it from the terminal or a file"

// value reads a node of the shape s; ok is false when something is wrong with it.
func (r *reader) value(n *yaml.Node, s shape, name string) (out value, ok bool) {
	out.at = r.at(n)
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.wrong(out.at, "anchors and aliases are not read here: write it out")
		return out, false
	}
	before := len(r.faults) + r.more
	switch s.kind {
	case object:
		out.v = r.object(n, s, name)
	case list:
		out.v = r.list(n, s, name)
	default:
		out.v = r.scalar(n, s, name)
	}
	return out, len(r.faults)+r.more == before
}

func (r *reader) object(n *yaml.Node, s shape, name string) any {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && name == "valid_hours" {
		return nil // always
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(r.at(n), "%s must be keys and values, of %s", first(name, "the file"), strings.Join(names(s.keys), ", "))
		return nil
	}
	m := entries{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Tag == "!!merge" {
			r.wrong(r.at(k), "a key must be a plain word")
			continue
		}
		known, ok := s.key(k.Value)
		switch _, twice := m[k.Value]; {
		case !ok && secretKeys.MatchString(strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(k.Value))):
			r.wrong(r.at(k), "the key %q has no place here: %s", short(k.Value), noSecrets)
		case !ok:
			r.wrong(r.at(k), "there is no key %q here; there are: %s", short(k.Value), strings.Join(names(s.keys), ", "))
		case twice:
			r.wrong(r.at(k), "the key %q is here twice", k.Value)
		default:
			e, _ := r.value(v, known.shape, k.Value)
			m[k.Value] = e
		}
	}
	for _, k := range s.keys {
		if _, ok := m[k.name]; k.must && !ok {
			r.wrong(r.at(n), "%s is missing", k.name)
		}
	}
	return m
}

func (r *reader) list(n *yaml.Node, s shape, name string) any {
	if n.Kind != yaml.SequenceNode {
		r.wrong(r.at(n), "%s must be a list; an empty one is []", name)
		return values{}
	}
	out := values{}
	seen := map[string]bool{}
	for _, item := range n.Content {
		entry := name
		if s.of.kind == object {
			entry = "an entry of " + name
		}
		v, ok := r.value(item, *s.of, entry)
		if t, is := v.v.(string); is && ok {
			if seen[strings.ToLower(t)] {
				r.wrong(v.at, "%q is in %s twice", short(t), name)
				continue
			}
			seen[strings.ToLower(t)] = true
		}
		out = append(out, v)
	}
	return out
}

func (r *reader) scalar(n *yaml.Node, s shape, name string) any {
	at := r.at(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.wrong(at, "%s must be a single value", name)
		return nil
	}
	if secretText.MatchString(n.Value) {
		r.wrong(at, "this looks like a secret: %s", noSecrets)
		return nil
	}
	bad := func(must string) any { r.wrong(at, "%s must be %s, not %q", name, must, short(n.Value)); return nil }
	switch s.kind {
	case flag:
		var v bool
		if n.Tag != "!!bool" || n.Decode(&v) != nil {
			return bad("true or false")
		}
		return v
	case number:
		v, err := strconv.ParseInt(n.Value, 10, 32)
		if err != nil || v < 0 || n.Tag != "!!int" {
			return bad("a whole number")
		}
		return v
	case span:
		d, err := time.ParseDuration(n.Value)
		if err != nil || d < 0 || d%time.Second != 0 || n.Tag == "!!int" {
			return bad("a duration in whole seconds such as 4h, 15m or 90s")
		}
		return int64(d / time.Second)
	case moment:
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, n.Value); err == nil && t.Year() < 10000 {
				return t.UTC().Truncate(time.Microsecond)
			}
		}
		return bad("a day such as 2027-01-31 or a moment such as 2027-01-31T18:00:00Z")
	case word:
		if !slices.Contains(s.words, n.Value) {
			return bad(strings.Join(s.words, ", "))
		}
	case network:
		if p, err := netip.ParsePrefix(n.Value); err == nil {
			return p.Masked().String()
		}
		ip, err := netip.ParseAddr(n.Value)
		if err != nil || ip.Zone() != "" {
			return bad("a network such as 10.0.0.0/8 or an address")
		}
		return netip.PrefixFrom(ip, ip.BitLen()).String()
	case approver:
		what, who, _ := strings.Cut(n.Value, ":")
		if n.Value != "safe" && (what != "group" && what != "person" || who == "") {
			return bad("safe, group:<name> or person:<e-mail or handle>")
		}
	}
	if name == "name" && strings.TrimSpace(n.Value) == "" {
		return bad("a name")
	}
	return n.Value
}

// policy checks what only the keys of a policy together can tell.
func (r *reader) policy(p value) {
	var said []string
	for _, k := range []string{"form", "text", "template"} {
		if _, ok := p.get(k); ok {
			said = append(said, k)
		}
	}
	if len(said) > 1 {
		r.wrong(p.at, "a policy has one of form, text and template, not %s", strings.Join(said, " and "))
	}
	if e, _ := p.get("everywhere"); e.v == true && len(p.list("safes")) > 0 {
		r.wrong(p.at, "a policy is everywhere or on the safes that it names, not both")
	}
}

func names(keys []key) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.name
	}
	return out
}

// short keeps a word of somebody's file from filling the screen.
func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

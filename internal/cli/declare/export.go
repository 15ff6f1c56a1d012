package declare

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Export writes a state as a file, which changes nothing when it is applied. Groups
// that a directory keeps are left out; policies are forms where a form can say them.
func Export(s *State) ([]byte, error) {
	p := &planner{State: s, c: &Config{}}
	file := mapping("apiVersion", Version)
	var groups, machines, safes, policies []*yaml.Node
	for _, m := range s.resources {
		if len(m.Labels) > 0 {
			n := mapping("name", m.Name)
			put(n, "labels", p.node(m.Labels, some(a(text, ""), "")))
			machines = append(machines, n)
		}
	}
	for _, g := range s.groups {
		if g.Source != "local" {
			continue
		}
		n := mapping("name", g.Name, "description", g.Description)
		var who []string
		for _, m := range g.members {
			who = append(who, first(m.Email, m.Handle))
		}
		slices.Sort(who)
		put(n, "members", p.node(who, some(a(text, ""), "")))
		groups = append(groups, n)
	}
	for _, v := range s.safes {
		n := mapping("name", v.Name, "description", v.Description, "resource", v.Resource.Name, "account", v.Account.Name)
		put(n, "settings", p.node(v.Policy, settings))
		put(n, "members", bindingsNode(v.members, "person", func(b bound) string { return s.label(b.User) }))
		put(n, "groups", bindingsNode(v.groups, "group", func(b bound) string { return s.label(b.Group) }))
		safes = append(safes, n)
	}
	for _, q := range s.policies {
		n := mapping("name", q.Name, "description", q.Description)
		put(n, "enabled", scalar("!!bool", fmt.Sprint(q.Enabled)))
		put(n, "priority", scalar("!!int", fmt.Sprint(q.Priority)))
		put(n, "everywhere", scalar("!!bool", fmt.Sprint(q.Everywhere)))
		if !q.Everywhere {
			var on []string
			for _, t := range q.Safes {
				on = append(on, t.Name)
			}
			put(n, "safes", p.node(on, some(a(text, ""), "")))
		}
		if q.Form != nil {
			form, _ := bare(plain(q.Form)).(map[string]any)
			put(n, "form", p.node(form, policyForm))
		} else {
			put(n, "text", literal(s.cedar(q.Text)+"\n"))
		}
		policies = append(policies, n)
	}
	for _, l := range []struct {
		key   string
		items []*yaml.Node
	}{{"resources", machines}, {"groups", groups}, {"safes", safes}, {"policies", policies}} {
		if len(l.items) > 0 {
			slices.SortFunc(l.items, func(a, b *yaml.Node) int { return strings.Compare(a.Content[1].Value, b.Content[1].Value) })
			put(file, l.key, &yaml.Node{Kind: yaml.SequenceNode, Content: l.items})
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(file); err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	return b.Bytes(), nil
}

func scalar(tag, v string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v} }

func str(v string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(v)
	return n
}

func literal(v string) *yaml.Node {
	n := str(v)
	n.Style = yaml.LiteralStyle
	return n
}

// mapping is an object of texts; the first stays when it is empty, others do not.
func mapping(kv ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(kv); i += 2 {
		if i == 0 || kv[i+1] != "" {
			put(n, kv[i], str(kv[i+1]))
		}
	}
	return n
}

func put(n *yaml.Node, key string, v *yaml.Node) { n.Content = append(n.Content, str(key), v) }

// node writes a value of the API as a file has it.
func (p *planner) node(v any, s shape) *yaml.Node {
	switch s.kind {
	case object:
		m, ok := v.(map[string]any)
		if !ok {
			return scalar("!!null", "null")
		}
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, k := range s.keys {
			if e, ok := m[k.field()]; ok {
				put(n, k.name, p.node(e, k.shape))
			}
		}
		return n
	case list:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		l, _ := plain(v).([]any)
		for _, e := range l {
			n.Content = append(n.Content, p.node(e, *s.of))
		}
		return n
	case flag:
		return scalar("!!bool", fmt.Sprint(v))
	case number:
		f, _ := v.(float64)
		return scalar("!!int", fmt.Sprint(int64(f)))
	}
	return str(p.words(v, s))
}

func bindingsNode(l []bound, key string, name func(bound) string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, b := range slices.SortedFunc(slices.Values(l), func(a, b bound) int { return strings.Compare(name(a), name(b)) }) {
		m := mapping(key, name(b), "role", b.Role)
		if b.EndsAt != nil {
			put(m, "until", str(moments(*b.EndsAt)))
		}
		n.Content = append(n.Content, m)
	}
	if len(l) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

// Schema is the JSON schema (2020-12) of a file, for editors.
func Schema() map[string]any {
	out := top.schema("")
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = "VaultPAM access, " + Version
	return out
}

func (s shape) schema(name string) map[string]any {
	out := map[string]any{"type": "string"}
	if s.doc != "" {
		out["description"] = s.doc
	}
	switch s.kind {
	case object:
		props, need := map[string]any{}, []string{}
		for _, k := range s.keys {
			props[k.name] = k.schema(k.name)
			if k.must {
				need = append(need, k.name)
			}
		}
		out["type"], out["properties"], out["additionalProperties"] = "object", props, false
		if name == "valid_hours" {
			out["type"] = []string{"object", "null"}
		}
		if len(need) > 0 {
			out["required"] = need
		}
	case list:
		out["type"], out["items"] = "array", s.of.schema("")
	case flag:
		out["type"] = "boolean"
	case number:
		out["type"], out["minimum"] = "integer", 0
	case word:
		out["enum"] = s.words
	case span:
		out["pattern"] = `^([0-9]+h)?([0-9]+m)?([0-9]+s)?$`
	}
	return out
}

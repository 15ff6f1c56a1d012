package declare

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Field is a value that a step changes, in words.
type Field struct {
	Name string `json:"field"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// The states of a step.
const (
	Planned = "planned"
	Done    = "done"
	Waits   = "waits" // for a second person
	Failed  = "failed"
	Left    = "not_done" // because one before it failed
)

// Step is one change that the files ask for.
type Step struct {
	Op      string   `json:"action"` // create, change, delete; add and remove: somebody or something, of the object
	Kind    string   `json:"kind"`   // resource, group, safe, policy
	Name    string   `json:"name"`
	Parts   []string `json:"parts,omitempty"` // who or what is added, removed or changed
	Fields  []Field  `json:"fields,omitempty"`
	State   string   `json:"state"`
	Action  string   `json:"governance_action_id,omitempty"` // that it waits for
	Problem string   `json:"problem,omitempty"`

	phase   int
	managed bool // a manager of the safe may do it
	needs   any  // a value with the refs that it needs
	do      func(context.Context, *run) error
	check   func(context.Context, Server) error // before anything is changed; nil: nothing to check
}

// Plan is what is to be changed, in the order in which it is made.
type Plan struct {
	Steps []*Step  `json:"changes"`
	Extra []string `json:"not_in_the_files,omitempty"` // what owns does not cover, and nobody asked to delete

	state *State
	waits map[string]string // of what is not there yet: the action that makes it
}

// The order of the steps. Rights are taken before others are given, and policies stand
// before anybody is let in to the safes that they are on.
const (
	labels = iota
	groupsMade
	groupsLeft
	safesMade
	policiesMade
	groupsJoined
	safesJoined
	safesLeft
	safesDeleted
	groupsDeleted
	policiesDeleted
)

// fresh begins the name of what has no id yet.
const fresh = "new:"

// planner compares.
type planner struct {
	faults reader
	*State
	c    *Config
	plan *Plan
}

// Compare tells what must change so that the organization is as c says. Its error names
// every person and thing that does not exist. With prune it deletes what c owns and does not name.
func Compare(s *State, c *Config, prune bool) (*Plan, error) {
	p := &planner{State: s, c: c, plan: &Plan{Steps: []*Step{}, state: s, waits: map[string]string{}}}
	for _, v := range c.resources {
		p.resourceOf(v)
	}
	for _, v := range c.groups {
		p.groupOf(v)
	}
	for _, v := range c.safes {
		p.safeOf(v)
	}
	for _, v := range c.policies {
		p.policyOf(v)
	}
	p.extra(prune)
	for _, s := range p.plan.Steps { // what needs something that waits, waits with it
		_, _ = fill(s.needs, func(ref string) (string, error) {
			if w, ok := p.plan.waits[ref]; ok {
				s.State, s.Action = Waits, w
			}
			return ref, nil
		})
	}
	slices.SortStableFunc(p.plan.Steps, func(a, b *Step) int { return a.phase - b.phase })
	return p.plan, p.faults.fault()
}

func (p *planner) step(phase int, s Step, do func(context.Context, *run) error) *Step {
	s.phase, s.do, s.State = phase, do, Planned
	p.plan.Steps = append(p.plan.Steps, &s)
	return &s
}

func (p *planner) wrong(at place, format string, args ...any) { p.faults.wrong(at, format, args...) }

func (p *planner) unknown(v value, what string) string {
	p.wrong(v.at, "there is no %s %q that you may see", what, short(fmt.Sprint(v.v)))
	return ""
}

// ref is the id of what a value names; for what the files make, its name after fresh.
func (p *planner) ref(v value, k kind) string {
	name, _ := v.v.(string)
	switch k {
	case person:
		if m, ok := p.person(name); ok {
			return m.ID
		}
		return p.unknown(v, "member of the organization")
	case group:
		if g, ok := p.group(name); ok {
			return g.ID
		}
		if _, ok := named(p.c.groups, name); ok {
			return fresh + "group:" + strings.ToLower(name)
		}
		return p.unknown(v, "group")
	case safe:
		if s, ok := p.safe(name); ok {
			return s.ID
		}
		if _, ok := named(p.c.safes, name); ok {
			return fresh + "safe:" + strings.ToLower(name)
		}
		return p.unknown(v, "safe")
	case approver:
		what, who, _ := strings.Cut(name, ":")
		switch what {
		case "group":
			return "group:" + p.ref(value{v.at, who}, group)
		case "person":
			return "person:" + p.ref(value{v.at, who}, person)
		}
	}
	return name
}

// api writes a value as the API has it.
func (p *planner) api(v value, s shape) any {
	switch w := v.v.(type) {
	case entries:
		m := map[string]any{}
		for name, e := range w {
			k, _ := s.key(name)
			m[k.field()] = p.api(e, k.shape)
		}
		return m
	case values:
		l := make([]any, len(w))
		for i, e := range w {
			l[i] = p.api(e, *s.of)
		}
		return l
	case string:
		return p.ref(v, s.kind)
	}
	return v.v
}

// plain is a value of the API for comparison: lists are sets, and what says nothing is nil.
func plain(v any) any {
	b, _ := json.Marshal(v)
	var out any
	_ = json.Unmarshal(b, &out)
	return bare(out)
}

func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			if e = bare(e); e != nil {
				m[k] = e
			}
		}
		if len(m) > 0 {
			return m
		}
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if len(v) > 0 {
			return v
		}
	case string:
		if v != "" {
			return v
		}
	case float64:
		if v != 0 {
			return v
		}
	case bool:
		if v {
			return v
		}
	}
	return nil
}

func same(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }

// differ lists the values of want that have does not have. With whole, what want does not mention is to go.
func (p *planner) differ(have, want map[string]any, s shape, whole bool) (out []Field) {
	for _, k := range s.keys {
		w, said := want[k.field()]
		if !said && !whole || same(have[k.field()], w) {
			continue
		}
		if k.kind == object && whole {
			h, _ := have[k.field()].(map[string]any)
			m, _ := w.(map[string]any)
			for _, f := range p.differ(h, m, k.shape, true) {
				f.Name = k.name + "." + f.Name
				out = append(out, f)
			}
			continue
		}
		out = append(out, Field{k.name, p.words(have[k.field()], k.shape), p.words(w, k.shape)})
	}
	return out
}

// words shows a value of the API as the file would have it.
func (p *planner) words(v any, s shape) string {
	switch v := plain(v).(type) {
	case nil:
		switch s.kind {
		case flag:
			return "false"
		case number:
			return "0"
		case list:
			return "[]"
		}
		return "none"
	case []any:
		if s.of.kind == word { // as the days of a week
			slices.SortFunc(v, func(a, b any) int {
				return slices.Index(s.of.words, fmt.Sprint(a)) - slices.Index(s.of.words, fmt.Sprint(b))
			})
		}
		l := make([]string, len(v))
		for i, e := range v {
			l[i] = p.words(e, *s.of)
		}
		return "[" + strings.Join(l, ", ") + "]"
	case map[string]any:
		var l []string
		for _, k := range s.keys {
			if e, ok := v[k.field()]; ok {
				l = append(l, k.name+": "+p.words(e, k.shape))
			}
		}
		return "{" + strings.Join(l, ", ") + "}"
	case string:
		if what, who, ok := strings.Cut(v, ":"); ok && s.kind == approver {
			return what + ":" + p.name(who)
		}
		return p.name(v)
	case float64:
		if s.kind == span {
			return duration(int64(v))
		}
		return fmt.Sprint(int64(v))
	default:
		return fmt.Sprint(v)
	}
}

// duration writes seconds as people do: 4h, 1h30m, 90s.
func duration(seconds int64) string {
	t := (time.Duration(seconds) * time.Second).String()
	if strings.HasSuffix(t, "m0s") {
		t = strings.TrimSuffix(t, "0s")
	}
	if strings.HasSuffix(t, "h0m") {
		t = strings.TrimSuffix(t, "0m")
	}
	return t
}

// said adds a field of a text to the body of a change, where a file says it otherwise.
func said(v value, name, have string, in map[string]any, fields *[]Field) {
	if e, ok := v.get(name); ok && e.v != have {
		in[name] = e.v
		*fields = append(*fields, Field{name, quoted(have), quoted(e.v.(string))})
	}
}

func quoted(s string) string {
	if strings.ContainsAny(s, "\n\"") || s == "" {
		return fmt.Sprintf("%q", s)
	}
	return s
}

func (p *planner) resourceOf(v value) {
	m, ok := p.machine(v.text("name"))
	if !ok {
		p.unknown(value{v.at, v.text("name")}, "resource")
		return
	}
	e, ok := v.get("labels")
	if !ok {
		return
	}
	shape, _ := top.key("resources")
	words, _ := shape.of.key("labels")
	want := p.api(e, words.shape)
	if same(m.Labels, want) {
		return
	}
	p.step(labels, Step{Op: "change", Kind: "resource", Name: m.Name, Fields: []Field{{"labels", p.words(m.Labels, words.shape), p.words(want, words.shape)}}},
		func(ctx context.Context, r *run) error {
			return r.change(ctx, "PATCH", "/resources/"+url.PathEscape(m.ID), m.thing, map[string]any{"labels": want})
		})
}

func (p *planner) groupOf(v value) {
	name := v.text("name")
	have, exists := p.group(name)
	members, stated := v.get("members")
	if exists && have.Source != "local" {
		if _, ok := v.get("description"); ok || stated {
			p.wrong(v.at, "the group %s is kept by your directory or single sign-on: it can be named in safes and policies, and is not edited here", have.Name)
		}
		return
	}
	ref := fresh + "group:" + strings.ToLower(name)
	in, fields := map[string]any{}, []Field{}
	if !exists {
		have = &groupState{thing: thing{Name: name}}
	} else {
		ref = have.ID
	}
	said(v, "description", have.Description, in, &fields)
	switch {
	case !exists:
		in["name"] = name
		p.step(groupsMade, Step{Op: "create", Kind: "group", Name: name, Fields: fields}, func(ctx context.Context, r *run) error {
			return r.create(ctx, "/org/groups", ref, in)
		})
	default:
		said(v, "name", have.Name, in, &fields)
		if len(in) > 0 {
			p.step(groupsMade, Step{Op: "change", Kind: "group", Name: name, Fields: fields}, func(ctx context.Context, r *run) error {
				return r.change(ctx, "PATCH", "/org/groups/"+url.PathEscape(have.ID), have.thing, in)
			})
		}
	}
	if stated {
		p.groupMembers(name, ref, have.members, members)
	}
}

func (p *planner) groupMembers(name, ref string, have []personState, want value) {
	keep := map[string]bool{}
	var add []string
	for _, v := range want.v.(values) {
		uid := p.ref(v, person)
		if uid == "" {
			continue
		}
		if keep[uid] {
			p.wrong(v.at, "%q is in members twice, by another name", short(v.v.(string)))
		}
		keep[uid] = true
		if !slices.ContainsFunc(have, func(m personState) bool { return m.ID == uid }) {
			add = append(add, uid)
		}
	}
	for _, m := range have {
		if keep[m.ID] {
			continue
		}
		p.step(groupsLeft, Step{Op: "remove", Kind: "group", Name: name, Parts: []string{"member " + first(m.Email, m.Handle)}}, func(ctx context.Context, r *run) error {
			return r.call(ctx, "DELETE", "/org/groups/"+url.PathEscape(ref)+"/members/"+url.PathEscape(m.ID), nil)
		})
	}
	for some := range slices.Chunk(add, 1000) { // as many as the API takes at once
		var parts []string
		for _, uid := range some {
			parts = append(parts, "member "+p.label(uid))
		}
		p.step(groupsJoined, Step{Op: "add", Kind: "group", Name: name, Parts: parts}, func(ctx context.Context, r *run) error {
			gid, err := r.id(ref)
			if err != nil {
				return err
			}
			return r.call(ctx, "POST", "/org/groups/"+url.PathEscape(gid)+"/members", map[string]any{"user_ids": some})
		})
	}
}

// extra deletes what the files own and do not name, or tells of it.
func (p *planner) extra(prune bool) {
	for _, kind := range p.c.owns {
		var have []thing
		base, phase, l := "/org/"+kind, groupsDeleted, p.c.groups
		switch kind {
		case "groups":
			for _, g := range p.groups {
				if g.Source == "local" {
					have = append(have, g.thing)
				}
			}
		case "safes":
			base, phase, l = "/safes", safesDeleted, p.c.safes
			for _, s := range p.safes {
				have = append(have, s.thing)
			}
		case "policies":
			phase, l = policiesDeleted, p.c.policies
			for _, q := range p.policies {
				have = append(have, q.thing)
			}
		}
		one := map[string]string{"groups": "group", "safes": "safe", "policies": "policy"}[kind]
		for _, h := range have {
			if _, ok := named(l, h.Name); ok {
				continue
			}
			if !prune {
				p.plan.Extra = append(p.plan.Extra, one+" "+h.Name)
				continue
			}
			p.step(phase, Step{Op: "delete", Kind: one, Name: h.Name}, func(ctx context.Context, r *run) error { return r.remove(ctx, base, h) })
		}
	}
}

// Deletes are the names of the safes that the plan deletes.
func (p *Plan) Deletes() (safes []string) {
	for _, s := range p.Steps {
		if s.Op == "delete" && s.Kind == "safe" {
			safes = append(safes, s.Name)
		}
	}
	return safes
}

// Count is how many steps are in a state.
func (p *Plan) Count(state string) (n int) {
	for _, s := range p.Steps {
		if s.State == state {
			n++
		}
	}
	return n
}

func merged(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, b)
	return out
}

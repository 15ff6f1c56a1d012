package declare

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// mention is a name in the text of a policy.
var mention = regexp.MustCompile(`\$\{([a-z]+):([^}\n]*)\}`)

// mentioned are the refs behind the names in a text.
func (p *planner) mentioned(v value) map[string]string {
	out := map[string]string{}
	for _, m := range mention.FindAllStringSubmatch(v.v.(string), -1) {
		k, ok := map[string]kind{"group": group, "person": person, "safe": safe}[m[1]]
		if !ok {
			p.wrong(v.at, "%s stands for nothing: write ${group:<name>}, ${person:<e-mail>} or ${safe:<name>}", short(m[0]))
			continue
		}
		out[m[0]] = p.ref(value{v.at, m[2]}, k)
	}
	return out
}

// written is a text with ids in place of names.
func written(text string, refs map[string]string, id func(string) (string, error)) (string, error) {
	var first error
	text = mention.ReplaceAllStringFunc(text, func(m string) string {
		got, err := id(refs[m])
		if err != nil && first == nil {
			first = err
		}
		return got
	})
	return strings.TrimSpace(text) + "\n", first
}

func (p *planner) policyOf(v value) {
	name := v.text("name")
	have, exists := p.policy(name)
	ref := fresh + "policy:" + strings.ToLower(name)
	if !exists {
		have = &policyState{thing: thing{Name: name}, Enabled: true, Priority: 100}
	}
	in, fields := map[string]any{}, []Field{}
	said(v, "description", have.Description, in, &fields)
	if exists {
		said(v, "name", have.Name, in, &fields)
	}
	now := map[string]any{"enabled": have.Enabled, "priority": have.Priority, "everywhere": have.Everywhere, "safes": idsOf(have.Safes)}
	want := map[string]any{}
	for _, k := range []string{"enabled", "priority", "everywhere", "safes"} {
		e, ok := v.get(k)
		if !ok {
			continue
		}
		shape, _ := policyShape.key(k)
		want[k] = p.api(e, shape.shape)
		if l, is := e.v.(values); is && len(l) > 0 {
			want["everywhere"] = false
		}
	}
	for _, f := range p.differ(now, want, policyShape, false) {
		fields = append(fields, f)
		in[f.Name] = want[f.Name]
	}
	body := p.rule(v, have, exists, in, &fields)
	if exists && len(fields) == 0 {
		return
	}
	send := func(ctx context.Context, r *run, do func(map[string]any) error) error {
		out, err := r.filled(in)
		if err != nil {
			return err
		}
		if body != nil {
			if out["text"], err = body(r.id); err != nil {
				return err
			}
		}
		return do(merged(out, map[string]any{"comment": "vaultpam apply"}))
	}
	var s *Step
	if exists {
		s = p.step(policiesMade, Step{Op: "change", Kind: "policy", Name: have.Name, Fields: fields}, func(ctx context.Context, r *run) error {
			return send(ctx, r, func(in map[string]any) error {
				return r.change(ctx, "PATCH", "/org/policies/"+url.PathEscape(have.ID), have.thing, in)
			})
		})
	} else {
		in["name"] = name
		s = p.step(policiesMade, Step{Op: "create", Kind: "policy", Name: name, Fields: fields}, func(ctx context.Context, r *run) error {
			return send(ctx, r, func(in map[string]any) error { return r.create(ctx, "/org/policies", ref, in) })
		})
	}
	s.needs = in
	s.check = func(ctx context.Context, srv Server) error {
		rule := map[string]any{}
		if f, ok := in["form"]; ok {
			rule["form"] = stand(f)
		}
		if body != nil {
			rule["text"], _ = body(func(ref string) (string, error) { return standIn(ref), nil })
		}
		if len(rule) == 0 {
			return nil
		}
		_, err := srv.Do(ctx, "POST", "/org/policies/check", nil, rule)
		return checked(err, v, "policy "+name)
	}
}

// wordsOf is what a fault says, its fields as well.
func wordsOf(f *fault.Error) string {
	out := f.Message
	for _, v := range f.Fields {
		if !strings.Contains(out, v.Message) {
			out += " (" + v.Path + " " + v.Message + ")"
		}
	}
	return out
}

// rule compares what the policy says. A form goes into in; of a text, how it is written is the answer.
func (p *planner) rule(v value, have *policyState, exists bool, in map[string]any, fields *[]Field) (body func(func(string) (string, error)) (string, error)) {
	if e, ok := v.get("text"); ok {
		refs := p.mentioned(e)
		body = func(id func(string) (string, error)) (string, error) { return written(e.v.(string), refs, id) }
		now, _ := body(func(ref string) (string, error) { return ref, nil })
		if strings.TrimSpace(now) == strings.TrimSpace(have.Text) {
			return nil
		}
		*fields = append(*fields, Field{"text", p.cedar(have.Text), strings.TrimSpace(e.v.(string))})
		return body
	}
	var want map[string]any
	if e, ok := v.get("form"); ok {
		want, _ = p.api(e, policyForm).(map[string]any)
	} else if e, ok := v.get("template"); ok {
		t, found := find(p.templates, func(t templateState) bool { return t.ID == e.v })
		if !found {
			p.unknown(e, "template")
		}
		want = t.Form
	} else {
		if !exists {
			p.wrong(v.at, "the policy %s does not exist yet: to make it, say its form, text or template", short(v.text("name")))
		}
		return nil
	}
	if exists && same(have.Form, want) {
		return nil
	}
	in["form"] = want
	if exists && have.Form == nil {
		*fields = append(*fields, Field{"text", p.cedar(have.Text), "none, it has a form"})
	}
	*fields = append(*fields, p.differ(have.Form, want, policyForm, true)...)
	return nil
}

// cedar is a text with names in place of ids.
func (s *State) cedar(text string) string {
	for _, g := range s.groups {
		text = strings.ReplaceAll(text, g.ID, "${group:"+g.Name+"}")
	}
	for _, v := range s.safes {
		text = strings.ReplaceAll(text, v.ID, "${safe:"+v.Name+"}")
	}
	for _, m := range s.people {
		if strings.Contains(text, m.ID) {
			text = strings.ReplaceAll(text, m.ID, "${person:"+first(m.Email, m.Handle)+"}")
		}
	}
	return strings.TrimSpace(text)
}

func idsOf(l []thing) []string {
	out := make([]string, len(l))
	for i, t := range l {
		out[i] = t.ID
	}
	return out
}

// standIn is an id of the right form for what has none yet, so that the server can check a policy before it is made.
func standIn(ref string) string {
	switch {
	case strings.HasPrefix(ref, fresh+"group:"):
		return string(id.New[id.Group]())
	case strings.HasPrefix(ref, fresh+"safe:"):
		return string(id.New[id.Safe]())
	}
	return ref
}

func stand(v any) any {
	out, _ := fill(v, func(ref string) (string, error) { return standIn(ref), nil })
	return out
}

// fill puts ids in the place of refs.
func fill(v any, id func(string) (string, error)) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			got, err := fill(e, id)
			if err != nil {
				return nil, err
			}
			out[k] = got
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			got, err := fill(e, id)
			if err != nil {
				return nil, err
			}
			out[i] = got
		}
		return out, nil
	case string:
		if who, ok := strings.CutPrefix(v, "group:"+fresh); ok { // an approver
			got, err := id(fresh + who)
			return "group:" + got, err
		}
		return id(v)
	}
	return v, nil
}

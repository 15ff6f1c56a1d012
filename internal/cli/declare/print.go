package declare

import (
	"fmt"
	"strings"
)

// Lines are the plan as people read it: what is added behind +, taken away behind -,
// changed behind ~.
func (p *Plan) Lines() []string {
	var out []string
	type object struct{ kind, name string }
	var order []object
	steps := map[object][]*Step{}
	for _, s := range p.Steps {
		o := object{s.Kind, s.Name}
		if steps[o] == nil {
			order = append(order, o)
		}
		steps[o] = append(steps[o], s)
	}
	for _, o := range order {
		mark := "~"
		switch steps[o][0].Op {
		case "create":
			mark = "+"
		case "delete":
			mark = "-"
		}
		out = append(out, fmt.Sprintf("%s %s %s", mark, o.kind, o.name))
		for _, s := range steps[o] {
			out = append(out, s.lines()...)
		}
	}
	return out
}

func (s *Step) lines() (out []string) {
	note := ""
	if s.State == Waits {
		note = "   waits for approval: " + s.Action
	}
	mark := map[string]string{"add": "+", "remove": "-", "change": "~"}[s.Op]
	for _, part := range s.Parts {
		out = append(out, "    "+mark+" "+part+note)
	}
	for _, f := range s.Fields {
		from, to := indent(f.From), indent(f.To)
		if s.Op == "create" {
			out = append(out, strings.TrimSuffix("    "+f.Name+": ", cut(to))+to+note)
		} else {
			out = append(out, "    "+f.Name+": "+from+" -> "+to+note)
		}
	}
	if len(out) == 0 && note != "" {
		out = append(out, " "+note)
	}
	return out
}

// cut is the space that nothing needs before a text on lines of its own.
func cut(to string) string {
	if strings.HasPrefix(to, "\n") {
		return " "
	}
	return ""
}

// indent puts a text of several lines on lines of its own.
func indent(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	return "\n        " + strings.ReplaceAll(s, "\n", "\n        ")
}

// Summary counts the changes.
func (p *Plan) Summary() string {
	n := map[string]int{}
	for _, s := range p.Steps {
		if s.State == Planned {
			n[s.Op]++
		}
	}
	if len(p.Steps) == 0 {
		return "Nothing to change: it is as the files say."
	}
	var parts []string
	for _, op := range []string{"create", "change", "add", "remove", "delete"} {
		if n[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n[op], op))
		}
	}
	if w := p.Count(Waits); w > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting for approval", w))
	}
	return "Changes: " + strings.Join(parts, ", ") + "."
}

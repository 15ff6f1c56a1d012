package declare

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func (p *planner) safeOf(v value) {
	name := v.text("name")
	have, exists := p.safe(name)
	ref := fresh + "safe:" + strings.ToLower(name)
	in, fields := map[string]any{}, []Field{}
	if exists {
		ref = have.ID
	} else {
		have = &safeState{thing: thing{Name: name}}
		for _, k := range []string{"resource", "account"} {
			if _, ok := v.get(k); !ok {
				p.wrong(v.at, "the safe %s does not exist yet: to make it, say its %s", short(name), k)
			}
		}
	}
	said(v, "description", have.Description, in, &fields)
	machine := have.Resource.ID
	if e, ok := v.get("resource"); ok && !strings.EqualFold(e.v.(string), have.Resource.Name) {
		m, found := p.machine(e.v.(string))
		if !found {
			p.unknown(e, "resource")
		}
		machine, in["resource_id"] = m.ID, m.ID
		fields = append(fields, Field{"resource", have.Resource.Name, m.Name})
	}
	if e, ok := v.get("account"); ok && (in["resource_id"] != nil || !strings.EqualFold(e.v.(string), have.Account.Name)) {
		acc, found := p.account(e.v.(string), machine)
		if !found {
			p.wrong(e.at, "there is no account %q on that resource that you may see", short(e.v.(string)))
		}
		in["account_id"] = acc.ID
		fields = append(fields, Field{"account", have.Account.Name, acc.Name})
	}
	var set map[string]any
	if e, ok := v.get("settings"); ok {
		set, _ = p.api(e, settings).(map[string]any)
	}
	if exists {
		p.safeChanged(v, have, in, fields, set)
	} else {
		in["name"] = name
		if len(set) > 0 {
			in["policy"] = set
		}
		s := p.step(safesMade, Step{Op: "create", Kind: "safe", Name: name, Fields: append(fields, p.differ(nil, set, settings, false)...)},
			func(ctx context.Context, r *run) error { return r.create(ctx, "/safes", ref, in) })
		s.check = checkSettings(v, name, set)
		p.waiting(s, "new safe "+name, ref)
	}
	p.safeMembers(v, have, name, ref)
	p.safeGroups(v, have, name, ref)
}

// waiting marks a step that somebody has asked for already, and that waits for a second person.
func (p *planner) waiting(s *Step, subject, makes string) {
	if w, ok := find(p.State.waiting, func(w waitingState) bool { return w.Subject == subject }); ok {
		s.State, s.Action = Waits, w.ID
		p.plan.waits[makes] = w.ID
	}
}

func (p *planner) safeChanged(v value, have *safeState, in map[string]any, fields []Field, set map[string]any) {
	managed := have.MyRole == "manager"
	if len(in) > 0 {
		p.step(safesMade, Step{Op: "change", Kind: "safe", Name: have.Name, Fields: fields, managed: managed}, func(ctx context.Context, r *run) error {
			return r.change(ctx, "PATCH", "/safes/"+url.PathEscape(have.ID), have.thing, in)
		})
	}
	diff := p.differ(have.Policy, set, settings, false)
	if len(diff) == 0 {
		return
	}
	s := p.step(safesMade, Step{Op: "change", Kind: "safe", Name: have.Name, Fields: diff}, func(ctx context.Context, r *run) error {
		return r.replace(ctx, "/safes/"+url.PathEscape(have.ID)+"/policy", have.thing, merged(have.Policy, set))
	})
	s.check = checkSettings(v, have.Name, merged(have.Policy, set))
	if set["recording"] == false && have.Policy["recording"] == true {
		p.waiting(s, have.ID, have.ID+" settings")
	}
}

// checkSettings has the server look at settings before anything is changed.
func checkSettings(v value, name string, set map[string]any) func(context.Context, Server) error {
	return func(ctx context.Context, srv Server) error {
		_, err := srv.Do(ctx, "POST", "/safes/check-policy", nil, stand(merged(set, nil)))
		return checked(err, v, "safe "+name)
	}
}

// checked says whose check has failed.
func checked(err error, v value, what string) error {
	if f := fault.As(err); f != nil {
		return fault.New(f.Kind, "%s: %s: %s; nothing was changed", v.at, what, wordsOf(f)).WithCode(f.Code)
	}
	return err
}

// binding is somebody or a group on a safe, as a file has it.
type binding struct {
	id, role string
	ends     time.Time
}

// bindings reads members or groups of a safe. One whose end has passed is not there.
func (p *planner) bindings(l value, key string, k kind) (out []binding) {
	seen := map[string]bool{}
	for _, v := range l.v.(values) {
		e, _ := v.get(key)
		b := binding{id: p.ref(e, k), role: first(v.text("role"), "user")}
		if t, ok := v.get("until"); ok {
			b.ends = t.v.(time.Time)
		}
		if b.id != "" && seen[b.id] {
			p.wrong(e.at, "%q is here twice", short(e.v.(string)))
		}
		seen[b.id] = true
		if b.id != "" && (b.ends.IsZero() || b.ends.After(time.Now())) {
			out = append(out, b)
		}
	}
	return out
}

func (b binding) words(name string) string { return name + " as " + b.role + ending(b.ends) }

func ending(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + moments(t)
}

// moments writes a moment as a file has it.
func moments(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

func (b binding) body(key, id string) map[string]any {
	in := map[string]any{key: id, "role": b.role}
	if !b.ends.IsZero() {
		in["ends_at"] = b.ends
	}
	return in
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (p *planner) safeMembers(v value, have *safeState, name, ref string) {
	l, ok := v.get("members")
	if !ok {
		return
	}
	want := p.bindings(l, "person", person)
	managed := have.MyRole == "manager"
	one := func(id string) string {
		return "/safes/" + url.PathEscape(have.ID) + "/members/" + url.PathEscape(id)
	}
	add := func(ctx context.Context, r *run, b binding) error {
		sid, err := r.id(ref)
		if err != nil {
			return err
		}
		return r.call(ctx, "POST", "/safes/"+url.PathEscape(sid)+"/members", b.body("user_id", b.id))
	}
	for _, b := range want {
		part := "member " + b.words(p.label(b.id))
		is, there := find(have.members, func(m bound) bool { return m.User == b.id })
		was := binding{is.User, is.Role, at(is.EndsAt)}
		switch {
		case !there:
			p.step(safesJoined, Step{Op: "add", Kind: "safe", Name: name, Parts: []string{part}, managed: managed, needs: ref}, func(ctx context.Context, r *run) error { return add(ctx, r, b) })
		case !was.ends.Equal(b.ends):
			// The API gives an end only to a new member.
			p.step(safesJoined, Step{Op: "change", Kind: "safe", Name: name, Parts: []string{part + ", was " + was.role + ending(was.ends) + "; live sessions end"}, managed: managed},
				func(ctx context.Context, r *run) error {
					if err := r.call(ctx, "DELETE", one(b.id), nil); err != nil {
						return err
					}
					return add(ctx, r, b)
				})
		case was.role != b.role:
			p.step(safesJoined, Step{Op: "change", Kind: "safe", Name: name, Parts: []string{part + ", was " + was.role}, managed: managed},
				func(ctx context.Context, r *run) error {
					return r.call(ctx, "PUT", one(b.id), map[string]any{"role": b.role})
				})
		}
	}
	for _, m := range have.members {
		if _, ok := find(want, func(b binding) bool { return b.id == m.User }); !ok {
			p.step(safesLeft, Step{Op: "remove", Kind: "safe", Name: name, Parts: []string{"member " + p.label(m.User)}, managed: managed},
				func(ctx context.Context, r *run) error { return r.call(ctx, "DELETE", one(m.User), nil) })
		}
	}
}

func (p *planner) safeGroups(v value, have *safeState, name, ref string) {
	l, ok := v.get("groups")
	if !ok {
		return
	}
	want := p.bindings(l, "group", group)
	managed := have.MyRole == "manager"
	one := func(id string) string {
		return "/safes/" + url.PathEscape(have.ID) + "/groups/" + url.PathEscape(id)
	}
	for _, b := range want {
		part := "group " + b.words(p.name(b.id))
		is, there := find(have.groups, func(g bound) bool { return g.Group == b.id })
		was := binding{is.Group, is.Role, at(is.EndsAt)}
		switch {
		case !there:
			p.step(safesJoined, Step{Op: "add", Kind: "safe", Name: name, Parts: []string{part}, managed: managed, needs: ref}, func(ctx context.Context, r *run) error {
				sid, err := r.id(ref)
				if err != nil {
					return err
				}
				gid, err := r.id(b.id)
				if err != nil {
					return err
				}
				return r.call(ctx, "POST", "/safes/"+url.PathEscape(sid)+"/groups", b.body("group_id", gid))
			})
		case was.role != b.role || !was.ends.Equal(b.ends):
			in := map[string]any{"role": b.role, "version": is.Version}
			if b.ends.IsZero() {
				in["no_end"] = true
			} else {
				in["ends_at"] = b.ends
			}
			p.step(safesJoined, Step{Op: "change", Kind: "safe", Name: name, Parts: []string{part + ", was " + was.role + ending(was.ends)}, managed: managed},
				func(ctx context.Context, r *run) error { return r.call(ctx, "PATCH", one(b.id), in) })
		}
	}
	for _, g := range have.groups {
		if _, ok := find(want, func(b binding) bool { return b.id == g.Group }); !ok {
			p.step(safesLeft, Step{Op: "remove", Kind: "safe", Name: name, Parts: []string{"group " + p.label(g.Group)}, managed: managed},
				func(ctx context.Context, r *run) error {
					return r.remove(ctx, "/safes/"+url.PathEscape(have.ID)+"/groups", thing{ID: g.Group, Version: g.Version})
				})
		}
	}
}

// name is label, also of what the files make.
func (p *planner) name(ref string) string {
	if rest, ok := strings.CutPrefix(ref, fresh); ok {
		kind, name, _ := strings.Cut(rest, ":")
		l := p.c.groups
		if kind == "safe" {
			l = p.c.safes
		}
		if v, ok := named(l, name); ok {
			return v.text("name")
		}
		return name
	}
	return p.label(ref)
}

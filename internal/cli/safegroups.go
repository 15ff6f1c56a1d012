package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type safesGroupsCmd struct {
	List   safeGroupsListCmd   `cmd:"" help:"List the groups that are bound to a safe."`
	Add    safeGroupsAddCmd    `cmd:"" help:"Bind a group to a safe."`
	Change safeGroupsChangeCmd `cmd:"" help:"Change the role or the end of a group on a safe."`
	Remove safeGroupsRemoveCmd `cmd:"" help:"Unbind a group; who reached the safe by nothing else loses it."`
}

// safeGroup is a group that is bound to a safe.
type safeGroup struct {
	GroupID string     `json:"group_id"`
	Name    string     `json:"name"`
	Members int        `json:"members"`
	Role    string     `json:"role"`
	EndsAt  *time.Time `json:"ends_at"`
	Version int64      `json:"version"`
}

func (g safeGroup) names() []string { return []string{g.GroupID, g.Name} }

// ends says until when something holds.
func ends(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// parseEnd reads an end: a moment, a day, or how long from now.
func parseEnd(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil && !t.IsZero() {
			return t, nil
		}
	}
	days, ok := strings.CutSuffix(text, "d")
	if n, err := strconv.Atoi(days); ok && err == nil && n > 0 && n < 36500 {
		return time.Now().AddDate(0, 0, n), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return time.Now().Add(d), nil
	}
	return time.Time{}, fault.New(fault.Invalid, "%q is no end: write it as 8h, 30d, 2026-12-31 or 2026-12-31T18:00:00Z", text)
}

type safeGroupsListCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
}

// Run lists the groups of a safe.
func (c *safeGroupsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/safes/%s/groups", s.ID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"GROUP", "MEMBERS", "ROLE", "UNTIL"}, empty: "No group is bound to this safe: vaultpam safes groups add " + s.Name + " <group>"}
	return showList(p, l, t, func(g safeGroup) []string {
		return []string{g.Name, strconv.Itoa(g.Members), g.Role, ends(g.EndsAt)}
	})
}

type safeGroupsAddCmd struct {
	Safe  string `arg:"" complete:"safe" help:"Name or id."`
	Group string `arg:"" complete:"group" help:"Name or id."`
	Role  string `enum:"user,checkout,approver,manager" default:"user" help:"What its members may do: user (open sessions), checkout, approver, manager."`
	Until string `placeholder:"WHEN" help:"The clock ends it then: 8h, 30d, 2026-12-31."`
}

// Run binds a group to a safe.
func (c *safeGroupsAddCmd) Run(ctx context.Context, p *program) error {
	end, err := parseEnd(c.Until)
	if err != nil {
		return err
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	g, err := r.findGroup(ctx, c.Group)
	if err != nil {
		return err
	}
	in := map[string]any{"group_id": g.ID, "role": c.Role}
	if !end.IsZero() {
		in["ends_at"] = end
	}
	a, err := r.post(ctx, path("/safes/%s/groups", s.ID), in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("The members of %s are %s of %s.", g.Name, c.Role, s.Name) })
}

// bound finds a safe and one of its groups.
func (p *program) bound(ctx context.Context, safeName, group string) (*remote, safe, safeGroup, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, safe{}, safeGroup{}, err
	}
	s, err := r.findSafe(ctx, safeName)
	if err != nil {
		return nil, s, safeGroup{}, err
	}
	g, err := find[safeGroup](ctx, r, path("/safes/%s/groups", s.ID), "group of "+s.Name, group)
	return r, s, g, err
}

type safeGroupsChangeCmd struct {
	Safe  string `arg:"" complete:"safe" help:"Name or id."`
	Group string `arg:"" complete:"group" help:"Name or id."`
	Role  string `enum:",user,checkout,approver,manager" default:"" help:"user, checkout, approver or manager."`
	Until string `placeholder:"WHEN" help:"The clock ends it then: 8h, 30d, 2026-12-31."`
	NoEnd bool   `help:"Take the end away."`
}

// Run changes the binding of a group. What no flag names stays.
func (c *safeGroupsChangeCmd) Run(ctx context.Context, p *program) error {
	end, err := parseEnd(c.Until)
	if err != nil {
		return err
	}
	in := map[string]any{}
	if c.Role != "" {
		in["role"] = c.Role
	}
	switch {
	case c.NoEnd && c.Until != "":
		return fault.New(fault.Invalid, "say --until or --no-end, not both")
	case c.NoEnd:
		in["no_end"] = true
	case !end.IsZero():
		in["ends_at"] = end
	}
	if len(in) == 0 {
		return fault.New(fault.Invalid, "say what should change: --role, --until or --no-end")
	}
	r, s, g, err := p.bound(ctx, c.Safe, c.Group)
	if err != nil {
		return err
	}
	in["version"] = g.Version
	a, err := r.call(ctx, http.MethodPatch, path("/safes/%s/groups/%s", s.ID, g.GroupID), nil, in)
	if err != nil {
		return err
	}
	if err := a.Into(&g); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("The members of %s are %s of %s.", g.Name, g.Role, s.Name) })
}

type safeGroupsRemoveCmd struct {
	Safe  string `arg:"" complete:"safe" help:"Name or id."`
	Group string `arg:"" complete:"group" help:"Name or id."`
}

// Run unbinds a group.
func (c *safeGroupsRemoveCmd) Run(ctx context.Context, p *program) error {
	r, s, g, err := p.bound(ctx, c.Safe, c.Group)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/safes/%s/groups/%s", s.ID, g.GroupID), seen(g.Version), nil); err != nil {
		return err
	}
	p.done("Group %s is bound to %s no more.", g.Name, s.Name)
	return nil
}

// accessItem is that a person reaches a safe, and by what.
type accessItem struct {
	SafeName  string     `json:"safe_name"`
	Handle    string     `json:"handle"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Direct    string     `json:"direct_role"`
	ByGroup   string     `json:"group_role"`
	GroupName string     `json:"group_name"`
	EndsAt    *time.Time `json:"ends_at"`
}

// by says what somebody reaches a safe by.
func (a accessItem) by() string {
	switch {
	case a.Direct != "" && a.ByGroup != "":
		return "member (" + a.Direct + "), group " + a.GroupName + " (" + a.ByGroup + ")"
	case a.Direct != "":
		return "member"
	}
	return "group " + a.GroupName
}

type safesAccessCmd struct {
	Safe string `arg:"" complete:"safe" help:"Name or id."`
}

// Run lists who reaches a safe.
func (c *safesAccessCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := r.findSafe(ctx, c.Safe)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/safes/%s/access", s.ID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"HANDLE", "NAME", "ROLE", "BY", "UNTIL"}, empty: "Nobody reaches this safe."}
	return showList(p, l, t, func(a accessItem) []string { return []string{a.Handle, a.Name, a.Role, a.by(), ends(a.EndsAt)} })
}

type membersAccessCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run lists what a person reaches.
func (c *membersAccessCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/org/members/%s/access", m.UserID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"SAFE", "ROLE", "BY", "UNTIL"}, empty: m.Handle + " reaches no safe."}
	return showList(p, l, t, func(a accessItem) []string { return []string{a.SafeName, a.Role, a.by(), ends(a.EndsAt)} })
}

package declare

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// Server is the public API, as somebody sees it.
type Server interface {
	// Do sends a request; client.Waiting is its error when the change waits for a second person.
	Do(ctx context.Context, method, path string, query url.Values, in any) (client.Answer, error)
	// All reads a whole list.
	All(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error)
}

type thing struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

type machineState struct {
	thing
	Labels []string `json:"labels"`
}

type accountState struct {
	thing
	Resource string `json:"resource_id"`
}

type personState struct {
	ID     string `json:"user_id"`
	Email  string `json:"email"`
	Handle string `json:"handle"`

	InGroup string `json:"group_id"` // of the list of all groups' members only
}

type groupState struct {
	thing
	Description string `json:"description"`
	Source      string `json:"source"`
	members     []personState
}

type bound struct { // a person or a group, on a safe
	Safe    string     `json:"safe_id"` // of the lists of all safes only
	User    string     `json:"user_id"`
	Group   string     `json:"group_id"`
	Role    string     `json:"role"`
	EndsAt  *time.Time `json:"ends_at"`
	Version int64      `json:"version"`
}

type safeState struct {
	thing
	Description string         `json:"description"`
	Resource    thing          `json:"resource"`
	Account     thing          `json:"account"`
	Policy      map[string]any `json:"policy"`
	MyRole      string         `json:"my_role"`
	members     []bound
	groups      []bound
}

type policyState struct {
	thing
	Description string         `json:"description"`
	Text        string         `json:"text"`
	Form        map[string]any `json:"form"`
	Enabled     bool           `json:"enabled"`
	Everywhere  bool           `json:"everywhere"`
	Safes       []thing        `json:"safes"`
	Priority    int64          `json:"priority"`
}

type templateState struct {
	ID   string         `json:"id"`
	Form map[string]any `json:"form"`
}

type waitingState struct {
	ID      string `json:"id"`
	Subject string `json:"subject_id"`
}

type meState struct {
	Via    string   `json:"via"`
	Scopes []string `json:"scopes"`
	Org    *struct {
		Role string `json:"role"`
	} `json:"org"`
}

// State is the present state of an organization, as far as it was asked for.
type State struct {
	me        meState
	people    []personState
	resources []machineState
	accounts  []accountState
	groups    []*groupState
	safes     []*safeState
	policies  []*policyState
	templates []templateState
	waiting   []waitingState
	labels    map[string]string // by id; made when one is asked for
}

// Read asks for what a comparison with c needs; for everything when c is nil.
func Read(ctx context.Context, srv Server, c *Config) (*State, error) {
	s := &State{}
	all := c == nil
	if all {
		c = &Config{}
	}
	a, err := srv.Do(ctx, "GET", "/auth/me", nil, nil)
	if err == nil {
		err = a.Into(&s.me)
	}
	if err != nil {
		return nil, err
	}
	admin := s.Administers() || s.me.Org != nil && s.me.Org.Role == "auditor" // others do not see all of it
	for _, step := range []struct {
		path string
		want bool
		into func([]json.RawMessage) error
	}{
		{"/org/members", true, into(&s.people)},
		{"/org/groups", true, into(&s.groups)},
		{"/safes", true, into(&s.safes)},
		{"/resources", all && admin || len(c.resources)+len(c.safes) > 0, into(&s.resources)},
		{"/accounts", all && admin || len(c.safes) > 0, into(&s.accounts)},
		{"/org/policies", all && admin || len(c.policies) > 0 || slices.Contains(c.owns, "policies"), into(&s.policies)},
		{"/org/policies/templates", slices.ContainsFunc(c.policies, func(p value) bool { return p.text("template") != "" }), into(&s.templates)},
	} {
		if !step.want {
			continue
		}
		l, err := srv.All(ctx, step.path, nil)
		if err == nil {
			err = step.into(l)
		}
		if err != nil && fault.Is(err, fault.Denied) && !admin && (step.path == "/resources" || step.path == "/accounts") {
			continue // a manager of a safe sees the safe's own
		}
		if err != nil {
			return nil, err
		}
	}
	if len(c.safes) > 0 && admin {
		l, err := srv.All(ctx, "/org/governance/actions", url.Values{"state": {"open"}})
		if err == nil {
			err = into(&s.waiting)(l)
		}
		if err != nil && !fault.Is(err, fault.Denied) { // a token may lack the scope
			return nil, err
		}
	}
	return s, s.readMembers(ctx, srv, c, all, admin)
}

func into[T any](to *[]T) func([]json.RawMessage) error {
	return func(items []json.RawMessage) error {
		*to = make([]T, len(items))
		for i, raw := range items {
			if err := json.Unmarshal(raw, &(*to)[i]); err != nil {
				return fault.New(fault.Internal, "the server's answer is not of the expected form; is it a VaultPAM server of this version?").Because(err)
			}
		}
		return nil
	}
}

// fewLists is how many lists of members are asked for one by one. More are read from
// the organization's whole lists, which hold 200 of them to a request.
const fewLists = 10

// readMembers asks for the lists that the file states. Who does not see all safes reads
// those of safes one by one.
func (s *State) readMembers(ctx context.Context, srv Server, c *Config, all, seesAll bool) error {
	states := func(l values, name, key string) bool {
		v, ok := named(l, name)
		_, stated := v.get(key)
		return all || ok && stated
	}
	groups := listsOf[personState]{whole: "/org/group-members", to: map[string]*[]personState{}, path: func(id string) string { return "/org/groups/" + url.PathEscape(id) + "/members" }}
	if all {
		groups.query = url.Values{"source": {"local"}}
	}
	for _, g := range s.groups {
		if states(c.groups, g.Name, "members") && (g.Source == "local" || !all) {
			groups.to[g.ID] = &g.members
		}
	}
	people := listsOf[bound]{whole: "/org/safe-members", to: map[string]*[]bound{}, path: func(id string) string { return "/safes/" + url.PathEscape(id) + "/members" }}
	bindings := listsOf[bound]{whole: "/org/safe-groups", to: map[string]*[]bound{}, path: func(id string) string { return "/safes/" + url.PathEscape(id) + "/groups" }}
	for _, v := range s.safes {
		if states(c.safes, v.Name, "members") {
			people.to[v.ID] = &v.members
		}
		if states(c.safes, v.Name, "groups") {
			bindings.to[v.ID] = &v.groups
		}
	}
	if err := groups.read(ctx, srv, true, func(m personState) string { return m.InGroup }); err != nil {
		return err
	}
	for _, l := range []listsOf[bound]{people, bindings} {
		if err := l.read(ctx, srv, seesAll, func(b bound) string { return b.Safe }); err != nil {
			return err
		}
	}
	return nil
}

// listsOf is lists of one kind that are wanted, by the id of what has them.
type listsOf[T any] struct {
	to    map[string]*[]T
	path  func(id string) string // of one list
	whole string                 // of all of them
	query url.Values             // of the whole list
}

func (l listsOf[T]) read(ctx context.Context, srv Server, whole bool, of func(T) string) error {
	get := func(path string, query url.Values, to *[]T) error {
		items, err := srv.All(ctx, path, query)
		if err != nil {
			return err
		}
		return into(to)(items)
	}
	if len(l.to) <= fewLists || !whole {
		for _, id := range slices.Sorted(maps.Keys(l.to)) {
			if err := get(l.path(id), nil, l.to[id]); err != nil {
				return err
			}
		}
		return nil
	}
	var items []T
	if err := get(l.whole, l.query, &items); err != nil {
		return err
	}
	for _, item := range items {
		if to := l.to[of(item)]; to != nil {
			*to = append(*to, item)
		}
	}
	return nil
}

// Administers tells whether who asks is an owner or administrator.
func (s *State) Administers() bool {
	return s.me.Org != nil && (s.me.Org.Role == "owner" || s.me.Org.Role == "admin")
}

// may tells whether a token has a scope; a person has all.
func (s *State) may(scope string) bool {
	return s.me.Via != "token" || slices.Contains(s.me.Scopes, scope) || slices.Contains(s.me.Scopes, "*")
}

func named(l values, name string) (value, bool) {
	i := slices.IndexFunc(l, func(v value) bool { return strings.EqualFold(v.text("name"), name) })
	if i < 0 {
		return value{}, false
	}
	return l[i], true
}

func find[T any](l []T, ok func(T) bool) (T, bool) {
	if i := slices.IndexFunc(l, ok); i >= 0 {
		return l[i], true
	}
	var none T
	return none, false
}

func (s *State) group(name string) (*groupState, bool) {
	return find(s.groups, func(g *groupState) bool { return strings.EqualFold(g.Name, name) })
}

func (s *State) safe(name string) (*safeState, bool) {
	return find(s.safes, func(v *safeState) bool { return strings.EqualFold(v.Name, name) })
}

func (s *State) policy(name string) (*policyState, bool) {
	return find(s.policies, func(p *policyState) bool { return strings.EqualFold(p.Name, name) })
}

func (s *State) machine(name string) (machineState, bool) {
	return find(s.resources, func(m machineState) bool { return strings.EqualFold(m.Name, name) })
}

// account finds an account by its name; where several resources have one of it, that of the resource.
func (s *State) account(name, resource string) (accountState, bool) {
	a, ok := find(s.accounts, func(a accountState) bool { return strings.EqualFold(a.Name, name) && a.Resource == resource })
	if ok || resource != "" {
		return a, ok
	}
	return find(s.accounts, func(a accountState) bool { return strings.EqualFold(a.Name, name) })
}

func (s *State) person(name string) (personState, bool) {
	p, ok := find(s.people, func(p personState) bool { return strings.EqualFold(p.Email, name) })
	if !ok {
		p, ok = find(s.people, func(p personState) bool { return strings.EqualFold(p.Handle, name) })
	}
	return p, ok
}

// label is what people call the thing with an id: the e-mail address of a person, the
// name of anything else; the id itself when it is not known here.
func (s *State) label(id string) string {
	if s.labels == nil {
		s.labels = map[string]string{}
		for _, v := range s.safes {
			s.labels[v.ID] = v.Name
		}
		for _, g := range s.groups {
			s.labels[g.ID] = g.Name
		}
		for _, p := range s.people {
			s.labels[p.ID] = first(p.Email, p.Handle)
		}
	}
	return first(s.labels[id], id)
}

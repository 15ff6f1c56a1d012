package policy_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// history is an organization whose people, groups and bindings change at random, and
// what a proposal would make of it.
type history struct {
	*safetest.World
	t      *testing.T
	r      *rand.Rand
	people []authz.Actor
	safes  []safe.Safe
	groups []group.Group
	roles  map[id.Safe]map[id.User]authz.SafeRole  // direct members
	in     map[id.Group]map[id.User]bool           // members of groups
	bound  map[id.Safe]map[id.Group]authz.SafeRole // what groups bring
	gone   map[id.Group]bool
}

func newHistory(t *testing.T, d *db.DB, seed uint64) *history {
	h := &history{World: safetest.New(t, d), t: t, r: rand.New(rand.NewPCG(seed, 4)), gone: map[id.Group]bool{},
		roles: map[id.Safe]map[id.User]authz.SafeRole{}, in: map[id.Group]map[id.User]bool{}, bound: map[id.Safe]map[id.Group]authz.SafeRole{}}
	for _, name := range []string{"ada", "bob", "cem"} {
		h.people = append(h.people, h.Person(h.Org, name, authz.Operator))
	}
	for _, name := range []string{"blue", "green", "red"} {
		g := h.Group(name)
		h.groups, h.in[g.ID] = append(h.groups, g), map[id.User]bool{}
	}
	for _, name := range []string{"open", "grouped"} {
		s := h.Safe(name, nil)
		h.safes = append(h.safes, s)
		h.roles[s.ID], h.bound[s.ID] = map[id.User]authz.SafeRole{}, map[id.Group]authz.SafeRole{}
	}
	form := policy.Form{Effect: policy.Allow, Groups: []string{string(h.groups[0].ID), string(h.groups[1].ID)}}
	if _, err := h.Policies.Create(context.Background(), h.Admin, policy.Draft{Name: ptr("grouped"), Form: &form, Safes: &[]id.Safe{h.safes[1].ID}}); err != nil {
		t.Fatal(err)
	}
	return h
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// role is one at random, or none.
func (h *history) role() authz.SafeRole {
	return pick(h.r, append(authz.SafeRoles(), authz.NoSafeRole, authz.NoSafeRole))
}

// propose makes up some changes, each of something of its own.
func (h *history) propose() policy.Proposal {
	p := policy.Proposal{Days: 1}
	for _, s := range h.safes {
		for _, who := range h.people {
			if h.r.IntN(6) == 0 {
				p.Members = append(p.Members, policy.ProposedMember{Safe: s.ID, User: who.User, Role: h.role()})
			}
		}
	}
	for _, g := range h.groups {
		if h.gone[g.ID] {
			continue
		}
		if h.r.IntN(8) == 0 {
			p.Deleted = append(p.Deleted, g.ID)
			continue
		}
		for _, who := range h.people {
			if h.r.IntN(6) == 0 {
				p.Groups = append(p.Groups, policy.ProposedGroupMember{Group: g.ID, User: who.User, In: h.r.IntN(2) == 0})
			}
		}
		for _, s := range h.safes {
			if h.r.IntN(6) == 0 {
				p.Bindings = append(p.Bindings, policy.ProposedBinding{Safe: s.ID, Group: g.ID, Role: h.role()})
			}
		}
	}
	if len(p.Members)+len(p.Groups)+len(p.Bindings)+len(p.Deleted) == 0 {
		p.Members = append(p.Members, policy.ProposedMember{Safe: h.safes[0].ID, User: h.people[0].User, Role: safe.User})
	}
	return p
}

// do really makes the changes.
func (h *history) do(p policy.Proposal) {
	h.t.Helper()
	ctx := context.Background()
	check := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	for _, x := range p.Members {
		was := h.roles[x.Safe][x.User]
		var err error
		switch {
		case was == x.Role:
		case x.Role == authz.NoSafeRole:
			err = h.Safes.RemoveMember(ctx, h.Admin, x.Safe, x.User)
		case was == authz.NoSafeRole:
			_, err = h.Safes.AddMember(ctx, h.Admin, x.Safe, x.User, x.Role)
		default:
			_, err = h.Safes.SetMemberRole(ctx, h.Admin, x.Safe, x.User, x.Role)
		}
		check(err)
		h.roles[x.Safe][x.User] = x.Role
	}
	for _, x := range p.Groups {
		var err error
		switch was := h.in[x.Group][x.User]; {
		case x.In && !was:
			_, err = h.Groups.AddMembers(ctx, h.Admin, x.Group, []id.User{x.User})
		case !x.In && was:
			err = h.Groups.RemoveMember(ctx, h.Admin, x.Group, x.User)
		}
		check(err)
		h.in[x.Group][x.User] = x.In
	}
	for _, x := range p.Bindings {
		if h.bound[x.Safe][x.Group] != authz.NoSafeRole && h.bound[x.Safe][x.Group] != x.Role {
			check(h.Safes.UnassignGroup(ctx, h.Admin, x.Safe, x.Group, 0))
			h.bound[x.Safe][x.Group] = authz.NoSafeRole
		}
		if h.bound[x.Safe][x.Group] != x.Role {
			_, err := h.Safes.AssignGroup(ctx, h.Admin, x.Safe, x.Group, x.Role, time.Time{})
			check(err)
		}
		h.bound[x.Safe][x.Group] = x.Role
	}
	for _, g := range p.Deleted {
		check(h.Groups.Delete(ctx, h.Admin, g, 0))
		h.gone[g] = true
	}
}

type launch struct {
	user id.User
	safe id.Safe
}

// launches decides for everybody on every safe.
func (h *history) launches() map[launch]policy.Verdict {
	h.t.Helper()
	out := map[launch]policy.Verdict{}
	for _, who := range h.people {
		for _, s := range h.safes {
			out[launch{who.User, s.ID}] = explain(h.t, h.World, who, s.ID).Verdict
		}
	}
	return out
}

// What a simulation of changed members, groups and bindings tells is what comes when
// they are really changed.
func TestSimulationTellsWhatComes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		seed, ctx, changed := rand.Uint64(), context.Background(), 0
		t.Logf("seed %d", seed)
		h := newHistory(t, d, seed)
		for range 12 {
			h.do(h.propose())
			before, p := h.launches(), h.propose()
			err := d.InOrg(ctx, h.Org, func(ctx context.Context, tx *db.Tx) error {
				for _, v := range before {
					if err := h.Policies.Remember(ctx, tx, id.New[id.Event](), v); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			told, err := h.Policies.Simulate(ctx, h.Admin, p)
			if err != nil || told.Launches != len(before) {
				t.Fatalf("%d launches, %v", told.Launches, err)
			}
			would := map[launch]policy.Outcome{}
			for l, v := range before {
				would[l] = v.Decision.Outcome
			}
			for _, x := range told.Examples {
				would[launch{x.User.ID, x.Safe.ID}] = x.Would.Outcome
			}
			h.do(p)
			for l, v := range h.launches() {
				if v.Decision.Outcome != would[l] {
					t.Errorf("%s on %s: %s was told, and %s came of %+v", l.user, l.safe, would[l], v.Decision.Outcome, p)
				}
			}
			changed += told.Changed
			h.Now = h.Now.Add(48 * time.Hour) // what was launched before is not simulated again
		}
		if changed == 0 {
			t.Error("nothing ever changed")
		}
	})
}

func TestSimulationNamesWhatIsNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := safetest.New(t, d), context.Background()
		sf, g := w.Safe("one", nil), w.Group("sre")
		for name, c := range map[string]struct {
			p      policy.Proposal
			kind   fault.Kind
			fields []string
		}{
			"nothing":       {policy.Proposal{}, fault.Invalid, []string{"policies"}},
			"no such role":  {policy.Proposal{Bindings: []policy.ProposedBinding{{Safe: sf.ID, Group: g.ID, Role: "owner"}}}, fault.Invalid, []string{"group_roles[0].role"}},
			"no such group": {policy.Proposal{Deleted: []id.Group{g.ID, "grp_x"}}, fault.NotFound, []string{"deleted_groups[1]"}},
			"two unknown": {policy.Proposal{Groups: []policy.ProposedGroupMember{{Group: "grp_x", User: w.Stranger.User, In: true}}}, fault.NotFound,
				[]string{"group_members[0].group_id", "group_members[0].user_id"}},
			"another's safe": {policy.Proposal{Bindings: []policy.ProposedBinding{{Safe: "saf_x", Group: g.ID}}}, fault.NotFound, []string{"group_roles[0].safe_id"}},
		} {
			c.p.Days = 1
			_, err := w.Policies.Simulate(ctx, w.Admin, c.p)
			f := fault.As(err)
			if !fault.Is(err, c.kind) || len(f.Fields) != len(c.fields) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for i, field := range c.fields {
				if f.Fields[i].Path != field {
					t.Errorf("%s: the field %q, want %q", name, f.Fields[i].Path, field)
				}
			}
		}
	})
}

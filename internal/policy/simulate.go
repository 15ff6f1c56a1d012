package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Proposal is a change that nobody has made yet.
type Proposal struct {
	Policies []ProposedPolicy
	Members  []ProposedMember
	Days     int // how far back
}

// ProposedPolicy is a new policy (no ID), another text or place of one, or its end.
type ProposedPolicy struct {
	ID     id.Policy
	Draft  Draft
	Delete bool
}

// ProposedMember gives somebody another role on a safe; an empty role takes it.
type ProposedMember struct {
	Safe id.Safe
	User id.User
	Role authz.SafeRole
}

// The bounds of a simulation.
const (
	MaxSimulated    = 10_000 // launches, the newest
	MaxDays         = int(KeepDecisions / (24 * time.Hour))
	maxProposed     = 100
	maxSimulatedOut = 200
)

// Simulation is which past launches would be decided otherwise.
type Simulation struct {
	From     time.Time
	Launches int  // that were decided again
	Whole    bool // false: there were more, and only the newest were taken
	Changed  int
	By       map[string]int // "allow to deny" and its kind: how often
	Examples []Otherwise    // the newest of the changed
}

// Otherwise is one past launch that would be decided otherwise.
type Otherwise struct {
	Event id.Event // of the launch
	At    time.Time
	User  PersonRef
	Safe  SafeRef
	Was   Outcome  // as it was decided then
	Now   Decision // under the policies of today
	Would Decision // under the proposal
}

// Simulate decides past launches again: as things are today, and as they would be
// under a proposal. Nothing is changed.
func (s *Service) Simulate(ctx context.Context, actor authz.Actor, p Proposal) (Simulation, error) {
	if err := p.check(); err != nil {
		return Simulation{}, err
	}
	out := Simulation{From: s.d.Now().Add(-time.Duration(p.Days) * 24 * time.Hour), By: map[string]int{}}
	var rows []policysql.DecisionsRow
	var today, proposed *Set
	err := s.read(ctx, actor, authz.PolicyList, func(ctx context.Context, tx *db.Tx) error {
		version, err := s.SetVersion(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		if today, err = s.set(ctx, tx, actor.Org, version); err != nil {
			return err
		}
		list, err := s.sources(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		if list, err = p.apply(list); err != nil {
			return err
		}
		proposed = Compile(version, list)
		rows, err = policysql.New(tx).Decisions(ctx, policysql.DecisionsParams{OrgID: string(actor.Org), Since: db.Micros(out.From), Read: MaxSimulated + 1})
		return err
	})
	if err != nil {
		return Simulation{}, err
	}
	if out.Whole = len(rows) <= MaxSimulated; !out.Whole {
		rows = rows[:MaxSimulated]
	}
	for i, r := range rows {
		if i%256 == 0 && ctx.Err() != nil {
			return Simulation{}, ctx.Err()
		}
		if err := out.replay(r, actor.Org, today, proposed, p.Members); err != nil {
			return Simulation{}, err
		}
	}
	return out, nil
}

func (out *Simulation) replay(r policysql.DecisionsRow, org id.Org, today, proposed *Set, members []ProposedMember) error {
	var q Question
	if err := json.Unmarshal([]byte(r.Question), &q); err != nil {
		return fmt.Errorf("read the launch %s: %w", r.EventID, err)
	}
	settings, err := safe.DecodePolicy(r.Settings)
	if err != nil {
		return fmt.Errorf("read the launch %s: %w", r.EventID, err)
	}
	q.Org, q.Safe.Settings = org, settings
	now := today.Decide(&q)
	changed := q
	for _, m := range members {
		if m.Safe == q.Safe.ID && m.User == q.Who.ID {
			changed.Safe.Role = m.Role
		}
	}
	would := proposed.Decide(&changed)
	out.Launches++
	if now.Outcome == would.Outcome {
		return nil
	}
	out.Changed++
	out.By[string(now.Outcome)+" to "+string(would.Outcome)]++
	if len(out.Examples) < maxSimulatedOut {
		out.Examples = append(out.Examples, Otherwise{Event: id.Event(r.EventID), At: db.Time(r.At), User: PersonRef{q.Who.ID, q.Who.Handle}, Safe: SafeRef{q.Safe.ID, q.Safe.Name},
			Was: Outcome(r.Outcome), Now: now, Would: would})
	}
	return nil
}

func (p Proposal) check() error {
	f := fault.New(fault.Invalid, "the proposal is not valid: see the fields that are named")
	if p.Days < 1 || p.Days > MaxDays {
		f.WithField("days", "must be from 1 to %d", MaxDays)
	}
	if len(p.Policies)+len(p.Members) == 0 {
		f.WithField("policies", "are needed, or members: what would change?")
	}
	if len(p.Policies) > maxProposed || len(p.Members) > maxProposed {
		f.WithField("policies", "must be at most %d, and members too", maxProposed)
	}
	for i, m := range p.Members {
		if m.Role != authz.NoSafeRole && !slices.Contains(authz.SafeRoles(), m.Role) {
			f.WithField(fmt.Sprintf("members[%d].role", i), "must be user, checkout, approver or manager, or empty to take the role away")
		}
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// apply makes of the policies of today those of the proposal.
func (p Proposal) apply(list []Source) ([]Source, error) {
	list = slices.Clone(list)
	for i, x := range p.Policies {
		at := slices.IndexFunc(list, func(s Source) bool { return s.ID == x.ID })
		if x.ID != "" && at < 0 {
			return nil, fault.New(fault.NotFound, "no policy with the id %.64q in this organization", x.ID)
		}
		if x.Delete {
			if at >= 0 {
				list = slices.Delete(list, at, at+1)
			}
			continue
		}
		draft := Policy{ID: "pol_proposed" + id.Policy(fmt.Sprint(i)), Name: "proposed", Enabled: true, Priority: DefaultPriority}
		if at >= 0 {
			s := list[at]
			draft = Policy{ID: s.ID, Name: s.Name, Text: s.Text, Enabled: s.Enabled, Everywhere: s.Everywhere, Priority: s.Priority, Version: s.Version}
			for _, sid := range s.Safes {
				draft.Safes = append(draft.Safes, SafeRef{ID: sid})
			}
		}
		if err := x.Draft.apply(&draft); err != nil {
			return nil, err
		}
		s := Source{ID: draft.ID, Name: draft.Name, Text: draft.Text, Version: draft.Version, Priority: draft.Priority, Enabled: draft.Enabled, Everywhere: draft.Everywhere, Safes: ids(draft.Safes)}
		if at >= 0 {
			list[at] = s
		} else {
			list = append(list, s)
		}
	}
	return list, nil
}

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
	Groups   []ProposedGroupMember
	Bindings []ProposedBinding
	Deleted  []id.Group // groups, with all that they bring
	Days     int        // how far back
}

// ProposedPolicy is a new policy (no ID), another text or place of one, or its end.
type ProposedPolicy struct {
	ID     id.Policy
	Draft  Draft
	Delete bool
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
	from := s.d.Now().Add(-time.Duration(p.Days) * 24 * time.Hour)
	m := p.memberships()
	var launches []pastLaunch
	var now, proposed *Set
	err := s.read(ctx, actor, authz.PolicyList, func(ctx context.Context, tx *db.Tx) error {
		version, err := s.SetVersion(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		if now, err = s.set(ctx, tx, actor.Org, version); err != nil {
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
		if err := m.known(ctx, tx); err != nil {
			return err
		}
		launches, err = s.launches(ctx, tx, from, m)
		return err
	})
	if err != nil {
		return Simulation{}, err
	}
	out := Simulation{From: from, By: map[string]int{}, Whole: len(launches) <= MaxSimulated}
	for i, l := range launches[:min(len(launches), MaxSimulated)] {
		if i%256 == 0 && ctx.Err() != nil {
			return Simulation{}, ctx.Err()
		}
		out.decide(l, now, proposed)
	}
	return out, nil
}

// pastLaunch is a launch as it was and with the proposed changes of membership.
type pastLaunch struct {
	policysql.DecisionsRow
	question, changed Question
}

// launches reads the newest launches, one more than are simulated.
func (s *Service) launches(ctx context.Context, tx *db.Tx, from time.Time, m memberships) ([]pastLaunch, error) {
	rows, err := policysql.New(tx).Decisions(ctx, policysql.DecisionsParams{OrgID: string(tx.Org()), Since: db.Micros(from), Read: MaxSimulated + 1})
	if err != nil {
		return nil, fmt.Errorf("read the past launches: %w", err)
	}
	out := make([]pastLaunch, len(rows))
	t := newToday(s.d.Safes)
	for i, r := range rows {
		l := pastLaunch{DecisionsRow: r}
		if err := json.Unmarshal([]byte(r.Question), &l.question); err != nil {
			return nil, fmt.Errorf("read the launch %s: %w", r.EventID, err)
		}
		if l.question.Safe.Settings, err = safe.DecodePolicy(r.Settings); err != nil {
			return nil, fmt.Errorf("read the launch %s: %w", r.EventID, err)
		}
		l.question.Org = tx.Org()
		l.changed = l.question
		about, err := m.touches(ctx, tx, t, &l.question)
		if err == nil && about {
			l.changed, err = m.change(ctx, tx, t, l.question)
		}
		if err != nil {
			return nil, err
		}
		out[i] = l
	}
	return out, nil
}

func (out *Simulation) decide(l pastLaunch, today, proposed *Set) {
	now, would := today.Decide(&l.question), proposed.Decide(&l.changed)
	out.Launches++
	if now.Outcome == would.Outcome {
		return
	}
	out.Changed++
	out.By[string(now.Outcome)+" to "+string(would.Outcome)]++
	if q := l.question; len(out.Examples) < maxSimulatedOut {
		out.Examples = append(out.Examples, Otherwise{Event: id.Event(l.EventID), At: db.Time(l.At), User: PersonRef{q.Who.ID, q.Who.Handle}, Safe: SafeRef{q.Safe.ID, q.Safe.Name},
			Was: Outcome(l.Outcome), Now: now, Would: would})
	}
}

func (p Proposal) memberships() memberships {
	return memberships{p.Members, p.Groups, p.Bindings, p.Deleted}
}

func (p Proposal) check() error {
	f := fault.New(fault.Invalid, "the proposal is not valid: see the fields that are named")
	if p.Days < 1 || p.Days > MaxDays {
		f.WithField("days", "must be from 1 to %d", MaxDays)
	}
	m := p.memberships()
	if len(p.Policies) == 0 && m.empty() {
		f.WithField("policies", "are needed, or a change of members or groups: what would change?")
	}
	if len(p.Policies) > maxProposed {
		f.WithField("policies", "must be at most %d", maxProposed)
	}
	m.check(f)
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

package safe

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// UpdateArgs say what to change; nil leaves a value as it is.
type UpdateArgs struct {
	Name        *string
	Description *string
	Resource    *id.Resource
	Account     *id.Account
	Policy      *Policy
	Version     int64 // what the caller saw; 0: whatever is there
}

// action is the right that a change needs. A manager keeps the safe's name and
// members; what it leads to and under which policy is the organization's: a
// manager who could change that would grant what nobody gave them.
func (a UpdateArgs) action() authz.Action {
	if a.Resource != nil || a.Account != nil || a.Policy != nil {
		return authz.SafePolicy
	}
	return authz.SafeUpdate
}

// SetPolicy replaces the policy of a safe. Live sessions go on under it.
func (s *Service) SetPolicy(ctx context.Context, actor authz.Actor, sid id.Safe, p Policy, version int64) (Safe, error) {
	if err := p.Validate(""); err != nil {
		return Safe{}, err
	}
	return s.Update(ctx, actor, sid, UpdateArgs{Policy: &p, Version: version})
}

// Update changes a safe; a change of anything is one POLICY_ASSIGNMENT_CHANGED.
func (s *Service) Update(ctx context.Context, actor authz.Actor, sid id.Safe, a UpdateArgs) (Safe, error) {
	if err := inOrg(actor); err != nil {
		return Safe{}, err
	}
	var seen Entry // for the event of a refusal
	var out Safe
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = s.update(ctx, tx, actor, governance.Permit{}, sid, a, &seen)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Safe{}, s.refuse(ctx, actor, policyDenied(actor, sid, seen, event.AssignmentChangeEdited), fmt.Errorf("update safe: %w", err))
	}
	return out, nil
}

// update changes a safe in the caller's transaction, and gives the event that tells it;
// none when nothing changes.
func (s *Service) update(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, sid id.Safe, a UpdateArgs, seen *Entry) (Safe, id.Event, error) {
	fail := func(err error) (Safe, id.Event, error) { return Safe{}, "", err }
	old, role, err := s.find(ctx, tx, actor, sid)
	if err != nil {
		return fail(err)
	}
	*seen = Entry{Safe: old, Role: role}
	if err := authz.Check(actor, a.action(), seen.object()); err != nil {
		return fail(err)
	}
	if a.Version != 0 && a.Version != old.Version {
		return fail(changedMeanwhile())
	}
	next := old
	a.apply(&next)
	if err := next.check(); err != nil {
		return fail(err)
	}
	changes := diffSafe(old, next)
	if len(changes) == 0 && !p.Given() {
		return old, "", nil
	}
	if err := s.bind(ctx, tx, next); err != nil {
		return fail(err)
	}
	if err := s.demand(ctx, tx, actor, p, old, next, a); err != nil {
		return fail(err)
	}
	if err := s.store(ctx, tx, next, old.Version); err != nil {
		return fail(err)
	}
	ev := event.NewPolicyAssignmentChanged(event.By(actor, actsAs(actor, role)), next.policyTarget(), sid,
		event.AssignmentChangeEdited, events(changes), weakened(old.Policy, next.Policy))
	if p.Given() {
		ev = ev.WithGovernanceActionID(p.Action())
	}
	told, err := s.d.Ledger.Record(ctx, tx, ev)
	if err != nil {
		return fail(err)
	}
	out, _, err := s.find(ctx, tx, actor, sid)
	return out, told, err
}

func (a UpdateArgs) apply(sf *Safe) {
	if a.Name != nil {
		sf.Name = *a.Name
	}
	if a.Description != nil {
		sf.Description = *a.Description
	}
	if a.Resource != nil {
		sf.Resource.ID = *a.Resource
	}
	if a.Account != nil {
		sf.Account.ID = *a.Account
	}
	if a.Policy != nil {
		sf.Policy = *a.Policy
	}
}

func (s *Service) store(ctx context.Context, tx *db.Tx, next Safe, seen int64) error {
	policy, err := encodePolicy(next.Policy)
	if err != nil {
		return fmt.Errorf("encode policy: %w", err)
	}
	n, err := safesql.New(tx).UpdateSafe(ctx, safesql.UpdateSafeParams{
		OrgID: string(next.Org), ID: string(next.ID), Version: seen, Name: next.Name, Description: next.Description,
		ResourceID: string(next.Resource.ID), AccountID: string(next.Account.ID), Policy: policy, Now: db.Micros(s.d.Now()),
	})
	if err != nil {
		return nameTaken(err, next.Name)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	return nil
}

// Delete removes a safe and its members. Live sessions in it end.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, sid id.Safe, version int64) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	var seen Entry
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		sf, role, err := s.find(ctx, tx, actor, sid)
		if err != nil {
			return err
		}
		seen = Entry{Safe: sf, Role: role}
		if err := hold(ctx, tx, actor.Org); err != nil {
			return err
		}
		if err := authz.Check(actor, authz.SafeDelete, seen.object()); err != nil {
			return err
		}
		if version != 0 && version != sf.Version {
			return changedMeanwhile()
		}
		q := safesql.New(tx)
		n, err := q.DeleteSafe(ctx, safesql.DeleteSafeParams{OrgID: string(sf.Org), ID: string(sid), Version: sf.Version, Now: db.Micros(s.d.Now())})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		act := event.By(actor, actsAs(actor, role))
		if err := s.removeAll(ctx, tx, act, sf); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPolicyAssignmentChanged(act, sf.policyTarget(), sid, event.AssignmentChangeDetached,
			events(diffSafe(sf, Safe{})), nil))
		return err
	})
	if err != nil {
		return s.refuse(ctx, actor, policyDenied(actor, sid, seen, event.AssignmentChangeDetached), fmt.Errorf("delete safe: %w", err))
	}
	return nil
}

// removeAll ends every membership and every binding of a safe that goes: the direct
// ones first, so that who is in by a group too loses the rest by it.
func (s *Service) removeAll(ctx context.Context, tx *db.Tx, act event.Act, sf Safe) error {
	q := safesql.New(tx)
	members, err := q.AllMembers(ctx, safesql.AllMembersParams{OrgID: string(sf.Org), SafeID: string(sf.ID)})
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	if err := q.DeleteMembers(ctx, safesql.DeleteMembersParams{OrgID: string(sf.Org), SafeID: string(sf.ID)}); err != nil {
		return fmt.Errorf("remove members: %w", err)
	}
	whole := scope{safe: sf.ID}
	shifts, err := s.derive(ctx, tx, sf.Org, whole)
	if err != nil {
		return err
	}
	live, err := s.liveOf(ctx, tx, sf.Org, whole, shifts)
	if err != nil {
		return err
	}
	remains := map[id.User]bool{}
	for _, sh := range shifts {
		remains[sh.user] = sh.to.role != NoRole
	}
	told := make([]event.Event, len(members))
	for i, m := range members {
		at := place{sf.ID, id.User(m.UserID)}
		told[i] = event.NewSafeMemberRemoved(act, sf.target(), at.user, m.Role, event.SafeRemovalCauseSafeDeleted, remains[at.user], live[at])
	}
	if _, err := s.d.Ledger.RecordAll(ctx, tx, told); err != nil {
		return err
	}
	return s.unbindSafe(ctx, tx, act, sf)
}

// diffSafe lists what differs between two states of a safe; a zero Safe is "not there".
func diffSafe(from, to Safe) []change {
	var out []change
	note := func(field, a, b string) {
		if a != b {
			out = append(out, change{field, a, b})
		}
	}
	note("name", from.Name, to.Name)
	note("description", from.Description, to.Description)
	note("resource_id", string(from.Resource.ID), string(to.Resource.ID))
	note("account_id", string(from.Account.ID), string(to.Account.ID))
	switch {
	case from.ID == "":
		for _, l := range described(to.Policy) {
			note(l.field, "", l.value)
		}
	case to.ID == "":
		for _, l := range described(from.Policy) {
			note(l.field, l.value, "")
		}
	default:
		out = append(out, diff(from.Policy, to.Policy)...)
	}
	return out
}

func events(changes []change) []event.Change {
	out := make([]event.Change, len(changes))
	for i, c := range changes {
		out[i] = event.Changed(c.field, c.from, c.to)
	}
	return out
}

// actsAs is the role in which somebody works at a safe.
func actsAs(actor authz.Actor, role Role) event.ActorType {
	if actor.Role != authz.Owner && actor.Role != authz.Admin && role == Manager {
		return event.OrgAdmin
	}
	return event.TenantAdmin
}

// policyDenied is the event of a refused change of a safe.
func policyDenied(actor authz.Actor, sid id.Safe, seen Entry, what event.AssignmentChange) event.Event {
	return event.NewPolicyAssignmentChanged(event.By(actor, actsAs(actor, seen.Role)), seen.policyTarget(), sid, what, nil, nil).
		Denied(event.PolicyAssignmentChangedNotPermitted)
}

// Access tells what a person may do with a safe at this moment: who they are to
// it, what it leads to, and under which policy. It is one statement, cheap enough
// to ask each second for each live session. fault.NotFound when the safe is gone.
func (s *Service) Access(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) (Access, error) {
	row, err := safesql.New(tx).Access(ctx, safesql.AccessParams{OrgID: string(org), UserID: string(user), ID: string(sid)})
	if db.NotFound(err) {
		return Access{}, notFound(sid)
	}
	if err != nil {
		return Access{}, fmt.Errorf("read access: %w", err)
	}
	p, err := decodePolicy(row.Policy)
	if err != nil {
		return Access{}, fmt.Errorf("safe %s: %w", sid, err)
	}
	role, err := s.current(ctx, tx, org, place{sid, user}, Role(row.Role), row.RoleEnds)
	if err != nil {
		return Access{}, err
	}
	return Access{
		Safe: sid, SafeName: row.Name, PolicyID: id.Policy(row.PolicyID), Policy: p, Version: row.Version,
		Resource: id.Resource(row.ResourceID), Account: id.Account(row.AccountID), AccountEnabled: row.AccountState == "enabled",
		Role: role,
	}, nil
}

package safe

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// AlreadyAssigned is the code of the conflict with a binding that is there.
const AlreadyAssigned = "ALREADY_ASSIGNED"

// Assignment binds a group to a safe: each of its members has the role there.
type Assignment struct {
	ID        id.GroupAssignment
	Safe      id.Safe
	SafeName  string
	Group     id.Group
	GroupName string
	Source    string // of the group: local, scim or sso
	Members   int    // of the group
	Role      Role
	EndsAt    time.Time // zero: never
	Version   int64
	CreatedBy id.User
	CreatedAt time.Time
}

func assignment(r safesql.GetAssignmentRow) Assignment {
	return Assignment{
		ID: id.GroupAssignment(r.ID), Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Group: id.Group(r.GroupID), GroupName: r.GroupName, Source: r.Source,
		Members: int(r.Members), Role: Role(r.Role), EndsAt: moment(r.EndsAt), Version: r.Version, CreatedBy: id.User(r.CreatedBy), CreatedAt: db.Time(r.CreatedAt),
	}
}

// Assignments gives the groups of a safe, in the order of their names.
func (s *Service) Assignments(ctx context.Context, actor authz.Actor, sid id.Safe, p page.Request) (page.List[Assignment], error) {
	if _, err := s.Get(ctx, actor, sid); err != nil {
		return page.List[Assignment]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Assignment]{}, err
	}
	var rows []safesql.ListAssignmentsRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = safesql.New(tx).ListAssignments(ctx, safesql.ListAssignmentsParams{OrgID: string(actor.Org), SafeID: string(sid), After: after, Read: read})
		return err
	})
	if err != nil {
		return page.List[Assignment]{}, fmt.Errorf("list the groups of a safe: %w", err)
	}
	out := make([]Assignment, len(rows))
	for i, r := range rows {
		out[i] = assignment(safesql.GetAssignmentRow(r))
	}
	return page.Cut(out, read, func(a Assignment) string { return matchName(a.GroupName) }), nil
}

// assign runs fn for a change of the binding of a group to a safe.
func (s *Service) assign(ctx context.Context, actor authz.Actor, sid id.Safe, group id.Group, role Role, what event.GroupOperation,
	fn func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error) error {
	return s.change(ctx, actor, sid, role, func(act event.Act, reason event.GroupMutationDeniedReason) event.GroupMutationDenied {
		return event.NewGroupMutationDenied(act, event.TenantTarget(actor.Org, ""), reason, what).WithSafeID(sid).WithGroupID(group)
	}, fn)
}

func (s *Service) findAssignment(ctx context.Context, tx *db.Tx, sf Safe, group id.Group) (Assignment, error) {
	row, err := safesql.New(tx).GetAssignment(ctx, safesql.GetAssignmentParams{OrgID: string(sf.Org), SafeID: string(sf.ID), GroupID: string(group)})
	if db.NotFound(err) {
		return Assignment{}, fault.New(fault.NotFound, "no group of safe %q has the id %.64q", sf.Name, group)
	}
	if err != nil {
		return Assignment{}, fmt.Errorf("read the group of a safe: %w", err)
	}
	return assignment(row), nil
}

// AssignGroup binds a group to a safe, until ends (zero: for ever). Whoever is in
// the group reaches the safe from then on.
func (s *Service) AssignGroup(ctx context.Context, actor authz.Actor, sid id.Safe, group id.Group, role Role, ends time.Time) (Assignment, error) {
	endsAt, err := s.end(ends)
	if err != nil {
		return Assignment{}, err
	}
	var out Assignment
	err = s.assign(ctx, actor, sid, group, role, event.GroupOperationAssignmentCreate, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		if err := grantable(actor, mine, role); err != nil {
			return err
		}
		q := safesql.New(tx)
		if _, err := q.GetGroup(ctx, safesql.GetGroupParams{OrgID: string(sf.Org), ID: string(group)}); db.NotFound(err) {
			return forbid(event.GroupMutationDeniedCrossOrgReference,
				fault.New(fault.Invalid, "no group of this organization has the id %.64q", group).WithField("group_id", "must be a group of this organization"))
		} else if err != nil {
			return fmt.Errorf("read a group: %w", err)
		}
		aid := id.New[id.GroupAssignment]()
		err := q.InsertAssignment(ctx, safesql.InsertAssignmentParams{OrgID: string(sf.Org), ID: string(aid), SafeID: string(sid), GroupID: string(group),
			Role: string(role), EndsAt: endsAt, Now: db.Micros(s.d.Now()), CreatedBy: string(actor.User)})
		if db.Unique(err) {
			return fault.New(fault.Conflict, "this group is bound to safe %q already; change its role instead", sf.Name).WithCode(AlreadyAssigned).Because(err)
		}
		if err != nil {
			return fmt.Errorf("bind a group: %w", err)
		}
		ev := event.NewSafeGroupAssignmentCreated(event.By(actor, actsAs(actor, mine)), sf.target(), aid, group, string(role))
		if endsAt != 0 {
			ev = ev.WithEndsAt(ends)
		}
		if err := s.bound(ctx, tx, actor, sf, ev); err != nil {
			return err
		}
		out, err = s.findAssignment(ctx, tx, sf, group)
		return err
	})
	if err != nil {
		return Assignment{}, fmt.Errorf("bind a group to a safe: %w", err)
	}
	return out, nil
}

// bound records a change of a binding, derives the safe, and keeps it a manager.
func (s *Service) bound(ctx context.Context, tx *db.Tx, actor authz.Actor, sf Safe, ev event.Event) error {
	cause, err := s.d.Ledger.Record(ctx, tx, ev)
	if err != nil {
		return err
	}
	shifts, err := s.follow(ctx, tx, sf.Org, actor.Request, because(cause), scope{safe: sf.ID})
	if err != nil {
		return err
	}
	for _, sh := range shifts {
		if sh.from.role == Manager && sh.to.role != Manager {
			return s.keepManager(ctx, tx, actor, sf, Manager)
		}
	}
	return nil
}

// AssignmentArgs say what to change of a binding; nil leaves it as it is.
type AssignmentArgs struct {
	Role    *Role
	EndsAt  *time.Time // zero: for ever
	Version int64      // what the caller saw; 0: whatever is there
}

// ChangeAssignment changes the role or the end of a group's binding to a safe.
func (s *Service) ChangeAssignment(ctx context.Context, actor authz.Actor, sid id.Safe, group id.Group, a AssignmentArgs) (Assignment, error) {
	role, endsAt := User, int64(0)
	var err error
	if a.Role != nil {
		role = *a.Role
	}
	if a.EndsAt != nil {
		if endsAt, err = s.end(*a.EndsAt); err != nil {
			return Assignment{}, err
		}
	}
	var out Assignment
	err = s.assign(ctx, actor, sid, group, role, event.GroupOperationAssignmentUpdate, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		old, err := s.findAssignment(ctx, tx, sf, group)
		if err != nil {
			return err
		}
		next := old
		if a.Role != nil {
			next.Role = role
		}
		if a.EndsAt != nil {
			next.EndsAt = moment(endsAt)
		}
		if err := grantable(actor, mine, next.Role); err != nil {
			return err
		}
		if a.Version != 0 && a.Version != old.Version {
			return changedMeanwhile()
		}
		if out = old; next.Role == old.Role && next.EndsAt.Equal(old.EndsAt) {
			return nil
		}
		ends := int64(0)
		if !next.EndsAt.IsZero() {
			ends = db.Micros(next.EndsAt)
		}
		n, err := safesql.New(tx).UpdateAssignment(ctx, safesql.UpdateAssignmentParams{OrgID: string(sf.Org), ID: string(old.ID), Version: old.Version,
			Role: string(next.Role), EndsAt: ends, Now: db.Micros(s.d.Now())})
		if err != nil {
			return fmt.Errorf("change a binding: %w", err)
		}
		if n == 0 {
			return changedMeanwhile()
		}
		ev := event.NewSafeGroupAssignmentUpdated(event.By(actor, actsAs(actor, mine)), sf.target(), old.ID, group, string(old.Role), string(next.Role), rank(next.Role) > rank(old.Role))
		if ends != 0 {
			ev = ev.WithEndsAt(next.EndsAt)
		}
		if err := s.bound(ctx, tx, actor, sf, ev); err != nil {
			return err
		}
		out, err = s.findAssignment(ctx, tx, sf, group)
		return err
	})
	if err != nil {
		return Assignment{}, fmt.Errorf("change the group of a safe: %w", err)
	}
	return out, nil
}

// UnassignGroup ends the binding of a group to a safe. Who reached it by nothing
// else loses it, and their live sessions end.
func (s *Service) UnassignGroup(ctx context.Context, actor authz.Actor, sid id.Safe, group id.Group, version int64) error {
	err := s.assign(ctx, actor, sid, group, User, event.GroupOperationAssignmentRemove, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		old, err := s.findAssignment(ctx, tx, sf, group)
		if err != nil {
			return err
		}
		if version != 0 && version != old.Version {
			return changedMeanwhile()
		}
		if _, err := safesql.New(tx).DeleteAssignment(ctx, safesql.DeleteAssignmentParams{OrgID: string(sf.Org), ID: string(old.ID)}); err != nil {
			return fmt.Errorf("unbind a group: %w", err)
		}
		return s.bound(ctx, tx, actor, sf, event.NewSafeGroupAssignmentRemoved(event.By(actor, actsAs(actor, mine)), sf.target(), old.ID, group,
			string(old.Role), event.AssignmentRemovalCauseRemoved))
	})
	if err != nil {
		return fmt.Errorf("unbind a group from a safe: %w", err)
	}
	return nil
}

// unbindSafe ends the bindings of a safe that goes.
func (s *Service) unbindSafe(ctx context.Context, tx *db.Tx, act event.Act, sf Safe) error {
	q := safesql.New(tx)
	rows, err := q.AssignmentsOfSafe(ctx, safesql.AssignmentsOfSafeParams{OrgID: string(sf.Org), SafeID: string(sf.ID)})
	if err != nil {
		return fmt.Errorf("list the groups of a safe: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	told := make([]event.Event, len(rows))
	for i, r := range rows {
		told[i] = event.NewSafeGroupAssignmentRemoved(act, sf.target(), id.GroupAssignment(r.ID), id.Group(r.GroupID), r.Role, event.AssignmentRemovalCauseSafeDeleted)
	}
	ids, err := s.d.Ledger.RecordAll(ctx, tx, told)
	if err != nil {
		return err
	}
	by := map[id.Group]id.Event{}
	for i, r := range rows {
		by[id.Group(r.GroupID)] = ids[i]
	}
	if err := q.DeleteAssignmentsOfSafe(ctx, safesql.DeleteAssignmentsOfSafeParams{OrgID: string(sf.Org), SafeID: string(sf.ID)}); err != nil {
		return fmt.Errorf("unbind the groups of a safe: %w", err)
	}
	_, err = s.follow(ctx, tx, sf.Org, act.Request(), func(g id.Group, _ place) id.Event { return by[g] }, scope{safe: sf.ID})
	return err
}

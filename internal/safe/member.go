package safe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// ranks orders the roles, weakest first.
var ranks = []Role{NoRole, User, Checkout, Approver, Manager}

func rank(r Role) int { return slices.Index(ranks, r) }

// refusal is a change of members that a rule forbids; it is the cause of the
// fault that the caller sees, and becomes the event.
type refusal struct {
	reason event.GroupMutationDeniedReason
}

func (r *refusal) Error() string { return "refused: " + r.reason.String() }

func forbid(reason event.GroupMutationDeniedReason, f *fault.Error) error {
	return f.Because(&refusal{reason})
}

// Members gives the direct members of a safe, in the order of their handles.
func (s *Service) Members(ctx context.Context, actor authz.Actor, sid id.Safe, p page.Request) (page.List[Member], error) {
	if _, err := s.Get(ctx, actor, sid); err != nil {
		return page.List[Member]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Member]{}, err
	}
	var out []Member
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := safesql.New(tx).ListMembers(ctx, safesql.ListMembersParams{OrgID: string(actor.Org), SafeID: string(sid), After: after, Read: read})
		if err != nil {
			return fmt.Errorf("list members: %w", err)
		}
		out = make([]Member, len(rows))
		for i, row := range rows {
			out[i] = memberFromRow(safesql.GetMemberRow(row))
		}
		return nil
	})
	if err != nil {
		return page.List[Member]{}, err
	}
	return page.Cut(out, read, func(m Member) string { return m.Handle }), nil
}

// AddMember makes a member of the organization a direct member of a safe.
func (s *Service) AddMember(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User, role Role) (Member, error) {
	return s.AddMemberUntil(ctx, actor, sid, user, role, time.Time{})
}

// AddMemberUntil is AddMember for a time: the clock ends it. The zero time is for ever.
func (s *Service) AddMemberUntil(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User, role Role, ends time.Time) (Member, error) {
	endsAt, err := s.end(ends)
	if err != nil {
		return Member{}, err
	}
	var out Member
	err = s.changeMembers(ctx, actor, sid, user, role, event.GroupOperationSafeMemberAdd, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		if err := grantable(actor, mine, role); err != nil {
			return err
		}
		q := safesql.New(tx)
		err := q.InsertMember(ctx, safesql.InsertMemberParams{
			OrgID: string(sf.Org), SafeID: string(sid), UserID: string(user), ID: string(id.New[id.SafeMember]()), Role: string(role),
			Now: db.Micros(s.d.Now()), AddedBy: string(actor.User), EndsAt: endsAt,
		})
		switch {
		case db.Unique(err):
			return fault.New(fault.Conflict, "this person is a member of safe %q already; change their role instead", sf.Name).WithCode(AlreadyMember).Because(err)
		case db.ForeignKey(err):
			return forbid(event.GroupMutationDeniedCrossOrgReference,
				fault.New(fault.Invalid, "no member of this organization has the id %.64q", user).WithField("user_id", "must be a member of this organization"))
		case err != nil:
			return fmt.Errorf("add member: %w", err)
		}
		if _, err := s.settle(ctx, tx, sf.Org, sid, user); err != nil {
			return err
		}
		ev := event.NewSafeMemberAdded(event.By(actor, actsAs(actor, mine)), sf.target(), user, string(role))
		if endsAt != 0 {
			ev = ev.WithEndsAt(ends)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
			return err
		}
		out, err = s.member(ctx, tx, sf, user)
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("add safe member: %w", err)
	}
	return out, nil
}

// SetMemberRole changes the role of a direct member.
func (s *Service) SetMemberRole(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User, role Role) (Member, error) {
	var out Member
	err := s.changeMembers(ctx, actor, sid, user, role, event.GroupOperationSafeMemberRole, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		if err := grantable(actor, mine, role); err != nil {
			return err
		}
		old, err := s.member(ctx, tx, sf, user)
		if err != nil {
			return err
		}
		if out = old; old.Role == role {
			return nil
		}
		n, err := safesql.New(tx).UpdateMember(ctx, safesql.UpdateMemberParams{
			OrgID: string(sf.Org), SafeID: string(sid), UserID: string(user), Role: string(role), OldRole: string(old.Role),
		})
		if err != nil {
			return fmt.Errorf("change role: %w", err)
		}
		if n == 0 {
			return changedMeanwhile()
		}
		out.Role = role
		if _, err := s.settle(ctx, tx, sf.Org, sid, user); err != nil {
			return err
		}
		if err := s.keepManager(ctx, tx, actor, sf, old.Role); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewSafeMemberRoleUpdated(event.By(actor, actsAs(actor, mine)), sf.target(), user,
			string(old.Role), string(role), rank(role) > rank(old.Role)))
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("change role of safe member: %w", err)
	}
	return out, nil
}

// RemoveMember ends a direct membership; live sessions that hung on it end.
func (s *Service) RemoveMember(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User) error {
	err := s.changeMembers(ctx, actor, sid, user, User, event.GroupOperationSafeMemberRemove, func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error {
		old, err := s.member(ctx, tx, sf, user)
		if err != nil {
			return err
		}
		now, err := s.remove(ctx, tx, sf.Org, sid, user)
		if err != nil {
			return err
		}
		if err := s.keepManager(ctx, tx, actor, sf, old.Role); err != nil {
			return err
		}
		return s.tellRemoved(ctx, tx, event.By(actor, actsAs(actor, mine)), sf.Org, sid, sf.Name, user, old.Role, event.SafeRemovalCauseRemoved, now)
	})
	if err != nil {
		return fmt.Errorf("remove safe member: %w", err)
	}
	return nil
}

// UserLeft ends every direct membership of a person who leaves the organization,
// in the transaction in which they leave. Groups are left after it.
func (s *Service) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	if err := hold(ctx, tx, org); err != nil {
		return err
	}
	rows, err := safesql.New(tx).MembershipsOf(ctx, safesql.MembershipsOfParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return fmt.Errorf("list memberships: %w", err)
	}
	for _, m := range rows {
		now, err := s.remove(ctx, tx, org, id.Safe(m.SafeID), user)
		if err != nil {
			return err
		}
		if err := s.tellRemoved(ctx, tx, act, org, id.Safe(m.SafeID), m.Name, user, Role(m.Role), event.SafeRemovalCauseUserLeftOrg, now); err != nil {
			return err
		}
	}
	return nil
}

// changeMembers runs fn for an actor who may change the members of a safe, and
// tells a refusal by GROUP_MUTATION_DENIED.
func (s *Service) changeMembers(ctx context.Context, actor authz.Actor, sid id.Safe, user id.User, role Role, what event.GroupOperation,
	fn func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error) error {
	return s.change(ctx, actor, sid, role, func(act event.Act, reason event.GroupMutationDeniedReason) event.GroupMutationDenied {
		ev := event.NewGroupMutationDenied(act, event.TenantTarget(actor.Org, ""), reason, what).WithSafeID(sid)
		if user != "" {
			ev = ev.WithSubjectUserID(user)
		}
		return ev
	}, fn)
}

// change runs fn for an actor who may change who reaches a safe, one at a time in
// the organization, and tells a refusal by denied.
func (s *Service) change(ctx context.Context, actor authz.Actor, sid id.Safe, role Role,
	denied func(event.Act, event.GroupMutationDeniedReason) event.GroupMutationDenied,
	fn func(ctx context.Context, tx *db.Tx, sf Safe, mine Role) error) error {
	if rank(role) < rank(User) {
		return fault.New(fault.Invalid, "%.64q is not a role on a safe", role).WithField("role", "must be user, checkout, approver or manager")
	}
	if err := inOrg(actor); err != nil {
		return err
	}
	var mine Role
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := hold(ctx, tx, actor.Org); err != nil {
			return err
		}
		var sf Safe
		if sf, mine, err = s.find(ctx, tx, actor, sid); err != nil {
			return err
		}
		if err := authz.Check(actor, authz.SafeMember, Entry{Safe: sf, Role: mine}.object()); err != nil {
			return err
		}
		return fn(ctx, tx, sf, mine)
	})
	if err == nil {
		return nil
	}
	reason := event.GroupMutationDeniedNotPermitted
	var r *refusal
	switch {
	case errors.As(err, &r):
		reason = r.reason
	case !fault.Is(err, fault.Denied) || actor.Org == "":
		return err
	}
	as := actsAs(actor, mine)
	if as == event.TenantAdmin && actor.Role != authz.Owner && actor.Role != authz.Admin {
		as = event.User
	}
	if e := s.d.Ledger.RecordRefusal(ctx, denied(event.By(actor, as), reason)); e != nil {
		return fmt.Errorf("record a refusal: %w", e)
	}
	return err
}

// end checks the moment at which something is to end; zero is never.
func (s *Service) end(t time.Time) (int64, error) {
	if t.IsZero() {
		return 0, nil
	}
	if !t.After(s.d.Now()) || t.Year() > 9999 {
		return 0, fault.New(fault.Invalid, "the end must lie ahead").WithField("ends_at", "must lie ahead")
	}
	return db.Micros(t), nil
}

// grantable keeps who is no administrator from granting more than they hold.
func grantable(actor authz.Actor, mine, role Role) error {
	if administers(actor) || rank(role) <= rank(mine) {
		return nil
	}
	return forbid(event.GroupMutationDeniedRoleAboveActor,
		fault.New(fault.Denied, "you may not grant the role %s, because you do not hold it: ask an administrator of the organization", role))
}

// keepManager keeps a safe's managers from leaving it without one: it is asked after
// a change that took lost away. Administrators of the organization manage every
// safe, so they may.
func (s *Service) keepManager(ctx context.Context, tx *db.Tx, actor authz.Actor, sf Safe, lost Role) error {
	if lost != Manager || administers(actor) {
		return nil
	}
	n, err := safesql.New(tx).ManagerCount(ctx, safesql.ManagerCountParams{OrgID: string(sf.Org), SafeID: string(sf.ID)})
	if err != nil {
		return fmt.Errorf("count managers: %w", err)
	}
	if n > 0 {
		return nil
	}
	return forbid(event.GroupMutationDeniedLastSafeOwner,
		fault.New(fault.Denied, "this is the last manager of safe %q: make somebody else a manager first, or ask an administrator", sf.Name).WithCode(LastManager))
}

func administers(actor authz.Actor) bool {
	return actor.Kind == authz.System || actor.Role == authz.Owner || actor.Role == authz.Admin
}

// remove ends a direct membership, and gives what the person reaches without it.
func (s *Service) remove(ctx context.Context, tx *db.Tx, org id.Org, sid id.Safe, user id.User) (reach, error) {
	n, err := safesql.New(tx).DeleteMember(ctx, safesql.DeleteMemberParams{OrgID: string(org), SafeID: string(sid), UserID: string(user)})
	if err != nil {
		return reach{}, fmt.Errorf("remove member: %w", err)
	}
	if n == 0 {
		return reach{}, changedMeanwhile()
	}
	return s.settle(ctx, tx, org, sid, user)
}

// tellRemoved tells of a direct membership that ended; now is what the person still
// reaches by groups.
func (s *Service) tellRemoved(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, sid id.Safe, name string, user id.User, role Role, cause event.SafeRemovalCause, now reach) error {
	remains := now.role != NoRole
	ended := 0
	if s.d.Live != nil && !remains {
		var err error
		if ended, err = s.d.Live.OfMember(ctx, tx, org, sid, user); err != nil {
			return fmt.Errorf("count live sessions: %w", err)
		}
	}
	_, err := s.d.Ledger.Record(ctx, tx, event.NewSafeMemberRemoved(act, event.SafeTarget(sid, name), user, string(role), cause, remains, ended))
	return err
}

func (s *Service) member(ctx context.Context, tx *db.Tx, sf Safe, user id.User) (Member, error) {
	row, err := safesql.New(tx).GetMember(ctx, safesql.GetMemberParams{OrgID: string(sf.Org), SafeID: string(sf.ID), UserID: string(user)})
	if db.NotFound(err) {
		return Member{}, fault.New(fault.NotFound, "no member of safe %q has the id %.64q", sf.Name, user)
	}
	if err != nil {
		return Member{}, fmt.Errorf("read member: %w", err)
	}
	return memberFromRow(row), nil
}

func memberFromRow(row safesql.GetMemberRow) Member {
	return Member{
		ID: id.SafeMember(row.ID), User: id.User(row.UserID), Name: row.Name, Handle: row.Handle, Email: row.Email,
		Role: Role(row.Role), AddedBy: id.User(row.AddedBy), AddedAt: db.Time(row.AddedAt), EndsAt: moment(row.EndsAt),
	}
}

// moment is a time as the store keeps it; 0 is the zero time.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

func (sf Safe) target() event.SafeRef { return event.SafeTarget(sf.ID, sf.Name) }

package safe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// What groups are to safes. The groups themselves are kept by the group domain,
// which tells here, in its own transaction, who came and went.

// Joined is one person who came into a group or left it, and the event of that.
type Joined struct {
	Group id.Group
	User  id.User
	Event id.Event
}

// GroupsChanged derives the access of those who came into groups and left them, with
// an event for everybody whose role on a safe that changed. The rows of the groups
// are changed already, and the caller's change is of that organization alone.
func (s *Service) GroupsChanged(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, who []Joined) error {
	q := safesql.New(tx)
	safes := map[id.Safe]bool{} // that any of the groups is bound to
	users := map[id.User]bool{} // of a group that is bound to any
	bound := map[id.Group]bool{}
	by := map[Joined]id.Event{}
	for _, j := range who {
		if _, known := bound[j.Group]; !known {
			rows, err := q.AssignmentsOfGroup(ctx, safesql.AssignmentsOfGroupParams{OrgID: string(org), GroupID: string(j.Group)})
			if err != nil {
				return fmt.Errorf("list the safes of a group: %w", err)
			}
			for _, r := range rows {
				safes[id.Safe(r.SafeID)] = true
			}
			bound[j.Group] = len(rows) > 0
		}
		if bound[j.Group] {
			users[j.User] = true
		}
		by[Joined{Group: j.Group, User: j.User}] = j.Event
	}
	var scopes []scope // the smaller number
	if len(users) <= len(safes) {
		for u := range users {
			scopes = append(scopes, scope{user: u})
		}
	} else {
		for sid := range safes {
			scopes = append(scopes, scope{safe: sid})
		}
	}
	slices.SortFunc(scopes, func(a, b scope) int {
		return strings.Compare(string(a.safe)+string(a.user), string(b.safe)+string(b.user))
	})
	_, err := s.follow(ctx, tx, org, request, func(g id.Group, at place) id.Event { return by[Joined{Group: g, User: at.user}] }, scopes...)
	return err
}

// Brought is what a group brings to one safe.
type Brought struct {
	Safe id.Safe
	Name string
	Role Role
	Ends time.Time // zero: never
}

// Brings lists what a group brings to its members.
func (s *Service) Brings(ctx context.Context, tx *db.Tx, org id.Org, group id.Group) ([]Brought, error) {
	rows, err := safesql.New(tx).AssignmentsOfGroup(ctx, safesql.AssignmentsOfGroupParams{OrgID: string(org), GroupID: string(group)})
	if err != nil {
		return nil, fmt.Errorf("list the safes of a group: %w", err)
	}
	out := make([]Brought, len(rows))
	for i, r := range rows {
		out[i] = Brought{id.Safe(r.SafeID), r.SafeName, Role(r.Role), moment(r.EndsAt)}
	}
	return out, nil
}

// MayBring refuses an actor who could not give by hand what a group gives: the
// members of each of its safes must be theirs to change, and no role above their
// own. The fault's code is RoleAboveActor.
func (s *Service) MayBring(ctx context.Context, tx *db.Tx, actor authz.Actor, group id.Group) error {
	rows, err := safesql.New(tx).AssignmentsOfGroup(ctx, safesql.AssignmentsOfGroupParams{OrgID: string(actor.Org), GroupID: string(group), UserID: string(actor.User)})
	if err != nil {
		return fmt.Errorf("list the safes of a group: %w", err)
	}
	for _, r := range rows {
		mine := Role(r.MyRole)
		may := authz.May(actor, authz.SafeMember, authz.Object{ID: r.SafeID, Org: actor.Org, SafeRole: mine})
		if !may || !administers(actor) && rank(Role(r.Role)) > rank(mine) {
			return fault.New(fault.Denied, "this group brings a role on safes that you may not give: ask one who may change their members").WithCode(RoleAboveActor)
		}
	}
	return nil
}

// RoleAboveActor is the code of a refusal to give what the actor does not have.
const RoleAboveActor = "ROLE_ABOVE_ACTOR"

// GroupDeleted ends the bindings of a group that goes, after its event and before
// its rows go, and tells how many there were. Its members are gone already.
func (s *Service) GroupDeleted(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, group id.Group) error {
	q := safesql.New(tx)
	rows, err := q.AssignmentsOfGroup(ctx, safesql.AssignmentsOfGroupParams{OrgID: string(org), GroupID: string(group)})
	if err != nil {
		return fmt.Errorf("list the safes of a group: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	told, scopes := make([]event.Event, len(rows)), make([]scope, len(rows))
	for i, r := range rows {
		told[i] = event.NewSafeGroupAssignmentRemoved(act, event.SafeTarget(id.Safe(r.SafeID), r.SafeName), id.GroupAssignment(r.ID), group, r.Role, event.AssignmentRemovalCauseGroupDeleted)
		scopes[i] = scope{safe: id.Safe(r.SafeID)}
	}
	ids, err := s.d.Ledger.RecordAll(ctx, tx, told)
	if err != nil {
		return err
	}
	by := map[id.Safe]id.Event{}
	for i, r := range rows {
		by[id.Safe(r.SafeID)] = ids[i]
	}
	if err := q.DeleteAssignmentsOfGroup(ctx, safesql.DeleteAssignmentsOfGroupParams{OrgID: string(org), GroupID: string(group)}); err != nil {
		return fmt.Errorf("unbind a group: %w", err)
	}
	_, err = s.follow(ctx, tx, org, act.Request(), func(_ id.Group, at place) id.Event { return by[at.safe] }, scopes...)
	return err
}

// matchName is a group's name for comparison, as the group domain keeps it.
func matchName(s string) string { return strings.ToLower(s) }

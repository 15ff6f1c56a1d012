package safe

import (
	"context"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// scope is what is derived anew: one safe, one person, or one person on one safe.
type scope struct {
	safe id.Safe // empty: all
	user id.User // empty: everybody
}

// place is one person on one safe.
type place struct {
	safe id.Safe
	user id.User
}

// reach is what somebody may do with a safe, and by what: a row of safe_access.
type reach struct {
	role   Role     // the stronger of the next two
	direct Role     // of a direct member
	group  Role     // the strongest that groups bring
	via    id.Group // the group that brings it; of several the first by id
	endsAt int64    // when the first of all sources ends; 0: none does
}

// source gives somebody a role on a safe: a direct membership, or a group.
type source struct {
	place
	role   Role
	group  id.Group // empty: direct
	endsAt int64
}

// add joins one more source.
func (r *reach) add(s source) {
	switch {
	case s.group == "":
		r.direct = s.role
	case rank(s.role) > rank(r.group), s.role == r.group && s.group < r.via:
		r.group, r.via = s.role, s.group
	}
	if r.role = r.direct; rank(r.group) > rank(r.role) {
		r.role = r.group
	}
	if s.endsAt != 0 && (r.endsAt == 0 || s.endsAt < r.endsAt) {
		r.endsAt = s.endsAt
	}
}

// shift is a change of what somebody reaches.
type shift struct {
	place
	from, to reach
}

// lost tells whether the place is gone altogether.
func (s shift) lost() bool { return s.from.role != NoRole && s.to.role == NoRole }

// derive brings the stored access of a scope to what its sources say, and tells
// what changed. The caller holds the organization.
func (s *Service) derive(ctx context.Context, tx *db.Tx, org id.Org, sc scope) ([]shift, error) {
	q := safesql.New(tx)
	sources, err := sourcesOf(ctx, q, org, sc)
	if err != nil {
		return nil, err
	}
	stored, err := storedOf(ctx, q, org, sc)
	if err != nil {
		return nil, err
	}
	now := map[place]reach{}
	for _, src := range sources {
		r := now[src.place]
		r.add(src)
		now[src.place] = r
	}
	var out []shift
	for at, r := range now {
		if was := stored[at]; was != r {
			out = append(out, shift{at, was, r})
		}
	}
	for at, was := range stored {
		if _, still := now[at]; !still {
			out = append(out, shift{at, was, reach{}})
		}
	}
	slices.SortFunc(out, func(a, b shift) int {
		if a.safe != b.safe {
			return cmpText(a.safe, b.safe)
		}
		return cmpText(a.user, b.user)
	})
	if sc.user == "" && len(now) == 0 && len(stored) > 1 { // nobody reaches the safe any more
		if err := q.DeleteReach(ctx, safesql.DeleteReachParams{OrgID: string(org), SafeID: string(sc.safe)}); err != nil {
			return nil, fmt.Errorf("take derived access away: %w", err)
		}
		return out, nil
	}
	return out, store(ctx, tx, org, out)
}

func cmpText[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func sourcesOf(ctx context.Context, q *safesql.Queries, org id.Org, sc scope) (out []source, err error) {
	add := func(safe, user, role, group string, endsAt int64) {
		out = append(out, source{place{id.Safe(safe), id.User(user)}, Role(role), id.Group(group), endsAt})
	}
	switch {
	case sc.user == "":
		rows, e := q.SourcesOfSafe(ctx, safesql.SourcesOfSafeParams{OrgID: string(org), SafeID: string(sc.safe)})
		err = e
		for _, r := range rows {
			add(r.SafeID, r.UserID, r.Role, r.GroupID, r.EndsAt)
		}
	case sc.safe == "":
		rows, e := q.SourcesOfUser(ctx, safesql.SourcesOfUserParams{OrgID: string(org), UserID: string(sc.user)})
		err = e
		for _, r := range rows {
			add(r.SafeID, r.UserID, r.Role, r.GroupID, r.EndsAt)
		}
	default:
		rows, e := q.SourcesOf(ctx, safesql.SourcesOfParams{OrgID: string(org), SafeID: string(sc.safe), UserID: string(sc.user)})
		err = e
		for _, r := range rows {
			add(r.SafeID, r.UserID, r.Role, r.GroupID, r.EndsAt)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read what gives access: %w", err)
	}
	return out, nil
}

func storedOf(ctx context.Context, q *safesql.Queries, org id.Org, sc scope) (map[place]reach, error) {
	var rows []safesql.SafeAccess
	var err error
	switch {
	case sc.user == "":
		rows, err = q.ReachOfSafe(ctx, safesql.ReachOfSafeParams{OrgID: string(org), SafeID: string(sc.safe)})
	case sc.safe == "":
		rows, err = q.ReachOfUser(ctx, safesql.ReachOfUserParams{OrgID: string(org), UserID: string(sc.user)})
	default:
		rows, err = q.ReachOf(ctx, safesql.ReachOfParams{OrgID: string(org), SafeID: string(sc.safe), UserID: string(sc.user)})
	}
	if err != nil {
		return nil, fmt.Errorf("read the derived access: %w", err)
	}
	out := make(map[place]reach, len(rows))
	for _, r := range rows {
		out[place{id.Safe(r.SafeID), id.User(r.UserID)}] = reach{Role(r.Role), Role(r.DirectRole), Role(r.GroupRole), id.Group(r.GroupID), r.EndsAt}
	}
	return out, nil
}

var (
	accessKey  = []db.Column{{Name: "org_id", Kind: "text"}, {Name: "safe_id", Kind: "text"}, {Name: "user_id", Kind: "text"}}
	accessGone = db.Bulk{Table: "safe_access", Columns: accessKey}
	accessRows = db.Bulk{
		Table: "safe_access",
		Columns: append(accessKey[:3:3], db.Column{Name: "role", Kind: "text"}, db.Column{Name: "direct_role", Kind: "text"},
			db.Column{Name: "group_role", Kind: "text"}, db.Column{Name: "group_id", Kind: "text"}, db.Column{Name: "ends_at", Kind: "bigint"}),
		Upsert: `on conflict (org_id, safe_id, user_id) do update set role = excluded.role, direct_role = excluded.direct_role,
			group_role = excluded.group_role, group_id = excluded.group_id, ends_at = excluded.ends_at`,
	}
)

func store(ctx context.Context, tx *db.Tx, org id.Org, shifts []shift) error {
	var gone, rows [][]any
	for _, s := range shifts {
		key := []any{string(org), string(s.safe), string(s.user)}
		if s.to.role == NoRole {
			gone = append(gone, key)
		} else {
			rows = append(rows, append(key, string(s.to.role), string(s.to.direct), string(s.to.group), string(s.to.via), s.to.endsAt))
		}
	}
	if err := accessGone.Delete(ctx, tx, gone); err != nil {
		return fmt.Errorf("take derived access away: %w", err)
	}
	if err := accessRows.Insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("store derived access: %w", err)
	}
	return nil
}

// causes names the recorded event that explains a shift of access through a group.
type causes func(group id.Group, at place) id.Event

// because is the same event for everybody.
func because(ev id.Event) causes { return func(id.Group, place) id.Event { return ev } }

// follow derives a scope after a change of groups, and tells of everybody whose
// role it changed: one event each. What changes without changing the role (by
// which group, until when) is nobody's event.
func (s *Service) follow(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, why causes, scopes ...scope) ([]shift, error) {
	var all []shift
	names := map[id.Safe]string{}
	var told []event.Event
	for _, sc := range scopes {
		shifts, err := s.derive(ctx, tx, org, sc)
		if err != nil {
			return nil, err
		}
		all = append(all, shifts...)
		live, err := s.liveOf(ctx, tx, org, sc, shifts)
		if err != nil {
			return nil, err
		}
		for _, sh := range shifts {
			if sh.from.role == sh.to.role {
				continue
			}
			if _, known := names[sh.safe]; !known {
				row, err := safesql.New(tx).SafeName(ctx, safesql.SafeNameParams{OrgID: string(org), ID: string(sh.safe)})
				if err != nil {
					return nil, fmt.Errorf("read the name of safe %s: %w", sh.safe, err)
				}
				names[sh.safe] = row
			}
			told = append(told, sh.event(org, request, names[sh.safe], why, live[sh.place]))
		}
	}
	if _, err := s.d.Ledger.RecordAll(ctx, tx, told); err != nil {
		return nil, err
	}
	return all, nil
}

// event is the one that tells of a shift through groups. Its group is the one that
// brings the new role where the role is stronger than before, else the one that
// brought the old.
func (sh shift) event(org id.Org, request id.Request, name string, why causes, sessions int) event.Event {
	system := authz.SystemActor(org)
	if request != "" {
		system.Request = request
	}
	act, target := event.By(system, event.System), event.SafeTarget(sh.safe, name)
	raised := rank(sh.to.role) > rank(sh.from.role)
	via := sh.from.via
	if raised {
		via = sh.to.via
	}
	cause := why(via, sh.place)
	switch {
	case sh.from.role == NoRole:
		return event.NewSafeDerivedAccessGranted(act, target, sh.user, via, string(sh.to.role), cause)
	case sh.lost():
		return event.NewSafeDerivedAccessRevoked(act, target, sh.user, via, string(sh.from.role), sessions, cause)
	}
	return event.NewSafeDerivedAccessRoleChanged(act, target, sh.user, via, string(sh.from.role), string(sh.to.role), raised, cause)
}

// liveOf counts the sessions of those who lose their place.
func (s *Service) liveOf(ctx context.Context, tx *db.Tx, org id.Org, sc scope, shifts []shift) (map[place]int, error) {
	if s.d.Live == nil || !slices.ContainsFunc(shifts, shift.lost) {
		return nil, nil
	}
	out := map[place]int{}
	if sc.user == "" {
		n, err := s.d.Live.InSafe(ctx, tx, org, sc.safe)
		if err != nil {
			return nil, fmt.Errorf("count live sessions: %w", err)
		}
		for user, c := range n {
			out[place{sc.safe, user}] = c
		}
		return out, nil
	}
	n, err := s.d.Live.OfUser(ctx, tx, org, sc.user)
	if err != nil {
		return nil, fmt.Errorf("count live sessions: %w", err)
	}
	for safe, c := range n {
		out[place{safe, sc.user}] = c
	}
	return out, nil
}

// hold makes changes of who reaches what in an organization wait for each other.
func hold(ctx context.Context, tx *db.Tx, org id.Org) error {
	if _, err := safesql.New(tx).HoldOrganization(ctx, string(org)); err != nil {
		return fmt.Errorf("hold the organization: %w", err)
	}
	return nil
}

// settle derives one person on one safe after a change of the direct membership,
// which has its own event, and gives what they reach now.
func (s *Service) settle(ctx context.Context, tx *db.Tx, org id.Org, sid id.Safe, user id.User) (now reach, err error) {
	shifts, err := s.derive(ctx, tx, org, scope{sid, user})
	if err != nil {
		return reach{}, err
	}
	if len(shifts) == 1 {
		return shifts[0].to, nil
	}
	stored, err := storedOf(ctx, safesql.New(tx), org, scope{sid, user})
	return stored[place{sid, user}], err
}

// current is a stored role at a moment: where one of its sources has ended and the
// clock has not come by yet, it is what the others give.
func (s *Service) current(ctx context.Context, tx *db.Tx, org id.Org, at place, stored Role, ends int64) (Role, error) {
	now := db.Micros(s.d.Now())
	if ends == 0 || ends > now {
		return stored, nil
	}
	sources, err := sourcesOf(ctx, safesql.New(tx), org, scope{at.safe, at.user})
	if err != nil {
		return NoRole, err
	}
	var r reach
	for _, src := range sources {
		if src.endsAt == 0 || src.endsAt > now {
			r.add(src)
		}
	}
	return r.role, nil
}

package scim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/scim/scimsql"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// MaxCount is the most that one page of a list holds.
const MaxCount = 200

// List is a page of users or groups.
type List[T any] struct {
	Total int
	Items []T
}

func userFromRow(r scimsql.ScimUser) User {
	return User{ID: id.User(r.UserID), UserName: r.UserName, ExternalID: r.ExternalID, Email: r.Email, Display: r.Display, Given: r.Given, Family: r.Family,
		Active: r.Active, Version: r.Version, CreatedAt: db.Time(r.CreatedAt), ChangedAt: db.Time(r.ChangedAt)}
}

func noUser() error {
	return fault.New(fault.NotFound, "no such user in this organization's directory")
}

func (s *Service) user(ctx context.Context, q *scimsql.Queries, org id.Org, user id.User) (User, error) {
	row, err := q.GetUser(ctx, scimsql.GetUserParams{OrgID: string(org), UserID: string(user)})
	if db.NotFound(err) {
		return User{}, noUser()
	}
	if err != nil {
		return User{}, fmt.Errorf("read a user: %w", err)
	}
	u := userFromRow(row)
	groups, err := q.GroupsOf(ctx, scimsql.GroupsOfParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return User{}, fmt.Errorf("list the groups of a user: %w", err)
	}
	for _, g := range groups {
		u.Groups = append(u.Groups, Ref{g.ID, g.Display})
	}
	return u, nil
}

// User is one of the directory's people.
func (s *Service) User(ctx context.Context, c Client, user id.User) (u User, err error) {
	err = s.d.DB.ReadOrg(ctx, c.Org(), func(ctx context.Context, tx *db.Tx) (err error) {
		u, err = s.user(ctx, scimsql.New(tx), c.Org(), user)
		return err
	})
	return u, err
}

// Users lists the directory's people, from the n-th on.
func (s *Service) Users(ctx context.Context, c Client, f Filter, from, count int) (List[User], error) {
	p := scimsql.ListUsersParams{OrgID: string(c.Org()), N: int32(min(max(count, 0), MaxCount)), Skip: int32(max(from-1, 0))}
	possible, err := f.put(map[string]*string{"username": &p.MatchName, "externalid": &p.ExternalID, "id": &p.UserID, "emails": &p.Email, "emails.value": &p.Email, "active": &p.Active},
		"users are found by userName, externalId, emails.value, active or id")
	if err != nil || !possible {
		return List[User]{}, err
	}
	p.MatchName = matchName(p.MatchName)
	if p.Email != "" {
		if p.Email, err = identity.ParseEmail(p.Email); err != nil {
			return List[User]{}, nil // nobody has it
		}
	}
	var out List[User]
	err = s.d.DB.ReadOrg(ctx, c.Org(), func(ctx context.Context, tx *db.Tx) error {
		out = List[User]{}
		q := scimsql.New(tx)
		n, err := q.CountUsers(ctx, scimsql.CountUsersParams{OrgID: p.OrgID, MatchName: p.MatchName, ExternalID: p.ExternalID, Email: p.Email, UserID: p.UserID, Active: p.Active})
		if err != nil {
			return err
		}
		out.Total = int(n)
		rows, err := q.ListUsers(ctx, p)
		for _, r := range rows {
			out.Items = append(out.Items, userFromRow(r))
		}
		return err
	})
	if err != nil {
		return List[User]{}, fmt.Errorf("list users: %w", err)
	}
	return out, nil
}

// CreateUser takes a person from the directory. Somebody who is known by the
// address already stays who they are, and gets the place.
func (s *Service) CreateUser(ctx context.Context, c Client, u User) (User, error) {
	if err := u.canonical(); err != nil {
		return User{}, err
	}
	newcomer := false
	err := s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		sc := mfa.Scope{Act: event.By(c.actor, event.TenantAdmin), Target: event.TenantTarget(c.Org(), c.orgName)}
		p, known, err := s.d.People.IntroduceByEmail(ctx, tx, sc, u.Email, u.name())
		if err != nil {
			return err
		}
		u.ID, newcomer = p.ID, !known
		taken, err := q.CountUsers(ctx, scimsql.CountUsersParams{OrgID: string(c.Org()), UserID: string(u.ID)})
		if err != nil {
			return err
		}
		named, err := q.CountUsers(ctx, scimsql.CountUsersParams{OrgID: string(c.Org()), MatchName: matchName(u.UserName)})
		if err != nil {
			return err
		}
		if taken+named > 0 {
			return fault.New(fault.Conflict, "the directory has pushed a user with this userName or address already").WithCode(Uniqueness)
		}
		if err := q.InsertUser(ctx, scimsql.InsertUserParams{OrgID: string(c.Org()), UserID: string(u.ID), UserName: u.UserName, MatchName: matchName(u.UserName),
			ExternalID: u.ExternalID, Email: u.Email, Display: u.Display, Given: u.Given, Family: u.Family, Active: u.Active, Now: s.now()}); err != nil {
			return fmt.Errorf("store a user: %w", err)
		}
		if err := s.place(ctx, tx, c.actor, u.ID); err != nil {
			var b *barred
			if newcomer && errors.As(err, &b) {
				b.user = "" // they stay unknown
			}
			return err
		}
		u, err = s.user(ctx, q, c.Org(), u.ID)
		return err
	})
	return u, err
}

// canonical brings the address into its one form.
func (u *User) canonical() error {
	email, err := identity.ParseEmail(u.Email)
	if err != nil {
		return invalid(InvalidValue, "a user needs an e-mail address, as the primary of emails or as userName")
	}
	u.Email = email
	return nil
}

// write runs a change in one transaction in which all changes of the organization's
// members wait for each other. What its rules refuse is recorded.
func (s *Service) write(ctx context.Context, c Client, f db.Fn) error {
	return s.tell(ctx, c.actor, c.orgName, s.d.DB.InOrg(ctx, c.Org(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := scimsql.New(tx).HoldOrganization(ctx, scimsql.HoldOrganizationParams{Now: s.now(), ID: string(c.Org())}); err != nil {
			return fmt.Errorf("hold the organization: %w", err)
		}
		return f(ctx, tx)
	}))
}

// barred is a rule of the organization that a directory's word does not override.
type barred struct {
	user  id.User    // empty: nobody who is known
	role  authz.Role // that they keep out of, or (last) keep
	last  bool       // they are the last owner
	cause error
}

func (b *barred) Error() string { return b.cause.Error() }
func (b *barred) Unwrap() error { return b.cause }

// tell records that a change met a rule, when err says so, and gives what the actor is told.
func (s *Service) tell(ctx context.Context, actor authz.Actor, orgName string, err error) error {
	var b *barred
	if !errors.As(err, &b) {
		return err
	}
	ev := event.NewRoleAssignmentChanged(event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, orgName), b.user, false, event.RoleSourceSCIM)
	if b.last {
		err = fault.New(fault.Conflict, "this is the last owner of the organization: an owner makes somebody else one first").WithCode("LAST_OWNER").Because(b)
		ev = ev.WithOldRole(string(b.role)).Denied(event.RoleAssignmentChangedLastOrgAdmin)
	} else {
		ev = ev.WithNewRole(string(b.role)).Denied(event.RoleAssignmentChangedNotPermitted)
	}
	if rerr := s.d.Ledger.RecordRefusal(ctx, ev); rerr != nil {
		return fmt.Errorf("record a refusal: %w", rerr)
	}
	return err
}

// ChangeUser changes a person as f says.
func (s *Service) ChangeUser(ctx context.Context, c Client, user id.User, f func(*User) error) (User, error) {
	var u User
	err := s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		old, err := s.user(ctx, q, c.Org(), user)
		if err != nil {
			return err
		}
		if err := c.saw(old.Version); err != nil {
			return err
		}
		u = old
		if err := f(&u); err != nil {
			return err
		}
		u.ID = user
		if err := u.canonical(); err != nil {
			return err
		}
		if matchName(u.UserName) != matchName(old.UserName) {
			n, err := q.CountUsers(ctx, scimsql.CountUsersParams{OrgID: string(c.Org()), MatchName: matchName(u.UserName)})
			if err != nil {
				return err
			}
			if n > 0 {
				return fault.New(fault.Conflict, "another user has this userName").WithCode(Uniqueness)
			}
		}
		if _, err := q.UpdateUser(ctx, scimsql.UpdateUserParams{OrgID: string(c.Org()), UserID: string(user), UserName: u.UserName, MatchName: matchName(u.UserName),
			ExternalID: u.ExternalID, Email: u.Email, Display: u.Display, Given: u.Given, Family: u.Family, Active: u.Active, Now: s.now()}); err != nil {
			return fmt.Errorf("store a user: %w", err)
		}
		if u.UserName != old.UserName { // groups show it
			if err := q.TouchGroupsOf(ctx, scimsql.TouchGroupsOfParams{Now: s.now(), OrgID: string(c.Org()), UserID: string(user)}); err != nil {
				return fmt.Errorf("note another name of a user: %w", err)
			}
		}
		if u.Active != old.Active {
			if err := s.place(ctx, tx, c.actor, user); err != nil {
				return err
			}
		}
		u, err = s.user(ctx, q, c.Org(), user)
		return err
	})
	return u, err
}

// DeleteUser forgets a person of the directory; their place ends.
func (s *Service) DeleteUser(ctx context.Context, c Client, user id.User) error {
	return s.write(ctx, c, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		u, err := s.user(ctx, q, c.Org(), user)
		if err == nil {
			err = c.saw(u.Version)
		}
		if err != nil {
			return err
		}
		if err := q.TouchGroupsOf(ctx, scimsql.TouchGroupsOfParams{Now: s.now(), OrgID: string(c.Org()), UserID: string(user)}); err != nil {
			return fmt.Errorf("leave the groups: %w", err)
		}
		if err := q.LeaveGroups(ctx, scimsql.LeaveGroupsParams{OrgID: string(c.Org()), UserID: string(user)}); err != nil {
			return fmt.Errorf("leave the groups: %w", err)
		}
		if u.Active {
			if err := s.unplace(ctx, tx, c.actor, user); err != nil {
				return err
			}
		}
		_, err = q.DeleteUser(ctx, scimsql.DeleteUserParams{OrgID: string(c.Org()), UserID: string(user)})
		return err
	})
}

// place gives a person the place that the directory's word and the rules give.
func (s *Service) place(ctx context.Context, tx *db.Tx, actor authz.Actor, user id.User) error {
	set, err := s.settings(ctx, scimsql.New(tx), actor.Org)
	if err != nil {
		return err
	}
	return s.placeBy(ctx, tx, actor, set, user)
}

func (s *Service) placeAll(ctx context.Context, tx *db.Tx, actor authz.Actor, set Settings, users []string) error {
	for _, u := range users {
		if err := s.placeBy(ctx, tx, actor, set, id.User(u)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) placeBy(ctx context.Context, tx *db.Tx, actor authz.Actor, set Settings, user id.User) error {
	u, err := s.user(ctx, scimsql.New(tx), actor.Org, user)
	if err != nil {
		return err
	}
	role := set.DefaultRole
	for _, r := range set.Roles {
		if slices.ContainsFunc(u.Groups, func(g Ref) bool { return strings.EqualFold(g.Name, r.Group) }) {
			role = r.Role
			break
		}
	}
	if !u.Active || role == authz.None {
		return s.unplace(ctx, tx, actor, user)
	}
	now, err := s.d.Members.Place(ctx, tx, tenancy.Placement{Org: actor.Org, User: user, Role: role, Source: event.RoleSourceSCIM, Actor: actor, New: true, Keep: len(set.Roles) == 0})
	if code := fault.CodeOf(err); code == tenancy.SeatLimit || code == tenancy.DomainNotAllowed {
		return &barred{user: user, role: role, cause: err}
	}
	if err != nil || now == authz.None || s.d.Groups == nil {
		return err
	}
	in := make([]id.Group, len(u.Groups))
	for i, g := range u.Groups {
		in[i] = id.Group(g.ID)
	}
	return s.d.Groups.Placed(ctx, tx, actor, user, in)
}

func (s *Service) unplace(ctx context.Context, tx *db.Tx, actor authz.Actor, user id.User) error {
	_, err := s.d.Members.Place(ctx, tx, tenancy.Placement{Org: actor.Org, User: user, Role: authz.None, Source: event.RoleSourceSCIM, Actor: actor})
	if fault.CodeOf(err) == "LAST_OWNER" {
		return &barred{user: user, role: authz.Owner, last: true, cause: err}
	}
	return err
}

package group

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group/groupsql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Ledger records what happens to groups.
type Ledger interface {
	RecordAll(ctx context.Context, tx *db.Tx, evs []event.Event) ([]id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Safes is where groups bring rights; safe.Service is one.
type Safes interface {
	GroupsChanged(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, who []safe.Joined) error
	GroupDeleted(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, group id.Group) error
	MayBring(ctx context.Context, tx *db.Tx, actor authz.Actor, group id.Group) error
	Brings(ctx context.Context, tx *db.Tx, org id.Org, group id.Group) ([]safe.Brought, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB     *db.DB
	Ledger Ledger
	Safes  Safes
	Now    func() time.Time // nil: time.Now
}

// Service keeps the groups. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Safes == nil {
		return nil, errors.New("group: DB, Ledger and Safes are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

// Source says who owns the members of a group.
type Source string

// The sources.
const (
	Local Source = "local" // edited here
	SCIM  Source = "scim"  // a directory pushes it
	SSO   Source = "sso"   // an identity provider names it at each sign-in
)

func (s Source) event() event.GroupSource {
	src, err := event.ParseGroupSource(string(s))
	if err != nil {
		panic(err) // the values above are those of the catalog
	}
	return src
}

// The codes of conflicts and refusals.
const (
	NameTaken       = "NAME_TAKEN"
	VersionConflict = "VERSION_CONFLICT"
	Managed         = "GROUP_MANAGED_BY_DIRECTORY"
)

// Group is a group of people of one organization.
type Group struct {
	ID          id.Group
	Org         id.Org
	Name        string // unique in the organization, whatever its case
	Description string
	Source      Source
	Provider    id.Provider // SSO: whose word counts
	Claim       string      // SSO: the provider's name for it
	Members     int
	Safes       int   // that it is bound to
	Version     int64 // grows with every change of the above; not with members and safes
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func fromRow(r groupsql.GetGroupRow) Group {
	return Group{
		ID: id.Group(r.ID), Org: id.Org(r.OrgID), Name: r.Name, Description: r.Description, Source: Source(r.Source), Provider: id.Provider(r.ProviderID),
		Claim: r.Claim, Members: int(r.Members), Safes: int(r.Safes), Version: r.Version, CreatedAt: db.Time(r.CreatedAt), UpdatedAt: db.Time(r.UpdatedAt),
	}
}

// Of lists the groups that a person is in, for whoever decides in tx.
func Of(ctx context.Context, tx *db.Tx, org id.Org, user id.User) ([]id.Group, error) {
	rows, err := groupsql.New(tx).GroupsOf(ctx, groupsql.GroupsOfParams{OrgID: string(org), UserID: string(user)})
	if err != nil {
		return nil, fmt.Errorf("list the groups of %s: %w", user, err)
	}
	out := make([]id.Group, len(rows))
	for i, g := range rows {
		out[i] = id.Group(g)
	}
	return out, nil
}

func object(org id.Org) authz.Object { return authz.Object{Type: authz.GroupObject, Org: org} }

func notFound(gid id.Group) error {
	return fault.New(fault.NotFound, "no group of this organization has the id %.64q", gid)
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "somebody changed this group meanwhile: look at it again, then decide").WithCode(VersionConflict)
}

func matchName(s string) string { return strings.ToLower(s) }

// inOrg refuses who is not active in an organization.
func inOrg(actor authz.Actor) error {
	if actor.Org == "" && actor.Kind != authz.Nobody {
		return fault.New(fault.Invalid, "groups belong to an organization: choose one first")
	}
	return nil
}

func (s *Service) may(actor authz.Actor, a authz.Action) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	return authz.Check(actor, a, object(actor.Org))
}

// Get gives a group.
func (s *Service) Get(ctx context.Context, actor authz.Actor, gid id.Group) (g Group, err error) {
	if err := s.may(actor, authz.GroupList); err != nil {
		return Group{}, err
	}
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		g, err = find(ctx, tx, actor.Org, gid)
		return err
	})
	return g, err
}

func find(ctx context.Context, tx *db.Tx, org id.Org, gid id.Group) (Group, error) {
	row, err := groupsql.New(tx).GetGroup(ctx, groupsql.GetGroupParams{OrgID: string(org), ID: string(gid)})
	if db.NotFound(err) {
		return Group{}, notFound(gid)
	}
	if err != nil {
		return Group{}, fmt.Errorf("read a group: %w", err)
	}
	return fromRow(row), nil
}

// Filter narrows a list.
type Filter struct {
	Part string  // of the name
	User id.User // only those that this person is in
}

// List gives the groups of the active organization, in the order of their names.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Group], error) {
	if err := s.may(actor, authz.GroupList); err != nil {
		return page.List[Group]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Group]{}, err
	}
	part := ""
	if f.Part != "" {
		part = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(matchName(f.Part)) + "%"
	}
	var rows []groupsql.ListGroupsRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = groupsql.New(tx).ListGroups(ctx, groupsql.ListGroupsParams{OrgID: string(actor.Org), After: after, Part: part, UserID: string(f.User), Read: read})
		return err
	})
	if err != nil {
		return page.List[Group]{}, fmt.Errorf("list groups: %w", err)
	}
	out := make([]Group, len(rows))
	for i, r := range rows {
		out[i] = fromRow(groupsql.GetGroupRow(r))
	}
	return page.Cut(out, read, func(g Group) string { return matchName(g.Name) }), nil
}

// Safes lists what a group brings.
func (s *Service) Safes(ctx context.Context, actor authz.Actor, gid id.Group) (out []safe.Brought, err error) {
	if err := s.may(actor, authz.GroupList); err != nil {
		return nil, err
	}
	// Names of safes are for those who may see any.
	if err := authz.Check(actor, authz.SafeView, authz.Object{Org: actor.Org}); err != nil {
		return nil, err
	}
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err := find(ctx, tx, actor.Org, gid); err != nil {
			return err
		}
		out, err = s.d.Safes.Brings(ctx, tx, actor.Org, gid)
		return err
	})
	return out, err
}

// check finds what is wrong with the group's own values.
func (g Group) check() error {
	f := fault.New(fault.Invalid, "the group is not valid: see the fields that are named")
	if wrong := label.Name(g.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if wrong := label.Note(g.Description); wrong != "" {
		f.WithField("description", "%s", wrong)
	}
	switch g.Source {
	case Local:
		if g.Provider != "" || g.Claim != "" {
			f.WithField("source", "must be sso for a group that follows an identity provider")
		}
	case SSO:
		if g.Provider == "" {
			f.WithField("provider_id", "is needed for a group that follows an identity provider")
		}
		if len(g.Claim) > 300 || label.Name(string([]rune(g.Claim + " ")[:min(len([]rune(g.Claim)), label.MaxName)])) != "" {
			f.WithField("provider_group", "must be the provider's name for the group")
		}
	default:
		f.WithField("source", "must be local or sso; a directory pushes groups of its own")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// People makes persons known, and an organization's certificate authority.
type People interface {
	Draft(ctx context.Context, n identity.NewPerson) (identity.Draft, error)
	Introduce(ctx context.Context, tx *db.Tx, sc mfa.Scope, d identity.Draft) (p identity.Profile, known bool, err error)
	PrepareCA(ctx context.Context, org id.Org) (func(context.Context, *db.Tx) error, error)
	// MemberSuspended ends what a membership gave, after it was suspended.
	MemberSuspended(ctx context.Context, tx *db.Tx, sc mfa.Scope, org id.Org, user id.User) (webSessions int, err error)
}

// Sealer encrypts secrets at rest. It is called outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// SSO knows how the members of an organization sign in.
type SSO interface {
	// Only tells whether single sign-on is the one door of an organization.
	Only(ctx context.Context, tx *db.Tx, org id.Org) (bool, error)
}

// Ender ends what an organization has open, in the transaction that deletes it.
type Ender interface {
	OrgDeleted(ctx context.Context, tx *db.Tx, act event.Act, org id.Org) error
}

// Leaver ends what a membership gave, before the membership itself ends and in
// the same transaction.
type Leaver interface {
	UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB       *db.DB
	Ledger   Ledger
	People   People
	Seal     Sealer
	SSO      SSO      // nil: nobody signs in by single sign-on
	OnLeave  []Leaver // identity (tokens, certificates), safe (memberships), ...
	OnDelete []Ender  // invitation

	Governance *governance.Service // nil: nothing waits for a second person

	RecordingRetention time.Duration // the installation's; shown and compared with
	AuditRetention     time.Duration // the installation's; 0: 400 days
	OnRetention        func()        // called when less may be kept than before; nil: nobody
	Now                func() time.Time
}

// Service keeps organizations and members. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.People == nil || d.Seal == nil {
		return nil, errors.New("tenancy: DB, Ledger, People and Seal are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.AuditRetention == 0 {
		d.AuditRetention = DefaultAuditRetention
	}
	if d.OnRetention == nil {
		d.OnRetention = func() {}
	}
	return &Service{d: d}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// Organization is a tenant.
type Organization struct {
	ID        id.Org
	Slug      string
	Name      string
	Active    bool
	Deleted   bool
	CreatedAt time.Time

	SuspendedAt time.Time // zero: it is not
	Comment     string    // why, as its operators wrote
}

func organization(r tenancysql.Organization) Organization {
	o := Organization{ID: id.Org(r.ID), Slug: r.Slug, Name: r.Name, Active: r.State == activeState, Deleted: r.DeletedAt != 0, CreatedAt: db.Time(r.CreatedAt), Comment: r.StateComment}
	if r.SuspendedAt != 0 {
		o.SuspendedAt = db.Time(r.SuspendedAt)
	}
	return o
}

// Member is a person in an organization.
type Member struct {
	identity.Profile
	Role     authz.Role
	Active   bool // neither they nor their membership are suspended
	JoinedAt time.Time
	MFA      bool // has a second factor; told by lists only
	Service  bool // acts by API tokens only

	SuspendedAt time.Time // when the membership was suspended; zero: it is not
}

// CreateArgs describes a new organization and its first owner, who may be known already.
type CreateArgs struct {
	Slug  string
	Name  string
	Owner identity.NewPerson
}

// Create makes an organization. It is for platform administrators and for the
// product itself.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a CreateArgs) (Organization, Member, error) {
	fail := func(err error) (Organization, Member, error) { return Organization{}, Member{}, err }
	a.Name = norm.NFC.String(a.Name)
	if err := checkNames(a); err != nil {
		return fail(err)
	}
	act := event.By(actor, event.PlatformAdmin).OnPlatform()
	denied := func(err error, why event.OrganizationCreatedReason) error {
		return s.refused(ctx, actor, err, event.NewOrganizationCreated(act, event.PlatformTarget(), a.Slug, a.Name).Denied(why))
	}
	platform := actor
	platform.Org, platform.Role = "", authz.None
	if err := authz.Check(platform, authz.PlatformOrgCreate, authz.Object{Type: authz.PlatformObject}); err != nil {
		return fail(denied(err, event.OrganizationCreatedNotPermitted))
	}
	draft, err := s.d.People.Draft(ctx, a.Owner)
	if err != nil {
		return fail(err)
	}
	taken := false
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		taken, err = s.SlugTaken(ctx, tx, a.Slug)
		return err
	})
	if err != nil {
		return fail(fmt.Errorf("look up a slug: %w", err))
	}
	if taken { // before it has keys
		return fail(denied(slugTaken(a.Slug), event.OrganizationCreatedDuplicateOrganization))
	}
	plan, err := s.Plan(ctx, a.Slug, a.Name, draft)
	if err != nil {
		return fail(err)
	}
	var owner Member
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if owner, err = s.Make(ctx, tx, act, plan); err != nil {
			return err
		}
		return s.recordCreation(ctx, tx, act, plan.org, owner.Profile)
	})
	if fault.CodeOf(err) == "SLUG_TAKEN" {
		return fail(denied(err, event.OrganizationCreatedDuplicateOrganization))
	}
	if err != nil {
		return fail(fmt.Errorf("create an organization: %w", err))
	}
	return plan.org, owner, nil
}

func checkNames(a CreateArgs) error {
	f := fault.New(fault.Invalid, "the organization cannot be made like this: see the fields that are named")
	if wrong := label.Slug(a.Slug); wrong != "" {
		f.WithField("slug", "%s", wrong)
	} else if slices.Contains(reservedSlugs, a.Slug) {
		f.WithField("slug", "is reserved: choose another")
	}
	if wrong := label.Name(a.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// recordCreation tells both ledgers of a new organization, and its own of the
// owner's role, which no member gave.
func (s *Service) recordCreation(ctx context.Context, tx *db.Tx, act event.Act, org Organization, owner identity.Profile) error {
	target := event.TenantTarget(org.ID, org.Name)
	created := func(act event.Act) event.Event {
		return event.NewOrganizationCreated(act, target, org.Slug, org.Name).WithNewOrgID(org.ID).WithOwnerUserID(owner.ID)
	}
	if _, err := s.d.Ledger.Record(ctx, tx, created(act)); err != nil {
		return err
	}
	if _, err := s.d.Ledger.Record(ctx, tx, created(act.InOrg(org.ID))); err != nil {
		return err
	}
	return s.TellOwner(ctx, tx, act.Request(), org, owner)
}

// refused records a refusal and returns why.
func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

// Get is the actor's active organization.
func (s *Service) Get(ctx context.Context, actor authz.Actor) (Organization, error) {
	if actor.Org == "" {
		return Organization{}, fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	if err := authz.Check(actor, authz.OrgView, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org}); err != nil {
		return Organization{}, err
	}
	var row tenancysql.Organization
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = tenancysql.New(tx).GetOrganization(ctx, string(actor.Org))
		return err
	})
	if err != nil {
		return Organization{}, fmt.Errorf("read organization %s: %w", actor.Org, err)
	}
	return organization(row), nil
}

package tenancy

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
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// reservedSlugs would be taken for something of the installation's own in a host
// name, an SSH login or a link.
var reservedSlugs = []string{
	"admin", "api", "app", "auth", "console", "docs", "gateway", "help", "login", "mail", "me", "new", "none", "org", "orgs", "platform",
	"root", "security", "setup", "signup", "ssh", "static", "status", "support", "system", "vaultpam", "www",
}

// CheckSlug says what is wrong with the short name that a stranger wants for an
// organization; nothing when it is good. It is stricter than what a platform
// administrator may choose.
func CheckSlug(s string) string {
	switch wrong := label.Slug(s); {
	case wrong != "":
		return wrong
	case len(s) < 3 || len(s) > 40:
		return "must have 3 to 40 characters"
	case strings.Contains(s, "--"):
		return "must not have two hyphens in a row"
	case s[0] >= '0' && s[0] <= '9':
		return "must begin with a letter"
	case slices.Contains(reservedSlugs, s):
		return "is reserved: choose another"
	}
	return ""
}

// Plan is a new organization whose keys are made already, so that no transaction
// waits for that.
type Plan struct {
	org     Organization
	owner   identity.Draft
	storeCA func(context.Context, *db.Tx) error
}

// Plan prepares an organization whose names were checked. Call it outside a transaction.
func (s *Service) Plan(ctx context.Context, slug, name string, owner identity.Draft) (Plan, error) {
	p := Plan{owner: owner, org: Organization{ID: id.New[id.Org](), Slug: slug, Name: name, Active: true, CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}}
	var err error
	p.storeCA, err = s.d.People.PrepareCA(ctx, p.org.ID)
	return p, err
}

// Org is the organization to be.
func (p Plan) Org() Organization { return p.org }

// Make makes the organization and its first owner, who may be known already. The caller
// records why there is one. A taken slug is fault.Conflict with the code SLUG_TAKEN.
func (s *Service) Make(ctx context.Context, tx *db.Tx, act event.Act, p Plan) (Member, error) {
	q := tenancysql.New(tx)
	if err := q.InsertOrganization(ctx, tenancysql.InsertOrganizationParams{ID: string(p.org.ID), Slug: p.org.Slug, Name: p.org.Name, Now: s.now()}); err != nil {
		if db.Unique(err) {
			return Member{}, slugTaken(p.org.Slug).Because(err)
		}
		return Member{}, fmt.Errorf("store an organization: %w", err)
	}
	who, _, err := s.d.People.Introduce(ctx, tx, mfa.Scope{Act: act, Target: event.PlatformTarget()}, p.owner)
	if err != nil {
		return Member{}, err
	}
	if err := q.InsertMember(ctx, tenancysql.InsertMemberParams{OrgID: string(p.org.ID), UserID: string(who.ID), Role: string(authz.Owner), Now: s.now()}); err != nil {
		return Member{}, fmt.Errorf("store the owner: %w", err)
	}
	return Member{Profile: who, Role: authz.Owner, Active: true, JoinedAt: p.org.CreatedAt}, p.storeCA(ctx, tx)
}

func slugTaken(slug string) *fault.Error {
	return fault.New(fault.Conflict, "an organization with the slug %s exists already: choose another", slug).WithCode("SLUG_TAKEN").WithField("slug", "is taken")
}

// SlugTaken tells whether an organization has the slug, or had it.
func (s *Service) SlugTaken(ctx context.Context, tx *db.Tx, slug string) (bool, error) {
	_, err := tenancysql.New(tx).OrganizationBySlug(ctx, slug)
	if db.NotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// TellOwner tells a new organization's ledger of its owner's role, which no member gave.
func (s *Service) TellOwner(ctx context.Context, tx *db.Tx, request id.Request, org Organization, owner identity.Profile) error {
	system := authz.SystemActor(org.ID)
	system.Request = request
	_, err := s.d.Ledger.Record(ctx, tx, event.NewRoleAssignmentChanged(
		event.By(system, event.System), event.TenantTarget(org.ID, org.Name), owner.ID, true, event.RoleSourceAdmin).WithNewRole(string(authz.Owner)))
	return err
}

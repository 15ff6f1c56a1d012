package tenancy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// Overview is an organization as operators of the platform see it: how large it is and
// how it stands, and nothing of what is its own.
type Overview struct {
	Organization
	Members     int
	Invited     int // open invitations; each holds a seat
	Seats       int // 0: no limit
	SSORequired bool

	AuditMinimum int    // days
	Holds        []Hold // in force; told of one organization only
}

// List lists all organizations by slug, for operators of the platform.
func (s *Service) List(ctx context.Context, actor authz.Actor, p page.Request) (page.List[Overview], error) {
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Overview]{}, err
	}
	out, err := s.overview(ctx, actor, tenancysql.OverviewOrganizationsParams{After: after, N: n})
	if err != nil {
		return page.List[Overview]{}, err
	}
	return page.Cut(out, n, func(o Overview) string { return o.Slug }), nil
}

// Overview shows one organization to operators of the platform.
func (s *Service) Overview(ctx context.Context, actor authz.Actor, org id.Org) (Overview, error) {
	out, err := s.overview(ctx, actor, tenancysql.OverviewOrganizationsParams{ID: string(org), N: 1})
	if err != nil {
		return Overview{}, err
	}
	if org == "" || len(out) == 0 {
		return Overview{}, noOrganization()
	}
	return out[0], nil
}

func (s *Service) overview(ctx context.Context, actor authz.Actor, p tenancysql.OverviewOrganizationsParams) ([]Overview, error) {
	actor.Org, actor.Role = "", authz.None
	if err := authz.Check(actor, authz.PlatformOrgList, authz.Object{Type: authz.PlatformObject}); err != nil {
		return nil, err
	}
	var rows []tenancysql.OverviewOrganizationsRow
	var kept []Hold
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if rows, err = tenancysql.New(tx).OverviewOrganizations(ctx, p); err == nil && p.ID != "" {
			kept, err = holds(ctx, tx, id.Org(p.ID))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	out := make([]Overview, len(rows))
	for i, r := range rows {
		var st Settings
		if err := json.Unmarshal([]byte(r.Settings), &st); err != nil {
			return nil, fmt.Errorf("read the settings of %s: %w", r.ID, err)
		}
		out[i] = Overview{AuditMinimum: st.LeastAuditDays(), Holds: kept, Members: int(r.Members), Invited: int(r.Invited), Seats: int(r.SeatLimit), SSORequired: r.SsoRequired,
			Organization: organization(tenancysql.Organization{ID: r.ID, Slug: r.Slug, Name: r.Name, State: r.State, CreatedAt: r.CreatedAt, ChangedAt: r.ChangedAt,
				DeletedAt: r.DeletedAt, SuspendedAt: r.SuspendedAt, StateComment: r.StateComment})}
	}
	return out, nil
}

package tenancy

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// Directory answers who belongs where, from the rows as they are. It has no
// parts of its own; identity is built with one.
type Directory struct{}

// Of lists a person's memberships of active organizations, oldest first. tx must
// not be scoped to one organization.
func (Directory) Of(ctx context.Context, tx *db.Tx, user id.User) ([]identity.Membership, error) {
	rows, err := tenancysql.New(tx).MembershipsOf(ctx, string(user))
	if err != nil {
		return nil, fmt.Errorf("list the memberships of %s: %w", user, err)
	}
	out := make([]identity.Membership, len(rows))
	for i, r := range rows {
		out[i] = identity.Membership{Org: id.Org(r.OrgID), Slug: r.Slug, Name: r.Name, Role: authz.Role(r.Role), SSORequired: r.SsoRequired}
		if r.SsoAt != 0 {
			out[i].SSOAt = db.Time(r.SsoAt)
		}
	}
	return out, nil
}

// Name is the display name of an organization.
func (Directory) Name(ctx context.Context, tx *db.Tx, org id.Org) (string, error) {
	row, err := tenancysql.New(tx).GetOrganization(ctx, string(org))
	if db.NotFound(err) {
		return "", fault.New(fault.NotFound, "no such organization")
	}
	if err != nil {
		return "", fmt.Errorf("read organization %s: %w", org, err)
	}
	return row.Name, nil
}

// RoleIn is a person's role in an organization at this moment: authz.None when
// they do not belong to it, or when they or it are suspended.
func (Directory) RoleIn(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (authz.Role, error) {
	role, err := tenancysql.New(tx).RoleIn(ctx, tenancysql.RoleInParams{OrgID: string(org), UserID: string(user)})
	if db.NotFound(err) {
		return authz.None, nil
	}
	if err != nil {
		return authz.None, fmt.Errorf("read the role of %s: %w", user, err)
	}
	return authz.Role(role), nil
}

package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// A service account is a member that nobody signs in as: it has neither password
// nor factors nor keys, and acts by API tokens that administrators issue to it. Its
// e-mail address is made of its name and its organization, under a domain that
// exists nowhere (RFC 2606), so that names are unique in an organization and nobody
// ever gets its mail.
const serviceDomain = ".service.invalid"

// ServicePattern matches, as an SQL pattern, the e-mail addresses of service accounts.
const ServicePattern = "%" + serviceDomain

// IsService tells whether an e-mail address is that of a service account.
func IsService(email string) bool { return strings.HasSuffix(email, serviceDomain) }

// ServiceAccount is the NewPerson of a service account, for tenancy to make a member.
func ServiceAccount(org id.Org, name string) (NewPerson, error) {
	short, err := ParseHandle(name)
	if err != nil {
		return NewPerson{}, fault.New(fault.Invalid, "%.64q is not the name of a service account: use 2 to 32 of a-z, 0-9 and -, beginning with a letter", name).
			WithField("name", "must be 2 to 32 of a-z, 0-9 and -, beginning with a letter")
	}
	random := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(secret.Token(16).RevealString()))
	return NewPerson{
		Email:   short + "@" + strings.ReplaceAll(string(org), "_", "-") + serviceDomain,
		Handle:  short[:min(len(short), maxHandle-7)] + "-" + random[:6], // handles are of the whole installation
		Name:    short,
		service: true,
	}, nil
}

// ServiceAccountItem is a service account as lists show it.
type ServiceAccountItem struct {
	ID        id.User
	Name      string
	Handle    string
	Role      authz.Role
	Tokens    int // live ones
	CreatedAt time.Time
}

// ServiceAccounts lists those of the active organization by name.
func (s *Service) ServiceAccounts(ctx context.Context, actor authz.Actor, p page.Request) (page.List[ServiceAccountItem], error) {
	if err := authz.Check(actor, authz.MemberList, authz.Object{Type: authz.MemberObject, Org: actor.Org}); err != nil {
		return page.List[ServiceAccountItem]{}, err
	}
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[ServiceAccountItem]{}, err
	}
	var rows []identitysql.ServiceAccountsRow
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = identitysql.New(tx).ServiceAccounts(ctx, identitysql.ServiceAccountsParams{OrgID: string(actor.Org), Domain: ServicePattern, Now: s.now(), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[ServiceAccountItem]{}, fmt.Errorf("list service accounts: %w", err)
	}
	out := make([]ServiceAccountItem, len(rows))
	for i, r := range rows {
		out[i] = ServiceAccountItem{ID: id.User(r.ID), Name: r.Name, Handle: r.Handle, Role: authz.Role(r.Role), Tokens: int(r.Tokens), CreatedAt: db.Time(r.CreatedAt)}
	}
	return page.Cut(out, n, func(a ServiceAccountItem) string { return a.Name }), nil
}

// IsServiceAccount tells whether user is a service account of the actor's organization.
func (s *Service) IsServiceAccount(ctx context.Context, actor authz.Actor, user id.User) error {
	_, _, err := s.serviceOf(ctx, actor, user)
	return err
}

// serviceOf is a service account of the actor's organization, with its role.
func (s *Service) serviceOf(ctx context.Context, actor authz.Actor, user id.User) (Profile, authz.Role, error) {
	gone := fault.New(fault.NotFound, "no such service account in this organization")
	p, err := s.ByID(ctx, user)
	if fault.Is(err, fault.NotFound) || err == nil && !IsService(p.Email) {
		return Profile{}, authz.None, gone
	}
	if err != nil {
		return Profile{}, authz.None, err
	}
	all, err := s.OrgsOf(ctx, user)
	if err != nil {
		return Profile{}, authz.None, err
	}
	for _, m := range all {
		if m.Org == actor.Org {
			return p, m.Role, nil
		}
	}
	return Profile{}, authz.None, gone
}

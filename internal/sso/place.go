package sso

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// NotPermitted is the code of the fault for somebody whom a provider knows and who
// has no place here.
const NotPermitted = "SSO_NOT_PERMITTED"

// notPlaced says why somebody gets no place. The provider did its part.
type notPlaced struct {
	user id.User // empty: nobody here
	why  string
	told bool // the transaction holds an event of the refusal: it is kept
}

func (n *notPlaced) Error() string { return n.why }

// place finds the person of a claim, links them at the first time, makes them a
// member where that is wanted, and gives them the role of their groups. The error
// is a *failure for what the provider said, or a *notPlaced.
func (s *Service) place(ctx context.Context, tx *db.Tx, o identity.Origin, p Provider, c claim) (id.User, error) {
	if c.subject == "" || len(c.subject) > maxSubject {
		return "", failed(event.ProviderStepAssertion, event.ProviderFlowFailedProviderError, "the provider gives no usable name for the person")
	}
	q := ssosql.New(tx)
	link, err := q.IdentityOf(ctx, ssosql.IdentityOfParams{OrgID: string(p.Org), ProviderID: string(p.ID), Subject: c.subject})
	if err != nil && !db.NotFound(err) {
		return "", fmt.Errorf("look up an identity: %w", err)
	}
	known := err == nil
	user := id.User(link.UserID)
	if known {
		row, err := q.PersonByID(ctx, link.UserID)
		if err != nil {
			return "", fmt.Errorf("read person %s: %w", link.UserID, err)
		}
		if err := s.ownDomain(ctx, q, p.Org, row.Email); err != nil {
			return "", err
		}
		if err := s.setRole(ctx, tx, o, p, user, c.groups); err != nil {
			return "", err
		}
	} else if user, err = s.link(ctx, tx, o, p, c); err != nil {
		return "", err
	}
	if s.d.Groups != nil {
		if err := s.d.Groups.SignedIn(ctx, tx, p.Org, o.Request, p.ID, user, c.groups); err != nil {
			return "", err
		}
	}
	now := s.now()
	if _, err := q.TouchIdentity(ctx, ssosql.TouchIdentityParams{Now: now, OrgID: string(p.Org), ProviderID: string(p.ID), UserID: string(user)}); err != nil {
		return "", fmt.Errorf("note the use of an identity: %w", err)
	}
	if c.session != "" {
		if err := q.NoteBrowser(ctx, ssosql.NoteBrowserParams{OrgID: string(p.Org), ProviderID: string(p.ID), Sid: c.session, UserID: string(user), Now: now}); err != nil {
			return "", fmt.Errorf("note a provider's session: %w", err)
		}
	}
	return user, nil
}

// ownDomain refuses an address whose domain the organization has not proved to be its own.
func (s *Service) ownDomain(ctx context.Context, q *ssosql.Queries, org id.Org, email string) error {
	n, err := q.Verified(ctx, ssosql.VerifiedParams{OrgID: string(org), Domain: domainOf(email)})
	if err != nil {
		return fmt.Errorf("look up a domain: %w", err)
	}
	if n == 0 {
		return failed(event.ProviderStepAssertion, event.ProviderFlowFailedEmailUnverified, "%s is not a verified domain of the organization", domainOf(email))
	}
	return nil
}

// link makes the first connection between a provider's subject and a person, by
// an address whose domain is the organization's.
func (s *Service) link(ctx context.Context, tx *db.Tx, o identity.Origin, p Provider, c claim) (id.User, error) {
	email, err := identity.ParseEmail(c.email)
	if err != nil || !c.verified {
		return "", failed(event.ProviderStepAssertion, event.ProviderFlowFailedEmailUnverified, "the provider gives no verified e-mail address")
	}
	q := ssosql.New(tx)
	if err := s.ownDomain(ctx, q, p.Org, email); err != nil {
		return "", err
	}
	user, newcomer := id.User(""), false
	row, err := q.PersonByEmail(ctx, email)
	if err == nil || db.NotFound(err) {
		known := err == nil
		invited, merr := s.match(ctx, tx, o, p, email, func() (id.User, error) {
			if user = id.User(row.ID); known {
				return user, nil
			}
			sc := mfa.Scope{Act: systemAct(p.Org, o.Request), Target: event.TenantTarget(p.Org, p.orgName)}
			made, _, err := s.d.People.IntroduceByEmail(ctx, tx, sc, email, c.name)
			user = made.ID
			return user, err
		})
		if merr != nil {
			return "", merr
		}
		if invited {
			row.ID, err = string(user), nil
		}
	}
	switch {
	case err == nil:
		user = id.User(row.ID)
		_, err := q.IdentityOfUser(ctx, ssosql.IdentityOfUserParams{OrgID: string(p.Org), ProviderID: string(p.ID), UserID: row.ID})
		if err == nil {
			return "", &notPlaced{user: user, why: "the provider has given your address to a new account; an administrator removes the old link first"}
		}
		if !db.NotFound(err) {
			return "", fmt.Errorf("look up an identity: %w", err)
		}
	case !db.NotFound(err):
		return "", fmt.Errorf("look up a person: %w", err)
	case !p.Provision:
		return "", &notPlaced{why: "an administrator has to add you first"}
	default:
		if _, ok := s.roleOf(p, c.groups); !ok {
			return "", &notPlaced{why: "none of your groups gives you a role"}
		}
		sc := mfa.Scope{Act: systemAct(p.Org, o.Request), Target: event.TenantTarget(p.Org, p.orgName)}
		made, _, err := s.d.People.IntroduceByEmail(ctx, tx, sc, email, c.name)
		if err != nil {
			return "", err
		}
		user, newcomer = made.ID, true
	}
	if err := s.setRole(ctx, tx, o, p, user, c.groups); err != nil {
		var no *notPlaced
		if newcomer && errors.As(err, &no) {
			no.user = "" // they stay unknown
		}
		return "", err
	}
	if err := q.InsertIdentity(ctx, ssosql.InsertIdentityParams{OrgID: string(p.Org), ProviderID: string(p.ID), Subject: c.subject, UserID: string(user), Now: s.now()}); err != nil {
		return "", fmt.Errorf("store an identity: %w", err)
	}
	return user, nil
}

// match lets somebody in whom the organization has invited. What the provider's groups
// say about their role holds afterwards, as for everybody.
func (s *Service) match(ctx context.Context, tx *db.Tx, o identity.Origin, p Provider, email string, who func() (id.User, error)) (joined bool, err error) {
	if s.d.Invitations == nil {
		return false, nil
	}
	invited, joined, err := s.d.Invitations.Match(ctx, tx, o, p.Org, email, who)
	if err == nil && invited && !joined {
		err = &notPlaced{why: "your invitation cannot be accepted now; ask an administrator", told: true}
	}
	return joined, err
}

func systemAct(org id.Org, request id.Request) event.Act {
	return event.By(system(org, request), event.System)
}

func system(org id.Org, request id.Request) authz.Actor {
	actor := authz.SystemActor(org)
	if request != "" {
		actor.Request = request
	}
	return actor
}

// roleOf is the role that a provider's groups give: that of the first rule that
// matches, else the default. ok is false where rules decide and none gives one.
// Without rules and default, roles are given by hand.
func (s *Service) roleOf(p Provider, groups []string) (authz.Role, bool) {
	for _, r := range p.Roles {
		if slices.Contains(groups, r.Group) {
			return r.Role, true
		}
	}
	if p.DefaultRole != authz.None {
		return p.DefaultRole, true
	}
	return authz.None, false
}

// setRole gives a person the role of their groups. An owner's role is changed by
// an owner only.
func (s *Service) setRole(ctx context.Context, tx *db.Tx, o identity.Origin, p Provider, user id.User, groups []string) error {
	role, ok := s.roleOf(p, groups)
	pl := tenancy.Placement{Org: p.Org, User: user, Role: role, Source: event.RoleSourceSSOMapping, Request: o.Request, New: p.Provision, Keep: len(p.Roles) == 0}
	if !ok && len(p.Roles) > 0 {
		return &notPlaced{user: user, why: "none of your groups gives you a role"}
	}
	now, err := s.d.Members.Place(ctx, tx, pl)
	if code := fault.CodeOf(err); code == tenancy.SeatLimit || code == tenancy.DomainNotAllowed {
		return &notPlaced{user: user, why: fault.MessageOf(err)}
	}
	if err != nil {
		return err
	}
	if now == authz.None {
		return &notPlaced{user: user, why: "an administrator has to add you first"}
	}
	return nil
}

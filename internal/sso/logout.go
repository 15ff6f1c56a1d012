package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	logoutLife  = 5 * time.Minute // a logout token that is older, or newer, is refused
)

// LogoutArgs are what a provider posts when somebody's session with it ended.
type LogoutArgs struct {
	Provider id.Provider
	Token    secret.Secret
	From     identity.Origin
}

// Logout ends what a provider's word had opened (OpenID Connect Back-Channel
// Logout 1.0): the web sessions of the person in the organization that came
// through it, and what was launched from them. Where the organization demands its
// provider, an SSH key opens it again only after the next sign-in there. The error is fault.Invalid for a token that is not good.
func (s *Service) Logout(ctx context.Context, a LogoutArgs) error {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, ""); err != nil {
		return err
	}
	p, err := s.enabled(ctx, a.Provider)
	if err != nil {
		return err
	}
	t, err := s.logoutToken(ctx, p, a.Token)
	if err != nil {
		s.d.Log.InfoContext(ctx, "logout token refused", "provider_id", p.ID, "cause", err.Error())
		if cerr := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, a.From) }); cerr != nil {
			return cerr
		}
		return fault.New(fault.Invalid, "the logout token is not good").WithCode("LOGOUT_TOKEN").Because(err)
	}
	return s.leave(ctx, p, t, a.From, fault.New(fault.Invalid, "the logout token was used before").WithCode("LOGOUT_TOKEN"))
}

type logout struct{ id, subject, session string }

// logoutToken checks a token by section 2.6 of the specification.
func (s *Service) logoutToken(ctx context.Context, p Provider, raw secret.Secret) (logout, error) {
	if p.Protocol != OIDC {
		return logout{}, errors.New("the provider speaks another protocol")
	}
	d, err := s.discover(ctx, p)
	if err != nil {
		return logout{}, err
	}
	t, err := s.verify(oidc.ClientContext(ctx, d.client), p, d, raw.RevealString(), true)
	if err != nil {
		return logout{}, err
	}
	var c struct {
		ID      string         `json:"jti"`
		Subject string         `json:"sub"`
		Session string         `json:"sid"`
		Nonce   *string        `json:"nonce"`
		Expiry  int64          `json:"exp"`
		Events  map[string]any `json:"events"`
	}
	if err := t.Claims(&c); err != nil {
		return logout{}, err
	}
	now := s.d.Now()
	_, isLogout := c.Events[logoutEvent].(map[string]any)
	switch {
	case !isLogout:
		return logout{}, errors.New("not a logout token")
	case c.Nonce != nil:
		return logout{}, errors.New("it has a nonce: an ID token is not a logout token")
	case c.ID == "" || c.Subject == "" && c.Session == "":
		return logout{}, errors.New("it names itself or the person not")
	case t.IssuedAt.Before(now.Add(-logoutLife)) || t.IssuedAt.After(now.Add(logoutLife)) || c.Expiry != 0 && time.Unix(c.Expiry, 0).Before(now):
		return logout{}, errors.New("its time is over, or has not come")
	}
	return logout{id: c.ID, subject: c.Subject, session: c.Session}, nil
}

// whoLeft is the person of a logout token; empty when nobody here is meant.
func (s *Service) whoLeft(ctx context.Context, q *ssosql.Queries, p Provider, t logout) (id.User, error) {
	if t.subject != "" {
		row, err := q.IdentityOf(ctx, ssosql.IdentityOfParams{OrgID: string(p.Org), ProviderID: string(p.ID), Subject: t.subject})
		return id.User(row.UserID), ignoreNotFound(err)
	}
	row, err := q.BrowserOf(ctx, ssosql.BrowserOfParams{OrgID: string(p.Org), ProviderID: string(p.ID), Sid: t.session})
	return id.User(row.UserID), ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if db.NotFound(err) {
		return nil
	}
	return err
}

// Link is who a person is at a provider.
type Link struct {
	identity.Profile
	Subject    string
	LinkedAt   time.Time
	LastUsedAt time.Time // zero: never
}

// Links lists the people of a provider, by its name for them.
func (s *Service) Links(ctx context.Context, actor authz.Actor, pid id.Provider, r page.Request) (page.List[Link], error) {
	if err := s.view(actor); err != nil {
		return page.List[Link]{}, err
	}
	n, after, err := r.Resolve()
	if err != nil {
		return page.List[Link]{}, err
	}
	var rows []ssosql.ListIdentitiesRow
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err = s.find(ctx, tx, actor.Org, pid); err != nil {
			return err
		}
		rows, err = ssosql.New(tx).ListIdentities(ctx, ssosql.ListIdentitiesParams{OrgID: string(actor.Org), ProviderID: string(pid), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[Link]{}, fmt.Errorf("list the people of a provider: %w", err)
	}
	out := make([]Link, len(rows))
	for i, r := range rows {
		out[i] = Link{Profile: identity.Profile{ID: id.User(r.UserID), Email: r.Email, Handle: r.Handle, Name: r.Name}, Subject: r.Subject, LinkedAt: db.Time(r.CreatedAt)}
		if r.LastUsedAt != 0 {
			out[i].LastUsedAt = db.Time(r.LastUsedAt)
		}
	}
	return page.Cut(out, n, func(l Link) string { return l.Subject }), nil
}

// Unlink forgets who a person is at the organization's providers, so that their
// next sign-in links them anew: for an account that was made again there.
func (s *Service) Unlink(ctx context.Context, actor authz.Actor, user id.User) error {
	if err := s.manage(ctx, actor); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := ssosql.New(tx).DropIdentitiesOfUser(ctx, ssosql.DropIdentitiesOfUserParams{OrgID: string(actor.Org), UserID: string(user)})
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "nobody of this name is linked to an identity provider here")
		}
		return s.told(ctx, tx, actor, actor.Org, []event.Change{event.Changed("link."+string(user), "linked", "")}, nil)
	})
	if err != nil {
		return fmt.Errorf("unlink a person: %w", err)
	}
	return nil
}

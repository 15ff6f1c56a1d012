package invitation

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
)

// Match accepts the open invitation of an address whose person an identity provider of
// the organization has proved, in the transaction of their sign-in; who makes them known.
// invited tells whether there is one, joined whether the rules let them in by it; where
// they do not, that is recorded.
func (s *Service) Match(ctx context.Context, tx *db.Tx, o identity.Origin, org id.Org, email string, who func() (id.User, error)) (invited, joined bool, err error) {
	open, err := invitationsql.New(tx).OpenFor(ctx, invitationsql.OpenForParams{OrgID: string(org), Email: email})
	if db.NotFound(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("look for an open invitation: %w", err)
	}
	inv, err := s.get(ctx, tx, org, id.Invitation(open))
	if err != nil || inv.over(s.d.Now()) {
		return false, false, err
	}
	t := acceptance{inv: inv, via: event.AcceptedViaSSOMatch, method: event.IdentityMethodSSO, actor: o.OrNew().Stranger(org)}
	t.act = event.By(t.actor, event.User)
	var b *blocked
	err = s.allowed(ctx, tx, t, inv)
	if errors.As(err, &b) && b.accept != nil {
		_, err = s.d.Ledger.Record(ctx, tx, event.NewInvitationAcceptBlocked(t.act, inv.target(), *b.accept, event.InvitationScopeOrg, event.Email(inv.Email), t.via))
		return true, false, err
	}
	if err != nil {
		return true, false, err
	}
	user, err := who()
	if err != nil {
		return true, false, err
	}
	t.actor = authz.Actor{Kind: authz.Person, User: user, Email: email, Org: org, Source: o.Source, Via: o.Via, Request: t.actor.Request}
	t.act = event.By(t.actor, event.User)
	_, err = s.admit(ctx, tx, t, inv)
	return true, err == nil, err
}

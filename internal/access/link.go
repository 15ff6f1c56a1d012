package access

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// linkToken is in the link that an approver is sent, and in the one that an organization's
// channels get where people read. It proves nothing about who holds it: they sign in, and
// prove a second factor, all the same. It leads them to the one request. An approver's is
// good for one decision of theirs; a channel's is bound to nobody, and good for as many
// decisions as are needed.
var linkToken = secret.TokenKind{Prefix: "vpal_", Use: "vaultpam-access-link/v1"}

// CodeLink is the code of a link that is not good.
const CodeLink = "ACCESS_LINK"

var errLink = fault.New(fault.NotFound, "this link leads nowhere: it was used, it is over, or it was sent to somebody else; sign in and look at what waits for you").WithCode(CodeLink)

// Link is where a link leads.
type Link struct {
	Org     id.Org
	Request id.AccessReq
	Until   time.Time // not included
}

// OpenLink tells its own recipient, once signed in, where a link leads; the link of a
// channel tells every member of its organization. It uses nothing up.
func (s *Service) OpenLink(ctx context.Context, actor authz.Actor, token secret.Secret) (Link, error) {
	hash, ok := linkToken.Parse(token)
	if !ok || actor.Kind != authz.Person {
		return Link{}, errLink
	}
	var row accesssql.FindLinkRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := accesssql.New(tx)
		if row, err = q.FindLink(ctx, hash); !db.NotFound(err) {
			return err
		}
		shared, err := q.FindChannelLink(ctx, accesssql.FindChannelLinkParams{UserID: string(actor.User), TokenHash: hash, Now: s.now()})
		row = accesssql.FindLinkRow{OrgID: shared.OrgID, RequestID: shared.RequestID, UserID: string(actor.User), ExpiresAt: shared.ExpiresAt}
		return err
	})
	if db.NotFound(err) || err == nil && (id.User(row.UserID) != actor.User || row.UsedAt != 0 || row.ExpiresAt <= s.now()) {
		return Link{}, errLink
	}
	if err != nil {
		return Link{}, fmt.Errorf("find a link: %w", err)
	}
	return Link{id.Org(row.OrgID), id.AccessReq(row.RequestID), db.Time(row.ExpiresAt)}, nil
}

// useLink takes the one use of a link; without one there is nothing to take.
func (s *Service) useLink(ctx context.Context, tx *db.Tx, actor authz.Actor, r string, token secret.Secret) error {
	if token.Empty() {
		return nil
	}
	hash, ok := linkToken.Parse(token)
	if !ok {
		return errLink
	}
	q := accesssql.New(tx)
	n, err := q.UseLink(ctx, accesssql.UseLinkParams{OrgID: string(actor.Org), RequestID: r, UserID: string(actor.User), TokenHash: hash, Now: s.now()})
	if err == nil && n == 0 {
		n, err = q.UseChannelLink(ctx, accesssql.UseChannelLinkParams{OrgID: string(actor.Org), RequestID: r, TokenHash: hash, Now: s.now()})
	}
	if err != nil {
		return fmt.Errorf("use a link: %w", err)
	}
	if n == 0 {
		return errLink
	}
	return nil
}

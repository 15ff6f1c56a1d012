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

// linkToken is in the link that an approver is sent. It proves nothing about who holds
// it: they sign in, and prove a second factor, all the same. It leads them to the one
// request, and is good for one decision of theirs.
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

// OpenLink tells its own recipient, once signed in, where a link leads. It uses nothing up.
func (s *Service) OpenLink(ctx context.Context, actor authz.Actor, token secret.Secret) (Link, error) {
	hash, ok := linkToken.Parse(token)
	if !ok || actor.Kind != authz.Person {
		return Link{}, errLink
	}
	var row accesssql.FindLinkRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = accesssql.New(tx).FindLink(ctx, hash)
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
	n, err := accesssql.New(tx).UseLink(ctx, accesssql.UseLinkParams{OrgID: string(actor.Org), RequestID: r, UserID: string(actor.User), TokenHash: hash, Now: s.now()})
	if err != nil {
		return fmt.Errorf("use a link: %w", err)
	}
	if n == 0 {
		return errLink
	}
	return nil
}

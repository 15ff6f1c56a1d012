package checkout

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/vault"
)

func (s *Service) started(actor authz.Actor, c Checkout) event.CredentialCheckoutStarted {
	ev := event.NewCredentialCheckoutStarted(event.By(actor, event.User), c.target(), c.Safe, true, c.Kind.Event())
	if c.Request != "" {
		ev = ev.WithAccessRequestID(c.Request)
	}
	return ev
}

func completed(holder authz.Actor, c Checkout) event.CredentialCheckoutCompleted {
	return event.NewCredentialCheckoutCompleted(event.By(holder, event.User), c.target(), c.ID, c.Safe)
}

// accessed is a look at the credential of a checkout, for the event of a refusal: the
// vault tells of those that it hands out.
func (s *Service) accessed(ctx context.Context, tx *db.Tx, actor authz.Actor, c Checkout) (event.SecretAccessed, error) {
	acc, err := s.d.Vault.Find(ctx, tx, actor.Org, c.Account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return event.SecretAccessed{}, err
	}
	return event.NewSecretAccessed(event.By(actor, event.User), event.SecretTarget(acc.Secret, c.AccountName), c.Account, vault.RevealMode(actor), []string{c.Kind.Field()}).
		WithSafeID(c.Safe).WithCheckoutID(c.ID), nil
}

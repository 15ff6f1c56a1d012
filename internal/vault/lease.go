package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault/vaultsql"
)

// The codes of refused leases.
const (
	AccountDisabled        = "ACCOUNT_DISABLED"
	SecretStoreUnavailable = "SECRET_STORE_UNAVAILABLE"
)

// Lease hands out the current credential of an account to one session, which came
// through a safe and whose right to it the caller has decided. SECRET_ACCESSED is
// durable before it returns, whatever it returns. It refuses with fault.Denied (no session; an
// account that is disabled or gone) and fault.Unavailable (the secret does not open).
func (s *Service) Lease(ctx context.Context, actor authz.Actor, account id.Account, session id.Session, through id.Safe) (Credential, error) {
	return s.handOut(ctx, actor, account, handover{session: session, safe: through, mode: event.SecretAccessModeInjection, held: session != ""})
}

// Reveal hands out the current credential of an account to the holder of a checkout,
// whose right to it the caller has decided. kept is called in the transaction that
// records SECRET_ACCESSED, with the credential's version; its error takes the handing
// over back. Otherwise it is as Lease.
func (s *Service) Reveal(ctx context.Context, actor authz.Actor, account id.Account, c id.Checkout, through id.Safe, kept func(ctx context.Context, tx *db.Tx, version int64) error) (Credential, error) {
	return s.handOut(ctx, actor, account, handover{checkout: c, safe: through, mode: RevealMode(actor), held: c != "", kept: kept})
}

// RevealMode is how somebody sees a secret in the clear.
func RevealMode(actor authz.Actor) event.SecretAccessMode {
	if actor.Kind == authz.Token {
		return event.SecretAccessModeAPIRead
	}
	return event.SecretAccessModeReveal
}

// handover is to what a credential goes.
type handover struct {
	session  id.Session
	checkout id.Checkout
	safe     id.Safe
	mode     event.SecretAccessMode
	held     bool // there is a lease
	kept     func(ctx context.Context, tx *db.Tx, version int64) error
}

func (s *Service) handOut(ctx context.Context, actor authz.Actor, account id.Account, h handover) (Credential, error) {
	if actor.Org == "" {
		return Credential{}, errors.New("vault: a lease needs an organization")
	}
	for range 3 {
		c, again, err := s.lease(ctx, actor, account, h)
		if !again {
			return c, err
		}
	}
	return Credential{}, fault.New(fault.Conflict, "the credential is being replaced; try again in a moment")
}

// lease tries once; again is true when the credential was replaced meanwhile.
func (s *Service) lease(ctx context.Context, actor authz.Actor, account id.Account, h handover) (_ Credential, again bool, _ error) {
	var row vaultsql.CurrentSecretRow
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = vaultsql.New(tx).CurrentSecret(ctx, vaultsql.CurrentSecretParams{OrgID: string(actor.Org), ID: string(account)})
		return err
	})
	if err != nil && !db.NotFound(err) {
		return Credential{}, false, fmt.Errorf("read the credential: %w", err)
	}
	kind := Kind(row.Kind)
	act := event.By(actor, event.User)
	if h.session != "" {
		act = act.InSession(h.session)
	}
	accessed := event.NewSecretAccessed(act, event.SecretTarget(id.Secret(row.SecretID), row.Name), account, h.mode, []string{kind.Field()})
	if h.safe != "" {
		accessed = accessed.WithSafeID(h.safe)
	}
	if h.checkout != "" {
		accessed = accessed.WithCheckoutID(h.checkout)
	}
	switch {
	case !h.held:
		return Credential{}, false, s.refuse(ctx, accessed.Denied(event.SecretAccessedNoLease),
			fault.New(fault.Denied, "a credential is handed out to a session only"))
	case err != nil:
		return Credential{}, false, s.refuse(ctx, accessed.Denied(event.SecretAccessedNotPermitted),
			fault.New(fault.Denied, "the account of this safe does not exist any more: ask an administrator").WithCode(AccountDisabled).Because(err))
	case State(row.State) != Enabled:
		return Credential{}, false, s.refuse(ctx, accessed.Denied(event.SecretAccessedNotPermitted), disabledFault())
	}
	accessed = accessed.WithSecretVersion(int(row.Version))
	plain, err := s.d.Sealer.Open(ctx, actor.Org, place(account, row.Version, kind), row.Sealed)
	if err != nil {
		return Credential{}, false, s.refuse(ctx, accessed.Failed(event.SecretAccessedSecretStoreUnavailable),
			fault.New(fault.Unavailable, "the credential cannot be opened at the moment: tell an administrator").WithCode(SecretStoreUnavailable).Because(err))
	}
	c := Credential{Username: row.Username, Kind: kind, Version: row.Version}
	if kind == SSHKey {
		c.PrivateKey = secret.New(plain)
	} else {
		c.Password = secret.New(plain)
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := vaultsql.New(tx).StillLeasable(ctx, vaultsql.StillLeasableParams{OrgID: string(actor.Org), ID: string(account), CredentialVersion: row.Version})
		if err != nil {
			return fmt.Errorf("read the account again: %w", err)
		}
		if again = n == 0; again {
			return nil
		}
		if h.kept != nil {
			if err := h.kept(ctx, tx, row.Version); err != nil {
				return err
			}
		}
		_, err = s.d.Ledger.Record(ctx, tx, accessed)
		return err
	})
	if err != nil || again {
		c.Wipe()
		return Credential{}, again && err == nil, err
	}
	return c, false, nil
}

func disabledFault() error {
	return fault.New(fault.Denied, "the account of this safe is disabled: ask an administrator").WithCode(AccountDisabled)
}

// Reseal moves every credential of an organization to its newest key, and tells
// how many it moved. Run it after seal.Keyring.RotateOrg; leases go on meanwhile,
// and it may be interrupted and run again.
func (s *Service) Reseal(ctx context.Context, org id.Org) (int, error) {
	moved := 0
	var account string
	var version int64
	for {
		var rows []vaultsql.VersionsToResealRow
		err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = vaultsql.New(tx).VersionsToReseal(ctx, vaultsql.VersionsToResealParams{OrgID: string(org), AfterAccount: account, AfterVersion: version})
			return err
		})
		if err != nil {
			return moved, fmt.Errorf("list credentials to reseal: %w", err)
		}
		if len(rows) == 0 {
			return moved, nil
		}
		for _, r := range rows {
			account, version = r.AccountID, r.Version
			changed, err := s.reseal(ctx, org, r)
			if err != nil {
				return moved, fmt.Errorf("reseal account %s version %d: %w", account, version, err)
			}
			if changed {
				moved++
			}
		}
	}
}

func (s *Service) reseal(ctx context.Context, org id.Org, r vaultsql.VersionsToResealRow) (bool, error) {
	key, err := s.d.Sealer.KeyID(ctx, org)
	if err != nil {
		return false, err
	}
	sealed, changed, err := s.d.Sealer.Reseal(ctx, org, place(id.Account(r.AccountID), r.Version, Kind(r.Kind)), r.Sealed)
	if err != nil || !changed {
		return false, err
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		// No row: the account was deleted meanwhile, with its credentials.
		n, err := vaultsql.New(tx).ResealVersion(ctx, vaultsql.ResealVersionParams{
			OrgID: string(org), AccountID: r.AccountID, Version: r.Version, Sealed: sealed, KeyID: string(key),
		})
		changed = n == 1
		return err
	})
	return changed && err == nil, err
}

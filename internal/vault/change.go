package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault/vaultsql"
)

// UpdateArgs say what to change; nil and empty secrets leave a value as it is. A
// credential is replaced by one of the same kind. It is replaced even when the new
// secret equals the old one: telling them apart would let its manager try guesses.
type UpdateArgs struct {
	Name       *string
	Username   *string
	Password   secret.Secret
	PrivateKey secret.Secret
	Passphrase secret.Secret
	// RotateEvery is after how many days a credential is rotated by the clock: 1 to 365; 0 is never.
	RotateEvery *int
	Version     int64 // what the caller saw; 0: whatever is there
}

func (a UpdateArgs) replaces() bool {
	return !a.Password.Empty() || !a.PrivateKey.Empty() || !a.Passphrase.Empty()
}

// Update changes an account. A new credential becomes the current one; the one
// before it is retired and no longer leased.
func (s *Service) Update(ctx context.Context, actor authz.Actor, aid id.Account, a UpdateArgs) (Account, error) {
	if err := s.permit(ctx, actor, authz.AccountUpdate, aid, s.updateDenied(ctx, actor, aid)); err != nil {
		return Account{}, err
	}
	var old Account
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		old, err = s.Find(ctx, tx, actor.Org, aid)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	if a.Version != 0 && a.Version != old.Version {
		return Account{}, changedMeanwhile()
	}
	next, plain, err := a.apply(old)
	if err != nil {
		return Account{}, err
	}
	defer plain.Wipe()
	changes := diff(old, next)
	if len(changes) == 0 && !a.replaces() {
		return old, nil
	}
	var sealed []byte
	var key id.Key
	if a.replaces() {
		if next.CredentialVersion, err = s.newVersion(ctx, old); err != nil {
			return Account{}, err
		}
		next.RotationDue, next.DueBecause = time.Time{}, ""
		if sealed, key, err = s.seal(ctx, next, next.CredentialVersion, plain); err != nil {
			return Account{}, err
		}
		changes = append(changes, event.SecretReplaced(next.Kind.Field()))
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if err := s.plan(ctx, tx, old, &next); err != nil {
			return err
		}
		if err := s.store(ctx, tx, &next, old.Version); err != nil {
			return err
		}
		if a.replaces() || next.Username != old.Username {
			if err := s.notRotating(ctx, tx, next); err != nil {
				return err
			}
		}
		if a.replaces() {
			if err := s.replaceVersion(ctx, tx, actor, old, next, sealed, key); err != nil {
				return err
			}
		}
		_, err := s.d.Ledger.Record(ctx, tx, event.NewPrivilegedAccountUpdated(event.By(actor, event.TenantAdmin), next.target(), changes, a.replaces(), false))
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("update account: %w", err)
	}
	return next, nil
}

// apply makes the account as it will be, and checks the new secret.
func (a UpdateArgs) apply(old Account) (next Account, plain secret.Secret, err error) {
	next = old
	if a.Name != nil {
		next.Name = *a.Name
	}
	if a.Username != nil {
		next.Username = *a.Username
	}
	if a.RotateEvery != nil {
		next.RotateEvery = *a.RotateEvery
	}
	f := next.check()
	if n := next.RotateEvery; n < 0 || n > maxRotateEvery {
		f.WithField("rotate_every", "must be a number of days from 1 to %d, or 0 for never", maxRotateEvery)
	}
	if !a.replaces() {
		if len(f.Fields) > 0 {
			return Account{}, secret.Secret{}, f
		}
		return next, secret.Secret{}, nil
	}
	plain, err = CreateArgs{Password: a.Password, PrivateKey: a.PrivateKey, Passphrase: a.Passphrase}.material(&next, f)
	return next, plain, err
}

func diff(old, next Account) []event.Change {
	var changes []event.Change
	if old.Name != next.Name {
		changes = append(changes, event.Changed("name", old.Name, next.Name))
	}
	if old.Username != next.Username {
		changes = append(changes, event.Changed("username", old.Username, next.Username))
	}
	if old.State != next.State {
		changes = append(changes, event.Changed("state", old.State, next.State))
	}
	if old.RotateEvery != next.RotateEvery {
		changes = append(changes, event.Changed("rotate_every", old.RotateEvery, next.RotateEvery))
	}
	if old.Fingerprint != next.Fingerprint {
		changes = append(changes, event.Changed("key_fingerprint", old.Fingerprint, next.Fingerprint))
	}
	return changes
}

// store writes next over version seen of its row.
func (s *Service) store(ctx context.Context, tx *db.Tx, next *Account, seen int64) error {
	now := db.Micros(s.d.Now())
	n, err := vaultsql.New(tx).UpdateAccount(ctx, vaultsql.UpdateAccountParams{
		OrgID: string(next.Org), ID: string(next.ID), Version: seen, Name: next.Name, Username: next.Username, State: string(next.State),
		CredentialVersion: next.CredentialVersion, PublicKey: next.PublicKey, RotateEvery: int64(next.RotateEvery), NextRotationAt: microsOf(next.NextRotation), Now: now,
	})
	if err != nil {
		return nameTaken(err, next.Name)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	next.Version, next.UpdatedAt = seen+1, db.Time(now)
	return nil
}

func (s *Service) replaceVersion(ctx context.Context, tx *db.Tx, actor authz.Actor, old, next Account, sealed []byte, key id.Key) error {
	q := vaultsql.New(tx)
	n, err := q.RetireVersion(ctx, vaultsql.RetireVersionParams{OrgID: string(next.Org), AccountID: string(next.ID), Version: old.CredentialVersion})
	if err != nil {
		return fmt.Errorf("retire the credential: %w", err)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	err = q.InsertVersion(ctx, vaultsql.InsertVersionParams{
		OrgID: string(next.Org), AccountID: string(next.ID), Version: next.CredentialVersion, Sealed: sealed, KeyID: string(key),
		Now: db.Micros(s.d.Now()), CreatedBy: string(actor.User),
	})
	if err != nil {
		return fmt.Errorf("store the credential: %w", err)
	}
	return nil
}

// Disable takes an account out of use: nothing is leased any more, and live
// sessions with it end. Disabling a disabled account changes nothing.
func (s *Service) Disable(ctx context.Context, actor authz.Actor, aid id.Account) (Account, error) {
	if err := s.permit(ctx, actor, authz.AccountDisable, aid, func() event.Event {
		return s.disabled(actor, s.peek(ctx, actor.Org, aid), event.DisableModeDisabled, 0, 0).Denied(event.PrivilegedAccountDisabledNotPermitted)
	}); err != nil {
		return Account{}, err
	}
	return s.setState(ctx, actor, aid, Disabled, func(ctx context.Context, tx *db.Tx, old, next Account) (event.Event, error) {
		ended, err := s.live(ctx, tx, next)
		if err != nil {
			return nil, err
		}
		revoked, err := s.revoke(ctx, tx, actor, next)
		return s.disabled(actor, next, event.DisableModeDisabled, revoked, ended), err
	})
}

// Enable puts a disabled account into use again.
func (s *Service) Enable(ctx context.Context, actor authz.Actor, aid id.Account) (Account, error) {
	if err := s.permit(ctx, actor, authz.AccountDisable, aid, s.updateDenied(ctx, actor, aid)); err != nil {
		return Account{}, err
	}
	return s.setState(ctx, actor, aid, Enabled, func(_ context.Context, _ *db.Tx, old, next Account) (event.Event, error) {
		return event.NewPrivilegedAccountUpdated(event.By(actor, event.TenantAdmin), next.target(), diff(old, next), false, true), nil
	})
}

func (s *Service) setState(ctx context.Context, actor authz.Actor, aid id.Account, to State,
	tell func(ctx context.Context, tx *db.Tx, old, next Account) (event.Event, error)) (Account, error) {
	var out Account
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		old, err := s.Find(ctx, tx, actor.Org, aid)
		if err != nil {
			return err
		}
		if out = old; old.State == to {
			return nil
		}
		out.State = to
		if err := s.store(ctx, tx, &out, old.Version); err != nil {
			return err
		}
		ev, err := tell(ctx, tx, old, out)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("set account %s: %w", to, err)
	}
	return out, nil
}

// Delete takes an account out of management and destroys its credentials;
// fault.Conflict with the code IN_USE names what still needs it.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, aid id.Account, version int64) error {
	seen := Account{ID: aid}
	if err := s.permit(ctx, actor, authz.AccountDelete, aid, func() event.Event {
		return s.disabled(actor, s.peek(ctx, actor.Org, aid), event.DisableModeDeleted, 0, 0).Denied(event.PrivilegedAccountDisabledNotPermitted)
	}); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		acc, err := s.Find(ctx, tx, actor.Org, aid)
		if err != nil {
			return err
		}
		seen = acc
		if version != 0 && version != acc.Version {
			return changedMeanwhile()
		}
		// First the row, then the look at who uses it: see HoldAccount.
		q := vaultsql.New(tx)
		n, err := q.DeleteAccount(ctx, vaultsql.DeleteAccountParams{OrgID: string(acc.Org), ID: string(aid), Version: acc.Version, Now: db.Micros(s.d.Now())})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		if err := s.unused(ctx, tx, acc); err != nil {
			return err
		}
		if err := q.DeleteVersions(ctx, vaultsql.DeleteVersionsParams{OrgID: string(acc.Org), AccountID: string(aid)}); err != nil {
			return fmt.Errorf("destroy the credentials: %w", err)
		}
		ended, err := s.live(ctx, tx, acc)
		if err != nil {
			return err
		}
		revoked, err := s.revoke(ctx, tx, actor, acc)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, s.disabled(actor, acc, event.DisableModeDeleted, revoked, ended))
		return err
	})
	if fault.CodeOf(err) == InUse {
		return s.refuse(ctx, s.disabled(actor, seen, event.DisableModeDeleted, 0, 0).Denied(event.PrivilegedAccountDisabledInUse), err)
	}
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	return nil
}

func (s *Service) unused(ctx context.Context, tx *db.Tx, a Account) error {
	var names []string
	for _, uses := range s.d.Uses {
		more, err := uses(ctx, tx, a.Org, a.ID)
		if err != nil {
			return fmt.Errorf("find what uses the account: %w", err)
		}
		names = append(names, more...)
	}
	if len(names) == 0 {
		return nil
	}
	shown := names[:min(len(names), 5)]
	more := ""
	if n := len(names) - len(shown); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fault.New(fault.Conflict, "account %q is used by %s%s; take it out of them first, or disable it", a.Name, strings.Join(shown, ", "), more).WithCode(InUse)
}

func (s *Service) live(ctx context.Context, tx *db.Tx, a Account) (int, error) {
	if s.d.Live == nil {
		return 0, nil
	}
	n, err := s.d.Live.OnAccount(ctx, tx, a.Org, a.ID)
	if err != nil {
		return 0, fmt.Errorf("count live sessions: %w", err)
	}
	return n, nil
}

func (s *Service) revoke(ctx context.Context, tx *db.Tx, actor authz.Actor, a Account) (int, error) {
	if s.d.Checkouts == nil {
		return 0, nil
	}
	n, err := s.d.Checkouts.OnAccount(ctx, tx, actor, a.ID)
	if err != nil {
		return 0, fmt.Errorf("end the checkouts of the account: %w", err)
	}
	return n, nil
}

// disabled is the event of an account that is out of use. A session's lease lasts as
// long as its handshake, so there is none to revoke but the checkouts.
func (s *Service) disabled(actor authz.Actor, a Account, mode event.DisableMode, revoked, ended int) event.PrivilegedAccountDisabled {
	return event.NewPrivilegedAccountDisabled(event.By(actor, event.TenantAdmin), a.target(), mode, revoked, ended)
}

func (s *Service) updateDenied(ctx context.Context, actor authz.Actor, aid id.Account) func() event.Event {
	return func() event.Event {
		return event.NewPrivilegedAccountUpdated(event.By(actor, event.TenantAdmin), s.peek(ctx, actor.Org, aid).target(), nil, false, false).
			Denied(event.PrivilegedAccountUpdatedNotPermitted)
	}
}

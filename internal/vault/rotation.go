package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault/vaultsql"
)

const maxRotateEvery = 365 // days

// RotationRunning is the code of a change that has to wait for a rotation.
const RotationRunning = "ROTATION_RUNNING"

// Due marks the credential of an account as to be rotated, because it was used in an
// emergency. A new credential takes the mark away. The event is the caller's.
func (s *Service) Due(ctx context.Context, tx *db.Tx, aid id.Account) error {
	return s.due(ctx, tx, aid, "incident")
}

// DueAtCheckin is Due for a credential that somebody has held and given back.
func (s *Service) DueAtCheckin(ctx context.Context, tx *db.Tx, aid id.Account) error {
	return s.due(ctx, tx, aid, "checkin")
}

func (s *Service) due(ctx context.Context, tx *db.Tx, aid id.Account, why string) error {
	if err := vaultsql.New(tx).RotationDue(ctx, vaultsql.RotationDueParams{OrgID: string(tx.Org()), ID: string(aid), Reason: why, Now: db.Micros(s.d.Now())}); err != nil {
		return fmt.Errorf("mark the credential of %s as due: %w", aid, err)
	}
	return nil
}

// Stage seals a new credential as the pending version of an account; store writes it
// in the caller's transaction. What is pending is leased to nobody.
func (s *Service) Stage(ctx context.Context, a Account, plain secret.Secret) (version int64, store func(ctx context.Context, tx *db.Tx) error, err error) {
	public := ""
	if a.Kind == SSHKey {
		key, err := ssh.ParsePrivateKey(plain.Reveal())
		if err != nil {
			return 0, nil, fmt.Errorf("read the new key: %w", err)
		}
		public = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	}
	if version, err = s.newVersion(ctx, a); err != nil {
		return 0, nil, err
	}
	sealed, key, err := s.seal(ctx, a, version, plain)
	if err != nil {
		return 0, nil, fault.New(fault.Unavailable, "the new credential cannot be sealed").WithCode(SecretStoreUnavailable).Because(err)
	}
	return version, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.Hold(ctx, tx, a.Org, a.ID); err != nil {
			return err
		}
		err := vaultsql.New(tx).InsertPending(ctx, vaultsql.InsertPendingParams{OrgID: string(a.Org), AccountID: string(a.ID), Version: version,
			Sealed: sealed, KeyID: string(key), PublicKey: public, Now: db.Micros(s.d.Now())})
		if err != nil {
			return fmt.Errorf("store the pending credential: %w", err)
		}
		return nil
	}, nil
}

// newVersion is a number that no credential of the account has had.
func (s *Service) newVersion(ctx context.Context, a Account) (n int64, err error) {
	err = s.d.DB.ReadOrg(ctx, a.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err = vaultsql.New(tx).NewestVersion(ctx, vaultsql.NewestVersionParams{OrgID: string(a.Org), AccountID: string(a.ID)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read the newest version: %w", err)
	}
	return n + 1, nil
}

// Pending is the version that is not proved yet; 0: there is none.
func (s *Service) Pending(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account) (int64, error) {
	v, err := vaultsql.New(tx).PendingVersion(ctx, vaultsql.PendingVersionParams{OrgID: string(org), AccountID: string(aid)})
	if err != nil && !db.NotFound(err) {
		return 0, fmt.Errorf("read the pending version: %w", err)
	}
	return v, nil
}

// OpenForRotation hands one version of a credential to a rotation. SECRET_ACCESSED is
// durable before it returns. fault.Unavailable when the secret does not open.
func (s *Service) OpenForRotation(ctx context.Context, org id.Org, aid id.Account, version int64) (Credential, string, error) {
	var row vaultsql.GetVersionRow
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = vaultsql.New(tx).GetVersion(ctx, vaultsql.GetVersionParams{OrgID: string(org), AccountID: string(aid), Version: version})
		return err
	})
	if db.NotFound(err) {
		return Credential{}, "", notFound(aid)
	}
	if err != nil {
		return Credential{}, "", fmt.Errorf("read the credential: %w", err)
	}
	kind := Kind(row.Kind)
	accessed := event.NewSecretAccessed(event.By(authz.SystemActor(org), event.System), event.SecretTarget(id.Secret(row.SecretID), row.Name),
		aid, event.SecretAccessModeRotation, []string{kind.Field()}).WithSecretVersion(int(version))
	plain, err := s.d.Sealer.Open(ctx, org, place(aid, version, kind), row.Sealed)
	if err != nil {
		return Credential{}, "", s.refuse(ctx, accessed.Failed(event.SecretAccessedSecretStoreUnavailable),
			fault.New(fault.Unavailable, "the credential cannot be opened at the moment").WithCode(SecretStoreUnavailable).Because(err))
	}
	c := Credential{Kind: kind, Version: version}
	if kind == SSHKey {
		c.PrivateKey = secret.New(plain)
	} else {
		c.Password = secret.New(plain)
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.d.Ledger.Record(ctx, tx, accessed)
		return err
	})
	if err != nil {
		c.Wipe()
		return Credential{}, "", fmt.Errorf("record that the credential was opened: %w", err)
	}
	return c, row.PublicKey, nil
}

// Promote makes the pending version the current one, within the caller's transaction, and
// takes the due mark away. The former one is retired and kept until the next promotion,
// or destroyed at once; older ones are destroyed. fault.Conflict when the current version is not seen any more.
func (s *Service) Promote(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account, seen, pending int64, destroy bool) error {
	q := vaultsql.New(tx)
	at := vaultsql.GetVersionParams{OrgID: string(org), AccountID: string(aid), Version: pending}
	row, err := q.GetVersion(ctx, at)
	if db.NotFound(err) {
		return changedMeanwhile()
	}
	if err != nil {
		return fmt.Errorf("read the pending version: %w", err)
	}
	n, err := q.PromoteAccount(ctx, vaultsql.PromoteAccountParams{OrgID: string(org), ID: string(aid), Seen: seen, Next: pending, PublicKey: row.PublicKey, Now: db.Micros(s.d.Now())})
	if err != nil {
		return fmt.Errorf("promote the credential: %w", err)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	if _, err := q.RetireVersion(ctx, vaultsql.RetireVersionParams{OrgID: string(org), AccountID: string(aid), Version: seen}); err != nil {
		return fmt.Errorf("retire the credential: %w", err)
	}
	if n, err = q.PromoteVersion(ctx, vaultsql.PromoteVersionParams{OrgID: string(org), AccountID: string(aid), Version: pending}); err != nil || n == 0 {
		return fmt.Errorf("promote the credential (%d rows): %w", n, err)
	}
	keep := seen
	if destroy {
		keep = 0
	}
	return s.Destroy(ctx, tx, org, aid, keep)
}

// Destroy empties the retired versions but one; 0: all.
func (s *Service) Destroy(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account, keep int64) error {
	if err := vaultsql.New(tx).DestroyVersions(ctx, vaultsql.DestroyVersionsParams{OrgID: string(org), AccountID: string(aid), Keep: keep, Nothing: []byte{}}); err != nil {
		return fmt.Errorf("destroy former credentials: %w", err)
	}
	return nil
}

// DropPending retires a pending version that the target is known not to accept, or that
// an administrator's new credential has overtaken.
func (s *Service) DropPending(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account, version int64) error {
	if _, err := vaultsql.New(tx).DropPending(ctx, vaultsql.DropPendingParams{OrgID: string(org), AccountID: string(aid), Version: version}); err != nil {
		return fmt.Errorf("retire the pending credential: %w", err)
	}
	return nil
}

// plan sets when the credential of next is rotated by the clock: so many days after it was made.
func (s *Service) plan(ctx context.Context, tx *db.Tx, old Account, next *Account) error {
	if next.RotateEvery == old.RotateEvery && next.CredentialVersion == old.CredentialVersion {
		return nil
	}
	if next.RotateEvery == 0 {
		next.NextRotation = time.Time{}
		return nil
	}
	since := db.Micros(s.d.Now())
	if next.CredentialVersion == old.CredentialVersion {
		var err error
		if since, err = vaultsql.New(tx).CredentialSince(ctx, vaultsql.CredentialSinceParams{OrgID: string(next.Org), AccountID: string(next.ID), Version: next.CredentialVersion}); err != nil {
			return fmt.Errorf("read since when the credential is in use: %w", err)
		}
	}
	next.NextRotation = db.Time(since).AddDate(0, 0, next.RotateEvery)
	return nil
}

// notRotating refuses a change under a rotation that is at work.
func (s *Service) notRotating(ctx context.Context, tx *db.Tx, a Account) error {
	if s.d.Rotating == nil {
		return nil
	}
	busy, err := s.d.Rotating(ctx, tx, a.Org, a.ID)
	if err != nil {
		return fmt.Errorf("ask whether the credential is being rotated: %w", err)
	}
	if busy {
		return fault.New(fault.Conflict, "the credential of account %q is being rotated; try again in a minute", a.Name).WithCode(RotationRunning)
	}
	return nil
}

func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return db.Micros(t)
}

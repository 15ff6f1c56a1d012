package identity

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
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

const maxSSHKeys = 20

// SSHKey is a registered public key of a person.
type SSHKey struct {
	ID          id.SSHKey
	Name        string
	Algorithm   string
	Fingerprint string
	CreatedAt   time.Time
	LastUsedAt  time.Time // zero: never
}

// AddSSHKey registers a public key of the actor, given as a line of a .pub file.
// From then on it opens the SSH gateway for them.
func (s *Service) AddSSHKey(ctx context.Context, actor authz.Actor, name, line string) (SSHKey, error) {
	key, parseErr := ParseAuthorizedKey(line)
	if strings.TrimSpace(name) == "" {
		name = key.Comment
	}
	if name == "" {
		name = "key"
	}
	name, err := ParseName(name)
	if err != nil {
		return SSHKey{}, err
	}
	k := SSHKey{ID: id.New[id.SSHKey](), Name: name, Algorithm: key.Algorithm, Fingerprint: key.Fingerprint, CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}
	made := func(orgName string) event.SSHKeyAdded {
		sc := scope(actor, orgName)
		return event.NewSSHKeyAdded(sc.Act, sc.Target, actor.User, k.ID, name, k.Algorithm, k.Fingerprint)
	}
	if err := s.maySelf(actor); err != nil {
		why := event.SSHKeyAddedNotPermitted
		if stale(err) {
			why = event.SSHKeyAddedMFARequired
		}
		return SSHKey{}, s.refused(ctx, actor, err, made("").Denied(why))
	}
	if parseErr != nil {
		return SSHKey{}, s.refused(ctx, actor, parseErr, made("").Denied(event.SSHKeyAddedWeakKey))
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.CountSSHKeys(ctx, string(actor.User))
		if err != nil {
			return err
		}
		if n >= maxSSHKeys {
			return fault.New(fault.Conflict, "you have %d SSH keys already: remove one first", n).WithCode("KEY_LIMIT")
		}
		if err := q.InsertSSHKey(ctx, identitysql.InsertSSHKeyParams{
			ID: string(k.ID), PersonID: string(actor.User), Name: name, Algorithm: k.Algorithm, PublicKey: key.Wire,
			Fingerprint: k.Fingerprint, Now: db.Micros(k.CreatedAt)}); err != nil {
			return err
		}
		orgName, err := s.orgName(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, made(orgName))
		return err
	})
	switch {
	case db.Unique(err):
		return SSHKey{}, s.refused(ctx, actor, fault.New(fault.Conflict, "this key is registered with you already").WithCode("KEY_EXISTS"),
			made("").Denied(event.SSHKeyAddedAlreadyRegistered))
	case fault.CodeOf(err) == "KEY_LIMIT":
		return SSHKey{}, s.refused(ctx, actor, err, made("").Denied(event.SSHKeyAddedKeyLimit))
	case err != nil:
		return SSHKey{}, fmt.Errorf("register an SSH key: %w", err)
	}
	return k, nil
}

// SSHKeys lists the actor's registered keys.
func (s *Service) SSHKeys(ctx context.Context, actor authz.Actor) ([]SSHKey, error) {
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return nil, err
	}
	var rows []identitysql.SshKey
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = identitysql.New(tx).SSHKeysOf(ctx, string(actor.User))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list SSH keys: %w", err)
	}
	out := make([]SSHKey, len(rows))
	for i, r := range rows {
		out[i] = sshKeyOf(r)
	}
	return out, nil
}

func sshKeyOf(r identitysql.SshKey) SSHKey {
	k := SSHKey{ID: id.SSHKey(r.ID), Name: r.Name, Algorithm: r.Algorithm, Fingerprint: r.Fingerprint, CreatedAt: db.Time(r.CreatedAt)}
	if r.LastUsedAt != 0 {
		k.LastUsedAt = db.Time(r.LastUsedAt)
	}
	return k
}

// RemoveSSHKey takes a key of the actor away. It needs no fresh second factor:
// who fears for a key must be able to remove it at once.
func (s *Service) RemoveSSHKey(ctx context.Context, actor authz.Actor, key id.SSHKey) error {
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		sc := scope(actor, "")
		return s.refused(ctx, actor, err, event.NewSSHKeyRemoved(sc.Act, sc.Target, actor.User, key, "", "", false).Denied(event.SSHKeyRemovedNotPermitted))
	}
	gone := fault.New(fault.NotFound, "no such SSH key")
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		rows, err := q.SSHKeysOf(ctx, string(actor.User))
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.ID != string(key) {
				continue
			}
			n, err := q.DeleteSSHKey(ctx, identitysql.DeleteSSHKeyParams{PersonID: string(actor.User), ID: r.ID})
			if err != nil {
				return err
			}
			if n == 0 {
				return gone
			}
			sc, err := s.ownScope(ctx, tx, actor)
			if err != nil {
				return err
			}
			_, err = s.d.Ledger.Record(ctx, tx, event.NewSSHKeyRemoved(sc.Act, sc.Target, actor.User, key, r.Name, r.Fingerprint, false))
			return err
		}
		return gone
	})
	if err != nil {
		return fmt.Errorf("remove an SSH key: %w", err)
	}
	return nil
}

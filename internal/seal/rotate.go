package seal

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal/sealsql"
)

// RotateOrg gives the organization (empty: the platform) a new key, which seals
// from now on; everything sealed before still opens. Other servers follow within
// a minute. It returns the new key's id. record, when not nil, tells of it in the
// same transaction. Call it outside a transaction.
func (k *Keyring) RotateOrg(ctx context.Context, org id.Org, record func(ctx context.Context, tx *db.Tx, replaced, added id.Key) error) (id.Key, error) {
	for range 5 {
		if _, err := k.fresh(ctx, org); err != nil {
			return "", err
		}
		old, err := k.load(ctx, org)
		if err != nil {
			return "", err
		}
		kid, ok, err := k.rotateFrom(ctx, org, old, record)
		if err != nil || ok {
			return kid, err
		}
	}
	return "", fault.New(fault.Conflict, "the organization's key is being rotated by somebody else; try again in a moment")
}

// rotateFrom adds a key to old; ok is false when old is not the newest keyset any more.
func (k *Keyring) rotateFrom(ctx context.Context, org id.Org, old *keys, record func(ctx context.Context, tx *db.Tx, replaced, added id.Key) error) (kid id.Key, ok bool, err error) {
	m := keyset.NewManagerFromHandle(old.handle)
	n, err := m.Add(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return "", false, fmt.Errorf("add a key: %w", err)
	}
	if err := m.SetPrimary(n); err != nil {
		return "", false, fmt.Errorf("use the added key: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return "", false, fmt.Errorf("add a key: %w", err)
	}
	root, wrapped, err := k.wrap(org, h)
	if err != nil {
		return "", false, err
	}
	kid = id.New[id.Key]()
	err = k.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := sealsql.New(tx).RotateKeyset(ctx, sealsql.RotateKeysetParams{
			OrgID: string(org), KeyID: string(kid), RootID: string(root), Wrapped: wrapped, Now: db.Micros(k.now()), Version: old.version,
		})
		if ok = rows == 1; err != nil || !ok || record == nil {
			return err
		}
		return record(ctx, tx, old.id, kid)
	})
	if err != nil || !ok {
		return "", false, err
	}
	ks, err := newKeys(h, kid, old.version+1, k.now())
	if err != nil {
		return "", false, err
	}
	k.keep(org, ks)
	return kid, true, nil
}

// RotateRoot replaces the root key, while everything goes on sealing and opening:
// AddRoot, Rewrap, DropRoot. Where an earlier rotation was interrupted it
// finishes that one instead. Servers that do not share the root key file must
// each get the new file between the steps, so there they are called one by one.
func (k *Keyring) RotateRoot(ctx context.Context) (id.Key, error) {
	if err := k.root.reload(); err != nil {
		return "", err
	}
	if len(k.root.IDs()) == 1 {
		if _, err := k.AddRoot(); err != nil {
			return "", err
		}
	}
	if _, err := k.Rewrap(ctx); err != nil {
		return "", err
	}
	if err := k.DropRoot(ctx); err != nil {
		return "", err
	}
	return k.root.ID(), nil
}

// AddRoot puts a new root key into the file, in front of the present ones. From
// now on this server wraps under it.
func (k *Keyring) AddRoot() (id.Key, error) {
	kid, err := k.root.add()
	if err != nil {
		return "", fmt.Errorf("add a root key: %w", err)
	}
	return kid, nil
}

// Rewrap wraps every keyset under the newest root key, and tells how many it has
// wrapped. It may be interrupted and run again. What they seal is not touched.
func (k *Keyring) Rewrap(ctx context.Context) (done int, err error) {
	for {
		var rows []sealsql.KeysetsNotUnderRow
		err := k.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = sealsql.New(tx).KeysetsNotUnder(ctx, string(k.root.ID()))
			return err
		})
		if err != nil {
			return done, fmt.Errorf("list keysets under old root keys: %w", err)
		}
		if len(rows) == 0 {
			return done, nil
		}
		for _, r := range rows {
			if err := k.rewrap(ctx, r); err != nil {
				return done, err
			}
			done++
		}
	}
}

func (k *Keyring) rewrap(ctx context.Context, r sealsql.KeysetsNotUnderRow) error {
	org := id.Org(r.OrgID)
	h, err := k.unwrap(org, r.RootID, r.Wrapped)
	if err != nil {
		return err
	}
	root, wrapped, err := k.wrap(org, h)
	if err != nil {
		return err
	}
	err = k.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		// No row: somebody rotated this keyset meanwhile, and the next look finds it as it is then.
		_, err := sealsql.New(tx).RewrapKeyset(ctx, sealsql.RewrapKeysetParams{OrgID: r.OrgID, RootID: string(root), Wrapped: wrapped, Version: r.Version})
		return err
	})
	if err != nil {
		return fmt.Errorf("store a rewrapped keyset: %w", err)
	}
	return nil
}

// Status is which root keys the file holds and how many keysets are under each.
type Status struct {
	Root  id.Key   // the one that wraps
	Older []id.Key // still in the file: a rotation was not finished
	Under map[id.Key]int64
}

// Status reads the file and counts.
func (k *Keyring) Status(ctx context.Context) (Status, error) {
	if err := k.root.reload(); err != nil {
		return Status{}, err
	}
	ids := k.root.IDs()
	st := Status{Root: ids[0], Older: ids[1:], Under: map[id.Key]int64{}}
	err := k.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := sealsql.New(tx).RootUse(ctx)
		for _, r := range rows {
			st.Under[id.Key(r.RootID)] = r.Keysets
		}
		return err
	})
	if err != nil {
		return Status{}, fmt.Errorf("list the root keys in use: %w", err)
	}
	return st, nil
}

// DropRoot takes all root keys but the newest out of the file. It refuses
// (fault.Conflict) while a keyset is still under one of them.
func (k *Keyring) DropRoot(ctx context.Context) error {
	newest := k.root.ID()
	err := k.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := sealsql.New(tx).RootUse(ctx)
		if err != nil {
			return fmt.Errorf("list the root keys in use: %w", err)
		}
		for _, r := range rows {
			if id.Key(r.RootID) != newest {
				return fault.New(fault.Conflict, "%d keysets are still wrapped under the root key %s; wrap them anew first", r.Keysets, r.RootID)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := k.root.drop(newest); err != nil {
		return fmt.Errorf("drop the old root keys: %w", err)
	}
	if k.root.ID() != newest {
		return errors.New("seal: the root key changed while the old one was dropped")
	}
	return nil
}

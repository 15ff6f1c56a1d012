package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal/sealsql"
)

// ErrUnopened says that sealed bytes do not open: they were altered, or sealed
// for another organization or context.
var ErrUnopened = errors.New("seal: these bytes were altered, or sealed for another record")

// staleAfter is how long a server may go on sealing under a key that another
// server has rotated away. What it seals meanwhile opens everywhere.
const staleAfter = time.Minute

// Deps are the parts that a Keyring is made of.
type Deps struct {
	DB   *db.DB
	Root *Root
	Now  func() time.Time // nil: time.Now
}

// Keyring seals and opens. It is safe for concurrent use.
type Keyring struct {
	db   *db.DB
	root *Root
	now  func() time.Time

	mu   sync.Mutex
	keys map[id.Org]*keys // unwrapped; at most one for each organization
}

// keys is the unwrapped keyset of one organization. It never changes.
type keys struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32 // the first bytes of all that it seals
	known   map[uint32]bool
	id      id.Key
	version int64
	loaded  time.Time
}

// New checks the parts. It reads nothing yet; see Check.
func New(d Deps) (*Keyring, error) {
	if d.DB == nil || d.Root == nil {
		return nil, errors.New("seal: DB and Root are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Keyring{db: d.DB, root: d.Root, now: d.Now, keys: map[id.Org]*keys{}}, nil
}

// Check tells whether every keyset's root key is at hand. A server calls it at
// start, so that a lost or replaced root key file is found before it is needed.
func (k *Keyring) Check(ctx context.Context) error {
	return k.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := sealsql.New(tx).RootUse(ctx)
		if err != nil {
			return fmt.Errorf("list the root keys in use: %w", err)
		}
		for _, r := range rows {
			if _, err := k.root.key(id.Key(r.RootID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Seal encrypts plain for the place that context names in organization org
// (empty: the platform). The organization's keyset is made when it has none.
//
// Call it outside a transaction: it may need one of its own.
func (k *Keyring) Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error) {
	ks, err := k.fresh(ctx, org)
	if err != nil {
		return nil, err
	}
	out, err := ks.aead.Encrypt(plain, place(org, context))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", context, err)
	}
	return out, nil
}

// Open decrypts what Seal made for the same organization and context. The error
// wraps ErrUnopened when the bytes are to blame, and is of kind fault.Unavailable
// when the keys cannot be had.
//
// Call it outside a transaction: it may need one of its own.
func (k *Keyring) Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error) {
	by, ok := sealedBy(sealed)
	if !ok {
		return nil, fmt.Errorf("open %s: %w", context, ErrUnopened)
	}
	ks := k.cached(org)
	if ks == nil || !ks.known[by] { // another server may have rotated
		var err error
		if ks, err = k.load(ctx, org); err != nil {
			return nil, err
		}
		if ks == nil {
			return nil, fmt.Errorf("open %s: no keyset: %w", context, ErrUnopened)
		}
	}
	plain, err := ks.aead.Decrypt(sealed, place(org, context))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", context, ErrUnopened) // the library's reason says nothing more
	}
	return plain, nil
}

// Reseal moves sealed bytes to the newest key of the organization; changed is
// false when they are under it already. A pass over all rows after RotateOrg
// makes the older keys of the organization unused.
func (k *Keyring) Reseal(ctx context.Context, org id.Org, context string, sealed []byte) (out []byte, changed bool, err error) {
	ks, err := k.fresh(ctx, org)
	if err != nil {
		return nil, false, err
	}
	if by, ok := sealedBy(sealed); ok && by == ks.primary {
		return sealed, false, nil
	}
	plain, err := k.Open(ctx, org, context, sealed)
	if err != nil {
		return nil, false, err
	}
	defer clear(plain)
	out, err = k.Seal(ctx, org, context, plain)
	return out, err == nil, err
}

// KeyID names the key that seals for org now, for events and rows.
func (k *Keyring) KeyID(ctx context.Context, org id.Org) (id.Key, error) {
	ks, err := k.fresh(ctx, org)
	if err != nil {
		return "", err
	}
	return ks.id, nil
}

// place is what sealed bytes are bound to. Neither part can hold a zero byte by
// itself: ids are of our making, and contexts are constants and ids.
func place(org id.Org, context string) []byte {
	return fmt.Appendf(nil, "vaultpam-seal/v1\x00%s\x00%s", org, context)
}

// sealedBy is the number of the key that sealed: tink writes a byte 1 and the
// number before its ciphertext.
func sealedBy(sealed []byte) (uint32, bool) {
	if len(sealed) < 5 || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:5]), true
}

func (k *Keyring) cached(org id.Org) *keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys[org]
}

// keep puts ks into memory, unless something newer is there already.
func (k *Keyring) keep(org id.Org, ks *keys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if have := k.keys[org]; have == nil || have.version <= ks.version {
		k.keys[org] = ks
	}
}

// fresh is the keyset to seal with: at most staleAfter old, made when there is none.
func (k *Keyring) fresh(ctx context.Context, org id.Org) (*keys, error) {
	if ks := k.cached(org); ks != nil && k.now().Sub(ks.loaded) < staleAfter {
		return ks, nil
	}
	ks, err := k.load(ctx, org)
	if err != nil || ks != nil {
		return ks, err
	}
	if err := k.create(ctx, org); err != nil {
		return nil, err
	}
	ks, err = k.load(ctx, org)
	if err == nil && ks == nil {
		err = errors.New("seal: a keyset that was just made is not there")
	}
	return ks, err
}

// load reads and unwraps the keyset of org; nil when it has none.
func (k *Keyring) load(ctx context.Context, org id.Org) (*keys, error) {
	var row sealsql.GetKeysetRow
	err := k.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = sealsql.New(tx).GetKeyset(ctx, string(org))
		return err
	})
	if db.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the secret store does not answer; try again in a moment").Because(fmt.Errorf("read a keyset: %w", err))
	}
	h, err := k.unwrap(org, row.RootID, row.Wrapped)
	if err != nil {
		return nil, err
	}
	ks, err := newKeys(h, id.Key(row.KeyID), row.Version, k.now())
	if err != nil {
		return nil, err
	}
	k.keep(org, ks)
	return ks, nil
}

func (k *Keyring) create(ctx context.Context, org id.Org) error {
	h, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a keyset: %w", err)
	}
	root, wrapped, err := k.wrap(org, h)
	if err != nil {
		return err
	}
	return k.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		// Another server may be first; then its keyset is the one.
		_, err := sealsql.New(tx).InsertKeyset(ctx, sealsql.InsertKeysetParams{
			OrgID: string(org), KeyID: string(id.New[id.Key]()), RootID: string(root), Wrapped: wrapped, Now: db.Micros(k.now()),
		})
		if err != nil {
			return fmt.Errorf("store a keyset: %w", err)
		}
		return nil
	})
}

func newKeys(h *keyset.Handle, kid id.Key, version int64, now time.Time) (*keys, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("use a keyset: %w", err)
	}
	info := h.KeysetInfo()
	ks := &keys{handle: h, aead: a, primary: info.GetPrimaryKeyId(), known: map[uint32]bool{}, id: kid, version: version, loaded: now}
	for _, e := range info.GetKeyInfo() {
		ks.known[e.GetKeyId()] = true
	}
	return ks, nil
}

// wrap encrypts a keyset under the root key, bound to its organization. It is
// rare, so it reads the root key file again: another server may have rotated it.
func (k *Keyring) wrap(org id.Org, h *keyset.Handle) (id.Key, []byte, error) {
	if err := k.root.reload(); err != nil {
		return "", nil, err
	}
	root := k.root.primary()
	var out bytes.Buffer
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), root.aead, wrapPlace(org)); err != nil {
		return "", nil, fmt.Errorf("wrap a keyset: %w", err)
	}
	return root.id, out.Bytes(), nil
}

func (k *Keyring) unwrap(org id.Org, rootID string, wrapped []byte) (*keyset.Handle, error) {
	root, err := k.root.key(id.Key(rootID))
	if err != nil {
		return nil, err
	}
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), root.aead, wrapPlace(org))
	if err != nil {
		return nil, fmt.Errorf("unwrap a keyset: %w", ErrUnopened)
	}
	return h, nil
}

func wrapPlace(org id.Org) []byte { return []byte("vaultpam-keyset/v1\x00" + string(org)) }

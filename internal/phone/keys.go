package phone

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
)

// keyLife is how long a key makes digests before the clock rotates it.
const keyLife = 365 * 24 * time.Hour

// digestKey is a key of one ledger, open.
type digestKey struct {
	name event.PhoneKeyID // pd-1, pd-2, ...
	key  []byte
}

func keyName(n int64) event.PhoneKeyID { return event.PhoneKeyID("pd-" + strconv.FormatInt(n, 10)) }

func keyNumber(name string) (int64, bool) {
	text, ok := strings.CutPrefix(name, "pd-")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil && n > 0 && string(keyName(n)) == name
}

// mac stands for a number in one ledger, and in no other.
func (k digestKey) mac(log id.Log, n Number) (out [32]byte) {
	m := hmac.New(sha256.New, k.key)
	m.Write([]byte("vaultpam-phone/v1\x00" + string(log) + "\x00" + n.e164))
	copy(out[:], m.Sum(nil))
	return out
}

func (k digestKey) digest(log id.Log, n Number) event.PhoneDigest {
	return event.NewPhoneDigest(k.name, k.mac(log, n))
}

func keyPlace(org id.Org, n int64) string {
	return "phone-digest-key/" + string(org) + "/" + string(keyName(n))
}

func (s *Service) newKey(ctx context.Context, org id.Org, n int64) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	defer clear(key)
	sealed, err := s.d.Seal.Seal(ctx, org, keyPlace(org, n), key)
	if err != nil {
		return nil, fmt.Errorf("seal a phone digest key: %w", err)
	}
	return sealed, nil
}

// signingKey is the key that makes digests for org's ledger now. The first who
// needs one makes it.
func (s *Service) signingKey(ctx context.Context, org id.Org) (digestKey, error) {
	row, err := s.signingRow(ctx, org)
	if err != nil {
		return digestKey{}, err
	}
	return s.openKey(ctx, org, row)
}

func (s *Service) openKey(ctx context.Context, org id.Org, row phonesql.PhoneDigestKey) (digestKey, error) {
	key, err := s.d.Seal.Open(ctx, org, keyPlace(org, row.N), row.Key)
	if err != nil {
		return digestKey{}, fmt.Errorf("open phone digest key %s: %w", keyName(row.N), err)
	}
	return digestKey{keyName(row.N), key}, nil
}

func (s *Service) signingRow(ctx context.Context, org id.Org) (row phonesql.PhoneDigestKey, err error) {
	read := func() error {
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			row, err = phonesql.New(tx).SigningKey(ctx, string(org))
			return err
		})
		if err != nil {
			return fmt.Errorf("read the phone digest key of %q: %w", org, err)
		}
		return nil
	}
	if err = read(); !db.NotFound(err) {
		return row, err
	}
	sealed, err := s.newKey(ctx, org, 1)
	if err != nil {
		return row, err
	}
	if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return phonesql.New(tx).InsertFirstKey(ctx, phonesql.InsertFirstKeyParams{OrgID: string(org), Key: sealed, Now: s.now()})
	}); err != nil {
		return row, fmt.Errorf("store a phone digest key: %w", err)
	}
	return row, read()
}

// digests make what stands for numbers in the events of one act.
type digests struct {
	key digestKey
	log id.Log
}

func (d digests) of(n Number) event.PhoneDigest { return d.key.digest(d.log, n) }

// digests gets key and ledger ready, outside of a transaction.
func (s *Service) digests(ctx context.Context, org id.Org) (digests, error) {
	key, err := s.signingKey(ctx, org)
	if err != nil {
		return digests{}, err
	}
	out := digests{key: key}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out.log, err = s.d.Ledger.LogFor(ctx, tx, org)
		return err
	})
	return out, err
}

// Key is a key of phone digests, without the key itself.
type Key struct {
	ID          event.PhoneKeyID
	State       string // signing, read_only, destroyed
	CreatedAt   time.Time
	RetiredAt   time.Time // zero: it makes digests
	DestroyedAt time.Time
}

func logObject(org id.Org) authz.Object { return authz.Object{Type: authz.LogObject, Org: org} }

// Keys lists the keys of the active ledger, oldest first.
func (s *Service) Keys(ctx context.Context, actor authz.Actor) ([]Key, error) {
	if err := authz.Check(actor, authz.AuditView, logObject(actor.Org)); err != nil {
		return nil, err
	}
	rows, err := s.keyRows(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	out := make([]Key, len(rows))
	for i, r := range rows {
		out[i] = Key{ID: keyName(r.N), State: r.State, CreatedAt: db.Time(r.CreatedAt)}
		if r.RetiredAt != 0 {
			out[i].RetiredAt = db.Time(r.RetiredAt)
		}
		if r.DestroyedAt != 0 {
			out[i].DestroyedAt = db.Time(r.DestroyedAt)
		}
	}
	return out, nil
}

func (s *Service) keyRows(ctx context.Context, org id.Org) (rows []phonesql.PhoneDigestKey, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = phonesql.New(tx).DigestKeys(ctx, string(org))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the phone digest keys of %q: %w", org, err)
	}
	return rows, nil
}

// keeper is who may turn the keys of the active ledger, and their act. A refusal is
// recorded: the event of the keys tells of rotations that failed, not of those that
// were not allowed.
func (s *Service) keeper(ctx context.Context, actor authz.Actor, wanted event.RefusedAct) (event.Act, error) {
	act, target := event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, "")
	if actor.Org == "" {
		act, target = event.By(actor, event.PlatformAdmin), event.PlatformTarget()
	}
	why, err := event.AuthActRefusedNotPermitted, authz.Check(actor, authz.AuditPhoneKeys, logObject(actor.Org))
	if err == nil {
		why, err = event.AuthActRefusedMFARequired, authz.Fresh(actor, authz.AuditPhoneKeys, s.d.Now())
	}
	if err != nil {
		return act, s.refuse(ctx, actor, err, event.NewAuthActRefused(act, target, why, wanted))
	}
	return act, nil
}

// RotateKey gives the active ledger a new key for phone digests; the former one
// only finds its digests again from then on. incident says that the former key may
// be known to somebody.
func (s *Service) RotateKey(ctx context.Context, actor authz.Actor, incident bool) (Key, error) {
	act, err := s.keeper(ctx, actor, event.RefusedActPhoneKeyRotate)
	if err != nil {
		return Key{}, err
	}
	why := event.KeyRotationTriggerManual
	if incident {
		why = event.KeyRotationTriggerIncident
	}
	return s.rotate(ctx, act, why)
}

func (s *Service) rotate(ctx context.Context, act event.Act, why event.KeyRotationTrigger) (Key, error) {
	org := act.Org()
	told := func(old, now int64) event.AuditPhoneDigestKeyRotated {
		return event.NewAuditPhoneDigestKeyRotated(act, event.PhoneKeyTarget(keyName(now)), event.KeyChangeRotated, why).
			WithNewKeyID(keyName(now)).WithPreviousKeyID(keyName(old))
	}
	row, err := s.signingRow(ctx, org)
	if err != nil {
		return Key{}, s.noKeyStore(ctx, err, event.NewAuditPhoneDigestKeyRotated(act, event.PhoneKeyTarget(""), event.KeyChangeRotated, why))
	}
	next := row.N + 1
	sealed, err := s.newKey(ctx, org, next)
	if err != nil {
		return Key{}, s.noKeyStore(ctx, err, event.NewAuditPhoneDigestKeyRotated(act, event.PhoneKeyTarget(keyName(row.N)), event.KeyChangeRotated, why).WithPreviousKeyID(keyName(row.N)))
	}
	now := s.d.Now()
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		old, err := q.RetireKey(ctx, phonesql.RetireKeyParams{Now: db.Micros(now), OrgID: string(org)})
		if err == nil && old != row.N || db.NotFound(err) {
			return fault.New(fault.Conflict, "somebody rotated this key meanwhile: look again")
		}
		if err != nil {
			return fmt.Errorf("retire a phone digest key: %w", err)
		}
		if err := q.InsertKey(ctx, phonesql.InsertKeyParams{OrgID: string(org), N: next, Key: sealed, Now: db.Micros(now)}); err != nil {
			return fmt.Errorf("store a phone digest key: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, told(old, next))
		return err
	})
	if err != nil {
		return Key{}, fmt.Errorf("rotate the phone digest key: %w", err)
	}
	return Key{ID: keyName(next), State: "signing", CreatedAt: now.UTC().Truncate(time.Microsecond)}, nil
}

// noKeyStore records that a rotation failed for want of a place to seal keys.
func (s *Service) noKeyStore(ctx context.Context, cause error, ev event.AuditPhoneDigestKeyRotated) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev.Failed(event.AuditPhoneDigestKeyRotatedKeyStoreUnavailable)); err != nil {
		return fmt.Errorf("record a failure: %w", err)
	}
	return fault.New(fault.Unavailable, "the key cannot be rotated now, because keys cannot be sealed: look at the server's log").
		WithCode("KEY_STORE_UNAVAILABLE").Because(cause)
}

// DestroyKey destroys a read-only key of the active ledger: nobody can tell any
// more which numbers its digests stand for.
func (s *Service) DestroyKey(ctx context.Context, actor authz.Actor, name string) error {
	act, err := s.keeper(ctx, actor, event.RefusedActPhoneKeyDestroy)
	if err != nil {
		return err
	}
	n, ok := keyNumber(name)
	if !ok {
		return fault.New(fault.NotFound, "there is no such key: list them first")
	}
	org := actor.Org
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		rows, err := phonesql.New(tx).DestroyKey(ctx, phonesql.DestroyKeyParams{Nothing: []byte{}, Now: s.now(), OrgID: string(org), N: n})
		if err != nil {
			return err
		}
		if rows == 0 {
			return errNotReadOnly
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAuditPhoneDigestKeyRotated(act, event.PhoneKeyTarget(keyName(n)), event.KeyChangeDestroyed, event.KeyRotationTriggerManual).
			WithPreviousKeyID(keyName(n)))
		return err
	})
	if err == errNotReadOnly {
		rows, err := s.keyRows(ctx, org)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.N == n {
				return fault.New(fault.Conflict, "the key %s is %s: only a read-only key can be destroyed; rotate first", name, strings.ReplaceAll(r.State, "_", "-")).WithCode("KEY_IN_USE")
			}
		}
		return fault.New(fault.NotFound, "there is no such key: list them first")
	}
	if err != nil {
		return fmt.Errorf("destroy a phone digest key: %w", err)
	}
	return nil
}

var errNotReadOnly = fault.New(fault.Conflict, "the key is not read-only")

// Digest is what stands for a number in the active ledger, under one of its keys.
type Digest struct {
	Key    event.PhoneKeyID
	Digest string // hex
}

// Lookup gives what stands for a number in the active ledger, under every key that
// is not destroyed, the newest first. Whoever reads the ledger finds the number's
// events by it.
func (s *Service) Lookup(ctx context.Context, actor authz.Actor, typed string) ([]Digest, error) {
	if err := authz.Check(actor, authz.AuditView, logObject(actor.Org)); err != nil {
		return nil, err
	}
	n, err := ParseNumber(typed)
	if err != nil {
		return nil, err
	}
	rows, err := s.keyRows(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	d, err := s.logOf(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	var out []Digest
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].State == "destroyed" {
			continue
		}
		k, err := s.openKey(ctx, actor.Org, rows[i])
		if err != nil {
			return nil, err
		}
		sum := k.mac(d, n)
		out = append(out, Digest{k.name, hex.EncodeToString(sum[:])})
	}
	return out, nil
}

func (s *Service) logOf(ctx context.Context, org id.Org) (log id.Log, err error) {
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		log, err = s.d.Ledger.LogFor(ctx, tx, org)
		return err
	})
	return log, err
}

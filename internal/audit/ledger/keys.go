package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// keyOverlap is how long a replaced key goes on signing beside the new one.
const keyOverlap = 30 * 24 * time.Hour

// A Key is a published verifier key of a ledger.
type Key struct {
	ID        id.Key
	VKey      string // "<origin>+<hash>+<base64>"
	CreatedAt time.Time
	SignUntil time.Time // zero: the current key
}

// Keys lists all keys that ever signed org's ledger, oldest first. A ledger that
// was never signed has none.
func (l *Ledger) Keys(ctx context.Context, org id.Org) ([]Key, error) {
	rows, err := l.keyRows(ctx, org)
	if err != nil {
		return nil, err
	}
	var out []Key
	for _, r := range rows {
		k := Key{ID: id.Key(r.ID), VKey: r.Vkey, CreatedAt: db.Time(r.CreatedAt)}
		if r.SignUntil.Valid {
			k.SignUntil = db.Time(r.SignUntil.Int64)
		}
		out = append(out, k)
	}
	return out, nil
}

func (l *Ledger) keyRows(ctx context.Context, org id.Org) (rows []ledgersql.KeysRow, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		rows, err = q.Keys(ctx, string(org))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger's keys: %w", err)
	}
	return rows, nil
}

// Rotated tells of a ledger's new signing key.
type Rotated struct {
	Log       id.Log
	Key       id.Key
	VKey      string
	Replaced  id.Key    // empty: the ledger had no key yet
	SignUntil time.Time // of Replaced
}

// RotateKey gives org's ledger a new signing key. The old one signs beside it for
// 30 days and stays published. record, when not nil, tells of it in the same
// transaction.
func (l *Ledger) RotateKey(ctx context.Context, org id.Org, record func(context.Context, *db.Tx, Rotated) error) (Rotated, error) {
	log, err := l.logRow(ctx, org)
	if err != nil {
		return Rotated{}, err
	}
	key, err := l.newKey(ctx, org, log.Origin)
	if err != nil {
		return Rotated{}, err
	}
	var out Rotated
	err = l.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = Rotated{Log: id.Log(log.LogID), Key: id.Key(key.ID), VKey: key.Vkey}
		q := ledgersql.New(tx)
		err := tx.As(ctx, db.Sequencer, func() error {
			until := micros(l.now().Add(keyOverlap))
			old, err := q.RetireKey(ctx, ledgersql.RetireKeyParams{OrgID: string(org), SignUntil: until})
			switch {
			case err == nil:
				out.Replaced, out.SignUntil = id.Key(old), db.Time(until.Int64)
			case !db.NotFound(err):
				return fmt.Errorf("retire the ledger's key: %w", err)
			}
			n, err := q.InsertKey(ctx, key)
			if err != nil {
				return fmt.Errorf("store the ledger's new key: %w", err)
			}
			if n == 0 {
				return fault.New(fault.Conflict, "the ledger's key is being rotated by somebody else: look again")
			}
			return nil
		})
		if err != nil || record == nil {
			return err
		}
		return record(ctx, tx, out)
	})
	return out, err
}

func sealContext(org id.Org, key string) string {
	return "audit-checkpoint-key/" + string(org) + "/" + key
}

// newKey makes a signing key and seals its private half.
func (l *Ledger) newKey(ctx context.Context, org id.Org, origin string) (ledgersql.InsertKeyParams, error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return ledgersql.InsertKeyParams{}, fmt.Errorf("make a signing key: %w", err)
	}
	key := string(id.New[id.Key]())
	sealed, err := l.sealer.Seal(ctx, org, sealContext(org, key), []byte(skey))
	if err != nil {
		return ledgersql.InsertKeyParams{}, fmt.Errorf("seal the signing key: %w", err)
	}
	return ledgersql.InsertKeyParams{OrgID: string(org), ID: key, Vkey: vkey, Sealed: sealed, CreatedAt: db.Micros(l.now())}, nil
}

// signers are the keys that sign org's checkpoints now, made when there is none,
// and the verifier keys of all that ever did.
func (l *Ledger) signers(ctx context.Context, org id.Org, origin string) (now []note.Signer, ever []string, err error) {
	rows, err := l.keyRows(ctx, org)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) == 0 {
		if rows, err = l.firstKey(ctx, org, origin); err != nil {
			return nil, nil, err
		}
	}
	today := l.now()
	expired := false
	for _, r := range rows {
		ever = append(ever, r.Vkey)
		if r.SignUntil.Valid && r.SignUntil.Int64 < db.Micros(today) {
			expired = expired || len(r.Sealed) > 0
			continue
		}
		skey, err := l.sealer.Open(ctx, org, sealContext(org, r.ID), r.Sealed)
		if err != nil {
			return nil, nil, fmt.Errorf("open signing key %s: %w", r.ID, err)
		}
		s, err := note.NewSigner(string(skey))
		clear(skey)
		if err != nil {
			return nil, nil, fmt.Errorf("read signing key %s: %w", r.ID, err)
		}
		now = append(now, s)
	}
	if expired {
		l.emptyKeys(ctx, org, today)
	}
	if len(now) == 0 {
		return nil, nil, fmt.Errorf("the ledger of %q has no key that may sign", org)
	}
	return now, ever, nil
}

func (l *Ledger) firstKey(ctx context.Context, org id.Org, origin string) ([]ledgersql.KeysRow, error) {
	key, err := l.newKey(ctx, org, origin)
	if err != nil {
		return nil, err
	}
	if err := l.db.InRole(ctx, db.Sequencer, func(ctx context.Context, tx *db.Tx) error {
		_, err := ledgersql.New(tx).InsertKey(ctx, key) // another server may have been first
		return err
	}); err != nil {
		return nil, fmt.Errorf("store the ledger's key: %w", err)
	}
	return l.keyRows(ctx, org)
}

// emptyKeys destroys the private halves of keys whose time to sign is over.
func (l *Ledger) emptyKeys(ctx context.Context, org id.Org, today time.Time) {
	err := l.db.InRole(ctx, db.Sequencer, func(ctx context.Context, tx *db.Tx) error {
		_, err := ledgersql.New(tx).EmptyKeys(ctx, ledgersql.EmptyKeysParams{
			OrgID: string(org), Nothing: []byte{}, Now: micros(today),
		})
		return err
	})
	if err != nil {
		l.log.WarnContext(ctx, "retired signing keys are not destroyed yet", "org_id", org, "error", err)
	}
}

// logRow reads org's ledger; fault.NotFound when nothing was ever recorded there.
func (l *Ledger) logRow(ctx context.Context, org id.Org) (row ledgersql.LogByOrgRow, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		row, err = q.LogByOrg(ctx, string(org))
		return err
	})
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "there is no audit ledger yet: nothing was recorded")
	}
	if err != nil {
		return row, fmt.Errorf("read the ledger of %q: %w", org, err)
	}
	return row, nil
}

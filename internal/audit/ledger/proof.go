package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Inclusion proves that event evt stands in the signed tree of org's ledger. A
// checkpoint is signed for it when the last one is older than the event.
// fault.NotFound: no such event; fault.Unavailable: it has no number yet.
func (l *Ledger) Inclusion(ctx context.Context, org id.Org, evt id.Event) (verify.Inclusion, error) {
	out, err := l.inclusion(ctx, org, evt, nil)
	if !errors.Is(err, errNotSigned) {
		return out, err
	}
	cp, err := l.sign(ctx, org, whenGrown)
	if err != nil {
		return out, err
	}
	return l.inclusion(ctx, org, evt, &cp)
}

// errNotSigned says that the last checkpoint does not cover an event.
var errNotSigned = errors.New("no checkpoint covers the event yet")

// inclusion proves evt under cp, or under the last checkpoint, in one transaction.
func (l *Ledger) inclusion(ctx context.Context, org id.Org, evt id.Event, cp *Signed) (out verify.Inclusion, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, tx *db.Tx) error {
		e, err := getEvent(ctx, q, org, evt)
		if err != nil {
			return err
		}
		if e.Seq < 0 {
			return fault.New(fault.Unavailable, "event %s is recorded and has no number yet: try again in a second", evt).WithRetry(time.Second)
		}
		under := cp
		if under == nil {
			row, err := q.LastCheckpoint(ctx, string(org))
			if db.NotFound(err) {
				return errNotSigned
			}
			if err != nil {
				return fmt.Errorf("read the last checkpoint of %q: %w", org, err)
			}
			last, err := storedCheckpoint(row.Note, row.SignedAt)
			if err != nil {
				return err
			}
			under = &last
		}
		if under.Size <= e.Seq {
			return errNotSigned
		}
		proof, err := tlog.ProveRecord(under.Size, e.Seq, tiles{ctx, tx, org}.checked(under.Size, under.Root))
		if err != nil {
			return fmt.Errorf("prove seq %d of %q: %w", e.Seq, org, err)
		}
		if err := tlog.CheckRecord(proof, under.Size, under.Root, e.Seq, e.LeafHash); err != nil {
			return fmt.Errorf("seq %d of %q is not the event that was signed: %w", e.Seq, org, err)
		}
		out = verify.Inclusion{Index: e.Seq, Hashes: proof, Checkpoint: under.Note}
		return nil
	})
	return out, err
}

// Consistency proves that the tree of `to` events, which must be the size of a
// signed checkpoint (0: the last one), begins with the first `from`.
func (l *Ledger) Consistency(ctx context.Context, org id.Org, from, to int64) (verify.Consistency, error) {
	cp, err := l.checkpointOf(ctx, org, to)
	if err != nil {
		return verify.Consistency{}, err
	}
	if from < 0 || from > cp.Size {
		return verify.Consistency{}, fault.New(fault.Invalid, "from is %d; it must be between 0 and %d, the size of the newer tree", from, cp.Size).WithField("from", "out of range")
	}
	out := verify.Consistency{Old: from, Checkpoint: cp.Note}
	if from == 0 || from == cp.Size {
		return out, nil
	}
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		proof, err := tlog.ProveTree(cp.Size, from, tiles{ctx, tx, org}.checked(cp.Size, cp.Root))
		if err != nil {
			return fmt.Errorf("prove %d to %d of %q: %w", from, cp.Size, org, err)
		}
		out.Hashes = proof
		return nil
	})
	return out, err
}

// checkpointOf is the signed checkpoint over size events; 0 is the last one.
func (l *Ledger) checkpointOf(ctx context.Context, org id.Org, size int64) (s Signed, err error) {
	if size == 0 {
		return l.Checkpoint(ctx, org)
	}
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		text, err := q.CheckpointOfSize(ctx, ledgersql.CheckpointOfSizeParams{OrgID: string(org), TreeSize: size})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "no checkpoint was signed at %d events", size)
		}
		if err != nil {
			return fmt.Errorf("read the checkpoint of %d events: %w", size, err)
		}
		s, err = storedCheckpoint(text, 0)
		return err
	})
	return s, err
}

// Checkpoints are up to n signed checkpoints below size, spread evenly by size.
// With them a verifier can tell between which two a change lies.
func (l *Ledger) Checkpoints(ctx context.Context, org id.Org, size int64, n int) ([]Signed, error) {
	var out []Signed
	err := l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		out = nil
		prior := int64(0)
		for i := 1; i <= n; i++ {
			row, err := q.CheckpointUpTo(ctx, ledgersql.CheckpointUpToParams{OrgID: string(org), TreeSize: size * int64(i) / int64(n+1)})
			if db.NotFound(err) || err == nil && row.TreeSize <= prior {
				continue
			}
			if err != nil {
				return fmt.Errorf("read older checkpoints: %w", err)
			}
			s, err := storedCheckpoint(row.Note, 0)
			if err != nil {
				return err
			}
			prior = row.TreeSize
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// Tile is tile n of a level of the tree, as far as the last checkpoint covers it:
// up to 256 hashes of 32 bytes. fault.NotFound beyond that.
func (l *Ledger) Tile(ctx context.Context, org id.Org, level int, n int64) ([]byte, error) {
	missing := fault.New(fault.NotFound, "the tree has no tile %d/%d", level, n)
	if level < 0 || level > 7 || n < 0 {
		return nil, missing
	}
	cp, err := l.Checkpoint(ctx, org)
	if err != nil {
		return nil, err
	}
	hashes := cp.Size >> (tileHeight * level) // on this level
	if n > hashes/tileWidth || n*tileWidth == hashes {
		return nil, missing
	}
	width := hashes - n*tileWidth
	var out []byte
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		data, err := tiles{ctx, tx, org}.ReadTiles([]tlog.Tile{{H: tileHeight, L: level, N: n, W: int(min(width, tileWidth))}})
		if err != nil {
			return err
		}
		out = data[0]
		return nil
	})
	return out, err
}

// Prefix is the roots of the perfect subtrees that the first `first` events of a
// checkpointed tree fill, largest first.
func (l *Ledger) Prefix(ctx context.Context, org id.Org, first int64, cp verify.Checkpoint) (out []tlog.Hash, err error) {
	if first == 0 {
		return nil, nil
	}
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		out, err = tiles{ctx, tx, org}.checked(cp.Size, cp.Root).ReadHashes(perfect(first))
		if err != nil {
			return fmt.Errorf("read the tree before seq %d: %w", first, err)
		}
		return nil
	})
	return out, err
}

// Leaves are up to 256 leaf hashes as stored, those of the tile that seq is in,
// from seq on and below beyond. Missing ones end the list early.
func (l *Ledger) Leaves(ctx context.Context, org id.Org, seq, beyond int64) (out []byte, err error) {
	err = l.read(ctx, org, func(ctx context.Context, _ *ledgersql.Queries, tx *db.Tx) error {
		n := seq / tileWidth
		stored, err := tiles{ctx, tx, org}.stored([]tlog.Tile{{L: 0, N: n}})
		if err != nil {
			return err
		}
		data := stored[[2]int64{0, n}]
		have := int64(len(data)) / tlog.HashSize
		from, to := seq-n*tileWidth, min(beyond-n*tileWidth, have)
		if from < to {
			out = data[from*tlog.HashSize : to*tlog.HashSize]
		}
		return nil
	})
	return out, err
}

package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
)

func leaf(i int) tlog.Hash { return tlog.Hash(sha256.Sum256(fmt.Append(nil, i))) }

// The tree of the ledger, that of the verifier and that of another library agree
// at every size, however the leaves arrive.
func TestTreeAgreesWithOtherImplementations(t *testing.T) {
	const size = 1100
	e := &edge{}
	other := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var own verify.Range
	stored := map[[2]int64][]tlog.Hash{} // tiles as a database would keep them
	random := rand.New(rand.NewPCG(1, 2))
	for e.size < size {
		var batch []tlog.Hash
		for range 1 + random.IntN(90) {
			h := leaf(int(own.Size))
			batch = append(batch, h)
			own.Append(h)
			if err := other.Append(h[:], nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range e.append(batch) {
			stored[[2]int64{int64(w.level), w.idx}] = w.hashes
		}
		root, err := e.root()
		if err != nil {
			t.Fatal(err)
		}
		want, err := other.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		if string(root[:]) != string(want) || root != own.Root() || e.size != own.Size {
			t.Fatalf("at %d leaves: %s, the verifier %s, the other library %x", e.size, root, own.Root(), want)
		}
	}
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, x := range indexes {
			tile := tlog.TileForIndex(tileHeight, x)
			h, err := tlog.HashFromTile(tile, flat(stored[[2]int64{int64(tile.L), tile.N}]), x)
			if err != nil {
				return nil, err
			}
			out = append(out, h)
		}
		return out, nil
	})
	root, _ := e.root()
	for _, n := range []int64{0, 1, 255, 256, 257, 511, 1000, e.size - 1} {
		p, err := tlog.ProveRecord(e.size, n, read)
		if err != nil {
			t.Fatal(err)
		}
		h := leaf(int(n))
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(n), uint64(e.size), h[:], slicesOf(p), root[:]); err != nil {
			t.Errorf("inclusion of %d: %v", n, err)
		}
		if n == 0 {
			continue
		}
		old, err := tlog.TreeHash(n, read)
		if err != nil {
			t.Fatal(err)
		}
		c, err := tlog.ProveTree(e.size, n, read)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(n), uint64(e.size), slicesOf(c), old[:], root[:]); err != nil {
			t.Errorf("consistency from %d: %v", n, err)
		}
	}
}

func slicesOf(hashes []tlog.Hash) (out [][]byte) {
	for _, h := range hashes {
		out = append(out, h[:])
	}
	return out
}

func TestPerfectSubtreesAreThoseOfTheRange(t *testing.T) {
	var all []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, x := range indexes {
			out = append(out, all[x])
		}
		return out, nil
	})
	var r verify.Range
	for n := range 70 {
		want := r.Nodes
		got, err := read.ReadHashes(perfect(int64(n)))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("before %d: %v, want %v, %v", n, got, want, err)
		}
		more, err := tlog.StoredHashesForRecordHash(int64(n), leaf(n), read)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
		r.Append(leaf(n))
	}
}

// A store that does not answer says nothing about the tree: the ledger must not
// stop for it, as it must for tiles that are gone.
func TestUnreadTilesAreNotABrokenTree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		for range 3 {
			record(t, l, orgA, added(orgA, "web"))
		}
		if err := l.flushOrg(t.Context(), orgA); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		var log ledgersql.LogByOrgRow
		read := func(ctx context.Context, size int64) (got, proved error) {
			d.ReadOrg(t.Context(), orgA, func(inner context.Context, tx *db.Tx) (err error) {
				if log, err = ledgersql.New(tx).LogByOrg(inner, string(orgA)); err != nil {
					t.Fatal(err)
				}
				r := tiles{ctx, tx, orgA}
				if _, got = r.edge(size); got != nil {
					got = unfit("", got)
				}
				proved = continues(r, verify.Checkpoint{Size: size, Root: [32]byte(log.RootHash)}, verify.Checkpoint{Size: 1})
				return nil
			})
			return got, proved
		}
		var broken errTree
		if got, proved := read(gone, 3); got == nil || proved == nil || errors.As(got, &broken) || errors.As(proved, &broken) {
			t.Errorf("not read, and called broken: %v; %v", got, proved)
		}
		if got, proved := read(t.Context(), 300); !errors.As(got, &broken) || !errors.As(proved, &broken) {
			t.Errorf("tiles are missing, and nothing is said: %v; %v", got, proved)
		}
	})
}

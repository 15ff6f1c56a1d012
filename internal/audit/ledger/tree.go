package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// The tree is kept in tiles of 2^tileHeight hashes.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// edge is the right edge of a tree: of each level of tiles the last, unfinished
// one. It is all that is needed to append and to compute the root.
type edge struct {
	size  int64
	tiles [][]tlog.Hash // by level; shorter than tileWidth each
}

func (e *edge) clone() *edge {
	c := &edge{size: e.size, tiles: make([][]tlog.Hash, len(e.tiles))}
	for i, t := range e.tiles {
		c.tiles[i] = slices.Clone(t)
	}
	return c
}

// A tileWrite is a tile that appending has changed, whole.
type tileWrite struct {
	level  int
	idx    int64
	hashes []tlog.Hash
}

// append adds leaves and returns the tiles that changed.
func (e *edge) append(leaves []tlog.Hash) []tileWrite {
	var full []tileWrite
	touched := map[int]bool{}
	for _, h := range leaves {
		idx := e.size // of h in its level
		e.size++
		for level := 0; ; level++ {
			if level == len(e.tiles) {
				e.tiles = append(e.tiles, nil)
			}
			e.tiles[level] = append(e.tiles[level], h)
			touched[level] = true
			if len(e.tiles[level]) < tileWidth {
				break
			}
			full = append(full, tileWrite{level, idx / tileWidth, e.tiles[level]})
			h = subtree(e.tiles[level])
			e.tiles[level] = nil
			idx /= tileWidth
		}
	}
	for level, t := range e.tiles {
		if touched[level] && len(t) > 0 {
			full = append(full, tileWrite{level, e.tileIndex(level), t})
		}
	}
	return full
}

// tileIndex is the number of the unfinished tile of a level.
func (e *edge) tileIndex(level int) int64 { return e.size >> (tileHeight * (level + 1)) }

// subtree is the root over a full tile.
func subtree(hashes []tlog.Hash) tlog.Hash {
	level := slices.Clone(hashes)
	for n := len(level); n > 1; n /= 2 {
		for i := range n / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
	}
	return level[0]
}

// root is the root of the tree. Every perfect subtree that a root is made of lies
// in an unfinished tile, so nothing else is read.
func (e *edge) root() (tlog.Hash, error) {
	if e.size == 0 {
		return verify.EmptyRoot, nil
	}
	return tlog.TreeHash(e.size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			t := tlog.TileForIndex(tileHeight, x)
			if t.L >= len(e.tiles) || t.N != e.tileIndex(t.L) || t.W > len(e.tiles[t.L]) {
				return nil, fmt.Errorf("tile %d/%d of the tree's edge is not at hand", t.L, t.N)
			}
			h, err := tlog.HashFromTile(t, flat(e.tiles[t.L]), x)
			if err != nil {
				return nil, err
			}
			out[i] = h
		}
		return out, nil
	}))
}

func flat(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// tiles reads the stored tiles of one ledger inside a transaction. It is a
// tlog.TileReader, so that what it reads can be checked against a root.
type tiles struct {
	ctx context.Context // of the transaction whose body made it; it does not outlive that
	tx  *db.Tx
	org id.Org
}

func (r tiles) Height() int { return tileHeight }

func (r tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles reads stored tiles, which may by now be wider than those asked for.
func (r tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	stored, err := r.stored(want)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(want))
	for i, t := range want {
		data := stored[[2]int64{int64(t.L), t.N}]
		if len(data) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d of the tree has %d hashes where %d are needed", t.L, t.N, len(data)/tlog.HashSize, t.W)
		}
		out[i] = data[:t.W*tlog.HashSize]
	}
	return out, nil
}

// errRead is a store that did not answer: it says nothing about the tree.
type errRead struct{ cause error }

func (e errRead) Error() string { return "read tiles: " + e.cause.Error() }
func (e errRead) Unwrap() error { return e.cause }

// unfit makes an errTree of what is wrong with tiles, but of a failure to read them.
func unfit(what string, err error) error {
	var unread errRead
	if errors.As(err, &unread) {
		return unread
	}
	return errTree{what + err.Error()}
}

// stored reads tiles as they are, by level and number, in one statement. Those
// that do not exist are left out.
func (r tiles) stored(want []tlog.Tile) (map[[2]int64][]byte, error) {
	if len(want) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString("select level, idx, hashes from audit_tile where ")
	args := []any{string(r.org)}
	for i, t := range want {
		if i > 0 {
			b.WriteString(" or ")
		}
		// The whole key in each part: SQLite looks up each by itself then.
		fmt.Fprintf(&b, "(org_id = $1 and level = $%d and idx = $%d)", len(args)+1, len(args)+2)
		args = append(args, int64(t.L), t.N)
	}
	rows, err := r.tx.QueryContext(r.ctx, b.String(), args...)
	if err != nil {
		return nil, errRead{err}
	}
	defer rows.Close()
	out := make(map[[2]int64][]byte, len(want))
	for rows.Next() {
		var at [2]int64
		var data []byte
		if err := rows.Scan(&at[0], &at[1], &data); err != nil {
			return nil, errRead{err}
		}
		if len(data)%tlog.HashSize != 0 || len(data) > tileWidth*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d has %d bytes", at[0], at[1], len(data))
		}
		out[at] = data
	}
	if err := rows.Err(); err != nil {
		return nil, errRead{err}
	}
	return out, nil
}

// edge reads the right edge of the tree at size. Hashes beyond it are cut off.
func (r tiles) edge(size int64) (*edge, error) {
	e := &edge{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		n := size >> (tileHeight * level) // hashes on this level
		w := int(n % tileWidth)
		var hashes []tlog.Hash
		if w > 0 {
			data, err := r.ReadTiles([]tlog.Tile{{H: tileHeight, L: level, N: n / tileWidth, W: w}})
			if err != nil {
				return nil, err
			}
			for h := range slices.Chunk(data[0], tlog.HashSize) {
				hashes = append(hashes, tlog.Hash(h))
			}
		}
		e.tiles = append(e.tiles, hashes)
	}
	return e, nil
}

// checked reads hashes of the tree of size and root; a hash that does not lead
// to root is an error.
func (r tiles) checked(size int64, root tlog.Hash) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, r)
}

// perfect lists the stored hash indexes of the perfect subtrees that the first
// size leaves fill, largest first.
func perfect(size int64) []int64 {
	var out []int64
	at := int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			out = append(out, tlog.StoredHashIndex(level, at>>level))
			at += 1 << level
		}
	}
	return out
}

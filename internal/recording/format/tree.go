package format

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree over a recording's records.
type Hash = tlog.Hash

// tree is an RFC 6962 Merkle tree that only grows and only tells its root. It
// keeps the roots of the complete subtrees, one for each bit that is set in the
// number of leaves, the biggest first.
type tree struct {
	n     uint64
	peaks []Hash
}

// leaf is the leaf hash of a stored record.
func leaf(record []byte) Hash { return tlog.RecordHash(record) }

// push adds a leaf.
func (t *tree) push(h Hash) {
	for range bits.TrailingZeros64(^t.n) {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.n++
}

// root is the tree's hash; of at least one leaf.
func (t *tree) root() Hash {
	last := len(t.peaks) - 1
	h := t.peaks[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

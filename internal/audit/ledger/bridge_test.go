package ledger

import "golang.org/x/mod/sumdb/tlog"

// What the tests of this package's neighbours (package ledger_test) share with
// those inside: they use export, which imports this package.
var (
	BridgeOpen   = open
	BridgeSealer = plainSealer{}
	BridgeAdded  = added
	BridgeAll    = all
	BridgeTamper = tamper
	BridgeKeys   = vkeys
)

// BridgeTiles are the statements' values for a tree of leaves: the tiles as they
// would be stored, and the root.
func BridgeTiles(leaves [][32]byte) (tiles map[[2]int64][]byte, root [32]byte, err error) {
	e := &edge{}
	tiles = map[[2]int64][]byte{}
	for _, h := range leaves {
		for _, w := range e.append([]tlog.Hash{h}) {
			tiles[[2]int64{int64(w.level), w.idx}] = flat(w.hashes)
		}
	}
	r, err := e.root()
	return tiles, r, err
}

package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Domain strings of version 1. They never change; another version has others.
const (
	payloadDomain = "vaultpam-audit-payload/v1\x00"
	leafDomain    = "vaultpam-audit-leaf/v1\n"
)

// SaltSize is the length of an event's salt in bytes. The salt keeps a pruned
// payload from being guessed from its hash.
const SaltSize = 16

// A Leaf is what the tree commits to for one event.
type Leaf struct {
	LogID       string
	Seq         int64
	ID          string
	RecordedAt  int64 // microseconds since 1970, UTC
	Constant    string
	PayloadHash [32]byte
}

// PayloadHash is the hash of a payload's exact bytes under its salt.
func PayloadHash(salt, payload []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(payloadDomain))
	h.Write(salt)
	h.Write(payload)
	return [32]byte(h.Sum(nil))
}

// Text is the leaf's record in the tree, seven lines.
func (l Leaf) Text() []byte {
	b := make([]byte, 0, 256)
	b = append(b, leafDomain...)
	b = append(append(b, l.LogID...), '\n')
	b = append(strconv.AppendInt(b, l.Seq, 10), '\n')
	b = append(append(b, l.ID...), '\n')
	b = append(strconv.AppendInt(b, l.RecordedAt, 10), '\n')
	b = append(append(b, l.Constant...), '\n')
	return append(hex.AppendEncode(b, l.PayloadHash[:]), '\n')
}

// Hash is the leaf's hash in the RFC 6962 tree.
func (l Leaf) Hash() tlog.Hash { return tlog.RecordHash(l.Text()) }

// A Range is the compact form of a tree's first Size leaves: the roots of the
// perfect subtrees that they fill, largest first. It grows leaf by leaf and
// knows the root at every size that it passes through.
type Range struct {
	Size  int64
	Nodes []tlog.Hash
}

// Append adds the next leaf.
func (r *Range) Append(leaf tlog.Hash) {
	r.Nodes = append(r.Nodes, leaf)
	for s := r.Size; s&1 == 1; s >>= 1 {
		n := len(r.Nodes)
		r.Nodes[n-2] = tlog.NodeHash(r.Nodes[n-2], r.Nodes[n-1])
		r.Nodes = r.Nodes[:n-1]
	}
	r.Size++
}

// Root is the root hash of the tree at its present size.
func (r *Range) Root() tlog.Hash {
	if len(r.Nodes) == 0 {
		return EmptyRoot
	}
	root := r.Nodes[len(r.Nodes)-1]
	for i := len(r.Nodes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(r.Nodes[i], root)
	}
	return root
}

// EmptyRoot is the root of a tree without leaves (RFC 6962, section 2.1).
var EmptyRoot = tlog.Hash(sha256.Sum256(nil))

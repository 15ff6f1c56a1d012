package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const proofHeader = "c2sp.org/tlog-proof@v1"

// maxProof bounds the hashes of a proof; a tree of 2^63 leaves needs 63.
const maxProof = 64

// An Inclusion proves that one leaf stands at one place of a checkpointed tree.
// Source: C2SP tlog-proof.
type Inclusion struct {
	Index      int64
	Hashes     []tlog.Hash
	Checkpoint []byte // signed
}

// Text writes the proof: index, hashes and checkpoint in one text.
func (p Inclusion) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, p.Index)
	writeHashes(&b, p.Hashes)
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return []byte(b.String())
}

// ParseInclusion reads the form that Text writes; extra data is refused.
func ParseInclusion(text []byte) (Inclusion, error) {
	rest, ok := strings.CutPrefix(string(text), proofHeader+"\nindex ")
	if !ok {
		return Inclusion{}, fmt.Errorf("an inclusion proof begins with %q and an index line", proofHeader)
	}
	n, hashes, signed, err := parseProof(rest)
	return Inclusion{Index: n, Hashes: hashes, Checkpoint: signed}, err
}

// Check verifies that leaf is at the proof's index under its checkpoint, and
// that one of keys signed the checkpoint.
func (p Inclusion) Check(leaf tlog.Hash, keys ...string) (Checkpoint, error) {
	c, err := Open(p.Checkpoint, keys...)
	if err != nil {
		return c, err
	}
	if p.Index >= c.Size {
		return c, fmt.Errorf("the proof is for seq %d, but its checkpoint covers %d events", p.Index, c.Size)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Hashes), c.Size, c.Root, p.Index, leaf); err != nil {
		return c, fmt.Errorf("the event is not at seq %d of the signed tree", p.Index)
	}
	return c, nil
}

// A Consistency proves that a checkpointed tree begins with all the leaves of an
// older one. Source: the request of C2SP tlog-witness.
type Consistency struct {
	Old        int64 // size of the older tree
	Hashes     []tlog.Hash
	Checkpoint []byte // signed, of the newer tree
}

// Text writes the proof: old size, hashes and the newer checkpoint.
func (p Consistency) Text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", p.Old)
	writeHashes(&b, p.Hashes)
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return []byte(b.String())
}

// ParseConsistency reads the form that Text writes.
func ParseConsistency(text []byte) (Consistency, error) {
	rest, ok := strings.CutPrefix(string(text), "old ")
	if !ok {
		return Consistency{}, errors.New(`a consistency proof begins with an "old" line`)
	}
	n, hashes, signed, err := parseProof(rest)
	return Consistency{Old: n, Hashes: hashes, Checkpoint: signed}, err
}

// Check verifies that the checkpoint, signed by one of keys, continues old.
func (p Consistency) Check(old Checkpoint, keys ...string) (Checkpoint, error) {
	c, err := Open(p.Checkpoint, keys...)
	switch {
	case err != nil:
		return c, err
	case old.Origin != c.Origin:
		return c, fmt.Errorf("the older checkpoint is of %s, this one of %s", old.Origin, c.Origin)
	case p.Old != old.Size:
		return c, fmt.Errorf("the proof is for a tree of %d events, the older checkpoint has %d", p.Old, old.Size)
	case old.Size > c.Size:
		return c, fmt.Errorf("the tree shrank from %d to %d events", old.Size, c.Size)
	}
	if err := checkTree(p.Hashes, c, old); err != nil {
		return c, fmt.Errorf("the tree of %d events does not begin with the %d events of the older one: history was rewritten", c.Size, old.Size)
	}
	return c, nil
}

// checkTree is tlog.CheckTree, which knows no empty tree: everything continues that.
func checkTree(hashes []tlog.Hash, c, old Checkpoint) error {
	if old.Size == 0 {
		if old.Root != EmptyRoot || len(hashes) != 0 {
			return errors.New("wrong empty tree")
		}
		return nil
	}
	return tlog.CheckTree(tlog.TreeProof(hashes), c.Size, c.Root, old.Size, old.Root)
}

func writeHashes(b *strings.Builder, hashes []tlog.Hash) {
	for _, h := range hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]))
		b.WriteByte('\n')
	}
}

// parseProof reads "<number>\n<hash>\n...\n\n<checkpoint>".
func parseProof(rest string) (int64, []tlog.Hash, []byte, error) {
	head, signed, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return 0, nil, nil, errors.New("the proof has no checkpoint after an empty line")
	}
	lines := strings.Split(head, "\n")
	n, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != lines[0] {
		return 0, nil, nil, fmt.Errorf("%.40q is not an index or size", lines[0])
	}
	if len(lines)-1 > maxProof {
		return 0, nil, nil, fmt.Errorf("the proof has more than %d hashes", maxProof)
	}
	var hashes []tlog.Hash
	for _, l := range lines[1:] {
		h, err := tlog.ParseHash(l)
		if err != nil || h.String() != l {
			return 0, nil, nil, fmt.Errorf("%.80q is not the base64 of a hash", l)
		}
		hashes = append(hashes, h)
	}
	return n, hashes, []byte(signed), nil
}

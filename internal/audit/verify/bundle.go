package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// BundleVersion is the version of the bundle format that this package reads.
const BundleVersion = 1

// maxLine bounds one line of a bundle. A payload is at most 32 KiB; the header
// holds some hundred checkpoints.
const maxLine = 1 << 20

// Header is the first line of a bundle.
type Header struct {
	Version  int    `json:"vaultpam_audit_bundle"` // BundleVersion
	LogID    string `json:"log_id"`
	OrgID    string `json:"org_id"` // empty for the platform's ledger
	FirstSeq int64  `json:"first_seq"`
	TreeSize int64  `json:"tree_size"`
	// Checkpoint is the signed checkpoint over TreeSize events.
	Checkpoint string `json:"checkpoint"`
	// Checkpoints are older signed ones, smallest first. They tell between which
	// of them a change lies when the tree itself was rewritten.
	Checkpoints []string `json:"checkpoints,omitempty"`
	// Prefix holds, when FirstSeq is not 0, the roots of the perfect subtrees
	// that the earlier events fill, largest first.
	Prefix []tlog.Hash `json:"prefix,omitempty"`
	// Keys are the ledger's published verifier keys. They are for information:
	// a verifier uses those that it was given from elsewhere.
	Keys []string `json:"keys,omitempty"`
	// Prunes are the runs of pruning that the ledger tells of, oldest first.
	Prunes     []Prune `json:"prunes,omitempty"`
	ExportedAt string  `json:"exported_at,omitempty"` // RFC 3339
}

// prunes tells whether a run of pruning has gone over seq.
func (h Header) prunes(seq int64) bool {
	i, found := slices.BinarySearchFunc(h.Prunes, seq, func(p Prune, seq int64) int { return cmp.Compare(p.First, seq) })
	return found || i > 0 && seq < h.Prunes[i-1].Beyond
}

// Prune is a stretch of a ledger, from First up to and without Beyond, whose payloads
// were cleared because they were older than the policy of that time wanted them.
type Prune struct {
	First    int64  `json:"first_seq"`
	Beyond   int64  `json:"beyond_seq"`
	Payloads int64  `json:"payloads"`        // cleared
	Days     int    `json:"keep_days"`       // the policy
	Before   string `json:"recorded_before"` // RFC 3339
	At       string `json:"at"`              // RFC 3339; of the last of them
}

// Row is one event. Payload and Salt are nil when the payload was pruned.
type Row struct {
	Seq         int64   `json:"seq"`
	ID          string  `json:"id"`
	RecordedAt  int64   `json:"recorded_at"` // microseconds since 1970, UTC
	Constant    string  `json:"constant"`
	PayloadHash Hex32   `json:"payload_hash"`
	Salt        []byte  `json:"salt,omitempty"`
	Payload     *string `json:"payload,omitempty"` // the stored bytes, as a string
	PrunedAt    int64   `json:"pruned_at,omitempty"`
}

// Leaf is the leaf of the row in ledger logID.
func (r Row) Leaf(logID string) Leaf {
	return Leaf{LogID: logID, Seq: r.Seq, ID: r.ID, RecordedAt: r.RecordedAt, Constant: r.Constant, PayloadHash: r.PayloadHash}
}

// Leaves is a run of leaf hashes as the ledger stored them, 32 bytes each,
// beginning with that of event First. It stands before the rows it covers.
type Leaves struct {
	First  int64  `json:"first"`
	Hashes []byte `json:"hashes"`
}

// End is the last line: the export ran to its end and wrote so many rows.
type End struct {
	Rows int64 `json:"rows"`
}

// Line is any line after the header; exactly one part of it is set.
type Line struct {
	Row    *Row    `json:"event,omitempty"`
	Leaves *Leaves `json:"leaves,omitempty"`
	End    *End    `json:"end,omitempty"`
}

// Hex32 is a hash that JSON shows as 64 lower-case hexadecimal digits.
type Hex32 [32]byte

// MarshalText writes the digits.
func (h Hex32) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads the digits.
func (h *Hex32) UnmarshalText(text []byte) error {
	if len(text) != 64 || bytes.ContainsAny(text, "ABCDEF") {
		return errors.New("a hash is 64 lower-case hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// errCut says that the bundle ends in the middle of a line.
var errCut = errors.New("the bundle ends in the middle of a line")

// lines reads a bundle line by line. The slice is valid until the next call.
type lines struct {
	r *bufio.Reader
	n int // number of the line last read, from 1
	b []byte
}

// next returns io.EOF at the end, and errCut when the last line has no end.
func (l *lines) next() ([]byte, error) {
	l.n++
	l.b = l.b[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.b)+len(part) > maxLine {
			return nil, fmt.Errorf("line %d is longer than %d bytes", l.n, maxLine)
		}
		if err == nil && len(l.b) == 0 {
			return part, nil
		}
		l.b = append(l.b, part...)
		switch {
		case err == nil:
			return l.b, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(l.b) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, errCut
		default:
			return nil, fmt.Errorf("read line %d: %w", l.n, err)
		}
	}
}

func parseHeader(b []byte) (Header, error) {
	var h Header
	err := json.Unmarshal(b, &h)
	switch {
	case err != nil || h.Version == 0:
		return h, errors.New("the first line is not the header of an audit bundle")
	case h.Version != BundleVersion:
		return h, fmt.Errorf("the bundle has version %d; this program reads version %d", h.Version, BundleVersion)
	case h.FirstSeq < 0 || h.TreeSize < 0 || h.FirstSeq > h.TreeSize:
		return h, fmt.Errorf("the header's first_seq %d and tree_size %d make no range", h.FirstSeq, h.TreeSize)
	}
	ones := 0
	for s := h.FirstSeq; s != 0; s &= s - 1 {
		ones++
	}
	if len(h.Prefix) != ones {
		return h, fmt.Errorf("the header has %d prefix hashes; %d events before the first need %d", len(h.Prefix), h.FirstSeq, ones)
	}
	return h, nil
}

func parseLine(b []byte) (Line, error) {
	var l Line
	if err := json.Unmarshal(b, &l); err != nil {
		return l, err
	}
	parts := 0
	for _, set := range []bool{l.Row != nil, l.Leaves != nil, l.End != nil} {
		if set {
			parts++
		}
	}
	if parts != 1 {
		return l, errors.New("it is none or more than one of event, leaves and end")
	}
	if l.Leaves != nil && len(l.Leaves.Hashes)%tlog.HashSize != 0 {
		return l, errors.New("its leaves are not a whole number of hashes")
	}
	return l, nil
}

// Package export writes a ledger as a bundle: one file that a customer can keep
// and check years later with `vaultpam audit verify`, without this product's store
// or network.
//
// A bundle is NDJSON, one JSON object a line, UTF-8, each line ended by "\n":
//
//	{"vaultpam_audit_bundle":1,"log_id":"log_...","org_id":"org_...","first_seq":0,"tree_size":2,
//	 "checkpoint":"<signed note>","checkpoints":["<older signed note>",...],"prefix":[...],"keys":["<vkey>",...],
//	 "prunes":[{"first_seq":0,"beyond_seq":1,"payloads":1,"keep_days":400,"recorded_before":"...","at":"..."}],"exported_at":"..."}
//	{"leaves":{"first":0,"hashes":"<base64 of 32 bytes for each event>"}}
//	{"event":{"seq":0,"id":"evt_...","recorded_at":1700000000000000,"constant":"...","payload_hash":"<hex>","salt":"<base64>","payload":"{...}"}}
//	{"event":{"seq":1,"id":"evt_...","recorded_at":1700000000000001,"constant":"...","payload_hash":"<hex>","pruned_at":1800000000000000}}
//	{"end":{"rows":2}}
//
// payload is the recorded envelope byte for byte, as a JSON string, so that no
// tool that rewrites JSON can disturb what is hashed. A pruned event has neither
// payload nor salt and still verifies. The leaves are the tree's hashes as stored;
// they stand before the rows that they cover and serve to say which row is wrong.
// Readers pass over fields that they do not know; the number in the first field
// changes when that would be wrong. See docs/reference/ledger-format.md.
package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Options say what goes into a bundle.
type Options struct {
	From int64     // first seq; 0 is the whole ledger
	At   time.Time // told in the header; not checked by anybody
}

// Summary tells what a bundle holds.
type Summary struct {
	Log    id.Log
	First  int64
	Size   int64 // of the tree; the last event is Size-1
	Rows   int64
	Pruned int64
	Bytes  int64
}

// The bounds of one step: a tile of the tree, and the rows of its places. More
// rows than places exist only where somebody has tampered, and belong to the proof.
const (
	step    = 256
	maxRows = 4 * step
	// olderCheckpoints is how many older checkpoints a bundle carries.
	olderCheckpoints = 64
	// runs is how many runs of pruning it carries: one a day for more than ten years.
	runs = 4000
)

// Write numbers and signs what org's ledger has committed and streams a bundle of
// it. Events that come later are not in it. When it fails after the first byte,
// what was written lacks its end line, and a verifier says so.
func Write(ctx context.Context, w io.Writer, l *ledger.Ledger, org id.Org, o Options) (Summary, error) {
	cp, err := l.Sign(ctx, org)
	if err != nil {
		return Summary{}, fmt.Errorf("sign the ledger for its export: %w", err)
	}
	if o.From < 0 || o.From > cp.Size {
		return Summary{}, fault.New(fault.Invalid, "the ledger has %d events; an export cannot begin at seq %d", cp.Size, o.From).WithField("from", "out of range")
	}
	h, err := header(ctx, l, org, cp, o)
	if err != nil {
		return Summary{}, err
	}
	count := &counter{w: w}
	b := bufio.NewWriterSize(count, 256<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(h); err != nil {
		return Summary{}, fmt.Errorf("write the bundle's header: %w", err)
	}
	out := &writer{enc: enc, l: l, org: org, s: Summary{Log: id.Log(h.LogID), First: o.From, Size: cp.Size}}
	s := &out.s
	for seq := o.From; seq < cp.Size; {
		beyond := min(seq-seq%step+step, cp.Size)
		if err := out.step(ctx, seq, beyond); err != nil {
			return *s, err
		}
		seq = beyond
	}
	if err := enc.Encode(verify.Line{End: &verify.End{Rows: s.Rows}}); err != nil {
		return *s, fmt.Errorf("write the bundle's end: %w", err)
	}
	if err := b.Flush(); err != nil {
		return *s, fmt.Errorf("write the bundle: %w", err)
	}
	s.Bytes = count.n
	return *s, nil
}

func header(ctx context.Context, l *ledger.Ledger, org id.Org, cp ledger.Signed, o Options) (verify.Header, error) {
	h := verify.Header{
		Version: verify.BundleVersion, LogID: cp.LogID(), OrgID: string(org), FirstSeq: o.From, TreeSize: cp.Size,
		Checkpoint: string(cp.Note),
	}
	if !o.At.IsZero() {
		h.ExportedAt = o.At.UTC().Format(time.RFC3339)
	}
	older, err := l.Checkpoints(ctx, org, cp.Size, olderCheckpoints)
	if err != nil {
		return h, err
	}
	for _, c := range older {
		h.Checkpoints = append(h.Checkpoints, string(c.Note))
	}
	if h.Prefix, err = l.Prefix(ctx, org, o.From, cp.Checkpoint); err != nil {
		return h, err
	}
	keys, err := l.Keys(ctx, org)
	if err != nil {
		return h, err
	}
	for _, k := range keys {
		h.Keys = append(h.Keys, k.VKey)
	}
	pruned, err := l.Prunes(ctx, org, cp.Size, runs)
	if err != nil {
		return h, err
	}
	for _, p := range pruned {
		if p.Beyond > o.From {
			h.Prunes = append(h.Prunes, verify.Prune{First: p.First, Beyond: p.Beyond, Payloads: p.Payloads, Days: p.Days, Before: p.Before.Format(time.RFC3339), At: p.EndedAt.Format(time.RFC3339)})
		}
	}
	return h, nil
}

type writer struct {
	enc   *json.Encoder
	l     *ledger.Ledger
	org   id.Org
	s     Summary
	blank bool // a stored tile was short: hashes after it would stand at wrong places
}

// step writes the places of one tile from seq on and below beyond.
func (w *writer) step(ctx context.Context, seq, beyond int64) error {
	leaves, err := w.l.Leaves(ctx, w.org, seq, beyond)
	if err != nil {
		return err
	}
	if len(leaves) > 0 && !w.blank {
		if err := w.enc.Encode(verify.Line{Leaves: &verify.Leaves{First: seq, Hashes: leaves}}); err != nil {
			return fmt.Errorf("write leaf hashes: %w", err)
		}
	}
	w.blank = w.blank || int64(len(leaves)) < (beyond-seq)*tlog.HashSize
	entries, err := w.l.Read(ctx, w.org, seq, beyond, maxRows)
	if err != nil {
		return err
	}
	for _, e := range entries {
		r := row(e)
		if err := w.enc.Encode(verify.Line{Row: &r}); err != nil {
			return fmt.Errorf("write seq %d: %w", e.Seq, err)
		}
		w.s.Rows++
		if e.Payload == nil {
			w.s.Pruned++
		}
	}
	return nil
}

func row(e ledger.Entry) verify.Row {
	r := verify.Row{
		Seq: e.Seq, ID: string(e.ID), RecordedAt: e.RecordedAt.UnixMicro(), Constant: e.Constant,
		PayloadHash: e.PayloadHash, Salt: e.Salt,
	}
	if e.Payload != nil {
		text := string(e.Payload)
		r.Payload = &text
	}
	if !e.PrunedAt.IsZero() {
		r.PrunedAt = e.PrunedAt.UnixMicro()
	}
	return r
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

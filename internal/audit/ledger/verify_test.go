package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/export"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/id"
)

// A kept ledger: 300 events, signed at 100, 200 and 300, with what a customer
// keeps outside: the key and the checkpoint of 200 events.
type kept struct {
	d     *db.DB
	org   id.Org
	keys  []string
	since []byte
	all   []ledger.Entry
}

func keep(t *testing.T, d *db.DB) kept {
	t.Helper()
	k := kept{d: d, org: id.New[id.Org]()}
	l := ledger.BridgeOpen(t, d, nil)
	for part := range 3 {
		if err := d.InOrg(t.Context(), k.org, func(ctx context.Context, tx *db.Tx) error {
			for i := range 100 {
				if _, err := l.Record(ctx, tx, ledger.BridgeAdded(k.org, fmt.Sprint("safe ", part, i))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		cp, err := l.Sign(t.Context(), k.org)
		if err != nil {
			t.Fatal(err)
		}
		if cp.Size == 200 {
			k.since = cp.Note
		}
	}
	k.keys, k.all = ledger.BridgeKeys(t, l, k.org), ledger.BridgeAll(t, l, k.org)
	return k
}

func (k kept) tamper(t *testing.T, statements ...string) {
	t.Helper()
	ledger.BridgeTamper(t, k.d, map[string]string{"$org": string(k.org)}, statements...)
}

// blob is b as the engine writes it in a statement.
func (k kept) blob(b []byte) string {
	if k.d.Engine() == db.Postgres {
		return fmt.Sprintf(`'\x%x'::bytea`, b)
	}
	return fmt.Sprintf(`x'%x'`, b)
}

// rewrite makes tree, root and size those of entries, as somebody could who knows
// everything but the signing key.
func (k kept) rewrite(entries []ledger.Entry) []string {
	leaves := make([][32]byte, len(entries))
	for i, e := range entries {
		e.Seq = int64(i)
		leaves[i] = e.Leaf().Hash()
	}
	tiles, root, err := ledger.BridgeTiles(leaves)
	if err != nil {
		panic(err)
	}
	out := []string{
		`delete from audit_tile where org_id = $org`,
		fmt.Sprintf(`update audit_log set tree_size = %d, root_hash = %s where org_id = $org`, len(entries), k.blob(root[:])),
	}
	for at, data := range tiles {
		out = append(out, fmt.Sprintf(`insert into audit_tile (org_id, level, idx, hashes) values ($org, %d, %d, %s)`, at[0], at[1], k.blob(data)))
	}
	return out
}

// bundle exports with a server that has just started, which knows nothing but the database.
func (k kept) bundle(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := export.Write(t.Context(), &b, ledger.BridgeOpen(t, k.d, nil), k.org, export.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (k kept) verify(t *testing.T, since bool) verify.Result {
	t.Helper()
	o := verify.Options{Keys: k.keys}
	if since {
		o.Since = k.since
	}
	return verify.Bundle(bytes.NewReader(k.bundle(t)), o)
}

func TestExportedLedgerVerifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		if r := k.verify(t, true); r.Code != verify.Intact || r.Events != 300 || r.Pruned != 0 {
			t.Errorf("%v, %d events, %+v", r.Code, r.Events, r.Findings)
		}
		var b bytes.Buffer
		s, err := export.Write(t.Context(), &b, ledger.BridgeOpen(t, d, nil), k.org, export.Options{From: 150})
		if err != nil || s.Rows != 150 || s.Size != 300 || s.Bytes != int64(b.Len()) {
			t.Errorf("from 150: %+v, %v", s, err)
		}
		if r := verify.Bundle(&b, verify.Options{Keys: k.keys, Since: k.since}); r.Code != verify.Intact || r.Events != 150 {
			t.Errorf("from 150: %v, %d events, %+v", r.Code, r.Events, r.Findings)
		}
		// Payloads leave as they were recorded.
		for _, e := range k.all[:3] {
			if !strings.Contains(string(k.bundle(t)), string(e.ID)) {
				t.Errorf("%s is not in the bundle", e.ID)
			}
		}
		if _, err := export.Write(t.Context(), &b, ledger.BridgeOpen(t, d, nil), k.org, export.Options{From: 301}); err == nil {
			t.Error("an export from beyond the end")
		}
	})
}

func TestPrunedLedgerVerifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		before := k.bundle(t)
		if err := d.InRole(t.Context(), db.Pruner, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `update audit_event set payload = null, salt = null, pruned_at = 1 where org_id = $1 and seq < 120`, string(k.org))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if r := k.verify(t, true); r.Code != verify.Intact || r.Pruned != 120 {
			t.Errorf("%v, %d pruned, %+v", r.Code, r.Pruned, r.Findings)
		}
		if r := verify.Bundle(bytes.NewReader(before), verify.Options{Keys: k.keys}); r.Code != verify.Intact || r.Pruned != 0 {
			t.Errorf("the bundle from before: %v %+v", r.Code, r.Findings)
		}
	})
}

func TestTamperingInTheDatabaseIsFound(t *testing.T) {
	changed := func(k kept, seq int) (payload, hash []byte) {
		payload = bytes.Replace(k.all[seq].Payload, []byte(`"alice"`), []byte(`"mallory"`), 1)
		h := verify.PayloadHash(k.all[seq].Salt, payload)
		return payload, h[:]
	}
	const invented = `insert into audit_event (org_id, log_id, id, recorded_at, constant, payload, salt, payload_hash, seq)
		select org_id, log_id, 'evt_01jz0000000000000000000000', recorded_at, constant, payload, salt, payload_hash, %d from audit_event where org_id = $org and seq = %d`
	up := []string{`update audit_event set seq = -seq - 1 where org_id = $org and seq >= 150`, `update audit_event set seq = -seq where org_id = $org and seq < 0`}
	down := []string{`update audit_event set seq = -seq + 1 where org_id = $org and seq > 150`, `update audit_event set seq = -seq where org_id = $org and seq < 0`}
	cases := []struct {
		name       string
		statements func(k kept) []string
		what       verify.What
		seqs       []int64
		sinceOnly  bool // found against an older checkpoint only
	}{
		{"changed payload", func(k kept) []string {
			p, _ := changed(k, 150)
			return []string{`update audit_event set payload = ` + k.blob(p) + ` where org_id = $org and seq = 150`}
		}, verify.Changed, []int64{150}, false},
		{"changed payload and hash", func(k kept) []string {
			p, h := changed(k, 150)
			return []string{`update audit_event set payload = ` + k.blob(p) + `, payload_hash = ` + k.blob(h) + ` where org_id = $org and seq = 150`}
		}, verify.Changed, []int64{150}, false},
		{"changed time", func(kept) []string {
			return []string{`update audit_event set recorded_at = recorded_at - 1 where org_id = $org and seq = 299`}
		}, verify.Changed, []int64{299}, false},
		{"payload taken away", func(kept) []string {
			return []string{`update audit_event set payload = null, salt = null where org_id = $org and seq = 7`}
		}, verify.Changed, []int64{7}, false},
		{"removed", func(kept) []string {
			return []string{`delete from audit_event where org_id = $org and seq = 150`}
		}, verify.Removed, []int64{150}, false},
		{"removed and closed up", func(kept) []string {
			return append([]string{`delete from audit_event where org_id = $org and seq = 150`}, down...)
		}, verify.Removed, []int64{150}, false},
		{"reordered", func(kept) []string {
			return []string{
				`update audit_event set seq = -1 where org_id = $org and seq = 10`,
				`update audit_event set seq = 10 where org_id = $org and seq = 270`,
				`update audit_event set seq = 270 where org_id = $org and seq = -1`,
			}
		}, verify.Reordered, []int64{10, 270}, false},
		{"invented between", func(kept) []string {
			return append(up, fmt.Sprintf(invented, 150, 10))
		}, verify.Invented, []int64{150}, false},
		{"replaced", func(kept) []string {
			return []string{`delete from audit_event where org_id = $org and seq = 150`, fmt.Sprintf(invented, 150, 10)}
		}, verify.Changed, []int64{150}, false},
		{"tail cut off the rows", func(kept) []string {
			return []string{`delete from audit_event where org_id = $org and seq >= 290`}
		}, verify.Removed, []int64{290}, false},
		{"tail cut off everywhere", func(k kept) []string {
			return append(k.rewrite(k.all[:150]),
				`delete from audit_event where org_id = $org and seq >= 150`,
				`delete from audit_search where org_id = $org and seq >= 150`,
				`delete from audit_checkpoint where org_id = $org and tree_size > 150`)
		}, verify.Truncated, []int64{150}, true},
		{"history written anew", func(k kept) []string {
			p, h := changed(k, 50)
			k.all[50].PayloadHash = [32]byte(h)
			return append(k.rewrite(k.all),
				`update audit_event set payload = `+k.blob(p)+`, payload_hash = `+k.blob(h)+` where org_id = $org and seq = 50`,
				`delete from audit_checkpoint where org_id = $org`)
		}, verify.Rewritten, []int64{-1}, true},
		{"stored leaf", func(k kept) []string {
			return []string{fmt.Sprintf(`update audit_tile set hashes = %s where org_id = $org and level = 0 and idx = 0`, k.blob(bytes.Repeat([]byte{7}, 256*32)))}
		}, verify.Changed, []int64{0, 255}, false},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				k := keep(t, d)
				k.tamper(t, c.statements(k)...)
				r := k.verify(t, true)
				if r.Code != verify.Altered {
					t.Fatalf("%v, %+v", r.Code, r.Findings)
				}
				for _, seq := range c.seqs {
					if !slices.ContainsFunc(r.Findings, func(f verify.Finding) bool { return f.What == c.what && f.Seq == seq }) && r.More == 0 {
						t.Errorf("no finding %q at seq %d in %+v", c.what, seq, r.Findings)
					}
				}
				want := verify.Altered
				if c.sinceOnly {
					want = verify.Intact
				}
				if r := k.verify(t, false); r.Code != want {
					t.Errorf("without an older checkpoint: %v, want %v: %+v", r.Code, want, r.Findings)
				}
			})
		}
	})
}

// A tree whose signed part was changed underneath is not exported at all: the
// server finds it before it signs.
func TestServerDoesNotExportATreeThatItDidNotSign(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		k.all[50].PayloadHash = verify.PayloadHash(nil, []byte("another payload"))
		k.tamper(t, k.rewrite(k.all)...)
		var b bytes.Buffer
		if _, err := export.Write(t.Context(), &b, ledger.BridgeOpen(t, d, nil), k.org, export.Options{}); err == nil || b.Len() > 0 {
			t.Errorf("exported %d bytes, %v", b.Len(), err)
		}
	})
}

package ledger_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/export"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/id"
)

// upTo is the limit by which the events before seq are due.
func (k kept) upTo(seq int64) func(context.Context, *db.Tx) (ledger.PruneLimit, error) {
	before := time.Now().Add(time.Hour)
	if seq < int64(len(k.all)) {
		before = k.all[seq].RecordedAt
	}
	return func(context.Context, *db.Tx) (ledger.PruneLimit, error) {
		return ledger.PruneLimit{Days: 400, Before: before}, nil
	}
}

// proofs are what a customer took from the ledger.
type proofs struct {
	inclusion   []verify.Inclusion // of each 23rd event
	consistency []verify.Consistency
}

func (k kept) prove(t *testing.T, l *ledger.Ledger) (p proofs) {
	t.Helper()
	for e := range slices.Chunk(k.all, 23) {
		one, err := l.Inclusion(t.Context(), k.org, e[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		p.inclusion = append(p.inclusion, one)
	}
	for _, from := range []int64{1, 77, 100, 200, 299} {
		c, err := l.Consistency(t.Context(), k.org, from, 300)
		if err != nil {
			t.Fatal(err)
		}
		p.consistency = append(p.consistency, c)
	}
	return p
}

// holds checks proofs against the payloads as they were exported, by what a customer has.
func (k kept) holds(t *testing.T, p proofs) {
	t.Helper()
	for _, one := range p.inclusion {
		i := one.Index
		c, err := verify.Open(one.Checkpoint, k.keys...)
		if err != nil {
			t.Fatal(err)
		}
		leaf := k.all[i].Leaf()
		leaf.PayloadHash = verify.PayloadHash(k.all[i].Salt, k.all[i].Payload)
		if err := tlog.CheckRecord(one.Hashes, c.Size, c.Root, one.Index, leaf.Hash()); err != nil {
			t.Fatalf("seq %d: %v", i, err)
		}
	}
	older := verify.Range{}
	roots := map[int64]tlog.Hash{}
	for _, e := range k.all {
		older.Append(e.Leaf().Hash())
		roots[older.Size] = older.Root()
	}
	for _, c := range p.consistency {
		now, err := verify.Open(c.Checkpoint, k.keys...)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(c.Hashes, now.Size, now.Root, c.Old, roots[c.Old]); err != nil {
			t.Fatalf("from %d: %v", c.Old, err)
		}
	}
}

// Whatever is pruned, in whatever steps: what was proved before holds, and the same can
// be proved after.
func TestProofsHoldBeforeAndAfterPruning(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		l := ledger.BridgeOpen(t, d, nil)
		before, bundle := k.prove(t, l), k.bundle(t)
		k.holds(t, before)
		r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
		at := int64(0)
		for at < 300 {
			at = min(at+60+r.Int64N(150), 300)
			if _, err := l.Prune(t.Context(), k.org, k.upTo(at)); err != nil {
				t.Fatal(err)
			}
			if r := k.verify(t, true); r.Code != verify.Intact || r.Pruned != at || r.PrunedOdd != 0 || r.Events != 300 {
				t.Fatalf("pruned up to %d: %v, %d pruned, %+v", at, r.Code, r.Pruned, r.Findings)
			}
			k.holds(t, before)
			k.holds(t, k.prove(t, l))
		}
		if r := verify.Bundle(bytes.NewReader(bundle), verify.Options{Keys: k.keys, Since: k.since}); r.Code != verify.Intact || r.Pruned != 0 {
			t.Errorf("the bundle from before: %v %+v", r.Code, r.Findings)
		}
		for _, e := range ledger.BridgeAll(t, l, k.org) {
			was := k.all[e.Seq]
			if e.Payload != nil || e.Salt != nil || e.PrunedAt.IsZero() || e.ID != was.ID || e.PayloadHash != was.PayloadHash || e.LeafHash != was.LeafHash || !e.RecordedAt.Equal(was.RecordedAt) || e.Constant != was.Constant {
				t.Fatalf("%+v", e)
			}
		}
		if found, _, err := l.List(t.Context(), k.org, ledger.Filter{Constants: []string{k.all[0].Constant}}, ledger.Page{}); err != nil || len(found) != 0 {
			t.Errorf("a search finds %d pruned events, %v", len(found), err)
		}
		// More comes, is proved, and is pruned in its turn.
		if n, err := l.Prune(t.Context(), k.org, k.upTo(300)); n != 0 || err != nil {
			t.Error(n, err)
		}
	})
}

func TestRunsOfPruningAreToldInExports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		l := ledger.BridgeOpen(t, d, nil)
		for _, seq := range []int64{120, 200} {
			if n, err := l.Prune(t.Context(), k.org, k.upTo(seq)); err != nil || n == 0 {
				t.Fatal(n, err)
			}
		}
		got, err := l.Prunes(t.Context(), k.org, 300, 10)
		if err != nil || len(got) != 2 || got[0].First != 0 || got[0].Beyond != 120 || got[0].Payloads != 120 || got[1].First != 120 || got[1].Beyond != 200 || got[1].Days != 400 ||
			!got[1].Before.Equal(k.all[200].RecordedAt) || got[1].EndedAt.IsZero() {
			t.Errorf("%+v %v", got, err)
		}
		var b bytes.Buffer
		if _, err := export.Write(t.Context(), &b, l, k.org, export.Options{From: 150}); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(b.String(), "\n")
		if !strings.Contains(head, `"prunes":[{"first_seq":120,"beyond_seq":200,"payloads":80,"keep_days":400,"recorded_before":"`) {
			t.Error(head)
		}
		// What somebody has taken away by hand is counted apart.
		k.tamper(t, `update audit_event set payload = null, salt = null, pruned_at = 1 where org_id = $org and seq = 250`)
		r := k.verify(t, true)
		var text strings.Builder
		r.WriteText(&text)
		if r.Code != verify.Intact || r.Pruned != 201 || r.PrunedOdd != 1 || !strings.Contains(text.String(), "taken away one by one") {
			t.Errorf("%+v\n%s", r, text.String())
		}
	})
}

func TestTamperingWithAPrunedRowIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		if _, err := ledger.BridgeOpen(t, d, nil).Prune(t.Context(), k.org, k.upTo(300)); err != nil {
			t.Fatal(err)
		}
		k.tamper(t, `update audit_event set payload_hash = `+k.blob(bytes.Repeat([]byte{7}, 32))+` where org_id = $org and seq = 41`)
		if r := k.verify(t, false); r.Code != verify.Altered || len(r.Findings) == 0 || r.Findings[0].Seq != 41 || r.Findings[0].What != verify.Changed {
			t.Errorf("%v %+v", r.Code, r.Findings)
		}
	})
}

// Only the pruner's role clears payloads, and what it did cannot be unsaid.
func TestOnlyThePrunerClearsPayloads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		if _, err := ledger.BridgeOpen(t, d, nil).Prune(t.Context(), k.org, k.upTo(100)); err != nil {
			t.Fatal(err)
		}
		in := func(statement string) error {
			return d.InOrg(t.Context(), k.org, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, statement, string(k.org))
				return err
			})
		}
		for what, statement := range map[string]string{
			"a payload without a mark":  `update audit_event set payload = null, salt = null where org_id = $1 and seq = 200`,
			"what was pruned, again":    `update audit_event set pruned_at = 5 where org_id = $1 and seq = 5`,
			"a run of pruning":          `delete from audit_prune where org_id = $1`,
			"the policy of a run":       `update audit_prune set keep_days = 1 where org_id = $1`,
			"the end of a run, earlier": `update audit_prune set beyond_seq = 1 where org_id = $1`,
		} {
			if err := in(statement); err == nil {
				t.Errorf("%s can be changed by the application", what)
			}
		}
		if d.Engine() != db.Postgres {
			return // there is one role
		}
		for what, statement := range map[string]string{
			"a payload":   `update audit_event set payload = null, salt = null, pruned_at = 1 where org_id = $1 and seq = 200`,
			"a run":       `insert into audit_prune (org_id, first_seq, beyond_seq, pruned, keep_days, recorded_before, started_at, ended_at) values ($1, 100, 200, 1, 1, 1, 1, 1)`,
			"search rows": `delete from audit_search where org_id = $1`,
		} {
			if err := in(statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("the application's role may write %s: %v", what, err)
			}
		}
	})
}

// Several servers prune at once: each payload is cleared and counted once, without holes.
func TestServersPruneOneLedgerTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				l := ledger.BridgeOpen(t, d, nil)
				for seq := int64(10); seq <= 300; seq += 10 {
					if _, err := l.Prune(t.Context(), k.org, k.upTo(seq)); err != nil && !strings.Contains(err.Error(), "another server") {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		l := ledger.BridgeOpen(t, d, nil)
		if _, err := l.Prune(t.Context(), k.org, k.upTo(300)); err != nil {
			t.Fatal(err)
		}
		got, err := l.Prunes(t.Context(), k.org, 300, 1000)
		if err != nil {
			t.Fatal(err)
		}
		at, payloads := int64(0), int64(0)
		for _, p := range got {
			if p.First != at {
				t.Errorf("a run begins at %d, not at %d", p.First, at)
			}
			at, payloads = p.Beyond, payloads+p.Payloads
		}
		if at != 300 || payloads != 300 {
			t.Errorf("up to %d, %d payloads", at, payloads)
		}
		if r := k.verify(t, true); r.Code != verify.Intact || r.Pruned != 300 || r.PrunedOdd != 0 {
			t.Errorf("%v %d %+v", r.Code, r.Pruned, r.Findings)
		}
	})
}

func TestHeldLedgersAreNotPruned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := keep(t, d)
		l := ledger.BridgeOpen(t, d, nil)
		n, err := l.Prune(t.Context(), k.org, func(context.Context, *db.Tx) (ledger.PruneLimit, error) {
			return ledger.PruneLimit{Held: true, Days: 1, Before: time.Now().Add(time.Hour)}, nil
		})
		if n != 0 || err != nil {
			t.Error(n, err)
		}
		if next, err := l.NextToPrune(t.Context()); err != nil || !next[k.org].Equal(k.all[0].RecordedAt) {
			t.Error(next, err)
		}
		if _, err := l.Prune(t.Context(), k.org, k.upTo(150)); err != nil {
			t.Fatal(err)
		}
		if next, err := l.NextToPrune(t.Context()); err != nil || !next[k.org].Equal(k.all[150].RecordedAt) {
			t.Error(next, err)
		}
		if next, _ := l.NextToPrune(t.Context()); len(next) != 1 || next[id.Org("")] != (time.Time{}) {
			t.Error(next)
		}
	})
}

package ledger

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

func sign(t testing.TB, l *Ledger, org id.Org) Signed {
	t.Helper()
	s, err := l.Sign(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func vkeys(t testing.TB, l *Ledger, org id.Org) (out []string) {
	t.Helper()
	keys, err := l.Keys(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		out = append(out, k.VKey)
	}
	return out
}

func TestCheckpointsAndProofsAreReadByOtherImplementations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		var evts []id.Event
		for range 5 {
			evts = append(evts, record(t, l, orgA, added(orgA, "web")))
		}
		old := sign(t, l, orgA)
		record(t, l, orgA, added(orgA, "web"))
		cp := sign(t, l, orgA)
		log, err := l.LogOf(t.Context(), orgA)
		if err != nil {
			t.Fatal(err)
		}
		if cp.Origin != "pam.example/audit/"+string(log) || cp.Size != 6 {
			t.Errorf("checkpoint %+v", cp.Checkpoint)
		}
		key := vkeys(t, l, orgA)[0]
		v, err := note.NewVerifier(key)
		if err != nil {
			t.Fatal(err)
		}
		other, rest, _, err := formats.ParseCheckpoint(cp.Note, cp.Origin, v)
		if err != nil || other.Size != 6 || string(other.Hash) != string(cp.Root[:]) || len(rest) != 0 {
			t.Errorf("read as %+v, rest %q, %v", other, rest, err)
		}
		inc, err := l.Inclusion(t.Context(), orgA, evts[2])
		if err != nil {
			t.Fatal(err)
		}
		var theirs tlogproof.TLogProof
		if err := theirs.Unmarshal(inc.Text()); err != nil || theirs.Index != 2 || string(theirs.Checkpoint) != string(cp.Note) {
			t.Errorf("inclusion proof read as %+v, %v", theirs, err)
		}
		e, err := l.Get(t.Context(), orgA, evts[2])
		if err != nil {
			t.Fatal(err)
		}
		again, err := verify.ParseInclusion(inc.Text())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Check(e.LeafHash, key); err != nil {
			t.Error(err)
		}
		if _, err := again.Check(cp.Root, key); err == nil {
			t.Error("the proof holds for another leaf")
		}
		for _, from := range []int64{0, 5, 6} {
			con, err := l.Consistency(t.Context(), orgA, from, 0)
			if err != nil {
				t.Fatal(err)
			}
			if from == old.Size {
				if _, err := con.Check(old.Checkpoint, key); err != nil {
					t.Error(err)
				}
				forged := old.Checkpoint
				forged.Root[0] ^= 1
				if _, err := con.Check(forged, key); err == nil {
					t.Error("consistent with another history")
				}
			}
		}
		if _, err := l.Consistency(t.Context(), orgA, 7, 0); !fault.Is(err, fault.Invalid) {
			t.Errorf("from beyond the tree: %v", err)
		}
		if _, err := l.Consistency(t.Context(), orgA, 1, 4); !fault.Is(err, fault.NotFound) {
			t.Errorf("to a size that was not signed: %v", err)
		}
		tile, err := l.Tile(t.Context(), orgA, 0, 0)
		if err != nil || len(tile) != 6*32 || string(tile[2*32:3*32]) != string(e.LeafHash[:]) {
			t.Errorf("tile of %d bytes, %v", len(tile), err)
		}
		for _, at := range [][2]int64{{0, 1}, {1, 0}, {9, 0}, {0, 1 << 61}, {0, -1}} {
			if _, err := l.Tile(t.Context(), orgA, int(at[0]), at[1]); !fault.Is(err, fault.NotFound) {
				t.Errorf("tile %v: %v", at, err)
			}
		}
	})
}

func TestInclusionSignsWhenTheEventIsNewer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		record(t, l, orgA, added(orgA, "web"))
		sign(t, l, orgA)
		evt := record(t, l, orgA, added(orgA, "web"))
		if _, err := l.Inclusion(t.Context(), orgA, evt); !fault.Is(err, fault.Unavailable) {
			t.Errorf("an event without a number: %v", err)
		}
		flush(t, l)
		inc, err := l.Inclusion(t.Context(), orgA, evt)
		if err != nil || inc.Index != 1 {
			t.Fatalf("%+v, %v", inc, err)
		}
		if c, err := verify.Open(inc.Checkpoint, vkeys(t, l, orgA)...); err != nil || c.Size != 2 {
			t.Errorf("under %+v, %v", c, err)
		}
	})
}

func count(t testing.TB, d *db.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := d.Raw().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCheckpointsAreSignedByTheClock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		signed := func() int64 {
			t.Helper()
			l.clock(t.Context())
			return count(t, d, `select count(*) from audit_checkpoint where org_id = $1`, string(orgA))
		}
		record(t, l, orgA, added(orgA, "web"))
		flush(t, l)
		for i, step := range []struct {
			pass   time.Duration
			record bool
			want   int64
		}{
			{0, false, 1},                // the first
			{time.Minute, false, 1},      // did not grow
			{30 * time.Second, true, 2},  // grew, and the last is old enough
			{30 * time.Second, true, 2},  // grew, too early
			{31 * time.Second, false, 3}, // due now
			{59 * time.Minute, false, 3},
			{2 * time.Minute, false, 4}, // hourly
		} {
			c.pass(step.pass)
			if step.record {
				record(t, l, orgA, added(orgA, "web"))
				flush(t, l)
			}
			if got := signed(); got != step.want {
				t.Errorf("step %d: %d checkpoints, want %d", i, got, step.want)
			}
		}
	})
}

func TestRotatedKeysSignTogetherForThirtyDays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		l := open(t, d, c)
		record(t, l, orgA, added(orgA, "web"))
		sign(t, l, orgA)
		old := vkeys(t, l, orgA)
		if _, err := l.RotateKey(t.Context(), orgA, nil); err != nil {
			t.Fatal(err)
		}
		keys := vkeys(t, l, orgA)
		if len(old) != 1 || len(keys) != 2 || keys[0] != old[0] {
			t.Fatalf("keys %q, before %q", keys, old)
		}
		next := func() Signed {
			record(t, l, orgA, added(orgA, "web"))
			return sign(t, l, orgA)
		}
		both := next()
		for _, k := range keys {
			if _, err := verify.Open(both.Note, k); err != nil {
				t.Error(err)
			}
		}
		c.pass(keyOverlap + time.Hour)
		later := next()
		if _, err := verify.Open(later.Note, keys[0]); err == nil {
			t.Error("the old key signs after its time")
		}
		if _, err := verify.Open(later.Note, keys[1]); err != nil {
			t.Error(err)
		}
		if n := count(t, d, `select count(*) from audit_key where org_id = $1 and length(sealed) > 0`, string(orgA)); n != 1 {
			t.Errorf("%d private keys are kept, want 1", n)
		}
		if got := vkeys(t, l, orgA); len(got) != 2 {
			t.Errorf("%d keys are published, want 2", len(got))
		}
	})
}

func incidents(t testing.TB, l *Ledger) (out []string) {
	t.Helper()
	if err := l.flushOrg(t.Context(), platform); err != nil {
		t.Fatal(err)
	}
	for _, e := range all(t, l, platform) {
		if e.Constant != "SECURITY_INCIDENT_FLAGGED" {
			continue
		}
		var env struct {
			Metadata struct {
				Detector string `json:"detector"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(e.Payload, &env); err != nil {
			t.Fatal(err)
		}
		out = append(out, env.Metadata.Detector)
	}
	return out
}

// Whoever owns the database and rewrites it under a running server is found by
// the next signature, which is not made.
func TestSignerStopsALedgerThatWasRewritten(t *testing.T) {
	cases := map[string][]string{
		"tree shrank":       {`update audit_log set tree_size = 3 where org_id = $org`},
		"root changed":      {`update audit_log set root_hash = (select root_hash from audit_log where org_id = $other) where org_id = $org`},
		"leaf changed":      {`update audit_tile set hashes = (select substr(b.hashes, 1, 32) from audit_tile b where b.org_id = $other) where org_id = $org`},
		"checkpoint forged": {`update audit_checkpoint set note = replace(note, 'pam.example', 'pam.evil') where org_id = $org`},
		"checkpoints gone":  {`delete from audit_checkpoint where org_id = $org`, `update audit_log set tree_size = 0, root_hash = (select root_hash from audit_log where org_id = $other) where org_id = $org`, `delete from audit_tile where org_id = $org`},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, statements := range cases {
			t.Run(name, func(t *testing.T) {
				org, other := id.New[id.Org](), id.New[id.Org]()
				l := open(t, d, nil)
				before := len(incidents(t, l))
				for range 5 {
					record(t, l, org, added(org, "web"))
				}
				sign(t, l, org)
				record(t, l, other, added(other, "web"))
				if err := l.flushOrg(t.Context(), other); err != nil {
					t.Fatal(err)
				}
				tamper(t, d, map[string]string{"$org": string(org), "$other": string(other)}, statements...)
				fresh := open(t, d, nil) // a server that starts now has no memory of its own
				if name == "checkpoints gone" {
					fresh = l
				}
				record(t, l, org, added(org, "web"))
				if _, err := fresh.Sign(t.Context(), org); !errors.Is(err, errHalted) && !fault.Is(err, fault.Unavailable) {
					t.Fatalf("signed all the same: %v", err)
				}
				if got := incidents(t, l); len(got) != before+1 || got[before] != detector {
					t.Errorf("incidents %q", got)
				}
				evt := record(t, l, org, added(org, "web"))
				if err := fresh.Flush(t.Context()); !errors.Is(err, errHalted) {
					t.Errorf("the sequencer goes on: %v", err)
				}
				if e, err := fresh.Get(t.Context(), org, evt); err != nil || e.Seq >= 0 {
					t.Errorf("event %+v, %v", e, err)
				}
				start(t, fresh)
				until(t, "health", func() bool { return fresh.Healthy() == nil })
				if err := fresh.HealthyFor(org); fault.CodeOf(err) != CodeUnavailable {
					t.Errorf("sessions may start: %v", err)
				}
				if err := fresh.HealthyFor(other); err != nil {
					t.Errorf("another organization is stopped too: %v", err)
				}
			})
		}
	})
}

func TestStoppedLedgerGoesOnAfterResume(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, nil)
		record(t, l, orgA, added(orgA, "web"))
		sign(t, l, orgA)
		names := map[string]string{"$org": string(orgA)}
		tamper(t, d, names, `update audit_log set tree_size = 7 where org_id = $org`)
		record(t, l, orgA, added(orgA, "web"))
		if _, err := l.Sign(t.Context(), orgA); err == nil {
			t.Fatal("signed")
		}
		if err := l.Resume(t.Context(), orgA, nil); err == nil {
			t.Fatal("resumed with the fault still there")
		}
		tamper(t, d, names, `update audit_log set tree_size = 1 where org_id = $org`)
		if err := l.Resume(t.Context(), orgA, nil); err != nil {
			t.Fatal(err)
		}
		if cp := sign(t, l, orgA); cp.Size != 2 {
			t.Errorf("%d events are signed, want 2", cp.Size)
		}
	})
}

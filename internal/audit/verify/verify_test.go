package verify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const testLog = "log_01jz0000000000000000000000"

// A testLedger is a small ledger made of plain slices, to be tampered with.
type testLedger struct {
	rows   []Row
	leaves []tlog.Hash
	signer note.Signer
	vkey   string
	first  int64
	older  []string
}

func newLedger(t testing.TB, n int) *testLedger {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.NewChaCha8([32]byte{7}), Origin("pam.example", testLog))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	l := &testLedger{signer: signer, vkey: vkey}
	for i := range n {
		l.add(testRow(int64(i), "who"))
	}
	return l
}

func testRow(seq int64, who string) Row {
	id := fmt.Sprintf("evt_%026d", seq)
	payload := fmt.Sprintf(`{"constant":"SAFE_MEMBER_ADDED","id":%q,"log_id":%q,"metadata":{"note":"é\u0000 %d"},"who":%q}`, id, testLog, seq, who)
	salt := bytes.Repeat([]byte{byte(seq)}, SaltSize)
	return Row{Seq: seq, ID: id, RecordedAt: 1_700_000_000_000_000 + seq, Constant: "SAFE_MEMBER_ADDED", PayloadHash: PayloadHash(salt, []byte(payload)), Salt: salt, Payload: &payload}
}

func (l *testLedger) add(r Row) {
	l.rows = append(l.rows, r)
	l.leaves = append(l.leaves, r.Leaf(testLog).Hash())
}

func (l *testLedger) clone() *testLedger {
	c := *l
	c.rows, c.leaves = slices.Clone(l.rows), slices.Clone(l.leaves)
	return &c
}

// root is computed with tlog, not with the code under test.
func (l *testLedger) root(n int) tlog.Hash {
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	for i, h := range l.leaves[:n] {
		more, err := tlog.StoredHashesForRecordHash(int64(i), h, read)
		if err != nil {
			panic(err)
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(int64(n), read)
	if err != nil {
		panic(err)
	}
	return root
}

func (l *testLedger) checkpoint(n int) string {
	c := Checkpoint{Origin: Origin("pam.example", testLog), Size: int64(n), Root: l.root(n)}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.signer)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

// bundle writes the ledger as it now stands under checkpoint.
func (l *testLedger) bundle(checkpoint string) []byte {
	var b bytes.Buffer
	put := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		b.Write(append(text, '\n'))
	}
	c, err := Open([]byte(checkpoint), l.vkey)
	if err != nil {
		panic(err)
	}
	var prefix Range
	for _, h := range l.leaves[:l.first] {
		prefix.Append(h)
	}
	put(Header{Version: 1, LogID: testLog, FirstSeq: l.first, TreeSize: c.Size, Checkpoint: checkpoint, Checkpoints: l.older, Prefix: prefix.Nodes})
	n := int64(0)
	for i, h := range l.leaves {
		if int64(i) >= l.first && int64(i) < c.Size {
			put(Line{Leaves: &Leaves{First: int64(i), Hashes: h[:]}})
		}
	}
	for _, r := range l.rows {
		if r.Seq >= l.first {
			put(Line{Row: &r})
			n++
		}
	}
	put(Line{End: &End{Rows: n}})
	return b.Bytes()
}

func (l *testLedger) verify(checkpoint string, since ...string) Result {
	o := Options{Keys: []string{l.vkey}}
	if len(since) > 0 {
		o.Since = []byte(since[0])
	}
	return Bundle(bytes.NewReader(l.bundle(checkpoint)), o)
}

func TestIntactLedgerVerifies(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 255, 256, 257, 700} {
		l := newLedger(t, n)
		if r := l.verify(l.checkpoint(n)); r.Code != Intact || r.Events != int64(n) || len(r.Findings) != 0 {
			t.Errorf("%d events: %v %+v", n, r.Code, r.Findings)
		}
		for _, old := range []int{0, n / 2, n} {
			if r := l.verify(l.checkpoint(n), l.checkpoint(old)); r.Code != Intact {
				t.Errorf("%d events since %d: %v %+v", n, old, r.Code, r.Findings)
			}
		}
	}
}

func TestPartOfALedgerVerifies(t *testing.T) {
	l := newLedger(t, 300)
	for _, first := range []int64{1, 7, 256, 299, 300} {
		l.first = first
		if r := l.verify(l.checkpoint(300)); r.Code != Intact || r.Events != 300-first {
			t.Errorf("from %d: %v %+v", first, r.Code, r.Findings)
		}
	}
	l.first = 100
	if r := l.verify(l.checkpoint(300), l.checkpoint(200)); r.Code != Intact {
		t.Errorf("since 200: %v %+v", r.Code, r.Findings)
	}
	if r := l.verify(l.checkpoint(300), l.checkpoint(50)); r.Code != Incomplete {
		t.Errorf("since 50, before the bundle: %v %+v", r.Code, r.Findings)
	}
}

func TestPrunedRowsAreCounted(t *testing.T) {
	l := newLedger(t, 10)
	for _, i := range []int{2, 3} {
		l.rows[i].Payload, l.rows[i].Salt, l.rows[i].PrunedAt = nil, nil, 1_800_000_000_000_000
	}
	if r := l.verify(l.checkpoint(10)); r.Code != Intact || r.Pruned != 2 {
		t.Errorf("%v, %d pruned, %+v", r.Code, r.Pruned, r.Findings)
	}
}

// change is text with "who" replaced, as somebody with access to the table would do.
func change(r *Row, rehash bool) {
	p := strings.Replace(*r.Payload, `"who":"who"`, `"who":"somebody else"`, 1)
	r.Payload = &p
	if rehash {
		r.PayloadHash = PayloadHash(r.Salt, []byte(p))
	}
}

func TestTamperingIsFoundAndNamed(t *testing.T) {
	cases := []struct {
		name   string
		tamper func(l *testLedger)
		what   What
		seqs   []int64
	}{
		{"payload", func(l *testLedger) { change(&l.rows[5], false) }, Changed, []int64{5}},
		{"payload and hash", func(l *testLedger) { change(&l.rows[5], true) }, Changed, []int64{5}},
		{"time", func(l *testLedger) { l.rows[5].RecordedAt++ }, Changed, []int64{5}},
		{"id", func(l *testLedger) { l.rows[5].ID = l.rows[4].ID }, Changed, []int64{5}},
		{"payload taken away", func(l *testLedger) { l.rows[5].Payload = nil }, Changed, []int64{5}},
		{"salt", func(l *testLedger) { l.rows[5].Salt = l.rows[4].Salt }, Changed, []int64{5}},
		{"removed", func(l *testLedger) { l.rows = slices.Delete(l.rows, 5, 6) }, Removed, []int64{5}},
		{"removed at the end", func(l *testLedger) { l.rows = l.rows[:17] }, Removed, []int64{17}},
		{"removed at the start", func(l *testLedger) { l.rows = l.rows[2:] }, Removed, []int64{0}},
		{"removed and closed up", func(l *testLedger) {
			l.rows = slices.Delete(l.rows, 5, 6)
			for i := 5; i < len(l.rows); i++ {
				l.rows[i].Seq--
			}
		}, Removed, []int64{5}},
		{"swapped", func(l *testLedger) {
			l.rows[5], l.rows[9] = l.rows[9], l.rows[5]
			l.rows[5].Seq, l.rows[9].Seq = 5, 9
		}, Reordered, []int64{5, 9}},
		{"lines swapped", func(l *testLedger) { l.rows[5], l.rows[6] = l.rows[6], l.rows[5] }, Reordered, []int64{5}},
		{"twice", func(l *testLedger) { l.rows = slices.Insert(l.rows, 5, l.rows[5]) }, Reordered, []int64{5}},
		{"invented at the end", func(l *testLedger) { l.rows = append(l.rows, testRow(20, "x")) }, Invented, []int64{20}},
		{"invented and moved up", func(l *testLedger) {
			l.rows = slices.Insert(l.rows, 5, testRow(99, "x"))
			for i := 5; i < len(l.rows); i++ {
				l.rows[i].Seq = int64(i)
			}
		}, Invented, []int64{5}},
		{"stored leaf", func(l *testLedger) { l.leaves[5][0] ^= 1 }, Changed, []int64{5}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(t, 20)
			cp, old := l.checkpoint(20), l.checkpoint(12)
			c.tamper(l)
			for _, since := range [][]string{nil, {old}} {
				r := l.verify(cp, since...)
				if r.Code != Altered {
					t.Fatalf("code %v, findings %+v", r.Code, r.Findings)
				}
				for _, seq := range c.seqs {
					if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.What == c.what && f.Seq == seq }) {
						t.Errorf("no finding %q at seq %d in %+v", c.what, seq, r.Findings)
					}
				}
			}
		})
	}
}

func TestTruncatedTailNeedsAnOlderCheckpoint(t *testing.T) {
	l := newLedger(t, 20)
	old := l.checkpoint(20)
	l.rows, l.leaves = l.rows[:15], l.leaves[:15]
	if r := l.verify(l.checkpoint(15)); r.Code != Intact {
		t.Errorf("a signed shorter ledger alone: %v %+v", r.Code, r.Findings)
	}
	r := l.verify(l.checkpoint(15), old)
	if r.Code != Altered || r.Findings[0].What != Truncated || r.Findings[0].Seq != 15 {
		t.Errorf("against the older checkpoint: %v %+v", r.Code, r.Findings)
	}
}

func TestRewrittenHistoryIsFoundAndNarrowed(t *testing.T) {
	l := newLedger(t, 20)
	cp, old := l.checkpoint(20), l.checkpoint(15)
	l.older = []string{l.checkpoint(4), l.checkpoint(8), l.checkpoint(12)}
	forged := l.clone()
	change(&forged.rows[9], true)
	forged.leaves[9] = forged.rows[9].Leaf(testLog).Hash()
	r := forged.verify(cp)
	if r.Code != Altered || !strings.Contains(fmt.Sprint(r.Findings), "seq 8 to 11") {
		t.Errorf("rows and tree rewritten: %v %+v", r.Code, r.Findings)
	}
	// Even the holder of the key cannot deceive somebody who kept a checkpoint.
	if r := forged.verify(forged.checkpoint(20)); r.Code != Intact {
		t.Fatalf("signed anew: %v %+v", r.Code, r.Findings)
	}
	if r := forged.verify(forged.checkpoint(20), old); r.Code != Altered || r.Findings[0].What != Rewritten {
		t.Errorf("signed anew, against an older checkpoint: %v %+v", r.Code, r.Findings)
	}
}

func TestOtherKeyAndOtherLedgerAreRefused(t *testing.T) {
	l := newLedger(t, 3)
	cp := l.checkpoint(3)
	_, other, err := note.GenerateKey(rand.NewChaCha8([32]byte{8}), Origin("pam.example", testLog))
	if err != nil {
		t.Fatal(err)
	}
	if r := Bundle(bytes.NewReader(l.bundle(cp)), Options{Keys: []string{other}}); r.Code != Altered || r.Findings[0].What != Signature {
		t.Errorf("other key: %v %+v", r.Code, r.Findings)
	}
	if r := Bundle(bytes.NewReader(l.bundle(cp)), Options{Keys: []string{other, l.vkey}}); r.Code != Intact {
		t.Errorf("one of two keys: %v %+v", r.Code, r.Findings)
	}
	for _, keys := range [][]string{nil, {"nonsense"}} {
		if r := Bundle(bytes.NewReader(l.bundle(cp)), Options{Keys: keys}); r.Code != Unreadable {
			t.Errorf("keys %q: %v", keys, r.Code)
		}
	}
	bad := strings.Replace(cp, "\n3\n", "\n4\n", 1)
	if _, err := Open([]byte(bad), l.vkey); err == nil {
		t.Error("a changed tree size was accepted")
	}
	if r := l.verify(cp, bad); r.Code != Unreadable {
		t.Errorf("a broken older checkpoint: %v", r.Code)
	}
}

func TestBrokenBundlesAreTold(t *testing.T) {
	l := newLedger(t, 5)
	whole := l.bundle(l.checkpoint(5))
	o := Options{Keys: []string{l.vkey}}
	head := bytes.IndexByte(whole, '\n') + 1
	for cut := range len(whole) {
		want := Incomplete
		if cut < head {
			want = Unreadable
		}
		if r := Bundle(bytes.NewReader(whole[:cut]), o); r.Code != want {
			t.Fatalf("cut at %d of %d: %v %+v", cut, len(whole), r.Code, r.Findings)
		}
	}
	huge := bytes.Replace(whole, []byte(`"tree_size":5`), []byte(`"tree_size":4611686018427387904`), 1)
	for name, in := range map[string][]byte{
		"empty":     nil,
		"not json":  append(whole[:head:head], "nonsense\n"...),
		"no part":   append(whole[:head:head], "{}\n"...),
		"long line": append(whole[:head:head], bytes.Repeat([]byte{' '}, maxLine+1)...),
		"version":   []byte(`{"vaultpam_audit_bundle":2}` + "\n"),
	} {
		if r := Bundle(bytes.NewReader(in), o); r.Code != Unreadable {
			t.Errorf("%s: %v %+v", name, r.Code, r.Findings)
		}
	}
	if r := Bundle(bytes.NewReader(huge), o); r.Code != Altered {
		t.Errorf("huge: %v %+v", r.Code, r.Findings)
	}
	if r := Bundle(bytes.NewReader(append(whole[:len(whole):len(whole)], whole[head:]...)), o); r.Code != Altered {
		t.Errorf("lines after the end: %v", r.Code)
	}
}

func TestHugeSignedSizeEndsSoon(t *testing.T) {
	l := newLedger(t, 1)
	c := Checkpoint{Origin: Origin("pam.example", testLog), Size: 1 << 62}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	if r := l.verify(string(signed)); r.Code != Altered {
		t.Errorf("%v %+v", r.Code, r.Findings)
	}
}

// BenchmarkBundle verifies a bundle of b.N events.
func BenchmarkBundle(b *testing.B) {
	l := newLedger(b, 1000)
	one := l.bundle(l.checkpoint(1000))
	b.SetBytes(int64(len(one)))
	for b.Loop() {
		if r := Bundle(bytes.NewReader(one), Options{Keys: []string{l.vkey}}); r.Code != Intact {
			b.Fatal(r)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func TestKeyHolderCannotHideBehindOldLeaves(t *testing.T) {
	l := newLedger(t, 20)
	old := l.checkpoint(15)
	forged := l.clone()
	change(&forged.rows[9], true)
	forged.leaves[9] = forged.rows[9].Leaf(testLog).Hash()
	cp := forged.checkpoint(20)
	forged.leaves = l.leaves // the true leaf hashes beside the false rows
	if r := forged.verify(cp, old); r.Code != Altered || !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.What == Rewritten }) {
		t.Errorf("%v %+v", r.Code, r.Findings)
	}
}

var update = flag.Bool("update", false, "write the golden files")

// The format never changes within version 1: a bundle of the first release verifies for ever.
func TestGoldenBundle(t *testing.T) {
	l := newLedger(t, 5)
	l.rows[3].Payload, l.rows[3].Salt, l.rows[3].PrunedAt = nil, nil, 1_800_000_000_000_000
	l.older = []string{l.checkpoint(2)}
	now := l.bundle(l.checkpoint(5))
	name := filepath.Join("testdata", "v1.bundle")
	if *update {
		if err := os.WriteFile(name, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, now) {
		t.Error("bundles are not written as they were")
	}
	r := Bundle(bytes.NewReader(golden), Options{Keys: []string{l.vkey}, Since: []byte(l.checkpoint(2))})
	if r.Code != Intact || r.Events != 5 || r.Pruned != 1 {
		t.Errorf("%v %+v", r.Code, r)
	}
}

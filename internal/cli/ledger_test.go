package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
)

const logID = "log_01jz0000000000000000000000"

// testLedger is a small ledger, as a server would keep and export it.
type testLedger struct {
	t      testing.TB
	rows   []verify.Row
	signer note.Signer
	vkey   string
}

// newLedger has n events. Its key is the same each time.
func newLedger(t testing.TB, n int) *testLedger {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.NewChaCha8([32]byte{7}), verify.Origin("pam.example", logID))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	l := &testLedger{t: t, signer: signer, vkey: vkey}
	for seq := range int64(n) {
		l.rows = append(l.rows, testRow(seq, "jane"))
	}
	return l
}

// strangerKey is a verifier key that signed nothing.
func strangerKey(t testing.TB) string {
	t.Helper()
	_, vkey, err := note.GenerateKey(rand.NewChaCha8([32]byte{8}), verify.Origin("pam.example", logID))
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

func eventID(seq int64) string { return fmt.Sprintf("evt_%026d", seq) }

func testRow(seq int64, who string) verify.Row {
	at := time.Date(2026, 3, 1, 12, 0, int(seq), 123456000, time.UTC)
	payload := fmt.Sprintf(`{"actor":{"name":%q},"constant":"SAFE_MEMBER_ADDED","id":%q,"log_id":%q,"recorded_at":%q}`, who, eventID(seq), logID, at.Format("2006-01-02T15:04:05.000000Z"))
	salt := bytes.Repeat([]byte{byte(seq + 1)}, verify.SaltSize)
	return verify.Row{Seq: seq, ID: eventID(seq), RecordedAt: at.UnixMicro(), Constant: "SAFE_MEMBER_ADDED", PayloadHash: verify.PayloadHash(salt, []byte(payload)), Salt: salt, Payload: &payload}
}

// hashes are the stored hashes of the first n events.
func (l *testLedger) hashes(n int64) tlog.HashReader {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for seq := range n {
		more, err := tlog.StoredHashesForRecordHash(seq, l.rows[seq].Leaf(logID).Hash(), read)
		if err != nil {
			l.t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	return read
}

// checkpoint signs the first n events.
func (l *testLedger) checkpoint(n int64) string {
	l.t.Helper()
	root, err := tlog.TreeHash(n, l.hashes(n))
	if err != nil {
		l.t.Fatal(err)
	}
	c := verify.Checkpoint{Origin: verify.Origin("pam.example", logID), Size: n, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(signed)
}

func (l *testLedger) size() int64 { return int64(len(l.rows)) }

// inclusion proves event seq.
func (l *testLedger) inclusion(seq int64) string {
	l.t.Helper()
	proof, err := tlog.ProveRecord(l.size(), seq, l.hashes(l.size()))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(verify.Inclusion{Index: seq, Hashes: proof, Checkpoint: []byte(l.checkpoint(l.size()))}.Text())
}

// consistency proves that the ledger begins with its first old events.
func (l *testLedger) consistency(old int64) string {
	l.t.Helper()
	proof, err := tlog.ProveTree(l.size(), old, l.hashes(l.size()))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(verify.Consistency{Old: old, Hashes: proof, Checkpoint: []byte(l.checkpoint(l.size()))}.Text())
}

// bundle exports rows under the checkpoint of the whole ledger; leaves are as stored.
func (l *testLedger) bundle(rows []verify.Row) []byte {
	var b bytes.Buffer
	put := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			l.t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	put(verify.Header{Version: verify.BundleVersion, LogID: logID, TreeSize: l.size(), Checkpoint: l.checkpoint(l.size())})
	var leaves []byte
	for _, r := range l.rows {
		h := r.Leaf(logID).Hash()
		leaves = append(leaves, h[:]...)
	}
	put(verify.Line{Leaves: &verify.Leaves{Hashes: leaves}})
	for _, r := range rows {
		put(verify.Line{Row: &r})
	}
	put(verify.Line{End: &verify.End{Rows: int64(len(rows))}})
	return b.Bytes()
}

// bundles are an intact one and one for each way to tamper, by name.
func (l *testLedger) bundles() map[string][]byte {
	intact := l.bundle(l.rows)
	changed := slices.Clone(l.rows)
	text := bytes.Replace([]byte(*changed[3].Payload), []byte("jane"), []byte("john"), 1)
	other := string(text)
	changed[3].Payload = &other
	reordered := slices.Clone(l.rows)
	reordered[2], reordered[5] = reordered[5], reordered[2]
	reordered[2].Seq, reordered[5].Seq = 2, 5
	shorter := *l
	shorter.rows = l.rows[:l.size()-3]
	return map[string][]byte{
		"intact.ndjson": intact, "changed.ndjson": l.bundle(changed), "removed.ndjson": l.bundle(slices.Delete(slices.Clone(l.rows), 4, 6)), "reordered.ndjson": l.bundle(reordered),
		"invented.ndjson": l.bundle(append(slices.Clone(l.rows), testRow(l.size(), "nobody"))), "truncated.ndjson": shorter.bundle(shorter.rows),
		"cut.ndjson": intact[:len(intact)*2/3], "garbage.ndjson": []byte("hello\n"),
		"escape.ndjson": bytes.Replace(intact, []byte(eventID(6)), []byte("evt_\x1b[2J\u202e"), 1),
	}
}

// eventJSON is event seq as the API tells it.
func (l *testLedger) eventJSON(seq int64) map[string]any {
	r := l.rows[seq]
	leaf := r.Leaf(logID).Hash()
	at := time.UnixMicro(r.RecordedAt).UTC().Format(time.RFC3339Nano)
	return map[string]any{
		"schema_version": 1, "id": r.ID, "log_id": logID, "org_id": orgID, "seq": r.Seq, "time": at, "recorded_at": at, "constant": r.Constant, "event": "Safe Member Added",
		"category": "Groups / Safe Access", "severity": "INFO", "actor": map[string]any{"type": "TenantAdmin", "id": userID, "name": "jane", "authenticated": true},
		"target": map[string]any{"type": "Safe", "id": safeID, "name": "web-prod"}, "source": map[string]any{"ip": "192.0.2.1"}, "session_id": "", "request_id": "req_1",
		"outcome": "success", "reason": "", "metadata": map[string]any{"role": "user", "count": 2}, "leaf_hash": hex.EncodeToString(leaf[:]), "sentence": fmt.Sprintf("jane added a member (%d)", seq),
		"payload": *r.Payload, "salt": base64.StdEncoding.EncodeToString(r.Salt),
	}
}

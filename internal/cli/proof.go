package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// exitAltered is the exit status when a proof does not hold, as audit verify has it.
const exitAltered = exit(verify.Altered)

type auditProofCmd struct {
	connection
	ID   string   `arg:"" optional:"" help:"Id of the event; not with --load."`
	Keys []string `name:"key" sep:"none" placeholder:"VKEY" help:"Verifier key that you trust; several are possible. Without it, the keys that the server publishes are taken, and you trust the server in that."`
	Save string   `placeholder:"FILE" complete:"file" help:"Also keep event and proof in a file."`
	Load string   `placeholder:"FILE" complete:"file" help:"Check a proof that was kept, without a server; needs --key."`
}

// Help is shown below the usage.
func (auditProofCmd) Help() string {
	return "Fetches the recorded bytes of an event and the path from it to the signed root, and computes each step here: payload to hash, hash to leaf, leaf to root, signature. The exit status is 0 when all of it holds and 1 when it does not."
}

// kept is an event and its proof, as --save writes them.
type kept struct {
	LogID string     `json:"log_id"`
	Event verify.Row `json:"event"`
	Proof string     `json:"proof"` // C2SP tlog-proof
}

// Run proves an event.
func (c *auditProofCmd) Run(ctx context.Context, p *program) error {
	switch {
	case c.Load != "" && c.ID != "":
		return fault.New(fault.Invalid, "give an event or --load, not both")
	case c.Load != "":
		return c.load(p)
	case c.ID == "":
		return fault.New(fault.Invalid, "name an event: vaultpam audit proof <id>")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	k, err := r.fetchProof(ctx, c.ID)
	if err != nil {
		return err
	}
	keys, pinned := c.Keys, len(c.Keys) > 0
	if !pinned {
		if keys, err = r.verifierKeys(ctx); err != nil {
			return err
		}
	}
	if c.Save != "" {
		b, err := json.MarshalIndent(k, "", "  ")
		if err != nil {
			return fmt.Errorf("encode the proof: %w", err)
		}
		if err := replaceFile(c.Save, func(f *os.File) error { _, err := f.Write(append(b, '\n')); return err }); err != nil {
			return err
		}
	}
	if err := p.prove(k, c.ID, keys, pinned); err != nil {
		return err
	}
	if c.Save != "" && !p.json {
		p.sayf("Kept in %s. Check it again without the server: vaultpam audit proof --load %s --key <key>", c.Save, quoted(c.Save))
	}
	return nil
}

func (c *auditProofCmd) load(p *program) error {
	if len(c.Keys) == 0 {
		return fault.New(fault.Invalid, "give the verifier key with --key: vaultpam audit keys printed it when the server was there")
	}
	b, err := readSmall(c.Load)
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil || k.Proof == "" {
		return fault.New(fault.Invalid, "%s is not a proof that audit proof --save wrote", c.Load)
	}
	return p.prove(k, k.Event.ID, c.Keys, true)
}

// fetchProof gets an event's bytes and its inclusion proof.
func (r *remote) fetchProof(ctx context.Context, id string) (kept, error) {
	var k kept
	a, err := r.get(ctx, path("/audit/events/%s", id), nil)
	if err != nil {
		return k, err
	}
	var e auditEvent
	if err := a.Into(&e); err != nil {
		return k, err
	}
	if e.Payload == "" {
		return k, fault.New(fault.NotFound, "the content of event %s was pruned at the end of its retention: its place can still be verified in a bundle, see vaultpam audit export", id)
	}
	a, err = r.get(ctx, "/audit/proof/inclusion", url.Values{"id": {id}})
	if err != nil {
		return k, err
	}
	row := verify.Row{Seq: e.Seq, ID: e.ID, RecordedAt: e.RecordedAt.UnixMicro(), Constant: e.Constant, Salt: e.Salt, Payload: &e.Payload,
		PayloadHash: verify.PayloadHash(e.Salt, []byte(e.Payload))}
	if inc, err := verify.ParseInclusion(a.Body); err == nil && row.Seq < 0 {
		row.Seq = inc.Index // it had no number when it was read
	}
	return kept{LogID: e.LogID, Event: row, Proof: string(a.Body)}, nil
}

// verifierKeys are the keys that the server publishes.
func (r *remote) verifierKeys(ctx context.Context) ([]string, error) {
	keys, _, err := r.auditKeys(ctx)
	var out []string
	for _, k := range keys {
		out = append(out, k.VKey)
	}
	if err == nil && len(out) == 0 {
		err = fault.New(fault.Internal, "the server publishes no verifier key")
	}
	return out, err
}

// prove computes all steps of a proof and says which hold.
func (p *program) prove(k kept, id string, keys []string, pinned bool) error {
	cp, err := checkProof(k, id, keys)
	if err != nil {
		return p.refuted(k, err)
	}
	if p.json {
		return p.value(map[string]any{"verified": true, "event_id": k.Event.ID, "constant": k.Event.Constant, "log_id": k.LogID, "seq": k.Event.Seq,
			"leaf_hash": leafHash(k), "tree_size": cp.Size, "root": cp.Root.String(), "origin": cp.Origin, "key_given": pinned, "payload": json.RawMessage(*k.Event.Payload)})
	}
	trust := "that you gave with --key"
	if !pinned {
		trust = "that the server publishes; to depend on nobody, give it with --key"
	}
	p.sayf("Proved: %s is event %d of %s.", k.Event.ID, k.Event.Seq, cp.Origin)
	p.facts([][2]string{
		{"payload", fmt.Sprintf("%d bytes, %s, hash recomputed", len(*k.Event.Payload), k.Event.Constant)},
		{"leaf", leafHash(k) + ", recomputed from payload, time and place"},
		{"tree", fmt.Sprintf("the path from the leaf leads to the root of %d events, %s", cp.Size, cp.Root)},
		{"signature", "valid, by the key " + trust},
	})
	return nil
}

func leafHash(k kept) string {
	h := k.Event.Leaf(k.LogID).Hash()
	return hex.EncodeToString(h[:])
}

// refuted says that a proof does not hold; what cannot be read is another matter.
func (p *program) refuted(k kept, err error) error {
	var unreadable *unreadable
	if errors.As(err, &unreadable) {
		return fault.New(fault.Invalid, "%v", unreadable.err)
	}
	if p.json {
		if err := p.value(map[string]any{"verified": false, "event_id": k.Event.ID, "log_id": k.LogID, "seq": k.Event.Seq, "finding": err.Error()}); err != nil {
			return err
		}
		return exitAltered
	}
	p.sayf("NOT PROVED: %s.", err.Error())
	return exitAltered
}

// unreadable is an error in the form of a proof, key or checkpoint, which says
// nothing about the ledger.
type unreadable struct{ err error }

func (u *unreadable) Error() string { return u.err.Error() }

// checkProof verifies that k is about event id and stands in a tree that one of keys signed.
func checkProof(k kept, id string, keys []string) (verify.Checkpoint, error) {
	var none verify.Checkpoint
	if k.Event.Payload == nil {
		return none, &unreadable{errors.New("the proof has no payload")}
	}
	inc, err := verify.ParseInclusion([]byte(k.Proof))
	if err != nil {
		return none, &unreadable{err}
	}
	cp, err := verify.Open(inc.Checkpoint, keys...)
	if err != nil && !errors.Is(err, verify.ErrSignature) {
		return none, &unreadable{err}
	}
	if err != nil {
		return none, err
	}
	var p struct {
		ID       string `json:"id"`
		LogID    string `json:"log_id"`
		Constant string `json:"constant"`
	}
	if err := json.Unmarshal([]byte(*k.Event.Payload), &p); err != nil {
		return none, errors.New("the payload is not JSON")
	}
	switch {
	case verify.PayloadHash(k.Event.Salt, []byte(*k.Event.Payload)) != k.Event.PayloadHash:
		return none, errors.New("the payload is not the one that was hashed")
	case k.Event.ID != id || p.ID != id:
		return none, fmt.Errorf("the event is %s, not %s", p.ID, id)
	case p.LogID != k.LogID || p.Constant != k.Event.Constant:
		return none, errors.New("the payload speaks of another event or ledger than its row")
	case cp.LogID() != k.LogID:
		return none, fmt.Errorf("the checkpoint is of %s, the event of ledger %s", cp.Origin, k.LogID)
	case inc.Index != k.Event.Seq:
		return none, fmt.Errorf("the proof is for seq %d, the event claims seq %d", inc.Index, k.Event.Seq)
	}
	return inc.Check(k.Event.Leaf(k.LogID).Hash(), keys...)
}

type auditKeysCmd struct{ connection }

// auditKey is a verifier key of the ledger.
type auditKey struct {
	ID        string    `json:"id"`
	VKey      string    `json:"vkey"`
	CreatedAt time.Time `json:"created_at"`
	SignUntil time.Time `json:"sign_until"`
}

func (r *remote) auditKeys(ctx context.Context) ([]auditKey, page, error) {
	a, err := r.get(ctx, "/audit/keys", nil)
	if err != nil {
		return nil, page{}, err
	}
	l := page{}
	if err := a.Into(&l); err != nil {
		return nil, l, err
	}
	keys, err := decode[auditKey](l.Items)
	return keys, l, err
}

// Run lists the verifier keys.
func (c *auditKeysCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	_, l, err := r.auditKeys(ctx)
	if err != nil {
		return err
	}
	t := table{head: []string{"SINCE", "SIGNS", "KEY"}, empty: "The ledger has no key yet."}
	return showList(p, l, t, func(k auditKey) []string {
		signs := "yes"
		if !k.SignUntil.IsZero() {
			signs = "until " + when(k.SignUntil)
		}
		return []string{when(k.CreatedAt), signs, k.VKey}
	})
}

type auditCheckpointCmd struct {
	connection
	Fresh  bool     `help:"Have everything signed that is recorded by now."`
	Output string   `short:"o" placeholder:"FILE" complete:"file" help:"Keep it in a file."`
	Since  string   `placeholder:"FILE" complete:"file" help:"An older checkpoint that you kept: prove that the ledger continues it."`
	Keys   []string `name:"key" sep:"none" placeholder:"VKEY" help:"Verifier key that you trust; without it, the server's published keys."`
}

// Run gets, checks and prints the checkpoint.
func (c *auditCheckpointCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Fresh {
		q.Set("fresh", "true")
	}
	a, err := r.get(ctx, "/audit/checkpoint", q)
	if err != nil {
		return err
	}
	keys := c.Keys
	if len(keys) == 0 {
		if keys, err = r.verifierKeys(ctx); err != nil {
			return err
		}
	}
	cp, err := verify.Open(a.Body, keys...)
	if err != nil {
		return c.wrong(p, err)
	}
	var old *verify.Checkpoint
	if c.Since != "" {
		if old, err = r.continues(ctx, c.Since, cp, keys); err != nil {
			return c.wrong(p, err)
		}
	}
	if c.Output != "" {
		if err := replaceFile(c.Output, func(f *os.File) error { _, err := f.Write(a.Body); return err }); err != nil {
			return err
		}
	}
	return c.print(p, a.Body, cp, old)
}

func (c *auditCheckpointCmd) print(p *program, note []byte, cp verify.Checkpoint, old *verify.Checkpoint) error {
	if p.json {
		v := map[string]any{"checkpoint": string(note), "origin": cp.Origin, "tree_size": cp.Size, "root": cp.Root.String()}
		if old != nil {
			v["continues"] = map[string]any{"tree_size": old.Size, "root": old.Root.String()}
		}
		return p.value(v)
	}
	if old != nil {
		p.notef("The ledger of %d events continues your older checkpoint of %d.", cp.Size, old.Size)
	}
	if c.Output != "" {
		p.sayf("The checkpoint of %d events is in %s. Keep it where the server's operator cannot reach it.", cp.Size, c.Output)
		return nil
	}
	fmt.Fprint(p.out, string(bytes.TrimRight(note, "\n"))+"\n") // a signed note that was checked: printable lines only
	return nil
}

// wrong says what is the matter with a checkpoint: with the ledger, or with reading it.
func (c *auditCheckpointCmd) wrong(p *program, err error) error {
	if fault.As(err) != nil {
		return err
	}
	var u *unreadable
	if errors.As(err, &u) {
		return fault.New(fault.Invalid, "%v", u.err)
	}
	p.notef("NOT VERIFIED: %s.", err.Error())
	return exitAltered
}

// continues proves that the tree of cp begins with that of the checkpoint in file.
func (r *remote) continues(ctx context.Context, file string, cp verify.Checkpoint, keys []string) (*verify.Checkpoint, error) {
	b, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	old, err := verify.Open(b, keys...)
	if err != nil {
		return nil, &unreadable{fmt.Errorf("the older checkpoint in %s cannot be used: %w", file, err)}
	}
	switch {
	case old.Origin != cp.Origin:
		return nil, fmt.Errorf("the older checkpoint is of %s, this one of %s", old.Origin, cp.Origin)
	case old.Size > cp.Size:
		return nil, fmt.Errorf("the ledger has shrunk from %d to %d events", old.Size, cp.Size)
	case old.Size == cp.Size && old.Root != cp.Root:
		return nil, fmt.Errorf("the ledger of %d events is not the one that was signed before: history was rewritten", cp.Size)
	case old.Size == cp.Size, old.Size == 0:
		return &old, nil
	}
	a, err := r.get(ctx, "/audit/proof/consistency", url.Values{"from": {strconv.FormatInt(old.Size, 10)}, "to": {strconv.FormatInt(cp.Size, 10)}})
	if err != nil {
		return nil, err
	}
	proof, err := verify.ParseConsistency(a.Body)
	if err != nil {
		return nil, &unreadable{err}
	}
	newer, err := proof.Check(old, keys...)
	if err == nil && newer != cp {
		err = errors.New("the proof is for another checkpoint than the one that the server gave")
	}
	return &old, err
}

// maxSmall bounds checkpoints and proofs in files.
const maxSmall = 1 << 20

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s cannot be read: %v", path, cause(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil || len(b) > maxSmall {
		return nil, fault.New(fault.Invalid, "%s cannot be read, or is longer than %d MiB", path, maxSmall>>20)
	}
	return b, nil
}

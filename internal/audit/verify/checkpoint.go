package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is what a ledger signs: its name, how many events it holds and
// the root of the tree over them. Source: C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string // "<host>/audit/<log id>"; also the name of the keys that sign it
	Size   int64
	Root   tlog.Hash
}

// maxCheckpoint bounds a signed checkpoint: three lines and a few signatures.
const maxCheckpoint = 64 << 10

// Text is the note that is signed: exactly three lines, without extensions.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// LogID is the last element of the origin.
func (c Checkpoint) LogID() string { return c.Origin[strings.LastIndexByte(c.Origin, '/')+1:] }

// Origin is the first line of the checkpoints of ledger logID on host.
func Origin(host, logID string) string { return host + "/audit/" + logID }

// ParseText reads the text of a checkpoint. What it accepts is byte for byte
// what Text writes; extension lines are refused.
func ParseText(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, errors.New("a checkpoint has exactly three lines: origin, tree size and root hash")
	}
	c.Origin = lines[0]
	if c.Origin == "" || strings.ContainsFunc(c.Origin, badInName) {
		return c, fmt.Errorf("the checkpoint's origin %.80q is empty or has a space, a plus or a control character", c.Origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return c, fmt.Errorf("the checkpoint's tree size %.40q is not a number", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return c, fmt.Errorf("the checkpoint's root hash %.80q is not the base64 of 32 bytes", lines[2])
	}
	c.Size, c.Root = size, root
	return c, nil
}

func badInName(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+' || r == utf8.RuneError
}

// ErrSignature says that a well-formed checkpoint bears no signature that one
// of the given keys verifies.
var ErrSignature = errors.New("no signature on the checkpoint verifies with the given key")

// Open reads a signed checkpoint and checks that one of keys (verifier keys,
// "<origin>+<hash>+<base64>") signed it under its own origin. The error is
// ErrSignature when the form is right and the signature is not.
func Open(signed []byte, keys ...string) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("the checkpoint is longer than %d bytes", maxCheckpoint)
	}
	known, err := verifiers(keys)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		c, err := ParseText(unverified.Note.Text)
		if err != nil {
			return Checkpoint{}, err
		}
		return c, fmt.Errorf("%w: it is signed by %s", ErrSignature, signers(unverified.Note))
	case errors.As(err, &invalid):
		text, _, _ := strings.Cut(string(signed), "\n\n")
		c, err := ParseText(text + "\n")
		if err != nil {
			return Checkpoint{}, err
		}
		return c, fmt.Errorf("%w: the signature by %s is wrong", ErrSignature, invalid.Name)
	case err != nil:
		return Checkpoint{}, errors.New("the checkpoint is not a signed note")
	}
	c, err := ParseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return c, fmt.Errorf("%w: the key is of %s, the checkpoint of %s", ErrSignature, n.Sigs[0].Name, c.Origin)
}

func verifiers(keys []string) ([]note.Verifier, error) {
	if len(keys) == 0 {
		return nil, errors.New("a verifier key is needed")
	}
	var out []note.Verifier
	seen := map[string]bool{}
	for _, k := range keys {
		k = strings.TrimSpace(k)
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, fmt.Errorf("%.120q is not a verifier key of the form <origin>+<hash>+<base64>", k)
		}
		id := fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())
		if !seen[id] { // the note package refuses a list with one key twice
			seen[id] = true
			out = append(out, v)
		}
	}
	return out, nil
}

func signers(n *note.Note) string {
	var out []string
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		out = append(out, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
	}
	return strings.Join(out, ", ")
}

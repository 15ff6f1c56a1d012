package format

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxPlain is the most plaintext that one chunk holds, in bytes.
const MaxPlain = 1 << 20

const (
	recordHead = 5  // length of what follows it after the first four bytes, and the flags
	tagSize    = 16 // AES-GCM
	nonceSize  = 12
	maxRecord  = 1 + MaxPlain + tagSize // what the length can say
)

// Role says whether a chunk ends the recording, and how. No number of a chunk
// is ever sealed twice in the same role, which keeps nonces unique.
type Role byte

// The roles.
const (
	More      Role = 0 // another chunk follows
	Final     Role = 1 // the recording was closed
	Cut       Role = 2 // the recorder failed: what came later is not in the recording
	Recovered Role = 3 // the recorder died; the recording was ended from what was stored
)

// flags is the byte before the ciphertext: the codec in bits 0 and 1, the role
// in bits 4 and 5, the rest zero.
type flags byte

func (f flags) codec() codec { return codec(f & 3) }
func (f flags) role() Role   { return Role(f >> 4 & 3) }
func (f flags) valid() bool  { return f&^0x33 == 0 && f.codec() <= snappy }

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("a recording's key has %d bytes, not %d", KeySize, len(key))
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the recording's key: %w", err)
	}
	return cipher.NewGCM(b)
}

func nonce(chunk uint64, f flags) (n [nonceSize]byte) {
	binary.BigEndian.PutUint64(n[:8], chunk)
	n[nonceSize-1] = byte(f)
	return n
}

// End is what the last frame of a recording says about it.
type End struct {
	Frames    uint64 `json:"frames"`
	Truncated string `json:"truncated,omitempty"` // why its end is missing; empty when it is whole
}

// CorruptError says that a recording is not what was written.
type CorruptError struct {
	Chunk int64 // -1 is the header
	Err   error
}

func (e *CorruptError) Error() string {
	if e.Chunk < 0 {
		return fmt.Sprintf("the recording is damaged: %v", e.Err)
	}
	return fmt.Sprintf("the recording is damaged at chunk %d: %v", e.Chunk, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

func corrupt(chunk int64, err error) error { return &CorruptError{Chunk: chunk, Err: err} }

// ErrTruncated says that a recording has no end: its last chunks are missing,
// or it is still being written.
var ErrTruncated = errors.New("the recording has no end: its last part is missing")

// Buffer is the plaintext of one chunk in the making. The zero value is empty.
// It leaves room so that a chunk can be sealed where it lies.
type Buffer struct {
	b    []byte
	last time.Duration
}

// Add appends a frame; its time must not be earlier than that of the frame before it.
func (b *Buffer) Add(f Frame) {
	if b.b == nil {
		b.b = make([]byte, 0, recordHead+maxFrameHead+max(len(f.Data), 512)+tagSize)
	}
	if len(b.b) == 0 {
		b.b = b.b[:recordHead]
	}
	b.b = AppendFrame(b.b, b.last, f)
	b.last = f.At
}

// Len is the size of the plaintext.
func (b *Buffer) Len() int { return max(0, len(b.b)-recordHead) }

// Move continues in the memory of m.
func (b *Buffer) Move(m []byte) { b.b = append(m[:0], b.b...) }

// Memory gives the buffer's memory back.
func (b *Buffer) Memory() []byte { return b.b }

// denseRatio is the compression from which a flood is one of repetitions (yes,
// zeros). These need no mercy: the thorough codec is fast on them, and ten to a
// hundred times as good.
const denseRatio = 8

// Sealer makes the records of one recording, in order. It is not safe for
// concurrent use.
type Sealer struct {
	aead    cipher.AEAD
	bind    [32]byte // hash of the header: the associated data
	tree    tree
	history []byte
	leaf    Hash // of the record that was sealed last
	dense   bool // the last chunk shrank so much that thorough compression is as fast
}

// NewSealer starts a recording. header are the bytes of Header.Encode, already written.
func NewSealer(header, key []byte) (*Sealer, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	s := &Sealer{aead: aead, bind: headerHash(header)}
	s.tree.push(leaf(header))
	return s, nil
}

// Seal makes the record of the next chunk. The record lies in the memory of b or
// of p and is valid until either is used again; b is empty afterwards. When it has
// been written, tell Written.
func (s *Sealer) Seal(p *Press, b *Buffer, role Role, flood bool) ([]byte, error) {
	if len(b.b) < recordHead {
		b.b = append(b.b[:0], make([]byte, recordHead)...)
	}
	rec, c := b.b, stored
	if role <= Final { // after a failure the history may hold what was never written
		pressed, with, err := p.compress(b.b[recordHead:], s.history, flood && !s.dense)
		if err != nil {
			return nil, err
		}
		if pressed != nil {
			rec, c = pressed, with
		}
		s.dense = len(rec) < len(b.b)/denseRatio
	}
	s.history = remember(s.history, b.b[recordHead:])
	f := flags(c) | flags(role)<<4
	n := nonce(s.tree.n-1, f)
	rec = s.aead.Seal(rec[:recordHead], n[:], rec[recordHead:], s.bind[:])
	binary.BigEndian.PutUint32(rec, uint32(len(rec)-4))
	rec[4] = byte(f)
	s.leaf = leaf(rec)
	b.b, b.last = b.b[:0], 0
	return rec, nil
}

// Written says that the record sealed last is part of the recording.
func (s *Sealer) Written() { s.tree.push(s.leaf) }

// Chunks is how many chunks are part of the recording.
func (s *Sealer) Chunks() int64 { return int64(s.tree.n) - 1 }

// Root is the root hash over the header and the chunks so far.
func (s *Sealer) Root() Hash { return s.tree.root() }

// EndFrame is the last frame of a recording; it goes into the chunk that ends it.
func EndFrame(at time.Duration, e End) Frame {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // End holds a number and a string
	}
	return Frame{At: at, Kind: end, Data: b}
}

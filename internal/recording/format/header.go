package format

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Magic is how every recording begins. Its last byte is the version of the format.
const Magic = "VPAMREC\x01"

// Name is the format's name in events and in the store.
const Name = "vaultpam-recording/1"

// KeySize is the size of a recording's data key, in bytes.
const KeySize = 32

const maxHeader = 8 << 10

// Header says whose recording it is and how its key is found. It is stored in
// clear; every chunk is bound to it.
type Header struct {
	ID        id.Recording `json:"id"`
	Org       id.Org       `json:"org"`
	Session   id.Session   `json:"session"`
	Protocol  string       `json:"protocol"`
	StartedAt time.Time    `json:"started_at"` // UTC, whole microseconds
	KeyID     string       `json:"key_id"`     // the key of the organization that seals SealedKey
	SealedKey []byte       `json:"sealed_key"` // the data key, sealed in the context KeyContext
}

// KeyContext binds a sealed data key to its recording.
func KeyContext(r id.Recording) string { return "recording/" + string(r) }

// NewKey makes the data key of one recording.
func NewKey() []byte {
	k := make([]byte, KeySize)
	rand.Read(k) // never fails: it ends the program instead
	return k
}

// Encode is the header as it begins a file: the magic, the length of what
// follows in four bytes, and JSON.
func (h Header) Encode() ([]byte, error) {
	h.StartedAt = h.StartedAt.UTC().Truncate(time.Microsecond)
	body, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	if len(body) > maxHeader {
		return nil, fmt.Errorf("encode header: %d bytes are more than %d", len(body), maxHeader)
	}
	b := append(make([]byte, 0, len(Magic)+4+len(body)), Magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...), nil
}

var errHeader = errors.New("this is not the header of a VaultPAM recording")

// readHeader reads a header and returns it with its exact bytes. A header has
// one encoding only, so that nothing can hide in it.
func readHeader(r io.Reader) (Header, []byte, error) {
	var h Header
	raw := make([]byte, len(Magic)+4, 512)
	if _, err := io.ReadFull(r, raw); err != nil {
		return h, nil, headerError(err)
	}
	size := binary.BigEndian.Uint32(raw[len(Magic):])
	if string(raw[:len(Magic)]) != Magic || size > maxHeader {
		return h, nil, corrupt(-1, errHeader)
	}
	head := len(raw)
	raw = append(raw, make([]byte, size)...)
	if _, err := io.ReadFull(r, raw[head:]); err != nil {
		return h, nil, headerError(err)
	}
	if err := json.Unmarshal(raw[head:], &h); err != nil {
		return h, nil, corrupt(-1, errHeader)
	}
	again, err := h.Encode()
	if err != nil || !bytes.Equal(again, raw) {
		return h, nil, corrupt(-1, errHeader)
	}
	return h, raw, nil
}

func headerError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt(-1, errHeader)
	}
	return fmt.Errorf("read header: %w", err)
}

func headerHash(raw []byte) [sha256.Size]byte { return sha256.Sum256(raw) }

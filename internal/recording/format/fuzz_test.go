package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// What parses must re-encode to the same bytes: nothing can hide in a frame.
func FuzzFrames(f *testing.F) {
	var b Buffer
	for _, c := range sample(4) {
		for _, fr := range c {
			fr.Data = fr.Data[:min(len(fr.Data), 100)]
			b.Add(fr)
		}
	}
	f.Add(b.b[recordHead:])
	f.Add([]byte{1, 0x80, 0, 0, 0})
	f.Add([]byte{2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0})
	f.Fuzz(func(t *testing.T, chunk []byte) {
		var again []byte
		var prev time.Duration
		for rest := chunk; len(rest) > 0; {
			fr, next, err := CutFrame(rest, prev)
			if err != nil {
				break
			}
			if fr.At < prev {
				t.Fatal("time went back")
			}
			again = AppendFrame(again, prev, fr)
			if used := chunk[:len(chunk)-len(next)]; !bytes.Equal(again, used) {
				t.Fatalf("%x was read and written again as %x", used, again)
			}
			fr.Payload() // must not panic
			rest, prev = next, fr.At
		}
	})
}

func FuzzHeader(f *testing.F) {
	h, err := header().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h)
	f.Add(bytes.Replace(h, []byte(`"ssh"`), []byte(`"\u0073sh"`), 1))
	f.Add(bytes.Replace(h, []byte(`{"id"`), []byte(`{"x":1,"id"`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, raw, err := readHeader(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := h.Encode()
		if err != nil || !bytes.Equal(again, raw) || !bytes.HasPrefix(b, raw) {
			t.Fatalf("%q was read and written again as %q, %v", raw, again, err)
		}
	})
}

// A reader of arbitrary bytes stays within its bounds and says what is wrong.
func FuzzRecording(f *testing.F) {
	r := build(f, Final, small(sample(3))...)
	f.Add(r.bytes()[len(r.records[0]):])
	f.Add([]byte{0, 0, 0, 17, 0x10})
	key, head := make([]byte, KeySize), r.records[0]
	f.Fuzz(func(t *testing.T, b []byte) {
		file := append(bytes.Clone(head), b...)
		var damage *CorruptError
		known := func(err error) bool {
			return err == nil || errors.Is(err, ErrTruncated) || errors.As(err, &damage)
		}
		v, err := Verify(bytes.NewReader(file), nil)
		if !known(err) || v.Size > int64(len(file)) || (err == nil && v.Size != int64(len(file))) {
			t.Fatalf("%v: %+v of %d bytes", err, v, len(file))
		}
		if _, err := Verify(bytes.NewReader(file), key); err == nil || !known(err) {
			t.Fatalf("opened with a key that is not its own: %v", err)
		}
		if _, _, err := Salvage(bytes.NewReader(file), int64(len(file)), key); !known(err) {
			t.Fatal(err)
		}
	})
}

// A chunk whose seal fits may still hold anything: a writer could be wrong.
func FuzzChunk(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0}, byte(0), byte(0))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00}, byte(1), byte(1))
	f.Add([]byte{4, 12, 1, 0, 0, 0}, byte(2), byte(3))
	head, err := header().Encode()
	if err != nil {
		f.Fatal(err)
	}
	key := make([]byte, KeySize)
	f.Fuzz(func(t *testing.T, body []byte, c, role byte) {
		fl := flags(c%3) | flags(role%4)<<4
		aead, err := newAEAD(key)
		if err != nil {
			t.Fatal(err)
		}
		n, bind := nonce(0, fl), headerHash(head)
		rec := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)+tagSize))
		rec = aead.Seal(append(rec, byte(fl)), n[:], body, bind[:])
		var damage *CorruptError
		if _, err := read(append(bytes.Clone(head), rec...), key); err != nil && !errors.Is(err, ErrTruncated) && !errors.As(err, &damage) {
			t.Fatal(err)
		}
	})
}

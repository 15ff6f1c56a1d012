package format

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// codec is how a chunk's plaintext is compressed. The numbers are in the files.
type codec byte

const (
	stored codec = 0 // not compressed
	zstd1  codec = 1 // a Zstandard frame (RFC 8878) with the history as its dictionary
	snappy codec = 2 // a Snappy block: a third of the work, for floods and for the first chunk
)

// historySize is how much of the plaintext before a chunk serves as its dictionary.
const historySize = 16 << 10

// minHistory is the least history that is worth a dictionary.
const minHistory = 64

// historyID is the dictionary id in the Zstandard frames.
const historyID = 1

// Press is the memory that compressing a chunk takes: about a megabyte, so
// that there are a few of them for all recordings. The zero value is ready. It
// is not safe for concurrent use.
type Press struct {
	z       *zstd.Encoder
	scratch []byte
}

// compress returns a record in the making: recordHead free bytes and the
// compressed plain. It returns nil when compression saves less than a sixteenth.
// The answer is valid until the next call.
func (p *Press) compress(plain, history []byte, flood bool) ([]byte, codec, error) {
	if cap(p.scratch) < recordHead {
		p.scratch = make([]byte, recordHead, 4<<10)
	}
	c := zstd1
	if flood || len(history) < minHistory {
		c = snappy
		need := recordHead + s2.MaxEncodedLen(len(plain)) + tagSize
		if cap(p.scratch) < need {
			p.scratch = make([]byte, need)
		}
		body := s2.EncodeSnappy(p.scratch[recordHead:need-tagSize], plain)
		p.scratch = p.scratch[:recordHead+len(body)]
	} else {
		if err := p.load(history); err != nil {
			return nil, 0, err
		}
		p.scratch = p.z.EncodeAll(plain, p.scratch[:recordHead])
	}
	if saved := recordHead + len(plain) - len(p.scratch); saved <= len(plain)/16 {
		return nil, 0, nil
	}
	return p.scratch, c, nil
}

func (p *Press) load(history []byte) (err error) {
	dict := zstd.WithEncoderDictRaw(historyID, history)
	if p.z == nil {
		p.z, err = zstd.NewWriter(nil, dict, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(512<<10))
	} else {
		err = p.z.ResetWithOptions(nil, dict)
	}
	if err != nil {
		return fmt.Errorf("prepare compression: %w", err)
	}
	return nil
}

// unpress is the reader's side of Press.
type unpress struct {
	z   *zstd.Decoder
	out []byte
}

var errPlain = errors.New("its content cannot be decompressed")

// expand returns the plaintext of a chunk. The answer is valid until the next call.
func (u *unpress) expand(body, history []byte, c codec) ([]byte, error) {
	switch c {
	case stored:
		return body, nil
	case snappy:
		n, err := s2.DecodedLen(body)
		if err != nil || n > MaxPlain {
			return nil, errPlain
		}
		if cap(u.out) < n {
			u.out = make([]byte, n)
		}
		out, err := s2.Decode(u.out[:cap(u.out)], body)
		if err != nil {
			return nil, errPlain
		}
		return out, nil
	}
	if err := u.load(history); err != nil {
		return nil, err
	}
	out, err := u.z.DecodeAll(body, u.out[:0])
	if err != nil || len(out) > MaxPlain {
		return nil, errPlain
	}
	u.out = out
	return out, nil
}

func (u *unpress) load(history []byte) (err error) {
	dict := zstd.WithDecoderDictRaw(historyID, history)
	if u.z == nil {
		u.z, err = zstd.NewReader(nil, dict, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPlain),
			zstd.WithDecoderMaxWindow(1<<20), zstd.WithDecoderLowmem(true))
	} else {
		err = u.z.ResetWithOptions(nil, dict)
	}
	if err != nil {
		return fmt.Errorf("prepare decompression: %w", err)
	}
	return nil
}

func (u *unpress) close() {
	if u.z != nil {
		u.z.Close()
		u.z = nil
	}
}

// remember returns the history after plain, in the memory of history when that suffices.
func remember(history, plain []byte) []byte {
	if len(plain) >= historySize {
		return append(history[:0], plain[len(plain)-historySize:]...)
	}
	if over := len(history) + len(plain) - historySize; over > 0 {
		history = history[:copy(history, history[over:])]
	}
	return append(history, plain...)
}

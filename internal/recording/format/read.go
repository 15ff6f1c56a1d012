package format

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Decoder reads a recording from its beginning and verifies each chunk before it
// gives anything of it away. It is not safe for concurrent use.
type Decoder struct {
	r       *bufio.Reader
	header  Header
	bind    [32]byte
	aead    cipher.AEAD // nil until Unlock
	tree    tree
	size    int64 // bytes of complete records so far
	history []byte
	unpress unpress
	record  []byte
	plain   []byte        // what is left of the chunk that is being read
	at      time.Duration // of the frame before, in the chunk that is being read
	reached time.Duration // time of the last frame
	role    Role
	frames  uint64
	end     *End
	err     error // sticky
}

// NewDecoder reads the header. It returns a *CorruptError when r is not a recording.
func NewDecoder(r io.Reader) (*Decoder, error) {
	d := &Decoder{r: bufio.NewReaderSize(r, 64<<10)}
	h, raw, err := readHeader(d.r)
	if err != nil {
		return nil, err
	}
	d.header, d.bind, d.size = h, headerHash(raw), int64(len(raw))
	d.tree.push(leaf(raw))
	return d, nil
}

// Header is the recording's header. It is authentic once a chunk was read.
func (d *Decoder) Header() Header { return d.header }

// Unlock gives the recording's data key.
func (d *Decoder) Unlock(key []byte) (err error) {
	d.aead, err = newAEAD(key)
	return err
}

// Next returns the next frame. Its data are valid until the next call. After the
// last frame it returns io.EOF, or ErrTruncated when the recording has no end.
func (d *Decoder) Next() (Frame, error) {
	for d.err == nil && len(d.plain) == 0 {
		if d.end != nil {
			d.err = io.EOF
		} else {
			d.err = d.chunk()
		}
	}
	if d.err != nil {
		return Frame{}, d.err
	}
	f, rest, err := CutFrame(d.plain, d.at)
	if err == nil && f.Kind == end {
		err = d.last(f, rest)
	}
	if err != nil {
		d.err = corrupt(int64(d.tree.n)-2, err)
		return Frame{}, d.err
	}
	d.plain, d.at, d.reached = rest, f.At, f.At
	if f.Kind == end {
		d.err = io.EOF
		return Frame{}, d.err
	}
	d.frames++
	return f, nil
}

// Frames iterates over the rest. An error other than the end comes last.
func (d *Decoder) Frames() iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		for {
			f, err := d.Next()
			if err == io.EOF || !yield(f, err) || err != nil {
				return
			}
		}
	}
}

var (
	errEnd     = errors.New("its end does not fit what comes before it")
	errSeal    = errors.New("its seal does not fit")
	errFlags   = errors.New("its flags are unknown")
	errLength  = errors.New("its length is impossible")
	errTrailer = errors.New("something follows its end")
)

// last takes the end frame, which only the last chunk has, as its last frame.
func (d *Decoder) last(f Frame, rest []byte) error {
	var e End
	if err := json.Unmarshal(f.Data, &e); err != nil || len(rest) > 0 || d.role == More || e.Frames != d.frames {
		return errEnd
	}
	if again := EndFrame(f.At, e); !slices.Equal(again.Data, f.Data) || f.Channel != 0 {
		return errEnd
	}
	d.end = &e
	return nil
}

// chunk reads, verifies and opens the next chunk.
func (d *Decoder) chunk() error {
	if d.aead == nil {
		return errors.New("the recording's key is needed to read it")
	}
	n := int64(d.tree.n) - 1
	if d.role != More {
		return corrupt(n-1, errEnd) // the last chunk had no end frame
	}
	rec, err := d.readRecord()
	if err != nil {
		return err
	}
	f := flags(rec[4])
	nc := nonce(uint64(n), f)
	h := leaf(rec)
	body, err := d.aead.Open(rec[recordHead:recordHead], nc[:], rec[recordHead:], d.bind[:])
	if err != nil {
		return corrupt(n, errSeal)
	}
	plain, err := d.unpress.expand(body, d.history, f.codec())
	if err != nil {
		return corrupt(n, err)
	}
	if len(plain) == 0 {
		return corrupt(n, errFrame)
	}
	d.history = remember(d.history, plain)
	d.accept(rec, h)
	d.plain, d.at = plain, 0
	return nil
}

// accept counts a record that was read completely.
func (d *Decoder) accept(rec []byte, h Hash) {
	d.tree.push(h)
	d.size += int64(len(rec))
	d.role = flags(rec[4]).role()
}

// readRecord reads the next record, complete and in form, into d.record. It
// returns ErrTruncated when there is none.
func (d *Decoder) readRecord() ([]byte, error) {
	n := int64(d.tree.n) - 1
	rec := slices.Grow(d.record[:0], recordHead)[:recordHead]
	d.record = rec
	if _, err := io.ReadFull(d.r, rec); err != nil {
		return nil, truncated(err)
	}
	size := binary.BigEndian.Uint32(rec)
	if size < 1+tagSize || size > maxRecord {
		return nil, corrupt(n, errLength)
	}
	if !flags(rec[4]).valid() {
		return nil, corrupt(n, errFlags)
	}
	total := 4 + int(size)
	rec = slices.Grow(rec, total-recordHead)[:total]
	d.record = rec
	if _, err := io.ReadFull(d.r, rec[recordHead:]); err != nil {
		return nil, truncated(err)
	}
	if flags(rec[4]).role() != More {
		if _, err := d.r.ReadByte(); err != io.EOF {
			if err != nil {
				return nil, fmt.Errorf("read recording: %w", err)
			}
			return nil, corrupt(n, errTrailer)
		}
	}
	return rec, nil
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return fmt.Errorf("read recording: %w", err)
}

// Close frees what decompression held.
func (d *Decoder) Close() { d.unpress.close() }

// Report is what reading told about a recording.
type Report struct {
	Size     int64 // of header and complete records, in bytes
	Chunks   int64
	Frames   uint64        // 0 when it was not unlocked
	Duration time.Duration // time of the last frame; 0 when it was not unlocked
	Root     Hash          // over header and complete records
	Role     Role          // of the last chunk: how the recording ended
	End      *End          // nil when there is none, or when it was not unlocked
}

// Report tells about what was read so far.
func (d *Decoder) Report() Report {
	return Report{Size: d.size, Chunks: int64(d.tree.n) - 1, Frames: d.frames, Duration: d.reached, Root: d.tree.root(), Role: d.role, End: d.end}
}

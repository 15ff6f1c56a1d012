package format

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Verified is what verifying a whole recording told.
type Verified struct {
	Report
	SHA256 [sha256.Size]byte // of all bytes, as sha256sum prints it
}

// Verify reads a recording to its end. With the data key it opens every chunk and
// reads every frame; with a nil key it checks the form and computes the hashes,
// which is enough to compare with the root hash in the audit ledger. It returns
// what it saw also with an error: ErrTruncated, or a *CorruptError.
func Verify(r io.Reader, key []byte) (Verified, error) {
	sum := sha256.New()
	tee := io.TeeReader(r, sum)
	v, err := verify(tee, key)
	if _, e := io.Copy(io.Discard, tee); e != nil && err == nil {
		err = fmt.Errorf("read recording: %w", e)
	}
	sum.Sum(v.SHA256[:0])
	return v, err
}

func verify(r io.Reader, key []byte) (v Verified, err error) {
	d, err := NewDecoder(r)
	if err != nil {
		return v, err
	}
	defer d.Close()
	if key == nil {
		for err == nil && d.role == More {
			err = d.pass()
		}
	} else if err = d.Unlock(key); err == nil {
		for err == nil {
			_, err = d.Next()
		}
	}
	if err == io.EOF {
		err = nil
	}
	v.Report = d.Report()
	return v, err
}

// pass reads a record without opening it.
func (d *Decoder) pass() error {
	rec, err := d.readRecord()
	if err == nil {
		d.accept(rec, leaf(rec))
	}
	return err
}

// Salvage reads what is left of a recording whose recorder died, up to the last
// chunk that is complete, and returns a Sealer that can end it there. size is the
// size of the whole file. An incomplete or torn last chunk is not an error: it
// lies at Report.Size and must be cut off. Damage anywhere else is.
//
// The Sealer is nil when the recording has its end already.
func Salvage(r io.Reader, size int64, key []byte) (Report, *Sealer, error) {
	d, err := NewDecoder(r)
	if err != nil {
		return Report{}, nil, err
	}
	defer d.Close()
	if err := d.Unlock(key); err != nil {
		return Report{}, nil, err
	}
	for err == nil {
		_, err = d.Next()
	}
	rep := d.Report()
	var damage *CorruptError
	switch {
	case err == io.EOF:
		return rep, nil, nil
	case errors.Is(err, ErrTruncated):
	case errors.As(err, &damage) && d.torn(damage, size):
	default:
		return rep, nil, err
	}
	return rep, &Sealer{aead: d.aead, bind: d.bind, tree: d.tree}, nil
}

// torn tells whether the damage is that of a last write that did not reach the
// disk: a record that does not open and has nothing behind it, or only zeros.
func (d *Decoder) torn(damage *CorruptError, size int64) bool {
	if damage.Chunk != int64(d.tree.n)-1 {
		return false // a chunk that opened, with something else wrong in it
	}
	switch {
	case errors.Is(damage.Err, errSeal):
		return d.size+int64(len(d.record)) == size
	case errors.Is(damage.Err, errLength):
		return d.zeros()
	}
	return false
}

// zeros tells whether nothing but zeros is left, beginning with the record head
// that was read last.
func (d *Decoder) zeros() bool {
	head := d.record[:cap(d.record)]
	if len(head) < recordHead || [recordHead]byte(head) != [recordHead]byte{} {
		return false
	}
	for {
		b, err := d.r.ReadByte()
		if err != nil {
			return err == io.EOF
		}
		if b != 0 {
			return false
		}
	}
}

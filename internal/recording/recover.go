package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Recover ends a recording whose server died: an incomplete last chunk is cut
// off, and an end is written that says so. A recording that has its end is left as
// it is. The error is ErrBusy while a process writes the recording, a
// *format.CorruptError when it is damaged elsewhere than at its end, and then
// nothing is changed.
func (s *Store) Recover(ctx context.Context, r id.Recording) (Summary, error) {
	name, err := fileName(r)
	if err != nil {
		return Summary{}, err
	}
	f, err := s.root.OpenFile(name, os.O_RDWR|noFollow, 0)
	if err != nil {
		return Summary{}, notStored(name, err)
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return Summary{}, err
	}
	sum, err := s.recover(ctx, r, diskFile{f})
	if err != nil {
		return sum, fmt.Errorf("recover recording %s: %w", r, err)
	}
	return sum, nil
}

func (s *Store) recover(ctx context.Context, r id.Recording, f diskFile) (Summary, error) {
	info, err := f.Stat()
	if err != nil {
		return Summary{}, err
	}
	d, err := format.NewDecoder(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return Summary{}, err
	}
	key, err := s.key(ctx, r, d.Header())
	if err != nil {
		return Summary{}, err
	}
	defer clear(key)
	rep, sealer, err := format.Salvage(io.NewSectionReader(f, 0, info.Size()), info.Size(), key)
	sum := Summary{ID: r, Size: rep.Size, Chunks: rep.Chunks, Frames: rep.Frames, Duration: rep.Duration, Root: rep.Root}
	if err != nil {
		return sum, err
	}
	if sealer == nil {
		sum.Truncated, sum.Ended = rep.End.Truncated, true
		return sum, nil
	}
	sum.Truncated = died
	if err := f.Truncate(rep.Size); err != nil {
		return sum, writeError(err)
	}
	var buf format.Buffer
	buf.Add(format.EndFrame(rep.Duration, format.End{Frames: rep.Frames, Truncated: died}))
	rec, err := sealer.Seal(new(format.Press), &buf, format.Recovered, false)
	if err != nil {
		return sum, err
	}
	if _, err := f.WriteAt(rec, rep.Size); err != nil {
		return sum, writeError(err)
	}
	if err := f.SyncData(); err != nil {
		return sum, writeError(err)
	}
	sealer.Written()
	sum.Size, sum.Chunks, sum.Root, sum.Ended = rep.Size+int64(len(rec)), sealer.Chunks(), sealer.Root(), true
	return sum, nil
}

// empty names the recordings that hold nothing but a header, and that no process
// is writing.
func (s *Store) empty() ([]id.Recording, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	var out []id.Recording
	for _, r := range all {
		if ok, err := s.isEmpty(r); err != nil {
			return nil, err
		} else if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

const maxEmpty = 1 << 10 // no recording of this size has a chunk worth keeping, if it has any

func (s *Store) isEmpty(r id.Recording) (bool, error) {
	name, err := fileName(r)
	if err != nil {
		return false, err
	}
	info, err := s.root.Lstat(name)
	if err != nil || info.Size() > maxEmpty || !info.Mode().IsRegular() {
		return false, nil // gone meanwhile, or not empty
	}
	if info.Size() == 0 { // not even a header; it may be about to come
		return s.cfg.Now().Sub(info.ModTime()) > time.Hour, nil
	}
	f, err := s.root.OpenFile(name, os.O_RDWR|noFollow, 0)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	if lock(f) != nil {
		return false, nil
	}
	v, err := format.Verify(f, nil)
	return errors.Is(err, format.ErrTruncated) && v.Chunks == 0, nil
}

package recording

import (
	"context"
	"fmt"
	"io"
	"os"

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

package recording

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Keys seals and opens the data keys of recordings, under the key of their
// organization.
type Keys interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
	KeyID(ctx context.Context, org id.Org) (id.Key, error)
}

// StoreConfig says where recordings are kept. The zero value of everything but
// Dir and Keys is a usable default.
type StoreConfig struct {
	Dir  string // made when it is missing, for its owner only
	Keys Keys
	Log  *slog.Logger
	Now  func() time.Time

	// No recording begins when less than MinFree is free on Dir's disk, and those
	// under way fail when less than Reserve is left: an audit ledger on the same
	// disk can still tell it. 0 is 256 MiB, and a quarter of MinFree; less than 0
	// is no limit.
	MinFree, Reserve int64

	// MaxSize is the size at which one recording fails as if the disk were full, so
	// that no session can take the disk from all others; 0 is no limit.
	MaxSize int64

	FlushAfter time.Duration // age at which frames are written; 0 is 500 ms; they are durable a little later
	StallAfter time.Duration // how long one write may take before the recording fails; 0 is 15 s
	Buffers    int           // big buffers, of 256 KiB, for all recordings together; 0 is 256
}

// Store is a folder of recordings. It is safe for concurrent use.
type Store struct {
	cfg  StoreConfig
	root *os.Root
	dir  *os.File
	id   string

	presses chan *format.Press // what sealing takes; as many as there are processors
	big     sync.Pool          // of *[]byte of bigChunk bytes
	bigLeft atomic.Int64

	mu   sync.Mutex
	live map[id.Recording]*Writer

	wrap func(sink) sink // tests put a bad disk between; nil in the product
}

const (
	suffix = ".vprec"
	idFile = "store.id"

	namePrefix = "local-"
)

// OpenStore opens the folder of recordings and makes it if it is missing.
func OpenStore(c StoreConfig) (*Store, error) {
	if c.Dir == "" || c.Keys == nil {
		return nil, errors.New("recording: a store needs Dir and Keys")
	}
	c.setDefaults()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the recordings folder: %w", err)
	}
	if err := os.Chmod(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("restrict the recordings folder: %w", err)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the recordings folder: %w", err)
	}
	dir, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("open the recordings folder: %w", err)
	}
	s := &Store{cfg: c, root: root, dir: dir, live: map[id.Recording]*Writer{}}
	s.presses = make(chan *format.Press, max(2, runtime.GOMAXPROCS(0)))
	for range cap(s.presses) {
		s.presses <- new(format.Press)
	}
	s.bigLeft.Store(int64(c.Buffers))
	if s.id, err = s.readID(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (c *StoreConfig) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MinFree == 0 {
		c.MinFree = 256 << 20
	}
	if c.Reserve == 0 {
		c.Reserve = max(0, c.MinFree/4)
	}
	if c.FlushAfter == 0 {
		c.FlushAfter = 500 * time.Millisecond
	}
	if c.StallAfter == 0 {
		c.StallAfter = 15 * time.Second
	}
	if c.Buffers == 0 {
		c.Buffers = 256
	}
}

// readID reads the folder's own name, which rows in the database refer to; a new
// folder gets one.
func (s *Store) readID() (string, error) {
	b, err := s.root.ReadFile(idFile)
	if errors.Is(err, os.ErrNotExist) {
		fresh := namePrefix + strings.ToLower(rand.Text()) + "\n"
		if err := s.root.WriteFile(idFile+".new", []byte(fresh), 0o600); err != nil {
			return "", fmt.Errorf("name the recordings folder: %w", err)
		}
		if err := s.root.Rename(idFile+".new", idFile); err != nil {
			return "", fmt.Errorf("name the recordings folder: %w", err)
		}
		if err := s.dir.Sync(); err != nil {
			return "", fmt.Errorf("name the recordings folder: %w", err)
		}
		b, err = []byte(fresh), nil
	}
	if err != nil {
		return "", fmt.Errorf("read the name of the recordings folder: %w", err)
	}
	name := strings.TrimSpace(string(b))
	if !strings.HasPrefix(name, namePrefix) || len(name) > 64 {
		return "", fmt.Errorf("the file %s in the recordings folder is damaged: it must hold a name that begins with %s", idFile, namePrefix)
	}
	return name, nil
}

// ID is the folder's own name. It moves with the folder.
func (s *Store) ID() string { return s.id }

// Close releases the folder. All writers must have been closed.
func (s *Store) Close() error {
	return errors.Join(s.dir.Close(), s.root.Close())
}

// Space tells how much is free for recordings, and below what no new one begins.
func (s *Store) Space() (free, floor int64, err error) {
	free, err = freeBytes(s.dir)
	return free, s.cfg.MinFree, err
}

// Healthy tells whether a recording can begin: a fault of kind Unavailable when not.
func (s *Store) Healthy() error {
	free, floor, err := s.Space()
	if err != nil {
		return unavailable(err)
	}
	if free < floor {
		return unavailable(fmt.Errorf("%w: %d MiB of %d MiB", errReserve, free>>20, floor>>20))
	}
	return nil
}

// fileName is the name of a recording's file. It is made of a checked id and of
// nothing else.
func fileName(r id.Recording) (string, error) {
	checked, err := id.Parse[id.Recording](string(r))
	if err != nil {
		return "", err
	}
	return string(checked) + suffix, nil
}

// List names the recordings whose files are in the folder.
func (s *Store) List() ([]id.Recording, error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	var out []id.Recording
	for _, n := range names {
		if base, ok := strings.CutSuffix(n, suffix); ok {
			if r, err := id.Parse[id.Recording](base); err == nil {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// Remove deletes a recording. One that is not there is no error.
func (s *Store) Remove(r id.Recording) error {
	name, err := fileName(r)
	if err != nil {
		return err
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete recording: %w", err)
	}
	return nil
}

func (s *Store) writer(r id.Recording) *Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[r]
}

// takeBig returns memory for a big chunk, or nil when all of it is in use.
func (s *Store) takeBig() []byte {
	if s.bigLeft.Add(-1) < 0 {
		s.bigLeft.Add(1)
		return nil
	}
	if b, ok := s.big.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 0, bigChunk)
}

func (s *Store) giveBig(b []byte) {
	if cap(b) <= bigChunk {
		s.big.Put(&b)
	}
	s.bigLeft.Add(1)
}

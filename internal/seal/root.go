package seal

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

const (
	rootSize    = 32      // bytes of a root key
	maxRootFile = 1 << 16 // a file of root keys is far smaller

	rootHeader = "# VaultPAM root keys: one a line, the first one wraps. Who reads this file can open every\n" +
		"# secret of the installation; without it they are lost. Keep a copy in a safe place.\n"
)

// Root is the root keys of the installation, as their file holds them. It is
// safe for use by several goroutines.
type Root struct {
	path string

	mu   sync.RWMutex
	keys []rootKey // newest first; never empty
}

type rootKey struct {
	id   id.Key
	raw  []byte
	aead tink.AEAD
}

// LoadRoot reads the root keys from the file at path. Where there is none it
// makes the folder (mode 0700) and a file with one new key (mode 0600). A file
// or folder that others may read, a link in place of the file, and a file of
// another form are refused (fault.Invalid) with what to do about it.
func LoadRoot(path string) (*Root, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "the folder %s of the root key cannot be made; check who may write there", dir).Because(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the folder %s of the root key cannot be read", dir).Because(err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "the folder %s of the root key has mode %04o, so other users may look into it; run: chmod 700 %s", dir, perm, dir)
	}
	r := &Root{path: path}
	keys, err := readRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createRoot(path); err != nil {
			return nil, err
		}
		keys, err = readRoot(path)
	}
	if err != nil {
		return nil, err
	}
	r.keys = keys
	return r, nil
}

// ID is the root key that wraps.
func (r *Root) ID() id.Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[0].id
}

// IDs lists the root keys that are known, newest first.
func (r *Root) IDs() []id.Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]id.Key, len(r.keys))
	for i, k := range r.keys {
		out[i] = k.id
	}
	return out
}

// primary is the key that wraps, with its id.
func (r *Root) primary() rootKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[0]
}

// key finds a root key. One that is not known may have been added by another
// server's rotation, so the file is read again before the answer is no.
func (r *Root) key(want id.Key) (rootKey, error) {
	if k, ok := r.known(want); ok {
		return k, nil
	}
	if err := r.reload(); err != nil {
		return rootKey{}, err
	}
	if k, ok := r.known(want); ok {
		return k, nil
	}
	return rootKey{}, fault.New(fault.Unavailable, "the root key %s is not in %s, and secrets are sealed under it; restore the file from its copy", want, r.path).WithCode("ROOT_KEY_MISSING")
}

func (r *Root) known(want id.Key) (rootKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := slices.IndexFunc(r.keys, func(k rootKey) bool { return k.id == want })
	if i < 0 {
		return rootKey{}, false
	}
	return r.keys[i], true
}

func (r *Root) reload() error {
	keys, err := readRoot(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Unavailable, "the root key file %s is gone; restore it from its copy", r.path).WithCode("ROOT_KEY_MISSING")
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	return nil
}

// add puts a new root key in front of the others, in the file first.
func (r *Root) add() (id.Key, error) {
	var added id.Key
	err := r.edit(func(keys []rootKey) ([]rootKey, error) {
		k, err := newRootKey()
		if err != nil {
			return nil, err
		}
		added = k.id
		return append([]rootKey{k}, keys...), nil
	})
	return added, err
}

// drop removes all root keys but keep.
func (r *Root) drop(keep id.Key) error {
	return r.edit(func(keys []rootKey) ([]rootKey, error) {
		i := slices.IndexFunc(keys, func(k rootKey) bool { return k.id == keep })
		if i < 0 {
			return nil, fmt.Errorf("root key %s is not in %s", keep, r.path)
		}
		return keys[i : i+1], nil
	})
}

// edit changes the file in one step that either happened or did not, whenever
// the machine stops, and never beside another process that does the same.
func (r *Root) edit(change func([]rootKey) ([]rootKey, error)) error {
	dir, err := os.Open(filepath.Dir(r.path))
	if err != nil {
		return fmt.Errorf("open the root key's folder: %w", err)
	}
	defer dir.Close() // releases the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the root key's folder: %w", err)
	}
	keys, err := readRoot(r.path)
	if err != nil {
		return err
	}
	if keys, err = change(keys); err != nil {
		return err
	}
	tmp, err := writeTemp(r.path, formatRoot(keys))
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, r.path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("replace the root key file: %w", err)
	}
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync the root key's folder: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	return nil
}

func createRoot(path string) error {
	k, err := newRootKey()
	if err != nil {
		return err
	}
	tmp, err := writeTemp(path, formatRoot([]rootKey{k}))
	if err != nil {
		return fault.New(fault.Unavailable, "the root key file %s cannot be made; check who may write there", path).Because(err)
	}
	defer os.Remove(tmp)
	// A link, not a rename: of two servers that start at once one makes the key and both read it.
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Unavailable, "the root key file %s cannot be made; check who may write there", path).Because(err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open the root key's folder: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync the root key's folder: %w", err)
	}
	return nil
}

// writeTemp makes a durable file of mode 0600 beside path.
func writeTemp(path string, content []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".root-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("make a new root key file: %w", err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write a new root key file: %w", err)
	}
	return f.Name(), nil
}

func readRoot(path string) ([]rootKey, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case errors.Is(err, syscall.ELOOP):
		return nil, fault.New(fault.Invalid, "the root key file %s is a link; give the path of the file itself", path)
	case err != nil:
		return nil, fault.New(fault.Unavailable, "the root key file %s cannot be read; check its owner", path).Because(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the root key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "the root key file %s is not a plain file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "the root key file %s has mode %04o, so other users may read it; run: chmod 600 %s, and rotate the root key if somebody may have read it", path, perm, path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxRootFile))
	if err != nil {
		return nil, fmt.Errorf("read the root key file: %w", err)
	}
	keys, err := parseRoot(content)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the root key file %s cannot be used: %v; restore it from its copy", path, err)
	}
	return keys, nil
}

// parseRoot reads lines of "<key id> <base64>". Its errors never quote the content.
func parseRoot(content []byte) ([]rootKey, error) {
	var keys []rootKey
	lines := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, encoded, ok := strings.Cut(line, " ")
		kid, err := id.Parse[id.Key](name)
		if !ok || err != nil {
			return nil, fmt.Errorf("line %d is not a key id, a space and a key in base64", n)
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil {
			return nil, fmt.Errorf("line %d does not hold base64", n)
		}
		if len(raw) != rootSize {
			return nil, fmt.Errorf("the key in line %d has %d bytes, and must have %d", n, len(raw), rootSize)
		}
		if slices.ContainsFunc(keys, func(k rootKey) bool { return k.id == kid }) {
			return nil, fmt.Errorf("line %d repeats the key %s", n, kid)
		}
		k, err := makeRootKey(kid, raw)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if err := lines.Err(); err != nil {
		return nil, errors.New("it has a line that is too long")
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no key")
	}
	return keys, nil
}

func formatRoot(keys []rootKey) []byte {
	out := []byte(rootHeader)
	for _, k := range keys {
		out = fmt.Appendf(out, "%s %s\n", k.id, base64.StdEncoding.EncodeToString(k.raw))
	}
	return out
}

func newRootKey() (rootKey, error) {
	raw := make([]byte, rootSize)
	rand.Read(raw) // never fails: crypto/rand aborts the process instead
	return makeRootKey(id.New[id.Key](), raw)
}

// makeRootKey turns 32 bytes into XAES-256-GCM, whose 192-bit nonces may be random for ever.
func makeRootKey(kid id.Key, raw []byte) (rootKey, error) {
	params, err := xaesgcm.NewParameters(xaesgcm.VariantNoPrefix, 12)
	if err != nil {
		return rootKey{}, fmt.Errorf("choose the root cipher: %w", err)
	}
	k, err := xaesgcm.NewKey(secretdata.NewBytesFromData(raw, insecuresecretdataaccess.Token{}), 0, params)
	if err != nil {
		return rootKey{}, fmt.Errorf("make a root key: %w", err)
	}
	m := keyset.NewManager()
	n, err := m.AddKey(k)
	if err != nil {
		return rootKey{}, fmt.Errorf("make a root key: %w", err)
	}
	if err := m.SetPrimary(n); err != nil {
		return rootKey{}, fmt.Errorf("make a root key: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return rootKey{}, fmt.Errorf("make a root key: %w", err)
	}
	a, err := aead.New(h)
	if err != nil {
		return rootKey{}, fmt.Errorf("make a root key: %w", err)
	}
	return rootKey{id: kid, raw: raw, aead: a}, nil
}

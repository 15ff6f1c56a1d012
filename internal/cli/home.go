package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// login is a sign-in that is kept between commands.
type login struct {
	URL       string    `json:"url"`
	CA        string    `json:"ca,omitempty"` // PEM, as it was when the person signed in
	OrgID     string    `json:"org_id,omitempty"`
	OrgSlug   string    `json:"org_slug,omitempty"`
	Email     string    `json:"email"`
	Handle    string    `json:"handle"`
	Kind      string    `json:"kind"` // sessionLogin or tokenLogin
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`

	Refresh     string    `json:"refresh_token,omitempty"` // for the next Token
	AccessUntil time.Time `json:"access_until,omitzero"`   // with Refresh: when Token ends
}

const (
	sessionLogin = "session"
	tokenLogin   = "api_token"
)

// home is the folder of what the command line keeps.
type home struct{ dir string }

func (p *program) home() (home, error) {
	if dir := p.env["VAULTPAM_HOME"]; dir != "" {
		return home{dir}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return home{}, fault.New(fault.Invalid, "there is no folder to keep your sign-in in: set VAULTPAM_HOME")
	}
	return home{filepath.Join(dir, "vaultpam")}, nil
}

func (h home) file() string { return filepath.Join(h.dir, "login.json") }

// load reads the sign-in; nil when there is none. A file that others can read is
// refused, as ssh refuses a key.
func (h home) load() (*login, error) {
	info, err := os.Stat(h.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "your sign-in cannot be read from %s: %v", h.file(), cause(err))
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "%s holds your sign-in, and others can read it (mode %04o): run chmod 600 on it, or delete it and sign in again", h.file(), info.Mode().Perm())
	}
	b, err := os.ReadFile(h.file())
	if err != nil {
		return nil, fault.New(fault.Invalid, "your sign-in cannot be read from %s: %v", h.file(), cause(err))
	}
	var l login
	if err := json.Unmarshal(b, &l); err != nil || l.URL == "" || l.Token == "" {
		return nil, fault.New(fault.Invalid, "%s is damaged: delete it and sign in again", h.file())
	}
	return &l, nil
}

// save keeps the sign-in, for its owner's eyes only.
func (h home) save(l login) error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return fault.New(fault.Invalid, "the folder %s for your sign-in cannot be made: %v", h.dir, cause(err))
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the sign-in: %w", err)
	}
	return replaceFile(h.file(), func(f *os.File) error {
		_, err := f.Write(append(b, '\n'))
		return err
	})
}

// forget removes the sign-in.
func (h home) forget() error {
	if err := os.Remove(h.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Invalid, "your sign-in in %s cannot be removed: %v", h.file(), cause(err))
	}
	return nil
}

// replaceFile writes a file that only its owner can read, whole or not at all.
func replaceFile(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fault.New(fault.Invalid, "%s cannot be written: %v", path, cause(err))
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fault.New(fault.Invalid, "%s cannot be written: %v", path, cause(err))
	}
	return nil
}

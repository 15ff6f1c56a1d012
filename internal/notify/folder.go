package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

const keepFiles = 7 * 24 * time.Hour

// toFolder writes the message as a file that any mail program opens. The file
// appears whole or not at all.
func (s *Service) toFolder(e envelope) error {
	m, err := e.compose(Server{From: "VaultPAM <vaultpam@localhost>"}, s.d.PublicURL)
	if err != nil {
		return err
	}
	root, err := openFolder(s.d.Folder)
	if err != nil {
		return err
	}
	defer root.Close()
	name := fmt.Sprintf("%s-%s-%s", e.at.UTC().Format("20060102T150405.000000"), e.kind, e.id)
	f, err := root.OpenFile(name+".part", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) { // left by a crash
		f, err = root.OpenFile(name+".part", os.O_TRUNC|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return fmt.Errorf("make a file for a message: %w", err)
	}
	_, err = m.WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write a message to its file: %w", err)
	}
	if err := root.Rename(name+".part", name+".eml"); err != nil {
		return fmt.Errorf("name the file of a message: %w", err)
	}
	return nil
}

func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the mail folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the mail folder: %w", err)
	}
	return root, nil
}

// sweepFolder deletes files of messages that are a week old.
func (s *Service) sweepFolder() error {
	if s.d.Folder == "" {
		return nil
	}
	root, err := os.OpenRoot(s.d.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the mail folder: %w", err)
	}
	defer root.Close()
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return fmt.Errorf("list the mail folder: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !strings.HasSuffix(f.Name(), ".eml") || s.d.Now().Sub(info.ModTime()) < keepFiles {
			continue
		}
		if err := root.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete an old message: %w", err)
		}
	}
	return nil
}

package catalogdoc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// files gives the content of every generated file by its path from the root.
func files() (map[string][]byte, error) {
	s, err := Schema()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{PagePath: Page(), SchemaPath: s}, nil
}

// Write writes the files under the repository's root.
func Write(root string) error {
	all, err := files()
	if err != nil {
		return err
	}
	for path, content := range all {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make folder of generated page: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("write generated page: %w", err)
		}
	}
	return nil
}

// Check compares the files under root with what Write would write, and changes
// nothing. Its error names each file that differs and the first line that does.
func Check(root string) error {
	all, err := files()
	if err != nil {
		return err
	}
	var stale []error
	for _, path := range []string{PagePath, SchemaPath} {
		have, err := os.ReadFile(filepath.Join(root, path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			stale = append(stale, fmt.Errorf("%s is missing", path))
		case err != nil:
			return fmt.Errorf("read generated page: %w", err)
		case !bytes.Equal(have, all[path]):
			stale = append(stale, fmt.Errorf("%s differs from the Go source at line %d", path, firstDifference(have, all[path])))
		}
	}
	return errors.Join(stale...)
}

func firstDifference(a, b []byte) int {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return i + 1
		}
	}
	return min(len(x), len(y)) + 1
}

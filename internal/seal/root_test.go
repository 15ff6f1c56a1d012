package seal

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

func TestRootIsMadeOnFirstStartAndFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "root.key")
	first, err := LoadRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", name, got, want)
		}
	}
	second, err := LoadRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID() != second.ID() {
		t.Errorf("a second start made another key: %s, then %s", first.ID(), second.ID())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, want the key file only", left)
	}
}

func TestRootOfWrongFormIsRefused(t *testing.T) {
	const canary = "c2VjcmV0LWNhbmFyeS1vZi10aGlydHktdHdvLWJ5dGU"
	good := string(id.New[id.Key]()) + " " + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"file readable by others": {func(t *testing.T, path string) {
			write(t, path, good)
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
		}, "chmod 600"},
		"folder readable by others": {func(t *testing.T, path string) {
			write(t, path, good)
			if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "chmod 700"},
		"short key": {func(t *testing.T, path string) {
			write(t, path, string(id.New[id.Key]())+" "+base64.StdEncoding.EncodeToString(make([]byte, 31))+"\n")
		}, "has 31 bytes, and must have 32"},
		"long key": {func(t *testing.T, path string) {
			write(t, path, string(id.New[id.Key]())+" "+base64.StdEncoding.EncodeToString(make([]byte, 33))+"\n")
		}, "has 33 bytes"},
		"empty file":   {func(t *testing.T, path string) { write(t, path, "") }, "holds no key"},
		"no base64":    {func(t *testing.T, path string) { write(t, path, string(id.New[id.Key]())+" "+canary+"!\n") }, "base64"},
		"no key id":    {func(t *testing.T, path string) { write(t, path, canary+"\n") }, "line 1"},
		"repeated key": {func(t *testing.T, path string) { write(t, path, good+good) }, "repeats"},
		"endless line": {func(t *testing.T, path string) { write(t, path, strings.Repeat(canary, 4000)) }, "too long"},
		"a folder": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "not a plain file"},
		"a link": {func(t *testing.T, path string) {
			write(t, path+".real", good)
			if err := os.Symlink(path+".real", path); err != nil {
				t.Fatal(err)
			}
		}, "is a link"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "root.key")
			c.prepare(t, path)
			_, err := LoadRoot(path)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("LoadRoot: %v, want an Invalid that says %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Error("the error quotes the key")
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What parses comes back the same after it is written again.
func FuzzParseRoot(f *testing.F) {
	k, err := newRootKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(formatRoot([]rootKey{k}))
	f.Add([]byte("# nothing\n\nkek_01h455vb4pex5vsknk084sn02q AAAA\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := parseRoot(content)
		if err != nil {
			return
		}
		again, err := parseRoot(formatRoot(keys))
		if err != nil {
			t.Fatalf("what parsed does not parse again: %v", err)
		}
		if len(again) != len(keys) {
			t.Fatalf("%d keys became %d", len(keys), len(again))
		}
		for i := range keys {
			if keys[i].id != again[i].id || string(keys[i].raw) != string(again[i].raw) {
				t.Fatalf("key %d changed", i)
			}
		}
	})
}

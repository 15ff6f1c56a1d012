package db

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Numbered, additive, one transaction each. Those of one engine only lie in a
// folder of its name; a number is used once over all folders.
//
//go:embed migrations
var migrations embed.FS

// Migrate brings the schema to this version of the product. A database that a
// newer version has written is refused (fault.Conflict) and left as it is.
func (d *DB) Migrate(ctx context.Context) error {
	dialect := goose.DialectSQLite3
	var opts []goose.ProviderOption
	if d.engine == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("make the migration lock: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	files, err := engineFiles(d.engine)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, d.write, files, opts...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > target {
		return fault.New(fault.Conflict, "the data was written by a newer version of VaultPAM (schema %d, this one knows %d): start that version, or restore an older backup", current, target).WithCode("SCHEMA_NEWER")
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d to %d: %w", current, target, err)
	}
	if d.engine == Postgres {
		return d.grant(ctx)
	}
	return nil
}

// engineFiles is one flat folder: the common migrations and those of engine e.
func engineFiles(e Engine) (fs.FS, error) {
	out := flat{}
	for _, dir := range []string{"migrations", "migrations/" + string(e)} {
		entries, err := fs.ReadDir(migrations, dir)
		if err != nil {
			continue // an engine without files of its own
		}
		for _, f := range entries {
			if !f.IsDir() && path.Ext(f.Name()) == ".sql" {
				out[f.Name()] = path.Join(dir, f.Name())
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no migrations for %s", e)
	}
	return out, nil
}

// flat maps names in one folder to files of the embedded tree.
type flat map[string]string

func (m flat) Open(name string) (fs.File, error) {
	if name == "." {
		return migrations.Open("migrations")
	}
	if p, ok := m[name]; ok {
		return migrations.Open(p)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Glob lists the names that match; the migration library finds its files by it.
func (m flat) Glob(pattern string) ([]string, error) {
	var out []string
	for name := range m {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// SchemaID names the state of all migrations and rights in this program: two
// programs with the same one make the same schema.
func SchemaID() string {
	h := sha256.New()
	fs.WalkDir(migrations, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			text, _ := migrations.ReadFile(name) // an embedded file is always readable
			fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		}
		return nil
	})
	fmt.Fprint(h, grants) // printed in the order of its keys
	return hex.EncodeToString(h.Sum(nil)[:8])
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// postgres is a PostgreSQL of this run, with its own defaults: a commit is on the
// disk when it is answered.
type postgres struct {
	bin, dir string
	cred     *syscall.Credential
}

// startPostgres starts a server on a Unix socket in dir and gives the URL of a
// login as an installation has it: no superuser, may create roles.
func startPostgres(ctx context.Context, dir string) (_ *postgres, url string, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, "", errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	slices.Sort(found)
	p := &postgres{bin: filepath.Dir(found[len(found)-1]), dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, "", err
	}
	if os.Geteuid() == 0 { // initdb refuses root
		if p.cred, err = someone("postgres"); err != nil {
			return nil, "", err
		}
		if err := os.Chown(dir, int(p.cred.Uid), int(p.cred.Gid)); err != nil {
			return nil, "", err
		}
	}
	data := filepath.Join(dir, "data")
	if err := p.run(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"); err != nil {
		return nil, "", err
	}
	opts := fmt.Sprintf("-c listen_addresses='' -c unix_socket_directories='%s' -c fsync=on -c synchronous_commit=on -c max_connections=200", dir)
	if err := p.run(ctx, "pg_ctl", "-D", data, "-w", "-t", "60", "-l", filepath.Join(dir, "server.log"), "-o", opts, "start"); err != nil {
		return nil, "", err
	}
	admin, err := sql.Open("pgx", "postgres://postgres@/postgres?host="+dir)
	if err != nil {
		return nil, "", errors.Join(err, p.stop())
	}
	defer admin.Close()
	for _, do := range []string{"create role vaultpam login createrole", "create database vaultpam owner vaultpam"} {
		if _, err := admin.ExecContext(ctx, do); err != nil {
			return nil, "", errors.Join(err, p.stop())
		}
	}
	return p, "postgres://vaultpam@/vaultpam?host=" + dir, nil
}

func (p *postgres) stop() error {
	return p.run(context.Background(), "pg_ctl", "-D", filepath.Join(p.dir, "data"), "-m", "immediate", "-w", "stop")
}

func (p *postgres) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Setsid: true}
	// A file, because the server inherits it and a pipe would never end.
	out, err := os.Create(filepath.Join(p.dir, name+".out"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}

func someone(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root and there is no user %s: %w", name, err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

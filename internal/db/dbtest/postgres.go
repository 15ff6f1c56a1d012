package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/vaultpam/vaultpam/internal/db"
)

// EnvPostgres names a running server for the tests: a URL whose user may create
// databases and roles and is not a superuser (row-level security would not hold
// for one). Without it one is started, shared by all test programs of this user.
const EnvPostgres = "VAULTPAM_TEST_POSTGRES"

const login = "vaultpam_test"

var server = sync.OnceValues(startServer)

// PostgresURL is a new database, migrated, dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL for the tests: %v\nInstall it (Debian: apt-get install postgresql), or set %s to the URL of a server.", err, EnvPostgres)
	}
	admin, err := sql.Open("pgx", withDatabase(base, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	template, err := template(admin, base)
	if err != nil {
		admin.Close()
		t.Fatal(err)
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), rand.Uint64())
	if _, err := admin.Exec(`create database ` + name + ` template ` + template); err != nil {
		admin.Close()
		t.Fatalf("copy the template database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(`drop database ` + name + ` with (force)`); err != nil {
			t.Logf("drop database %s: %v", name, err)
		}
		admin.Close()
	})
	return withDatabase(base, name)
}

// SuperURL is url with the server's superuser, for tests that tamper where the
// product's own login may not.
func SuperURL(url string) string { return strings.Replace(url, login+"@", "postgres@", 1) }

// template makes, once for each state of the migrations, a database to copy.
func template(admin *sql.DB, base string) (string, error) {
	name := "template_" + db.SchemaID()
	ctx := context.Background()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock(4711)`); err != nil {
		return "", err
	}
	defer conn.ExecContext(ctx, `select pg_advisory_unlock(4711)`)
	var found bool
	if err := conn.QueryRowContext(ctx, `select exists (select 1 from pg_database where datname = $1)`, name).Scan(&found); err != nil || found {
		return name, err
	}
	draft := name + "_draft"
	if _, err := conn.ExecContext(ctx, `drop database if exists `+draft+` with (force)`); err != nil {
		return "", err
	}
	if _, err := conn.ExecContext(ctx, `create database `+draft); err != nil {
		return "", err
	}
	d, err := db.Open(ctx, db.Config{URL: withDatabase(base, draft)})
	if err != nil {
		return "", err
	}
	err = d.Migrate(ctx)
	d.Close()
	if err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, `alter database `+draft+` rename to `+name)
	return name, err
}

func withDatabase(base, name string) string {
	before, query, _ := strings.Cut(base, "?")
	scheme, rest, _ := strings.Cut(before, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + "/" + name + "?" + query
}

// startServer finds or starts the shared server. It listens on a Unix socket in
// a folder of this user only, keeps nothing worth keeping, and goes on running
// for the next test program; `make clean` stops it.
func startServer() (string, error) {
	if u := os.Getenv(EnvPostgres); u != "" {
		return u, nil
	}
	bin, err := serverBinaries()
	if err != nil {
		return "", err
	}
	dir := ServerDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	cred, err := serverUser(dir)
	if err != nil {
		return "", err
	}
	run := func(name string, args ...string) error {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir = dir
		c.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Setsid: true}
		log, err := os.OpenFile(filepath.Join(dir, name+".out"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer log.Close()
		c.Stdout, c.Stderr = log, log
		if err := c.Run(); err != nil {
			out, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	url := fmt.Sprintf("postgres://%s@/postgres?host=%s&port=%d", login, dir, port)
	if run("pg_ctl", "-D", data, "status") == nil {
		return url, nil
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil {
		os.RemoveAll(data)
		if err := run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
			return "", err
		}
	}
	opts := fmt.Sprintf("-c listen_addresses='' -c unix_socket_directories='%s' -c port=%d -c fsync=off -c synchronous_commit=on -c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB", dir, port)
	if err := run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", filepath.Join(dir, "server.log"), "-o", opts, "start"); err != nil {
		return "", err
	}
	admin, err := sql.Open("pgx", SuperURL(url))
	if err != nil {
		return "", err
	}
	defer admin.Close()
	_, err = admin.Exec(`do $$ begin create role ` + login + ` login createdb createrole; exception when duplicate_object then null; end $$`)
	return url, err
}

const port = 5432 // names the socket file only

// ServerDir is where the shared test server keeps its socket and its data.
func ServerDir() string {
	return filepath.Join(os.TempDir(), "vaultpam-test-postgres-"+strconv.Itoa(os.Getuid()))
}

func serverBinaries() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "pg_ctl")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("initdb is not installed")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// serverUser is whom the server runs as: initdb refuses root.
func serverUser(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root and there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

package test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db/dbtest"
)

// Store is where a server keeps its state.
type Store string

// The stores.
const (
	SQLite   Store = "sqlite"
	Postgres Store = "postgres"
)

// Server is one installation: its data folder, its addresses, and the process
// while it runs.
type Server struct {
	Store   Store
	Dir     string // its data folder
	URL     string
	SSHAddr string
	Metrics string
	Root    *Person // the platform's administrator
	env     []string
	stdout  *output
	stderr  *output // over all starts
	cmd     *exec.Cmd
	exited  chan struct{}
	exit    error
	known   string // the known_hosts file for its gateway
}

// newServer prepares a server in a new folder of dir, with more environment.
func newServer(t testing.TB, store Store, dir string, env ...string) *Server {
	t.Helper()
	s := &Server{Store: store, Dir: filepath.Join(dir, "data"), stderr: &output{}}
	https, gateway, metrics := freePort(t), freePort(t), freePort(t)
	s.URL, s.SSHAddr, s.Metrics = "https://"+https, gateway, metrics
	s.known = filepath.Join(dir, "known_hosts")
	s.env = append(os.Environ(), "VAULTPAM_DATA="+s.Dir, "VAULTPAM_HTTPS_ADDR="+https, "VAULTPAM_SSH_ADDR="+gateway,
		"VAULTPAM_METRICS_ADDR="+metrics, "VAULTPAM_TARGETS_ALLOW_LOOPBACK=true", "VAULTPAM_NOTICES_ALLOW_NETWORKS=127.0.0.0/8", "VAULTPAM_SSO_DNS="+theDNS(t), "VAULTPAM_LOG_LEVEL=debug", "VAULTPAM_LOG_FORMAT=json",
		"VAULTPAM_RECORDING_MIN_FREE=1MiB", "VAULTPAM_PASSWORDS_MEMORY=19MiB", "VAULTPAM_PASSWORDS_PASSES=2", "VAULTPAM_DRAIN=0s", "GORACE=halt_on_error=0")
	if store == Postgres {
		s.env = append(s.env, "VAULTPAM_DATABASE_URL="+dbtest.PostgresURL(t))
	}
	s.env = append(s.env, env...)
	return s
}

// handedOut are the ports that freePort gave: a server that is between two starts
// does not listen on its own, and must find it again.
var handedOut sync.Map

// freePort gives a loopback address on which nobody listens, below the ports
// that the system hands out by itself, and none twice.
func freePort(t testing.TB) string {
	t.Helper()
	for range 200 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(22_000))
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		ln.Close()
		if _, given := handedOut.LoadOrStore(addr, true); !given {
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start runs `vaultpam server` and waits until sessions can start.
func (s *Server) start(t testing.TB) {
	t.Helper()
	s.launch(t, "server")
	s.awaitReady(t)
}

// launch starts the process.
func (s *Server) launch(t testing.TB, args ...string) {
	t.Helper()
	s.stdout, s.exited = &output{}, make(chan struct{})
	s.cmd = exec.Command(theBinary(t), args...)
	s.cmd.Env = s.env
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := startOnThread(s.cmd); err != nil {
		t.Fatal(err)
	}
	drove(args) // until it is told to stop
	cmd, exited := s.cmd, s.exited
	go func() {
		s.exit = cmd.Wait()
		close(exited)
	}()
}

// startOnThread starts cmd from a thread that lives as long as this process: the
// death signal is sent when the thread ends that started the child.
func startOnThread(cmd *exec.Cmd) error {
	starter.Do(func() {
		go func() {
			for f := range starts {
				f()
			}
		}()
	})
	done := make(chan error, 1)
	starts <- func() { done <- cmd.Start() }
	return <-done
}

var (
	starter sync.Once
	starts  = make(chan func())
)

func (s *Server) awaitReady(t testing.TB) {
	t.Helper()
	var c *Client
	var last string
	err := await(2*patience, func() bool {
		select {
		case <-s.exited:
			return true
		default:
		}
		if c == nil {
			pem, err := os.ReadFile(filepath.Join(s.Dir, "tls", "ca.pem"))
			pool := x509.NewCertPool()
			if err != nil || !pool.AppendCertsFromPEM(pem) {
				return false
			}
			c = newClient(s.URL, "", pool)
		}
		c.base = s.URL
		a, err := c.try("GET", "/readyz", nil)
		last = fmt.Sprint(a.Status, " ", string(a.Body), err)
		return err == nil && a.Status == 200
	})
	if err == nil && !s.running() {
		err = fmt.Errorf("it ended: %v", s.exit)
	}
	if err != nil {
		t.Fatalf("the server is not ready: %v\nlast answer: %s\nstderr: %s", err, last, s.stderr.tail(4000))
	}
}

func (s *Server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return s.cmd != nil
	}
}

// ready fails the test when the server is not well.
func (s *Server) ready(t testing.TB) {
	t.Helper()
	c := s.stranger(t)
	c.base = s.URL
	if a := c.do(t, "GET", "/readyz", nil); a.Status != 200 {
		t.Errorf("the server is not ready any more: %d %s", a.Status, a.Body)
	}
}

// stop ends the server in order; it has to exit with 0.
func (s *Server) stop() error {
	if s.cmd == nil || !s.running() {
		return nil
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(2 * patience):
		s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.exited
		return fmt.Errorf("the server did not stop: %s", s.stderr.tail(8000))
	}
	if s.exit != nil {
		return fmt.Errorf("the server stopped with %w: %s", s.exit, s.stderr.tail(4000))
	}
	return nil
}

// kill ends the server as a crash does.
func (s *Server) kill() {
	s.cmd.Process.Kill()
	<-s.exited
}

// authorities are the certificates that clients of s trust.
func (s *Server) authorities(t testing.TB) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(s.Dir, "tls", "ca.pem"))
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("the server's certificate authority: %v", err)
	}
	return pool
}

var lastSource atomic.Uint32

// newSource is a loopback address that nobody else calls from: limits and lockouts
// count by address.
func newSource() string {
	n := lastSource.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 1+n>>16&0x7f, n>>8&0xff, n&0xff)
}

// stranger calls the API from a new address, without a credential.
func (s *Server) stranger(t testing.TB) *Client {
	t.Helper()
	return newClient(s.URL, newSource(), s.authorities(t))
}

var setupLink = regexp.MustCompile(`/setup#(\S+)`)

// setUp makes the platform's first administrator with the link that the server printed.
func (s *Server) setUp(t testing.TB) {
	t.Helper()
	var link [][]byte
	eventually(t, "the set-up link", func() bool { link = setupLink.FindSubmatch(s.stdout.bytes()); return link != nil })
	secrets.add("set-up token", string(link[1]))
	s.Root = s.newPerson("root")
	get[obj](t, s.stranger(t), "POST", "/platform/setup", obj{
		"token": string(link[1]), "email": s.Root.Email, "handle": s.Root.Handle, "name": "Root", "password": s.Root.Password})
	s.Root.enrol(t)
}

// output collects what a process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.b.Bytes())
}

func (o *output) String() string { return string(o.bytes()) }

func (o *output) tail(n int) string {
	b := o.bytes()
	return string(b[max(0, len(b)-n):])
}

// inspect searches what a stopped server has left behind: races, panics, and
// secrets in its logs and in its data folder.
func (s *Server) inspect() error {
	log := s.stderr.bytes()
	err := errors.Join(leaked("the log", log), leaked("standard output", redactSetup(s.stdout.bytes())))
	for _, bad := range []string{"DATA RACE", "panic:", "panic in a handler", "goroutine 1 [", "fatal error:"} {
		if i := bytes.Index(log, []byte(bad)); i >= 0 {
			err = errors.Join(err, fmt.Errorf("the log holds %q: %s", bad, log[max(0, i-200):min(len(log), i+4000)]))
		}
	}
	return errors.Join(err, filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, walkErr error) error {
		if walkErr != nil || d.IsDir() || !d.Type().IsRegular() || strings.HasSuffix(path, ".eml") { // a message is where its link is meant to be
			return nil
		}
		f, ferr := os.Open(path)
		if ferr != nil {
			return nil
		}
		defer f.Close()
		b, _ := io.ReadAll(f)
		if lerr := leaked("the file "+strings.TrimPrefix(path, s.Dir), b); lerr != nil {
			err = errors.Join(err, lerr)
		}
		return nil
	}))
}

// redactSetup takes the set-up link away, which standard output is there to show.
func redactSetup(b []byte) []byte { return setupLink.ReplaceAll(b, []byte("/setup#...")) }

// theShared are the servers that tests share, one for each store.
var theShared = map[Store]*sharedServer{SQLite: {}, Postgres: {}}

type sharedServer struct {
	once sync.Once
	s    *Server
}

// shared is the server of a store that most tests use.
func shared(t testing.TB, store Store) *Server {
	t.Helper()
	h := theShared[store]
	h.once.Do(func() {
		s := newServer(forever{t}, store, filepath.Join(work, string(store)))
		s.start(t)
		s.setUp(t)
		h.s = s
	})
	if h.s == nil {
		t.Fatal("the shared server did not start")
	}
	return h.s
}

// closeShared stops the shared servers and searches what they left.
func closeShared() (err error) {
	for _, h := range theShared {
		if h.s != nil {
			err = errors.Join(err, h.s.stop(), h.s.inspect())
		}
	}
	return err
}

// own starts a server for one test; env is added to its environment.
func own(t testing.TB, store Store, env ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp(work, "own-") // t.TempDir is too deep for the control sockets of OpenSSH
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, store, dir, env...)
	t.Cleanup(func() {
		if err := errors.Join(s.stop(), s.inspect()); err != nil {
			t.Error(err)
		}
	})
	s.start(t)
	s.setUp(t)
	return s
}

// eachStore runs f on the shared server of each store, in parallel.
func eachStore(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			f(t, shared(t, store))
		})
	}
}

// ownEach is eachStore with servers that no other test uses.
func ownEach(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			f(t, own(t, store))
		})
	}
}

// forever is a test whose end is that of the process.
type forever struct{ testing.TB }

var atTheEnd struct {
	sync.Mutex
	do []func()
}

// Cleanup runs f when all tests are over.
func (forever) Cleanup(f func()) {
	atTheEnd.Lock()
	defer atTheEnd.Unlock()
	atTheEnd.do = append(atTheEnd.do, f)
}

// Logf has no test to write to any more.
func (forever) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func closeForever() error {
	atTheEnd.Lock()
	defer atTheEnd.Unlock()
	for _, f := range atTheEnd.do {
		f()
	}
	return nil
}

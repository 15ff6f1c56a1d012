package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

// doors are the listeners, bound before anything runs, so that a busy port fails at start.
type doors struct {
	https, ssh, metrics net.Listener
	certificate         tls.Certificate
	caFile              string // of a certificate of our own; empty when one was given
	sshHostKey          ssh.Signer
}

// addresses are where this server listens; no gateway dials them.
func (d *doors) addresses() []netip.AddrPort {
	var out []netip.AddrPort
	for _, ln := range []net.Listener{d.https, d.ssh, d.metrics} {
		if ln != nil {
			out = append(out, ln.Addr().(*net.TCPAddr).AddrPort())
		}
	}
	return out
}

func (a *App) openDoors() (err error) {
	d := &a.doors
	if d.https, err = listen("https.addr", a.cfg.HTTPS.Addr); err != nil {
		return err
	}
	if d.ssh, err = listen("ssh.addr", a.cfg.SSH.Addr); err != nil {
		return err
	}
	if a.cfg.Metrics.Addr != "" {
		if d.metrics, err = listen("metrics.addr", a.cfg.Metrics.Addr); err != nil {
			return err
		}
	}
	if a.cfg.HTTPS.CertFile != "" {
		if d.certificate, err = tls.LoadX509KeyPair(a.cfg.HTTPS.CertFile, a.cfg.HTTPS.KeyFile); err != nil {
			return fault.New(fault.Invalid, "the certificate %s and key %s cannot be used: %v", a.cfg.HTTPS.CertFile, a.cfg.HTTPS.KeyFile, err)
		}
		return nil
	}
	host, _, err := net.SplitHostPort(a.cfg.HTTPS.Addr)
	if err != nil {
		return err
	}
	hosts := []string{"localhost", "127.0.0.1"}
	if u, err := url.Parse(a.cfg.HTTPS.PublicURL); err == nil {
		hosts = append(hosts, u.Hostname())
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		hosts = append(hosts, host)
	}
	d.certificate, d.caFile, err = ownCertificate(filepath.Join(a.cfg.Data, "tls"), hosts, time.Now())
	return err
}

func listen(key, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Unavailable, "%s: %s is in use by another program; stop it or choose another address", key, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.New(fault.Unavailable, "%s: this user may not listen on %s; ports below 1024 need a privilege", key, addr)
	case err != nil:
		return nil, fault.New(fault.Unavailable, "%s: cannot listen on %s: %v", key, addr, err)
	}
	return ln, nil
}

// takeFolder makes sure that no other server of this machine uses the data folder.
func takeFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "the data folder %s cannot be made: %v", dir, pathCause(err))
	}
	f, err := os.OpenFile(filepath.Join(dir, "server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the data folder %s is not writable: %v", dir, pathCause(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.New(fault.Unavailable, "the data folder %s is in use by another VaultPAM server; stop it or choose another folder", dir)
	}
	return f, nil
}

// folderID names the data folder, which one process holds at a time: what a server
// of this folder left open, the next one may close at once.
func folderID(dir string) (string, error) {
	path := filepath.Join(dir, "server.id")
	b, err := os.ReadFile(path)
	if name := strings.TrimSpace(string(b)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the data folder's name: %w", err)
	}
	name := string(id.New[id.Job]())
	return name, writeFile(path, []byte(name+"\n"), 0o600)
}

func pathCause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func ignoreNotFound(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// hostKey is the gateway's own key, made at the first start.
func hostKey(dir string) (ssh.Signer, error) {
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make the gateway's host key: %w", err)
		}
		block, err := ssh.MarshalPrivateKey(key, "vaultpam gateway")
		if err != nil {
			return nil, fmt.Errorf("encode the gateway's host key: %w", err)
		}
		text = pem.EncodeToMemory(block)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the key folder: %w", err)
		}
		if err := writeFile(path, text, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read the gateway's host key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the gateway's host key %s is not a private key: %v", path, err)
	}
	return signer, nil
}

func signers(s ...ssh.Signer) []ssh.Signer { return s }

func knownHost(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}

// stopDoors is how long answers under way may take after a stop signal.
const stopDoors = 5 * time.Second

// Run serves until ctx ends, then drains: no new sessions, live ones until the
// grace is over, then recordings, the ledger, the store.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	// What others write to must outlive them.
	ground, stopGround := context.WithCancel(context.WithoutCancel(ctx))
	defer stopGround()
	var below errgroup.Group
	below.Go(func() error { return a.ledger.Run(ground) })

	above, ctx := errgroup.WithContext(ctx)
	above.Go(func() error { return a.sessions.Run(ctx) })
	above.Go(func() error { return a.identity.Run(ctx) })
	above.Go(func() error { return a.platform.Run(ctx) })
	above.Go(func() error { return a.sso.Run(ctx) })
	above.Go(func() error { return a.mail.Run(ctx) })
	above.Go(func() error { return a.phone.Run(ctx) })
	above.Go(func() error { return a.invites.Run(ctx) })
	above.Go(func() error { return a.safes.Run(ctx) })
	above.Go(func() error { return a.recovery.Run(ctx) })
	above.Go(func() error { return a.access.Run(ctx) })
	above.Go(func() error { return a.checkouts.Run(ctx) })
	above.Go(func() error { return a.rotations.Run(ctx) })
	above.Go(func() error { return a.governance.Run(ctx) })
	above.Go(func() error { return a.reviews.Run(ctx) })
	above.Go(func() error { return a.retention.Run(ctx) })
	above.Go(func() error { return a.prune(ctx) })
	above.Go(func() error { return a.gateway.Run(ctx, a.doors.ssh) })
	above.Go(func() error { return a.serveHTTPS(ctx) })
	if a.doors.metrics != nil {
		above.Go(func() error { return a.serveMetrics(ctx) })
	}
	err := above.Wait()
	stopGround()
	return errors.Join(err, below.Wait())
}

// prune deletes recordings, old registrations and kept answers whose time is over, every hour.
func (a *App) prune(ctx context.Context) error {
	return rounds.Every(ctx, time.Hour, a.log, "what is too old could not all be deleted", func(ctx context.Context) error {
		n, recordings := a.recordings.Prune(ctx)
		if n > 0 {
			a.log.InfoContext(ctx, "recordings pruned", "count", n)
		}
		_, repeats := a.repeats.Sweep(ctx)
		return errors.Join(recordings, a.signups.Sweep(ctx), repeats)
	})
}

func (a *App) serveHTTPS(ctx context.Context) error {
	srv := &http.Server{
		Handler:           a.Handler(),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.doors.certificate}},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(&debugLines{a.log.With("component", "https")}, "", 0),
	}
	return serve(ctx, srv, func() error { return srv.ServeTLS(a.doors.https, "", "") })
}

func (a *App) serveMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return serve(ctx, srv, func() error { return srv.Serve(a.doors.metrics) })
}

// serve runs srv until ctx ends, lets answers under way finish, and cuts the rest.
func serve(ctx context.Context, srv *http.Server, run func() error) error {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopDoors)
		defer cancel()
		if srv.Shutdown(limit) != nil {
			srv.Close()
		}
	})
	err := run()
	if stop() { // it ended by itself
		return fmt.Errorf("serve %s: %w", srv.Addr, err)
	}
	<-done
	return nil
}

// debugLines keeps what clients do wrong in TLS off the operator's screen.
type debugLines struct{ log *slog.Logger }

func (d *debugLines) Write(p []byte) (int, error) {
	d.log.Debug("http", "text", strings.TrimSpace(string(p)))
	return len(p), nil
}

// Close releases everything that New took. Run calls it.
func (a *App) Close() {
	for _, ln := range []net.Listener{a.doors.https, a.doors.ssh, a.doors.metrics} {
		if ln != nil {
			ln.Close()
		}
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("close the recordings", "error", err.Error())
		}
	}
	if a.db != nil {
		if err := a.db.Close(); err != nil {
			a.log.Error("close the database", "error", err.Error())
		}
	}
	if a.lock != nil {
		a.lock.Close()
	}
}

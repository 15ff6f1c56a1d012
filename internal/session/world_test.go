package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// world is an organization with the real services around it, and one server of
// the session domain on them.
type world struct {
	*safetest.World
	t        testing.TB
	clock    atomic.Int64
	ledger   *fragile
	store    *recording.Store
	recs     *recorders
	policies *policy.Service
	log      bytes.Buffer
	logMu    sync.Mutex
	*Service
}

// fragile is the real ledger, whose writes can be made to fail.
type fragile struct {
	*ledger.Ledger
	broken atomic.Bool
}

var errBroken = errors.New("the ledger is broken by the test")

func (f *fragile) Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error) {
	if f.broken.Load() {
		return "", errBroken
	}
	return f.Ledger.Record(ctx, tx, ev)
}

func (f *fragile) RecordRefusal(ctx context.Context, ev event.Event) error {
	if f.broken.Load() {
		return errBroken
	}
	return f.Ledger.RecordRefusal(ctx, ev)
}

func (f *fragile) HealthyFor(id.Org) error {
	if f.broken.Load() {
		return errBroken
	}
	return nil
}

// recorders are the real recordings, which can be made unavailable.
type recorders struct {
	*recording.Service
	broken atomic.Bool
}

func (r *recorders) Healthy() error {
	if r.broken.Load() {
		return errBroken
	}
	return nil
}

func (r *recorders) Begin(ctx context.Context, b recording.Begin) (*recording.Writer, error) {
	if r.broken.Load() {
		return nil, errBroken
	}
	return r.Service.Begin(ctx, b)
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{World: safetest.New(t, d), t: t}
	w.clock.Store(time.Now().UnixMicro())
	w.ledger = &fragile{Ledger: w.World.Ledger}
	store, err := recording.OpenStore(recording.StoreConfig{Dir: filepath.Join(t.TempDir(), "recordings"), Keys: w.Keyring, MinFree: -1, Reserve: -1})
	w.must(err)
	t.Cleanup(func() { store.Close() })
	w.store = store
	recs, err := recording.New(recording.Deps{Log: slog.New(slog.NewTextHandler(w, nil)), DB: d, Ledger: w.ledger, Store: store, Now: w.now,
		SafeRole: func(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) (authz.SafeRole, error) {
			a, err := w.Safes.Access(ctx, tx, org, user, sid)
			if fault.Is(err, fault.NotFound) {
				return authz.NoSafeRole, nil
			}
			return a.Role, err
		}})
	w.must(err)
	w.recs = &recorders{Service: recs}
	w.policies, err = policy.New(policy.Deps{DB: d, Ledger: w.ledger, Safes: w.Safes, Now: w.now})
	w.must(err)
	w.Service = w.server("one")
	return w
}

// server is one more server on the same database.
func (w *world) server(name string, change ...func(*Deps)) *Service {
	w.t.Helper()
	d := Deps{
		Log: slog.New(slog.NewTextHandler(w, nil)), DB: w.DB, Policies: w.policies, Resources: w.Resources, Vault: w.Accounts,
		Ledger: w.ledger, Folder: w.World.Ledger.NewFolder(ledger.FoldWindow), Recordings: w.recs, Now: w.now,
		Server: Server{ID: name, Hostname: "test", Version: "0"}, Tick: 5 * time.Millisecond,
	}
	for _, f := range change {
		f(&d)
	}
	s, err := New(d)
	w.must(err)
	return s
}

// Write keeps the log.
func (w *world) Write(b []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(b)
}

func (w *world) now() time.Time          { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) later(d time.Duration)   { w.clock.Add(d.Microseconds()) }
func (w *world) exec(q string, a ...any) { _, err := w.DB.Raw().Exec(q, a...); w.must(err) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// a safe with the operator as its member.
func (w *world) openSafe(name string, change ...func(*safe.Policy)) safe.Safe {
	w.t.Helper()
	p := safe.Default()
	for _, f := range change {
		f(&p)
	}
	s := w.Safe(name, &p)
	w.Member(s.ID, w.Operator, safe.User)
	w.Events()
	return s
}

func (w *world) launch(actor authz.Actor, s id.Safe) Launch {
	w.t.Helper()
	l, err := w.Launch(context.Background(), actor, LaunchArgs{Safe: s, Protocol: SSH, Client: ClientOpenSSH})
	w.must(err)
	return l
}

func redeemArgs(actor authz.Actor, token string) RedeemArgs {
	return RedeemArgs{Token: token, Protocol: SSH, User: actor.User, Source: actor.Source, Client: ClientOpenSSH, ClientVersion: "SSH-2.0-OpenSSH_9.2"}
}

func (w *world) redeem(s *Service, actor authz.Actor, l Launch) *Ticket {
	w.t.Helper()
	t, err := s.Redeem(context.Background(), redeemArgs(actor, l.Token.RevealString()))
	w.must(err)
	return t
}

// live opens a session of actor in the safe, on server s.
func (w *world) startOn(s *Service, actor authz.Actor, sid id.Safe) *Live {
	w.t.Helper()
	l, err := s.Start(context.Background(), w.redeem(s, actor, w.launch(actor, sid)))
	w.must(err)
	w.must(l.Opened(context.Background(), Opened{UpstreamHost: "host", UpstreamPort: 22, HostKeyFingerprint: "SHA256:x", ClientVersion: "SSH-2.0-OpenSSH_9.2", FirstChannel: ChannelShell}))
	return l
}

func (w *world) start(actor authz.Actor, sid id.Safe) *Live {
	w.t.Helper()
	return w.startOn(w.Service, actor, sid)
}

// run runs a server until the test ends or stop is called.
func (w *world) run(s *Service) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// ended waits until the product wants l ended, and says why.
func (w *world) ended(l *Live) Cause {
	w.t.Helper()
	select {
	case <-l.Ending():
	case <-time.After(20 * time.Second):
		w.t.Fatalf("session %s goes on", l.Ticket().Session)
	}
	return l.Cause()
}

func (w *world) close(l *Live, by CloseSide) {
	w.t.Helper()
	w.must(l.Close(context.Background(), Closed{By: by, Channels: 1, BytesToTarget: 10, BytesFromTarget: 20}))
}

// terminations are the SESSION_TERMINATED_* events of a session.
func terminations(events []event.Envelope, sid id.Session) []event.Envelope {
	return slices.DeleteFunc(slices.Clone(events), func(e event.Envelope) bool {
		c := e.Constant
		end := c == event.SESSION_TERMINATED_BY_USER || c == event.SESSION_TERMINATED_BY_ADMIN || c == event.SESSION_TERMINATED_BY_SYSTEM
		return !end || e.Outcome == event.Denied || e.SessionID != string(sid)
	})
}

func constants(events []event.Envelope) []event.Constant {
	var out []event.Constant
	for _, e := range events {
		out = append(out, e.Constant)
	}
	return out
}

// eventually waits for a condition.
func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			w.t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// failedWriter is a recorder that cannot write any more.
func failedWriter(t testing.TB, w *world) *recording.Writer {
	t.Helper()
	small, err := recording.OpenStore(recording.StoreConfig{Dir: filepath.Join(t.TempDir(), "full"), Keys: w.Keyring, MinFree: -1, Reserve: 1 << 60})
	w.must(err)
	t.Cleanup(func() { small.Close() })
	rec, err := small.Create(context.Background(), recording.Header{Org: w.Org, Session: id.New[id.Session](), Protocol: "ssh"})
	w.must(err)
	w.must(rec.Write(recording.Frame{Kind: recording.Output, Data: []byte("x")}))
	select {
	case <-rec.Failed():
	case <-time.After(20 * time.Second):
		t.Fatal("the recorder writes although nothing is free")
	}
	return rec
}

// apiToken is the operator acting through an API token that may launch.
func (w *world) apiToken(life time.Duration) authz.Actor {
	w.t.Helper()
	a := w.Operator
	a.Kind, a.Token, a.Name, a.Scopes, a.MFAAt = authz.Token, id.New[id.Token](), "ci", []string{"sessions:launch"}, time.Time{}
	w.exec(`insert into api_token (org_id, id, owner_id, name, token_hash, scopes, created_at, expires_at, last_used_at, ended_at, end_reason)
		values ($1, $2, $3, 'ci', 'x', 'safes:read sessions:launch', 1, $4, 0, 0, '')`, string(w.Org), string(a.Token), string(a.User), db.Micros(w.now().Add(life)))
	return a
}

package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// world is everything that the gateway needs of others, in memory.
type world struct {
	t testing.TB

	mu       sync.Mutex
	people   map[string]*fakePerson
	safes    []*fakeSafe
	grants   map[string]*fakeSafe // unused launch grants
	spent    map[string]bool
	lives    []*fakeLive
	failed   []Failure
	rejected []Rejection
	refusals []string // launches that were denied
	startErr func() error
	recErr   func(f format.Frame) error // asked for each frame; nil: all are taken
	leased   []Credential
	ca       ssh.Signer
	changed  *sync.Cond
}

type fakePerson struct {
	Person
	keys     [][]byte
	password string
	code     string
	spent    map[string]bool
}

type fakeSafe struct {
	Choice
	policy   Policy
	hostKeys [][]byte
	username string
	cred     func() Credential
	members  []string
	noRecord bool
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, people: map[string]*fakePerson{}, grants: map[string]*fakeSafe{}, spent: map[string]bool{}, ca: newSigner(t)}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errAlike = fault.New(fault.Unauthenticated, "sign-in failed")

func (w *world) find(login string) *fakePerson {
	for handle, p := range w.people {
		if login == handle || login == handle+"@example.com" {
			return p
		}
	}
	return nil
}

func (w *world) KeyOwner(_ context.Context, login string, key []byte, _ authz.Source) (Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.find(login); p != nil {
		for _, k := range p.keys {
			if bytes.Equal(k, key) {
				return p.Person, nil
			}
		}
	}
	return Person{}, errAlike
}

func (w *world) CertificateOwner(_ context.Context, login string, cert *ssh.Certificate, _ authz.Source) (Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.find(login)
	if p == nil || !bytes.Equal(cert.SignatureKey.Marshal(), w.ca.PublicKey().Marshal()) || len(cert.ValidPrincipals) != 1 {
		return Person{}, errAlike
	}
	check := ssh.CertChecker{SupportedCriticalOptions: []string{"source-address"}}
	if err := check.CheckCert(string(p.User), cert); err != nil {
		return Person{}, errAlike
	}
	return p.Person, nil
}

func (w *world) PasswordAndCode(_ context.Context, login string, password, code secret.Secret, _ authz.Source) (Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.find(login)
	if p == nil || p.password != password.RevealString() {
		return Person{}, errAlike
	}
	return w.code(p, code)
}

func (w *world) Prove(_ context.Context, offered Person, _ []byte, _ authz.Source) (Person, error) {
	return offered, nil
}

func (w *world) StepUp(_ context.Context, who Person, _ Choice, code secret.Secret, _ authz.Source) (Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.code(w.find(who.Handle), code)
}

func (w *world) code(p *fakePerson, code secret.Secret) (Person, error) {
	if c := code.RevealString(); c != p.code || p.spent[c] {
		return Person{}, errAlike
	}
	p.spent[p.code] = true
	out := p.Person
	out.MFAAt = time.Now()
	return out, nil
}

func (w *world) Named(_ context.Context, p Person, org, name string, _ authz.Source) (out []Choice, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.safes {
		if s.Name == name && (org == "" || org == s.OrgSlug) && s.OrgSlug != "other" {
			out = append(out, s.Choice)
		}
	}
	return out, nil
}

func (w *world) Mine(_ context.Context, p Person, _ authz.Source) (out []Choice, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.safes {
		if slices.Contains(s.members, p.Handle) {
			out = append(out, s.Choice)
		}
	}
	return out, nil
}

func (w *world) Launch(_ context.Context, p Person, c Choice, _ Client) (*Ticket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.safes {
		if s.Safe != c.Safe {
			continue
		}
		if !slices.Contains(s.members, p.Handle) {
			w.refusals = append(w.refusals, "not_a_member")
			return nil, fault.New(fault.NotFound, "there is no safe named %s that you may use", c.Name)
		}
		if s.StepUp && p.MFAAt.IsZero() {
			w.refusals = append(w.refusals, "mfa_required")
			return nil, fault.New(fault.Denied, "this safe asks for a fresh second factor")
		}
		return s.ticket(), nil
	}
	return nil, fault.New(fault.NotFound, "no such safe")
}

func (w *world) Redeem(_ context.Context, _ Person, grant secret.Secret, _ Client) (*Ticket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := grant.RevealString()
	if w.spent[g] {
		return nil, fault.New(fault.Unauthenticated, "this launch grant was used before").WithCode("GRANT_REPLAYED")
	}
	s := w.grants[g]
	if s == nil {
		return nil, fault.New(fault.Unauthenticated, "this launch grant is not valid").WithCode("GRANT_INVALID")
	}
	w.spent[g] = true
	return s.ticket(), nil
}

func (s *fakeSafe) ticket() *Ticket {
	return &Ticket{Session: id.New[id.Session](), Safe: s.Name, Host: s.Host, Port: s.Port, HostKeys: s.hostKeys,
		Username: s.username, Policy: s.policy, Handle: s}
}

func (w *world) Lease(_ context.Context, t *Ticket) (Credential, error) {
	c := t.Handle.(*fakeSafe).cred()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leased = append(w.leased, c)
	return c, nil
}

func (w *world) Failed(_ context.Context, _ *Ticket, why Failure) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, why)
	w.changed.Broadcast()
	return nil
}

func (w *world) Start(_ context.Context, t *Ticket) (Live, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.startErr != nil {
		return nil, w.startErr()
	}
	l := &fakeLive{w: w, ticket: t, ending: make(chan struct{}), recFailed: make(chan struct{})}
	w.lives = append(w.lives, l)
	w.changed.Broadcast()
	return l, nil
}

func (w *world) Rejected(_ context.Context, r Rejection) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rejected = append(w.rejected, r)
	w.changed.Broadcast()
	return nil
}

func (w *world) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

// fail makes sessions fail to start.
func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startErr = func() error {
		if f, ok := err.(*fault.Error); ok {
			g := *f // each caller has its own
			return &g
		}
		return err
	}
}

// await blocks until cond holds; it is asked again after every change.
func (w *world) await(what string, cond func() bool) {
	w.t.Helper()
	stop := time.AfterFunc(20*time.Second, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	defer stop.Stop()
	deadline := time.Now().Add(20 * time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	for !cond() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited too long for %s", what)
		}
		w.changed.Wait()
	}
}

// session waits until the i-th session has been closed and gives it.
func (w *world) session(i int) *fakeLive {
	w.t.Helper()
	w.await("session "+strconv.Itoa(i)+" to end", func() bool { return len(w.lives) > i && w.lives[i].closed != nil })
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[i]
}

// fakeLive is a running session and its recorder.
type fakeLive struct {
	w         *world
	ticket    *Ticket
	opened    []Opened
	enforced  []Enforcement
	closed    *Closed
	ending    chan struct{}
	sentence  string
	recFailed chan struct{}
	frames    []format.Frame
	discard   bool
	endOnce   sync.Once
}

func (l *fakeLive) Opened(_ context.Context, o Opened) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.opened = append(l.opened, o)
	l.w.changed.Broadcast()
	return nil
}

func (l *fakeLive) Recorder() Recorder {
	if l.ticket.Handle.(*fakeSafe).noRecord {
		return nil
	}
	return l
}

func (l *fakeLive) Enforced(_ context.Context, e Enforcement) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.enforced = append(l.enforced, e)
	return nil
}

func (l *fakeLive) Touch()                  {}
func (l *fakeLive) Ending() <-chan struct{} { return l.ending }
func (l *fakeLive) EndingSentence() string  { return l.sentence }

func (l *fakeLive) end(sentence string) {
	l.endOnce.Do(func() {
		l.sentence = sentence
		close(l.ending)
	})
}

func (l *fakeLive) Close(_ context.Context, c Closed) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.closed != nil {
		l.w.t.Error("a session was closed twice")
	}
	l.closed = &c
	l.w.changed.Broadcast()
	return nil
}

func (l *fakeLive) Write(f format.Frame) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.closed != nil {
		l.w.t.Errorf("a frame of kind %s after the session was closed", f.Kind)
	}
	if l.w.recErr != nil {
		if err := l.w.recErr(f); err != nil {
			return err
		}
	}
	if !l.discard {
		f.Data = bytes.Clone(f.Data)
		l.frames = append(l.frames, f)
		l.w.changed.Broadcast()
	}
	return nil
}

func (l *fakeLive) Failed() <-chan struct{} { return l.recFailed }

// stream joins the frames of a kind, over all channels.
func (l *fakeLive) stream(k format.Kind) string {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.streamLocked(k)
}

func (l *fakeLive) streamLocked(k format.Kind) string {
	var b bytes.Buffer
	for _, f := range l.frames {
		if f.Kind == k {
			b.Write(f.Data)
		}
	}
	return b.String()
}

// payloads gives the frames that have the payload T.
func payloads[T format.Payload](l *fakeLive) (out []T) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	for _, f := range l.frames {
		p, err := f.Payload()
		if err != nil {
			l.w.t.Errorf("frame %s %q: %v", f.Kind, f.Data, err)
		}
		if v, ok := p.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

var errBroken = errors.New("no space left on device")

var discard = slog.New(slog.DiscardHandler)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

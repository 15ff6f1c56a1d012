package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Policies decides who may open a safe, from the rows as they are; see package
// policy. An unknown safe is fault.NotFound.
type Policies interface {
	Ask(ctx context.Context, tx *db.Tx, a policy.Asker, safe id.Safe) (policy.Verdict, error)
	Remember(ctx context.Context, tx *db.Tx, told id.Event, v policy.Verdict) error
	Forget(ctx context.Context) error
}

// Resources gives the address and confirmed host keys of a resource.
type Resources interface {
	Find(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (resource.Resource, error)
}

// Vault knows accounts, and leases their credentials (SECRET_ACCESSED).
type Vault interface {
	Find(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (vault.Account, error)
	Lease(ctx context.Context, actor authz.Actor, a id.Account, s id.Session, through id.Safe) (vault.Credential, error)
}

// Folder keeps what an outsider can repeat at will from flooding the ledger. See package ledger.
type Folder interface {
	Record(ctx context.Context, key ledger.FoldKey, build func(coalesced int) event.Event) error
}

// Ledger records events. See package ledger.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
	HealthyFor(org id.Org) error
}

// Recordings begins, finishes and shows recordings, with their events. See package recording.
type Recordings interface {
	Healthy() error
	Begin(ctx context.Context, b recording.Begin) (*recording.Writer, error)
	Finish(ctx context.Context, w *recording.Writer, s recording.Summary, closeErr error) error
	RecoverOrphans(ctx context.Context) error
	OpenPlayback(ctx context.Context, actor authz.Actor, session id.Session, mode recording.Mode) (*recording.Playback, error)
}

// Server is this server among those that share the store.
type Server struct {
	ID string // a new one for each start of the process
	// Home names what only one process can hold at a time, such as a locked data
	// folder; it has no slash. Another server of the same home is dead, so what it
	// left is closed at once, and not when its silence has lasted. Empty: none.
	Home     string
	Hostname string
	Version  string
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log        *slog.Logger
	DB         *db.DB
	Policies   Policies
	Resources  Resources
	Vault      Vault
	Ledger     Ledger
	Folder     Folder
	Recordings Recordings
	Now        func() time.Time
	Server     Server
	Sole       bool          // no other server can be on this store: what another left open, it left dead
	Grace      time.Duration // how long live sessions may go on after Run was told to stop
	Tick       time.Duration // of the clock; 0 is half a second, and more than one is too slow for the promise of two
}

// Service launches, redeems, controls and enforces. It is safe for concurrent use.
type Service struct {
	d        Deps
	name     string // of this server in the store: home and id
	started  time.Time
	stopping atomic.Bool // no new sessions
	wake     chan struct{}
	feed     feed
	beaten   time.Time // when the store last heard of this server; of Run's goroutine only

	mu        sync.Mutex
	cutting   bool // the grace is over: whatever still comes up is ended at once
	live      map[id.Session]*Live
	unsettled map[id.Session]*settlement // cut, and not yet told or finished
	blind     time.Time                  // since when the store has not answered the clock; zero when it does
}

// New checks the parts. It opens nothing and starts nothing; see Run.
func New(d Deps) (*Service, error) {
	switch {
	case d.Log == nil || d.DB == nil || d.Now == nil:
		return nil, errors.New("session: Log, DB and Now are needed")
	case d.Policies == nil || d.Resources == nil || d.Vault == nil || d.Ledger == nil || d.Folder == nil || d.Recordings == nil:
		return nil, errors.New("session: Policies, Resources, Vault, Ledger, Folder and Recordings are needed")
	case d.Server.ID == "":
		return nil, errors.New("session: the server needs an id")
	case strings.Contains(d.Server.ID+d.Server.Home, "/"):
		return nil, errors.New("session: the server's id and home must not hold a slash")
	case d.Grace < 0 || d.Tick < 0 || d.Tick > time.Second:
		return nil, errors.New("session: Grace must not be negative, and Tick at most one second")
	}
	if d.Tick == 0 {
		d.Tick = time.Second / 2
	}
	return &Service{
		d: d, name: d.Server.Home + "/" + d.Server.ID, started: d.Now(), wake: make(chan struct{}, 1),
		live: map[id.Session]*Live{}, unsettled: map[id.Session]*settlement{},
	}, nil
}

// LiveHere is how many sessions this server runs now.
func (s *Service) LiveHere() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// locals are the live sessions of this server.
func (s *Service) locals() []*Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Live, 0, len(s.live))
	for _, l := range s.live {
		out = append(out, l)
	}
	return out
}

func (s *Service) local(sid id.Session) *Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[sid]
}

// record writes one event in a transaction of its own.
func (s *Service) record(ctx context.Context, org id.Org, ev event.Event) error {
	return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
}

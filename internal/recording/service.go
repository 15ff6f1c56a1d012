package recording

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Ledger records events. See package ledger.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
	ReportFault(ctx context.Context, f ledger.Fault)
}

// SafeRole gives a person's role on a safe; authz.NoSafeRole also for a safe that
// is gone.
type SafeRole func(ctx context.Context, tx *db.Tx, org id.Org, user id.User, safe id.Safe) (authz.SafeRole, error)

// DefaultRetention is how long a recording is kept after its session ended.
const DefaultRetention = 30 * 24 * time.Hour

// Deps are the parts that a Service is made of.
type Deps struct {
	Log       *slog.Logger
	DB        *db.DB
	Ledger    Ledger
	Store     *Store
	SafeRole  SafeRole
	Now       func() time.Time
	Retention time.Duration // 0 is DefaultRetention
	// RetentionOf is an organization's own; 0 is Retention. Nil: none has one.
	RetentionOf func(ctx context.Context, tx *db.Tx, org id.Org) (time.Duration, error)
	// Held tells whether a legal hold keeps an organization's recordings. Until the
	// transaction ends, none can be set. Nil: there are none.
	Held func(ctx context.Context, tx *db.Tx, org id.Org) (bool, error)
}

// Service begins, finishes, recovers, shows and prunes recordings, with their
// events. It is safe for concurrent use.
type Service struct {
	d       Deps
	reading chan struct{} // one big recording is verified at a time: it takes a processor
}

// New checks the parts. It opens nothing and starts nothing.
func New(d Deps) (*Service, error) {
	if d.Log == nil || d.DB == nil || d.Ledger == nil || d.Store == nil || d.SafeRole == nil || d.Now == nil {
		return nil, errors.New("recording: Log, DB, Ledger, Store, SafeRole and Now are needed")
	}
	if d.Retention < 0 {
		return nil, errors.New("recording: Retention must not be negative")
	}
	if d.Retention == 0 {
		d.Retention = DefaultRetention
	}
	return &Service{d: d, reading: make(chan struct{}, 1)}, nil
}

// Healthy tells whether a recording can begin: a fault of kind Unavailable, with
// CodeUnavailable, when not.
func (s *Service) Healthy() error { return s.d.Store.Healthy() }

// fault records SYSTEM_ERROR_LOGGED for a recording that could not be kept.
func (s *Service) fault(ctx context.Context, org id.Org, code string) {
	s.d.Ledger.ReportFault(context.WithoutCancel(ctx), ledger.Fault{
		Org: org, Code: code, Component: "recording", Reason: event.SystemErrorLoggedStorageFailed,
	})
}

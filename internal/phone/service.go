package phone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
	ReportFault(ctx context.Context, f ledger.Fault)
	LogFor(ctx context.Context, tx *db.Tx, org id.Org) (id.Log, error)
}

// Folder folds repeats that an outsider can cause.
type Folder interface {
	Record(ctx context.Context, key ledger.FoldKey, build func(coalesced int) event.Event) error
}

// Sealer encrypts secrets at rest. It is called outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Members tells who belongs to an organization.
type Members interface {
	Name(ctx context.Context, tx *db.Tx, org id.Org) (string, error)
	RoleIn(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (authz.Role, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log       *slog.Logger
	DB        *db.DB
	Ledger    Ledger
	Folder    Folder
	Seal      Sealer
	Members   Members
	Provider  Provider // nil: no codes can be sent
	Required  bool     // numbers are verified before an organization is let in
	Countries []string // whose numbers are served; empty: all
	Limits    Limits
	Metrics   prometheus.Registerer // nil: nothing is counted
	Version   string                // of the product
	Now       func() time.Time
}

// Service keeps telephone numbers. It is safe for concurrent use.
type Service struct {
	d       Deps
	breaker breaker
	sends   *prometheus.CounterVec

	mu    sync.Mutex
	index indexKey // once it was needed
}

// New checks the parts. It opens nothing; see Gate and Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Folder == nil || d.Seal == nil || d.Members == nil {
		return nil, errors.New("phone: DB, Ledger, Folder, Seal and Members are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	d.Limits = d.Limits.orDefault()
	s := &Service{d: d, sends: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vaultpam_phone_codes_total", Help: "Codes asked for by SMS, by what became of them."}, []string{"outcome"})}
	if d.Metrics != nil {
		if err := d.Metrics.Register(s.sends); err != nil {
			return nil, fmt.Errorf("phone: register metrics: %w", err)
		}
	}
	return s, nil
}

// Required tells whether the installation asks for a verified number where an
// organization is registered.
func (s *Service) Required() bool { return s.d.Required }

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

func (s *Service) in(after time.Duration) time.Time {
	return s.d.Now().Add(after).UTC().Truncate(time.Microsecond)
}

// indexKey is the key of the index and of codes; the first who needs it makes it.
func (s *Service) indexKey(ctx context.Context) (indexKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index != nil {
		return s.index, nil
	}
	const place = "phone-index-key"
	read := func() (sealed []byte, err error) {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			sealed, err = phonesql.New(tx).IndexKey(ctx)
			return err
		})
		return sealed, err
	}
	sealed, err := read()
	if db.NotFound(err) {
		key := make([]byte, 32)
		rand.Read(key)
		made, serr := s.d.Seal.Seal(ctx, "", place, key)
		if serr != nil {
			return nil, fmt.Errorf("seal the index key: %w", serr)
		}
		if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			return phonesql.New(tx).InsertIndexKey(ctx, made) // another server may be first
		}); err != nil {
			return nil, fmt.Errorf("store the index key: %w", err)
		}
		sealed, err = read()
	}
	if err != nil {
		return nil, fmt.Errorf("read the index key: %w", err)
	}
	key, err := s.d.Seal.Open(ctx, "", place, sealed)
	if err != nil {
		return nil, fmt.Errorf("open the index key: %w", err)
	}
	s.index = key
	return s.index, nil
}

func place(v id.PhoneVerification) string { return "phone/" + string(v) }

// seal makes a number unreadable at rest. It stays sealed as this verification's,
// wherever it is stored.
func (s *Service) seal(ctx context.Context, v id.PhoneVerification, n Number) ([]byte, error) {
	b, err := s.d.Seal.Seal(ctx, "", place(v), []byte(n.e164))
	if err != nil {
		return nil, fmt.Errorf("seal a number: %w", err)
	}
	return b, nil
}

func (s *Service) open(ctx context.Context, sealedAs, country string, sealed []byte) (Number, error) {
	if len(sealed) == 0 {
		return Number{}, nil
	}
	b, err := s.d.Seal.Open(ctx, "", place(id.PhoneVerification(sealedAs)), sealed)
	if err != nil {
		return Number{}, fmt.Errorf("open a number: %w", err)
	}
	return Number{e164: string(b), country: country}, nil
}

// target is the organization, or the platform, in an event.
func (s *Service) target(ctx context.Context, tx *db.Tx, org id.Org) (event.TenantRef, error) {
	if org == "" {
		return event.PlatformTarget(), nil
	}
	name, err := s.d.Members.Name(ctx, tx, org)
	if fault.Is(err, fault.NotFound) { // it is being made, or is gone
		return event.TenantTarget(org, ""), nil
	}
	return event.TenantTarget(org, name), err
}

// refuse records a refusal and returns why.
func (s *Service) refuse(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

// refusedAct records the refusal of an act whose own event tells of success only.
func (s *Service) refusedAct(ctx context.Context, w who, why error, act event.RefusedAct) error {
	return s.refuse(ctx, w.actor, why, event.NewAuthActRefused(w.act(), event.TenantTarget(w.actor.Org, ""), event.AuthActRefusedNotPermitted, act))
}

// systemAct is the product acting in org, in the same request as act.
func systemAct(org id.Org, request id.Request) event.Act {
	actor := authz.SystemActor(org)
	if request != "" {
		actor.Request = request
	}
	return event.By(actor, event.System)
}

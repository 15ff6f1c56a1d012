package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal"
)

// Resealer moves what it has sealed for an organization to the newest key.
type Resealer interface {
	Reseal(ctx context.Context, org id.Org) (int, error)
}

// Names tells how organizations are called.
type Names interface {
	Name(ctx context.Context, tx *db.Tx, org id.Org) (string, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log     *slog.Logger
	DB      *db.DB
	Keyring *seal.Keyring
	Ledger  *ledger.Ledger
	Orgs    Names
	Sealed  []Resealer
	Now     func() time.Time // nil: time.Now
}

// Service renews keys. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Keyring == nil || d.Ledger == nil || d.Orgs == nil {
		return nil, errors.New("keys: DB, Keyring, Ledger and Orgs are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

var onPlatform = authz.Object{Type: authz.PlatformObject}

// operator is the actor outside of any organization.
func operator(actor authz.Actor) authz.Actor {
	actor.Org, actor.Role = "", authz.None
	return actor
}

// permit asks for the right and for a second factor that was proved just now; the
// refusal is recorded as what denied makes of it.
func (s *Service) permit(ctx context.Context, actor authz.Actor, action authz.Action, obj authz.Object, denied func(stale bool) event.Event) error {
	err := authz.Check(actor, action, obj)
	stale := false
	if err == nil {
		if err = authz.Fresh(actor, action, s.d.Now()); err == nil {
			return nil
		}
		stale = true
	}
	if actor.Kind == authz.Nobody {
		return err // turned away by the door; no act
	}
	if failed := s.d.Ledger.RecordRefusal(ctx, denied(stale)); failed != nil {
		return fmt.Errorf("record a refusal: %w", failed)
	}
	return err
}

// RootKey is the state of the installation's root keys.
type RootKey struct {
	seal.Status
	Keysets int64 // of organizations and of the platform
	Waiting int64 // of them, those that are not under the newest root key yet
}

// Root tells which root keys there are.
func (s *Service) Root(ctx context.Context, actor authz.Actor) (RootKey, error) {
	if err := authz.Check(operator(actor), authz.PlatformKeyView, onPlatform); err != nil {
		return RootKey{}, err
	}
	st, err := s.d.Keyring.Status(ctx)
	if err != nil {
		return RootKey{}, err
	}
	out := RootKey{Status: st}
	for key, n := range st.Under {
		out.Keysets += n
		if key != st.Root {
			out.Waiting += n
		}
	}
	return out, nil
}

// Step is which part of a rotation of the root key is wanted.
type Step string

// The steps. Servers that share one root key file take All; where each has a file
// of its own, its keeper copies the file to the others between Begin and Finish.
const (
	All    Step = "all"
	Begin  Step = "begin"  // put a new root key into the file, and wrap with it from now on
	Finish Step = "finish" // wrap everything under the newest root key, and take the older ones out of the file
)

// RotateRoot replaces the root key of the installation. What it wraps, and what
// that seals, stays readable all the time. An interrupted rotation is taken up where
// it was left.
func (s *Service) RotateRoot(ctx context.Context, actor authz.Actor, step Step) (RootKey, error) {
	if step != All && step != Begin && step != Finish {
		return RootKey{}, fault.New(fault.Invalid, "%.20q is no step of a rotation: use all, begin or finish", string(step)).WithField("step", "one of all, begin, finish")
	}
	actor = operator(actor)
	tell := func(stage event.RootKeyStage) event.RootKeyRotation {
		return event.NewRootKeyRotation(event.By(actor, event.PlatformAdmin), event.PlatformTarget(), stage)
	}
	err := s.permit(ctx, actor, authz.PlatformKeyRotate, onPlatform, func(stale bool) event.Event {
		if stale {
			return tell(event.RootKeyStageStarted).Denied(event.RootKeyRotationMFARequired)
		}
		return tell(event.RootKeyStageStarted).Denied(event.RootKeyRotationNotPermitted)
	})
	if err != nil {
		return RootKey{}, err
	}
	// The key stands in a file, which no transaction holds: what will be done is
	// recorded before the file is touched, what was done after it.
	before, err := s.d.Keyring.Status(ctx)
	if err != nil {
		return RootKey{}, err
	}
	if err := s.record(ctx, tell(event.RootKeyStageStarted).WithRootKeyID(before.Root)); err != nil {
		return RootKey{}, err
	}
	if err := s.rotateRoot(ctx, tell, step, before); err != nil {
		failed := s.record(context.WithoutCancel(ctx), tell(event.RootKeyStageCompleted).Failed(event.RootKeyRotationInternalError))
		return RootKey{}, errors.Join(fmt.Errorf("rotate the root key: %w", err), failed)
	}
	return s.Root(ctx, actor)
}

func (s *Service) rotateRoot(ctx context.Context, tell func(event.RootKeyStage) event.RootKeyRotation, step Step, before seal.Status) error {
	if step != Finish && len(before.Older) == 0 {
		added, err := s.d.Keyring.AddRoot()
		if err != nil {
			return err
		}
		if err := s.record(ctx, tell(event.RootKeyStageAdded).WithRootKeyID(added)); err != nil {
			return err
		}
	}
	if step == Begin {
		return nil
	}
	n, err := s.d.Keyring.Rewrap(ctx)
	if err != nil {
		return err
	}
	if err := s.d.Keyring.DropRoot(ctx); err != nil {
		return err
	}
	now, err := s.d.Keyring.Status(ctx)
	if err != nil {
		return err
	}
	return s.record(ctx, tell(event.RootKeyStageCompleted).WithRootKeyID(now.Root).WithKeysetsRewrapped(n))
}

func (s *Service) record(ctx context.Context, ev event.Event) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
}

// DataKey is the new key of an organization.
type DataKey struct {
	ID       id.Key
	Replaced id.Key
	Moved    int // secrets that are sealed under it already
}

// RotateData gives the actor's organization, or the platform when none is active, a
// new key, and moves the credentials of its accounts to it. What else the old key
// has sealed stays under it; the old key opens and does not seal any more.
func (s *Service) RotateData(ctx context.Context, actor authz.Actor) (DataKey, error) {
	org := actor.Org
	as, action, obj := event.TenantAdmin, authz.OrgKey, authz.Object{Type: authz.OrgObject, ID: string(org), Org: org}
	if org == "" {
		as, action, obj = event.PlatformAdmin, authz.PlatformKeyRotate, onPlatform
	}
	name, err := s.name(ctx, org)
	if err != nil {
		return DataKey{}, err
	}
	told := event.NewOrgKeyRotated(event.By(actor, as), event.TenantTarget(org, name))
	err = s.permit(ctx, actor, action, obj, func(stale bool) event.Event {
		if stale {
			return told.Denied(event.OrgKeyRotatedMFARequired)
		}
		return told.Denied(event.OrgKeyRotatedNotPermitted)
	})
	if err != nil {
		return DataKey{}, err
	}
	var out DataKey
	out.ID, err = s.d.Keyring.RotateOrg(ctx, org, func(ctx context.Context, tx *db.Tx, replaced, added id.Key) error {
		out.Replaced = replaced
		_, err := s.d.Ledger.Record(ctx, tx, told.WithNewKeyID(added).WithReplacedKeyID(replaced))
		return err
	})
	if err != nil {
		return DataKey{}, fmt.Errorf("rotate a key: %w", err)
	}
	if org == "" {
		return out, nil
	}
	for _, r := range s.d.Sealed {
		n, err := r.Reseal(ctx, org)
		out.Moved += n
		if err != nil { // the new key is in use; what is left moves with the next rotation
			s.d.Log.WarnContext(ctx, "not everything is sealed under the new key", "org_id", org, "error", err.Error())
		}
	}
	return out, nil
}

func (s *Service) name(ctx context.Context, org id.Org) (name string, err error) {
	if org == "" {
		return "", nil
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		name, err = s.d.Orgs.Name(ctx, tx, org)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) { // a ledger outlives its organization
		return "", fmt.Errorf("read the name of %s: %w", org, err)
	}
	return name, nil
}

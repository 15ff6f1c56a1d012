package rotation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/rotation/rotationsql"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Vault keeps the versions of credentials; vault.Service is one.
type Vault interface {
	Find(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (vault.Account, error)
	OpenForRotation(ctx context.Context, org id.Org, a id.Account, version int64) (c vault.Credential, publicKey string, err error)
	Stage(ctx context.Context, a vault.Account, plain secret.Secret) (version int64, store func(context.Context, *db.Tx) error, err error)
	Pending(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (int64, error)
	Promote(ctx context.Context, tx *db.Tx, org id.Org, a id.Account, seen, pending int64, destroy bool) error
	DropPending(ctx context.Context, tx *db.Tx, org id.Org, a id.Account, version int64) error
	Destroy(ctx context.Context, tx *db.Tx, org id.Org, a id.Account, keep int64) error
	Due(ctx context.Context, tx *db.Tx, a id.Account) error
}

// Resources knows the targets; resource.Service is one.
type Resources interface {
	Find(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (resource.Resource, error)
}

// Dialer reaches targets, as sessions do.
type Dialer interface {
	Dial(ctx context.Context, host string, port int) (net.Conn, error)
}

// Mail tells administrators what failed.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// InUse tells whether what a credential is due for still goes on: an emergency that is
// open, for one. A rotation that is due waits for its end; one by hand or by plan does not.
type InUse func(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (bool, error)

// Deps are the parts that a Service is made of.
type Deps struct {
	Log       *slog.Logger
	DB        *db.DB
	Ledger    Ledger
	Vault     Vault
	Resources Resources
	Dialer    Dialer
	Mail      Mail
	InUse     []InUse
	Now       func() time.Time // nil: time.Now
}

// Service rotates credentials. It is safe for concurrent use.
type Service struct {
	d      Deps
	holder string   // this process, in the rows that it holds
	taken  chan job // taken by Rotate, to be worked on by Run
}

// New checks the parts. It starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Vault == nil || d.Resources == nil || d.Dialer == nil || d.Mail == nil {
		return nil, errors.New("rotation: DB, Ledger, Vault, Resources, Dialer and Mail are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, holder: string(id.New[id.Job]()), taken: make(chan job, 64)}, nil
}

// State is where a rotation stands.
type State string

// The states.
const (
	Waiting    State = "waiting" // for its next attempt
	Running    State = "running"
	Tidying    State = "tidying" // the new credential is in use; the old key is still to be taken off the target
	Completed  State = "completed"
	Failed     State = "failed"     // given up; what the target accepts is kept, pending or current
	Superseded State = "superseded" // somebody gave the account another credential meanwhile, or deleted it
)

// Rotation is one rotation of one credential, over all its attempts.
type Rotation struct {
	ID          id.Rotation
	Account     id.Account
	Trigger     string // schedule, checkin, manual, policy or incident
	Kind        vault.Kind
	State       State
	RequestedBy id.User // empty: nobody
	Attempt     int
	NextAttempt time.Time // zero: none is planned
	Target      string    // unchanged, unknown, changed_unverified or changed
	OldVersion  int64
	NewVersion  int64  // 0: none is made yet
	OldKey      string // kind ssh_key, once the new one is in use: left or removed
	Reason      string // of the last failure; empty: it did not fail
	Detail      string // the same in words
	CreatedAt   time.Time
	StartedAt   time.Time // zero: not yet
	EndedAt     time.Time // zero: it is open
}

func fromRow(r rotationsql.Rotation) Rotation {
	at := func(us int64) time.Time {
		if us == 0 {
			return time.Time{}
		}
		return db.Time(us)
	}
	out := Rotation{ID: id.Rotation(r.ID), Account: id.Account(r.AccountID), Trigger: r.TriggerKind, Kind: vault.Kind(r.CredentialKind), State: State(r.State),
		RequestedBy: id.User(r.RequestedBy), Attempt: int(r.Attempt), NextAttempt: at(r.NextAttemptAt), Target: r.TargetState, OldVersion: r.OldVersion, NewVersion: r.NewVersion,
		OldKey: r.OldKey, Reason: r.Reason, Detail: r.Detail, CreatedAt: at(r.CreatedAt), StartedAt: at(r.StartedAt), EndedAt: at(r.EndedAt)}
	if out.State == Waiting && out.NextAttempt.IsZero() {
		out.NextAttempt = out.CreatedAt
	}
	return out
}

// NotRotatable is the code of a rotation that cannot begin.
const NotRotatable = "NOT_ROTATABLE"

// Rotate rotates the credential of an account now. It returns when the rotation has
// begun; what becomes of it, Get tells. fault.Conflict with the code
// vault.RotationRunning while another one is at work.
func (s *Service) Rotate(ctx context.Context, actor authz.Actor, aid id.Account) (Rotation, error) {
	acc := vault.Account{ID: aid}
	started := func(r id.Rotation, attempt int) event.CredentialRotationStarted {
		return event.NewCredentialRotationStarted(event.By(actor, event.TenantAdmin), event.AccountTarget(acc.ID, acc.Name), r, event.RotationTriggerManual, acc.Kind.Event(), attempt)
	}
	err := authz.Check(actor, authz.AccountRotate, authz.Object{ID: string(aid), Org: actor.Org})
	if err == nil {
		err = authz.Fresh(actor, authz.AccountRotate, s.d.Now())
	}
	if err != nil {
		if fault.Is(err, fault.Denied) && actor.Org != "" {
			acc = s.peek(ctx, actor.Org, aid)
			if err := s.d.Ledger.RecordRefusal(ctx, started(id.New[id.Rotation](), 1).Denied(event.CredentialRotationStartedNotPermitted)); err != nil {
				return Rotation{}, fmt.Errorf("record a refusal: %w", err)
			}
		}
		return Rotation{}, err
	}
	var j job
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		q := rotationsql.New(tx)
		if acc, err = s.d.Vault.Find(ctx, tx, actor.Org, aid); err != nil {
			return err
		}
		r, err := s.d.Resources.Find(ctx, tx, actor.Org, acc.Resource)
		if err != nil {
			return err
		}
		if len(r.HostKeys) == 0 {
			return fault.New(fault.Conflict, "the host key of %q is not confirmed yet: confirm it first, then rotate", r.Name).WithCode(NotRotatable)
		}
		row, err := q.OpenRotation(ctx, rotationsql.OpenRotationParams{OrgID: string(actor.Org), AccountID: string(aid)})
		if db.NotFound(err) {
			rid, ierr := s.insert(ctx, tx, acc, "manual", actor.User)
			if ierr != nil {
				return ierr
			}
			row, err = q.GetRotation(ctx, rotationsql.GetRotationParams{OrgID: string(actor.Org), ID: string(rid)})
		}
		if err != nil {
			return fmt.Errorf("read the account's open rotation: %w", err)
		}
		var ok bool
		if j, ok, err = s.claim(ctx, tx, row, acc, started(id.Rotation(row.ID), int(row.Attempt)+1)); err == nil && !ok {
			err = fault.New(fault.Conflict, "the credential of account %q is being rotated at the moment", acc.Name).WithCode(vault.RotationRunning)
		}
		return err
	})
	if db.Unique(err) {
		return Rotation{}, fault.New(fault.Conflict, "the credential of this account is being rotated at the moment").WithCode(vault.RotationRunning)
	}
	if err != nil {
		return Rotation{}, fmt.Errorf("rotate a credential: %w", err)
	}
	select {
	case s.taken <- j:
	default: // it is taken up when the lease has ended
	}
	return fromRow(j.row), nil
}

// Get gives one rotation.
func (s *Service) Get(ctx context.Context, actor authz.Actor, aid id.Account, rid id.Rotation) (Rotation, error) {
	if err := authz.Check(actor, authz.AccountView, authz.Object{ID: string(aid), Org: actor.Org}); err != nil {
		return Rotation{}, err
	}
	var row rotationsql.Rotation
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = rotationsql.New(tx).GetRotation(ctx, rotationsql.GetRotationParams{OrgID: string(actor.Org), ID: string(rid)})
		return err
	})
	if db.NotFound(err) || err == nil && row.AccountID != string(aid) {
		return Rotation{}, fault.New(fault.NotFound, "no rotation with the id %.64q of this account", rid)
	}
	if err != nil {
		return Rotation{}, fmt.Errorf("read a rotation: %w", err)
	}
	return fromRow(row), nil
}

// List gives the rotations of an account, newest first.
func (s *Service) List(ctx context.Context, actor authz.Actor, aid id.Account, p page.Request) (page.List[Rotation], error) {
	var none page.List[Rotation]
	if err := authz.Check(actor, authz.AccountView, authz.Object{ID: string(aid), Org: actor.Org}); err != nil {
		return none, err
	}
	read, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = "~" // after every id
	}
	var out []Rotation
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.d.Vault.Find(ctx, tx, actor.Org, aid); err != nil {
			return err
		}
		rows, err := rotationsql.New(tx).ListRotations(ctx, rotationsql.ListRotationsParams{OrgID: string(actor.Org), AccountID: string(aid), Before: before, Read: read})
		out = make([]Rotation, len(rows))
		for i, r := range rows {
			out[i] = fromRow(r)
		}
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list rotations: %w", err)
	}
	return page.Cut(out, read, func(r Rotation) string { return string(r.ID) }), nil
}

// Held tells whether a rotation works on an account's credential at the moment.
func (s *Service) Held(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account) (bool, error) {
	n, err := rotationsql.New(tx).HeldRotations(ctx, rotationsql.HeldRotationsParams{OrgID: string(org), AccountID: string(aid), LeaseUntil: s.now()})
	return n > 0, err
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// peek finds an account for the event of a refusal; only its id when it cannot be had.
func (s *Service) peek(ctx context.Context, org id.Org, aid id.Account) vault.Account {
	acc := vault.Account{ID: aid, Kind: vault.Password}
	_ = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		found, err := s.d.Vault.Find(ctx, tx, org, aid)
		if err == nil {
			acc = found
		}
		return err
	})
	return acc
}

// insert stores a rotation that waits for its first attempt. What an earlier one left
// behind is asked about at the target first.
func (s *Service) insert(ctx context.Context, tx *db.Tx, acc vault.Account, trigger string, by id.User) (id.Rotation, error) {
	pending, err := s.d.Vault.Pending(ctx, tx, acc.Org, acc.ID)
	if err != nil {
		return "", err
	}
	state := "unchanged"
	if pending != 0 {
		state = "unknown"
	}
	rid := id.New[id.Rotation]()
	return rid, rotationsql.New(tx).InsertRotation(ctx, rotationsql.InsertRotationParams{OrgID: string(acc.Org), ID: string(rid), AccountID: string(acc.ID), TriggerKind: trigger,
		CredentialKind: string(acc.Kind), RequestedBy: string(by), TargetState: state, OldVersion: acc.CredentialVersion, NewVersion: pending, Now: s.now()})
}

func triggerOf(t string) event.RotationTrigger {
	switch t {
	case "schedule":
		return event.RotationTriggerSchedule
	case "checkin":
		return event.RotationTriggerCheckin
	case "policy":
		return event.RotationTriggerPolicy
	case "incident":
		return event.RotationTriggerIncident
	}
	return event.RotationTriggerManual
}

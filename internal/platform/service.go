package platform

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
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/platform/platformsql"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// People makes persons known, limits sources, signs in, and ends what stands for a
// person.
type People interface {
	ByHandle(ctx context.Context, login string) (identity.Profile, error)
	SignIn(ctx context.Context, a identity.SignInArgs) (identity.SignIn, error)
	Invalidate(ctx context.Context, tx *db.Tx, act event.Act, user id.User, why event.InvalidationCause) (sessions, tokens int, err error)
	Draft(ctx context.Context, n identity.NewPerson) (identity.Draft, error)
	Introduce(ctx context.Context, tx *db.Tx, sc mfa.Scope, d identity.Draft) (p identity.Profile, known bool, err error)
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
	EndAll(ctx context.Context, tx *db.Tx, act event.Act, user id.User) (sessions, tokens int, err error)
}

// Factors keeps second factors.
type Factors interface {
	Enrolled(ctx context.Context, tx *db.Tx, user id.User) (bool, error)
	Clear(ctx context.Context, tx *db.Tx, user id.User) (methods []string, err error)
}

// Mail sends messages.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// Folder folds what an outsider can repeat.
type Folder interface {
	Record(ctx context.Context, key ledger.FoldKey, build func(coalesced int) event.Event) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log     *slog.Logger
	DB      *db.DB
	Ledger  Ledger
	Folder  Folder
	People  People
	Factors Factors
	Mail    Mail
	Domains []string // that operators' addresses are of; empty: any
	Now     func() time.Time
}

// Service keeps the operators of the installation. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Folder == nil || d.People == nil || d.Factors == nil || d.Mail == nil {
		return nil, errors.New("platform: DB, Ledger, Folder, People, Factors and Mail are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// Directory answers who operates the platform, from the rows as they are. It has
// no parts of its own; identity is built with one.
type Directory struct{}

// RoleOf is a person's platform role; none when they are no operator, or suspended.
func (Directory) RoleOf(ctx context.Context, tx *db.Tx, user id.User) (authz.PlatformRole, error) {
	role, err := platformsql.New(tx).OperatorRole(ctx, string(user))
	if db.NotFound(err) {
		return authz.NoPlatformRole, nil
	}
	if err != nil {
		return authz.NoPlatformRole, fmt.Errorf("read the platform role of %s: %w", user, err)
	}
	return authz.PlatformRole(role), nil
}

// refused records a refusal and returns why.
func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

// onPlatform is the actor outside of any organization.
func onPlatform(actor authz.Actor) authz.Actor {
	actor.Org, actor.Role = "", authz.None
	return actor
}

// permit asks for the right, and for a second factor that was proved just now.
func (s *Service) permit(actor authz.Actor, action authz.Action) error {
	if err := authz.Check(actor, action, object); err != nil {
		return err
	}
	return authz.Fresh(actor, action, s.d.Now())
}

func readVia(actor authz.Actor) event.ReadVia {
	if actor.Via == authz.ViaConsole {
		return event.ReadViaConsole
	}
	return event.ReadViaAPI
}

// systemAct is an act of the product itself, as a consequence of request when there was one.
func systemAct(request id.Request) event.Act {
	a := authz.SystemActor("")
	if request != "" {
		a.Request = request
	}
	return event.By(a, event.System)
}

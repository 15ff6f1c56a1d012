package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
)

// Membership is a person's place in one organization.
type Membership struct {
	Org  id.Org
	Slug string
	Name string // of the organization
	Role authz.Role

	SSORequired bool      // it lets its members in through its identity provider only
	SSOAt       time.Time // when the person last came in through it; zero: never
}

// Memberships tells where people belong.
type Memberships interface {
	// Of lists a person's memberships of active organizations, oldest first.
	Of(ctx context.Context, tx *db.Tx, user id.User) ([]Membership, error)
	// Name is the display name of an organization.
	Name(ctx context.Context, tx *db.Tx, org id.Org) (string, error)
}

// Operators tells who operates the platform.
type Operators interface {
	RoleOf(ctx context.Context, tx *db.Tx, user id.User) (authz.PlatformRole, error)
}

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Limits are the times and counts of signing in. A zero field takes the value of DefaultLimits.
type Limits struct {
	AccountFailures int           // wrong answers, of any factor, that lock an account
	AccountLock     time.Duration // for how long
	SourceFailures  int           // wrong answers from one address in a window that close it
	SourceWindow    time.Duration // from the first of them
	Idle            time.Duration // a web session without a request
	Absolute        time.Duration // any web session
	Enrolment       time.Duration // a web session that may only enrol a factor
}

// DefaultLimits are those of a new installation.
var DefaultLimits = Limits{
	AccountFailures: 10,
	AccountLock:     15 * time.Minute,
	SourceFailures:  50,
	SourceWindow:    5 * time.Minute,
	Idle:            30 * time.Minute,
	Absolute:        12 * time.Hour,
	Enrolment:       15 * time.Minute,
}

func (l Limits) orDefault() Limits {
	def(&l.AccountFailures, DefaultLimits.AccountFailures)
	def(&l.AccountLock, DefaultLimits.AccountLock)
	def(&l.SourceFailures, DefaultLimits.SourceFailures)
	def(&l.SourceWindow, DefaultLimits.SourceWindow)
	def(&l.Idle, DefaultLimits.Idle)
	def(&l.Absolute, DefaultLimits.Absolute)
	def(&l.Enrolment, DefaultLimits.Enrolment)
	return l
}

func def[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log        *slog.Logger
	DB         *db.DB
	Ledger     Ledger
	Seal       mfa.Sealer
	MFA        *mfa.Service
	Members    Memberships
	Operators  Operators
	Live       Live
	Recoveries Recoveries // nil: there are none
	Mail       Mail       // nil: nobody sets a password by e-mail
	Limits     Limits
	Cost       argon2id.Params       // of a password
	Parallel   int                   // passwords hashed at once; 0: one for two cores
	Metrics    prometheus.Registerer // nil: not exported
	Now        func() time.Time
}

// Service is who people are. It is safe for concurrent use.
type Service struct {
	d    Deps
	hash *hasher
	wake chan struct{} // somebody asks for a password
}

// New checks the parts. It opens nothing and starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Seal == nil || d.MFA == nil || d.Members == nil || d.Operators == nil || d.Live == nil || d.Cost == (argon2id.Params{}) {
		return nil, errors.New("identity: DB, Ledger, Seal, MFA, Members, Operators, Live and Cost are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Parallel == 0 {
		d.Parallel = max(1, runtime.GOMAXPROCS(0)/2)
	}
	d.Limits = d.Limits.orDefault()
	return &Service{d: d, hash: newHasher(d.Cost, d.Parallel, d.Metrics), wake: make(chan struct{}, 1)}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// Origin is where a request of somebody who is not signed in comes from.
type Origin struct {
	Source  authz.Source
	Via     authz.Via
	Request id.Request // empty: a new one is made
}

// OrNew is o with a request id, a new one where it has none.
func (o Origin) OrNew() Origin {
	if o.Request == "" {
		o.Request = id.New[id.Request]()
	}
	return o
}

func (o Origin) door() event.Door {
	switch o.Via {
	case authz.ViaConsole:
		return event.DoorConsole
	case authz.ViaCLI:
		return event.DoorCLI
	case authz.ViaSSH:
		return event.DoorSSH
	}
	return event.DoorAPI
}

// Stranger is the actor of an act before a sign-in is complete: nobody.
func (o Origin) Stranger(org id.Org) authz.Actor {
	return authz.Actor{Kind: authz.Nobody, Org: org, Source: o.Source, Via: o.Via, Request: o.Request}
}

// Profile is what is known of somebody. It proves nothing about who asks.
type Profile struct {
	ID     id.User
	Email  string
	Handle string
	Name   string
}

// standing is where a person belongs, at this moment.
type standing struct {
	members  []Membership
	platform authz.PlatformRole
}

func (s *Service) standing(ctx context.Context, tx *db.Tx, user id.User) (standing, error) {
	var st standing
	var err error
	if st.members, err = s.d.Members.Of(ctx, tx, user); err != nil {
		return st, fmt.Errorf("read the memberships of %s: %w", user, err)
	}
	if st.platform, err = s.d.Operators.RoleOf(ctx, tx, user); err != nil {
		return st, fmt.Errorf("read the platform role of %s: %w", user, err)
	}
	return st, nil
}

// home is the organization in whose ledger the sign-ins of a person are told:
// the one in which they become active. The zero Membership is the platform.
func (st standing) home() Membership {
	if len(st.members) == 0 {
		return Membership{}
	}
	return st.members[0]
}

// in is the membership of an organization given by id or slug.
func (st standing) in(org string) (Membership, bool) {
	for _, m := range st.members {
		if string(m.Org) == org || m.Slug == org {
			return m, true
		}
	}
	return Membership{}, false
}

// actor is the person as they act in organization m.
func (st standing) actor(p Profile, m Membership, o Origin) authz.Actor {
	return authz.Actor{
		Kind: authz.Person, User: p.ID, Name: p.Handle, Email: p.Email,
		Org: m.Org, Role: m.Role, PlatformRole: st.platform,
		Source: o.Source, Via: o.Via, Request: o.Request,
	}
}

// scope is the act of somebody on their own account: by themselves, told in the
// ledger of the organization they are active in.
func scope(actor authz.Actor, orgName string) mfa.Scope {
	as := event.User
	if actor.Org == "" && actor.PlatformRole.Valid() {
		as = event.PlatformAdmin
	}
	if actor.Kind == authz.Enrolling {
		actor.Kind = authz.Person // their limited session is their own
	}
	return mfa.Scope{Act: event.By(actor, as), Target: tenant(actor.Org, orgName)}
}

func tenant(org id.Org, name string) event.TenantRef {
	if org == "" {
		return event.PlatformTarget()
	}
	return event.TenantTarget(org, name)
}

func (s *Service) orgName(ctx context.Context, tx *db.Tx, org id.Org) (string, error) {
	if org == "" {
		return "", nil
	}
	return s.d.Members.Name(ctx, tx, org)
}

// ownScope is scope with the organization's name looked up.
func (s *Service) ownScope(ctx context.Context, tx *db.Tx, actor authz.Actor) (mfa.Scope, error) {
	name, err := s.orgName(ctx, tx, actor.Org)
	return scope(actor, name), err
}

// ByID is what is known of a person.
func (s *Service) ByID(ctx context.Context, user id.User) (Profile, error) {
	var row identitysql.Person
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).PersonByID(ctx, string(user))
		return err
	})
	if db.NotFound(err) {
		return Profile{}, fault.New(fault.NotFound, "no such person")
	}
	if err != nil {
		return Profile{}, fmt.Errorf("read person %s: %w", user, err)
	}
	return Profile{ID: id.User(row.ID), Email: row.Email, Handle: row.Handle, Name: row.Name}, nil
}

// ByHandle is what is known of the person of a handle or e-mail address. It is
// for callers who may know about everybody; a door answers sign-ins alike.
func (s *Service) ByHandle(ctx context.Context, login string) (Profile, error) {
	a, err := s.account(ctx, login)
	if err != nil {
		return Profile{}, err
	}
	if a == nil {
		return Profile{}, fault.New(fault.NotFound, "no such person")
	}
	return a.Profile, nil
}

// OrgsOf lists where a person belongs, oldest membership first.
func (s *Service) OrgsOf(ctx context.Context, user id.User) ([]Membership, error) {
	var out []Membership
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.d.Members.Of(ctx, tx, user)
		return err
	})
	return out, err
}

// Me is what a person may know about themselves.
type Me struct {
	Profile
	Active      *Membership // nil on the platform
	Memberships []Membership
	MFA         mfa.Status
}

// Me describes the actor to themselves.
func (s *Service) Me(ctx context.Context, actor authz.Actor) (Me, error) {
	self := authz.Object{Type: authz.SelfObject, Owner: actor.User}
	if actor.Kind == authz.Enrolling {
		if err := authz.Check(actor, authz.SelfEnrol, self); err != nil {
			return Me{}, err
		}
	} else if err := authz.Check(actor, authz.SelfView, self); err != nil {
		return Me{}, err
	}
	var me Me
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		row, err := identitysql.New(tx).PersonByID(ctx, string(actor.User))
		if err != nil {
			return fmt.Errorf("read person %s: %w", actor.User, err)
		}
		me = Me{Profile: Profile{ID: actor.User, Email: row.Email, Handle: row.Handle, Name: row.Name}}
		if me.Memberships, err = s.d.Members.Of(ctx, tx, actor.User); err != nil {
			return err
		}
		for i := range me.Memberships {
			if me.Memberships[i].Org == actor.Org {
				me.Active = &me.Memberships[i]
			}
		}
		me.MFA, err = s.d.MFA.Status(ctx, tx, actor.User)
		return err
	})
	return me, err
}

// account is a person as sign-in sees them.
type account struct {
	Profile
	active bool
	hash   string // empty: no password
}

// account looks up a login. It is nil without error when nobody has it, also
// when it cannot be anybody's.
func (s *Service) account(ctx context.Context, login string) (*account, error) {
	l, err := ParseLogin(login)
	if err != nil {
		l = Login{Handle: "-"} // nobody's; the look-up costs the same
	}
	var row identitysql.PersonByLoginRow
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).PersonByLogin(ctx, identitysql.PersonByLoginParams{Email: l.Email, Handle: l.Handle})
		return err
	})
	if db.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up a person: %w", err)
	}
	if IsService(row.Email) {
		return nil, nil // nobody signs in as one
	}
	return &account{
		Profile: Profile{ID: id.User(row.ID), Email: row.Email, Handle: row.Handle, Name: row.Name},
		active:  row.State == "active", hash: row.PasswordHash,
	}, nil
}

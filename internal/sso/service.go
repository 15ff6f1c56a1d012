package sso

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/rounds"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Sealer keeps client secrets.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// People are those who sign in.
type People interface {
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
	IntroduceByEmail(ctx context.Context, tx *db.Tx, sc mfa.Scope, email, name string) (p identity.Profile, known bool, err error)
	SignInBySSO(ctx context.Context, tx *db.Tx, a identity.SSOArgs) (in identity.SignIn, ok bool, err error)
	RefuseSSO(ctx context.Context, tx *db.Tx, o identity.Origin, org identity.Membership, user id.User) error
	EndSSOSessions(ctx context.Context, tx *db.Tx, org identity.Membership, user id.User, request id.Request) (int, error)
	SessionSSO(ctx context.Context, tx *db.Tx, session id.WebSession) (id.Org, error)
}

// Members are where people belong.
type Members interface {
	Place(ctx context.Context, tx *db.Tx, p tenancy.Placement) (authz.Role, error)
	// OwnFactor tells whether a member proves a second factor of their own, even where the provider's is trusted.
	OwnFactor(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (bool, error)
}

// Dialer connects to providers; it knows which addresses are never dialled.
type Dialer interface {
	Dial(ctx context.Context, host string, port int) (net.Conn, error)
}

// Resolver reads the DNS.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Invitations are those that an organization has open.
type Invitations interface {
	// Match accepts the open invitation of an address whose person the provider has
	// proved; who makes them known. It tells whether there is one, and whether the rules
	// of the organization let them in by it.
	Match(ctx context.Context, tx *db.Tx, o identity.Origin, org id.Org, email string, who func() (id.User, error)) (invited, joined bool, err error)
}

// Groups follow what providers say of people; group.Service is one.
type Groups interface {
	SignedIn(ctx context.Context, tx *db.Tx, org id.Org, request id.Request, provider id.Provider, user id.User, named []string) error
	ProviderGone(ctx context.Context, tx *db.Tx, actor authz.Actor, provider id.Provider, stays bool) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log         *slog.Logger
	DB          *db.DB
	Ledger      Ledger
	Seal        Sealer
	People      People
	Members     Members
	Invitations Invitations         // nil: nobody is invited
	Groups      Groups              // nil: no group follows a provider
	Governance  *governance.Service // nil: no change waits for a second person
	Dialer      Dialer
	Resolver    Resolver // nil: the machine's
	PublicURL   string   // https://host:port, where browsers reach this server
	Now         func() time.Time
}

// Service is single sign-on. It is safe for concurrent use.
type Service struct {
	d Deps

	mu    sync.Mutex
	known map[id.Provider]*discovered // what providers said of themselves, for a while
}

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Seal == nil || d.People == nil || d.Members == nil || d.Dialer == nil || d.PublicURL == "" {
		return nil, errors.New("sso: DB, Ledger, Seal, People, Members, Dialer and PublicURL are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Resolver == nil {
		d.Resolver = net.DefaultResolver
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, known: map[id.Provider]*discovered{}}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

const sweepEvery = 10 * time.Minute

// Run deletes what nobody comes back for, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "sweep of single sign-on failed", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := ssosql.New(tx)
		now := s.d.Now()
		return errors.Join(
			q.DropOldFlows(ctx, db.Micros(now.Add(-24*time.Hour))),
			q.DropOldUsed(ctx, db.Micros(now)),
			q.DropOldBrowsers(ctx, db.Micros(now.Add(-30*24*time.Hour))),
		)
	})
}

// UserLeft forgets who a person is at the organization's providers, and ends what
// they were let in for. tenancy calls it when a membership ends.
func (s *Service) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	if _, err := ssosql.New(tx).DropIdentitiesOfUser(ctx, ssosql.DropIdentitiesOfUserParams{OrgID: string(org), UserID: string(user)}); err != nil {
		return fmt.Errorf("forget who %s is at the providers: %w", user, err)
	}
	name, err := ssosql.New(tx).OrganizationName(ctx, string(org))
	if err != nil {
		return fmt.Errorf("read the name of %s: %w", org, err)
	}
	_, err = s.d.People.EndSSOSessions(ctx, tx, identity.Membership{Org: org, Name: name}, user, act.Request())
	return err
}

// digest is what is kept of a random token.
func digest(kind, token string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-sso-" + kind + "/v1\x00" + token))
	return sum[:]
}

// derived is a secret of one flow that only the browser which began it can bring
// back: from its cookie, which no provider sees and the store does not hold.
func derived(browser string, flow id.Flow, use string) string {
	mac := hmac.New(sha256.New, []byte(browser))
	mac.Write([]byte("vaultpam-sso-" + use + "/v1\x00" + string(flow)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "somebody changed this meanwhile: look again").WithCode("CHANGED_MEANWHILE")
}

package signup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/signup/signupsql"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

const (
	linkLife       = time.Hour
	accessLife     = 30 * 24 * time.Hour
	linksPerHour   = 5 // to one address
	maxSubmissions = 10
	draftLife      = 30 * 24 * time.Hour
)

// State is where a case stands.
type State string

// The states. Approved and rejected are final.
const (
	Draft     State = "draft"
	Submitted State = "submitted"
	Returned  State = "returned" // for correction; it can be sent again
	Rejected  State = "rejected"
	Approved  State = "approved"
)

// Case is an organization that asks to be let in.
type Case struct {
	ID          id.Submission
	Email       string // of the applicant, proved
	State       State
	OrgName     string
	Slug        string
	Note        string
	Handle      string // of the owner to be
	Name        string
	Submissions int
	StartedAt   time.Time
	SubmittedAt time.Time // zero: not yet
	DecidedAt   time.Time // zero: not yet
	DecidedBy   id.User
	Comment     string
	Org         id.Org // what an approval made

	passwordHash string
	phone        id.PhoneVerification // of the number that they prove, or nothing
}

// Link is the message that proves an address.
type Link struct {
	To        string
	Token     secret.Secret
	ExpiresAt time.Time
}

// Queue queues a prepared message in the transaction of the act that it tells of.
type Queue = func(ctx context.Context, tx *db.Tx) error

// Mail writes to applicants. Each method is called outside of transactions.
type Mail interface {
	Link(ctx context.Context, l Link) (Queue, error)
	Approved(ctx context.Context, to, orgName, slug string) (Queue, error)
	Rejected(ctx context.Context, to, orgName string, mayResubmit bool, comment string) (Queue, error)
}

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// People knows persons and limits sources.
type People interface {
	Draft(ctx context.Context, n identity.NewPerson) (identity.Draft, error)
	ByHandle(ctx context.Context, login string) (identity.Profile, error)
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
	ProveEmail(ctx context.Context, tx *db.Tx, user id.User, email string) error
}

// Organizations makes organizations; tenancy.Service is one.
type Organizations interface {
	Plan(ctx context.Context, slug, name string, owner identity.Draft) (tenancy.Plan, error)
	Make(ctx context.Context, tx *db.Tx, act event.Act, p tenancy.Plan) (tenancy.Member, error)
	TellOwner(ctx context.Context, tx *db.Tx, request id.Request, org tenancy.Organization, owner identity.Profile) error
	SlugTaken(ctx context.Context, tx *db.Tx, slug string) (bool, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log           *slog.Logger
	DB            *db.DB
	Ledger        Ledger
	People        People
	Orgs          Organizations
	Mail          Mail
	Phones        Phones // nil: no number is asked for
	PhoneDemanded bool
	Closed        bool     // nobody can ask
	Domains       []string // of applicants' addresses, in canonical form; empty: any
	Now           func() time.Time
}

// Service keeps the organizations that ask. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.People == nil || d.Orgs == nil || d.Mail == nil {
		return nil, errors.New("signup: DB, Ledger, People, Orgs and Mail are needed")
	}
	if d.PhoneDemanded && d.Phones == nil {
		return nil, errors.New("signup: to demand telephone numbers Phones is needed")
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

// What the holders of a link, and of the waiting page that it opens, present.
var (
	linkToken   = secret.TokenKind{Prefix: "vpsl_", Use: "vaultpam-signup/v1"}
	accessToken = secret.TokenKind{Prefix: "vpsu_", Use: "vaultpam-signup/v1"}
)

func caseOf(r signupsql.Signup) Case {
	c := Case{ID: id.Submission(r.ID), Email: r.Email, State: State(r.State), OrgName: r.OrgName, Slug: r.Slug, Note: r.Note, Handle: r.Handle, Name: r.Name,
		Submissions: int(r.Submissions), StartedAt: db.Time(r.StartedAt), DecidedBy: id.User(r.DecidedBy), Comment: r.Comment, Org: id.Org(r.OrgIDMade), passwordHash: r.PasswordHash, phone: id.PhoneVerification(r.PhoneVerification)}
	if r.SubmittedAt != 0 {
		c.SubmittedAt = db.Time(r.SubmittedAt)
	}
	if r.DecidedAt != 0 {
		c.DecidedAt = db.Time(r.DecidedAt)
	}
	return c
}

func (s *Service) get(ctx context.Context, tx *db.Tx, sub id.Submission) (Case, error) {
	row, err := signupsql.New(tx).GetSignup(ctx, string(sub))
	if db.NotFound(err) {
		return Case{}, fault.New(fault.NotFound, "no such organization has asked to be let in")
	}
	if err != nil {
		return Case{}, fmt.Errorf("read submission %s: %w", sub, err)
	}
	return caseOf(row), nil
}

func (s *Service) read(ctx context.Context, sub id.Submission) (c Case, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = s.get(ctx, tx, sub)
		return err
	})
	return c, err
}

// allows tells whether applicants may have this address.
func (s *Service) allows(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return len(s.d.Domains) == 0 || slices.Contains(s.d.Domains, domain)
}

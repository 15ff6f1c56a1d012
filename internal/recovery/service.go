package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/recovery/recoverysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// How long each state lasts, and how often what may be done.
const (
	ProofLife    = time.Hour
	ApprovalLife = 72 * time.Hour
	GrantLife    = 15 * time.Minute
	maxProofs    = 5  // wrong answers to one proof
	maxCases     = 3  // of one person in a day
	maxNotified  = 20 // administrators who are told of one case
	maxComment   = 500
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// People is who signs in.
type People interface {
	FirstFactorOf(ctx context.Context, challenge secret.Secret, o identity.Origin) (identity.FirstFactor, error)
	Alone(ctx context.Context, tx *db.Tx, user id.User, org id.Org) (bool, error)
	StandingOf(ctx context.Context, tx *db.Tx, user id.User) (identity.Standing, error)
	OpenEnrolment(ctx context.Context, tx *db.Tx, by identity.FirstFactor, o identity.Origin) (identity.Session, error)
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
}

// Mail tells people.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log    *slog.Logger
	DB     *db.DB
	Ledger Ledger
	People People
	Mail   Mail
	Now    func() time.Time // nil: time.Now
}

// Service keeps recovery cases. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.People == nil || d.Mail == nil {
		return nil, errors.New("recovery: DB, Ledger, People and Mail are needed")
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

// State is how far a case has come.
type State string

// The states; the last four are ends.
const (
	Requested State = "requested"
	Pending   State = "pending"
	Approved  State = "approved"
	Consumed  State = "consumed"
	Completed State = "completed"
	Denied    State = "denied"
	Expired   State = "expired"
	Failed    State = "failed" // the proof was guessed at too often
)

// Case is one recovery as those see it who decide.
type Case struct {
	ID         id.Recovery
	Org        id.Org // empty: an operator of the platform
	Person     identity.Profile
	State      State
	ByProvider bool // an identity provider gave its word; else the password was given
	Lost       []string
	Source     string // the address that asked
	Comment    string
	DecidedBy  id.User
	CreatedAt  time.Time
	VerifiedAt time.Time // zero: not yet
	DecidedAt  time.Time // zero: not yet
	ExpiresAt  time.Time // of the present state
}

func zeroTime(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

// state is that of the row at now: what is due has ended, whether the clock's round
// has come to it or not.
func state(r recoverysql.MfaRecovery, now int64) State {
	if r.EndedAt == 0 && r.ExpiresAt <= now {
		return Expired
	}
	return State(r.State)
}

func caseOf(r recoverysql.MfaRecovery, p identity.Profile, now int64) Case {
	c := Case{ID: id.Recovery(r.ID), Org: id.Org(r.OrgID), Person: p, State: state(r, now), ByProvider: r.ProviderOrg != "", Lost: []string{}, Source: r.SourceIp, Comment: r.Comment,
		DecidedBy: id.User(r.DecidedBy), CreatedAt: db.Time(r.CreatedAt), VerifiedAt: zeroTime(r.VerifiedAt), DecidedAt: zeroTime(r.DecidedAt), ExpiresAt: db.Time(r.ExpiresAt)}
	if r.Lost != "" {
		c.Lost = strings.Split(r.Lost, " ")
	}
	return c
}

// seat is where a person's case is told and decided: the organization in which their
// role is strongest, and the platform for its operators.
func seat(st identity.Standing) identity.Membership {
	if st.PlatformRole.Valid() {
		return identity.Membership{}
	}
	var best identity.Membership
	for _, m := range st.Members {
		if best.Org == "" || rank(m.Role) < rank(best.Role) {
			best = m
		}
	}
	return best
}

func rank(r authz.Role) int { return slices.Index(authz.Roles(), r) }

// reaches tells whether a case reaches further than the organization whose provider
// gave its word: the factors of its person open others too. Provider, mailbox and
// administrator may all be in one hand there, so the platform decides such a case.
func (s *Service) reaches(ctx context.Context, tx *db.Tx, subject id.User, provider id.Org) (bool, error) {
	if provider == "" {
		return false, nil
	}
	alone, err := s.d.People.Alone(ctx, tx, subject, provider)
	return !alone, err
}

// deciders are those who may decide the case of subject, and in which queue it is
// then. There may be none.
func (s *Service) deciders(ctx context.Context, tx *db.Tx, subject id.User, at identity.Membership, provider id.Org) (who []identity.Profile, queue string, err error) {
	q := recoverysql.New(tx)
	beyond, err := s.reaches(ctx, tx, subject, provider)
	if err != nil {
		return nil, "", err
	}
	if at.Org != "" && !beyond {
		rows, err := q.DecidersIn(ctx, string(at.Org))
		if err != nil {
			return nil, "", fmt.Errorf("list who decides: %w", err)
		}
		for _, r := range rows {
			if id.User(r.ID) != subject && authz.Role(r.Role).Includes(at.Role) {
				who = append(who, identity.Profile{ID: id.User(r.ID), Email: r.Email, Handle: r.Handle, Name: r.Name})
			}
		}
		if len(who) > 0 {
			return who, "org", nil
		}
	}
	rows, err := q.DecidersOnPlatform(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("list who decides: %w", err)
	}
	for _, r := range rows {
		if id.User(r.ID) != subject {
			who = append(who, identity.Profile{ID: id.User(r.ID), Email: r.Email, Handle: r.Handle, Name: r.Name})
		}
	}
	return who, "platform", nil
}

// by is an act of the person whom a case is about. Before they are signed in they
// are nobody.
func by(o identity.Origin, org id.Org) event.Act { return event.By(o.Stranger(org), event.User) }

func target(c id.Recovery, p identity.Profile) event.GovernanceRef {
	return event.RecoveryTarget(c, p.Handle)
}

func (s *Service) mail(ctx context.Context, org id.Org, to identity.Profile, data notify.Data, expires time.Time) (notify.Prepared, error) {
	return s.d.Mail.Prepare(ctx, org, notify.Message{To: notify.Recipient{Email: to.Email, Name: to.Name}, Data: data, Expires: expires})
}

func sourceText(o identity.Origin) string {
	if !o.Source.IP.IsValid() {
		return ""
	}
	return o.Source.IP.Unmap().String()
}

// refused records a refusal and returns why.
func (s *Service) refused(ctx context.Context, why error, ev event.Event) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

// person is what a letter and an event call somebody.
func (s *Service) person(ctx context.Context, user id.User) (st identity.Standing, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.d.People.StandingOf(ctx, tx, user)
		return err
	})
	return st, err
}

// errElsewhere does not say where else its person belongs: that is not the organization's to know.
var errElsewhere = fault.New(fault.Denied, "this case cannot be approved here any more: deny it and let them ask again, an administrator of the platform decides then").WithCode("RECOVERY_ELSEWHERE")

var errClosed = fault.New(fault.Conflict, "this case is not waiting for a decision any more: look at it again").WithCode("RECOVERY_CLOSED")

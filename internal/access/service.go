package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Need is what opening a safe would ask of somebody who has every approval and a
// fresh second factor.
type Need struct {
	Access    safe.Access
	Approvals int       // 0: none is asked for
	Approvers []string  // words: safe, person:<id>, group:<id>; empty: safe
	Policy    id.Policy // that asks; empty: the settings of the safe
	OffHours  bool      // it could not be opened at that hour
	Refused   error     // nothing would let them in; otherwise nil
	Apart     bool      // of several uses: other people approve the one than the other
}

// Needs asks the one engine that decides launches. fault.NotFound when the safe is gone.
type Needs interface {
	Need(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, uses Uses, at time.Time) (Need, error)
	// Shut tells whether somebody has lost a safe, and does not only stand before it at
	// the wrong moment; lent when they have it from another.
	Shut(ctx context.Context, tx *db.Tx, user id.User, s id.Safe, lent bool) (bool, error)
}

// Tickets is the ticket system of an organization. Its errors are words for approvers.
type Tickets interface {
	TicketOpen(ctx context.Context, org id.Org, q notify.TicketQuestion) (bool, error)
}

// Credentials are those of the accounts that safes lead to.
type Credentials interface {
	// Due marks one as to be replaced.
	Due(ctx context.Context, tx *db.Tx, a id.Account) error
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
	Needs  Needs
	Mail   Mail
	Ticket Tickets // nil: there are none
	Vault  Credentials
	Wake   func()           // live sessions may have to end; nil: nobody waits
	Now    func() time.Time // nil: time.Now
}

// Service keeps requests, grants and delegations. It is safe for concurrent use.
type Service struct {
	d  Deps
	mu sync.Mutex
	// looked is what each loan rested on when its lender was last asked about.
	looked map[id.Delegation]footing
}

// New checks the parts. It starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Needs == nil || d.Mail == nil || d.Vault == nil {
		return nil, errors.New("access: DB, Ledger, Needs, Mail and Vault are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Wake == nil {
		d.Wake = func() {}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

const (
	maxText     = 500 // runes of a reason or comment
	maxComments = 200 // of one request
	maxNotified = 20  // people who are told of one request
)

// The codes of refusals, which programs may depend on.
const (
	CodeNotNeeded      = "APPROVAL_NOT_NEEDED"
	CodeDuplicate      = "REQUEST_OPEN"
	CodeNotEligible    = "NOT_ELIGIBLE"
	CodeOffHours       = "OUTSIDE_VALID_HOURS"
	CodeClosed         = "REQUEST_CLOSED"
	CodeChanged        = "VERSION_CONFLICT"
	CodeAlreadyDecided = "ALREADY_DECIDED"
	CodeSelfApproval   = "SELF_APPROVAL"
	CodeGrantOver      = "GRANT_OVER"
)

// Person is somebody as lists show them.
type Person struct {
	ID     id.User
	Handle string
	Name   string
	Email  string
}

// inOrg refuses who is not active in an organization.
func inOrg(actor authz.Actor) error {
	if actor.Org != "" {
		return nil
	}
	if err := authz.Check(actor, authz.AccessList, authz.Object{}); err != nil && actor.Kind != authz.Person && actor.Kind != authz.Token {
		return err
	}
	return fault.New(fault.Invalid, "access belongs to an organization: choose one first")
}

// listing is how much of a list to read, and before which id, for who may read lists.
func listing(actor authz.Actor, p page.Request) (read int32, before string, err error) {
	if err := inOrg(actor); err != nil {
		return 0, "", err
	}
	if err := authz.Check(actor, authz.AccessList, authz.Object{Org: actor.Org}); err != nil {
		return 0, "", err
	}
	if read, before, err = p.Resolve(); before == "" {
		before = "~" // after every id
	}
	return read, before, err
}

// as is in what capacity somebody acts on a request or grant of another person.
func as(actor authz.Actor, role authz.SafeRole) event.ActorType {
	if actor.Role == authz.Owner || actor.Role == authz.Admin || role == authz.SafeManager {
		return event.OrgAdmin
	}
	return event.User
}

// refuse records a refusal and returns why. Who is not signed in leaves none: the
// door has turned them away.
func (s *Service) refuse(ctx context.Context, actor authz.Actor, ev event.Event, why error) error {
	if !actor.Authenticated() || actor.Org == "" {
		return why
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

func checkText(field, text string, needed bool) error {
	wrong := label.Note(text)
	switch {
	case needed && strings.TrimSpace(text) == "":
		wrong = "is needed"
	case wrong == "" && len([]rune(text)) > maxText:
		wrong = fmt.Sprintf("must have at most %d characters", maxText)
	}
	if wrong != "" {
		return fault.New(fault.Invalid, "the %s %s", field, wrong).WithField(field, "%s", wrong)
	}
	return nil
}

// roleOn is somebody's own role on a safe.
func roleOn(ctx context.Context, tx *db.Tx, org id.Org, sid id.Safe, user id.User) (authz.SafeRole, error) {
	role, err := accesssql.New(tx).SafeRole(ctx, accesssql.SafeRoleParams{OrgID: string(org), SafeID: string(sid), UserID: string(user)})
	if db.NotFound(err) {
		return authz.NoSafeRole, nil
	}
	if err != nil {
		return authz.NoSafeRole, fmt.Errorf("read a role on safe %s: %w", sid, err)
	}
	return authz.SafeRole(role), nil
}

func zeroTime(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

// letter is one message to one person.
type letter struct {
	to      Person
	data    notify.Data
	expires time.Time
}

// prepare writes letters, outside of a transaction. Somebody who cannot be written to
// does not keep others from being told.
func (s *Service) prepare(ctx context.Context, org id.Org, list []letter) []notify.Prepared {
	var out []notify.Prepared
	for _, l := range list {
		p, err := s.d.Mail.Prepare(ctx, org, notify.Message{To: notify.Recipient{Email: l.to.Email, Name: l.to.Name}, Data: l.data, Expires: l.expires})
		if err != nil {
			s.d.Log.WarnContext(ctx, "somebody cannot be written to", "user_id", l.to.ID, "err", err)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (s *Service) queue(ctx context.Context, tx *db.Tx, list []notify.Prepared) error {
	for _, p := range list {
		if err := s.d.Mail.Queue(ctx, tx, p); err != nil {
			return err
		}
	}
	return nil
}

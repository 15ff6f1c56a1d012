package accessreview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/accessreview/accessreviewsql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// The limits of a campaign.
const (
	maxItems  = 12_000  // rights; the largest group has room
	maxAsked  = 100_000 // rights, each as often as there are people who review it
	maxNamed  = 50
	maxScope  = 200
	maxReason = 500
	longest   = 365 * 24 * time.Hour
	reminded  = 3 * 24 * time.Hour // before the deadline, at the earliest at half of the time
)

// Codes of refusals.
const (
	OwnRight = "OWN_RIGHT"
	NotOpen  = "REVIEW_NOT_OPEN"
	Decided  = "ALREADY_DECIDED"
	Nothing  = "NOTHING_TO_REVIEW"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Safes takes away what a review revokes on safes; safe.Service is one.
type Safes interface {
	ReviewedMember(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, user id.User) error
	ReviewedGroup(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, group id.Group) error
}

// Groups takes people out of groups; group.Service is one.
type Groups interface {
	ReviewedMember(ctx context.Context, tx *db.Tx, actor authz.Actor, group id.Group, user id.User) error
}

// Mail tells people; notify.Service is one.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log    *slog.Logger
	DB     *db.DB
	Ledger Ledger
	Safes  Safes
	Groups Groups
	Mail   Mail
	Ended  func()           // told after rights were taken away; may be nil
	Now    func() time.Time // nil: time.Now
}

// Service keeps the campaigns. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Safes == nil || d.Groups == nil || d.Mail == nil {
		return nil, errors.New("review: DB, Ledger, Safes, Groups and Mail are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Ended == nil {
		d.Ended = func() {}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// State is where a campaign stands.
type State string

// The states.
const (
	Open      State = "open"
	Closed    State = "closed"
	Cancelled State = "cancelled"
)

// Verdict is what somebody, or the rule, decides about a right.
type Verdict string

// The verdicts.
const (
	Keep   Verdict = "keep"
	Revoke Verdict = "revoke"
)

// Result is what became of a right.
type Result string

// The results.
const (
	Undecided Result = ""
	Kept      Result = "kept"
	Revoked   Result = "revoked"
	Stale     Result = "stale"  // it had changed; nothing was done
	Failed    Result = "failed" // a rule stopped the revocation
)

// Kind is a kind of right.
type Kind string

// The kinds.
const (
	SafeMember  Kind = "safe_member"
	SafeGroup   Kind = "safe_group"
	GroupMember Kind = "group_member"
)

// Scope is what a campaign is about.
type Scope struct {
	All    bool       `json:"all,omitempty"` // every safe and every group
	Safes  []id.Safe  `json:"safe_ids,omitempty"`
	Groups []id.Group `json:"group_ids,omitempty"`
}

// Campaign is one review of many rights.
type Campaign struct {
	ID            id.Review
	Org           id.Org
	Name          string
	Scope         Scope
	Reviewers     []id.User // empty: the managers of each safe
	Rule          Verdict
	State         State
	CreatedBy     id.User
	CreatedByName string
	CreatedAt     time.Time
	Deadline      time.Time
	RemindAt      time.Time // when who is still asked is reminded
	RemindedAt    time.Time // zero: not yet
	EndedAt       time.Time // zero: it has not
	Comment       string    // of who cancelled
	Progress      map[Result]int
	Mine          int // undecided rights that the reader is asked about
}

// Item is one right in a campaign, as it was when the campaign opened.
type Item struct {
	ID            id.ReviewItem
	Kind          Kind
	Safe          id.Safe
	SafeName      string
	Group         id.Group
	GroupName     string
	User          id.User
	UserName      string
	Role          string
	EndsAt        time.Time // zero: never
	Since         time.Time // zero: not known
	GroupSource   string    // local, or who keeps the group: sso, scim
	Verdict       Verdict   // empty: undecided
	Result        Result
	Note          string
	Reason        string
	DecidedBy     id.User // empty: the rule
	DecidedByName string
	DecidedAt     time.Time
	Event         id.Event
	Own           bool // the reader's own right, which others decide
	MayDecide     bool // the reader, now
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

func campaign(r accessreviewsql.AccessReview) (Campaign, error) {
	c := Campaign{ID: id.Review(r.ID), Org: id.Org(r.OrgID), Name: r.Name, Rule: Verdict(r.Rule), State: State(r.State), CreatedBy: id.User(r.CreatedBy), CreatedByName: r.CreatedByName,
		CreatedAt: db.Time(r.CreatedAt), Deadline: db.Time(r.Deadline), RemindAt: moment(r.RemindAt), RemindedAt: moment(r.RemindedAt), EndedAt: moment(r.EndedAt), Comment: r.Comment, Progress: map[Result]int{}}
	if err := json.Unmarshal([]byte(r.Scope), &c.Scope); err != nil {
		return c, fmt.Errorf("read the scope of %s: %w", c.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Reviewers), &c.Reviewers); err != nil {
		return c, fmt.Errorf("read the reviewers of %s: %w", c.ID, err)
	}
	return c, nil
}

func item(r accessreviewsql.AccessReviewItem) Item {
	return Item{ID: id.ReviewItem(r.ID), Kind: Kind(r.Kind), Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Group: id.Group(r.GroupID), GroupName: r.GroupName,
		User: id.User(r.UserID), UserName: r.UserName, Role: r.Role, EndsAt: moment(r.EndsAt), Since: moment(r.Since), GroupSource: r.GroupSource, Verdict: Verdict(r.Verdict), Result: Result(r.Result), Note: r.Note,
		Reason: r.Reason, DecidedBy: id.User(r.DecidedBy), DecidedByName: r.DecidedByName, DecidedAt: moment(r.DecidedAt), Event: id.Event(r.EventID)}
}

func check(actor authz.Actor, a authz.Action) error {
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	return authz.Check(actor, a, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org})
}

func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody || actor.Org == "" {
		return why
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

func noReview(r id.Review) error {
	return fault.New(fault.NotFound, "no access review %.64q here", r)
}

func errNotOpen() error {
	return fault.New(fault.Conflict, "this access review is over").WithCode(NotOpen)
}

func actsAs(actor authz.Actor) event.ActorType {
	if actor.Role == authz.Owner || actor.Role == authz.Admin {
		return event.OrgAdmin
	}
	return event.User
}

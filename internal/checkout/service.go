package checkout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout/checkoutsql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
	HealthyFor(org id.Org) error
}

// Policies decides who may; policy.Service does.
type Policies interface {
	Ask(ctx context.Context, tx *db.Tx, a policy.Asker, s id.Safe) (policy.Verdict, error)
}

// Vault keeps the credentials; vault.Service does.
type Vault interface {
	Find(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (vault.Account, error)
	Reveal(ctx context.Context, actor authz.Actor, a id.Account, c id.Checkout, through id.Safe, kept func(context.Context, *db.Tx, int64) error) (vault.Credential, error)
}

// Rotation is told of an account whose credential somebody has seen and has no longer,
// in the transaction in which the checkout ends; vault.Service marks it as due.
type Rotation interface {
	Due(ctx context.Context, tx *db.Tx, a id.Account) error
}

// Grants are the approvals through which checkouts are opened; access.Service keeps them.
type Grants interface {
	// HoldForCheckout tells whether a grant still opens a checkout; until the transaction
	// is over, no other one does.
	HoldForCheckout(ctx context.Context, tx *db.Tx, user id.User, s id.Safe, g id.AccessGrant) (bool, error)
	// SpentOnCheckout tells whether somebody has an approval for one use, and has used it.
	SpentOnCheckout(ctx context.Context, tx *db.Tx, user id.User, s id.Safe) (bool, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log      *slog.Logger
	DB       *db.DB
	Ledger   Ledger
	Policies Policies
	Grants   Grants
	Vault    Vault
	Rotation Rotation
	Now      func() time.Time // nil: time.Now
}

// Service keeps the checkouts. It is safe for concurrent use.
type Service struct {
	d  Deps
	mu sync.Mutex
	// looked is what each holder's right rested on when it was last decided.
	looked map[id.Checkout]footing
}

// New checks the parts. It starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Policies == nil || d.Grants == nil || d.Vault == nil || d.Rotation == nil {
		return nil, errors.New("checkout: DB, Ledger, Policies, Grants, Vault and Rotation are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, looked: map[id.Checkout]footing{}}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// The codes of refusals, which programs may depend on.
const (
	CodeCheckedOut       = "CHECKED_OUT" // by somebody, or by oneself
	CodeOver             = "CHECKOUT_OVER"
	CodeApprovalRequired = "APPROVAL_REQUIRED"
	CodeOutsideHours     = "OUTSIDE_VALID_HOURS"
	CodeSourceNotAllowed = "SOURCE_NOT_ALLOWED"
	CodeMFARequired      = "MFA_REQUIRED" // of an API token, which has no second factor
	CodeAccountDisabled  = "ACCOUNT_DISABLED"
	CodePolicyDenied     = "POLICY_DENIED"
	CodeAuditUnavailable = "AUDIT_UNAVAILABLE"
)

// EndedBy is what ended a checkout.
type EndedBy string

// The ends.
const (
	Holder          EndedBy = "holder"
	Admin           EndedBy = "admin" // a person's order, or that the holder lost the right
	Expiry          EndedBy = "expiry"
	AccountDisabled EndedBy = "account_disabled"
	Failed          EndedBy = "failed" // the credential was never shown
)

// Checkout is a credential that somebody holds, or held. It never carries the secret.
type Checkout struct {
	ID            id.Checkout
	Safe          id.Safe
	SafeName      string
	Account       id.Account
	AccountName   string
	Username      string // at the target
	Kind          vault.Kind
	User          id.User
	UserName      string
	UserEmail     string
	Token         id.Token // that opened it for them
	TokenName     string
	SourceIP      string
	Request       id.AccessReq // through which it was opened; empty: by their own role
	Reason        string
	Ticket        string
	StartedAt     time.Time
	ExpiresAt     time.Time
	HandedAt      time.Time // zero: the credential was not shown
	SecretVersion int64     // that was shown last
	Reveals       int
	EndedAt       time.Time // zero: it is open
	EndedBy       EndedBy
	EndedByName   string // of the person
	EndComment    string
}

// Shown is a checkout with its credential in the clear: for one answer, then Wipe it.
type Shown struct {
	Checkout
	Credential vault.Credential
}

func checkoutOf(r checkoutsql.GetCheckoutRow) Checkout {
	return Checkout{ID: id.Checkout(r.ID), Safe: id.Safe(r.SafeID), SafeName: r.SafeName, Account: id.Account(r.AccountID), AccountName: r.AccountName, Username: r.Username,
		Kind: vault.Kind(r.CredentialKind), User: id.User(r.UserID), UserName: r.UserName, UserEmail: r.UserEmail, Token: id.Token(r.TokenID), TokenName: r.TokenName,
		SourceIP: r.SourceIp, Request: id.AccessReq(r.AccessRequestID), Reason: r.Reason, Ticket: r.Ticket, StartedAt: db.Time(r.StartedAt), ExpiresAt: db.Time(r.ExpiresAt),
		HandedAt: timeOf(r.HandedAt), SecretVersion: r.SecretVersion, Reveals: int(r.Reveals), EndedAt: timeOf(r.EndedAt), EndedBy: EndedBy(r.EndedBy),
		EndedByName: r.EndedByName, EndComment: r.EndComment}
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

func (c Checkout) target() event.AccountRef { return event.AccountTarget(c.Account, c.AccountName) }

const maxText = 500 // runes of a reason or comment

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

// mayList refuses who may see no checkouts at all.
func mayList(actor authz.Actor) error {
	if actor.Org == "" && (actor.Kind == authz.Person || actor.Kind == authz.Token) {
		return fault.New(fault.Invalid, "checkouts belong to an organization: choose one first")
	}
	return authz.Check(actor, authz.CheckoutList, authz.Object{Org: actor.Org})
}

func notFound(c id.Checkout) error {
	return fault.New(fault.NotFound, "there is no checkout %.64q that you may see", c)
}

// read gives a checkout that the actor may see, and what it is to them.
func (s *Service) read(ctx context.Context, tx *db.Tx, actor authz.Actor, c id.Checkout) (Checkout, authz.Object, error) {
	q := checkoutsql.New(tx)
	row, err := q.GetCheckout(ctx, checkoutsql.GetCheckoutParams{OrgID: string(actor.Org), ID: string(c)})
	if db.NotFound(err) {
		return Checkout{}, authz.Object{}, notFound(c)
	}
	if err != nil {
		return Checkout{}, authz.Object{}, fmt.Errorf("read checkout %s: %w", c, err)
	}
	role, err := q.SafeRole(ctx, checkoutsql.SafeRoleParams{OrgID: row.OrgID, SafeID: row.SafeID, UserID: string(actor.User)})
	if err != nil && !db.NotFound(err) {
		return Checkout{}, authz.Object{}, fmt.Errorf("read a role on safe %s: %w", row.SafeID, err)
	}
	o := authz.Object{ID: row.SafeID, Org: actor.Org, SafeRole: authz.SafeRole(role), Owner: id.User(row.UserID)}
	if !authz.May(actor, authz.CheckoutView, o) {
		return Checkout{}, o, notFound(c)
	}
	return checkoutOf(row), o, nil
}

// Get gives one checkout: one's own, that of a safe which one manages, and for owners,
// admins and auditors every one. Others are fault.NotFound.
func (s *Service) Get(ctx context.Context, actor authz.Actor, c id.Checkout) (Checkout, error) {
	if err := mayList(actor); err != nil {
		return Checkout{}, err
	}
	var out Checkout
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = s.read(ctx, tx, actor, c)
		return err
	})
	return out, err
}

// Filter narrows a list. Zero fields do not.
type Filter struct {
	Active  bool // only open ones
	Safe    id.Safe
	Account id.Account
	User    id.User
	Request id.AccessReq
}

// List gives the checkouts that the actor may see, newest first; the rule is that of Get.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Checkout], error) {
	var none page.List[Checkout]
	if err := mayList(actor); err != nil {
		return none, err
	}
	read, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = "~" // after every id
	}
	var out []Checkout
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := checkoutsql.New(tx).ListCheckouts(ctx, checkoutsql.ListCheckoutsParams{OrgID: string(actor.Org), Before: before, Active: f.Active, SafeID: string(f.Safe),
			AccountID: string(f.Account), UserID: string(f.User), RequestID: string(f.Request), Me: string(actor.User), Read: read,
			Whole: authz.May(actor, authz.CheckoutView, authz.Object{Org: actor.Org})})
		out = make([]Checkout, 0, len(rows))
		for _, r := range rows {
			out = append(out, checkoutOf(checkoutsql.GetCheckoutRow(r)))
		}
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list checkouts: %w", err)
	}
	return page.Cut(out, read, func(c Checkout) string { return string(c.ID) }), nil
}

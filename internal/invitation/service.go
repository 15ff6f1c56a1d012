package invitation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation/invitationsql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Life is how long an invitation can be accepted after its newest message.
const Life = 7 * 24 * time.Hour

const (
	flowLife    = time.Hour
	resendPause = time.Minute // between two messages of one invitation
	maxResends  = 20
	maxPending  = 5000 // of one organization
	maxSafes    = 50   // of one invitation
	keepFlows   = 30 * 24 * time.Hour
)

// State is where an invitation stands.
type State string

// The states. Pending is the only one that is not final.
const (
	Pending  State = "pending"
	Accepted State = "accepted"
	Revoked  State = "revoked"
	Expired  State = "expired"
)

// Place is a safe that an invitation brings, and the role there.
type Place struct {
	Safe id.Safe        `json:"safe_id"`
	Role authz.SafeRole `json:"role"`
}

// Invitation is somebody who is asked to join.
type Invitation struct {
	ID         id.Invitation
	Email      string
	Role       authz.Role
	Safes      []Place
	RequireMFA bool // who accepts must have proved a second factor of their own
	State      State
	Inviter    identity.Profile
	CreatedAt  time.Time
	SentAt     time.Time
	ExpiresAt  time.Time
	Resends    int
	EndedAt    time.Time // zero while pending
	Member     id.User   // who accepted

	org          id.Org
	orgName      string
	orgSlug      string
	orgActive    bool
	inviterToken id.Token
	inviterIP    string
}

// Letter is the message that brings a link.
type Letter struct {
	To        string
	OrgName   string
	Inviter   string
	Role      authz.Role
	Support   string        // whom people can ask; may be empty
	Token     secret.Secret // the link ends in it
	ExpiresAt time.Time
}

// Mail sends messages. Prepare is called outside of transactions; what it returns
// queues the message in the transaction of the change that it tells of.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, l Letter) (queue func(ctx context.Context, tx *db.Tx) error, err error)
}

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Folder records repeats that an outsider can cause.
type Folder interface {
	Record(ctx context.Context, key ledger.FoldKey, build func(coalesced int) event.Event) error
}

// People makes persons known, signs them in, and limits sources.
type People interface {
	Draft(ctx context.Context, n identity.NewPerson) (identity.Draft, error)
	Introduce(ctx context.Context, tx *db.Tx, sc mfa.Scope, d identity.Draft) (p identity.Profile, known bool, err error)
	ByHandle(ctx context.Context, login string) (identity.Profile, error)
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
	SignIn(ctx context.Context, a identity.SignInArgs) (identity.SignIn, error)
	ProveEmail(ctx context.Context, tx *db.Tx, user id.User, email string) error
	SessionSSO(ctx context.Context, tx *db.Tx, session id.WebSession) (id.Org, error)
	EmailProved(ctx context.Context, tx *db.Tx, user id.User, email string) (bool, error)
}

// Members keeps the organization's members and the rules for new ones.
type Members interface {
	Rules(ctx context.Context, tx *db.Tx, org id.Org) (tenancy.JoinRules, error)
	// Gate is Rules for a transaction that takes a seat: no other does until it ends.
	Gate(ctx context.Context, tx *db.Tx, org id.Org) (tenancy.JoinRules, error)
	RoleOf(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (authz.Role, error)
	IsMember(ctx context.Context, tx *db.Tx, org id.Org, email string) (bool, error)
	Join(ctx context.Context, tx *db.Tx, org id.Org, user id.User, role authz.Role, requireMFA bool) error
}

// Safes knows the safes that invitations bring.
type Safes interface {
	// Invitable fails when there is no such safe, or no such role.
	Invitable(ctx context.Context, tx *db.Tx, org id.Org, s id.Safe, role authz.SafeRole) error
	// Welcome makes a new member of the organization a member of a safe. One that is
	// gone by now is passed over.
	Welcome(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, s id.Safe, user id.User, role authz.SafeRole, by id.User) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Governance *governance.Service // nil: nothing waits for a second person

	Log     *slog.Logger
	DB      *db.DB
	Ledger  Ledger
	Folder  Folder
	People  People
	Members Members
	Safes   Safes
	Mail    Mail
	Now     func() time.Time
}

// Service keeps invitations. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing and starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Folder == nil || d.People == nil || d.Members == nil || d.Safes == nil || d.Mail == nil {
		return nil, errors.New("invitation: DB, Ledger, Folder, People, Members, Safes and Mail are needed")
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

func (i Invitation) target() event.InvitationRef { return event.InvitationTarget(i.ID, i.Email) }

// over tells whether the clock has ended a pending invitation.
func (i Invitation) over(now time.Time) bool { return !now.Before(i.ExpiresAt) }

func fromRow(r invitationsql.GetInvitationRow) (Invitation, error) {
	i := Invitation{
		ID: id.Invitation(r.ID), Email: r.Email, Role: authz.Role(r.Role), RequireMFA: r.RequireMfa, State: State(r.State),
		Inviter:   identity.Profile{ID: id.User(r.InviterID), Handle: r.InviterHandle, Name: r.InviterName},
		CreatedAt: db.Time(r.CreatedAt), SentAt: db.Time(r.SentAt), ExpiresAt: db.Time(r.ExpiresAt), Resends: int(r.Resends), Member: id.User(r.MemberID),
		org: id.Org(r.OrgID), orgName: r.OrgName, orgSlug: r.OrgSlug, orgActive: r.OrgState == "active",
		inviterToken: id.Token(r.InviterToken), inviterIP: r.InviterIp,
	}
	if r.EndedAt != 0 {
		i.EndedAt = db.Time(r.EndedAt)
	}
	if err := json.Unmarshal([]byte(r.Safes), &i.Safes); err != nil {
		return Invitation{}, fmt.Errorf("invitation %s: read its safes: %w", r.ID, err)
	}
	return i, nil
}

func (s *Service) get(ctx context.Context, tx *db.Tx, org id.Org, inv id.Invitation) (Invitation, error) {
	row, err := invitationsql.New(tx).GetInvitation(ctx, invitationsql.GetInvitationParams{OrgID: string(org), ID: string(inv)})
	if db.NotFound(err) {
		return Invitation{}, fault.New(fault.NotFound, "no such invitation in this organization")
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("read invitation %s: %w", inv, err)
	}
	return fromRow(row)
}

// read is get in a transaction of its own.
func (s *Service) read(ctx context.Context, org id.Org, inv id.Invitation) (out Invitation, err error) {
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.get(ctx, tx, org, inv)
		return err
	})
	return out, err
}

// refused records a refusal and returns why.
func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody || actor.Org == "" {
		return why // turned away by the door, or there is no ledger that it could concern
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

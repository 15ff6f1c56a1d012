package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Field is one thing that a change changes. A secret shows as set, replaced or cleared.
type Field struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Change is a sensitive change, as the domain that would make it describes it.
type Change struct {
	Kind    string  // the name of a Kind
	Subject string  // id of what changes
	Name    string  // of the subject
	Summary string  // completes "Ada asks to ..."
	Fields  []Field // all that changes
	Payload any     // what the Kind's effect needs; kept as sealed JSON
}

// Kind is a sort of change that waits for a second person.
type Kind struct {
	Name  string // as "recording_off"
	Title string // as "Turn recording off"

	ready func(ctx context.Context, p Permit, payload []byte) (Effect, error)
	read  func(ctx context.Context, tx *db.Tx, org id.Org, payload []byte) ([]Field, error) // nil: nothing that it would change can change meanwhile
}

// Effect makes a change in the transaction that approves it, and gives the event that tells it.
type Effect func(ctx context.Context, tx *db.Tx) (id.Event, error)

// NewKind makes a kind whose changes carry a T. ready is called outside of transactions,
// for what must not happen in one, such as sealing or writing a letter.
func NewKind[T any](name, title string, ready func(ctx context.Context, p Permit, payload T) (Effect, error)) Kind {
	return Kind{Name: name, Title: title, ready: func(ctx context.Context, p Permit, payload []byte) (Effect, error) {
		var v T
		if err := json.Unmarshal(payload, &v); err != nil {
			return nil, fmt.Errorf("read the payload of a governance action: %w", err)
		}
		return ready(ctx, p, v)
	}}
}

// Direct is for kinds that need nothing outside of the transaction.
func Direct[T any](name, title string, apply func(ctx context.Context, tx *db.Tx, p Permit, payload T) (id.Event, error)) Kind {
	return NewKind(name, title, func(_ context.Context, p Permit, v T) (Effect, error) {
		return func(ctx context.Context, tx *db.Tx) (id.Event, error) { return apply(ctx, tx, p, v) }, nil
	})
}

// Reading gives a kind a way to say, before anybody decides, what its change would change by
// now. read changes nothing; an error of it that is a fault of the caller's is what has changed.
func Reading[T any](k Kind, read func(ctx context.Context, tx *db.Tx, org id.Org, payload T) ([]Field, error)) Kind {
	k.read = func(ctx context.Context, tx *db.Tx, org id.Org, payload []byte) ([]Field, error) {
		var v T
		if err := json.Unmarshal(payload, &v); err != nil {
			return nil, fmt.Errorf("read the payload of a governance action: %w", err)
		}
		return read(ctx, tx, org, v)
	}
	return k
}

// Permit is the second person's word for one change. The zero Permit is that nobody has
// given theirs; only the queue makes others.
type Permit struct {
	action  id.Governance
	actor   authz.Actor
	kind    string
	subject string
	fields  []Field
}

// Given tells whether a second person has agreed.
func (p Permit) Given() bool { return p.action != "" }

// Action is the action that was agreed to.
func (p Permit) Action() id.Governance { return p.action }

// Actor is who asked for the change, with the role that they have now; the effect is theirs.
func (p Permit) Actor() authz.Actor { return p.actor }

// needed is Demand's answer that a second person has to agree first.
type needed struct{ Change }

func (n *needed) Error() string { return "a second person has to agree: " + n.Summary }

// Needed tells whether err is Demand's answer that a second person has to agree first.
func Needed(err error) bool {
	var n *needed
	return errors.As(err, &n)
}

// Waiting is the answer to a change that was filed: it is done when somebody approves.
type Waiting struct{ Action Action }

func (w *Waiting) Error() string {
	return fmt.Sprintf("this waits for a second person until %s: another owner or administrator approves or rejects %s",
		w.Action.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), w.Action.ID)
}

// stale is Demand's answer that the change is another one than was agreed to.
type stale struct{ what string }

func (s *stale) Error() string { return "what was asked for has changed meanwhile: " + s.what }

// differing says in what the change that would be made now differs from what was asked for.
func differing(asked, now []Field) string {
	by := func(all []Field, name string) (Field, bool) {
		i := slices.IndexFunc(all, func(f Field) bool { return f.Field == name })
		if i < 0 {
			return Field{}, false
		}
		return all[i], true
	}
	var out []string
	for _, a := range asked {
		switch n, ok := by(now, a.Field); {
		case !ok:
			out = append(out, fmt.Sprintf("%s is %s already", a.Field, shown(a.To)))
		case n.From != a.From:
			out = append(out, fmt.Sprintf("%s was %s and is %s now", a.Field, shown(a.From), shown(n.From)))
		case n.To != a.To:
			out = append(out, fmt.Sprintf("%s would become %s and not %s", a.Field, shown(n.To), shown(a.To)))
		}
	}
	for _, n := range now {
		if _, ok := by(asked, n.Field); !ok {
			out = append(out, fmt.Sprintf("%s was %s and is %s now", n.Field, shown(n.To), shown(n.From)))
		}
	}
	return strings.Join(out, "; ")
}

func shown(v string) string {
	if v == "" {
		return "empty"
	}
	if r := []rune(v); len(r) > 80 {
		return string(r[:80]) + "..."
	}
	return v
}

// State is what became of an action.
type State string

// The states; all but the first are ends.
const (
	Open       State = "open"
	Approved   State = "approved"
	Rejected   State = "rejected"
	Withdrawn  State = "withdrawn"
	Expired    State = "expired"
	Superseded State = "superseded" // what it would have changed had changed meanwhile
)

// States are all states.
func States() []State { return []State{Open, Approved, Rejected, Withdrawn, Expired, Superseded} }

// Action is a sensitive change that waits for a second person, or did.
type Action struct {
	ID            id.Governance
	Org           id.Org
	OrgName       string // across organizations only
	OrgSlug       string
	Kind          string
	Title         string // of the kind
	Subject       string
	SubjectName   string
	Summary       string
	Fields        []Field
	Digest        string // SHA-256 of what is to be applied, in hex
	State         State
	RequestedBy   id.User
	RequesterName string
	Token         id.Token // by which it was asked for; empty: in person
	Issuer        id.User  // who made that token, where it is a service account's
	CreatedAt     time.Time
	ExpiresAt     time.Time
	DecidedBy     id.User // empty: the clock, or staleness
	DecidedByName string
	DecidedAt     time.Time
	Comment       string
	Note          string   // superseded: what had changed
	Effect        id.Event // approved: the event that tells the effect
	OutOfDate     string   // open: what has changed since it was asked for; approving it would do nothing

	sealed []byte
}

// AskedBy tells whether the actor has asked for it: in person, by a token of theirs, or by one
// that they made for a service account.
func (a Action) AskedBy(actor authz.Actor) bool {
	return actor.Behind(a.RequestedBy) || actor.Behind(a.Issuer)
}

// MayDecide tells whether the actor's part in the action lets them decide it; their rights do the rest.
func (a Action) MayDecide(actor authz.Actor) bool {
	return a.State == Open && actor.Kind == authz.Person && !a.AskedBy(actor)
}

// The stable codes of the faults.
const (
	Duplicate    = "GOVERNANCE_DUPLICATE"
	Closed       = "GOVERNANCE_CLOSED"
	Stale        = "GOVERNANCE_STALE"
	SelfApproval = "SELF_APPROVAL"
	TooMany      = "GOVERNANCE_LIMIT"
)

var errClosed = fault.New(fault.Conflict, "this action is not waiting for a decision any more: look at it again").WithCode(Closed)

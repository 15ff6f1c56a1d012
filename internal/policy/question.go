package policy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Question is all that a decision depends on, besides the organization's policies.
// It is kept with each launch, so that the launch can be decided again under other
// policies.
type Question struct {
	Org    id.Org `json:"-"`
	Who    Person `json:"who"`
	Safe   Target `json:"safe"`
	Moment Moment `json:"moment"`
	Use    Use    `json:"use,omitempty"`
}

// Use is what somebody wants of a safe.
type Use string

// The uses. The zero Use is a session.
const (
	ForSession  Use = "session"
	ForCheckout Use = "checkout" // its credential is shown to them
)

func (u Use) word() Use {
	if u == "" {
		return ForSession
	}
	return u
}

// action is what package authz calls the use, and role the least one that has it.
func (u Use) action() (authz.Action, authz.SafeRole) {
	if u == ForCheckout {
		return authz.SecretReveal, authz.SafeCheckout
	}
	return authz.SessionLaunch, authz.SafeUser
}

// Person is who asks.
type Person struct {
	ID     id.User    `json:"id"`
	Handle string     `json:"handle"`
	Email  string     `json:"email"`
	Role   authz.Role `json:"role"` // in the organization
	Groups []id.Group `json:"groups,omitempty"`
	Token  bool       `json:"token,omitempty"` // an API token acts for them
	Scopes []string   `json:"scopes,omitempty"`
}

// Target is the safe that they want to open, and what it leads to.
type Target struct {
	ID             id.Safe        `json:"id"`
	Name           string         `json:"name"`
	Role           authz.SafeRole `json:"role"` // of the person; empty: not a member
	Type           string         `json:"type"` // protocol
	ResourceName   string         `json:"resource_name"`
	Host           string         `json:"host"`
	Labels         []string       `json:"labels,omitempty"` // of the resource, as "env=prod"
	AccountEnabled bool           `json:"account_enabled"`
	Settings       safe.Policy    `json:"-"`
	Version        int64          `json:"-"` // of the safe; with its id it names Settings; 0: of no stored safe
}

// Moment is when and from where.
type Moment struct {
	At     time.Time  `json:"at"`
	Source netip.Addr `json:"source"` // the zero address is unknown
	MFAAge int64      `json:"mfa_age"`
	Ticket string     `json:"ticket,omitempty"`
	Grants []Grant    `json:"grants,omitempty"` // of this person for this safe and use
}

// NeverProved is the MFAAge of who has proved no second factor.
const NeverProved int64 = 9_999_999_999

// MFAAge is how many seconds before at a second factor was proved at mfaAt.
func MFAAge(mfaAt, at time.Time) int64 {
	if mfaAt.IsZero() || mfaAt.After(at) {
		return NeverProved
	}
	return int64((at.Sub(mfaAt) + time.Second - 1) / time.Second)
}

// Grant is an access request that was approved.
type Grant struct {
	ID         id.AccessGrant `json:"id"`
	Request    id.AccessReq   `json:"request"`
	Until      time.Time      `json:"until"` // not included
	ApprovedBy []id.User      `json:"approved_by"`
	Ticket     string         `json:"ticket,omitempty"`
	Waived     bool           `json:"waived,omitempty"`    // no person was asked, and none need be
	Emergency  bool           `json:"emergency,omitempty"` // and everything is recorded

	Delegation id.Delegation `json:"delegation,omitempty"` // it was not asked for: somebody lends it, and nobody has approved
	Uses       []Use         `json:"-"`                    // that it is for; of what is lent: sessions alone
	NeedsLoan  bool          `json:"-"`                    // it was asked for by who has the safe lent only
	Lenders    []id.User     `json:"-"`                    // from whom it comes, the nearest first; the last has it on their own
}

// active is the first grant that holds at the moment and was approved by enough people.
func (m Moment) active(approvals int) (Grant, bool) {
	for _, g := range m.Grants {
		if m.At.Before(g.Until) && (g.Waived || len(g.ApprovedBy) >= approvals) {
			return g, true
		}
	}
	return Grant{}, false
}

// covers tells whether a grant is for a use.
func (g Grant) covers(u Use) bool {
	if len(g.Uses) == 0 {
		return u.word() == ForSession
	}
	return slices.Contains(g.Uses, u.word())
}

// ticket is what was named at the launch, or in an approved request.
func (m Moment) ticket() string {
	if m.Ticket != "" {
		return m.Ticket
	}
	for _, g := range m.Grants {
		if m.At.Before(g.Until) && g.Ticket != "" {
			return g.Ticket
		}
	}
	return ""
}

// role is the person's role on the safe; an approved request counts as the least one
// that has the use which it is for.
func (q *Question) role() authz.SafeRole {
	if _, least := q.Use.action(); q.Safe.Role.Rank() < least.Rank() {
		if _, ok := q.Moment.active(0); ok {
			return least
		}
	}
	return q.Safe.Role
}

// Outcome is what was decided.
type Outcome string

// The outcomes.
const (
	Allowed         Outcome = "allow"
	Denied          Outcome = "deny"
	ApprovalNeeded  Outcome = "require_approval"
	kindBuiltin             = "builtin"
	kindSafe                = "safe"
	kindOrg                 = "organization"
	kindRole                = "role"
	kindAccount             = "account"
	builtinPrefix           = "builtin:"
	safeSettingName         = "settings"
)

// Why is the class of a refusal, from which its code and words follow.
type Why string

// The classes. The zero Why is no refusal.
const (
	NotRefused      Why = ""
	NotPermitted    Why = "not_permitted"       // the rights of roles refuse; the error tells
	AccountDisabled Why = "account_disabled"    //
	OutsideHours    Why = "outside_valid_hours" // another hour would change the answer
	WrongSource     Why = "source_not_allowed"  // another network may change it
	MFARequired     Why = "mfa_required"        // a fresh second factor would change it
	NoApproval      Why = "no_approval"         // an approval would change it
	PolicyDenies    Why = "policy_denied"       // a policy of the organization denies
	NothingPermits  Why = "no_policy_permits"   // the safe is governed, and no policy that allows matches
	BrokenPolicy    Why = "policy_error"        // a policy could not be evaluated: fails closed
)

// Reason is one policy that determined the decision.
type Reason struct {
	ID        string // pol_..., or builtin:members
	Kind      string // organization, safe, builtin, role or account
	Name      string
	Version   int64
	Statement string // its @id or number in the text
	Effect    Effect
	Message   string // what its author wants the person to be told
	Why       Why    // of a deny: what would have to be different
}

// Approval is what a decision waits for.
type Approval struct {
	Count     int
	Approvers []Approver
	Policy    id.Policy // that asks for it
}

// Decision is the answer to a Question.
type Decision struct {
	Use        Use // that was asked for
	Outcome    Outcome
	Why        Why
	Reasons    []Reason // those that determined it, in the order of their weight
	Approval   *Approval
	Grant      id.AccessGrant // that the permission rests on
	Request    id.AccessReq   // by which that was opened
	Delegation id.Delegation  // that it rests on instead
	Settings   safe.Policy    // of the session: the safe's, narrowed by the options of the policy that let in
	By         id.Policy      // the organization's policy that let in or refused; empty: the product's own rules
	ByName     string
	Set        int64 // version of the organization's policies
	err        error // NotPermitted: what package authz says
}

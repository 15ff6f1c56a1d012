package safe

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Role is what a member may do with a safe.
type Role = authz.SafeRole

// The roles, weakest first; each holds what those before it hold. NoRole is the
// absence of membership.
const (
	NoRole   = authz.NoSafeRole
	User     = authz.SafeUser     // launch
	Checkout = authz.SafeCheckout // launch and reveal
	Approver = authz.SafeApprover // decide requests
	Manager  = authz.SafeManager  // edit members and settings
)

// Safe binds members, a resource, an account on it and a policy.
type Safe struct {
	ID          id.Safe
	Org         id.Org
	Name        string // unique in the organization; a DNS label, because it is typed in `ssh handle+name@gateway`
	Description string
	Resource    ResourceRef
	Account     AccountRef
	PolicyID    id.Policy
	Policy      Policy
	Version     int64 // grows with every change; give it back to change what you saw
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// ResourceRef is the resource of a safe, as lists show it.
type ResourceRef struct {
	ID       id.Resource
	Name     string
	Protocol string
	Host     string
	Port     int
	Pinned   bool     // a host key of it is confirmed
	Labels   []string // as "env=prod"
}

// AccountRef is the account of a safe, as lists show it.
type AccountRef struct {
	ID       id.Account
	Name     string
	Username string
	Enabled  bool
}

// Member is a direct member of a safe.
type Member struct {
	ID      id.SafeMember
	User    id.User
	Name    string
	Handle  string
	Email   string
	Role    Role
	AddedBy id.User
	AddedAt time.Time
	EndsAt  time.Time // zero: never
}

// Entry is a safe as somebody sees it in their own list.
type Entry struct {
	Safe
	Role      Role
	Loan      *Loan // that lets in who has no role; nil: none does
	CanLaunch bool
	BlockedBy Block // why not, when a role would allow it
}

// Access is what one person may do with one safe at this moment, read in one statement.
type Access struct {
	Safe           id.Safe
	SafeName       string
	PolicyID       id.Policy
	Policy         Policy
	Role           Role // NoRole: not a member
	Resource       id.Resource
	Account        id.Account
	AccountEnabled bool
	Version        int64 // of the safe
}

package safe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// Approval is what a safe asks of who wants to open it: nobody, one, or two other
// people decide first. See package access.
type Approval struct {
	Count     int           // people who must approve: 0, 1 or 2 (four eyes)
	RequestBy RequestBy     // who may ask
	Longest   time.Duration // for which may be asked; whole seconds
	Wait      time.Duration // after which an undecided request lapses; whole seconds
	Once      bool          // an approval opens one session,
	CoolDown  time.Duration // and reconnects this long after its end; whole seconds
	Groups    []id.Group    // whose members are approved without anybody being asked: the people on call
	Ticket    bool          // a request whose ticket the organization's ticket system calls open is approved as well
}

// RequestBy says who may ask for access to a safe.
type RequestBy string

// Who may ask.
const (
	ByMembers      RequestBy = "members"      // of the safe
	ByOrganization RequestBy = "organization" // everybody in it but auditors; at least one person approves
)

// Delegation says whether members may lend their own access to others for a time.
type Delegation string

// The modes of delegation, strictest first.
const (
	DelegationBlock  Delegation = "block"
	DelegationAllow  Delegation = "allow"
	DelegationOnward Delegation = "onward" // and who has it lent may lend it on
)

var delegationRank = map[Delegation]int{DelegationBlock: 0, DelegationAllow: 1, DelegationOnward: 2}

// The bounds of approvals.
const (
	MinRequest  = time.Minute         // of Longest and Wait
	MaxRequest  = 30 * 24 * time.Hour // of Longest
	MaxWait     = 14 * 24 * time.Hour
	MaxCoolDown = 24 * time.Hour
	MaxNamed    = 64 // groups, and people of BreakGlass
)

func (a Approval) validate(wrong func(path, format string, args ...any)) {
	limit := func(path string, d, least, most time.Duration) {
		if d < least || d > most || d%time.Second != 0 {
			wrong(path, "must be whole seconds from %d to %d", least/time.Second, most/time.Second)
		}
	}
	if a.Count < 0 || a.Count > 2 {
		wrong("approvals", "must be 0, 1 or 2")
	}
	if a.RequestBy != ByMembers && a.RequestBy != ByOrganization {
		wrong("request_by", "must be %q or %q", ByMembers, ByOrganization)
	}
	limit("request_max_seconds", a.Longest, MinRequest, MaxRequest)
	limit("request_wait_seconds", a.Wait, MinRequest, MaxWait)
	limit("cool_down_seconds", a.CoolDown, 0, MaxCoolDown)
	if len(a.Groups) > MaxNamed {
		wrong("auto_approve_groups", "must have at most %d groups", MaxNamed)
	}
}

func listed[T ~string](ids []T) string {
	if len(ids) == 0 {
		return "none"
	}
	words := make([]string, len(ids))
	for i, v := range ids {
		words[i] = string(v)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

func added[T ~string](from, to []T) bool {
	return slices.ContainsFunc(to, func(v T) bool { return !slices.Contains(from, v) })
}

// named checks that the people and groups whom a policy names are of the organization.
func (s *Service) named(ctx context.Context, tx *db.Tx, sf Safe) error {
	for _, u := range sf.Policy.BreakGlass {
		_, err := safesql.New(tx).OrgMember(ctx, safesql.OrgMemberParams{OrgID: string(sf.Org), UserID: string(u)})
		if db.NotFound(err) {
			return fault.New(fault.Invalid, "no member of this organization has the id %.64q", u).WithField("policy.break_glass", "must be members of this organization")
		}
		if err != nil {
			return fmt.Errorf("read a member: %w", err)
		}
	}
	for _, g := range sf.Policy.Approval.Groups {
		_, err := safesql.New(tx).GetGroup(ctx, safesql.GetGroupParams{OrgID: string(sf.Org), ID: string(g)})
		if db.NotFound(err) {
			return fault.New(fault.Invalid, "no group of this organization has the id %.64q", g).WithField("policy.auto_approve_groups", "must be groups of this organization")
		}
		if err != nil {
			return fmt.Errorf("read a group: %w", err)
		}
	}
	return nil
}

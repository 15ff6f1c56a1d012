package safe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// JumpMode says how `ssh -J gateway` towards the safe's target is answered.
type JumpMode string

// The jump modes. A jump that is allowed is a session like any other: recorded
// and bound to the target, never a blind pipe.
const (
	JumpBlock JumpMode = "block"
	JumpAllow JumpMode = "allow"
)

// FileTransfer says what happens to sftp, scp and their kind.
type FileTransfer string

// The modes of file transfer, strictest first.
const (
	FilesBlock FileTransfer = "block"
	FilesAudit FileTransfer = "audit" // allowed, each operation recorded
	FilesAllow FileTransfer = "allow" // allowed, bytes counted
)

// Clipboard says whether terminals of the safe reach the clipboard of who uses them.
type Clipboard string

// The modes of the clipboard. Blocked, what the target sends towards a clipboard
// (OSC 52 and its kin) and what a terminal marks as pasted (bracketed paste) does not
// pass. What a person selects on their own screen is beyond any gateway.
const (
	ClipboardBlock Clipboard = "block"
	ClipboardAllow Clipboard = "allow"
)

// Policy is under which conditions a safe is used and what a session in it may
// do. The zero value is not valid; begin with Default. Its conditions (hours,
// networks, step-up) are decided by package policy, together with the policies of
// the organization.
type Policy struct {
	Recording       bool
	RecordInput     bool
	SessionTTL      time.Duration  // whole seconds
	IdleTimeout     time.Duration  // whole seconds
	ValidHours      *ValidHours    // nil: at any time
	SourceNetworks  []netip.Prefix // empty: from anywhere
	LocalForward    bool
	RemoteForward   bool
	AgentForward    bool
	X11Forward      bool
	Jump            JumpMode
	FileTransfer    FileTransfer
	Clipboard       Clipboard
	StepUp          bool          // a second factor at launch,
	StepUpFreshness time.Duration // not older than this; whole seconds
	MaxSessions     int           // at once in the safe; 0: no limit
	CheckoutTimeout time.Duration // for which a credential is checked out at most; whole seconds

	Approval   Approval
	Delegation Delegation
	BreakGlass []id.User // who may open the safe in an emergency without asking anybody
}

// Default is the policy of a safe that says nothing: recorded, four hours, a
// quarter of an hour idle, nothing forwarded.
func Default() Policy {
	return Policy{
		Recording:       true,
		RecordInput:     true,
		SessionTTL:      4 * time.Hour,
		IdleTimeout:     15 * time.Minute,
		Jump:            JumpBlock,
		FileTransfer:    FilesAudit,
		Clipboard:       ClipboardAllow,
		StepUpFreshness: 15 * time.Minute,
		CheckoutTimeout: time.Hour,
		Approval:        Approval{RequestBy: ByMembers, Longest: 8 * time.Hour, Wait: 24 * time.Hour, CoolDown: 5 * time.Minute},
		Delegation:      DelegationAllow,
	}
}

// The bounds of a policy.
const (
	MinLimit    = 5 * time.Second    // of SessionTTL, IdleTimeout and StepUpFreshness
	MaxLimit    = 7 * 24 * time.Hour // of SessionTTL and IdleTimeout
	MaxFresh    = 24 * time.Hour     // of StepUpFreshness
	MaxNetworks = 64
	MaxAtOnce   = 10_000 // of MaxSessions

	MinCheckout = time.Minute    // of CheckoutTimeout
	MaxCheckout = 24 * time.Hour // and its end
)

// Validate checks every field and reports all that are wrong at once, as a
// fault.Invalid whose field paths are those of the API, under prefix.
func (p Policy) Validate(prefix string) error {
	f := fault.New(fault.Invalid, "the policy is not valid: see the fields that are named")
	wrong := func(path, format string, args ...any) { f.WithField(prefix+path, format, args...) }
	limit := func(path string, d, most time.Duration) {
		if d < MinLimit || d > most || d%time.Second != 0 {
			wrong(path, "must be whole seconds from %d to %d", MinLimit/time.Second, most/time.Second)
		}
	}
	limit("session_ttl_seconds", p.SessionTTL, MaxLimit)
	limit("idle_timeout_seconds", p.IdleTimeout, MaxLimit)
	limit("step_up_freshness_seconds", p.StepUpFreshness, MaxFresh)
	if p.ValidHours != nil {
		p.ValidHours.validate(func(path, format string, args ...any) { wrong("valid_hours."+path, format, args...) })
	}
	if len(p.SourceNetworks) > MaxNetworks {
		wrong("source_networks", "must have at most %d networks", MaxNetworks)
	}
	for i, n := range p.SourceNetworks {
		if i == MaxNetworks {
			break
		}
		if !n.IsValid() || n != n.Masked() || n.Addr().Is4In6() {
			wrong(fmt.Sprintf("source_networks[%d]", i), "must be a network such as 10.0.0.0/8 or 2001:db8::/32, with no bits set after its prefix")
		}
	}
	if p.Jump != JumpBlock && p.Jump != JumpAllow {
		wrong("jump", "must be %q or %q", JumpBlock, JumpAllow)
	}
	if !slices.Contains([]FileTransfer{FilesBlock, FilesAudit, FilesAllow}, p.FileTransfer) {
		wrong("file_transfer", "must be %q, %q or %q", FilesAllow, FilesBlock, FilesAudit)
	}
	if p.Clipboard != ClipboardBlock && p.Clipboard != ClipboardAllow {
		wrong("clipboard", "must be %q or %q", ClipboardBlock, ClipboardAllow)
	}
	if p.MaxSessions < 0 || p.MaxSessions > MaxAtOnce {
		wrong("max_sessions", "must be from 0 (no limit) to %d", MaxAtOnce)
	}
	if d := p.CheckoutTimeout; d < MinCheckout || d > MaxCheckout || d%time.Second != 0 {
		wrong("checkout_timeout_seconds", "must be whole seconds from %d to %d", MinCheckout/time.Second, MaxCheckout/time.Second)
	}
	p.Approval.validate(wrong)
	if p.Delegation != DelegationBlock && p.Delegation != DelegationAllow && p.Delegation != DelegationOnward {
		wrong("delegation", "must be %q, %q or %q", DelegationBlock, DelegationAllow, DelegationOnward)
	}
	if len(p.BreakGlass) > MaxNamed {
		wrong("break_glass", "must have at most %d people", MaxNamed)
	}
	if p.RecordInput && !p.Recording {
		wrong("record_input", "must be false when recording is off")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// ParseNetwork reads a source network: a prefix, or one address. Bits after the
// prefix are refused, because whoever wrote them meant another network.
func ParseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(s)
	if err != nil || n.Addr().Is4In6() {
		return netip.Prefix{}, fault.New(fault.Invalid, "%.64q is not a network; write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7", s)
	}
	if n != n.Masked() {
		return netip.Prefix{}, fault.New(fault.Invalid, "%.64q has bits set after its prefix; did you mean %s?", s, n.Masked())
	}
	return n, nil
}

// Block is why a safe cannot be used at this moment by somebody who is a member.
type Block string

// The blocks.
const (
	NotBlocked        Block = ""
	OutsideValidHours Block = "outside_valid_hours"
	SourceNotAllowed  Block = "source_not_allowed"
	MFARequired       Block = "mfa_required"
	AccountDisabled   Block = "account_disabled"
	HostKeyUnpinned   Block = "host_key_unconfirmed"
	ApprovalRequired  Block = "no_approval"
	PolicyDenied      Block = "policy_denied"
)

// Sentence tells a person why they are refused and what to do.
func (b Block) Sentence() string {
	switch b {
	case OutsideValidHours:
		return "this safe cannot be used at this hour: try again within its valid hours, or ask a manager of the safe"
	case SourceNotAllowed:
		return "this safe cannot be used from your network: connect from an allowed one, or ask a manager of the safe"
	case MFARequired:
		return "this safe asks for a fresh second factor: verify again, then launch"
	case AccountDisabled:
		return "the account of this safe is disabled: ask an administrator"
	case ApprovalRequired:
		return "this safe asks for approval first: request access to it, and open it once it is approved"
	case PolicyDenied:
		return "a policy of your organization does not let you open this safe now: ask an administrator"
	case HostKeyUnpinned:
		return "the host key of this safe's target is not confirmed yet: ask an administrator to check and confirm it"
	}
	return ""
}

// Equal tells whether both policies say the same.
func (p Policy) Equal(o Policy) bool { return len(diff(p, o)) == 0 }

// change is one field that differs, as events and people read it.
type change struct{ field, from, to string }

// diff lists what differs between two policies, in the order of described.
func diff(from, to Policy) []change {
	a, b := described(from), described(to)
	var out []change
	for i := range a {
		if a[i].value != b[i].value {
			out = append(out, change{a[i].field, a[i].value, b[i].value})
		}
	}
	return out
}

type line struct{ field, value string }

// described spells a policy out, one line a field.
func described(p Policy) []line {
	hours := "always"
	if p.ValidHours != nil {
		hours = p.ValidHours.String()
	}
	nets := make([]string, len(p.SourceNetworks))
	for i, n := range p.SourceNetworks {
		nets[i] = n.String()
	}
	slices.Sort(nets)
	networks := strings.Join(slices.Compact(nets), " ")
	if networks == "" {
		networks = "anywhere"
	}
	return []line{
		{"recording", onOff(p.Recording)},
		{"record_input", onOff(p.RecordInput)},
		{"session_ttl", p.SessionTTL.String()},
		{"idle_timeout", p.IdleTimeout.String()},
		{"valid_hours", hours},
		{"source_networks", networks},
		{"local_forward", onOff(p.LocalForward)},
		{"remote_forward", onOff(p.RemoteForward)},
		{"agent_forward", onOff(p.AgentForward)},
		{"x11_forward", onOff(p.X11Forward)},
		{"jump", string(p.Jump)},
		{"file_transfer", string(p.FileTransfer)},
		{"clipboard", string(p.Clipboard)},
		{"step_up", onOff(p.StepUp)},
		{"step_up_freshness", p.StepUpFreshness.String()},
		{"max_sessions", fmt.Sprint(p.MaxSessions)},
		{"checkout_timeout", p.CheckoutTimeout.String()},
		{"approvals", fmt.Sprint(p.Approval.Count)},
		{"request_by", string(p.Approval.RequestBy)},
		{"request_max", p.Approval.Longest.String()},
		{"request_wait", p.Approval.Wait.String()},
		{"approval_once", onOff(p.Approval.Once)},
		{"cool_down", p.Approval.CoolDown.String()},
		{"auto_approve_groups", listed(p.Approval.Groups)},
		{"auto_approve_ticket", onOff(p.Approval.Ticket)},
		{"delegation", string(p.Delegation)},
		{"break_glass", listed(p.BreakGlass)},
	}
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// weakened names the controls that are weaker under to than under from.
func weakened(from, to Policy) []string {
	out := []string{}
	note := func(field string, is bool) {
		if is {
			out = append(out, field)
		}
	}
	note("recording", from.Recording && !to.Recording)
	note("record_input", from.RecordInput && !to.RecordInput)
	note("session_ttl", to.SessionTTL > from.SessionTTL)
	note("idle_timeout", to.IdleTimeout > from.IdleTimeout)
	note("valid_hours", hoursWidened(from.ValidHours, to.ValidHours))
	note("source_networks", networksWidened(from.SourceNetworks, to.SourceNetworks))
	note("local_forward", !from.LocalForward && to.LocalForward)
	note("remote_forward", !from.RemoteForward && to.RemoteForward)
	note("agent_forward", !from.AgentForward && to.AgentForward)
	note("x11_forward", !from.X11Forward && to.X11Forward)
	note("jump", from.Jump == JumpBlock && to.Jump == JumpAllow)
	note("file_transfer", laxness(to.FileTransfer) > laxness(from.FileTransfer))
	note("clipboard", from.Clipboard == ClipboardBlock && to.Clipboard == ClipboardAllow)
	note("step_up", from.StepUp && !to.StepUp)
	note("step_up_freshness", from.StepUp && to.StepUp && to.StepUpFreshness > from.StepUpFreshness)
	note("max_sessions", from.MaxSessions > 0 && (to.MaxSessions == 0 || to.MaxSessions > from.MaxSessions))
	note("checkout_timeout", to.CheckoutTimeout > from.CheckoutTimeout)
	note("approvals", to.Approval.Count < from.Approval.Count)
	note("request_by", from.Approval.RequestBy == ByMembers && to.Approval.RequestBy == ByOrganization)
	note("request_max", to.Approval.Longest > from.Approval.Longest)
	note("approval_once", from.Approval.Once && !to.Approval.Once)
	note("cool_down", to.Approval.Once && to.Approval.CoolDown > from.Approval.CoolDown)
	note("auto_approve_groups", added(from.Approval.Groups, to.Approval.Groups))
	note("auto_approve_ticket", !from.Approval.Ticket && to.Approval.Ticket)
	note("delegation", delegationRank[to.Delegation] > delegationRank[from.Delegation])
	note("break_glass", added(from.BreakGlass, to.BreakGlass))
	return out
}

func laxness(f FileTransfer) int {
	return slices.Index([]FileTransfer{FilesBlock, FilesAudit, FilesAllow}, f)
}

// networksWidened tells whether some source is allowed under to and not under
// from. A network that only the union of several old ones covers counts as
// wider: the answer errs towards telling.
func networksWidened(from, to []netip.Prefix) bool {
	if len(from) == 0 {
		return false
	}
	if len(to) == 0 {
		return true
	}
	for _, n := range to {
		if !slices.ContainsFunc(from, func(o netip.Prefix) bool { return o.Bits() <= n.Bits() && o.Contains(n.Addr()) }) {
			return true
		}
	}
	return false
}

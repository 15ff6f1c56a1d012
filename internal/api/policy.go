package api

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Policy is under which conditions a safe is used and what a session may do.
// What is left out of a request has its default, not its former value.
type Policy struct {
	Recording              *bool       `json:"recording" required:"false" doc:"Default true"`
	RecordInput            *bool       `json:"record_input" required:"false" doc:"Record what is typed too. Default true"`
	SessionTTLSeconds      *int64      `json:"session_ttl_seconds" required:"false" doc:"Default 14400"`
	IdleTimeoutSeconds     *int64      `json:"idle_timeout_seconds" required:"false" doc:"Default 900"`
	ValidHours             *ValidHours `json:"valid_hours" required:"false" doc:"Absent: at any time"`
	SourceNetworks         []string    `json:"source_networks" required:"false" doc:"Prefixes or addresses; empty: from anywhere"`
	LocalForward           bool        `json:"local_forward" required:"false" doc:"ssh -L and -D"`
	RemoteForward          bool        `json:"remote_forward" required:"false" doc:"ssh -R"`
	AgentForward           bool        `json:"agent_forward" required:"false" doc:"ssh -A"`
	X11Forward             bool        `json:"x11_forward" required:"false" doc:"ssh -X"`
	Jump                   string      `json:"jump" required:"false" enum:"block,allow" doc:"ssh -J towards the safe's own target. Default block"`
	FileTransfer           string      `json:"file_transfer" required:"false" enum:"block,audit,allow" doc:"Default audit"`
	Clipboard              string      `json:"clipboard" required:"false" enum:"block,allow" doc:"Whether terminals reach the clipboard: what the target sends to it, and what is pasted. Default allow"`
	StepUp                 bool        `json:"step_up" required:"false" doc:"Ask for a second factor at launch"`
	StepUpFreshnessSeconds *int64      `json:"step_up_freshness_seconds" required:"false" doc:"How old the last proof may be. Default 900"`
	MaxSessions            int         `json:"max_sessions" required:"false" doc:"At once; 0: no limit"`
	CheckoutTimeoutSeconds *int64      `json:"checkout_timeout_seconds" required:"false" doc:"For how long the credential may be checked out at most. Default 3600"`
	Approvals              int         `json:"approvals" required:"false" minimum:"0" maximum:"2" doc:"How many other people must approve before a session or a checkout: 0, 1 or 2 (four eyes)"`
	RequestBy              string      `json:"request_by" required:"false" enum:"members,organization" doc:"Who may ask for access. With organization, everybody in it but auditors; at least one person approves then. Default members"`
	RequestMaxSeconds      *int64      `json:"request_max_seconds" required:"false" doc:"For how long access may be asked. Default 28800"`
	RequestWaitSeconds     *int64      `json:"request_wait_seconds" required:"false" doc:"After which an undecided request lapses. Default 86400"`
	ApprovalOnce           bool        `json:"approval_once" required:"false" doc:"An approval opens one session, and reconnects within the cool-down after it; otherwise any number until it ends"`
	CoolDownSeconds        *int64      `json:"cool_down_seconds" required:"false" doc:"With approval_once: how long after the session's end a reconnect needs no new approval. Default 300"`
	AutoApproveGroups      []string    `json:"auto_approve_groups" required:"false" maxItems:"64" doc:"Groups whose members are approved at once, such as the people on call"`
	AutoApproveTicket      bool        `json:"auto_approve_ticket" required:"false" doc:"A request is approved at once when the organization's ticket system, a webhook of the kind ticket_question, says that its ticket is open; whatever else it says, or when it does not answer within 5 s, the approvers decide"`
	Delegation             string      `json:"delegation" required:"false" enum:"block,allow,onward" doc:"Whether members may lend their own access to others for a time, and these on. Default allow"`
	BreakGlass             []string    `json:"break_glass" required:"false" maxItems:"64" doc:"People who may open the safe in an emergency without approval; every administrator is told"`
}

// ValidHours is a window of the week in a time zone.
type ValidHours struct {
	Days     []string `json:"days" doc:"mon to sun"`
	From     string   `json:"from" doc:"08:00"`
	To       string   `json:"to" doc:"18:00; not after from: past midnight"`
	TimeZone string   `json:"time_zone" doc:"IANA name"`
}

func policyJSON(p safe.Policy) Policy {
	whole := func(d time.Duration) *int64 { n := int64(d / time.Second); return &n }
	out := Policy{
		Recording: &p.Recording, RecordInput: &p.RecordInput, SessionTTLSeconds: whole(p.SessionTTL), IdleTimeoutSeconds: whole(p.IdleTimeout),
		SourceNetworks: []string{}, AutoApproveGroups: []string{}, BreakGlass: []string{},
		Approvals: p.Approval.Count, RequestBy: string(p.Approval.RequestBy), RequestMaxSeconds: whole(p.Approval.Longest), RequestWaitSeconds: whole(p.Approval.Wait),
		ApprovalOnce: p.Approval.Once, AutoApproveTicket: p.Approval.Ticket, Delegation: string(p.Delegation), CoolDownSeconds: whole(p.Approval.CoolDown),
		LocalForward: p.LocalForward, RemoteForward: p.RemoteForward, AgentForward: p.AgentForward, X11Forward: p.X11Forward,
		Jump: string(p.Jump), FileTransfer: string(p.FileTransfer), Clipboard: string(p.Clipboard), StepUp: p.StepUp, StepUpFreshnessSeconds: whole(p.StepUpFreshness), CheckoutTimeoutSeconds: whole(p.CheckoutTimeout), MaxSessions: p.MaxSessions,
	}
	for _, n := range p.SourceNetworks {
		out.SourceNetworks = append(out.SourceNetworks, n.String())
	}
	for _, g := range p.Approval.Groups {
		out.AutoApproveGroups = append(out.AutoApproveGroups, string(g))
	}
	for _, u := range p.BreakGlass {
		out.BreakGlass = append(out.BreakGlass, string(u))
	}
	if v := p.ValidHours; v != nil {
		out.ValidHours = &ValidHours{From: v.From.String(), To: v.To.String(), TimeZone: v.TimeZone}
		for _, d := range v.Days {
			out.ValidHours.Days = append(out.ValidHours.Days, safe.DayName(d))
		}
	}
	return out
}

// policy reads a policy from a request; the domain checks its bounds.
func (p Policy) policy() (safe.Policy, error) {
	out := safe.Default()
	set(&out.Recording, p.Recording)
	set(&out.RecordInput, p.RecordInput)
	seconds(&out.SessionTTL, p.SessionTTLSeconds)
	seconds(&out.IdleTimeout, p.IdleTimeoutSeconds)
	seconds(&out.StepUpFreshness, p.StepUpFreshnessSeconds)
	seconds(&out.CheckoutTimeout, p.CheckoutTimeoutSeconds)
	out.LocalForward, out.RemoteForward, out.AgentForward, out.X11Forward = p.LocalForward, p.RemoteForward, p.AgentForward, p.X11Forward
	out.StepUp, out.MaxSessions = p.StepUp, p.MaxSessions
	out.Approval.Count, out.Approval.Once, out.Approval.Ticket = p.Approvals, p.ApprovalOnce, p.AutoApproveTicket
	seconds(&out.Approval.Longest, p.RequestMaxSeconds)
	seconds(&out.Approval.Wait, p.RequestWaitSeconds)
	seconds(&out.Approval.CoolDown, p.CoolDownSeconds)
	if p.RequestBy != "" {
		out.Approval.RequestBy = safe.RequestBy(p.RequestBy)
	}
	if p.Delegation != "" {
		out.Delegation = safe.Delegation(p.Delegation)
	}
	for _, g := range p.AutoApproveGroups {
		out.Approval.Groups = append(out.Approval.Groups, id.Group(g))
	}
	for _, u := range p.BreakGlass {
		out.BreakGlass = append(out.BreakGlass, id.User(u))
	}
	if p.Jump != "" {
		out.Jump = safe.JumpMode(p.Jump)
	}
	if p.FileTransfer != "" {
		out.FileTransfer = safe.FileTransfer(p.FileTransfer)
	}
	if p.Clipboard != "" {
		out.Clipboard = safe.Clipboard(p.Clipboard)
	}
	for _, n := range p.SourceNetworks {
		prefix, err := safe.ParseNetwork(n)
		if err != nil {
			return out, fault.New(fault.Invalid, "%s", fault.MessageOf(err)).WithField("policy.source_networks", "%.64q is not a network such as 10.0.0.0/8 or an address", n)
		}
		out.SourceNetworks = append(out.SourceNetworks, prefix)
	}
	if v := p.ValidHours; v != nil {
		hours, err := safe.ParseValidHours(v.Days, v.From, v.To, v.TimeZone)
		if err != nil {
			return out, err
		}
		out.ValidHours = &hours
	}
	return out, nil
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// maxSeconds keeps a number of seconds from overflowing a duration; the domain's bounds are far below.
const maxSeconds = 1 << 32

func seconds(to *time.Duration, n *int64) {
	if n != nil {
		*to = time.Duration(max(-1, min(*n, maxSeconds))) * time.Second
	}
}

package safe

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// row is a policy as the store keeps it. Fields may be added; what is missing in
// an old row has the value that Default gives.
type row struct {
	Recording       bool           `json:"recording"`
	RecordInput     bool           `json:"record_input"`
	SessionTTL      int64          `json:"session_ttl_seconds"`
	IdleTimeout     int64          `json:"idle_timeout_seconds"`
	ValidHours      *hoursRow      `json:"valid_hours,omitempty"`
	SourceNetworks  []netip.Prefix `json:"source_networks,omitempty"`
	LocalForward    bool           `json:"local_forward"`
	RemoteForward   bool           `json:"remote_forward"`
	AgentForward    bool           `json:"agent_forward"`
	X11Forward      bool           `json:"x11_forward"`
	Jump            JumpMode       `json:"jump"`
	FileTransfer    FileTransfer   `json:"file_transfer"`
	Clipboard       Clipboard      `json:"clipboard"`
	StepUp          bool           `json:"step_up"`
	StepUpFreshness int64          `json:"step_up_freshness_seconds"`
	MaxSessions     int            `json:"max_sessions"`
	CheckoutTimeout int64          `json:"checkout_timeout_seconds"`
	Approvals       int            `json:"approvals"`
	RequestBy       RequestBy      `json:"request_by"`
	RequestMax      int64          `json:"request_max_seconds"`
	RequestWait     int64          `json:"request_wait_seconds"`
	ApprovalOnce    bool           `json:"approval_once"`
	CoolDown        int64          `json:"cool_down_seconds"`
	AutoApprove     []id.Group     `json:"auto_approve_groups,omitempty"`
	AutoTicket      bool           `json:"auto_approve_ticket,omitempty"`
	Delegation      Delegation     `json:"delegation"`
	BreakGlass      []id.User      `json:"break_glass,omitempty"`
}

type hoursRow struct {
	Days     []time.Weekday `json:"days"`
	From     Clock          `json:"from"`
	To       Clock          `json:"to"`
	TimeZone string         `json:"time_zone"`
}

func toRow(p Policy) row {
	r := row{
		Recording: p.Recording, RecordInput: p.RecordInput,
		SessionTTL: int64(p.SessionTTL / time.Second), IdleTimeout: int64(p.IdleTimeout / time.Second),
		SourceNetworks: p.SourceNetworks,
		LocalForward:   p.LocalForward, RemoteForward: p.RemoteForward, AgentForward: p.AgentForward, X11Forward: p.X11Forward,
		Jump: p.Jump, FileTransfer: p.FileTransfer, Clipboard: p.Clipboard,
		StepUp: p.StepUp, StepUpFreshness: int64(p.StepUpFreshness / time.Second), MaxSessions: p.MaxSessions, CheckoutTimeout: int64(p.CheckoutTimeout / time.Second),
		Approvals: p.Approval.Count, RequestBy: p.Approval.RequestBy, RequestMax: int64(p.Approval.Longest / time.Second), RequestWait: int64(p.Approval.Wait / time.Second),
		ApprovalOnce: p.Approval.Once, CoolDown: int64(p.Approval.CoolDown / time.Second), AutoApprove: p.Approval.Groups, AutoTicket: p.Approval.Ticket, Delegation: p.Delegation, BreakGlass: p.BreakGlass,
	}
	if h := p.ValidHours; h != nil {
		r.ValidHours = &hoursRow{h.Days, h.From, h.To, h.TimeZone}
	}
	return r
}

// EncodePolicy writes a policy as the store keeps it.
func EncodePolicy(p Policy) (string, error) { return encodePolicy(p) }

// DecodePolicy reads what EncodePolicy wrote, and refuses what does not validate.
func DecodePolicy(s string) (Policy, error) { return decodePolicy(s) }

func encodePolicy(p Policy) (string, error) {
	b, err := json.Marshal(toRow(p))
	return string(b), err
}

// decodePolicy refuses what does not validate: a row that was damaged must not
// become a policy that allows something.
func decodePolicy(s string) (Policy, error) {
	r := toRow(Default())
	if err := json.Unmarshal([]byte(s), &r); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	p := Policy{
		Recording: r.Recording, RecordInput: r.RecordInput,
		SessionTTL: time.Duration(r.SessionTTL) * time.Second, IdleTimeout: time.Duration(r.IdleTimeout) * time.Second,
		SourceNetworks: r.SourceNetworks,
		LocalForward:   r.LocalForward, RemoteForward: r.RemoteForward, AgentForward: r.AgentForward, X11Forward: r.X11Forward,
		Jump: r.Jump, FileTransfer: r.FileTransfer, Clipboard: r.Clipboard,
		StepUp: r.StepUp, StepUpFreshness: time.Duration(r.StepUpFreshness) * time.Second, MaxSessions: r.MaxSessions, CheckoutTimeout: time.Duration(r.CheckoutTimeout) * time.Second,
		Approval: Approval{Count: r.Approvals, RequestBy: r.RequestBy, Longest: time.Duration(r.RequestMax) * time.Second, Wait: time.Duration(r.RequestWait) * time.Second,
			Once: r.ApprovalOnce, CoolDown: time.Duration(r.CoolDown) * time.Second, Groups: r.AutoApprove, Ticket: r.AutoTicket},
		Delegation: r.Delegation, BreakGlass: r.BreakGlass,
	}
	if h := r.ValidHours; h != nil {
		p.ValidHours = &ValidHours{h.Days, h.From, h.To, h.TimeZone}
	}
	if err := p.Validate(""); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", plain(err))
	}
	return p, nil
}

// plain hides the kind of an error: a stored policy that is wrong is our fault, not the caller's.
func plain(err error) error { return fmt.Errorf("%v", err) }

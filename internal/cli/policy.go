package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// policy is the policy of a safe as the API tells it. What is absent has its
// default there.
type policy struct {
	Recording       *bool       `json:"recording,omitempty"`
	RecordInput     *bool       `json:"record_input,omitempty"`
	SessionTTL      *int64      `json:"session_ttl_seconds,omitempty"`
	IdleTimeout     *int64      `json:"idle_timeout_seconds,omitempty"`
	ValidHours      *validHours `json:"valid_hours,omitempty"`
	SourceNetworks  []string    `json:"source_networks,omitempty"`
	LocalForward    bool        `json:"local_forward"`
	RemoteForward   bool        `json:"remote_forward"`
	AgentForward    bool        `json:"agent_forward"`
	X11Forward      bool        `json:"x11_forward"`
	Jump            string      `json:"jump,omitempty"`
	FileTransfer    string      `json:"file_transfer,omitempty"`
	Clipboard       string      `json:"clipboard,omitempty"`
	StepUp          bool        `json:"step_up"`
	StepUpFreshness *int64      `json:"step_up_freshness_seconds,omitempty"`
	MaxSessions     int         `json:"max_sessions"`
	CheckoutTimeout *int64      `json:"checkout_timeout_seconds,omitempty"`
	Approvals       int         `json:"approvals"`
	RequestBy       string      `json:"request_by,omitempty"`
	RequestMax      *int64      `json:"request_max_seconds,omitempty"`
	RequestWait     *int64      `json:"request_wait_seconds,omitempty"`
	ApprovalOnce    bool        `json:"approval_once"`
	CoolDown        *int64      `json:"cool_down_seconds,omitempty"`
	AutoApprove     []string    `json:"auto_approve_groups,omitempty"`
	AutoTicket      bool        `json:"auto_approve_ticket"`
	Delegation      string      `json:"delegation,omitempty"`
	BreakGlass      []string    `json:"break_glass,omitempty"`
}

type validHours struct {
	Days     []string `json:"days"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	TimeZone string   `json:"time_zone"`
}

// policyFlags change a policy. A flag that is not given changes nothing.
type policyFlags struct {
	Recording       *bool          `group:"policy" negatable:"" help:"Record sessions."`
	RecordInput     *bool          `group:"policy" negatable:"" help:"Record what is typed too."`
	SessionTTL      *time.Duration `group:"policy" name:"session-ttl" placeholder:"4h" help:"How long a session may last."`
	IdleTimeout     *time.Duration `group:"policy" placeholder:"15m" help:"How long a session may be silent."`
	ValidHours      string         `group:"policy" placeholder:"SPAN" help:"When it may be used, such as \"mon-fri 08:00-18:00 Europe/Paris\"; or always."`
	SourceNetworks  []string       `group:"policy" name:"source-network" placeholder:"CIDR" help:"From where it may be used; several are possible; or any."`
	LocalForward    *bool          `group:"policy" negatable:"" help:"Allow ssh -L and -D."`
	RemoteForward   *bool          `group:"policy" negatable:"" help:"Allow ssh -R."`
	AgentForward    *bool          `group:"policy" negatable:"" help:"Allow ssh -A."`
	X11Forward      *bool          `group:"policy" name:"x11-forward" negatable:"" help:"Allow ssh -X."`
	Jump            string         `group:"policy" default:"" enum:",block,allow" placeholder:"block|allow" help:"ssh -J towards the safe's own target."`
	FileTransfer    string         `group:"policy" default:"" enum:",block,audit,allow" placeholder:"block|audit|allow" help:"scp, sftp and their like."`
	Clipboard       string         `group:"policy" default:"" enum:",block,allow" placeholder:"block|allow" help:"Whether terminals reach the clipboard: what the target copies (OSC 52) and what is pasted."`
	StepUp          *bool          `group:"policy" negatable:"" help:"Ask for a second factor at launch."`
	StepUpFreshness *time.Duration `group:"policy" placeholder:"15m" help:"How old the last proof of it may be."`
	MaxSessions     *int           `group:"policy" placeholder:"N" help:"Sessions at once; 0 for no limit."`
	CheckoutTimeout *time.Duration `group:"policy" placeholder:"1h" help:"For how long its credential may be checked out at most."`
	Approvals       *int           `group:"policy" placeholder:"N" help:"How many other people approve before a session: 0, 1 or 2."`
	RequestBy       string         `group:"policy" default:"" enum:",members,organization" placeholder:"members|organization" help:"Who may ask for access."`
	RequestMax      *time.Duration `group:"policy" placeholder:"8h" help:"For how long access may be asked."`
	RequestWait     *time.Duration `group:"policy" placeholder:"24h" help:"After which an undecided request lapses."`
	ApprovalOnce    *bool          `group:"policy" negatable:"" help:"An approval opens one session, and reconnects within the cool-down."`
	CoolDown        *time.Duration `group:"policy" placeholder:"5m" help:"How long after such a session a reconnect needs no new approval."`
	AutoApprove     []string       `group:"policy" name:"auto-approve-group" placeholder:"ID" help:"A group whose members are approved at once; several are possible; or none."`
	AutoTicket      *bool          `group:"policy" name:"auto-approve-ticket" negatable:"" help:"Approve a request at once when the ticket system says that its ticket is open."`
	Delegation      string         `group:"policy" default:"" enum:",block,allow,onward" placeholder:"block|allow|onward" help:"Whether members may lend their access to others, and these on."`
	BreakGlass      []string       `group:"policy" placeholder:"USER-ID" help:"Who may open it in an emergency without approval; several are possible; or none."`
}

// any tells whether any flag was given.
func (f policyFlags) any() bool {
	return f.Recording != nil || f.RecordInput != nil || f.SessionTTL != nil || f.IdleTimeout != nil || f.ValidHours != "" || len(f.SourceNetworks) > 0 ||
		f.LocalForward != nil || f.RemoteForward != nil || f.AgentForward != nil || f.X11Forward != nil || f.Jump != "" || f.FileTransfer != "" || f.Clipboard != "" ||
		f.StepUp != nil || f.StepUpFreshness != nil || f.MaxSessions != nil || f.CheckoutTimeout != nil ||
		f.Approvals != nil || f.RequestBy != "" || f.RequestMax != nil || f.RequestWait != nil || f.ApprovalOnce != nil || f.CoolDown != nil ||
		f.Delegation != "" || len(f.AutoApprove) > 0 || f.AutoTicket != nil || len(f.BreakGlass) > 0
}

// apply puts the flags into p.
func (f policyFlags) apply(p *policy) error {
	keep := func(to **bool, v *bool) {
		if v != nil {
			*to = v
		}
	}
	set := func(to *bool, v *bool) {
		if v != nil {
			*to = *v
		}
	}
	seconds := func(to **int64, v *time.Duration) {
		if v != nil {
			n := int64(*v / time.Second)
			*to = &n
		}
	}
	keep(&p.Recording, f.Recording)
	keep(&p.RecordInput, f.RecordInput)
	seconds(&p.SessionTTL, f.SessionTTL)
	seconds(&p.IdleTimeout, f.IdleTimeout)
	seconds(&p.StepUpFreshness, f.StepUpFreshness)
	seconds(&p.CheckoutTimeout, f.CheckoutTimeout)
	set(&p.LocalForward, f.LocalForward)
	set(&p.RemoteForward, f.RemoteForward)
	set(&p.AgentForward, f.AgentForward)
	set(&p.X11Forward, f.X11Forward)
	set(&p.StepUp, f.StepUp)
	p.Jump, p.FileTransfer, p.Clipboard = first(f.Jump, p.Jump), first(f.FileTransfer, p.FileTransfer), first(f.Clipboard, p.Clipboard)
	if f.MaxSessions != nil {
		p.MaxSessions = *f.MaxSessions
	}
	if f.Approvals != nil {
		p.Approvals = *f.Approvals
	}
	p.RequestBy = first(f.RequestBy, p.RequestBy)
	p.Delegation = first(f.Delegation, p.Delegation)
	seconds(&p.RequestMax, f.RequestMax)
	seconds(&p.RequestWait, f.RequestWait)
	seconds(&p.CoolDown, f.CoolDown)
	set(&p.ApprovalOnce, f.ApprovalOnce)
	named := func(to *[]string, v []string) {
		if len(v) == 1 && v[0] == "none" {
			*to = nil
		} else if len(v) > 0 {
			*to = v
		}
	}
	named(&p.AutoApprove, f.AutoApprove)
	if f.AutoTicket != nil {
		p.AutoTicket = *f.AutoTicket
	}
	named(&p.BreakGlass, f.BreakGlass)
	if len(f.SourceNetworks) > 0 {
		if p.SourceNetworks = f.SourceNetworks; len(f.SourceNetworks) == 1 && f.SourceNetworks[0] == "any" {
			p.SourceNetworks = nil
		}
	}
	if f.ValidHours != "" {
		v, err := parseHours(f.ValidHours)
		if err != nil {
			return err
		}
		p.ValidHours = v
	}
	return nil
}

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// parseHours reads "mon-fri 08:00-18:00 Europe/Paris"; the zone may be left out.
// The server checks the values.
func parseHours(s string) (*validHours, error) {
	if s == "always" {
		return nil, nil
	}
	wrong := fault.New(fault.Invalid, "%q is not a span of hours: write days, times and a time zone, such as \"mon-fri 08:00-18:00 Europe/Paris\", or always", s)
	parts := strings.Fields(s)
	if len(parts) == 2 {
		parts = append(parts, "UTC")
	}
	if len(parts) != 3 {
		return nil, wrong
	}
	from, to, ok := strings.Cut(parts[1], "-")
	days := parseDays(strings.ToLower(parts[0]))
	if !ok || days == nil {
		return nil, wrong
	}
	return &validHours{Days: days, From: from, To: to, TimeZone: parts[2]}, nil
}

// parseDays reads "mon-fri,sun"; nil when it cannot.
func parseDays(s string) []string {
	day := func(name string) int {
		for i, d := range weekdays {
			if d == name {
				return i
			}
		}
		return -1
	}
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		a, b, several := strings.Cut(part, "-")
		if !several {
			b = a
		}
		i, j := day(a), day(b)
		if i < 0 || j < 0 {
			return nil
		}
		for ; ; i = (i + 1) % len(weekdays) {
			out = append(out, weekdays[i])
			if i == j {
				break
			}
		}
	}
	return out
}

// badges are what matters in a list.
func (p policy) badges() string {
	var out []string
	add := func(on bool, word string) {
		if on {
			out = append(out, word)
		}
	}
	add(p.Recording == nil || *p.Recording, "recorded")
	add(p.StepUp, "step-up")
	add(p.Approvals == 1, "approval")
	add(p.Approvals == 2, "two approvals")
	add(p.ValidHours != nil, "hours")
	add(len(p.SourceNetworks) > 0, "networks")
	return strings.Join(out, ", ")
}

// facts are the whole policy.
func (p policy) facts() [][2]string {
	allowed := map[bool]string{true: "allowed", false: "blocked"}
	onOff := func(b *bool) string {
		if b == nil || *b {
			return "on"
		}
		return "off"
	}
	seconds := func(n *int64) string {
		if n == nil {
			return "default"
		}
		return span(*n)
	}
	hours, networks, most, step := "always", "any", "no limit", "off"
	if v := p.ValidHours; v != nil {
		hours = fmt.Sprintf("%s %s-%s %s", strings.Join(v.Days, ","), v.From, v.To, v.TimeZone)
	}
	if len(p.SourceNetworks) > 0 {
		networks = strings.Join(p.SourceNetworks, ", ")
	}
	if p.MaxSessions > 0 {
		most = strconv.Itoa(p.MaxSessions)
	}
	if p.StepUp {
		step = "on, when the last proof is older than " + seconds(p.StepUpFreshness)
	}
	none := func(v []string) string {
		if len(v) == 0 {
			return "none"
		}
		return strings.Join(v, ", ")
	}
	once := "as many sessions as are wanted"
	if p.ApprovalOnce {
		once = "one session, and reconnects for " + seconds(p.CoolDown)
	}
	return [][2]string{
		{"approvals", strconv.Itoa(p.Approvals)}, {"who may ask", p.RequestBy}, {"longest request", seconds(p.RequestMax)}, {"lapses after", seconds(p.RequestWait)},
		{"an approval opens", once}, {"approved at once", none(p.AutoApprove)}, {"open ticket approves", onOff(&p.AutoTicket)}, {"emergency access", none(p.BreakGlass)}, {"delegation", p.Delegation},
		{"recording", onOff(p.Recording)}, {"what is typed", onOff(p.RecordInput)}, {"session ttl", seconds(p.SessionTTL)}, {"idle timeout", seconds(p.IdleTimeout)},
		{"valid hours", hours}, {"source networks", networks}, {"step-up", step}, {"sessions at once", most}, {"checkout timeout", seconds(p.CheckoutTimeout)}, {"file transfer", p.FileTransfer}, {"clipboard", p.Clipboard}, {"jump (ssh -J)", p.Jump},
		{"local forward", allowed[p.LocalForward]}, {"remote forward", allowed[p.RemoteForward]}, {"agent forward", allowed[p.AgentForward]}, {"x11 forward", allowed[p.X11Forward]},
	}
}

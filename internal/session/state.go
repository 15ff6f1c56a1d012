package session

// Protocol is what is spoken between the person and the target.
type Protocol string

// The protocols a gateway exists for.
const SSH Protocol = "ssh"

// The clients a grant can be bound to: who will present it.
const (
	ClientOpenSSH  = "openssh"  // a native client; the gateway launches for it
	ClientVaultPAM = "vaultpam" // our command line tool, which carries the grant in a certificate
	ClientBrowser  = "browser"  // the terminal in the console
)

// State is where a session is in its life.
type State string

// The states. A session only ever moves to the right.
const (
	Starting State = "starting" // the grant was redeemed, the target is being reached
	Active   State = "live"
	Ended    State = "ended"
)

// EndedBy says who ended a session.
type EndedBy string

// Who can end a session; each has its SESSION_TERMINATED_* event.
const (
	ByUser   EndedBy = "user"
	ByAdmin  EndedBy = "admin"
	BySystem EndedBy = "system"
)

// Failure is why a redeemed session never came up; it is the reason of SESSION_ESTABLISHED.
type Failure string

// The ways in which reaching the target fails.
const (
	UpstreamUnreachable Failure = "upstream_unreachable"
	UpstreamAuthFailed  Failure = "upstream_auth_failed"
	HostKeyMismatch     Failure = "host_key_mismatch"
)

// Channel is the first thing that a client opened in its session.
type Channel string

// The kinds of first channels.
const (
	ChannelShell       Channel = "shell"
	ChannelExec        Channel = "exec"
	ChannelSFTP        Channel = "sftp"
	ChannelPortForward Channel = "port_forward"
)

// CloseSide is the side that closed the gateway's transport, as the gateway saw it.
type CloseSide string

// The sides. When the product had asked for the end (Live.Ending), its cause counts, whatever is given here.
const (
	ClosedByClient   CloseSide = "client_disconnect"      // the client went away
	ClosedByExit     CloseSide = "channel_close"          // the last shell or command ended: the person typed exit
	ClosedByUpstream CloseSide = "upstream_eof"           // the target's transport broke
	ClosedByControl  CloseSide = "ended_by_control_plane" // after Live.Ending
	ClosedByFault    CloseSide = "gateway_error"          // the gateway could not go on
)

// Control is the part of a safe's policy that acted inside a running session.
type Control string

// The controls.
const (
	ControlClipboard    Control = "clipboard"
	ControlFileTransfer Control = "file_transfer"
	ControlPortForward  Control = "port_forward" // local, remote, agent and X11 forwards
	ControlCommand      Control = "command"
	ControlQuery        Control = "query"
	ControlStepUp       Control = "step_up"
	ControlTTL          Control = "ttl"
)

// Direction is which way blocked data would have gone; empty when it does not apply.
type Direction string

// The directions.
const (
	ToTarget   Direction = "to_target"
	FromTarget Direction = "from_target"
)

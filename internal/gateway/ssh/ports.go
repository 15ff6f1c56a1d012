package ssh

import (
	"context"
	"net"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// This file is what the gateway needs of others, in its own words. The wiring
// in app joins these to the domains.

// Person is somebody who has proved who they are.
type Person struct {
	User   id.User
	Handle string    // how they are named in the sentences that the gateway writes
	MFAAt  time.Time // when a second factor was proved; zero is never
	Proof  any       // the authenticator's own: what was offered, then who it proved
}

// Authenticator proves people. Every failure is fault.Unauthenticated with the
// same text and takes like time, whether or not the person exists.
type Authenticator interface {
	// KeyOwner is the person whom login names, if key (SSH wire form) is registered with them.
	// It is asked before the client has signed; the answer proves nothing yet.
	KeyOwner(ctx context.Context, login string, key []byte, src authz.Source) (Person, error)
	// Prove turns the Person of a key or certificate that was offered into the one
	// who signed with it; signedWith is what the signature was checked against.
	Prove(ctx context.Context, offered Person, signedWith []byte, src authz.Source) (Person, error)
	// CertificateOwner is the person of a user certificate of our own CA, if login
	// names them. It checks authority, principal, validity, revocation and that
	// no critical option but source-address is present.
	CertificateOwner(ctx context.Context, login string, cert *ssh.Certificate, src authz.Source) (Person, error)
	// PasswordAndCode needs both to hold; the code is a TOTP or a backup code.
	PasswordAndCode(ctx context.Context, login string, password, code secret.Secret, src authz.Source) (Person, error)
	// StepUp proves a second factor of a person who is signed in, as safe c asks for; MFAAt of the answer is now.
	StepUp(ctx context.Context, p Person, c Choice, code secret.Secret, src authz.Source) (Person, error)
}

// Choice is a safe that a login can mean.
type Choice struct {
	Safe    id.Safe
	Name    string
	Org     id.Org
	OrgSlug string
	Target  string // resource name and address, shown in the picker
	Lent    string // "lent by anna until ...", shown in the picker; empty: they have it on their own
	Host    string // address of the resource
	Port    int
	Jump    bool          // its policy lets a client reach it through ssh -J
	StepUp  bool          // its policy wants a fresh second factor
	Fresh   time.Duration // how long one stays fresh
}

// Safes finds safes for a person.
type Safes interface {
	// Named gives the safes of this name in the person's organizations (org is a
	// slug; empty means all), whether or not they may use them: Launch decides
	// and records the refusal. It is empty when there is none.
	Named(ctx context.Context, p Person, org, name string, src authz.Source) ([]Choice, error)
	// Mine gives the safes that the person may launch, sorted by name.
	Mine(ctx context.Context, p Person, src authz.Source) ([]Choice, error)
}

// Client is what stands at the other end of a connection.
type Client struct {
	Source  authz.Source
	Kind    string // one of the session package's clients: openssh, vaultpam, browser
	Version string // SSH identification line, bounded
}

// Policy is the part of a safe's policy that the gateway enforces itself.
type Policy struct {
	RecordInput    bool
	LocalForward   bool
	RemoteForward  bool
	AgentForward   bool
	X11Forward     bool
	Jump           bool
	BlockFiles     bool // refuse SFTP, scp and rsync
	BlockClipboard bool // keep terminals from the clipboard
}

// Ticket is a redeemed launch grant: what one session may be opened with.
type Ticket struct {
	Session  id.Session
	Safe     string // name
	Host     string
	Port     int
	HostKeys [][]byte // pinned, in SSH wire form; at least one
	Username string   // of the account at the target
	Policy   Policy
	Handle   any // the session service's own ticket
}

// Credential signs in at the target. The gateway wipes it after the handshake.
type Credential struct {
	Username   string
	Password   secret.Secret // empty when PrivateKey is set
	PrivateKey secret.Secret // PEM
	Passphrase secret.Secret // of PrivateKey; may be empty
}

// Wipe overwrites what is secret.
func (c Credential) Wipe() {
	c.Password.Wipe()
	c.PrivateKey.Wipe()
	c.Passphrase.Wipe()
}

// Failure is why a session with a ticket never came up.
type Failure string

// The failures that SESSION_ESTABLISHED knows.
const (
	Unreachable     Failure = "upstream_unreachable"
	AuthFailed      Failure = "upstream_auth_failed"
	HostKeyMismatch Failure = "host_key_mismatch"
)

// Sessions is the life of a privileged session, as the control plane sees it.
type Sessions interface {
	// Launch decides, mints a grant and redeems it at once: the path of a native client.
	Launch(ctx context.Context, p Person, c Choice, from Client) (*Ticket, error)
	// Redeem uses a grant that a certificate carried.
	Redeem(ctx context.Context, p Person, grant secret.Secret, from Client) (*Ticket, error)
	// Lease gives the credential for this session.
	Lease(ctx context.Context, t *Ticket) (Credential, error)
	// Failed ends a ticket whose target could not be signed in to.
	Failed(ctx context.Context, t *Ticket, why Failure) error
	// Start makes the session live; recorded, when it returns.
	Start(ctx context.Context, t *Ticket) (Live, error)
}

// Live is a running session. Close is called exactly once.
type Live interface {
	Opened(ctx context.Context, o Opened) error
	Recorder() Recorder // nil when the policy switched recording off
	Enforced(ctx context.Context, e Enforcement) error
	Touch()                  // the person or the target was active; cheap
	Ending() <-chan struct{} // the product wants it ended
	EndingSentence() string  // why, for the person
	Close(ctx context.Context, c Closed) error
}

// Opened is what is known once the first channel is ready.
type Opened struct {
	Host         string
	Port         int
	HostKey      string // SHA256 fingerprint
	Client       string // version line
	FirstChannel string // shell, exec, sftp or port_forward
}

// Enforcement is one intervention of the policy inside a session.
type Enforcement struct {
	Control   string // controlForward, controlFiles or controlClipboard
	Direction string // to_target, from_target, or empty where the data has none
	Bytes     int64
}

// CloseSide is the side that closed the transport.
type CloseSide string

// The sides, as PROXY_SSH_SESSION_CLOSED names them.
const (
	ByClient  CloseSide = "client_disconnect"
	ByExit    CloseSide = "channel_close"
	ByTarget  CloseSide = "upstream_eof"
	ByControl CloseSide = "ended_by_control_plane"
	ByGateway CloseSide = "gateway_error"
)

// Closed is what is known when the transport is closed.
type Closed struct {
	By              CloseSide
	ExitStatus      *int // of the last command that gave one
	Channels        int
	BytesToTarget   int64
	BytesFromTarget int64
}

// Recorder takes the frames of one session and sets their times. Write copies the
// data, may block for back-pressure, and is safe for concurrent use.
type Recorder interface {
	Write(f format.Frame) error
	Failed() <-chan struct{}
}

// Dialer reaches a target. It resolves names itself and refuses addresses that are
// closed to us.
type Dialer interface {
	Dial(ctx context.Context, host string, port int) (net.Conn, error)
}

// Rejection is a client that presented a key or certificate and was turned away.
type Rejection struct {
	Login       string // as claimed
	Fingerprint string // SHA256, of the last key that it presented
	Client      Client
}

// Rejections records clients that were turned away (PROXY_SSH_AUTH_REJECTED,
// key_not_authorised), folding repeats.
type Rejections interface {
	Rejected(ctx context.Context, r Rejection) error
}

// sourceAddr is the address of a client without a zone or IPv4-in-IPv6 form.
func sourceAddr(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

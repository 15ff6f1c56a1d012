package sshevent

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// FirstChannel is what the first channel of a session is for.
type FirstChannel struct{ word }

// The values of FirstChannel.
var (
	FirstChannelShell       = FirstChannel{word{"shell"}}
	FirstChannelExec        = FirstChannel{word{"exec"}}
	FirstChannelSFTP        = FirstChannel{word{"sftp"}}
	FirstChannelPortForward = FirstChannel{word{"port_forward"}}
)

// Values are the closed list of texts.
func (FirstChannel) Values() []string {
	return texts(FirstChannelShell, FirstChannelExec, FirstChannelSFTP, FirstChannelPortForward)
}

// ParseFirstChannel reads one of the texts of Values.
func ParseFirstChannel(s string) (FirstChannel, error) {
	return parse(s, FirstChannelShell, FirstChannelExec, FirstChannelSFTP, FirstChannelPortForward)
}

// SessionOpened is emitted by the SSH gateway when the grant is verified, the upstream is
// connected and the first channel is ready, with the session_id that SESSION_ESTABLISHED
// carries.
//
// PROXY_SSH_SESSION_OPENED, "proxy.ssh.session.opened".
type SessionOpened struct {
	base
	connectionID       id.Resource  `meta:"connection_id"`
	accountID          id.Account   `meta:"account_id"`
	grantID            id.Grant     `meta:"grant_id"`
	upstreamHost       string       `meta:"upstream_host"`
	upstreamPort       int          `meta:"upstream_port"`
	hostKeyFingerprint string       `meta:"host_key_fingerprint"`
	clientVersion      string       `meta:"client_version"`
	firstChannel       FirstChannel `meta:"first_channel"`
}

var sessionOpened = envelope.Define[SessionOpened](Definition{
	Constant: SESSION_OPENED, Wire: "proxy.ssh.session.opened", Category: envelope.ProxySharedSSH,
	Severity: envelope.Info, TargetType: envelope.TargetSession, Log: envelope.OrgLog,
	ActorTypes: []ActorType{envelope.User, envelope.ServiceAccount},
	Outcomes:   []Outcome{envelope.Success},
	OCSF:       envelope.InOCSF(4007, 1, "Open"),
	ECS:        ECS{Category: []string{"network"}, Type: []string{"start", "connection"}},
	Trigger: "Emitted by the SSH gateway when the grant is verified, the upstream is connected and the first " +
		"channel is ready, with the session_id that SESSION_ESTABLISHED carries; not for later channels of " +
		"the same session, and not to be counted as a second session.",
})

// NewSessionOpened builds PROXY_SSH_SESSION_OPENED.
func NewSessionOpened(
	act Act, target SessionRef, connectionID id.Resource, accountID id.Account, grantID id.Grant,
	upstreamHost string, upstreamPort int, hostKeyFingerprint, clientVersion string, firstChannel FirstChannel,
) SessionOpened {
	return SessionOpened{
		base:         sessionOpened.Succeeded(act, target),
		connectionID: connectionID, accountID: accountID, grantID: grantID, upstreamHost: upstreamHost,
		upstreamPort: upstreamPort, hostKeyFingerprint: hostKeyFingerprint, clientVersion: clientVersion,
		firstChannel: firstChannel,
	}
}

// SessionClosedReason is a reason of PROXY_SSH_SESSION_CLOSED.
type SessionClosedReason struct{ word }

// The reasons of PROXY_SSH_SESSION_CLOSED.
var (
	SessionClosedClientDisconnect    = SessionClosedReason{word{"client_disconnect"}}
	SessionClosedChannelClose        = SessionClosedReason{word{"channel_close"}}
	SessionClosedUpstreamEof         = SessionClosedReason{word{"upstream_eof"}}
	SessionClosedEndedByControlPlane = SessionClosedReason{word{"ended_by_control_plane"}}
	SessionClosedGatewayError        = SessionClosedReason{word{"gateway_error"}}
)

// SessionClosed is emitted by the SSH gateway when the transport of an opened session closes,
// naming the side that closed it, with the traffic totals.
//
// PROXY_SSH_SESSION_CLOSED, "proxy.ssh.session.closed".
type SessionClosed struct {
	base
	connectionID    id.Resource `meta:"connection_id"`
	exitStatus      opt[int]    `meta:"exit_status"`
	channels        int         `meta:"channels"`
	bytesToTarget   int64       `meta:"bytes_to_target"`
	bytesFromTarget int64       `meta:"bytes_from_target"`
	duration        seconds     `meta:"duration_seconds"`
}

var sessionClosed = envelope.Define[SessionClosed](Definition{
	Constant: SESSION_CLOSED, Wire: "proxy.ssh.session.closed", Category: envelope.ProxySharedSSH,
	Severity: envelope.Info, TargetType: envelope.TargetSession, Log: envelope.OrgLog,
	ActorTypes: []ActorType{envelope.User, envelope.ServiceAccount, envelope.Connector, envelope.System},
	Outcomes:   []Outcome{envelope.Success, envelope.Failure},
	Reasons: texts(
		SessionClosedClientDisconnect, SessionClosedChannelClose, SessionClosedUpstreamEof,
		SessionClosedEndedByControlPlane, SessionClosedGatewayError,
	),
	OCSF: envelope.InOCSF(4007, 2, "Close"),
	ECS:  ECS{Category: []string{"network"}, Type: []string{"end", "connection"}},
	Trigger: "Emitted by the SSH gateway when the transport of an opened session closes, naming the side that " +
		"closed it, with the traffic totals; not in place of the one SESSION_TERMINATED_* event, which says " +
		"who ended the session and why.",
})

// NewSessionClosed builds PROXY_SSH_SESSION_CLOSED.
func NewSessionClosed(
	act Act, target SessionRef, connectionID id.Resource, channels int, bytesToTarget, bytesFromTarget int64,
	duration time.Duration,
) SessionClosed {
	return SessionClosed{
		base:         sessionClosed.Succeeded(act, target),
		connectionID: connectionID, channels: channels, bytesToTarget: bytesToTarget,
		bytesFromTarget: bytesFromTarget, duration: seconds(duration),
	}
}

// WithExitStatus adds exit_status.
func (e SessionClosed) WithExitStatus(v int) SessionClosed {
	e.exitStatus = envelope.Some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e SessionClosed) Failed(reason SessionClosedReason) SessionClosed {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e SessionClosed) Because(reason SessionClosedReason) SessionClosed {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// AuthRejectedReason is a reason of PROXY_SSH_AUTH_REJECTED.
type AuthRejectedReason struct{ word }

// The reasons of PROXY_SSH_AUTH_REJECTED.
var (
	AuthRejectedGrantInvalid      = AuthRejectedReason{word{"grant_invalid"}}
	AuthRejectedGrantExpired      = AuthRejectedReason{word{"grant_expired"}}
	AuthRejectedGrantReplayed     = AuthRejectedReason{word{"grant_replayed"}}
	AuthRejectedGrantWrongGateway = AuthRejectedReason{word{"grant_wrong_gateway"}}
	AuthRejectedKeyNotAuthorised  = AuthRejectedReason{word{"key_not_authorised"}}
)

// AuthRejected is emitted when the SSH gateway refuses a client that presents a grant or key
// which is invalid, expired, replayed or not authorised, equal refusals from one source within
// one minute being folded with a count and a replay also raising SECURITY_INCIDENT_FLAGGED.
//
// PROXY_SSH_AUTH_REJECTED, "proxy.ssh.auth.rejected".
type AuthRejected struct {
	base
	grantID        opt[id.Grant] `meta:"grant_id"`
	keyFingerprint opt[string]   `meta:"key_fingerprint"`
	claimedUser    opt[string]   `meta:"claimed_user"`
	clientVersion  string        `meta:"client_version"`
	coalesced      int           `meta:"coalesced"`
}

var authRejected = envelope.Define[AuthRejected](Definition{
	Constant: AUTH_REJECTED, Wire: "proxy.ssh.auth.rejected", Category: envelope.ProxySharedSSH,
	Severity: envelope.Error, TargetType: envelope.TargetSession, Log: envelope.OrgOrPlatform,
	ActorTypes: []ActorType{envelope.User, envelope.ServiceAccount, envelope.System},
	Outcomes:   []Outcome{envelope.Denied},
	Reasons: texts(
		AuthRejectedGrantInvalid, AuthRejectedGrantExpired, AuthRejectedGrantReplayed,
		AuthRejectedGrantWrongGateway, AuthRejectedKeyNotAuthorised,
	),
	OCSF: envelope.InOCSF(3002, 1, "Logon"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted when the SSH gateway refuses a client that presents a grant or key which is invalid, " +
		"expired, replayed or not authorised, equal refusals from one source within one minute being folded " +
		"with a count and a replay also raising SECURITY_INCIDENT_FLAGGED; not for scanners that never " +
		"present either, which are only counted in metrics.",
})

// NewAuthRejected builds PROXY_SSH_AUTH_REJECTED with outcome denied.
func NewAuthRejected(
	act Act, target SessionRef, reason AuthRejectedReason, clientVersion string, coalesced int,
) AuthRejected {
	return AuthRejected{
		base:          authRejected.Denied(act, target, reason.text),
		clientVersion: clientVersion, coalesced: coalesced,
	}
}

// WithGrantID adds grant_id.
func (e AuthRejected) WithGrantID(v id.Grant) AuthRejected {
	e.grantID = envelope.Some(v)
	return e
}

// WithKeyFingerprint adds key_fingerprint.
func (e AuthRejected) WithKeyFingerprint(v string) AuthRejected {
	e.keyFingerprint = envelope.Some(v)
	return e
}

// WithClaimedUser adds claimed_user.
func (e AuthRejected) WithClaimedUser(v string) AuthRejected {
	e.claimedUser = envelope.Some(v)
	return e
}

// RecordingWrittenReason is a reason of PROXY_SSH_RECORDING_WRITTEN.
type RecordingWrittenReason struct{ word }

// The reasons of PROXY_SSH_RECORDING_WRITTEN.
var (
	RecordingWrittenStoreUnavailable = RecordingWrittenReason{word{"store_unavailable"}}
	RecordingWrittenDiskFull         = RecordingWrittenReason{word{"disk_full"}}
)

// RecordingWritten is emitted by the SSH gateway when the finished recording file of a session
// is closed, digested and stored in the recordings store, or with failure when it cannot be
// stored.
//
// PROXY_SSH_RECORDING_WRITTEN, "proxy.ssh.recording.written".
type RecordingWritten struct {
	base
	recordingID   id.Recording `meta:"recording_id"`
	sizeBytes     int64        `meta:"size_bytes"`
	contentSHA256 opt[SHA256]  `meta:"content_sha256"`
	frames        int64        `meta:"frames"`
	storage       string       `meta:"storage"`
}

var recordingWritten = envelope.Define[RecordingWritten](Definition{
	Constant: RECORDING_WRITTEN, Wire: "proxy.ssh.recording.written", Category: envelope.ProxySharedSSH,
	Severity: envelope.Info, SeverityIfNotSuccess: envelope.Error, TargetType: envelope.TargetSession, Log: envelope.OrgLog,
	ActorTypes: []ActorType{envelope.Connector, envelope.System},
	Outcomes:   []Outcome{envelope.Success, envelope.Failure},
	Reasons:    texts(RecordingWrittenStoreUnavailable, RecordingWrittenDiskFull),
	OCSF:       envelope.InOCSF(6006, 1, "Upload"),
	ECS:        ECS{Category: []string{"file"}, Type: []string{"creation"}},
	Trigger: "Emitted by the SSH gateway when the finished recording file of a session is closed, digested and " +
		"stored in the recordings store, or with failure when it cannot be stored; not for part uploads, and " +
		"always before the control plane's SESSION_RECORDING_FINALIZED.",
})

// NewRecordingWritten builds PROXY_SSH_RECORDING_WRITTEN.
func NewRecordingWritten(
	act Act, target SessionRef, recordingID id.Recording, sizeBytes, frames int64, storage string,
) RecordingWritten {
	return RecordingWritten{
		base:        recordingWritten.Succeeded(act, target),
		recordingID: recordingID, sizeBytes: sizeBytes, frames: frames, storage: storage,
	}
}

// WithContentSHA256 adds content_sha256.
func (e RecordingWritten) WithContentSHA256(v SHA256) RecordingWritten {
	e.contentSHA256 = envelope.Some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e RecordingWritten) Failed(reason RecordingWrittenReason) RecordingWritten {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/gateway/ssh/sshevent"
	"github.com/vaultpam/vaultpam/internal/id"
)

// ProxySSHSessionOpened is the event that the SSH gateway defines as sshevent.SessionOpened.
type ProxySSHSessionOpened = sshevent.SessionOpened

// NewProxySSHSessionOpened builds PROXY_SSH_SESSION_OPENED.
func NewProxySSHSessionOpened(
	act Act, target SessionRef, connectionID id.Resource, accountID id.Account, grantID id.Grant,
	upstreamHost string, upstreamPort int, hostKeyFingerprint, clientVersion string, firstChannel FirstChannel,
) ProxySSHSessionOpened {
	return sshevent.NewSessionOpened(act, target, connectionID, accountID, grantID, upstreamHost, upstreamPort, hostKeyFingerprint, clientVersion, firstChannel)
}

// ProxySSHSessionClosed is the event that the SSH gateway defines as sshevent.SessionClosed.
type ProxySSHSessionClosed = sshevent.SessionClosed

// ProxySSHSessionClosedReason is a reason of PROXY_SSH_SESSION_CLOSED.
type ProxySSHSessionClosedReason = sshevent.SessionClosedReason

// The reasons of PROXY_SSH_SESSION_CLOSED.
var (
	ProxySSHSessionClosedClientDisconnect    = sshevent.SessionClosedClientDisconnect
	ProxySSHSessionClosedChannelClose        = sshevent.SessionClosedChannelClose
	ProxySSHSessionClosedUpstreamEof         = sshevent.SessionClosedUpstreamEof
	ProxySSHSessionClosedEndedByControlPlane = sshevent.SessionClosedEndedByControlPlane
	ProxySSHSessionClosedGatewayError        = sshevent.SessionClosedGatewayError
)

// NewProxySSHSessionClosed builds PROXY_SSH_SESSION_CLOSED.
func NewProxySSHSessionClosed(
	act Act, target SessionRef, connectionID id.Resource, channels int, bytesToTarget, bytesFromTarget int64,
	duration time.Duration,
) ProxySSHSessionClosed {
	return sshevent.NewSessionClosed(act, target, connectionID, channels, bytesToTarget, bytesFromTarget, duration)
}

// ProxySSHAuthRejected is the event that the SSH gateway defines as sshevent.AuthRejected.
type ProxySSHAuthRejected = sshevent.AuthRejected

// ProxySSHAuthRejectedReason is a reason of PROXY_SSH_AUTH_REJECTED.
type ProxySSHAuthRejectedReason = sshevent.AuthRejectedReason

// The reasons of PROXY_SSH_AUTH_REJECTED.
var (
	ProxySSHAuthRejectedGrantInvalid      = sshevent.AuthRejectedGrantInvalid
	ProxySSHAuthRejectedGrantExpired      = sshevent.AuthRejectedGrantExpired
	ProxySSHAuthRejectedGrantReplayed     = sshevent.AuthRejectedGrantReplayed
	ProxySSHAuthRejectedGrantWrongGateway = sshevent.AuthRejectedGrantWrongGateway
	ProxySSHAuthRejectedKeyNotAuthorised  = sshevent.AuthRejectedKeyNotAuthorised
)

// NewProxySSHAuthRejected builds PROXY_SSH_AUTH_REJECTED.
func NewProxySSHAuthRejected(
	act Act, target SessionRef, reason ProxySSHAuthRejectedReason, clientVersion string, coalesced int,
) ProxySSHAuthRejected {
	return sshevent.NewAuthRejected(act, target, reason, clientVersion, coalesced)
}

// ProxySSHRecordingWritten is the event that the SSH gateway defines as sshevent.RecordingWritten.
type ProxySSHRecordingWritten = sshevent.RecordingWritten

// ProxySSHRecordingWrittenReason is a reason of PROXY_SSH_RECORDING_WRITTEN.
type ProxySSHRecordingWrittenReason = sshevent.RecordingWrittenReason

// The reasons of PROXY_SSH_RECORDING_WRITTEN.
var (
	ProxySSHRecordingWrittenStoreUnavailable = sshevent.RecordingWrittenStoreUnavailable
	ProxySSHRecordingWrittenDiskFull         = sshevent.RecordingWrittenDiskFull
)

// NewProxySSHRecordingWritten builds PROXY_SSH_RECORDING_WRITTEN.
func NewProxySSHRecordingWritten(
	act Act, target SessionRef, recordingID id.Recording, sizeBytes, frames int64, storage string,
) ProxySSHRecordingWritten {
	return sshevent.NewRecordingWritten(act, target, recordingID, sizeBytes, frames, storage)
}

// FirstChannel is what the first channel of a session is for.
type FirstChannel = sshevent.FirstChannel

// The values of FirstChannel.
var (
	FirstChannelShell       = sshevent.FirstChannelShell
	FirstChannelExec        = sshevent.FirstChannelExec
	FirstChannelSFTP        = sshevent.FirstChannelSFTP
	FirstChannelPortForward = sshevent.FirstChannelPortForward
)

// ParseFirstChannel reads one of the texts of Values.
func ParseFirstChannel(s string) (FirstChannel, error) { return sshevent.ParseFirstChannel(s) }

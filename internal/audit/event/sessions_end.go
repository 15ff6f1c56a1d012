package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// SessionTerminatedByUser is emitted when the session's own user or client ends it (sign-out,
// closed window, disconnect), each established session having exactly one SESSION_TERMINATED_*
// event.
//
// SESSION_TERMINATED_BY_USER, "Session Terminated by User".
type SessionTerminatedByUser struct {
	base
	protocol        Protocol          `meta:"protocol"`
	connectionID    id.Resource       `meta:"connection_id"`
	accountID       id.Account        `meta:"account_id"`
	duration        seconds           `meta:"duration_seconds"`
	bytesToTarget   int64             `meta:"bytes_to_target"`
	bytesFromTarget int64             `meta:"bytes_from_target"`
	recordingID     opt[id.Recording] `meta:"recording_id"`
}

var sessionTerminatedByUser = define[SessionTerminatedByUser](Definition{
	Constant: SESSION_TERMINATED_BY_USER, Wire: "Session Terminated by User", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 2, "Logoff"),
	ECS:        ECS{Category: []string{"session"}, Type: []string{"end"}},
	Trigger: "Emitted when the session's own user or client ends it (sign-out, closed window, disconnect), each " +
		"established session having exactly one SESSION_TERMINATED_* event; not when an administrator or a " +
		"rule ended it.",
})

// NewSessionTerminatedByUser builds SESSION_TERMINATED_BY_USER.
func NewSessionTerminatedByUser(
	act Act, target SessionRef, protocol Protocol, connectionID id.Resource, accountID id.Account,
	duration time.Duration, bytesToTarget, bytesFromTarget int64,
) SessionTerminatedByUser {
	return SessionTerminatedByUser{
		base:     sessionTerminatedByUser.Succeeded(act, target),
		protocol: protocol, connectionID: connectionID, accountID: accountID, duration: seconds(duration),
		bytesToTarget: bytesToTarget, bytesFromTarget: bytesFromTarget,
	}
}

// WithRecordingID adds recording_id.
func (e SessionTerminatedByUser) WithRecordingID(v id.Recording) SessionTerminatedByUser {
	e.recordingID = some(v)
	return e
}

// SessionTerminatedByAdminReason is a reason of SESSION_TERMINATED_BY_ADMIN.
type SessionTerminatedByAdminReason struct{ word }

// The reasons of SESSION_TERMINATED_BY_ADMIN.
var (
	SessionTerminatedByAdminAdminOrder   = SessionTerminatedByAdminReason{word{"admin_order"}}
	SessionTerminatedByAdminNotPermitted = SessionTerminatedByAdminReason{word{"not_permitted"}}
)

// SessionTerminatedByAdmin is emitted when an administrator ends somebody's live session on
// purpose.
//
// SESSION_TERMINATED_BY_ADMIN, "Session Terminated by Admin".
type SessionTerminatedByAdmin struct {
	base
	protocol      Protocol          `meta:"protocol"`
	connectionID  id.Resource       `meta:"connection_id"`
	accountID     id.Account        `meta:"account_id"`
	sessionUserID id.User           `meta:"session_user_id"`
	duration      seconds           `meta:"duration_seconds"`
	comment       opt[string]       `meta:"comment"`
	recordingID   opt[id.Recording] `meta:"recording_id"`
}

var sessionTerminatedByAdmin = define[SessionTerminatedByAdmin](Definition{
	Constant: SESSION_TERMINATED_BY_ADMIN, Wire: "Session Terminated by Admin", Category: ConnectionsSessions,
	Severity: Warn, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(SessionTerminatedByAdminAdminOrder, SessionTerminatedByAdminNotPermitted),
	OCSF:       ocsf(3002, 2, "Logoff"),
	ECS:        ECS{Category: []string{"session"}, Type: []string{"end"}},
	Trigger: "Emitted when an administrator ends somebody's live session on purpose; not when a session ends as " +
		"the consequence of another administrative change such as a disabled account " +
		"(SESSION_TERMINATED_BY_SYSTEM).",
})

// NewSessionTerminatedByAdmin builds SESSION_TERMINATED_BY_ADMIN.
func NewSessionTerminatedByAdmin(
	act Act, target SessionRef, protocol Protocol, connectionID id.Resource, accountID id.Account,
	sessionUserID id.User, duration time.Duration,
) SessionTerminatedByAdmin {
	return SessionTerminatedByAdmin{
		base:     sessionTerminatedByAdmin.Succeeded(act, target),
		protocol: protocol, connectionID: connectionID, accountID: accountID, sessionUserID: sessionUserID,
		duration: seconds(duration),
	}
}

// WithComment adds comment.
func (e SessionTerminatedByAdmin) WithComment(v string) SessionTerminatedByAdmin {
	e.comment = some(v)
	return e
}

// WithRecordingID adds recording_id.
func (e SessionTerminatedByAdmin) WithRecordingID(v id.Recording) SessionTerminatedByAdmin {
	e.recordingID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e SessionTerminatedByAdmin) Denied(reason SessionTerminatedByAdminReason) SessionTerminatedByAdmin {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e SessionTerminatedByAdmin) Because(reason SessionTerminatedByAdminReason) SessionTerminatedByAdmin {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// SessionTerminatedBySystemReason is a reason of SESSION_TERMINATED_BY_SYSTEM.
type SessionTerminatedBySystemReason struct{ word }

// The reasons of SESSION_TERMINATED_BY_SYSTEM.
var (
	SessionTerminatedBySystemTTL                     = SessionTerminatedBySystemReason{word{"ttl"}}
	SessionTerminatedBySystemIdle                    = SessionTerminatedBySystemReason{word{"idle"}}
	SessionTerminatedBySystemValidHoursEnd           = SessionTerminatedBySystemReason{word{"valid_hours_end"}}
	SessionTerminatedBySystemAccessRevoked           = SessionTerminatedBySystemReason{word{"access_revoked"}}
	SessionTerminatedBySystemAccountDisabled         = SessionTerminatedBySystemReason{word{"account_disabled"}}
	SessionTerminatedBySystemConnectorLost           = SessionTerminatedBySystemReason{word{"connector_lost"}}
	SessionTerminatedBySystemConnectorDecommissioned = SessionTerminatedBySystemReason{word{"connector_decommissioned"}}
	SessionTerminatedBySystemRecordingFailed         = SessionTerminatedBySystemReason{word{"recording_failed"}}
	SessionTerminatedBySystemAuditUnavailable        = SessionTerminatedBySystemReason{word{"audit_unavailable"}}
	SessionTerminatedBySystemPolicyViolation         = SessionTerminatedBySystemReason{word{"policy_violation"}}
	SessionTerminatedBySystemUpstreamClosed          = SessionTerminatedBySystemReason{word{"upstream_closed"}}
	SessionTerminatedBySystemShutdown                = SessionTerminatedBySystemReason{word{"shutdown"}}
)

// SessionTerminatedBySystem is emitted when the product itself ends a live session, with
// success for a planned end (TTL, idle limit, end of valid hours) and failure for a forced one
// (lost right, disabled account, lost or retired connector, recording or audit failure,
// upstream close, shutdown).
//
// SESSION_TERMINATED_BY_SYSTEM, "Session Terminated by System".
type SessionTerminatedBySystem struct {
	base
	protocol      Protocol          `meta:"protocol"`
	connectionID  id.Resource       `meta:"connection_id"`
	accountID     id.Account        `meta:"account_id"`
	sessionUserID id.User           `meta:"session_user_id"`
	duration      seconds           `meta:"duration_seconds"`
	causedBy      opt[id.Event]     `meta:"caused_by"`
	recordingID   opt[id.Recording] `meta:"recording_id"`
}

var sessionTerminatedBySystem = define[SessionTerminatedBySystem](Definition{
	Constant: SESSION_TERMINATED_BY_SYSTEM, Wire: "Session Terminated by System", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		SessionTerminatedBySystemTTL, SessionTerminatedBySystemIdle, SessionTerminatedBySystemValidHoursEnd,
		SessionTerminatedBySystemAccessRevoked, SessionTerminatedBySystemAccountDisabled,
		SessionTerminatedBySystemConnectorLost, SessionTerminatedBySystemConnectorDecommissioned,
		SessionTerminatedBySystemRecordingFailed, SessionTerminatedBySystemAuditUnavailable,
		SessionTerminatedBySystemPolicyViolation, SessionTerminatedBySystemUpstreamClosed,
		SessionTerminatedBySystemShutdown,
	),
	OCSF: ocsf(3002, 2, "Logoff"),
	ECS:  ECS{Category: []string{"session"}, Type: []string{"end"}},
	Trigger: "Emitted when the product itself ends a live session, with success for a planned end (TTL, idle " +
		"limit, end of valid hours) and failure for a forced one (lost right, disabled account, lost or " +
		"retired connector, recording or audit failure, upstream close, shutdown); not when the user's client" +
		" simply disconnects.",
})

// NewSessionTerminatedBySystem builds SESSION_TERMINATED_BY_SYSTEM.
func NewSessionTerminatedBySystem(
	act Act, target SessionRef, protocol Protocol, connectionID id.Resource, accountID id.Account,
	sessionUserID id.User, duration time.Duration,
) SessionTerminatedBySystem {
	return SessionTerminatedBySystem{
		base:     sessionTerminatedBySystem.Succeeded(act, target),
		protocol: protocol, connectionID: connectionID, accountID: accountID, sessionUserID: sessionUserID,
		duration: seconds(duration),
	}
}

// WithCausedBy adds caused_by.
func (e SessionTerminatedBySystem) WithCausedBy(v id.Event) SessionTerminatedBySystem {
	e.causedBy = some(v)
	return e
}

// WithRecordingID adds recording_id.
func (e SessionTerminatedBySystem) WithRecordingID(v id.Recording) SessionTerminatedBySystem {
	e.recordingID = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e SessionTerminatedBySystem) Failed(reason SessionTerminatedBySystemReason) SessionTerminatedBySystem {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e SessionTerminatedBySystem) Because(reason SessionTerminatedBySystemReason) SessionTerminatedBySystem {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// SessionRecordingFinalizedReason is a reason of SESSION_RECORDING_FINALIZED.
type SessionRecordingFinalizedReason struct{ word }

// The reasons of SESSION_RECORDING_FINALIZED.
var (
	SessionRecordingFinalizedDigestMismatch  = SessionRecordingFinalizedReason{word{"digest_mismatch"}}
	SessionRecordingFinalizedArtifactMissing = SessionRecordingFinalizedReason{word{"artifact_missing"}}
	SessionRecordingFinalizedTruncated       = SessionRecordingFinalizedReason{word{"truncated"}}
)

// SessionRecordingFinalized is emitted by the control plane, for every protocol, when the
// manifest and digest of a closed recording match the stored artifact and it becomes playable,
// or with failure when they do not.
//
// SESSION_RECORDING_FINALIZED, "Session Recording Finalized".
type SessionRecordingFinalized struct {
	base
	recordingID    id.Recording `meta:"recording_id"`
	sizeBytes      int64        `meta:"size_bytes"`
	duration       seconds      `meta:"duration_seconds"`
	rootHash       SHA256       `meta:"root_hash"`
	parts          int          `meta:"parts"`
	retentionUntil instant      `meta:"retention_until"`
}

var sessionRecordingFinalized = define[SessionRecordingFinalized](Definition{
	Constant: SESSION_RECORDING_FINALIZED, Wire: "Session Recording Finalized", Category: ConnectionsSessions,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		SessionRecordingFinalizedDigestMismatch, SessionRecordingFinalizedArtifactMissing,
		SessionRecordingFinalizedTruncated,
	),
	OCSF: ocsf(6006, 1, "Upload"),
	ECS:  ECS{Category: []string{"file"}, Type: []string{"creation"}},
	Trigger: "Emitted by the control plane, for every protocol, when the manifest and digest of a closed recording" +
		" match the stored artifact and it becomes playable, or with failure when they do not; not at the " +
		"gateway's own write, which for SSH is PROXY_SSH_RECORDING_WRITTEN.",
})

// NewSessionRecordingFinalized builds SESSION_RECORDING_FINALIZED.
func NewSessionRecordingFinalized(
	act Act, target SessionRef, recordingID id.Recording, sizeBytes int64, duration time.Duration,
	rootHash SHA256, parts int, retentionUntil time.Time,
) SessionRecordingFinalized {
	return SessionRecordingFinalized{
		base:        sessionRecordingFinalized.Succeeded(act, target),
		recordingID: recordingID, sizeBytes: sizeBytes, duration: seconds(duration), rootHash: rootHash,
		parts: parts, retentionUntil: moment(retentionUntil),
	}
}

// Failed turns the event into an attempt that did not work.
func (e SessionRecordingFinalized) Failed(reason SessionRecordingFinalizedReason) SessionRecordingFinalized {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// PlaybackMode is the way a recording or a live session is looked at.
type PlaybackMode struct{ word }

// The values of PlaybackMode.
var (
	PlaybackModeReplay   = PlaybackMode{word{"replay"}}
	PlaybackModeDownload = PlaybackMode{word{"download"}}
	PlaybackModeLiveView = PlaybackMode{word{"live_view"}}
)

// Values are the closed list of texts.
func (PlaybackMode) Values() []string {
	return texts(PlaybackModeReplay, PlaybackModeDownload, PlaybackModeLiveView)
}

// ParsePlaybackMode reads one of the texts of Values.
func ParsePlaybackMode(s string) (PlaybackMode, error) {
	return parse(s, PlaybackModeReplay, PlaybackModeDownload, PlaybackModeLiveView)
}

// SessionPlaybackAccessedReason is a reason of SESSION_PLAYBACK_ACCESSED.
type SessionPlaybackAccessedReason struct{ word }

// The reasons of SESSION_PLAYBACK_ACCESSED.
var (
	SessionPlaybackAccessedNotPermitted    = SessionPlaybackAccessedReason{word{"not_permitted"}}
	SessionPlaybackAccessedRecordingPruned = SessionPlaybackAccessedReason{word{"recording_pruned"}}
)

// SessionPlaybackAccessed is emitted once each time a recording is opened for replay or
// download, or a live session is watched.
//
// SESSION_PLAYBACK_ACCESSED, "Session Playback Accessed".
type SessionPlaybackAccessed struct {
	base
	recordingID   opt[id.Recording] `meta:"recording_id"`
	playbackMode  PlaybackMode      `meta:"playback_mode"`
	sessionUserID id.User           `meta:"session_user_id"`
	ownSession    bool              `meta:"own_session"`
}

var sessionPlaybackAccessed = define[SessionPlaybackAccessed](Definition{
	Constant: SESSION_PLAYBACK_ACCESSED, Wire: "Session Playback Accessed", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, TenantAdmin, OrgAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(SessionPlaybackAccessedNotPermitted, SessionPlaybackAccessedRecordingPruned),
	OCSF:       ocsf(6006, 14, "Open"),
	ECS:        ECS{Category: []string{"file"}, Type: []string{"access"}},
	Trigger: "Emitted once each time a recording is opened for replay or download, or a live session is watched; " +
		"not for seeking inside an opened replay, and not for listing recordings.",
})

// NewSessionPlaybackAccessed builds SESSION_PLAYBACK_ACCESSED.
func NewSessionPlaybackAccessed(
	act Act, target SessionRef, playbackMode PlaybackMode, sessionUserID id.User, ownSession bool,
) SessionPlaybackAccessed {
	return SessionPlaybackAccessed{
		base:         sessionPlaybackAccessed.Succeeded(act, target),
		playbackMode: playbackMode, sessionUserID: sessionUserID, ownSession: ownSession,
	}
}

// WithRecordingID adds recording_id.
func (e SessionPlaybackAccessed) WithRecordingID(v id.Recording) SessionPlaybackAccessed {
	e.recordingID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e SessionPlaybackAccessed) Denied(reason SessionPlaybackAccessedReason) SessionPlaybackAccessed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

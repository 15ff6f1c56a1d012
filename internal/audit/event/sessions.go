package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// SessionStartRequestedReason is a reason of SESSION_START_REQUESTED.
type SessionStartRequestedReason struct{ word }

// The reasons of SESSION_START_REQUESTED.
var (
	SessionStartRequestedNotAMember           = SessionStartRequestedReason{word{"not_a_member"}}
	SessionStartRequestedNoApproval           = SessionStartRequestedReason{word{"no_approval"}}
	SessionStartRequestedOutsideValidHours    = SessionStartRequestedReason{word{"outside_valid_hours"}}
	SessionStartRequestedMFARequired          = SessionStartRequestedReason{word{"mfa_required"}}
	SessionStartRequestedAccountDisabled      = SessionStartRequestedReason{word{"account_disabled"}}
	SessionStartRequestedConnectorUnreachable = SessionStartRequestedReason{word{"connector_unreachable"}}
	SessionStartRequestedRecordingUnavailable = SessionStartRequestedReason{word{"recording_unavailable"}}
	SessionStartRequestedConcurrencyLimit     = SessionStartRequestedReason{word{"concurrency_limit"}}
	SessionStartRequestedAuditUnavailable     = SessionStartRequestedReason{word{"audit_unavailable"}}
)

// SessionStartRequested is emitted when a user or API token asks the broker for a privileged
// session and the broker decides, with success when a short-lived grant is minted and denied
// when membership, approval, hours, MFA or connector state forbid it.
//
// SESSION_START_REQUESTED, "Session Start Requested".
type SessionStartRequested struct {
	base
	protocol        Protocol          `meta:"protocol"`
	safeID          id.Safe           `meta:"safe_id"`
	accountID       id.Account        `meta:"account_id"`
	connectorID     opt[id.Connector] `meta:"connector_id"`
	policyID        id.Policy         `meta:"policy_id"`
	accessRequestID opt[id.AccessReq] `meta:"access_request_id"`
	grantID         opt[id.Grant]     `meta:"grant_id"`
}

var sessionStartRequested = define[SessionStartRequested](Definition{
	Constant: SESSION_START_REQUESTED, Wire: "Session Start Requested", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetConnection, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		SessionStartRequestedNotAMember, SessionStartRequestedNoApproval,
		SessionStartRequestedOutsideValidHours, SessionStartRequestedMFARequired,
		SessionStartRequestedAccountDisabled, SessionStartRequestedConnectorUnreachable,
		SessionStartRequestedRecordingUnavailable, SessionStartRequestedConcurrencyLimit,
		SessionStartRequestedAuditUnavailable,
	),
	OCSF: ocsf(3003, 99, "Request Session"),
	ECS:  ECS{Category: []string{"session"}, Type: []string{"info"}},
	Trigger: "Emitted when a user or API token asks the broker for a privileged session and the broker decides, " +
		"with success when a short-lived grant is minted and denied when membership, approval, hours, MFA or " +
		"connector state forbid it; not when the gateway later connects (SESSION_ESTABLISHED).",
})

// NewSessionStartRequested builds SESSION_START_REQUESTED.
func NewSessionStartRequested(
	act Act, target ConnectionRef, protocol Protocol, safeID id.Safe, accountID id.Account, policyID id.Policy,
) SessionStartRequested {
	return SessionStartRequested{
		base:     sessionStartRequested.Succeeded(act, target),
		protocol: protocol, safeID: safeID, accountID: accountID, policyID: policyID,
	}
}

// WithConnectorID adds connector_id.
func (e SessionStartRequested) WithConnectorID(v id.Connector) SessionStartRequested {
	e.connectorID = some(v)
	return e
}

// WithAccessRequestID adds access_request_id.
func (e SessionStartRequested) WithAccessRequestID(v id.AccessReq) SessionStartRequested {
	e.accessRequestID = some(v)
	return e
}

// WithGrantID adds grant_id.
func (e SessionStartRequested) WithGrantID(v id.Grant) SessionStartRequested {
	e.grantID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e SessionStartRequested) Denied(reason SessionStartRequestedReason) SessionStartRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// RecordingMode is what a safe's policy says of recording.
type RecordingMode struct{ word }

// The values of RecordingMode.
var (
	RecordingModeRequired = RecordingMode{word{"required"}}
	RecordingModeOptional = RecordingMode{word{"optional"}}
	RecordingModeOff      = RecordingMode{word{"off"}}
)

// Values are the closed list of texts.
func (RecordingMode) Values() []string {
	return texts(RecordingModeRequired, RecordingModeOptional, RecordingModeOff)
}

// ParseRecordingMode reads one of the texts of Values.
func ParseRecordingMode(s string) (RecordingMode, error) {
	return parse(s, RecordingModeRequired, RecordingModeOptional, RecordingModeOff)
}

// SessionEstablishedReason is a reason of SESSION_ESTABLISHED.
type SessionEstablishedReason struct{ word }

// The reasons of SESSION_ESTABLISHED.
var (
	SessionEstablishedUpstreamUnreachable = SessionEstablishedReason{word{"upstream_unreachable"}}
	SessionEstablishedUpstreamAuthFailed  = SessionEstablishedReason{word{"upstream_auth_failed"}}
	SessionEstablishedHostKeyMismatch     = SessionEstablishedReason{word{"host_key_mismatch"}}
)

// SessionEstablished is emitted by the control plane, for every protocol, when the gateway
// reports that the upstream sign-in worked and the session is usable, with failure when the
// upstream refuses or cannot be reached, and again with resumed=true when a suspended session
// goes on.
//
// SESSION_ESTABLISHED, "Session Established".
type SessionEstablished struct {
	base
	protocol      Protocol          `meta:"protocol"`
	connectionID  id.Resource       `meta:"connection_id"`
	safeID        id.Safe           `meta:"safe_id"`
	accountID     id.Account        `meta:"account_id"`
	connectorID   opt[id.Connector] `meta:"connector_id"`
	grantID       id.Grant          `meta:"grant_id"`
	resumed       bool              `meta:"resumed"`
	recordingMode RecordingMode     `meta:"recording_mode"`
	expiresAt     opt[instant]      `meta:"expires_at"`
}

var sessionEstablished = define[SessionEstablished](Definition{
	Constant: SESSION_ESTABLISHED, Wire: "Session Established", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		SessionEstablishedUpstreamUnreachable, SessionEstablishedUpstreamAuthFailed,
		SessionEstablishedHostKeyMismatch,
	),
	OCSF: ocsf(3002, 1, "Logon"),
	ECS:  ECS{Category: []string{"session"}, Type: []string{"start"}},
	Trigger: "Emitted by the control plane, for every protocol, when the gateway reports that the upstream sign-in" +
		" worked and the session is usable, with failure when the upstream refuses or cannot be reached, and " +
		"again with resumed=true when a suspended session goes on; not for a grant that is never used.",
})

// NewSessionEstablished builds SESSION_ESTABLISHED.
func NewSessionEstablished(
	act Act, target SessionRef, protocol Protocol, connectionID id.Resource, safeID id.Safe,
	accountID id.Account, grantID id.Grant, resumed bool, recordingMode RecordingMode,
) SessionEstablished {
	return SessionEstablished{
		base:     sessionEstablished.Succeeded(act, target),
		protocol: protocol, connectionID: connectionID, safeID: safeID, accountID: accountID, grantID: grantID,
		resumed: resumed, recordingMode: recordingMode,
	}
}

// WithConnectorID adds connector_id.
func (e SessionEstablished) WithConnectorID(v id.Connector) SessionEstablished {
	e.connectorID = some(v)
	return e
}

// WithExpiresAt adds expires_at.
func (e SessionEstablished) WithExpiresAt(v time.Time) SessionEstablished {
	e.expiresAt = some(moment(v))
	return e
}

// Failed turns the event into an attempt that did not work.
func (e SessionEstablished) Failed(reason SessionEstablishedReason) SessionEstablished {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// SessionRecordingStarted is emitted once per session, when its policy asks for recording, as
// soon as the recorder's header is durable and before the first byte of the session passes.
//
// SESSION_RECORDING_STARTED, "Session Recording Started".
type SessionRecordingStarted struct {
	base
	recordingID     id.Recording `meta:"recording_id"`
	protocol        Protocol     `meta:"protocol"`
	recordingFormat string       `meta:"recording_format"`
	storage         string       `meta:"storage"`
	encryptionKeyID id.Key       `meta:"encryption_key_id"`
}

var sessionRecordingStarted = define[SessionRecordingStarted](Definition{
	Constant: SESSION_RECORDING_STARTED, Wire: "Session Recording Started", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(6006, 99, "Start Recording"),
	ECS:        ECS{Category: []string{"file"}, Type: []string{"creation"}},
	Trigger: "Emitted once per session, when its policy asks for recording, as soon as the recorder's header is " +
		"durable and before the first byte of the session passes; not when recording is merely configured, " +
		"and not when a part file is rolled over.",
})

// NewSessionRecordingStarted builds SESSION_RECORDING_STARTED.
func NewSessionRecordingStarted(
	act Act, target SessionRef, recordingID id.Recording, protocol Protocol, recordingFormat, storage string,
	encryptionKeyID id.Key,
) SessionRecordingStarted {
	return SessionRecordingStarted{
		base:        sessionRecordingStarted.Succeeded(act, target),
		recordingID: recordingID, protocol: protocol, recordingFormat: recordingFormat, storage: storage,
		encryptionKeyID: encryptionKeyID,
	}
}

// Control is the part of a safe's policy that stepped in.
type Control struct{ word }

// The values of Control.
var (
	ControlClipboard    = Control{word{"clipboard"}}
	ControlFileTransfer = Control{word{"file_transfer"}}
	ControlPortForward  = Control{word{"port_forward"}}
	ControlCommand      = Control{word{"command"}}
	ControlQuery        = Control{word{"query"}}
	ControlStepUp       = Control{word{"step_up"}}
	ControlTTL          = Control{word{"ttl"}}
)

// Values are the closed list of texts.
func (Control) Values() []string {
	return texts(ControlClipboard, ControlFileTransfer, ControlPortForward, ControlCommand, ControlQuery, ControlStepUp, ControlTTL)
}

// DataDirection is the way that data was going.
type DataDirection struct{ word }

// The values of DataDirection.
var (
	DataDirectionToTarget   = DataDirection{word{"to_target"}}
	DataDirectionFromTarget = DataDirection{word{"from_target"}}
)

// Values are the closed list of texts.
func (DataDirection) Values() []string {
	return texts(DataDirectionToTarget, DataDirectionFromTarget)
}

// SessionPolicyEnforcedReason is a reason of SESSION_POLICY_ENFORCED.
type SessionPolicyEnforcedReason struct{ word }

// The reasons of SESSION_POLICY_ENFORCED.
var (
	SessionPolicyEnforcedClipboardBlocked    = SessionPolicyEnforcedReason{word{"clipboard_blocked"}}
	SessionPolicyEnforcedFileTransferBlocked = SessionPolicyEnforcedReason{word{"file_transfer_blocked"}}
	SessionPolicyEnforcedPortForwardBlocked  = SessionPolicyEnforcedReason{word{"port_forward_blocked"}}
	SessionPolicyEnforcedCommandBlocked      = SessionPolicyEnforcedReason{word{"command_blocked"}}
	SessionPolicyEnforcedQueryBlocked        = SessionPolicyEnforcedReason{word{"query_blocked"}}
	SessionPolicyEnforcedStepUpForced        = SessionPolicyEnforcedReason{word{"step_up_forced"}}
	SessionPolicyEnforcedTTLShortened        = SessionPolicyEnforcedReason{word{"ttl_shortened"}}
)

// SessionPolicyEnforced is emitted when a control of the Safe policy stops or conditions
// something inside a running session (clipboard, file transfer, port forwarding, command or
// query rule, forced step-up, shortened TTL).
//
// SESSION_POLICY_ENFORCED, "Session Policy Enforced".
type SessionPolicyEnforced struct {
	base
	control       Control            `meta:"control"`
	ruleID        opt[id.Rule]       `meta:"rule_id"`
	dataDirection opt[DataDirection] `meta:"data_direction"`
	byteCount     opt[int64]         `meta:"byte_count"`
	coalesced     int                `meta:"coalesced"`
}

var sessionPolicyEnforced = define[SessionPolicyEnforced](Definition{
	Constant: SESSION_POLICY_ENFORCED, Wire: "Session Policy Enforced", Category: ConnectionsSessions,
	Severity: Warn, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		SessionPolicyEnforcedClipboardBlocked, SessionPolicyEnforcedFileTransferBlocked,
		SessionPolicyEnforcedPortForwardBlocked, SessionPolicyEnforcedCommandBlocked,
		SessionPolicyEnforcedQueryBlocked, SessionPolicyEnforcedStepUpForced,
		SessionPolicyEnforcedTTLShortened,
	),
	OCSF: ocsf(3003, 99, "Enforce Policy"),
	ECS:  ECS{Category: []string{"session"}, Type: []string{"info"}},
	Trigger: "Emitted when a control of the Safe policy stops or conditions something inside a running session " +
		"(clipboard, file transfer, port forwarding, command or query rule, forced step-up, shortened TTL); " +
		"not for a refused start (SESSION_START_REQUESTED), a refused URL (HTTP_URL_DENIED) or the end of the" +
		" session (SESSION_TERMINATED_*).",
})

// NewSessionPolicyEnforced builds SESSION_POLICY_ENFORCED.
func NewSessionPolicyEnforced(act Act, target SessionRef, control Control, coalesced int) SessionPolicyEnforced {
	return SessionPolicyEnforced{
		base:    sessionPolicyEnforced.Succeeded(act, target),
		control: control, coalesced: coalesced,
	}
}

// WithRuleID adds rule_id.
func (e SessionPolicyEnforced) WithRuleID(v id.Rule) SessionPolicyEnforced {
	e.ruleID = some(v)
	return e
}

// WithDataDirection adds data_direction.
func (e SessionPolicyEnforced) WithDataDirection(v DataDirection) SessionPolicyEnforced {
	e.dataDirection = some(v)
	return e
}

// WithByteCount adds byte_count.
func (e SessionPolicyEnforced) WithByteCount(v int64) SessionPolicyEnforced {
	e.byteCount = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e SessionPolicyEnforced) Denied(reason SessionPolicyEnforcedReason) SessionPolicyEnforced {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e SessionPolicyEnforced) Because(reason SessionPolicyEnforcedReason) SessionPolicyEnforced {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// SessionSuspendedReason is a reason of SESSION_SUSPENDED.
type SessionSuspendedReason struct{ word }

// The reasons of SESSION_SUSPENDED.
var (
	SessionSuspendedAdminPause        = SessionSuspendedReason{word{"admin_pause"}}
	SessionSuspendedStepUpPending     = SessionSuspendedReason{word{"step_up_pending"}}
	SessionSuspendedObserverLeft      = SessionSuspendedReason{word{"observer_left"}}
	SessionSuspendedConnectorLinkLost = SessionSuspendedReason{word{"connector_link_lost"}}
	SessionSuspendedNotPermitted      = SessionSuspendedReason{word{"not_permitted"}}
)

// SessionSuspended is emitted when a live session is frozen and may go on later (an
// administrator's pause, a pending step-up, a missing four-eyes observer, a broken connector
// link).
//
// SESSION_SUSPENDED, "Session Suspended".
type SessionSuspended struct {
	base
	protocol       Protocol     `meta:"protocol"`
	connectionID   id.Resource  `meta:"connection_id"`
	resumeDeadline opt[instant] `meta:"resume_deadline"`
}

var sessionSuspended = define[SessionSuspended](Definition{
	Constant: SESSION_SUSPENDED, Wire: "Session Suspended", Category: ConnectionsSessions,
	Severity: Warn, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		SessionSuspendedAdminPause, SessionSuspendedStepUpPending, SessionSuspendedObserverLeft,
		SessionSuspendedConnectorLinkLost, SessionSuspendedNotPermitted,
	),
	OCSF: ocsf(3004, 12, "Suspend"),
	ECS:  ECS{Category: []string{"session"}, Type: []string{"info"}},
	Trigger: "Emitted when a live session is frozen and may go on later (an administrator's pause, a pending " +
		"step-up, a missing four-eyes observer, a broken connector link); not when it is ended.",
})

// NewSessionSuspended builds SESSION_SUSPENDED.
func NewSessionSuspended(act Act, target SessionRef, protocol Protocol, connectionID id.Resource) SessionSuspended {
	return SessionSuspended{
		base:     sessionSuspended.Succeeded(act, target),
		protocol: protocol, connectionID: connectionID,
	}
}

// WithResumeDeadline adds resume_deadline.
func (e SessionSuspended) WithResumeDeadline(v time.Time) SessionSuspended {
	e.resumeDeadline = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e SessionSuspended) Denied(reason SessionSuspendedReason) SessionSuspended {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e SessionSuspended) Because(reason SessionSuspendedReason) SessionSuspended {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AgentPairingInitiatedReason is a reason of AGENT_PAIRING_INITIATED.
type AgentPairingInitiatedReason struct{ word }

// The reasons of AGENT_PAIRING_INITIATED.
var (
	AgentPairingInitiatedNotPermitted   = AgentPairingInitiatedReason{word{"not_permitted"}}
	AgentPairingInitiatedConnectorLimit = AgentPairingInitiatedReason{word{"connector_limit"}}
)

// AgentPairingInitiated is emitted once when an authorised administrator or API token mints a
// single-use enrolment token for a new or re-paired connector and its digest is stored.
//
// AGENT_PAIRING_INITIATED, "Agent Pairing Initiated".
type AgentPairingInitiated struct {
	base
	enrolmentTokenID id.Enrolment  `meta:"enrolment_token_id"`
	connectorName    string        `meta:"connector_name"`
	rePairing        bool          `meta:"re_pairing"`
	expiresAt        instant       `meta:"expires_at"`
	allowedCIDRs     opt[[]string] `meta:"allowed_cidrs"`
}

var agentPairingInitiated = define[AgentPairingInitiated](Definition{
	Constant: AGENT_PAIRING_INITIATED, Wire: "Agent Pairing Initiated", Category: AgentConnectivity,
	Severity: Info, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AgentPairingInitiatedNotPermitted, AgentPairingInitiatedConnectorLimit),
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted once when an authorised administrator or API token mints a single-use enrolment token for a " +
		"new or re-paired connector and its digest is stored; not when a pending token is listed or " +
		"withdrawn, and not when the connector calls in.",
})

// NewAgentPairingInitiated builds AGENT_PAIRING_INITIATED.
func NewAgentPairingInitiated(
	act Act, target AgentRef, enrolmentTokenID id.Enrolment, connectorName string, rePairing bool,
	expiresAt time.Time,
) AgentPairingInitiated {
	return AgentPairingInitiated{
		base:             agentPairingInitiated.Succeeded(act, target),
		enrolmentTokenID: enrolmentTokenID, connectorName: connectorName, rePairing: rePairing,
		expiresAt: moment(expiresAt),
	}
}

// WithAllowedCIDRs adds allowed_cidrs.
func (e AgentPairingInitiated) WithAllowedCIDRs(v []string) AgentPairingInitiated {
	e.allowedCIDRs = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AgentPairingInitiated) Denied(reason AgentPairingInitiatedReason) AgentPairingInitiated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AgentPairingCompleted is emitted when the control plane, in one transaction, burns a valid
// enrolment token and signs the connector's client certificate.
//
// AGENT_PAIRING_COMPLETED, "Agent Pairing Completed".
type AgentPairingCompleted struct {
	base
	enrolmentTokenID       id.Enrolment `meta:"enrolment_token_id"`
	initiatedBy            id.User      `meta:"initiated_by"`
	certificateSerial      string       `meta:"certificate_serial"`
	certificateFingerprint SHA256       `meta:"certificate_fingerprint"`
	certificateNotAfter    instant      `meta:"certificate_not_after"`
	agentVersion           Version      `meta:"agent_version"`
}

var agentPairingCompleted = define[AgentPairingCompleted](Definition{
	Constant: AGENT_PAIRING_COMPLETED, Wire: "Agent Pairing Completed", Category: AgentConnectivity,
	Severity: Info, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{Connector},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 6, "Enroll"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when the control plane, in one transaction, burns a valid enrolment token and signs the " +
		"connector's client certificate; not for the first mTLS session that follows (CONNECTOR_REGISTRATION)" +
		" and not for certificate renewal by an already paired connector.",
})

// NewAgentPairingCompleted builds AGENT_PAIRING_COMPLETED.
func NewAgentPairingCompleted(
	act Act, target AgentRef, enrolmentTokenID id.Enrolment, initiatedBy id.User, certificateSerial string,
	certificateFingerprint SHA256, certificateNotAfter time.Time, agentVersion Version,
) AgentPairingCompleted {
	return AgentPairingCompleted{
		base:             agentPairingCompleted.Succeeded(act, target),
		enrolmentTokenID: enrolmentTokenID, initiatedBy: initiatedBy, certificateSerial: certificateSerial,
		certificateFingerprint: certificateFingerprint, certificateNotAfter: moment(certificateNotAfter),
		agentVersion: agentVersion,
	}
}

// AgentPairingFailedReason is a reason of AGENT_PAIRING_FAILED.
type AgentPairingFailedReason struct{ word }

// The reasons of AGENT_PAIRING_FAILED.
var (
	AgentPairingFailedTokenUnknown     = AgentPairingFailedReason{word{"token_unknown"}}
	AgentPairingFailedTokenExpired     = AgentPairingFailedReason{word{"token_expired"}}
	AgentPairingFailedTokenReused      = AgentPairingFailedReason{word{"token_reused"}}
	AgentPairingFailedTokenRevoked     = AgentPairingFailedReason{word{"token_revoked"}}
	AgentPairingFailedWrongOrg         = AgentPairingFailedReason{word{"wrong_org"}}
	AgentPairingFailedBadCSR           = AgentPairingFailedReason{word{"bad_csr"}}
	AgentPairingFailedSourceNotAllowed = AgentPairingFailedReason{word{"source_not_allowed"}}
)

// AgentPairingFailed is emitted when an enrolment call is refused because of its token, its
// certificate request or its source address, each token reuse also raising
// SECURITY_INCIDENT_FLAGGED.
//
// AGENT_PAIRING_FAILED, "Agent Pairing Failed".
type AgentPairingFailed struct {
	base
	enrolmentTokenID opt[id.Enrolment] `meta:"enrolment_token_id"`
	agentVersion     opt[Version]      `meta:"agent_version"`
	coalesced        int               `meta:"coalesced"`
}

var agentPairingFailed = define[AgentPairingFailed](Definition{
	Constant: AGENT_PAIRING_FAILED, Wire: "Agent Pairing Failed", Category: AgentConnectivity,
	Severity: Error, TargetType: TargetAgent, Log: OrgOrPlatform,
	ActorTypes: []ActorType{Connector},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		AgentPairingFailedTokenUnknown, AgentPairingFailedTokenExpired, AgentPairingFailedTokenReused,
		AgentPairingFailedTokenRevoked, AgentPairingFailedWrongOrg, AgentPairingFailedBadCSR,
		AgentPairingFailedSourceNotAllowed,
	),
	OCSF: ocsf(3004, 6, "Enroll"),
	ECS:  ECS{Category: []string{"configuration"}, Type: []string{"info"}},
	Trigger: "Emitted when an enrolment call is refused because of its token, its certificate request or its " +
		"source address, each token reuse also raising SECURITY_INCIDENT_FLAGGED; not for calls that fail in " +
		"TLS before a token was presented, which are only counted in metrics.",
})

// NewAgentPairingFailed builds AGENT_PAIRING_FAILED with outcome denied.
func NewAgentPairingFailed(
	act Act, target AgentRef, reason AgentPairingFailedReason, coalesced int,
) AgentPairingFailed {
	return AgentPairingFailed{base: agentPairingFailed.Denied(act, target, reason.text), coalesced: coalesced}
}

// WithEnrolmentTokenID adds enrolment_token_id.
func (e AgentPairingFailed) WithEnrolmentTokenID(v id.Enrolment) AgentPairingFailed {
	e.enrolmentTokenID = some(v)
	return e
}

// WithAgentVersion adds agent_version.
func (e AgentPairingFailed) WithAgentVersion(v Version) AgentPairingFailed {
	e.agentVersion = some(v)
	return e
}

// AgentHeartbeatReceived is emitted for the first heartbeat on each new mTLS connection of a
// connector and then once per roll-up window (default 5 minutes) with the count of heartbeats
// in it.
//
// AGENT_HEARTBEAT_RECEIVED, "Agent Heartbeat Received".
type AgentHeartbeatReceived struct {
	base
	firstOnConnection bool    `meta:"first_on_connection"`
	windowStart       instant `meta:"window_start"`
	windowEnd         instant `meta:"window_end"`
	heartbeats        int     `meta:"heartbeats"`
	maxGap            seconds `meta:"max_gap_seconds"`
	activeSessions    int     `meta:"active_sessions"`
	agentVersion      Version `meta:"agent_version"`
}

var agentHeartbeatReceived = define[AgentHeartbeatReceived](Definition{
	Constant: AGENT_HEARTBEAT_RECEIVED, Wire: "Agent Heartbeat Received", Category: AgentConnectivity,
	Severity: Debug, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{Connector},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(6002, 99, "Heartbeat"),
	ECS:        ECS{Category: []string{"host"}, Type: []string{"info"}},
	Trigger: "Emitted for the first heartbeat on each new mTLS connection of a connector and then once per roll-up" +
		" window (default 5 minutes) with the count of heartbeats in it; not for each 10-second heartbeat, " +
		"and not for a missing one, which AGENT_CONNECTIVITY_CHECK tells.",
})

// NewAgentHeartbeatReceived builds AGENT_HEARTBEAT_RECEIVED.
func NewAgentHeartbeatReceived(
	act Act, target AgentRef, firstOnConnection bool, windowStart, windowEnd time.Time, heartbeats int,
	maxGap time.Duration, activeSessions int, agentVersion Version,
) AgentHeartbeatReceived {
	return AgentHeartbeatReceived{
		base:              agentHeartbeatReceived.Succeeded(act, target),
		firstOnConnection: firstOnConnection, windowStart: moment(windowStart), windowEnd: moment(windowEnd),
		heartbeats: heartbeats, maxGap: seconds(maxGap), activeSessions: activeSessions,
		agentVersion: agentVersion,
	}
}

// CheckKind is who wanted a reachability check.
type CheckKind struct{ word }

// The values of CheckKind.
var (
	CheckKindOnDemand = CheckKind{word{"on_demand"}}
	CheckKindLiveness = CheckKind{word{"liveness"}}
)

// Values are the closed list of texts.
func (CheckKind) Values() []string {
	return texts(CheckKindOnDemand, CheckKindLiveness)
}

// ConnectorState is the state of a connector.
type ConnectorState struct{ word }

// The values of ConnectorState.
var (
	ConnectorStateOnline        = ConnectorState{word{"online"}}
	ConnectorStateDegraded      = ConnectorState{word{"degraded"}}
	ConnectorStateOffline       = ConnectorState{word{"offline"}}
	ConnectorStateNeedsRecovery = ConnectorState{word{"needs_recovery"}}
)

// Values are the closed list of texts.
func (ConnectorState) Values() []string {
	return texts(ConnectorStateOnline, ConnectorStateDegraded, ConnectorStateOffline, ConnectorStateNeedsRecovery)
}

// ParseConnectorState reads one of the texts of Values.
func ParseConnectorState(s string) (ConnectorState, error) {
	return parse(s, ConnectorStateOnline, ConnectorStateDegraded, ConnectorStateOffline, ConnectorStateNeedsRecovery)
}

// AgentConnectivityCheckReason is a reason of AGENT_CONNECTIVITY_CHECK.
type AgentConnectivityCheckReason struct{ word }

// The reasons of AGENT_CONNECTIVITY_CHECK.
var (
	AgentConnectivityCheckHeartbeatMissed = AgentConnectivityCheckReason{word{"heartbeat_missed"}}
	AgentConnectivityCheckDialTimeout     = AgentConnectivityCheckReason{word{"dial_timeout"}}
	AgentConnectivityCheckDialRefused     = AgentConnectivityCheckReason{word{"dial_refused"}}
	AgentConnectivityCheckDNSFailed       = AgentConnectivityCheckReason{word{"dns_failed"}}
	AgentConnectivityCheckTLSFailed       = AgentConnectivityCheckReason{word{"tls_failed"}}
	AgentConnectivityCheckNotPermitted    = AgentConnectivityCheckReason{word{"not_permitted"}}
)

// AgentConnectivityCheck is emitted with the verdict of a reachability check, either one that
// an administrator runs from a connector to a resource or the server's own when a connector's
// state changes (online, degraded, offline, needs_recovery).
//
// AGENT_CONNECTIVITY_CHECK, "Agent Connectivity Check".
type AgentConnectivityCheck struct {
	base
	checkKind        CheckKind           `meta:"check_kind"`
	oldState         opt[ConnectorState] `meta:"old_state"`
	newState         opt[ConnectorState] `meta:"new_state"`
	resourceID       opt[id.Resource]    `meta:"resource_id"`
	latency          opt[millis]         `meta:"latency_ms"`
	missedHeartbeats opt[int]            `meta:"missed_heartbeats"`
}

var agentConnectivityCheck = define[AgentConnectivityCheck](Definition{
	Constant: AGENT_CONNECTIVITY_CHECK, Wire: "Agent Connectivity Check", Category: AgentConnectivity,
	Severity: Info, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Failure, Denied},
	Reasons: texts(
		AgentConnectivityCheckHeartbeatMissed, AgentConnectivityCheckDialTimeout,
		AgentConnectivityCheckDialRefused, AgentConnectivityCheckDNSFailed, AgentConnectivityCheckTLSFailed,
		AgentConnectivityCheckNotPermitted,
	),
	OCSF: ocsf(4001, 99, "Connectivity Check"),
	ECS:  ECS{Category: []string{"network"}, Type: []string{"connection", "info"}},
	Trigger: "Emitted with the verdict of a reachability check, either one that an administrator runs from a " +
		"connector to a resource or the server's own when a connector's state changes (online, degraded, " +
		"offline, needs_recovery); not for automatic checks and heartbeats that leave the state as it was.",
})

// NewAgentConnectivityCheck builds AGENT_CONNECTIVITY_CHECK.
func NewAgentConnectivityCheck(act Act, target AgentRef, checkKind CheckKind) AgentConnectivityCheck {
	return AgentConnectivityCheck{base: agentConnectivityCheck.Succeeded(act, target), checkKind: checkKind}
}

// WithOldState adds old_state.
func (e AgentConnectivityCheck) WithOldState(v ConnectorState) AgentConnectivityCheck {
	e.oldState = some(v)
	return e
}

// WithNewState adds new_state.
func (e AgentConnectivityCheck) WithNewState(v ConnectorState) AgentConnectivityCheck {
	e.newState = some(v)
	return e
}

// WithResourceID adds resource_id.
func (e AgentConnectivityCheck) WithResourceID(v id.Resource) AgentConnectivityCheck {
	e.resourceID = some(v)
	return e
}

// WithLatency adds latency_ms.
func (e AgentConnectivityCheck) WithLatency(v time.Duration) AgentConnectivityCheck {
	e.latency = some(millis(v))
	return e
}

// WithMissedHeartbeats adds missed_heartbeats.
func (e AgentConnectivityCheck) WithMissedHeartbeats(v int) AgentConnectivityCheck {
	e.missedHeartbeats = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AgentConnectivityCheck) Denied(reason AgentConnectivityCheckReason) AgentConnectivityCheck {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e AgentConnectivityCheck) Failed(reason AgentConnectivityCheckReason) AgentConnectivityCheck {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// ConnectorRegistration is emitted when a newly paired connector's first mTLS session is
// accepted and its inventory record turns from pending to active.
//
// CONNECTOR_REGISTRATION, "Connector Registration".
type ConnectorRegistration struct {
	base
	agentVersion           Version     `meta:"agent_version"`
	hostname               string      `meta:"hostname"`
	os                     string      `meta:"os"`
	networkZone            opt[string] `meta:"network_zone"`
	capabilities           []string    `meta:"capabilities"`
	certificateFingerprint SHA256      `meta:"certificate_fingerprint"`
}

var connectorRegistration = define[ConnectorRegistration](Definition{
	Constant: CONNECTOR_REGISTRATION, Wire: "Connector Registration", Category: AgentConnectivity,
	Severity: Info, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{Connector},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 10, "Activate"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when a newly paired connector's first mTLS session is accepted and its inventory record " +
		"turns from pending to active; not when an active connector reconnects, and not at certificate issue " +
		"(AGENT_PAIRING_COMPLETED).",
})

// NewConnectorRegistration builds CONNECTOR_REGISTRATION.
func NewConnectorRegistration(
	act Act, target AgentRef, agentVersion Version, hostname, os string, capabilities []string,
	certificateFingerprint SHA256,
) ConnectorRegistration {
	return ConnectorRegistration{
		base:         connectorRegistration.Succeeded(act, target),
		agentVersion: agentVersion, hostname: hostname, os: os, capabilities: capabilities,
		certificateFingerprint: certificateFingerprint,
	}
}

// WithNetworkZone adds network_zone.
func (e ConnectorRegistration) WithNetworkZone(v string) ConnectorRegistration {
	e.networkZone = some(v)
	return e
}

// VersionDirection is whether a version is newer or older than the one before.
type VersionDirection struct{ word }

// The values of VersionDirection.
var (
	VersionDirectionUp   = VersionDirection{word{"up"}}
	VersionDirectionDown = VersionDirection{word{"down"}}
)

// Values are the closed list of texts.
func (VersionDirection) Values() []string {
	return texts(VersionDirectionUp, VersionDirectionDown)
}

// ConnectorUpgradeReason is a reason of CONNECTOR_UPGRADE.
type ConnectorUpgradeReason struct{ word }

// The reasons of CONNECTOR_UPGRADE.
var (
	ConnectorUpgradeSignatureInvalid  = ConnectorUpgradeReason{word{"signature_invalid"}}
	ConnectorUpgradeDownloadFailed    = ConnectorUpgradeReason{word{"download_failed"}}
	ConnectorUpgradeHealthCheckFailed = ConnectorUpgradeReason{word{"health_check_failed"}}
	ConnectorUpgradeRolledBack        = ConnectorUpgradeReason{word{"rolled_back"}}
)

// ConnectorUpgrade is emitted when a connector reports another version than the one on record,
// newer or older, or when an ordered upgrade fails and it stays on the old one.
//
// CONNECTOR_UPGRADE, "Connector Upgrade".
type ConnectorUpgrade struct {
	base
	oldVersion       Version          `meta:"old_version"`
	newVersion       Version          `meta:"new_version"`
	versionDirection VersionDirection `meta:"version_direction"`
	orderedBy        opt[id.User]     `meta:"ordered_by"`
	artifactDigest   opt[SHA256]      `meta:"artifact_digest"`
}

var connectorUpgrade = define[ConnectorUpgrade](Definition{
	Constant: CONNECTOR_UPGRADE, Wire: "Connector Upgrade", Category: AgentConnectivity,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		ConnectorUpgradeSignatureInvalid, ConnectorUpgradeDownloadFailed, ConnectorUpgradeHealthCheckFailed,
		ConnectorUpgradeRolledBack,
	),
	OCSF: ocsf(6002, 8, "Update"),
	ECS:  ECS{Category: []string{"host"}, Type: []string{"change"}},
	Trigger: "Emitted when a connector reports another version than the one on record, newer or older, or when an " +
		"ordered upgrade fails and it stays on the old one; not at the order itself, and not on a reconnect " +
		"with the same version.",
})

// NewConnectorUpgrade builds CONNECTOR_UPGRADE.
func NewConnectorUpgrade(
	act Act, target AgentRef, oldVersion, newVersion Version, versionDirection VersionDirection,
) ConnectorUpgrade {
	return ConnectorUpgrade{
		base:       connectorUpgrade.Succeeded(act, target),
		oldVersion: oldVersion, newVersion: newVersion, versionDirection: versionDirection,
	}
}

// WithOrderedBy adds ordered_by.
func (e ConnectorUpgrade) WithOrderedBy(v id.User) ConnectorUpgrade {
	e.orderedBy = some(v)
	return e
}

// WithArtifactDigest adds artifact_digest.
func (e ConnectorUpgrade) WithArtifactDigest(v SHA256) ConnectorUpgrade {
	e.artifactDigest = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e ConnectorUpgrade) Failed(reason ConnectorUpgradeReason) ConnectorUpgrade {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// ConnectorDecommissionedReason is a reason of CONNECTOR_DECOMMISSIONED.
type ConnectorDecommissionedReason struct{ word }

// The reasons of CONNECTOR_DECOMMISSIONED.
var (
	ConnectorDecommissionedNotPermitted = ConnectorDecommissionedReason{word{"not_permitted"}}
)

// ConnectorDecommissioned is emitted when an administrator retires a connector, so that its
// certificate is revoked, its streams are cut and its record becomes a tombstone.
//
// CONNECTOR_DECOMMISSIONED, "Connector Decommissioned".
type ConnectorDecommissioned struct {
	base
	certificateSerial             string `meta:"certificate_serial"`
	sessionsEnded                 int    `meta:"sessions_ended"`
	resourcesLeftWithoutConnector int    `meta:"resources_left_without_connector"`
	wasActive                     bool   `meta:"was_active"`
}

var connectorDecommissioned = define[ConnectorDecommissioned](Definition{
	Constant: CONNECTOR_DECOMMISSIONED, Wire: "Connector Decommissioned", Category: AgentConnectivity,
	Severity: Warn, TargetType: TargetAgent, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(ConnectorDecommissionedNotPermitted),
	OCSF:       ocsf(3004, 7, "Unenroll"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"deletion"}},
	Trigger: "Emitted when an administrator retires a connector, so that its certificate is revoked, its streams " +
		"are cut and its record becomes a tombstone; not when a connector is merely stopped or unreachable.",
})

// NewConnectorDecommissioned builds CONNECTOR_DECOMMISSIONED.
func NewConnectorDecommissioned(
	act Act, target AgentRef, certificateSerial string, sessionsEnded, resourcesLeftWithoutConnector int,
	wasActive bool,
) ConnectorDecommissioned {
	return ConnectorDecommissioned{
		base:              connectorDecommissioned.Succeeded(act, target),
		certificateSerial: certificateSerial, sessionsEnded: sessionsEnded,
		resourcesLeftWithoutConnector: resourcesLeftWithoutConnector, wasActive: wasActive,
	}
}

// Denied turns the event into a refused attempt.
func (e ConnectorDecommissioned) Denied(reason ConnectorDecommissionedReason) ConnectorDecommissioned {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

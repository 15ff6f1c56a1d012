package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// SettingGroup is the part of an organization's settings that changed.
type SettingGroup struct{ word }

// The values of SettingGroup.
var (
	SettingGroupAuthentication = SettingGroup{word{"authentication"}}
	SettingGroupMFA            = SettingGroup{word{"mfa"}}
	SettingGroupNetwork        = SettingGroup{word{"network"}}
	SettingGroupSSO            = SettingGroup{word{"sso"}}
	SettingGroupAuditSinks     = SettingGroup{word{"audit_sinks"}}
	SettingGroupNotifications  = SettingGroup{word{"notifications"}}
	SettingGroupBranding       = SettingGroup{word{"branding"}}
	SettingGroupOther          = SettingGroup{word{"other"}}
)

// Values are the closed list of texts.
func (SettingGroup) Values() []string {
	return texts(SettingGroupAuthentication, SettingGroupMFA, SettingGroupNetwork, SettingGroupSSO, SettingGroupAuditSinks, SettingGroupNotifications, SettingGroupBranding, SettingGroupOther)
}

// TenantSettingsUpdatedReason is a reason of TENANT_SETTINGS_UPDATED.
type TenantSettingsUpdatedReason struct{ word }

// The reasons of TENANT_SETTINGS_UPDATED.
var (
	TenantSettingsUpdatedNotPermitted            = TenantSettingsUpdatedReason{word{"not_permitted"}}
	TenantSettingsUpdatedNeedsGovernanceApproval = TenantSettingsUpdatedReason{word{"needs_governance_approval"}}
)

// TenantSettingsUpdated is emitted when an organization-wide setting is saved with a change
// (sign-in, MFA demand, network ranges, SSO connection, audit sinks, notifications, branding).
//
// TENANT_SETTINGS_UPDATED, "Tenant Settings Updated".
type TenantSettingsUpdated struct {
	base
	settingGroup       SettingGroup       `meta:"setting_group"`
	changes            []Change           `meta:"changes"`
	weakenedControls   []string           `meta:"weakened_controls"`
	governanceActionID opt[id.Governance] `meta:"governance_action_id"`
}

var tenantSettingsUpdated = define[TenantSettingsUpdated](Definition{
	Constant: TENANT_SETTINGS_UPDATED, Wire: "Tenant Settings Updated", Category: AdminPlatformAudit,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(TenantSettingsUpdatedNotPermitted, TenantSettingsUpdatedNeedsGovernanceApproval),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when an organization-wide setting is saved with a change (sign-in, MFA demand, network " +
		"ranges, SSO connection, audit sinks, notifications, branding); not for Safe policies, retention or " +
		"roles, which have their own events, and not when a save changes nothing.",
})

// NewTenantSettingsUpdated builds TENANT_SETTINGS_UPDATED.
func NewTenantSettingsUpdated(
	act Act, target TenantRef, settingGroup SettingGroup, changes []Change, weakenedControls []string,
) TenantSettingsUpdated {
	return TenantSettingsUpdated{
		base:         tenantSettingsUpdated.Succeeded(act, target),
		settingGroup: settingGroup, changes: changes, weakenedControls: weakenedControls,
	}
}

// WithGovernanceActionID adds governance_action_id.
func (e TenantSettingsUpdated) WithGovernanceActionID(v id.Governance) TenantSettingsUpdated {
	e.governanceActionID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e TenantSettingsUpdated) Denied(reason TenantSettingsUpdatedReason) TenantSettingsUpdated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// APITokenCreatedReason is a reason of API_TOKEN_CREATED.
type APITokenCreatedReason struct{ word }

// The reasons of API_TOKEN_CREATED.
var (
	APITokenCreatedNotPermitted    = APITokenCreatedReason{word{"not_permitted"}}
	APITokenCreatedScopeAboveActor = APITokenCreatedReason{word{"scope_above_actor"}}
	APITokenCreatedLifetimeTooLong = APITokenCreatedReason{word{"lifetime_too_long"}}
)

// APITokenCreated is emitted when an API token is issued and its digest stored, with its scopes
// and end date.
//
// API_TOKEN_CREATED, "API Token Created".
type APITokenCreated struct {
	base
	tokenName      string       `meta:"token_name"`
	ownerID        id.User      `meta:"owner_id"`
	serviceAccount bool         `meta:"service_account"`
	scopes         []string     `meta:"scopes"`
	expiresAt      opt[instant] `meta:"expires_at"`
}

var apiTokenCreated = define[APITokenCreated](Definition{
	Constant: API_TOKEN_CREATED, Wire: "API Token Created", Category: AdminPlatformAudit,
	Severity: Info, TargetType: TargetAPIToken, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(APITokenCreatedNotPermitted, APITokenCreatedScopeAboveActor, APITokenCreatedLifetimeTooLong),
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"creation", "admin"}},
	Trigger: "Emitted when an API token is issued and its digest stored, with its scopes and end date; not for " +
		"enrolment tokens, session grants or recovery grants, and never with the token itself.",
})

// NewAPITokenCreated builds API_TOKEN_CREATED.
func NewAPITokenCreated(
	act Act, target APITokenRef, tokenName string, ownerID id.User, serviceAccount bool, scopes []string,
) APITokenCreated {
	return APITokenCreated{
		base:      apiTokenCreated.Succeeded(act, target),
		tokenName: tokenName, ownerID: ownerID, serviceAccount: serviceAccount, scopes: scopes,
	}
}

// WithExpiresAt adds expires_at.
func (e APITokenCreated) WithExpiresAt(v time.Time) APITokenCreated {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e APITokenCreated) Denied(reason APITokenCreatedReason) APITokenCreated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// APITokenRevokedReason is a reason of API_TOKEN_REVOKED.
type APITokenRevokedReason struct{ word }

// The reasons of API_TOKEN_REVOKED.
var (
	APITokenRevokedRevokedByOwner = APITokenRevokedReason{word{"revoked_by_owner"}}
	APITokenRevokedRevokedByAdmin = APITokenRevokedReason{word{"revoked_by_admin"}}
	APITokenRevokedExpired        = APITokenRevokedReason{word{"expired"}}
	APITokenRevokedOwnerRemoved   = APITokenRevokedReason{word{"owner_removed"}}
	APITokenRevokedLeakReported   = APITokenRevokedReason{word{"leak_reported"}}
	APITokenRevokedNotPermitted   = APITokenRevokedReason{word{"not_permitted"}}
)

// APITokenRevoked is emitted when an API token stops being valid, by its owner, an
// administrator or the system (end date, owner removed, leak report).
//
// API_TOKEN_REVOKED, "API Token Revoked".
type APITokenRevoked struct {
	base
	ownerID    id.User      `meta:"owner_id"`
	lastUsedAt opt[instant] `meta:"last_used_at"`
	age        seconds      `meta:"age_seconds"`
}

var apiTokenRevoked = define[APITokenRevoked](Definition{
	Constant: API_TOKEN_REVOKED, Wire: "API Token Revoked", Category: AdminPlatformAudit,
	Severity: Info, TargetType: TargetAPIToken, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		APITokenRevokedRevokedByOwner, APITokenRevokedRevokedByAdmin, APITokenRevokedExpired,
		APITokenRevokedOwnerRemoved, APITokenRevokedLeakReported, APITokenRevokedNotPermitted,
	),
	OCSF: ocsf(3004, 11, "Deactivate"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"deletion", "admin"}},
	Trigger: "Emitted when an API token stops being valid, by its owner, an administrator or the system (end date," +
		" owner removed, leak report); not when a request with a bad token is refused.",
})

// NewAPITokenRevoked builds API_TOKEN_REVOKED.
func NewAPITokenRevoked(act Act, target APITokenRef, ownerID id.User, age time.Duration) APITokenRevoked {
	return APITokenRevoked{base: apiTokenRevoked.Succeeded(act, target), ownerID: ownerID, age: seconds(age)}
}

// WithLastUsedAt adds last_used_at.
func (e APITokenRevoked) WithLastUsedAt(v time.Time) APITokenRevoked {
	e.lastUsedAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e APITokenRevoked) Denied(reason APITokenRevokedReason) APITokenRevoked {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e APITokenRevoked) Because(reason APITokenRevokedReason) APITokenRevoked {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// AutomaticAction is what the product did at once about an incident.
type AutomaticAction struct{ word }

// The values of AutomaticAction.
var (
	AutomaticActionNone              = AutomaticAction{word{"none"}}
	AutomaticActionSessionEnded      = AutomaticAction{word{"session_ended"}}
	AutomaticActionAccountDisabled   = AutomaticAction{word{"account_disabled"}}
	AutomaticActionTokenRevoked      = AutomaticAction{word{"token_revoked"}}
	AutomaticActionConnectorIsolated = AutomaticAction{word{"connector_isolated"}}
)

// Values are the closed list of texts.
func (AutomaticAction) Values() []string {
	return texts(AutomaticActionNone, AutomaticActionSessionEnded, AutomaticActionAccountDisabled, AutomaticActionTokenRevoked, AutomaticActionConnectorIsolated)
}

// SecurityIncidentFlagged is emitted when a built-in detector finds what must never happen (a
// replayed grant or enrolment token, a regressed WebAuthn counter, an audit tree that fails its
// consistency check, a recording digest that does not match) or an administrator marks an event
// or session as an incident.
//
// SECURITY_INCIDENT_FLAGGED, "Security Incident Flagged".
type SecurityIncidentFlagged struct {
	base
	incidentID      id.Incident     `meta:"incident_id"`
	detector        string          `meta:"detector"`
	objectType      string          `meta:"object_type"`
	objectID        opt[ObjectID]   `meta:"object_id"`
	relatedEvents   []id.Event      `meta:"related_events"`
	automaticAction AutomaticAction `meta:"automatic_action"`
}

var securityIncidentFlagged = define[SecurityIncidentFlagged](Definition{
	Constant: SECURITY_INCIDENT_FLAGGED, Wire: "Security Incident Flagged", Category: AdminPlatformAudit,
	Severity: Critical, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(2004, 1, "Create"),
	ECS:        ECS{Category: []string{"intrusion_detection"}, Type: []string{"info"}},
	Trigger: "Emitted when a built-in detector finds what must never happen (a replayed grant or enrolment token, " +
		"a regressed WebAuthn counter, an audit tree that fails its consistency check, a recording digest " +
		"that does not match) or an administrator marks an event or session as an incident; not for single " +
		"failed sign-ins or ordinary denials.",
})

// NewSecurityIncidentFlagged builds SECURITY_INCIDENT_FLAGGED.
func NewSecurityIncidentFlagged(
	act Act, target TenantRef, incidentID id.Incident, detector, objectType string, relatedEvents []id.Event,
	automaticAction AutomaticAction,
) SecurityIncidentFlagged {
	return SecurityIncidentFlagged{
		base:       securityIncidentFlagged.Succeeded(act, target),
		incidentID: incidentID, detector: detector, objectType: objectType, relatedEvents: relatedEvents,
		automaticAction: automaticAction,
	}
}

// WithObjectID adds object_id.
func (e SecurityIncidentFlagged) WithObjectID(v ObjectID) SecurityIncidentFlagged {
	e.objectID = some(v)
	return e
}

// SystemErrorLoggedReason is a reason of SYSTEM_ERROR_LOGGED.
type SystemErrorLoggedReason struct{ word }

// The reasons of SYSTEM_ERROR_LOGGED.
var (
	SystemErrorLoggedDependencyUnavailable = SystemErrorLoggedReason{word{"dependency_unavailable"}}
	SystemErrorLoggedDeliveryDeadLettered  = SystemErrorLoggedReason{word{"delivery_dead_lettered"}}
	SystemErrorLoggedSigningFailed         = SystemErrorLoggedReason{word{"signing_failed"}}
	SystemErrorLoggedStorageFailed         = SystemErrorLoggedReason{word{"storage_failed"}}
	SystemErrorLoggedJobGaveUp             = SystemErrorLoggedReason{word{"job_gave_up"}}
	SystemErrorLoggedBootGateFailed        = SystemErrorLoggedReason{word{"boot_gate_failed"}}
	SystemErrorLoggedInternal              = SystemErrorLoggedReason{word{"internal"}}
)

// SystemErrorLogged is emitted when an internal fault breaks or degrades a security-relevant
// function (secret store, recording, checkpoint signing, audit delivery, mail or SMS transport,
// a job that gives up), at most once per fault code and object in five minutes with a count.
//
// SYSTEM_ERROR_LOGGED, "System Error Logged".
type SystemErrorLogged struct {
	base
	faultCode   string        `meta:"fault_code"`
	component   string        `meta:"component"`
	objectType  opt[string]   `meta:"object_type"`
	objectID    opt[ObjectID] `meta:"object_id"`
	occurrences int           `meta:"occurrences"`
	firstSeen   instant       `meta:"first_seen"`
}

var systemErrorLogged = define[SystemErrorLogged](Definition{
	Constant: SYSTEM_ERROR_LOGGED, Wire: "System Error Logged", Category: AdminPlatformAudit,
	Severity: Error, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		SystemErrorLoggedDependencyUnavailable, SystemErrorLoggedDeliveryDeadLettered,
		SystemErrorLoggedSigningFailed, SystemErrorLoggedStorageFailed, SystemErrorLoggedJobGaveUp,
		SystemErrorLoggedBootGateFailed, SystemErrorLoggedInternal,
	),
	OCSF: ocsf(6008, 1, "General Error"),
	ECS:  ECS{Category: []string{"host"}, Type: []string{"info"}},
	Trigger: "Emitted when an internal fault breaks or degrades a security-relevant function (secret store, " +
		"recording, checkpoint signing, audit delivery, mail or SMS transport, a job that gives up), at most " +
		"once per fault code and object in five minutes with a count; not for invalid input, denials or " +
		"faults that a retry cures.",
})

// NewSystemErrorLogged builds SYSTEM_ERROR_LOGGED with outcome failure.
func NewSystemErrorLogged(
	act Act, target TenantRef, reason SystemErrorLoggedReason, faultCode, component string, occurrences int,
	firstSeen time.Time,
) SystemErrorLogged {
	return SystemErrorLogged{
		base:      systemErrorLogged.Failed(act, target, reason.text),
		faultCode: faultCode, component: component, occurrences: occurrences, firstSeen: moment(firstSeen),
	}
}

// WithObjectType adds object_type.
func (e SystemErrorLogged) WithObjectType(v string) SystemErrorLogged {
	e.objectType = some(v)
	return e
}

// WithObjectID adds object_id.
func (e SystemErrorLogged) WithObjectID(v ObjectID) SystemErrorLogged {
	e.objectID = some(v)
	return e
}

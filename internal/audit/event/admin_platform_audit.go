package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AuditReadVia is the way the audit log was read.
type AuditReadVia struct{ word }

// The values of AuditReadVia.
var (
	AuditReadViaConsole        = AuditReadVia{word{"console"}}
	AuditReadViaAPI            = AuditReadVia{word{"api"}}
	AuditReadViaExportDownload = AuditReadVia{word{"export_download"}}
)

// Values are the closed list of texts.
func (AuditReadVia) Values() []string {
	return texts(AuditReadViaConsole, AuditReadViaAPI, AuditReadViaExportDownload)
}

// AuditLogViewedReason is a reason of AUDIT_LOG_VIEWED.
type AuditLogViewedReason struct{ word }

// The reasons of AUDIT_LOG_VIEWED.
var (
	AuditLogViewedNotPermitted = AuditLogViewedReason{word{"not_permitted"}}
)

// AuditLogViewed is emitted when a principal searches the audit log, opens an entry of it or
// downloads a finished export through the console or API.
//
// AUDIT_LOG_VIEWED, "Audit Log Viewed".
type AuditLogViewed struct {
	base
	readVia      AuditReadVia   `meta:"read_via"`
	filters      []string       `meta:"filters"`
	rangeFrom    opt[instant]   `meta:"range_from"`
	rangeTo      opt[instant]   `meta:"range_to"`
	rowsReturned int            `meta:"rows_returned"`
	exportID     opt[id.Export] `meta:"export_id"`
}

var auditLogViewed = define[AuditLogViewed](Definition{
	Constant: AUDIT_LOG_VIEWED, Wire: "Audit Log Viewed", Category: AdminPlatformAudit,
	Severity: Info, TargetType: TargetAuditLog, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AuditLogViewedNotPermitted),
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"database"}, Type: []string{"access"}},
	Trigger: "Emitted when a principal searches the audit log, opens an entry of it or downloads a finished export" +
		" through the console or API; not for following pages of the same search, and not for the delivery of" +
		" events to SIEM sinks.",
})

// NewAuditLogViewed builds AUDIT_LOG_VIEWED.
func NewAuditLogViewed(
	act Act, target AuditLogRef, readVia AuditReadVia, filters []string, rowsReturned int,
) AuditLogViewed {
	return AuditLogViewed{
		base:    auditLogViewed.Succeeded(act, target),
		readVia: readVia, filters: filters, rowsReturned: rowsReturned,
	}
}

// WithRangeFrom adds range_from.
func (e AuditLogViewed) WithRangeFrom(v time.Time) AuditLogViewed {
	e.rangeFrom = some(moment(v))
	return e
}

// WithRangeTo adds range_to.
func (e AuditLogViewed) WithRangeTo(v time.Time) AuditLogViewed {
	e.rangeTo = some(moment(v))
	return e
}

// WithExportID adds export_id.
func (e AuditLogViewed) WithExportID(v id.Export) AuditLogViewed {
	e.exportID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AuditLogViewed) Denied(reason AuditLogViewedReason) AuditLogViewed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AuditExportFormat is the format of an audit export.
type AuditExportFormat struct{ word }

// The values of AuditExportFormat.
var (
	AuditExportFormatJSON    = AuditExportFormat{word{"json"}}
	AuditExportFormatNDJSON  = AuditExportFormat{word{"ndjson"}}
	AuditExportFormatCSV     = AuditExportFormat{word{"csv"}}
	AuditExportFormatParquet = AuditExportFormat{word{"parquet"}}
	AuditExportFormatOCSF    = AuditExportFormat{word{"ocsf"}}
)

// Values are the closed list of texts.
func (AuditExportFormat) Values() []string {
	return texts(AuditExportFormatJSON, AuditExportFormatNDJSON, AuditExportFormatCSV, AuditExportFormatParquet, AuditExportFormatOCSF)
}

// ParseAuditExportFormat reads one of the texts of Values.
func ParseAuditExportFormat(s string) (AuditExportFormat, error) {
	return parse(s, AuditExportFormatJSON, AuditExportFormatNDJSON, AuditExportFormatCSV, AuditExportFormatParquet, AuditExportFormatOCSF)
}

// AuditLogExportRequestedReason is a reason of AUDIT_LOG_EXPORT_REQUESTED.
type AuditLogExportRequestedReason struct{ word }

// The reasons of AUDIT_LOG_EXPORT_REQUESTED.
var (
	AuditLogExportRequestedNotPermitted            = AuditLogExportRequestedReason{word{"not_permitted"}}
	AuditLogExportRequestedRangeTooLarge           = AuditLogExportRequestedReason{word{"range_too_large"}}
	AuditLogExportRequestedExportAlreadyRunning    = AuditLogExportRequestedReason{word{"export_already_running"}}
	AuditLogExportRequestedNeedsGovernanceApproval = AuditLogExportRequestedReason{word{"needs_governance_approval"}}
)

// AuditLogExportRequested is emitted when a principal orders an export of audit data to a file.
//
// AUDIT_LOG_EXPORT_REQUESTED, "Audit Log Export Requested".
type AuditLogExportRequested struct {
	base
	exportID      opt[id.Export]    `meta:"export_id"`
	exportFormat  AuditExportFormat `meta:"export_format"`
	filters       []string          `meta:"filters"`
	rangeFrom     opt[instant]      `meta:"range_from"`
	rangeTo       opt[instant]      `meta:"range_to"`
	includeProofs bool              `meta:"include_proofs"`
}

var auditLogExportRequested = define[AuditLogExportRequested](Definition{
	Constant: AUDIT_LOG_EXPORT_REQUESTED, Wire: "Audit Log Export Requested", Category: AdminPlatformAudit,
	Severity: Info, TargetType: TargetAuditLog, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AuditLogExportRequestedNotPermitted, AuditLogExportRequestedRangeTooLarge,
		AuditLogExportRequestedExportAlreadyRunning, AuditLogExportRequestedNeedsGovernanceApproval,
	),
	OCSF: ocsf(1008, 3, "Export"),
	ECS:  ECS{Category: []string{"database"}, Type: []string{"access"}},
	Trigger: "Emitted when a principal orders an export of audit data to a file; not for continuous SIEM sinks, " +
		"whose set-up is TENANT_SETTINGS_UPDATED.",
})

// NewAuditLogExportRequested builds AUDIT_LOG_EXPORT_REQUESTED.
func NewAuditLogExportRequested(
	act Act, target AuditLogRef, exportFormat AuditExportFormat, filters []string, includeProofs bool,
) AuditLogExportRequested {
	return AuditLogExportRequested{
		base:         auditLogExportRequested.Succeeded(act, target),
		exportFormat: exportFormat, filters: filters, includeProofs: includeProofs,
	}
}

// WithExportID adds export_id.
func (e AuditLogExportRequested) WithExportID(v id.Export) AuditLogExportRequested {
	e.exportID = some(v)
	return e
}

// WithRangeFrom adds range_from.
func (e AuditLogExportRequested) WithRangeFrom(v time.Time) AuditLogExportRequested {
	e.rangeFrom = some(moment(v))
	return e
}

// WithRangeTo adds range_to.
func (e AuditLogExportRequested) WithRangeTo(v time.Time) AuditLogExportRequested {
	e.rangeTo = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e AuditLogExportRequested) Denied(reason AuditLogExportRequestedReason) AuditLogExportRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AuditLogExportCompletedReason is a reason of AUDIT_LOG_EXPORT_COMPLETED.
type AuditLogExportCompletedReason struct{ word }

// The reasons of AUDIT_LOG_EXPORT_COMPLETED.
var (
	AuditLogExportCompletedStorageUnavailable = AuditLogExportCompletedReason{word{"storage_unavailable"}}
	AuditLogExportCompletedRowLimit           = AuditLogExportCompletedReason{word{"row_limit"}}
	AuditLogExportCompletedCancelled          = AuditLogExportCompletedReason{word{"cancelled"}}
	AuditLogExportCompletedInternalError      = AuditLogExportCompletedReason{word{"internal_error"}}
)

// AuditLogExportCompleted is emitted when an ordered export is finished and its file and
// manifest are ready, or with failure when it is given up.
//
// AUDIT_LOG_EXPORT_COMPLETED, "Audit Log Export Completed".
type AuditLogExportCompleted struct {
	base
	exportID    id.Export   `meta:"export_id"`
	requestedBy id.User     `meta:"requested_by"`
	rowCount    int64       `meta:"row_count"`
	fileSHA256  opt[SHA256] `meta:"file_sha256"`
	treeSize    opt[int64]  `meta:"tree_size"`
}

var auditLogExportCompleted = define[AuditLogExportCompleted](Definition{
	Constant: AUDIT_LOG_EXPORT_COMPLETED, Wire: "Audit Log Export Completed", Category: AdminPlatformAudit,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetAuditLog, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		AuditLogExportCompletedStorageUnavailable, AuditLogExportCompletedRowLimit,
		AuditLogExportCompletedCancelled, AuditLogExportCompletedInternalError,
	),
	OCSF: ocsf(1008, 3, "Export"),
	ECS:  ECS{Category: []string{"database"}, Type: []string{"access"}},
	Trigger: "Emitted when an ordered export is finished and its file and manifest are ready, or with failure when" +
		" it is given up; not at the download of the file (AUDIT_LOG_VIEWED).",
})

// NewAuditLogExportCompleted builds AUDIT_LOG_EXPORT_COMPLETED.
func NewAuditLogExportCompleted(
	act Act, target AuditLogRef, exportID id.Export, requestedBy id.User, rowCount int64,
) AuditLogExportCompleted {
	return AuditLogExportCompleted{
		base:     auditLogExportCompleted.Succeeded(act, target),
		exportID: exportID, requestedBy: requestedBy, rowCount: rowCount,
	}
}

// WithFileSHA256 adds file_sha256.
func (e AuditLogExportCompleted) WithFileSHA256(v SHA256) AuditLogExportCompleted {
	e.fileSHA256 = some(v)
	return e
}

// WithTreeSize adds tree_size.
func (e AuditLogExportCompleted) WithTreeSize(v int64) AuditLogExportCompleted {
	e.treeSize = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e AuditLogExportCompleted) Failed(reason AuditLogExportCompletedReason) AuditLogExportCompleted {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// DataClass is what a retention period is for.
type DataClass struct{ word }

// The values of DataClass.
var (
	DataClassAudit      = DataClass{word{"audit"}}
	DataClassRecordings = DataClass{word{"recordings"}}
)

// Values are the closed list of texts.
func (DataClass) Values() []string {
	return texts(DataClassAudit, DataClassRecordings)
}

// ParseDataClass reads one of the texts of Values.
func ParseDataClass(s string) (DataClass, error) {
	return parse(s, DataClassAudit, DataClassRecordings)
}

// LegalHold is what happened to a legal hold.
type LegalHold struct{ word }

// The values of LegalHold.
var (
	LegalHoldUnchanged = LegalHold{word{"unchanged"}}
	LegalHoldSet       = LegalHold{word{"set"}}
	LegalHoldLifted    = LegalHold{word{"lifted"}}
)

// Values are the closed list of texts.
func (LegalHold) Values() []string {
	return texts(LegalHoldUnchanged, LegalHoldSet, LegalHoldLifted)
}

// RetentionPolicyChangedReason is a reason of RETENTION_POLICY_CHANGED.
type RetentionPolicyChangedReason struct{ word }

// The reasons of RETENTION_POLICY_CHANGED.
var (
	RetentionPolicyChangedNotPermitted            = RetentionPolicyChangedReason{word{"not_permitted"}}
	RetentionPolicyChangedBelowMinimum            = RetentionPolicyChangedReason{word{"below_minimum"}}
	RetentionPolicyChangedLegalHoldActive         = RetentionPolicyChangedReason{word{"legal_hold_active"}}
	RetentionPolicyChangedNeedsGovernanceApproval = RetentionPolicyChangedReason{word{"needs_governance_approval"}}
)

// RetentionPolicyChanged is emitted when the retention period of an organization's audit
// payloads or recordings is changed, or a legal hold is set or lifted.
//
// RETENTION_POLICY_CHANGED, "Retention Policy Changed".
type RetentionPolicyChanged struct {
	base
	dataClass          DataClass          `meta:"data_class"`
	oldDays            opt[int]           `meta:"old_days"`
	newDays            opt[int]           `meta:"new_days"`
	shortened          bool               `meta:"shortened"`
	legalHold          LegalHold          `meta:"legal_hold"`
	governanceActionID opt[id.Governance] `meta:"governance_action_id"`
}

var retentionPolicyChanged = define[RetentionPolicyChanged](Definition{
	Constant: RETENTION_POLICY_CHANGED, Wire: "Retention Policy Changed", Category: AdminPlatformAudit,
	Severity: Warn, TargetType: TargetPolicy, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		RetentionPolicyChangedNotPermitted, RetentionPolicyChangedBelowMinimum,
		RetentionPolicyChangedLegalHoldActive, RetentionPolicyChangedNeedsGovernanceApproval,
	),
	OCSF: ocsf(3004, 3, "Update"),
	ECS:  ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when the retention period of an organization's audit payloads or recordings is changed, or a" +
		" legal hold is set or lifted; not when data is pruned under the policy in force.",
})

// NewRetentionPolicyChanged builds RETENTION_POLICY_CHANGED.
func NewRetentionPolicyChanged(
	act Act, target PolicyRef, dataClass DataClass, shortened bool, legalHold LegalHold,
) RetentionPolicyChanged {
	return RetentionPolicyChanged{
		base:      retentionPolicyChanged.Succeeded(act, target),
		dataClass: dataClass, shortened: shortened, legalHold: legalHold,
	}
}

// WithOldDays adds old_days.
func (e RetentionPolicyChanged) WithOldDays(v int) RetentionPolicyChanged {
	e.oldDays = some(v)
	return e
}

// WithNewDays adds new_days.
func (e RetentionPolicyChanged) WithNewDays(v int) RetentionPolicyChanged {
	e.newDays = some(v)
	return e
}

// WithGovernanceActionID adds governance_action_id.
func (e RetentionPolicyChanged) WithGovernanceActionID(v id.Governance) RetentionPolicyChanged {
	e.governanceActionID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e RetentionPolicyChanged) Denied(reason RetentionPolicyChangedReason) RetentionPolicyChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

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

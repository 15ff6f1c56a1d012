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

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PlatformCrossOrgGovernanceViewedReason is a reason of PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED.
type PlatformCrossOrgGovernanceViewedReason struct{ word }

// The reasons of PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED.
var (
	PlatformCrossOrgGovernanceViewedNotPermitted = PlatformCrossOrgGovernanceViewedReason{word{"not_permitted"}}
)

// PlatformCrossOrgGovernanceViewed is emitted when a platform operator opens the governance
// queue across organizations, once per query in the platform log and once in the log of each
// organization whose actions were shown.
//
// PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED, "platform.cross_org_governance_viewed".
type PlatformCrossOrgGovernanceViewed struct {
	base
	filters      []string `meta:"filters"`
	rowsReturned int      `meta:"rows_returned"`
	orgsShown    opt[int] `meta:"orgs_shown"`
}

var platformCrossOrgGovernanceViewed = define[PlatformCrossOrgGovernanceViewed](Definition{
	Constant: PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED, Wire: "platform.cross_org_governance_viewed", Category: CrossOrgGovernance,
	Severity: Info, TargetType: TargetGovernanceAction, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformCrossOrgGovernanceViewedNotPermitted),
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when a platform operator opens the governance queue across organizations, once per query in " +
		"the platform log and once in the log of each organization whose actions were shown; not when an " +
		"organization's administrators open their own queue.",
})

// NewPlatformCrossOrgGovernanceViewed builds PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED.
func NewPlatformCrossOrgGovernanceViewed(
	act Act, target GovernanceRef, filters []string, rowsReturned int,
) PlatformCrossOrgGovernanceViewed {
	return PlatformCrossOrgGovernanceViewed{
		base:    platformCrossOrgGovernanceViewed.Succeeded(act, target),
		filters: filters, rowsReturned: rowsReturned,
	}
}

// WithOrgsShown adds orgs_shown.
func (e PlatformCrossOrgGovernanceViewed) WithOrgsShown(v int) PlatformCrossOrgGovernanceViewed {
	e.orgsShown = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PlatformCrossOrgGovernanceViewed) Denied(reason PlatformCrossOrgGovernanceViewedReason) PlatformCrossOrgGovernanceViewed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// QueueExportFormat is the format of a governance queue export.
type QueueExportFormat struct{ word }

// The values of QueueExportFormat.
var (
	QueueExportFormatJSON = QueueExportFormat{word{"json"}}
	QueueExportFormatCSV  = QueueExportFormat{word{"csv"}}
)

// Values are the closed list of texts.
func (QueueExportFormat) Values() []string {
	return texts(QueueExportFormatJSON, QueueExportFormatCSV)
}

// ParseQueueExportFormat reads one of the texts of Values.
func ParseQueueExportFormat(s string) (QueueExportFormat, error) {
	return parse(s, QueueExportFormatJSON, QueueExportFormatCSV)
}

// OrgGovernanceQueueExportedReason is a reason of ORG_GOVERNANCE_QUEUE_EXPORTED.
type OrgGovernanceQueueExportedReason struct{ word }

// The reasons of ORG_GOVERNANCE_QUEUE_EXPORTED.
var (
	OrgGovernanceQueueExportedNotPermitted = OrgGovernanceQueueExportedReason{word{"not_permitted"}}
)

// OrgGovernanceQueueExported is emitted when the governance queue, of one organization or
// across organizations, is exported to a file.
//
// ORG_GOVERNANCE_QUEUE_EXPORTED, "org_governance.queue_exported".
type OrgGovernanceQueueExported struct {
	base
	exportID     opt[id.Export]    `meta:"export_id"`
	exportFormat QueueExportFormat `meta:"export_format"`
	crossOrg     bool              `meta:"cross_org"`
	rowCount     int64             `meta:"row_count"`
	fileSHA256   opt[SHA256]       `meta:"file_sha256"`
}

var orgGovernanceQueueExported = define[OrgGovernanceQueueExported](Definition{
	Constant: ORG_GOVERNANCE_QUEUE_EXPORTED, Wire: "org_governance.queue_exported", Category: CrossOrgGovernance,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: PlatformAndOrg,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrgGovernanceQueueExportedNotPermitted),
	OCSF:       ocsf(6001, 7, "Export"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when the governance queue, of one organization or across organizations, is exported to a " +
		"file; not when it is only viewed on screen.",
})

// NewOrgGovernanceQueueExported builds ORG_GOVERNANCE_QUEUE_EXPORTED.
func NewOrgGovernanceQueueExported(
	act Act, target GovernanceRef, exportFormat QueueExportFormat, crossOrg bool, rowCount int64,
) OrgGovernanceQueueExported {
	return OrgGovernanceQueueExported{
		base:         orgGovernanceQueueExported.Succeeded(act, target),
		exportFormat: exportFormat, crossOrg: crossOrg, rowCount: rowCount,
	}
}

// WithExportID adds export_id.
func (e OrgGovernanceQueueExported) WithExportID(v id.Export) OrgGovernanceQueueExported {
	e.exportID = some(v)
	return e
}

// WithFileSHA256 adds file_sha256.
func (e OrgGovernanceQueueExported) WithFileSHA256(v SHA256) OrgGovernanceQueueExported {
	e.fileSHA256 = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgGovernanceQueueExported) Denied(reason OrgGovernanceQueueExportedReason) OrgGovernanceQueueExported {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// CaseKind is the kind of case that somebody tried to decide.
type CaseKind struct{ word }

// The values of CaseKind.
var (
	CaseKindGovernanceAction = CaseKind{word{"governance_action"}}
	CaseKindAccessRequest    = CaseKind{word{"access_request"}}
	CaseKindMFARecovery      = CaseKind{word{"mfa_recovery"}}
)

// Values are the closed list of texts.
func (CaseKind) Values() []string {
	return texts(CaseKindGovernanceAction, CaseKindAccessRequest, CaseKindMFARecovery)
}

// DecidedVia is by which right somebody tried to decide.
type DecidedVia struct{ word }

// The values of DecidedVia.
var (
	DecidedViaDirect     = DecidedVia{word{"direct"}}
	DecidedViaDelegation = DecidedVia{word{"delegation"}}
	DecidedViaAPIToken   = DecidedVia{word{"api_token"}}
)

// Values are the closed list of texts.
func (DecidedVia) Values() []string {
	return texts(DecidedViaDirect, DecidedViaDelegation, DecidedViaAPIToken)
}

// OrgGovernanceSelfApprovalBlockedReason is a reason of ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED.
type OrgGovernanceSelfApprovalBlockedReason struct{ word }

// The reasons of ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED.
var (
	OrgGovernanceSelfApprovalBlockedSelfApproval = OrgGovernanceSelfApprovalBlockedReason{word{"self_approval"}}
)

// OrgGovernanceSelfApprovalBlocked is emitted when the requester of a governance action, an
// access request or an MFA recovery tries to decide that same case, directly or through a
// delegation or API token of their own, and is refused.
//
// ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED, "org_governance.self_approval_blocked".
type OrgGovernanceSelfApprovalBlocked struct {
	base
	caseKind    CaseKind   `meta:"case_kind"`
	caseID      ObjectID   `meta:"case_id"`
	requesterID id.User    `meta:"requester_id"`
	decidedVia  DecidedVia `meta:"decided_via"`
}

var orgGovernanceSelfApprovalBlocked = define[OrgGovernanceSelfApprovalBlocked](Definition{
	Constant: ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED, Wire: "org_governance.self_approval_blocked", Category: CrossOrgGovernance,
	Severity: Critical, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, OrgAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(OrgGovernanceSelfApprovalBlockedSelfApproval),
	OCSF:       ocsf(3004, 99, "Approve Action"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when the requester of a governance action, an access request or an MFA recovery tries to " +
		"decide that same case, directly or through a delegation or API token of their own, and is refused; " +
		"not when a person without approval right tries, which is the denied outcome of the approval's own " +
		"event.",
})

// NewOrgGovernanceSelfApprovalBlocked builds ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED with outcome denied.
func NewOrgGovernanceSelfApprovalBlocked(
	act Act, target GovernanceRef, reason OrgGovernanceSelfApprovalBlockedReason, caseKind CaseKind,
	caseID ObjectID, requesterID id.User, decidedVia DecidedVia,
) OrgGovernanceSelfApprovalBlocked {
	return OrgGovernanceSelfApprovalBlocked{
		base:     orgGovernanceSelfApprovalBlocked.Denied(act, target, reason.text),
		caseKind: caseKind, caseID: caseID, requesterID: requesterID, decidedVia: decidedVia,
	}
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// OrgGovernanceActionRequestedReason is a reason of ORG_GOVERNANCE_ACTION_REQUESTED.
type OrgGovernanceActionRequestedReason struct{ word }

// The reasons of ORG_GOVERNANCE_ACTION_REQUESTED.
var (
	OrgGovernanceActionRequestedNotPermitted        = OrgGovernanceActionRequestedReason{word{"not_permitted"}}
	OrgGovernanceActionRequestedDuplicateOpenAction = OrgGovernanceActionRequestedReason{word{"duplicate_open_action"}}
)

// OrgGovernanceActionRequested is emitted when somebody files a sensitive organization action
// that needs a second person (such as turning recording off, shortening retention, adding an
// owner, lifting the MFA demand, changing SSO or exporting the whole audit log) and it enters
// the queue.
//
// ORG_GOVERNANCE_ACTION_REQUESTED, "org_governance.action_requested".
type OrgGovernanceActionRequested struct {
	base
	actionKind    string       `meta:"action_kind"`
	summary       string       `meta:"summary"`
	payloadDigest SHA256       `meta:"payload_digest"`
	expiresAt     opt[instant] `meta:"expires_at"`
}

var orgGovernanceActionRequested = define[OrgGovernanceActionRequested](Definition{
	Constant: ORG_GOVERNANCE_ACTION_REQUESTED, Wire: "org_governance.action_requested", Category: OrgScopedGovernance,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrgGovernanceActionRequestedNotPermitted, OrgGovernanceActionRequestedDuplicateOpenAction),
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when somebody files a sensitive organization action that needs a second person (such as " +
		"turning recording off, shortening retention, adding an owner, lifting the MFA demand, changing SSO " +
		"or exporting the whole audit log) and it enters the queue; not for access requests " +
		"(USER_ACCESS_REQUEST_CREATED) or MFA recovery (MFA_RECOVERY_*).",
})

// NewOrgGovernanceActionRequested builds ORG_GOVERNANCE_ACTION_REQUESTED.
func NewOrgGovernanceActionRequested(
	act Act, target GovernanceRef, actionKind, summary string, payloadDigest SHA256,
) OrgGovernanceActionRequested {
	return OrgGovernanceActionRequested{
		base:       orgGovernanceActionRequested.Succeeded(act, target),
		actionKind: actionKind, summary: summary, payloadDigest: payloadDigest,
	}
}

// WithExpiresAt adds expires_at.
func (e OrgGovernanceActionRequested) WithExpiresAt(v time.Time) OrgGovernanceActionRequested {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgGovernanceActionRequested) Denied(reason OrgGovernanceActionRequestedReason) OrgGovernanceActionRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// OrgGovernanceActionApprovedReason is a reason of ORG_GOVERNANCE_ACTION_APPROVED.
type OrgGovernanceActionApprovedReason struct{ word }

// The reasons of ORG_GOVERNANCE_ACTION_APPROVED.
var (
	OrgGovernanceActionApprovedNotPermitted = OrgGovernanceActionApprovedReason{word{"not_permitted"}}
	OrgGovernanceActionApprovedActionClosed = OrgGovernanceActionApprovedReason{word{"action_closed"}}
)

// OrgGovernanceActionApproved is emitted when a second authorised person approves a queued
// action, in the same transaction as the effect of that action and the event which tells it.
//
// ORG_GOVERNANCE_ACTION_APPROVED, "org_governance.action_approved".
type OrgGovernanceActionApproved struct {
	base
	actionKind  string        `meta:"action_kind"`
	requesterID id.User       `meta:"requester_id"`
	effectEvent opt[id.Event] `meta:"effect_event"`
	waited      seconds       `meta:"waited_seconds"`
	comment     opt[string]   `meta:"comment"`
}

var orgGovernanceActionApproved = define[OrgGovernanceActionApproved](Definition{
	Constant: ORG_GOVERNANCE_ACTION_APPROVED, Wire: "org_governance.action_approved", Category: OrgScopedGovernance,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgLog,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrgGovernanceActionApprovedNotPermitted, OrgGovernanceActionApprovedActionClosed),
	OCSF:       ocsf(3004, 99, "Approve Action"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "change"}},
	Trigger: "Emitted when a second authorised person approves a queued action, in the same transaction as the " +
		"effect of that action and the event which tells it; not for the requester's own try " +
		"(ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED).",
})

// NewOrgGovernanceActionApproved builds ORG_GOVERNANCE_ACTION_APPROVED.
func NewOrgGovernanceActionApproved(
	act Act, target GovernanceRef, actionKind string, requesterID id.User, waited time.Duration,
) OrgGovernanceActionApproved {
	return OrgGovernanceActionApproved{
		base:       orgGovernanceActionApproved.Succeeded(act, target),
		actionKind: actionKind, requesterID: requesterID, waited: seconds(waited),
	}
}

// WithEffectEvent adds effect_event.
func (e OrgGovernanceActionApproved) WithEffectEvent(v id.Event) OrgGovernanceActionApproved {
	e.effectEvent = some(v)
	return e
}

// WithComment adds comment.
func (e OrgGovernanceActionApproved) WithComment(v string) OrgGovernanceActionApproved {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgGovernanceActionApproved) Denied(reason OrgGovernanceActionApprovedReason) OrgGovernanceActionApproved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// OrgGovernanceActionRejectedReason is a reason of ORG_GOVERNANCE_ACTION_REJECTED.
type OrgGovernanceActionRejectedReason struct{ word }

// The reasons of ORG_GOVERNANCE_ACTION_REJECTED.
var (
	OrgGovernanceActionRejectedRejected     = OrgGovernanceActionRejectedReason{word{"rejected"}}
	OrgGovernanceActionRejectedWithdrawn    = OrgGovernanceActionRejectedReason{word{"withdrawn"}}
	OrgGovernanceActionRejectedExpired      = OrgGovernanceActionRejectedReason{word{"expired"}}
	OrgGovernanceActionRejectedSuperseded   = OrgGovernanceActionRejectedReason{word{"superseded"}}
	OrgGovernanceActionRejectedNotPermitted = OrgGovernanceActionRejectedReason{word{"not_permitted"}}
)

// OrgGovernanceActionRejected is emitted when a queued action ends without effect, by an
// approver, by its requester's withdrawal or at its deadline.
//
// ORG_GOVERNANCE_ACTION_REJECTED, "org_governance.action_rejected".
type OrgGovernanceActionRejected struct {
	base
	actionKind  string      `meta:"action_kind"`
	requesterID id.User     `meta:"requester_id"`
	waited      seconds     `meta:"waited_seconds"`
	comment     opt[string] `meta:"comment"`
}

var orgGovernanceActionRejected = define[OrgGovernanceActionRejected](Definition{
	Constant: ORG_GOVERNANCE_ACTION_REJECTED, Wire: "org_governance.action_rejected", Category: OrgScopedGovernance,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgLog,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		OrgGovernanceActionRejectedRejected, OrgGovernanceActionRejectedWithdrawn,
		OrgGovernanceActionRejectedExpired, OrgGovernanceActionRejectedSuperseded,
		OrgGovernanceActionRejectedNotPermitted,
	),
	OCSF: ocsf(3004, 99, "Reject Action"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when a queued action ends without effect, by an approver, by its requester's withdrawal or " +
		"at its deadline; not when an approved action fails technically afterwards (SYSTEM_ERROR_LOGGED).",
})

// NewOrgGovernanceActionRejected builds ORG_GOVERNANCE_ACTION_REJECTED.
func NewOrgGovernanceActionRejected(
	act Act, target GovernanceRef, actionKind string, requesterID id.User, waited time.Duration,
) OrgGovernanceActionRejected {
	return OrgGovernanceActionRejected{
		base:       orgGovernanceActionRejected.Succeeded(act, target),
		actionKind: actionKind, requesterID: requesterID, waited: seconds(waited),
	}
}

// WithComment adds comment.
func (e OrgGovernanceActionRejected) WithComment(v string) OrgGovernanceActionRejected {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgGovernanceActionRejected) Denied(reason OrgGovernanceActionRejectedReason) OrgGovernanceActionRejected {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e OrgGovernanceActionRejected) Because(reason OrgGovernanceActionRejectedReason) OrgGovernanceActionRejected {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

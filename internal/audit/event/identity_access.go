package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// ApprovalMode is how many people must approve.
type ApprovalMode struct{ word }

// The values of ApprovalMode.
var (
	ApprovalModeSingle   = ApprovalMode{word{"single"}}
	ApprovalModeFourEyes = ApprovalMode{word{"four_eyes"}}
)

// Values are the closed list of texts.
func (ApprovalMode) Values() []string {
	return texts(ApprovalModeSingle, ApprovalModeFourEyes)
}

// ParseApprovalMode reads one of the texts of Values.
func ParseApprovalMode(s string) (ApprovalMode, error) {
	return parse(s, ApprovalModeSingle, ApprovalModeFourEyes)
}

// UserAccessRequestCreatedReason is a reason of USER_ACCESS_REQUEST_CREATED.
type UserAccessRequestCreatedReason struct{ word }

// The reasons of USER_ACCESS_REQUEST_CREATED.
var (
	UserAccessRequestCreatedNotEligible          = UserAccessRequestCreatedReason{word{"not_eligible"}}
	UserAccessRequestCreatedDuplicateOpenRequest = UserAccessRequestCreatedReason{word{"duplicate_open_request"}}
	UserAccessRequestCreatedOutsideValidHours    = UserAccessRequestCreatedReason{word{"outside_valid_hours"}}
)

// UserAccessRequestCreated is emitted when a user or API token files a request for access to a
// Safe whose policy demands single or four-eyes approval.
//
// USER_ACCESS_REQUEST_CREATED, "User Access Request Created".
type UserAccessRequestCreated struct {
	base
	accessRequestID id.AccessReq `meta:"access_request_id"`
	approvalMode    ApprovalMode `meta:"approval_mode"`
	approvalsNeeded int          `meta:"approvals_needed"`
	requestedFrom   instant      `meta:"requested_from"`
	requestedUntil  instant      `meta:"requested_until"`
	justification   opt[string]  `meta:"justification"`
	ticketRef       opt[string]  `meta:"ticket_ref"`
}

var userAccessRequestCreated = define[UserAccessRequestCreated](Definition{
	Constant: USER_ACCESS_REQUEST_CREATED, Wire: "User Access Request Created", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		UserAccessRequestCreatedNotEligible, UserAccessRequestCreatedDuplicateOpenRequest,
		UserAccessRequestCreatedOutsideValidHours,
	),
	OCSF: ocsf(3005, 99, "Request Access"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a user or API token files a request for access to a Safe whose policy demands single or" +
		" four-eyes approval; not when the policy needs no approval, and not when an open request is only " +
		"viewed or commented.",
})

// NewUserAccessRequestCreated builds USER_ACCESS_REQUEST_CREATED.
func NewUserAccessRequestCreated(
	act Act, target SafeRef, accessRequestID id.AccessReq, approvalMode ApprovalMode, approvalsNeeded int,
	requestedFrom, requestedUntil time.Time,
) UserAccessRequestCreated {
	return UserAccessRequestCreated{
		base:            userAccessRequestCreated.Succeeded(act, target),
		accessRequestID: accessRequestID, approvalMode: approvalMode, approvalsNeeded: approvalsNeeded,
		requestedFrom: moment(requestedFrom), requestedUntil: moment(requestedUntil),
	}
}

// WithJustification adds justification.
func (e UserAccessRequestCreated) WithJustification(v string) UserAccessRequestCreated {
	e.justification = some(v)
	return e
}

// WithTicketRef adds ticket_ref.
func (e UserAccessRequestCreated) WithTicketRef(v string) UserAccessRequestCreated {
	e.ticketRef = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e UserAccessRequestCreated) Denied(reason UserAccessRequestCreatedReason) UserAccessRequestCreated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessRequestApprovedReason is a reason of ACCESS_REQUEST_APPROVED.
type AccessRequestApprovedReason struct{ word }

// The reasons of ACCESS_REQUEST_APPROVED.
var (
	AccessRequestApprovedNotPermitted          = AccessRequestApprovedReason{word{"not_permitted"}}
	AccessRequestApprovedRequestClosed         = AccessRequestApprovedReason{word{"request_closed"}}
	AccessRequestApprovedAlreadyDecidedByActor = AccessRequestApprovedReason{word{"already_decided_by_actor"}}
)

// AccessRequestApproved is emitted for each approving decision recorded on an access request,
// with final=true on the one that reaches the needed number and opens the access.
//
// ACCESS_REQUEST_APPROVED, "Access Request Approved".
type AccessRequestApproved struct {
	base
	accessRequestID id.AccessReq `meta:"access_request_id"`
	requesterID     id.User      `meta:"requester_id"`
	approvalsHave   int          `meta:"approvals_have"`
	approvalsNeeded int          `meta:"approvals_needed"`
	final           bool         `meta:"final"`
	accessUntil     opt[instant] `meta:"access_until"`
	comment         opt[string]  `meta:"comment"`
}

var accessRequestApproved = define[AccessRequestApproved](Definition{
	Constant: ACCESS_REQUEST_APPROVED, Wire: "Access Request Approved", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AccessRequestApprovedNotPermitted, AccessRequestApprovedRequestClosed,
		AccessRequestApprovedAlreadyDecidedByActor,
	),
	OCSF: ocsf(3005, 1, "Assign Privileges"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted for each approving decision recorded on an access request, with final=true on the one that " +
		"reaches the needed number and opens the access; not when policy grants access without approval, and " +
		"not for a requester's try to approve their own request (ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED).",
})

// NewAccessRequestApproved builds ACCESS_REQUEST_APPROVED.
func NewAccessRequestApproved(
	act Act, target SafeRef, accessRequestID id.AccessReq, requesterID id.User,
	approvalsHave, approvalsNeeded int, final bool,
) AccessRequestApproved {
	return AccessRequestApproved{
		base:            accessRequestApproved.Succeeded(act, target),
		accessRequestID: accessRequestID, requesterID: requesterID, approvalsHave: approvalsHave,
		approvalsNeeded: approvalsNeeded, final: final,
	}
}

// WithAccessUntil adds access_until.
func (e AccessRequestApproved) WithAccessUntil(v time.Time) AccessRequestApproved {
	e.accessUntil = some(moment(v))
	return e
}

// WithComment adds comment.
func (e AccessRequestApproved) WithComment(v string) AccessRequestApproved {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessRequestApproved) Denied(reason AccessRequestApprovedReason) AccessRequestApproved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessRequestRejectedReason is a reason of ACCESS_REQUEST_REJECTED.
type AccessRequestRejectedReason struct{ word }

// The reasons of ACCESS_REQUEST_REJECTED.
var (
	AccessRequestRejectedRejectedByApprover = AccessRequestRejectedReason{word{"rejected_by_approver"}}
	AccessRequestRejectedWithdrawn          = AccessRequestRejectedReason{word{"withdrawn"}}
	AccessRequestRejectedExpired            = AccessRequestRejectedReason{word{"expired"}}
	AccessRequestRejectedRequesterDisabled  = AccessRequestRejectedReason{word{"requester_disabled"}}
	AccessRequestRejectedSafeDeleted        = AccessRequestRejectedReason{word{"safe_deleted"}}
	AccessRequestRejectedNotPermitted       = AccessRequestRejectedReason{word{"not_permitted"}}
)

// AccessRequestRejected is emitted when an open access request ends without access, because an
// approver rejects it, its requester withdraws it or the system lets it lapse at its deadline.
//
// ACCESS_REQUEST_REJECTED, "Access Request Rejected".
type AccessRequestRejected struct {
	base
	accessRequestID id.AccessReq `meta:"access_request_id"`
	requesterID     id.User      `meta:"requester_id"`
	approvalsHave   int          `meta:"approvals_have"`
	comment         opt[string]  `meta:"comment"`
}

var accessRequestRejected = define[AccessRequestRejected](Definition{
	Constant: ACCESS_REQUEST_REJECTED, Wire: "Access Request Rejected", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AccessRequestRejectedRejectedByApprover, AccessRequestRejectedWithdrawn, AccessRequestRejectedExpired,
		AccessRequestRejectedRequesterDisabled, AccessRequestRejectedSafeDeleted,
		AccessRequestRejectedNotPermitted,
	),
	OCSF: ocsf(3005, 99, "Reject Request"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when an open access request ends without access, because an approver rejects it, its " +
		"requester withdraws it or the system lets it lapse at its deadline; not when an access that was " +
		"granted runs out or is revoked.",
})

// NewAccessRequestRejected builds ACCESS_REQUEST_REJECTED.
func NewAccessRequestRejected(
	act Act, target SafeRef, accessRequestID id.AccessReq, requesterID id.User, approvalsHave int,
) AccessRequestRejected {
	return AccessRequestRejected{
		base:            accessRequestRejected.Succeeded(act, target),
		accessRequestID: accessRequestID, requesterID: requesterID, approvalsHave: approvalsHave,
	}
}

// WithComment adds comment.
func (e AccessRequestRejected) WithComment(v string) AccessRequestRejected {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessRequestRejected) Denied(reason AccessRequestRejectedReason) AccessRequestRejected {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e AccessRequestRejected) Because(reason AccessRequestRejectedReason) AccessRequestRejected {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// DelegatedRight is what a delegation lends.
type DelegatedRight struct{ word }

// The values of DelegatedRight.
var (
	DelegatedRightAccess  = DelegatedRight{word{"access"}}
	DelegatedRightApprove = DelegatedRight{word{"approve"}}
)

// Values are the closed list of texts.
func (DelegatedRight) Values() []string {
	return texts(DelegatedRightAccess, DelegatedRightApprove)
}

// AccessDelegationGrantedReason is a reason of ACCESS_DELEGATION_GRANTED.
type AccessDelegationGrantedReason struct{ word }

// The reasons of ACCESS_DELEGATION_GRANTED.
var (
	AccessDelegationGrantedNotPermitted                = AccessDelegationGrantedReason{word{"not_permitted"}}
	AccessDelegationGrantedDelegationForbiddenByPolicy = AccessDelegationGrantedReason{word{"delegation_forbidden_by_policy"}}
	AccessDelegationGrantedDelegateNotEligible         = AccessDelegationGrantedReason{word{"delegate_not_eligible"}}
)

// AccessDelegationGranted is emitted when a member lends their own access or approval right on
// a Safe to another member for a bounded time.
//
// ACCESS_DELEGATION_GRANTED, "Access Delegation Granted".
type AccessDelegationGranted struct {
	base
	delegationID id.Delegation  `meta:"delegation_id"`
	delegatorID  id.User        `meta:"delegator_id"`
	delegateID   id.User        `meta:"delegate_id"`
	right        DelegatedRight `meta:"right"`
	startsAt     instant        `meta:"starts_at"`
	endsAt       instant        `meta:"ends_at"`
}

var accessDelegationGranted = define[AccessDelegationGranted](Definition{
	Constant: ACCESS_DELEGATION_GRANTED, Wire: "Access Delegation Granted", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AccessDelegationGrantedNotPermitted, AccessDelegationGrantedDelegationForbiddenByPolicy,
		AccessDelegationGrantedDelegateNotEligible,
	),
	OCSF: ocsf(3005, 1, "Assign Privileges"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a member lends their own access or approval right on a Safe to another member for a " +
		"bounded time; not for a lasting membership (SAFE_MEMBER_ADDED) and not for an approved access " +
		"request.",
})

// NewAccessDelegationGranted builds ACCESS_DELEGATION_GRANTED.
func NewAccessDelegationGranted(
	act Act, target SafeRef, delegationID id.Delegation, delegatorID, delegateID id.User, right DelegatedRight,
	startsAt, endsAt time.Time,
) AccessDelegationGranted {
	return AccessDelegationGranted{
		base:         accessDelegationGranted.Succeeded(act, target),
		delegationID: delegationID, delegatorID: delegatorID, delegateID: delegateID, right: right,
		startsAt: moment(startsAt), endsAt: moment(endsAt),
	}
}

// Denied turns the event into a refused attempt.
func (e AccessDelegationGranted) Denied(reason AccessDelegationGrantedReason) AccessDelegationGranted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessDelegationRevokedReason is a reason of ACCESS_DELEGATION_REVOKED.
type AccessDelegationRevokedReason struct{ word }

// The reasons of ACCESS_DELEGATION_REVOKED.
var (
	AccessDelegationRevokedRevokedByDelegator = AccessDelegationRevokedReason{word{"revoked_by_delegator"}}
	AccessDelegationRevokedRevokedByDelegate  = AccessDelegationRevokedReason{word{"revoked_by_delegate"}}
	AccessDelegationRevokedRevokedByAdmin     = AccessDelegationRevokedReason{word{"revoked_by_admin"}}
	AccessDelegationRevokedExpired            = AccessDelegationRevokedReason{word{"expired"}}
	AccessDelegationRevokedDelegatorLostRight = AccessDelegationRevokedReason{word{"delegator_lost_right"}}
	AccessDelegationRevokedNotPermitted       = AccessDelegationRevokedReason{word{"not_permitted"}}
)

// AccessDelegationRevoked is emitted when a live delegation ends, by its giver or receiver, by
// an administrator, or by the system at its end time or when the giver loses the right.
//
// ACCESS_DELEGATION_REVOKED, "Access Delegation Revoked".
type AccessDelegationRevoked struct {
	base
	delegationID  id.Delegation  `meta:"delegation_id"`
	delegatorID   id.User        `meta:"delegator_id"`
	delegateID    id.User        `meta:"delegate_id"`
	right         DelegatedRight `meta:"right"`
	sessionsEnded int            `meta:"sessions_ended"`
}

var accessDelegationRevoked = define[AccessDelegationRevoked](Definition{
	Constant: ACCESS_DELEGATION_REVOKED, Wire: "Access Delegation Revoked", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, TenantAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AccessDelegationRevokedRevokedByDelegator, AccessDelegationRevokedRevokedByDelegate,
		AccessDelegationRevokedRevokedByAdmin, AccessDelegationRevokedExpired,
		AccessDelegationRevokedDelegatorLostRight, AccessDelegationRevokedNotPermitted,
	),
	OCSF: ocsf(3005, 2, "Revoke Privileges"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a live delegation ends, by its giver or receiver, by an administrator, or by the system" +
		" at its end time or when the giver loses the right; not when a delegation that has not started yet " +
		"is edited.",
})

// NewAccessDelegationRevoked builds ACCESS_DELEGATION_REVOKED.
func NewAccessDelegationRevoked(
	act Act, target SafeRef, delegationID id.Delegation, delegatorID, delegateID id.User, right DelegatedRight,
	sessionsEnded int,
) AccessDelegationRevoked {
	return AccessDelegationRevoked{
		base:         accessDelegationRevoked.Succeeded(act, target),
		delegationID: delegationID, delegatorID: delegatorID, delegateID: delegateID, right: right,
		sessionsEnded: sessionsEnded,
	}
}

// Denied turns the event into a refused attempt.
func (e AccessDelegationRevoked) Denied(reason AccessDelegationRevokedReason) AccessDelegationRevoked {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e AccessDelegationRevoked) Because(reason AccessDelegationRevokedReason) AccessDelegationRevoked {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

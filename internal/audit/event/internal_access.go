package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// OpenedBy is what opened access that no person approved.
type OpenedBy struct{ word }

// The values of OpenedBy.
var (
	OpenedByRule      = OpenedBy{word{"rule"}}
	OpenedByEmergency = OpenedBy{word{"emergency"}}
)

// Values are the closed list of texts.
func (OpenedBy) Values() []string { return texts(OpenedByRule, OpenedByEmergency) }

// AccessGrantOpenedReason is a reason of ACCESS_GRANT_OPENED.
type AccessGrantOpenedReason struct{ word }

// The reasons of ACCESS_GRANT_OPENED.
var (
	AccessGrantOpenedNotPermitted = AccessGrantOpenedReason{word{"not_permitted"}}
)

// AccessGrantOpened is emitted when access to a safe is opened for a time and no person approved it.
//
// ACCESS_GRANT_OPENED, "access_grant.opened".
type AccessGrantOpened struct {
	base
	accessGrantID   id.AccessGrant `meta:"access_grant_id"`
	accessRequestID id.AccessReq   `meta:"access_request_id"`
	subjectUserID   id.User        `meta:"subject_user_id"`
	openedBy        OpenedBy       `meta:"opened_by"`
	startsAt        instant        `meta:"starts_at"`
	endsAt          instant        `meta:"ends_at"`
	justification   opt[string]    `meta:"justification"`
}

var accessGrantOpened = define[AccessGrantOpened](Definition{
	Constant: ACCESS_GRANT_OPENED, Wire: "access_grant.opened", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessGrantOpenedNotPermitted),
	OCSF:       ocsf(3005, 1, "Assign Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when access to a Safe is opened for a time without the approval of a person: by a rule of the " +
		"Safe, or by somebody whom it names for emergencies; not for approved requests (ACCESS_REQUEST_APPROVED).",
})

// NewAccessGrantOpened builds ACCESS_GRANT_OPENED.
func NewAccessGrantOpened(
	act Act, target SafeRef, accessGrantID id.AccessGrant, accessRequestID id.AccessReq, subjectUserID id.User,
	openedBy OpenedBy, startsAt, endsAt time.Time,
) AccessGrantOpened {
	return AccessGrantOpened{
		base:          accessGrantOpened.Succeeded(act, target),
		accessGrantID: accessGrantID, accessRequestID: accessRequestID, subjectUserID: subjectUserID,
		openedBy: openedBy, startsAt: moment(startsAt), endsAt: moment(endsAt),
	}
}

// WithJustification adds justification.
func (e AccessGrantOpened) WithJustification(v string) AccessGrantOpened {
	e.justification = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessGrantOpened) Denied(reason AccessGrantOpenedReason) AccessGrantOpened {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessGrantEndedReason is a reason of ACCESS_GRANT_ENDED.
type AccessGrantEndedReason struct{ word }

// The reasons of ACCESS_GRANT_ENDED.
var (
	AccessGrantEndedExpired           = AccessGrantEndedReason{word{"expired"}}
	AccessGrantEndedRevoked           = AccessGrantEndedReason{word{"revoked"}}
	AccessGrantEndedSafeDeleted       = AccessGrantEndedReason{word{"safe_deleted"}}
	AccessGrantEndedMembershipLost    = AccessGrantEndedReason{word{"membership_lost"}}
	AccessGrantEndedRequesterDisabled = AccessGrantEndedReason{word{"requester_disabled"}}
	AccessGrantEndedNotPermitted      = AccessGrantEndedReason{word{"not_permitted"}}
)

// AccessGrantEnded is emitted when access that was opened for a time is over.
//
// ACCESS_GRANT_ENDED, "access_grant.ended".
type AccessGrantEnded struct {
	base
	accessGrantID   id.AccessGrant `meta:"access_grant_id"`
	accessRequestID id.AccessReq   `meta:"access_request_id"`
	subjectUserID   id.User        `meta:"subject_user_id"`
	sessionsEnded   int            `meta:"sessions_ended"`
	comment         opt[string]    `meta:"comment"`
}

var accessGrantEnded = define[AccessGrantEnded](Definition{
	Constant: ACCESS_GRANT_ENDED, Wire: "access_grant.ended", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AccessGrantEndedExpired, AccessGrantEndedRevoked, AccessGrantEndedSafeDeleted, AccessGrantEndedMembershipLost,
		AccessGrantEndedRequesterDisabled, AccessGrantEndedNotPermitted,
	),
	OCSF: ocsf(3005, 2, "Revoke Privileges"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when access to a Safe that an approved request, a rule or an emergency opened is over: its time " +
		"ran out, somebody ended it, or its person or Safe is gone; not for a membership or a delegation.",
})

// NewAccessGrantEnded builds ACCESS_GRANT_ENDED.
func NewAccessGrantEnded(
	act Act, target SafeRef, accessGrantID id.AccessGrant, accessRequestID id.AccessReq, subjectUserID id.User,
	sessionsEnded int,
) AccessGrantEnded {
	return AccessGrantEnded{
		base:          accessGrantEnded.Succeeded(act, target),
		accessGrantID: accessGrantID, accessRequestID: accessRequestID, subjectUserID: subjectUserID,
		sessionsEnded: sessionsEnded,
	}
}

// WithComment adds comment.
func (e AccessGrantEnded) WithComment(v string) AccessGrantEnded {
	e.comment = some(v)
	return e
}

// Because says which kind of success it is.
func (e AccessGrantEnded) Because(reason AccessGrantEndedReason) AccessGrantEnded {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessGrantEnded) Denied(reason AccessGrantEndedReason) AccessGrantEnded {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessRequestCommentedReason is a reason of ACCESS_REQUEST_COMMENTED.
type AccessRequestCommentedReason struct{ word }

// The reasons of ACCESS_REQUEST_COMMENTED.
var (
	AccessRequestCommentedNotPermitted = AccessRequestCommentedReason{word{"not_permitted"}}
)

// AccessRequestCommented is emitted when somebody writes a comment to an access request.
//
// ACCESS_REQUEST_COMMENTED, "access_request.commented".
type AccessRequestCommented struct {
	base
	accessRequestID id.AccessReq `meta:"access_request_id"`
}

var accessRequestCommented = define[AccessRequestCommented](Definition{
	Constant: ACCESS_REQUEST_COMMENTED, Wire: "access_request.commented", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessRequestCommentedNotPermitted),
	OCSF:       ocsf(3005, 99, "Comment"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when somebody writes a comment to an access request that they may see; not for the comment of a " +
		"decision, which its own event carries.",
})

// NewAccessRequestCommented builds ACCESS_REQUEST_COMMENTED.
func NewAccessRequestCommented(act Act, target SafeRef, accessRequestID id.AccessReq) AccessRequestCommented {
	return AccessRequestCommented{base: accessRequestCommented.Succeeded(act, target), accessRequestID: accessRequestID}
}

// Denied turns the event into a refused attempt.
func (e AccessRequestCommented) Denied(reason AccessRequestCommentedReason) AccessRequestCommented {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AccessReviewOpenedReason is a reason of ACCESS_REVIEW_OPENED.
type AccessReviewOpenedReason struct{ word }

// The reasons of ACCESS_REVIEW_OPENED.
var (
	AccessReviewOpenedNotPermitted = AccessReviewOpenedReason{word{"not_permitted"}}
)

// AccessReviewOpened is emitted when a campaign of access reviews opens.
//
// ACCESS_REVIEW_OPENED, "access_review.opened".
type AccessReviewOpened struct {
	base
	reviewID    id.Review `meta:"review_id"`
	reviewName  string    `meta:"review_name"`
	reviewItems int       `meta:"review_items"`
	endsAt      instant   `meta:"ends_at"`
}

var accessReviewOpened = define[AccessReviewOpened](Definition{
	Constant: ACCESS_REVIEW_OPENED, Wire: "access_review.opened", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessReviewOpenedNotPermitted),
	OCSF:       ocsf(3005, 99, "Review"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger:    "Emitted when a campaign of access reviews is opened over rights on Safes or in groups.",
})

// NewAccessReviewOpened builds ACCESS_REVIEW_OPENED.
func NewAccessReviewOpened(act Act, target TenantRef, reviewID id.Review, reviewName string, reviewItems int, endsAt time.Time) AccessReviewOpened {
	return AccessReviewOpened{base: accessReviewOpened.Succeeded(act, target), reviewID: reviewID, reviewName: reviewName, reviewItems: reviewItems, endsAt: moment(endsAt)}
}

// Denied turns the event into a refused attempt.
func (e AccessReviewOpened) Denied(reason AccessReviewOpenedReason) AccessReviewOpened {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessReviewItemDecidedReason is a reason of ACCESS_REVIEW_ITEM_DECIDED.
type AccessReviewItemDecidedReason struct{ word }

// The reasons of ACCESS_REVIEW_ITEM_DECIDED.
var (
	AccessReviewItemDecidedNotPermitted = AccessReviewItemDecidedReason{word{"not_permitted"}}
	AccessReviewItemDecidedOwnRight     = AccessReviewItemDecidedReason{word{"own_right"}}
	AccessReviewItemDecidedNotOpen      = AccessReviewItemDecidedReason{word{"not_open"}}
	AccessReviewItemDecidedMFARequired  = AccessReviewItemDecidedReason{word{"mfa_required"}}
)

// AccessReviewItemDecided is emitted when one right in a campaign is decided.
//
// ACCESS_REVIEW_ITEM_DECIDED, "access_review.item_decided".
type AccessReviewItemDecided struct {
	base
	reviewID      id.Review     `meta:"review_id"`
	reviewItemID  id.ReviewItem `meta:"review_item_id"`
	verdict       string        `meta:"verdict"`
	reviewResult  string        `meta:"review_result"`
	subjectUserID opt[id.User]  `meta:"subject_user_id"`
	groupID       opt[id.Group] `meta:"group_id"`
	safeID        opt[id.Safe]  `meta:"safe_id"`
	comment       opt[string]   `meta:"comment"`
}

var accessReviewItemDecided = define[AccessReviewItemDecided](Definition{
	Constant: ACCESS_REVIEW_ITEM_DECIDED, Wire: "access_review.item_decided", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessReviewItemDecidedNotPermitted, AccessReviewItemDecidedOwnRight, AccessReviewItemDecidedNotOpen, AccessReviewItemDecidedMFARequired),
	OCSF:       ocsf(3005, 99, "Review"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a reviewer, or at the deadline the rule of the campaign, decides whether a right stays; also when " +
		"a revocation could not be carried out or the right had changed (review_result tells). What a revocation takes away " +
		"has its own event.",
})

// NewAccessReviewItemDecided builds ACCESS_REVIEW_ITEM_DECIDED.
func NewAccessReviewItemDecided(act Act, target TenantRef, reviewID id.Review, reviewItemID id.ReviewItem, verdict, reviewResult string) AccessReviewItemDecided {
	return AccessReviewItemDecided{base: accessReviewItemDecided.Succeeded(act, target), reviewID: reviewID, reviewItemID: reviewItemID, verdict: verdict, reviewResult: reviewResult}
}

// WithSubjectUserID adds subject_user_id.
func (e AccessReviewItemDecided) WithSubjectUserID(v id.User) AccessReviewItemDecided {
	e.subjectUserID = some(v)
	return e
}

// WithGroupID adds group_id.
func (e AccessReviewItemDecided) WithGroupID(v id.Group) AccessReviewItemDecided {
	e.groupID = some(v)
	return e
}

// WithSafeID adds safe_id.
func (e AccessReviewItemDecided) WithSafeID(v id.Safe) AccessReviewItemDecided {
	e.safeID = some(v)
	return e
}

// WithComment adds comment.
func (e AccessReviewItemDecided) WithComment(v string) AccessReviewItemDecided {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessReviewItemDecided) Denied(reason AccessReviewItemDecidedReason) AccessReviewItemDecided {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessReviewClosed is emitted when a campaign is over.
//
// ACCESS_REVIEW_CLOSED, "access_review.closed".
type AccessReviewClosed struct {
	base
	reviewID   id.Review `meta:"review_id"`
	reviewName string    `meta:"review_name"`
}

var accessReviewClosed = define[AccessReviewClosed](Definition{
	Constant: ACCESS_REVIEW_CLOSED, Wire: "access_review.closed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 99, "Review"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger:    "Emitted when every right of a campaign is decided, by reviewers or at the deadline by its rule.",
})

// NewAccessReviewClosed builds ACCESS_REVIEW_CLOSED.
func NewAccessReviewClosed(act Act, target TenantRef, reviewID id.Review, reviewName string) AccessReviewClosed {
	return AccessReviewClosed{base: accessReviewClosed.Succeeded(act, target), reviewID: reviewID, reviewName: reviewName}
}

// AccessReviewCancelledReason is a reason of ACCESS_REVIEW_CANCELLED.
type AccessReviewCancelledReason struct{ word }

// The reasons of ACCESS_REVIEW_CANCELLED.
var (
	AccessReviewCancelledNotPermitted = AccessReviewCancelledReason{word{"not_permitted"}}
	AccessReviewCancelledNotOpen      = AccessReviewCancelledReason{word{"not_open"}}
)

// AccessReviewCancelled is emitted when a campaign is called off.
//
// ACCESS_REVIEW_CANCELLED, "access_review.cancelled".
type AccessReviewCancelled struct {
	base
	reviewID   id.Review   `meta:"review_id"`
	reviewName string      `meta:"review_name"`
	comment    opt[string] `meta:"comment"`
}

var accessReviewCancelled = define[AccessReviewCancelled](Definition{
	Constant: ACCESS_REVIEW_CANCELLED, Wire: "access_review.cancelled", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessReviewCancelledNotPermitted, AccessReviewCancelledNotOpen),
	OCSF:       ocsf(3005, 99, "Review"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger:    "Emitted when a campaign of access reviews is called off; what was decided by then stays.",
})

// NewAccessReviewCancelled builds ACCESS_REVIEW_CANCELLED.
func NewAccessReviewCancelled(act Act, target TenantRef, reviewID id.Review, reviewName string) AccessReviewCancelled {
	return AccessReviewCancelled{base: accessReviewCancelled.Succeeded(act, target), reviewID: reviewID, reviewName: reviewName}
}

// WithComment adds comment.
func (e AccessReviewCancelled) WithComment(v string) AccessReviewCancelled {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessReviewCancelled) Denied(reason AccessReviewCancelledReason) AccessReviewCancelled {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AccessReviewExportedReason is a reason of ACCESS_REVIEW_EXPORTED.
type AccessReviewExportedReason struct{ word }

// The reasons of ACCESS_REVIEW_EXPORTED.
var (
	AccessReviewExportedNotPermitted = AccessReviewExportedReason{word{"not_permitted"}}
)

// AccessReviewExported is emitted when a campaign is exported as evidence.
//
// ACCESS_REVIEW_EXPORTED, "access_review.exported".
type AccessReviewExported struct {
	base
	reviewID     id.Review         `meta:"review_id"`
	exportFormat QueueExportFormat `meta:"export_format"`
	rowCount     int64             `meta:"row_count"`
	fileSHA256   opt[SHA256]       `meta:"file_sha256"`
}

var accessReviewExported = define[AccessReviewExported](Definition{
	Constant: ACCESS_REVIEW_EXPORTED, Wire: "access_review.exported", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{User, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessReviewExportedNotPermitted),
	OCSF:       ocsf(6001, 7, "Export"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger:    "Emitted when a campaign of access reviews is exported as evidence; not when it is only viewed on screen.",
})

// NewAccessReviewExported builds ACCESS_REVIEW_EXPORTED.
func NewAccessReviewExported(act Act, target TenantRef, reviewID id.Review, exportFormat QueueExportFormat, rowCount int64) AccessReviewExported {
	return AccessReviewExported{base: accessReviewExported.Succeeded(act, target), reviewID: reviewID, exportFormat: exportFormat, rowCount: rowCount}
}

// WithFileSHA256 adds file_sha256.
func (e AccessReviewExported) WithFileSHA256(v SHA256) AccessReviewExported {
	e.fileSHA256 = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessReviewExported) Denied(reason AccessReviewExportedReason) AccessReviewExported {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// MFARecoveryRequestedReason is a reason of MFA_RECOVERY_REQUESTED.
type MFARecoveryRequestedReason struct{ word }

// The reasons of MFA_RECOVERY_REQUESTED.
var (
	MFARecoveryRequestedRateLimited    = MFARecoveryRequestedReason{word{"rate_limited"}}
	MFARecoveryRequestedNotEligible    = MFARecoveryRequestedReason{word{"not_eligible"}}
	MFARecoveryRequestedOpenCaseExists = MFARecoveryRequestedReason{word{"open_case_exists"}}
)

// MFARecoveryRequested is emitted when a user who has passed the first factor but can use no
// second factor opens a recovery case.
//
// MFA_RECOVERY_REQUESTED, "mfa.recovery.requested".
type MFARecoveryRequested struct {
	base
	recoveryID    id.Recovery `meta:"recovery_id"`
	subjectUserID id.User     `meta:"subject_user_id"`
	lostMethods   []string    `meta:"lost_methods"`
}

var mfaRecoveryRequested = define[MFARecoveryRequested](Definition{
	Constant: MFA_RECOVERY_REQUESTED, Wire: "mfa.recovery.requested", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		MFARecoveryRequestedRateLimited, MFARecoveryRequestedNotEligible, MFARecoveryRequestedOpenCaseExists,
	),
	OCSF: ocsf(3001, 99, "Request MFA Recovery"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a user who has passed the first factor but can use no second factor opens a recovery " +
		"case; not when a backup code is used instead (MFA_BACKUP_CODES_USED).",
})

// NewMFARecoveryRequested builds MFA_RECOVERY_REQUESTED.
func NewMFARecoveryRequested(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, lostMethods []string,
) MFARecoveryRequested {
	return MFARecoveryRequested{
		base:       mfaRecoveryRequested.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, lostMethods: lostMethods,
	}
}

// Denied turns the event into a refused attempt.
func (e MFARecoveryRequested) Denied(reason MFARecoveryRequestedReason) MFARecoveryRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// ProofChannel is the way the proof of a recovery case was sent.
type ProofChannel struct{ word }

// The values of ProofChannel.
var (
	ProofChannelEmail = ProofChannel{word{"email"}}
)

// Values are the closed list of texts.
func (ProofChannel) Values() []string {
	return texts(ProofChannelEmail)
}

// MFARecoveryVerifiedReason is a reason of MFA_RECOVERY_VERIFIED.
type MFARecoveryVerifiedReason struct{ word }

// The reasons of MFA_RECOVERY_VERIFIED.
var (
	MFARecoveryVerifiedWrongProof        = MFARecoveryVerifiedReason{word{"wrong_proof"}}
	MFARecoveryVerifiedAttemptsExhausted = MFARecoveryVerifiedReason{word{"attempts_exhausted"}}
)

// MFARecoveryVerified is emitted when the requester of a recovery case answers the proof that
// was mailed to their address, with failure for a wrong answer.
//
// MFA_RECOVERY_VERIFIED, "mfa.recovery.verified".
type MFARecoveryVerified struct {
	base
	recoveryID    id.Recovery  `meta:"recovery_id"`
	subjectUserID id.User      `meta:"subject_user_id"`
	channel       ProofChannel `meta:"channel"`
	attempts      int          `meta:"attempts"`
}

var mfaRecoveryVerified = define[MFARecoveryVerified](Definition{
	Constant: MFA_RECOVERY_VERIFIED, Wire: "mfa.recovery.verified", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success, Failure},
	Reasons:    texts(MFARecoveryVerifiedWrongProof, MFARecoveryVerifiedAttemptsExhausted),
	OCSF:       ocsf(3001, 99, "Verify MFA Recovery"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the requester of a recovery case answers the proof that was mailed to their address, " +
		"with failure for a wrong answer; not when the proof is only sent, and not at the administrator's " +
		"decision.",
})

// NewMFARecoveryVerified builds MFA_RECOVERY_VERIFIED.
func NewMFARecoveryVerified(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, channel ProofChannel,
	attempts int,
) MFARecoveryVerified {
	return MFARecoveryVerified{
		base:       mfaRecoveryVerified.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, channel: channel, attempts: attempts,
	}
}

// Failed turns the event into an attempt that did not work.
func (e MFARecoveryVerified) Failed(reason MFARecoveryVerifiedReason) MFARecoveryVerified {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// MFARecoveryPendingAdminApproval is emitted once per case when a verified recovery case enters
// the administrators' queue and its approvers are notified.
//
// MFA_RECOVERY_PENDING_ADMIN_APPROVAL, "mfa.recovery.pending_admin_approval".
type MFARecoveryPendingAdminApproval struct {
	base
	recoveryID        id.Recovery `meta:"recovery_id"`
	subjectUserID     id.User     `meta:"subject_user_id"`
	approversNotified int         `meta:"approvers_notified"`
	expiresAt         instant     `meta:"expires_at"`
}

var mfaRecoveryPendingAdminApproval = define[MFARecoveryPendingAdminApproval](Definition{
	Constant: MFA_RECOVERY_PENDING_ADMIN_APPROVAL, Wire: "mfa.recovery.pending_admin_approval", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "Queue MFA Recovery"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted once per case when a verified recovery case enters the administrators' queue and its " +
		"approvers are notified; not for reminders about a case that is already queued.",
})

// NewMFARecoveryPendingAdminApproval builds MFA_RECOVERY_PENDING_ADMIN_APPROVAL.
func NewMFARecoveryPendingAdminApproval(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, approversNotified int,
	expiresAt time.Time,
) MFARecoveryPendingAdminApproval {
	return MFARecoveryPendingAdminApproval{
		base:       mfaRecoveryPendingAdminApproval.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, approversNotified: approversNotified,
		expiresAt: moment(expiresAt),
	}
}

// MFARecoveryApprovedReason is a reason of MFA_RECOVERY_APPROVED.
type MFARecoveryApprovedReason struct{ word }

// The reasons of MFA_RECOVERY_APPROVED.
var (
	MFARecoveryApprovedNotPermitted = MFARecoveryApprovedReason{word{"not_permitted"}}
	MFARecoveryApprovedCaseClosed   = MFARecoveryApprovedReason{word{"case_closed"}}
)

// MFARecoveryApproved is emitted when an administrator other than the requester approves a
// queued recovery case.
//
// MFA_RECOVERY_APPROVED, "mfa.recovery.approved".
type MFARecoveryApproved struct {
	base
	recoveryID    id.Recovery `meta:"recovery_id"`
	subjectUserID id.User     `meta:"subject_user_id"`
	waited        seconds     `meta:"waited_seconds"`
	comment       opt[string] `meta:"comment"`
}

var mfaRecoveryApproved = define[MFARecoveryApproved](Definition{
	Constant: MFA_RECOVERY_APPROVED, Wire: "mfa.recovery.approved", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(MFARecoveryApprovedNotPermitted, MFARecoveryApprovedCaseClosed),
	OCSF:       ocsf(3001, 99, "Approve MFA Recovery"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "admin"}},
	Trigger: "Emitted when an administrator other than the requester approves a queued recovery case; not when the" +
		" grant is minted (MFA_RECOVERY_GRANT_ISSUED), which is a step of its own.",
})

// NewMFARecoveryApproved builds MFA_RECOVERY_APPROVED.
func NewMFARecoveryApproved(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, waited time.Duration,
) MFARecoveryApproved {
	return MFARecoveryApproved{
		base:       mfaRecoveryApproved.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, waited: seconds(waited),
	}
}

// WithComment adds comment.
func (e MFARecoveryApproved) WithComment(v string) MFARecoveryApproved {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e MFARecoveryApproved) Denied(reason MFARecoveryApprovedReason) MFARecoveryApproved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// MFARecoveryDeniedReason is a reason of MFA_RECOVERY_DENIED.
type MFARecoveryDeniedReason struct{ word }

// The reasons of MFA_RECOVERY_DENIED.
var (
	MFARecoveryDeniedNotPermitted = MFARecoveryDeniedReason{word{"not_permitted"}}
	MFARecoveryDeniedCaseClosed   = MFARecoveryDeniedReason{word{"case_closed"}}
)

// MFARecoveryDenied is emitted when an administrator turns a queued recovery case down.
//
// MFA_RECOVERY_DENIED, "mfa.recovery.denied".
type MFARecoveryDenied struct {
	base
	recoveryID    id.Recovery `meta:"recovery_id"`
	subjectUserID id.User     `meta:"subject_user_id"`
	waited        seconds     `meta:"waited_seconds"`
	comment       opt[string] `meta:"comment"`
}

var mfaRecoveryDenied = define[MFARecoveryDenied](Definition{
	Constant: MFA_RECOVERY_DENIED, Wire: "mfa.recovery.denied", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(MFARecoveryDeniedNotPermitted, MFARecoveryDeniedCaseClosed),
	OCSF:       ocsf(3001, 99, "Deny MFA Recovery"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "admin"}},
	Trigger: "Emitted when an administrator turns a queued recovery case down; not when a case runs out of time " +
		"(MFA_RECOVERY_EXPIRED).",
})

// NewMFARecoveryDenied builds MFA_RECOVERY_DENIED.
func NewMFARecoveryDenied(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, waited time.Duration,
) MFARecoveryDenied {
	return MFARecoveryDenied{
		base:       mfaRecoveryDenied.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, waited: seconds(waited),
	}
}

// WithComment adds comment.
func (e MFARecoveryDenied) WithComment(v string) MFARecoveryDenied {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e MFARecoveryDenied) Denied(reason MFARecoveryDeniedReason) MFARecoveryDenied {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// GrantDelivery is the way a recovery grant reaches its user.
type GrantDelivery struct{ word }

// The values of GrantDelivery.
var (
	GrantDeliveryEmail        = GrantDelivery{word{"email"}}
	GrantDeliveryAdminConsole = GrantDelivery{word{"admin_console"}}
)

// Values are the closed list of texts.
func (GrantDelivery) Values() []string {
	return texts(GrantDeliveryEmail, GrantDeliveryAdminConsole)
}

// MFARecoveryGrantIssued is emitted when the one-time grant of an approved recovery case is
// minted and its digest stored.
//
// MFA_RECOVERY_GRANT_ISSUED, "mfa.recovery.grant_issued".
type MFARecoveryGrantIssued struct {
	base
	recoveryID      id.Recovery           `meta:"recovery_id"`
	subjectUserID   id.User               `meta:"subject_user_id"`
	grantID         id.RecoveryGrant      `meta:"grant_id"`
	expiresAt       instant               `meta:"expires_at"`
	deliveredVia    GrantDelivery         `meta:"delivered_via"`
	replacesGrantID opt[id.RecoveryGrant] `meta:"replaces_grant_id"`
}

var mfaRecoveryGrantIssued = define[MFARecoveryGrantIssued](Definition{
	Constant: MFA_RECOVERY_GRANT_ISSUED, Wire: "mfa.recovery.grant_issued", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{OrgAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "Issue Recovery Grant"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when the one-time grant of an approved recovery case is minted and its digest stored; not " +
		"for repeating the notice about a grant that is still live.",
})

// NewMFARecoveryGrantIssued builds MFA_RECOVERY_GRANT_ISSUED.
func NewMFARecoveryGrantIssued(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, grantID id.RecoveryGrant,
	expiresAt time.Time, deliveredVia GrantDelivery,
) MFARecoveryGrantIssued {
	return MFARecoveryGrantIssued{
		base:       mfaRecoveryGrantIssued.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, grantID: grantID, expiresAt: moment(expiresAt),
		deliveredVia: deliveredVia,
	}
}

// WithReplacesGrantID adds replaces_grant_id.
func (e MFARecoveryGrantIssued) WithReplacesGrantID(v id.RecoveryGrant) MFARecoveryGrantIssued {
	e.replacesGrantID = some(v)
	return e
}

// MFARecoveryGrantConsumedReason is a reason of MFA_RECOVERY_GRANT_CONSUMED.
type MFARecoveryGrantConsumedReason struct{ word }

// The reasons of MFA_RECOVERY_GRANT_CONSUMED.
var (
	MFARecoveryGrantConsumedUnknown     = MFARecoveryGrantConsumedReason{word{"unknown"}}
	MFARecoveryGrantConsumedAlreadyUsed = MFARecoveryGrantConsumedReason{word{"already_used"}}
	MFARecoveryGrantConsumedExpired     = MFARecoveryGrantConsumedReason{word{"expired"}}
	MFARecoveryGrantConsumedWrongUser   = MFARecoveryGrantConsumedReason{word{"wrong_user"}}
)

// MFARecoveryGrantConsumed is emitted when a recovery grant is presented, with success when it
// is live and is burned in the same transaction and denied when it is unknown, spent, expired
// or another user's.
//
// MFA_RECOVERY_GRANT_CONSUMED, "mfa.recovery.grant_consumed".
type MFARecoveryGrantConsumed struct {
	base
	recoveryID    opt[id.Recovery]      `meta:"recovery_id"`
	subjectUserID opt[id.User]          `meta:"subject_user_id"`
	grantID       opt[id.RecoveryGrant] `meta:"grant_id"`
}

var mfaRecoveryGrantConsumed = define[MFARecoveryGrantConsumed](Definition{
	Constant: MFA_RECOVERY_GRANT_CONSUMED, Wire: "mfa.recovery.grant_consumed", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		MFARecoveryGrantConsumedUnknown, MFARecoveryGrantConsumedAlreadyUsed, MFARecoveryGrantConsumedExpired,
		MFARecoveryGrantConsumedWrongUser,
	),
	OCSF: ocsf(3001, 99, "Consume Recovery Grant"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a recovery grant is presented, with success when it is live and is burned in the same " +
		"transaction and denied when it is unknown, spent, expired or another user's; not when the user " +
		"merely opens the page that asks for it.",
})

// NewMFARecoveryGrantConsumed builds MFA_RECOVERY_GRANT_CONSUMED.
func NewMFARecoveryGrantConsumed(act Act, target GovernanceRef) MFARecoveryGrantConsumed {
	return MFARecoveryGrantConsumed{base: mfaRecoveryGrantConsumed.Succeeded(act, target)}
}

// WithRecoveryID adds recovery_id.
func (e MFARecoveryGrantConsumed) WithRecoveryID(v id.Recovery) MFARecoveryGrantConsumed {
	e.recoveryID = some(v)
	return e
}

// WithSubjectUserID adds subject_user_id.
func (e MFARecoveryGrantConsumed) WithSubjectUserID(v id.User) MFARecoveryGrantConsumed {
	e.subjectUserID = some(v)
	return e
}

// WithGrantID adds grant_id.
func (e MFARecoveryGrantConsumed) WithGrantID(v id.RecoveryGrant) MFARecoveryGrantConsumed {
	e.grantID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e MFARecoveryGrantConsumed) Denied(reason MFARecoveryGrantConsumedReason) MFARecoveryGrantConsumed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// RecoveryStage is how far a recovery case had come.
type RecoveryStage struct{ word }

// The values of RecoveryStage.
var (
	RecoveryStageVerification = RecoveryStage{word{"verification"}}
	RecoveryStageApproval     = RecoveryStage{word{"approval"}}
	RecoveryStageGrant        = RecoveryStage{word{"grant"}}
)

// Values are the closed list of texts.
func (RecoveryStage) Values() []string {
	return texts(RecoveryStageVerification, RecoveryStageApproval, RecoveryStageGrant)
}

// MFARecoveryExpired is emitted when the system closes a recovery case that nobody verified or
// decided in time, or whose grant nobody used in time, naming the stage.
//
// MFA_RECOVERY_EXPIRED, "mfa.recovery.expired".
type MFARecoveryExpired struct {
	base
	recoveryID    id.Recovery           `meta:"recovery_id"`
	subjectUserID id.User               `meta:"subject_user_id"`
	stage         RecoveryStage         `meta:"stage"`
	grantID       opt[id.RecoveryGrant] `meta:"grant_id"`
}

var mfaRecoveryExpired = define[MFARecoveryExpired](Definition{
	Constant: MFA_RECOVERY_EXPIRED, Wire: "mfa.recovery.expired", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "Expire MFA Recovery"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the system closes a recovery case that nobody verified or decided in time, or whose " +
		"grant nobody used in time, naming the stage; not for a denied or completed case.",
})

// NewMFARecoveryExpired builds MFA_RECOVERY_EXPIRED.
func NewMFARecoveryExpired(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, stage RecoveryStage,
) MFARecoveryExpired {
	return MFARecoveryExpired{
		base:       mfaRecoveryExpired.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, stage: stage,
	}
}

// WithGrantID adds grant_id.
func (e MFARecoveryExpired) WithGrantID(v id.RecoveryGrant) MFARecoveryExpired {
	e.grantID = some(v)
	return e
}

// MFARecoveryCompleted is emitted when the user has enrolled a new second factor under a
// consumed grant and the case closes.
//
// MFA_RECOVERY_COMPLETED, "mfa.recovery.completed".
type MFARecoveryCompleted struct {
	base
	recoveryID     id.Recovery      `meta:"recovery_id"`
	subjectUserID  id.User          `meta:"subject_user_id"`
	grantID        id.RecoveryGrant `meta:"grant_id"`
	newMFAMethod   FactorKind       `meta:"new_mfa_method"`
	methodsRemoved []string         `meta:"methods_removed"`
}

var mfaRecoveryCompleted = define[MFARecoveryCompleted](Definition{
	Constant: MFA_RECOVERY_COMPLETED, Wire: "mfa.recovery.completed", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetGovernanceAction, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 10, "MFA Factor Enable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when the user has enrolled a new second factor under a consumed grant and the case closes; " +
		"not when the grant is consumed but the enrolment is left unfinished.",
})

// NewMFARecoveryCompleted builds MFA_RECOVERY_COMPLETED.
func NewMFARecoveryCompleted(
	act Act, target GovernanceRef, recoveryID id.Recovery, subjectUserID id.User, grantID id.RecoveryGrant,
	newMFAMethod FactorKind, methodsRemoved []string,
) MFARecoveryCompleted {
	return MFARecoveryCompleted{
		base:       mfaRecoveryCompleted.Succeeded(act, target),
		recoveryID: recoveryID, subjectUserID: subjectUserID, grantID: grantID, newMFAMethod: newMFAMethod,
		methodsRemoved: methodsRemoved,
	}
}

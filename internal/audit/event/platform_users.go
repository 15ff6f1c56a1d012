package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PlatformUserInvited is emitted when a platform administrator's invitation of a new platform
// operator is stored and its first message queued.
//
// PLATFORM_USER_INVITED, "Platform User Invited".
type PlatformUserInvited struct {
	base
	inviteeEmail Email   `meta:"invitee_email"`
	platformRole string  `meta:"platform_role"`
	expiresAt    instant `meta:"expires_at"`
}

var platformUserInvited = define[PlatformUserInvited](Definition{
	Constant: PLATFORM_USER_INVITED, Wire: "Platform User Invited", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a platform administrator's invitation of a new platform operator is stored and its " +
		"first message queued; not for an invitation into one organization (INVITATION_SENT), and not for one" +
		" that a rule refuses (PLATFORM_USER_INVITE_REJECTED).",
})

// NewPlatformUserInvited builds PLATFORM_USER_INVITED.
func NewPlatformUserInvited(
	act Act, target InvitationRef, inviteeEmail Email, platformRole string, expiresAt time.Time,
) PlatformUserInvited {
	return PlatformUserInvited{
		base:         platformUserInvited.Succeeded(act, target),
		inviteeEmail: inviteeEmail, platformRole: platformRole, expiresAt: moment(expiresAt),
	}
}

// PlatformUserRemovedReason is a reason of PLATFORM_USER_REMOVED.
type PlatformUserRemovedReason struct{ word }

// The reasons of PLATFORM_USER_REMOVED.
var (
	PlatformUserRemovedNotPermitted = PlatformUserRemovedReason{word{"not_permitted"}}
)

// PlatformUserRemoved is emitted when a platform operator's access is taken away and their
// sessions and tokens are ended.
//
// PLATFORM_USER_REMOVED, "Platform User Removed".
type PlatformUserRemoved struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	platformRole  string  `meta:"platform_role"`
	sessionsEnded int     `meta:"sessions_ended"`
	tokensRevoked int     `meta:"tokens_revoked"`
}

var platformUserRemoved = define[PlatformUserRemoved](Definition{
	Constant: PLATFORM_USER_REMOVED, Wire: "Platform User Removed", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformUserRemovedNotPermitted),
	OCSF:       ocsf(3001, 6, "Delete"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "deletion"}},
	Trigger: "Emitted when a platform operator's access is taken away and their sessions and tokens are ended; not" +
		" for leaving an organization, and not for the refusals that PLATFORM_SELF_REMOVAL_BLOCKED and " +
		"PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED tell.",
})

// NewPlatformUserRemoved builds PLATFORM_USER_REMOVED.
func NewPlatformUserRemoved(
	act Act, target TenantRef, subjectUserID id.User, platformRole string, sessionsEnded, tokensRevoked int,
) PlatformUserRemoved {
	return PlatformUserRemoved{
		base:          platformUserRemoved.Succeeded(act, target),
		subjectUserID: subjectUserID, platformRole: platformRole, sessionsEnded: sessionsEnded,
		tokensRevoked: tokensRevoked,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformUserRemoved) Denied(reason PlatformUserRemovedReason) PlatformUserRemoved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformUserRoleChangedReason is a reason of PLATFORM_USER_ROLE_CHANGED.
type PlatformUserRoleChangedReason struct{ word }

// The reasons of PLATFORM_USER_ROLE_CHANGED.
var (
	PlatformUserRoleChangedNotPermitted   = PlatformUserRoleChangedReason{word{"not_permitted"}}
	PlatformUserRoleChangedRoleAboveActor = PlatformUserRoleChangedReason{word{"role_above_actor"}}
)

// PlatformUserRoleChanged is emitted when an operator's platform role changes.
//
// PLATFORM_USER_ROLE_CHANGED, "Platform User Role Changed".
type PlatformUserRoleChanged struct {
	base
	subjectUserID   id.User `meta:"subject_user_id"`
	oldRole         string  `meta:"old_role"`
	newRole         string  `meta:"new_role"`
	privilegeRaised bool    `meta:"privilege_raised"`
}

var platformUserRoleChanged = define[PlatformUserRoleChanged](Definition{
	Constant: PLATFORM_USER_ROLE_CHANGED, Wire: "Platform User Role Changed", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformUserRoleChangedNotPermitted, PlatformUserRoleChangedRoleAboveActor),
	OCSF:       ocsf(3005, 99, "Change Role"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when an operator's platform role changes; not for a role inside an organization " +
		"(ROLE_ASSIGNMENT_CHANGED), and not for a refused demotion of the last administrator " +
		"(PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED).",
})

// NewPlatformUserRoleChanged builds PLATFORM_USER_ROLE_CHANGED.
func NewPlatformUserRoleChanged(
	act Act, target TenantRef, subjectUserID id.User, oldRole, newRole string, privilegeRaised bool,
) PlatformUserRoleChanged {
	return PlatformUserRoleChanged{
		base:          platformUserRoleChanged.Succeeded(act, target),
		subjectUserID: subjectUserID, oldRole: oldRole, newRole: newRole, privilegeRaised: privilegeRaised,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformUserRoleChanged) Denied(reason PlatformUserRoleChangedReason) PlatformUserRoleChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformUserMFAResetReason is a reason of PLATFORM_USER_MFA_RESET.
type PlatformUserMFAResetReason struct{ word }

// The reasons of PLATFORM_USER_MFA_RESET.
var (
	PlatformUserMFAResetNotPermitted       = PlatformUserMFAResetReason{word{"not_permitted"}}
	PlatformUserMFAResetSelfResetForbidden = PlatformUserMFAResetReason{word{"self_reset_forbidden"}}
)

// PlatformUserMFAReset is emitted when a platform administrator clears another operator's
// second factors, so that new ones must be enrolled.
//
// PLATFORM_USER_MFA_RESET, "Platform User MFA Reset".
type PlatformUserMFAReset struct {
	base
	subjectUserID  id.User  `meta:"subject_user_id"`
	methodsRemoved []string `meta:"methods_removed"`
	sessionsEnded  int      `meta:"sessions_ended"`
}

var platformUserMFAReset = define[PlatformUserMFAReset](Definition{
	Constant: PLATFORM_USER_MFA_RESET, Wire: "Platform User MFA Reset", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformUserMFAResetNotPermitted, PlatformUserMFAResetSelfResetForbidden),
	OCSF:       ocsf(3001, 11, "MFA Factor Disable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a platform administrator clears another operator's second factors, so that new ones " +
		"must be enrolled; not for the recovery that an operator asks for (MFA_RECOVERY_*), and not for the " +
		"refusal that PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED tells.",
})

// NewPlatformUserMFAReset builds PLATFORM_USER_MFA_RESET.
func NewPlatformUserMFAReset(
	act Act, target TenantRef, subjectUserID id.User, methodsRemoved []string, sessionsEnded int,
) PlatformUserMFAReset {
	return PlatformUserMFAReset{
		base:          platformUserMFAReset.Succeeded(act, target),
		subjectUserID: subjectUserID, methodsRemoved: methodsRemoved, sessionsEnded: sessionsEnded,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformUserMFAReset) Denied(reason PlatformUserMFAResetReason) PlatformUserMFAReset {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformAcceptedVia is the way a platform invitation was accepted.
type PlatformAcceptedVia struct{ word }

// The values of PlatformAcceptedVia.
var (
	PlatformAcceptedViaLink     = PlatformAcceptedVia{word{"link"}}
	PlatformAcceptedViaSSOMatch = PlatformAcceptedVia{word{"sso_match"}}
)

// Values are the closed list of texts.
func (PlatformAcceptedVia) Values() []string {
	return texts(PlatformAcceptedViaLink, PlatformAcceptedViaSSOMatch)
}

// PlatformInvitationAccepted is emitted when a platform invitation turns to accepted and the
// person becomes a platform operator.
//
// PLATFORM_INVITATION_ACCEPTED, "Platform Invitation Accepted".
type PlatformInvitationAccepted struct {
	base
	memberUserID id.User             `meta:"member_user_id"`
	platformRole string              `meta:"platform_role"`
	invitedBy    id.User             `meta:"invited_by"`
	acceptedVia  PlatformAcceptedVia `meta:"accepted_via"`
}

var platformInvitationAccepted = define[PlatformInvitationAccepted](Definition{
	Constant: PLATFORM_INVITATION_ACCEPTED, Wire: "Platform Invitation Accepted", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a platform invitation turns to accepted and the person becomes a platform operator; not" +
		" for an invitation into an organization (INVITATION_ACCEPTED), and accompanied by INVITE_ACCEPTED " +
		"when it came by link.",
})

// NewPlatformInvitationAccepted builds PLATFORM_INVITATION_ACCEPTED.
func NewPlatformInvitationAccepted(
	act Act, target InvitationRef, memberUserID id.User, platformRole string, invitedBy id.User,
	acceptedVia PlatformAcceptedVia,
) PlatformInvitationAccepted {
	return PlatformInvitationAccepted{
		base:         platformInvitationAccepted.Succeeded(act, target),
		memberUserID: memberUserID, platformRole: platformRole, invitedBy: invitedBy, acceptedVia: acceptedVia,
	}
}

// InviteRejection is who let a platform invitation come to nothing.
type InviteRejection struct{ word }

// The values of InviteRejection.
var (
	InviteRejectionRule    = InviteRejection{word{"rule"}}
	InviteRejectionInvitee = InviteRejection{word{"invitee"}}
)

// Values are the closed list of texts.
func (InviteRejection) Values() []string {
	return texts(InviteRejectionRule, InviteRejectionInvitee)
}

// PlatformUserInviteRejectedReason is a reason of PLATFORM_USER_INVITE_REJECTED.
type PlatformUserInviteRejectedReason struct{ word }

// The reasons of PLATFORM_USER_INVITE_REJECTED.
var (
	PlatformUserInviteRejectedNotPermitted      = PlatformUserInviteRejectedReason{word{"not_permitted"}}
	PlatformUserInviteRejectedAlreadyOperator   = PlatformUserInviteRejectedReason{word{"already_operator"}}
	PlatformUserInviteRejectedOpenInvitation    = PlatformUserInviteRejectedReason{word{"open_invitation"}}
	PlatformUserInviteRejectedDomainNotAllowed  = PlatformUserInviteRejectedReason{word{"domain_not_allowed"}}
	PlatformUserInviteRejectedRoleAboveActor    = PlatformUserInviteRejectedReason{word{"role_above_actor"}}
	PlatformUserInviteRejectedDeclinedByInvitee = PlatformUserInviteRejectedReason{word{"declined_by_invitee"}}
)

// PlatformUserInviteRejected is emitted when a platform invitation comes to nothing by
// decision, refused by a rule at the moment of inviting or declined by the invitee.
//
// PLATFORM_USER_INVITE_REJECTED, "Platform User Invite Rejected".
type PlatformUserInviteRejected struct {
	base
	rejectedBy   InviteRejection `meta:"rejected_by"`
	inviteeEmail Email           `meta:"invitee_email"`
	platformRole string          `meta:"platform_role"`
}

var platformUserInviteRejected = define[PlatformUserInviteRejected](Definition{
	Constant: PLATFORM_USER_INVITE_REJECTED, Wire: "Platform User Invite Rejected", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		PlatformUserInviteRejectedNotPermitted, PlatformUserInviteRejectedAlreadyOperator,
		PlatformUserInviteRejectedOpenInvitation, PlatformUserInviteRejectedDomainNotAllowed,
		PlatformUserInviteRejectedRoleAboveActor, PlatformUserInviteRejectedDeclinedByInvitee,
	),
	OCSF: ocsf(3004, 99, "Reject Invitation"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a platform invitation comes to nothing by decision, refused by a rule at the moment of " +
		"inviting or declined by the invitee; not when it is revoked (INVITATION_REVOKED) or runs out of time" +
		" (INVITATION_EXPIRED).",
})

// NewPlatformUserInviteRejected builds PLATFORM_USER_INVITE_REJECTED with outcome denied.
func NewPlatformUserInviteRejected(
	act Act, target InvitationRef, reason PlatformUserInviteRejectedReason, rejectedBy InviteRejection,
	inviteeEmail Email, platformRole string,
) PlatformUserInviteRejected {
	return PlatformUserInviteRejected{
		base:       platformUserInviteRejected.Denied(act, target, reason.text),
		rejectedBy: rejectedBy, inviteeEmail: inviteeEmail, platformRole: platformRole,
	}
}

// PlatformSelfRemovalBlockedReason is a reason of PLATFORM_SELF_REMOVAL_BLOCKED.
type PlatformSelfRemovalBlockedReason struct{ word }

// The reasons of PLATFORM_SELF_REMOVAL_BLOCKED.
var (
	PlatformSelfRemovalBlockedSelfRemoval = PlatformSelfRemovalBlockedReason{word{"self_removal"}}
)

// PlatformSelfRemovalBlocked is emitted when an operator tries to remove their own platform
// access and is refused.
//
// PLATFORM_SELF_REMOVAL_BLOCKED, "Platform Self Removal Blocked".
type PlatformSelfRemovalBlocked struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	platformRole  string  `meta:"platform_role"`
}

var platformSelfRemovalBlocked = define[PlatformSelfRemovalBlocked](Definition{
	Constant: PLATFORM_SELF_REMOVAL_BLOCKED, Wire: "Platform Self Removal Blocked", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(PlatformSelfRemovalBlockedSelfRemoval),
	OCSF:       ocsf(3001, 6, "Delete"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when an operator tries to remove their own platform access and is refused; not when the " +
		"operator is the last active administrator, where PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED alone is " +
		"emitted.",
})

// NewPlatformSelfRemovalBlocked builds PLATFORM_SELF_REMOVAL_BLOCKED with outcome denied.
func NewPlatformSelfRemovalBlocked(
	act Act, target TenantRef, reason PlatformSelfRemovalBlockedReason, subjectUserID id.User,
	platformRole string,
) PlatformSelfRemovalBlocked {
	return PlatformSelfRemovalBlocked{
		base:          platformSelfRemovalBlocked.Denied(act, target, reason.text),
		subjectUserID: subjectUserID, platformRole: platformRole,
	}
}

// RemovalAttempt is what was tried on the last platform administrator.
type RemovalAttempt struct{ word }

// The values of RemovalAttempt.
var (
	RemovalAttemptRemove  = RemovalAttempt{word{"remove"}}
	RemovalAttemptDisable = RemovalAttempt{word{"disable"}}
	RemovalAttemptDemote  = RemovalAttempt{word{"demote"}}
)

// Values are the closed list of texts.
func (RemovalAttempt) Values() []string {
	return texts(RemovalAttemptRemove, RemovalAttemptDisable, RemovalAttemptDemote)
}

// PlatformLastAdminRemovalBlockedReason is a reason of PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED.
type PlatformLastAdminRemovalBlockedReason struct{ word }

// The reasons of PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED.
var (
	PlatformLastAdminRemovalBlockedLastAdmin = PlatformLastAdminRemovalBlockedReason{word{"last_admin"}}
)

// PlatformLastAdminRemovalBlocked is emitted when removing, disabling or demoting an operator
// would leave the platform without an active administrator and is refused, the check being made
// under a lock so that two removals at once cannot both pass.
//
// PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED, "Platform Last Admin Removal Blocked".
type PlatformLastAdminRemovalBlocked struct {
	base
	subjectUserID id.User        `meta:"subject_user_id"`
	attempted     RemovalAttempt `meta:"attempted"`
	self          bool           `meta:"self"`
}

var platformLastAdminRemovalBlocked = define[PlatformLastAdminRemovalBlocked](Definition{
	Constant: PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED, Wire: "Platform Last Admin Removal Blocked", Category: PlatformUsersManagement,
	Severity: Critical, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin, System},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(PlatformLastAdminRemovalBlockedLastAdmin),
	OCSF:       ocsf(3001, 6, "Delete"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when removing, disabling or demoting an operator would leave the platform without an active " +
		"administrator and is refused, the check being made under a lock so that two removals at once cannot " +
		"both pass; not for any removal that leaves one.",
})

// NewPlatformLastAdminRemovalBlocked builds PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED with outcome denied.
func NewPlatformLastAdminRemovalBlocked(
	act Act, target TenantRef, reason PlatformLastAdminRemovalBlockedReason, subjectUserID id.User,
	attempted RemovalAttempt, self bool,
) PlatformLastAdminRemovalBlocked {
	return PlatformLastAdminRemovalBlocked{
		base:          platformLastAdminRemovalBlocked.Denied(act, target, reason.text),
		subjectUserID: subjectUserID, attempted: attempted, self: self,
	}
}

// PlatformLastAdminMFAResetBlockedReason is a reason of PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED.
type PlatformLastAdminMFAResetBlockedReason struct{ word }

// The reasons of PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED.
var (
	PlatformLastAdminMFAResetBlockedLastAdmin = PlatformLastAdminMFAResetBlockedReason{word{"last_admin"}}
)

// PlatformLastAdminMFAResetBlocked is emitted when clearing the second factors of the only
// active platform administrator is asked for and refused.
//
// PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED, "Platform Last Admin MFA Reset Blocked".
type PlatformLastAdminMFAResetBlocked struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	self          bool    `meta:"self"`
}

var platformLastAdminMFAResetBlocked = define[PlatformLastAdminMFAResetBlocked](Definition{
	Constant: PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED, Wire: "Platform Last Admin MFA Reset Blocked", Category: PlatformUsersManagement,
	Severity: Critical, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(PlatformLastAdminMFAResetBlockedLastAdmin),
	OCSF:       ocsf(3001, 11, "MFA Factor Disable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when clearing the second factors of the only active platform administrator is asked for and " +
		"refused; not while another active administrator exists.",
})

// NewPlatformLastAdminMFAResetBlocked builds PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED with outcome denied.
func NewPlatformLastAdminMFAResetBlocked(
	act Act, target TenantRef, reason PlatformLastAdminMFAResetBlockedReason, subjectUserID id.User, self bool,
) PlatformLastAdminMFAResetBlocked {
	return PlatformLastAdminMFAResetBlocked{
		base:          platformLastAdminMFAResetBlocked.Denied(act, target, reason.text),
		subjectUserID: subjectUserID, self: self,
	}
}

// ReadVia is the way a list was read.
type ReadVia struct{ word }

// The values of ReadVia.
var (
	ReadViaConsole = ReadVia{word{"console"}}
	ReadViaAPI     = ReadVia{word{"api"}}
)

// Values are the closed list of texts.
func (ReadVia) Values() []string {
	return texts(ReadViaConsole, ReadViaAPI)
}

// ParseReadVia reads one of the texts of Values.
func ParseReadVia(s string) (ReadVia, error) {
	return parse(s, ReadViaConsole, ReadViaAPI)
}

// PlatformUsersListedReason is a reason of PLATFORM_USERS_LISTED.
type PlatformUsersListedReason struct{ word }

// The reasons of PLATFORM_USERS_LISTED.
var (
	PlatformUsersListedNotPermitted = PlatformUsersListedReason{word{"not_permitted"}}
)

// PlatformUsersListed is emitted once per query when the list of platform operators is read
// through the console or API.
//
// PLATFORM_USERS_LISTED, "Platform Users Listed".
type PlatformUsersListed struct {
	base
	readVia      ReadVia  `meta:"read_via"`
	filters      []string `meta:"filters"`
	rowsReturned int      `meta:"rows_returned"`
}

var platformUsersListed = define[PlatformUsersListed](Definition{
	Constant: PLATFORM_USERS_LISTED, Wire: "Platform Users Listed", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformUsersListedNotPermitted),
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted once per query when the list of platform operators is read through the console or API; not " +
		"for its following pages, and not for lists of an organization's users.",
})

// NewPlatformUsersListed builds PLATFORM_USERS_LISTED.
func NewPlatformUsersListed(
	act Act, target TenantRef, readVia ReadVia, filters []string, rowsReturned int,
) PlatformUsersListed {
	return PlatformUsersListed{
		base:    platformUsersListed.Succeeded(act, target),
		readVia: readVia, filters: filters, rowsReturned: rowsReturned,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformUsersListed) Denied(reason PlatformUsersListedReason) PlatformUsersListed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformInvitationsListedReason is a reason of PLATFORM_INVITATIONS_LISTED.
type PlatformInvitationsListedReason struct{ word }

// The reasons of PLATFORM_INVITATIONS_LISTED.
var (
	PlatformInvitationsListedNotPermitted = PlatformInvitationsListedReason{word{"not_permitted"}}
)

// PlatformInvitationsListed is emitted once per query when the list of platform invitations is
// read through the console or API.
//
// PLATFORM_INVITATIONS_LISTED, "Platform Invitations Listed".
type PlatformInvitationsListed struct {
	base
	readVia      ReadVia  `meta:"read_via"`
	filters      []string `meta:"filters"`
	rowsReturned int      `meta:"rows_returned"`
}

var platformInvitationsListed = define[PlatformInvitationsListed](Definition{
	Constant: PLATFORM_INVITATIONS_LISTED, Wire: "Platform Invitations Listed", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformInvitationsListedNotPermitted),
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted once per query when the list of platform invitations is read through the console or API; not" +
		" for its following pages, and not for lists of an organization's invitations.",
})

// NewPlatformInvitationsListed builds PLATFORM_INVITATIONS_LISTED.
func NewPlatformInvitationsListed(
	act Act, target InvitationRef, readVia ReadVia, filters []string, rowsReturned int,
) PlatformInvitationsListed {
	return PlatformInvitationsListed{
		base:    platformInvitationsListed.Succeeded(act, target),
		readVia: readVia, filters: filters, rowsReturned: rowsReturned,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformInvitationsListed) Denied(reason PlatformInvitationsListedReason) PlatformInvitationsListed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

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

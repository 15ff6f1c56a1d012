package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// SafeGroupAssignmentCreated is emitted when a group is bound to a Safe with a role.
//
// SAFE_GROUP_ASSIGNMENT_CREATED, "safe.group_assignment.created".
type SafeGroupAssignmentCreated struct {
	base
	assignmentID id.GroupAssignment `meta:"assignment_id"`
	groupID      id.Group           `meta:"group_id"`
	role         string             `meta:"role"`
	endsAt       opt[instant]       `meta:"ends_at"`
}

var safeGroupAssignmentCreated = define[SafeGroupAssignmentCreated](Definition{
	Constant: SAFE_GROUP_ASSIGNMENT_CREATED, Wire: "safe.group_assignment.created", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 1, "Assign Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted when a group is bound to a Safe with a role; not for each user who gains access by it " +
		"(SAFE_DERIVED_ACCESS_GRANTED).",
})

// NewSafeGroupAssignmentCreated builds SAFE_GROUP_ASSIGNMENT_CREATED.
func NewSafeGroupAssignmentCreated(
	act Act, target SafeRef, assignmentID id.GroupAssignment, groupID id.Group, role string,
) SafeGroupAssignmentCreated {
	return SafeGroupAssignmentCreated{
		base:         safeGroupAssignmentCreated.Succeeded(act, target),
		assignmentID: assignmentID, groupID: groupID, role: role,
	}
}

// WithEndsAt adds ends_at.
func (e SafeGroupAssignmentCreated) WithEndsAt(v time.Time) SafeGroupAssignmentCreated {
	e.endsAt = some(moment(v))
	return e
}

// SafeGroupAssignmentUpdated is emitted when the role or end date of a group's binding to a
// Safe changes.
//
// SAFE_GROUP_ASSIGNMENT_UPDATED, "safe.group_assignment.updated".
type SafeGroupAssignmentUpdated struct {
	base
	assignmentID    id.GroupAssignment `meta:"assignment_id"`
	groupID         id.Group           `meta:"group_id"`
	oldRole         string             `meta:"old_role"`
	newRole         string             `meta:"new_role"`
	privilegeRaised bool               `meta:"privilege_raised"`
	endsAt          opt[instant]       `meta:"ends_at"`
}

var safeGroupAssignmentUpdated = define[SafeGroupAssignmentUpdated](Definition{
	Constant: SAFE_GROUP_ASSIGNMENT_UPDATED, Wire: "safe.group_assignment.updated", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 99, "Update Assignment"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted when the role or end date of a group's binding to a Safe changes; not when the members of " +
		"the group change, and not when a save changes nothing.",
})

// NewSafeGroupAssignmentUpdated builds SAFE_GROUP_ASSIGNMENT_UPDATED.
func NewSafeGroupAssignmentUpdated(
	act Act, target SafeRef, assignmentID id.GroupAssignment, groupID id.Group, oldRole, newRole string,
	privilegeRaised bool,
) SafeGroupAssignmentUpdated {
	return SafeGroupAssignmentUpdated{
		base:         safeGroupAssignmentUpdated.Succeeded(act, target),
		assignmentID: assignmentID, groupID: groupID, oldRole: oldRole, newRole: newRole,
		privilegeRaised: privilegeRaised,
	}
}

// WithEndsAt adds ends_at.
func (e SafeGroupAssignmentUpdated) WithEndsAt(v time.Time) SafeGroupAssignmentUpdated {
	e.endsAt = some(moment(v))
	return e
}

// AssignmentRemovalCause is why a group's binding to a safe ended.
type AssignmentRemovalCause struct{ word }

// The values of AssignmentRemovalCause.
var (
	AssignmentRemovalCauseRemoved      = AssignmentRemovalCause{word{"removed"}}
	AssignmentRemovalCauseExpired      = AssignmentRemovalCause{word{"expired"}}
	AssignmentRemovalCauseGroupDeleted = AssignmentRemovalCause{word{"group_deleted"}}
	AssignmentRemovalCauseSafeDeleted  = AssignmentRemovalCause{word{"safe_deleted"}}
)

// Values are the closed list of texts.
func (AssignmentRemovalCause) Values() []string {
	return texts(AssignmentRemovalCauseRemoved, AssignmentRemovalCauseExpired, AssignmentRemovalCauseGroupDeleted, AssignmentRemovalCauseSafeDeleted)
}

// SafeGroupAssignmentRemoved is emitted when a group's binding to a Safe ends, by a person, at
// its end date, or because the group or the Safe is deleted.
//
// SAFE_GROUP_ASSIGNMENT_REMOVED, "safe.group_assignment.removed".
type SafeGroupAssignmentRemoved struct {
	base
	assignmentID id.GroupAssignment     `meta:"assignment_id"`
	groupID      id.Group               `meta:"group_id"`
	role         string                 `meta:"role"`
	cause        AssignmentRemovalCause `meta:"cause"`
}

var safeGroupAssignmentRemoved = define[SafeGroupAssignmentRemoved](Definition{
	Constant: SAFE_GROUP_ASSIGNMENT_REMOVED, Wire: "safe.group_assignment.removed", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 2, "Revoke Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted when a group's binding to a Safe ends, by a person, at its end date, or because the group or" +
		" the Safe is deleted; not when a binding is only changed.",
})

// NewSafeGroupAssignmentRemoved builds SAFE_GROUP_ASSIGNMENT_REMOVED.
func NewSafeGroupAssignmentRemoved(
	act Act, target SafeRef, assignmentID id.GroupAssignment, groupID id.Group, role string,
	cause AssignmentRemovalCause,
) SafeGroupAssignmentRemoved {
	return SafeGroupAssignmentRemoved{
		base:         safeGroupAssignmentRemoved.Succeeded(act, target),
		assignmentID: assignmentID, groupID: groupID, role: role, cause: cause,
	}
}

// SafeMemberAdded is emitted when a user is made a direct member of a Safe.
//
// SAFE_MEMBER_ADDED, "safe.member.added".
type SafeMemberAdded struct {
	base
	subjectUserID id.User      `meta:"subject_user_id"`
	role          string       `meta:"role"`
	endsAt        opt[instant] `meta:"ends_at"`
}

var safeMemberAdded = define[SafeMemberAdded](Definition{
	Constant: SAFE_MEMBER_ADDED, Wire: "safe.member.added", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 1, "Assign Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a user is made a direct member of a Safe; not for access that comes through a group " +
		"(SAFE_DERIVED_ACCESS_GRANTED), a delegation (ACCESS_DELEGATION_GRANTED) or an approved request " +
		"(ACCESS_REQUEST_APPROVED).",
})

// NewSafeMemberAdded builds SAFE_MEMBER_ADDED.
func NewSafeMemberAdded(act Act, target SafeRef, subjectUserID id.User, role string) SafeMemberAdded {
	return SafeMemberAdded{
		base:          safeMemberAdded.Succeeded(act, target),
		subjectUserID: subjectUserID, role: role,
	}
}

// WithEndsAt adds ends_at.
func (e SafeMemberAdded) WithEndsAt(v time.Time) SafeMemberAdded {
	e.endsAt = some(moment(v))
	return e
}

// SafeMemberRoleUpdated is emitted when the role of a direct member of a Safe changes.
//
// SAFE_MEMBER_ROLE_UPDATED, "safe.member.role_updated".
type SafeMemberRoleUpdated struct {
	base
	subjectUserID   id.User `meta:"subject_user_id"`
	oldRole         string  `meta:"old_role"`
	newRole         string  `meta:"new_role"`
	privilegeRaised bool    `meta:"privilege_raised"`
}

var safeMemberRoleUpdated = define[SafeMemberRoleUpdated](Definition{
	Constant: SAFE_MEMBER_ROLE_UPDATED, Wire: "safe.member.role_updated", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 99, "Update Role"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when the role of a direct member of a Safe changes; not for a role that comes through a " +
		"group (SAFE_DERIVED_ACCESS_ROLE_CHANGED) or a role in the organization (ROLE_ASSIGNMENT_CHANGED).",
})

// NewSafeMemberRoleUpdated builds SAFE_MEMBER_ROLE_UPDATED.
func NewSafeMemberRoleUpdated(
	act Act, target SafeRef, subjectUserID id.User, oldRole, newRole string, privilegeRaised bool,
) SafeMemberRoleUpdated {
	return SafeMemberRoleUpdated{
		base:          safeMemberRoleUpdated.Succeeded(act, target),
		subjectUserID: subjectUserID, oldRole: oldRole, newRole: newRole, privilegeRaised: privilegeRaised,
	}
}

// SafeRemovalCause is why a direct membership of a safe ended.
type SafeRemovalCause struct{ word }

// The values of SafeRemovalCause.
var (
	SafeRemovalCauseRemoved     = SafeRemovalCause{word{"removed"}}
	SafeRemovalCauseExpired     = SafeRemovalCause{word{"expired"}}
	SafeRemovalCauseUserLeftOrg = SafeRemovalCause{word{"user_left_org"}}
	SafeRemovalCauseSafeDeleted = SafeRemovalCause{word{"safe_deleted"}}
)

// Values are the closed list of texts.
func (SafeRemovalCause) Values() []string {
	return texts(SafeRemovalCauseRemoved, SafeRemovalCauseExpired, SafeRemovalCauseUserLeftOrg, SafeRemovalCauseSafeDeleted)
}

// SafeMemberRemoved is emitted when a user's direct membership of a Safe ends, by a person, at
// its end date or because the user leaves the organization.
//
// SAFE_MEMBER_REMOVED, "safe.member.removed".
type SafeMemberRemoved struct {
	base
	subjectUserID        id.User          `meta:"subject_user_id"`
	role                 string           `meta:"role"`
	cause                SafeRemovalCause `meta:"cause"`
	accessRemainsByGroup bool             `meta:"access_remains_by_group"`
	sessionsEnded        int              `meta:"sessions_ended"`
}

var safeMemberRemoved = define[SafeMemberRemoved](Definition{
	Constant: SAFE_MEMBER_REMOVED, Wire: "safe.member.removed", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 2, "Revoke Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a user's direct membership of a Safe ends, by a person, at its end date or because the " +
		"user leaves the organization; not when only access through a group ends " +
		"(SAFE_DERIVED_ACCESS_REVOKED).",
})

// NewSafeMemberRemoved builds SAFE_MEMBER_REMOVED.
func NewSafeMemberRemoved(
	act Act, target SafeRef, subjectUserID id.User, role string, cause SafeRemovalCause,
	accessRemainsByGroup bool, sessionsEnded int,
) SafeMemberRemoved {
	return SafeMemberRemoved{
		base:          safeMemberRemoved.Succeeded(act, target),
		subjectUserID: subjectUserID, role: role, cause: cause, accessRemainsByGroup: accessRemainsByGroup,
		sessionsEnded: sessionsEnded,
	}
}

// SafeDerivedAccessGranted is emitted for each user whose effective access to a Safe begins
// because of a group membership or group binding, naming the causing event.
//
// SAFE_DERIVED_ACCESS_GRANTED, "safe.derived_access.granted".
type SafeDerivedAccessGranted struct {
	base
	subjectUserID id.User  `meta:"subject_user_id"`
	groupID       id.Group `meta:"group_id"`
	role          string   `meta:"role"`
	causedBy      id.Event `meta:"caused_by"`
}

var safeDerivedAccessGranted = define[SafeDerivedAccessGranted](Definition{
	Constant: SAFE_DERIVED_ACCESS_GRANTED, Wire: "safe.derived_access.granted", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 1, "Assign Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted for each user whose effective access to a Safe begins because of a group membership or group" +
		" binding, naming the causing event; not for a user who already had access to that Safe in another " +
		"way.",
})

// NewSafeDerivedAccessGranted builds SAFE_DERIVED_ACCESS_GRANTED.
func NewSafeDerivedAccessGranted(
	act Act, target SafeRef, subjectUserID id.User, groupID id.Group, role string, causedBy id.Event,
) SafeDerivedAccessGranted {
	return SafeDerivedAccessGranted{
		base:          safeDerivedAccessGranted.Succeeded(act, target),
		subjectUserID: subjectUserID, groupID: groupID, role: role, causedBy: causedBy,
	}
}

// SafeDerivedAccessRevoked is emitted for each user whose effective access to a Safe ends
// because of a change of group membership or group binding, naming the causing event.
//
// SAFE_DERIVED_ACCESS_REVOKED, "safe.derived_access.revoked".
type SafeDerivedAccessRevoked struct {
	base
	subjectUserID id.User  `meta:"subject_user_id"`
	groupID       id.Group `meta:"group_id"`
	role          string   `meta:"role"`
	sessionsEnded int      `meta:"sessions_ended"`
	causedBy      id.Event `meta:"caused_by"`
}

var safeDerivedAccessRevoked = define[SafeDerivedAccessRevoked](Definition{
	Constant: SAFE_DERIVED_ACCESS_REVOKED, Wire: "safe.derived_access.revoked", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 2, "Revoke Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted for each user whose effective access to a Safe ends because of a change of group membership " +
		"or group binding, naming the causing event; not while a direct membership or another group still " +
		"gives access.",
})

// NewSafeDerivedAccessRevoked builds SAFE_DERIVED_ACCESS_REVOKED.
func NewSafeDerivedAccessRevoked(
	act Act, target SafeRef, subjectUserID id.User, groupID id.Group, role string, sessionsEnded int,
	causedBy id.Event,
) SafeDerivedAccessRevoked {
	return SafeDerivedAccessRevoked{
		base:          safeDerivedAccessRevoked.Succeeded(act, target),
		subjectUserID: subjectUserID, groupID: groupID, role: role, sessionsEnded: sessionsEnded,
		causedBy: causedBy,
	}
}

// SafeDerivedAccessRoleChanged is emitted for each user whose effective role on a Safe changes
// through groups while access remains, naming the causing event.
//
// SAFE_DERIVED_ACCESS_ROLE_CHANGED, "safe.derived_access.role_changed".
type SafeDerivedAccessRoleChanged struct {
	base
	subjectUserID   id.User  `meta:"subject_user_id"`
	groupID         id.Group `meta:"group_id"`
	oldRole         string   `meta:"old_role"`
	newRole         string   `meta:"new_role"`
	privilegeRaised bool     `meta:"privilege_raised"`
	causedBy        id.Event `meta:"caused_by"`
}

var safeDerivedAccessRoleChanged = define[SafeDerivedAccessRoleChanged](Definition{
	Constant: SAFE_DERIVED_ACCESS_ROLE_CHANGED, Wire: "safe.derived_access.role_changed", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetSafe, Log: OrgLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 99, "Update Derived Role"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted for each user whose effective role on a Safe changes through groups while access remains, " +
		"naming the causing event; not when the strongest role stays as it was.",
})

// NewSafeDerivedAccessRoleChanged builds SAFE_DERIVED_ACCESS_ROLE_CHANGED.
func NewSafeDerivedAccessRoleChanged(
	act Act, target SafeRef, subjectUserID id.User, groupID id.Group, oldRole, newRole string,
	privilegeRaised bool, causedBy id.Event,
) SafeDerivedAccessRoleChanged {
	return SafeDerivedAccessRoleChanged{
		base:          safeDerivedAccessRoleChanged.Succeeded(act, target),
		subjectUserID: subjectUserID, groupID: groupID, oldRole: oldRole, newRole: newRole,
		privilegeRaised: privilegeRaised, causedBy: causedBy,
	}
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/id"
)

// GroupSource is where a group is kept.
type GroupSource struct{ word }

// The values of GroupSource.
var (
	GroupSourceLocal = GroupSource{word{"local"}}
	GroupSourceSCIM  = GroupSource{word{"scim"}}
	GroupSourceSSO   = GroupSource{word{"sso"}}
)

// Values are the closed list of texts.
func (GroupSource) Values() []string {
	return texts(GroupSourceLocal, GroupSourceSCIM, GroupSourceSSO)
}

// ParseGroupSource reads one of the texts of Values.
func ParseGroupSource(s string) (GroupSource, error) {
	return parse(s, GroupSourceLocal, GroupSourceSCIM, GroupSourceSSO)
}

// GroupCreated is emitted when a group is created in an organization, by hand or by directory
// sync.
//
// GROUP_CREATED, "group.created".
type GroupCreated struct {
	base
	groupID     id.Group    `meta:"group_id"`
	groupName   string      `meta:"group_name"`
	groupSource GroupSource `meta:"group_source"`
}

var groupCreated = define[GroupCreated](Definition{
	Constant: GROUP_CREATED, Wire: "group.created", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 6, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "creation"}},
	Trigger: "Emitted when a group is created in an organization, by hand or by directory sync; not when it is " +
		"bound to a Safe (SAFE_GROUP_ASSIGNMENT_CREATED).",
})

// NewGroupCreated builds GROUP_CREATED.
func NewGroupCreated(
	act Act, target TenantRef, groupID id.Group, groupName string, groupSource GroupSource,
) GroupCreated {
	return GroupCreated{
		base:    groupCreated.Succeeded(act, target),
		groupID: groupID, groupName: groupName, groupSource: groupSource,
	}
}

// GroupUpdated is emitted when a group's name, description or sync source changes.
//
// GROUP_UPDATED, "group.updated".
type GroupUpdated struct {
	base
	groupID     id.Group    `meta:"group_id"`
	changes     []Change    `meta:"changes"`
	groupSource GroupSource `meta:"group_source"`
}

var groupUpdated = define[GroupUpdated](Definition{
	Constant: GROUP_UPDATED, Wire: "group.updated", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 99, "Update Group"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted when a group's name, description or sync source changes; not for its members " +
		"(GROUP_MEMBER_*) or Safe bindings (SAFE_GROUP_ASSIGNMENT_*), and not when a save changes nothing.",
})

// NewGroupUpdated builds GROUP_UPDATED.
func NewGroupUpdated(
	act Act, target TenantRef, groupID id.Group, changes []Change, groupSource GroupSource,
) GroupUpdated {
	return GroupUpdated{
		base:    groupUpdated.Succeeded(act, target),
		groupID: groupID, changes: changes, groupSource: groupSource,
	}
}

// GroupDeleted is emitted when a group is deleted, with one SAFE_GROUP_ASSIGNMENT_REMOVED per
// binding and one SAFE_DERIVED_ACCESS_REVOKED per user who loses access in the same
// transaction.
//
// GROUP_DELETED, "group.deleted".
type GroupDeleted struct {
	base
	groupID         id.Group    `meta:"group_id"`
	groupName       string      `meta:"group_name"`
	memberCount     int         `meta:"member_count"`
	assignmentCount int         `meta:"assignment_count"`
	groupSource     GroupSource `meta:"group_source"`
}

var groupDeleted = define[GroupDeleted](Definition{
	Constant: GROUP_DELETED, Wire: "group.deleted", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 5, "Delete"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "deletion"}},
	Trigger: "Emitted when a group is deleted, with one SAFE_GROUP_ASSIGNMENT_REMOVED per binding and one " +
		"SAFE_DERIVED_ACCESS_REVOKED per user who loses access in the same transaction; not when a group is " +
		"merely emptied.",
})

// NewGroupDeleted builds GROUP_DELETED.
func NewGroupDeleted(
	act Act, target TenantRef, groupID id.Group, groupName string, memberCount, assignmentCount int,
	groupSource GroupSource,
) GroupDeleted {
	return GroupDeleted{
		base:    groupDeleted.Succeeded(act, target),
		groupID: groupID, groupName: groupName, memberCount: memberCount, assignmentCount: assignmentCount,
		groupSource: groupSource,
	}
}

// GroupMemberAdded is emitted for each user who is added to a group.
//
// GROUP_MEMBER_ADDED, "group.member.added".
type GroupMemberAdded struct {
	base
	groupID       id.Group    `meta:"group_id"`
	subjectUserID id.User     `meta:"subject_user_id"`
	groupSource   GroupSource `meta:"group_source"`
}

var groupMemberAdded = define[GroupMemberAdded](Definition{
	Constant: GROUP_MEMBER_ADDED, Wire: "group.member.added", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 3, "Add User"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted for each user who is added to a group; not for users who were members already, and not for " +
		"the Safe access that follows (SAFE_DERIVED_ACCESS_GRANTED).",
})

// NewGroupMemberAdded builds GROUP_MEMBER_ADDED.
func NewGroupMemberAdded(
	act Act, target TenantRef, groupID id.Group, subjectUserID id.User, groupSource GroupSource,
) GroupMemberAdded {
	return GroupMemberAdded{
		base:    groupMemberAdded.Succeeded(act, target),
		groupID: groupID, subjectUserID: subjectUserID, groupSource: groupSource,
	}
}

// GroupRemovalCause is why a user left a group.
type GroupRemovalCause struct{ word }

// The values of GroupRemovalCause.
var (
	GroupRemovalCauseRemoved       = GroupRemovalCause{word{"removed"}}
	GroupRemovalCauseDirectorySync = GroupRemovalCause{word{"directory_sync"}}
	GroupRemovalCauseUserLeftOrg   = GroupRemovalCause{word{"user_left_org"}}
)

// Values are the closed list of texts.
func (GroupRemovalCause) Values() []string {
	return texts(GroupRemovalCauseRemoved, GroupRemovalCauseDirectorySync, GroupRemovalCauseUserLeftOrg)
}

// GroupMemberRemoved is emitted for each user who leaves a group, by hand, by directory sync or
// because they leave the organization.
//
// GROUP_MEMBER_REMOVED, "group.member.removed".
type GroupMemberRemoved struct {
	base
	groupID       id.Group          `meta:"group_id"`
	subjectUserID id.User           `meta:"subject_user_id"`
	groupSource   GroupSource       `meta:"group_source"`
	cause         GroupRemovalCause `meta:"cause"`
}

var groupMemberRemoved = define[GroupMemberRemoved](Definition{
	Constant: GROUP_MEMBER_REMOVED, Wire: "group.member.removed", Category: GroupsSafeAccess,
	Severity: Info, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3006, 4, "Remove User"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"group", "change"}},
	Trigger: "Emitted for each user who leaves a group, by hand, by directory sync or because they leave the " +
		"organization; not when the group itself is deleted (GROUP_DELETED).",
})

// NewGroupMemberRemoved builds GROUP_MEMBER_REMOVED.
func NewGroupMemberRemoved(
	act Act, target TenantRef, groupID id.Group, subjectUserID id.User, groupSource GroupSource,
	cause GroupRemovalCause,
) GroupMemberRemoved {
	return GroupMemberRemoved{
		base:    groupMemberRemoved.Succeeded(act, target),
		groupID: groupID, subjectUserID: subjectUserID, groupSource: groupSource, cause: cause,
	}
}

// GroupOperation is what was tried on a group or on the members of a safe.
type GroupOperation struct{ word }

// The values of GroupOperation.
var (
	GroupOperationGroupCreate      = GroupOperation{word{"group_create"}}
	GroupOperationGroupUpdate      = GroupOperation{word{"group_update"}}
	GroupOperationGroupDelete      = GroupOperation{word{"group_delete"}}
	GroupOperationMemberAdd        = GroupOperation{word{"member_add"}}
	GroupOperationMemberRemove     = GroupOperation{word{"member_remove"}}
	GroupOperationAssignmentCreate = GroupOperation{word{"assignment_create"}}
	GroupOperationAssignmentUpdate = GroupOperation{word{"assignment_update"}}
	GroupOperationAssignmentRemove = GroupOperation{word{"assignment_remove"}}
	GroupOperationSafeMemberAdd    = GroupOperation{word{"safe_member_add"}}
	GroupOperationSafeMemberRole   = GroupOperation{word{"safe_member_role"}}
	GroupOperationSafeMemberRemove = GroupOperation{word{"safe_member_remove"}}
)

// Values are the closed list of texts.
func (GroupOperation) Values() []string {
	return texts(GroupOperationGroupCreate, GroupOperationGroupUpdate, GroupOperationGroupDelete, GroupOperationMemberAdd, GroupOperationMemberRemove, GroupOperationAssignmentCreate, GroupOperationAssignmentUpdate, GroupOperationAssignmentRemove, GroupOperationSafeMemberAdd, GroupOperationSafeMemberRole, GroupOperationSafeMemberRemove)
}

// GroupMutationDeniedReason is a reason of GROUP_MUTATION_DENIED.
type GroupMutationDeniedReason struct{ word }

// The reasons of GROUP_MUTATION_DENIED.
var (
	GroupMutationDeniedNotPermitted            = GroupMutationDeniedReason{word{"not_permitted"}}
	GroupMutationDeniedGroupManagedByDirectory = GroupMutationDeniedReason{word{"group_managed_by_directory"}}
	GroupMutationDeniedRoleAboveActor          = GroupMutationDeniedReason{word{"role_above_actor"}}
	GroupMutationDeniedLastSafeOwner           = GroupMutationDeniedReason{word{"last_safe_owner"}}
	GroupMutationDeniedCrossOrgReference       = GroupMutationDeniedReason{word{"cross_org_reference"}}
)

// GroupMutationDenied is emitted when an attempt to create, change or delete a group, its
// members, or the members or group bindings of a Safe is refused for lack of right or by a
// protecting rule.
//
// GROUP_MUTATION_DENIED, "group.mutation.denied".
type GroupMutationDenied struct {
	base
	deniedOperation GroupOperation `meta:"denied_operation"`
	groupID         opt[id.Group]  `meta:"group_id"`
	safeID          opt[id.Safe]   `meta:"safe_id"`
	subjectUserID   opt[id.User]   `meta:"subject_user_id"`
}

var groupMutationDenied = define[GroupMutationDenied](Definition{
	Constant: GROUP_MUTATION_DENIED, Wire: "group.mutation.denied", Category: GroupsSafeAccess,
	Severity: Warn, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{User, TenantAdmin, OrgAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		GroupMutationDeniedNotPermitted, GroupMutationDeniedGroupManagedByDirectory,
		GroupMutationDeniedRoleAboveActor, GroupMutationDeniedLastSafeOwner,
		GroupMutationDeniedCrossOrgReference,
	),
	OCSF: ocsf(3006, 99, "Denied Change"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"group", "info"}},
	Trigger: "Emitted when an attempt to create, change or delete a group, its members, or the members or group " +
		"bindings of a Safe is refused for lack of right or by a protecting rule; not for malformed requests," +
		" and in place of the event that the attempt would have caused.",
})

// NewGroupMutationDenied builds GROUP_MUTATION_DENIED with outcome denied.
func NewGroupMutationDenied(
	act Act, target TenantRef, reason GroupMutationDeniedReason, deniedOperation GroupOperation,
) GroupMutationDenied {
	return GroupMutationDenied{
		base:            groupMutationDenied.Denied(act, target, reason.text),
		deniedOperation: deniedOperation,
	}
}

// WithGroupID adds group_id.
func (e GroupMutationDenied) WithGroupID(v id.Group) GroupMutationDenied {
	e.groupID = some(v)
	return e
}

// WithSafeID adds safe_id.
func (e GroupMutationDenied) WithSafeID(v id.Safe) GroupMutationDenied {
	e.safeID = some(v)
	return e
}

// WithSubjectUserID adds subject_user_id.
func (e GroupMutationDenied) WithSubjectUserID(v id.User) GroupMutationDenied {
	e.subjectUserID = some(v)
	return e
}

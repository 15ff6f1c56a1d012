package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// RoleSource is where a role comes from.
type RoleSource struct{ word }

// The values of RoleSource.
var (
	RoleSourceAdmin      = RoleSource{word{"admin"}}
	RoleSourceSSOMapping = RoleSource{word{"sso_mapping"}}
	RoleSourceSCIM       = RoleSource{word{"scim"}}
)

// Values are the closed list of texts.
func (RoleSource) Values() []string {
	return texts(RoleSourceAdmin, RoleSourceSSOMapping, RoleSourceSCIM)
}

// RoleAssignmentChangedReason is a reason of ROLE_ASSIGNMENT_CHANGED.
type RoleAssignmentChangedReason struct{ word }

// The reasons of ROLE_ASSIGNMENT_CHANGED.
var (
	RoleAssignmentChangedNotPermitted   = RoleAssignmentChangedReason{word{"not_permitted"}}
	RoleAssignmentChangedRoleAboveActor = RoleAssignmentChangedReason{word{"role_above_actor"}}
	RoleAssignmentChangedLastOrgAdmin   = RoleAssignmentChangedReason{word{"last_org_admin"}}
)

// RoleAssignmentChanged is emitted when a user's role in an organization is granted, changed or
// taken away.
//
// ROLE_ASSIGNMENT_CHANGED, "Role Assignment Changed".
type RoleAssignmentChanged struct {
	base
	subjectUserID   id.User     `meta:"subject_user_id"`
	oldRole         opt[string] `meta:"old_role"`
	newRole         opt[string] `meta:"new_role"`
	privilegeRaised bool        `meta:"privilege_raised"`
	roleSource      RoleSource  `meta:"role_source"`
}

var roleAssignmentChanged = define[RoleAssignmentChanged](Definition{
	Constant: ROLE_ASSIGNMENT_CHANGED, Wire: "Role Assignment Changed", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		RoleAssignmentChangedNotPermitted, RoleAssignmentChangedRoleAboveActor,
		RoleAssignmentChangedLastOrgAdmin,
	),
	OCSF: ocsf(3005, 99, "Change Role"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a user's role in an organization is granted, changed or taken away; not for platform " +
		"operators (PLATFORM_USER_ROLE_CHANGED), not for a role on a Safe (SAFE_MEMBER_ROLE_UPDATED), and not" +
		" for the first role that an accepted invitation brings.",
})

// NewRoleAssignmentChanged builds ROLE_ASSIGNMENT_CHANGED.
func NewRoleAssignmentChanged(
	act Act, target TenantRef, subjectUserID id.User, privilegeRaised bool, roleSource RoleSource,
) RoleAssignmentChanged {
	return RoleAssignmentChanged{
		base:          roleAssignmentChanged.Succeeded(act, target),
		subjectUserID: subjectUserID, privilegeRaised: privilegeRaised, roleSource: roleSource,
	}
}

// WithOldRole adds old_role.
func (e RoleAssignmentChanged) WithOldRole(v string) RoleAssignmentChanged {
	e.oldRole = some(v)
	return e
}

// WithNewRole adds new_role.
func (e RoleAssignmentChanged) WithNewRole(v string) RoleAssignmentChanged {
	e.newRole = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e RoleAssignmentChanged) Denied(reason RoleAssignmentChangedReason) RoleAssignmentChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AssignmentChange is what happened to a safe's policy.
type AssignmentChange struct{ word }

// The values of AssignmentChange.
var (
	AssignmentChangeAttached = AssignmentChange{word{"attached"}}
	AssignmentChangeDetached = AssignmentChange{word{"detached"}}
	AssignmentChangeEdited   = AssignmentChange{word{"edited"}}
)

// Values are the closed list of texts.
func (AssignmentChange) Values() []string {
	return texts(AssignmentChangeAttached, AssignmentChangeDetached, AssignmentChangeEdited)
}

// PolicyAssignmentChangedReason is a reason of POLICY_ASSIGNMENT_CHANGED.
type PolicyAssignmentChangedReason struct{ word }

// The reasons of POLICY_ASSIGNMENT_CHANGED.
var (
	PolicyAssignmentChangedNotPermitted            = PolicyAssignmentChangedReason{word{"not_permitted"}}
	PolicyAssignmentChangedNeedsGovernanceApproval = PolicyAssignmentChangedReason{word{"needs_governance_approval"}}
)

// PolicyAssignmentChanged is emitted when the policy of a Safe (approval, recording, clipboard,
// file transfer, MFA step-up, session TTL, valid hours) is attached, detached or edited, one
// event per saved change.
//
// POLICY_ASSIGNMENT_CHANGED, "Policy Assignment Changed".
type PolicyAssignmentChanged struct {
	base
	safeID             id.Safe            `meta:"safe_id"`
	assignmentChange   AssignmentChange   `meta:"assignment_change"`
	changes            []Change           `meta:"changes"`
	weakenedControls   []string           `meta:"weakened_controls"`
	governanceActionID opt[id.Governance] `meta:"governance_action_id"`
}

var policyAssignmentChanged = define[PolicyAssignmentChanged](Definition{
	Constant: POLICY_ASSIGNMENT_CHANGED, Wire: "Policy Assignment Changed", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetPolicy, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, OrgAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PolicyAssignmentChangedNotPermitted, PolicyAssignmentChangedNeedsGovernanceApproval),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when the policy of a Safe (approval, recording, clipboard, file transfer, MFA step-up, " +
		"session TTL, valid hours) is attached, detached or edited, one event per saved change; not for " +
		"organization-wide settings (TENANT_SETTINGS_UPDATED), and not when a save changes nothing.",
})

// NewPolicyAssignmentChanged builds POLICY_ASSIGNMENT_CHANGED.
func NewPolicyAssignmentChanged(
	act Act, target PolicyRef, safeID id.Safe, assignmentChange AssignmentChange, changes []Change,
	weakenedControls []string,
) PolicyAssignmentChanged {
	return PolicyAssignmentChanged{
		base:   policyAssignmentChanged.Succeeded(act, target),
		safeID: safeID, assignmentChange: assignmentChange, changes: changes,
		weakenedControls: weakenedControls,
	}
}

// WithGovernanceActionID adds governance_action_id.
func (e PolicyAssignmentChanged) WithGovernanceActionID(v id.Governance) PolicyAssignmentChanged {
	e.governanceActionID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PolicyAssignmentChanged) Denied(reason PolicyAssignmentChangedReason) PolicyAssignmentChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

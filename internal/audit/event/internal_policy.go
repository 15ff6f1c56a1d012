package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
)

// PolicyChange is what became of a policy of access.
type PolicyChange struct{ word }

// The values of PolicyChange.
var (
	PolicyChangeCreated  = PolicyChange{word{"created"}}
	PolicyChangeEdited   = PolicyChange{word{"edited"}}
	PolicyChangeAssigned = PolicyChange{word{"assigned"}}
	PolicyChangeRestored = PolicyChange{word{"restored"}}
	PolicyChangeDeleted  = PolicyChange{word{"deleted"}}
)

// Values are the closed list of texts.
func (PolicyChange) Values() []string {
	return texts(PolicyChangeCreated, PolicyChangeEdited, PolicyChangeAssigned, PolicyChangeRestored, PolicyChangeDeleted)
}

// ParsePolicyChange reads one of the texts of Values.
func ParsePolicyChange(s string) (PolicyChange, error) {
	return parse(s, PolicyChangeCreated, PolicyChangeEdited, PolicyChangeAssigned, PolicyChangeRestored, PolicyChangeDeleted)
}

// AccessPolicyChangedReason is a reason of ACCESS_POLICY_CHANGED.
type AccessPolicyChangedReason struct{ word }

// The reasons of ACCESS_POLICY_CHANGED.
var (
	AccessPolicyChangedNotPermitted = AccessPolicyChangedReason{word{"not_permitted"}}
)

// AccessPolicyChanged is emitted when a policy of access of an organization is created, edited,
// assigned, restored or deleted.
//
// ACCESS_POLICY_CHANGED, "access_policy.changed".
type AccessPolicyChanged struct {
	base
	policyChange  PolicyChange `meta:"policy_change"`
	policyVersion opt[int]     `meta:"policy_version"`
	changes       []Change     `meta:"changes"`
	comment       opt[string]  `meta:"comment"`
}

var accessPolicyChanged = define[AccessPolicyChanged](Definition{
	Constant: ACCESS_POLICY_CHANGED, Wire: "access_policy.changed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetPolicy, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AccessPolicyChangedNotPermitted),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when a policy of access of an organization is created, edited, assigned to safes, restored or " +
		"deleted, one event per saved change, beside the POLICY_ASSIGNMENT_CHANGED of each safe that it concerns; " +
		"not for the settings of a safe.",
})

// NewAccessPolicyChanged builds ACCESS_POLICY_CHANGED.
func NewAccessPolicyChanged(act Act, target PolicyRef, policyChange PolicyChange, changes []Change) AccessPolicyChanged {
	return AccessPolicyChanged{base: accessPolicyChanged.Succeeded(act, target), policyChange: policyChange, changes: changes}
}

// WithPolicyVersion adds policy_version.
func (e AccessPolicyChanged) WithPolicyVersion(v int) AccessPolicyChanged {
	e.policyVersion = some(v)
	return e
}

// WithComment adds comment.
func (e AccessPolicyChanged) WithComment(v string) AccessPolicyChanged {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AccessPolicyChanged) Denied(reason AccessPolicyChangedReason) AccessPolicyChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

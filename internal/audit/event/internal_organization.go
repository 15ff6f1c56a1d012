package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
)

// OrganizationChange is what became of an organization.
type OrganizationChange struct{ word }

// The values of OrganizationChange.
var (
	OrganizationChangeSuspended = OrganizationChange{word{"suspended"}}
	OrganizationChangeResumed   = OrganizationChange{word{"resumed"}}
	OrganizationChangeDeleted   = OrganizationChange{word{"deleted"}}
	OrganizationChangeLimited   = OrganizationChange{word{"limited"}}
)

// Values are the closed list of texts.
func (OrganizationChange) Values() []string {
	return texts(OrganizationChangeSuspended, OrganizationChangeResumed, OrganizationChangeDeleted, OrganizationChangeLimited)
}

// OrganizationStateChangedReason is a reason of ORGANIZATION_STATE_CHANGED.
type OrganizationStateChangedReason struct{ word }

// The reasons of ORGANIZATION_STATE_CHANGED.
var (
	OrganizationStateChangedNotPermitted = OrganizationStateChangedReason{word{"not_permitted"}}
)

// OrganizationStateChanged is emitted when an organization is suspended, resumed or deleted.
//
// ORGANIZATION_STATE_CHANGED, "organization.state_changed".
type OrganizationStateChanged struct {
	base
	organizationChange OrganizationChange `meta:"organization_change"`
	comment            opt[string]        `meta:"comment"`
}

var organizationStateChanged = define[OrganizationStateChanged](Definition{
	Constant: ORGANIZATION_STATE_CHANGED, Wire: "organization.state_changed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin, TenantAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrganizationStateChangedNotPermitted),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when an organization is suspended or resumed by a platform administrator, or deleted by an " +
		"owner, and when that, or the limit of its seats, is refused; not for its settings " +
		"(TENANT_SETTINGS_UPDATED).",
})

// NewOrganizationStateChanged builds ORGANIZATION_STATE_CHANGED.
func NewOrganizationStateChanged(act Act, target TenantRef, organizationChange OrganizationChange) OrganizationStateChanged {
	return OrganizationStateChanged{
		base:               organizationStateChanged.Succeeded(act, target),
		organizationChange: organizationChange,
	}
}

// WithComment adds comment.
func (e OrganizationStateChanged) WithComment(v string) OrganizationStateChanged {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrganizationStateChanged) Denied(reason OrganizationStateChangedReason) OrganizationStateChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

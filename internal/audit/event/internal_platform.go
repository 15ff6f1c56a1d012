package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// OrganizationCreatedReason is a reason of ORGANIZATION_CREATED.
type OrganizationCreatedReason struct{ word }

// The reasons of ORGANIZATION_CREATED.
var (
	OrganizationCreatedNotPermitted          = OrganizationCreatedReason{word{"not_permitted"}}
	OrganizationCreatedDuplicateOrganization = OrganizationCreatedReason{word{"duplicate_organization"}}
)

// OrganizationCreated is emitted when an organization is made by a platform administrator's
// order or by the set-up of an installation.
//
// ORGANIZATION_CREATED, "organization.created".
type OrganizationCreated struct {
	base
	orgSlug     string       `meta:"org_slug"`
	orgName     string       `meta:"org_name"`
	newOrgID    opt[id.Org]  `meta:"new_org_id"`
	ownerUserID opt[id.User] `meta:"owner_user_id"`
}

var organizationCreated = define[OrganizationCreated](Definition{
	Constant: ORGANIZATION_CREATED, Wire: "organization.created", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrganizationCreatedNotPermitted, OrganizationCreatedDuplicateOrganization),
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when an organization is made by a platform administrator's order or by the set-up of an " +
		"installation; not for an organization whose submission was approved (ORG_SUBMISSION_APPROVED).",
})

// NewOrganizationCreated builds ORGANIZATION_CREATED.
func NewOrganizationCreated(act Act, target TenantRef, orgSlug, orgName string) OrganizationCreated {
	return OrganizationCreated{
		base:    organizationCreated.Succeeded(act, target),
		orgSlug: orgSlug, orgName: orgName,
	}
}

// WithNewOrgID adds new_org_id.
func (e OrganizationCreated) WithNewOrgID(v id.Org) OrganizationCreated {
	e.newOrgID = some(v)
	return e
}

// WithOwnerUserID adds owner_user_id.
func (e OrganizationCreated) WithOwnerUserID(v id.User) OrganizationCreated {
	e.ownerUserID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrganizationCreated) Denied(reason OrganizationCreatedReason) OrganizationCreated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformSetupCompletedReason is a reason of PLATFORM_SETUP_COMPLETED.
type PlatformSetupCompletedReason struct{ word }

// The reasons of PLATFORM_SETUP_COMPLETED.
var (
	PlatformSetupCompletedTokenUnknown = PlatformSetupCompletedReason{word{"token_unknown"}}
	PlatformSetupCompletedTokenExpired = PlatformSetupCompletedReason{word{"token_expired"}}
	PlatformSetupCompletedAlreadyUsed  = PlatformSetupCompletedReason{word{"already_used"}}
)

// PlatformSetupCompleted is emitted when the one-time set-up link of an installation is burned
// and its first platform administrator exists, or when a link that is unknown, expired or used
// is refused.
//
// PLATFORM_SETUP_COMPLETED, "platform.setup.completed".
type PlatformSetupCompleted struct {
	base
	setupID       opt[id.Setup] `meta:"setup_id"`
	subjectUserID opt[id.User]  `meta:"subject_user_id"`
}

var platformSetupCompleted = define[PlatformSetupCompleted](Definition{
	Constant: PLATFORM_SETUP_COMPLETED, Wire: "platform.setup.completed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{User, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		PlatformSetupCompletedTokenUnknown, PlatformSetupCompletedTokenExpired,
		PlatformSetupCompletedAlreadyUsed,
	),
	OCSF: ocsf(3004, 1, "Create"),
	ECS:  ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when the one-time set-up link of an installation is burned and its first platform " +
		"administrator exists, or when a link that is unknown, expired or used is refused; not for later " +
		"platform administrators (PLATFORM_INVITATION_ACCEPTED).",
})

// NewPlatformSetupCompleted builds PLATFORM_SETUP_COMPLETED.
func NewPlatformSetupCompleted(act Act, target TenantRef) PlatformSetupCompleted {
	return PlatformSetupCompleted{base: platformSetupCompleted.Succeeded(act, target)}
}

// WithSetupID adds setup_id.
func (e PlatformSetupCompleted) WithSetupID(v id.Setup) PlatformSetupCompleted {
	e.setupID = some(v)
	return e
}

// WithSubjectUserID adds subject_user_id.
func (e PlatformSetupCompleted) WithSubjectUserID(v id.User) PlatformSetupCompleted {
	e.subjectUserID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PlatformSetupCompleted) Denied(reason PlatformSetupCompletedReason) PlatformSetupCompleted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PrivilegedAccountCreatedReason is a reason of PRIVILEGED_ACCOUNT_CREATED.
type PrivilegedAccountCreatedReason struct{ word }

// The reasons of PRIVILEGED_ACCOUNT_CREATED.
var (
	PrivilegedAccountCreatedNotPermitted     = PrivilegedAccountCreatedReason{word{"not_permitted"}}
	PrivilegedAccountCreatedDuplicateAccount = PrivilegedAccountCreatedReason{word{"duplicate_account"}}
)

// PrivilegedAccountCreated is emitted when a privileged account is put under management with
// its credential source (password, SSH key, SSH certificate or JIT).
//
// PRIVILEGED_ACCOUNT_CREATED, "Privileged Account Created".
type PrivilegedAccountCreated struct {
	base
	accountName      string                 `meta:"account_name"`
	platform         string                 `meta:"platform"`
	resourceID       opt[id.Resource]       `meta:"resource_id"`
	credentialKind   CredentialKind         `meta:"credential_kind"`
	rotationPolicyID opt[id.RotationPolicy] `meta:"rotation_policy_id"`
	discovered       bool                   `meta:"discovered"`
}

var privilegedAccountCreated = define[PrivilegedAccountCreated](Definition{
	Constant: PRIVILEGED_ACCOUNT_CREATED, Wire: "Privileged Account Created", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PrivilegedAccountCreatedNotPermitted, PrivilegedAccountCreatedDuplicateAccount),
	OCSF:       ocsf(3001, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"creation", "admin"}},
	Trigger: "Emitted when a privileged account is put under management with its credential source (password, SSH " +
		"key, SSH certificate or JIT); not when a credential of an account already managed is set or rotated.",
})

// NewPrivilegedAccountCreated builds PRIVILEGED_ACCOUNT_CREATED.
func NewPrivilegedAccountCreated(
	act Act, target AccountRef, accountName, platform string, credentialKind CredentialKind, discovered bool,
) PrivilegedAccountCreated {
	return PrivilegedAccountCreated{
		base:        privilegedAccountCreated.Succeeded(act, target),
		accountName: accountName, platform: platform, credentialKind: credentialKind, discovered: discovered,
	}
}

// WithResourceID adds resource_id.
func (e PrivilegedAccountCreated) WithResourceID(v id.Resource) PrivilegedAccountCreated {
	e.resourceID = some(v)
	return e
}

// WithRotationPolicyID adds rotation_policy_id.
func (e PrivilegedAccountCreated) WithRotationPolicyID(v id.RotationPolicy) PrivilegedAccountCreated {
	e.rotationPolicyID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PrivilegedAccountCreated) Denied(reason PrivilegedAccountCreatedReason) PrivilegedAccountCreated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PrivilegedAccountUpdatedReason is a reason of PRIVILEGED_ACCOUNT_UPDATED.
type PrivilegedAccountUpdatedReason struct{ word }

// The reasons of PRIVILEGED_ACCOUNT_UPDATED.
var (
	PrivilegedAccountUpdatedNotPermitted = PrivilegedAccountUpdatedReason{word{"not_permitted"}}
)

// PrivilegedAccountUpdated is emitted when attributes, bindings or the credential reference of
// a managed account change, or a disabled account is enabled again.
//
// PRIVILEGED_ACCOUNT_UPDATED, "Privileged Account Updated".
type PrivilegedAccountUpdated struct {
	base
	changes            []Change `meta:"changes"`
	credentialReplaced bool     `meta:"credential_replaced"`
	enabledAgain       bool     `meta:"enabled_again"`
}

var privilegedAccountUpdated = define[PrivilegedAccountUpdated](Definition{
	Constant: PRIVILEGED_ACCOUNT_UPDATED, Wire: "Privileged Account Updated", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PrivilegedAccountUpdatedNotPermitted),
	OCSF:       ocsf(3001, 99, "Update"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"change", "admin"}},
	Trigger: "Emitted when attributes, bindings or the credential reference of a managed account change, or a " +
		"disabled account is enabled again; not for a rotation (CREDENTIAL_ROTATION_*), and not when a save " +
		"changes nothing.",
})

// NewPrivilegedAccountUpdated builds PRIVILEGED_ACCOUNT_UPDATED.
func NewPrivilegedAccountUpdated(
	act Act, target AccountRef, changes []Change, credentialReplaced, enabledAgain bool,
) PrivilegedAccountUpdated {
	return PrivilegedAccountUpdated{
		base:    privilegedAccountUpdated.Succeeded(act, target),
		changes: changes, credentialReplaced: credentialReplaced, enabledAgain: enabledAgain,
	}
}

// Denied turns the event into a refused attempt.
func (e PrivilegedAccountUpdated) Denied(reason PrivilegedAccountUpdatedReason) PrivilegedAccountUpdated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// DisableMode is how an account was taken out of use.
type DisableMode struct{ word }

// The values of DisableMode.
var (
	DisableModeDisabled = DisableMode{word{"disabled"}}
	DisableModeDeleted  = DisableMode{word{"deleted"}}
)

// Values are the closed list of texts.
func (DisableMode) Values() []string {
	return texts(DisableModeDisabled, DisableModeDeleted)
}

// PrivilegedAccountDisabledReason is a reason of PRIVILEGED_ACCOUNT_DISABLED.
type PrivilegedAccountDisabledReason struct{ word }

// The reasons of PRIVILEGED_ACCOUNT_DISABLED.
var (
	PrivilegedAccountDisabledNotPermitted = PrivilegedAccountDisabledReason{word{"not_permitted"}}
	PrivilegedAccountDisabledInUse        = PrivilegedAccountDisabledReason{word{"in_use"}}
)

// PrivilegedAccountDisabled is emitted when a managed account is taken out of use, by disabling
// or deleting it, so that no check-out or session can start with it.
//
// PRIVILEGED_ACCOUNT_DISABLED, "Privileged Account Disabled".
type PrivilegedAccountDisabled struct {
	base
	mode          DisableMode `meta:"mode"`
	leasesRevoked int         `meta:"leases_revoked"`
	sessionsEnded int         `meta:"sessions_ended"`
}

var privilegedAccountDisabled = define[PrivilegedAccountDisabled](Definition{
	Constant: PRIVILEGED_ACCOUNT_DISABLED, Wire: "Privileged Account Disabled", Category: AccountsSecrets,
	Severity: Warn, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PrivilegedAccountDisabledNotPermitted, PrivilegedAccountDisabledInUse),
	OCSF:       ocsf(3001, 5, "Disable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"change", "admin"}},
	Trigger: "Emitted when a managed account is taken out of use, by disabling or deleting it, so that no " +
		"check-out or session can start with it; not when only one Safe stops using it.",
})

// NewPrivilegedAccountDisabled builds PRIVILEGED_ACCOUNT_DISABLED.
func NewPrivilegedAccountDisabled(
	act Act, target AccountRef, mode DisableMode, leasesRevoked, sessionsEnded int,
) PrivilegedAccountDisabled {
	return PrivilegedAccountDisabled{
		base: privilegedAccountDisabled.Succeeded(act, target),
		mode: mode, leasesRevoked: leasesRevoked, sessionsEnded: sessionsEnded,
	}
}

// Denied turns the event into a refused attempt.
func (e PrivilegedAccountDisabled) Denied(reason PrivilegedAccountDisabledReason) PrivilegedAccountDisabled {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// MFAFactorEnrolledReason is a reason of MFA_FACTOR_ENROLLED.
type MFAFactorEnrolledReason struct{ word }

// The reasons of MFA_FACTOR_ENROLLED.
var (
	MFAFactorEnrolledBadCode      = MFAFactorEnrolledReason{word{"bad_code"}}
	MFAFactorEnrolledNotPermitted = MFAFactorEnrolledReason{word{"not_permitted"}}
	MFAFactorEnrolledMFARequired  = MFAFactorEnrolledReason{word{"mfa_required"}}
	MFAFactorEnrolledFactorLimit  = MFAFactorEnrolledReason{word{"factor_limit"}}
	MFAFactorEnrolledBadAssertion = MFAFactorEnrolledReason{word{"bad_assertion"}}
	MFAFactorEnrolledRegistered   = MFAFactorEnrolledReason{word{"already_registered"}}
)

// MFAFactorEnrolled is emitted when a second factor is confirmed by its first right code or
// assertion and counts from then on.
//
// MFA_FACTOR_ENROLLED, "mfa.factor.enrolled".
type MFAFactorEnrolled struct {
	base
	subjectUserID id.User    `meta:"subject_user_id"`
	factorID      id.Factor  `meta:"factor_id"`
	newMFAMethod  FactorKind `meta:"new_mfa_method"`
	firstFactor   bool       `meta:"first_factor"`
}

var mfaFactorEnrolled = define[MFAFactorEnrolled](Definition{
	Constant: MFA_FACTOR_ENROLLED, Wire: "mfa.factor.enrolled", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		MFAFactorEnrolledBadCode, MFAFactorEnrolledNotPermitted, MFAFactorEnrolledMFARequired,
		MFAFactorEnrolledFactorLimit, MFAFactorEnrolledBadAssertion, MFAFactorEnrolledRegistered,
	),
	OCSF: ocsf(3001, 10, "MFA Factor Enable"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a second factor is confirmed by its first right code or assertion and counts from then " +
		"on; not when its secret is only shown, and not for backup codes (MFA_BACKUP_CODES_GENERATED).",
})

// NewMFAFactorEnrolled builds MFA_FACTOR_ENROLLED.
func NewMFAFactorEnrolled(
	act Act, target TenantRef, subjectUserID id.User, factorID id.Factor, newMFAMethod FactorKind,
	firstFactor bool,
) MFAFactorEnrolled {
	return MFAFactorEnrolled{
		base:          mfaFactorEnrolled.Succeeded(act, target),
		subjectUserID: subjectUserID, factorID: factorID, newMFAMethod: newMFAMethod, firstFactor: firstFactor,
	}
}

// Denied turns the event into a refused attempt.
func (e MFAFactorEnrolled) Denied(reason MFAFactorEnrolledReason) MFAFactorEnrolled {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// MFAFactorRemovedReason is a reason of MFA_FACTOR_REMOVED.
type MFAFactorRemovedReason struct{ word }

// The reasons of MFA_FACTOR_REMOVED.
var (
	MFAFactorRemovedNotPermitted = MFAFactorRemovedReason{word{"not_permitted"}}
	MFAFactorRemovedMFARequired  = MFAFactorRemovedReason{word{"mfa_required"}}
	MFAFactorRemovedLastFactor   = MFAFactorRemovedReason{word{"last_factor"}}
)

// MFAFactorRemoved is emitted when a second factor is taken off a user, by themselves or an
// administrator.
//
// MFA_FACTOR_REMOVED, "mfa.factor.removed".
type MFAFactorRemoved struct {
	base
	subjectUserID id.User    `meta:"subject_user_id"`
	factorID      id.Factor  `meta:"factor_id"`
	newMFAMethod  FactorKind `meta:"new_mfa_method"`
	byAdmin       bool       `meta:"by_admin"`
	sessionsEnded int        `meta:"sessions_ended"`
}

var mfaFactorRemoved = define[MFAFactorRemoved](Definition{
	Constant: MFA_FACTOR_REMOVED, Wire: "mfa.factor.removed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(MFAFactorRemovedNotPermitted, MFAFactorRemovedMFARequired, MFAFactorRemovedLastFactor),
	OCSF:       ocsf(3001, 11, "MFA Factor Disable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a second factor is taken off a user, by themselves or an administrator; not for a " +
		"platform operator's reset by another (PLATFORM_USER_MFA_RESET), and not for factors that a recovery " +
		"replaces (MFA_RECOVERY_COMPLETED).",
})

// NewMFAFactorRemoved builds MFA_FACTOR_REMOVED.
func NewMFAFactorRemoved(
	act Act, target TenantRef, subjectUserID id.User, factorID id.Factor, newMFAMethod FactorKind, byAdmin bool,
	sessionsEnded int,
) MFAFactorRemoved {
	return MFAFactorRemoved{
		base:          mfaFactorRemoved.Succeeded(act, target),
		subjectUserID: subjectUserID, factorID: factorID, newMFAMethod: newMFAMethod, byAdmin: byAdmin,
		sessionsEnded: sessionsEnded,
	}
}

// Denied turns the event into a refused attempt.
func (e MFAFactorRemoved) Denied(reason MFAFactorRemovedReason) MFAFactorRemoved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// MFAFactorRenamed is emitted when a person gives one of their second factors another label.
//
// MFA_FACTOR_RENAMED, "mfa.factor.renamed".
type MFAFactorRenamed struct {
	base
	subjectUserID id.User   `meta:"subject_user_id"`
	factorID      id.Factor `meta:"factor_id"`
	oldName       string    `meta:"old_name"`
	newName       string    `meta:"new_name"`
}

var mfaFactorRenamed = define[MFAFactorRenamed](Definition{
	Constant: MFA_FACTOR_RENAMED, Wire: "mfa.factor.renamed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "MFA Factor Rename"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a person gives one of their second factors another label; not when the label stays as " +
		"it was.",
})

// NewMFAFactorRenamed builds MFA_FACTOR_RENAMED.
func NewMFAFactorRenamed(
	act Act, target TenantRef, subjectUserID id.User, factorID id.Factor, oldName, newName string,
) MFAFactorRenamed {
	return MFAFactorRenamed{
		base:          mfaFactorRenamed.Succeeded(act, target),
		subjectUserID: subjectUserID, factorID: factorID, oldName: oldName, newName: newName,
	}
}

// SSHKeyAddedReason is a reason of SSH_KEY_ADDED.
type SSHKeyAddedReason struct{ word }

// The reasons of SSH_KEY_ADDED.
var (
	SSHKeyAddedNotPermitted      = SSHKeyAddedReason{word{"not_permitted"}}
	SSHKeyAddedMFARequired       = SSHKeyAddedReason{word{"mfa_required"}}
	SSHKeyAddedAlreadyRegistered = SSHKeyAddedReason{word{"already_registered"}}
	SSHKeyAddedWeakKey           = SSHKeyAddedReason{word{"weak_key"}}
	SSHKeyAddedKeyLimit          = SSHKeyAddedReason{word{"key_limit"}}
)

// SSHKeyAdded is emitted when a person's public key is registered, so that it opens the SSH
// gateway for them.
//
// SSH_KEY_ADDED, "ssh_key.added".
type SSHKeyAdded struct {
	base
	subjectUserID  id.User   `meta:"subject_user_id"`
	sshKeyID       id.SSHKey `meta:"ssh_key_id"`
	keyName        string    `meta:"key_name"`
	keyType        string    `meta:"key_type"`
	keyFingerprint string    `meta:"key_fingerprint"`
}

var sshKeyAdded = define[SSHKeyAdded](Definition{
	Constant: SSH_KEY_ADDED, Wire: "ssh_key.added", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		SSHKeyAddedNotPermitted, SSHKeyAddedMFARequired, SSHKeyAddedAlreadyRegistered, SSHKeyAddedWeakKey,
		SSHKeyAddedKeyLimit,
	),
	OCSF: ocsf(3001, 99, "SSH Key Add"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a person's public key is registered, so that it opens the SSH gateway for them; not for" +
		" the keys of privileged accounts (PRIVILEGED_ACCOUNT_*), and not for a certificate of our own " +
		"authority.",
})

// NewSSHKeyAdded builds SSH_KEY_ADDED.
func NewSSHKeyAdded(
	act Act, target TenantRef, subjectUserID id.User, sshKeyID id.SSHKey,
	keyName, keyType, keyFingerprint string,
) SSHKeyAdded {
	return SSHKeyAdded{
		base:          sshKeyAdded.Succeeded(act, target),
		subjectUserID: subjectUserID, sshKeyID: sshKeyID, keyName: keyName, keyType: keyType,
		keyFingerprint: keyFingerprint,
	}
}

// Denied turns the event into a refused attempt.
func (e SSHKeyAdded) Denied(reason SSHKeyAddedReason) SSHKeyAdded {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// SSHKeyRemovedReason is a reason of SSH_KEY_REMOVED.
type SSHKeyRemovedReason struct{ word }

// The reasons of SSH_KEY_REMOVED.
var (
	SSHKeyRemovedNotPermitted = SSHKeyRemovedReason{word{"not_permitted"}}
	SSHKeyRemovedMFARequired  = SSHKeyRemovedReason{word{"mfa_required"}}
)

// SSHKeyRemoved is emitted when a person's registered public key is taken away.
//
// SSH_KEY_REMOVED, "ssh_key.removed".
type SSHKeyRemoved struct {
	base
	subjectUserID  id.User   `meta:"subject_user_id"`
	sshKeyID       id.SSHKey `meta:"ssh_key_id"`
	keyName        string    `meta:"key_name"`
	keyFingerprint string    `meta:"key_fingerprint"`
	byAdmin        bool      `meta:"by_admin"`
}

var sshKeyRemoved = define[SSHKeyRemoved](Definition{
	Constant: SSH_KEY_REMOVED, Wire: "ssh_key.removed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(SSHKeyRemovedNotPermitted, SSHKeyRemovedMFARequired),
	OCSF:       ocsf(3001, 99, "SSH Key Remove"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a person's registered public key is taken away; not when one is only refused at the " +
		"gateway.",
})

// NewSSHKeyRemoved builds SSH_KEY_REMOVED.
func NewSSHKeyRemoved(
	act Act, target TenantRef, subjectUserID id.User, sshKeyID id.SSHKey, keyName, keyFingerprint string,
	byAdmin bool,
) SSHKeyRemoved {
	return SSHKeyRemoved{
		base:          sshKeyRemoved.Succeeded(act, target),
		subjectUserID: subjectUserID, sshKeyID: sshKeyID, keyName: keyName, keyFingerprint: keyFingerprint,
		byAdmin: byAdmin,
	}
}

// Denied turns the event into a refused attempt.
func (e SSHKeyRemoved) Denied(reason SSHKeyRemovedReason) SSHKeyRemoved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PasswordChangedReason is a reason of PASSWORD_CHANGED.
type PasswordChangedReason struct{ word }

// The reasons of PASSWORD_CHANGED.
var (
	PasswordChangedWrongPassword = PasswordChangedReason{word{"wrong_password"}}
	PasswordChangedWeakPassword  = PasswordChangedReason{word{"weak_password"}}
	PasswordChangedNotPermitted  = PasswordChangedReason{word{"not_permitted"}}
	PasswordChangedMFARequired   = PasswordChangedReason{word{"mfa_required"}}
	PasswordChangedRateLimited   = PasswordChangedReason{word{"rate_limited"}}
	PasswordChangedSSORequired   = PasswordChangedReason{word{"sso_required"}}
	PasswordChangedLinkUsed      = PasswordChangedReason{word{"link_used"}}
	PasswordChangedLinkExpired   = PasswordChangedReason{word{"link_expired"}}
)

// PasswordChanged is emitted when a user's own password is set or replaced, or the attempt is
// refused.
//
// PASSWORD_CHANGED, "password.changed".
type PasswordChanged struct {
	base
	subjectUserID id.User   `meta:"subject_user_id"`
	byAdmin       bool      `meta:"by_admin"`
	sessionsEnded int       `meta:"sessions_ended"`
	byLink        opt[bool] `meta:"by_link"`
}

var passwordChanged = define[PasswordChanged](Definition{
	Constant: PASSWORD_CHANGED, Wire: "password.changed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		PasswordChangedWrongPassword, PasswordChangedWeakPassword, PasswordChangedNotPermitted,
		PasswordChangedMFARequired, PasswordChangedRateLimited, PasswordChangedSSORequired, PasswordChangedLinkUsed,
		PasswordChangedLinkExpired,
	),
	OCSF: ocsf(3001, 3, "Password Change"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a user's own password is set or replaced, or the attempt is refused; not for the " +
		"password of a privileged account (CREDENTIAL_ROTATION_*, PRIVILEGED_ACCOUNT_UPDATED).",
})

// NewPasswordChanged builds PASSWORD_CHANGED.
func NewPasswordChanged(
	act Act, target TenantRef, subjectUserID id.User, byAdmin bool, sessionsEnded int,
) PasswordChanged {
	return PasswordChanged{
		base:          passwordChanged.Succeeded(act, target),
		subjectUserID: subjectUserID, byAdmin: byAdmin, sessionsEnded: sessionsEnded,
	}
}

// WithByLink adds by_link.
func (e PasswordChanged) WithByLink(v bool) PasswordChanged {
	e.byLink = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PasswordChanged) Denied(reason PasswordChangedReason) PasswordChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PasswordResetRequestedReason is a reason of PASSWORD_RESET_REQUESTED.
type PasswordResetRequestedReason struct{ word }

// The reasons of PASSWORD_RESET_REQUESTED.
var (
	PasswordResetRequestedUnknownAddress = PasswordResetRequestedReason{word{"unknown_address"}}
	PasswordResetRequestedRateLimited    = PasswordResetRequestedReason{word{"rate_limited"}}
	PasswordResetRequestedSSORequired    = PasswordResetRequestedReason{word{"sso_required"}}
	PasswordResetRequestedSuspended      = PasswordResetRequestedReason{word{"suspended"}}
)

// PasswordResetRequested is emitted when somebody asks for a link that sets a password.
//
// PASSWORD_RESET_REQUESTED, "password.reset_requested".
type PasswordResetRequested struct {
	base
	subjectUserID opt[id.User] `meta:"subject_user_id"`
	claimedUser   opt[string]  `meta:"claimed_user"`
}

var passwordResetRequested = define[PasswordResetRequested](Definition{
	Constant: PASSWORD_RESET_REQUESTED, Wire: "password.reset_requested", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		PasswordResetRequestedUnknownAddress, PasswordResetRequestedRateLimited, PasswordResetRequestedSSORequired,
		PasswordResetRequestedSuspended,
	),
	OCSF: ocsf(3001, 4, "Password Reset"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when somebody asks for a link that sets the password of an address, whether one is mailed or " +
		"not; who asks is told the same in both cases. Not when the link is used (PASSWORD_CHANGED with by_link).",
})

// NewPasswordResetRequested builds PASSWORD_RESET_REQUESTED.
func NewPasswordResetRequested(act Act, target TenantRef) PasswordResetRequested {
	return PasswordResetRequested{base: passwordResetRequested.Succeeded(act, target)}
}

// WithSubjectUserID adds subject_user_id.
func (e PasswordResetRequested) WithSubjectUserID(v id.User) PasswordResetRequested {
	e.subjectUserID = some(v)
	return e
}

// WithClaimedUser adds claimed_user.
func (e PasswordResetRequested) WithClaimedUser(v string) PasswordResetRequested {
	e.claimedUser = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PasswordResetRequested) Denied(reason PasswordResetRequestedReason) PasswordResetRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

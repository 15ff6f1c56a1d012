package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// SignInMethod is the first factor of a sign-in.
type SignInMethod struct{ word }

// The values of SignInMethod.
var (
	SignInMethodPassword       = SignInMethod{word{"password"}}
	SignInMethodSSO            = SignInMethod{word{"sso"}}
	SignInMethodSSHKey         = SignInMethod{word{"ssh_key"}}
	SignInMethodSSHCertificate = SignInMethod{word{"ssh_certificate"}}
)

// Values are the closed list of texts.
func (SignInMethod) Values() []string {
	return texts(SignInMethodPassword, SignInMethodSSO, SignInMethodSSHKey, SignInMethodSSHCertificate)
}

// ParseSignInMethod reads one of the texts of Values.
func ParseSignInMethod(s string) (SignInMethod, error) {
	return parse(s, SignInMethodPassword, SignInMethodSSO, SignInMethodSSHKey, SignInMethodSSHCertificate)
}

// Door is where somebody signs in.
type Door struct{ word }

// The values of Door.
var (
	DoorConsole = Door{word{"console"}}
	DoorAPI     = Door{word{"api"}}
	DoorCLI     = Door{word{"cli"}}
	DoorSSH     = Door{word{"ssh"}}
)

// Values are the closed list of texts.
func (Door) Values() []string {
	return texts(DoorConsole, DoorAPI, DoorCLI, DoorSSH)
}

// ParseDoor reads one of the texts of Values.
func ParseDoor(s string) (Door, error) {
	return parse(s, DoorConsole, DoorAPI, DoorCLI, DoorSSH)
}

// AuthSignInSucceeded is emitted when the first factor of a sign-in is proved, at whichever
// door.
//
// AUTH_SIGN_IN_SUCCEEDED, "auth.sign_in.succeeded".
type AuthSignInSucceeded struct {
	base
	subjectUserID        id.User      `meta:"subject_user_id"`
	signInMethod         SignInMethod `meta:"sign_in_method"`
	door                 Door         `meta:"door"`
	secondFactorDemanded bool         `meta:"second_factor_demanded"`
	keyFingerprint       opt[string]  `meta:"key_fingerprint"`
}

var authSignInSucceeded = define[AuthSignInSucceeded](Definition{
	Constant: AUTH_SIGN_IN_SUCCEEDED, Wire: "auth.sign_in.succeeded", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 1, "Logon"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted when the first factor of a sign-in is proved, at whichever door; not for the second factor, " +
		"which MFA_VERIFICATION_SUCCEEDED tells, and not for a request that shows a session or an API token.",
})

// NewAuthSignInSucceeded builds AUTH_SIGN_IN_SUCCEEDED.
func NewAuthSignInSucceeded(
	act Act, target TenantRef, subjectUserID id.User, signInMethod SignInMethod, door Door,
	secondFactorDemanded bool,
) AuthSignInSucceeded {
	return AuthSignInSucceeded{
		base:          authSignInSucceeded.Succeeded(act, target),
		subjectUserID: subjectUserID, signInMethod: signInMethod, door: door,
		secondFactorDemanded: secondFactorDemanded,
	}
}

// WithKeyFingerprint adds key_fingerprint.
func (e AuthSignInSucceeded) WithKeyFingerprint(v string) AuthSignInSucceeded {
	e.keyFingerprint = some(v)
	return e
}

// AuthSignInFailedReason is a reason of AUTH_SIGN_IN_FAILED.
type AuthSignInFailedReason struct{ word }

// The reasons of AUTH_SIGN_IN_FAILED.
var (
	AuthSignInFailedBadCredentials = AuthSignInFailedReason{word{"bad_credentials"}}
	AuthSignInFailedLocked         = AuthSignInFailedReason{word{"locked"}}
	AuthSignInFailedSuspended      = AuthSignInFailedReason{word{"suspended"}}
	AuthSignInFailedSSORequired    = AuthSignInFailedReason{word{"sso_required"}}
	AuthSignInFailedNotPermitted   = AuthSignInFailedReason{word{"not_permitted"}}
	AuthSignInFailedRateLimited    = AuthSignInFailedReason{word{"rate_limited"}}
)

// AuthSignInFailed is emitted when a sign-in is refused at its first factor, equal refusals of
// one source and name within one minute being folded with a count.
//
// AUTH_SIGN_IN_FAILED, "auth.sign_in.failed".
type AuthSignInFailed struct {
	base
	signInMethod   SignInMethod `meta:"sign_in_method"`
	door           Door         `meta:"door"`
	coalesced      int          `meta:"coalesced"`
	subjectUserID  opt[id.User] `meta:"subject_user_id"`
	claimedUser    opt[string]  `meta:"claimed_user"`
	failedCount    opt[int]     `meta:"failed_count"`
	keyFingerprint opt[string]  `meta:"key_fingerprint"`
}

var authSignInFailed = define[AuthSignInFailed](Definition{
	Constant: AUTH_SIGN_IN_FAILED, Wire: "auth.sign_in.failed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		AuthSignInFailedBadCredentials, AuthSignInFailedLocked, AuthSignInFailedSuspended,
		AuthSignInFailedSSORequired, AuthSignInFailedNotPermitted, AuthSignInFailedRateLimited,
	),
	OCSF: ocsf(3002, 1, "Logon"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted when a sign-in is refused at its first factor, equal refusals of one source and name within " +
		"one minute being folded with a count; not for a wrong second factor (MFA_VERIFICATION_FAILED), and " +
		"the answer to the caller is the same for every reason.",
})

// NewAuthSignInFailed builds AUTH_SIGN_IN_FAILED with outcome failure.
func NewAuthSignInFailed(
	act Act, target TenantRef, reason AuthSignInFailedReason, signInMethod SignInMethod, door Door,
	coalesced int,
) AuthSignInFailed {
	return AuthSignInFailed{
		base:         authSignInFailed.Failed(act, target, reason.text),
		signInMethod: signInMethod, door: door, coalesced: coalesced,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e AuthSignInFailed) WithSubjectUserID(v id.User) AuthSignInFailed {
	e.subjectUserID = some(v)
	return e
}

// WithClaimedUser adds claimed_user.
func (e AuthSignInFailed) WithClaimedUser(v string) AuthSignInFailed {
	e.claimedUser = some(v)
	return e
}

// WithFailedCount adds failed_count.
func (e AuthSignInFailed) WithFailedCount(v int) AuthSignInFailed {
	e.failedCount = some(v)
	return e
}

// WithKeyFingerprint adds key_fingerprint.
func (e AuthSignInFailed) WithKeyFingerprint(v string) AuthSignInFailed {
	e.keyFingerprint = some(v)
	return e
}

// AuthSignedOutReason is a reason of AUTH_SIGNED_OUT.
type AuthSignedOutReason struct{ word }

// The reasons of AUTH_SIGNED_OUT.
var (
	AuthSignedOutByUser          = AuthSignedOutReason{word{"by_user"}}
	AuthSignedOutByAdmin         = AuthSignedOutReason{word{"by_admin"}}
	AuthSignedOutExpired         = AuthSignedOutReason{word{"expired"}}
	AuthSignedOutIdle            = AuthSignedOutReason{word{"idle"}}
	AuthSignedOutPasswordChanged = AuthSignedOutReason{word{"password_changed"}}
	AuthSignedOutRoleChanged     = AuthSignedOutReason{word{"role_changed"}}
	AuthSignedOutSuspended       = AuthSignedOutReason{word{"suspended"}}
)

// AuthSignedOut is emitted when a web session ends, by its user, an administrator or the
// system.
//
// AUTH_SIGNED_OUT, "auth.signed_out".
type AuthSignedOut struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	sessionsEnded int     `meta:"sessions_ended"`
}

var authSignedOut = define[AuthSignedOut](Definition{
	Constant: AUTH_SIGNED_OUT, Wire: "auth.signed_out", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success},
	Reasons: texts(
		AuthSignedOutByUser, AuthSignedOutByAdmin, AuthSignedOutExpired, AuthSignedOutIdle,
		AuthSignedOutPasswordChanged, AuthSignedOutRoleChanged, AuthSignedOutSuspended,
	),
	OCSF: ocsf(3002, 2, "Logoff"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"end"}},
	Trigger: "Emitted when a web session ends, by its user, an administrator or the system; not for sessions that " +
		"a change of factors ends (MFA_SESSIONS_INVALIDATED), and not for privileged sessions " +
		"(SESSION_TERMINATED_*).",
})

// NewAuthSignedOut builds AUTH_SIGNED_OUT.
func NewAuthSignedOut(act Act, target TenantRef, subjectUserID id.User, sessionsEnded int) AuthSignedOut {
	return AuthSignedOut{
		base:          authSignedOut.Succeeded(act, target),
		subjectUserID: subjectUserID, sessionsEnded: sessionsEnded,
	}
}

// Because says which kind of success it is.
func (e AuthSignedOut) Because(reason AuthSignedOutReason) AuthSignedOut {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// LockScope is what a lock keeps out.
type LockScope struct{ word }

// The values of LockScope.
var (
	LockScopeUser   = LockScope{word{"user"}}
	LockScopeSource = LockScope{word{"source"}}
)

// Values are the closed list of texts.
func (LockScope) Values() []string {
	return texts(LockScopeUser, LockScopeSource)
}

// AuthLocked is emitted once when failed sign-ins reach the limit and further ones are refused
// for a time.
//
// AUTH_LOCKED, "auth.locked".
type AuthLocked struct {
	base
	lockScope     LockScope    `meta:"lock_scope"`
	failedCount   int          `meta:"failed_count"`
	lockedUntil   instant      `meta:"locked_until"`
	subjectUserID opt[id.User] `meta:"subject_user_id"`
}

var authLocked = define[AuthLocked](Definition{
	Constant: AUTH_LOCKED, Wire: "auth.locked", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 9, "Lock"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted once when failed sign-ins reach the limit and further ones are refused for a time; not for " +
		"each attempt in that time (AUTH_SIGN_IN_FAILED with reason locked).",
})

// NewAuthLocked builds AUTH_LOCKED.
func NewAuthLocked(
	act Act, target TenantRef, lockScope LockScope, failedCount int, lockedUntil time.Time,
) AuthLocked {
	return AuthLocked{
		base:      authLocked.Succeeded(act, target),
		lockScope: lockScope, failedCount: failedCount, lockedUntil: moment(lockedUntil),
	}
}

// WithSubjectUserID adds subject_user_id.
func (e AuthLocked) WithSubjectUserID(v id.User) AuthLocked {
	e.subjectUserID = some(v)
	return e
}

// MFAFactorEnrolledReason is a reason of MFA_FACTOR_ENROLLED.
type MFAFactorEnrolledReason struct{ word }

// The reasons of MFA_FACTOR_ENROLLED.
var (
	MFAFactorEnrolledBadCode      = MFAFactorEnrolledReason{word{"bad_code"}}
	MFAFactorEnrolledNotPermitted = MFAFactorEnrolledReason{word{"not_permitted"}}
	MFAFactorEnrolledMFARequired  = MFAFactorEnrolledReason{word{"mfa_required"}}
	MFAFactorEnrolledFactorLimit  = MFAFactorEnrolledReason{word{"factor_limit"}}
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
		MFAFactorEnrolledFactorLimit,
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
)

// PasswordChanged is emitted when a user's own password is set or replaced, or the attempt is
// refused.
//
// PASSWORD_CHANGED, "password.changed".
type PasswordChanged struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	byAdmin       bool    `meta:"by_admin"`
	sessionsEnded int     `meta:"sessions_ended"`
}

var passwordChanged = define[PasswordChanged](Definition{
	Constant: PASSWORD_CHANGED, Wire: "password.changed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		PasswordChangedWrongPassword, PasswordChangedWeakPassword, PasswordChangedNotPermitted,
		PasswordChangedMFARequired, PasswordChangedRateLimited,
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

// Denied turns the event into a refused attempt.
func (e PasswordChanged) Denied(reason PasswordChangedReason) PasswordChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

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

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
	SignInMethodPasskey        = SignInMethod{word{"passkey"}}
	SignInMethodDevice         = SignInMethod{word{"device"}} // a device that the person let in from their browser
)

// Values are the closed list of texts.
func (SignInMethod) Values() []string {
	return texts(
		SignInMethodPassword, SignInMethodSSO, SignInMethodSSHKey, SignInMethodSSHCertificate, SignInMethodPasskey, SignInMethodDevice,
	)
}

// ParseSignInMethod reads one of the texts of Values.
func ParseSignInMethod(s string) (SignInMethod, error) {
	return parse(s,
		SignInMethodPassword, SignInMethodSSO, SignInMethodSSHKey, SignInMethodSSHCertificate, SignInMethodPasskey, SignInMethodDevice,
	)
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
	AuthSignedOutByProvider      = AuthSignedOutReason{word{"by_provider"}}
	AuthSignedOutNotPermitted    = AuthSignedOutReason{word{"not_permitted"}}
	AuthSignedOutCopied          = AuthSignedOutReason{word{"copied"}}
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
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		AuthSignedOutByUser, AuthSignedOutByAdmin, AuthSignedOutExpired, AuthSignedOutIdle,
		AuthSignedOutPasswordChanged, AuthSignedOutRoleChanged, AuthSignedOutSuspended, AuthSignedOutByProvider,
		AuthSignedOutNotPermitted, AuthSignedOutCopied,
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

// Denied turns the event into a refused attempt.
func (e AuthSignedOut) Denied(reason AuthSignedOutReason) AuthSignedOut {
	e.base = envelope.Deny(e.base, reason.text)
	return e
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

// DeviceDecision is what a person has answered a device that asked to be let in.
type DeviceDecision struct{ word }

// The values of DeviceDecision.
var (
	DeviceDecisionApproved = DeviceDecision{word{"approved"}}
	DeviceDecisionDenied   = DeviceDecision{word{"denied"}}
)

// Values are the closed list of texts.
func (DeviceDecision) Values() []string {
	return texts(DeviceDecisionApproved, DeviceDecisionDenied)
}

// AuthDeviceDecidedReason is a reason of AUTH_DEVICE_DECIDED.
type AuthDeviceDecidedReason struct{ word }

// The reasons of AUTH_DEVICE_DECIDED.
var (
	AuthDeviceDecidedNotPermitted = AuthDeviceDecidedReason{word{"not_permitted"}}
	AuthDeviceDecidedMFARequired  = AuthDeviceDecidedReason{word{"mfa_required"}}
	AuthDeviceDecidedUnknownCode  = AuthDeviceDecidedReason{word{"unknown_code"}}
)

// AuthDeviceDecided is emitted when a person lets a device that has no browser sign in as them,
// or sends it away.
//
// AUTH_DEVICE_DECIDED, "auth.device.decided".
type AuthDeviceDecided struct {
	base
	subjectUserID  id.User        `meta:"subject_user_id"`
	deviceDecision DeviceDecision `meta:"device_decision"`
	deviceClient   string         `meta:"device_client"`
	deviceAddress  opt[string]    `meta:"device_address"`
}

var authDeviceDecided = define[AuthDeviceDecided](Definition{
	Constant: AUTH_DEVICE_DECIDED, Wire: "auth.device.decided", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(AuthDeviceDecidedNotPermitted, AuthDeviceDecidedMFARequired, AuthDeviceDecidedUnknownCode),
	OCSF:       ocsf(3002, 99, "Decide About Device"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when a person lets a device that has no browser sign in as them, or sends it away; not when " +
		"the device then takes its sign-in, which AUTH_SIGN_IN_SUCCEEDED tells.",
})

// NewAuthDeviceDecided builds AUTH_DEVICE_DECIDED.
func NewAuthDeviceDecided(
	act Act, target TenantRef, subjectUserID id.User, deviceDecision DeviceDecision, deviceClient string,
) AuthDeviceDecided {
	return AuthDeviceDecided{
		base:          authDeviceDecided.Succeeded(act, target),
		subjectUserID: subjectUserID, deviceDecision: deviceDecision, deviceClient: deviceClient,
	}
}

// WithDeviceAddress adds device_address.
func (e AuthDeviceDecided) WithDeviceAddress(v string) AuthDeviceDecided {
	e.deviceAddress = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e AuthDeviceDecided) Denied(reason AuthDeviceDecidedReason) AuthDeviceDecided {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

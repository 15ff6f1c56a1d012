package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// CredentialCheckoutStartedReason is a reason of CREDENTIAL_CHECKOUT_STARTED.
type CredentialCheckoutStartedReason struct{ word }

// The reasons of CREDENTIAL_CHECKOUT_STARTED.
var (
	CredentialCheckoutStartedNoApproval         = CredentialCheckoutStartedReason{word{"no_approval"}}
	CredentialCheckoutStartedMFARequired        = CredentialCheckoutStartedReason{word{"mfa_required"}}
	CredentialCheckoutStartedOutsideValidHours  = CredentialCheckoutStartedReason{word{"outside_valid_hours"}}
	CredentialCheckoutStartedExclusiveLeaseHeld = CredentialCheckoutStartedReason{word{"exclusive_lease_held"}}
	CredentialCheckoutStartedAccountDisabled    = CredentialCheckoutStartedReason{word{"account_disabled"}}
	CredentialCheckoutStartedNotAMember         = CredentialCheckoutStartedReason{word{"not_a_member"}}
)

// CredentialCheckoutStarted is emitted when the broker decides on a check-out, with success
// when approval, MFA and hours are satisfied and the lease is opened before the credential is
// fetched, and denied when they are not.
//
// CREDENTIAL_CHECKOUT_STARTED, "Credential Check-out Started".
type CredentialCheckoutStarted struct {
	base
	checkoutID      opt[id.Checkout]  `meta:"checkout_id"`
	safeID          id.Safe           `meta:"safe_id"`
	accessRequestID opt[id.AccessReq] `meta:"access_request_id"`
	exclusive       bool              `meta:"exclusive"`
	expiresAt       opt[instant]      `meta:"expires_at"`
	credentialKind  CredentialKind    `meta:"credential_kind"`
}

var credentialCheckoutStarted = define[CredentialCheckoutStarted](Definition{
	Constant: CREDENTIAL_CHECKOUT_STARTED, Wire: "Credential Check-out Started", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		CredentialCheckoutStartedNoApproval, CredentialCheckoutStartedMFARequired,
		CredentialCheckoutStartedOutsideValidHours, CredentialCheckoutStartedExclusiveLeaseHeld,
		CredentialCheckoutStartedAccountDisabled, CredentialCheckoutStartedNotAMember,
	),
	OCSF: ocsf(3005, 99, "Begin Check-out"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the broker decides on a check-out, with success when approval, MFA and hours are " +
		"satisfied and the lease is opened before the credential is fetched, and denied when they are not; " +
		"not for a session in which a gateway injects the credential unseen.",
})

// NewCredentialCheckoutStarted builds CREDENTIAL_CHECKOUT_STARTED.
func NewCredentialCheckoutStarted(
	act Act, target AccountRef, safeID id.Safe, exclusive bool, credentialKind CredentialKind,
) CredentialCheckoutStarted {
	return CredentialCheckoutStarted{
		base:   credentialCheckoutStarted.Succeeded(act, target),
		safeID: safeID, exclusive: exclusive, credentialKind: credentialKind,
	}
}

// WithCheckoutID adds checkout_id.
func (e CredentialCheckoutStarted) WithCheckoutID(v id.Checkout) CredentialCheckoutStarted {
	e.checkoutID = some(v)
	return e
}

// WithAccessRequestID adds access_request_id.
func (e CredentialCheckoutStarted) WithAccessRequestID(v id.AccessReq) CredentialCheckoutStarted {
	e.accessRequestID = some(v)
	return e
}

// WithExpiresAt adds expires_at.
func (e CredentialCheckoutStarted) WithExpiresAt(v time.Time) CredentialCheckoutStarted {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e CredentialCheckoutStarted) Denied(reason CredentialCheckoutStartedReason) CredentialCheckoutStarted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// CredentialCheckoutCompletedReason is a reason of CREDENTIAL_CHECKOUT_COMPLETED.
type CredentialCheckoutCompletedReason struct{ word }

// The reasons of CREDENTIAL_CHECKOUT_COMPLETED.
var (
	CredentialCheckoutCompletedSecretStoreUnavailable = CredentialCheckoutCompletedReason{word{"secret_store_unavailable"}}
	CredentialCheckoutCompletedMintFailed             = CredentialCheckoutCompletedReason{word{"mint_failed"}}
	CredentialCheckoutCompletedLeaseCancelled         = CredentialCheckoutCompletedReason{word{"lease_cancelled"}}
)

// CredentialCheckoutCompleted is emitted when the credential of an opened lease has been handed
// to its holder, or with failure when it could not be fetched or minted and the lease was
// closed.
//
// CREDENTIAL_CHECKOUT_COMPLETED, "Credential Check-out Completed".
type CredentialCheckoutCompleted struct {
	base
	checkoutID    id.Checkout  `meta:"checkout_id"`
	safeID        id.Safe      `meta:"safe_id"`
	secretVersion opt[int]     `meta:"secret_version"`
	jitUsername   opt[string]  `meta:"jit_username"`
	expiresAt     opt[instant] `meta:"expires_at"`
}

var credentialCheckoutCompleted = define[CredentialCheckoutCompleted](Definition{
	Constant: CREDENTIAL_CHECKOUT_COMPLETED, Wire: "Credential Check-out Completed", Category: AccountsSecrets,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		CredentialCheckoutCompletedSecretStoreUnavailable, CredentialCheckoutCompletedMintFailed,
		CredentialCheckoutCompletedLeaseCancelled,
	),
	OCSF: ocsf(3005, 1, "Assign Privileges"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when the credential of an opened lease has been handed to its holder, or with failure when " +
		"it could not be fetched or minted and the lease was closed; not at each later reveal within the same" +
		" lease (SECRET_ACCESSED).",
})

// NewCredentialCheckoutCompleted builds CREDENTIAL_CHECKOUT_COMPLETED.
func NewCredentialCheckoutCompleted(
	act Act, target AccountRef, checkoutID id.Checkout, safeID id.Safe,
) CredentialCheckoutCompleted {
	return CredentialCheckoutCompleted{
		base:       credentialCheckoutCompleted.Succeeded(act, target),
		checkoutID: checkoutID, safeID: safeID,
	}
}

// WithSecretVersion adds secret_version.
func (e CredentialCheckoutCompleted) WithSecretVersion(v int) CredentialCheckoutCompleted {
	e.secretVersion = some(v)
	return e
}

// WithJITUsername adds jit_username.
func (e CredentialCheckoutCompleted) WithJITUsername(v string) CredentialCheckoutCompleted {
	e.jitUsername = some(v)
	return e
}

// WithExpiresAt adds expires_at.
func (e CredentialCheckoutCompleted) WithExpiresAt(v time.Time) CredentialCheckoutCompleted {
	e.expiresAt = some(moment(v))
	return e
}

// Failed turns the event into an attempt that did not work.
func (e CredentialCheckoutCompleted) Failed(reason CredentialCheckoutCompletedReason) CredentialCheckoutCompleted {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// LeaseEnd is what ended a check-out.
type LeaseEnd struct{ word }

// The values of LeaseEnd.
var (
	LeaseEndHolder          = LeaseEnd{word{"holder"}}
	LeaseEndAdmin           = LeaseEnd{word{"admin"}}
	LeaseEndExpiry          = LeaseEnd{word{"expiry"}}
	LeaseEndAccountDisabled = LeaseEnd{word{"account_disabled"}}
)

// Values are the closed list of texts.
func (LeaseEnd) Values() []string {
	return texts(LeaseEndHolder, LeaseEndAdmin, LeaseEndExpiry, LeaseEndAccountDisabled)
}

// CredentialCheckinCompleted is emitted when a check-out lease ends, by its holder's return, an
// administrator's order or its end time, and its JIT credential, if any, is revoked.
//
// CREDENTIAL_CHECKIN_COMPLETED, "Credential Check-in Completed".
type CredentialCheckinCompleted struct {
	base
	checkoutID        id.Checkout `meta:"checkout_id"`
	safeID            id.Safe     `meta:"safe_id"`
	endedBy           LeaseEnd    `meta:"ended_by"`
	held              seconds     `meta:"held_seconds"`
	jitRevoked        bool        `meta:"jit_revoked"`
	rotationScheduled bool        `meta:"rotation_scheduled"`
}

var credentialCheckinCompleted = define[CredentialCheckinCompleted](Definition{
	Constant: CREDENTIAL_CHECKIN_COMPLETED, Wire: "Credential Check-in Completed", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{User, TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3005, 2, "Revoke Privileges"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a check-out lease ends, by its holder's return, an administrator's order or its end " +
		"time, and its JIT credential, if any, is revoked; not at the rotation that may follow.",
})

// NewCredentialCheckinCompleted builds CREDENTIAL_CHECKIN_COMPLETED.
func NewCredentialCheckinCompleted(
	act Act, target AccountRef, checkoutID id.Checkout, safeID id.Safe, endedBy LeaseEnd, held time.Duration,
	jitRevoked, rotationScheduled bool,
) CredentialCheckinCompleted {
	return CredentialCheckinCompleted{
		base:       credentialCheckinCompleted.Succeeded(act, target),
		checkoutID: checkoutID, safeID: safeID, endedBy: endedBy, held: seconds(held), jitRevoked: jitRevoked,
		rotationScheduled: rotationScheduled,
	}
}

// RotationTrigger is what started a rotation of a credential.
type RotationTrigger struct{ word }

// The values of RotationTrigger.
var (
	RotationTriggerSchedule = RotationTrigger{word{"schedule"}}
	RotationTriggerCheckin  = RotationTrigger{word{"checkin"}}
	RotationTriggerManual   = RotationTrigger{word{"manual"}}
	RotationTriggerPolicy   = RotationTrigger{word{"policy"}}
	RotationTriggerIncident = RotationTrigger{word{"incident"}}
)

// Values are the closed list of texts.
func (RotationTrigger) Values() []string {
	return texts(RotationTriggerSchedule, RotationTriggerCheckin, RotationTriggerManual, RotationTriggerPolicy, RotationTriggerIncident)
}

// CredentialRotationStartedReason is a reason of CREDENTIAL_ROTATION_STARTED.
type CredentialRotationStartedReason struct{ word }

// The reasons of CREDENTIAL_ROTATION_STARTED.
var (
	CredentialRotationStartedNotPermitted = CredentialRotationStartedReason{word{"not_permitted"}}
)

// CredentialRotationStarted is emitted when a rotation job takes an account and begins to
// change its credential on the target system.
//
// CREDENTIAL_ROTATION_STARTED, "Credential Rotation Started".
type CredentialRotationStarted struct {
	base
	rotationID     id.Rotation       `meta:"rotation_id"`
	triggerKind    RotationTrigger   `meta:"trigger_kind"`
	credentialKind CredentialKind    `meta:"credential_kind"`
	connectorID    opt[id.Connector] `meta:"connector_id"`
	attempt        int               `meta:"attempt"`
}

var credentialRotationStarted = define[CredentialRotationStarted](Definition{
	Constant: CREDENTIAL_ROTATION_STARTED, Wire: "Credential Rotation Started", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{User, TenantAdmin, ServiceAccount, Connector, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(CredentialRotationStartedNotPermitted),
	OCSF:       ocsf(3001, 99, "Start Rotation"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when a rotation job takes an account and begins to change its credential on the target " +
		"system; not when a rotation is only scheduled or queued.",
})

// NewCredentialRotationStarted builds CREDENTIAL_ROTATION_STARTED.
func NewCredentialRotationStarted(
	act Act, target AccountRef, rotationID id.Rotation, triggerKind RotationTrigger,
	credentialKind CredentialKind, attempt int,
) CredentialRotationStarted {
	return CredentialRotationStarted{
		base:       credentialRotationStarted.Succeeded(act, target),
		rotationID: rotationID, triggerKind: triggerKind, credentialKind: credentialKind, attempt: attempt,
	}
}

// WithConnectorID adds connector_id.
func (e CredentialRotationStarted) WithConnectorID(v id.Connector) CredentialRotationStarted {
	e.connectorID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e CredentialRotationStarted) Denied(reason CredentialRotationStartedReason) CredentialRotationStarted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// CredentialRotationCompleted is emitted when the new credential has been set on the target
// system, proved by a sign-in with it, and stored as the current version.
//
// CREDENTIAL_ROTATION_COMPLETED, "Credential Rotation Completed".
type CredentialRotationCompleted struct {
	base
	rotationID          id.Rotation `meta:"rotation_id"`
	secretVersion       int         `meta:"secret_version"`
	attempt             int         `meta:"attempt"`
	duration            millis      `meta:"duration_ms"`
	oldVersionDestroyed bool        `meta:"old_version_destroyed"`
}

var credentialRotationCompleted = define[CredentialRotationCompleted](Definition{
	Constant: CREDENTIAL_ROTATION_COMPLETED, Wire: "Credential Rotation Completed", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 3, "Password Change"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"change", "admin"}},
	Trigger: "Emitted when the new credential has been set on the target system, proved by a sign-in with it, and " +
		"stored as the current version; not before that proof.",
})

// NewCredentialRotationCompleted builds CREDENTIAL_ROTATION_COMPLETED.
func NewCredentialRotationCompleted(
	act Act, target AccountRef, rotationID id.Rotation, secretVersion, attempt int, duration time.Duration,
	oldVersionDestroyed bool,
) CredentialRotationCompleted {
	return CredentialRotationCompleted{
		base:       credentialRotationCompleted.Succeeded(act, target),
		rotationID: rotationID, secretVersion: secretVersion, attempt: attempt, duration: millis(duration),
		oldVersionDestroyed: oldVersionDestroyed,
	}
}

// TargetState is the state in which a failed rotation left its target.
type TargetState struct{ word }

// The values of TargetState.
var (
	TargetStateUnchanged         = TargetState{word{"unchanged"}}
	TargetStateChangedUnverified = TargetState{word{"changed_unverified"}}
	TargetStateUnknown           = TargetState{word{"unknown"}}
)

// Values are the closed list of texts.
func (TargetState) Values() []string {
	return texts(TargetStateUnchanged, TargetStateChangedUnverified, TargetStateUnknown)
}

// CredentialRotationFailedReason is a reason of CREDENTIAL_ROTATION_FAILED.
type CredentialRotationFailedReason struct{ word }

// The reasons of CREDENTIAL_ROTATION_FAILED.
var (
	CredentialRotationFailedTargetUnreachable      = CredentialRotationFailedReason{word{"target_unreachable"}}
	CredentialRotationFailedAuthFailed             = CredentialRotationFailedReason{word{"auth_failed"}}
	CredentialRotationFailedTargetPolicyRejected   = CredentialRotationFailedReason{word{"target_policy_rejected"}}
	CredentialRotationFailedVerificationFailed     = CredentialRotationFailedReason{word{"verification_failed"}}
	CredentialRotationFailedSecretStoreUnavailable = CredentialRotationFailedReason{word{"secret_store_unavailable"}}
	CredentialRotationFailedConnectorLost          = CredentialRotationFailedReason{word{"connector_lost"}}
)

// CredentialRotationFailed is emitted when a rotation attempt ends without a proved new
// credential, saying in what state the target was left.
//
// CREDENTIAL_ROTATION_FAILED, "Credential Rotation Failed".
type CredentialRotationFailed struct {
	base
	rotationID    id.Rotation  `meta:"rotation_id"`
	attempt       int          `meta:"attempt"`
	targetState   TargetState  `meta:"target_state"`
	nextAttemptAt opt[instant] `meta:"next_attempt_at"`
}

var credentialRotationFailed = define[CredentialRotationFailed](Definition{
	Constant: CREDENTIAL_ROTATION_FAILED, Wire: "Credential Rotation Failed", Category: AccountsSecrets,
	Severity: Error, TargetType: TargetAccount, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		CredentialRotationFailedTargetUnreachable, CredentialRotationFailedAuthFailed,
		CredentialRotationFailedTargetPolicyRejected, CredentialRotationFailedVerificationFailed,
		CredentialRotationFailedSecretStoreUnavailable, CredentialRotationFailedConnectorLost,
	),
	OCSF: ocsf(3001, 3, "Password Change"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"change", "admin"}},
	Trigger: "Emitted when a rotation attempt ends without a proved new credential, saying in what state the " +
		"target was left; not while a retry within the same attempt is still under way.",
})

// NewCredentialRotationFailed builds CREDENTIAL_ROTATION_FAILED with outcome failure.
func NewCredentialRotationFailed(
	act Act, target AccountRef, reason CredentialRotationFailedReason, rotationID id.Rotation, attempt int,
	targetState TargetState,
) CredentialRotationFailed {
	return CredentialRotationFailed{
		base:       credentialRotationFailed.Failed(act, target, reason.text),
		rotationID: rotationID, attempt: attempt, targetState: targetState,
	}
}

// WithNextAttemptAt adds next_attempt_at.
func (e CredentialRotationFailed) WithNextAttemptAt(v time.Time) CredentialRotationFailed {
	e.nextAttemptAt = some(moment(v))
	return e
}

// SecretAccessMode is the way a secret left the vault.
type SecretAccessMode struct{ word }

// The values of SecretAccessMode.
var (
	SecretAccessModeReveal    = SecretAccessMode{word{"reveal"}}
	SecretAccessModeCopy      = SecretAccessMode{word{"copy"}}
	SecretAccessModeAPIRead   = SecretAccessMode{word{"api_read"}}
	SecretAccessModeInjection = SecretAccessMode{word{"injection"}}
	SecretAccessModeRotation  = SecretAccessMode{word{"rotation"}}
)

// Values are the closed list of texts.
func (SecretAccessMode) Values() []string {
	return texts(SecretAccessModeReveal, SecretAccessModeCopy, SecretAccessModeAPIRead, SecretAccessModeInjection, SecretAccessModeRotation)
}

// SecretAccessedReason is a reason of SECRET_ACCESSED.
type SecretAccessedReason struct{ word }

// The reasons of SECRET_ACCESSED.
var (
	SecretAccessedNoLease                = SecretAccessedReason{word{"no_lease"}}
	SecretAccessedLeaseExpired           = SecretAccessedReason{word{"lease_expired"}}
	SecretAccessedNotPermitted           = SecretAccessedReason{word{"not_permitted"}}
	SecretAccessedSecretStoreUnavailable = SecretAccessedReason{word{"secret_store_unavailable"}}
)

// SecretAccessed is emitted each time a secret payload leaves the vault layer in the clear,
// whether shown or copied by a holder, read by an API token, or handed to a gateway or rotation
// job, with metadata only.
//
// SECRET_ACCESSED, "Secret Accessed (Metadata-only)".
type SecretAccessed struct {
	base
	accountID        id.Account       `meta:"account_id"`
	secretVersion    opt[int]         `meta:"secret_version"`
	secretAccessMode SecretAccessMode `meta:"secret_access_mode"`
	checkoutID       opt[id.Checkout] `meta:"checkout_id"`
	safeID           opt[id.Safe]     `meta:"safe_id"`
	fieldNames       []string         `meta:"field_names"`
}

var secretAccessed = define[SecretAccessed](Definition{
	Constant: SECRET_ACCESSED, Wire: "Secret Accessed (Metadata-only)", Category: AccountsSecrets,
	Severity: Info, TargetType: TargetSecret, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount, Connector, System},
	Outcomes:   []Outcome{Success, Failure, Denied},
	Reasons: texts(
		SecretAccessedNoLease, SecretAccessedLeaseExpired, SecretAccessedNotPermitted,
		SecretAccessedSecretStoreUnavailable,
	),
	OCSF: ocsf(3004, 2, "Read"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger: "Emitted each time a secret payload leaves the vault layer in the clear, whether shown or copied by a" +
		" holder, read by an API token, or handed to a gateway or rotation job, with metadata only; not when " +
		"only a secret's name, version or policy is read.",
})

// NewSecretAccessed builds SECRET_ACCESSED.
func NewSecretAccessed(
	act Act, target SecretRef, accountID id.Account, secretAccessMode SecretAccessMode, fieldNames []string,
) SecretAccessed {
	return SecretAccessed{
		base:      secretAccessed.Succeeded(act, target),
		accountID: accountID, secretAccessMode: secretAccessMode, fieldNames: fieldNames,
	}
}

// WithSecretVersion adds secret_version.
func (e SecretAccessed) WithSecretVersion(v int) SecretAccessed {
	e.secretVersion = some(v)
	return e
}

// WithCheckoutID adds checkout_id.
func (e SecretAccessed) WithCheckoutID(v id.Checkout) SecretAccessed {
	e.checkoutID = some(v)
	return e
}

// WithSafeID adds safe_id.
func (e SecretAccessed) WithSafeID(v id.Safe) SecretAccessed {
	e.safeID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e SecretAccessed) Denied(reason SecretAccessedReason) SecretAccessed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e SecretAccessed) Failed(reason SecretAccessedReason) SecretAccessed {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/id"
)

// MFAPurpose is what a second factor was demanded for.
type MFAPurpose struct{ word }

// The values of MFAPurpose.
var (
	MFAPurposeSignIn          = MFAPurpose{word{"sign_in"}}
	MFAPurposeStepUp          = MFAPurpose{word{"step_up"}}
	MFAPurposeSensitiveAction = MFAPurpose{word{"sensitive_action"}}
)

// Values are the closed list of texts.
func (MFAPurpose) Values() []string {
	return texts(MFAPurposeSignIn, MFAPurposeStepUp, MFAPurposeSensitiveAction)
}

// ParseMFAPurpose reads one of the texts of Values.
func ParseMFAPurpose(s string) (MFAPurpose, error) {
	return parse(s, MFAPurposeSignIn, MFAPurposeStepUp, MFAPurposeSensitiveAction)
}

// MFAChallengeTriggered is emitted when a sign-in, a step-up rule of a Safe policy or a
// sensitive action makes the product demand a second factor and a challenge is stored.
//
// MFA_CHALLENGE_TRIGGERED, "MFA Challenge Triggered".
type MFAChallengeTriggered struct {
	base
	subjectUserID  id.User      `meta:"subject_user_id"`
	challengeID    id.Challenge `meta:"challenge_id"`
	mfaPurpose     MFAPurpose   `meta:"mfa_purpose"`
	methodsOffered []string     `meta:"methods_offered"`
	safeID         opt[id.Safe] `meta:"safe_id"`
}

var mfaChallengeTriggered = define[MFAChallengeTriggered](Definition{
	Constant: MFA_CHALLENGE_TRIGGERED, Wire: "MFA Challenge Triggered", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 6, "Preauth"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when a sign-in, a step-up rule of a Safe policy or a sensitive action makes the product " +
		"demand a second factor and a challenge is stored; not when an earlier verification within its " +
		"freshness window satisfies the demand.",
})

// NewMFAChallengeTriggered builds MFA_CHALLENGE_TRIGGERED.
func NewMFAChallengeTriggered(
	act Act, target TenantRef, subjectUserID id.User, challengeID id.Challenge, mfaPurpose MFAPurpose,
	methodsOffered []string,
) MFAChallengeTriggered {
	return MFAChallengeTriggered{
		base:          mfaChallengeTriggered.Succeeded(act, target),
		subjectUserID: subjectUserID, challengeID: challengeID, mfaPurpose: mfaPurpose,
		methodsOffered: methodsOffered,
	}
}

// WithSafeID adds safe_id.
func (e MFAChallengeTriggered) WithSafeID(v id.Safe) MFAChallengeTriggered {
	e.safeID = some(v)
	return e
}

// MFAMethod is a way to answer an MFA challenge.
type MFAMethod struct{ word }

// The values of MFAMethod.
var (
	MFAMethodTOTP       = MFAMethod{word{"totp"}}
	MFAMethodWebAuthn   = MFAMethod{word{"webauthn"}}
	MFAMethodBackupCode = MFAMethod{word{"backup_code"}}
)

// Values are the closed list of texts.
func (MFAMethod) Values() []string {
	return texts(MFAMethodTOTP, MFAMethodWebAuthn, MFAMethodBackupCode)
}

// ParseMFAMethod reads one of the texts of Values.
func ParseMFAMethod(s string) (MFAMethod, error) {
	return parse(s, MFAMethodTOTP, MFAMethodWebAuthn, MFAMethodBackupCode)
}

// MFAVerificationSucceeded is emitted when the response to an MFA challenge (TOTP, WebAuthn or
// backup code) verifies.
//
// MFA_VERIFICATION_SUCCEEDED, "MFA Verification Succeeded".
type MFAVerificationSucceeded struct {
	base
	subjectUserID id.User        `meta:"subject_user_id"`
	challengeID   id.Challenge   `meta:"challenge_id"`
	mfaMethod     MFAMethod      `meta:"mfa_method"`
	mfaPurpose    MFAPurpose     `meta:"mfa_purpose"`
	credentialID  opt[id.Factor] `meta:"credential_id"`
	userVerified  opt[bool]      `meta:"user_verified"`
}

var mfaVerificationSucceeded = define[MFAVerificationSucceeded](Definition{
	Constant: MFA_VERIFICATION_SUCCEEDED, Wire: "MFA Verification Succeeded", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 1, "Logon"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted when the response to an MFA challenge (TOTP, WebAuthn or backup code) verifies; not for " +
		"enrolling a factor, and not for the SMS codes of PHONE_VERIFICATION_*.",
})

// NewMFAVerificationSucceeded builds MFA_VERIFICATION_SUCCEEDED.
func NewMFAVerificationSucceeded(
	act Act, target TenantRef, subjectUserID id.User, challengeID id.Challenge, mfaMethod MFAMethod,
	mfaPurpose MFAPurpose,
) MFAVerificationSucceeded {
	return MFAVerificationSucceeded{
		base:          mfaVerificationSucceeded.Succeeded(act, target),
		subjectUserID: subjectUserID, challengeID: challengeID, mfaMethod: mfaMethod, mfaPurpose: mfaPurpose,
	}
}

// WithCredentialID adds credential_id.
func (e MFAVerificationSucceeded) WithCredentialID(v id.Factor) MFAVerificationSucceeded {
	e.credentialID = some(v)
	return e
}

// WithUserVerified adds user_verified.
func (e MFAVerificationSucceeded) WithUserVerified(v bool) MFAVerificationSucceeded {
	e.userVerified = some(v)
	return e
}

// MFAVerificationFailedReason is a reason of MFA_VERIFICATION_FAILED.
type MFAVerificationFailedReason struct{ word }

// The reasons of MFA_VERIFICATION_FAILED.
var (
	MFAVerificationFailedBadCode           = MFAVerificationFailedReason{word{"bad_code"}}
	MFAVerificationFailedCodeReplayed      = MFAVerificationFailedReason{word{"code_replayed"}}
	MFAVerificationFailedBadAssertion      = MFAVerificationFailedReason{word{"bad_assertion"}}
	MFAVerificationFailedCounterRegressed  = MFAVerificationFailedReason{word{"counter_regressed"}}
	MFAVerificationFailedUnknownCredential = MFAVerificationFailedReason{word{"unknown_credential"}}
	MFAVerificationFailedChallengeExpired  = MFAVerificationFailedReason{word{"challenge_expired"}}
	MFAVerificationFailedLockedOut         = MFAVerificationFailedReason{word{"locked_out"}}
)

// MFAVerificationFailed is emitted for each response to an MFA challenge that does not verify,
// with the running count for that challenge.
//
// MFA_VERIFICATION_FAILED, "MFA Verification Failed".
type MFAVerificationFailed struct {
	base
	subjectUserID id.User      `meta:"subject_user_id"`
	challengeID   id.Challenge `meta:"challenge_id"`
	mfaMethod     MFAMethod    `meta:"mfa_method"`
	mfaPurpose    MFAPurpose   `meta:"mfa_purpose"`
	failedCount   int          `meta:"failed_count"`
	lockedOut     bool         `meta:"locked_out"`
}

var mfaVerificationFailed = define[MFAVerificationFailed](Definition{
	Constant: MFA_VERIFICATION_FAILED, Wire: "MFA Verification Failed", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		MFAVerificationFailedBadCode, MFAVerificationFailedCodeReplayed, MFAVerificationFailedBadAssertion,
		MFAVerificationFailedCounterRegressed, MFAVerificationFailedUnknownCredential,
		MFAVerificationFailedChallengeExpired, MFAVerificationFailedLockedOut,
	),
	OCSF: ocsf(3002, 1, "Logon"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted for each response to an MFA challenge that does not verify, with the running count for that " +
		"challenge; not for a challenge that lapses without any response.",
})

// NewMFAVerificationFailed builds MFA_VERIFICATION_FAILED with outcome failure.
func NewMFAVerificationFailed(
	act Act, target TenantRef, reason MFAVerificationFailedReason, subjectUserID id.User,
	challengeID id.Challenge, mfaMethod MFAMethod, mfaPurpose MFAPurpose, failedCount int, lockedOut bool,
) MFAVerificationFailed {
	return MFAVerificationFailed{
		base:          mfaVerificationFailed.Failed(act, target, reason.text),
		subjectUserID: subjectUserID, challengeID: challengeID, mfaMethod: mfaMethod, mfaPurpose: mfaPurpose,
		failedCount: failedCount, lockedOut: lockedOut,
	}
}

// InvalidationCause is the change of a user's factors that ended their sessions.
type InvalidationCause struct{ word }

// The values of InvalidationCause.
var (
	InvalidationCauseFactorRemoved     = InvalidationCause{word{"factor_removed"}}
	InvalidationCauseFactorReset       = InvalidationCause{word{"factor_reset"}}
	InvalidationCauseRecoveryCompleted = InvalidationCause{word{"recovery_completed"}}
)

// Values are the closed list of texts.
func (InvalidationCause) Values() []string {
	return texts(InvalidationCauseFactorRemoved, InvalidationCauseFactorReset, InvalidationCauseRecoveryCompleted)
}

// MFASessionsInvalidated is emitted once per act when a change of a user's MFA state (factor
// removed or reset, recovery completed) makes the product end that user's signed-in sessions
// and tokens.
//
// MFA_SESSIONS_INVALIDATED, "MFA Sessions Invalidated".
type MFASessionsInvalidated struct {
	base
	subjectUserID     id.User           `meta:"subject_user_id"`
	invalidationCause InvalidationCause `meta:"invalidation_cause"`
	sessionsEnded     int               `meta:"sessions_ended"`
	tokensRevoked     int               `meta:"tokens_revoked"`
	causedBy          id.Event          `meta:"caused_by"`
}

var mfaSessionsInvalidated = define[MFASessionsInvalidated](Definition{
	Constant: MFA_SESSIONS_INVALIDATED, Wire: "MFA Sessions Invalidated", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 2, "Logoff"),
	ECS:        ECS{Category: []string{"session"}, Type: []string{"end"}},
	Trigger: "Emitted once per act when a change of a user's MFA state (factor removed or reset, recovery " +
		"completed) makes the product end that user's signed-in sessions and tokens; not for an ordinary " +
		"sign-out, and not for privileged sessions, whose end SESSION_TERMINATED_BY_SYSTEM tells.",
})

// NewMFASessionsInvalidated builds MFA_SESSIONS_INVALIDATED.
func NewMFASessionsInvalidated(
	act Act, target TenantRef, subjectUserID id.User, invalidationCause InvalidationCause,
	sessionsEnded, tokensRevoked int, causedBy id.Event,
) MFASessionsInvalidated {
	return MFASessionsInvalidated{
		base:          mfaSessionsInvalidated.Succeeded(act, target),
		subjectUserID: subjectUserID, invalidationCause: invalidationCause, sessionsEnded: sessionsEnded,
		tokensRevoked: tokensRevoked, causedBy: causedBy,
	}
}

// MFABackupCodesGenerated is emitted when a user's first set of backup codes is created at MFA
// enrolment.
//
// MFA_BACKUP_CODES_GENERATED, "mfa.backup_codes.generated".
type MFABackupCodesGenerated struct {
	base
	subjectUserID id.User    `meta:"subject_user_id"`
	setID         id.CodeSet `meta:"set_id"`
	codeCount     int        `meta:"code_count"`
}

var mfaBackupCodesGenerated = define[MFABackupCodesGenerated](Definition{
	Constant: MFA_BACKUP_CODES_GENERATED, Wire: "mfa.backup_codes.generated", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSecret, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 10, "MFA Factor Enable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a user's first set of backup codes is created at MFA enrolment; not when an existing " +
		"set is replaced (MFA_BACKUP_CODES_REGENERATED).",
})

// NewMFABackupCodesGenerated builds MFA_BACKUP_CODES_GENERATED.
func NewMFABackupCodesGenerated(
	act Act, target SecretRef, subjectUserID id.User, setID id.CodeSet, codeCount int,
) MFABackupCodesGenerated {
	return MFABackupCodesGenerated{
		base:          mfaBackupCodesGenerated.Succeeded(act, target),
		subjectUserID: subjectUserID, setID: setID, codeCount: codeCount,
	}
}

// MFABackupCodesUsed is emitted when one backup code is accepted and burned in place of a
// factor, in the same transaction as MFA_VERIFICATION_SUCCEEDED with mfa_method backup_code.
//
// MFA_BACKUP_CODES_USED, "mfa.backup_codes.used".
type MFABackupCodesUsed struct {
	base
	subjectUserID id.User      `meta:"subject_user_id"`
	setID         id.CodeSet   `meta:"set_id"`
	challengeID   id.Challenge `meta:"challenge_id"`
	codesLeft     int          `meta:"codes_left"`
}

var mfaBackupCodesUsed = define[MFABackupCodesUsed](Definition{
	Constant: MFA_BACKUP_CODES_USED, Wire: "mfa.backup_codes.used", Category: IdentityAccessSharing,
	Severity: Warn, TargetType: TargetSecret, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 99, "Use Backup Code"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when one backup code is accepted and burned in place of a factor, in the same transaction as" +
		" MFA_VERIFICATION_SUCCEEDED with mfa_method backup_code; not for a wrong or spent code, which is " +
		"MFA_VERIFICATION_FAILED.",
})

// NewMFABackupCodesUsed builds MFA_BACKUP_CODES_USED.
func NewMFABackupCodesUsed(
	act Act, target SecretRef, subjectUserID id.User, setID id.CodeSet, challengeID id.Challenge, codesLeft int,
) MFABackupCodesUsed {
	return MFABackupCodesUsed{
		base:          mfaBackupCodesUsed.Succeeded(act, target),
		subjectUserID: subjectUserID, setID: setID, challengeID: challengeID, codesLeft: codesLeft,
	}
}

// MFABackupCodesRegenerated is emitted when a new set of backup codes replaces an existing one
// and the old codes become void.
//
// MFA_BACKUP_CODES_REGENERATED, "mfa.backup_codes.regenerated".
type MFABackupCodesRegenerated struct {
	base
	subjectUserID     id.User    `meta:"subject_user_id"`
	setID             id.CodeSet `meta:"set_id"`
	replacedSetID     id.CodeSet `meta:"replaced_set_id"`
	unusedCodesVoided int        `meta:"unused_codes_voided"`
	codeCount         int        `meta:"code_count"`
}

var mfaBackupCodesRegenerated = define[MFABackupCodesRegenerated](Definition{
	Constant: MFA_BACKUP_CODES_REGENERATED, Wire: "mfa.backup_codes.regenerated", Category: IdentityAccessSharing,
	Severity: Info, TargetType: TargetSecret, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 10, "MFA Factor Enable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a new set of backup codes replaces an existing one and the old codes become void; not " +
		"for a user's first set (MFA_BACKUP_CODES_GENERATED).",
})

// NewMFABackupCodesRegenerated builds MFA_BACKUP_CODES_REGENERATED.
func NewMFABackupCodesRegenerated(
	act Act, target SecretRef, subjectUserID id.User, setID, replacedSetID id.CodeSet,
	unusedCodesVoided, codeCount int,
) MFABackupCodesRegenerated {
	return MFABackupCodesRegenerated{
		base:          mfaBackupCodesRegenerated.Succeeded(act, target),
		subjectUserID: subjectUserID, setID: setID, replacedSetID: replacedSetID,
		unusedCodesVoided: unusedCodesVoided, codeCount: codeCount,
	}
}

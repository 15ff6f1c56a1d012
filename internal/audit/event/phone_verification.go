package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// SMSPurpose is what a telephone number is verified for.
type SMSPurpose struct{ word }

// The values of SMSPurpose.
var (
	SMSPurposeRegistration = SMSPurpose{word{"registration"}}
	SMSPurposePhoneChange  = SMSPurpose{word{"phone_change"}}
)

// Values are the closed list of texts.
func (SMSPurpose) Values() []string {
	return texts(SMSPurposeRegistration, SMSPurposePhoneChange)
}

// PhoneVerificationCodeSent is emitted when the SMS provider has accepted a verification code
// for delivery, never with the code or the number.
//
// PHONE_VERIFICATION_CODE_SENT, "phone_verification_code_sent".
type PhoneVerificationCodeSent struct {
	base
	subjectUserID     opt[id.User]         `meta:"subject_user_id"`
	verificationID    id.PhoneVerification `meta:"verification_id"`
	phone             PhoneDigest          `meta:"phone"`
	country           string               `meta:"country"`
	smsPurpose        SMSPurpose           `meta:"sms_purpose"`
	provider          string               `meta:"provider"`
	providerMessageID opt[string]          `meta:"provider_message_id"`
	expiresAt         instant              `meta:"expires_at"`
}

var phoneVerificationCodeSent = define[PhoneVerificationCodeSent](Definition{
	Constant: PHONE_VERIFICATION_CODE_SENT, Wire: "phone_verification_code_sent", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 6, "Preauth"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when the SMS provider has accepted a verification code for delivery, never with the code or " +
		"the number; not when a send is refused (PHONE_VERIFICATION_CODE_SEND_BLOCKED_*).",
})

// NewPhoneVerificationCodeSent builds PHONE_VERIFICATION_CODE_SENT.
func NewPhoneVerificationCodeSent(
	act Act, target TenantRef, verificationID id.PhoneVerification, phone PhoneDigest, country string,
	smsPurpose SMSPurpose, provider string, expiresAt time.Time,
) PhoneVerificationCodeSent {
	return PhoneVerificationCodeSent{
		base:           phoneVerificationCodeSent.Succeeded(act, target),
		verificationID: verificationID, phone: phone, country: country, smsPurpose: smsPurpose,
		provider: provider, expiresAt: moment(expiresAt),
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationCodeSent) WithSubjectUserID(v id.User) PhoneVerificationCodeSent {
	e.subjectUserID = some(v)
	return e
}

// WithProviderMessageID adds provider_message_id.
func (e PhoneVerificationCodeSent) WithProviderMessageID(v string) PhoneVerificationCodeSent {
	e.providerMessageID = some(v)
	return e
}

// PhoneVerificationSucceeded is emitted when the right code of a live verification is
// presented.
//
// PHONE_VERIFICATION_SUCCEEDED, "phone_verification_succeeded".
type PhoneVerificationSucceeded struct {
	base
	subjectUserID  opt[id.User]         `meta:"subject_user_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	phone          PhoneDigest          `meta:"phone"`
	smsPurpose     SMSPurpose           `meta:"sms_purpose"`
	attempts       int                  `meta:"attempts"`
}

var phoneVerificationSucceeded = define[PhoneVerificationSucceeded](Definition{
	Constant: PHONE_VERIFICATION_SUCCEEDED, Wire: "phone_verification_succeeded", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3002, 99, "Verify Phone"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when the right code of a live verification is presented; not for the change of the stored " +
		"number that may follow (PHONE_CHANGE_COMMITTED).",
})

// NewPhoneVerificationSucceeded builds PHONE_VERIFICATION_SUCCEEDED.
func NewPhoneVerificationSucceeded(
	act Act, target TenantRef, verificationID id.PhoneVerification, phone PhoneDigest, smsPurpose SMSPurpose,
	attempts int,
) PhoneVerificationSucceeded {
	return PhoneVerificationSucceeded{
		base:           phoneVerificationSucceeded.Succeeded(act, target),
		verificationID: verificationID, phone: phone, smsPurpose: smsPurpose, attempts: attempts,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationSucceeded) WithSubjectUserID(v id.User) PhoneVerificationSucceeded {
	e.subjectUserID = some(v)
	return e
}

// PhoneVerificationFailedReason is a reason of PHONE_VERIFICATION_FAILED.
type PhoneVerificationFailedReason struct{ word }

// The reasons of PHONE_VERIFICATION_FAILED.
var (
	PhoneVerificationFailedWrongCode         = PhoneVerificationFailedReason{word{"wrong_code"}}
	PhoneVerificationFailedAttemptsExhausted = PhoneVerificationFailedReason{word{"attempts_exhausted"}}
)

// PhoneVerificationFailed is emitted for each wrong code presented to a live verification, with
// the running count, the last allowed one closing it.
//
// PHONE_VERIFICATION_FAILED, "phone_verification_failed".
type PhoneVerificationFailed struct {
	base
	subjectUserID  opt[id.User]         `meta:"subject_user_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	phone          PhoneDigest          `meta:"phone"`
	smsPurpose     SMSPurpose           `meta:"sms_purpose"`
	attempts       int                  `meta:"attempts"`
	closed         bool                 `meta:"closed"`
}

var phoneVerificationFailed = define[PhoneVerificationFailed](Definition{
	Constant: PHONE_VERIFICATION_FAILED, Wire: "phone_verification_failed", Category: PhoneSMSVerification,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Failure},
	Reasons:    texts(PhoneVerificationFailedWrongCode, PhoneVerificationFailedAttemptsExhausted),
	OCSF:       ocsf(3002, 99, "Verify Phone"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted for each wrong code presented to a live verification, with the running count, the last " +
		"allowed one closing it; not for a code that comes after its end (PHONE_VERIFICATION_EXPIRED).",
})

// NewPhoneVerificationFailed builds PHONE_VERIFICATION_FAILED with outcome failure.
func NewPhoneVerificationFailed(
	act Act, target TenantRef, reason PhoneVerificationFailedReason, verificationID id.PhoneVerification,
	phone PhoneDigest, smsPurpose SMSPurpose, attempts int, closed bool,
) PhoneVerificationFailed {
	return PhoneVerificationFailed{
		base:           phoneVerificationFailed.Failed(act, target, reason.text),
		verificationID: verificationID, phone: phone, smsPurpose: smsPurpose, attempts: attempts,
		closed: closed,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationFailed) WithSubjectUserID(v id.User) PhoneVerificationFailed {
	e.subjectUserID = some(v)
	return e
}

// ExpiryFinder is what found that a verification had ended.
type ExpiryFinder struct{ word }

// The values of ExpiryFinder.
var (
	ExpiryFinderSweep    = ExpiryFinder{word{"sweep"}}
	ExpiryFinderLateCode = ExpiryFinder{word{"late_code"}}
)

// Values are the closed list of texts.
func (ExpiryFinder) Values() []string {
	return texts(ExpiryFinderSweep, ExpiryFinderLateCode)
}

// PhoneVerificationExpiredReason is a reason of PHONE_VERIFICATION_EXPIRED.
type PhoneVerificationExpiredReason struct{ word }

// The reasons of PHONE_VERIFICATION_EXPIRED.
var (
	PhoneVerificationExpiredExpired = PhoneVerificationExpiredReason{word{"expired"}}
)

// PhoneVerificationExpired is emitted once when a verification passes its end without success,
// found by the sweep job or by a code that is presented too late.
//
// PHONE_VERIFICATION_EXPIRED, "phone_verification_expired".
type PhoneVerificationExpired struct {
	base
	subjectUserID  opt[id.User]         `meta:"subject_user_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	phone          PhoneDigest          `meta:"phone"`
	smsPurpose     SMSPurpose           `meta:"sms_purpose"`
	attempts       int                  `meta:"attempts"`
	foundBy        ExpiryFinder         `meta:"found_by"`
}

var phoneVerificationExpired = define[PhoneVerificationExpired](Definition{
	Constant: PHONE_VERIFICATION_EXPIRED, Wire: "phone_verification_expired", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, System},
	Outcomes:   []Outcome{Failure},
	Reasons:    texts(PhoneVerificationExpiredExpired),
	OCSF:       ocsf(3002, 99, "Expire Phone Verification"),
	ECS:        ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted once when a verification passes its end without success, found by the sweep job or by a code" +
		" that is presented too late; not for the pending change request around it (PHONE_CHANGE_ABANDONED).",
})

// NewPhoneVerificationExpired builds PHONE_VERIFICATION_EXPIRED with outcome failure.
func NewPhoneVerificationExpired(
	act Act, target TenantRef, reason PhoneVerificationExpiredReason, verificationID id.PhoneVerification,
	phone PhoneDigest, smsPurpose SMSPurpose, attempts int, foundBy ExpiryFinder,
) PhoneVerificationExpired {
	return PhoneVerificationExpired{
		base:           phoneVerificationExpired.Failed(act, target, reason.text),
		verificationID: verificationID, phone: phone, smsPurpose: smsPurpose, attempts: attempts,
		foundBy: foundBy,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationExpired) WithSubjectUserID(v id.User) PhoneVerificationExpired {
	e.subjectUserID = some(v)
	return e
}

// PhoneVerificationCodeSendBlockedProviderUnavailableReason is a reason of PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE.
type PhoneVerificationCodeSendBlockedProviderUnavailableReason struct{ word }

// The reasons of PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE.
var (
	PhoneVerificationCodeSendBlockedProviderUnavailableNotConfigured    = PhoneVerificationCodeSendBlockedProviderUnavailableReason{word{"not_configured"}}
	PhoneVerificationCodeSendBlockedProviderUnavailableCircuitOpen      = PhoneVerificationCodeSendBlockedProviderUnavailableReason{word{"circuit_open"}}
	PhoneVerificationCodeSendBlockedProviderUnavailableProviderError    = PhoneVerificationCodeSendBlockedProviderUnavailableReason{word{"provider_error"}}
	PhoneVerificationCodeSendBlockedProviderUnavailableProviderRejected = PhoneVerificationCodeSendBlockedProviderUnavailableReason{word{"provider_rejected"}}
	PhoneVerificationCodeSendBlockedProviderUnavailableTimeout          = PhoneVerificationCodeSendBlockedProviderUnavailableReason{word{"timeout"}}
)

// PhoneVerificationCodeSendBlockedProviderUnavailable is emitted when a verification code is
// not sent because no SMS provider is configured, healthy or willing to take it.
//
// PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE, "phone_verification_code_send_blocked_provider_unavailable".
type PhoneVerificationCodeSendBlockedProviderUnavailable struct {
	base
	subjectUserID  opt[id.User]              `meta:"subject_user_id"`
	verificationID opt[id.PhoneVerification] `meta:"verification_id"`
	phone          PhoneDigest               `meta:"phone"`
	country        string                    `meta:"country"`
	smsPurpose     SMSPurpose                `meta:"sms_purpose"`
	provider       opt[string]               `meta:"provider"`
}

var phoneVerificationCodeSendBlockedProviderUnavailable = define[PhoneVerificationCodeSendBlockedProviderUnavailable](Definition{
	Constant: PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE, Wire: "phone_verification_code_send_blocked_provider_unavailable", Category: PhoneSMSVerification,
	Severity: Error, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, System},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		PhoneVerificationCodeSendBlockedProviderUnavailableNotConfigured,
		PhoneVerificationCodeSendBlockedProviderUnavailableCircuitOpen,
		PhoneVerificationCodeSendBlockedProviderUnavailableProviderError,
		PhoneVerificationCodeSendBlockedProviderUnavailableProviderRejected,
		PhoneVerificationCodeSendBlockedProviderUnavailableTimeout,
	),
	OCSF: ocsf(3002, 6, "Preauth"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when a verification code is not sent because no SMS provider is configured, healthy or " +
		"willing to take it; not for a limit of the product itself " +
		"(PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT).",
})

// NewPhoneVerificationCodeSendBlockedProviderUnavailable builds PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE with outcome failure.
func NewPhoneVerificationCodeSendBlockedProviderUnavailable(
	act Act, target TenantRef, reason PhoneVerificationCodeSendBlockedProviderUnavailableReason,
	phone PhoneDigest, country string, smsPurpose SMSPurpose,
) PhoneVerificationCodeSendBlockedProviderUnavailable {
	return PhoneVerificationCodeSendBlockedProviderUnavailable{
		base:  phoneVerificationCodeSendBlockedProviderUnavailable.Failed(act, target, reason.text),
		phone: phone, country: country, smsPurpose: smsPurpose,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationCodeSendBlockedProviderUnavailable) WithSubjectUserID(v id.User) PhoneVerificationCodeSendBlockedProviderUnavailable {
	e.subjectUserID = some(v)
	return e
}

// WithVerificationID adds verification_id.
func (e PhoneVerificationCodeSendBlockedProviderUnavailable) WithVerificationID(v id.PhoneVerification) PhoneVerificationCodeSendBlockedProviderUnavailable {
	e.verificationID = some(v)
	return e
}

// WithProvider adds provider.
func (e PhoneVerificationCodeSendBlockedProviderUnavailable) WithProvider(v string) PhoneVerificationCodeSendBlockedProviderUnavailable {
	e.provider = some(v)
	return e
}

// PhoneVerificationBootProviderGatePassed is emitted once per start of a server that demands
// phone verification when the boot check of the SMS provider (configuration, credentials,
// reachability) passes.
//
// PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED, "phone_verification_boot_provider_gate_passed".
type PhoneVerificationBootProviderGatePassed struct {
	base
	provider string  `meta:"provider"`
	release  Version `meta:"release"`
	took     millis  `meta:"check_ms"`
}

var phoneVerificationBootProviderGatePassed = define[PhoneVerificationBootProviderGatePassed](Definition{
	Constant: PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED, Wire: "phone_verification_boot_provider_gate_passed", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(6002, 6, "Enable"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"info"}},
	Trigger: "Emitted once per start of a server that demands phone verification when the boot check of the SMS " +
		"provider (configuration, credentials, reachability) passes; not for later health checks, not where " +
		"phone verification is off, and not when the gate fails and the server refuses to start " +
		"(SYSTEM_ERROR_LOGGED).",
})

// NewPhoneVerificationBootProviderGatePassed builds PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED.
func NewPhoneVerificationBootProviderGatePassed(
	act Act, target TenantRef, provider string, release Version, took time.Duration,
) PhoneVerificationBootProviderGatePassed {
	return PhoneVerificationBootProviderGatePassed{
		base:     phoneVerificationBootProviderGatePassed.Succeeded(act, target),
		provider: provider, release: release, took: millis(took),
	}
}

// PhoneVerificationCodeSendBlockedRateLimitReason is a reason of PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT.
type PhoneVerificationCodeSendBlockedRateLimitReason struct{ word }

// The reasons of PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT.
var (
	PhoneVerificationCodeSendBlockedRateLimitLimitNumber   = PhoneVerificationCodeSendBlockedRateLimitReason{word{"limit_number"}}
	PhoneVerificationCodeSendBlockedRateLimitLimitUser     = PhoneVerificationCodeSendBlockedRateLimitReason{word{"limit_user"}}
	PhoneVerificationCodeSendBlockedRateLimitLimitSourceIP = PhoneVerificationCodeSendBlockedRateLimitReason{word{"limit_source_ip"}}
	PhoneVerificationCodeSendBlockedRateLimitLimitCountry  = PhoneVerificationCodeSendBlockedRateLimitReason{word{"limit_country"}}
	PhoneVerificationCodeSendBlockedRateLimitLimitOrg      = PhoneVerificationCodeSendBlockedRateLimitReason{word{"limit_org"}}
)

// PhoneVerificationCodeSendBlockedRateLimit is emitted when a verification code is refused
// because a limit of the product per number, user, source address, country or organization is
// reached, equal refusals within one minute being folded with a count.
//
// PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT, "phone_verification_code_send_blocked_rate_limit".
type PhoneVerificationCodeSendBlockedRateLimit struct {
	base
	subjectUserID  opt[id.User] `meta:"subject_user_id"`
	phone          PhoneDigest  `meta:"phone"`
	country        string       `meta:"country"`
	smsPurpose     SMSPurpose   `meta:"sms_purpose"`
	limitPerWindow int          `meta:"limit_per_window"`
	window         seconds      `meta:"window_seconds"`
	coalesced      int          `meta:"coalesced"`
}

var phoneVerificationCodeSendBlockedRateLimit = define[PhoneVerificationCodeSendBlockedRateLimit](Definition{
	Constant: PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT, Wire: "phone_verification_code_send_blocked_rate_limit", Category: PhoneSMSVerification,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, System},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		PhoneVerificationCodeSendBlockedRateLimitLimitNumber,
		PhoneVerificationCodeSendBlockedRateLimitLimitUser,
		PhoneVerificationCodeSendBlockedRateLimitLimitSourceIP,
		PhoneVerificationCodeSendBlockedRateLimitLimitCountry,
		PhoneVerificationCodeSendBlockedRateLimitLimitOrg,
	),
	OCSF: ocsf(3002, 6, "Preauth"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when a verification code is refused because a limit of the product per number, user, source " +
		"address, country or organization is reached, equal refusals within one minute being folded with a " +
		"count; not for throttling by the provider " +
		"(PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE).",
})

// NewPhoneVerificationCodeSendBlockedRateLimit builds PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT with outcome denied.
func NewPhoneVerificationCodeSendBlockedRateLimit(
	act Act, target TenantRef, reason PhoneVerificationCodeSendBlockedRateLimitReason, phone PhoneDigest,
	country string, smsPurpose SMSPurpose, limitPerWindow int, window time.Duration, coalesced int,
) PhoneVerificationCodeSendBlockedRateLimit {
	return PhoneVerificationCodeSendBlockedRateLimit{
		base:  phoneVerificationCodeSendBlockedRateLimit.Denied(act, target, reason.text),
		phone: phone, country: country, smsPurpose: smsPurpose, limitPerWindow: limitPerWindow,
		window: seconds(window), coalesced: coalesced,
	}
}

// WithSubjectUserID adds subject_user_id.
func (e PhoneVerificationCodeSendBlockedRateLimit) WithSubjectUserID(v id.User) PhoneVerificationCodeSendBlockedRateLimit {
	e.subjectUserID = some(v)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PhoneChangeRequestedReason is a reason of PHONE_CHANGE_REQUESTED.
type PhoneChangeRequestedReason struct{ word }

// The reasons of PHONE_CHANGE_REQUESTED.
var (
	PhoneChangeRequestedNotPermitted = PhoneChangeRequestedReason{word{"not_permitted"}}
	PhoneChangeRequestedMFARequired  = PhoneChangeRequestedReason{word{"mfa_required"}}
	PhoneChangeRequestedNumberInUse  = PhoneChangeRequestedReason{word{"number_in_use"}}
)

// PhoneChangeRequested is emitted when a signed-in user, or an administrator for them, asks to
// set or replace a phone number and a pending change is stored.
//
// PHONE_CHANGE_REQUESTED, "phone_change_requested".
type PhoneChangeRequested struct {
	base
	subjectUserID id.User             `meta:"subject_user_id"`
	changeID      opt[id.PhoneChange] `meta:"change_id"`
	oldPhone      opt[PhoneDigest]    `meta:"old_phone"`
	newPhone      PhoneDigest         `meta:"new_phone"`
}

var phoneChangeRequested = define[PhoneChangeRequested](Definition{
	Constant: PHONE_CHANGE_REQUESTED, Wire: "phone_change_requested", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		PhoneChangeRequestedNotPermitted, PhoneChangeRequestedMFARequired, PhoneChangeRequestedNumberInUse,
	),
	OCSF: ocsf(3001, 99, "Request Phone Change"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a signed-in user, or an administrator for them, asks to set or replace a phone number " +
		"and a pending change is stored; not for the number given at registration " +
		"(USERS_PHONE_PROPAGATED_FROM_REGISTRATION).",
})

// NewPhoneChangeRequested builds PHONE_CHANGE_REQUESTED.
func NewPhoneChangeRequested(
	act Act, target TenantRef, subjectUserID id.User, newPhone PhoneDigest,
) PhoneChangeRequested {
	return PhoneChangeRequested{
		base:          phoneChangeRequested.Succeeded(act, target),
		subjectUserID: subjectUserID, newPhone: newPhone,
	}
}

// WithChangeID adds change_id.
func (e PhoneChangeRequested) WithChangeID(v id.PhoneChange) PhoneChangeRequested {
	e.changeID = some(v)
	return e
}

// WithOldPhone adds old_phone.
func (e PhoneChangeRequested) WithOldPhone(v PhoneDigest) PhoneChangeRequested {
	e.oldPhone = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PhoneChangeRequested) Denied(reason PhoneChangeRequestedReason) PhoneChangeRequested {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PhoneChangeCommitted is emitted in the transaction in which a verified pending change
// replaces the stored number.
//
// PHONE_CHANGE_COMMITTED, "phone_change_committed".
type PhoneChangeCommitted struct {
	base
	subjectUserID  id.User              `meta:"subject_user_id"`
	changeID       id.PhoneChange       `meta:"change_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	oldPhone       opt[PhoneDigest]     `meta:"old_phone"`
	newPhone       PhoneDigest          `meta:"new_phone"`
}

var phoneChangeCommitted = define[PhoneChangeCommitted](Definition{
	Constant: PHONE_CHANGE_COMMITTED, Wire: "phone_change_committed", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "Change Phone"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted in the transaction in which a verified pending change replaces the stored number; not at the" +
		" verification of the code alone (PHONE_VERIFICATION_SUCCEEDED).",
})

// NewPhoneChangeCommitted builds PHONE_CHANGE_COMMITTED.
func NewPhoneChangeCommitted(
	act Act, target TenantRef, subjectUserID id.User, changeID id.PhoneChange,
	verificationID id.PhoneVerification, newPhone PhoneDigest,
) PhoneChangeCommitted {
	return PhoneChangeCommitted{
		base:          phoneChangeCommitted.Succeeded(act, target),
		subjectUserID: subjectUserID, changeID: changeID, verificationID: verificationID, newPhone: newPhone,
	}
}

// WithOldPhone adds old_phone.
func (e PhoneChangeCommitted) WithOldPhone(v PhoneDigest) PhoneChangeCommitted {
	e.oldPhone = some(v)
	return e
}

// PhoneChangeAbandonedReason is a reason of PHONE_CHANGE_ABANDONED.
type PhoneChangeAbandonedReason struct{ word }

// The reasons of PHONE_CHANGE_ABANDONED.
var (
	PhoneChangeAbandonedExpired           = PhoneChangeAbandonedReason{word{"expired"}}
	PhoneChangeAbandonedAttemptsExhausted = PhoneChangeAbandonedReason{word{"attempts_exhausted"}}
	PhoneChangeAbandonedSuperseded        = PhoneChangeAbandonedReason{word{"superseded"}}
)

// PhoneChangeAbandoned is emitted when the system closes a pending change that nobody finished,
// because its time ran out, its attempts were used up or a newer request replaced it.
//
// PHONE_CHANGE_ABANDONED, "phone_change_abandoned".
type PhoneChangeAbandoned struct {
	base
	subjectUserID id.User             `meta:"subject_user_id"`
	changeID      id.PhoneChange      `meta:"change_id"`
	newPhone      PhoneDigest         `meta:"new_phone"`
	supersededBy  opt[id.PhoneChange] `meta:"superseded_by"`
}

var phoneChangeAbandoned = define[PhoneChangeAbandoned](Definition{
	Constant: PHONE_CHANGE_ABANDONED, Wire: "phone_change_abandoned", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	Reasons: texts(
		PhoneChangeAbandonedExpired, PhoneChangeAbandonedAttemptsExhausted, PhoneChangeAbandonedSuperseded,
	),
	OCSF: ocsf(3001, 99, "Abandon Phone Change"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the system closes a pending change that nobody finished, because its time ran out, its " +
		"attempts were used up or a newer request replaced it; not when a person cancels it " +
		"(PHONE_CHANGE_CANCEL).",
})

// NewPhoneChangeAbandoned builds PHONE_CHANGE_ABANDONED.
func NewPhoneChangeAbandoned(
	act Act, target TenantRef, reason PhoneChangeAbandonedReason, subjectUserID id.User,
	changeID id.PhoneChange, newPhone PhoneDigest,
) PhoneChangeAbandoned {
	return PhoneChangeAbandoned{
		base:          envelope.Explain(phoneChangeAbandoned.Succeeded(act, target), reason.text),
		subjectUserID: subjectUserID, changeID: changeID, newPhone: newPhone,
	}
}

// WithSupersededBy adds superseded_by.
func (e PhoneChangeAbandoned) WithSupersededBy(v id.PhoneChange) PhoneChangeAbandoned {
	e.supersededBy = some(v)
	return e
}

// KeyChange is what happened to a key that makes phone digests.
type KeyChange struct{ word }

// The values of KeyChange.
var (
	KeyChangeRotated   = KeyChange{word{"rotated"}}
	KeyChangeDestroyed = KeyChange{word{"destroyed"}}
)

// Values are the closed list of texts.
func (KeyChange) Values() []string {
	return texts(KeyChangeRotated, KeyChangeDestroyed)
}

// KeyRotationTrigger is what started a rotation of a key.
type KeyRotationTrigger struct{ word }

// The values of KeyRotationTrigger.
var (
	KeyRotationTriggerSchedule = KeyRotationTrigger{word{"schedule"}}
	KeyRotationTriggerManual   = KeyRotationTrigger{word{"manual"}}
	KeyRotationTriggerIncident = KeyRotationTrigger{word{"incident"}}
)

// Values are the closed list of texts.
func (KeyRotationTrigger) Values() []string {
	return texts(KeyRotationTriggerSchedule, KeyRotationTriggerManual, KeyRotationTriggerIncident)
}

// AuditPhoneDigestKeyRotatedReason is a reason of AUDIT_PHONE_DIGEST_KEY_ROTATED.
type AuditPhoneDigestKeyRotatedReason struct{ word }

// The reasons of AUDIT_PHONE_DIGEST_KEY_ROTATED.
var (
	AuditPhoneDigestKeyRotatedKeyStoreUnavailable = AuditPhoneDigestKeyRotatedReason{word{"key_store_unavailable"}}
)

// AuditPhoneDigestKeyRotated is emitted when a new key becomes the one that makes phone digests
// for a log and the former key turns read-only, or when an old read-only key is destroyed.
//
// AUDIT_PHONE_DIGEST_KEY_ROTATED, "audit_phone_digest_key_rotated".
type AuditPhoneDigestKeyRotated struct {
	base
	keyChange     KeyChange          `meta:"key_change"`
	newKeyID      opt[PhoneKeyID]    `meta:"new_key_id"`
	previousKeyID opt[PhoneKeyID]    `meta:"previous_key_id"`
	triggerKind   KeyRotationTrigger `meta:"trigger_kind"`
}

var auditPhoneDigestKeyRotated = define[AuditPhoneDigestKeyRotated](Definition{
	Constant: AUDIT_PHONE_DIGEST_KEY_ROTATED, Wire: "audit_phone_digest_key_rotated", Category: PhoneSMSVerification,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetSecret, Log: OrgOrPlatform,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin, System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons:    texts(AuditPhoneDigestKeyRotatedKeyStoreUnavailable),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when a new key becomes the one that makes phone digests for a log and the former key turns " +
		"read-only, or when an old read-only key is destroyed; not for the rotation of any other key.",
})

// NewAuditPhoneDigestKeyRotated builds AUDIT_PHONE_DIGEST_KEY_ROTATED.
func NewAuditPhoneDigestKeyRotated(
	act Act, target SecretRef, keyChange KeyChange, triggerKind KeyRotationTrigger,
) AuditPhoneDigestKeyRotated {
	return AuditPhoneDigestKeyRotated{
		base:      auditPhoneDigestKeyRotated.Succeeded(act, target),
		keyChange: keyChange, triggerKind: triggerKind,
	}
}

// WithNewKeyID adds new_key_id.
func (e AuditPhoneDigestKeyRotated) WithNewKeyID(v PhoneKeyID) AuditPhoneDigestKeyRotated {
	e.newKeyID = some(v)
	return e
}

// WithPreviousKeyID adds previous_key_id.
func (e AuditPhoneDigestKeyRotated) WithPreviousKeyID(v PhoneKeyID) AuditPhoneDigestKeyRotated {
	e.previousKeyID = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e AuditPhoneDigestKeyRotated) Failed(reason AuditPhoneDigestKeyRotatedReason) AuditPhoneDigestKeyRotated {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// PhoneChangeOperation is what was tried on a pending change.
type PhoneChangeOperation struct{ word }

// The values of PhoneChangeOperation.
var (
	PhoneChangeOperationCommit = PhoneChangeOperation{word{"commit"}}
	PhoneChangeOperationCancel = PhoneChangeOperation{word{"cancel"}}
)

// Values are the closed list of texts.
func (PhoneChangeOperation) Values() []string {
	return texts(PhoneChangeOperationCommit, PhoneChangeOperationCancel)
}

// PhoneChangeConcurrentModificationReason is a reason of PHONE_CHANGE_CONCURRENT_MODIFICATION.
type PhoneChangeConcurrentModificationReason struct{ word }

// The reasons of PHONE_CHANGE_CONCURRENT_MODIFICATION.
var (
	PhoneChangeConcurrentModificationVersionConflict = PhoneChangeConcurrentModificationReason{word{"version_conflict"}}
)

// PhoneChangeConcurrentModification is emitted when committing or cancelling a pending change
// is refused because the user's phone record or the change itself was altered since it was
// read, so that nothing is written.
//
// PHONE_CHANGE_CONCURRENT_MODIFICATION, "phone_change_concurrent_modification".
type PhoneChangeConcurrentModification struct {
	base
	subjectUserID   id.User              `meta:"subject_user_id"`
	changeID        id.PhoneChange       `meta:"change_id"`
	changeOperation PhoneChangeOperation `meta:"change_operation"`
	expectedVersion int                  `meta:"expected_version"`
	actualVersion   int                  `meta:"actual_version"`
}

var phoneChangeConcurrentModification = define[PhoneChangeConcurrentModification](Definition{
	Constant: PHONE_CHANGE_CONCURRENT_MODIFICATION, Wire: "phone_change_concurrent_modification", Category: PhoneSMSVerification,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, System},
	Outcomes:   []Outcome{Failure},
	Reasons:    texts(PhoneChangeConcurrentModificationVersionConflict),
	OCSF:       ocsf(3001, 99, "Change Phone"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when committing or cancelling a pending change is refused because the user's phone record or" +
		" the change itself was altered since it was read, so that nothing is written; not when requests " +
		"merely follow one another.",
})

// NewPhoneChangeConcurrentModification builds PHONE_CHANGE_CONCURRENT_MODIFICATION with outcome failure.
func NewPhoneChangeConcurrentModification(
	act Act, target TenantRef, reason PhoneChangeConcurrentModificationReason, subjectUserID id.User,
	changeID id.PhoneChange, changeOperation PhoneChangeOperation, expectedVersion, actualVersion int,
) PhoneChangeConcurrentModification {
	return PhoneChangeConcurrentModification{
		base:          phoneChangeConcurrentModification.Failed(act, target, reason.text),
		subjectUserID: subjectUserID, changeID: changeID, changeOperation: changeOperation,
		expectedVersion: expectedVersion, actualVersion: actualVersion,
	}
}

// PhoneChangeCancelReason is a reason of PHONE_CHANGE_CANCEL.
type PhoneChangeCancelReason struct{ word }

// The reasons of PHONE_CHANGE_CANCEL.
var (
	PhoneChangeCancelNotPermitted = PhoneChangeCancelReason{word{"not_permitted"}}
)

// PhoneChangeCancel is emitted when the user, or an administrator for them, cancels a pending
// change on purpose.
//
// PHONE_CHANGE_CANCEL, "phone_change_cancel".
type PhoneChangeCancel struct {
	base
	subjectUserID id.User        `meta:"subject_user_id"`
	changeID      id.PhoneChange `meta:"change_id"`
	newPhone      PhoneDigest    `meta:"new_phone"`
	byAdmin       bool           `meta:"by_admin"`
}

var phoneChangeCancel = define[PhoneChangeCancel](Definition{
	Constant: PHONE_CHANGE_CANCEL, Wire: "phone_change_cancel", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PhoneChangeCancelNotPermitted),
	OCSF:       ocsf(3001, 99, "Cancel Phone Change"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the user, or an administrator for them, cancels a pending change on purpose; not when " +
		"the system closes it for time, attempts or a newer request (PHONE_CHANGE_ABANDONED).",
})

// NewPhoneChangeCancel builds PHONE_CHANGE_CANCEL.
func NewPhoneChangeCancel(
	act Act, target TenantRef, subjectUserID id.User, changeID id.PhoneChange, newPhone PhoneDigest,
	byAdmin bool,
) PhoneChangeCancel {
	return PhoneChangeCancel{
		base:          phoneChangeCancel.Succeeded(act, target),
		subjectUserID: subjectUserID, changeID: changeID, newPhone: newPhone, byAdmin: byAdmin,
	}
}

// Denied turns the event into a refused attempt.
func (e PhoneChangeCancel) Denied(reason PhoneChangeCancelReason) PhoneChangeCancel {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// UsersPhonePropagatedFromRegistration is emitted when a number verified during registration is
// copied onto the user record at activation.
//
// USERS_PHONE_PROPAGATED_FROM_REGISTRATION, "users_phone_propagated_from_registration".
type UsersPhonePropagatedFromRegistration struct {
	base
	subjectUserID  id.User              `meta:"subject_user_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	phone          PhoneDigest          `meta:"phone"`
}

var usersPhonePropagatedFromRegistration = define[UsersPhonePropagatedFromRegistration](Definition{
	Constant: USERS_PHONE_PROPAGATED_FROM_REGISTRATION, Wire: "users_phone_propagated_from_registration", Category: PhoneSMSVerification,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 99, "Set Phone"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a number verified during registration is copied onto the user record at activation; not" +
		" for a number that the user sets later (PHONE_CHANGE_COMMITTED).",
})

// NewUsersPhonePropagatedFromRegistration builds USERS_PHONE_PROPAGATED_FROM_REGISTRATION.
func NewUsersPhonePropagatedFromRegistration(
	act Act, target TenantRef, subjectUserID id.User, verificationID id.PhoneVerification, phone PhoneDigest,
) UsersPhonePropagatedFromRegistration {
	return UsersPhonePropagatedFromRegistration{
		base:          usersPhonePropagatedFromRegistration.Succeeded(act, target),
		subjectUserID: subjectUserID, verificationID: verificationID, phone: phone,
	}
}

// UsersPhonePropagationSkippedConflictReason is a reason of USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT.
type UsersPhonePropagationSkippedConflictReason struct{ word }

// The reasons of USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT.
var (
	UsersPhonePropagationSkippedConflictUserHasOtherNumber = UsersPhonePropagationSkippedConflictReason{word{"user_has_other_number"}}
	UsersPhonePropagationSkippedConflictNumberInUse        = UsersPhonePropagationSkippedConflictReason{word{"number_in_use"}}
)

// UsersPhonePropagationSkippedConflict is emitted when the copy of a number verified during
// registration is left out at activation because the user record holds another number or the
// number belongs to another user.
//
// USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT, "users_phone_propagation_skipped_conflict".
type UsersPhonePropagationSkippedConflict struct {
	base
	subjectUserID  id.User              `meta:"subject_user_id"`
	verificationID id.PhoneVerification `meta:"verification_id"`
	phone          PhoneDigest          `meta:"phone"`
	existingPhone  opt[PhoneDigest]     `meta:"existing_phone"`
}

var usersPhonePropagationSkippedConflict = define[UsersPhonePropagationSkippedConflict](Definition{
	Constant: USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT, Wire: "users_phone_propagation_skipped_conflict", Category: PhoneSMSVerification,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		UsersPhonePropagationSkippedConflictUserHasOtherNumber,
		UsersPhonePropagationSkippedConflictNumberInUse,
	),
	OCSF: ocsf(3001, 99, "Set Phone"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the copy of a number verified during registration is left out at activation because the" +
		" user record holds another number or the number belongs to another user; not when both numbers are " +
		"equal, where nothing is emitted.",
})

// NewUsersPhonePropagationSkippedConflict builds USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT with outcome failure.
func NewUsersPhonePropagationSkippedConflict(
	act Act, target TenantRef, reason UsersPhonePropagationSkippedConflictReason, subjectUserID id.User,
	verificationID id.PhoneVerification, phone PhoneDigest,
) UsersPhonePropagationSkippedConflict {
	return UsersPhonePropagationSkippedConflict{
		base:          usersPhonePropagationSkippedConflict.Failed(act, target, reason.text),
		subjectUserID: subjectUserID, verificationID: verificationID, phone: phone,
	}
}

// WithExistingPhone adds existing_phone.
func (e UsersPhonePropagationSkippedConflict) WithExistingPhone(v PhoneDigest) UsersPhonePropagationSkippedConflict {
	e.existingPhone = some(v)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PhoneNumberRemovedReason is a reason of PHONE_NUMBER_REMOVED.
type PhoneNumberRemovedReason struct{ word }

// The reasons of PHONE_NUMBER_REMOVED.
var (
	PhoneNumberRemovedNotPermitted = PhoneNumberRemovedReason{word{"not_permitted"}}
	PhoneNumberRemovedMFARequired  = PhoneNumberRemovedReason{word{"mfa_required"}}
)

// PhoneNumberRemoved is emitted when a person takes their verified telephone number away.
//
// PHONE_NUMBER_REMOVED, "phone.number_removed".
type PhoneNumberRemoved struct {
	base
	subjectUserID id.User          `meta:"subject_user_id"`
	oldPhone      opt[PhoneDigest] `meta:"old_phone"`
}

var phoneNumberRemoved = define[PhoneNumberRemoved](Definition{
	Constant: PHONE_NUMBER_REMOVED, Wire: "phone.number_removed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PhoneNumberRemovedNotPermitted, PhoneNumberRemovedMFARequired),
	OCSF:       ocsf(3001, 99, "Remove Phone"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a person takes their verified telephone number away, or that is refused; not when " +
		"another number replaces it (PHONE_CHANGE_COMMITTED), and not when a pending change is given up " +
		"(PHONE_CHANGE_CANCEL).",
})

// NewPhoneNumberRemoved builds PHONE_NUMBER_REMOVED.
func NewPhoneNumberRemoved(act Act, target TenantRef, subjectUserID id.User) PhoneNumberRemoved {
	return PhoneNumberRemoved{base: phoneNumberRemoved.Succeeded(act, target), subjectUserID: subjectUserID}
}

// WithOldPhone adds old_phone.
func (e PhoneNumberRemoved) WithOldPhone(v PhoneDigest) PhoneNumberRemoved {
	e.oldPhone = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e PhoneNumberRemoved) Denied(reason PhoneNumberRemovedReason) PhoneNumberRemoved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

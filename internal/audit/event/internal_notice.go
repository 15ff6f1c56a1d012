package event

import "github.com/vaultpam/vaultpam/internal/audit/event/envelope"

// EmailWhen is when a person wants a kind of notice by e-mail.
type EmailWhen struct{ word }

// The values of EmailWhen.
var (
	EmailWhenNow    = EmailWhen{word{"now"}}
	EmailWhenHourly = EmailWhen{word{"hourly"}}
	EmailWhenDaily  = EmailWhen{word{"daily"}}
	EmailWhenOff    = EmailWhen{word{"off"}}
)

// Values are the closed list of texts.
func (EmailWhen) Values() []string {
	return texts(EmailWhenNow, EmailWhenHourly, EmailWhenDaily, EmailWhenOff)
}

// NoticePreferenceChangedReason is a reason of NOTICE_PREFERENCE_CHANGED.
type NoticePreferenceChangedReason struct{ word }

// The reasons of NOTICE_PREFERENCE_CHANGED.
var NoticePreferenceChangedNotPermitted = NoticePreferenceChangedReason{word{"not_permitted"}}

// NoticePreferenceChanged is emitted when a person says how they hear of a kind of notice.
//
// NOTICE_PREFERENCE_CHANGED, "notice.preference_changed".
type NoticePreferenceChanged struct {
	base
	noticeKind string    `meta:"notice_kind"`
	emailWhen  EmailWhen `meta:"email_when"`
	inApp      bool      `meta:"in_app"`
}

var noticePreferenceChanged = define[NoticePreferenceChanged](Definition{
	Constant: NOTICE_PREFERENCE_CHANGED, Wire: "notice.preference_changed", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(NoticePreferenceChangedNotPermitted),
	OCSF:       ocsf(3001, 99, "Change Notice Preference"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a person says how they hear of a kind of notice, or may not; not when what they say is " +
		"what holds already, and not for the words and channels of an organization (TENANT_SETTINGS_UPDATED).",
})

// NewNoticePreferenceChanged builds NOTICE_PREFERENCE_CHANGED.
func NewNoticePreferenceChanged(act Act, target TenantRef, noticeKind string, emailWhen EmailWhen, inApp bool) NoticePreferenceChanged {
	return NoticePreferenceChanged{
		base:       noticePreferenceChanged.Succeeded(act, target),
		noticeKind: noticeKind, emailWhen: emailWhen, inApp: inApp,
	}
}

// Denied turns the event into a refused attempt.
func (e NoticePreferenceChanged) Denied(reason NoticePreferenceChangedReason) NoticePreferenceChanged {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

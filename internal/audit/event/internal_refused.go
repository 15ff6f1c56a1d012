package event

// RefusedAct is what somebody wanted to do and may not.
type RefusedAct struct{ word }

// The values of RefusedAct.
var (
	RefusedActBackupCodes      = RefusedAct{word{"backup_codes_regenerate"}}
	RefusedActFactorRename     = RefusedAct{word{"factor_rename"}}
	RefusedActStepUp           = RefusedAct{word{"step_up"}}
	RefusedActPhoneCodeConfirm = RefusedAct{word{"phone_code_confirm"}}
	RefusedActPhoneCodeResend  = RefusedAct{word{"phone_code_resend"}}
	RefusedActPhoneKeyRotate   = RefusedAct{word{"phone_key_rotate"}}
	RefusedActPhoneKeyDestroy  = RefusedAct{word{"phone_key_destroy"}}
	RefusedActInvitationAccept = RefusedAct{word{"invitation_accept"}}
	RefusedActSSOLift          = RefusedAct{word{"sso_requirement_lift"}}
	RefusedActAccessDelegate   = RefusedAct{word{"access_delegate"}}
)

// Values are the closed list of texts.
func (RefusedAct) Values() []string {
	return texts(RefusedActBackupCodes, RefusedActFactorRename, RefusedActStepUp, RefusedActPhoneCodeConfirm, RefusedActPhoneCodeResend,
		RefusedActPhoneKeyRotate, RefusedActPhoneKeyDestroy, RefusedActInvitationAccept, RefusedActSSOLift, RefusedActAccessDelegate)
}

// AuthActRefusedReason is a reason of AUTH_ACT_REFUSED.
type AuthActRefusedReason struct{ word }

// The reasons of AUTH_ACT_REFUSED.
var (
	AuthActRefusedNotPermitted = AuthActRefusedReason{word{"not_permitted"}}
	AuthActRefusedMFARequired  = AuthActRefusedReason{word{"mfa_required"}}
)

// AuthActRefused is emitted when an act is refused whose own event tells of success only.
//
// AUTH_ACT_REFUSED, "auth.act_refused".
type AuthActRefused struct {
	base
	refusedAct RefusedAct `meta:"refused_act"`
}

var authActRefused = define[AuthActRefused](Definition{
	Constant: AUTH_ACT_REFUSED, Wire: "auth.act_refused", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, TenantAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(AuthActRefusedNotPermitted, AuthActRefusedMFARequired),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"denied"}},
	Trigger: "Emitted when somebody who is signed in is refused an act whose own event has no outcome for that, by " +
		"their rights or for want of a fresh second factor; not for an act whose own event tells of its refusal.",
})

// NewAuthActRefused builds AUTH_ACT_REFUSED with outcome denied.
func NewAuthActRefused(act Act, target TenantRef, reason AuthActRefusedReason, refusedAct RefusedAct) AuthActRefused {
	return AuthActRefused{
		base:       authActRefused.Denied(act, target, reason.text),
		refusedAct: refusedAct,
	}
}

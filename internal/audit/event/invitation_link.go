package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// InviteAcceptStarted is emitted when an invitee with a live token goes on from the landing
// page and an acceptance flow is opened.
//
// INVITE_ACCEPT_STARTED, "invite_accept_started".
type InviteAcceptStarted struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	flowID          id.Flow         `meta:"flow_id"`
}

var inviteAcceptStarted = define[InviteAcceptStarted](Definition{
	Constant: INVITE_ACCEPT_STARTED, Wire: "invite_accept_started", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 99, "Start Acceptance"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when an invitee with a live token goes on from the landing page and an acceptance flow is " +
		"opened; not when the link is only fetched, as mail scanners do.",
})

// NewInviteAcceptStarted builds INVITE_ACCEPT_STARTED.
func NewInviteAcceptStarted(
	act Act, target InvitationRef, invitationScope InvitationScope, flowID id.Flow,
) InviteAcceptStarted {
	return InviteAcceptStarted{
		base:            inviteAcceptStarted.Succeeded(act, target),
		invitationScope: invitationScope, flowID: flowID,
	}
}

// PresentedScope is what an invitation link that was presented claims to lead into.
type PresentedScope struct{ word }

// The values of PresentedScope.
var (
	PresentedScopeOrg      = PresentedScope{word{"org"}}
	PresentedScopePlatform = PresentedScope{word{"platform"}}
	PresentedScopeUnknown  = PresentedScope{word{"unknown"}}
)

// Values are the closed list of texts.
func (PresentedScope) Values() []string {
	return texts(PresentedScopeOrg, PresentedScopePlatform, PresentedScopeUnknown)
}

// InviteTokenInvalidOrExpiredReason is a reason of INVITE_TOKEN_INVALID_OR_EXPIRED.
type InviteTokenInvalidOrExpiredReason struct{ word }

// The reasons of INVITE_TOKEN_INVALID_OR_EXPIRED.
var (
	InviteTokenInvalidOrExpiredUnknown     = InviteTokenInvalidOrExpiredReason{word{"unknown"}}
	InviteTokenInvalidOrExpiredMalformed   = InviteTokenInvalidOrExpiredReason{word{"malformed"}}
	InviteTokenInvalidOrExpiredExpired     = InviteTokenInvalidOrExpiredReason{word{"expired"}}
	InviteTokenInvalidOrExpiredRevoked     = InviteTokenInvalidOrExpiredReason{word{"revoked"}}
	InviteTokenInvalidOrExpiredSuperseded  = InviteTokenInvalidOrExpiredReason{word{"superseded"}}
	InviteTokenInvalidOrExpiredAlreadyUsed = InviteTokenInvalidOrExpiredReason{word{"already_used"}}
)

// InviteTokenInvalidOrExpired is emitted when the link flow is given a token that no live
// invitation matches (unknown, malformed, expired, revoked, superseded or used), equal attempts
// from one source within one minute being folded with a count.
//
// INVITE_TOKEN_INVALID_OR_EXPIRED, "invite_token_invalid_or_expired".
type InviteTokenInvalidOrExpired struct {
	base
	invitationScope PresentedScope `meta:"invitation_scope"`
	coalesced       int            `meta:"coalesced"`
}

var inviteTokenInvalidOrExpired = define[InviteTokenInvalidOrExpired](Definition{
	Constant: INVITE_TOKEN_INVALID_OR_EXPIRED, Wire: "invite_token_invalid_or_expired", Category: InvitationLifecycle,
	Severity: Warn, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		InviteTokenInvalidOrExpiredUnknown, InviteTokenInvalidOrExpiredMalformed,
		InviteTokenInvalidOrExpiredExpired, InviteTokenInvalidOrExpiredRevoked,
		InviteTokenInvalidOrExpiredSuperseded, InviteTokenInvalidOrExpiredAlreadyUsed,
	),
	OCSF: ocsf(3004, 10, "Activate"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the link flow is given a token that no live invitation matches (unknown, malformed, " +
		"expired, revoked, superseded or used), equal attempts from one source within one minute being folded" +
		" with a count; not for a live invitation that a rule blocks (INVITATION_ACCEPT_BLOCKED).",
})

// NewInviteTokenInvalidOrExpired builds INVITE_TOKEN_INVALID_OR_EXPIRED with outcome denied.
func NewInviteTokenInvalidOrExpired(
	act Act, target InvitationRef, reason InviteTokenInvalidOrExpiredReason, invitationScope PresentedScope,
	coalesced int,
) InviteTokenInvalidOrExpired {
	return InviteTokenInvalidOrExpired{
		base:            inviteTokenInvalidOrExpired.Denied(act, target, reason.text),
		invitationScope: invitationScope, coalesced: coalesced,
	}
}

// InviteEmailMismatchBlockedReason is a reason of INVITE_EMAIL_MISMATCH_BLOCKED.
type InviteEmailMismatchBlockedReason struct{ word }

// The reasons of INVITE_EMAIL_MISMATCH_BLOCKED.
var (
	InviteEmailMismatchBlockedEmailMismatch = InviteEmailMismatchBlockedReason{word{"email_mismatch"}}
)

// InviteEmailMismatchBlocked is emitted when the identity proved in the link flow carries a
// verified e-mail address other than the one invited.
//
// INVITE_EMAIL_MISMATCH_BLOCKED, "invite_email_mismatch_blocked".
type InviteEmailMismatchBlocked struct {
	base
	invitationScope InvitationScope  `meta:"invitation_scope"`
	flowID          id.Flow          `meta:"flow_id"`
	inviteeEmail    Email            `meta:"invitee_email"`
	presentedDomain string           `meta:"presented_domain"`
	providerID      opt[id.Provider] `meta:"provider_id"`
}

var inviteEmailMismatchBlocked = define[InviteEmailMismatchBlocked](Definition{
	Constant: INVITE_EMAIL_MISMATCH_BLOCKED, Wire: "invite_email_mismatch_blocked", Category: InvitationLifecycle,
	Severity: Warn, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Denied},
	Reasons:    texts(InviteEmailMismatchBlockedEmailMismatch),
	OCSF:       ocsf(3004, 10, "Activate"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the identity proved in the link flow carries a verified e-mail address other than the " +
		"one invited; not while the invitee has proved no address yet.",
})

// NewInviteEmailMismatchBlocked builds INVITE_EMAIL_MISMATCH_BLOCKED with outcome denied.
func NewInviteEmailMismatchBlocked(
	act Act, target InvitationRef, reason InviteEmailMismatchBlockedReason, invitationScope InvitationScope,
	flowID id.Flow, inviteeEmail Email, presentedDomain string,
) InviteEmailMismatchBlocked {
	return InviteEmailMismatchBlocked{
		base:            inviteEmailMismatchBlocked.Denied(act, target, reason.text),
		invitationScope: invitationScope, flowID: flowID, inviteeEmail: inviteeEmail,
		presentedDomain: presentedDomain,
	}
}

// WithProviderID adds provider_id.
func (e InviteEmailMismatchBlocked) WithProviderID(v id.Provider) InviteEmailMismatchBlocked {
	e.providerID = some(v)
	return e
}

// IdentityMethod is the way an invitee proved who they are.
type IdentityMethod struct{ word }

// The values of IdentityMethod.
var (
	IdentityMethodPassword = IdentityMethod{word{"password"}}
	IdentityMethodSSO      = IdentityMethod{word{"sso"}}
)

// Values are the closed list of texts.
func (IdentityMethod) Values() []string {
	return texts(IdentityMethodPassword, IdentityMethodSSO)
}

// InviteAccepted is emitted when the link flow that INVITE_ACCEPT_STARTED opened ends well and
// hands over the signed-in invitee, in the transaction of INVITATION_ACCEPTED or
// PLATFORM_INVITATION_ACCEPTED and pointing to it.
//
// INVITE_ACCEPTED, "invite_accepted".
type InviteAccepted struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	flowID          id.Flow         `meta:"flow_id"`
	flow            seconds         `meta:"flow_seconds"`
	identityMethod  IdentityMethod  `meta:"identity_method"`
	acceptedEvent   id.Event        `meta:"accepted_event"`
}

var inviteAccepted = define[InviteAccepted](Definition{
	Constant: INVITE_ACCEPTED, Wire: "invite_accepted", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 99, "Finish Acceptance"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when the link flow that INVITE_ACCEPT_STARTED opened ends well and hands over the signed-in " +
		"invitee, in the transaction of INVITATION_ACCEPTED or PLATFORM_INVITATION_ACCEPTED and pointing to " +
		"it; not for an acceptance by SSO match or API, which has no link flow.",
})

// NewInviteAccepted builds INVITE_ACCEPTED.
func NewInviteAccepted(
	act Act, target InvitationRef, invitationScope InvitationScope, flowID id.Flow, flow time.Duration,
	identityMethod IdentityMethod, acceptedEvent id.Event,
) InviteAccepted {
	return InviteAccepted{
		base:            inviteAccepted.Succeeded(act, target),
		invitationScope: invitationScope, flowID: flowID, flow: seconds(flow), identityMethod: identityMethod,
		acceptedEvent: acceptedEvent,
	}
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// InvitationSentReason is a reason of INVITATION_SENT.
type InvitationSentReason struct{ word }

// The reasons of INVITATION_SENT.
var (
	InvitationSentNotPermitted     = InvitationSentReason{word{"not_permitted"}}
	InvitationSentRoleAboveActor   = InvitationSentReason{word{"role_above_actor"}}
	InvitationSentAlreadyMember    = InvitationSentReason{word{"already_member"}}
	InvitationSentOpenInvitation   = InvitationSentReason{word{"open_invitation"}}
	InvitationSentSeatLimit        = InvitationSentReason{word{"seat_limit"}}
	InvitationSentDomainNotAllowed = InvitationSentReason{word{"domain_not_allowed"}}
)

// InvitationSent is emitted when an administrator creates an invitation into an organization
// and its first message is queued.
//
// INVITATION_SENT, "Invitation Sent".
type InvitationSent struct {
	base
	inviteeEmail Email          `meta:"invitee_email"`
	role         string         `meta:"role"`
	safeIDs      opt[[]id.Safe] `meta:"safe_ids"`
	expiresAt    opt[instant]   `meta:"expires_at"`
}

var invitationSent = define[InvitationSent](Definition{
	Constant: INVITATION_SENT, Wire: "Invitation Sent", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		InvitationSentNotPermitted, InvitationSentRoleAboveActor, InvitationSentAlreadyMember,
		InvitationSentOpenInvitation, InvitationSentSeatLimit, InvitationSentDomainNotAllowed,
	),
	OCSF: ocsf(3004, 1, "Create"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when an administrator creates an invitation into an organization and its first message is " +
		"queued; not for a repeat (INVITATION_RESENT), and not for platform operators " +
		"(PLATFORM_USER_INVITED).",
})

// NewInvitationSent builds INVITATION_SENT.
func NewInvitationSent(act Act, target InvitationRef, inviteeEmail Email, role string) InvitationSent {
	return InvitationSent{base: invitationSent.Succeeded(act, target), inviteeEmail: inviteeEmail, role: role}
}

// WithSafeIDs adds safe_ids.
func (e InvitationSent) WithSafeIDs(v []id.Safe) InvitationSent {
	e.safeIDs = some(v)
	return e
}

// WithExpiresAt adds expires_at.
func (e InvitationSent) WithExpiresAt(v time.Time) InvitationSent {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e InvitationSent) Denied(reason InvitationSentReason) InvitationSent {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// AcceptedVia is the way an invitation was accepted.
type AcceptedVia struct{ word }

// The values of AcceptedVia.
var (
	AcceptedViaLink     = AcceptedVia{word{"link"}}
	AcceptedViaSSOMatch = AcceptedVia{word{"sso_match"}}
	AcceptedViaAPI      = AcceptedVia{word{"api"}}
)

// Values are the closed list of texts.
func (AcceptedVia) Values() []string {
	return texts(AcceptedViaLink, AcceptedViaSSOMatch, AcceptedViaAPI)
}

// InvitationAccepted is emitted once per invitation when the organization's invitation record
// turns to accepted and the membership that it promised is created, whichever way it was
// accepted (link, SSO match at sign-in, API).
//
// INVITATION_ACCEPTED, "Invitation Accepted".
type InvitationAccepted struct {
	base
	inviteeEmail Email        `meta:"invitee_email"`
	memberUserID id.User      `meta:"member_user_id"`
	role         string       `meta:"role"`
	acceptedVia  AcceptedVia  `meta:"accepted_via"`
	flowID       opt[id.Flow] `meta:"flow_id"`
}

var invitationAccepted = define[InvitationAccepted](Definition{
	Constant: INVITATION_ACCEPTED, Wire: "Invitation Accepted", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 10, "Activate"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted once per invitation when the organization's invitation record turns to accepted and the " +
		"membership that it promised is created, whichever way it was accepted (link, SSO match at sign-in, " +
		"API); not for the end of the link flow as such (INVITE_ACCEPTED), and not for platform operators " +
		"(PLATFORM_INVITATION_ACCEPTED).",
})

// NewInvitationAccepted builds INVITATION_ACCEPTED.
func NewInvitationAccepted(
	act Act, target InvitationRef, inviteeEmail Email, memberUserID id.User, role string,
	acceptedVia AcceptedVia,
) InvitationAccepted {
	return InvitationAccepted{
		base:         invitationAccepted.Succeeded(act, target),
		inviteeEmail: inviteeEmail, memberUserID: memberUserID, role: role, acceptedVia: acceptedVia,
	}
}

// WithFlowID adds flow_id.
func (e InvitationAccepted) WithFlowID(v id.Flow) InvitationAccepted {
	e.flowID = some(v)
	return e
}

// InvitationRevokedReason is a reason of INVITATION_REVOKED.
type InvitationRevokedReason struct{ word }

// The reasons of INVITATION_REVOKED.
var (
	InvitationRevokedRevokedByAdmin = InvitationRevokedReason{word{"revoked_by_admin"}}
	InvitationRevokedInviterRemoved = InvitationRevokedReason{word{"inviter_removed"}}
	InvitationRevokedOrgSuspended   = InvitationRevokedReason{word{"org_suspended"}}
	InvitationRevokedNotPermitted   = InvitationRevokedReason{word{"not_permitted"}}
)

// InvitationRevoked is emitted when a pending invitation, into an organization or to the
// platform, is withdrawn before use.
//
// INVITATION_REVOKED, "Invitation Revoked".
type InvitationRevoked struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	inviteeEmail    Email           `meta:"invitee_email"`
	pending         seconds         `meta:"pending_seconds"`
}

var invitationRevoked = define[InvitationRevoked](Definition{
	Constant: INVITATION_REVOKED, Wire: "Invitation Revoked", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		InvitationRevokedRevokedByAdmin, InvitationRevokedInviterRemoved, InvitationRevokedOrgSuspended,
		InvitationRevokedNotPermitted,
	),
	OCSF: ocsf(3004, 11, "Deactivate"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "deletion"}},
	Trigger: "Emitted when a pending invitation, into an organization or to the platform, is withdrawn before use;" +
		" not when it runs out of time (INVITATION_EXPIRED).",
})

// NewInvitationRevoked builds INVITATION_REVOKED.
func NewInvitationRevoked(
	act Act, target InvitationRef, invitationScope InvitationScope, inviteeEmail Email, pending time.Duration,
) InvitationRevoked {
	return InvitationRevoked{
		base:            invitationRevoked.Succeeded(act, target),
		invitationScope: invitationScope, inviteeEmail: inviteeEmail, pending: seconds(pending),
	}
}

// Denied turns the event into a refused attempt.
func (e InvitationRevoked) Denied(reason InvitationRevokedReason) InvitationRevoked {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e InvitationRevoked) Because(reason InvitationRevokedReason) InvitationRevoked {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// InvitationResentReason is a reason of INVITATION_RESENT.
type InvitationResentReason struct{ word }

// The reasons of INVITATION_RESENT.
var (
	InvitationResentNotPermitted = InvitationResentReason{word{"not_permitted"}}
	InvitationResentRateLimited  = InvitationResentReason{word{"rate_limited"}}
	InvitationResentNotPending   = InvitationResentReason{word{"not_pending"}}
)

// InvitationResent is emitted when a new token is minted and mailed for a pending invitation
// and its old token becomes void.
//
// INVITATION_RESENT, "Invitation Resent".
type InvitationResent struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	inviteeEmail    Email           `meta:"invitee_email"`
	resendCount     int             `meta:"resend_count"`
	expiresAt       opt[instant]    `meta:"expires_at"`
}

var invitationResent = define[InvitationResent](Definition{
	Constant: INVITATION_RESENT, Wire: "Invitation Resent", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(InvitationResentNotPermitted, InvitationResentRateLimited, InvitationResentNotPending),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a new token is minted and mailed for a pending invitation and its old token becomes " +
		"void; not for mail retries with the same token.",
})

// NewInvitationResent builds INVITATION_RESENT.
func NewInvitationResent(
	act Act, target InvitationRef, invitationScope InvitationScope, inviteeEmail Email, resendCount int,
) InvitationResent {
	return InvitationResent{
		base:            invitationResent.Succeeded(act, target),
		invitationScope: invitationScope, inviteeEmail: inviteeEmail, resendCount: resendCount,
	}
}

// WithExpiresAt adds expires_at.
func (e InvitationResent) WithExpiresAt(v time.Time) InvitationResent {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e InvitationResent) Denied(reason InvitationResentReason) InvitationResent {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// InvitationExpired is emitted once per invitation when the expiry job turns a pending
// invitation into expired.
//
// INVITATION_EXPIRED, "Invitation Expired".
type InvitationExpired struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	inviteeEmail    Email           `meta:"invitee_email"`
	sentAt          instant         `meta:"sent_at"`
	resendCount     int             `meta:"resend_count"`
}

var invitationExpired = define[InvitationExpired](Definition{
	Constant: INVITATION_EXPIRED, Wire: "Invitation Expired", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 11, "Deactivate"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted once per invitation when the expiry job turns a pending invitation into expired; not when " +
		"somebody presents the expired token later (INVITE_TOKEN_INVALID_OR_EXPIRED).",
})

// NewInvitationExpired builds INVITATION_EXPIRED.
func NewInvitationExpired(
	act Act, target InvitationRef, invitationScope InvitationScope, inviteeEmail Email, sentAt time.Time,
	resendCount int,
) InvitationExpired {
	return InvitationExpired{
		base:            invitationExpired.Succeeded(act, target),
		invitationScope: invitationScope, inviteeEmail: inviteeEmail, sentAt: moment(sentAt),
		resendCount: resendCount,
	}
}

// InvitationAcceptBlockedReason is a reason of INVITATION_ACCEPT_BLOCKED.
type InvitationAcceptBlockedReason struct{ word }

// The reasons of INVITATION_ACCEPT_BLOCKED.
var (
	InvitationAcceptBlockedAlreadyMember    = InvitationAcceptBlockedReason{word{"already_member"}}
	InvitationAcceptBlockedSeatLimit        = InvitationAcceptBlockedReason{word{"seat_limit"}}
	InvitationAcceptBlockedOrgSuspended     = InvitationAcceptBlockedReason{word{"org_suspended"}}
	InvitationAcceptBlockedSSORequired      = InvitationAcceptBlockedReason{word{"sso_required"}}
	InvitationAcceptBlockedDomainNotAllowed = InvitationAcceptBlockedReason{word{"domain_not_allowed"}}
	InvitationAcceptBlockedInviterLostRight = InvitationAcceptBlockedReason{word{"inviter_lost_right"}}
)

// InvitationAcceptBlocked is emitted when a live invitation and the right person meet a rule
// that forbids joining (already a member, seat limit, suspended organization, SSO demanded,
// domain not allowed).
//
// INVITATION_ACCEPT_BLOCKED, "Invitation Accept Blocked".
type InvitationAcceptBlocked struct {
	base
	invitationScope InvitationScope `meta:"invitation_scope"`
	inviteeEmail    Email           `meta:"invitee_email"`
	acceptedVia     AcceptedVia     `meta:"accepted_via"`
	flowID          opt[id.Flow]    `meta:"flow_id"`
}

var invitationAcceptBlocked = define[InvitationAcceptBlocked](Definition{
	Constant: INVITATION_ACCEPT_BLOCKED, Wire: "Invitation Accept Blocked", Category: InvitationLifecycle,
	Severity: Warn, TargetType: TargetInvitation, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		InvitationAcceptBlockedAlreadyMember, InvitationAcceptBlockedSeatLimit,
		InvitationAcceptBlockedOrgSuspended, InvitationAcceptBlockedSSORequired,
		InvitationAcceptBlockedDomainNotAllowed, InvitationAcceptBlockedInviterLostRight,
	),
	OCSF: ocsf(3004, 10, "Activate"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a live invitation and the right person meet a rule that forbids joining (already a " +
		"member, seat limit, suspended organization, SSO demanded, domain not allowed); not for a bad token " +
		"(INVITE_TOKEN_INVALID_OR_EXPIRED) or a wrong address (INVITE_EMAIL_MISMATCH_BLOCKED), one attempt " +
		"giving only one of the three.",
})

// NewInvitationAcceptBlocked builds INVITATION_ACCEPT_BLOCKED with outcome denied.
func NewInvitationAcceptBlocked(
	act Act, target InvitationRef, reason InvitationAcceptBlockedReason, invitationScope InvitationScope,
	inviteeEmail Email, acceptedVia AcceptedVia,
) InvitationAcceptBlocked {
	return InvitationAcceptBlocked{
		base:            invitationAcceptBlocked.Denied(act, target, reason.text),
		invitationScope: invitationScope, inviteeEmail: inviteeEmail, acceptedVia: acceptedVia,
	}
}

// WithFlowID adds flow_id.
func (e InvitationAcceptBlocked) WithFlowID(v id.Flow) InvitationAcceptBlocked {
	e.flowID = some(v)
	return e
}

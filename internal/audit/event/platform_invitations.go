package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// PlatformUserInvited is emitted when a platform administrator's invitation of a new platform
// operator is stored and its first message queued.
//
// PLATFORM_USER_INVITED, "Platform User Invited".
type PlatformUserInvited struct {
	base
	inviteeEmail Email   `meta:"invitee_email"`
	platformRole string  `meta:"platform_role"`
	expiresAt    instant `meta:"expires_at"`
}

var platformUserInvited = define[PlatformUserInvited](Definition{
	Constant: PLATFORM_USER_INVITED, Wire: "Platform User Invited", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a platform administrator's invitation of a new platform operator is stored and its " +
		"first message queued; not for an invitation into one organization (INVITATION_SENT), and not for one" +
		" that a rule refuses (PLATFORM_USER_INVITE_REJECTED).",
})

// NewPlatformUserInvited builds PLATFORM_USER_INVITED.
func NewPlatformUserInvited(
	act Act, target InvitationRef, inviteeEmail Email, platformRole string, expiresAt time.Time,
) PlatformUserInvited {
	return PlatformUserInvited{
		base:         platformUserInvited.Succeeded(act, target),
		inviteeEmail: inviteeEmail, platformRole: platformRole, expiresAt: moment(expiresAt),
	}
}

// PlatformAcceptedVia is the way a platform invitation was accepted.
type PlatformAcceptedVia struct{ word }

// The values of PlatformAcceptedVia.
var (
	PlatformAcceptedViaLink     = PlatformAcceptedVia{word{"link"}}
	PlatformAcceptedViaSSOMatch = PlatformAcceptedVia{word{"sso_match"}}
)

// Values are the closed list of texts.
func (PlatformAcceptedVia) Values() []string {
	return texts(PlatformAcceptedViaLink, PlatformAcceptedViaSSOMatch)
}

// PlatformInvitationAccepted is emitted when a platform invitation turns to accepted and the
// person becomes a platform operator.
//
// PLATFORM_INVITATION_ACCEPTED, "Platform Invitation Accepted".
type PlatformInvitationAccepted struct {
	base
	memberUserID id.User             `meta:"member_user_id"`
	platformRole string              `meta:"platform_role"`
	invitedBy    id.User             `meta:"invited_by"`
	acceptedVia  PlatformAcceptedVia `meta:"accepted_via"`
}

var platformInvitationAccepted = define[PlatformInvitationAccepted](Definition{
	Constant: PLATFORM_INVITATION_ACCEPTED, Wire: "Platform Invitation Accepted", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3001, 1, "Create"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a platform invitation turns to accepted and the person becomes a platform operator; not" +
		" for an invitation into an organization (INVITATION_ACCEPTED), and accompanied by INVITE_ACCEPTED " +
		"when it came by link.",
})

// NewPlatformInvitationAccepted builds PLATFORM_INVITATION_ACCEPTED.
func NewPlatformInvitationAccepted(
	act Act, target InvitationRef, memberUserID id.User, platformRole string, invitedBy id.User,
	acceptedVia PlatformAcceptedVia,
) PlatformInvitationAccepted {
	return PlatformInvitationAccepted{
		base:         platformInvitationAccepted.Succeeded(act, target),
		memberUserID: memberUserID, platformRole: platformRole, invitedBy: invitedBy, acceptedVia: acceptedVia,
	}
}

// InviteRejection is who let a platform invitation come to nothing.
type InviteRejection struct{ word }

// The values of InviteRejection.
var (
	InviteRejectionRule    = InviteRejection{word{"rule"}}
	InviteRejectionInvitee = InviteRejection{word{"invitee"}}
)

// Values are the closed list of texts.
func (InviteRejection) Values() []string {
	return texts(InviteRejectionRule, InviteRejectionInvitee)
}

// PlatformUserInviteRejectedReason is a reason of PLATFORM_USER_INVITE_REJECTED.
type PlatformUserInviteRejectedReason struct{ word }

// The reasons of PLATFORM_USER_INVITE_REJECTED.
var (
	PlatformUserInviteRejectedNotPermitted      = PlatformUserInviteRejectedReason{word{"not_permitted"}}
	PlatformUserInviteRejectedAlreadyOperator   = PlatformUserInviteRejectedReason{word{"already_operator"}}
	PlatformUserInviteRejectedOpenInvitation    = PlatformUserInviteRejectedReason{word{"open_invitation"}}
	PlatformUserInviteRejectedDomainNotAllowed  = PlatformUserInviteRejectedReason{word{"domain_not_allowed"}}
	PlatformUserInviteRejectedRoleAboveActor    = PlatformUserInviteRejectedReason{word{"role_above_actor"}}
	PlatformUserInviteRejectedDeclinedByInvitee = PlatformUserInviteRejectedReason{word{"declined_by_invitee"}}
)

// PlatformUserInviteRejected is emitted when a platform invitation comes to nothing by
// decision, refused by a rule at the moment of inviting or declined by the invitee.
//
// PLATFORM_USER_INVITE_REJECTED, "Platform User Invite Rejected".
type PlatformUserInviteRejected struct {
	base
	rejectedBy   InviteRejection `meta:"rejected_by"`
	inviteeEmail Email           `meta:"invitee_email"`
	platformRole string          `meta:"platform_role"`
}

var platformUserInviteRejected = define[PlatformUserInviteRejected](Definition{
	Constant: PLATFORM_USER_INVITE_REJECTED, Wire: "Platform User Invite Rejected", Category: PlatformUsersManagement,
	Severity: Warn, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{User, PlatformAdmin},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		PlatformUserInviteRejectedNotPermitted, PlatformUserInviteRejectedAlreadyOperator,
		PlatformUserInviteRejectedOpenInvitation, PlatformUserInviteRejectedDomainNotAllowed,
		PlatformUserInviteRejectedRoleAboveActor, PlatformUserInviteRejectedDeclinedByInvitee,
	),
	OCSF: ocsf(3004, 99, "Reject Invitation"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted when a platform invitation comes to nothing by decision, refused by a rule at the moment of " +
		"inviting or declined by the invitee; not when it is revoked (INVITATION_REVOKED) or runs out of time" +
		" (INVITATION_EXPIRED).",
})

// NewPlatformUserInviteRejected builds PLATFORM_USER_INVITE_REJECTED with outcome denied.
func NewPlatformUserInviteRejected(
	act Act, target InvitationRef, reason PlatformUserInviteRejectedReason, rejectedBy InviteRejection,
	inviteeEmail Email, platformRole string,
) PlatformUserInviteRejected {
	return PlatformUserInviteRejected{
		base:       platformUserInviteRejected.Denied(act, target, reason.text),
		rejectedBy: rejectedBy, inviteeEmail: inviteeEmail, platformRole: platformRole,
	}
}

// PlatformInvitationsListedReason is a reason of PLATFORM_INVITATIONS_LISTED.
type PlatformInvitationsListedReason struct{ word }

// The reasons of PLATFORM_INVITATIONS_LISTED.
var (
	PlatformInvitationsListedNotPermitted = PlatformInvitationsListedReason{word{"not_permitted"}}
)

// PlatformInvitationsListed is emitted once per query when the list of platform invitations is
// read through the console or API.
//
// PLATFORM_INVITATIONS_LISTED, "Platform Invitations Listed".
type PlatformInvitationsListed struct {
	base
	readVia      ReadVia  `meta:"read_via"`
	filters      []string `meta:"filters"`
	rowsReturned int      `meta:"rows_returned"`
}

var platformInvitationsListed = define[PlatformInvitationsListed](Definition{
	Constant: PLATFORM_INVITATIONS_LISTED, Wire: "Platform Invitations Listed", Category: PlatformUsersManagement,
	Severity: Info, TargetType: TargetInvitation, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(PlatformInvitationsListedNotPermitted),
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted once per query when the list of platform invitations is read through the console or API; not" +
		" for its following pages, and not for lists of an organization's invitations.",
})

// NewPlatformInvitationsListed builds PLATFORM_INVITATIONS_LISTED.
func NewPlatformInvitationsListed(
	act Act, target InvitationRef, readVia ReadVia, filters []string, rowsReturned int,
) PlatformInvitationsListed {
	return PlatformInvitationsListed{
		base:    platformInvitationsListed.Succeeded(act, target),
		readVia: readVia, filters: filters, rowsReturned: rowsReturned,
	}
}

// Denied turns the event into a refused attempt.
func (e PlatformInvitationsListed) Denied(reason PlatformInvitationsListedReason) PlatformInvitationsListed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// MemberSuspendedReason is a reason of MEMBER_SUSPENDED.
type MemberSuspendedReason struct{ word }

// The reasons of MEMBER_SUSPENDED.
var (
	MemberSuspendedNotPermitted   = MemberSuspendedReason{word{"not_permitted"}}
	MemberSuspendedRoleAboveActor = MemberSuspendedReason{word{"role_above_actor"}}
	MemberSuspendedLastOrgAdmin   = MemberSuspendedReason{word{"last_org_admin"}}
	MemberSuspendedSelf           = MemberSuspendedReason{word{"self_suspension_forbidden"}}
)

// MemberSuspended is emitted when a member is shut out of an organization and keeps their place
// in it.
//
// MEMBER_SUSPENDED, "member.suspended".
type MemberSuspended struct {
	base
	subjectUserID id.User     `meta:"subject_user_id"`
	role          string      `meta:"role"`
	sessionsEnded int         `meta:"sessions_ended"`
	comment       opt[string] `meta:"comment"`
}

var memberSuspended = define[MemberSuspended](Definition{
	Constant: MEMBER_SUSPENDED, Wire: "member.suspended", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		MemberSuspendedNotPermitted, MemberSuspendedRoleAboveActor, MemberSuspendedLastOrgAdmin, MemberSuspendedSelf,
	),
	OCSF: ocsf(3001, 5, "Disable"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a member is suspended: they keep role, safes and tokens, and can use none of them in the " +
		"organization until they are resumed; also when that is refused. sessions_ended counts web sessions " +
		"(AUTH_SIGNED_OUT tells of them too); the privileged ones tell of themselves (SESSION_TERMINATED_*). Not " +
		"when the membership ends (ROLE_ASSIGNMENT_CHANGED).",
})

// NewMemberSuspended builds MEMBER_SUSPENDED.
func NewMemberSuspended(act Act, target TenantRef, subjectUserID id.User, role string, sessionsEnded int) MemberSuspended {
	return MemberSuspended{
		base:          memberSuspended.Succeeded(act, target),
		subjectUserID: subjectUserID, role: role, sessionsEnded: sessionsEnded,
	}
}

// WithComment adds comment.
func (e MemberSuspended) WithComment(v string) MemberSuspended {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e MemberSuspended) Denied(reason MemberSuspendedReason) MemberSuspended {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// MemberResumedReason is a reason of MEMBER_RESUMED.
type MemberResumedReason struct{ word }

// The reasons of MEMBER_RESUMED.
var (
	MemberResumedNotPermitted   = MemberResumedReason{word{"not_permitted"}}
	MemberResumedRoleAboveActor = MemberResumedReason{word{"role_above_actor"}}
)

// MemberResumed is emitted when a suspended member is let in again.
//
// MEMBER_RESUMED, "member.resumed".
type MemberResumed struct {
	base
	subjectUserID id.User `meta:"subject_user_id"`
	role          string  `meta:"role"`
	suspended     seconds `meta:"suspended_seconds"`
}

var memberResumed = define[MemberResumed](Definition{
	Constant: MEMBER_RESUMED, Wire: "member.resumed", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount, System},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(MemberResumedNotPermitted, MemberResumedRoleAboveActor),
	OCSF:       ocsf(3001, 2, "Enable"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "change"}},
	Trigger: "Emitted when a suspended member is let in again, with the role that they had; also when that is " +
		"refused. Their web sessions do not come back.",
})

// NewMemberResumed builds MEMBER_RESUMED.
func NewMemberResumed(act Act, target TenantRef, subjectUserID id.User, role string, suspended time.Duration) MemberResumed {
	return MemberResumed{
		base:          memberResumed.Succeeded(act, target),
		subjectUserID: subjectUserID, role: role, suspended: seconds(suspended),
	}
}

// Denied turns the event into a refused attempt.
func (e MemberResumed) Denied(reason MemberResumedReason) MemberResumed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

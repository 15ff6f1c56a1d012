package authz

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// StepUpRequired is the code of a refusal that a fresh second factor turns into a yes.
const StepUpRequired = "STEP_UP_REQUIRED"

// freshness is, for each sensitive action, how lately a person must have proved a
// second factor to do it. What is not here asks for none. A safe's policy names
// its own for session.launch.
var freshness = map[Action]time.Duration{
	SelfManage:         15 * time.Minute,
	TokenCreate:        15 * time.Minute,
	TokenIssue:         15 * time.Minute,
	OrgUpdate:          15 * time.Minute, // see sometimes
	OrgDelete:          15 * time.Minute,
	SSOManage:          15 * time.Minute,
	PlatformSSOLift:    15 * time.Minute,
	PlatformOrgSuspend: 15 * time.Minute, // see sometimes
	AuditPhoneKeys:     15 * time.Minute,
	PlatformUserRole:   5 * time.Minute,

	SecretReveal: 5 * time.Minute,

	AccessDecide:     15 * time.Minute,
	AccessDelegate:   15 * time.Minute,
	AccessBreakGlass: 5 * time.Minute,

	RecoveryDecide:         15 * time.Minute,
	PlatformRecoveryDecide: 15 * time.Minute,

	GovernanceDecide:         15 * time.Minute,
	ReviewDecide:             15 * time.Minute,
	PlatformGovernanceDecide: 15 * time.Minute,

	PlatformInvite:    15 * time.Minute,
	PlatformKeyRotate: 15 * time.Minute,
	LedgerResume:      15 * time.Minute,
	OrgKey:            15 * time.Minute,
	AccountRotate:     15 * time.Minute,
	MemberPhoneChange: 15 * time.Minute,
}

// sometimes are the sensitive actions of which only some uses ask for a fresh second
// factor, and which.
var sometimes = map[Action]string{
	OrgUpdate:          "what weakens a control, touches a legal hold, or says where mail goes",
	PlatformOrgSuspend: "what touches a legal hold, or for how long an audit log is kept",
}

// Freshness is how lately a person must have proved a second factor to do a; zero
// is never.
func (a Action) Freshness() time.Duration { return freshness[a] }

// Fresh tells whether the actor has proved a second factor lately enough for
// action, after Check. The product itself and API tokens are not asked: what a
// token may do, its scopes say, and who creates one is asked. The fault's code is
// StepUpRequired.
func Fresh(actor Actor, action Action, now time.Time) error {
	return FreshWithin(actor, action.Freshness(), now)
}

// FreshWithin is Fresh for a freshness that somebody else names; zero is never.
func FreshWithin(actor Actor, d time.Duration, now time.Time) error {
	if d == 0 || actor.Kind == Token || actor.Kind == System || !actor.MFAAt.IsZero() && now.Sub(actor.MFAAt) <= d {
		return nil
	}
	return fault.New(fault.Denied, "prove your second factor again first: the last time was too long ago for this").WithCode(StepUpRequired)
}

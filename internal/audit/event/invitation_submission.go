package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// OrgSubmissionStarted is emitted when a visitor with a verified e-mail address opens a draft
// for a new organization.
//
// ORG_SUBMISSION_STARTED, "org_submission_started".
type OrgSubmissionStarted struct {
	base
	submissionID   id.Submission `meta:"submission_id"`
	applicantEmail Email         `meta:"applicant_email"`
}

var orgSubmissionStarted = define[OrgSubmissionStarted](Definition{
	Constant: ORG_SUBMISSION_STARTED, Wire: "org_submission_started", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 99, "Start Submission"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"info"}},
	Trigger: "Emitted when a visitor with a verified e-mail address opens a draft for a new organization; not for " +
		"visits to the form without a verified address.",
})

// NewOrgSubmissionStarted builds ORG_SUBMISSION_STARTED.
func NewOrgSubmissionStarted(
	act Act, target TenantRef, submissionID id.Submission, applicantEmail Email,
) OrgSubmissionStarted {
	return OrgSubmissionStarted{
		base:         orgSubmissionStarted.Succeeded(act, target),
		submissionID: submissionID, applicantEmail: applicantEmail,
	}
}

// OrgSubmissionSubmittedReason is a reason of ORG_SUBMISSION_SUBMITTED.
type OrgSubmissionSubmittedReason struct{ word }

// The reasons of ORG_SUBMISSION_SUBMITTED.
var (
	OrgSubmissionSubmittedDuplicateOrganization = OrgSubmissionSubmittedReason{word{"duplicate_organization"}}
	OrgSubmissionSubmittedDomainNotAllowed      = OrgSubmissionSubmittedReason{word{"domain_not_allowed"}}
	OrgSubmissionSubmittedRateLimited           = OrgSubmissionSubmittedReason{word{"rate_limited"}}
)

// OrgSubmissionSubmitted is emitted when an applicant sends a draft and it enters the
// platform's review queue, also when a returned one is sent anew.
//
// ORG_SUBMISSION_SUBMITTED, "org_submission_submitted".
type OrgSubmissionSubmitted struct {
	base
	submissionID   id.Submission    `meta:"submission_id"`
	orgName        string           `meta:"org_name"`
	applicantEmail Email            `meta:"applicant_email"`
	phone          opt[PhoneDigest] `meta:"phone"`
	resubmission   bool             `meta:"resubmission"`
}

var orgSubmissionSubmitted = define[OrgSubmissionSubmitted](Definition{
	Constant: ORG_SUBMISSION_SUBMITTED, Wire: "org_submission_submitted", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		OrgSubmissionSubmittedDuplicateOrganization, OrgSubmissionSubmittedDomainNotAllowed,
		OrgSubmissionSubmittedRateLimited,
	),
	OCSF: ocsf(3004, 1, "Create"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"admin", "creation"}},
	Trigger: "Emitted when an applicant sends a draft and it enters the platform's review queue, also when a " +
		"returned one is sent anew; not for saving a draft.",
})

// NewOrgSubmissionSubmitted builds ORG_SUBMISSION_SUBMITTED.
func NewOrgSubmissionSubmitted(
	act Act, target TenantRef, submissionID id.Submission, orgName string, applicantEmail Email,
	resubmission bool,
) OrgSubmissionSubmitted {
	return OrgSubmissionSubmitted{
		base:         orgSubmissionSubmitted.Succeeded(act, target),
		submissionID: submissionID, orgName: orgName, applicantEmail: applicantEmail,
		resubmission: resubmission,
	}
}

// WithPhone adds phone.
func (e OrgSubmissionSubmitted) WithPhone(v PhoneDigest) OrgSubmissionSubmitted {
	e.phone = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgSubmissionSubmitted) Denied(reason OrgSubmissionSubmittedReason) OrgSubmissionSubmitted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// OrgSubmissionApprovedReason is a reason of ORG_SUBMISSION_APPROVED.
type OrgSubmissionApprovedReason struct{ word }

// The reasons of ORG_SUBMISSION_APPROVED.
var (
	OrgSubmissionApprovedNotPermitted   = OrgSubmissionApprovedReason{word{"not_permitted"}}
	OrgSubmissionApprovedAlreadyDecided = OrgSubmissionApprovedReason{word{"already_decided"}}
)

// OrgSubmissionApproved is emitted when a platform administrator approves a submission and the
// organization with its first administrator is created in the same transaction.
//
// ORG_SUBMISSION_APPROVED, "org_submission_approved".
type OrgSubmissionApproved struct {
	base
	submissionID     id.Submission `meta:"submission_id"`
	newOrgID         opt[id.Org]   `meta:"new_org_id"`
	firstAdminUserID opt[id.User]  `meta:"first_admin_user_id"`
	waited           seconds       `meta:"waited_seconds"`
}

var orgSubmissionApproved = define[OrgSubmissionApproved](Definition{
	Constant: ORG_SUBMISSION_APPROVED, Wire: "org_submission_approved", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetTenant, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrgSubmissionApprovedNotPermitted, OrgSubmissionApprovedAlreadyDecided),
	OCSF:       ocsf(3004, 10, "Activate"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"admin", "creation"}},
	Trigger: "Emitted when a platform administrator approves a submission and the organization with its first " +
		"administrator is created in the same transaction; not for the administrator's first sign-in.",
})

// NewOrgSubmissionApproved builds ORG_SUBMISSION_APPROVED.
func NewOrgSubmissionApproved(
	act Act, target TenantRef, submissionID id.Submission, waited time.Duration,
) OrgSubmissionApproved {
	return OrgSubmissionApproved{
		base:         orgSubmissionApproved.Succeeded(act, target),
		submissionID: submissionID, waited: seconds(waited),
	}
}

// WithNewOrgID adds new_org_id.
func (e OrgSubmissionApproved) WithNewOrgID(v id.Org) OrgSubmissionApproved {
	e.newOrgID = some(v)
	return e
}

// WithFirstAdminUserID adds first_admin_user_id.
func (e OrgSubmissionApproved) WithFirstAdminUserID(v id.User) OrgSubmissionApproved {
	e.firstAdminUserID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgSubmissionApproved) Denied(reason OrgSubmissionApprovedReason) OrgSubmissionApproved {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// OrgSubmissionRejectedReason is a reason of ORG_SUBMISSION_REJECTED.
type OrgSubmissionRejectedReason struct{ word }

// The reasons of ORG_SUBMISSION_REJECTED.
var (
	OrgSubmissionRejectedRejected       = OrgSubmissionRejectedReason{word{"rejected"}}
	OrgSubmissionRejectedReturned       = OrgSubmissionRejectedReason{word{"returned"}}
	OrgSubmissionRejectedNotPermitted   = OrgSubmissionRejectedReason{word{"not_permitted"}}
	OrgSubmissionRejectedAlreadyDecided = OrgSubmissionRejectedReason{word{"already_decided"}}
)

// OrgSubmissionRejected is emitted when a platform administrator turns a submission down or
// returns it for correction.
//
// ORG_SUBMISSION_REJECTED, "org_submission_rejected".
type OrgSubmissionRejected struct {
	base
	submissionID id.Submission `meta:"submission_id"`
	mayResubmit  bool          `meta:"may_resubmit"`
	waited       seconds       `meta:"waited_seconds"`
	comment      opt[string]   `meta:"comment"`
}

var orgSubmissionRejected = define[OrgSubmissionRejected](Definition{
	Constant: ORG_SUBMISSION_REJECTED, Wire: "org_submission_rejected", Category: InvitationLifecycle,
	Severity: Info, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons: texts(
		OrgSubmissionRejectedRejected, OrgSubmissionRejectedReturned, OrgSubmissionRejectedNotPermitted,
		OrgSubmissionRejectedAlreadyDecided,
	),
	OCSF: ocsf(3004, 99, "Reject Submission"),
	ECS:  ECS{Category: []string{"iam"}, Type: []string{"admin", "info"}},
	Trigger: "Emitted when a platform administrator turns a submission down or returns it for correction; not when" +
		" a draft is left unfinished and swept away.",
})

// NewOrgSubmissionRejected builds ORG_SUBMISSION_REJECTED.
func NewOrgSubmissionRejected(
	act Act, target TenantRef, submissionID id.Submission, mayResubmit bool, waited time.Duration,
) OrgSubmissionRejected {
	return OrgSubmissionRejected{
		base:         orgSubmissionRejected.Succeeded(act, target),
		submissionID: submissionID, mayResubmit: mayResubmit, waited: seconds(waited),
	}
}

// WithComment adds comment.
func (e OrgSubmissionRejected) WithComment(v string) OrgSubmissionRejected {
	e.comment = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgSubmissionRejected) Denied(reason OrgSubmissionRejectedReason) OrgSubmissionRejected {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// Because says which kind of success it is.
func (e OrgSubmissionRejected) Because(reason OrgSubmissionRejectedReason) OrgSubmissionRejected {
	e.base = envelope.Explain(e.base, reason.text)
	return e
}

// SSOProtocol is the protocol spoken with an identity provider.
type SSOProtocol struct{ word }

// The values of SSOProtocol.
var (
	SSOProtocolOIDC = SSOProtocol{word{"oidc"}}
	SSOProtocolSAML = SSOProtocol{word{"saml"}}
)

// Values are the closed list of texts.
func (SSOProtocol) Values() []string {
	return texts(SSOProtocolOIDC, SSOProtocolSAML)
}

// ParseSSOProtocol reads one of the texts of Values.
func ParseSSOProtocol(s string) (SSOProtocol, error) {
	return parse(s, SSOProtocolOIDC, SSOProtocolSAML)
}

// FlowKind is the flow that the identity provider was a part of.
type FlowKind struct{ word }

// The values of FlowKind.
var (
	FlowKindInvitation = FlowKind{word{"invitation"}}
	FlowKindSubmission = FlowKind{word{"submission"}}
	FlowKindSignIn     = FlowKind{word{"sign_in"}}
)

// Values are the closed list of texts.
func (FlowKind) Values() []string {
	return texts(FlowKindInvitation, FlowKindSubmission, FlowKindSignIn)
}

// ProviderStep is the step at which an identity provider's leg failed.
type ProviderStep struct{ word }

// The values of ProviderStep.
var (
	ProviderStepStart     = ProviderStep{word{"start"}}
	ProviderStepCallback  = ProviderStep{word{"callback"}}
	ProviderStepToken     = ProviderStep{word{"token"}}
	ProviderStepAssertion = ProviderStep{word{"assertion"}}
)

// Values are the closed list of texts.
func (ProviderStep) Values() []string {
	return texts(ProviderStepStart, ProviderStepCallback, ProviderStepToken, ProviderStepAssertion)
}

// ProviderFlowFailedReason is a reason of PROVIDER_FLOW_FAILED.
type ProviderFlowFailedReason struct{ word }

// The reasons of PROVIDER_FLOW_FAILED.
var (
	ProviderFlowFailedStateMismatch     = ProviderFlowFailedReason{word{"state_mismatch"}}
	ProviderFlowFailedNonceMismatch     = ProviderFlowFailedReason{word{"nonce_mismatch"}}
	ProviderFlowFailedSignatureInvalid  = ProviderFlowFailedReason{word{"signature_invalid"}}
	ProviderFlowFailedIssuerUnknown     = ProviderFlowFailedReason{word{"issuer_unknown"}}
	ProviderFlowFailedAssertionExpired  = ProviderFlowFailedReason{word{"assertion_expired"}}
	ProviderFlowFailedAssertionReplayed = ProviderFlowFailedReason{word{"assertion_replayed"}}
	ProviderFlowFailedEmailUnverified   = ProviderFlowFailedReason{word{"email_unverified"}}
	ProviderFlowFailedProviderError     = ProviderFlowFailedReason{word{"provider_error"}}
	ProviderFlowFailedUserCancelled     = ProviderFlowFailedReason{word{"user_cancelled"}}
	ProviderFlowFailedTimeout           = ProviderFlowFailedReason{word{"timeout"}}
)

// ProviderFlowFailed is emitted when the leg through an external identity provider (OIDC or
// SAML) fails in an invitation, submission or sign-in flow, with its step and a code.
//
// PROVIDER_FLOW_FAILED, "provider_flow_failed".
type ProviderFlowFailed struct {
	base
	providerID  id.Provider  `meta:"provider_id"`
	ssoProtocol SSOProtocol  `meta:"sso_protocol"`
	flowKind    FlowKind     `meta:"flow_kind"`
	step        ProviderStep `meta:"step"`
	flowID      opt[id.Flow] `meta:"flow_id"`
}

var providerFlowFailed = define[ProviderFlowFailed](Definition{
	Constant: PROVIDER_FLOW_FAILED, Wire: "provider_flow_failed", Category: InvitationLifecycle,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Failure},
	Reasons: texts(
		ProviderFlowFailedStateMismatch, ProviderFlowFailedNonceMismatch, ProviderFlowFailedSignatureInvalid,
		ProviderFlowFailedIssuerUnknown, ProviderFlowFailedAssertionExpired,
		ProviderFlowFailedAssertionReplayed, ProviderFlowFailedEmailUnverified,
		ProviderFlowFailedProviderError, ProviderFlowFailedUserCancelled, ProviderFlowFailedTimeout,
	),
	OCSF: ocsf(3002, 1, "Logon"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"start"}},
	Trigger: "Emitted when the leg through an external identity provider (OIDC or SAML) fails in an invitation, " +
		"submission or sign-in flow, with its step and a code; not when the provider leg succeeds and a rule " +
		"of the product refuses afterwards.",
})

// NewProviderFlowFailed builds PROVIDER_FLOW_FAILED with outcome failure.
func NewProviderFlowFailed(
	act Act, target TenantRef, reason ProviderFlowFailedReason, providerID id.Provider, ssoProtocol SSOProtocol,
	flowKind FlowKind, step ProviderStep,
) ProviderFlowFailed {
	return ProviderFlowFailed{
		base:       providerFlowFailed.Failed(act, target, reason.text),
		providerID: providerID, ssoProtocol: ssoProtocol, flowKind: flowKind, step: step,
	}
}

// WithFlowID adds flow_id.
func (e ProviderFlowFailed) WithFlowID(v id.Flow) ProviderFlowFailed {
	e.flowID = some(v)
	return e
}

// PendingKind is what still waits for approval.
type PendingKind struct{ word }

// The values of PendingKind.
var (
	PendingKindOrgSubmission = PendingKind{word{"org_submission"}}
	PendingKindMembership    = PendingKind{word{"membership"}}
)

// Values are the closed list of texts.
func (PendingKind) Values() []string {
	return texts(PendingKindOrgSubmission, PendingKindMembership)
}

// PendingStateViewed is emitted the first time in a sign-in that a user whose submission or
// membership still waits for approval is shown the pending page.
//
// PENDING_STATE_VIEWED, "pending_state_viewed".
type PendingStateViewed struct {
	base
	pendingKind  PendingKind        `meta:"pending_kind"`
	submissionID opt[id.Submission] `meta:"submission_id"`
	waiting      seconds            `meta:"waiting_seconds"`
}

var pendingStateViewed = define[PendingStateViewed](Definition{
	Constant: PENDING_STATE_VIEWED, Wire: "pending_state_viewed", Category: InvitationLifecycle,
	Severity: Debug, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(6003, 2, "Read"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "info"}},
	Trigger: "Emitted the first time in a sign-in that a user whose submission or membership still waits for " +
		"approval is shown the pending page; not for automatic refreshes of that page.",
})

// NewPendingStateViewed builds PENDING_STATE_VIEWED.
func NewPendingStateViewed(
	act Act, target TenantRef, pendingKind PendingKind, waiting time.Duration,
) PendingStateViewed {
	return PendingStateViewed{
		base:        pendingStateViewed.Succeeded(act, target),
		pendingKind: pendingKind, waiting: seconds(waiting),
	}
}

// WithSubmissionID adds submission_id.
func (e PendingStateViewed) WithSubmissionID(v id.Submission) PendingStateViewed {
	e.submissionID = some(v)
	return e
}

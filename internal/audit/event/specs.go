package event

import (
	"slices"

	"github.com/vaultpam/vaultpam/internal/gateway/ssh/sshevent"
)

// specs are all event types of this package in catalog order. The SSH gateway's four come
// after the public ones, the internal tier last.
func specs() []*spec {
	return slices.Concat(public[:], sshevent.Specs(), internal[:])
}

var public = [...]*spec{
	// Agent / Connectivity
	agentPairingInitiated, agentPairingCompleted, agentPairingFailed, agentHeartbeatReceived,
	agentConnectivityCheck, connectorRegistration, connectorUpgrade, connectorDecommissioned,
	// Identity / Access / Sharing
	userAccessRequestCreated, accessRequestApproved, accessRequestRejected, accessDelegationGranted,
	accessDelegationRevoked, roleAssignmentChanged, policyAssignmentChanged, mfaChallengeTriggered,
	mfaVerificationSucceeded, mfaVerificationFailed, mfaSessionsInvalidated, mfaRecoveryRequested,
	mfaRecoveryVerified, mfaRecoveryPendingAdminApproval, mfaRecoveryApproved, mfaRecoveryDenied,
	mfaRecoveryGrantIssued, mfaRecoveryGrantConsumed, mfaRecoveryExpired, mfaRecoveryCompleted,
	mfaBackupCodesGenerated, mfaBackupCodesUsed, mfaBackupCodesRegenerated,
	// Accounts / Secrets / Credentials
	privilegedAccountCreated, privilegedAccountUpdated, privilegedAccountDisabled,
	credentialCheckoutStarted, credentialCheckoutCompleted, credentialCheckinCompleted,
	credentialRotationStarted, credentialRotationCompleted, credentialRotationFailed, secretAccessed,
	// Connections / Sessions
	connectionDefinitionCreated, connectionDefinitionUpdated, connectionDefinitionDeleted,
	sessionStartRequested, sessionEstablished, sessionRecordingStarted, sessionPolicyEnforced,
	sessionSuspended, sessionTerminatedByUser, sessionTerminatedByAdmin, sessionTerminatedBySystem,
	sessionRecordingFinalized, sessionPlaybackAccessed, httpSessionStarted, httpSessionEnded, httpurlDenied,
	httpCredentialInjected,
	// Admin / Platform / Audit
	auditLogViewed, auditLogExportRequested, auditLogExportCompleted, retentionPolicyChanged,
	tenantSettingsUpdated, apiTokenCreated, apiTokenRevoked, securityIncidentFlagged, systemErrorLogged,
	// Invitation Lifecycle
	invitationSent, invitationAccepted, invitationRevoked, invitationResent, invitationExpired,
	invitationAcceptBlocked, inviteAcceptStarted, inviteTokenInvalidOrExpired, inviteEmailMismatchBlocked,
	inviteAccepted, orgSubmissionStarted, orgSubmissionSubmitted, orgSubmissionApproved,
	orgSubmissionRejected, providerFlowFailed, pendingStateViewed,
	// Platform Users Management
	platformUserInvited, platformUserRemoved, platformUserRoleChanged, platformUserMFAReset,
	platformInvitationAccepted, platformUserInviteRejected, platformSelfRemovalBlocked,
	platformLastAdminRemovalBlocked, platformLastAdminMFAResetBlocked, platformUsersListed,
	platformInvitationsListed,
	// Groups / Safe Access
	groupCreated, groupUpdated, groupDeleted, groupMemberAdded, groupMemberRemoved,
	safeGroupAssignmentCreated, safeGroupAssignmentUpdated, safeGroupAssignmentRemoved, safeMemberAdded,
	safeMemberRoleUpdated, safeMemberRemoved, safeDerivedAccessGranted, safeDerivedAccessRevoked,
	safeDerivedAccessRoleChanged, groupMutationDenied,
	// Org-Scoped Governance Actions
	orgGovernanceActionRequested, orgGovernanceActionApproved, orgGovernanceActionRejected,
	// Cross-Org Governance
	platformCrossOrgGovernanceViewed, orgGovernanceQueueExported, orgGovernanceSelfApprovalBlocked,
	// Phone / SMS Verification
	phoneVerificationCodeSent, phoneVerificationSucceeded, phoneVerificationFailed,
	phoneVerificationExpired, phoneChangeRequested, phoneChangeCommitted, phoneChangeAbandoned,
	auditPhoneDigestKeyRotated, phoneVerificationCodeSendBlockedProviderUnavailable,
	phoneVerificationBootProviderGatePassed, phoneVerificationCodeSendBlockedRateLimit,
	phoneChangeConcurrentModification, phoneChangeCancel, usersPhonePropagatedFromRegistration,
	usersPhonePropagationSkippedConflict,
}

var internal = [...]*spec{
	authSignInSucceeded, authSignInFailed, authSignedOut, authLocked, authDeviceDecided, mfaFactorEnrolled, mfaFactorRemoved, mfaFactorRenamed,
	sshKeyAdded, sshKeyRemoved, passwordChanged, organizationCreated, platformSetupCompleted,
	rootKeyRotation, orgKeyRotated, ledgerKeyRotated, ledgerResumed, sshCertificateIssued,
	platformSetupLinkCreated,
	organizationStateChanged,
	passwordResetRequested, mailOrdered, authActRefused, memberSuspended, memberResumed,
	accessPolicyChanged,
	phoneNumberRemoved,
	accessGrantOpened, accessGrantEnded, accessRequestCommented,
	noticePreferenceChanged,
	accessReviewOpened, accessReviewItemDecided, accessReviewClosed, accessReviewCancelled, accessReviewExported,
}

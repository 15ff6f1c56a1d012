package eventtest

import "github.com/vaultpam/vaultpam/internal/audit/event"

// Unsuccessful gives, for every event type that can succeed, one event for each other outcome it can have.
func Unsuccessful() []event.Event {
	var out []event.Event
	for _, ev := range All() {
		out = append(out, otherwise(ev)...)
	}
	return out
}

// otherwise gives ev with each outcome but success.
func otherwise(ev event.Event) []event.Event {
	switch e := ev.(type) {
	case event.AgentPairingInitiated:
		return []event.Event{e.Denied(event.AgentPairingInitiatedNotPermitted)}
	case event.AgentConnectivityCheck:
		return []event.Event{e.Failed(event.AgentConnectivityCheckDialTimeout), e.Denied(event.AgentConnectivityCheckNotPermitted)}
	case event.ConnectorUpgrade:
		return []event.Event{e.Failed(event.ConnectorUpgradeRolledBack)}
	case event.ConnectorDecommissioned:
		return []event.Event{e.Denied(event.ConnectorDecommissionedNotPermitted)}
	case event.UserAccessRequestCreated:
		return []event.Event{e.Denied(event.UserAccessRequestCreatedNotEligible)}
	case event.AccessRequestApproved:
		return []event.Event{e.Denied(event.AccessRequestApprovedNotPermitted)}
	case event.AccessRequestRejected:
		return []event.Event{e.Denied(event.AccessRequestRejectedNotPermitted)}
	case event.AccessDelegationGranted:
		return []event.Event{e.Denied(event.AccessDelegationGrantedNotPermitted)}
	case event.AccessDelegationRevoked:
		return []event.Event{e.Denied(event.AccessDelegationRevokedNotPermitted)}
	case event.RoleAssignmentChanged:
		return []event.Event{e.Denied(event.RoleAssignmentChangedNotPermitted)}
	case event.PolicyAssignmentChanged:
		return []event.Event{e.Denied(event.PolicyAssignmentChangedNotPermitted)}
	case event.MFARecoveryRequested:
		return []event.Event{e.Denied(event.MFARecoveryRequestedRateLimited)}
	case event.MFARecoveryVerified:
		return []event.Event{e.Failed(event.MFARecoveryVerifiedAttemptsExhausted)}
	case event.MFARecoveryApproved:
		return []event.Event{e.Denied(event.MFARecoveryApprovedNotPermitted)}
	case event.MFARecoveryDenied:
		return []event.Event{e.Denied(event.MFARecoveryDeniedNotPermitted)}
	case event.MFARecoveryGrantConsumed:
		return []event.Event{e.Denied(event.MFARecoveryGrantConsumedUnknown)}
	case event.PrivilegedAccountCreated:
		return []event.Event{e.Denied(event.PrivilegedAccountCreatedNotPermitted)}
	case event.PrivilegedAccountUpdated:
		return []event.Event{e.Denied(event.PrivilegedAccountUpdatedNotPermitted)}
	case event.PrivilegedAccountDisabled:
		return []event.Event{e.Denied(event.PrivilegedAccountDisabledNotPermitted)}
	case event.CredentialCheckoutStarted:
		return []event.Event{e.Denied(event.CredentialCheckoutStartedNoApproval)}
	case event.CredentialCheckoutCompleted:
		return []event.Event{e.Failed(event.CredentialCheckoutCompletedLeaseCancelled)}
	case event.CredentialRotationStarted:
		return []event.Event{e.Denied(event.CredentialRotationStartedNotPermitted)}
	case event.SecretAccessed:
		return []event.Event{e.Failed(event.SecretAccessedSecretStoreUnavailable), e.Denied(event.SecretAccessedNotPermitted)}
	case event.ConnectionDefinitionCreated:
		return []event.Event{e.Denied(event.ConnectionDefinitionCreatedNotPermitted)}
	case event.ConnectionDefinitionUpdated:
		return []event.Event{e.Denied(event.ConnectionDefinitionUpdatedNotPermitted)}
	case event.ConnectionDefinitionDeleted:
		return []event.Event{e.Denied(event.ConnectionDefinitionDeletedNotPermitted)}
	case event.SessionStartRequested:
		return []event.Event{e.Denied(event.SessionStartRequestedNotAMember)}
	case event.SessionEstablished:
		return []event.Event{e.Failed(event.SessionEstablishedHostKeyMismatch)}
	case event.SessionPolicyEnforced:
		return []event.Event{e.Denied(event.SessionPolicyEnforcedClipboardBlocked)}
	case event.SessionSuspended:
		return []event.Event{e.Denied(event.SessionSuspendedNotPermitted)}
	case event.SessionTerminatedByAdmin:
		return []event.Event{e.Denied(event.SessionTerminatedByAdminNotPermitted)}
	case event.SessionTerminatedBySystem:
		return []event.Event{e.Failed(event.SessionTerminatedBySystemShutdown)}
	case event.SessionRecordingFinalized:
		return []event.Event{e.Failed(event.SessionRecordingFinalizedTruncated)}
	case event.SessionPlaybackAccessed:
		return []event.Event{e.Denied(event.SessionPlaybackAccessedNotPermitted)}
	case event.HTTPCredentialInjected:
		return []event.Event{e.Failed(event.HTTPCredentialInjectedSecretStoreUnavailable)}
	case event.AuditLogViewed:
		return []event.Event{e.Denied(event.AuditLogViewedNotPermitted)}
	case event.AuditLogExportRequested:
		return []event.Event{e.Denied(event.AuditLogExportRequestedNotPermitted)}
	case event.AuditLogExportCompleted:
		return []event.Event{e.Failed(event.AuditLogExportCompletedInternalError)}
	case event.RetentionPolicyChanged:
		return []event.Event{e.Denied(event.RetentionPolicyChangedNotPermitted)}
	case event.TenantSettingsUpdated:
		return []event.Event{e.Denied(event.TenantSettingsUpdatedNotPermitted)}
	case event.APITokenCreated:
		return []event.Event{e.Denied(event.APITokenCreatedNotPermitted)}
	case event.APITokenRevoked:
		return []event.Event{e.Denied(event.APITokenRevokedNotPermitted)}
	case event.InvitationSent:
		return []event.Event{e.Denied(event.InvitationSentNotPermitted)}
	case event.InvitationRevoked:
		return []event.Event{e.Denied(event.InvitationRevokedNotPermitted)}
	case event.InvitationResent:
		return []event.Event{e.Denied(event.InvitationResentNotPermitted)}
	case event.OrgSubmissionSubmitted:
		return []event.Event{e.Denied(event.OrgSubmissionSubmittedDuplicateOrganization)}
	case event.OrgSubmissionApproved:
		return []event.Event{e.Denied(event.OrgSubmissionApprovedNotPermitted)}
	case event.OrgSubmissionRejected:
		return []event.Event{e.Denied(event.OrgSubmissionRejectedNotPermitted)}
	case event.PlatformUserRemoved:
		return []event.Event{e.Denied(event.PlatformUserRemovedNotPermitted)}
	case event.PlatformUserRoleChanged:
		return []event.Event{e.Denied(event.PlatformUserRoleChangedNotPermitted)}
	case event.PlatformUserMFAReset:
		return []event.Event{e.Denied(event.PlatformUserMFAResetNotPermitted)}
	case event.PlatformUsersListed:
		return []event.Event{e.Denied(event.PlatformUsersListedNotPermitted)}
	case event.PlatformInvitationsListed:
		return []event.Event{e.Denied(event.PlatformInvitationsListedNotPermitted)}
	case event.OrgGovernanceActionRequested:
		return []event.Event{e.Denied(event.OrgGovernanceActionRequestedNotPermitted)}
	case event.OrgGovernanceActionApproved:
		return []event.Event{e.Denied(event.OrgGovernanceActionApprovedNotPermitted)}
	case event.OrgGovernanceActionRejected:
		return []event.Event{e.Denied(event.OrgGovernanceActionRejectedNotPermitted)}
	case event.PlatformCrossOrgGovernanceViewed:
		return []event.Event{e.Denied(event.PlatformCrossOrgGovernanceViewedNotPermitted)}
	case event.OrgGovernanceQueueExported:
		return []event.Event{e.Denied(event.OrgGovernanceQueueExportedNotPermitted)}
	case event.PhoneChangeRequested:
		return []event.Event{e.Denied(event.PhoneChangeRequestedNotPermitted)}
	case event.AuditPhoneDigestKeyRotated:
		return []event.Event{e.Failed(event.AuditPhoneDigestKeyRotatedKeyStoreUnavailable)}
	case event.PhoneChangeCancel:
		return []event.Event{e.Denied(event.PhoneChangeCancelNotPermitted)}
	case event.ProxySSHSessionClosed:
		return []event.Event{e.Failed(event.ProxySSHSessionClosedGatewayError)}
	case event.ProxySSHRecordingWritten:
		return []event.Event{e.Failed(event.ProxySSHRecordingWrittenDiskFull)}
	case event.MFAFactorEnrolled:
		return []event.Event{e.Denied(event.MFAFactorEnrolledNotPermitted)}
	case event.MFAFactorRemoved:
		return []event.Event{e.Denied(event.MFAFactorRemovedNotPermitted)}
	case event.AuthDeviceDecided:
		return []event.Event{e.Denied(event.AuthDeviceDecidedUnknownCode)}
	case event.AuthSignedOut:
		return []event.Event{e.Denied(event.AuthSignedOutNotPermitted)}
	case event.SSHKeyAdded:
		return []event.Event{e.Denied(event.SSHKeyAddedNotPermitted)}
	case event.SSHKeyRemoved:
		return []event.Event{e.Denied(event.SSHKeyRemovedNotPermitted)}
	case event.PasswordChanged:
		return []event.Event{e.Denied(event.PasswordChangedNotPermitted)}
	case event.OrganizationCreated:
		return []event.Event{e.Denied(event.OrganizationCreatedNotPermitted)}
	case event.PasswordResetRequested:
		return []event.Event{e.Denied(event.PasswordResetRequestedUnknownAddress)}
	case event.MailOrdered:
		return []event.Event{e.Denied(event.MailOrderedRateLimited)}
	case event.NoticePreferenceChanged:
		return []event.Event{e.Denied(event.NoticePreferenceChangedNotPermitted)}
	case event.MemberSuspended:
		return []event.Event{e.Denied(event.MemberSuspendedLastOrgAdmin)}
	case event.MemberResumed:
		return []event.Event{e.Denied(event.MemberResumedNotPermitted)}
	case event.PhoneNumberRemoved:
		return []event.Event{e.Denied(event.PhoneNumberRemovedNotPermitted), e.Denied(event.PhoneNumberRemovedMFARequired)}
	case event.OrganizationStateChanged:
		return []event.Event{e.Denied(event.OrganizationStateChangedNotPermitted)}
	case event.PlatformSetupCompleted:
		return []event.Event{e.Denied(event.PlatformSetupCompletedTokenUnknown)}
	case event.RootKeyRotation:
		return []event.Event{e.Failed(event.RootKeyRotationInternalError), e.Denied(event.RootKeyRotationMFARequired)}
	case event.OrgKeyRotated:
		return []event.Event{e.Denied(event.OrgKeyRotatedNotPermitted)}
	case event.LedgerKeyRotated:
		return []event.Event{e.Denied(event.LedgerKeyRotatedNotPermitted)}
	case event.LedgerResumed:
		return []event.Event{e.Denied(event.LedgerResumedNotPermitted)}
	case event.AccessPolicyChanged:
		return []event.Event{e.Denied(event.AccessPolicyChangedNotPermitted)}
	case event.AccessGrantOpened:
		return []event.Event{e.Denied(event.AccessGrantOpenedNotPermitted)}
	case event.AccessGrantEnded:
		return []event.Event{e.Denied(event.AccessGrantEndedNotPermitted)}
	case event.AccessReviewOpened:
		return []event.Event{e.Denied(event.AccessReviewOpenedNotPermitted)}
	case event.AccessReviewItemDecided:
		return []event.Event{e.Denied(event.AccessReviewItemDecidedNotPermitted), e.Denied(event.AccessReviewItemDecidedOwnRight), e.Denied(event.AccessReviewItemDecidedNotOpen), e.Denied(event.AccessReviewItemDecidedMFARequired)}
	case event.AccessReviewExported:
		return []event.Event{e.Denied(event.AccessReviewExportedNotPermitted)}
	case event.AccessReviewCancelled:
		return []event.Event{e.Denied(event.AccessReviewCancelledNotPermitted), e.Denied(event.AccessReviewCancelledNotOpen)}
	case event.AccessRequestCommented:
		return []event.Event{e.Denied(event.AccessRequestCommentedNotPermitted)}
	case event.SSHCertificateIssued:
		return []event.Event{e.Denied(event.SSHCertificateIssuedNotPermitted)}
	}
	return nil
}

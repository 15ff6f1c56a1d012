package eventtest

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

func invitations() []event.Event {
	return []event.Event{
		event.NewInvitationSent(
			by(event.TenantAdmin), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			"invitee_email", "role",
		).
			WithSafeIDs([]id.Safe{ID[id.Safe]("safe_ids")}).WithExpiresAt(moment("expires_at")),
		event.NewInvitationAccepted(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			"invitee_email", ID[id.User]("member_user_id"), "role", event.AcceptedViaAPI,
		).WithFlowID(ID[id.Flow]("flow_id")),
		event.NewInvitationRevoked(
			by(event.TenantAdmin), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.InvitationScopePlatform, "invitee_email", span("pending_seconds", time.Second),
		).Because(event.InvitationRevokedRevokedByAdmin),
		event.NewInvitationResent(
			by(event.TenantAdmin), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.InvitationScopePlatform, "invitee_email", count[int]("resend_count"),
		).WithExpiresAt(moment("expires_at")),
		event.NewInvitationExpired(
			by(event.System), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.InvitationScopePlatform, "invitee_email", moment("sent_at"), count[int]("resend_count"),
		),
		event.NewInvitationAcceptBlocked(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"), event.InvitationAcceptBlockedAlreadyMember,
			event.InvitationScopePlatform, "invitee_email", event.AcceptedViaAPI,
		).WithFlowID(ID[id.Flow]("flow_id")),
		event.NewInviteAcceptStarted(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.InvitationScopePlatform, ID[id.Flow]("flow_id"),
		),
		event.NewInviteTokenInvalidOrExpired(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"), event.InviteTokenInvalidOrExpiredUnknown,
			event.PresentedScopeUnknown, count[int]("coalesced"),
		),
		event.NewInviteEmailMismatchBlocked(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"), event.InviteEmailMismatchBlockedEmailMismatch,
			event.InvitationScopePlatform, ID[id.Flow]("flow_id"), "invitee_email", "presented_domain",
		).WithProviderID(ID[id.Provider]("provider_id")),
		event.NewInviteAccepted(
			by(event.User), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.InvitationScopePlatform, ID[id.Flow]("flow_id"), span("flow_seconds", time.Second),
			event.IdentityMethodSSO, ID[id.Event]("accepted_event"),
		),
		event.NewOrgSubmissionStarted(
			by(event.User).OnPlatform(), event.PlatformTarget(),
			ID[id.Submission]("submission_id"), "applicant_email",
		),
		event.NewOrgSubmissionSubmitted(
			by(event.User).OnPlatform(), event.PlatformTarget(),
			ID[id.Submission]("submission_id"), "org_name", "applicant_email", flag("resubmission"),
		).WithPhone(phoneDigest("phone")),
		event.NewOrgSubmissionApproved(
			by(event.PlatformAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Submission]("submission_id"), span("waited_seconds", time.Second),
		).
			WithNewOrgID(ID[id.Org]("new_org_id")).WithFirstAdminUserID(ID[id.User]("first_admin_user_id")),
		event.NewOrgSubmissionRejected(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(),
			ID[id.Submission]("submission_id"), flag("may_resubmit"), span("waited_seconds", time.Second),
		).
			WithComment("comment").Because(event.OrgSubmissionRejectedRejected),
		event.NewProviderFlowFailed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.ProviderFlowFailedStateMismatch,
			ID[id.Provider]("provider_id"), event.SSOProtocolSAML, event.FlowKindSignIn,
			event.ProviderStepAssertion,
		).WithFlowID(ID[id.Flow]("flow_id")),
		event.NewPendingStateViewed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			event.PendingKindMembership, span("waiting_seconds", time.Second),
		).WithSubmissionID(ID[id.Submission]("submission_id")),
	}
}

func groups() []event.Event {
	return []event.Event{
		event.NewGroupCreated(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Group]("group_id"), "group_name", event.GroupSourceSSO,
		),
		event.NewGroupUpdated(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Group]("group_id"), changes("changes"), event.GroupSourceSSO,
		),
		event.NewGroupDeleted(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Group]("group_id"), "group_name", count[int]("member_count"), count[int]("assignment_count"),
			event.GroupSourceSSO,
		),
		event.NewGroupMemberAdded(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Group]("group_id"), ID[id.User]("subject_user_id"), event.GroupSourceSSO,
		),
		event.NewGroupMemberRemoved(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Group]("group_id"), ID[id.User]("subject_user_id"), event.GroupSourceSSO,
			event.GroupRemovalCauseUserLeftOrg,
		),
		event.NewSafeGroupAssignmentCreated(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.GroupAssignment]("assignment_id"), ID[id.Group]("group_id"), "role",
		).WithEndsAt(moment("ends_at")),
		event.NewSafeGroupAssignmentUpdated(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.GroupAssignment]("assignment_id"), ID[id.Group]("group_id"), "old_role", "new_role",
			flag("privilege_raised"),
		).WithEndsAt(moment("ends_at")),
		event.NewSafeGroupAssignmentRemoved(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.GroupAssignment]("assignment_id"), ID[id.Group]("group_id"), "role",
			event.AssignmentRemovalCauseSafeDeleted,
		),
		event.NewSafeMemberAdded(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), "role",
		).WithEndsAt(moment("ends_at")),
		event.NewSafeMemberRoleUpdated(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), "old_role", "new_role", flag("privilege_raised"),
		),
		event.NewSafeMemberRemoved(
			by(event.TenantAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), "role", event.SafeRemovalCauseSafeDeleted,
			flag("access_remains_by_group"), count[int]("sessions_ended"),
		),
		event.NewSafeDerivedAccessGranted(
			by(event.System), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Group]("group_id"), "role", ID[id.Event]("caused_by"),
		),
		event.NewSafeDerivedAccessRevoked(
			by(event.System), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Group]("group_id"), "role", count[int]("sessions_ended"),
			ID[id.Event]("caused_by"),
		),
		event.NewSafeDerivedAccessRoleChanged(
			by(event.System), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Group]("group_id"), "old_role", "new_role",
			flag("privilege_raised"), ID[id.Event]("caused_by"),
		),
		event.NewGroupMutationDenied(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.GroupMutationDeniedNotPermitted,
			event.GroupOperationSafeMemberRemove,
		).
			WithGroupID(ID[id.Group]("group_id")).WithSafeID(ID[id.Safe]("safe_id")).
			WithSubjectUserID(ID[id.User]("subject_user_id")),
	}
}

func phone() []event.Event {
	return []event.Event{
		event.NewPhoneVerificationCodeSent(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"), "country",
			event.SMSPurposePhoneChange, "provider", moment("expires_at"),
		).
			WithSubjectUserID(ID[id.User]("subject_user_id")).WithProviderMessageID("provider_message_id"),
		event.NewPhoneVerificationSucceeded(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"), event.SMSPurposePhoneChange,
			count[int]("attempts"),
		).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewPhoneVerificationFailed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneVerificationFailedWrongCode,
			ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"), event.SMSPurposePhoneChange,
			count[int]("attempts"), flag("closed"),
		).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewPhoneVerificationExpired(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneVerificationExpiredExpired,
			ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"), event.SMSPurposePhoneChange,
			count[int]("attempts"), event.ExpiryFinderLateCode,
		).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewPhoneChangeRequested(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), phoneDigest("new_phone"),
		).
			WithChangeID(ID[id.PhoneChange]("change_id")).WithOldPhone(phoneDigest("old_phone")),
		event.NewPhoneChangeCommitted(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.PhoneChange]("change_id"),
			ID[id.PhoneVerification]("verification_id"), phoneDigest("new_phone"),
		).WithOldPhone(phoneDigest("old_phone")),
		event.NewPhoneChangeAbandoned(
			by(event.System), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneChangeAbandonedExpired,
			ID[id.User]("subject_user_id"), ID[id.PhoneChange]("change_id"), phoneDigest("new_phone"),
		).WithSupersededBy(ID[id.PhoneChange]("superseded_by")),
		event.NewAuditPhoneDigestKeyRotated(
			by(event.TenantAdmin), event.PhoneKeyTarget("pd-3"),
			event.KeyChangeDestroyed, event.KeyRotationTriggerIncident,
		).
			WithNewKeyID(event.PhoneKeyID("new_key_id")).
			WithPreviousKeyID(event.PhoneKeyID("previous_key_id")),
		event.NewPhoneVerificationCodeSendBlockedProviderUnavailable(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneVerificationCodeSendBlockedProviderUnavailableNotConfigured,
			phoneDigest("phone"), "country", event.SMSPurposePhoneChange,
		).
			WithSubjectUserID(ID[id.User]("subject_user_id")).
			WithVerificationID(ID[id.PhoneVerification]("verification_id")).WithProvider("provider"),
		event.NewPhoneVerificationBootProviderGatePassed(
			by(event.System).OnPlatform(), event.PlatformTarget(),
			"provider", "release", span("check_ms", time.Millisecond),
		),
		event.NewPhoneVerificationCodeSendBlockedRateLimit(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneVerificationCodeSendBlockedRateLimitLimitNumber,
			phoneDigest("phone"), "country", event.SMSPurposePhoneChange, count[int]("limit_per_window"),
			span("window_seconds", time.Second), count[int]("coalesced"),
		).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewPhoneChangeConcurrentModification(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.PhoneChangeConcurrentModificationVersionConflict,
			ID[id.User]("subject_user_id"), ID[id.PhoneChange]("change_id"), event.PhoneChangeOperationCancel,
			count[int]("expected_version"), count[int]("actual_version"),
		),
		event.NewPhoneChangeCancel(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.PhoneChange]("change_id"), phoneDigest("new_phone"),
			flag("by_admin"),
		),
		event.NewUsersPhonePropagatedFromRegistration(
			by(event.System), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"),
		),
		event.NewUsersPhonePropagationSkippedConflict(
			by(event.System), event.TenantTarget(ID[id.Org]("target"), "the target"), event.UsersPhonePropagationSkippedConflictUserHasOtherNumber,
			ID[id.User]("subject_user_id"), ID[id.PhoneVerification]("verification_id"), phoneDigest("phone"),
		).WithExistingPhone(phoneDigest("existing_phone")),
	}
}

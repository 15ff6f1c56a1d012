package eventtest

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

func internalTier() []event.Event {
	return []event.Event{
		event.NewAuthSignInSucceeded(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), event.SignInMethodDevice, event.DoorSSH,
			flag("second_factor_demanded"),
		).WithKeyFingerprint("key_fingerprint"),
		event.NewAuthSignInFailed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.AuthSignInFailedBadCredentials,
			event.SignInMethodDevice, event.DoorSSH, count[int]("coalesced"),
		).
			WithSubjectUserID(ID[id.User]("subject_user_id")).WithClaimedUser("claimed_user").
			WithFailedCount(count[int]("failed_count")).WithKeyFingerprint("key_fingerprint"),
		event.NewAuthSignedOut(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), count[int]("sessions_ended"),
		).Because(event.AuthSignedOutByUser),
		event.NewAuthLocked(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			event.LockScopeSource, count[int]("failed_count"), moment("locked_until"),
		).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewAuthDeviceDecided(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), event.DeviceDecisionDenied, "device_client",
		).WithDeviceAddress("device_address"),
		event.NewMFAFactorEnrolled(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Factor]("factor_id"), event.FactorKindWebAuthn,
			flag("first_factor"),
		),
		event.NewMFAFactorRemoved(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Factor]("factor_id"), event.FactorKindWebAuthn,
			flag("by_admin"), count[int]("sessions_ended"),
		),
		event.NewMFAFactorRenamed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Factor]("factor_id"), "old_name", "new_name",
		),
		event.NewSSHKeyAdded(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.SSHKey]("ssh_key_id"), "key_name", "key_type",
			"key_fingerprint",
		),
		event.NewSSHKeyRemoved(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.SSHKey]("ssh_key_id"), "key_name", "key_fingerprint",
			flag("by_admin"),
		),
		event.NewPasswordChanged(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), flag("by_admin"), count[int]("sessions_ended"),
		).WithByLink(flag("by_link")),
		event.NewOrganizationCreated(
			by(event.PlatformAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			"org_slug", "org_name",
		).
			WithNewOrgID(ID[id.Org]("new_org_id")).WithOwnerUserID(ID[id.User]("owner_user_id")),
		event.NewPlatformSetupCompleted(
			by(event.User).OnPlatform(), event.PlatformTarget(),
		).
			WithSetupID(ID[id.Setup]("setup_id")).WithSubjectUserID(ID[id.User]("subject_user_id")),
		event.NewRootKeyRotation(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(), event.RootKeyStageCompleted,
		).
			WithRootKeyID(ID[id.Key]("root_key_id")).WithKeysetsRewrapped(count[int]("keysets_rewrapped")),
		event.NewOrgKeyRotated(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
		).
			WithNewKeyID(ID[id.Key]("new_key_id")).WithReplacedKeyID(ID[id.Key]("replaced_key_id")),
		event.NewLedgerKeyRotated(
			by(event.PlatformAdmin), event.AuditLogTarget(ID[id.Log]("target"), "the target"),
		).
			WithNewKeyID(ID[id.Key]("new_key_id")).WithReplacedKeyID(ID[id.Key]("replaced_key_id")).
			WithReplacedSignsUntil(moment("replaced_signs_until")),
		event.NewLedgerResumed(
			by(event.PlatformAdmin), event.AuditLogTarget(ID[id.Log]("target"), "the target"),
		).
			WithStoppedAt(moment("stopped_at")).WithStopReason("stop_reason"),
		event.NewSSHCertificateIssued(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), flag("for_one_session"),
		).
			WithCertificateSerial("certificate_serial").WithCAKeyID(ID[id.Key]("ca_key_id")).
			WithKeyFingerprint("key_fingerprint").WithExpiresAt(moment("expires_at")),
		event.NewPlatformSetupLinkCreated(
			by(event.System).OnPlatform(), event.PlatformTarget(),
			ID[id.Setup]("setup_id"), moment("expires_at"), count[int]("links_voided"),
		),
		event.NewOrganizationStateChanged(
			by(event.PlatformAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			event.OrganizationChangeLimited,
		).WithComment("comment"),
		event.NewPasswordResetRequested(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
		).WithSubjectUserID(ID[id.User]("subject_user_id")).WithClaimedUser("claimed_user"),
		event.NewMailOrdered(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"), event.MailOrderResend, "mail_kind",
		).WithDelivery("delivery_id"),
		event.NewAuthActRefused(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.AuthActRefusedMFARequired, event.RefusedActAccessDelegate,
		),
		event.NewMemberSuspended(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), "role", count[int]("sessions_ended"),
		).WithComment("comment"),
		event.NewMemberResumed(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), "role", span("suspended_seconds", time.Second),
		),
		event.NewAccessPolicyChanged(
			by(event.TenantAdmin), event.PolicyTarget(ID[id.Policy]("target"), "the target"),
			event.PolicyChangeDeleted, changes("changes"),
		).WithPolicyVersion(count[int]("policy_version")).WithComment("comment"),
		event.NewPhoneNumberRemoved(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.User]("subject_user_id"),
		).WithOldPhone(phoneDigest("old_phone")),
		event.NewAccessGrantOpened(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.AccessGrant]("access_grant_id"), ID[id.AccessReq]("access_request_id"), ID[id.User]("subject_user_id"),
			event.OpenedByEmergency, moment("starts_at"), moment("ends_at"),
		).WithJustification("justification"),
		event.NewAccessGrantEnded(
			by(event.OrgAdmin), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.AccessGrant]("access_grant_id"), ID[id.AccessReq]("access_request_id"), ID[id.User]("subject_user_id"),
			count[int]("sessions_ended"),
		).WithComment("comment").Because(event.AccessGrantEndedRevoked),
		event.NewAccessRequestCommented(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"), ID[id.AccessReq]("access_request_id"),
		),
		event.NewNoticePreferenceChanged(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), "notice_kind", event.EmailWhenOff, flag("in_app"),
		),
		event.NewAccessReviewOpened(
			by(event.OrgAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.Review]("review_id"), "review_name", count[int]("review_items"), moment("ends_at"),
		),
		event.NewAccessReviewItemDecided(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.Review]("review_id"), ID[id.ReviewItem]("review_item_id"), "verdict", "review_result",
		).WithSubjectUserID(ID[id.User]("subject_user_id")).WithGroupID(ID[id.Group]("group_id")).WithSafeID(ID[id.Safe]("safe_id")).WithComment("comment"),
		event.NewAccessReviewClosed(
			by(event.System), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.Review]("review_id"), "review_name",
		),
		event.NewAccessReviewCancelled(
			by(event.OrgAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.Review]("review_id"), "review_name",
		).WithComment("comment"),
		event.NewAccessReviewExported(
			by(event.OrgAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"), ID[id.Review]("review_id"), event.QueueExportFormatCSV, count[int64]("row_count"),
		).WithFileSHA256(digest("file_sha256")),
	}
}

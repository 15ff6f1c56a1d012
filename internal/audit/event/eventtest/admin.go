package eventtest

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

func admin() []event.Event {
	return []event.Event{
		event.NewAuditLogViewed(
			by(event.User), event.AuditLogTarget(ID[id.Log]("target"), "the target"),
			event.AuditReadViaExportDownload, []string{"filters"}, count[int]("rows_returned"),
		).
			WithRangeFrom(moment("range_from")).WithRangeTo(moment("range_to")).
			WithExportID(ID[id.Export]("export_id")),
		event.NewAuditLogExportRequested(
			by(event.User), event.AuditLogTarget(ID[id.Log]("target"), "the target"),
			event.AuditExportFormatOCSF, []string{"filters"}, flag("include_proofs"),
		).
			WithExportID(ID[id.Export]("export_id")).WithRangeFrom(moment("range_from")).
			WithRangeTo(moment("range_to")),
		event.NewAuditLogExportCompleted(
			by(event.System), event.AuditLogTarget(ID[id.Log]("target"), "the target"),
			ID[id.Export]("export_id"), ID[id.User]("requested_by"), count[int64]("row_count"),
		).
			WithFileSHA256(digest("file_sha256")).WithTreeSize(count[int64]("tree_size")),
		event.NewRetentionPolicyChanged(
			by(event.TenantAdmin), event.PolicyTarget(ID[id.Policy]("target"), "the target"),
			event.DataClassRecordings, flag("shortened"), event.LegalHoldLifted,
		).
			WithOldDays(count[int]("old_days")).WithNewDays(count[int]("new_days")).
			WithGovernanceActionID(ID[id.Governance]("governance_action_id")),
		event.NewTenantSettingsUpdated(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			event.SettingGroupOther, changes("changes"), []string{"weakened_controls"},
		).WithGovernanceActionID(ID[id.Governance]("governance_action_id")),
		event.NewAPITokenCreated(
			by(event.User), event.APITokenTarget(ID[id.Token]("target"), "the target"),
			"token_name", ID[id.User]("owner_id"), flag("service_account"), []string{"scopes"},
		).WithExpiresAt(moment("expires_at")),
		event.NewAPITokenRevoked(
			by(event.User), event.APITokenTarget(ID[id.Token]("target"), "the target"),
			ID[id.User]("owner_id"), span("age_seconds", time.Second),
		).
			WithLastUsedAt(moment("last_used_at")).Because(event.APITokenRevokedRevokedByOwner),
		event.NewSecurityIncidentFlagged(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.Incident]("incident_id"), "detector", "object_type",
			[]id.Event{ID[id.Event]("related_events")}, event.AutomaticActionConnectorIsolated,
		).WithObjectID(event.AnyID(ID[id.Safe]("object_id"))),
		event.NewSystemErrorLogged(
			by(event.Connector), event.TenantTarget(ID[id.Org]("target"), "the target"), event.SystemErrorLoggedDependencyUnavailable,
			"fault_code", "component", count[int]("occurrences"), moment("first_seen"),
		).
			WithObjectType("object_type").WithObjectID(event.AnyID(ID[id.Safe]("object_id"))),
	}
}

func platform() []event.Event {
	return []event.Event{
		event.NewPlatformUserInvited(
			by(event.PlatformAdmin).OnPlatform(), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			"invitee_email", "platform_role", moment("expires_at"),
		),
		event.NewPlatformUserRemoved(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(),
			ID[id.User]("subject_user_id"), "platform_role", count[int]("sessions_ended"),
			count[int]("tokens_revoked"),
		),
		event.NewPlatformUserRoleChanged(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(),
			ID[id.User]("subject_user_id"), "old_role", "new_role", flag("privilege_raised"),
		),
		event.NewPlatformUserMFAReset(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(),
			ID[id.User]("subject_user_id"), []string{"methods_removed"}, count[int]("sessions_ended"),
		),
		event.NewPlatformInvitationAccepted(
			by(event.User).OnPlatform(), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			ID[id.User]("member_user_id"), "platform_role", ID[id.User]("invited_by"),
			event.PlatformAcceptedViaSSOMatch,
		),
		event.NewPlatformUserInviteRejected(
			by(event.User).OnPlatform(), event.InvitationTarget(ID[id.Invitation]("target"), "the target"), event.PlatformUserInviteRejectedNotPermitted,
			event.InviteRejectionInvitee, "invitee_email", "platform_role",
		),
		event.NewPlatformSelfRemovalBlocked(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(), event.PlatformSelfRemovalBlockedSelfRemoval,
			ID[id.User]("subject_user_id"), "platform_role",
		),
		event.NewPlatformLastAdminRemovalBlocked(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(), event.PlatformLastAdminRemovalBlockedLastAdmin,
			ID[id.User]("subject_user_id"), event.RemovalAttemptDemote, flag("self"),
		),
		event.NewPlatformLastAdminMFAResetBlocked(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(), event.PlatformLastAdminMFAResetBlockedLastAdmin,
			ID[id.User]("subject_user_id"), flag("self"),
		),
		event.NewPlatformUsersListed(
			by(event.PlatformAdmin).OnPlatform(), event.PlatformTarget(),
			event.ReadViaAPI, []string{"filters"}, count[int]("rows_returned"),
		),
		event.NewPlatformInvitationsListed(
			by(event.PlatformAdmin).OnPlatform(), event.InvitationTarget(ID[id.Invitation]("target"), "the target"),
			event.ReadViaAPI, []string{"filters"}, count[int]("rows_returned"),
		),
	}
}

func governance() []event.Event {
	return []event.Event{
		event.NewOrgGovernanceActionRequested(
			by(event.TenantAdmin), event.GovernanceTarget(ID[id.Governance]("target"), "the target"),
			"action_kind", "summary", digest("payload_digest"),
		).WithExpiresAt(moment("expires_at")),
		event.NewOrgGovernanceActionApproved(
			by(event.OrgAdmin), event.GovernanceTarget(ID[id.Governance]("target"), "the target"),
			"action_kind", ID[id.User]("requester_id"), span("waited_seconds", time.Second),
		).
			WithEffectEvent(ID[id.Event]("effect_event")).WithComment("comment"),
		event.NewOrgGovernanceActionRejected(
			by(event.OrgAdmin), event.GovernanceTarget(ID[id.Governance]("target"), "the target"),
			"action_kind", ID[id.User]("requester_id"), span("waited_seconds", time.Second),
		).
			WithComment("comment").Because(event.OrgGovernanceActionRejectedRejected),
		event.NewPlatformCrossOrgGovernanceViewed(
			by(event.PlatformAdmin), event.GovernanceTarget(ID[id.Governance]("target"), "the target"),
			[]string{"filters"}, count[int]("rows_returned"),
		).WithOrgsShown(count[int]("orgs_shown")),
		event.NewOrgGovernanceQueueExported(
			by(event.OrgAdmin), event.GovernanceTarget(ID[id.Governance]("target"), "the target"),
			event.QueueExportFormatCSV, flag("cross_org"), count[int64]("row_count"),
		).
			WithExportID(ID[id.Export]("export_id")).WithFileSHA256(digest("file_sha256")),
		event.NewOrgGovernanceSelfApprovalBlocked(
			by(event.User), event.GovernanceTarget(ID[id.Governance]("target"), "the target"), event.OrgGovernanceSelfApprovalBlockedSelfApproval,
			event.CaseKindMFARecovery, event.AnyID(ID[id.Safe]("case_id")), ID[id.User]("requester_id"),
			event.DecidedViaAPIToken,
		),
	}
}

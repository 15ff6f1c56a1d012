package eventtest

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

func connectors() []event.Event {
	return []event.Event{
		event.NewAgentPairingInitiated(
			by(event.TenantAdmin), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			ID[id.Enrolment]("enrolment_token_id"), "connector_name", flag("re_pairing"), moment("expires_at"),
		).WithAllowedCIDRs([]string{"allowed_cidrs"}),
		event.NewAgentPairingCompleted(
			by(event.Connector), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			ID[id.Enrolment]("enrolment_token_id"), ID[id.User]("initiated_by"), "certificate_serial",
			digest("certificate_fingerprint"), moment("certificate_not_after"), "agent_version",
		),
		event.NewAgentPairingFailed(
			by(event.Connector), event.AgentTarget(ID[id.Connector]("target"), "the target"), event.AgentPairingFailedTokenUnknown,
			count[int]("coalesced"),
		).
			WithEnrolmentTokenID(ID[id.Enrolment]("enrolment_token_id")).WithAgentVersion("agent_version"),
		event.NewAgentHeartbeatReceived(
			by(event.Connector), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			flag("first_on_connection"), moment("window_start"), moment("window_end"), count[int]("heartbeats"),
			span("max_gap_seconds", time.Second), count[int]("active_sessions"), "agent_version",
		),
		event.NewAgentConnectivityCheck(
			by(event.TenantAdmin), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			event.CheckKindLiveness,
		).
			WithOldState(event.ConnectorStateNeedsRecovery).WithNewState(event.ConnectorStateNeedsRecovery).
			WithResourceID(ID[id.Resource]("resource_id")).WithLatency(span("latency_ms", time.Millisecond)).
			WithMissedHeartbeats(count[int]("missed_heartbeats")),
		event.NewConnectorRegistration(
			by(event.Connector), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			"agent_version", "hostname", "os", []string{"capabilities"}, digest("certificate_fingerprint"),
		).WithNetworkZone("network_zone"),
		event.NewConnectorUpgrade(
			by(event.Connector), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			"old_version", "new_version", event.VersionDirectionDown,
		).
			WithOrderedBy(ID[id.User]("ordered_by")).WithArtifactDigest(digest("artifact_digest")),
		event.NewConnectorDecommissioned(
			by(event.TenantAdmin), event.AgentTarget(ID[id.Connector]("target"), "the target"),
			"certificate_serial", count[int]("sessions_ended"), count[int]("resources_left_without_connector"),
			flag("was_active"),
		),
	}
}

func identity() []event.Event {
	return []event.Event{
		event.NewUserAccessRequestCreated(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.AccessReq]("access_request_id"), event.ApprovalModeFourEyes, count[int]("approvals_needed"),
			moment("requested_from"), moment("requested_until"),
		).
			WithJustification("justification").WithTicketRef("ticket_ref"),
		event.NewAccessRequestApproved(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.AccessReq]("access_request_id"), ID[id.User]("requester_id"), count[int]("approvals_have"),
			count[int]("approvals_needed"), flag("final"),
		).
			WithAccessUntil(moment("access_until")).WithComment("comment"),
		event.NewAccessRequestRejected(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.AccessReq]("access_request_id"), ID[id.User]("requester_id"), count[int]("approvals_have"),
		).
			WithComment("comment").Because(event.AccessRequestRejectedRejectedByApprover),
		event.NewAccessDelegationGranted(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.Delegation]("delegation_id"), ID[id.User]("delegator_id"), ID[id.User]("delegate_id"),
			event.DelegatedRightApprove, moment("starts_at"), moment("ends_at"),
		),
		event.NewAccessDelegationRevoked(
			by(event.User), event.SafeTarget(ID[id.Safe]("target"), "the target"),
			ID[id.Delegation]("delegation_id"), ID[id.User]("delegator_id"), ID[id.User]("delegate_id"),
			event.DelegatedRightApprove, count[int]("sessions_ended"),
		).Because(event.AccessDelegationRevokedRevokedByDelegator),
		event.NewRoleAssignmentChanged(
			by(event.TenantAdmin), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), flag("privilege_raised"), event.RoleSourceSCIM,
		).
			WithOldRole("old_role").WithNewRole("new_role"),
		event.NewPolicyAssignmentChanged(
			by(event.TenantAdmin), event.PolicyTarget(ID[id.Policy]("target"), "the target"),
			ID[id.Safe]("safe_id"), event.AssignmentChangeEdited, changes("changes"),
			[]string{"weakened_controls"},
		).WithGovernanceActionID(ID[id.Governance]("governance_action_id")),
		event.NewMFAChallengeTriggered(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Challenge]("challenge_id"), event.MFAPurposeSensitiveAction,
			[]string{"methods_offered"},
		).WithSafeID(ID[id.Safe]("safe_id")),
		event.NewMFAVerificationSucceeded(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.Challenge]("challenge_id"), event.MFAMethodBackupCode,
			event.MFAPurposeSensitiveAction,
		).
			WithCredentialID(ID[id.Factor]("credential_id")).WithUserVerified(flag("user_verified")),
		event.NewMFAVerificationFailed(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"), event.MFAVerificationFailedBadCode,
			ID[id.User]("subject_user_id"), ID[id.Challenge]("challenge_id"), event.MFAMethodBackupCode,
			event.MFAPurposeSensitiveAction, count[int]("failed_count"), flag("locked_out"),
		),
		event.NewMFASessionsInvalidated(
			by(event.User), event.TenantTarget(ID[id.Org]("target"), "the target"),
			ID[id.User]("subject_user_id"), event.InvalidationCauseRecoveryCompleted,
			count[int]("sessions_ended"), count[int]("tokens_revoked"), ID[id.Event]("caused_by"),
		),
		event.NewMFARecoveryRequested(
			by(event.User), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), []string{"lost_methods"},
		),
		event.NewMFARecoveryVerified(
			by(event.User), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), event.ProofChannelEmail,
			count[int]("attempts"),
		),
		event.NewMFARecoveryPendingAdminApproval(
			by(event.System), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), count[int]("approvers_notified"),
			moment("expires_at"),
		),
		event.NewMFARecoveryApproved(
			by(event.OrgAdmin), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), span("waited_seconds", time.Second),
		).WithComment("comment"),
		event.NewMFARecoveryDenied(
			by(event.OrgAdmin), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), span("waited_seconds", time.Second),
		).WithComment("comment"),
		event.NewMFARecoveryGrantIssued(
			by(event.OrgAdmin), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), ID[id.RecoveryGrant]("grant_id"),
			moment("expires_at"), event.GrantDeliveryAdminConsole,
		).WithReplacesGrantID(ID[id.RecoveryGrant]("replaces_grant_id")),
		event.NewMFARecoveryGrantConsumed(
			by(event.User), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
		).
			WithRecoveryID(ID[id.Recovery]("recovery_id")).WithSubjectUserID(ID[id.User]("subject_user_id")).
			WithGrantID(ID[id.RecoveryGrant]("grant_id")),
		event.NewMFARecoveryExpired(
			by(event.System), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), event.RecoveryStageGrant,
		).WithGrantID(ID[id.RecoveryGrant]("grant_id")),
		event.NewMFARecoveryCompleted(
			by(event.User), event.RecoveryTarget(ID[id.Recovery]("target"), "the target"),
			ID[id.Recovery]("recovery_id"), ID[id.User]("subject_user_id"), ID[id.RecoveryGrant]("grant_id"),
			event.FactorKindWebAuthn, []string{"methods_removed"},
		),
		event.NewMFABackupCodesGenerated(
			by(event.User), event.CodeSetTarget(ID[id.CodeSet]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.CodeSet]("set_id"), count[int]("code_count"),
		),
		event.NewMFABackupCodesUsed(
			by(event.User), event.CodeSetTarget(ID[id.CodeSet]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.CodeSet]("set_id"), ID[id.Challenge]("challenge_id"),
			count[int]("codes_left"),
		),
		event.NewMFABackupCodesRegenerated(
			by(event.User), event.CodeSetTarget(ID[id.CodeSet]("target"), "the target"),
			ID[id.User]("subject_user_id"), ID[id.CodeSet]("set_id"), ID[id.CodeSet]("replaced_set_id"),
			count[int]("unused_codes_voided"), count[int]("code_count"),
		),
	}
}

package eventtest

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

func accounts() []event.Event {
	return []event.Event{
		event.NewPrivilegedAccountCreated(
			by(event.TenantAdmin), event.AccountTarget(ID[id.Account]("target"), "the target"),
			"account_name", "platform", event.CredentialKindJIT, flag("discovered"),
		).
			WithResourceID(ID[id.Resource]("resource_id")).
			WithRotationPolicyID(ID[id.RotationPolicy]("rotation_policy_id")),
		event.NewPrivilegedAccountUpdated(
			by(event.TenantAdmin), event.AccountTarget(ID[id.Account]("target"), "the target"),
			changes("changes"), flag("credential_replaced"), flag("enabled_again"),
		),
		event.NewPrivilegedAccountDisabled(
			by(event.TenantAdmin), event.AccountTarget(ID[id.Account]("target"), "the target"),
			event.DisableModeDeleted, count[int]("leases_revoked"), count[int]("sessions_ended"),
		),
		event.NewCredentialCheckoutStarted(
			by(event.User), event.AccountTarget(ID[id.Account]("target"), "the target"),
			ID[id.Safe]("safe_id"), flag("exclusive"), event.CredentialKindJIT,
		).
			WithCheckoutID(ID[id.Checkout]("checkout_id")).
			WithAccessRequestID(ID[id.AccessReq]("access_request_id")).WithExpiresAt(moment("expires_at")),
		event.NewCredentialCheckoutCompleted(
			by(event.User), event.AccountTarget(ID[id.Account]("target"), "the target"),
			ID[id.Checkout]("checkout_id"), ID[id.Safe]("safe_id"),
		).
			WithSecretVersion(count[int]("secret_version")).WithJITUsername("jit_username").
			WithExpiresAt(moment("expires_at")),
		event.NewCredentialCheckinCompleted(
			by(event.User), event.AccountTarget(ID[id.Account]("target"), "the target"),
			ID[id.Checkout]("checkout_id"), ID[id.Safe]("safe_id"), event.LeaseEndAccountDisabled,
			span("held_seconds", time.Second), flag("jit_revoked"), flag("rotation_scheduled"),
		),
		event.NewCredentialRotationStarted(
			by(event.User), event.AccountTarget(ID[id.Account]("target"), "the target"),
			ID[id.Rotation]("rotation_id"), event.RotationTriggerIncident, event.CredentialKindJIT,
			count[int]("attempt"),
		).WithConnectorID(ID[id.Connector]("connector_id")),
		event.NewCredentialRotationCompleted(
			by(event.Connector), event.AccountTarget(ID[id.Account]("target"), "the target"),
			ID[id.Rotation]("rotation_id"), count[int]("secret_version"), count[int]("attempt"),
			span("duration_ms", time.Millisecond), flag("old_version_destroyed"),
		),
		event.NewCredentialRotationFailed(
			by(event.Connector), event.AccountTarget(ID[id.Account]("target"), "the target"), event.CredentialRotationFailedTargetUnreachable,
			ID[id.Rotation]("rotation_id"), count[int]("attempt"), event.TargetStateUnknown,
		).WithNextAttemptAt(moment("next_attempt_at")),
		event.NewSecretAccessed(
			by(event.User), event.SecretTarget(ID[id.Secret]("target"), "the target"),
			ID[id.Account]("account_id"), event.SecretAccessModeRotation, []string{"field_names"},
		).
			WithSecretVersion(count[int]("secret_version")).WithCheckoutID(ID[id.Checkout]("checkout_id")).
			WithSafeID(ID[id.Safe]("safe_id")),
	}
}

func sessions() []event.Event {
	return []event.Event{
		event.NewConnectionDefinitionCreated(
			by(event.TenantAdmin), event.ConnectionTarget(ID[id.Resource]("target"), "the target"),
			event.ProtocolKubernetes, "address_host", count[int]("address_port"),
		).
			WithConnectorID(ID[id.Connector]("connector_id")).WithAccountID(ID[id.Account]("account_id")),
		event.NewConnectionDefinitionUpdated(
			by(event.TenantAdmin), event.ConnectionTarget(ID[id.Resource]("target"), "the target"),
			changes("changes"), flag("address_changed"), flag("account_binding_changed"),
		),
		event.NewConnectionDefinitionDeleted(
			by(event.TenantAdmin), event.ConnectionTarget(ID[id.Resource]("target"), "the target"),
			event.ProtocolKubernetes, "address_host", count[int]("sessions_ended"),
		),
		event.NewSessionStartRequested(
			by(event.User), event.ConnectionTarget(ID[id.Resource]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Safe]("safe_id"), ID[id.Account]("account_id"),
			ID[id.Policy]("policy_id"),
		).
			WithConnectorID(ID[id.Connector]("connector_id")).
			WithAccessRequestID(ID[id.AccessReq]("access_request_id")).WithGrantID(ID[id.Grant]("grant_id")),
		event.NewSessionEstablished(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Resource]("connection_id"), ID[id.Safe]("safe_id"),
			ID[id.Account]("account_id"), ID[id.Grant]("grant_id"), flag("resumed"), event.RecordingModeOff,
		).
			WithConnectorID(ID[id.Connector]("connector_id")).WithExpiresAt(moment("expires_at")),
		event.NewSessionRecordingStarted(
			by(event.Connector).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Recording]("recording_id"), event.ProtocolKubernetes, "recording_format", "storage",
			ID[id.Key]("encryption_key_id"),
		),
		event.NewSessionPolicyEnforced(
			by(event.Connector).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ControlTTL, count[int]("coalesced"),
		).
			WithRuleID(ID[id.Rule]("rule_id")).WithDataDirection(event.DataDirectionFromTarget).
			WithByteCount(count[int64]("byte_count")).Because(event.SessionPolicyEnforcedClipboardBlocked),
		event.NewSessionSuspended(
			by(event.TenantAdmin).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Resource]("connection_id"),
		).
			WithResumeDeadline(moment("resume_deadline")).Because(event.SessionSuspendedAdminPause),
		event.NewSessionTerminatedByUser(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Resource]("connection_id"), ID[id.Account]("account_id"),
			span("duration_seconds", time.Second), count[int64]("bytes_to_target"),
			count[int64]("bytes_from_target"),
		).WithRecordingID(ID[id.Recording]("recording_id")),
		event.NewSessionTerminatedByAdmin(
			by(event.TenantAdmin).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Resource]("connection_id"), ID[id.Account]("account_id"),
			ID[id.User]("session_user_id"), span("duration_seconds", time.Second),
		).
			WithComment("comment").WithRecordingID(ID[id.Recording]("recording_id")).
			Because(event.SessionTerminatedByAdminAdminOrder),
		event.NewSessionTerminatedBySystem(
			by(event.Connector).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.ProtocolKubernetes, ID[id.Resource]("connection_id"), ID[id.Account]("account_id"),
			ID[id.User]("session_user_id"), span("duration_seconds", time.Second),
		).
			WithCausedBy(ID[id.Event]("caused_by")).WithRecordingID(ID[id.Recording]("recording_id")).
			Because(event.SessionTerminatedBySystemTTL),
		event.NewSessionRecordingFinalized(
			by(event.System).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Recording]("recording_id"), count[int64]("size_bytes"), span("duration_seconds", time.Second),
			digest("root_hash"), count[int]("parts"), moment("retention_until"),
		),
		event.NewSessionPlaybackAccessed(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			event.PlaybackModeLiveView, ID[id.User]("session_user_id"), flag("own_session"),
		).WithRecordingID(ID[id.Recording]("recording_id")),
		event.NewHTTPSessionStarted(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Resource]("connection_id"), ID[id.Grant]("grant_id"), "origin",
		).
			WithTLSVersion("tls_version").WithUserAgent("user_agent"),
		event.NewHTTPSessionEnded(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Resource]("connection_id"), count[int]("requests"), count[int]("denied_requests"),
			count[int]("injections"), count[int64]("bytes_to_target"), count[int64]("bytes_from_target"),
			span("duration_seconds", time.Second),
		),
		event.NewHTTPURLDenied(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"), event.HTTPURLDeniedMethodNotAllowed,
			ID[id.Resource]("connection_id"), "http_method", "host", "path_template", ID[id.Rule]("rule_id"),
			count[int]("coalesced"),
		),
		event.NewHTTPCredentialInjected(
			by(event.Connector).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Resource]("connection_id"), ID[id.Account]("account_id"), event.InjectionMethodClientCert,
			"origin",
		).WithSecretVersion(count[int]("secret_version")),
	}
}

func proxy() []event.Event {
	return []event.Event{
		event.NewProxySSHSessionOpened(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Resource]("connection_id"), ID[id.Account]("account_id"), ID[id.Grant]("grant_id"),
			"upstream_host", count[int]("upstream_port"), "host_key_fingerprint", "client_version",
			event.FirstChannelPortForward,
		),
		event.NewProxySSHSessionClosed(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Resource]("connection_id"), count[int]("channels"), count[int64]("bytes_to_target"),
			count[int64]("bytes_from_target"), span("duration_seconds", time.Second),
		).
			WithExitStatus(count[int]("exit_status")).Because(event.ProxySSHSessionClosedClientDisconnect),
		event.NewProxySSHAuthRejected(
			by(event.User).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"), event.ProxySSHAuthRejectedGrantInvalid,
			"client_version", count[int]("coalesced"),
		).
			WithGrantID(ID[id.Grant]("grant_id")).WithKeyFingerprint("key_fingerprint").
			WithClaimedUser("claimed_user"),
		event.NewProxySSHRecordingWritten(
			by(event.Connector).InSession(ID[id.Session]("target")), event.SessionTarget(ID[id.Session]("target"), "the target"),
			ID[id.Recording]("recording_id"), count[int64]("size_bytes"), count[int64]("frames"), "storage",
		).WithContentSHA256(digest("content_sha256")),
	}
}

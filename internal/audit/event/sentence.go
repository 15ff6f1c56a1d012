package event

import (
	"fmt"
	"strings"
)

// Sentence tells an event to a person: who did what to what, and how it went. It
// is made from the envelope alone, so an old event reads as it always did.
func Sentence(e Envelope) string {
	who := e.Actor.Name
	switch {
	case e.Actor.Type == System:
		who = "VaultPAM"
	case who == "":
		who = "Somebody"
	}
	past, infinitive, ok := strings.Cut(phrases[e.Constant], "|")
	if !ok {
		past, infinitive = "recorded", "record "+e.Event // an event of a newer version
	}
	verb, rest, _ := strings.Cut(infinitive, " ")
	rest = fill(rest, e)
	why := strings.ReplaceAll(e.Reason, "_", " ")
	switch {
	case e.Constant == SESSION_POLICY_ENFORCED: // what is denied there is not what VaultPAM does
	case e.Outcome == Denied:
		return trim(who + " was not allowed to " + verb + " " + rest + because(why))
	case e.Outcome == Failure:
		return trim(who + " tried to " + verb + " " + rest + ", which failed" + because(why))
	}
	return trim(who + " " + past + " " + rest + because(why))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

func trim(s string) string { return strings.Join(strings.Fields(s), " ") }

// fill puts the target's name for {} and a metadata field for {name}; a part in
// square brackets is left out when a field in it is empty.
func fill(text string, e Envelope) string {
	for {
		open := strings.IndexByte(text, '[')
		end := strings.IndexByte(text, ']')
		if open < 0 || end < open {
			break
		}
		part, whole := values(text[open+1:end], e)
		if !whole {
			part = ""
		}
		text = text[:open] + part + text[end+1:]
	}
	out, _ := values(text, e)
	return out
}

func values(text string, e Envelope) (string, bool) {
	whole := true
	for {
		open := strings.IndexByte(text, '{')
		end := strings.IndexByte(text, '}')
		if open < 0 || end < open {
			return text, whole
		}
		v := e.Target.Name
		if name := text[open+1 : end]; name != "" {
			v = ""
			if m, ok := e.Metadata[name]; ok && m != nil {
				v = strings.ReplaceAll(fmt.Sprint(m), "_", " ")
			}
		}
		whole = whole && v != ""
		v = strings.NewReplacer("{", "(", "}", ")").Replace(v) // a value is not a template
		text = text[:open] + v + text[end+1:]
	}
}

// phrases are "past|infinitive rest": what the actor did, for each constant.
var phrases = map[Constant]string{
	AGENT_PAIRING_INITIATED:  "minted|mint an enrolment token for connector {connector_name}",
	AGENT_PAIRING_COMPLETED:  "paired|pair itself as connector {}",
	AGENT_PAIRING_FAILED:     "enrolled|enrol as a connector",
	AGENT_HEARTBEAT_RECEIVED: "sent|send {heartbeats} heartbeats",
	AGENT_CONNECTIVITY_CHECK: "checked|check the connection of {}[, now {new_state}]",
	CONNECTOR_REGISTRATION:   "registered|register connector {}",
	CONNECTOR_UPGRADE:        "moved|move connector {} from version {old_version} to {new_version}",
	CONNECTOR_DECOMMISSIONED: "decommissioned|decommission connector {}",

	USER_ACCESS_REQUEST_CREATED: "requested|request access to safe {}",
	ACCESS_REQUEST_APPROVED:     "approved|approve a request for safe {}",
	ACCESS_REQUEST_REJECTED:     "closed|close a request for safe {} without access",
	ACCESS_DELEGATION_GRANTED:   "lent|lend their right to {right} on safe {}",
	ACCESS_DELEGATION_REVOKED:   "ended|end a delegation on safe {}",
	ROLE_ASSIGNMENT_CHANGED:     "changed|change a member's role[ from {old_role}][ to {new_role}] in {}",
	POLICY_ASSIGNMENT_CHANGED:   "changed|change the policy of safe {}[ ({assignment_change})]",

	MFA_CHALLENGE_TRIGGERED:             "was|be asked for a second factor ({mfa_purpose})",
	MFA_VERIFICATION_SUCCEEDED:          "proved|prove a second factor ({mfa_method})",
	MFA_VERIFICATION_FAILED:             "proved|prove a second factor ({mfa_method})",
	MFA_SESSIONS_INVALIDATED:            "ended|end {sessions_ended} sign-ins and {tokens_revoked} tokens after {invalidation_cause}",
	MFA_RECOVERY_REQUESTED:              "asked|ask for recovery of a second factor",
	MFA_RECOVERY_VERIFIED:               "proved|prove their e-mail address for a recovery",
	MFA_RECOVERY_PENDING_ADMIN_APPROVAL: "put|put a recovery before the administrators",
	MFA_RECOVERY_APPROVED:               "approved|approve a recovery",
	MFA_RECOVERY_DENIED:                 "turned|turn down a recovery",
	MFA_RECOVERY_GRANT_ISSUED:           "issued|issue a recovery grant",
	MFA_RECOVERY_GRANT_CONSUMED:         "used|use a recovery grant",
	MFA_RECOVERY_EXPIRED:                "let|let a recovery expire",
	MFA_RECOVERY_COMPLETED:              "completed|complete a recovery with a new factor",
	MFA_BACKUP_CODES_GENERATED:          "received|receive {code_count} backup codes",
	MFA_BACKUP_CODES_USED:               "used|use a backup code, {codes_left} are left",
	MFA_BACKUP_CODES_REGENERATED:        "replaced|replace their backup codes",

	PRIVILEGED_ACCOUNT_CREATED:    "put|put account {} under management",
	PRIVILEGED_ACCOUNT_UPDATED:    "changed|change account {}",
	PRIVILEGED_ACCOUNT_DISABLED:   "took|take account {} out of use ({mode})",
	CREDENTIAL_CHECKOUT_STARTED:   "began|begin to check out account {}",
	CREDENTIAL_CHECKOUT_COMPLETED: "checked|check out account {}",
	CREDENTIAL_CHECKIN_COMPLETED:  "checked|check in account {}",
	CREDENTIAL_ROTATION_STARTED:   "began|begin to rotate the credential of {}",
	CREDENTIAL_ROTATION_COMPLETED: "rotated|rotate the credential of {}",
	CREDENTIAL_ROTATION_FAILED:    "rotated|rotate the credential of {}",
	SECRET_ACCESSED:               "used|use the credential of {} ({secret_access_mode})",

	CONNECTION_DEFINITION_CREATED: "created|create resource {} at {address_host}:{address_port}",
	CONNECTION_DEFINITION_UPDATED: "changed|change resource {}",
	CONNECTION_DEFINITION_DELETED: "deleted|delete resource {}",
	SESSION_START_REQUESTED:       "asked|ask for a session on {}",
	SESSION_ESTABLISHED:           "opened|open a session in safe {}",
	SESSION_RECORDING_STARTED:     "began|begin to record the session in safe {}",
	SESSION_POLICY_ENFORCED:       "enforced|enforce the policy of safe {} on {control}",
	SESSION_SUSPENDED:             "suspended|suspend the session in safe {}",
	SESSION_TERMINATED_BY_USER:    "ended|end their session in safe {} after {duration_seconds} s",
	SESSION_TERMINATED_BY_ADMIN:   "ended|end somebody's session in safe {}[: {comment}]",
	SESSION_TERMINATED_BY_SYSTEM:  "ended|end the session in safe {}",
	SESSION_RECORDING_FINALIZED:   "verified|verify the recording of the session in safe {}",
	SESSION_PLAYBACK_ACCESSED:     "opened|open the recording of a session in safe {} ({playback_mode})",
	HTTP_SESSION_STARTED:          "began|begin a web session in safe {}",
	HTTP_SESSION_ENDED:            "ended|end a web session in safe {}",
	HTTP_URL_DENIED:               "opened|open an address that the rules of safe {} refuse",
	HTTP_CREDENTIAL_INJECTED:      "signed|sign in to {} with its credential",

	AUDIT_LOG_VIEWED:           "read|read the audit log, {rows_returned} events",
	AUDIT_LOG_EXPORT_REQUESTED: "ordered|order an export of the audit log",
	AUDIT_LOG_EXPORT_COMPLETED: "finished|finish an export of the audit log, {row_count} events",
	RETENTION_POLICY_CHANGED:   "changed|change how long data is kept",
	TENANT_SETTINGS_UPDATED:    "changed|change the settings of {} ({setting_group})",
	API_TOKEN_CREATED:          "created|create API token {}",
	API_TOKEN_REVOKED:          "revoked|revoke API token {}",
	SECURITY_INCIDENT_FLAGGED:  "flagged|flag a security incident ({detector})",
	SYSTEM_ERROR_LOGGED:        "did|do its work in {component} ({fault_code})",

	INVITATION_SENT:                 "sent|send an invitation to {invitee_email}",
	INVITATION_ACCEPTED:             "accepted|accept an invitation",
	INVITATION_REVOKED:              "revoked|revoke an invitation",
	INVITATION_RESENT:               "sent|send an invitation again",
	INVITATION_EXPIRED:              "let|let an invitation expire",
	INVITATION_ACCEPT_BLOCKED:       "accepted|accept an invitation",
	INVITE_ACCEPT_STARTED:           "opened|open an invitation",
	INVITE_TOKEN_INVALID_OR_EXPIRED: "opened|open an invitation with a link that is no good",
	INVITE_EMAIL_MISMATCH_BLOCKED:   "accepted|accept an invitation for another address",
	INVITE_ACCEPTED:                 "accepted|accept an invitation by its link",
	ORG_SUBMISSION_STARTED:          "began|begin to submit an organization",
	ORG_SUBMISSION_SUBMITTED:        "submitted|submit an organization",
	ORG_SUBMISSION_APPROVED:         "approved|approve the organization {}",
	ORG_SUBMISSION_REJECTED:         "rejected|reject the organization {}",
	PROVIDER_FLOW_FAILED:            "signed|sign in by an identity provider",
	PENDING_STATE_VIEWED:            "looked|look at what they are waiting for",

	PLATFORM_USER_INVITED:                 "invited|invite {invitee_email} to operate the platform",
	PLATFORM_USER_REMOVED:                 "removed|remove an operator of the platform",
	PLATFORM_USER_ROLE_CHANGED:            "changed|change the role of an operator of the platform",
	PLATFORM_USER_MFA_RESET:               "reset|reset the second factors of an operator",
	PLATFORM_INVITATION_ACCEPTED:          "accepted|accept to operate the platform",
	PLATFORM_USER_INVITE_REJECTED:         "rejected|reject an invitation to operate the platform",
	PLATFORM_SELF_REMOVAL_BLOCKED:         "removed|remove themselves from the platform",
	PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED:   "removed|remove the last administrator of the platform",
	PLATFORM_LAST_ADMIN_MFA_RESET_BLOCKED: "reset|reset the second factors of the last administrator",
	PLATFORM_USERS_LISTED:                 "listed|list the operators of the platform",
	PLATFORM_INVITATIONS_LISTED:           "listed|list the invitations of the platform",

	GROUP_CREATED:                    "created|create a group",
	GROUP_UPDATED:                    "changed|change a group",
	GROUP_DELETED:                    "deleted|delete a group",
	GROUP_MEMBER_ADDED:               "added|add a member to a group",
	GROUP_MEMBER_REMOVED:             "removed|remove a member from a group",
	SAFE_GROUP_ASSIGNMENT_CREATED:    "gave|give a group access to safe {}",
	SAFE_GROUP_ASSIGNMENT_UPDATED:    "changed|change the access of a group to safe {}",
	SAFE_GROUP_ASSIGNMENT_REMOVED:    "took|take from a group its access to safe {}",
	SAFE_MEMBER_ADDED:                "added|add a member to safe {} as {role}",
	SAFE_MEMBER_ROLE_UPDATED:         "changed|change a member of safe {} from {old_role} to {new_role}",
	SAFE_MEMBER_REMOVED:              "removed|remove a member from safe {}",
	SAFE_DERIVED_ACCESS_GRANTED:      "gave|give a person access to safe {} through a group",
	SAFE_DERIVED_ACCESS_REVOKED:      "took|take from a person access to safe {} through a group",
	SAFE_DERIVED_ACCESS_ROLE_CHANGED: "changed|change a person's role on safe {} through a group",
	GROUP_MUTATION_DENIED:            "changed|change membership ({denied_operation})",

	ORG_GOVERNANCE_ACTION_REQUESTED:      "asked|ask for a change that needs a second person",
	ORG_GOVERNANCE_ACTION_APPROVED:       "approved|approve a change that needs a second person",
	ORG_GOVERNANCE_ACTION_REJECTED:       "rejected|reject a change that needs a second person",
	PLATFORM_CROSS_ORG_GOVERNANCE_VIEWED: "looked|look at the changes that wait, across organizations",
	ORG_GOVERNANCE_QUEUE_EXPORTED:        "exported|export the changes that wait",
	ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED: "approved|approve their own request",

	PHONE_VERIFICATION_CODE_SENT:                              "received|receive a code by telephone",
	PHONE_VERIFICATION_SUCCEEDED:                              "verified|verify a telephone number",
	PHONE_VERIFICATION_FAILED:                                 "verified|verify a telephone number",
	PHONE_VERIFICATION_EXPIRED:                                "let|let a telephone code expire",
	PHONE_CHANGE_REQUESTED:                                    "asked|ask to change a telephone number",
	PHONE_CHANGE_COMMITTED:                                    "changed|change a telephone number",
	PHONE_CHANGE_ABANDONED:                                    "gave|give up the change of a telephone number",
	AUDIT_PHONE_DIGEST_KEY_ROTATED:                            "rotated|rotate the key of the telephone digests",
	PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE: "sent|send a telephone code",
	PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED:              "reached|reach the telephone provider at start",
	PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT:           "sent|send a telephone code",
	PHONE_CHANGE_CONCURRENT_MODIFICATION:                      "changed|change a telephone number that was changed meanwhile",
	PHONE_CHANGE_CANCEL:                                       "cancelled|cancel the change of a telephone number",
	USERS_PHONE_PROPAGATED_FROM_REGISTRATION:                  "took|take over the telephone number of a registration",
	USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT:                  "left|leave a telephone number that differs from the registration's",

	PROXY_SSH_SESSION_OPENED:    "connected|connect by SSH to {upstream_host}:{upstream_port} ({first_channel})",
	PROXY_SSH_SESSION_CLOSED:    "closed|close the SSH connection of safe {}",
	PROXY_SSH_AUTH_REJECTED:     "signed|sign in to the SSH gateway[ as {claimed_user}]",
	PROXY_SSH_RECORDING_WRITTEN: "stored|store the recording of the session in safe {}",

	AUTH_SIGN_IN_SUCCEEDED:   "signed|sign in",
	AUTH_SIGN_IN_FAILED:      "signed|sign in",
	AUTH_SIGNED_OUT:          "signed|sign out",
	AUTH_LOCKED:              "locked|lock an account after too many wrong answers",
	AUTH_DEVICE_DECIDED:      "answered|answer a device that asked to sign in ({device_decision})",
	MFA_FACTOR_ENROLLED:      "enrolled|enrol a second factor",
	MFA_FACTOR_REMOVED:       "removed|remove a second factor",
	MFA_FACTOR_RENAMED:       "renamed|rename a second factor to {new_name}",
	SSH_KEY_ADDED:            "registered|register an SSH key",
	SSH_KEY_REMOVED:          "removed|remove an SSH key",
	PASSWORD_CHANGED:         "set|set a password",
	ORGANIZATION_CREATED:     "created|create the organization {}",
	PLATFORM_SETUP_COMPLETED: "set|set up the platform",

	ROOT_KEY_ROTATION:           "rotated|rotate the root key of the installation ({rotation_stage})",
	ORG_KEY_ROTATED:             "rotated|rotate the encryption key of {}",
	LEDGER_KEY_ROTATED:          "rotated|rotate the key that signs {}",
	LEDGER_RESUMED:              "resumed|resume {}[, which was stopped: {stop_reason}]",
	SSH_CERTIFICATE_ISSUED:      "got|get an SSH certificate[ until {expires_at}]",
	PLATFORM_SETUP_LINK_CREATED: "made|make a link to set up the platform",
	ORGANIZATION_STATE_CHANGED:  "changed|change the state of the organization {}",
	PASSWORD_RESET_REQUESTED:    "asked|ask for a new password",
	MAIL_ORDERED:                "sent|send a message by hand ({mail_order})",
	AUTH_ACT_REFUSED:            "took|take the step {refused_act}",
	MEMBER_SUSPENDED:            "suspended|suspend a member of {}",
	MEMBER_RESUMED:              "resumed|resume a suspended member of {}",
	ACCESS_POLICY_CHANGED:       "changed|change the policy {} ({policy_change})",
	PHONE_NUMBER_REMOVED:        "removed|remove their telephone number",
	ACCESS_GRANT_OPENED:         "opened|open access to {} without approval ({opened_by}) until {ends_at}",
	ACCESS_GRANT_ENDED:          "ended|end access to {} that was granted for a time[: {comment}]",
	ACCESS_REQUEST_COMMENTED:    "commented|comment on a request for access to {}",
	NOTICE_PREFERENCE_CHANGED:   "chose|choose how to hear of {notice_kind} (e-mail {email_when})",
	ACCESS_REVIEW_OPENED:        "opened|open the access review {review_name}",
	ACCESS_REVIEW_ITEM_DECIDED:  "decided|decide a right in an access review: {verdict}, {review_result}",
	ACCESS_REVIEW_CLOSED:        "closed|close the access review {review_name}",
	ACCESS_REVIEW_CANCELLED:     "cancelled|cancel the access review {review_name}",
	ACCESS_REVIEW_EXPORTED:      "exported|export an access review as evidence",
}

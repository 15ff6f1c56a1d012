package session

import (
	"fmt"
	"strings"
)

// Reason is why a session ended when its user did not end it.
type Reason string

// The reasons of SESSION_TERMINATED_BY_SYSTEM, and the one of an administrator's order.
const (
	ReasonNone             Reason = ""
	ReasonTTL              Reason = "ttl"
	ReasonIdle             Reason = "idle"
	ReasonValidHoursEnd    Reason = "valid_hours_end"
	ReasonAccessRevoked    Reason = "access_revoked"
	ReasonAccountDisabled  Reason = "account_disabled"
	ReasonRecordingFailed  Reason = "recording_failed"
	ReasonAuditUnavailable Reason = "audit_unavailable"
	ReasonPolicyViolation  Reason = "policy_violation"
	ReasonUpstreamClosed   Reason = "upstream_closed"
	ReasonShutdown         Reason = "shutdown"
	ReasonAdminOrder       Reason = "admin_order"
)

// planned tells an end that was known when the session began from a forced one.
func (r Reason) planned() bool {
	return r == ReasonTTL || r == ReasonIdle || r == ReasonValidHoursEnd
}

// Cause is who ended a session and why. The zero Cause means that nobody has.
type Cause struct {
	By      EndedBy
	Reason  Reason
	Who     string // ByAdmin: the administrator's name
	Comment string // ByAdmin: what they wrote; may be empty
}

var sentences = map[Reason]string{
	ReasonNone:             "Session ended.",
	ReasonTTL:              "Session ended: it reached the longest time that this safe allows. Connect again to go on.",
	ReasonIdle:             "Session ended: nothing was typed or sent for as long as this safe allows. Connect again to go on.",
	ReasonValidHoursEnd:    "Session ended: the hours in which this safe may be used are over.",
	ReasonAccessRevoked:    "Session ended: your access to this safe was taken away. Ask a manager of the safe if you still need it.",
	ReasonAccountDisabled:  "Session ended: the account that it used was disabled. Ask an administrator if you still need it.",
	ReasonRecordingFailed:  "Session ended: it could no longer be recorded. Tell an administrator, and try again later.",
	ReasonAuditUnavailable: "Session ended: the audit log could not be written. Tell an administrator, and try again later.",
	ReasonPolicyViolation:  "Session ended: something in it is forbidden by the policy of this safe.",
	ReasonUpstreamClosed:   "Session ended: the connection to the target broke.",
	ReasonShutdown:         "Session ended: this VaultPAM server is stopping. Connect again in a moment.",
}

// Sentence is what the person at the terminal is told. It holds no control characters.
func (c Cause) Sentence() string {
	if c.By != ByAdmin {
		return sentences[c.Reason]
	}
	who := printable(c.Who)
	if who == "" {
		who = "an administrator"
	}
	if comment := printable(c.Comment); comment != "" {
		return fmt.Sprintf("Session ended by %s: %s", who, comment)
	}
	return fmt.Sprintf("Session ended by %s.", who)
}

// printable keeps a name or comment from steering the terminal that shows it.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s))
}

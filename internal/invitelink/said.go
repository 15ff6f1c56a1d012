// Package invitelink says what the holder of an invitation's link is told when it is not
// good: the same words for invitations into an organization and to operate the platform.
package invitelink

import (
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// Said is what the person with the link is told.
func Said(why event.InviteTokenInvalidOrExpiredReason) *fault.Error {
	switch why {
	case event.InviteTokenInvalidOrExpiredExpired:
		return fault.New(fault.Conflict, "this invitation has expired: ask for a new one").WithCode("INVITATION_EXPIRED")
	case event.InviteTokenInvalidOrExpiredRevoked:
		return fault.New(fault.Conflict, "this invitation was withdrawn: ask who invited you").WithCode("INVITATION_REVOKED")
	case event.InviteTokenInvalidOrExpiredSuperseded:
		return fault.New(fault.Conflict, "a newer message has replaced this link: use the link in the newest one").WithCode("INVITATION_SUPERSEDED")
	case event.InviteTokenInvalidOrExpiredAlreadyUsed:
		return fault.New(fault.Conflict, "this invitation was answered already: sign in").WithCode("INVITATION_USED")
	}
	return fault.New(fault.NotFound, "this link leads nowhere: copy it whole from the message, or ask for a new invitation").WithCode("INVITATION_UNKNOWN")
}

// Dead says why an invitation in this state, whose time may be over, cannot be answered
// any more; dead is false while it can.
func Dead(state string, over bool) (why event.InviteTokenInvalidOrExpiredReason, dead bool) {
	switch {
	case state == "accepted" || state == "declined":
		return event.InviteTokenInvalidOrExpiredAlreadyUsed, true
	case state == "revoked":
		return event.InviteTokenInvalidOrExpiredRevoked, true
	case state == "expired" || over:
		return event.InviteTokenInvalidOrExpiredExpired, true
	}
	return why, false
}

package notify

import "slices"

// KindInfo is what is known of a kind of notice before there is one.
type KindInfo struct {
	Kind  Kind
	Title string // what it tells, for people who choose
	InApp bool   // shown to the person inside the product

	Anywhere bool // shown whichever organization the person is active in
	Required bool // about security: nobody turns it off
	Urgent   bool // somebody waits for an answer: no summaries

	Shared bool // an organization's channels are told too; it carries nothing that is for one person alone
}

// The one table of kinds that more than the mail knows. A kind that is not here goes by
// e-mail to the person it is for, and nowhere else: most carry a one-time link.
var kinds = []KindInfo{
	{Kind: AccessWaitingKind, Title: "Somebody asks for access to a safe", InApp: true, Urgent: true, Shared: true},
	{Kind: AccessDecidedKind, Title: "A request for access was approved, rejected or has lapsed", InApp: true, Shared: true},
	{Kind: AccessEndedKind, Title: "Access was ended before its time", InApp: true, Shared: true},
	{Kind: AccessEmergencyKind, Title: "Somebody opened a safe in an emergency, without approval", InApp: true, Required: true, Shared: true},
	{Kind: RecoveryWaitingKind, Title: "Somebody has lost their second factor and waits for a decision", InApp: true, Required: true, Shared: true},
	{Kind: ChannelFailingKind, Title: "A channel of notices does not work", InApp: true, Required: true, Shared: true},
	{Kind: RecoveryDeniedKind, Title: "Your request for a new second factor was turned down", InApp: true, Required: true},
	{Kind: RecoveryCompletedKind, Title: "Your second factor was replaced", InApp: true, Required: true},
	{Kind: PasswordWasSetKind, Title: "Your password was set", InApp: true, Required: true},
}

// Kinds lists the kinds that an organization's channels can be told of.
func Kinds() []KindInfo {
	return slices.DeleteFunc(slices.Clone(kinds), func(k KindInfo) bool { return !k.Shared })
}

func kindInfo(k Kind) KindInfo {
	for _, i := range kinds {
		if i.Kind == k {
			return i
		}
	}
	return KindInfo{Kind: k}
}
